/* The gradient that equilibrium propagation estimates, against the exact one: angle, norm, order in beta, per
 * block of parameters; and the exact one against finite differences of the cost (paper 001 Eq. 10, Theorem
 * 1). */
#ifndef EQS_LEARNING_GRADCHECK_H
#define EQS_LEARNING_GRADCHECK_H

#include "learning/setup.h"
#include "solver/eqprop_gradient.h"
#include "solver/exact_gradient.h"
#include "solver/gradient_compare.h"
#include "store/h5file.h"

typedef struct eqs_gradcheck_options {
    const char *solver;       /* default "auto" */
    double tolerance;         /* of every relaxation; default 1e-12 */
    size_t n_beta;            /* default 6 */
    const double *beta;       /* descending; default 0.1 0.03 0.01 0.003 0.001 0.0003; borrowed */
    size_t finite_parameters; /* parameters checked by finite differences; default 400, 0: none */
    double finite_step;       /* default 1e-5 */
    uint64_t seed;            /* which parameters */
} eqs_gradcheck_options;

eqs_gradcheck_options eqs_gradcheck_options_default(void);

/* Agreement of the estimate at one beta and mode: as a whole, and per block [n_blocks]. */
typedef struct eqs_gradcheck_row {
    eqs_gradient_agreement all;
    eqs_gradient_agreement *block;
} eqs_gradcheck_row;

typedef struct eqs_gradcheck {
    size_t n_beta, n_blocks;
    double *beta;              /* [n_beta] */
    eqs_gradcheck_row *row[2]; /* by eqs_eqprop_mode, [n_beta] each */
    double order[2];           /* fitted d log error / d log beta; NaN when fewer than 3 errors lie above the
                                  floor of the arithmetic */
    eqs_exact_report exact;
    double *gradient;              /* [n_parameters] the exact one, mean over samples */
    size_t finite_checked;         /* parameters compared with finite differences */
    eqs_gradient_agreement finite; /* exact against finite differences on those */
    double finite_worst;           /* largest |exact - finite| */
    double response;               /* largest |ds/dbeta|: a nudge beta moves some unit by about beta times it;
                                      resistive networks: volts per unit of beta */
    eqs_parameter_block *name;     /* [n_blocks] */
} eqs_gradcheck;

/* Runs the check on the samples of `phase` (a free phase with targets). Release with eqs_gradcheck_clear,
 * also after errors. */
eqs_status eqs_gradcheck_run(const eqs_setup *setup, const eqs_phase *phase,
                             const eqs_gradcheck_options *options, eqs_gradcheck *out);
void eqs_gradcheck_clear(eqs_gradcheck *check);

/* Writes /study/gradcheck {beta, cosine, norm_ratio, error [2 x n_beta x (1 + n_blocks)], order, ...}. */
eqs_status eqs_gradcheck_write(eqs_h5_writer *writer, const eqs_gradcheck *check);

#endif
