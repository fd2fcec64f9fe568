/* Phases of a resistive network measured in ngspice (learning.engine ngspice and transient): voltages come
 * from the circuit, everything else of a minibatch (states, update, energies) is phases_ode.c's.
 *
 * ngspice     free and nudged points of one sweep (netlists/device_pool.h)
 * transient   free and nudged stages of one transient a sample (netlists/device_transient.h), with settling
 * times and the energy of the supplies */
#ifndef EQS_LEARNING_PHASES_CIRCUIT_H
#define EQS_LEARNING_PHASES_CIRCUIT_H

#include "learning/phases.h"
#include "models/state.h"

typedef struct eqs_phases_circuit eqs_phases_circuit;

/* Starts the workers. EQS_BAD_CONFIG: not a resistive network, the conductance form of the nudge, tolerances
 * or iterations that only other engines can keep. */
eqs_status eqs_phases_circuit_create(const eqs_energy *energy, const eqs_phases_options *options,
                                     eqs_phases_circuit **out);
void eqs_phases_circuit_destroy(eqs_phases_circuit *circuit);

/* The nudged phases that will follow the next free one, so that they can be measured together; n 0: none. */
void eqs_phases_circuit_plan(eqs_phases_circuit *circuit, size_t n, const double *beta);

/* Measures the phase into state[slot] (states of phase->batch samples); nudged slots start from state[0]. The
 * phase's own certificate, Kirchhoff's current law by the network's equations, goes into *outcome. */
eqs_status eqs_phases_circuit_relax(eqs_phases_circuit *circuit, const eqs_phase *phase, size_t slot,
                                    eqs_state *const *state, eqs_phase_outcome *outcome);

#endif
