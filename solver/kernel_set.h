/* Both precisions of one instruction set: included by kernel_<isa>.c with ISA, VECTOR_BYTES, VECTORS (per
 * panel) and ROWS (most rows of a block) defined. */
#include <stdbool.h>
#include <string.h>

/* vectors wider than the machine's are passed between functions that are always inlined: no ABI is involved
 */
#pragma GCC diagnostic ignored "-Wpsabi"
#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)
#define TEXT2(a) #a
#define TEXT(a) TEXT2(a)
#define PREFETCH_AHEAD 12 /* entries of an operand; measured in bench/engine.c */
_Static_assert(PREFETCH_AHEAD <= EQS_OPERAND_SLACK, "prefetching reads index[t + PREFETCH_AHEAD]");
#define INLINE static inline __attribute__((always_inline))

/* The table comes after the functions it names. */
/* clang-format off */
#define REAL float
#define MASK int32_t
#define N(x) x##_f32
#include "solver/kernel_product.h"
#include "solver/kernel_vector.h"
#include "solver/kernel_table.h"
#undef REAL
#undef MASK
#undef N
#define REAL double
#define MASK int64_t
#define N(x) x##_f64
#include "solver/kernel_product.h"
#include "solver/kernel_vector.h"
#include "solver/kernel_table.h"
#undef REAL
#undef MASK
#undef N
/* clang-format on */

const eqs_kernel_set PASTE(eqs_kernel_, ISA) = {TEXT(ISA), &table_f32, &table_f64};
