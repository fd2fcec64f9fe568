/* How memory and time grow with the number of synapses: settling to a certified equilibrium up to 10^8, a
 * netlist in a file up to 10^7.
 *
 * Networks 100-n-n-10 with hard sigmoids, Glorot weights (half of them above the first layer, as the shipped
 * experiments) and random inputs in (0, 1): nearly all weights join free layers and are passed both ways in
 * every sweep; single precision, one
 * thread. settle: four samples from s = 0 (free phase, `auto`) to a projected residual of 1e-4, after
 * eqs_engine_create and eqs_engine_set_parameters, which are timed apart. export: the behavioural circuit of
 * one sample (`op`), built and written by eqs_netlist_write_file as `eqspice export` does. Every line is
 * measured in a process of its own; its peak of resident memory holds the parameters in double precision too.
 *
 *   bench_scale [--quick]
 * Two minutes and 3 GiB; --quick: to 10^6 and 10^5, seconds. CSV on stdout, a table on stderr. */
#include "base/memory.h"
#include "base/random.h"
#include "base/run.h"
#include "bench/common/machine.h"
#include "netlists/behavioural.h"
#include "netlists/dialect.h"
#include "solver/engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INPUTS = 100, OUTPUTS = 10, SAMPLES = 4 };

/* What a process measures, handed over by its pipe. */
typedef struct measurement {
    double synapses, seconds, create_seconds, sweeps, residual, bytes, peak;
    size_t unconverged;
} measurement;

typedef struct problem {
    size_t n;
    eqs_network *net;
    eqs_energy *energy;
    double *theta, *x;
} problem;

static eqs_status create(size_t n, problem *p)
{
    size_t units[] = {INPUTS, n, n, OUTPUTS};
    double gain[] = {1.0, 0.5, 0.5};
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 4;
    def.units = units;
    *p = (problem){.n = n};
    EQS_TRY(eqs_network_create(&def, &p->net));
    EQS_TRY(eqs_energy_create(p->net, &p->energy));
    p->theta = eqs_alloc(p->net->n_parameters, sizeof *p->theta);
    p->x = eqs_alloc(SAMPLES * INPUTS, sizeof *p->x);
    if (p->theta == NULL || p->x == NULL)
        return EQS_NO_MEMORY;
    eqs_parameters_glorot(p->net, 1, gain, p->theta);
    eqs_random stream = eqs_random_stream(1, EQS_RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < SAMPLES * INPUTS; i++)
        p->x[i] = eqs_random_uniform(&stream, i);
    return EQS_OK;
}

static void destroy(problem *p)
{
    eqs_energy_destroy(p->energy);
    eqs_network_destroy(p->net);
    eqs_free(p->theta);
    eqs_free(p->x);
}

static eqs_status settle(const problem *p, measurement *m)
{
    eqs_engine_options options = eqs_engine_options_default();
    eqs_engine *engine;
    eqs_engine_outcome outcome;
    options.batch = SAMPLES;
    double start = eqs_cpu_clock();
    EQS_TRY(eqs_engine_create(p->energy, &options, &engine));
    eqs_engine_set_parameters(engine, p->theta);
    m->create_seconds = eqs_cpu_clock() - start;
    eqs_engine_relax how = {.tolerance = 1e-4, .max_sweeps = 1000, .step = 0.5};
    memcpy(how.beta, p->net->beta, sizeof how.beta);
    start = eqs_cpu_clock();
    eqs_engine_load(engine, SAMPLES, p->x, NULL);
    eqs_engine_reset(engine, 0);
    eqs_engine_relax_slot(engine, 0, &how, &outcome);
    m->seconds = eqs_cpu_clock() - start;
    m->sweeps = outcome.mean_sweeps;
    m->residual = outcome.max_residual;
    m->unconverged = outcome.unconverged;
    eqs_engine_destroy(engine);
    return EQS_OK;
}

static eqs_status export(const problem *p, measurement *m)
{
    char path[] = "/tmp/eqspice-scale-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || close(fd) != 0)
        return eqs_fail(EQS_IO, "%s: cannot create", path);
    const eqs_dialect *dialect;
    eqs_netlist *netlist = NULL;
    eqs_phase phase = {.net = p->net, .theta = p->theta, .batch = 1, .x = p->x};
    memcpy(phase.beta, p->net->beta, sizeof phase.beta);
    eqs_behavioural_options options = eqs_behavioural_options_default();
    double start = eqs_cpu_clock();
    eqs_status status = eqs_dialect_find("ngspice", &dialect);
    if (status == EQS_OK)
        status = eqs_behavioural_build(p->energy, &phase, 0, NULL, &options, &netlist);
    m->create_seconds = eqs_cpu_clock() - start;
    if (status == EQS_OK)
        status = eqs_netlist_write_file(netlist, dialect, path);
    m->seconds = eqs_cpu_clock() - start;
    struct stat info;
    if (status == EQS_OK && stat(path, &info) == 0)
        m->bytes = (double)info.st_size;
    eqs_netlist_destroy(netlist);
    unlink(path);
    return status;
}

typedef struct study {
    const char *name, *what; /* what: the meaning of the second column of seconds */
    eqs_status (*run)(const problem *p, measurement *m);
    size_t sizes, quick, n[9]; /* so many sizes, so many of them when quick */
} study;

static const study studies[] = {
    {"settle", "engine", settle, 9, 5, {60, 266, 500, 700, 946, 2000, 3108, 5000, 9946}},
    {"export", "build", export, 6, 3, {60, 266, 500, 946, 2000, 3108}},
};
enum { STUDIES = sizeof studies / sizeof *studies };

/* The child's life: measures and writes what it found into the pipe. */
_Noreturn static void child(const study *s, size_t n, int fd)
{
    problem p;
    measurement m = {0};
    eqs_status status = create(n, &p);
    if (status == EQS_OK)
        status = s->run(&p, &m);
    if (status != EQS_OK) {
        fprintf(stderr, "bench_scale: %s %zu: %s\n", s->name, n, eqs_error_message());
        _exit(eqs_status_exit_code(status));
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    m.synapses = (double)p.n * (double)(p.n + INPUTS + OUTPUTS);
    m.peak = 1024.0 * (double)usage.ru_maxrss;
    destroy(&p);
    _exit(write(fd, &m, sizeof m) == (ssize_t)sizeof m ? 0 : 1);
}

/* Measures one size in a process of its own; its exit code. */
static int measure(const study *s, size_t n, measurement *m)
{
    int ends[2], state = 0;
    if (pipe(ends) != 0)
        return eqs_status_exit_code(EQS_IO);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        child(s, n, ends[1]);
    close(ends[1]);
    bool fine = pid > 0 && read(ends[0], m, sizeof *m) == (ssize_t)sizeof *m;
    close(ends[0]);
    if (pid > 0)
        waitpid(pid, &state, 0);
    return fine ? 0 : WIFEXITED(state) && WEXITSTATUS(state) != 0 ? WEXITSTATUS(state) : 1;
}

int main(int argc, char **argv)
{
    bool quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
    if (argc > 2 || (argc == 2 && !quick)) {
        fprintf(stderr, "usage: bench_scale [--quick]\n");
        return eqs_status_exit_code(EQS_USAGE);
    }
    bench_print_machine(stdout, argc, argv);
    printf("study,synapses,seconds,setup_seconds,ns_per_synapse,peak_bytes,bytes_per_synapse,sweeps,residual,"
           "unconverged,file_bytes\n");
    for (size_t i = 0; i < STUDIES; i++) {
        const study *s = &studies[i];
        for (size_t k = 0; k < (quick ? s->quick : s->sizes); k++) {
            measurement m;
            int code = measure(s, s->n[k], &m);
            if (code != 0)
                return code;
            printf("%s,%.0f,%.6f,%.6f,%.2f,%.0f,%.1f,%.2f,%.2e,%zu,%.0f\n", s->name, m.synapses, m.seconds,
                   m.create_seconds, 1e9 * m.seconds / m.synapses, m.peak, m.peak / m.synapses, m.sweeps,
                   m.residual, m.unconverged, m.bytes);
            fprintf(stderr, "%s %9.0f synapses: %8.3f s (%s %.3f s), %7.1f MB", s->name, m.synapses,
                    m.seconds, s->what, m.create_seconds, 1e-6 * m.peak);
            fprintf(stderr, m.bytes > 0.0 ? ", file %.1f MB\n" : ", %.1f sweeps\n",
                    m.bytes > 0.0 ? 1e-6 * m.bytes : m.sweeps);
        }
    }
    return 0;
}
