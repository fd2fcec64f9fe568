/* Which fixed point? A network with several has one that the flow reaches from a given start; a fast solver
 * may end in another. The check relaxes the same start again by a solver that keeps to the flow's basin and
 * says, sample by sample, who ended elsewhere. */
#ifndef EQS_SOLVER_ATTRACTOR_H
#define EQS_SOLVER_ATTRACTOR_H

#include "solver/relax.h"

/* States further apart than this, in units of state, are different fixed points: those of one network that
 * are certified to 1e-6 differ by far less when they are the same, and by far more when they are not
 * (measured: bench/README.md). */
#define EQS_ATTRACTOR_DISTANCE 1e-3

/* Relaxes a copy of `start` by `reference` (solver and tolerances: "cvode-bdf" follows the flow itself,
 * "sweep" descends without ever jumping and is much cheaper) and compares with `reached`, states of the same
 * phase: elsewhere[b] = 1 where a unit of sample b differs by more than `distance`, *count their number.
 * EQS_NOT_CONVERGED when the reference does not arrive: then nothing is known. elsewhere [batch] and count
 * are the caller's. */
eqs_status eqs_attractor_check(const eqs_energy *energy, const eqs_phase *phase,
                               const eqs_relax_options *reference, double distance, const eqs_state *start,
                               const eqs_state *reached, uint8_t *elsewhere, size_t *count);

#endif
