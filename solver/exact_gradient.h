/* The exact gradient of the objective J = C(s*) (paper 001 Eq. 4) at the free fixed point s*, by the implicit
 * function theorem (paper 001 Appendix A, Eqs. 61-65; Almeida 1987, Pineda 1987):
 *   d2F/ds2 lambda = -dC/ds,   dJ/dtheta = dC/dtheta + lambda . d2F/ds dtheta,   C = delta . dF/dbeta,
 * on the units strictly inside their box; a unit held at its bound by a force does not move, so lambda = 0
 * there. It is what equilibrium propagation estimates: the limit of Eq. 10. */
#ifndef EQS_SOLVER_EXACT_GRADIENT_H
#define EQS_SOLVER_EXACT_GRADIENT_H

#include "models/energy.h"
#include "models/state.h"

typedef struct eqs_exact_options {
    size_t dense_limit; /* most moving units for which d2F/ds2 is assembled and factorised (Cholesky, LU where
                           it is not positive definite); above, conjugate gradients; default 2000 */
    double tolerance;   /* conjugate gradients and relaxation: on |residual| / |dC/ds|; default 1e-12 */
    /* Almeida's and Pineda's second phase in place of a linear solve: the linearised network
     *   tau dlambda/dt = -d2F/ds2 lambda - dC/ds,  lambda(0) = 0,
     * by Euler steps of `step` smallest time constants, until the right-hand side has fallen to `tolerance`
     * of its start (default 1e-12), or for exactly max_iterations when `fixed_iterations` (truncated). Where
     * the fixed point is no minimum lambda grows without bound, and is put to 0: counted in not_minima and
     * unrelaxed */
    bool relaxation;       /* default false */
    double step;           /* default 0.5 */
    size_t max_iterations; /* default 100000 */
    bool fixed_iterations;
    double margin; /* a unit is degenerate when both its distance to a bound and |dF/ds| are at most this;
                      default 1e-9 */
} eqs_exact_options;

eqs_exact_options eqs_exact_options_default(void);

/* What the gradient rests on, over all samples. */
typedef struct eqs_exact_report {
    double residual;   /* largest |P(dF/ds)|: how well the given state is a fixed point */
    size_t moving;     /* units strictly inside their box */
    size_t held;       /* units at a bound */
    size_t degenerate; /* units at a kink, where J has one-sided derivatives only and the gradient is one of
                          them; counted in moving or held too */
    size_t not_minima; /* samples whose d2F/ds2 is not positive definite (Eq. 2): stationary, not stable */
    size_t cg_iterations;         /* of conjugate gradients */
    size_t relaxation_iterations; /* of the linearised network */
    size_t unrelaxed;             /* samples whose lambda did not reach the tolerance */
    double
        costate_residual; /* of the relaxation: largest |d2F/ds2 lambda + dC/ds| / |dC/ds|, maximum norms */
} eqs_exact_report;

/* grad[n_parameters] = sum over the samples of the phase of dJ/dtheta (overwritten; lateral couplings as in
 * eqs_energy_gradient). fixed_point: free-phase states of phase->batch samples, s[0] the data when clamped.
 * options NULL: defaults. lambda, unless NULL, receives the costate, [batch x state size], sample by sample,
 * free layers in turn; lambda = delta . ds/dbeta (Eq. 63). report may be NULL. Dimensionless. EQS_NO_MEMORY;
 * EQS_BAD_DATA without targets where delta asks for them; EQS_BAD_CONFIG for a
 * non-reciprocal network; EQS_NOT_CONVERGED when d2F/ds2 is singular, or
 * conjugate gradients fail (the message names the sample). */
eqs_status eqs_exact_gradient(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *fixed_point,
                              const eqs_exact_options *options, double *grad, double *lambda,
                              eqs_exact_report *report);

#endif
