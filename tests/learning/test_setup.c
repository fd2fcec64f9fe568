/* From a configuration to network, parameters, rates and options. */
#include "tests/learning/small_run.h"

static eqs_setup *setup_of(eqs_config **config, size_t n, const char *const *overrides)
{
    eqs_setup *setup;
    *config = small_config(n, overrides);
    assert_ok(eqs_setup_create(*config, NULL, &setup));
    return setup;
}

#define OVERRIDES(...)                                                                                       \
    sizeof((const char *[]){NULL, __VA_ARGS__}) / sizeof(char *), (const char *[])                           \
    {                                                                                                        \
        NULL, __VA_ARGS__                                                                                    \
    }

static void done(eqs_config *config, eqs_setup *setup)
{
    eqs_setup_destroy(setup);
    eqs_config_destroy(config);
}

/* the setup of these overrides fails with a message */
static void refused(size_t n, const char *const *overrides, eqs_status status, const char *text)
{
    eqs_config *config = small_config(n, overrides);
    eqs_setup *setup;
    assert_fails(eqs_setup_create(config, NULL, &setup), status, text);
    eqs_config_destroy(config);
}

static void time_constants_are_given_per_layer(void **state)
{
    (void)state;
    static const struct {
        const char *override;
        double tau[3];
    } cases[] = {
        {"dynamics.tau=2", {2, 2, 2}},
        {"dynamics.tau=[3, 4]", {3, 3, 4}}, /* a clamped input moves no faster for it */
        {"dynamics.tau=[5, 6, 7]", {5, 6, 7}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eqs_config *config;
        eqs_setup *setup = setup_of(&config, 1, &cases[i].override);
        for (size_t k = 0; k < 3; k++) {
            for (size_t u = 0; u < setup->net->layer[k].units; u++)
                assert_true(setup->net->layer[k].tau[u] == cases[i].tau[k]);
        }
        done(config, setup);
    }
    refused(OVERRIDES("dynamics.tau=[1, 2, 3, 4]"), EQS_BAD_CONFIG, "dynamics.tau");
}

static void spread_time_constants_fill_their_range_log_uniformly(void **state)
{
    (void)state;
    eqs_config *config, *again_config;
    eqs_setup *setup = setup_of(
        &config, OVERRIDES("network.layers=[6, 2000, 3]", "dynamics.tau=2", "dynamics.tau_spread=100"));
    eqs_setup *again = setup_of(
        &again_config, OVERRIDES("network.layers=[6, 2000, 3]", "dynamics.tau=2", "dynamics.tau_spread=100"));
    const double *tau = setup->net->layer[1].tau;
    double mean = 0.0, low = INFINITY, high = 0.0;
    for (size_t i = 0; i < 2000; i++) {
        mean += log(tau[i]) / 2000.0;
        low = fmin(low, tau[i]);
        high = fmax(high, tau[i]);
    }
    assert_true(low >= 0.02 && low < 0.022 && high <= 2.0 && high > 1.8);
    assert_close(mean, log(0.2), 0, 5 * log(100.0) / sqrt(12.0 * 2000.0));
    assert_memory_equal(tau, again->net->layer[1].tau, 2000 * sizeof *tau);
    done(config, setup);
    done(again_config, again);
}

static void a_file_gives_every_unit_its_time_constant(void **state)
{
    (void)state;
    char override[320];
    eqs_config *config;
    snprintf(override, sizeof override, "dynamics.tau_file=%s",
             scratch_text("tau.csv", "1,2,3,4,5,6,7,8\n0.5,0.25,0.125\n"));
    eqs_setup *setup = setup_of(&config, OVERRIDES(override));
    for (size_t i = 0; i < 8; i++)
        assert_true(setup->net->layer[1].tau[i] == (double)(i + 1));
    assert_true(setup->net->layer[2].tau[1] == 0.25);
    done(config, setup);

    static const char *const wrong[][2] = {
        {"1,2,3\n", "found 1 rows, allowed: 2 (layers 1 to L) or 3"},
        {"1,2,3,4,5,6,7\n1,2,3\n", "row 1 has 7 values, but layer 1 has 8 units"},
        {"1,2,3,4,5,6,7,8\n1,2,0\n", "tau"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        scratch_text("tau.csv", wrong[i][0]);
        refused(OVERRIDES(override), EQS_BAD_CONFIG, wrong[i][1]);
    }
    refused(OVERRIDES("dynamics.tau_file=no/such.csv"), EQS_MISSING_INPUT, "no/such.csv");
}

static void activations_are_one_for_all_or_one_per_layer(void **state)
{
    (void)state;
    eqs_config *config;
    eqs_setup *setup =
        setup_of(&config, OVERRIDES("network.activation=[tanh, piecewise-linear]", "network.slope=2",
                                    "network.shift=0.5", "network.thresholds=[-0.25, 0.75]",
                                    "dynamics.form=gradient"));
    const eqs_layer *layer = setup->net->layer;
    assert_int_equal(layer[0].activation.kind, EQS_LINEAR); /* clamped data pass as they are */
    assert_int_equal(layer[1].activation.kind, EQS_TANH);
    assert_true(layer[1].activation.slope == 2.0 && layer[1].activation.shift == 0.5);
    assert_int_equal(layer[2].activation.kind, EQS_PIECEWISE_LINEAR);
    assert_true(layer[2].activation.lo == -0.25 && layer[2].activation.hi == 0.75);
    assert_int_equal(setup->net->form, EQS_FORM_GRADIENT);
    done(config, setup);
    refused(OVERRIDES("network.activation=[tanh, tanh, tanh]"), EQS_BAD_CONFIG, "network.activation");
    refused(OVERRIDES("network.activation=tan"), EQS_BAD_CONFIG, "hard-sigmoid");
    refused(OVERRIDES("network.activation=piecewise-linear", "network.thresholds=[0.5, 1.5]"), EQS_BAD_CONFIG,
            "network.activation");
}

static void couplings_are_layered_full_or_listed(void **state)
{
    (void)state;
    static const struct {
        const char *override;
        size_t n, parameters;
    } cases[] = {
        {"network.couplings=layered", 2, 6 * 8 + 8 * 3 + 11},
        {"network.couplings=full", 5, 6 * 8 + 6 * 3 + 8 * 8 + 8 * 3 + 3 * 3 + 11},
        {"network.couplings=[[0, 1], [0, 2], [1, 2]]", 3, 6 * 8 + 6 * 3 + 8 * 3 + 11},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eqs_config *config;
        eqs_setup *setup = setup_of(&config, OVERRIDES(cases[i].override, "learning.rates=0.1"));
        assert_int_equal(setup->net->n_couplings, cases[i].n);
        assert_int_equal(setup->net->n_parameters, cases[i].parameters);
        assert_int_equal(eqs_config_n_couplings(config), cases[i].n);
        done(config, setup);
    }
}

static void biases_learn_as_the_coupling_below_unless_told(void **state)
{
    (void)state;
    eqs_config *config;
    eqs_setup *setup = setup_of(&config, 0, NULL);
    static const double below[] = {0.4, 0.2, 0.4, 0.2}, own[] = {0.4, 0.2, 0.03, 0.03};
    assert_memory_equal(setup->rate, below, sizeof below);
    done(config, setup);
    setup = setup_of(&config, OVERRIDES("learning.bias_rates=0.03"));
    assert_memory_equal(setup->rate, own, sizeof own);
    done(config, setup);
    refused(OVERRIDES("learning.rates=[1, 2, 3]"), EQS_BAD_CONFIG, "learning.rates");
    refused(OVERRIDES("learning.bias_rates=[1, 2, 3]"), EQS_BAD_CONFIG, "learning.bias_rates");
}

static void gains_scale_the_starting_weights_of_their_coupling(void **state)
{
    (void)state;
    eqs_config *config, *unit_config;
    eqs_setup *setup = setup_of(&config, OVERRIDES("network.gain=[2, 0]"));
    eqs_setup *unit = setup_of(&unit_config, OVERRIDES("network.gain=[]"));
    double bound = sqrt(6.0 / (6 + 8)), largest = 0.0;
    for (size_t i = 0; i < 6 * 8; i++) {
        assert_close(setup->theta[i], 2.0 * unit->theta[i], 1e-15, 0);
        largest = fmax(largest, fabs(unit->theta[i]));
    }
    assert_true(largest <= bound && largest > 0.85 * bound);
    for (size_t i = 6 * 8; i < setup->net->n_parameters; i++)
        assert_true(setup->theta[i] == 0.0);
    done(config, setup);
    done(unit_config, unit);
    refused(OVERRIDES("network.gain=[1, 2, 3]"), EQS_BAD_CONFIG, "network.gain");
}

static void a_missing_file_of_parameters_is_named(void **state)
{
    (void)state;
    refused(OVERRIDES("network.init=file", "network.init_file=no/such.h5"), EQS_MISSING_INPUT, "no/such.h5");
    refused(OVERRIDES("network.init=file"), EQS_BAD_CONFIG, "network.init");
}

static void not_trainable(size_t n, const char *const *overrides, const char *text)
{
    eqs_config *config;
    eqs_setup *setup = setup_of(&config, n, overrides);
    eqs_train_options options;
    assert_fails(eqs_setup_train_options(setup, 1, &options), EQS_BAD_CONFIG, text);
    done(config, setup);
}

static void what_cannot_be_trained_is_refused_with_its_place(void **state)
{
    (void)state;
    not_trainable(OVERRIDES("learning.beta=1.0"), "1 + beta must be > 0");
    assert_non_null(strstr(eqs_error_message(), "learning.beta: found 1 with nudge random-sign"));
    not_trainable(OVERRIDES("learning.beta=-1.5", "learning.nudge=fixed"), "learning.beta");
    not_trainable(OVERRIDES("learning.beta=0.5", "network.delta=[0, 2, 0]"), "learning.beta");
    not_trainable(OVERRIDES("relaxation.start=random"), "relaxation.start");
    not_trainable(OVERRIDES("learning.rates=[]"), "learning.rates");
}

static void a_strong_nudge_is_fine_where_it_has_an_equilibrium(void **state)
{
    (void)state;
    static const char *const fine[][3] = {
        {"learning.beta=1.0", "learning.nudge=fixed", NULL},
        {"learning.beta=1.0", "relaxation.solver=euler", "relaxation.nudged_iterations=4"},
        {"learning.beta=0.999", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        eqs_config *config;
        eqs_setup *setup = setup_of(&config, 3, fine[i]);
        eqs_train_options options;
        assert_ok(eqs_setup_train_options(setup, 3, &options));
        assert_int_equal(options.phases.threads, 3);
        assert_true(options.beta == config->learning.beta && options.batch == 7 && options.persistent);
        done(config, setup);
    }
}

static void every_allocation_of_a_setup_may_fail(void **state)
{
    (void)state;
    eqs_config *config = small_config(OVERRIDES("network.couplings=full", "learning.rates=0.1"));
    eqs_setup *setup = NULL;
    eqs_status status = EQS_NO_MEMORY;
    long k = 1;
    for (; k < 1000 && status == EQS_NO_MEMORY; k++) {
        eqs_alloc_fail_at(k);
        status = eqs_setup_create(config, NULL, &setup);
    }
    eqs_alloc_fail_at(0);
    assert_ok(status);
    assert_true(k > 10);
    done(config, setup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_constants_are_given_per_layer),
        cmocka_unit_test(spread_time_constants_fill_their_range_log_uniformly),
        cmocka_unit_test(a_file_gives_every_unit_its_time_constant),
        cmocka_unit_test(activations_are_one_for_all_or_one_per_layer),
        cmocka_unit_test(couplings_are_layered_full_or_listed),
        cmocka_unit_test(biases_learn_as_the_coupling_below_unless_told),
        cmocka_unit_test(gains_scale_the_starting_weights_of_their_coupling),
        cmocka_unit_test(a_missing_file_of_parameters_is_named),
        cmocka_unit_test(what_cannot_be_trained_is_refused_with_its_place),
        cmocka_unit_test(a_strong_nudge_is_fine_where_it_has_an_equilibrium),
        cmocka_unit_test(every_allocation_of_a_setup_may_fail),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
