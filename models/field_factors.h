/* Inside models/: the factors of a network field's Jacobian, df/dx = (diagonal + left D right) / tau. */
#ifndef EQS_MODELS_FIELD_FACTORS_H
#define EQS_MODELS_FIELD_FACTORS_H

#include "models/field.h"

typedef struct eqs_field_factors {
    const eqs_energy *energy;
    const eqs_phase *phase;
    double *const *left, *const *right, *const *diagonal; /* per layer [batch x n_k], after prepare() */
    const double *rate;                                   /* [n] 1/tau */
} eqs_field_factors;

/* The factors of a network field; borrowed until the field's next operation. */
eqs_field_factors eqs_field_get_factors(eqs_field *field);

#endif
