/* Which fixed point? How often each solver ends in another fixed point than plain sweeps from the same start,
 * and what it costs, on trained networks.
 *
 * For each run file of `eqspice train` the next samples of its training are relaxed (free phase, single
 * precision, one thread, minibatches as configured) from the states of an epoch ago ("warm"), from zero
 * ("cold") and from random states. Each solver goes to a residual of 1e-4; its end is then brought to 1e-6 by
 * sweeps, which do not leave its basin, and compared with sweeps to 1e-6 from the start: "elsewhere" counts
 * samples that differ by more than EQS_ATTRACTOR_DISTANCE, "predictions" those among them whose largest
 * output is another one, "higher" those whose energy is higher. Times are CPU times of the relaxations to
 * 1e-4, the fastest of three passes. The last line of each start is Euler with epsilon 0.1, nearly the flow
 * itself, so that the sweeps are judged too.
 *
 *   bench_attractors [--samples N] [--solver NAME] RUN.h5 ...
 * CSV on stdout; about a minute per run file for 1000 samples. */
#include "base/memory.h"
#include "base/run.h"
#include "bench/common/machine.h"
#include "bench/common/trained.h"
#include "solver/attractor.h"
#include "solver/engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum start_kind { START_WARM, START_COLD, START_RANDOM, STARTS } start_kind;

static const char *const start_names[STARTS] = {"warm", "cold", "random"};
static const char *const all_solvers[] = {"sweep", "nesterov", "anderson", "auto", "newton", "euler"};
enum { SOLVERS = sizeof all_solvers / sizeof *all_solvers, PASSES = 3, CAP = 20000 };

typedef struct judge {
    const bench_trained *trained;
    size_t batch, n_in, n_out, size, samples;
    const char *only;             /* solver to be measured; NULL: all */
    eqs_engine *sweep;            /* the reference */
    float *start, *end, *settled; /* [samples x size] starts, ends of the solver, where the sweeps end */
    double *F, *F_settled;        /* [samples] energies of the last two */
} judge;

typedef struct verdict {
    size_t elsewhere, predictions, higher, unconverged;
    double sweeps, seconds;
} verdict;

/* Relaxes all samples from `from` to a tolerance; ends in `to` (may be `from`), energies in F when not NULL.
 */
static void relax_all(const judge *j, eqs_engine *engine, double step, double tolerance, const float *from,
                      float *to, double *F, verdict *v)
{
    eqs_engine_relax how = {.tolerance = tolerance, .max_sweeps = CAP, .step = step};
    memcpy(how.beta, j->trained->setup->net->beta, sizeof how.beta);
    v->sweeps = v->seconds = 0.0;
    v->unconverged = 0;
    for (size_t first = 0; first < j->samples; first += j->batch) {
        eqs_engine_outcome outcome;
        size_t n = j->samples - first < j->batch ? j->samples - first : j->batch;
        eqs_engine_load(engine, n, j->trained->x + first * j->n_in, NULL);
        for (size_t i = 0; i < n; i++)
            eqs_engine_put_state(engine, 0, i, from + (first + i) * j->size);
        double begin = eqs_cpu_clock();
        eqs_engine_relax_slot(engine, 0, &how, &outcome);
        v->seconds += eqs_cpu_clock() - begin;
        v->sweeps += outcome.mean_sweeps * (double)outcome.n;
        v->unconverged += outcome.unconverged;
        for (size_t i = 0; i < n; i++)
            eqs_engine_take_state(engine, 0, i, to + (first + i) * j->size);
        if (F != NULL)
            eqs_engine_energy(engine, 0, F + first);
    }
}

static size_t largest(const float *y, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        best = y[i] > y[best] ? i : best;
    return best;
}

static void compare(const judge *j, verdict *v)
{
    for (size_t i = 0; i < j->samples; i++) {
        const float *a = j->end + i * j->size, *b = j->settled + i * j->size;
        float distance = 0.0f;
        for (size_t u = 0; u < j->size; u++)
            distance = fmaxf(distance, fabsf(a[u] - b[u]));
        if (distance <= (float)EQS_ATTRACTOR_DISTANCE)
            continue;
        size_t outputs = j->size - j->n_out;
        v->elsewhere++;
        v->higher += j->F[i] > j->F_settled[i];
        v->predictions += largest(a + outputs, j->n_out) != largest(b + outputs, j->n_out);
    }
}

static eqs_status measure_solver(const judge *j, const char *name, start_kind start)
{
    verdict v = {0}, polish = {0};
    eqs_engine *engine;
    eqs_engine_options options = eqs_engine_options_default();
    options.batch = j->batch;
    options.solver = name;
    EQS_TRY(eqs_engine_create(j->trained->setup->energy, &options, &engine));
    eqs_engine_set_parameters(engine, j->trained->setup->theta);
    double fastest = INFINITY;
    for (size_t pass = 0; pass < PASSES; pass++) {
        relax_all(j, engine, 0.1, 1e-4, j->start, j->end, NULL, &v);
        fastest = fmin(fastest, v.seconds);
    }
    relax_all(j, j->sweep, 0.0, 1e-6, j->end, j->end, j->F, &polish);
    compare(j, &v);
    char architecture[128];
    double n = (double)j->samples;
    bench_architecture(j->trained->setup->net, architecture, sizeof architecture);
    printf("%s,%s,%s,%zu,%zu,%.4f,%zu,%zu,%zu,%.2f,%.5f\n", architecture, start_names[start], name,
           j->samples, v.elsewhere, (double)v.elsewhere / n, v.predictions, v.higher,
           v.unconverged + polish.unconverged, v.sweeps / n, 1e3 * fastest / n);
    fflush(stdout);
    eqs_engine_destroy(engine);
    return EQS_OK;
}

/* Persistent states, the zero start, or uniform in [0, 1] (the networks of the paper have no other box). */
static eqs_status set_starts(const judge *j, start_kind start)
{
    const eqs_network *net = j->trained->setup->net;
    eqs_state *state;
    if (start == START_WARM) {
        memcpy(j->start, j->trained->state, j->samples * j->size * sizeof *j->start);
        return EQS_OK;
    }
    EQS_TRY(eqs_state_create(net, 1, &state));
    for (size_t i = 0; i < j->samples; i++) {
        float *to = j->start + i * j->size;
        if (start == START_RANDOM)
            eqs_state_randomise(net, state, j->trained->config->seed, (uint32_t)i);
        else
            eqs_state_fill(net, state, 0.0);
        for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++)
            for (size_t u = 0; u < net->layer[k].units; u++)
                *to++ = (float)state->s[k][u];
    }
    eqs_state_destroy(state);
    return EQS_OK;
}

static eqs_status run_judge(judge *j)
{
    size_t values = j->samples * j->size;
    eqs_engine_options options = eqs_engine_options_default();
    options.batch = j->batch;
    options.solver = "sweep";
    EQS_TRY(eqs_engine_create(j->trained->setup->energy, &options, &j->sweep));
    eqs_engine_set_parameters(j->sweep, j->trained->setup->theta);
    j->start = eqs_alloc(values, sizeof *j->start);
    j->end = eqs_alloc(values, sizeof *j->end);
    j->settled = eqs_alloc(values, sizeof *j->settled);
    j->F = eqs_alloc(j->samples, sizeof *j->F);
    j->F_settled = eqs_alloc(j->samples, sizeof *j->F_settled);
    if (j->start == NULL || j->end == NULL || j->settled == NULL || j->F == NULL || j->F_settled == NULL)
        return EQS_NO_MEMORY;
    for (int start = 0; start < STARTS; start++) {
        verdict reference;
        EQS_TRY(set_starts(j, (start_kind)start));
        relax_all(j, j->sweep, 0.0, 1e-6, j->start, j->settled, j->F_settled, &reference);
        for (size_t i = 0; i < SOLVERS; i++)
            if (j->only == NULL || strcmp(j->only, all_solvers[i]) == 0)
                EQS_TRY(measure_solver(j, all_solvers[i], (start_kind)start));
    }
    return EQS_OK;
}

static eqs_status measure_run(const char *file, size_t samples, const char *only)
{
    bench_trained trained;
    EQS_TRY(bench_trained_load(file, (samples + 4) / 5, &trained));
    const eqs_network *net = trained.setup->net;
    judge j = {.trained = &trained,
               .only = only,
               .batch = trained.config->learning.batch,
               .n_in = net->layer[0].units,
               .n_out = net->layer[net->n_layers - 1].units,
               .size = eqs_network_state_size(net),
               .samples = samples < trained.n ? samples : trained.n};
    printf("# %s\n", trained.origin);
    eqs_status status = run_judge(&j);
    eqs_engine_destroy(j.sweep);
    eqs_free(j.start);
    eqs_free(j.end);
    eqs_free(j.settled);
    eqs_free(j.F);
    eqs_free(j.F_settled);
    bench_trained_clear(&trained);
    return status;
}

int main(int argc, char **argv)
{
    int first = 1;
    long samples = 1000;
    const char *only = NULL;
    for (; first + 1 < argc && strncmp(argv[first], "--", 2) == 0; first += 2) {
        if (strcmp(argv[first], "--samples") == 0)
            samples = strtol(argv[first + 1], NULL, 10);
        else if (strcmp(argv[first], "--solver") == 0)
            only = argv[first + 1];
        else
            samples = 0;
    }
    if (first >= argc || samples < 1 || argv[first][0] == '-') {
        fprintf(stderr, "usage: bench_attractors [--samples N] [--solver NAME] RUN.h5 ...\n");
        return eqs_status_exit_code(EQS_USAGE);
    }
    bench_print_machine(stdout, argc, argv);
    printf("architecture,start,solver,samples,elsewhere,fraction,predictions,higher,unconverged,sweeps_mean,"
           "ms_per_sample\n");
    eqs_status status = EQS_OK;
    for (int i = first; status == EQS_OK && i < argc; i++)
        status = measure_run(argv[i], (size_t)samples, only);
    if (status != EQS_OK)
        fprintf(stderr, "bench_attractors: %s\n", eqs_error_message());
    return eqs_status_exit_code(status);
}
