/* Sampling of a transient between the steps of the simulator. */
#ifndef EQS_NETLISTS_CIRCUIT_TRAJECTORY_H
#define EQS_NETLISTS_CIRCUIT_TRAJECTORY_H

#include "netlists/simulate.h"

/* Values of `all` at times [n] within its span, into a new trajectory (the caller's): the cubic through the
 * four nearest steps, so that the order of the integration is kept. */
eqs_status eqs_circuit_trajectory_sample(const eqs_circuit_trajectory *all, size_t n, const double *times,
                                         eqs_circuit_trajectory *out);

#endif
