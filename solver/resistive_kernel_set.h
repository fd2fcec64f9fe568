/* Both precisions of one instruction set: included by resistive_kernel_<isa>.c with ISA and VECTOR_BYTES
 * defined. */
#include <stdbool.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wpsabi" /* wide vectors only cross functions that are always inlined */
#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)
#define TEXT2(a) #a
#define TEXT(a) TEXT2(a)
#define INLINE static inline __attribute__((always_inline))

/* clang-format off */
#define REAL float
#define MASK int32_t
#define N(x) x##_f32
#include "solver/resistive_kernel_pass.h"
#include "solver/resistive_kernel_nodes.h"
#include "solver/resistive_kernel_diode.h"
#include "solver/resistive_kernel_table.h"
#undef REAL
#undef MASK
#undef N
#define REAL double
#define MASK int64_t
#define N(x) x##_f64
#include "solver/resistive_kernel_pass.h"
#include "solver/resistive_kernel_nodes.h"
#include "solver/resistive_kernel_diode.h"
#include "solver/resistive_kernel_table.h"
#undef REAL
#undef MASK
#undef N
/* clang-format on */

const eqs_resistive_kernels PASTE(eqs_resistive_kernel_, ISA) = {TEXT(ISA), &table_f32, &table_f64};
