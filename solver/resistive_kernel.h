/* Inner kernels of the engine of layered resistive networks (solver/resistive_engine.h), compiled for several
 * instruction sets in both precisions: the fused pass over the conductances of the first layer, small
 * products with few output nodes, the update of a matrix between hidden layers, and the laws of the nodes.
 *
 * The first layer of a network like 2 x 784 - 1024 - 10 holds nearly all conductances, and all of them change
 * with every minibatch (the term of a node's own voltage reaches each of its rows). What a minibatch asks of
 * them - the update, the clamp, the total conductance of each node, the currents that the next minibatch's
 * inputs drive - is therefore done in one read and one write of the matrix. */
#ifndef EQS_SOLVER_RESISTIVE_KERNEL_H
#define EQS_SOLVER_RESISTIVE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Columns of a panel of the first layer's conductances; node vectors are padded to multiples of it. */
enum { EQS_PANEL = 16 };
/* Rows (samples) are padded to multiples of this. */
enum { EQS_ROW_BLOCK = 4 };

/* A run of inputs that are alike. */
typedef struct eqs_input_run {
    uint32_t first, last; /* inputs [first, last) */
    uint32_t kind;        /* EQS_INPUT_OLD: some of the last minibatch's voltages are not zero; EQS_INPUT_NEW:
                             some of the next minibatch's */
} eqs_input_run;

enum { EQS_INPUT_OLD = 1, EQS_INPUT_NEW = 2 };

#define EQS_REAL float
#define EQS_NAME(x) x##_f32
#include "solver/resistive_kernel_types.h"
#undef EQS_REAL
#undef EQS_NAME
#define EQS_REAL double
#define EQS_NAME(x) x##_f64
#include "solver/resistive_kernel_types.h"
#undef EQS_REAL
#undef EQS_NAME

/* The kernels of one instruction set, in both precisions. */
typedef struct eqs_resistive_kernels {
    const char *isa;
    const eqs_resistive_kernel_f32 *f32;
    const eqs_resistive_kernel_f64 *f64;
} eqs_resistive_kernels;

/* The i-th set that this processor can run, best first; NULL past the end. */
const eqs_resistive_kernels *eqs_resistive_kernel_get(size_t i);

/* Tables of the instruction sets; NULL members when the compiler could not build them. */
extern const eqs_resistive_kernels eqs_resistive_kernel_base, eqs_resistive_kernel_avx2,
    eqs_resistive_kernel_avx512;

#endif
