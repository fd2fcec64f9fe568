/* The fast engine of layered resistive networks against a plain solver of Kirchhoff's laws. */
#include "tests/check.h"

#include "solver/resistive_engine.h"
#include "tests/solver/kirchhoff.h"

enum { MAX_SLOTS = EQS_RESISTIVE_SLOTS };

static const double none[EQS_ENGINE_SLOTS] = {0};

static eqs_resistive_engine *engine_of(const kirchhoff_case *c, eqs_precision precision, int threads,
                                       const eqs_resistive_kernels *kernels)
{
    eqs_resistive_options options = {precision, c->n, threads, kernels};
    eqs_resistive_engine *e;
    assert_ok(eqs_resistive_engine_create(c->net, &options, &e));
    eqs_resistive_engine_set_parameters(e, c->theta);
    return e;
}

static void relax(eqs_resistive_engine *e, const kirchhoff_case *c, double beta, double tolerance)
{
    double both[2] = {beta, -beta};
    eqs_resistive_outcome free, nudged[2];
    eqs_resistive_engine_load(e, c->n, c->x, c->target);
    eqs_resistive_engine_reset(e);
    eqs_resistive_engine_relax_free(e, tolerance, 10000, &free);
    assert_true(free.residual <= tolerance);
    assert_int_equal(free.unconverged, 0);
    assert_ok(eqs_resistive_engine_relax_nudged(e, 2, both, tolerance, 10000, nudged));
    for (int t = 0; t < 2; t++) {
        assert_true(nudged[t].relative <= tolerance);
        assert_int_equal(nudged[t].unconverged, 0);
        assert_true(nudged[t].sweeps >= 0.5 * (double)c->net->n_layers);
    }
}

/* Largest deviation of the engine's voltages (slot 0) or responses (slots 1, 2), relative to the largest of
 * the layer and sample. */
static double deviation(const eqs_resistive_engine *e, const kirchhoff_case *c, double beta)
{
    size_t L = c->net->n_layers - 1;
    double worst = 0.0, free[CASE_LAYERS][CASE_UNITS], nudged[CASE_LAYERS][CASE_UNITS];
    double v[MAX_SLOTS][4 * CASE_UNITS * 4];
    for (size_t k = 1; k <= L; k++) {
        size_t n = c->net->layer[k].units;
        for (size_t slot = 0; slot < MAX_SLOTS; slot++)
            eqs_resistive_engine_voltages(e, slot, k, v[slot]);
        for (size_t b = 0; b < c->n; b++) {
            case_solve(c, b, 0.0, NULL, free);
            for (size_t slot = 0; slot < MAX_SLOTS; slot++) {
                double largest = 0.0, most = 0.0;
                if (slot > 0)
                    case_solve(c, b, slot == 1 ? beta : -beta, free[L], nudged);
                for (size_t i = 0; i < n; i++) {
                    double wanted = slot == 0 ? free[k][i] : nudged[k][i] - free[k][i];
                    double got = v[slot][b * n + i] - (slot == 0 ? 0.0 : v[0][b * n + i]);
                    largest = fmax(largest, fabs(wanted));
                    most = fmax(most, fabs(got - wanted));
                }
                worst = fmax(worst, largest > 0.0 ? most / largest : most);
            }
        }
    }
    return worst;
}

typedef struct variant {
    const char *name;
    size_t units[CASE_LAYERS], n_layers, n;
    bool doubled, differential;
    double bias_source, amplifier;
    eqs_back_gain back;
    eqs_diode_layout layout;
    eqs_diode_law law;
    eqs_cost cost;
    eqs_nudge_form nudge;
} variant;

/* output layers of 3 and 36 nodes: both storage schemes */
static const variant variants[] = {
    {.name = "one layer", .units = {7, 3}, .n_layers = 2, .n = 3, .doubled = true},
    {.name = "one hidden layer",
     .units = {9, 19, 3},
     .n_layers = 3,
     .n = 4,
     .doubled = true,
     .law = EQS_DIODE_IDEAL},
    {.name = "conductance nudge",
     .units = {9, 19, 3},
     .n_layers = 3,
     .n = 5,
     .doubled = true,
     .law = EQS_DIODE_IDEAL,
     .nudge = EQS_NUDGE_CONDUCTANCE},
    {.name = "two hidden layers, pairs",
     .units = {6, 40, 37, 4},
     .n_layers = 4,
     .n = 4,
     .doubled = true,
     .law = EQS_DIODE_IDEAL,
     .layout = EQS_DIODES_PAIR},
    {.name = "bias source, softmax",
     .units = {6, 10, 3},
     .n_layers = 3,
     .n = 9,
     .doubled = true,
     .law = EQS_DIODE_IDEAL,
     .bias_source = 1.0,
     .cost = EQS_COST_SOFTMAX},
    {.name = "single rails, differential",
     .units = {6, 18, 3},
     .n_layers = 3,
     .n = 2,
     .differential = true,
     .law = EQS_DIODE_IDEAL},
    {.name = "amplifiers 1/A",
     .units = {5, 36, 34, 33, 2},
     .n_layers = 5,
     .n = 3,
     .doubled = true,
     .law = EQS_DIODE_IDEAL,
     .amplifier = 4.0},
    {.name = "amplifiers A, differential softmax",
     .units = {5, 12, 8, 2},
     .n_layers = 4,
     .n = 3,
     .doubled = true,
     .law = EQS_DIODE_IDEAL,
     .amplifier = 2.0,
     .back = EQS_BACK_CONSERVING,
     .differential = true,
     .cost = EQS_COST_SOFTMAX},
    {.name = "shockley",
     .units = {9, 19, 3},
     .n_layers = 3,
     .n = 5,
     .doubled = true,
     .law = EQS_DIODE_SHOCKLEY,
     .nudge = EQS_NUDGE_CONDUCTANCE},
    {.name = "shockley, two hidden layers, amplifiers",
     .units = {7, 35, 34, 3},
     .n_layers = 4,
     .n = 3,
     .doubled = true,
     .law = EQS_DIODE_SHOCKLEY,
     .amplifier = 3.0},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static kirchhoff_case case_of(const variant *v)
{
    double amplifier[CASE_LAYERS];
    for (size_t i = 0; i < CASE_LAYERS; i++)
        amplifier[i] = v->amplifier;
    eqs_resistive_def def = eqs_resistive_def_default();
    def.doubled = v->doubled;
    def.differential = v->differential;
    def.bias_source = v->bias_source;
    def.amplifier = v->amplifier != 0.0 ? amplifier : NULL;
    def.back_gain = v->back;
    def.layout = v->layout;
    def.diode = v->law;
    def.diode_bias[0] = v->layout == EQS_DIODES_PAIR ? -0.02 : 0.0;
    def.diode_bias[1] = v->layout == EQS_DIODES_PAIR ? 0.03 : 0.0;
    def.cost = v->cost;
    def.nudge = v->nudge;
    def.is = 1e-8;
    def.n = 1.0;
    if (v->law == EQS_DIODE_SHOCKLEY)
        def.diode_bias[0] = 0.05;
    kirchhoff_case c = case_create(v->units, v->n_layers, &def, v->n);
    assert_non_null(c.net);
    return c;
}

static void every_node_is_where_kirchhoff_puts_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < VARIANTS; i++) {
        kirchhoff_case c = case_of(&variants[i]);
        for (size_t set = 0; eqs_resistive_kernel_get(set) != NULL; set++) {
            eqs_resistive_engine *e = engine_of(&c, EQS_DOUBLE, 1, eqs_resistive_kernel_get(set));
            relax(e, &c, 0.01, 1e-11);
            double worst = deviation(e, &c, 0.01);
            if (!(worst <= 1e-8))
                print_error("%s: %g\n", variants[i].name, worst);
            assert_true(worst <= 1e-8);
            eqs_resistive_engine_destroy(e);
        }
        eqs_resistive_engine *e = engine_of(&c, EQS_SINGLE, 2, NULL);
        relax(e, &c, 0.01, 2e-5);
        assert_true(deviation(e, &c, 0.01) <= 2e-3);
        eqs_resistive_engine_destroy(e);
        case_destroy(&c);
    }
}

/* d cost / d theta_p by central differences of the plain solver */
static double difference_quotient(kirchhoff_case *c, size_t p)
{
    double h = 1e-5, before = c->theta[p], cost[2];
    for (int side = 0; side < 2; side++) {
        c->theta[p] = before + (side == 0 ? h : -h);
        cost[side] = case_cost(c);
    }
    c->theta[p] = before;
    return (cost[0] - cost[1]) / (2.0 * h);
}

static void updates_follow_the_exact_gradient_in_every_layer(void **state)
{
    (void)state;
    for (size_t v = 0; v < VARIANTS; v++) {
        kirchhoff_case c = case_of(&variants[v]);
        size_t L = c.net->n_layers - 1, n = c.net->n_parameters;
        double *after = eqs_alloc(n, sizeof *after), beta = 1e-4, rate[2 * CASE_LAYERS];
        for (size_t i = 0; i < 2 * L; i++)
            rate[i] = 1e-3;
        /* away from the clamps, so that a step is a gradient */
        for (size_t p = 0; p < n; p++)
            c.theta[p] += p < c.net->bias_offset[1] ? 0.05 : 0.0;
        eqs_resistive_engine *e = engine_of(&c, EQS_DOUBLE, 1, NULL);
        double coefficient[EQS_ENGINE_SLOTS] = {0.0, 0.5 / beta, -0.5 / beta};
        relax(e, &c, beta, 1e-10);
        eqs_resistive_engine_update(e, rate, coefficient, NULL, NULL);
        eqs_resistive_engine_get_parameters(e, after);
        uint32_t at = 100;
        for (size_t block = 0; block < 2 * L; block++) {
            size_t start = block < L ? c.net->coupling[block].offset : c.net->bias_offset[block - L + 1];
            size_t units = c.net->layer[block < L ? block + 1 : block - L + 1].units;
            size_t size = block < L ? c.net->layer[block].units * units : units;
            for (int probe = 0; probe < 6; probe++) {
                size_t p = start + (size_t)(case_random(&at) * (double)size);
                double wanted = difference_quotient(&c, p), got = (c.theta[p] - after[p]) / 1e-3;
                assert_close(got, wanted, 1e-3, 1e-5 * fabs(wanted) + 1e-7);
            }
        }
        eqs_resistive_engine_destroy(e);
        eqs_free(after);
        case_destroy(&c);
    }
}

/* Three minibatches with updates; theta at the end. `interrupt`: parameters go out and in between (a
 * checkpoint), which makes the waiting update of the first layer at once. */
static void train(const kirchhoff_case *c, eqs_precision precision, int threads, bool interrupt,
                  double *theta)
{
    eqs_resistive_engine *e = engine_of(c, precision, threads, NULL);
    double rate[2 * CASE_LAYERS], beta = 0.05, coefficient[EQS_ENGINE_SLOTS] = {0.0, 0.5 / beta, -0.5 / beta};
    for (size_t i = 0; i < 2 * CASE_LAYERS; i++)
        rate[i] = 0.02;
    for (int step = 0; step < 3; step++) {
        relax(e, c, beta, precision == EQS_SINGLE ? 1e-4 : 1e-9);
        eqs_resistive_engine_update(e, rate, coefficient, NULL, NULL);
        if (!interrupt)
            continue;
        eqs_resistive_engine_get_parameters(e, theta);
        eqs_resistive_engine_destroy(e);
        e = engine_of(c, precision, threads, NULL);
        eqs_resistive_engine_set_parameters(e, theta);
    }
    eqs_resistive_engine_get_parameters(e, theta);
    eqs_resistive_engine_destroy(e);
}

static void threads_and_checkpoints_leave_the_same_bits(void **state)
{
    (void)state;
    for (size_t v = 0; v < VARIANTS; v++) {
        kirchhoff_case c = case_of(&variants[v]);
        size_t n = c.net->n_parameters;
        double *theta = eqs_alloc(3 * n, sizeof *theta);
        for (int precision = EQS_SINGLE; precision <= EQS_DOUBLE; precision++) {
            train(&c, (eqs_precision)precision, 1, false, theta);
            train(&c, (eqs_precision)precision, 3, false, theta + n);
            train(&c, (eqs_precision)precision, 1, true, theta + 2 * n);
            assert_memory_equal(theta, theta + n, n * sizeof *theta);
            assert_memory_equal(theta, theta + 2 * n, n * sizeof *theta);
            assert_memory_not_equal(theta, c.theta, n * sizeof *theta);
        }
        eqs_free(theta);
        case_destroy(&c);
    }
}

static void conductances_stay_within_their_bounds(void **state)
{
    (void)state;
    size_t units[] = {8, 20, 34, 3};
    double low[] = {0.01, 0.02, 0.03}, high[] = {0.05, 0.04, 0.06};
    eqs_resistive_def def = eqs_resistive_def_default();
    def.g_min = low;
    def.g_max = high;
    kirchhoff_case c = case_create(units, 4, &def, 4);
    double *theta = eqs_alloc(c.net->n_parameters, sizeof *theta);
    double rate[6] = {30.0, 30.0, 30.0, 0.0, 0.0, 0.0}, change[6], norm[6];
    eqs_resistive_engine *e = engine_of(&c, EQS_DOUBLE, 1, NULL);
    relax(e, &c, 0.01, 1e-9);
    double coefficient[EQS_ENGINE_SLOTS] = {0.0, 50.0, -50.0};
    eqs_resistive_engine_update(e, rate, coefficient, change, norm);
    eqs_resistive_engine_get_parameters(e, theta);
    for (size_t k = 1; k <= 3; k++) {
        size_t n = c.net->layer[k - 1].units * c.net->layer[k].units, at_bound = 0;
        double moved = 0.0, before = 0.0;
        for (size_t i = 0; i < n; i++) {
            double g = eqs_weights(c.net, theta, k - 1)[i], old = eqs_weights(c.net, c.theta, k - 1)[i];
            assert_true(g >= low[k - 1] && g <= high[k - 1]);
            at_bound += g == low[k - 1] || g == high[k - 1];
            moved += (g - old) * (g - old);
            before += old * old;
        }
        assert_true(at_bound > n / 4);
        assert_close(change[k - 1], moved, 1e-12, 0.0);
        assert_close(norm[k - 1], before, 1e-12, 0.0);
    }
    eqs_resistive_engine_destroy(e);
    eqs_free(theta);
    case_destroy(&c);
}

/* F by its definition: every conductance's half power, and the biases. */
static double case_energy(const kirchhoff_case *c, double v[CASE_LAYERS][CASE_UNITS])
{
    double F = 0.0;
    for (size_t k = 1; k < c->net->n_layers; k++) {
        size_t n = c->net->layer[k].units, m = c->net->layer[k - 1].units;
        const double *g = eqs_weights_const(c->net, c->theta, k - 1);
        const double *gain = c->net->resistive->layer[k - 1].gain;
        for (size_t i = 0; i < m * n; i++) {
            double drop = gain[i / n] * v[k - 1][i / n] - v[k][i % n];
            F += 0.5 * c->net->layer[k].weight * g[i] * drop * drop;
        }
        for (size_t j = 0; c->net->resistive->layer[k].law == EQS_DIODE_SHOCKLEY && j < n; j++) {
            const eqs_node_layer *node = &c->net->resistive->layer[k];
            eqs_diode diode = eqs_resistive_diode(c->net, k, j);
            double forward = isfinite(node->lo[j]) ? node->lo[j] - v[k][j] : v[k][j] - node->hi[j];
            F += c->net->layer[k].weight * eqs_diode_content(&diode, forward);
        }
        for (size_t j = 0; j < n; j++)
            F -= c->net->layer[k].weight * eqs_bias_const(c->net, c->theta, k)[j] * v[k][j];
    }
    return F;
}

static void energies_are_sums_over_conductances(void **state)
{
    (void)state;
    for (size_t i = 0; i < VARIANTS; i++) {
        kirchhoff_case c = case_of(&variants[i]);
        eqs_resistive_engine *e = engine_of(&c, EQS_DOUBLE, 1, NULL);
        relax(e, &c, 0.01, 1e-10);
        double F[2][16], free[CASE_LAYERS][CASE_UNITS], v[CASE_LAYERS][CASE_UNITS];
        eqs_resistive_engine_energy(e, 0, F[0]);
        eqs_resistive_engine_energy(e, 2, F[1]);
        for (size_t b = 0; b < c.n; b++) {
            case_solve(&c, b, 0.0, NULL, free);
            assert_close(F[0][b], case_energy(&c, free), 1e-9, 1e-12);
            case_solve(&c, b, -0.01, free[c.net->n_layers - 1], v);
            assert_close(F[1][b], case_energy(&c, v), 1e-9, 1e-12);
        }
        eqs_resistive_engine_destroy(e);
        case_destroy(&c);
    }
}

static void negative_conductances_are_refused(void **state)
{
    (void)state;
    kirchhoff_case c = case_of(&variants[2]);
    eqs_resistive_engine *e = engine_of(&c, EQS_SINGLE, 1, NULL);
    eqs_resistive_outcome outcome[2];
    double beta[2] = {100.0, -100.0};
    eqs_resistive_engine_load(e, c.n, c.x, c.target);
    eqs_resistive_engine_relax_free(e, 1e-4, 100, outcome);
    assert_fails(eqs_resistive_engine_relax_nudged(e, 2, beta, 1e-3, 100, outcome), EQS_NOT_CONVERGED,
                 "output node 0 has a conductance of");
    eqs_resistive_engine_destroy(e);
    case_destroy(&c);
}

static void a_tolerance_below_rounding_is_reported(void **state)
{
    (void)state;
    kirchhoff_case c = case_of(&variants[3]);
    eqs_resistive_engine *e = engine_of(&c, EQS_SINGLE, 1, NULL);
    eqs_resistive_outcome outcome;
    eqs_resistive_engine_load(e, c.n, c.x, c.target);
    eqs_resistive_engine_relax_free(e, 1e-30, 100000, &outcome);
    assert_true(outcome.residual < 1e-5);
    assert_true(outcome.unconverged == 0 || outcome.sweeps < 1000.0);
    /* a rate of 0 and no difference of slots change nothing */
    double *theta = eqs_alloc(2 * c.net->n_parameters, sizeof *theta), rate[6] = {1, 1, 1, 1, 1, 1};
    size_t n = c.net->n_parameters;
    eqs_resistive_engine_get_parameters(e, theta);
    eqs_resistive_engine_update(e, rate, none, NULL, NULL);
    eqs_resistive_engine_get_parameters(e, theta + n);
    assert_memory_equal(theta, theta + n, n * sizeof *theta);
    eqs_free(theta);
    eqs_resistive_engine_destroy(e);
    case_destroy(&c);
}

static void other_networks_are_refused(void **state)
{
    (void)state;
    size_t units[] = {4, 5, 2};
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 3;
    def.units = units;
    eqs_network *net;
    eqs_resistive_engine *e;
    eqs_resistive_options options = {EQS_SINGLE, 4, 1, NULL};
    assert_ok(eqs_network_create(&def, &net));
    assert_fails(eqs_resistive_engine_create(net, &options, &e), EQS_BAD_CONFIG, "not a resistive network");
    eqs_network_destroy(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_is_where_kirchhoff_puts_it),
        cmocka_unit_test(updates_follow_the_exact_gradient_in_every_layer),
        cmocka_unit_test(threads_and_checkpoints_leave_the_same_bits),
        cmocka_unit_test(conductances_stay_within_their_bounds),
        cmocka_unit_test(energies_are_sums_over_conductances),
        cmocka_unit_test(negative_conductances_are_refused),
        cmocka_unit_test(a_tolerance_below_rounding_is_reported),
        cmocka_unit_test(other_networks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
