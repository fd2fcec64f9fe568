/* A network in the middle of its training, as a benchmark needs it: the weights, and the samples that
 * training would take next, with the states that they were left in an epoch ago. */
#ifndef EQS_BENCH_TRAINED_H
#define EQS_BENCH_TRAINED_H

#include "learning/setup.h"

typedef struct bench_trained {
    char *origin; /* where the weights come from, for the reader */
    eqs_config *config;
    eqs_setup *setup; /* setup->theta: the trained weights */
    size_t hidden;    /* hidden layers */
    uint32_t epoch;   /* complete epochs of training */
    size_t minibatch; /* of the epoch under way: the first of the samples below is minibatch * batch */
    size_t n;         /* samples */
    double *x;        /* [n x n_0] */
    double *target;   /* [n x n_L] */
    float *state;     /* [n x state size]: rows for eqs_engine_put_state in single precision */
} bench_trained;

/* The next `minibatches` minibatches of a run file's checkpoint (fewer when the training data has fewer).
 * EQS_BAD_CONFIG when the run is not in single precision; errors of store/h5file.h and store/dataset.h. */
eqs_status bench_trained_load(const char *run_file, size_t minibatches, bench_trained *out);

/* Trains the configuration at `path` for `epochs` epochs on `data` training samples, as many test samples and
 * no validation samples (0: as configured), on Fashion-MNIST when MNIST is asked for and not there. */
eqs_status bench_trained_make(const char *path, size_t epochs, size_t data, size_t minibatches,
                              bench_trained *out);

void bench_trained_clear(bench_trained *trained);

/* "784-500-10"; writes at most `size` bytes. */
void bench_architecture(const eqs_network *net, char *text, size_t size);

#endif
