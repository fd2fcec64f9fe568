/* The three matrix products that batched energies need, row-major, double precision, single-threaded BLAS. */
#ifndef EQS_MODELS_DENSE_H
#define EQS_MODELS_DENSE_H

#include <stddef.h>

/* Makes OpenBLAS single-threaded: its bits depend on its number of threads, and parallelism is over samples.
 */
void eqs_dense_init(void);

/* C [m x n] += alpha A [m x k] B [k x n] */
void eqs_dense_nn(size_t m, size_t n, size_t k, double alpha, const double *A, const double *B, double *C);

/* C [m x n] += alpha A [m x k] B' with B [n x k] */
void eqs_dense_nt(size_t m, size_t n, size_t k, double alpha, const double *A, const double *B, double *C);

/* C [m x n] += alpha A' B with A [k x m], B [k x n] */
void eqs_dense_tn(size_t m, size_t n, size_t k, double alpha, const double *A, const double *B, double *C);

#endif
