/* Kernels of resistive networks for AVX-512. */
#include "solver/resistive_kernel.h"

#if defined(__AVX512F__) && defined(__AVX512VL__)
#define ISA avx512
#define VECTOR_BYTES 64
#include "solver/resistive_kernel_set.h"
#else
const eqs_resistive_kernels eqs_resistive_kernel_avx512 = {"avx512", NULL, NULL};
#endif
