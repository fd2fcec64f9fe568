/* The engine of layered resistive networks: training steps of drn-mnist-xs, -1h and -2h (batch 4, single
 * precision, one thread) with ideal and with Shockley diodes, on MNIST (Fashion-MNIST where that is missing).
 *
 * Per network and law: microseconds per minibatch of each part - load (packing of the inputs and the fused
 * pass over the first layer: last update, clamp, column sums, product with the new inputs), free phase,
 * nudged phases (both signs), update of the upper layers - and samples/s of their sum. The network is first
 * trained for `warm-up` minibatches. Beside it, "unfused": what the fused pass replaces, as OpenBLAS calls on
 * the same minibatches: sgemm of the rank 5 update with both rails side by side, clamp and column sums in one
 * loop, sgemm of the 4 rows with the new conductances. Both run in turn, 20 minibatches each (so that each
 * finds its own matrix in the cache); CPU time; medians
 * over minibatches, which the disturbances of a shared machine touch least, and sums over all.
 *
 * Usage: bench_resistive [--quick]      40 seconds; --quick: 2 seconds, few minibatches */
#include "base/memory.h"
#include "bench/common/machine.h"
#include "learning/setup.h"
#include "solver/resistive_engine.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOAD, FREE, NUDGED, UPDATE, UNFUSED, PARTS };
enum { BLOCK = 20 };
static const char *const part_name[PARTS] = {"load with fused pass", "free", "nudged", "update above",
                                             "unfused first layer (OpenBLAS)"};

typedef struct network_case {
    const char *name, *diode;
    size_t minibatches;
} network_case;

static const network_case cases[] = {{"drn-mnist-xs", "ideal", 3000}, {"drn-mnist-xs", "shockley", 3000},
                                     {"drn-mnist-1h", "ideal", 600},  {"drn-mnist-1h", "shockley", 600},
                                     {"drn-mnist-2h", "ideal", 300},  {"drn-mnist-2h", "shockley", 300}};

/* One benchmark: engine, data, and the first layer once more for OpenBLAS. */
typedef struct run {
    eqs_config *config;
    eqs_setup *setup;
    eqs_dataset *data;
    eqs_resistive_engine *engine;
    size_t batch, rows, n;    /* rows, n: of the first layer's matrix */
    double *raw, *x, *target; /* a minibatch */
    uint32_t *label, *index;
    float *g, *sources, *before, *d, *p, *sums; /* OpenBLAS: [rows x n], [batch + 1 x rows] twice, ... */
} run;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static eqs_status open_data(run *r)
{
    if (eqs_dataset_open(&r->config->data, r->config->seed, &r->data) == EQS_OK)
        return EQS_OK;
    EQS_TRY(eqs_config_set(r->config, "data.set=fashion-mnist"));
    return eqs_dataset_open(&r->config->data, r->config->seed, &r->data);
}

static eqs_status open_run(const network_case *c, run *r)
{
    char path[4096], diode[64];
    snprintf(path, sizeof path, "%s/%s.yaml", EQS_BENCH_EXPERIMENTS, c->name);
    snprintf(diode, sizeof diode, "network.diode=%s", c->diode);
    EQS_TRY(eqs_config_load(path, &r->config));
    EQS_TRY(eqs_config_set(r->config, diode));
    EQS_TRY(open_data(r));
    EQS_TRY(eqs_setup_create(r->config, NULL, &r->setup));
    const eqs_network *net = r->setup->net;
    r->batch = r->config->learning.batch;
    r->rows = net->layer[0].units;
    r->n = net->layer[1].units;
    eqs_resistive_options options = {EQS_SINGLE, r->batch, 1, NULL};
    EQS_TRY(eqs_resistive_engine_create(net, &options, &r->engine));
    eqs_resistive_engine_set_parameters(r->engine, r->setup->theta);
    r->raw = eqs_alloc(r->batch * net->n_inputs, sizeof *r->raw);
    r->x = eqs_alloc(r->batch * r->rows, sizeof *r->x);
    r->target = eqs_alloc(r->batch * net->n_outputs, sizeof *r->target);
    r->label = eqs_alloc(r->batch, sizeof *r->label);
    r->index = eqs_alloc(r->batch, sizeof *r->index);
    r->g = eqs_alloc(r->rows * r->n, sizeof *r->g);
    r->sources = eqs_alloc((r->batch + 1) * r->rows, sizeof *r->sources);
    r->before = eqs_alloc((r->batch + 1) * r->rows, sizeof *r->before);
    r->d = eqs_alloc((r->batch + 1) * r->n, sizeof *r->d);
    r->p = eqs_alloc(r->batch * r->n, sizeof *r->p);
    r->sums = eqs_alloc(r->n, sizeof *r->sums);
    if (r->raw == NULL || r->x == NULL || r->target == NULL || r->label == NULL || r->index == NULL ||
        r->g == NULL || r->sources == NULL || r->before == NULL || r->d == NULL || r->p == NULL ||
        r->sums == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < r->rows * r->n; i++)
        r->g[i] = (float)r->setup->theta[net->coupling[0].offset + i];
    for (size_t i = 0; i < (r->batch + 1) * r->n; i++)
        r->d[i] = 1e-9F * (float)(i % 7);
    return EQS_OK;
}

static void close_run(run *r)
{
    void *blocks[] = {r->raw,     r->x,      r->target, r->label, r->index, r->g,
                      r->sources, r->before, r->d,      r->p,     r->sums};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        eqs_free(blocks[i]);
    eqs_resistive_engine_destroy(r->engine);
    eqs_dataset_destroy(r->data);
    eqs_setup_destroy(r->setup);
    eqs_config_destroy(r->config);
}

/* The first layer's work of a minibatch by OpenBLAS: g -= [x 1]' [d; own], clamp, column sums, x g. */
static void unfused(run *r)
{
    int batch = (int)r->batch, rows = (int)r->rows, n = (int)r->n;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows, n, batch + 1, -1, r->before, rows, r->d, n, 1,
                r->g, n);
    memset(r->sums, 0, r->n * sizeof *r->sums);
    for (size_t i = 0; i < r->rows; i++)
        for (size_t j = 0; j < r->n; j++) {
            float g = r->g[i * r->n + j];
            g = g > 0 ? g : 0;
            r->g[i * r->n + j] = g;
            r->sums[j] += g;
        }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, batch, n, rows, 1, r->sources, rows, r->g, n, 0,
                r->p, n);
    float *swap = r->before;
    r->before = r->sources;
    r->sources = swap;
}

/* One training step, with seconds of its parts. */
static eqs_status step(run *r, size_t minibatch, double seconds[PARTS], eqs_resistive_outcome outcome[3])
{
    const eqs_network *net = r->setup->net;
    const eqs_config *config = r->config;
    double beta = config->learning.beta, both[2] = {beta, -beta}, t[PARTS];
    double weight = 0.5 / (beta * (double)r->batch), coefficient[EQS_ENGINE_SLOTS] = {0.0, weight, -weight};
    size_t count = eqs_dataset_count(r->data, EQS_DATASET_TRAIN);
    for (size_t b = 0; b < r->batch; b++)
        r->index[b] = (uint32_t)((minibatch * r->batch + b) % count);
    EQS_TRY(eqs_dataset_fetch(r->data, EQS_DATASET_TRAIN, r->index, r->batch, r->raw, r->label));
    EQS_TRY(eqs_one_hot(r->label, r->batch, net->n_outputs, r->target));
    eqs_network_sources(net, r->batch, r->raw, r->x);
    for (size_t i = 0; i < r->batch * r->rows; i++)
        r->sources[i] = (float)r->x[i];
    for (size_t i = 0; i < r->rows; i++)
        r->sources[r->batch * r->rows + i] = 1;
    t[LOAD] = now();
    eqs_resistive_engine_load(r->engine, r->batch, r->x, r->target);
    eqs_resistive_engine_reset(r->engine);
    t[FREE] = now();
    eqs_resistive_engine_relax_free(r->engine, config->relaxation.tolerance, 1000, &outcome[0]);
    t[NUDGED] = now();
    EQS_TRY(eqs_resistive_engine_relax_nudged(r->engine, 2, both, config->relaxation.response_tolerance, 1000,
                                              &outcome[1]));
    t[UPDATE] = now();
    eqs_resistive_engine_update(r->engine, r->setup->rate, coefficient, NULL, NULL);
    t[UNFUSED] = now();
    for (int i = 0; i < UNFUSED; i++)
        seconds[i] = t[i + 1] - t[i];
    return EQS_OK;
}

/* Medians of the parts over the minibatches after the warm-up; prints a row of the table and the CSV's lines.
 */
static eqs_status measure(const network_case *c, size_t minibatches, run *r)
{
    size_t warm_up = BLOCK * (minibatches / 4 / BLOCK + 1), total = warm_up + minibatches;
    double *seconds = eqs_alloc(PARTS * minibatches, sizeof *seconds), sum[PARTS] = {0}, median[PARTS];
    double sweeps[2] = {0}, worst = 0.0;
    eqs_resistive_outcome outcome[3];
    eqs_status status = seconds == NULL ? EQS_NO_MEMORY : EQS_OK;
    size_t unconverged = 0;
    for (size_t m = 0; status == EQS_OK && m < total; m++) {
        double part[PARTS] = {0};
        status = step(r, m, part, outcome);
        for (size_t i = m % BLOCK == BLOCK - 1 ? 0 : BLOCK; i < BLOCK; i++) {
            double start = now();
            unfused(r);
            double spent = now() - start;
            if (m - i >= warm_up && m >= i) {
                seconds[UNFUSED * minibatches + m - i - warm_up] = spent;
                sum[UNFUSED] += spent;
            }
        }
        for (size_t i = 0; status == EQS_OK && m >= warm_up && i < UNFUSED; i++) {
            seconds[i * minibatches + m - warm_up] = part[i];
            sum[i] += part[i];
        }
        sweeps[0] += outcome[0].sweeps / (double)total;
        sweeps[1] += outcome[1].sweeps / (double)total;
        worst = fmax(worst, outcome[0].residual);
        unconverged += outcome[0].unconverged + outcome[1].unconverged + outcome[2].unconverged;
    }
    double step_median = 0.0, step_sum = 0.0;
    for (size_t i = 0; status == EQS_OK && i < PARTS; i++) {
        qsort(seconds + i * minibatches, minibatches, sizeof *seconds, ascending);
        median[i] = seconds[i * minibatches + minibatches / 2];
        if (i != UNFUSED) {
            step_median += median[i];
            step_sum += sum[i];
        }
        printf("%s,%s,%s,%s,%zu,%zu,%.3f,%.3f\n", c->name, c->diode, r->data->name, part_name[i], r->batch,
               minibatches, 1e6 * median[i], 1e6 * sum[i] / (double)minibatches);
    }
    if (status == EQS_OK) {
        printf("%s,%s,%s,step,%zu,%zu,%.3f,%.3f\n", c->name, c->diode, r->data->name, r->batch, minibatches,
               1e6 * step_median, 1e6 * step_sum / (double)minibatches);
        fprintf(stderr, "%-13s %-9s %8.1f %8.1f %8.1f %8.1f %9.1f %6.1f %9.0f   %4.1f + %.1f  %8.1e  %zu\n",
                c->name, c->diode, 1e6 * median[LOAD], 1e6 * median[FREE], 1e6 * median[NUDGED],
                1e6 * median[UPDATE], 1e6 * median[UNFUSED], median[UNFUSED] / median[LOAD],
                (double)r->batch / step_median, sweeps[0], sweeps[1], worst, unconverged);
    }
    eqs_free(seconds);
    return status;
}

int main(int argc, char **argv)
{
    bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    eqs_status status = EQS_OK;
    bench_print_machine(stdout, argc, argv);
    puts("network,diodes,data,part,batch,minibatches,median_us,mean_us");
    fprintf(stderr, "us per minibatch (median of CPU time)\n%-13s %-9s %8s %8s %8s %8s %9s %6s %9s   %s\n",
            "network", "diodes", "load", "free", "nudged", "update", "unfused", "ratio", "samples/s",
            "sweeps       residual  unconverged");
    for (size_t i = 0; status == EQS_OK && i < sizeof cases / sizeof *cases; i++) {
        run r = {0};
        status = open_run(&cases[i], &r);
        if (status == EQS_OK)
            status = measure(&cases[i], quick ? 20 : cases[i].minibatches, &r);
        close_run(&r);
    }
    if (status != EQS_OK) {
        fprintf(stderr, "bench_resistive: %s\n", eqs_error_message());
        return status == EQS_MISSING_INPUT ? 66 : 1;
    }
    return 0;
}
