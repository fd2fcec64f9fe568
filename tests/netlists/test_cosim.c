/* Part of a network in ngspice, the rest in CVODE: cutting is invisible. */
#include "tests/netlists/small_net.h"

#include "netlists/cosim.h"
#include "solver/relax.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

enum { LAYERS = 4 };

typedef struct fixture {
    small_net s;
    eqs_network_def def;
    eqs_activation activation[LAYERS];
    size_t units[LAYERS];
    double tau[LAYERS];
    eqs_state *start, *reference, *out;
    eqs_cosim_cell cell;
    eqs_cosim_partition partition;
    eqs_cosim_options options;
} fixture;

/* 10-20-4, or for a slow layer 10-8-20-4, of one rho, from s = 0; time constants of the last two layers */
static void open_fixture(fixture *f, bool slow, eqs_activation_kind kind, double gain, double tau_hidden,
                         double tau_out, double beta)
{
    *f = (fixture){.units = {10, 20, 4}, .tau = {1.0, tau_hidden, tau_out}};
    if (slow)
        *f = (fixture){.units = {10, 8, 20, 4}, .tau = {1.0, 1.0, tau_hidden, tau_out}};
    size_t layers = slow ? 4 : 3;
    for (size_t k = 0; k < layers; k++)
        f->activation[k] = eqs_activation_default(k == 0 ? EQS_LINEAR : kind);
    f->def = eqs_network_def_default();
    f->def.n_layers = layers;
    f->def.units = f->units;
    f->def.activation = f->activation;
    f->def.tau = f->tau;
    small_net_open(&f->s, &f->def, 5, 1, gain);
    f->s.phase.beta[EQS_BETA_Y] = beta;
    assert_ok(eqs_state_create(f->s.net, 1, &f->start));
    assert_ok(eqs_state_create(f->s.net, 1, &f->reference));
    assert_ok(eqs_state_create(f->s.net, 1, &f->out));
    memcpy(f->start->s[0], f->s.x, 10 * sizeof(double));
    f->options = eqs_cosim_options_default();
    const eqs_cosim_wiring ideal = {.subcircuit = ""};
    assert_ok(eqs_cosim_cell_open(&ideal, &f->cell));
}

static void cut(fixture *f, const char *part)
{
    eqs_cosim_partition_clear(&f->partition);
    assert_ok(eqs_cosim_partition_read(f->s.net, 1, &part, &f->partition));
}

static void close_fixture(fixture *f)
{
    eqs_cosim_partition_clear(&f->partition);
    eqs_cosim_cell_clear(&f->cell);
    eqs_state_destroy(f->start);
    eqs_state_destroy(f->reference);
    eqs_state_destroy(f->out);
    small_net_close(&f->s);
}

static void run(fixture *f, eqs_cosim_result *r)
{
    assert_ok(eqs_cosim_run(f->s.energy, &f->s.phase, 0, f->start, &f->partition, &f->cell, &f->options,
                            f->out, r));
}

/* largest |state - CVODE's| over all macro points of a run, after time `from` */
static double trajectory_error(fixture *f, const eqs_cosim_result *r, double from)
{
    eqs_relax_options options = eqs_relax_options_default();
    eqs_relax_result reference = {0};
    options.solver = "cvode-bdf";
    options.rtol = 1e-9;
    options.atol = 1e-12;
    options.tolerance = 0.0;
    options.t_max = r->time[r->n - 1];
    options.record = EQS_RECORD_TIMES;
    options.n_record_times = r->n - 1;
    options.record_times = r->time + 1;
    eqs_state_copy(f->s.net, f->start, f->reference);
    assert_ok(eqs_relax_run(f->s.energy, &f->s.phase, &options, f->reference, &reference));
    const eqs_trajectory *t = reference.trajectory;
    double worst = 0.0;
    assert_true(t->n >= r->n - 1);
    for (size_t i = 1; i < r->n; i++) {
        size_t j = t->n - r->n + i;
        assert_close(t->time[j], r->time[i], 1e-9, 1e-12);
        for (size_t v = 0; v < r->n_units && r->time[i] >= from; v++)
            worst = fmax(worst, fabs(r->state[i * r->n_units + v] - t->state[j * r->n_units + v]));
    }
    eqs_relax_result_clear(&reference);
    return worst;
}

static void splitting_is_invisible(void **state)
{
    (void)state;
    static const char *const parts[] = {"layer 1", "layer 2", "units 1 0:20:2", "coupling 1 2"};
    static const eqs_activation_kind kinds[] = {EQS_TANH, EQS_HARD_SIGMOID};
    for (size_t k = 0; k < 2; k++) {
        fixture f;
        open_fixture(&f, false, kinds[k], 0.8, 1.0, 1.0, k == 1 ? 0.5 : 0.0);
        small_net_relax(&f.s, 1e-10, f.reference);
        eqs_state *fixed;
        assert_ok(eqs_state_create(f.s.net, 1, &fixed));
        eqs_state_copy(f.s.net, f.reference, fixed);
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
            eqs_cosim_result r;
            cut(&f, parts[p]);
            run(&f, &r);
            double end = eqs_state_difference(f.s.net, fixed, f.out, NULL),
                   path = trajectory_error(&f, &r, 0.0);
            print_message(
                "%-16s %s: %zu macro steps, %zu of ngspice, %zu of CVODE, %zu windows, %.3f s; fixed point "
                "%.1e, path %.1e, residual %.1e, gain %.2f\n",
                parts[p], eqs_activation_name(kinds[k]), r.n - 1, r.circuit_steps, r.ode_steps, r.windows,
                r.seconds, end, path, r.residual, r.loop_gain);
            assert_true(end <= 1e-6);
            assert_true(path <= 10.0 * f.options.tolerance);
            eqs_cosim_result_clear(&r);
        }
        eqs_state_destroy(fixed);
        close_fixture(&f);
    }
}

/* halving the macro step divides the error by 2^(degree + 1) */
static void order_is_one_more_than_the_degree(void **state)
{
    (void)state;
    for (size_t degree = 0; degree <= 2; degree++) {
        fixture f;
        double error[2];
        open_fixture(&f, false, EQS_TANH, 1.2, 1.0, 1.0, 0.0);
        cut(&f, "layer 1");
        f.options.degree = degree;
        f.options.t_stop = 3.0;
        f.options.rtol = 1e-9;
        f.options.atol = 1e-11;
        f.options.iterate = EQS_COSIM_ITERATE_NEVER;
        for (int k = 0; k < 2; k++) {
            eqs_cosim_result r;
            f.options.macro_step = k == 0 ? 0.1 : 0.05;
            f.options.circuit_steps = k == 0 ? 100 : 50;
            run(&f, &r);
            error[k] = trajectory_error(&f, &r, 0.0);
            eqs_cosim_result_clear(&r);
        }
        double order = log2(error[0] / error[1]);
        print_message("degree %zu: errors %.2e, %.2e: order %.2f\n", degree, error[0], error[1], order);
        assert_true(order > (double)degree + 0.7 && order < (double)degree + 1.5);
        close_fixture(&f);
    }
}

/* both sides 1000 times faster than a third layer, and than the macro step: explicit linear coupling holds,
 * and waveform iteration gives the same */
static void stiff_interface_is_stable(void **state)
{
    (void)state;
    static const eqs_cosim_iterate modes[] = {EQS_COSIM_ITERATE_NEVER, EQS_COSIM_ITERATE_AUTO};
    fixture f;
    open_fixture(&f, true, EQS_TANH, 1.8, 1e-3, 1e-3, 0.0);
    cut(&f, "layer 2");
    f.options.tolerance = 1e-3;
    f.options.t_stop = 4.0;
    for (size_t i = 0; i < 2; i++) {
        eqs_cosim_result r;
        f.options.iterate = modes[i];
        run(&f, &r);
        double error = trajectory_error(&f, &r, 0.0), longest = 0.0;
        for (size_t k = 0; k < r.n; k++)
            longest = fmax(longest, r.step[k]);
        print_message("stiff, gain %.2f: %zu macro steps up to %.3f, %zu windows, error %.1e, %.3f s\n",
                      r.loop_gain, r.n - 1, longest, r.windows, error, r.seconds);
        assert_true(error <= 10.0 * f.options.tolerance);
        assert_true(longest > 20.0 * 1e-3);
        eqs_cosim_result_clear(&r);
    }
    close_fixture(&f);
}

/* quadratic extrapolation is unstable at a loop gain above 1/2; the master sees it and iterates */
static void iteration_takes_over_where_explicit_coupling_fails(void **state)
{
    (void)state;
    fixture f;
    eqs_cosim_result r;
    open_fixture(&f, true, EQS_TANH, 3.2, 1e-3, 1e-3, 0.0);
    cut(&f, "layer 2");
    f.options.degree = 2;
    f.options.macro_step = 0.05;
    f.options.t_stop = 1.5;
    f.options.iterate = EQS_COSIM_ITERATE_NEVER;
    eqs_status status =
        eqs_cosim_run(f.s.energy, &f.s.phase, 0, f.start, &f.partition, &f.cell, &f.options, f.out, &r);
    double explicit_error = status == EQS_OK ? trajectory_error(&f, &r, 0.5) : INFINITY;
    eqs_cosim_result_clear(&r);
    f.options.iterate = EQS_COSIM_ITERATE_AUTO;
    run(&f, &r);
    double error = trajectory_error(&f, &r, 0.5);
    print_message("gain %.2f: explicit %.1e, with %zu windows %.1e, %.3f s\n", r.loop_gain, explicit_error,
                  r.windows, error, r.seconds);
    assert_true(explicit_error > 0.1);
    assert_true(error < 2e-3 && r.windows > 0 && r.marks == r.windows);
    eqs_cosim_result_clear(&r);
    close_fixture(&f);
}

/* every window iterated, with the simulator taken back each time: as exact as ngspice's own steps */
static void iterated_windows_agree_with_the_ode(void **state)
{
    (void)state;
    fixture f;
    eqs_cosim_result r;
    open_fixture(&f, false, EQS_TANH, 1.2, 1.0, 1.0, 0.0);
    cut(&f, "units 1 0:20:2");
    f.options.iterate = EQS_COSIM_ITERATE_ALWAYS;
    f.options.t_stop = 2.0;
    f.options.circuit_steps = 8;
    run(&f, &r);
    double error = trajectory_error(&f, &r, 0.0);
    print_message("%zu windows, %zu marks, error %.1e\n", r.windows, r.marks, error);
    assert_true(error < 2e-5);
    for (size_t i = 1; i < r.n; i++)
        assert_true(r.iterations[i] >= 2.0 && r.time[i] > r.time[i - 1]);
    eqs_cosim_result_clear(&r);
    close_fixture(&f);
}

static const char *const diffpair_pins[] = {"h=current", "o=rate", "ref=ground", "vdd=2.5", "vss=-2.5"};
static const char *const diffpair_parameters[] = {"r=1meg", "c=1u"};

static eqs_cosim_wiring diffpair(void)
{
    return (eqs_cosim_wiring){.subcircuit = "diffpair-neuron",
                              .n_pins = 5,
                              .pins = diffpair_pins,
                              .n_parameters = 2,
                              .parameters = diffpair_parameters,
                              .drive_scale = 0.279e-6,
                              .rate_scale = 0.534,
                              .state_scale = 0.279};
}

/* 100 transistors in the loop: it settles, near the ideal network, and the supplies deliver what tail
 * currents cost */
static void transistor_neurons_take_part(void **state)
{
    (void)state;
    fixture f;
    eqs_cosim_result r;
    open_fixture(&f, false, EQS_TANH, 0.8, 1.0, 1.0, 0.0);
    small_net_relax(&f.s, 1e-9, f.reference);
    cut(&f, "layer 1");
    const eqs_cosim_wiring wiring = diffpair();
    assert_ok(eqs_cosim_cell_open(&wiring, &f.cell));
    f.options.deck.units = (eqs_circuit_units){1e-6, 1e-6, 1.0};
    f.options.t_stop = 12.0;
    run(&f, &r);
    double difference = eqs_state_difference(f.s.net, f.reference, f.out, NULL);
    const double *energy = r.energy + (r.n - 1) * r.n_supplies, *last = r.state + (r.n - 1) * r.n_units;
    double change = 0.0;
    for (size_t i = 0; i < r.n_units; i++)
        change = fmax(change, fabs(last[i] - last[i - r.n_units]));
    print_message(
        "transistors: %zu macro steps, %zu of ngspice, %.2f s, %.3f from the ideal network; %.3g J from vdd, "
        "%.3g J from vss\n",
        r.n - 1, r.circuit_steps, r.seconds, difference, energy[0], energy[1]);
    assert_true(difference > 1e-3 && difference < 0.15 && change < 1e-4);
    assert_int_equal(r.n_supplies, 2);
    assert_string_equal(r.supply[1], "vss");
    /* 20 tails of about 10 uA between 5 V for 12 s: about 12 mJ */
    assert_true(energy[0] + energy[1] > 8e-3 && energy[0] + energy[1] < 16e-3);
    eqs_cosim_result_clear(&r);
    close_fixture(&f);
}

static void wiring_is_checked(void **state)
{
    (void)state;
    static const char *const missing[] = {"h=current", "o=rate", "ref=ground", "vdd=2.5"};
    static const char *const unknown[] = {"h=current", "q=rate"};
    static const char *const two[] = {"h=current", "o=current", "ref=ground", "vdd=2.5", "vss=-2.5"};
    static const char *const role[] = {"h=amps"};
    static const char *const parameter[] = {"r=-3"};
    eqs_cosim_cell cell;
    eqs_cosim_wiring w = diffpair();
    const struct {
        const char *const *pins;
        size_t n;
        const char *message;
    } cases[] = {{missing, 4, "pin 'vss' of 'diffpair_neuron'"},
                 {unknown, 2, "has no pin 'q'"},
                 {two, 5, "2 pins are driven and 0 give the rate"},
                 {role, 1, "allowed roles: current"}};
    for (size_t i = 0; i < 4; i++) {
        w.pins = cases[i].pins;
        w.n_pins = cases[i].n;
        assert_fails(eqs_cosim_cell_open(&w, &cell), EQS_BAD_CONFIG, cases[i].message);
        eqs_cosim_cell_clear(&cell);
    }
    w = diffpair();
    w.parameters = parameter;
    w.n_parameters = 1;
    assert_fails(eqs_cosim_cell_open(&w, &cell), EQS_BAD_DATA, "resistor 'rm': -3 found");
    eqs_cosim_cell_clear(&cell);
}

static void partition_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second, *message;
    } cases[] = {{"layer 0", NULL, "allowed: 1 to 2"},
                 {"layer 1x", NULL, "allowed: 'layer K'"},
                 {"units 1 0:30", NULL, "layer 1 has units 0 to 19"},
                 {"units 1 0:4", "layer 1", "unit 0 of layer 1 is a circuit already"},
                 {"coupling 0 1", NULL, "the clamped input"},
                 {"coupling 1 1", NULL, "no such coupling"},
                 {"coupling 1 2", "units 2 0:1", "unit 0 of layer 2 is a circuit"}};
    fixture f;
    open_fixture(&f, false, EQS_TANH, 0.8, 1.0, 1.0, 0.0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const words[] = {cases[i].first, cases[i].second};
        assert_fails(eqs_cosim_partition_read(f.s.net, cases[i].second == NULL ? 1 : 2, words, &f.partition),
                     EQS_BAD_CONFIG, cases[i].message);
        eqs_cosim_partition_clear(&f.partition);
    }
    assert_fails(eqs_cosim_partition_read(f.s.net, 0, NULL, &f.partition), EQS_BAD_CONFIG, "nothing found");
    close_fixture(&f);
}

/* first child of a process, 0 when there is none */
static pid_t child_of(pid_t pid)
{
    char path[100], text[100];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return (pid_t)strtol(text, NULL, 10);
}

static volatile sig_atomic_t killed;

/* kills the process of ngspice: the child of the keeper, which is ours */
static void kill_worker(int signal_number)
{
    (void)signal_number;
    pid_t keeper = child_of(getpid()), worker = keeper > 0 ? child_of(keeper) : 0;
    killed = worker > 0 && kill(worker, SIGKILL) == 0;
}

/* a subcircuit that has no operating point, or a process that dies: an error that says so, and the results so
 * far */
static void failures_are_reported(void **state)
{
    (void)state;
    static const char bad[] =
        "* no answer: x = 1 + x^2 has no solution\n"
        ".subckt bad h o\nrh h 0 1meg\nch h 0 1p\nb1 o 0 v={1+v(o)*v(o)}\nro o 0 1k\n.ends\n";
    static const char *const pins[] = {"h=current", "o=rate"};
    fixture f;
    eqs_cosim_result r;
    open_fixture(&f, false, EQS_TANH, 0.8, 1.0, 1.0, 0.0);
    cut(&f, "layer 1");
    char path[] = "/tmp/eqspice-bad-XXXXXX.cir";
    int fd = mkstemps(path, 4);
    assert_int_equal(write(fd, bad, sizeof bad - 1), sizeof bad - 1);
    close(fd);
    const eqs_cosim_wiring wiring = {.subcircuit = path,
                                     .n_pins = 2,
                                     .pins = pins,
                                     .drive_scale = 1e-6,
                                     .rate_scale = 1.0,
                                     .state_scale = 1.0};
    assert_ok(eqs_cosim_cell_open(&wiring, &f.cell));
    assert_fails(
        eqs_cosim_run(f.s.energy, &f.s.phase, 0, f.start, &f.partition, &f.cell, &f.options, f.out, &r),
        EQS_NOT_CONVERGED, "co-simulation: ngspice gave the analysis up");
    eqs_cosim_result_clear(&r);
    eqs_cosim_cell_clear(&f.cell);
    unlink(path);
    close_fixture(&f);
}

static void a_dead_process_is_an_error_that_keeps_results(void **state)
{
    (void)state;
    fixture f;
    eqs_cosim_result r;
    open_fixture(&f, false, EQS_TANH, 0.8, 1.0, 1.0, 0.0);
    cut(&f, "layer 1");
    f.options.t_stop = 1e5; /* far beyond the alarm */
    f.options.macro_step = 0.01;
    signal(SIGALRM, kill_worker);
    const struct itimerval soon = {{0, 0}, {0, 300000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    assert_fails(
        eqs_cosim_run(f.s.energy, &f.s.phase, 0, f.start, &f.partition, &f.cell, &f.options, f.out, &r),
        EQS_INTERNAL, "process died at t");
    assert_true(killed);
    assert_true(r.n > 100);
    eqs_cosim_result_clear(&r);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splitting_is_invisible),
        cmocka_unit_test(order_is_one_more_than_the_degree),
        cmocka_unit_test(stiff_interface_is_stable),
        cmocka_unit_test(iteration_takes_over_where_explicit_coupling_fails),
        cmocka_unit_test(iterated_windows_agree_with_the_ode),
        cmocka_unit_test(transistor_neurons_take_part),
        cmocka_unit_test(wiring_is_checked),
        cmocka_unit_test(partition_is_checked),
        cmocka_unit_test(failures_are_reported),
        cmocka_unit_test(a_dead_process_is_an_error_that_keeps_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
