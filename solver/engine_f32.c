/* The batch engine in single precision. */
#define REAL float
#define REAL_EPSILON FLT_EPSILON
#define RESIDUAL_FLOOR EQS_RESIDUAL_FLOOR_SINGLE
#define KERNEL eqs_kernel_f32
#define OPERAND eqs_operand_f32
#define UPDATE_TERMS eqs_update_terms_f32
#define KERNEL_OF(set) (set)->f32
#define CREATE eqs_engine_create_f32
#define GEMM cblas_sgemm
#include "solver/batch_engine.inc"
