/* The description of resistive networks: sizes, devices, amplifier weights, and what is refused. */
#include "models/network.h"
#include "tests/check.h"

#include <stdlib.h>

static const size_t units[] = {3, 5, 4, 2};

typedef struct made {
    eqs_resistive_def resistive;
    eqs_network_def def;
} made;

static made definition(void)
{
    made m = {eqs_resistive_def_default(), eqs_network_def_default()};
    m.def.n_layers = 4;
    m.def.units = units;
    return m;
}

static eqs_network *build(made *m)
{
    eqs_network *net;
    m->def.resistive = &m->resistive;
    assert_ok(eqs_network_create(&m->def, &net));
    return net;
}

static void refused(made *m, const char *text)
{
    eqs_network *net;
    m->def.resistive = &m->resistive;
    assert_fails(eqs_network_create(&m->def, &net), EQS_BAD_CONFIG, text);
}

static void inputs_are_doubled_and_outputs_are_pairs(void **state)
{
    (void)state;
    made m = definition();
    m.resistive.bias_source = 1.5;
    m.resistive.input_gain = 10.0;
    m.resistive.differential = true;
    eqs_network *net = build(&m);
    assert_int_equal(net->layer[0].units, 7);
    assert_int_equal(net->layer[3].units, 4);
    assert_int_equal(net->n_inputs, 3);
    assert_int_equal(net->n_outputs, 2);
    const double data[6] = {1, 2, 3, 4, 5, 6}, nodes[8] = {5, 1, 2, 3, 0, 0, 1, -1};
    double x[14], y[4];
    eqs_network_sources(net, 2, data, x);
    assert_true(x[0] == 10.0 && x[5] == -30.0 && x[6] == 1.5 && x[7] == 40.0 && x[13] == 1.5);
    eqs_network_outputs(net, 2, nodes, y);
    assert_true(y[0] == 4.0 && y[1] == -1.0 && y[2] == 0.0 && y[3] == 2.0);
    eqs_network_destroy(net);
}

static void ideal_diodes_are_boxes_and_real_ones_are_not(void **state)
{
    (void)state;
    made m = definition();
    eqs_network *net = build(&m);
    const eqs_layer *layer = &net->layer[1];
    assert_true(layer->lo[2] == 0.0 && isinf(layer->hi[2])); /* units 0..2 of 5 are excitatory */
    assert_true(isinf(layer->lo[3]) && layer->hi[3] == 0.0);
    assert_true(isinf(net->layer[3].lo[0]) && isinf(net->layer[0].hi[0]));
    eqs_network_destroy(net);

    m.resistive.diode = EQS_DIODE_SHOCKLEY;
    m.resistive.layout = EQS_DIODES_PAIR;
    m.resistive.diode_bias[0] = -0.3;
    m.resistive.diode_bias[1] = 0.7;
    m.resistive.siemens = 1e-4;
    net = build(&m);
    assert_true(isinf(net->layer[1].lo[0]) && isinf(net->layer[1].hi[0]));
    assert_true(net->resistive->layer[1].lo[4] == -0.3 && net->resistive->layer[1].hi[0] == 0.7);
    eqs_diode d = eqs_resistive_diode(net, 2, 1);
    assert_close(d.is, 1e-2, 1e-15, 0.0);
    assert_close(d.vn, 2.0 * eqs_thermal_voltage(300.15), 1e-15, 0.0);
    eqs_network_destroy(net);
}

static void weights_carry_the_factor_of_every_amplifier_above(void **state)
{
    (void)state;
    const double gain[2] = {4.0, 10.0};
    made m = definition();
    m.resistive.amplifier = gain;
    eqs_network *net = build(&m);
    assert_close(net->layer[1].weight, 1600.0, 1e-14, 0.0);
    assert_close(net->layer[2].weight, 100.0, 1e-14, 0.0);
    assert_true(net->layer[3].weight == 1.0 && net->resistive->reciprocal);
    assert_close(net->resistive->up[1][0], 400.0, 1e-14, 0.0);
    assert_true(net->resistive->down[1][0] == net->resistive->up[1][0]);
    eqs_network_destroy(net);

    m.resistive.back_gain = EQS_BACK_CONSERVING;
    net = build(&m);
    assert_true(net->layer[1].weight == 1.0 && net->layer[2].weight == 1.0 && net->resistive->reciprocal);
    eqs_network_destroy(net);
}

static void uneven_gains_are_not_reciprocal_even_when_the_back_gains_match(void **state)
{
    (void)state;
    const double gain[2] = {4.0, 4.0}, more[5] = {1.0, 1.01, 1.0, 1.0, 1.0};
    const double less[5] = {1.0, 1.0 / 1.01, 1.0, 1.0, 1.0}, all[4] = {1.01, 1.01, 1.01, 1.01};
    const double *forward[4] = {NULL, more, NULL, NULL}, *matched[4] = {NULL, less, NULL, NULL};
    const double *same[4] = {NULL, more, NULL, NULL}, *common[4] = {NULL, NULL, all, NULL};
    made m = definition();
    m.resistive.amplifier = gain;
    m.resistive.gain_factor = forward;
    m.resistive.back_factor = matched; /* kappa_i = 1 / A_i */
    eqs_network *net = build(&m);
    assert_false(net->resistive->reciprocal);
    assert_int_equal(net->resistive->uneven_layer, 1);
    eqs_network_destroy(net);

    m.resistive.back_factor = same; /* kappa_i / A_i the same for all */
    net = build(&m);
    assert_true(net->resistive->reciprocal);
    eqs_network_destroy(net);

    m.resistive.gain_factor = NULL; /* all back gains of a layer off alike: a rescaling */
    m.resistive.back_factor = common;
    net = build(&m);
    assert_true(net->resistive->reciprocal);
    assert_close(net->layer[1].weight, (16.0 / 1.01) * 16.0, 1e-14, 0.0);
    eqs_network_destroy(net);

    /* a skip connection past an amplifier that does not conserve power leaves no energy */
    const size_t skip[4][2] = {{0, 1}, {1, 2}, {1, 3}, {2, 3}};
    m.resistive.back_factor = NULL;
    m.def.couplings = skip;
    m.def.n_couplings = 4;
    net = build(&m);
    assert_false(net->resistive->reciprocal);
    eqs_network_destroy(net);
}

static void start_is_clipped_and_half_at_the_lower_limit(void **state)
{
    (void)state;
    const size_t wide[] = {200, 50, 10};
    const double low[2] = {0.0, 1e-3}, high[2] = {0.04, INFINITY};
    made m = definition();
    m.def.n_layers = 3;
    m.def.units = wide;
    m.resistive.g_min = low;
    m.resistive.g_max = high;
    eqs_network *net = build(&m);
    double *theta = calloc(net->n_parameters, sizeof *theta);
    eqs_resistive_init(net, 1, NULL, theta);
    size_t n = net->layer[0].units * 50, at_min = 0, at_max = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(theta[i] >= 0.0 && theta[i] <= 0.04);
        at_min += theta[i] == 0.0;
        at_max += theta[i] == 0.04;
    }
    assert_true(at_min > n * 48 / 100 && at_min < n * 52 / 100);
    assert_true(at_max > n * 8 / 100 && at_max < n * 12 / 100); /* 1/20 > 0.04: a tenth */
    for (size_t i = 0; i < 500; i++)
        assert_true(eqs_weights(net, theta, 1)[i] >= 1e-3);
    free(theta);
    eqs_network_destroy(net);
}

static void thinning_keeps_a_share_and_the_sum(void **state)
{
    (void)state;
    made m = definition();
    size_t wide[3] = {100, 300, 10};
    m.def.n_layers = 3;
    m.def.units = wide;
    eqs_network *net = build(&m);
    double *theta = calloc(2 * net->n_parameters, sizeof *theta), *full = theta + net->n_parameters;
    double density[2] = {1.0, 0.1}, sum[2] = {0.0, 0.0};
    eqs_resistive_init(net, 1, NULL, theta);
    memcpy(full, theta, net->n_parameters * sizeof *theta);
    eqs_resistive_thin(net, 1, density, theta);
    size_t first = net->layer[0].units * 300, n = 3000, kept = 0, before = 0;
    assert_memory_equal(theta, full, first * sizeof *theta);
    for (size_t i = first; i < first + n; i++) {
        assert_true(theta[i] == 0.0 || fabs(theta[i] - 10.0 * full[i]) <= 1e-15);
        kept += theta[i] > 0.0;
        before += full[i] > 0.0;
        sum[0] += theta[i];
        sum[1] += full[i];
    }
    assert_true(kept > before * 7 / 100 && kept < before * 13 / 100);
    assert_close(sum[0], sum[1], 0.25, 0.0);
    free(theta);
    eqs_network_destroy(net);
}

static void a_negative_conductance_at_the_output_is_refused(void **state)
{
    (void)state;
    made m = definition();
    m.resistive.nudge = EQS_NUDGE_CONDUCTANCE;
    eqs_network *net = build(&m);
    double *theta = calloc(net->n_parameters, sizeof *theta);
    for (size_t i = 0; i < net->n_parameters; i++)
        theta[i] = 0.25; /* 4 units below an output: 1 */
    assert_ok(eqs_resistive_check_nudge(net, theta, -0.99));
    assert_ok(eqs_resistive_check_nudge(net, theta, 5.0));
    assert_fails(eqs_resistive_check_nudge(net, theta, -1.0), EQS_BAD_CONFIG, "output node 0 has only 1");
    free(theta);
    eqs_network_destroy(net);
    m.resistive.nudge = EQS_NUDGE_CURRENT;
    net = build(&m);
    assert_ok(eqs_resistive_check_nudge(net, NULL, -1.0));
    eqs_network_destroy(net);
}

static void bad_definitions_name_their_key(void **state)
{
    (void)state;
    made m = definition();
    m.resistive.input_gain = 0.0;
    refused(&m, "network.input_gain");
    m = definition();
    m.resistive.layout = EQS_DIODES_PAIR;
    refused(&m, "network.diode_bias");
    m = definition();
    m.resistive.is = -1.0;
    refused(&m, "network.diode_is");
    m = definition();
    m.resistive.nudge = EQS_NUDGE_CONDUCTANCE;
    m.resistive.cost = EQS_COST_SOFTMAX;
    refused(&m, "learning.nudge_form");
    m = definition();
    const double low[3] = {1, 1, 1}, high[3] = {2, 0.5, 2}, gain[2] = {2.0, -1.0};
    m.resistive.g_min = low;
    m.resistive.g_max = high;
    refused(&m, "coupling 1");
    m = definition();
    m.resistive.amplifier = gain;
    refused(&m, "network.amplifier");
    m = definition();
    m.def.beta[EQS_BETA_X] = 1.0;
    refused(&m, "network.beta[0]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_are_doubled_and_outputs_are_pairs),
        cmocka_unit_test(ideal_diodes_are_boxes_and_real_ones_are_not),
        cmocka_unit_test(weights_carry_the_factor_of_every_amplifier_above),
        cmocka_unit_test(uneven_gains_are_not_reciprocal_even_when_the_back_gains_match),
        cmocka_unit_test(start_is_clipped_and_half_at_the_lower_limit),
        cmocka_unit_test(thinning_keeps_a_share_and_the_sum),
        cmocka_unit_test(a_negative_conductance_at_the_output_is_refused),
        cmocka_unit_test(bad_definitions_name_their_key),
    };
    return cmocka_run_group_tests_name("resistive", tests, NULL, NULL);
}
