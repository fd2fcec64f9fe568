/* A small training run on a made data set: a CSV file of three noisy classes in the scratch folder, and
 * everything from the configuration to the trainer. */
#ifndef EQS_TESTS_LEARNING_SMALL_RUN_H
#define EQS_TESTS_LEARNING_SMALL_RUN_H

#include "tests/store/scratch.h"

#include "base/memory.h"
#include "base/random.h"
#include "learning/setup.h"

enum { BLOB_DIM = 6, BLOB_CLASSES = 3, BLOB_ROWS = 120 };

/* samples of three classes: noise in [0, 0.5], and 0.5 more on two values that belong to the class */
static inline const char *blobs_csv(void)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    assert_non_null(memory);
    eqs_random noise = eqs_random_stream(5, EQS_RANDOM_TEST, 1, 0);
    for (unsigned row = 0; row < BLOB_ROWS; row++) {
        unsigned label = row * 7 % BLOB_CLASSES;
        for (unsigned i = 0; i < BLOB_DIM; i++)
            fprintf(memory, "%.6f,",
                    0.5 * eqs_random_uniform(&noise, row * BLOB_DIM + i) + (i / 2 == label ? 0.5 : 0.0));
        fprintf(memory, "%u\n", label);
    }
    assert_int_equal(fclose(memory), 0);
    const char *path = scratch_text("blobs.csv", text);
    free(text);
    return path;
}

typedef struct small_run {
    eqs_config *config;
    eqs_setup *setup;
    eqs_dataset *data;
    eqs_trainer *trainer;
} small_run;

/* The configuration of a small run with overrides ("learning.beta=0.2"; NULL: none); checked by the setup. */
static inline eqs_config *small_config(size_t n, const char *const *overrides)
{
    char text[1024];
    snprintf(text, sizeof text,
             "seed: 3\n"
             "data: {set: csv, path: %s, train: 60, validation: 20, test: 20}\n"
             "network: {layers: [6, 8, 3], gain: 0.8}\n"
             "relaxation: {tolerance: 1e-8, precision: double, rtol: 1e-9, atol: 1e-12}\n"
             "learning: {beta: 0.5, nudge: random-sign, rates: [0.4, 0.2], batch: 7, epochs: 4}\n",
             blobs_csv());
    eqs_config *config;
    assert_ok(eqs_config_parse(text, "small.yaml", &config));
    for (size_t i = 0; i < n; i++) {
        if (overrides[i] != NULL)
            assert_ok(eqs_config_set(config, overrides[i]));
    }
    return config;
}

static inline small_run small_run_open(size_t n, const char *const *overrides, int threads)
{
    small_run run = {.config = small_config(n, overrides)};
    eqs_train_options options;
    assert_ok(eqs_setup_create(run.config, NULL, &run.setup));
    assert_ok(eqs_setup_train_options(run.setup, threads, &options));
    assert_ok(eqs_dataset_open(&run.config->data, run.config->seed, &run.data));
    assert_ok(eqs_trainer_create(run.setup->energy, run.data, &options, run.setup->theta, &run.trainer));
    return run;
}

/* opens a run with overrides given as arguments */
#define SMALL_RUN(...)                                                                                       \
    small_run_open(sizeof((const char *[]){NULL, __VA_ARGS__}) / sizeof(char *),                             \
                   (const char *[]){NULL, __VA_ARGS__}, 1)

static inline void small_run_close(small_run *run)
{
    eqs_trainer_destroy(run->trainer);
    eqs_dataset_destroy(run->data);
    eqs_setup_destroy(run->setup);
    eqs_config_destroy(run->config);
}

/* one epoch that must succeed */
static inline eqs_epoch_row small_epoch(small_run *run)
{
    eqs_epoch_row row;
    assert_ok(eqs_trainer_epoch(run->trainer, NULL, NULL, &row));
    return row;
}

/* the parameters now; the caller frees (eqs_free) */
static inline double *small_theta(const small_run *run)
{
    double *theta = eqs_alloc(run->setup->net->n_parameters, sizeof *theta);
    assert_non_null(theta);
    eqs_trainer_get_parameters(run->trainer, theta);
    return theta;
}

static inline double largest_difference(size_t n, const double *a, const double *b)
{
    double largest = 0.0;
    for (size_t i = 0; i < n; i++) {
        double difference = fabs(a[i] - b[i]);
        if (!(difference <= largest))
            largest = difference;
    }
    return largest;
}

/* test data by index, [count x dim] and labels; the caller frees x (eqs_free) */
static inline double *small_samples(const small_run *run, eqs_dataset_part part, size_t n, uint32_t *label)
{
    double *x = eqs_alloc(n * run->data->dim, sizeof *x);
    assert_non_null(x);
    assert_ok(eqs_dataset_fetch(run->data, part, NULL, n, x, label));
    return x;
}

#endif
