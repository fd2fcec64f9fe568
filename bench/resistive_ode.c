/* Settling of resistive networks as stiff ODEs: C_i dv_i/dt = KCL with capacitances log-uniform in
 * [1 pF, 1 nF] on every free node, Shockley diodes (1 uA, n = 2), conductance from below 1 mS a node, 0.3 of
 * it towards the outputs, step of the inputs from 0. CVODE with its linear solvers at rtol 1e-6 until
 * Kirchhoff's residual is 1e-6 of (1 mS x largest voltage), processor time, median of the samples; Euler
 * at 1.8 / lambda of the equilibrium; and the equilibrium solver, whose voltages all must reach.
 * bench_resistive_ode [samples] CSV on stdout */
#include "base/memory.h"
#include "base/random.h"
#include "base/run.h"
#include "bench/common/machine.h"
#include "models/field.h"
#include "solver/relax.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LAYERS = 3, N_SIZES = 2, N_GAINS = 3 };

typedef struct contender {
    const char *label, *solver;
    eqs_linear_solver linear;
    eqs_preconditioner preconditioner;
} contender;

static const contender contenders[] = {
    {"bdf dense", "cvode-bdf", EQS_LINEAR_DENSE, EQS_PRECONDITIONER_NONE},
    {"bdf klu", "cvode-bdf", EQS_LINEAR_KLU, EQS_PRECONDITIONER_NONE},
    {"bdf gmres diagonal", "cvode-bdf", EQS_LINEAR_KRYLOV, EQS_PRECONDITIONER_DIAGONAL},
    {"bdf gmres schur", "cvode-bdf", EQS_LINEAR_KRYLOV, EQS_PRECONDITIONER_SCHUR},
    {"euler", "euler", EQS_LINEAR_AUTO, EQS_PRECONDITIONER_NONE},
    {"newton (equilibrium)", "newton", EQS_LINEAR_AUTO, EQS_PRECONDITIONER_NONE},
};
enum { N_CONTENDERS = sizeof contenders / sizeof *contenders };

typedef struct problem {
    eqs_network *net;
    eqs_energy *energy;
    double *theta, *x, *tau, *ms;
    eqs_state *state, *exact;
    size_t samples;
} problem;

static const double siemens = 1e-3, farads = 1e-9;

/* every node sees conductance 1 (1 mS) from below, and hidden nodes 0.3 towards the outputs */
static void set_conductances(problem *p)
{
    for (size_t c = 0; c + 1 < LAYERS; c++) {
        size_t rows = p->net->layer[c].units, columns = p->net->layer[c + 1].units;
        double *g = eqs_weights(p->net, p->theta, c);
        eqs_random stream = eqs_random_stream(1, EQS_RANDOM_WEIGHTS, (uint32_t)c, 0);
        for (size_t i = 0; i < rows * columns; i++)
            g[i] = eqs_random_uniform(&stream, i);
        for (size_t i = 0; c == 1 && i < rows; i++) { /* rows of the last coupling: towards the outputs */
            double sum = 0.0;
            for (size_t j = 0; j < columns; j++)
                sum += g[i * columns + j];
            for (size_t j = 0; j < columns; j++)
                g[i * columns + j] *= 0.3 / sum;
        }
        for (size_t j = 0; c == 0 && j < columns; j++) {
            double sum = 0.0;
            for (size_t i = 0; i < rows; i++)
                sum += g[i * columns + j];
            for (size_t i = 0; i < rows; i++)
                g[i * columns + j] /= sum;
        }
    }
}

static eqs_status create(problem *p, const size_t units[LAYERS], double gain, size_t samples)
{
    size_t nodes = 2 * units[0] + units[1] + units[2];
    p->samples = samples;
    p->tau = eqs_alloc(nodes, sizeof *p->tau);
    p->ms = eqs_alloc(samples, sizeof *p->ms);
    p->x = eqs_alloc(samples * 2 * units[0], sizeof *p->x);
    double *data = eqs_alloc(samples * units[0], sizeof *data);
    if (p->tau == NULL || p->ms == NULL || p->x == NULL || data == NULL)
        return EQS_NO_MEMORY;
    eqs_random spread = eqs_random_stream(1, EQS_RANDOM_TAU, 0, 0);
    for (size_t i = 0; i < nodes; i++)
        p->tau[i] = pow(1000.0, -eqs_random_uniform(&spread, i)); /* 1 pF to 1 nF in units of 1 nF */
    const double *rows[LAYERS] = {p->tau, p->tau + 2 * units[0], p->tau + 2 * units[0] + units[1]};
    eqs_resistive_def resistive = eqs_resistive_def_default();
    resistive.diode = EQS_DIODE_SHOCKLEY;
    resistive.siemens = siemens;
    resistive.input_gain = gain;
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = LAYERS;
    def.units = units;
    def.tau_unit = rows;
    def.resistive = &resistive;
    EQS_TRY(eqs_network_create(&def, &p->net));
    EQS_TRY(eqs_energy_create(p->net, &p->energy));
    EQS_TRY(eqs_state_create(p->net, 1, &p->state));
    EQS_TRY(eqs_state_create(p->net, 1, &p->exact));
    p->theta = eqs_alloc(p->net->n_parameters, sizeof *p->theta);
    if (p->theta == NULL)
        return EQS_NO_MEMORY;
    set_conductances(p);
    eqs_random stream = eqs_random_stream(2, EQS_RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < samples * units[0]; i++)
        data[i] = eqs_random_uniform(&stream, i) < 0.2 ? eqs_random_uniform(&stream, 1000000 + i) : 0.0;
    eqs_network_sources(p->net, samples, data, p->x);
    eqs_free(data);
    return EQS_OK;
}

static void destroy(problem *p)
{
    eqs_state_destroy(p->state);
    eqs_state_destroy(p->exact);
    eqs_energy_destroy(p->energy);
    eqs_network_destroy(p->net);
    eqs_free(p->theta);
    eqs_free(p->x);
    eqs_free(p->tau);
    eqs_free(p->ms);
    *p = (problem){0};
}

static eqs_phase phase_of(const problem *p, size_t sample)
{
    eqs_phase phase = {
        .net = p->net, .theta = p->theta, .batch = 1, .x = p->x + sample * p->net->layer[0].units};
    memcpy(phase.beta, p->net->beta, sizeof phase.beta);
    return phase;
}

static double largest_voltage(const problem *p)
{
    double V = 0.0;
    for (size_t k = 1; k < LAYERS; k++) {
        for (size_t i = 0; i < p->net->layer[k].units; i++)
            V = fmax(V, fabs(p->exact->s[k][i]));
    }
    return V;
}

/* Largest |eigenvalue| of df/dx at the equilibrium, by power iteration. */
static eqs_status fastest_rate(const problem *p, const eqs_phase *phase, double *rate)
{
    enum { ITERATIONS = 300 };
    eqs_field *field;
    EQS_TRY(eqs_field_create(p->energy, phase, &field));
    double *v = eqs_alloc(3 * field->n, sizeof *v), *Jv = v + field->n, *x = v + 2 * field->n;
    eqs_status status = v == NULL ? EQS_NO_MEMORY : EQS_OK;
    for (size_t i = 0; status == EQS_OK && i < field->n; i++)
        v[i] = 1.0;
    if (status == EQS_OK) {
        field->ops->from_state(field, p->exact, false, x);
        field->ops->prepare(field, x);
    }
    for (int n = 0; status == EQS_OK && n < ITERATIONS; n++) {
        double norm = 0.0;
        field->ops->jacobian_product(field, v, Jv);
        for (size_t i = 0; i < field->n; i++)
            norm += Jv[i] * Jv[i];
        *rate = sqrt(norm);
        for (size_t i = 0; i < field->n; i++)
            v[i] = Jv[i] / *rate;
    }
    eqs_free(v);
    eqs_field_destroy(field);
    return status;
}

static eqs_relax_options how(const contender *c, double tolerance)
{
    eqs_relax_options o = eqs_relax_options_default();
    o.solver = c->solver;
    o.linear_solver = c->linear;
    if (c->preconditioner != EQS_PRECONDITIONER_NONE)
        o.preconditioner = c->preconditioner;
    o.rtol = 1e-6;
    o.atol = 1e-9;
    o.tolerance = tolerance;
    o.max_steps = 10000000;
    return o;
}

/* the equilibrium into p->exact */
static eqs_status solve_exactly(problem *p, const eqs_phase *phase)
{
    eqs_relax_result result;
    eqs_relax_options o = how(&contenders[N_CONTENDERS - 1], 1e-12);
    eqs_state_fill(p->net, p->exact, 0.0);
    EQS_TRY(eqs_relax_run(p->energy, phase, &o, p->exact, &result));
    eqs_relax_result_clear(&result);
    return EQS_OK;
}

/* of this process, so that others on the machine matter less; everything here runs on one thread */
static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* one contender over the samples: a line of the table */
static eqs_status run_one(problem *p, const contender *c, double gain)
{
    eqs_relax_statistics sum = {0};
    double error = 0.0, settled[2] = {0.0, 0.0}, latest = 0.0;
    size_t bad = 0;
    bool times = strcmp(c->solver, "cvode-bdf") == 0;
    for (size_t b = 0; b < p->samples; b++) {
        eqs_phase phase = phase_of(p, b);
        eqs_relax_result result, recorded;
        EQS_TRY(solve_exactly(p, &phase));
        double V = largest_voltage(p), rate = 1.0, tau = 1.0;
        eqs_relax_options o = how(c, 1e-6 * V);
        for (size_t i = 2 * p->net->n_inputs;
             i < 2 * p->net->n_inputs + p->net->layer[1].units + p->net->layer[2].units; i++)
            tau = fmin(tau, p->tau[i]);
        if (strcmp(c->solver, "euler") == 0) {
            EQS_TRY(fastest_rate(p, &phase, &rate));
            o.step = 1.8 / rate / tau;
        }
        eqs_state_fill(p->net, p->state, 0.0);
        double start = processor_seconds();
        EQS_TRY(eqs_relax_run(p->energy, &phase, &o, p->state, &result));
        p->ms[b] = 1e3 * (processor_seconds() - start);
        bad += eqs_relax_unconverged(&result);
        sum.steps += result.statistics.steps;
        sum.linear_iterations += result.statistics.linear_iterations;
        sum.nonlinear_iterations += result.statistics.nonlinear_iterations;
        error = fmax(error, eqs_state_difference(p->net, p->state, p->exact, NULL) / V);
        eqs_relax_result_clear(&result);
        if (!times)
            continue;
        o.record = EQS_RECORD_STEPS; /* again, for the settling time: records cost time */
        o.tolerance = 1e-9 * V;
        eqs_state_fill(p->net, p->state, 0.0);
        EQS_TRY(eqs_relax_run(p->energy, &phase, &o, p->state, &recorded));
        settled[0] += eqs_trajectory_settling(&recorded.trajectory[0], 1e-3) / (double)p->samples;
        settled[1] += eqs_trajectory_settling(&recorded.trajectory[0], 1e-6) / (double)p->samples;
        latest = fmax(latest, eqs_trajectory_settling(&recorded.trajectory[0], 1e-6));
        eqs_relax_result_clear(&recorded);
    }
    qsort(p->ms, p->samples, sizeof *p->ms, ascending);
    double n = (double)p->samples, us = 1e6 * farads / siemens;
    printf("%zu-%zu-%zu,%g,%s,%.3f,%.3f,%.0f,%.0f,%.0f,%zu,%.1e,", p->net->n_inputs, p->net->layer[1].units,
           p->net->layer[2].units, gain, c->label, p->ms[p->samples / 2], p->ms[0], (double)sum.steps / n,
           (double)sum.nonlinear_iterations / n, (double)sum.linear_iterations / n, bad, error);
    if (times)
        printf("%.2f,%.2f,%.2f\n", us * settled[0], us * settled[1], us * latest);
    else
        printf(",,\n");
    return EQS_OK;
}

int main(int argc, char **argv)
{
    static const size_t sizes[N_SIZES][LAYERS] = {{64, 32, 10}, {784, 100, 10}};
    static const double gains[N_GAINS] = {1.0, 10.0, 100.0};
    long samples = argc > 1 ? strtol(argv[1], NULL, 10) : 11;
    if (samples < 1) {
        fprintf(stderr, "usage: bench_resistive_ode [samples >= 1]\n");
        return eqs_status_exit_code(EQS_USAGE);
    }
    bench_print_machine(stdout, argc, argv);
    printf("network,volts,solver,ms_median,ms_min,steps,newton_iterations,linear_iterations,unconverged,"
           "error,settled_1e-3_us,settled_1e-6_us,settled_1e-6_largest_us\n");
    eqs_status status = EQS_OK;
    for (size_t i = 0; status == EQS_OK && i < N_SIZES; i++) {
        for (size_t g = 0; status == EQS_OK && g < N_GAINS; g++) {
            problem p = {0};
            status = create(&p, sizes[i], gains[g], (size_t)samples);
            for (size_t c = 0; status == EQS_OK && c < N_CONTENDERS; c++)
                status = run_one(&p, &contenders[c], gains[g]);
            destroy(&p);
        }
    }
    if (status != EQS_OK)
        fprintf(stderr, "bench_resistive_ode: %s\n", eqs_error_message());
    return eqs_status_exit_code(status);
}
