/* Inside solver/: the Schur preconditioner of CVODE's Newton matrix 1 - gamma J for networks whose layers
 * have two colours (solver/engine_plan.h). Units of one colour do not see each other, so that eliminating the
 * larger colour leaves a dense matrix of the smaller one, S = D_z - gamma^2 J_zh D_h^-1 J_hz: the exact
 * inverse, and GMRES converges in one iteration. */
#ifndef EQS_SOLVER_CVODE_SCHUR_H
#define EQS_SOLVER_CVODE_SCHUR_H

#include "solver/cvode_integrator.h"

/* Why the network cannot have it, or NULL. */
const char *eqs_schur_refuses(const eqs_network *net);

/* *out is the caller's. EQS_NO_MEMORY. */
eqs_status eqs_schur_create(eqs_integrator *integrator, eqs_schur **out);
void eqs_schur_destroy(eqs_schur *schur);

/* Takes J at the x of field->ops->prepare (when `renew`), and factorises for gamma; false when S is singular.
 */
bool eqs_schur_factorise(eqs_schur *schur, bool renew, double gamma);

/* z = (1 - gamma J)^-1 r; [n] each. */
void eqs_schur_solve(const eqs_schur *schur, const double *r, double *z);

#endif
