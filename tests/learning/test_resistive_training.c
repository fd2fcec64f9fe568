/* Resistive networks from a configuration: what is refused, training by the general path, and the gradient
 * check with Shockley diodes. */
#include "tests/learning/small_run.h"

#include "learning/gradcheck.h"

static const char *const shockley[] = {
    "network.model=resistive",     "learning.engine=ode",       "network.diode=shockley",
    "network.input_gain=20",       "circuit.conductance=1e-4",  "network.init=uniform-clipped",
    "learning.nudge=centred",      "learning.persistent=false", "learning.rates=0.02",
    "relaxation.tolerance=1e-9",   "network.g_max=0.9",         "network.g_min=0.01",
    "learning.nudge_form=current", "learning.beta=0.01",        "learning.bias_rates=0.02",
};
enum { N_SHOCKLEY = sizeof shockley / sizeof *shockley, MOST = N_SHOCKLEY + 4 };

/* the list with up to four more overrides */
static size_t with(const char *const *more, size_t n, const char **out)
{
    memcpy(out, shockley, sizeof shockley);
    memcpy(out + N_SHOCKLEY, more, n * sizeof *more);
    return N_SHOCKLEY + n;
}

static void refused(const char *override, const char *second, const char *text)
{
    const char *const list[] = {override, second};
    eqs_config *config = small_config(2, list);
    eqs_setup *setup;
    eqs_train_options options;
    eqs_status status = eqs_setup_create(config, NULL, &setup);
    if (status == EQS_OK) {
        status = eqs_setup_train_options(setup, 1, &options);
        eqs_setup_destroy(setup);
    }
    assert_fails(status, EQS_BAD_CONFIG, text);
    eqs_config_destroy(config);
}

static void keys_of_the_other_model_are_refused(void **state)
{
    (void)state;
    refused("network.diode=shockley", NULL, "network.diode: found shockley");
    refused("network.input_gain=10", NULL, "network.input_gain");
    refused("network.init=uniform-clipped", NULL, "network.init");
    refused("learning.cost=softmax", NULL, "learning.cost");
    refused("network.model=resistive", "network.activation=tanh", "network.activation: found [tanh]");
    refused("network.model=resistive", "circuit.swing=2", "circuit.swing");
    refused("network.model=resistive", "dynamics.form=gradient", "dynamics.form");
    refused("network.model=resistive", "learning.rule=stdp", "learning.rule: found stdp");
    refused("network.model=resistive", "network.g_min=[0.1, 0.2, 0.3]", "network.g_min");
}

static void training_lowers_the_cost_within_the_range_of_the_conductances(void **state)
{
    (void)state;
    static const char *const variants[][3] = {
        {"network.diode=shockley", NULL, NULL},
        {"network.diode=ideal", "learning.nudge_form=conductance", "learning.beta=0.05"},
        {"network.diode=ngspice", "network.differential=true", "learning.cost=softmax"},
        {"network.amplifier=2", "network.bias_source=1", NULL},
        {"learning.rule=exact", "learning.nudge=none", NULL},
    };
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        const char *list[MOST];
        small_run run = small_run_open(with(variants[v], 3, list), list, 1);
        double first = 0.0, last = 0.0;
        for (int epoch = 0; epoch < 4; epoch++) {
            eqs_epoch_row row = small_epoch(&run);
            first = epoch == 0 ? row.cost : first;
            last = row.cost;
            assert_true(row.unconverged == 0.0 && row.residual <= 1e-9);
        }
        if (!(last < 0.8 * first))
            fail_msg("variant %zu: cost %g after %g", v, last, first);
        const eqs_network *net = run.setup->net;
        eqs_trainer_get_parameters(run.trainer, run.setup->theta);
        size_t touching = 0;
        for (size_t i = 0; i < net->bias_offset[1]; i++) {
            assert_true(run.setup->theta[i] >= 0.01 && run.setup->theta[i] <= 0.9);
            touching += run.setup->theta[i] == 0.01;
        }
        assert_true(touching > 0);
        small_run_close(&run);
    }
}

static void the_gradient_with_shockley_diodes_is_exact_for_small_nudges(void **state)
{
    (void)state;
    static const char *const forms[] = {"learning.nudge_form=current", "learning.nudge_form=conductance"};
    enum { SAMPLES = 3 };
    for (size_t f = 0; f < 2; f++) {
        const char *list[MOST];
        small_run run = small_run_open(with(&forms[f], 1, list), list, 1);
        const eqs_network *net = run.setup->net;
        uint32_t label[SAMPLES];
        double data[SAMPLES * BLOB_DIM], target[SAMPLES * BLOB_CLASSES];
        double *x = calloc(SAMPLES * net->layer[0].units, sizeof *x);
        assert_ok(eqs_dataset_fetch(run.data, EQS_DATASET_TEST, NULL, SAMPLES, data, label));
        eqs_network_sources(net, SAMPLES, data, x);
        assert_ok(eqs_one_hot(label, SAMPLES, BLOB_CLASSES, target));
        eqs_phase phase = {.net = net, .theta = run.setup->theta, .batch = SAMPLES, .x = x, .target = target};
        memcpy(phase.beta, net->beta, sizeof phase.beta);
        eqs_gradcheck_options options = eqs_gradcheck_options_default();
        options.finite_parameters = 40;
        eqs_gradcheck check;
        assert_ok(eqs_gradcheck_run(run.setup, &phase, &options, &check));
        assert_true(check.response * 3e-4 < 0.1 * eqs_thermal_voltage(300.15)); /* small */
        const eqs_gradcheck_row *row = &check.row[EQS_EQPROP_CENTRED][5];
        assert_true(row->all.cosine >= 0.9999);
        for (size_t b = 0; b < check.n_blocks; b++)
            assert_true(row->block[b].cosine >= 0.9999 && fabs(row->block[b].norm_ratio - 1.0) < 1e-3);
        assert_close(check.order[EQS_EQPROP_ONE_SIDED], 1.0, 0.0, 0.2);
        assert_true(1.0 - check.finite.cosine < 1e-8);
        eqs_gradcheck_clear(&check);
        free(x);
        small_run_close(&run);
    }
}

static void settling_time_is_when_the_trajectory_stays_near_its_end(void **state)
{
    (void)state;
    double time[4] = {0.0, 1.0, 2.0, 3.0}, value[8] = {9.0, -1.0, 10.2, -0.4, 9.995, 0.0, 10.0, 0.0};
    eqs_trajectory t = {.n = 4, .n_state = 2, .time = time, .state = value};
    assert_true(eqs_trajectory_settling(&t, 0.05) == 1.0);
    assert_true(eqs_trajectory_settling(&t, 1e-3) == 2.0);
    assert_true(eqs_trajectory_settling(&t, 1e-4) == 3.0);
    assert_true(eqs_trajectory_settling(&t, 0.5) == 0.0);
    t.n = 0;
    assert_true(isnan(eqs_trajectory_settling(&t, 0.5)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_of_the_other_model_are_refused),
        TEST(training_lowers_the_cost_within_the_range_of_the_conductances),
        TEST(the_gradient_with_shockley_diodes_is_exact_for_small_nudges),
        TEST(settling_time_is_when_the_trajectory_stays_near_its_end),
    };
    return cmocka_run_group_tests_name("resistive_training", tests, NULL, NULL);
}
