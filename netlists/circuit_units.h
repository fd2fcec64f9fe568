/* The map from a dimensionless network to volts, siemens, farads and seconds. */
#ifndef EQS_NETLISTS_CIRCUIT_UNITS_H
#define EQS_NETLISTS_CIRCUIT_UNITS_H

#include "base/status.h"

typedef struct eqs_circuit_units {
    double capacitance; /* F of a unit with tau = 1; default 1e-12 */
    double conductance; /* S of the leak and of a unit weight; default 1e-6 */
    double swing;       /* V per unit of state; default 1 */
} eqs_circuit_units;

eqs_circuit_units eqs_circuit_units_default(void);

/* EQS_BAD_CONFIG names the unit that is not finite and positive. */
eqs_status eqs_circuit_units_check(const eqs_circuit_units *units);

/* Seconds of one unit of the network's time: C / G. */
double eqs_circuit_unit_time(const eqs_circuit_units *units);

#endif
