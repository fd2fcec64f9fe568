#include "models/dense.h"

#include <cblas.h>

void eqs_dense_init(void)
{
    openblas_set_num_threads(1);
}

void eqs_dense_nn(size_t m, size_t n, size_t k, double alpha, const double *A, const double *B, double *C)
{
    int M = (int)m, N = (int)n, K = (int)k;
    if (m == 1)
        cblas_dgemv(CblasRowMajor, CblasTrans, K, N, alpha, B, N, A, 1, 1.0, C, 1);
    else
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, M, N, K, alpha, A, K, B, N, 1.0, C, N);
}

void eqs_dense_nt(size_t m, size_t n, size_t k, double alpha, const double *A, const double *B, double *C)
{
    int M = (int)m, N = (int)n, K = (int)k;
    if (m == 1)
        cblas_dgemv(CblasRowMajor, CblasNoTrans, N, K, alpha, B, K, A, 1, 1.0, C, 1);
    else
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, M, N, K, alpha, A, K, B, K, 1.0, C, N);
}

void eqs_dense_tn(size_t m, size_t n, size_t k, double alpha, const double *A, const double *B, double *C)
{
    int M = (int)m, N = (int)n, K = (int)k;
    if (k == 1)
        cblas_dger(CblasRowMajor, M, N, alpha, A, 1, B, 1, C, N);
    else
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, M, N, K, alpha, A, M, B, N, 1.0, C, N);
}
