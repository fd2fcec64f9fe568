/* Units of what result files hold, by model: a Hopfield network is dimensionless, a resistive one has volts
 * and, in units of G0 = circuit.conductance, conductances, currents and powers (models/resistive.h). Texts
 * for the attributes `units` and `long_name`; scaled units are written as UDUNITS does, "1e-05 A". */
#ifndef EQS_LEARNING_RESULT_UNITS_H
#define EQS_LEARNING_RESULT_UNITS_H

#include "models/network.h"

enum { EQS_UNIT_SIZE = 32 };

typedef struct eqs_result_units {
    const char *state, *cost;     /* "1", or V and V^2 (softmax: "1") */
    char weight[EQS_UNIT_SIZE];   /* of couplings: G0 */
    char residual[EQS_UNIT_SIZE]; /* and of biases: G0 x 1 V */
    char energy[EQS_UNIT_SIZE];   /* G0 x 1 V^2: W */
    const char *weight_text, *bias_text, *state_text, *energy_text, *residual_text; /* long names */
} eqs_result_units;

eqs_result_units eqs_result_units_of(const eqs_network *net);

#endif
