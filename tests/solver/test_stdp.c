/* Integrals along the nudged trajectory: dW/dt = d(rho rho)/dt ends in the contrastive update (paper 001 Eqs.
 * 45-47), for every form, activation and topology that CVODE can integrate. */
#include "tests/solver/solver_case.h"

#include "solver/gradient_compare.h"
#include "solver/stdp.h"

static const double xi = 0.2;

/* r_a' r_b at a state, summed over samples, with a weight: minus dF/dtheta without regulariser */
static void add_products(const test_case *c, const eqs_state *state, double weight, double *out)
{
    eqs_state *activity;
    assert_ok(eqs_state_create(c->net, state->batch, &activity));
    for (size_t k = 0; k < c->net->n_layers; k++)
        eqs_activity(c->net, k, state->batch * c->net->layer[k].units, state->s[k], activity->s[k], NULL);
    eqs_point at = {state->batch, state->s, activity->s, NULL};
    eqs_energy_gradient(c->energy, &c->phase, &at, -weight, out);
    eqs_state_destroy(activity);
}

/* relative difference of the integral and the contrastive update between the ends of the same relaxation */
static double difference(case_def def, const char *solver, double rtol, double *size)
{
    test_case c = case_create(def);
    size_t n = c.net->n_parameters;
    double *integral = eqs_alloc(2 * n, sizeof *integral), *contrast = integral + n;
    eqs_relax_options tight = case_options("kinsol", 1e-12), options = case_options(solver, 1e-9);
    options.rtol = rtol;
    options.atol = rtol * 1e-3;
    case_relax(&c, &tight);
    eqs_relax_result result;
    assert_ok(eqs_stdp_integrate(c.energy, &c.phase, &options, c.state, xi, 1.0, integral, &result));
    assert_int_equal(eqs_relax_unconverged(&result), 0);
    eqs_relax_result_clear(&result);
    add_products(&c, c.state, -1.0, contrast);
    eqs_phase free_phase = c.phase;
    c.phase.beta[EQS_BETA_Y] += xi;
    tight.settled_start = true;
    case_relax(&c, &tight);
    c.phase = free_phase;
    add_products(&c, c.state, 1.0, contrast);
    eqs_gradient_agreement agreement = eqs_gradient_compare(n, integral, contrast);
    *size = 0.0;
    for (size_t i = 0; i < n; i++)
        *size = fmax(*size, fabs(contrast[i]));
    eqs_free(integral);
    case_destroy(&c);
    return agreement.error;
}

static void the_integral_is_the_contrastive_update(void **unused)
{
    (void)unused;
    int checked = 0;
    for (int form = 0; form < 3; form++) {
        for (int kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
            for (int topology = 0; topology < N_TOPOLOGIES; topology++) {
                case_def def = {.form = (eqs_form)form,
                                .activation = (eqs_activation_kind)kind,
                                .topology = (case_topology)topology,
                                .gain = 0.3,
                                .batch = 2};
                if (!case_continuous(def.form, def.activation))
                    continue;
                double size, error = difference(def, "cvode-bdf", 1e-8, &size);
                if (size < 1e-6) /* all outputs are held at their bounds: nothing moves */
                    continue;
                if (!(error < 2e-5))
                    print_error("form %d, rho %d, topology %d: %.3g\n", form, kind, topology, error);
                assert_true(error < 2e-5);
                checked++;
            }
        }
    }
    assert_true(checked > 70);
}

static void a_tighter_tolerance_brings_it_closer(void **unused)
{
    (void)unused;
    const case_def def = {.form = EQS_FORM_MEMBRANE, .activation = EQS_TANH, .topology = FULL, .batch = 2};
    double size, loose = difference(def, "cvode-bdf", 1e-5, &size);
    double tight = difference(def, "cvode-bdf", 1e-9, &size);
    print_message("relative difference %.1e at rtol 1e-5, %.1e at 1e-9\n", loose, tight);
    assert_true(size > 1e-3 && tight < 1e-2 * loose && tight < 1e-6);
    assert_true(difference(def, "cvode-adams", 1e-10, &size) < 1e-6);
}

static void solvers_that_follow_no_time_are_refused(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE});
    double *integral = eqs_alloc(c.net->n_parameters, sizeof *integral);
    eqs_relax_options options = case_options("auto", 1e-9);
    assert_fails(eqs_stdp_integrate(c.energy, &c.phase, &options, c.state, xi, 1.0, integral, NULL),
                 EQS_BAD_CONFIG, "does not integrate along the trajectory");
    eqs_free(integral);
    case_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_integral_is_the_contrastive_update),
        cmocka_unit_test(a_tighter_tolerance_brings_it_closer),
        cmocka_unit_test(solvers_that_follow_no_time_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
