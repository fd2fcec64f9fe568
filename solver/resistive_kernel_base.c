/* Kernels of resistive networks for the baseline of the machine. */
#include "solver/resistive_kernel.h"

#define ISA base
#define VECTOR_BYTES 16
#include "solver/resistive_kernel_set.h"
