/* How the cost of settling grows with width, depth and batch, solver by solver.
 *
 * Networks 784-...-10 with hard sigmoids and Glorot weights, those between free layers times a gain of 1
 * (paper 001; deep networks have many fixed points then) or 0.5 (the shipped experiments). Inputs are random:
 * one pixel in five is lit, uniformly in (0, 1). All samples start at s = 0 and are relaxed (free phase) to a
 * projected residual of 1e-4 or 1e-6, or until 1000 sweeps; a sweep passes twice (both ways) over the
 * weights between free layers. Single precision, one thread. Three series: width  one hidden layer of 100 to
 * 4000 units, minibatches of 20 depth  1 to 6 hidden layers of 500 units, minibatches of 20 batch  two hidden
 * layers of 500 units, minibatches of 1 to 400 The CSV has one line per network, solver and tolerance: sweeps
 * per sample (mean and largest), samples that did not arrive, and the time per sample (CPU): the fastest of
 * so many passes over all samples as fit in a twentieth of a second, five at most, the solvers in turn within
 * a pass.
 *
 *   bench_growth [--quick]
 * Two to three minutes; --quick, a few sizes only and at most 200 sweeps, takes seconds. CSV on stdout, a
 * table on stderr. */
#include "base/memory.h"
#include "base/random.h"
#include "base/run.h"
#include "bench/common/machine.h"
#include "bench/common/trained.h"
#include "solver/engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS = 784, CLASSES = 10, MOST_HIDDEN = 6, MOST_PASSES = 5, LEAST_SAMPLES = 40, STUDIES = 3 };

static const double enough_time = 0.05; /* s */

static const char *const solvers[] = {"auto", "anderson", "nesterov", "sweep", "newton", "euler"};
enum { SOLVERS = sizeof solvers / sizeof *solvers };

static const double tolerances[] = {1e-4, 1e-6};
enum { TOLERANCES = sizeof tolerances / sizeof *tolerances };

static const double gains[] = {0.5, 1.0};
enum { GAINS = sizeof gains / sizeof *gains };

/* sweeps of a sample at most, in a whole and in a quick run: what does not arrive takes most of the time */
static const size_t whole_cap = 1000, quick_cap = 200;

typedef struct study {
    const char *name;
    size_t n, value[9], quick[2];
} study;

static const study studies[STUDIES] = {
    {"width", 7, {100, 200, 500, 1000, 2000, 3000, 4000}, {100, 1000}},
    {"depth", 6, {1, 2, 3, 4, 5, 6}, {1, 3}},
    {"batch", 9, {1, 2, 5, 10, 20, 50, 100, 200, 400}, {1, 20}},
};

/* One network and its samples. */
typedef struct problem {
    const study *study;
    size_t value, hidden, width, batch, samples, cap;
    double gain;
    eqs_network *net;
    eqs_energy *energy;
    double *theta, *x;
} problem;

typedef struct measurement {
    size_t passes, unconverged;
    double seconds; /* fastest pass over all samples */
    double total;   /* of all passes */
    double sweeps;  /* summed over samples */
    uint32_t most_sweeps;
    double worst;
} measurement;

static problem choose(const study *s, size_t value, double gain, size_t cap)
{
    problem p = {
        .study = s, .value = value, .gain = gain, .hidden = 1, .width = 500, .batch = 20, .cap = cap};
    if (s == &studies[0])
        p.width = value;
    else if (s == &studies[1])
        p.hidden = value;
    else {
        p.hidden = 2;
        p.batch = value;
    }
    p.samples = p.batch * ((LEAST_SAMPLES + p.batch - 1) / p.batch);
    return p;
}

static eqs_status create(problem *p)
{
    size_t units[MOST_HIDDEN + 2] = {PIXELS};
    double gain[MOST_HIDDEN + 1] = {1.0};
    for (size_t k = 1; k <= p->hidden; k++) {
        units[k] = p->width;
        gain[k] = p->gain;
    }
    units[p->hidden + 1] = CLASSES;
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = p->hidden + 2;
    def.units = units;
    EQS_TRY(eqs_network_create(&def, &p->net));
    EQS_TRY(eqs_energy_create(p->net, &p->energy));
    p->theta = eqs_alloc(p->net->n_parameters, sizeof *p->theta);
    p->x = eqs_alloc(p->samples * PIXELS, sizeof *p->x);
    if (p->theta == NULL || p->x == NULL)
        return EQS_NO_MEMORY;
    eqs_parameters_glorot(p->net, 1, gain, p->theta);
    eqs_random stream = eqs_random_stream(1, EQS_RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < p->samples * PIXELS; i++)
        p->x[i] = fmax(0.0, 5.0 * eqs_random_uniform(&stream, i) - 4.0);
    return EQS_OK;
}

static void destroy(problem *p)
{
    eqs_energy_destroy(p->energy);
    eqs_network_destroy(p->net);
    eqs_free(p->theta);
    eqs_free(p->x);
}

/* One pass over all samples from s = 0; only relaxations are timed. */
static void pass(const problem *p, eqs_engine *engine, double tolerance, measurement *m)
{
    eqs_engine_relax how = {.tolerance = tolerance, .max_sweeps = p->cap, .step = 0.5};
    memcpy(how.beta, p->net->beta, sizeof how.beta);
    double seconds = 0.0;
    m->sweeps = m->worst = 0.0;
    m->unconverged = 0;
    for (size_t first = 0; first < p->samples; first += p->batch) {
        eqs_engine_outcome outcome;
        eqs_engine_load(engine, p->batch, p->x + first * PIXELS, NULL);
        eqs_engine_reset(engine, 0);
        double start = eqs_cpu_clock();
        eqs_engine_relax_slot(engine, 0, &how, &outcome);
        seconds += eqs_cpu_clock() - start;
        m->worst = fmax(m->worst, outcome.max_residual);
        m->unconverged += outcome.unconverged;
        for (size_t i = 0; i < outcome.n; i++) {
            m->sweeps += outcome.sweeps[i];
            m->most_sweeps = outcome.sweeps[i] > m->most_sweeps ? outcome.sweeps[i] : m->most_sweeps;
        }
    }
    m->seconds = m->passes == 0 ? seconds : fmin(m->seconds, seconds);
    m->total += seconds;
    m->passes++;
}

static void print(const problem *p, const char *solver, double tolerance, const measurement *m)
{
    char architecture[128];
    double n = (double)p->samples, weights = 0.0;
    for (size_t c = 0; c < p->net->n_couplings; c++) {
        const eqs_coupling *w = &p->net->coupling[c];
        if (w->from > 0)
            weights += (double)p->net->layer[w->from].units * (double)p->net->layer[w->to].units;
    }
    bench_architecture(p->net, architecture, sizeof architecture);
    printf("%s,%zu,%s,%g,%zu,%s,%g,%zu,%zu,%.2f,%u,%zu,%.2e,%.6f,%.1f\n", p->study->name, p->value,
           architecture, p->gain, p->batch, solver, tolerance, p->samples, m->passes, m->sweeps / n,
           m->most_sweeps, m->unconverged, m->worst, 1e3 * m->seconds / n,
           4e-9 * weights * m->sweeps / m->seconds);
    if (solver == solvers[0])
        fprintf(stderr, "\n%s %-4zu gain %-3g %g ", p->study->name, p->value, p->gain, tolerance);
    fprintf(stderr, "| %s %.1f, %.4f ms%s ", solver, m->sweeps / n, 1e3 * m->seconds / n,
            m->unconverged > 0 ? " (!)" : "");
}

static eqs_status measure(const problem *p)
{
    eqs_engine *engine[SOLVERS] = {NULL};
    eqs_status status = EQS_OK;
    for (size_t i = 0; status == EQS_OK && i < SOLVERS; i++) {
        eqs_engine_options options = eqs_engine_options_default();
        options.batch = p->batch;
        options.solver = solvers[i];
        status = eqs_engine_create(p->energy, &options, &engine[i]);
        if (status == EQS_OK)
            eqs_engine_set_parameters(engine[i], p->theta);
    }
    for (size_t t = 0; status == EQS_OK && t < TOLERANCES; t++) {
        measurement m[SOLVERS] = {{0}};
        for (size_t i = 0; i < MOST_PASSES * SOLVERS; i++) {
            size_t s = i % SOLVERS;
            if (m[s].total < enough_time)
                pass(p, engine[s], tolerances[t], &m[s]);
        }
        for (size_t s = 0; s < SOLVERS; s++)
            print(p, solvers[s], tolerances[t], &m[s]);
    }
    for (size_t i = 0; i < SOLVERS; i++)
        eqs_engine_destroy(engine[i]);
    return status;
}

static eqs_status run(const study *s, bool quick)
{
    eqs_status status = EQS_OK;
    for (size_t g = 0; g < GAINS; g++) {
        for (size_t i = 0; status == EQS_OK && i < (quick ? 2 : s->n); i++) {
            problem p = choose(s, quick ? s->quick[i] : s->value[i], gains[g], quick ? quick_cap : whole_cap);
            status = create(&p);
            if (status == EQS_OK)
                status = measure(&p);
            destroy(&p);
            fflush(stdout);
        }
    }
    return status;
}

int main(int argc, char **argv)
{
    bool quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
    eqs_status status = EQS_OK;
    if (argc > 2 || (argc == 2 && !quick)) {
        fprintf(stderr, "usage: bench_growth [--quick]\n");
        return eqs_status_exit_code(EQS_USAGE);
    }
    bench_print_machine(stdout, argc, argv);
    printf("# sgemm peak %.1f GFLOP/s\n", bench_sgemm_peak(1000, 5));
    printf("study,value,architecture,gain,batch,solver,tolerance,samples,passes,sweeps_mean,sweeps_max,"
           "unconverged,residual_worst,ms_per_sample,gflops\n");
    for (size_t i = 0; status == EQS_OK && i < STUDIES; i++)
        status = run(&studies[i], quick);
    fputc('\n', stderr);
    if (status != EQS_OK)
        fprintf(stderr, "bench_growth: %s\n", eqs_error_message());
    return eqs_status_exit_code(status);
}
