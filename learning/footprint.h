/* How much memory a run will take, from its configuration alone: known before anything is allocated, so that
 * a run that cannot fit is refused at once and not killed hours later. Measured against in
 * tests/cli/test_memory.py and bench/scale.c. */
#ifndef EQS_LEARNING_FOOTPRINT_H
#define EQS_LEARNING_FOOTPRINT_H

#include "store/config.h"

/* What is to be done with the network. */
typedef enum eqs_footprint_use {
    EQS_FOOTPRINT_TRAINING,   /* eqspice train */
    EQS_FOOTPRINT_MEASUREMENT /* relax, eval, gradcheck, ...: parameters, and a few samples at a time */
} eqs_footprint_use;

/* Bytes at the peak; synapses and samples are counts. */
typedef struct eqs_footprint {
    double synapses;   /* weights of all couplings */
    double parameters; /* in double precision, as often as they are held */
    double engine;     /* weights in the engine's own form and precision, and the rows of a minibatch */
    double states;     /* persistent states of the samples */
    double data;       /* samples as they are read */
    double file;       /* the result file, built in memory */
    double total;      /* with what the program takes by itself */
} eqs_footprint;

/* Estimates the peak of a run on `threads` threads. network.layers must hold at least two layers. */
void eqs_footprint_estimate(const eqs_config *config, eqs_footprint_use use, int threads, eqs_footprint *out);

/* EQS_NO_MEMORY, with what is needed, what is available and what would help, when the total exceeds
 * `available` bytes (0: unknown, never refused). */
eqs_status eqs_footprint_check(const eqs_footprint *footprint, double available);

/* "1.2 GiB (parameters 0.4, engine 0.5, ...)" into text; cut at `size`. */
void eqs_footprint_describe(const eqs_footprint *footprint, char *text, size_t size);

#endif
