/* The built-in solvers that follow or solve the ODE itself. The batch solvers are in solver/engine_solvers.h;
 * the one list of all built-ins is in relax.c. */
#ifndef EQS_SOLVER_SOLVERS_H
#define EQS_SOLVER_SOLVERS_H

#include "solver/relax.h"

extern const eqs_solver eqs_solver_cvode_bdf;
extern const eqs_solver eqs_solver_cvode_adams;
extern const eqs_solver eqs_solver_euler;
extern const eqs_solver eqs_solver_kinsol;

#endif
