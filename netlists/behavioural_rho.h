/* Activations as expressions of behavioural sources, in volts, safe from overflow in every dialect. ngspice
 * 39 keeps 11 digits of the constants in an expression. */
#ifndef EQS_NETLISTS_BEHAVIOURAL_RHO_H
#define EQS_NETLISTS_BEHAVIOURAL_RHO_H

#include "models/activation.h"

#include <stddef.h>

enum { EQS_RHO_TEXT = 600 };

/* swing * rho(v(u) / swing) into text [EQS_RHO_TEXT]. */
void eqs_behavioural_rho(const eqs_activation *a, double swing, const char *u, char *text);

/* The force current conductance * rho'(v(u) / swing) * v(d) of the gradient form into text [EQS_RHO_TEXT],
 * smooth kinds only; r is the node of the activity. */
void eqs_behavioural_force(const eqs_activation *a, double swing, double conductance, const char *u,
                           const char *r, const char *d, char *text);

#endif
