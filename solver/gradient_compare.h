/* Agreement of two gradients, as a whole or per block of parameters. */
#ifndef EQS_SOLVER_GRADIENT_COMPARE_H
#define EQS_SOLVER_GRADIENT_COMPARE_H

#include "models/network.h"

/* One block of theta: a coupling's W or a layer's b. */
typedef struct eqs_parameter_block {
    size_t offset, count; /* theta[offset .. offset + count) */
    char name[32];        /* "W_1", "W_0_2", "b_1" */
} eqs_parameter_block;

/* Number of blocks: the couplings in order, then the biases of layers 1..L. */
size_t eqs_parameter_blocks(const eqs_network *net);

/* The i-th block, i < eqs_parameter_blocks(net). */
eqs_parameter_block eqs_parameter_block_get(const eqs_network *net, size_t i);

typedef struct eqs_gradient_agreement {
    double cosine;     /* a.b / (|a| |b|); NaN when one is zero */
    double norm_ratio; /* |a| / |b| */
    double error;      /* |a - b| / |b| */
} eqs_gradient_agreement;

/* Agreement of an estimate a with a reference b, both [n]. */
eqs_gradient_agreement eqs_gradient_compare(size_t n, const double *a, const double *b);

#endif
