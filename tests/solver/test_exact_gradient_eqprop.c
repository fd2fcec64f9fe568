/* Equilibrium propagation against the exact gradient: angle, and order of the error in xi (paper 001 Eqs. 10,
 * 11).
 */
#include "tests/solver/solver_case.h"

#include "solver/eqprop_gradient.h"
#include "solver/exact_gradient.h"
#include "solver/gradient_compare.h"

typedef struct trial {
    test_case c;
    eqs_relax_options options;
    double *exact, *estimate;
} trial;

/* At a minimum, reached by descent: the theory is about minima, and some of these networks have several
 * stationary points. KINSOL would find any of them, a saddle too, and which one depends on the last bits of
 * BLAS's kernels; from a saddle a nudge leads away to a minimum. */
static trial trial_create(case_def def)
{
    trial t = {.c = case_create(def), .options = case_options("sweep", 1e-12)};
    size_t n = t.c.net->n_parameters;
    t.exact = eqs_alloc(2 * n, sizeof *t.exact);
    t.estimate = t.exact + n;
    eqs_exact_report report;
    case_relax(&t.c, &t.options);
    assert_ok(eqs_exact_gradient(t.c.energy, &t.c.phase, t.c.state, NULL, t.exact, NULL, &report));
    assert_int_equal(report.not_minima, 0);
    return t;
}

static void trial_destroy(trial *t)
{
    eqs_free(t->exact);
    case_destroy(&t->c);
}

static eqs_gradient_agreement agreement(trial *t, double xi, eqs_eqprop_mode mode)
{
    assert_ok(
        eqs_eqprop_gradient(t->c.energy, &t->c.phase, &t->options, t->c.state, xi, mode, t->estimate, NULL));
    return eqs_gradient_compare(t->c.net->n_parameters, t->estimate, t->exact);
}

static void a_small_centred_nudge_gives_the_exact_gradient(void **unused)
{
    (void)unused;
    int held = 0;
    for (int form = 0; form < 3; form++) {
        for (int kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
            for (int topology = 0; topology < N_TOPOLOGIES; topology++) {
                case_def def = {.form = (eqs_form)form,
                                .activation = (eqs_activation_kind)kind,
                                .topology = (case_topology)topology,
                                .gain = 0.3,
                                .batch = 2};
                if (!case_allowed(def.form, def.activation))
                    continue;
                trial t = trial_create(def);
                eqs_gradient_agreement whole = agreement(&t, 1e-3, EQS_EQPROP_CENTRED);
                if (kind == EQS_PIECEWISE_LINEAR && isnan(whole.cosine)) {
                    held++; /* all outputs at their bound: both gradients are zero */
                    trial_destroy(&t);
                    continue;
                }
                if (!(whole.cosine >= 0.9999))
                    print_error("form %d, rho %d, topology %d: cosine %.8f\n", form, kind, topology,
                                whole.cosine);
                assert_true(whole.cosine >= 0.9999);
                assert_close(whole.norm_ratio, 1.0, 1e-4, 0.0);
                trial_destroy(&t);
            }
        }
    }
    assert_true(held < 6);
}

static void every_block_agrees(void **unused)
{
    (void)unused;
    trial t = trial_create((case_def){.form = EQS_FORM_MEMBRANE, .topology = FULL, .activation = EQS_TANH});
    agreement(&t, 1e-3, EQS_EQPROP_CENTRED);
    for (size_t i = 0; i < eqs_parameter_blocks(t.c.net); i++) {
        eqs_parameter_block block = eqs_parameter_block_get(t.c.net, i);
        assert_true(
            eqs_gradient_compare(block.count, t.estimate + block.offset, t.exact + block.offset).cosine >=
            0.9999);
    }
    trial_destroy(&t);
}

/* slope of log error over log xi, by least squares over xi = 0.08, 0.04, ... */
static double order_of_error(trial *t, eqs_eqprop_mode mode)
{
    enum { N = 5 };
    double x[N], y[N], mx = 0.0, my = 0.0, xy = 0.0, xx = 0.0;
    for (int i = 0; i < N; i++) {
        double xi = 0.08 / (double)(1 << i);
        x[i] = log(xi);
        y[i] = log(agreement(t, xi, mode).error);
        mx += x[i] / N;
        my += y[i] / N;
    }
    for (int i = 0; i < N; i++) {
        xy += (x[i] - mx) * (y[i] - my);
        xx += (x[i] - mx) * (x[i] - mx);
    }
    return xy / xx;
}

static void the_error_is_of_first_order_one_sided_and_second_centred(void **unused)
{
    (void)unused;
    const case_def defs[] = {
        {.form = EQS_FORM_GRADIENT, .activation = EQS_SIGMOID},
        {.form = EQS_FORM_GRADIENT, .activation = EQS_TANH, .topology = SKIP},
        {.form = EQS_FORM_MEMBRANE, .activation = EQS_TANH, .topology = LATERAL},
        {.form = EQS_FORM_MEMBRANE, .activation = EQS_SIGMOID, .topology = SOFT_INPUT},
        {.form = EQS_FORM_MEMBRANE, .activation = EQS_LINEAR, .gain = 0.3},
    };
    for (size_t i = 0; i < sizeof defs / sizeof *defs; i++) {
        trial t = trial_create(defs[i]);
        assert_close(order_of_error(&t, EQS_EQPROP_ONE_SIDED), 1.0, 0.0, 0.15);
        assert_close(order_of_error(&t, EQS_EQPROP_CENTRED), 2.0, 0.0, 0.2);
        trial_destroy(&t);
    }
}

static void every_solver_gives_the_estimate(void **unused)
{
    (void)unused;
    trial t = trial_create((case_def){.form = EQS_FORM_MEMBRANE, .gain = 0.3, .batch = 2});
    for (size_t i = 0; eqs_solver_get(i) != NULL; i++) {
        t.options = case_options(eqs_solver_get(i)->name, 1e-9);
        t.options.rtol = 1e-9;
        t.options.atol = 1e-12;
        assert_true(agreement(&t, 1e-2, EQS_EQPROP_CENTRED).cosine > 0.9999);
    }
    trial_destroy(&t);
}

static void regularisers_enter_by_delta_theta(void **unused)
{
    (void)unused;
    trial t =
        trial_create((case_def){.form = EQS_FORM_MEMBRANE, .regulariser = EQS_REGULARISER_L2, .gain = 0.3});
    assert_true(agreement(&t, 1e-3, EQS_EQPROP_CENTRED).error < 1e-4);
    assert_true(agreement(&t, 1e-3, EQS_EQPROP_ONE_SIDED).error < 1e-2);
    trial_destroy(&t);
}

static void nudging_lowers_the_cost(void **unused)
{
    (void)unused;
    /* Proposition 2 */
    trial t =
        trial_create((case_def){.form = EQS_FORM_MEMBRANE, .activation = EQS_TANH, .topology = LATERAL});
    double distance[3] = {0.0, 0.0, 0.0};
    for (int i = 0; i < 3; i++) {
        t.c.phase.beta[EQS_BETA_Y] = 0.2 * (double)i;
        case_relax(&t.c, &t.options);
        for (size_t j = 0; j < case_units[CASE_LAYERS - 1]; j++)
            distance[i] += pow(t.c.state->s[CASE_LAYERS - 1][j] - t.c.target[j], 2.0);
    }
    assert_true(distance[1] < distance[0] && distance[2] < distance[1]);
    trial_destroy(&t);
}

static void results_of_the_nudged_phases_are_handed_out(void **unused)
{
    (void)unused;
    trial t = trial_create((case_def){.form = EQS_FORM_MEMBRANE, .batch = 2});
    eqs_relax_result result[2];
    assert_ok(eqs_eqprop_gradient(t.c.energy, &t.c.phase, &t.options, t.c.state, 0.1, EQS_EQPROP_CENTRED,
                                  t.estimate, result));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(result[i].batch, 2);
        assert_int_equal(eqs_relax_unconverged(&result[i]), 0);
        eqs_relax_result_clear(&result[i]);
    }
    trial_destroy(&t);
}

static void what_cannot_be_estimated_is_refused(void **unused)
{
    (void)unused;
    trial t = trial_create((case_def){.form = EQS_FORM_MEMBRANE});
    eqs_relax_result result[2];
#define ESTIMATE(xi, mode, out)                                                                              \
    eqs_eqprop_gradient(t.c.energy, &t.c.phase, &t.options, t.c.state, (xi), (mode), t.estimate, (out))
    assert_fails(ESTIMATE(0.0, EQS_EQPROP_ONE_SIDED, NULL), EQS_BAD_CONFIG, "xi = 0");
    assert_fails(ESTIMATE(NAN, EQS_EQPROP_CENTRED, NULL), EQS_BAD_CONFIG, "finite");
    assert_fails(ESTIMATE(1.5, EQS_EQPROP_CENTRED, result), EQS_BAD_CONFIG, "no equilibrium");
    assert_fails(ESTIMATE(-1.5, EQS_EQPROP_ONE_SIDED, NULL), EQS_BAD_CONFIG, "no equilibrium");
    t.options = case_options("cvode", 1e-12);
    t.options.max_steps = 1;
    assert_fails(ESTIMATE(0.5, EQS_EQPROP_ONE_SIDED, NULL), EQS_NOT_CONVERGED,
                 "1 of 1 samples did not converge");
    assert_ok(ESTIMATE(0.5, EQS_EQPROP_ONE_SIDED, result));
    assert_int_equal(result[0].end[0], EQS_RELAX_STEP_LIMIT);
    eqs_relax_result_clear(&result[0]);
#undef ESTIMATE
    trial_destroy(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_centred_nudge_gives_the_exact_gradient),
        cmocka_unit_test(every_block_agrees),
        cmocka_unit_test(the_error_is_of_first_order_one_sided_and_second_centred),
        cmocka_unit_test(every_solver_gives_the_estimate),
        cmocka_unit_test(regularisers_enter_by_delta_theta),
        cmocka_unit_test(nudging_lowers_the_cost),
        cmocka_unit_test(results_of_the_nudged_phases_are_handed_out),
        cmocka_unit_test(what_cannot_be_estimated_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
