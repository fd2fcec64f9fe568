/* The equilibrium solvers of the batch engine behind the interface of relax.h, in double precision: they find
 * the fixed point, not the way there.
 *   sweep     block coordinate descent over the colours of the network; the energy never rises
 *   nesterov  the same with momentum and restarts (O'Donoghue & Candes 2015); keeps to the attractor that the
 *             flow reaches in nearly all cases
 *   anderson  the same with Anderson's mixing per sample (Walker & Ni 2011); fastest, may reach another
 * attractor of a multistable network newton    active sets and conjugate gradients; for tight tolerances auto
 * anderson, then nesterov, then sweep, for samples that take long A recorded trajectory has a point after
 * each sweep, with the number of the sweep as its time. */
#ifndef EQS_SOLVER_ENGINE_SOLVERS_H
#define EQS_SOLVER_ENGINE_SOLVERS_H

#include "solver/relax.h"

extern const eqs_solver eqs_solver_sweep, eqs_solver_nesterov, eqs_solver_anderson, eqs_solver_newton,
    eqs_solver_auto;

#endif
