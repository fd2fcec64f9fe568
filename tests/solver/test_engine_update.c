/* The contrastive update and the gradient of the batch engine, against the terms of models/. */
#include "tests/solver/solver_case.h"

#include "solver/engine.h"

enum { BATCH = 6 };

static const double coefficients[][EQS_ENGINE_SLOTS] = {
    {-0.5, 0.5}, {0.0, 0.4, -0.4}, {1.0}, {-0.2, 0.7, 0.0, 0.1}, {0.0, 0.0, 0.0, 2.0}};

static eqs_engine *engine_of(const test_case *c, eqs_precision precision)
{
    eqs_engine *engine;
    eqs_engine_options options = eqs_engine_options_default();
    options.precision = precision;
    options.batch = BATCH;
    assert_ok(eqs_engine_create(c->energy, &options, &engine));
    eqs_engine_set_parameters(engine, c->theta);
    eqs_engine_load(engine, BATCH, c->x, c->target);
    return engine;
}

/* Random states in every slot; sum over slots of coefficient * dF/dtheta (of couplings and biases) into grad.
 */
static void random_slots(const test_case *c, eqs_engine *engine, const double *coefficient, double *grad)
{
    for (uint32_t slot = 0; slot < EQS_ENGINE_SLOTS; slot++) {
        eqs_state_randomise(c->net, c->state, 4, slot);
        if (eqs_network_clamped(c->net))
            memcpy(c->state->s[0], c->x, BATCH * case_units[0] * sizeof(double));
        eqs_engine_put_states(engine, slot, c->state);
        double *r[CASE_LAYERS];
        for (size_t k = 0; k < CASE_LAYERS; k++) {
            r[k] = eqs_alloc(BATCH * case_units[k], sizeof **r);
            eqs_activity(c->net, k, BATCH * case_units[k], c->state->s[k], r[k], NULL);
        }
        eqs_point at = {BATCH, c->state->s, r, NULL};
        eqs_energy_gradient(c->energy, &c->phase, &at, coefficient[slot], grad);
        for (size_t k = 0; k < CASE_LAYERS; k++)
            eqs_free(r[k]);
    }
}

/* the block (as in eqs_engine_update) of every parameter */
static size_t block_of(const eqs_network *net, size_t i)
{
    for (size_t c = 0; c < net->n_couplings; c++) {
        const eqs_coupling *w = &net->coupling[c];
        if (i >= w->offset && i < w->offset + net->layer[w->from].units * net->layer[w->to].units)
            return c;
    }
    for (size_t k = 1; k < net->n_layers; k++) {
        if (i >= net->bias_offset[k] && i < net->bias_offset[k] + net->layer[k].units)
            return net->n_couplings + k - 1;
    }
    fail();
    return 0;
}

static void check_update(int topology, int kind, eqs_precision precision, const double *coefficient)
{
    test_case c = case_create((case_def){.topology = (case_topology)topology,
                                         .activation = (eqs_activation_kind)kind,
                                         .form = EQS_FORM_MEMBRANE,
                                         .batch = BATCH});
    size_t n = c.net->n_parameters, blocks = c.net->n_couplings + c.net->n_layers - 1;
    double *expected = eqs_alloc(n, sizeof *expected), *grad = eqs_alloc(n, sizeof *grad);
    double *before = eqs_alloc(n, sizeof *before), *after = eqs_alloc(n, sizeof *after);
    double rate[32], change[32], norm[32], moved[32] = {0}, size[32] = {0};
    double tolerance = precision == EQS_SINGLE ? 3e-6 : 1e-14;
    eqs_engine *engine = engine_of(&c, precision);
    for (size_t b = 0; b < blocks; b++)
        rate[b] = 0.05 * (double)(b + 1);
    random_slots(&c, engine, coefficient, expected);
    eqs_engine_gradient(engine, coefficient, grad);
    eqs_engine_get_parameters(engine, before);
    eqs_engine_update(engine, rate, coefficient, 0.0, change, norm);
    eqs_engine_get_parameters(engine, after);
    for (size_t i = 0; i < n; i++) {
        size_t b = block_of(c.net, i);
        assert_close(grad[i], expected[i], 0.0, 10.0 * tolerance);
        assert_close(after[i], before[i] - rate[b] * expected[i], 0.0, 10.0 * tolerance);
        moved[b] += (after[i] - before[i]) * (after[i] - before[i]);
        size[b] += before[i] * before[i];
    }
    for (size_t b = 0; b < blocks; b++) {
        assert_close(change[b], moved[b], 1e-12, 0.0);
        assert_close(norm[b], size[b], 1e-12, 0.0);
    }
    /* both orientations of the weights were updated: the engine still solves its own equations */
    eqs_engine *fresh = engine_of(&c, precision);
    eqs_engine_set_parameters(fresh, after);
    eqs_engine_outcome a, b;
    eqs_engine_relax how = {.tolerance = 1e-5, .max_sweeps = 1000};
    memcpy(how.beta, c.net->beta, sizeof how.beta);
    double F[2][BATCH];
    eqs_engine_reset(engine, 0);
    eqs_engine_reset(fresh, 0);
    eqs_engine_relax_slot(engine, 0, &how, &a);
    eqs_engine_relax_slot(fresh, 0, &how, &b);
    assert_memory_equal(a.residual, b.residual, BATCH * sizeof *a.residual);
    eqs_engine_energy(engine, 0, F[0]);
    eqs_engine_energy(fresh, 0, F[1]);
    assert_memory_equal(F[0], F[1], sizeof F[0]);
    eqs_engine_destroy(fresh);
    eqs_engine_destroy(engine);
    eqs_free(expected);
    eqs_free(grad);
    eqs_free(before);
    eqs_free(after);
    case_destroy(&c);
}

static void updates_and_gradients_are_those_of_the_energy(void **unused)
{
    (void)unused;
    for (int topology = 0; topology < N_TOPOLOGIES; topology++) {
        for (int kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
            for (size_t i = 0; i < sizeof coefficients / sizeof *coefficients; i++) {
                check_update(topology, kind, EQS_DOUBLE, coefficients[i]);
                check_update(topology, kind, EQS_SINGLE, coefficients[i]);
            }
        }
    }
}

static void decay_shrinks_weights_and_leaves_biases(void **unused)
{
    (void)unused;
    for (int l2 = 0; l2 < 2; l2++) {
        test_case c = case_create((case_def){.topology = LATERAL,
                                             .regulariser = l2 ? EQS_REGULARISER_L2 : EQS_REGULARISER_L1,
                                             .form = EQS_FORM_MEMBRANE,
                                             .batch = BATCH});
        size_t n = c.net->n_parameters;
        eqs_engine *engine = engine_of(&c, EQS_DOUBLE);
        double *after = eqs_alloc(n, sizeof *after), rate[32];
        const double none[EQS_ENGINE_SLOTS] = {0};
        for (size_t b = 0; b < 32; b++)
            rate[b] = 0.1;
        eqs_engine_update(engine, rate, none, 0.2, NULL, NULL);
        eqs_engine_get_parameters(engine, after);
        for (size_t i = 0; i < n; i++) {
            double w = c.theta[i], step = l2 ? 0.1 * 0.2 * w : 0.1 * 0.2 * (double)((w > 0) - (w < 0));
            bool weight = block_of(c.net, i) < c.net->n_couplings;
            assert_close(after[i], weight ? w - step : w, 0.0, 1e-15);
        }
        eqs_free(after);
        eqs_engine_destroy(engine);
        case_destroy(&c);
    }
}

/* the differences between phases are a millionth of the states here; a plain difference of two float products
 * would keep one digit of them */
static void small_nudges_keep_their_digits_in_single_precision(void **unused)
{
    (void)unused;
    test_case c = case_create(
        (case_def){.activation = EQS_LINEAR, .form = EQS_FORM_MEMBRANE, .gain = 0.01, .batch = BATCH});
    const size_t n1 = case_units[1], n2 = case_units[2];
    eqs_engine *engine = engine_of(&c, EQS_SINGLE);
    float base[16], moved[16];
    size_t n_state = eqs_network_state_size(c.net);
    eqs_random stream = eqs_random_stream(2, EQS_RANDOM_TEST, 0, 0);
    double *theta = eqs_alloc(c.net->n_parameters, sizeof *theta),
           *zero = eqs_alloc(c.net->n_parameters, sizeof *zero);
    double rate[8] = {1, 1, 1, 1, 1, 1, 1, 1}, *expected = eqs_alloc(n1 * n2, sizeof *expected);
    const double contrast[EQS_ENGINE_SLOTS] = {-1e6, 1e6};
    eqs_engine_set_parameters(engine, zero);
    for (size_t row = 0; row < BATCH; row++) {
        for (size_t i = 0; i < n_state; i++) {
            base[i] = (float)(0.5 + 0.4 * eqs_random_uniform(&stream, row * n_state + i));
            moved[i] = base[i] * (1.0f + 4e-6f * (float)(i % 3));
        }
        eqs_engine_put_state(engine, 0, row, base);
        eqs_engine_put_state(engine, 1, row, moved);
        for (size_t i = 0; i < n1; i++) {
            for (size_t j = 0; j < n2; j++)
                expected[i * n2 + j] +=
                    1e6 * ((double)moved[i] * (double)moved[n1 + j] - (double)base[i] * (double)base[n1 + j]);
        }
    }
    eqs_engine_update(engine, rate, contrast, 0.0, NULL, NULL);
    eqs_engine_get_parameters(engine, theta);
    const double *W = eqs_weights(c.net, theta, 1);
    for (size_t i = 0; i < n1 * n2; i++)
        assert_close(W[i], expected[i], 1e-5, 1e-5);
    eqs_free(theta);
    eqs_free(zero);
    eqs_free(expected);
    eqs_engine_destroy(engine);
    case_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_and_gradients_are_those_of_the_energy),
        cmocka_unit_test(decay_shrinks_weights_and_leaves_biases),
        cmocka_unit_test(small_nudges_keep_their_digits_in_single_precision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
