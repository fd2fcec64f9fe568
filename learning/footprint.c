#include "learning/footprint.h"

#include "models/network.h"
#include "solver/engine.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Rows of state that a sample of the minibatch has in the engine: slots, input, sums of the update, the rows
 * of a thread with Anderson's history (solver/batch_create.inc). */
enum { ENGINE_ROWS = EQS_ENGINE_SLOTS + 2 + 2 * (2 * EQS_ENGINE_SLOTS - 1) + 5 + 12, NEWTON_ROWS = 10 };

/* what the program and its libraries take before the first network */
static const double own_bytes = 32 << 20;

enum { RAW_PIXELS = 784 }; /* of the named sets, whatever they are averaged to */

/* The sizes that the estimate is made of; real numbers, since a configuration may ask for more than 2^64. */
typedef struct sizes {
    double all, from_input; /* weights, and those that leave layer 0 */
    double units;           /* of free layers */
    double update_rows;     /* rows of all weight matrices */
    size_t in, out;         /* units of the first and of the last layer */
} sizes;

static void add_coupling(sizes *s, const eqs_config_sizes *layers, size_t from, size_t to)
{
    double n = (double)layers->v[from] * (double)layers->v[to];
    s->all += n;
    s->from_input += from == 0 ? n : 0.0;
    s->update_rows += (double)layers->v[from];
}

static sizes measure(const eqs_config_network *network)
{
    const eqs_config_sizes *layers = &network->layers;
    sizes s = {.in = layers->v[0], .out = layers->v[layers->n - 1]};
    for (size_t k = 1; k < layers->n; k++)
        s.units += (double)layers->v[k];
    if (network->couplings.layout == EQS_COUPLINGS_LIST) {
        for (size_t c = 0; c < network->couplings.n; c++)
            add_coupling(&s, layers, network->couplings.pair[c][0], network->couplings.pair[c][1]);
        return s;
    }
    bool full = network->couplings.layout == EQS_COUPLINGS_FULL;
    for (size_t k = 1; k < layers->n; k++) {
        add_coupling(&s, layers, k - 1, k);
        for (size_t j = 0; full && j <= k; j++) {
            if (j != k - 1)
                add_coupling(&s, layers, j, k);
        }
    }
    return s;
}

/* Linear solvers that hold a matrix of all units: dense LU, and KLU with some fill-in. */
static double matrix_bytes(const eqs_config *config, const sizes *s)
{
    if (config->relaxation.linear_solver == EQS_LINEAR_DENSE)
        return 2.0 * s->units * s->units * sizeof(double);
    if (config->relaxation.linear_solver == EQS_LINEAR_KLU)
        return 4.0 * 2.0 * (s->all - s->from_input) * (sizeof(double) + sizeof(int64_t));
    return 0.0;
}

static void estimate_training(const eqs_config *config, const sizes *s, int threads, eqs_footprint *out)
{
    const eqs_config_data *data = &config->data;
    double batch = (double)config->learning.batch;
    double samples = (double)data->train + (double)data->validation + (double)data->test;
    bool ode = config->learning.engine != EQS_ENGINE_BATCH;
    double real = !ode && config->relaxation.precision == EQS_SINGLE ? sizeof(float) : sizeof(double);
    double row = s->units * real;
    out->parameters = 2.0 * sizeof(double) * s->all; /* the setup's, and those on their way into the file */
    if (ode) {
        out->engine = 2.0 * sizeof(double) * s->all + 8.0 * batch * row + matrix_bytes(config, s);
    } else {
        double rows = ENGINE_ROWS + (strcmp(config->relaxation.solver, "newton") == 0 ? NEWTON_ROWS : 0);
        double terms = (2 * EQS_ENGINE_SLOTS - 1) * batch;
        out->engine = real * (2.0 * s->all - s->from_input) + rows * (batch + threads) * row +
                      s->update_rows * terms * real;
    }
    out->engine += batch * sizeof(double) * (double)(s->in + 2 * s->out);
    out->states = config->learning.persistent ? samples * row : 0.0;
    out->file = 2.0 * (real * s->all + out->states); /* libhdf5's image, and the bytes on their way out */
}

void eqs_footprint_estimate(const eqs_config *config, eqs_footprint_use use, int threads, eqs_footprint *out)
{
    sizes s = measure(&config->network);
    const eqs_config_data *data = &config->data;
    double samples = (double)data->train + (double)data->validation + (double)data->test;
    bool named = data->set == EQS_DATA_MNIST || data->set == EQS_DATA_FASHION_MNIST;
    *out = (eqs_footprint){.synapses = s.all};
    /* images are bytes; rows of a CSV file numbers, held twice while they are read */
    out->data = named                       ? samples * RAW_PIXELS
                : data->set == EQS_DATA_IDX ? samples * (double)s.in
                                            : 2.0 * sizeof(double) * samples * (double)s.in;
    if (use == EQS_FOOTPRINT_TRAINING) {
        estimate_training(config, &s, threads, out);
    } else {
        out->parameters = sizeof(double) * s.all;
        out->engine = sizeof(double) * (2.0 * s.all - s.from_input) + matrix_bytes(config, &s);
        out->file = sizeof(double) * s.all;
    }
    out->total = own_bytes + out->parameters + out->engine + out->states + out->data + out->file;
}

/* "812 MiB", "1.2 GiB" */
static void print_bytes(double bytes, char text[32])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t unit = 0;
    double value = bytes / 1024.0;
    while (value >= 1000.0 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024.0;
        unit++;
    }
    snprintf(text, 32, "%.*f %s", value < 9.95 ? 1 : 0, value, units[unit]);
}

void eqs_footprint_describe(const eqs_footprint *footprint, char *text, size_t size)
{
    const struct {
        const char *name;
        double bytes;
    } parts[] = {{"parameters", footprint->parameters},
                 {"engine", footprint->engine},
                 {"states", footprint->states},
                 {"data", footprint->data},
                 {"result file", footprint->file}};
    char number[32];
    print_bytes(footprint->total, number);
    int n = snprintf(text, size, "%s (", number);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        print_bytes(parts[i].bytes, number);
        if (n >= 0 && (size_t)n < size)
            n += snprintf(text + n, size - (size_t)n, "%s%s %s", i > 0 ? ", " : "", parts[i].name, number);
    }
    if (n >= 0 && (size_t)n < size)
        snprintf(text + n, size - (size_t)n, ")");
}

eqs_status eqs_footprint_check(const eqs_footprint *footprint, double available)
{
    if (available <= 0.0 || footprint->total <= available)
        return EQS_OK;
    char need[256], have[32];
    eqs_footprint_describe(footprint, need, sizeof need);
    print_bytes(available, have);
    return eqs_fail(EQS_NO_MEMORY,
                    "%.3g synapses need about %s of memory, %s are available; smaller network.layers or "
                    "learning.batch, relaxation.precision: single or learning.persistent: false need less",
                    footprint->synapses, need, have);
}
