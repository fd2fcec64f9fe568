/* The linearised dynamics at a fixed point: eigenvalues of the Jacobian df/dx of the field, restricted to the
 * units that can move (a unit held at its bound by a force stays there: its potential relaxes with its own
 * time constant and tells nobody). -1 / Re(lambda) are the time constants of the modes; the slowest one
 * governs the end of a relaxation, the ratio of the slowest to the fastest is the stiffness. */
#ifndef EQS_SOLVER_SPECTRUM_H
#define EQS_SOLVER_SPECTRUM_H

#include "models/field.h"

typedef struct eqs_spectrum_options {
    size_t dense_limit; /* most moving units for which all eigenvalues are computed (LAPACK); above, `ends` at
                           either end (ARPACK); default 300 */
    size_t ends;        /* default 4 */
} eqs_spectrum_options;

eqs_spectrum_options eqs_spectrum_options_default(void);

typedef struct eqs_spectrum {
    size_t moving; /* units strictly inside their box */
    size_t n;      /* eigenvalues below: moving, or 2 ends */
    double *real,
        *imag;        /* [n] in units of 1 / unit time, from the slowest (largest real part) to the fastest */
    bool symmetric;   /* similar to a symmetric matrix: every gradient flow; the imaginary parts are 0 */
    double slowest;   /* time constant -1 / max Re, negative when the point is unstable; NaN without moving
                         units */
    double fastest;   /* -1 / min Re */
    double stiffness; /* slowest / fastest */
} eqs_spectrum;

/* Spectrum at the state [sample] of a batch; phase->batch == 1 and state->batch == 1. Releases with
 * eqs_spectrum_clear. EQS_NO_MEMORY; EQS_NOT_CONVERGED when LAPACK or ARPACK fails. Not to be called from
 * several threads at once (ARPACK keeps its own state). */
eqs_status eqs_spectrum_at(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *state,
                           const eqs_spectrum_options *options, eqs_spectrum *out);

void eqs_spectrum_clear(eqs_spectrum *spectrum);

#endif
