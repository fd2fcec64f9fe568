/* Kernels of resistive networks for AVX2 with fused multiply-add. */
#include "solver/resistive_kernel.h"

#if defined(__AVX2__) && defined(__FMA__)
#define ISA avx2
#define VECTOR_BYTES 32
#include "solver/resistive_kernel_set.h"
#else
const eqs_resistive_kernels eqs_resistive_kernel_avx2 = {"avx2", NULL, NULL};
#endif
