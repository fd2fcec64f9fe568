/* Co-simulation: what the lock-step costs, and how many steady states a second.
 *
 * Random networks (Glorot weights of gain 1 and 0.35 for a hidden layer of tanh units, inputs uniform in [0,
 * 1]). step      20 ideal neurons of a 10-20-4 network in one `tran`, in ngspice's process: `plain` runs it
 * alone with the same longest step and constant inputs; `macro` stops it at every step, which is a macro
 * point, and hands over new inputs from the parent: microseconds per step, and their difference, the overhead
 * run 10 unit times of 64-32-10 from rest: all in CVODE (rtol 1e-6), all in ngspice (behavioural circuit,
 * longest step 0.02), and with the hidden layer in ngspice (tolerance 1e-4): seconds, steps, largest
 * difference of the end from CVODE at rtol 1e-10 steady    64-32-10, hidden layer ideal or of differential
 * pairs, batches of 128 samples from rest (free) and from there at beta = 0.1 (nudged), to max|G(z) - z| <=
 * 1e-8: samples a second, points a sample Wall-clock, the fastest of --repeat runs. CSV on stdout. */
#include "netlists/cosim.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/run.h"
#include "netlists/cosim_steady.h"
#include "netlists/simulate.h"
#include "solver/relax.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { KEY_QUICK = 1000, BATCH = 128 };

typedef struct bench_options {
    size_t repeats, steps;
} bench_options;

typedef struct subject {
    eqs_network *net;
    eqs_energy *energy;
    double *theta, *x, *target;
    eqs_phase phase;
    eqs_state *state;
    eqs_cosim_partition partition;
} subject;

static const struct argp_option options[] = {
    {"repeat", 'n', "R", 0, "Timed runs; the fastest counts (default 5)", 0},
    {"quick", KEY_QUICK, 0, 0, "A smoke run: one repeat, few steps", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    bench_options *o = state->input;
    char *end;
    switch (key) {
    case 'n':
        o->repeats = strtoul(arg, &end, 10);
        if (*end != '\0' || arg[0] == '-' || o->repeats == 0 || o->repeats > 1000)
            argp_error(state, "'%s' found, allowed: a number from 1 to 1000", arg);
        return 0;
    case KEY_QUICK:
        *o = (bench_options){1, 100};
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* a network with its hidden layer as the circuit part */
static eqs_status open_subject(const size_t units[3], size_t batch, subject *s)
{
    static const char *const part[] = {"layer 1"};
    *s = (subject){0};
    eqs_activation activation[3];
    const double gain[] = {1.0, 0.35};
    for (size_t k = 0; k < 3; k++)
        activation[k] = eqs_activation_default(k == 0 ? EQS_LINEAR : EQS_TANH);
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 3;
    def.units = units;
    def.activation = activation;
    EQS_TRY(eqs_network_create(&def, &s->net));
    EQS_TRY(eqs_energy_create(s->net, &s->energy));
    EQS_TRY(eqs_state_create(s->net, batch, &s->state));
    EQS_TRY(eqs_cosim_partition_read(s->net, 1, part, &s->partition));
    s->theta = eqs_alloc(s->net->n_parameters, sizeof *s->theta);
    s->x = eqs_alloc(batch * units[0], sizeof *s->x);
    s->target = eqs_alloc(batch * units[2], sizeof *s->target);
    if (s->theta == NULL || s->x == NULL || s->target == NULL)
        return EQS_NO_MEMORY;
    eqs_parameters_glorot(s->net, 1, gain, s->theta);
    eqs_random stream = eqs_random_stream(1, EQS_RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < batch * units[0]; i++)
        s->x[i] = eqs_random_uniform(&stream, i);
    s->phase = (eqs_phase){.net = s->net, .theta = s->theta, .batch = batch, .x = s->x, .target = s->target};
    memcpy(s->phase.beta, s->net->beta, sizeof s->phase.beta);
    memcpy(s->state->s[0], s->x, batch * units[0] * sizeof *s->x);
    return EQS_OK;
}

static void close_subject(subject *s)
{
    eqs_cosim_partition_clear(&s->partition);
    eqs_state_destroy(s->state);
    eqs_energy_destroy(s->energy);
    eqs_network_destroy(s->net);
    eqs_free(s->theta);
    eqs_free(s->x);
    eqs_free(s->target);
}

/* CPU seconds of this process and of those that it has waited for */
static double all_cpu(void)
{
    struct rusage own, children;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    const struct timeval all[] = {own.ru_utime, own.ru_stime, children.ru_utime, children.ru_stime};
    double sum = 0.0;
    for (size_t i = 0; i < 4; i++)
        sum += (double)all[i].tv_sec + 1e-6 * (double)all[i].tv_usec;
    return sum;
}

/* --- step --- */

static const double step_length = 5e-9; /* s; the time constant is 1 us */

static eqs_status plain_steps(const eqs_cosim_deck *deck, size_t steps, double *seconds)
{
    eqs_worker_options limits = eqs_worker_options_default();
    eqs_worker *worker;
    char command[200];
    double *supply = eqs_alloc(deck->n_in, sizeof *supply);
    if (supply == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < deck->n_in; i++)
        supply[i] = 1e-7;
    snprintf(command, sizeof command, "tran %.17g %.17g 0 %.17g", step_length, (double)steps * step_length,
             step_length);
    eqs_spice_job job = {.deck = deck->text,
                         .deck_length = deck->length,
                         .command = command,
                         .n_wanted = deck->n_out,
                         .wanted = deck->wanted,
                         .n_external = deck->n_in,
                         .external = deck->external,
                         .supply = supply};
    eqs_spice_result result = {0};
    eqs_status status = eqs_worker_create(&limits, &worker);
    job.n_points = 0;
    job.n_external = 0; /* external sources that nobody supplies are 0 */
    if (status == EQS_OK) {
        status = eqs_worker_run(worker, &job, &result);
        *seconds = result.n_points == 0 ? NAN : result.seconds / (double)result.n_points;
        eqs_spice_result_clear(&result);
        eqs_worker_destroy(worker);
    }
    eqs_free(supply);
    return status;
}

static eqs_status macro_steps(const eqs_cosim_deck *deck, size_t steps, double *seconds)
{
    double *start = eqs_alloc(deck->n_in, sizeof *start);
    eqs_cosim_process *process = NULL;
    eqs_cosim_job job = {.deck = deck->text,
                         .deck_length = deck->length,
                         .n_in = deck->n_in,
                         .n_out = deck->n_out,
                         .external = deck->external,
                         .wanted = deck->wanted,
                         .start = start,
                         .t_stop = (double)steps * step_length,
                         .timeout = 60.0,
                         .memory_limit = (size_t)8 << 30};
    eqs_status status = start == NULL ? EQS_NO_MEMORY : eqs_cosim_process_create(&job, &process);
    double begin = eqs_clock();
    for (size_t k = 0; status == EQS_OK && k < steps; k++) {
        eqs_cosim_stretch *s = eqs_cosim_process_stretch(process);
        s->end = (double)(k + 1) * step_length;
        s->max_step = step_length;
        s->n_nodes = 2;
        s->time[0] = (double)k * step_length;
        s->time[1] = s->end;
        memset(s->a, 0, 2 * deck->n_in * sizeof *s->a);
        memset(s->da, 0, 2 * deck->n_in * sizeof *s->da);
        status = eqs_cosim_process_advance(process);
    }
    *seconds = (eqs_clock() - begin) / (double)steps;
    eqs_cosim_process_destroy(process);
    eqs_free(start);
    return status;
}

static eqs_status bench_step(const bench_options *o)
{
    static const size_t units[] = {10, 20, 4};
    subject s;
    eqs_cosim_system sys;
    eqs_cosim_deck deck = {0};
    eqs_cosim_cell ideal = {0};
    double u0[20], plain = INFINITY, macro = INFINITY, cpu[2] = {0};
    const eqs_cosim_deck_options how = eqs_cosim_options_default().deck;
    for (size_t i = 0; i < 20; i++)
        u0[i] = 0.5;
    EQS_TRY(open_subject(units, 1, &s));
    eqs_status status = eqs_cosim_system_build(s.energy, &s.phase, 0, &s.partition, &sys);
    if (status == EQS_OK)
        status = eqs_cosim_deck_write(&sys, &ideal, &how, u0, &deck);
    for (size_t r = 0; status == EQS_OK && r < o->repeats; r++) {
        double a = NAN, b = NAN, begin = all_cpu();
        status = plain_steps(&deck, o->steps, &a);
        double middle = all_cpu();
        if (status == EQS_OK)
            status = macro_steps(&deck, o->steps, &b);
        cpu[0] += (middle - begin) / (double)(o->steps * o->repeats);
        cpu[1] += (all_cpu() - middle) / (double)(o->steps * o->repeats);
        plain = fmin(plain, a);
        macro = fmin(macro, b);
    }
    if (status == EQS_OK) {
        printf("step,plain tran,%.2f,us a step,%.2f,us CPU with start-up\n", 1e6 * plain, 1e6 * cpu[0]);
        printf("step,macro points,%.2f,us a step,%.2f,us CPU with start-up\n", 1e6 * macro, 1e6 * cpu[1]);
        printf("step,overhead,%.2f,us a step,%.2f,us CPU\n", 1e6 * (macro - plain), 1e6 * (cpu[1] - cpu[0]));
    }
    eqs_cosim_deck_clear(&deck);
    eqs_cosim_system_clear(&sys);
    close_subject(&s);
    return status;
}

/* --- run --- */

static eqs_status ode_run(subject *s, double rtol, double *end, double *seconds, long *steps)
{
    eqs_relax_options how = eqs_relax_options_default();
    eqs_relax_result result = {0};
    how.solver = "cvode-bdf";
    how.rtol = rtol;
    how.atol = 1e-3 * rtol;
    how.tolerance = 0.0;
    how.t_max = 10.0;
    eqs_state_fill(s->net, s->state, 0.0);
    EQS_TRY(eqs_relax_run(s->energy, &s->phase, &how, s->state, &result));
    *seconds = result.seconds;
    *steps = result.statistics.steps;
    memcpy(end, s->state->s[1], 42 * sizeof *end); /* layers 1 and 2 lie side by side */
    eqs_relax_result_clear(&result);
    return EQS_OK;
}

static double difference(const double *a, const double *b)
{
    double largest = 0.0;
    for (size_t i = 0; i < 42; i++)
        largest = fmax(largest, fabs(a[i] - b[i]));
    return largest;
}

static eqs_status circuit_run(subject *s, double *end, double *seconds, size_t *points)
{
    eqs_worker_options limits = eqs_worker_options_default();
    eqs_circuit_options how = eqs_circuit_options_default();
    eqs_circuit_statistics statistics;
    eqs_worker *worker;
    how.circuit.analysis = EQS_ANALYSIS_TRAN;
    how.circuit.t_stop = 10.0;
    EQS_TRY(eqs_worker_create(&limits, &worker));
    eqs_status status =
        eqs_circuit_run(s->energy, &s->phase, 0, NULL, &how, worker, s->state, NULL, NULL, &statistics);
    eqs_worker_destroy(worker);
    *seconds = statistics.seconds_run;
    *points = statistics.n_points;
    memcpy(end, s->state->s[1], 42 * sizeof *end);
    return status;
}

static eqs_status split_run(subject *s, double *end, double *seconds, size_t *steps)
{
    eqs_cosim_options how = eqs_cosim_options_default();
    eqs_cosim_cell ideal = {0};
    eqs_cosim_result result;
    how.t_stop = 10.0;
    eqs_state_fill(s->net, s->state, 0.0);
    eqs_status status =
        eqs_cosim_run(s->energy, &s->phase, 0, s->state, &s->partition, &ideal, &how, s->state, &result);
    *seconds = result.seconds;
    *steps = result.n - 1;
    memcpy(end, s->state->s[1], 42 * sizeof *end);
    eqs_cosim_result_clear(&result);
    return status;
}

static eqs_status bench_run(const bench_options *o)
{
    static const size_t units[] = {64, 32, 10};
    subject s;
    double best[3] = {INFINITY, INFINITY, INFINITY}, exact[42], end[3][42], seconds;
    long ode_steps = 0;
    size_t points = 0, macro = 0;
    EQS_TRY(open_subject(units, 1, &s));
    eqs_status status = ode_run(&s, 1e-10, exact, &seconds, &ode_steps);
    for (size_t r = 0; status == EQS_OK && r < o->repeats; r++) {
        status = ode_run(&s, 1e-6, end[0], &seconds, &ode_steps);
        best[0] = fmin(best[0], seconds);
        if (status == EQS_OK)
            status = circuit_run(&s, end[1], &seconds, &points);
        best[1] = fmin(best[1], seconds);
        if (status == EQS_OK)
            status = split_run(&s, end[2], &seconds, &macro);
        best[2] = fmin(best[2], seconds);
    }
    if (status == EQS_OK) {
        printf("run,all CVODE,%.3f,ms,%ld steps,%.1e\n", 1e3 * best[0], ode_steps, difference(end[0], exact));
        printf("run,all ngspice,%.3f,ms,%zu points,%.1e\n", 1e3 * best[1], points, difference(end[1], exact));
        printf("run,hidden layer in ngspice,%.3f,ms,%zu macro steps,%.1e\n", 1e3 * best[2], macro,
               difference(end[2], exact));
    }
    close_subject(&s);
    return status;
}

/* --- steady --- */

static const char *const pins[] = {"h=current", "o=rate", "ref=ground", "vdd=2.5", "vss=-2.5"};
static const char *const parameters[] = {"c=1u"};

static eqs_status bench_steady(const bench_options *o, bool transistors)
{
    static const size_t units[] = {64, 32, 10};
    const eqs_cosim_wiring wiring = {.subcircuit = transistors ? "diffpair-neuron" : "",
                                     .n_pins = transistors ? 5 : 0,
                                     .pins = pins,
                                     .n_parameters = transistors ? 1 : 0,
                                     .parameters = parameters,
                                     .drive_scale = 0.279e-6,
                                     .rate_scale = 0.534,
                                     .state_scale = 0.279};
    const char *name = transistors ? "differential pairs" : "ideal neurons";
    eqs_cosim_steady_options how = eqs_cosim_steady_options_default();
    eqs_cosim_cell cell;
    eqs_cosim_steady *steady = NULL;
    eqs_cosim_steady_result result[2] = {{0}};
    double best[2] = {INFINITY, INFINITY}, cpu = all_cpu();
    subject s;
    how.tolerance = 1e-8;
    EQS_TRY(open_subject(units, BATCH, &s));
    eqs_status status = eqs_cosim_cell_open(&wiring, &cell);
    if (status == EQS_OK)
        status = eqs_cosim_steady_create(s.energy, &s.partition, &cell, &how, BATCH, &steady);
    for (size_t r = 0; status == EQS_OK && r < o->repeats; r++) {
        eqs_state_fill(s.net, s.state, 0.0);
        for (int nudged = 0; status == EQS_OK && nudged < 2; nudged++) {
            s.phase.beta[EQS_BETA_Y] = 0.1 * nudged;
            double begin = eqs_clock();
            status = eqs_cosim_steady_run(steady, &s.phase, 0.0, s.state, NULL, &result[nudged]);
            best[nudged] = fmin(best[nudged], eqs_clock() - begin);
        }
    }
    eqs_cosim_steady_destroy(steady);
    if (status == EQS_OK) {
        for (int nudged = 0; nudged < 2; nudged++)
            printf("steady,%s %s,%.0f,samples/s,%.1f points a sample,%zu unconverged,loop gain up to %.2f\n",
                   name, nudged ? "nudged" : "free", BATCH / best[nudged],
                   (double)result[nudged].points / BATCH, result[nudged].unconverged,
                   result[nudged].max_gain);
        printf("steady,%s free and nudged,%.0f,samples/s,%.0f,us CPU a sample\n", name,
               BATCH / (best[0] + best[1]), 1e6 * (all_cpu() - cpu) / (double)(BATCH * o->repeats));
    }
    eqs_cosim_cell_clear(&cell);
    close_subject(&s);
    return status;
}

int main(int argc, char **argv)
{
    static const struct argp how = {
        .options = options,
        .parser = parse,
        .doc = "What co-simulation costs: macro steps, runs, steady states a second."};
    bench_options o = {.repeats = 5, .steps = 4000};
    argp_parse(&how, argc, argv, 0, NULL, &o);
    eqs_status status = bench_step(&o);
    if (status == EQS_OK)
        status = bench_run(&o);
    if (status == EQS_OK)
        status = bench_steady(&o, false);
    if (status == EQS_OK)
        status = bench_steady(&o, true);
    if (status != EQS_OK)
        fprintf(stderr, "bench_cosim: %s\n", eqs_error_message());
    return eqs_status_exit_code(status);
}
