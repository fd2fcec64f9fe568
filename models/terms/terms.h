/* The built-in term classes (models/energy.h); one file each in this folder. */
#ifndef EQS_MODELS_TERMS_TERMS_H
#define EQS_MODELS_TERMS_TERMS_H

#include "models/energy.h"

extern const eqs_term_class eqs_term_leak;
extern const eqs_term_class eqs_term_membrane_leak;
extern const eqs_term_class eqs_term_coupling;
extern const eqs_term_class eqs_term_bias;
extern const eqs_term_class eqs_term_cost;
extern const eqs_term_class eqs_term_regulariser;
extern const eqs_term_class eqs_term_conductance;
extern const eqs_term_class eqs_term_diode;
extern const eqs_term_class eqs_term_output_cost;

#endif
