/* Kernels for the baseline of the machine (x86-64: SSE2, without fused multiply-add). */
#include "solver/kernel.h"

#define ISA base
#define VECTOR_BYTES 16
#define VECTORS 2
#define ROWS 4
#include "solver/kernel_set.h"
