/* The device-level circuit: ngspice's voltages obey Kirchhoff's current law as models/resistive.h writes it,
 * for every diode law, nudge, amplifier and form of the circuit. */
#include "tests/netlists/small_resistive.h"

#include "netlists/device.h"
#include "netlists/dialect.h"
#include "netlists/worker.h"

#include <stdlib.h>

enum { MAX_NODES = 40 };

static int open_worker(void **state)
{
    eqs_worker_options options = eqs_worker_options_default();
    eqs_worker *worker;
    assert_ok(eqs_worker_create(&options, &worker));
    *state = worker;
    return 0;
}

static int close_worker(void **state)
{
    eqs_worker_destroy(*state);
    return 0;
}

/* last point of the outputs of a netlist, [n_outputs]; *points is how many there were */
static void run(eqs_worker *worker, const eqs_netlist *nl, double *volts, size_t *points)
{
    char *deck, command[256];
    const char *wanted[MAX_NODES];
    size_t length;
    assert_true(nl->n_outputs <= MAX_NODES);
    for (size_t i = 0; i < nl->n_outputs; i++)
        wanted[i] = eqs_netlist_node_name(nl, nl->output[i].node);
    assert_ok(eqs_netlist_deck(nl, &deck, &length));
    assert_ok(eqs_netlist_command(nl, command, sizeof command));
    eqs_spice_job job = {
        .deck = deck, .deck_length = length, .command = command, .n_wanted = nl->n_outputs, .wanted = wanted};
    eqs_spice_result r;
    assert_ok(eqs_worker_run(worker, &job, &r));
    memcpy(volts, r.value + (r.n_points - 1) * r.n_vectors, r.n_vectors * sizeof *volts);
    if (points != NULL)
        *points = r.n_points;
    eqs_spice_result_clear(&r);
    eqs_free(deck);
}

static void build_and_run(eqs_worker *worker, const small_resistive *s, size_t sample,
                          const eqs_device_options *options, double *volts)
{
    eqs_netlist *nl;
    assert_ok(eqs_device_build(s->net, &s->phase, sample, NULL, options, &nl));
    run(worker, nl, volts, NULL);
    eqs_netlist_destroy(nl);
}

/* the diode that stands for an ideal one (netlists/device.h) */
static eqs_diode stand_in(void)
{
    return (eqs_diode){EQS_DIODE_SHOCKLEY, EQS_IDEAL_IS, EQS_IDEAL_VN, 0.0};
}

/* One node with an amplifier between a source and an output, in closed form. KCL at o: g2 (A h - o) + I = 0,
 * at h: g1 (x - h) - kappa g2 (A h - o) = 0, so h = x + kappa I / g1, o = A h + I / g2. A wrong polarity of
 * the current back would give h = x - kappa I / g1. */
static void an_amplifier_drives_forwards_and_loads_backwards(void **state)
{
    const double gains[] = {4.0, 0.5}, beta = 0.25, A_error = 1e-12;
    for (int conserving = 0; conserving < 2; conserving++) {
        for (size_t a = 0; a < 2; a++) {
            eqs_resistive_def def = eqs_resistive_def_default();
            def.doubled = false;
            def.diode = EQS_DIODE_NONE;
            def.amplifier = &gains[a];
            def.back_gain = conserving ? EQS_BACK_CONSERVING : EQS_BACK_INVERSE;
            small_resistive s;
            small_resistive_open(&s, &def, 3, (const size_t[]){1, 1, 1}, 1);
            double *g1 = eqs_weights(s.net, s.theta, 0), *g2 = eqs_weights(s.net, s.theta, 1);
            g1[0] = 2.0;
            g2[0] = 3.0;
            eqs_bias(s.net, s.theta, 1)[0] = eqs_bias(s.net, s.theta, 2)[0] = 0.0;
            s.x[0] = 1.5;
            s.target[0] = 1.0;
            s.free_output[0] = -1.0;
            s.phase.beta[EQS_BETA_Y] = beta;
            double volts[3], I = beta * 2.0, A = gains[a], kappa = conserving ? A : 1.0 / A;
            eqs_device_options options = eqs_device_options_default();
            build_and_run(*state, &s, 0, &options, volts);
            double h = 1.5 + kappa * I / 2.0;
            assert_close(volts[0], h, A_error, 0.0);
            assert_close(volts[1], A * h + I / 3.0, A_error, 0.0);
            assert_close(volts[2], A * h, A_error, 0.0); /* the amplifier's driving side */
            small_resistive_close(&s);
        }
    }
}

/* the same circuit with what amplifiers have beside their gain */
static void an_amplifier_s_offset_open_loop_gain_and_resistance_have_closed_forms(void **state)
{
    const double A = 4.0;
    eqs_resistive_def def = eqs_resistive_def_default();
    def.doubled = false;
    def.diode = EQS_DIODE_NONE;
    def.amplifier = &A;
    small_resistive s;
    small_resistive_open(&s, &def, 3, (const size_t[]){1, 1, 1}, 1);
    eqs_weights(s.net, s.theta, 0)[0] = 2.0;
    eqs_weights(s.net, s.theta, 1)[0] = 3.0;
    eqs_bias(s.net, s.theta, 1)[0] = 0.0;
    eqs_bias(s.net, s.theta, 2)[0] = -0.3; /* draws 0.3 uA from the amplifier */
    s.x[0] = 1.5;
    eqs_device_options options = eqs_device_options_default();
    options.amplifier =
        (eqs_device_amplifier){.open_loop = 1000.0, .bandwidth = 1e6, .offset = 4.5e-3, .resistance = 2e5};
    double volts[3], I = 0.3, gain = A / (1.0 + A / 1000.0);
    build_and_run(*state, &s, 0, &options, volts);
    double h = 1.5 - I / A / 2.0, f = gain * (h + 4.5e-3) - I * 0.2; /* 1 uS x 2e5 ohm */
    assert_close(volts[0], h, 1e-12, 0.0);
    assert_close(volts[2], f, 1e-12, 0.0);
    assert_close(volts[1], f - I / 3.0, 1e-12, 0.0);
    options.amplifier.resistance = -1.0;
    eqs_netlist *nl;
    assert_fails(eqs_device_build(s.net, &s.phase, 0, NULL, &options, &nl), EQS_BAD_CONFIG, "resistance");
    small_resistive_close(&s);
}

static eqs_resistive_def shockley(double is, double n, double gain)
{
    eqs_resistive_def def = eqs_resistive_def_default();
    def.diode = EQS_DIODE_SHOCKLEY;
    def.is = is;
    def.n = n;
    def.input_gain = gain;
    def.siemens = 1e-3;
    return def;
}

/* nudging currents in network units, computed here */
static void currents(const small_resistive *s, size_t sample, double beta, double *nudge)
{
    const eqs_network *net = s->net;
    size_t n = net->layer[net->n_layers - 1].units, step = net->resistive->differential ? 2 : 1;
    const double *o = s->free_output + sample * n, *t = s->target + sample * net->n_outputs;
    for (size_t k = 0; k < net->n_outputs; k++) {
        double y = step == 2 ? o[2 * k] - o[2 * k + 1] : o[k];
        nudge[step * k] = beta * (t[k] - y);
        if (step == 2)
            nudge[2 * k + 1] = -nudge[2 * k];
    }
}

/* the circuit in full and folded, free and nudged, against KCL */
static void check_laws(eqs_worker *worker, const eqs_resistive_def *def, double rtol)
{
    eqs_diode ideal = stand_in();
    small_resistive s;
    small_resistive_open(&s, def, 4, (const size_t[]){3, 6, 4, 2}, 2);
    for (int nudged = 0; nudged < 2; nudged++) {
        double full[MAX_NODES], folded[MAX_NODES], nudge[MAX_NODES] = {0}, largest = 0.0, siemens = 0.0;
        double beta = nudged ? -0.3 : 0.0;
        s.phase.beta[EQS_BETA_Y] = beta;
        currents(&s, 1, beta, nudge);
        if (def->nudge == EQS_NUDGE_CONDUCTANCE) {
            siemens = beta;
            for (size_t i = 0; i < 2; i++)
                nudge[i] = beta * s.target[2 + i];
        }
        eqs_device_options options = eqs_device_options_default();
        build_and_run(worker, &s, 1, &options, full);
        options.fold = true;
        build_and_run(worker, &s, 1, &options, folded);
        size_t n = eqs_network_state_size(s.net);
        for (size_t i = 0; i < n; i++)
            largest = fmax(largest, fabs(full[i]));
        for (size_t i = 0; i < n; i++)
            assert_close(folded[i], full[i], 0.0, rtol * largest);
        double residual = small_resistive_residual(&s, 1, full, nudge, siemens, &ideal);
        if (!(residual <= rtol * largest))
            print_error("law %s, beta %g: residual %.3g V of %.3g V\n", eqs_diode_law_name(def->diode), beta,
                        residual, largest);
        assert_true(residual <= rtol * largest);
        assert_true(largest > 0.1);
    }
    small_resistive_close(&s);
}

static void ngspice_obeys_the_law_of_every_diode(void **state)
{
    const double gains[] = {4.0, 3.0};
    for (int conductance = 0; conductance < 2; conductance++) {
        for (int v = 0; v < 2; v++) {
            eqs_resistive_def def = shockley(v == 0 ? 1e-6 : 1e-9, v == 0 ? 2.0 : 1.0, v == 0 ? 10.0 : 3.0);
            def.nudge = conductance ? EQS_NUDGE_CONDUCTANCE : EQS_NUDGE_CURRENT;
            check_laws(*state, &def, 1e-10);
            def.diode = EQS_DIODE_NGSPICE;
            check_laws(*state, &def, 1e-12);
            def.gmin = 1e-9;
            def.kelvin = 310.0;
            check_laws(*state, &def, 1e-12);
            def.diode = EQS_DIODE_IDEAL;
            check_laws(*state, &def, 1e-12);
            def.diode = EQS_DIODE_NONE;
            check_laws(*state, &def, 1e-12);
        }
    }
    eqs_resistive_def def = shockley(1e-6, 2.0, 5.0);
    def.amplifier = gains;
    def.layout = EQS_DIODES_PAIR;
    def.diode_bias[0] = -0.2;
    def.diode_bias[1] = 0.3;
    def.bias_source = 0.7;
    def.differential = true;
    check_laws(*state, &def, 1e-10);
    def.diode = EQS_DIODE_NGSPICE;
    check_laws(*state, &def, 1e-12);
    def.doubled = false;
    def.back_gain = EQS_BACK_CONSERVING;
    check_laws(*state, &def, 1e-12);
}

/* a chip: every device has its own numbers, and with them its own model and subcircuit */
static void every_device_of_a_chip_has_its_own_numbers(void **state)
{
    const double gains[] = {4.0, 3.0}, spread[6] = {1.0, 1.1, 0.9, 1.0, 1.05, 0.97};
    const double *rows[4] = {NULL, spread, NULL, NULL};
    eqs_resistive_def def = shockley(1e-6, 2.0, 5.0);
    def.amplifier = gains;
    def.gain_factor = def.back_factor = def.is_factor = def.n_factor = rows;
    def.diode = EQS_DIODE_NGSPICE;
    check_laws(*state, &def, 1e-12);
}

/* With the ideal law, nodes that no diode holds are those of the stand-in to its drop; a held node misses its
 * bound by it: 1e-9 V x ln(i / 1e-9), i in unit conductances x 1 V. */
static void the_stand_in_of_an_ideal_diode_misses_its_bound_by_its_drop(void **state)
{
    eqs_resistive_def def = shockley(1e-6, 2.0, 10.0);
    def.diode = EQS_DIODE_IDEAL;
    small_resistive s;
    small_resistive_open(&s, &def, 3, (const size_t[]){3, 6, 2}, 1);
    double volts[MAX_NODES], held = 0.0, largest = 0.0;
    eqs_device_options options = eqs_device_options_default();
    build_and_run(*state, &s, 0, &options, volts);
    size_t n_held = 0;

    for (size_t i = 0; i < 6; i++) {
        bool low = i < 3;
        double beyond = low ? -volts[i] : volts[i]; /* of the bound 0 V */
        largest = fmax(largest, fabs(volts[i]));
        if (beyond > -1e-6) {
            n_held++;
            held = fmax(held, beyond);
        }
    }
    assert_true(n_held > 0 && n_held < 6);
    assert_true(held > 1e-8 && held < 3e-8);
    assert_true(largest > 0.01);
    small_resistive_close(&s);
}

/* bias currents from the program, one sweep over samples with free, + and - points: the same as one circuit
 * each */
static void a_sweep_with_external_sources_gives_every_phase(void **state)
{
    enum { BATCH = 3, POINTS = 3 };
    eqs_resistive_def def = shockley(1e-6, 2.0, 5.0);
    def.diode = EQS_DIODE_NGSPICE;
    small_resistive s;
    small_resistive_open(&s, &def, 3, (const size_t[]){3, 6, 2}, BATCH);
    eqs_device_options options = eqs_device_options_default();
    options.fold = options.external = true;
    options.analysis = EQS_ANALYSIS_NONE;
    options.reltol = 1e-9;
    options.vntol = 1e-13; /* the points start from each other, so they agree as far as each is solved */
    eqs_netlist *nl;
    assert_ok(eqs_device_build(s.net, &s.phase, 0, NULL, &options, &nl));
    eqs_node sweep;
    eqs_waveform zero = eqs_waveform_dc(0.0);
    assert_ok(eqs_netlist_node(nl, "sweep", &sweep));
    assert_ok(eqs_netlist_voltage(nl, "sweep", sweep, EQS_GROUND, &zero));
    assert_ok(eqs_netlist_dc(nl, "v_sweep", 0.0, BATCH * POINTS - 1, 1.0));
    char *deck, command[256];
    size_t length, n_external = 0, n = nl->n_outputs;
    assert_ok(eqs_netlist_deck(nl, &deck, &length));
    assert_ok(eqs_netlist_command(nl, command, sizeof command));
    const char *wanted[MAX_NODES], *external[MAX_NODES];
    for (size_t i = 0; i < n; i++)
        wanted[i] = eqs_netlist_node_name(nl, nl->output[i].node);
    for (size_t i = 0; i < nl->n_elements; i++) {
        const eqs_element *e = &nl->element[i];
        if (e->kind == EQS_CURRENT_SOURCE && e->detail.waveform != NULL)
            external[n_external++] = e->name;
    }
    assert_int_equal(n_external, eqs_device_n_currents(s.net));
    double supply[BATCH * MAX_NODES];
    for (size_t b = 0; b < BATCH; b++)
        eqs_device_currents(s.net, s.theta, s.x + b * s.net->layer[0].units, supply + b * n_external);
    const double beta[POINTS] = {0.0, 0.2 * def.siemens, -0.2 * def.siemens};
    eqs_spice_nudge nudge = {.n_points = POINTS,
                             .beta = beta,
                             .n_outputs = 2,
                             .first_wanted = 6,
                             .first_source = 6,
                             .target = s.target};
    eqs_spice_job job = {.deck = deck,
                         .deck_length = length,
                         .command = command,
                         .n_wanted = n,
                         .wanted = wanted,
                         .n_points = BATCH * POINTS,
                         .n_external = n_external,
                         .external = external,
                         .supply = supply,
                         .nudge = &nudge};
    eqs_spice_result r;
    assert_ok(eqs_worker_run(*state, &job, &r));
    options = eqs_device_options_default();
    options.reltol = 1e-9;
    options.vntol = 1e-13;
    for (size_t b = 0; b < BATCH; b++) {
        for (size_t p = 0; p < POINTS; p++) {
            double volts[MAX_NODES];
            s.phase.beta[EQS_BETA_Y] = p == 0 ? 0.0 : p == 1 ? 0.2 : -0.2;
            build_and_run(*state, &s, b, &options, volts);
            for (size_t i = 0; i < n; i++)
                assert_close(r.value[(b * POINTS + p) * n + i], volts[i], 1e-9, 0.0);
            for (size_t i = 0; p == 0 && i < 2; i++)
                s.free_output[b * 2 + i] = volts[6 + i];
        }
    }
    eqs_spice_result_clear(&r);
    eqs_free(deck);
    eqs_netlist_destroy(nl);
    small_resistive_close(&s);
}

/* free, + and - stage in one transient, with the free outputs held by the circuit itself */
static void a_transient_goes_through_free_and_nudged_stages(void **state)
{
    for (int differential = 0; differential < 2; differential++) {
        eqs_resistive_def def = shockley(1e-6, 2.0, 5.0);
        def.differential = differential == 1;
        small_resistive s;
        small_resistive_open(&s, &def, 3, (const size_t[]){3, 6, 2}, 1);
        size_t n = eqs_network_state_size(s.net), n_o = s.net->layer[2].units;
        double tran[MAX_NODES], op[MAX_NODES];
        /* 1 pF at some mS: 30 ns are a hundred time constants */
        const eqs_device_stage stages[] = {{3e-8, 0.0}, {6e-8, 0.2}, {9e-8, -0.2}};
        for (size_t last = 1; last <= 3; last++) {
            eqs_device_options options = eqs_device_options_default();
            options.analysis = EQS_ANALYSIS_TRAN;
            options.n_stages = 3;
            options.stage = stages;
            options.t_stop = stages[2].until;
            options.t_max_step = 1e-9;
            eqs_netlist *nl;
            assert_ok(eqs_device_build(s.net, &s.phase, 0, NULL, &options, &nl));
            nl->analysis.t_stop = stages[last - 1].until; /* look at the end of each stage */
            run(*state, nl, tran, NULL);
            eqs_netlist_destroy(nl);
            options = eqs_device_options_default();
            s.phase.beta[EQS_BETA_Y] = stages[last - 1].beta;
            build_and_run(*state, &s, 0, &options, op);
            for (size_t i = 0; i < n; i++)
                assert_close(tran[i], op[i], 0.0, 1e-6);
            for (size_t i = 0; last == 1 && i < n_o; i++)
                s.free_output[i] = op[6 + i];
        }
        small_resistive_close(&s);
    }
}

static void what_has_no_circuit_is_refused(void **state)
{
    (void)state;
    eqs_resistive_def def = shockley(1e-6, 2.0, 5.0);
    small_resistive s;
    small_resistive_open(&s, &def, 3, (const size_t[]){3, 6, 2}, 1);
    eqs_device_options options = eqs_device_options_default();
    eqs_netlist *nl;
    options.external = true;
    assert_fails(eqs_device_build(s.net, &s.phase, 0, NULL, &options, &nl), EQS_BAD_CONFIG, "folded");
    options = eqs_device_options_default();
    assert_fails(eqs_device_build(s.net, &s.phase, 1, NULL, &options, &nl), EQS_BAD_DATA, "sample 1");
    options.analysis = EQS_ANALYSIS_TRAN;
    assert_fails(eqs_device_build(s.net, &s.phase, 0, NULL, &options, &nl), EQS_BAD_CONFIG, "transient");
    options.t_stop = 1e-8;
    options.n_stages = 1;
    options.stage = (const eqs_device_stage[]){{2e-8, 0.0}};
    assert_fails(eqs_device_build(s.net, &s.phase, 0, NULL, &options, &nl), EQS_BAD_CONFIG, "stage 0 ends");
    options = eqs_device_options_default();
    s.phase.beta[EQS_BETA_Y] = 0.5;
    s.phase.free_output = NULL;
    assert_fails(eqs_device_build(s.net, &s.phase, 0, NULL, &options, &nl), EQS_BAD_DATA, "free phase");
    s.phase.target = NULL;
    assert_fails(eqs_device_build(s.net, &s.phase, 0, NULL, &options, &nl), EQS_BAD_DATA, "target");
    s.phase.beta[EQS_BETA_Y] = 0.0;
    s.theta[3] = -1e-3;
    assert_fails(eqs_device_build(s.net, &s.phase, 0, NULL, &options, &nl), EQS_BAD_DATA,
                 "conductance [0][3] from layer 0 to 1");
    small_resistive_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_amplifier_drives_forwards_and_loads_backwards),
        cmocka_unit_test(an_amplifier_s_offset_open_loop_gain_and_resistance_have_closed_forms),
        cmocka_unit_test(ngspice_obeys_the_law_of_every_diode),
        cmocka_unit_test(every_device_of_a_chip_has_its_own_numbers),
        cmocka_unit_test(the_stand_in_of_an_ideal_diode_misses_its_bound_by_its_drop),
        cmocka_unit_test(a_sweep_with_external_sources_gives_every_phase),
        cmocka_unit_test(a_transient_goes_through_free_and_nudged_stages),
        cmocka_unit_test(what_has_no_circuit_is_refused),
    };
    return cmocka_run_group_tests(tests, open_worker, close_worker);
}
