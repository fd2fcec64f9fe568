/* The training loop: updates, engines, persistent states, evaluation. */
#include "tests/learning/small_run.h"

#include "base/run.h"
#include "learning/phases.h"

static void training_lowers_the_cost_with_every_nudge(void **state)
{
    (void)state;
    static const char *const nudges[] = {"learning.nudge=fixed", "learning.nudge=random-sign",
                                         "learning.nudge=centred"};
    static const char *const precisions[] = {"relaxation.precision=single", "relaxation.precision=double"};
    for (size_t i = 0; i < 6; i++) {
        small_run run = SMALL_RUN(nudges[i / 2], precisions[i % 2], "relaxation.tolerance=1e-5");
        eqs_epoch_row first = small_epoch(&run), last = first;
        for (int epoch = 1; epoch < 12; epoch++)
            last = small_epoch(&run);
        assert_true(last.cost < 0.5 * first.cost);
        assert_true(last.train_error < 0.1 && first.train_error > 0.3);
        assert_true(last.validation_error < 0.15 && last.test_error < 0.15);
        assert_true(last.residual <= 1e-5 && last.residual_nudged <= 1e-5 && last.unconverged == 0.0);
        assert_true(last.epoch == 12.0);
        small_run_close(&run);
    }
}

/* Parameters after one epoch with a nudge and an engine; the caller frees. Weights are so small that every
 * phase has one fixed point: else solvers may rightly find different ones. */
static double *after_an_epoch(const char *nudge, const char *engine, const char *solver, eqs_epoch_row *row,
                              size_t *n)
{
    small_run run = SMALL_RUN(nudge, engine, solver, "network.gain=0.4", "learning.rates=0.05",
                              "relaxation.tolerance=1e-11", "relaxation.rtol=1e-10", "relaxation.atol=1e-13",
                              "network.delta=[0, 1, 0.01]", "network.regulariser=l2");
    *row = small_epoch(&run);
    *n = run.setup->net->n_parameters;
    double *theta = small_theta(&run);
    assert_true(largest_difference(*n, theta, run.setup->theta) > 0.005);
    small_run_close(&run);
    return theta;
}

static void the_batch_engine_and_the_ode_give_the_same_update(void **state)
{
    (void)state;
    static const char *const nudges[] = {"learning.nudge=random-sign", "learning.nudge=centred"};
    static const char *const solvers[] = {"relaxation.solver=cvode-bdf", "relaxation.solver=kinsol",
                                          "relaxation.solver=euler"};
    for (size_t i = 0; i < 6; i++) {
        eqs_epoch_row batch_row, ode_row;
        size_t n;
        double *batch =
            after_an_epoch(nudges[i / 3], "learning.engine=batch", "relaxation.solver=auto", &batch_row, &n);
        double *ode = after_an_epoch(nudges[i / 3], "learning.engine=ode", solvers[i % 3], &ode_row, &n);
        assert_true(largest_difference(n, batch, ode) <= 1e-8);
        assert_close(batch_row.cost, ode_row.cost, 0, 1e-8);
        assert_close(batch_row.energy, ode_row.energy, 0, 1e-8);
        assert_true(batch_row.train_error == ode_row.train_error);
        assert_true(batch_row.test_error == ode_row.test_error);
        assert_true(batch_row.unconverged == 0.0 && ode_row.unconverged == 0.0);
        eqs_free(batch);
        eqs_free(ode);
    }
}

/* parameters after the one update of a single minibatch */
static double *after_an_update(const char *engine, const char *regulariser, const char *delta, double **start,
                               size_t *n)
{
    small_run run = SMALL_RUN(engine, regulariser, delta, "data.train=20", "learning.batch=20",
                              "learning.rates=[0.25, 0.125]");
    small_epoch(&run);
    *n = run.setup->net->n_parameters;
    *start = eqs_alloc(*n, sizeof **start);
    memcpy(*start, run.setup->theta, *n * sizeof **start);
    double *theta = small_theta(&run);
    small_run_close(&run);
    return theta;
}

static double sign(double x)
{
    return (double)((x > 0.0) - (x < 0.0));
}

static void regularisers_shrink_the_weights_by_their_gradient(void **state)
{
    (void)state;
    static const char *const engines[] = {"learning.engine=batch", "learning.engine=ode"};
    enum { W_1 = 6 * 8, W_2 = 8 * 3 };
    for (size_t i = 0; i < 4; i++) {
        bool l2 = i % 2 == 0;
        size_t n;
        double *W, *again;
        double *plain =
            after_an_update(engines[i / 2], l2 ? "network.regulariser=l2" : "network.regulariser=l1",
                            "network.delta=[0, 1, 0]", &W, &n);
        double *shrunk =
            after_an_update(engines[i / 2], l2 ? "network.regulariser=l2" : "network.regulariser=l1",
                            "network.delta=[0, 1, 0.5]", &again, &n);
        assert_int_equal(n, W_1 + W_2 + 8 + 3);
        assert_memory_equal(W, again, n * sizeof *W);
        for (size_t p = 0; p < n; p++) {
            double rate = p < W_1 ? 0.25 : p < W_1 + W_2 ? 0.125 : 0.0; /* biases are not regularised */
            double decay = rate * 0.5 * (l2 ? W[p] : sign(W[p]));
            assert_close(shrunk[p], plain[p] - decay, 0, 1e-9);
        }
        eqs_free(W);
        eqs_free(again);
        eqs_free(plain);
        eqs_free(shrunk);
    }
}

static void persistent_states_shorten_the_second_epoch(void **state)
{
    (void)state;
    static const char *const engines[] = {"learning.engine=batch", "learning.engine=ode"};
    for (size_t i = 0; i < 2; i++) {
        small_run warm =
            SMALL_RUN(engines[i], "learning.rates=0.02", "network.gain=1", "network.layers=[6, 8, 8, 3]");
        small_run cold = SMALL_RUN(engines[i], "learning.rates=0.02", "network.gain=1",
                                   "network.layers=[6, 8, 8, 3]", "learning.persistent=false");
        eqs_epoch_row warm_first = small_epoch(&warm), cold_first = small_epoch(&cold);
        eqs_epoch_row warm_second = small_epoch(&warm), cold_second = small_epoch(&cold);
        assert_true(warm_first.sweeps_free == cold_first.sweeps_free);
        assert_true(warm_second.sweeps_free < 0.6 * cold_second.sweeps_free);
        assert_true(warm_second.sweeps_free < 0.6 * warm_first.sweeps_free);
        small_run_close(&warm);
        small_run_close(&cold);
    }
}

static void the_last_small_minibatch_is_averaged_over_its_own_samples(void **state)
{
    (void)state;
    small_run wide = SMALL_RUN("data.train=4", "learning.batch=7"),
              exact = SMALL_RUN("data.train=4", "learning.batch=4");
    small_epoch(&wide);
    small_epoch(&exact);
    double *a = small_theta(&wide), *b = small_theta(&exact);
    assert_memory_equal(a, b, wide.setup->net->n_parameters * sizeof *a);
    eqs_free(a);
    eqs_free(b);
    small_run_close(&wide);
    small_run_close(&exact);
}

static void shuffling_follows_the_seed_and_changes_the_path(void **state)
{
    (void)state;
    const char *with[3] = {"learning.shuffle=true", "learning.shuffle=true", "learning.shuffle=false"};
    double *theta[3];
    size_t n = 0;
    for (size_t i = 0; i < 3; i++) {
        small_run run = SMALL_RUN(with[i], "learning.nudge=centred");
        small_epoch(&run);
        small_epoch(&run);
        theta[i] = small_theta(&run);
        n = run.setup->net->n_parameters;
        small_run_close(&run);
    }
    assert_memory_equal(theta[0], theta[1], n * sizeof(double));
    assert_true(largest_difference(n, theta[0], theta[2]) > 1e-6);
    for (size_t i = 0; i < 3; i++)
        eqs_free(theta[i]);
}

static void the_bits_do_not_depend_on_the_threads(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"learning.engine=batch", "relaxation.precision=single", "relaxation.tolerance=1e-5"},
        {"learning.engine=batch", "relaxation.precision=double", NULL},
        {"learning.engine=ode", "relaxation.solver=cvode-bdf", "data.train=14"},
    };
    static const int threads[] = {1, 2, 4};
    for (size_t c = 0; c < 3; c++) {
        double *first = NULL;
        eqs_epoch_row first_row = {0};
        for (size_t i = 0; i < 3; i++) {
            small_run run = small_run_open(3, cases[c], threads[i]);
            small_epoch(&run);
            eqs_epoch_row row = small_epoch(&run);
            double *theta = small_theta(&run);
            if (i == 0) {
                first = theta;
                first_row = row;
            } else {
                assert_memory_equal(theta, first, run.setup->net->n_parameters * sizeof *theta);
                assert_memory_equal(&row, &first_row, sizeof row);
                eqs_free(theta);
            }
            small_run_close(&run);
        }
        eqs_free(first);
    }
}

/* errors, cost and confusion counted by hand from relaxations outside the trainer */
static void evaluation_agrees_with_relaxations_of_its_own(void **state)
{
    (void)state;
    small_run run = SMALL_RUN("learning.persistent=false", "relaxation.tolerance=1e-10");
    small_epoch(&run);
    small_epoch(&run);
    const eqs_network *net = run.setup->net;
    double error, cost, residual, *theta = small_theta(&run);
    uint32_t confusion[BLOB_CLASSES * BLOB_CLASSES] = {0}, expected[BLOB_CLASSES * BLOB_CLASSES] = {0};
    assert_ok(eqs_trainer_evaluate(run.trainer, EQS_DATASET_TEST, &error, &cost, &residual, confusion));

    enum { N = 20 };
    uint32_t label[N];
    double *x = small_samples(&run, EQS_DATASET_TEST, N, label), own_cost = 0.0;
    eqs_state *states;
    assert_ok(eqs_state_create(net, N, &states));
    eqs_phase phase = {.net = net, .theta = theta, .batch = N, .x = x};
    memcpy(phase.beta, net->beta, sizeof phase.beta);
    eqs_relax_options relax = eqs_relax_options_default();
    relax.solver = "newton";
    relax.tolerance = 1e-10;
    eqs_relax_result result = {0};
    assert_ok(eqs_relax_run(run.setup->energy, &phase, &relax, states, &result));
    assert_int_equal(eqs_relax_unconverged(&result), 0);
    unsigned wrong = 0;
    for (size_t b = 0; b < N; b++) {
        const double *y = states->s[2] + b * BLOB_CLASSES;
        uint32_t guess = 0;
        for (uint32_t i = 0; i < BLOB_CLASSES; i++) {
            guess = y[i] > y[guess] ? i : guess;
            own_cost += 0.5 * pow(y[i] - (i == label[b] ? 1.0 : 0.0), 2) / N;
        }
        wrong += guess != label[b];
        expected[label[b] * BLOB_CLASSES + guess]++;
    }
    assert_close(error, wrong / (double)N, 0, 1e-15);
    assert_close(cost, own_cost, 0, 1e-8);
    assert_true(residual > 0.0 && residual <= 1e-10);
    assert_memory_equal(confusion, expected, sizeof expected);
    eqs_relax_result_clear(&result);
    eqs_state_destroy(states);
    eqs_free(x);
    eqs_free(theta);
    small_run_close(&run);
}

static void evaluation_leaves_the_parameters_and_the_path_alone(void **state)
{
    (void)state;
    small_run with = SMALL_RUN("learning.persistent=false"), without = SMALL_RUN("learning.persistent=false");
    small_epoch(&with);
    small_epoch(&without);
    double error;
    assert_ok(eqs_trainer_evaluate(with.trainer, EQS_DATASET_TRAIN, &error, NULL, NULL, NULL));
    small_epoch(&with);
    small_epoch(&without);
    double *a = small_theta(&with), *b = small_theta(&without);
    assert_memory_equal(a, b, with.setup->net->n_parameters * sizeof *a);
    eqs_free(a);
    eqs_free(b);
    small_run_close(&with);
    small_run_close(&without);
}

static void a_part_without_samples_has_no_error(void **state)
{
    (void)state;
    small_run run = SMALL_RUN("data.validation=0");
    eqs_epoch_row row = small_epoch(&run);
    assert_true(isnan(row.validation_error) && row.test_error >= 0.0);
    double error = 0.0, cost = 0.0;
    assert_ok(eqs_trainer_evaluate(run.trainer, EQS_DATASET_VALIDATION, &error, &cost, NULL, NULL));
    assert_true(isnan(error) && isnan(cost));
    small_run_close(&run);
}

static void the_relative_change_is_that_of_the_last_measured_update(void **state)
{
    (void)state;
    small_run run = SMALL_RUN("data.train=20", "learning.batch=20");
    double change[4];
    eqs_trainer_change(run.trainer, change);
    assert_true(isnan(change[0]) && isnan(change[3]));
    small_epoch(&run); /* one update, of the first minibatch: measured */
    double *after = small_theta(&run);
    const double *before = run.setup->theta;
    eqs_trainer_change(run.trainer, change);
    double moved = 0.0, norm = 0.0;
    for (size_t i = 0; i < 6 * 8; i++) {
        moved += (after[i] - before[i]) * (after[i] - before[i]);
        norm += before[i] * before[i];
    }
    assert_close(change[0], sqrt(moved / norm), 1e-10, 0);
    eqs_free(after);
    small_run_close(&run);
}

static void refused(const char *layers, const char *text)
{
    eqs_config *config = small_config(1, &layers);
    eqs_setup *setup;
    eqs_train_options options;
    eqs_dataset *data;
    eqs_trainer *trainer;
    assert_ok(eqs_setup_create(config, NULL, &setup));
    assert_ok(eqs_setup_train_options(setup, 1, &options));
    assert_ok(eqs_dataset_open(&config->data, config->seed, &data));
    assert_fails(eqs_trainer_create(setup->energy, data, &options, setup->theta, &trainer), EQS_BAD_CONFIG,
                 text);
    eqs_dataset_destroy(data);
    eqs_setup_destroy(setup);
    eqs_config_destroy(config);
}

static void layers_that_do_not_fit_the_data_are_refused(void **state)
{
    (void)state;
    refused("network.layers=[5, 8, 3]", "input layer has 5 units, but a sample of the data has 6");
    refused("network.layers=[6, 8, 2]", "output layer has 2 units, but the data has 3 classes");
}

static void engines_that_cannot_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        {"relaxation.solver=sweep", "relaxation.free_iterations=5", NULL, "allowed: solver: euler"},
        {"relaxation.solver=kinsol", "learning.engine=batch", NULL, "kinsol"},
        {"relaxation.solver=nonsense", "learning.engine=ode", NULL, "nonsense"},
        {"relaxation.solver=nonsense", "learning.engine=batch", NULL, "nonsense"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eqs_config *config = small_config(3, cases[i]);
        eqs_setup *setup;
        eqs_train_options options;
        eqs_phases *phases;
        assert_ok(eqs_setup_create(config, NULL, &setup));
        assert_ok(eqs_setup_train_options(setup, 1, &options));
        assert_fails(eqs_phases_create(setup->energy, &options.phases, &phases), EQS_BAD_CONFIG, cases[i][3]);
        eqs_setup_destroy(setup);
        eqs_config_destroy(config);
    }
}

static void a_run_that_leaves_the_finite_numbers_says_where(void **state)
{
    (void)state;
    static const char *const engines[] = {"learning.engine=batch", "learning.engine=ode"};
    for (size_t i = 0; i < 2; i++) {
        small_run run = SMALL_RUN(engines[i], "network.activation=linear", "learning.rates=1e30",
                                  "relaxation.solver=euler", "relaxation.free_iterations=20",
                                  "relaxation.nudged_iterations=20");
        eqs_epoch_row row;
        eqs_status status = EQS_OK;
        for (int epoch = 0; epoch < 3 && status == EQS_OK; epoch++)
            status = eqs_trainer_epoch(run.trainer, NULL, NULL, &row);
        assert_fails(status, EQS_NOT_CONVERGED, "left the finite numbers");
        assert_non_null(strstr(eqs_error_message(), "epoch 1, minibatch "));
        small_run_close(&run);
    }
}

static void nudged_phases_may_have_a_tolerance_of_their_own(void **state)
{
    (void)state;
    for (int engine = 0; engine < 2; engine++) {
        small_run run = SMALL_RUN("relaxation.tolerance=1e-3", "relaxation.nudged_tolerance=1e-9",
                                  "relaxation.solver=euler", "relaxation.step=0.3",
                                  engine == 0 ? "learning.engine=batch" : "learning.engine=ode");
        eqs_epoch_row row = small_epoch(&run);
        assert_true(row.residual <= 1e-3 && row.residual > 1e-6);
        assert_true(row.residual_nudged <= 1e-9 && row.unconverged == 0.0);
        small_run_close(&run);
    }
}

static void the_scheme_of_the_paper_trains_without_a_certificate(void **state)
{
    (void)state;
    for (int engine = 0; engine < 2; engine++) {
        small_run run = SMALL_RUN("relaxation.solver=euler", "relaxation.free_iterations=20",
                                  "relaxation.nudged_iterations=4", "learning.beta=1.0",
                                  engine == 0 ? "learning.engine=batch" : "learning.engine=ode");
        eqs_epoch_row first = small_epoch(&run), last = first;
        for (int epoch = 1; epoch < 12; epoch++)
            last = small_epoch(&run);
        assert_true(last.cost < 0.7 * first.cost);
        assert_close(last.sweeps_free, 20, 0, 1e-12);
        assert_close(last.sweeps_nudged, 4, 0, 1e-12);
        assert_true(last.unconverged == 0.0 && last.residual > 1e-8);
        small_run_close(&run);
    }
}

static void every_allocation_of_a_trainer_may_fail(void **state)
{
    (void)state;
    static const char *const engines[] = {"learning.engine=batch", "learning.engine=ode"};
    for (size_t i = 0; i < 2; i++) {
        small_run run = SMALL_RUN(engines[i]);
        eqs_train_options options;
        assert_ok(eqs_setup_train_options(run.setup, 2, &options));
        eqs_trainer *trainer = NULL;
        eqs_status status = EQS_NO_MEMORY;
        long k = 1;
        for (; k < 1000 && status == EQS_NO_MEMORY; k++) {
            eqs_alloc_fail_at(k);
            status = eqs_trainer_create(run.setup->energy, run.data, &options, run.setup->theta, &trainer);
        }
        eqs_alloc_fail_at(0);
        assert_ok(status);
        assert_true(k > 10);
        eqs_trainer_destroy(trainer);
        small_run_close(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_lowers_the_cost_with_every_nudge),
        cmocka_unit_test(the_batch_engine_and_the_ode_give_the_same_update),
        cmocka_unit_test(regularisers_shrink_the_weights_by_their_gradient),
        cmocka_unit_test(persistent_states_shorten_the_second_epoch),
        cmocka_unit_test(the_last_small_minibatch_is_averaged_over_its_own_samples),
        cmocka_unit_test(shuffling_follows_the_seed_and_changes_the_path),
        cmocka_unit_test(the_bits_do_not_depend_on_the_threads),
        cmocka_unit_test(evaluation_agrees_with_relaxations_of_its_own),
        cmocka_unit_test(evaluation_leaves_the_parameters_and_the_path_alone),
        cmocka_unit_test(a_part_without_samples_has_no_error),
        cmocka_unit_test(the_relative_change_is_that_of_the_last_measured_update),
        cmocka_unit_test(layers_that_do_not_fit_the_data_are_refused),
        cmocka_unit_test(engines_that_cannot_are_refused),
        cmocka_unit_test(a_run_that_leaves_the_finite_numbers_says_where),
        cmocka_unit_test(nudged_phases_may_have_a_tolerance_of_their_own),
        cmocka_unit_test(the_scheme_of_the_paper_trains_without_a_certificate),
        cmocka_unit_test(every_allocation_of_a_trainer_may_fail),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
