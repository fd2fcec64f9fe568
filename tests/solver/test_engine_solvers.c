/* sweep, nesterov, anderson, newton and auto behind eqs_relax_run. */
#include "tests/solver/solver_case.h"

#include "solver/engine_solvers.h"

static const char *const names[] = {"sweep", "nesterov", "newton", "auto"};
enum { N_NAMES = sizeof names / sizeof *names };

static void every_solver_certifies_every_kind_of_network(void **unused)
{
    (void)unused;
    for (int i = 0; i < N_TOPOLOGIES * EQS_ACTIVATION_COUNT * N_NAMES; i++) {
        eqs_form form = i % 2 == 0 ? EQS_FORM_MEMBRANE : EQS_FORM_GRADIENT;
        test_case c =
            case_create((case_def){.topology = (case_topology)(i / N_NAMES / EQS_ACTIVATION_COUNT),
                                   .activation = (eqs_activation_kind)(i / N_NAMES % EQS_ACTIVATION_COUNT),
                                   .form = form,
                                   .batch = 3});
        eqs_relax_options options = case_options(names[i % N_NAMES], 1e-8);
        c.phase.beta[EQS_BETA_Y] = 0.4;
        assert_true(case_relax(&c, &options) <= 1e-8);
        case_destroy(&c);
    }
}

/* more samples than an engine holds at a time */
static void large_batches_are_the_sum_of_their_samples(void **unused)
{
    (void)unused;
    enum { MANY = 150 };
    case_def def = {.topology = SKIP, .form = EQS_FORM_MEMBRANE, .batch = MANY};
    test_case c = case_create(def);
    eqs_relax_options options = case_options("auto", 1e-7);
    eqs_relax_result all, one;
    assert_ok(eqs_relax_run(c.energy, &c.phase, &options, c.state, &all));
    assert_int_equal(eqs_relax_unconverged(&all), 0);
    long steps = 0;
    for (size_t b = 0; b < MANY; b++) {
        eqs_phase phase = c.phase;
        eqs_state *state;
        phase.batch = 1;
        phase.x = c.x + b * case_units[0];
        phase.target = c.target + b * case_units[CASE_LAYERS - 1];
        assert_ok(eqs_state_create(c.net, 1, &state));
        assert_ok(eqs_relax_run(c.energy, &phase, &options, state, &one));
        assert_true(one.residual[0] == all.residual[b] && one.energy[0] == all.energy[b]);
        for (size_t k = 1; k < CASE_LAYERS; k++)
            assert_memory_equal(state->s[k], c.state->s[k] + b * case_units[k],
                                case_units[k] * sizeof(double));
        steps += one.statistics.steps;
        eqs_relax_result_clear(&one);
        eqs_state_destroy(state);
    }
    assert_int_equal(steps, all.statistics.steps);
    assert_true(strncmp(all.solver, "auto (anderson", 14) == 0);
    eqs_relax_result_clear(&all);
    case_destroy(&c);
}

static void recorded_sweeps_descend_to_the_certificate(void **unused)
{
    (void)unused;
    for (int topology = 0; topology < N_TOPOLOGIES; topology++) {
        test_case c = case_create((case_def){
            .topology = (case_topology)topology, .form = EQS_FORM_MEMBRANE, .gain = 1.5, .batch = 2});
        eqs_relax_options options = case_options("sweep", 1e-6);
        eqs_relax_result result;
        options.record = EQS_RECORD_STEPS;
        c.phase.beta[EQS_BETA_Y] = 0.5;
        assert_ok(eqs_relax_run(c.energy, &c.phase, &options, c.state, &result));
        assert_int_equal(eqs_relax_unconverged(&result), 0);
        for (size_t b = 0; b < 2; b++) {
            const eqs_trajectory *t = &result.trajectory[b];
            assert_true(t->n >= 3);
            for (size_t i = 0; i < t->n; i++) {
                assert_true(t->time[i] == (double)i);
                assert_true(i == 0 || t->energy[i] <= t->energy[i - 1] + 1e-13);
            }
            assert_close(t->residual[t->n - 1], result.residual[b], 0.0, 1e-14);
            assert_close(t->energy[t->n - 1], result.energy[b], 0.0, 1e-13);
            const double *last = t->state + (t->n - 1) * t->n_state;
            for (size_t k = eqs_first_free_layer(c.net); k < CASE_LAYERS; last += case_units[k], k++)
                assert_memory_equal(last, c.state->s[k] + b * case_units[k], case_units[k] * sizeof(double));
        }
        eqs_relax_result_clear(&result);
        case_destroy(&c);
    }
}

static void too_few_sweeps_are_reported_as_such(void **unused)
{
    (void)unused;
    for (int topology = 0; topology < N_TOPOLOGIES; topology++) {
        test_case c = case_create((case_def){.topology = (case_topology)topology, .form = EQS_FORM_MEMBRANE});
        for (size_t i = 0; i < N_NAMES; i++) {
            eqs_relax_options options = case_options(names[i], 1e-13);
            eqs_relax_result result;
            options.max_steps = 2;
            eqs_state_fill(c.net, c.state, 0.0);
            assert_ok(eqs_relax_run(c.energy, &c.phase, &options, c.state, &result));
            assert_int_equal(result.end[0], EQS_RELAX_STEP_LIMIT);
            assert_true(result.residual[0] > 1e-13 && result.residual[0] < 10.0);
            eqs_relax_result_clear(&result);
        }
        case_destroy(&c);
    }
}

/* linear units coupled so strongly that the energy falls without bound */
static void an_energy_without_minimum_fails_and_says_why(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < N_NAMES; i++) {
        for (int topology = 0; topology < N_TOPOLOGIES; topology++) {
            test_case c = case_create((case_def){.topology = (case_topology)topology,
                                                 .activation = EQS_LINEAR,
                                                 .form = EQS_FORM_MEMBRANE,
                                                 .gain = 20.0,
                                                 .batch = 2});
            eqs_relax_options options = case_options(names[i], 1e-6);
            eqs_relax_result result;
            assert_ok(eqs_relax_run(c.energy, &c.phase, &options, c.state, &result));
            for (size_t b = 0; b < 2; b++) {
                /* Newton may find the saddle, which is a fixed point all right */
                assert_true(result.end[b] == EQS_RELAX_FAILED ||
                            (strcmp(names[i], "newton") == 0 && result.end[b] == EQS_RELAX_CONVERGED));
                for (size_t k = 1; k < CASE_LAYERS; k++) {
                    for (size_t j = 0; j < case_units[k]; j++)
                        assert_true(isfinite(c.state->s[k][b * case_units[k] + j]));
                }
            }
            if (result.end[0] == EQS_RELAX_FAILED)
                assert_non_null(strstr(result.failure, "no minimum"));
            eqs_relax_result_clear(&result);
            case_destroy(&c);
        }
    }
}

static void times_cannot_be_recorded_and_the_message_says_who_can(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE});
    eqs_relax_options options = case_options("sweep", 1e-6);
    eqs_relax_result result;
    const double times[] = {0.0, 1.0};
    options.record = EQS_RECORD_TIMES;
    options.record_times = times;
    options.n_record_times = 2;
    assert_fails(eqs_relax_run(c.energy, &c.phase, &options, c.state, &result), EQS_BAD_CONFIG, "cvode-bdf");
    case_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_solver_certifies_every_kind_of_network),
        cmocka_unit_test(large_batches_are_the_sum_of_their_samples),
        cmocka_unit_test(recorded_sweeps_descend_to_the_certificate),
        cmocka_unit_test(too_few_sweeps_are_reported_as_such),
        cmocka_unit_test(an_energy_without_minimum_fails_and_says_why),
        cmocka_unit_test(times_cannot_be_recorded_and_the_message_says_who_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
