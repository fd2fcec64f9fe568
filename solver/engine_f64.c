/* The batch engine in double precision. */
#define REAL double
#define REAL_EPSILON DBL_EPSILON
#define RESIDUAL_FLOOR EQS_RESIDUAL_FLOOR_DOUBLE
#define KERNEL eqs_kernel_f64
#define OPERAND eqs_operand_f64
#define UPDATE_TERMS eqs_update_terms_f64
#define KERNEL_OF(set) (set)->f64
#define CREATE eqs_engine_create_f64
#define GEMM cblas_dgemm
#include "solver/batch_engine.inc"
