/* ODE, equilibrium and circuit of a trained little network agree, unit by unit. */
#include "tests/learning/small_run.h"

#include "learning/agreement.h"

enum { SAMPLES = 3 };

/* a trained network, its phase and the state from which the phase starts */
typedef struct trained {
    small_run run;
    double *x, target[SAMPLES * BLOB_CLASSES];
    eqs_phase phase;
    eqs_state *start;
} trained;

static void open_trained(trained *t, size_t n, const char *const *overrides, double xi)
{
    uint32_t label[SAMPLES];
    t->run = small_run_open(n, overrides, 1);
    for (int epoch = 0; epoch < 3; epoch++)
        small_epoch(&t->run);
    const eqs_network *net = t->run.setup->net;
    eqs_trainer_get_parameters(t->run.trainer, t->run.setup->theta);
    t->x = small_samples(&t->run, EQS_DATASET_TEST, SAMPLES, label);
    assert_ok(eqs_one_hot(label, SAMPLES, BLOB_CLASSES, t->target));
    t->phase = (eqs_phase){
        .net = net, .theta = t->run.setup->theta, .batch = SAMPLES, .x = t->x, .target = t->target};
    assert_ok(eqs_state_create(net, SAMPLES, &t->start));
    memcpy(t->start->s[0], t->x, SAMPLES * BLOB_DIM * sizeof *t->x);
    eqs_state_fill(net, t->start, 0.0);
    eqs_network_nudge(net, 0.0, t->phase.beta);
    if (xi != 0.0) {
        eqs_relax_options relax = eqs_relax_options_default();
        eqs_relax_result result = {0};
        relax.tolerance = 1e-10;
        assert_ok(eqs_relax_run(t->run.setup->energy, &t->phase, &relax, t->start, &result));
        assert_int_equal(eqs_relax_unconverged(&result), 0);
        eqs_relax_result_clear(&result);
        eqs_network_nudge(net, xi, t->phase.beta);
    }
}

static void close_trained(trained *t)
{
    eqs_state_destroy(t->start);
    eqs_free(t->x);
    small_run_close(&t->run);
}

static const char *const networks[][3] = {
    {"network.gain=0.6", "learning.rates=0.2", NULL},
    {"network.activation=sigmoid", "network.slope=4", "learning.rates=0.2"},
    {"network.activation=tanh", "dynamics.form=gradient", "learning.rates=0.1"},
    {"network.activation=hard-sigmoid", "network.couplings=full", "learning.rates=0.02"},
};
enum { N_NETWORKS = sizeof networks / sizeof *networks };

static void operating_points_agree_within_a_millionth(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * N_NETWORKS; i++) {
        trained t;
        double xi = i % 2 == 0 ? 0.0 : 0.5;
        open_trained(&t, 3, networks[i / 2], xi);
        eqs_circuit_options options = eqs_circuit_options_default();
        options.circuit.settled_start = xi != 0.0;
        eqs_agreement a;
        assert_ok(eqs_agreement_measure(t.run.setup->energy, &t.phase, t.start, &options, &a));
        assert_int_equal(a.samples, SAMPLES);
        assert_true(a.max_difference > 0.0 && a.max_difference <= 1e-6);
        assert_true(a.residual_ode <= 1e-9 && a.residual_equilibrium <= 1e-10);
        assert_true(a.residual_circuit <= 1e-5);
        /* the summary is that of the states */
        double largest = 0.0, by_layer = 0.0;
        for (size_t k = 1; k < t.phase.net->n_layers; k++) {
            size_t n = SAMPLES * t.phase.net->layer[k].units;
            largest = fmax(largest, largest_difference(n, a.ode->s[k], a.circuit->s[k]));
            largest = fmax(largest, largest_difference(n, a.ode->s[k], a.equilibrium->s[k]));
            largest = fmax(largest, largest_difference(n, a.circuit->s[k], a.equilibrium->s[k]));
            by_layer = fmax(by_layer, fmax(a.layer[k].ode_equilibrium,
                                           fmax(a.layer[k].circuit_ode, a.layer[k].circuit_equilibrium)));
        }
        assert_true(largest == a.max_difference && by_layer == a.max_difference);
        assert_true(a.difference[a.worst[0]] == a.max_difference);
        assert_non_null(strstr(a.netlist, ".op"));
        eqs_agreement_clear(&a);
        close_trained(&t);
    }
}

static void transients_agree_within_a_thousandth_at_every_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * N_NETWORKS; i++) {
        trained t;
        double xi = i % 2 == 0 ? 0.0 : 0.5;
        open_trained(&t, 3, networks[i / 2], xi);
        eqs_circuit_options options = eqs_circuit_options_default();
        options.circuit.analysis = EQS_ANALYSIS_TRAN;
        options.circuit.settled_start = xi != 0.0;
        options.circuit.t_stop = 8.0;
        eqs_agreement a;
        assert_ok(eqs_agreement_measure(t.run.setup->energy, &t.phase, t.start, &options, &a));
        assert_true(a.max_difference > 0.0 && a.max_difference <= 1e-3);
        assert_true(a.end_difference <= a.max_difference);
        assert_true(a.points >= SAMPLES * (size_t)(8.0 / options.circuit.t_max_step));
        for (size_t b = 0; b < SAMPLES; b++)
            assert_close(a.trajectory[b].time[a.trajectory[b].n - 1], 8.0, 1e-9, 0);
        eqs_agreement_clear(&a);
        close_trained(&t);
    }
}

static void agreements_are_written_with_their_states(void **state)
{
    (void)state;
    trained t;
    open_trained(&t, 3, networks[0], 0.0);
    for (int tran = 0; tran < 2; tran++) {
        eqs_circuit_options options = eqs_circuit_options_default();
        options.circuit.analysis = tran ? EQS_ANALYSIS_TRAN : EQS_ANALYSIS_OP;
        options.circuit.t_stop = 2.0;
        eqs_agreement a;
        eqs_h5_writer *writer;
        eqs_h5_reader *reader;
        assert_ok(eqs_agreement_measure(t.run.setup->energy, &t.phase, t.start, &options, &a));
        assert_ok(eqs_h5_create(&writer));
        assert_ok(eqs_agreement_write(writer, t.phase.net, &t.phase, &options, &a));
        assert_ok(eqs_h5_commit(writer, scratch("agreement.h5")));
        eqs_h5_writer_destroy(writer);
        assert_ok(eqs_h5_open(scratch("agreement.h5"), &reader));
        double states[SAMPLES * BLOB_CLASSES], largest;
        size_t dim[2] = {SAMPLES, BLOB_CLASSES};
        const char *group = tran ? "/circuit/tran" : "/circuit/op";
        char path[64];
        snprintf(path, sizeof path, "%s/state_2", group);
        assert_ok(eqs_h5_read(reader, path, EQS_H5_DOUBLE, 2, dim, states));
        assert_memory_equal(states, a.circuit->s[2], sizeof states);
        snprintf(path, sizeof path, "%s/max_difference", group);
        assert_ok(eqs_h5_read(reader, path, EQS_H5_DOUBLE, 0, NULL, &largest));
        assert_true(largest == a.max_difference);
        assert_int_equal(eqs_h5_exists(reader, "/circuit/tran/trajectory_2/state_1"), tran);
        assert_int_equal(eqs_h5_exists(reader, "/relaxation/equilibrium/state_2"), !tran);
        assert_true(eqs_h5_exists(reader, "/relaxation/cvode/state_1"));
        eqs_h5_reader_destroy(reader);
        eqs_agreement_clear(&a);
    }
    close_trained(&t);
}

static void what_has_no_circuit_is_an_error_that_leaves_nothing_behind(void **state)
{
    (void)state;
    static const char *const projected[] = {"dynamics.form=projected", "network.gain=0.6",
                                            "learning.rates=0.2"};
    trained t;
    open_trained(&t, 3, projected, 0.0);
    eqs_circuit_options options = eqs_circuit_options_default();
    options.circuit.analysis = EQS_ANALYSIS_TRAN;
    eqs_agreement a;
    assert_fails(eqs_agreement_measure(t.run.setup->energy, &t.phase, t.start, &options, &a), EQS_BAD_CONFIG,
                 "projected");
    eqs_agreement_clear(&a);
    close_trained(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operating_points_agree_within_a_millionth),
        cmocka_unit_test(transients_agree_within_a_thousandth_at_every_time),
        cmocka_unit_test(agreements_are_written_with_their_states),
        cmocka_unit_test(what_has_no_circuit_is_an_error_that_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
