/* Inner kernels of the batch engine: products of a few rows with prepacked matrices, rank updates of both
 * orientations of a matrix, and vector operations, compiled for several instruction sets.
 *
 * Why not a BLAS: with 1..20 rows a BLAS repacks the whole matrix at every call (notes in bench/engine.c),
 * and its sums depend on the number of rows. Here the matrix stays packed between calls and an element of a
 * product is one chain c + a_0 b_0 + a_1 b_1 ... in that order (fused multiply-adds where the machine has
 * them), so that a sample's bits do not depend on the rest of its minibatch nor on threads. */
#ifndef EQS_SOLVER_KERNEL_H
#define EQS_SOLVER_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* Entries beyond the K columns of an operand that packing and prefetching may touch. */
enum { EQS_OPERAND_SLACK = 16 };

#define EQS_REAL float
#define EQS_NAME(x) x##_f32
#include "solver/kernel_types.h"
#undef EQS_REAL
#undef EQS_NAME
#define EQS_REAL double
#define EQS_NAME(x) x##_f64
#include "solver/kernel_types.h"
#undef EQS_REAL
#undef EQS_NAME

/* The kernels of one instruction set, in both precisions. */
typedef struct eqs_kernel_set {
    const char *isa;
    const eqs_kernel_f32 *f32;
    const eqs_kernel_f64 *f64;
} eqs_kernel_set;

/* The i-th set that this processor can run, best first; NULL past the end. The last is plain x86-64 (or the
 * baseline of another machine). */
const eqs_kernel_set *eqs_kernel_get(size_t i);

/* Tables of the instruction sets; NULL members when the compiler could not build them. For eqs_kernel_get. */
extern const eqs_kernel_set eqs_kernel_base, eqs_kernel_avx2, eqs_kernel_avx512;

#endif
