/* The rules against each other on the same small task: what they have in common, what each promises, what
 * each refuses. */
#include "tests/learning/small_run.h"

#include "learning/run_file.h"
#include "solver/exact_gradient.h"

/* a rule with the nudge it needs and rates that suit it */
typedef struct rule_case {
    const char *rule, *nudge, *rates;
} rule_case;

static const rule_case rule_cases[] = {
    {"learning.rule=eqprop", "learning.nudge=higher-order", "learning.rates=[0.4, 0.2]"},
    {"learning.rule=truncated", "learning.nudge=centred", "learning.rates=[0.4, 0.2]"},
    {"learning.rule=recurrent-backprop", "learning.nudge=none", "learning.rates=[0.4, 0.2]"},
    {"learning.rule=exact", "learning.nudge=none", "learning.rates=[0.4, 0.2]"},
    {"learning.rule=contrastive-hebbian", "learning.nudge=none", "learning.rates=[0.2, 0.1]"},
    {"learning.rule=stdp", "learning.nudge=random-sign", "learning.rates=[0.4, 0.2]"},
};
enum { N_RULES = sizeof rule_cases / sizeof *rule_cases };

static void every_rule_learns(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_RULES; i++) {
        const rule_case *c = &rule_cases[i];
        for (int ode = 0; ode < 2; ode++) {
            bool clamped = strstr(c->rule, "hebbian") != NULL;
            const char *solver = ode && !clamped ? "relaxation.solver=cvode" : "relaxation.solver=auto";
            small_run run =
                SMALL_RUN(c->rule, c->nudge, c->rates, "relaxation.tolerance=1e-5", solver,
                          ode ? "learning.engine=ode" : "learning.engine=batch", "relaxation.rtol=1e-6",
                          "relaxation.atol=1e-9", "network.activation=tanh", "dynamics.form=gradient");
            eqs_epoch_row first = small_epoch(&run), last = first;
            for (int epoch = 1; epoch < (ode ? 6 : 12); epoch++)
                last = small_epoch(&run);
            if (!(last.cost < 0.6 * first.cost))
                print_error("%s: cost %.3g, then %.3g\n", c->rule, first.cost, last.cost);
            assert_true(last.cost < 0.6 * first.cost && last.validation_error <= 0.15);
            assert_true(last.residual <= 1e-5 && last.sweeps_nudged >= 0.0);
            small_run_close(&run);
        }
    }
}

/* parameters after one epoch at weak couplings, where the fixed points are unique; the caller frees */
static double *after_an_epoch(const char *rule, const char *nudge, const char *beta, size_t *n)
{
    small_run run =
        SMALL_RUN(rule, nudge, beta, "network.gain=0.4", "learning.rates=0.05", "relaxation.tolerance=1e-11",
                  "relaxation.rtol=1e-9", "relaxation.atol=1e-12", "network.delta=[0, 1, 0.01]",
                  "network.regulariser=l2", "network.activation=tanh", "dynamics.form=gradient");
    small_epoch(&run);
    *n = run.setup->net->n_parameters;
    double *theta = small_theta(&run);
    assert_true(largest_difference(*n, theta, run.setup->theta) > 0.005);
    small_run_close(&run);
    return theta;
}

static double distance(const char *rule, const char *nudge, const char *beta, const double *reference)
{
    size_t n;
    double *theta = after_an_epoch(rule, nudge, beta, &n);
    double largest = largest_difference(n, theta, reference);
    eqs_free(theta);
    return largest;
}

static void rules_that_estimate_the_gradient_agree_with_the_exact_one(void **state)
{
    (void)state;
    size_t n;
    double *exact = after_an_epoch("learning.rule=exact", "learning.nudge=none", NULL, &n);
    assert_true(distance("learning.rule=recurrent-backprop", "learning.nudge=none", NULL, exact) < 1e-9);
    const char *eqprop = "learning.rule=eqprop", *beta = "learning.beta=0.1";
    double one = distance(eqprop, "learning.nudge=fixed", beta, exact);
    double two = distance(eqprop, "learning.nudge=centred", beta, exact);
    double four = distance(eqprop, "learning.nudge=higher-order", beta, exact);
    assert_true(two < 0.5 * one && four < 0.1 * two);
    assert_true(distance(eqprop, "learning.nudge=higher-order", "learning.beta=0.05", exact) < 1e-6);
    eqs_free(exact);
}

static void stdp_makes_the_update_of_eqprop(void **state)
{
    (void)state;
    size_t n;
    static const char *const nudges[] = {"learning.nudge=fixed", "learning.nudge=centred"};
    for (size_t i = 0; i < 2; i++) {
        double *eqprop = after_an_epoch("learning.rule=eqprop", nudges[i], NULL, &n);
        assert_true(distance("learning.rule=stdp", nudges[i], NULL, eqprop) < 1e-6);
        eqs_free(eqprop);
    }
}

static void the_truncated_phase_takes_n_over_epsilon_iterations(void **state)
{
    (void)state;
    static const struct {
        const char *override;
        double iterations;
    } cases[] = {{"relaxation.step=0.5", 4.0},
                 {"relaxation.step=0.3", 7.0},
                 {"relaxation.nudged_iterations=3", 3.0},
                 {"learning.engine=ode", 4.0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        small_run run = SMALL_RUN("learning.rule=truncated", cases[i].override);
        eqs_epoch_row row = small_epoch(&run);
        assert_true(row.sweeps_nudged == cases[i].iterations);
        assert_true(row.residual <= 1e-8 && row.residual_nudged > 1e-8);
        small_run_close(&run);
    }
}

static void options_that_a_rule_cannot_honour_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"learning.rule=exact", NULL, "rule exact has no nudge (allowed: none)"},
        {"learning.rule=eqprop", "learning.nudge=none", "rule eqprop nudges the outputs"},
        {"learning.rule=stdp", "relaxation.nudged_iterations=4", "not a number of iterations"},
        {"learning.rule=truncated", "relaxation.nudged_tolerance=1e-3", "ends on no tolerance"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eqs_config *config = small_config(2, cases[i]);
        eqs_setup *setup;
        eqs_train_options options;
        assert_ok(eqs_setup_create(config, NULL, &setup));
        assert_fails(eqs_setup_train_options(setup, 1, &options), EQS_BAD_CONFIG, cases[i][2]);
        eqs_setup_destroy(setup);
        eqs_config_destroy(config);
    }
    /* the ODE cannot hold an output at its target */
    small_run run = SMALL_RUN("learning.rule=contrastive-hebbian", "learning.nudge=none",
                              "learning.engine=ode", "relaxation.solver=cvode");
    eqs_epoch_row row;
    assert_fails(eqs_trainer_epoch(run.trainer, NULL, NULL, &row), EQS_BAD_CONFIG,
                 "cannot hold the outputs at their targets");
    small_run_close(&run);
}

/* trains two epochs, in one go or through a file in between */
static double *two_epochs(const rule_case *c, bool resumed, int threads, size_t *n)
{
    const char *overrides[] = {c->rule, c->nudge, c->rates, "relaxation.precision=single",
                               "relaxation.tolerance=1e-5"};
    char path[256];
    eqs_run *file;
    snprintf(path, sizeof path, "%s", scratch("rules.h5"));
    unlink(path);
    small_run run = small_run_open(5, overrides, threads);
    eqs_epoch_row row = small_epoch(&run);
    if (resumed) {
        double change[4];
        eqs_trainer_change(run.trainer, change);
        assert_ok(eqs_run_open(path, run.setup, run.trainer, &file));
        assert_ok(eqs_run_append(file, &row, 1.0, change));
        assert_ok(eqs_run_write(file, "running"));
        eqs_run_close(file);
        small_run_close(&run);
        run = small_run_open(5, overrides, threads);
        assert_ok(eqs_run_open(path, run.setup, run.trainer, &file));
        assert_ok(eqs_run_resume(file));
        eqs_run_close(file);
    }
    small_epoch(&run);
    *n = run.setup->net->n_parameters;
    double *theta = small_theta(&run);
    small_run_close(&run);
    return theta;
}

static void resumed_runs_and_any_number_of_threads_have_the_same_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_RULES; i++) {
        size_t n;
        double *whole = two_epochs(&rule_cases[i], false, 1, &n);
        double *resumed = two_epochs(&rule_cases[i], true, 1, &n);
        double *threads = two_epochs(&rule_cases[i], false, 3, &n);
        assert_memory_equal(whole, resumed, n * sizeof *whole);
        assert_memory_equal(whole, threads, n * sizeof *whole);
        eqs_free(whole);
        eqs_free(resumed);
        eqs_free(threads);
    }
}

/* A hidden and an output unit that hold each other up or down: free, the network rests at 0; clamped to the
 * target 1 it falls into the deeper well, so that the contrastive cost is negative although the prediction is
 * wrong, and descending it makes the well deeper still. */
static void the_contrastive_cost_may_be_negative_where_the_true_cost_is_not(void **state)
{
    (void)state;
    const size_t units[] = {1, 1, 1};
    eqs_network_def def = eqs_network_def_default();
    eqs_network *net;
    eqs_energy *energy;
    eqs_engine *engine;
    def.n_layers = 3;
    def.units = units;
    assert_ok(eqs_network_create(&def, &net));
    assert_ok(eqs_energy_create(net, &energy));
    double theta[4] = {0}, x = 0.0, target = 1.0, F[2], y[2];
    eqs_weights(net, theta, 1)[0] = 3.0;
    eqs_bias(net, theta, 1)[0] = eqs_bias(net, theta, 2)[0] = -0.5;
    eqs_engine_options options = eqs_engine_options_default();
    options.precision = EQS_DOUBLE;
    options.batch = 1;
    for (int method = 0; method < 4; method++) {
        static const char *const solvers[] = {"auto", "euler", "newton", "sweep"};
        options.solver = solvers[method];
        assert_ok(eqs_engine_create(energy, &options, &engine));
        eqs_engine_set_parameters(engine, theta);
        eqs_engine_load(engine, 1, &x, &target);
        eqs_engine_reset(engine, 0);
        eqs_engine_relax how = {.tolerance = 1e-12, .max_sweeps = 1000, .step = 0.5};
        eqs_engine_outcome outcome;
        for (size_t slot = 0; slot < 2; slot++) {
            eqs_network_nudge(net, slot == 0 ? 0.0 : INFINITY, how.beta);
            if (slot == 1)
                eqs_engine_copy(engine, 0, 1);
            eqs_engine_relax_slot(engine, slot, &how, &outcome);
            assert_int_equal(outcome.unconverged, 0);
            eqs_engine_energy(engine, slot, &F[slot]);
            eqs_engine_output(engine, slot, &y[slot]);
        }
        assert_true(y[0] == 0.0 && y[1] == 1.0); /* wrong, and clamped */
        assert_close(F[0], 0.0, 0, 1e-12);
        assert_close(F[1], -1.0, 0, 1e-9); /* Eq. 49: F+ - F- = -1 < 0, but C = 1/2 */
        /* one step of the rule */
        double rate[] = {0.1, 0.1, 0.1, 0.1}, coefficient[EQS_ENGINE_SLOTS] = {-1.0, 1.0};
        eqs_engine_update(engine, rate, coefficient, 0.0, NULL, NULL);
        eqs_engine_relax_slot(engine, 1, &how, &outcome);
        eqs_engine_energy(engine, 1, &F[1]);
        assert_true(F[1] < -1.1);
        eqs_engine_destroy(engine);
    }
    eqs_energy_destroy(energy);
    eqs_network_destroy(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_learns),
        cmocka_unit_test(rules_that_estimate_the_gradient_agree_with_the_exact_one),
        cmocka_unit_test(stdp_makes_the_update_of_eqprop),
        cmocka_unit_test(the_truncated_phase_takes_n_over_epsilon_iterations),
        cmocka_unit_test(options_that_a_rule_cannot_honour_are_refused),
        cmocka_unit_test(resumed_runs_and_any_number_of_threads_have_the_same_bits),
        cmocka_unit_test(the_contrastive_cost_may_be_negative_where_the_true_cost_is_not),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
