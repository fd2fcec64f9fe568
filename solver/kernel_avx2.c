/* Kernels for AVX2 with fused multiply-add: 4 rows x 3 vectors in 12 of 16 registers. */
#include "solver/kernel.h"

#if defined(__AVX2__) && defined(__FMA__)
#define ISA avx2
#define VECTOR_BYTES 32
#define VECTORS 3
#define ROWS 4
#include "solver/kernel_set.h"
#else
const eqs_kernel_set eqs_kernel_avx2 = {"avx2", NULL, NULL};
#endif
