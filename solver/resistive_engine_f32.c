/* The engine of layered resistive networks in single precision. */
#define REAL float
#define KERNEL eqs_resistive_kernel_f32
#define KERNEL_OF(set) (set)->f32
#define PASS eqs_resistive_pass_f32
#define NODE_LAW eqs_node_law_f32
#define MATRIX_UPDATE eqs_matrix_update_f32
#define OPERAND eqs_rows_f32
#define CREATE eqs_resistive_create_f32
#include "solver/resistive_engine.inc"
