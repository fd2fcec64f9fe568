/* The batch engine, on one core, single precision.
 *
 * 1. Products C [M x N] += A [M x K] W with a matrix that stays the same from call to call: GFLOP/s (2 M N K
 * per call, nominal) of the engine's packed kernel, packing of A included, beside OpenBLAS sgemm on W and on
 * W' (the transposed flag, as a relaxation with one copy of W needs both). Dense A, so that no zero is
 * skipped; the best of 7 repetitions of about 5 ms each, the two interleaved.
 * 2. Minibatches of training, 784-500-10 and one and two hidden layers more, batch 20: paper 001's Euler
 * (20/100/500 free and 4/6/8 nudged iterations, OpenBLAS) beside `auto` at residual <= 1e-4 for every sample.
 * The data are noisy copies of 10 random prototypes with 80 % zeros, like MNIST's images in size and zeros
 * but easier; the network is first trained on them. Milliseconds per minibatch, each part apart; CPU time,
 * medians over minibatches, both engines in turn on the same minibatch, weights and starting states.
 *
 * Usage: bench_engine [minibatches of training, default 300] */
#include "solver/engine.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/run.h"
#include "solver/kernel.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 20, PIXELS = 784, CLASSES = 10, SAMPLES = 2000, REPETITIONS = 7, MEASURED = 40 };

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* seconds per call of the packed product, at K, N and M */
typedef struct product_case {
    size_t M, K, N, ld, panels;
    const eqs_kernel_f32 *kernel;
    eqs_operand_f32 operand;
    float *A, *W, *P, *C;
} product_case;

static void run_packed(const product_case *c, int calls)
{
    eqs_operand_f32 operand = c->operand;
    for (int i = 0; i < calls; i++) {
        c->kernel->pack_rows(c->M, c->K, c->A, c->K, &operand);
        c->kernel->product(&operand, c->P, c->K, c->N, 0, c->panels, c->C, c->ld, c->C, c->ld);
    }
}

static void run_openblas(const product_case *c, int calls, bool transposed)
{
    for (int i = 0; i < calls; i++)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, transposed ? CblasTrans : CblasNoTrans, (int)c->M, (int)c->N,
                    (int)c->K, 1, c->A, (int)c->K, c->W, (int)(transposed ? c->K : c->N), 1, c->C,
                    (int)c->ld);
}

static void time_product(size_t M, size_t K, size_t N)
{
    product_case c = {.M = M, .K = K, .N = N, .kernel = eqs_kernel_get(0)->f32};
    c.panels = (N + c.kernel->width - 1) / c.kernel->width;
    c.ld = c.panels * c.kernel->width;
    size_t blocks = (M + c.kernel->rows - 1) / c.kernel->rows;
    c.operand.capacity = K + EQS_OPERAND_SLACK;
    c.operand.rows = eqs_alloc(blocks, sizeof(uint32_t));
    c.operand.count = eqs_alloc(blocks, sizeof(uint32_t));
    c.operand.index = eqs_alloc(blocks * (K + EQS_OPERAND_SLACK), sizeof(uint32_t));
    c.operand.value = eqs_alloc(blocks * c.kernel->rows * (K + EQS_OPERAND_SLACK), sizeof(float));
    c.A = eqs_alloc(M * K, sizeof(float));
    c.W = eqs_alloc(K * N, sizeof(float));
    c.P = eqs_alloc(K * c.ld, sizeof(float));
    c.C = eqs_alloc(M * c.ld, sizeof(float));
    for (size_t i = 0; i < M * K; i++)
        c.A[i] = 1e-3f;
    double flops = 2.0 * (double)(M * N * K), best[3] = {1e9, 1e9, 1e9};
    int calls = 1 + (int)(5e-3 * 50e9 / flops);
    for (int r = 0; r < REPETITIONS; r++) {
        double t0 = eqs_cpu_clock();
        run_packed(&c, calls);
        double t1 = eqs_cpu_clock();
        run_openblas(&c, calls, false);
        double t2 = eqs_cpu_clock();
        run_openblas(&c, calls, true);
        best[0] = smaller(best[0], t1 - t0);
        best[1] = smaller(best[1], t2 - t1);
        best[2] = smaller(best[2], eqs_cpu_clock() - t2);
    }
    double unit = flops * calls * 1e-9;
    printf("%4zu %4zu %4zu  %7.1f  %7.1f  %7.1f\n", M, K, N, unit / best[0], unit / best[1], unit / best[2]);
    void *blocks_of[] = {
        c.operand.rows, c.operand.count, c.operand.index, c.operand.value, c.A, c.W, c.P, c.C};
    for (size_t i = 0; i < sizeof blocks_of / sizeof *blocks_of; i++)
        eqs_free(blocks_of[i]);
}

static void time_products(void)
{
    static const size_t rows[] = {1, 2, 3, 4, 8, 12, 20};
    printf("products, GFLOP/s (kernel: %s)\n   M    K    N   packed  blas W  blas W'\n",
           eqs_kernel_get(0)->isa);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        time_product(rows[i], 500, 500);
    time_product(20, 784, 500);
    time_product(20, 500, 10);
    time_product(20, 10, 500);
}

typedef struct bench_data {
    double *x, *target; /* [SAMPLES x ...] */
} bench_data;

/* prototypes with a quarter of their pixels on; a sample shows part of its own and some of another class's */
static bench_data make_data(void)
{
    bench_data d = {eqs_alloc(SAMPLES * PIXELS, sizeof(double)),
                    eqs_alloc(SAMPLES * CLASSES, sizeof(double))};
    eqs_random pixel = eqs_random_stream(1, EQS_RANDOM_TEST, 0, 0),
               noise = eqs_random_stream(1, EQS_RANDOM_TEST, 1, 0);
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t class = i % CLASSES, other = i / CLASSES % CLASSES;
        d.target[i * CLASSES + class] = 1.0;
        for (size_t j = 0; j < PIXELS; j++) { /* strokes of 4 pixels */
            bool own = eqs_random_uniform(&pixel, class * PIXELS + j / 4) < 0.25;
            bool foreign = eqs_random_uniform(&pixel, other * PIXELS + j / 4) < 0.25;
            double u = eqs_random_uniform(&noise, i * PIXELS + j);
            d.x[i * PIXELS + j] = (own && u > 0.5) || (foreign && u > 0.65) ? u : 0.0;
        }
    }
    return d;
}

enum { LOAD, FREE, NUDGED, UPDATE, PARTS };

typedef struct side {
    eqs_engine *engine;
    bool euler;
    double time[MEASURED][PARTS], sweeps[2], residual;
} side;

/* One minibatch of training from the given states; the states of the free phase replace them. */
static void minibatch(side *s, const bench_data *d, size_t first, size_t hidden, double beta,
                      unsigned char *states, double rate, double *time)
{
    static const size_t free_iterations[] = {20, 100, 500}, nudged_iterations[] = {4, 6, 8};
    size_t bytes = eqs_engine_state_bytes(s->engine);
    eqs_engine_outcome outcome;
    eqs_engine_relax how = {.beta = {INFINITY, 0, 0},
                            .tolerance = s->euler ? 0 : 1e-4,
                            .max_sweeps = 2000,
                            .fixed_iterations = s->euler,
                            .step = 0.5};
    double t[PARTS + 1], rates[8],
        coefficient[EQS_ENGINE_SLOTS] = {-1.0 / (beta * BATCH), 1.0 / (beta * BATCH)};
    for (size_t i = 0; i < BATCH; i++)
        eqs_engine_put_state(s->engine, 0, i, states + i * bytes);
    for (size_t i = 0; i < 8; i++)
        rates[i] = rate / (double)(1 << (2 * (i % (hidden + 1))));
    t[LOAD] = eqs_cpu_clock();
    eqs_engine_load(s->engine, BATCH, d->x + first * PIXELS, d->target + first * CLASSES);
    t[FREE] = eqs_cpu_clock();
    if (s->euler)
        how.max_sweeps = free_iterations[hidden - 1];
    eqs_engine_relax_slot(s->engine, 0, &how, &outcome);
    t[NUDGED] = eqs_cpu_clock();
    s->sweeps[0] += outcome.mean_sweeps;
    s->residual = fmax(s->residual, outcome.max_residual);
    how.beta[EQS_BETA_Y] = beta;
    if (s->euler)
        how.max_sweeps = nudged_iterations[hidden - 1];
    eqs_engine_copy(s->engine, 0, 1);
    eqs_engine_relax_slot(s->engine, 1, &how, &outcome);
    s->sweeps[1] += outcome.mean_sweeps;
    t[UPDATE] = eqs_cpu_clock();
    eqs_engine_update(s->engine, rates, coefficient, 0.0, NULL, NULL);
    t[PARTS] = eqs_cpu_clock();
    for (size_t i = 0; i < PARTS; i++)
        time[i] = t[i + 1] - t[i];
    for (size_t i = 0; i < BATCH; i++)
        eqs_engine_take_state(s->engine, 0, i, states + i * bytes);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* median over minibatches of part `part`, or of the whole (PARTS), in ms */
static double median(const side *s, size_t part)
{
    double values[MEASURED];
    for (size_t i = 0; i < MEASURED; i++) {
        values[i] = 0.0;
        for (size_t j = 0; j < PARTS; j++)
            values[i] += part == PARTS || part == j ? s->time[i][j] : 0.0;
    }
    qsort(values, MEASURED, sizeof *values, ascending);
    return 1e3 * values[MEASURED / 2];
}

static eqs_engine *make_engine(const eqs_energy *energy, const char *solver, bool openblas)
{
    eqs_engine_options options = eqs_engine_options_default();
    eqs_engine *engine;
    options.solver = solver;
    options.openblas = openblas;
    options.batch = BATCH;
    if (eqs_engine_create(energy, &options, &engine) == EQS_OK)
        return engine;
    fprintf(stderr, "%s\n", eqs_error_message());
    exit(1);
}

static void report(const char *name, const side *s)
{
    printf("  %-16s %8.3f %8.3f %8.3f %8.3f %8.3f   %6.1f %5.1f   ", name, median(s, LOAD), median(s, FREE),
           median(s, NUDGED), median(s, UPDATE), median(s, PARTS), s->sweeps[0] / MEASURED,
           s->sweeps[1] / MEASURED);
    if (s->euler)
        printf("not measured\n");
    else
        printf("%.1e\n", s->residual);
}

static void time_training(size_t hidden, size_t trained, const bench_data *d)
{
    size_t units[] = {PIXELS, 500, 500, 500, CLASSES};
    double gain[] = {1.0, 0.5, 0.5, 0.5};
    eqs_network_def def = eqs_network_def_default();
    eqs_network *net;
    eqs_energy *energy;
    units[hidden + 1] = CLASSES;
    def.n_layers = hidden + 2;
    def.units = units;
    if (eqs_network_create(&def, &net) != EQS_OK || eqs_energy_create(net, &energy) != EQS_OK) {
        fprintf(stderr, "%s\n", eqs_error_message());
        exit(1);
    }
    double *theta = eqs_alloc(net->n_parameters, sizeof *theta), ignored[PARTS];
    side fast = {.engine = make_engine(energy, "auto", false)};
    side euler = {.engine = make_engine(energy, "euler", true), .euler = true};
    size_t bytes = eqs_engine_state_bytes(fast.engine);
    unsigned char *states = eqs_alloc(SAMPLES, bytes), *same = eqs_alloc(BATCH, bytes);
    eqs_random sign = eqs_random_stream(1, EQS_RANDOM_NUDGE_SIGN, 0, 0);
    eqs_parameters_glorot(net, 1, hidden == 1 ? NULL : gain, theta);
    eqs_engine_set_parameters(fast.engine, theta);
    for (size_t b = 0; b < trained + MEASURED; b++) {
        size_t first = b * BATCH % SAMPLES;
        double beta = eqs_random_u32(&sign, b) & 1 ? 0.5 : -0.5, rate = hidden == 1 ? 0.1 : 0.2;
        bool measured = b >= trained;
        if (b == trained)
            fast.sweeps[0] = fast.sweeps[1] = fast.residual = 0.0;
        if (measured) {
            eqs_engine_get_parameters(fast.engine, theta);
            eqs_engine_set_parameters(euler.engine, theta);
            memcpy(same, states + first * bytes, BATCH * bytes);
            minibatch(&euler, d, first, hidden, beta, same, rate, euler.time[b - trained]);
        }
        minibatch(&fast, d, first, hidden, beta, states + first * bytes, rate,
                  measured ? fast.time[b - trained] : ignored);
    }
    printf("784%s%s%s-10\n", "-500", hidden > 1 ? "-500" : "", hidden > 2 ? "-500" : "");
    report("euler, OpenBLAS", &euler);
    report("auto, packed", &fast);
    printf("  ratio: whole %.1f, free phase %.1f\n", median(&euler, PARTS) / median(&fast, PARTS),
           median(&euler, FREE) / median(&fast, FREE));
    eqs_engine_destroy(fast.engine);
    eqs_engine_destroy(euler.engine);
    eqs_free(states);
    eqs_free(same);
    eqs_free(theta);
    eqs_energy_destroy(energy);
    eqs_network_destroy(net);
}

int main(int argc, char **argv)
{
    size_t trained = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 300;
    openblas_set_num_threads(1);
    time_products();
    printf("\ntraining, ms per minibatch of %d\n  %-16s %8s %8s %8s %8s %8s   %6s %5s   %s\n", BATCH, "",
           "load", "free", "nudged", "update", "whole", "sweeps", "", "worst residual");
    bench_data d = make_data();
    for (size_t hidden = 1; hidden <= 3; hidden++)
        time_training(hidden, trained, &d);
    eqs_free(d.x);
    eqs_free(d.target);
    return 0;
}
