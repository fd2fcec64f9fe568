/* Spike-timing dependent plasticity in its rate form (paper 001 Eqs. 44-47): every synapse integrates
 *   dW_ij/dt = rho(s_i) d rho(s_j)/dt + rho(s_j) d rho(s_i)/dt,   db_i/dt = d rho(s_i)/dt
 * along the trajectory of a nudged phase, from the free fixed point to the nudged one. With tied weights the
 * integral is rho_i rho_j at the end minus at the start (Eq. 47): the contrastive update (Eq. 36). */
#ifndef EQS_SOLVER_STDP_H
#define EQS_SOLVER_STDP_H

#include "solver/relax.h"

/* dtheta[n_parameters] += weight * sum over samples of the integrals along the nudged phase beta + xi delta,
 * which starts at fixed_point (states of phase->batch samples at beta). Integrated by CVODE's quadratures
 * with options: solver cvode-bdf or cvode-adams, rtol and atol also of the integrals. Couplings of clamped
 * inputs integrate d rho/dt once per unit, since x stands still. result, unless NULL, receives the relaxation
 * (cleared by the caller); EQS_BAD_CONFIG as eqs_relax_run; EQS_NO_MEMORY. Dimensionless. */
eqs_status eqs_stdp_integrate(const eqs_energy *energy, const eqs_phase *phase,
                              const eqs_relax_options *options, const eqs_state *fixed_point, double xi,
                              double weight, double *dtheta, eqs_relax_result *result);

#endif
