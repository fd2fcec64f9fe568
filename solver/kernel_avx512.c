/* Kernels for AVX-512: 10 rows x 2 vectors in 20 of 32 registers (a minibatch of 20 is two blocks). */
#include "solver/kernel.h"

#if defined(__AVX512F__) && defined(__AVX512VL__)
#define ISA avx512
#define VECTOR_BYTES 64
#define VECTORS 2
#define ROWS 10
#include "solver/kernel_set.h"
#else
const eqs_kernel_set eqs_kernel_avx512 = {"avx512", NULL, NULL};
#endif
