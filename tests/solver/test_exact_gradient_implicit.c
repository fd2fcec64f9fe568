/* The gradient by the implicit-function theorem, against finite differences of the cost at the fixed point.
 */
#include "tests/solver/solver_case.h"

#include "solver/exact_gradient.h"
#include "solver/gradient_compare.h"

/* cost summed over the samples at the fixed point of the present theta, relaxed from `start` */
static double objective(test_case *c, const eqs_state *start)
{
    eqs_relax_options options = case_options("kinsol", 1e-12);
    options.settled_start = true;
    options.max_steps = 200;
    eqs_state_copy(c->net, start, c->state);
    eqs_relax_result result;
    assert_ok(eqs_relax_run(c->energy, &c->phase, &options, c->state, &result));
    for (size_t b = 0; b < result.batch; b++)
        assert_true(result.residual[b] < 1e-11); /* 1e-12 is near the edge of rounding */
    eqs_relax_result_clear(&result);
    eqs_state *r;
    double cost[8], sum = 0.0;
    assert_ok(eqs_state_create(c->net, c->phase.batch, &r));
    for (size_t k = 0; k < CASE_LAYERS; k++)
        eqs_activity(c->net, k, c->phase.batch * case_units[k], c->state->s[k], r->s[k], NULL);
    eqs_point at = {c->phase.batch, c->state->s, r->s, NULL};
    eqs_energy_cost(c->energy, &c->phase, &at, cost);
    for (size_t b = 0; b < c->phase.batch; b++)
        sum += cost[b];
    eqs_state_destroy(r);
    return sum;
}

/* dJ/dtheta_p by central differences; a lateral weight and its mirror move together */
static double by_difference(test_case *c, const eqs_state *start, size_t p, size_t mirror)
{
    const double h = 3e-5;
    double kept = c->theta[p], kept_mirror = c->theta[mirror], J[2];
    for (int side = 0; side < 2; side++) {
        double step = side == 0 ? h : -h;
        c->theta[p] = kept + step;
        if (mirror != p)
            c->theta[mirror] = kept_mirror + step;
        J[side] = objective(c, start);
    }
    c->theta[p] = kept;
    c->theta[mirror] = kept_mirror;
    return (J[0] - J[1]) / (2.0 * h);
}

/* where the mirror image of a lateral weight is; p itself otherwise */
static size_t mirror_of(const eqs_network *net, size_t p)
{
    for (size_t i = 0; i < net->n_couplings; i++) {
        const eqs_coupling *coupling = &net->coupling[i];
        size_t n = net->layer[coupling->from].units;
        if (coupling->from == coupling->to && p >= coupling->offset && p < coupling->offset + n * n) {
            size_t local = p - coupling->offset;
            return coupling->offset + local % n * n + local / n;
        }
    }
    return p;
}

/* W_ii of a lateral coupling: no parameter */
static bool is_lateral_diagonal(const eqs_network *net, size_t p)
{
    for (size_t i = 0; i < net->n_couplings; i++) {
        const eqs_coupling *coupling = &net->coupling[i];
        size_t n = net->layer[coupling->from].units, at = p - coupling->offset;
        if (coupling->from == coupling->to && p >= coupling->offset && at < n * n && at / n == at % n)
            return true;
    }
    return false;
}

/* every parameter's derivative against finite differences */
static void check(case_def def)
{
    test_case c = case_create(def);
    eqs_relax_options options = case_options("kinsol", 1e-12);
    eqs_relax_result result;
    assert_ok(eqs_relax_run(c.energy, &c.phase, &options, c.state, &result));
    eqs_relax_result_clear(&result);
    eqs_state *fixed_point;
    assert_ok(eqs_state_create(c.net, c.phase.batch, &fixed_point));
    eqs_state_copy(c.net, c.state, fixed_point);
    size_t n = c.net->n_parameters;
    double *grad = eqs_alloc(2 * n, sizeof *grad), *numeric = grad + n;
    eqs_exact_report report;
    assert_ok(eqs_exact_gradient(c.energy, &c.phase, fixed_point, NULL, grad, NULL, &report));
    assert_true(report.residual < 1e-11 && report.moving > 0);
    assert_int_equal(report.degenerate, 0);
    assert_int_equal(report.not_minima, 0);
    assert_int_equal(report.moving + report.held, c.phase.batch * eqs_network_state_size(c.net));
    double scale = 0.0;
    for (size_t p = 0; p < n; p++)
        scale = fmax(scale, fabs(grad[p]));
    assert_true(scale > 1e-6);
    for (size_t p = 0; p < n; p++) {
        numeric[p] = grad[p];
        if (is_lateral_diagonal(c.net, p)) {
            assert_true(grad[p] == 0.0);
            continue;
        }
        numeric[p] = by_difference(&c, fixed_point, p, mirror_of(c.net, p));
        if (!(fabs(grad[p] - numeric[p]) <= 1e-6 * scale))
            print_error("form %d, rho %d, topology %d, parameter %zu of %zu\n", def.form, def.activation,
                        def.topology, p, n);
        assert_close(grad[p], numeric[p], 0.0, 1e-6 * scale);
    }
    assert_true(eqs_gradient_compare(n, grad, numeric).cosine > 1.0 - 1e-9);
    eqs_free(grad);
    eqs_state_destroy(fixed_point);
    case_destroy(&c);
}

static void it_is_the_derivative_of_the_cost_for_every_activation_and_form(void **unused)
{
    (void)unused;
    for (int form = 0; form < 3; form++) {
        for (int kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
            if (case_allowed((eqs_form)form, (eqs_activation_kind)kind))
                check(
                    (case_def){.form = (eqs_form)form, .activation = (eqs_activation_kind)kind, .gain = 0.3});
        }
    }
}

static void it_is_the_derivative_of_the_cost_for_every_topology(void **unused)
{
    (void)unused;
    for (int topology = 0; topology < N_TOPOLOGIES; topology++) {
        check((case_def){.form = EQS_FORM_MEMBRANE,
                         .topology = (case_topology)topology,
                         .activation = EQS_TANH,
                         .gain = 0.3,
                         .batch = 2});
        check((case_def){.form = EQS_FORM_PROJECTED,
                         .topology = (case_topology)topology,
                         .gain = 0.3,
                         .tau_spread = 1000.0});
    }
}

static void regularisers_are_part_of_the_cost(void **unused)
{
    (void)unused;
    check((case_def){.form = EQS_FORM_MEMBRANE, .regulariser = EQS_REGULARISER_L2, .gain = 0.3, .batch = 2});
    check((case_def){.form = EQS_FORM_GRADIENT,
                     .activation = EQS_SIGMOID,
                     .regulariser = EQS_REGULARISER_L1,
                     .gain = 0.5});
}

static void conjugate_gradients_give_the_factorised_result(void **unused)
{
    (void)unused;
    for (int topology = 0; topology < N_TOPOLOGIES; topology++) {
        test_case c = case_create((case_def){.form = EQS_FORM_GRADIENT,
                                             .activation = EQS_TANH,
                                             .topology = (case_topology)topology,
                                             .gain = 0.3,
                                             .batch = 3});
        eqs_relax_options options = case_options("kinsol", 1e-12);
        case_relax(&c, &options);
        size_t n = c.net->n_parameters, m = 3 * eqs_network_state_size(c.net);
        double *grad = eqs_alloc(2 * n + 2 * m, sizeof *grad), *lambda = grad + 2 * n;
        eqs_exact_options iterative = eqs_exact_options_default();
        iterative.dense_limit = 0;
        eqs_exact_report report;
        assert_ok(eqs_exact_gradient(c.energy, &c.phase, c.state, NULL, grad, lambda, NULL));
        assert_ok(eqs_exact_gradient(c.energy, &c.phase, c.state, &iterative, grad + n, lambda + m, &report));
        assert_true(report.cg_iterations > 3);
        assert_close(eqs_gradient_compare(n, grad + n, grad).error, 0.0, 0.0, 1e-10);
        assert_close(eqs_gradient_compare(m, lambda + m, lambda).error, 0.0, 0.0, 1e-10);
        eqs_free(grad);
        case_destroy(&c);
    }
}

static void held_units_have_no_costate(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE});
    eqs_bias(c.net, c.theta, 2)[0] = 5.0;
    eqs_bias(c.net, c.theta, 2)[1] = -5.0;
    eqs_relax_options options = case_options("kinsol", 1e-12);
    case_relax(&c, &options);
    size_t n = c.net->n_parameters;
    double *grad = eqs_alloc(n, sizeof *grad), lambda[32];
    eqs_exact_report report;
    assert_ok(eqs_exact_gradient(c.energy, &c.phase, c.state, NULL, grad, lambda, &report));
    assert_true(report.held >= 2);
    assert_true(lambda[case_units[1]] == 0.0 && lambda[case_units[1] + 1] == 0.0);
    assert_true(grad[c.net->bias_offset[2]] == 0.0 && grad[c.net->bias_offset[2] + 1] == 0.0);
    eqs_free(grad);
    case_destroy(&c);
}

static void the_costate_is_the_response_to_the_nudge(void **unused)
{
    (void)unused;
    /* Eq. 63: lambda = delta . ds/dbeta */
    test_case c =
        case_create((case_def){.form = EQS_FORM_GRADIENT, .activation = EQS_SIGMOID, .topology = SKIP});
    eqs_relax_options options = case_options("kinsol", 1e-12);
    eqs_relax_result result;
    double lambda[32], s[2][32], *grad = eqs_alloc(c.net->n_parameters, sizeof *grad);
    assert_ok(eqs_relax_run(c.energy, &c.phase, &options, c.state, &result));
    eqs_relax_result_clear(&result);
    assert_ok(eqs_exact_gradient(c.energy, &c.phase, c.state, NULL, grad, lambda, NULL));
    size_t n = eqs_network_state_size(c.net);
    for (int side = 0; side < 2; side++) {
        c.phase.beta[EQS_BETA_Y] = side == 0 ? 1e-4 : -1e-4;
        assert_ok(eqs_relax_run(c.energy, &c.phase, &options, c.state, &result));
        eqs_relax_result_clear(&result);
        memcpy(s[side], c.state->s[1], n * sizeof(double));
    }
    for (size_t i = 0; i < n; i++)
        assert_close(lambda[i], (s[0][i] - s[1][i]) / 2e-4, 1e-5, 1e-8);
    eqs_free(grad);
    case_destroy(&c);
}

static void units_at_a_kink_are_counted(void **unused)
{
    (void)unused;
    /* without weights and biases every state is 0: exactly at the bound, with no force on it */
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .batch = 2});
    memset(c.theta, 0, c.net->n_parameters * sizeof *c.theta);
    double *grad = eqs_alloc(c.net->n_parameters, sizeof *grad);
    eqs_exact_report report;
    assert_ok(eqs_exact_gradient(c.energy, &c.phase, c.state, NULL, grad, NULL, &report));
    assert_int_equal(report.degenerate, 2 * eqs_network_state_size(c.net));
    assert_true(report.residual == 0.0);
    eqs_free(grad);
    case_destroy(&c);
}

static void a_saddle_is_told_and_still_differentiated(void **unused)
{
    (void)unused;
    /* strong linear couplings: one stationary point, which is no minimum; Newton finds it */
    test_case c = case_create((case_def){.form = EQS_FORM_GRADIENT, .activation = EQS_LINEAR, .gain = 2.0});
    eqs_relax_options options = case_options("kinsol", 1e-10);
    case_relax(&c, &options);
    double *grad = eqs_alloc(c.net->n_parameters, sizeof *grad);
    eqs_exact_report report;
    assert_ok(eqs_exact_gradient(c.energy, &c.phase, c.state, NULL, grad, NULL, &report));
    assert_int_equal(report.not_minima, 1);
    eqs_state *start;
    assert_ok(eqs_state_create(c.net, 1, &start));
    eqs_state_copy(c.net, c.state, start);
    size_t p = c.net->bias_offset[2] + 1;
    assert_close(grad[p], by_difference(&c, start, p, p), 1e-6, 1e-8);
    eqs_exact_options iterative = eqs_exact_options_default();
    iterative.dense_limit = 0;
    assert_fails(eqs_exact_gradient(c.energy, &c.phase, start, &iterative, grad, NULL, NULL),
                 EQS_NOT_CONVERGED, "not positive definite");
    eqs_state_destroy(start);
    eqs_free(grad);
    case_destroy(&c);
}

static void a_singular_system_is_refused(void **unused)
{
    (void)unused;
    /* two linear units, coupled by 1: d2F/ds2 = [[1, -1], [-1, 1]] */
    const size_t units[] = {1, 1, 1};
    const size_t couplings[][2] = {{0, 1}, {1, 2}};
    eqs_activation linear[3];
    for (int i = 0; i < 3; i++)
        linear[i] = eqs_activation_default(EQS_LINEAR);
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 3;
    def.units = units;
    def.activation = linear;
    def.n_couplings = 2;
    def.couplings = couplings;
    eqs_network *net;
    eqs_energy *energy;
    eqs_state *state;
    assert_ok(eqs_network_create(&def, &net));
    assert_ok(eqs_energy_create(net, &energy));
    assert_ok(eqs_state_create(net, 1, &state));
    double theta[4] = {0.0, 1.0, 0.0, 0.0}, x = 0.0, target = 1.0, grad[4];
    eqs_phase phase = {.net = net, .theta = theta, .batch = 1, .x = &x, .target = &target};
    memcpy(phase.beta, net->beta, sizeof phase.beta);
    assert_fails(eqs_exact_gradient(energy, &phase, state, NULL, grad, NULL, NULL), EQS_NOT_CONVERGED,
                 "sample 0: d2F/ds2 is singular on its 2 moving units");
    phase.target = NULL;
    assert_fails(eqs_exact_gradient(energy, &phase, state, NULL, grad, NULL, NULL), EQS_BAD_DATA,
                 "no targets");
    eqs_state_destroy(state);
    eqs_energy_destroy(energy);
    eqs_network_destroy(net);
}

static void blocks_cover_the_parameters_in_order(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .topology = SKIP});
    size_t next = 0;
    assert_int_equal(eqs_parameter_blocks(c.net), c.net->n_couplings + 3);
    for (size_t i = 0; i < eqs_parameter_blocks(c.net); i++) {
        eqs_parameter_block block = eqs_parameter_block_get(c.net, i);
        assert_int_equal(block.offset, next);
        next += block.count;
    }
    assert_int_equal(next, c.net->n_parameters);
    assert_string_equal(eqs_parameter_block_get(c.net, 0).name, "W_1");
    assert_string_equal(eqs_parameter_block_get(c.net, c.net->n_couplings).name, "b_1");
    double a[] = {3.0, 4.0}, b[] = {4.0, 3.0}, twice[] = {6.0, 8.0};
    assert_close(eqs_gradient_compare(2, a, b).cosine, 24.0 / 25.0, 1e-15, 0.0);
    assert_close(eqs_gradient_compare(2, twice, a).norm_ratio, 2.0, 1e-15, 0.0);
    assert_close(eqs_gradient_compare(2, twice, a).error, 1.0, 1e-15, 0.0);
    case_destroy(&c);
}

static void a_failed_allocation_is_an_error(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE});
    double *grad = eqs_alloc(c.net->n_parameters, sizeof *grad);
    eqs_status status = EQS_NO_MEMORY;
    long k = 1;
    for (; status == EQS_NO_MEMORY && k < 100; k++) {
        eqs_alloc_fail_at(k);
        status = eqs_exact_gradient(c.energy, &c.phase, c.state, NULL, grad, NULL, NULL);
        eqs_alloc_fail_at(0);
    }
    assert_int_equal(status, EQS_OK);
    assert_true(k > 4);
    eqs_free(grad);
    case_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_derivative_of_the_cost_for_every_activation_and_form),
        cmocka_unit_test(it_is_the_derivative_of_the_cost_for_every_topology),
        cmocka_unit_test(regularisers_are_part_of_the_cost),
        cmocka_unit_test(conjugate_gradients_give_the_factorised_result),
        cmocka_unit_test(held_units_have_no_costate),
        cmocka_unit_test(the_costate_is_the_response_to_the_nudge),
        cmocka_unit_test(units_at_a_kink_are_counted),
        cmocka_unit_test(a_saddle_is_told_and_still_differentiated),
        cmocka_unit_test(a_singular_system_is_refused),
        cmocka_unit_test(blocks_cover_the_parameters_in_order),
        cmocka_unit_test(a_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
