/* The engine of layered resistive networks in double precision. */
#define REAL double
#define KERNEL eqs_resistive_kernel_f64
#define KERNEL_OF(set) (set)->f64
#define PASS eqs_resistive_pass_f64
#define NODE_LAW eqs_node_law_f64
#define MATRIX_UPDATE eqs_matrix_update_f64
#define OPERAND eqs_rows_f64
#define CREATE eqs_resistive_create_f64
#include "solver/resistive_engine.inc"
