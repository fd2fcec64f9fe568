/* Equilibrium propagation's estimate of the gradient, in double precision and with any solver: the reference
 * against which training and hardware are checked. */
#ifndef EQS_SOLVER_EQPROP_GRADIENT_H
#define EQS_SOLVER_EQPROP_GRADIENT_H

#include "solver/relax.h"

/* one-sided: (g(+xi) - g(0)) / xi, error O(xi); centred: D(xi) = (g(+xi) - g(-xi)) / (2 xi), error O(xi^2);
 * higher order: (4 D(xi/2) - D(xi)) / 3 (Richardson), error O(xi^4) where rho is smooth, from four nudged
 * phases. g(xi) = dF/dtheta(theta, beta + xi delta, s^xi) */
typedef enum eqs_eqprop_mode { EQS_EQPROP_ONE_SIDED, EQS_EQPROP_CENTRED, EQS_EQPROP_HIGHER } eqs_eqprop_mode;

/* The nudges of a mode as multiples of xi, and the weights, in units of 1/xi, of the g's there; the weight of
 * g(0) is minus their sum. Returns how many (at most 4). */
size_t eqs_eqprop_nudges(eqs_eqprop_mode mode, double multiple[4], double weight[4]);

/* grad[n_parameters] += weight * sum over samples of dF/dtheta at the state, layer 0 included (paper 001
 * Eqs. 10, 35): what a nudged or free phase gives to an estimate. EQS_NO_MEMORY. */
eqs_status eqs_eqprop_add(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *state,
                          double weight, double *grad);

/* grad[n_parameters] = minus Eq. 11's direction: the estimate of the sum over samples of dJ/dtheta (paper 001
 * Eqs. 10, 11), overwritten. Relaxes the nudged phases beta + xi delta (and beta - xi delta) from fixed_point
 * with options (settled_start is implied); options->tolerance must be far below xi, for the response is of
 * order xi. result, unless NULL, receives one result per nudge (1, 2 or 4, in the order of
 * eqs_eqprop_nudges), to be cleared by the caller also when samples did not converge; with NULL an
 * unconverged nudged phase is EQS_NOT_CONVERGED. EQS_BAD_CONFIG: xi is 0 or not finite, or a nudged phase
 * cannot be relaxed (1 + beta - |xi| <= 0). After an error there is nothing to clear. */
eqs_status eqs_eqprop_gradient(const eqs_energy *energy, const eqs_phase *phase,
                               const eqs_relax_options *options, const eqs_state *fixed_point, double xi,
                               eqs_eqprop_mode mode, double *grad, eqs_relax_result *result);

#endif
