/* What training says of its phases: nudged phases certified relative to their response, and which fixed point
 * was reached. */
#include "tests/learning/small_run.h"

#include "base/run.h"

#include <signal.h>

static const char *const solvers[] = {"batch auto",  "batch sweep", "batch newton",
                                      "batch euler", "ode cvode",   "ode kinsol"};
enum { N_SOLVERS = sizeof solvers / sizeof *solvers };

/* overrides of a solver: "ENGINE NAME" */
static void split(const char *solver, char engine[48], char name[48])
{
    const char *space = strchr(solver, ' ');
    snprintf(engine, 48, "learning.engine=%.*s", (int)(space - solver), solver);
    snprintf(name, 48, "relaxation.solver=%s", space + 1);
}

static eqs_epoch_row epoch_of(const char *solver, const char *relative, const char *couplings)
{
    char engine[48], name[48];
    split(solver, engine, name);
    small_run run = SMALL_RUN("relaxation.tolerance=1e-3", "learning.nudge=centred", "learning.beta=0.1",
                              "relaxation.step=0.3", "data.train=20", "learning.rates=0.2", engine, name,
                              relative, couplings);
    eqs_epoch_row row = small_epoch(&run);
    small_run_close(&run);
    return row;
}

static void residuals_of_nudged_phases_may_be_bounded_by_their_response(void **state)
{
    (void)state;
    static const char *const couplings[] = {"network.couplings=layered", "network.couplings=full"};
    for (size_t i = 0; i < N_SOLVERS; i++) {
        for (size_t c = 0; c < 2; c++) {
            eqs_epoch_row loose = epoch_of(solvers[i], "relaxation.nudged_relative=0", couplings[c]);
            eqs_epoch_row tight = epoch_of(solvers[i], "relaxation.nudged_relative=1e-4", couplings[c]);
            if (!(tight.residual_response <= 1e-4))
                print_error("%s, %s: %g\n", solvers[i], couplings[c], tight.residual_response);
            /* a residual of 1e-3 is no certificate of responses of some 1e-2; Newton's last step overshoots
             * it by far */
            bool newton = strstr(solvers[i], "newton") != NULL || strstr(solvers[i], "kinsol") != NULL;
            assert_true(newton || loose.residual_response > 1e-3);
            assert_true(newton || tight.residual_nudged < loose.residual_nudged);
            assert_true(tight.residual_response <= 1e-4 && tight.residual_response > 0.0);
            assert_true(tight.unconverged == 0.0);
            assert_true(tight.sweeps_nudged >= loose.sweeps_nudged);
        }
    }
}

static void responses_below_the_precision_are_unresolved(void **state)
{
    (void)state;
    small_run run = SMALL_RUN("relaxation.precision=single", "relaxation.tolerance=1e-4",
                              "learning.nudge=fixed", "learning.beta=1e-8", "relaxation.nudged_relative=0.1");
    eqs_epoch_row row = small_epoch(&run);
    assert_true(row.unresolved > 0.5);
    assert_true(row.residual_nudged <= 5e-7 && row.unconverged == 0.0);
    small_run_close(&run);
}

static void a_relative_tolerance_needs_phases_that_end_on_one(void **state)
{
    (void)state;
    static const char *const others[][3] = {
        {"relaxation.solver=euler", "relaxation.nudged_iterations=4", NULL},
        {"learning.rule=exact", "learning.nudge=none", NULL},
        {"learning.rule=truncated-eqprop", NULL, NULL},
    };
    for (size_t i = 0; i < 2; i++) {
        const char *overrides[] = {"relaxation.nudged_relative=0.1", others[i][0], others[i][1],
                                   others[i][2]};
        eqs_config *config = small_config(4, overrides);
        eqs_setup *setup;
        eqs_train_options options;
        assert_ok(eqs_setup_create(config, NULL, &setup));
        assert_fails(eqs_setup_train_options(setup, 1, &options), EQS_BAD_CONFIG,
                     "relaxation.nudged_relative");
        eqs_setup_destroy(setup);
        eqs_config_destroy(config);
    }
}

/* strong couplings: several fixed points; n training samples, all of them checked */
static small_run strong_run(const char *engine, const char *solver, size_t n)
{
    char train[48], check[48];
    snprintf(train, sizeof train, "data.train=%zu", n);
    snprintf(check, sizeof check, "relaxation.check_attractor=%zu", n);
    return SMALL_RUN("network.gain=6", "learning.rates=0.01", "learning.persistent=false",
                     "learning.nudge=fixed", "learning.beta=0.05", "data.validation=4", "data.test=4", engine,
                     solver, train, check);
}

static void training_tells_how_often_it_ends_in_another_fixed_point(void **state)
{
    (void)state;
    small_run sweep = strong_run("learning.engine=batch", "relaxation.solver=sweep", 60);
    small_run newton = strong_run("learning.engine=batch", "relaxation.solver=newton", 60);
    small_run kinsol = strong_run("learning.engine=ode", "relaxation.solver=kinsol", 20);
    small_run none = SMALL_RUN("relaxation.check_attractor=0");
    assert_true(small_epoch(&sweep).other_attractor == 0.0);
    double fraction = small_epoch(&newton).other_attractor;
    assert_true(fraction > 0.0 && fraction < 1.0);
    assert_close(60.0 * fraction, round(60.0 * fraction), 0.0, 1e-12);
    assert_true(small_epoch(&kinsol).other_attractor > 0.0);
    assert_true(isnan(small_epoch(&none).other_attractor));
    small_run_close(&sweep);
    small_run_close(&newton);
    small_run_close(&kinsol);
    small_run_close(&none);
}

static void the_check_leaves_no_trace_in_what_is_learnt(void **state)
{
    (void)state;
    small_run with = SMALL_RUN("relaxation.check_attractor=17"),
              without = SMALL_RUN("relaxation.check_attractor=0");
    for (int epoch = 0; epoch < 2; epoch++) {
        eqs_epoch_row a = small_epoch(&with), b = small_epoch(&without);
        assert_true(a.cost == b.cost && a.test_error == b.test_error && a.sweeps_free == b.sweeps_free);
    }
    double *a = small_theta(&with), *b = small_theta(&without);
    assert_memory_equal(a, b, with.setup->net->n_parameters * sizeof *a);
    eqs_free(a);
    eqs_free(b);
    small_run_close(&with);
    small_run_close(&without);
}

static void stop_after_training(const eqs_train_position *position, size_t done, size_t all, void *user)
{
    (void)position;
    (void)user;
    if (done == all)
        eqs_stop_request(SIGTERM);
}

/* an epoch stopped before its evaluation */
static void the_check_goes_on_where_it_was_stopped(void **state)
{
    (void)state;
    small_run run = strong_run("learning.engine=batch", "relaxation.solver=newton", 60);
    double whole = small_epoch(&run).other_attractor;
    small_run_close(&run);
    run = strong_run("learning.engine=batch", "relaxation.solver=newton", 60);
    eqs_epoch_row row;
    assert_int_equal(eqs_trainer_epoch(run.trainer, stop_after_training, NULL, &row), EQS_INTERRUPTED);
    eqs_stop_request(0);
    assert_ok(eqs_trainer_epoch(run.trainer, NULL, NULL, &row));
    assert_true(row.other_attractor == whole);
    small_run_close(&run);
}

static void more_samples_than_there_are_cannot_be_checked(void **state)
{
    (void)state;
    const char *overrides[] = {"relaxation.check_attractor=61"};
    eqs_config *config = small_config(1, overrides);
    small_run run = {.config = config};
    eqs_train_options options;
    assert_ok(eqs_setup_create(config, NULL, &run.setup));
    assert_ok(eqs_setup_train_options(run.setup, 1, &options));
    assert_ok(eqs_dataset_open(&config->data, config->seed, &run.data));
    assert_fails(eqs_trainer_create(run.setup->energy, run.data, &options, run.setup->theta, &run.trainer),
                 EQS_BAD_CONFIG, "relaxation.check_attractor: found 61, but there are 60 training samples");
    eqs_dataset_destroy(run.data);
    eqs_setup_destroy(run.setup);
    eqs_config_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(residuals_of_nudged_phases_may_be_bounded_by_their_response),
        cmocka_unit_test(responses_below_the_precision_are_unresolved),
        cmocka_unit_test(a_relative_tolerance_needs_phases_that_end_on_one),
        cmocka_unit_test(training_tells_how_often_it_ends_in_another_fixed_point),
        cmocka_unit_test(the_check_leaves_no_trace_in_what_is_learnt),
        cmocka_unit_test(the_check_goes_on_where_it_was_stopped),
        cmocka_unit_test(more_samples_than_there_are_cannot_be_checked),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
