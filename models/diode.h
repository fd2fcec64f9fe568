/* Diodes: current, conductance and co-content of one junction, for the laws that a network may use.
 *
 * All in the units of the network (models/resistive.h): volts, and currents in units of the unit conductance
 * times 1 V, so Is here is the saturation current in amperes divided by the unit conductance in siemens.
 *   none      i = 0
 *   ideal     no current below 0 V, any current at 0 V: the node is held in its box; i is not a function
 *   shockley  i = Is (e^(v/Vn) - 1)
 *   ngspice   the same for v >= -3 Vn, and -Is (1 + (3 Vn / (e v))^3) below; plus gmin v (ngspice 39's D
 * model without resistance, breakdown and recombination: notes of issue 4, checked to 1e-13) with Vn = n
 * kT/q. All laws are monotone: i' >= 0. */
#ifndef EQS_MODELS_DIODE_H
#define EQS_MODELS_DIODE_H

#include "base/status.h"

#include <stdbool.h>

typedef enum eqs_diode_law {
    EQS_DIODE_NONE,
    EQS_DIODE_IDEAL,
    EQS_DIODE_SHOCKLEY,
    EQS_DIODE_NGSPICE
} eqs_diode_law;

const char *eqs_diode_law_name(eqs_diode_law law);

/* kT/q in volts at T kelvin, with ngspice's constants: 25.8649 mV at 300.15 K (its default 27 C). */
double eqs_thermal_voltage(double kelvin);

typedef struct eqs_diode {
    eqs_diode_law law;
    double is;   /* saturation current, network units; > 0 */
    double vn;   /* n kT/q in volts; > 0 */
    double gmin; /* ngspice law: conductance in parallel, network units; >= 0 */
} eqs_diode;

/* i(v), v anode to cathode. none and ideal: 0. Beyond v = 200 Vn the current continues as its tangent, so
 * that it stays finite; no equilibrium lies there. */
double eqs_diode_current(const eqs_diode *diode, double v);

/* i'(v) >= 0. */
double eqs_diode_slope(const eqs_diode *diode, double v);

/* Co-content Phi(v), the integral of i from 0 to v (watts per unit conductance); >= 0. */
double eqs_diode_content(const eqs_diode *diode, double v);

#endif
