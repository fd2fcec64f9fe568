#include "bench/common/trained.h"

#include "base/memory.h"
#include "base/random.h"
#include "learning/run_file.h"
#include "store/h5file.h"

#include <stdio.h>
#include <string.h>

void bench_architecture(const eqs_network *net, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t k = 0; k < net->n_layers && used < size; k++)
        used += (size_t)snprintf(text + used, size - used, "%s%zu", k == 0 ? "" : "-", net->layer[k].units);
}

void bench_trained_clear(bench_trained *trained)
{
    eqs_setup_destroy(trained->setup);
    eqs_config_destroy(trained->config);
    eqs_free(trained->origin);
    eqs_free(trained->x);
    eqs_free(trained->target);
    eqs_free(trained->state);
    *trained = (bench_trained){0};
}

/* Indices of the next t->n training samples, in the order of the epoch under way. */
static eqs_status next_samples(const bench_trained *t, size_t count, uint32_t *index)
{
    uint32_t *order = eqs_alloc(count, sizeof *order);
    if (order == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    if (t->config->learning.shuffle) {
        eqs_random stream = eqs_random_stream(t->config->seed, EQS_RANDOM_SHUFFLE, t->epoch, 0);
        eqs_random_permutation(&stream, count, order);
    }
    for (size_t i = 0; i < t->n; i++)
        index[i] = order[(t->minibatch * t->config->learning.batch + i) % count];
    eqs_free(order);
    return EQS_OK;
}

/* Data and persistent states (of all training samples, [count x state size]) of the next samples. */
static eqs_status fill(bench_trained *t, const eqs_dataset *data, const float *states, size_t count,
                       size_t minibatches)
{
    const eqs_network *net = t->setup->net;
    size_t n_in = net->layer[0].units, n_out = net->layer[net->n_layers - 1].units;
    size_t size = eqs_network_state_size(net);
    if (data->dim != n_in || data->classes > n_out)
        return eqs_fail(EQS_BAD_CONFIG,
                        "%s: %zu values and %zu classes do not fit %zu inputs and %zu outputs", data->name,
                        data->dim, data->classes, n_in, n_out);
    size_t samples = minibatches * t->config->learning.batch;
    t->n = samples < count ? samples : count;
    t->x = eqs_alloc(t->n * n_in, sizeof *t->x);
    t->target = eqs_alloc(t->n * n_out, sizeof *t->target);
    t->state = eqs_alloc(t->n * size, sizeof *t->state);
    uint32_t *index = eqs_alloc(t->n, sizeof *index), *label = eqs_alloc(t->n, sizeof *label);
    bool room = t->x != NULL && t->target != NULL && t->state != NULL && index != NULL && label != NULL;
    eqs_status status = room ? next_samples(t, count, index) : EQS_NO_MEMORY;
    if (status == EQS_OK)
        status = eqs_dataset_fetch(data, EQS_DATASET_TRAIN, index, t->n, t->x, label);
    if (status == EQS_OK)
        status = eqs_one_hot(label, t->n, n_out, t->target);
    for (size_t i = 0; status == EQS_OK && i < t->n; i++)
        memcpy(t->state + i * size, states + index[i] * size, size * sizeof *states);
    eqs_free(index);
    eqs_free(label);
    return status;
}

/* What both ways share once the configuration is there: network, weights, data. */
static eqs_status set_up(bench_trained *t, const char *parameters, eqs_dataset **data)
{
    const eqs_config *config = t->config;
    if (config->relaxation.precision != EQS_SINGLE || config->learning.engine != EQS_ENGINE_BATCH ||
        !config->learning.persistent)
        return eqs_fail(
            EQS_BAD_CONFIG,
            "%s: the benchmark takes runs with relaxation.precision single, learning.engine batch "
            "and learning.persistent true",
            eqs_config_name(config));
    EQS_TRY(eqs_setup_create(config, parameters, &t->setup));
    t->hidden = t->setup->net->n_layers - 2;
    return eqs_dataset_open(&config->data, config->seed, data);
}

static eqs_status load_states(const char *run_file, bench_trained *t, float **states, size_t *count)
{
    eqs_h5_reader *reader;
    eqs_h5_shape shape = {0};
    int64_t epoch = 0, minibatch = 0;
    EQS_TRY(eqs_h5_open(run_file, &reader));
    eqs_status status = eqs_h5_read_attribute_int(reader, "/checkpoint", "epoch", &epoch);
    if (status == EQS_OK)
        status = eqs_h5_read_attribute_int(reader, "/checkpoint", "minibatch", &minibatch);
    if (status == EQS_OK)
        status = eqs_h5_load(reader, "/checkpoint/states_train", EQS_H5_FLOAT, &shape, (void **)states);
    eqs_h5_reader_destroy(reader);
    EQS_TRY(status);
    if (shape.rank != 2 || shape.dim[1] != eqs_network_state_size(t->setup->net) || epoch < 0 ||
        minibatch < 0)
        return eqs_fail(EQS_BAD_DATA, "%s: /checkpoint does not fit the network", run_file);
    t->epoch = (uint32_t)epoch;
    t->minibatch = (size_t)minibatch;
    *count = shape.dim[0];
    return EQS_OK;
}

static eqs_status load(const char *run_file, size_t minibatches, bench_trained *t)
{
    eqs_dataset *data = NULL;
    float *states = NULL;
    size_t count = 0;
    EQS_TRY(eqs_run_load_config(run_file, &t->config));
    eqs_status status = set_up(t, run_file, &data);
    if (status == EQS_OK)
        status = load_states(run_file, t, &states, &count);
    if (status == EQS_OK && count != eqs_dataset_count(data, EQS_DATASET_TRAIN))
        status = eqs_fail(EQS_BAD_DATA, "%s: states of %zu samples, but the data has %zu", run_file, count,
                          eqs_dataset_count(data, EQS_DATASET_TRAIN));
    if (status == EQS_OK)
        status = fill(t, data, states, count, minibatches);
    eqs_free(states);
    eqs_dataset_destroy(data);
    const char *slash = strrchr(run_file, '/');
    t->origin = eqs_format("%s, after %u epochs and %zu minibatches", slash == NULL ? run_file : slash + 1,
                           t->epoch, t->minibatch);
    return status;
}

eqs_status bench_trained_load(const char *run_file, size_t minibatches, bench_trained *out)
{
    *out = (bench_trained){0};
    eqs_status status = load(run_file, minibatches, out);
    if (status != EQS_OK)
        bench_trained_clear(out);
    return status;
}

/* The configuration, on Fashion-MNIST (same sizes) where MNIST is missing. */
static eqs_status configure(const char *path, size_t data, bench_trained *t)
{
    char *folder = NULL, assignment[64];
    EQS_TRY(eqs_config_load(path, &t->config));
    if (t->config->data.set == EQS_DATA_MNIST &&
        eqs_dataset_locate("mnist", t->config->data.path, &folder) != EQS_OK)
        EQS_TRY(eqs_config_set(t->config, "data.set=fashion-mnist"));
    eqs_free(folder);
    if (data == 0)
        return EQS_OK;
    snprintf(assignment, sizeof assignment, "data.train=%zu", data);
    EQS_TRY(eqs_config_set(t->config, assignment));
    EQS_TRY(eqs_config_set(t->config, "data.validation=0"));
    snprintf(assignment, sizeof assignment, "data.test=%zu", data);
    return eqs_config_set(t->config, assignment);
}

static eqs_status train(bench_trained *t, const eqs_dataset *data, size_t epochs, size_t minibatches)
{
    eqs_train_options options;
    eqs_trainer *trainer;
    eqs_epoch_row row = {0};
    EQS_TRY(eqs_setup_train_options(t->setup, 1, &options));
    EQS_TRY(eqs_trainer_create(t->setup->energy, data, &options, t->setup->theta, &trainer));
    eqs_status status = EQS_OK;
    for (size_t i = 0; status == EQS_OK && i < epochs; i++)
        status = eqs_trainer_epoch(trainer, NULL, NULL, &row);
    size_t count, bytes;
    const float *states = eqs_trainer_states(trainer, EQS_DATASET_TRAIN, &count, &bytes);
    t->epoch = (uint32_t)epochs;
    if (status == EQS_OK) {
        eqs_trainer_get_parameters(trainer, t->setup->theta);
        status = fill(t, data, states, count, minibatches);
    }
    eqs_trainer_destroy(trainer);
    const char *name = strrchr(eqs_config_name(t->config), '/');
    t->origin = eqs_format("%s on %s, trained here for %zu epochs of %zu samples to %.2f %% test error",
                           name == NULL ? eqs_config_name(t->config) : name + 1, data->name, epochs, count,
                           100.0 * row.test_error);
    return status;
}

eqs_status bench_trained_make(const char *path, size_t epochs, size_t data, size_t minibatches,
                              bench_trained *out)
{
    eqs_dataset *set = NULL;
    *out = (bench_trained){0};
    eqs_status status = configure(path, data, out);
    if (status == EQS_OK)
        status = set_up(out, NULL, &set);
    if (status == EQS_OK)
        status = train(out, set, epochs, minibatches);
    eqs_dataset_destroy(set);
    if (status != EQS_OK)
        bench_trained_clear(out);
    return status;
}
