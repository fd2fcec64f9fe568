/* Co-simulation in time: the circuit parts of a network in ngspice, the rest in CVODE, in lock-step.
 *
 * Both sides meet at macro points. Between two of them each follows its own steps with the other's signals as
 * known functions of time: the side that goes first gets a polynomial extrapolation (degree 0, 1 or 2), the
 * other what the first has computed (explicit Gauss-Seidel, order degree + 1). The faster side goes first, so
 * that what is extrapolated is the slower side's signal. The step is chosen so that the extrapolation misses
 * the next point by the tolerance (Busch & Schweizer 2011; Sicklinger et al. 2014 on such couplings): H <- H
 * clamp(0.9 (tolerance / mismatch)^(1 / (degree + 1)), 0.3, 2) Explicit coupling of two fast sides is stable
 * while the loop gain g (largest eigenvalue of the product of both sides' static gains) is below 1, below 1/2
 * for degree 2. Where the mismatch or the gain asks for it, the master iterates a window of several macro
 * steps until both sides agree (waveform relaxation, Gauss-Seidel), the simulator being taken back to its
 * beginning each time. */
#ifndef EQS_NETLISTS_COSIM_H
#define EQS_NETLISTS_COSIM_H

#include "netlists/cosim_deck.h"
#include "netlists/cosim_process.h"

typedef enum eqs_cosim_iterate {
    EQS_COSIM_ITERATE_AUTO,
    EQS_COSIM_ITERATE_NEVER,
    EQS_COSIM_ITERATE_ALWAYS
} eqs_cosim_iterate;

typedef enum eqs_cosim_first {
    EQS_COSIM_FIRST_AUTO, /* the faster side */
    EQS_COSIM_FIRST_ODE,
    EQS_COSIM_FIRST_CIRCUIT
} eqs_cosim_first;

typedef struct eqs_cosim_options {
    eqs_cosim_deck_options
        deck;              /* default: eqs_circuit_units_default, reltol 1e-6, vntol 1e-9, abstol 1e-15 */
    double tolerance;      /* mismatch at a macro point, in units of rate; default 1e-4 */
    size_t degree;         /* of the extrapolation, 0 to 2; default 1 */
    double macro_step;     /* unit times; 0 (default): adaptive */
    double max_macro_step; /* unit times; default 0.5 */
    size_t circuit_steps;  /* least steps of ngspice in a macro step; default 2 */
    eqs_cosim_iterate iterate;
    eqs_cosim_first first;
    double t_stop;     /* unit times; default 30 */
    double rtol, atol; /* CVODE; default 1e-6 and 1e-9 */
    bool settled_start;
    double timeout;      /* s of wall-clock for a macro step; default 60 */
    size_t memory_limit; /* of the ngspice process; default 8 GiB */
} eqs_cosim_options;

eqs_cosim_options eqs_cosim_options_default(void);

/* What was recorded at the macro points 0..n-1, and sums. Released with eqs_cosim_result_clear. */
typedef struct eqs_cosim_result {
    size_t n, capacity, n_units, n_in, n_out, n_supplies;
    double *time;        /* [n] unit times */
    double *step;        /* [n] macro step that led here */
    double *mismatch;    /* [n] largest |extrapolated - computed|; of an iterated window its last change */
    double *iterations;  /* [n] 1: explicit */
    double *state;       /* [n x n_units] states of layers 1..L */
    double *input;       /* [n x n_in] a */
    double *output;      /* [n x n_out] y */
    double *energy;      /* [n x n_supplies] J delivered so far */
    const char **supply; /* [n_supplies] pins; in `arena` */
    double loop_gain;    /* g at the end of the run; NaN when couplings are circuits */
    double residual;     /* of the network's own equations at the last state (models/field.h) */
    bool circuit_first;
    size_t circuit_steps, ode_steps, windows, marks;
    double seconds; /* wall-clock of the run */
    char *deck;     /* the circuit as it was given to ngspice */
    eqs_arena arena;
} eqs_cosim_result;

/* Runs sample `sample` of the phase's batch from row `sample` of `start`; row `sample` of `out` receives the
 * last state. On errors (those of eqs_cosim_process_create and _advance, CVODE's) result holds what was
 * computed before; EQS_BAD_CONFIG for options out of range. */
eqs_status eqs_cosim_run(const eqs_energy *energy, const eqs_phase *phase, size_t sample,
                         const eqs_state *start, const eqs_cosim_partition *partition,
                         const eqs_cosim_cell *cell, const eqs_cosim_options *options, eqs_state *out,
                         eqs_cosim_result *result);

void eqs_cosim_result_clear(eqs_cosim_result *result);

#endif
