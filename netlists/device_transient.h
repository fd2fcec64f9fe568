/* EqProp as the hardware would do it: the free and the nudged phases of one sample as a single SPICE
 * transient (device.h, stages). The circuit holds its own free outputs and switches its own nudge; what is
 * read are the voltages at the end of each stage, how long each took to settle, and the energy that the
 * supplies delivered. */
#ifndef EQS_NETLISTS_DEVICE_TRANSIENT_H
#define EQS_NETLISTS_DEVICE_TRANSIENT_H

#include "netlists/device_pool.h"
#include "netlists/worker.h"

enum { EQS_DEVICE_STAGES = EQS_DEVICE_POINTS };

typedef struct eqs_device_transient_options {
    double capacitance; /* F of a node with tau = 1 */
    double stage;       /* s of each stage; 0 (default): 30 times the slowest node's C / g, doubled until
                           the last tenth of every stage changes voltages by less than 1e-6 of its change */
    double max_step;    /* s, longest step; 0 (default): a 300th of a stage */
    double reltol, vntol, abstol; /* as eqs_device_options; default reltol 1e-6 */
    eqs_device_amplifier amplifier;
} eqs_device_transient_options;

eqs_device_transient_options eqs_device_transient_options_default(void);

/* One stage. Times from its beginning. A node has settled to e when it stays within e of its final value,
 * relative to the largest final voltage (free stage) or to the largest change of a node in the stage (nudged
 * stages). */
typedef struct eqs_device_stage_result {
    double seconds;    /* length of the stage */
    double settled[2]; /* s, all nodes to 1e-3 and to 1e-6; NaN: not in the first nine tenths of the stage */
    double energy;     /* J from all supplies: sources, diode and bias sources, amplifiers, nudge */
} eqs_device_stage_result;

/* Runs sample `sample` of the phase's batch, from 0 V, through n_stages stages of strength beta [n_stages]
 * (beta[0] = 0, unit conductances). volts [n_stages x n_state]: the ends of the stages. result [n_stages] or
 * NULL. Errors of eqs_device_build and eqs_worker_run; EQS_NOT_CONVERGED when the network has not settled
 * after 10 doublings. */
eqs_status eqs_device_transient_run(const eqs_network *net, const eqs_phase *phase, size_t sample,
                                    const eqs_device_transient_options *options, size_t n_stages,
                                    const double *beta, eqs_worker *worker, double *volts,
                                    eqs_device_stage_result *result);

#endif
