/* Steady states of a network of which parts are circuits, for many samples at once.
 *
 * The unknowns are the rates z = r_O of the units that are no circuits. One evaluation G(z): the circuit's
 * operating point for the inputs B z + b, and the rates that the other units answer with. All evaluations of
 * a batch are points of one dc sweep of a source that nothing uses: each delivered point decides the inputs
 * of the next, for the same sample again or for the next sample. Accelerated by Anderson's method (J. ACM 12,
 * 547, 1965; window 5), with a safeguard: when the residual max|G(z) - z| grows, the window is dropped and a
 * plain step taken.
 *
 * A fixed point of G may be one that the network in time would leave: the loop gain there must be below 1
 * (netlists/cosim_master.h). Where it is not, or where the acceleration does not converge, the sample is
 * iterated plainly from rest, which ends at points that are stable. What does not arrive is counted, never
 * passed on in silence. */
#ifndef EQS_NETLISTS_COSIM_STEADY_H
#define EQS_NETLISTS_COSIM_STEADY_H

#include "netlists/cosim_deck.h"

typedef struct eqs_cosim_steady eqs_cosim_steady;

typedef struct eqs_cosim_steady_options {
    eqs_cosim_deck_options deck;
    double tolerance;      /* on max|G(z) - z|; default 1e-6 */
    size_t max_iterations; /* of a sample, accelerated; ten times as many plainly; default 100 */
    double timeout;        /* s of wall-clock for a batch; default 120 */
    size_t memory_limit;   /* of the ngspice process; default 8 GiB */
} eqs_cosim_steady_options;

eqs_cosim_steady_options eqs_cosim_steady_options_default(void);

typedef struct eqs_cosim_steady_result {
    size_t points; /* operating points that were used */
    size_t
        unconverged; /* samples that ended above the tolerance, or at a point with a loop gain of 1 or more */
    size_t restarted; /* samples that were iterated plainly from rest */
    double max_residual;
    double max_gain; /* largest loop gain of a sample's point; NaN when couplings are circuits */
} eqs_cosim_steady_result;

/* Starts the ngspice process for batches of up to `batch` samples. Energy, partition and cell must outlive
 * it. *out is the caller's. */
eqs_status eqs_cosim_steady_create(const eqs_energy *energy, const eqs_cosim_partition *partition,
                                   const eqs_cosim_cell *cell, const eqs_cosim_steady_options *options,
                                   size_t batch, eqs_cosim_steady **out);
void eqs_cosim_steady_destroy(eqs_cosim_steady *steady);

/* Moves the states of all samples of the phase to their steady states, starting from where they are. residual
 * [phase->batch] (may be NULL) receives max|G(z) - z|. tolerance 0: that of the options. Errors:
 * EQS_NOT_CONVERGED when ngspice gives up, EQS_INTERNAL when its process dies; a later call starts another.
 */
eqs_status eqs_cosim_steady_run(eqs_cosim_steady *steady, const eqs_phase *phase, double tolerance,
                                eqs_state *state, double *residual, eqs_cosim_steady_result *result);

#endif
