#include "learning/run_file.h"

#include "base/memory.h"
#include "base/ranks.h"
#include "learning/result_file.h"
#include "learning/result_units.h"
#include "solver/gradient_compare.h"
#include "store/lock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 160 };

struct eqs_run {
    char *path;
    const eqs_setup *setup;
    eqs_trainer *trainer;
    eqs_lock *lock;
    double *theta; /* [n_parameters] scratch */
    size_t n_blocks;
    size_t n_rows, capacity;
    eqs_epoch_row *row;
    double *seconds; /* [n_rows] */
    double *change;  /* [n_rows x n_blocks] */
};

static const char *const part_names[] = {"train", "validation", "test"};

static bool single(const eqs_run *run)
{
    return run->setup->config->relaxation.precision == EQS_SINGLE &&
           run->setup->config->learning.engine == EQS_ENGINE_BATCH;
}

eqs_status eqs_run_open(const char *path, const eqs_setup *setup, eqs_trainer *trainer, eqs_run **out)
{
    eqs_run *run = eqs_alloc(1, sizeof *run);
    if (run == NULL)
        return EQS_NO_MEMORY;
    run->setup = setup;
    run->trainer = trainer;
    run->n_blocks = eqs_parameter_blocks(setup->net);
    run->path = eqs_strdup(path);
    run->theta = eqs_alloc(setup->net->n_parameters, sizeof *run->theta);
    eqs_status status = run->path == NULL || run->theta == NULL ? EQS_NO_MEMORY : EQS_OK;
    if (status == EQS_OK && eqs_rank() == 0)
        status = eqs_lock_acquire(path, &run->lock);
    if (status != EQS_OK) {
        eqs_run_close(run);
        return status;
    }
    *out = run;
    return EQS_OK;
}

void eqs_run_close(eqs_run *run)
{
    if (run == NULL)
        return;
    eqs_lock_release(run->lock);
    eqs_free(run->path);
    eqs_free(run->theta);
    eqs_free(run->row);
    eqs_free(run->seconds);
    eqs_free(run->change);
    eqs_free(run);
}

/* Room for at least one more row. */
static eqs_status grow(eqs_run *run)
{
    if (run->n_rows < run->capacity)
        return EQS_OK;
    size_t capacity = run->capacity == 0 ? 64 : 2 * run->capacity;
    eqs_epoch_row *row = eqs_realloc(run->row, run->n_rows, capacity, sizeof *row);
    if (row != NULL)
        run->row = row;
    double *seconds = eqs_realloc(run->seconds, run->n_rows, capacity, sizeof *seconds);
    if (seconds != NULL)
        run->seconds = seconds;
    double *change =
        eqs_realloc(run->change, run->n_rows * run->n_blocks, capacity * run->n_blocks, sizeof *change);
    if (change != NULL)
        run->change = change;
    if (row == NULL || seconds == NULL || change == NULL)
        return EQS_NO_MEMORY;
    run->capacity = capacity;
    return EQS_OK;
}

eqs_status eqs_run_append(eqs_run *run, const eqs_epoch_row *row, double seconds, const double *change)
{
    EQS_TRY(grow(run));
    run->row[run->n_rows] = *row;
    run->seconds[run->n_rows] = seconds;
    memcpy(run->change + run->n_rows * run->n_blocks, change, run->n_blocks * sizeof *change);
    run->n_rows++;
    return EQS_OK;
}

size_t eqs_run_rows(const eqs_run *run)
{
    return run->n_rows;
}

const eqs_epoch_row *eqs_run_row(const eqs_run *run, size_t i)
{
    return &run->row[i];
}

double eqs_run_row_seconds(const eqs_run *run, size_t i)
{
    return run->seconds[i];
}

double eqs_run_seconds(const eqs_run *run)
{
    double sum = 0.0;
    for (size_t i = 0; i < run->n_rows; i++)
        sum += run->seconds[i];
    return sum;
}

/* One column of the table of epochs. */
static eqs_status write_column(eqs_h5_writer *writer, const eqs_run *run, const char *name, size_t offset,
                               const char *unit, const char *text)
{
    double *column = eqs_alloc(run->n_rows, sizeof *column);
    if (column == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < run->n_rows; i++)
        memcpy(&column[i], (const char *)&run->row[i] + offset, sizeof *column);
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/training/%s", name);
    eqs_status status = eqs_h5_write_double(writer, path, column, 1, &run->n_rows, unit, text);
    eqs_free(column);
    return status;
}

/* The list says "1" of columns whose unit depends on the model. */
static const char *column_unit(const eqs_result_units *units, const char *name, const char *listed)
{
    if (strcmp(name, "residual") == 0 || strcmp(name, "residual_nudged") == 0)
        return units->residual;
    if (strcmp(name, "cost") == 0)
        return units->cost;
    return strcmp(name, "energy") == 0 ? units->energy : listed;
}

static eqs_status write_training(eqs_h5_writer *writer, const eqs_run *run)
{
    eqs_result_units units = eqs_result_units_of(run->setup->net);
#define X(name, unit, text)                                                                                  \
    EQS_TRY(write_column(writer, run, #name, offsetof(eqs_epoch_row, name),                                  \
                         column_unit(&units, #name, unit), text));
    EQS_EPOCH_LIST(X)
#undef X
    EQS_TRY(eqs_h5_write_double(writer, "/training/seconds", run->seconds, 1, &run->n_rows, "s",
                                "wall-clock of the epoch, evaluation included; the only times in this file"));
    size_t dim[2] = {run->n_rows, run->n_blocks};
    EQS_TRY(eqs_h5_write_double(writer, "/training/relative_change", run->change, 2, dim, "1",
                                "|dtheta| / |theta| of a late update of the epoch, per block of parameters"));
    const char **name = eqs_alloc(run->n_blocks, sizeof *name);
    eqs_parameter_block *block = eqs_alloc(run->n_blocks, sizeof *block);
    eqs_status status = name == NULL || block == NULL ? EQS_NO_MEMORY : EQS_OK;
    for (size_t i = 0; status == EQS_OK && i < run->n_blocks; i++) {
        block[i] = eqs_parameter_block_get(run->setup->net, i);
        name[i] = block[i].name;
    }
    if (status == EQS_OK)
        status = eqs_h5_write_strings(writer, "/training/block", name, run->n_blocks, "blocks of parameters");
    eqs_free(name);
    eqs_free(block);
    EQS_TRY(status);
    EQS_TRY(eqs_h5_attribute_string(writer, "/training", "signal", "validation_error"));
    return eqs_h5_attribute_string(writer, "/training", "axes", "epoch");
}

static eqs_status write_checkpoint(eqs_h5_writer *writer, eqs_run *run)
{
    const eqs_train_position *position = eqs_trainer_position(run->trainer);
    EQS_TRY(eqs_h5_attribute_int(writer, "/checkpoint", "epoch", position->epoch));
    EQS_TRY(eqs_h5_attribute_int(writer, "/checkpoint", "minibatch", position->minibatch));
    size_t n = sizeof position->sums / sizeof(double);
    EQS_TRY(eqs_h5_write_double(writer, "/checkpoint/sums", (const double *)&position->sums, 1, &n, "1",
                                "sums of the epoch under way, in the order of the columns of /training"));
    const double *measured = eqs_trainer_measured(run->trainer, &n);
    EQS_TRY(eqs_h5_write_double(writer, "/checkpoint/measured", measured, 1, &n, "1",
                                "|dtheta|^2, then |theta|^2, of the last measured update, per block"));
    for (int part = 0; part < EQS_DATASET_PARTS; part++) {
        size_t count, bytes;
        const void *states = eqs_trainer_states(run->trainer, (eqs_dataset_part)part, &count, &bytes);
        if (states == NULL)
            continue;
        char path[PATH_SIZE];
        size_t dim[2] = {count, bytes / (single(run) ? sizeof(float) : sizeof(double))};
        snprintf(path, sizeof path, "/checkpoint/states_%s", part_names[part]);
        EQS_TRY(eqs_h5_write(writer, path, single(run) ? EQS_H5_FLOAT : EQS_H5_DOUBLE, states, 2, dim,
                             eqs_result_units_of(run->setup->net).state,
                             "persistent free states of the samples"));
    }
    return EQS_OK;
}

static eqs_status fill(eqs_h5_writer *writer, eqs_run *run, const char *status)
{
    eqs_trainer_get_parameters(run->trainer, run->theta);
    EQS_TRY(eqs_result_header(writer, run->setup, run->theta, single(run), status, "training"));
    EQS_TRY(write_training(writer, run));
    return write_checkpoint(writer, run);
}

eqs_status eqs_run_write(eqs_run *run, const char *status)
{
    eqs_h5_writer *writer;
    if (eqs_rank() != 0)
        return EQS_OK;
    EQS_TRY(eqs_h5_create(&writer));
    eqs_status result = fill(writer, run, status);
    if (result == EQS_OK)
        result = eqs_h5_commit(writer, run->path);
    eqs_h5_writer_destroy(writer);
    return result;
}

/* ---- reading ---- */

/* true for keys that may change between the parts of a run */
static bool may_differ(const char *key)
{
    static const char *const free_keys[] = {"learning.epochs", "learning.stop_at_train_error",
                                            "output.checkpoint", "data.path"};
    for (size_t i = 0; i < sizeof free_keys / sizeof *free_keys; i++) {
        if (strcmp(key, free_keys[i]) == 0)
            return true;
    }
    return strncmp(key, "circuit.", 8) == 0;
}

/* walks two configurations in step: the entries of the first are collected, the second's compared */
typedef struct config_diff {
    size_t n, at, capacity;
    char **value;
    const char *path;
} config_diff;

static eqs_status collect(const eqs_config_entry *entry, void *user)
{
    config_diff *diff = user;
    if (diff->n == diff->capacity) {
        size_t capacity = diff->capacity == 0 ? 64 : 2 * diff->capacity;
        char **value = eqs_realloc(diff->value, diff->n, capacity, sizeof *value);
        if (value == NULL)
            return EQS_NO_MEMORY;
        diff->value = value;
        diff->capacity = capacity;
    }
    diff->value[diff->n] = eqs_strdup(entry->value);
    return diff->value[diff->n++] != NULL ? EQS_OK : EQS_NO_MEMORY;
}

static eqs_status compare(const eqs_config_entry *entry, void *user)
{
    config_diff *diff = user;
    const char *before = diff->value[diff->at++];
    if (may_differ(entry->name) || strcmp(before, entry->value) == 0)
        return EQS_OK;
    return eqs_fail(EQS_BAD_CONFIG,
                    "%s: made with %s: %s, cannot go on with %s; a resumed run may only change "
                    "learning.epochs, learning.stop_at_train_error, data.path, circuit.* and output.*",
                    diff->path, entry->name, before, entry->value);
}

static eqs_status check_same_config(const eqs_h5_reader *reader, const eqs_config *now)
{
    eqs_config *before;
    EQS_TRY(eqs_h5_read_config(reader, &before));
    config_diff diff = {.path = eqs_h5_path(reader)};
    eqs_status status = eqs_config_foreach(before, collect, &diff);
    if (status == EQS_OK)
        status = eqs_config_foreach(now, compare, &diff);
    for (size_t i = 0; i < diff.n; i++)
        eqs_free(diff.value[i]);
    eqs_free(diff.value);
    eqs_config_destroy(before);
    return status;
}

static eqs_status read_parameters(const eqs_h5_reader *reader, const eqs_network *net, double *theta)
{
    for (size_t i = 0; i < eqs_parameter_blocks(net); i++) {
        eqs_parameter_block block = eqs_parameter_block_get(net, i);
        bool weights = i < net->n_couplings;
        size_t dim[2] = {block.count, 1};
        if (weights) {
            dim[0] = net->layer[net->coupling[i].from].units;
            dim[1] = net->layer[net->coupling[i].to].units;
        }
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "/parameters/%s", block.name);
        EQS_TRY(eqs_h5_read(reader, path, EQS_H5_DOUBLE, weights ? 2 : 1, dim, theta + block.offset));
    }
    for (size_t i = 0; i < net->n_parameters; i++) {
        if (!isfinite(theta[i]))
            return eqs_fail(EQS_BAD_DATA, "%s: /parameters: value %zu is not finite", eqs_h5_path(reader), i);
    }
    return EQS_OK;
}

eqs_status eqs_run_load_parameters(const char *path, const eqs_network *net, double *theta)
{
    eqs_h5_reader *reader;
    EQS_TRY(eqs_h5_open(path, &reader));
    eqs_status status = read_parameters(reader, net, theta);
    eqs_h5_reader_destroy(reader);
    return status;
}

eqs_status eqs_run_load_config(const char *path, eqs_config **out)
{
    eqs_h5_reader *reader;
    EQS_TRY(eqs_h5_open(path, &reader));
    eqs_status status = eqs_h5_read_config(reader, out);
    eqs_h5_reader_destroy(reader);
    return status;
}

/* One column into the rows; NaN where the file was made before there was such a column. */
static eqs_status read_column(const eqs_h5_reader *reader, eqs_run *run, const char *name, size_t offset,
                              size_t n)
{
    double *column = eqs_alloc(n, sizeof *column);
    if (column == NULL)
        return EQS_NO_MEMORY;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/training/%s", name);
    bool known = eqs_h5_exists(reader, path);
    eqs_status status = known ? eqs_h5_read(reader, path, EQS_H5_DOUBLE, 1, &n, column) : EQS_OK;
    for (size_t i = 0; status == EQS_OK && i < n; i++)
        memcpy((char *)&run->row[i] + offset, known ? &column[i] : &(double){NAN}, sizeof *column);
    eqs_free(column);
    return status;
}

/* The sums of the epoch under way stand in the order of the columns that the file has. A column that it lacks
 * starts at 0 between epochs; within one it is NaN, for what came before the checkpoint is not known. */
static eqs_status read_sums(const eqs_h5_reader *reader, eqs_train_position *position)
{
    static const struct {
        const char *path;
        size_t offset;
    } columns[] = {
#define X(name, unit, text) {"/training/" #name, offsetof(eqs_epoch_row, name)},
        EQS_EPOCH_LIST(X)
#undef X
    };
    enum { COLUMNS = sizeof columns / sizeof *columns };
    double sum[COLUMNS];
    bool known[COLUMNS];
    size_t n = 0, next = 0;
    for (size_t i = 0; i < COLUMNS; i++)
        n += known[i] = eqs_h5_exists(reader, columns[i].path);
    EQS_TRY(eqs_h5_read(reader, "/checkpoint/sums", EQS_H5_DOUBLE, 1, &n, sum));
    for (size_t i = 0; i < COLUMNS; i++) {
        double value = known[i] ? sum[next++] : position->minibatch > 0 ? NAN : 0.0;
        memcpy((char *)&position->sums + columns[i].offset, &value, sizeof value);
    }
    return EQS_OK;
}

static eqs_status read_training(const eqs_h5_reader *reader, eqs_run *run)
{
    eqs_h5_shape shape;
    EQS_TRY(eqs_h5_get_shape(reader, "/training/epoch", &shape));
    size_t n = shape.count, dim[2] = {n, run->n_blocks};
    run->row = eqs_alloc(n, sizeof *run->row);
    run->seconds = eqs_alloc(n, sizeof *run->seconds);
    run->change = eqs_alloc(n * run->n_blocks, sizeof *run->change);
    if (run->row == NULL || run->seconds == NULL || run->change == NULL)
        return EQS_NO_MEMORY;
#define X(name, unit, text) EQS_TRY(read_column(reader, run, #name, offsetof(eqs_epoch_row, name), n));
    EQS_EPOCH_LIST(X)
#undef X
    EQS_TRY(eqs_h5_read(reader, "/training/seconds", EQS_H5_DOUBLE, 1, &n, run->seconds));
    EQS_TRY(eqs_h5_read(reader, "/training/relative_change", EQS_H5_DOUBLE, 2, dim, run->change));
    run->n_rows = run->capacity = n;
    return EQS_OK;
}

static eqs_status read_position(const eqs_h5_reader *reader, eqs_run *run)
{
    int64_t epoch, minibatch;
    eqs_train_position *position = eqs_trainer_position(run->trainer);
    size_t n;
    EQS_TRY(eqs_h5_read_attribute_int(reader, "/checkpoint", "epoch", &epoch));
    EQS_TRY(eqs_h5_read_attribute_int(reader, "/checkpoint", "minibatch", &minibatch));
    if (epoch < 0 || epoch > UINT32_MAX || (size_t)epoch != run->n_rows || minibatch < 0 ||
        minibatch > UINT32_MAX)
        return eqs_fail(EQS_BAD_DATA,
                        "%s: /checkpoint: epoch %lld, minibatch %lld do not fit %zu rows of /training",
                        run->path, (long long)epoch, (long long)minibatch, run->n_rows);
    position->epoch = (uint32_t)epoch;
    position->minibatch = (uint32_t)minibatch;
    EQS_TRY(read_sums(reader, position));
    double *measured = eqs_trainer_measured(run->trainer, &n);
    if (eqs_h5_exists(reader, "/checkpoint/measured"))
        EQS_TRY(eqs_h5_read(reader, "/checkpoint/measured", EQS_H5_DOUBLE, 1, &n, measured));
    return EQS_OK;
}

static eqs_status read_states(const eqs_h5_reader *reader, eqs_run *run)
{
    for (int part = 0; part < EQS_DATASET_PARTS; part++) {
        size_t count, bytes;
        void *states = eqs_trainer_states(run->trainer, (eqs_dataset_part)part, &count, &bytes);
        if (states == NULL)
            continue;
        char path[PATH_SIZE];
        size_t dim[2] = {count, bytes / (single(run) ? sizeof(float) : sizeof(double))};
        snprintf(path, sizeof path, "/checkpoint/states_%s", part_names[part]);
        EQS_TRY(eqs_h5_read(reader, path, single(run) ? EQS_H5_FLOAT : EQS_H5_DOUBLE, 2, dim, states));
    }
    return EQS_OK;
}

static eqs_status restore(const eqs_h5_reader *reader, eqs_run *run)
{
    EQS_TRY(check_same_config(reader, run->setup->config));
    EQS_TRY(read_parameters(reader, run->setup->net, run->theta));
    EQS_TRY(read_training(reader, run));
    EQS_TRY(read_position(reader, run));
    EQS_TRY(read_states(reader, run));
    eqs_trainer_set_parameters(run->trainer, run->theta);
    return EQS_OK;
}

eqs_status eqs_run_resume(eqs_run *run)
{
    eqs_h5_reader *reader;
    EQS_TRY(eqs_h5_open(run->path, &reader));
    eqs_status status = restore(reader, run);
    eqs_h5_reader_destroy(reader);
    return status;
}
