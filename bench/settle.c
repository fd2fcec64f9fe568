/* Fast settling: paper 001's Euler relaxation against the solver `auto`, on trained networks.
 *
 * For each run file of `eqspice train` (three shipped experiments are trained here when none is given) the
 * next minibatches of its training are done by three contenders in turn, with the same weights, samples and
 * starting states, single precision, one thread:
 *   euler-openblas  paper 001 Eq. 54, epsilon 0.5, 20/100/500 free and 4/6/8 nudged iterations for 1/2/3
 * hidden layers; products by OpenBLAS euler-packed    the same with the engine's packed kernel auto every
 * sample certified to a residual <= 1e-4 and in the tasks "-to-1e-4" and "-to-1e-6" with Euler going on to
 * the same residual: in a whole minibatch (euler-openblas; as many iterations as its slowest sample needs,
 * known beforehand, so that no time goes into tests) or with samples leaving as they arrive
 * (euler-packed-leaving). How times are taken: common/contest.h. CSV on stdout, a table on stderr. GFLOP/s
 * are nominal: 2 operations for each weight and pass over the weights, where a sweep or iteration passes
 * twice over the weights between free layers, loading once over the input's, and an update once over all for
 * each of 2 slots. */
#include "base/memory.h"
#include "bench/common/contest.h"
#include "bench/common/machine.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_QUICK = 1000, MOST_RUNS = 16, SHIPPED = 3 };

typedef struct settle_options {
    const char *run[MOST_RUNS];
    size_t n_runs;
    size_t minibatches; /* 0: by depth */
    size_t repeats, cap, epochs;
    bool quick;
} settle_options;

static const struct argp_option options[] = {
    {"run", 'r', "FILE", 0, "Run file of eqspice train; may be given several times", 0},
    {"minibatches", 'm', "N", 0, "Minibatches per task (default 200, 40, 20 for 1, 2, 3 hidden layers)", 0},
    {"repeat", 'n', "R", 0, "Timed passes; the fastest counts (default 3)", 0},
    {"cap", 'c', "N", 0, "Most sweeps of a sample that goes on to a tolerance (default 20000)", 0},
    {"epochs", 'e', "N", 0, "Epochs of training when no run is given (default 3)", 0},
    {"quick", KEY_QUICK, 0, 0,
     "A smoke run: 1 and 2 hidden layers, 1 epoch of 600 samples, 1 minibatch, 1 pass, cap 500", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    settle_options *o = state->input;
    size_t *number = key == 'm'   ? &o->minibatches
                     : key == 'n' ? &o->repeats
                     : key == 'c' ? &o->cap
                                  : &o->epochs;
    char *end;
    switch (key) {
    case 'r':
        if (o->n_runs == MOST_RUNS)
            argp_error(state, "--run: at most %d files", MOST_RUNS);
        o->run[o->n_runs++] = arg;
        return 0;
    case 'm':
    case 'n':
    case 'c':
    case 'e':
        *number = strtoul(arg, &end, 10);
        if (*end != '\0' || arg[0] == '-' || *number == 0 || *number > 1000000)
            argp_error(state, "'%s' found, allowed: a number from 1 to 1000000", arg);
        return 0;
    case KEY_QUICK:
        o->quick = true;
        o->minibatches = o->repeats = o->epochs = 1;
        o->cap = 500;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static size_t minibatches_for(const settle_options *o, size_t hidden)
{
    if (o->minibatches > 0)
        return o->minibatches;
    return hidden <= 1 ? 200 : hidden == 2 ? 40 : 20;
}

static void print_number(const char *format, bool known, double value)
{
    putchar(',');
    if (known)
        printf(format, value);
}

static void print_csv(const char *architecture, bench_task task, const bench_result *r, double base,
                      const settle_options *o, double peak)
{
    double samples = (double)r->samples, minibatches = (double)r->minibatches;
    printf("%s,%s,%s,%zu,%zu,%.1f,%.4f", architecture, bench_task_name(task), r->solver, r->minibatches,
           o->repeats, samples / r->total, 1e3 * r->total / minibatches);
    for (size_t part = 0; part < BENCH_PARTS; part++)
        print_number("%.4f", r->seconds[part] > 0.0, 1e3 * r->seconds[part] / minibatches);
    for (size_t phase = 0; phase < BENCH_PHASES; phase++) {
        double n = (double)r->relaxations[phase];
        print_number("%.2f", n > 0.0, r->sweeps[phase] / n);
        print_number("%.1f", n > 0.0, r->iterations[phase] * samples / (minibatches * n));
        print_number("%.2e", n > 0.0, r->worst[phase]);
        print_number("%.2e", n > 0.0, r->residual_sum[phase] / n);
    }
    printf(",%zu,%.1f,%.1f,%.2f\n", r->unconverged, 1e-9 * r->flops / r->total, peak,
           base / (r->total / minibatches));
    fflush(stdout);
}

static void print_row(const bench_result *r, double base)
{
    double n = (double)(r->relaxations[0] + r->relaxations[1]), minibatches = (double)r->minibatches;
    size_t phase = r->relaxations[0] > 0 ? 0 : 1;
    fprintf(stderr, "    %-20s %9.3f ms %9.0f/s %8.1f  %8.1e %8.1e %8.1f %8.1f x%s\n", r->solver,
            1e3 * r->total / minibatches, (double)r->samples / r->total,
            r->sweeps[phase] / (double)r->relaxations[phase], r->worst[phase],
            r->residual_sum[phase] / (double)r->relaxations[phase], 1e-9 * r->flops / r->total,
            base / (r->total / minibatches),
            r->unconverged > 0 && n > 0.0 ? "  (some above the tolerance)" : "");
}

static eqs_status measure(const bench_trained *t, const settle_options *o)
{
    char architecture[128];
    double peak = bench_sgemm_peak(1000, 10);
    bench_architecture(t->setup->net, architecture, sizeof architecture);
    printf("# %s: %s\n", architecture, t->origin);
    fprintf(stderr, "%s: %s; sgemm peak %.1f GFLOP/s\n    %-20s %12s %11s %8s  %8s %8s %8s\n", architecture,
            t->origin, peak, "", "minibatch", "samples", "sweeps", "worst", "mean res.", "GFLOP/s");
    for (int task = 0; task < BENCH_TASKS; task++) {
        bench_result result[BENCH_CONTENDERS];
        size_t minibatches = minibatches_for(o, t->hidden);
        bench_contest_options contest = {
            .minibatches = bench_task_by_paper((bench_task)task) ? minibatches : (minibatches + 3) / 4,
            .repeats = o->repeats,
            .cap = o->cap};
        EQS_TRY(bench_contest(t, (bench_task)task, &contest, result));
        double base = result[0].total / (double)result[0].minibatches;
        fprintf(stderr, "  %s: %s\n", bench_task_name((bench_task)task), bench_task_text((bench_task)task));
        for (size_t i = 0; i < BENCH_CONTENDERS; i++) {
            print_csv(architecture, (bench_task)task, &result[i], base, o, peak);
            print_row(&result[i], base);
        }
    }
    return EQS_OK;
}

/* The i-th subject: a run file, or a shipped experiment. */
static eqs_status measure_subject(const settle_options *o, size_t i)
{
    static const char *const shipped[SHIPPED] = {"hopfield-mnist-1h", "hopfield-mnist-2h",
                                                 "hopfield-mnist-3h"};
    bench_trained trained;
    eqs_status status;
    if (o->n_runs > 0) {
        status = bench_trained_load(o->run[i], minibatches_for(o, 1), &trained);
    } else {
        char *path = eqs_format("%s/%s.yaml", EQS_BENCH_EXPERIMENTS, shipped[i]);
        if (path == NULL)
            return EQS_NO_MEMORY;
        fprintf(stderr, "training %s ...\n", shipped[i]);
        status = bench_trained_make(path, o->epochs, o->quick ? 600 : 0, minibatches_for(o, 1), &trained);
        eqs_free(path);
    }
    EQS_TRY(status);
    status = measure(&trained, o);
    bench_trained_clear(&trained);
    return status;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        options, parse, NULL, "Paper 001's Euler relaxation against the solver auto on trained networks.",
        NULL,    NULL,  NULL};
    settle_options o = {.repeats = 3, .cap = 20000, .epochs = 3};
    eqs_status status = EQS_OK;
    argp_err_exit_status = eqs_status_exit_code(EQS_USAGE);
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    bench_print_machine(stdout, argc, argv);
    printf(
        "architecture,what,solver,minibatches,repeats,samples_per_s,ms_per_minibatch,ms_load,ms_free,"
        "ms_nudged,ms_update,sweeps_free,slowest_free,residual_free_worst,residual_free_mean,sweeps_nudged,"
        "slowest_nudged,residual_nudged_worst,residual_nudged_mean,unconverged,gflops,sgemm_peak_gflops,"
        "ratio\n");
    size_t subjects = o.n_runs > 0 ? o.n_runs : o.quick ? 2 : SHIPPED;
    for (size_t i = 0; status == EQS_OK && i < subjects; i++)
        status = measure_subject(&o, i);
    if (status != EQS_OK)
        fprintf(stderr, "bench_settle: %s\n", eqs_error_message());
    return eqs_status_exit_code(status);
}
