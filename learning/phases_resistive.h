/* The backend "batch" of resistive networks; eqs_phases_create_batch hands them over. */
#ifndef EQS_LEARNING_PHASES_RESISTIVE_H
#define EQS_LEARNING_PHASES_RESISTIVE_H

#include "learning/phases.h"

/* EQS_BAD_CONFIG names the key that the engine cannot honour: solver, iterations, nudged_tolerance, ranks, or
 * what the network has that it cannot do. The energy must outlive the phases. */
eqs_status eqs_phases_create_resistive(const eqs_energy *energy, const eqs_phases_options *options,
                                       eqs_phases **out);

#endif
