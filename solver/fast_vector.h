/* Inside solver/: SUNDIALS' serial vector with reductions that the compiler can vectorise. The library's own
 * sum strictly from left to right and take a quarter of the time of a small network's integration (measured).
 */
#ifndef EQS_SOLVER_FAST_VECTOR_H
#define EQS_SOLVER_FAST_VECTOR_H

#include <nvector/nvector_serial.h>

/* A zeroed vector of n numbers, to be destroyed with N_VDestroy; its clones inherit the reductions. NULL when
 * memory is short. The sums run in a fixed order, so the bits depend on the data alone. */
N_Vector eqs_fast_vector(sunindextype n, SUNContext context);

#endif
