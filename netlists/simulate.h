/* A network phase run as a circuit in ngspice: build, run, read back the states, certify them. A Hopfield
 * network is drawn at the behavioural level (behavioural.h), a resistive one as devices (device.h).
 *
 * The states that come back carry their certificate: the projected residual of the network's own equations
 * (models/field.h), not ngspice's word. In multistable networks an operating point depends on where Newton
 * starts: give a start state. What does not converge is an error, never a guess. */
#ifndef EQS_NETLISTS_SIMULATE_H
#define EQS_NETLISTS_SIMULATE_H

#include "netlists/behavioural.h"
#include "netlists/device.h"
#include "netlists/worker.h"

typedef struct eqs_circuit_options {
    /* default: eqs_behavioural_options_default, but folded. Devices read them alike: units.conductance is the
     * network's own unit conductance, and the swing 1 V */
    eqs_behavioural_options circuit;
    eqs_device_amplifier amplifier; /* devices only; default ideal */
    size_t n_record_times;          /* tran: 0 records every step of ngspice */
    const double *record_times;     /* [n_record_times] ascending, unit times in [0, t_stop]; borrowed */
} eqs_circuit_options;

eqs_circuit_options eqs_circuit_options_default(void);

/* Builds the circuit of one sample at the network's level; *out is the caller's. Errors of
 * eqs_behavioural_build and eqs_device_build. */
eqs_status eqs_circuit_build(const eqs_energy *energy, const eqs_phase *phase, size_t sample,
                             const eqs_state *start, const eqs_circuit_options *options, eqs_netlist **out);

/* A transient of one sample. Times in unit times; the first point is the start when steps are recorded. */
typedef struct eqs_circuit_trajectory {
    size_t n, n_state;
    double *time;  /* [n] */
    double *state; /* [n x n_state] free layers in turn */
} eqs_circuit_trajectory;

typedef struct eqs_circuit_statistics {
    size_t n_nodes, n_elements;          /* of the circuit */
    size_t n_points;                     /* that ngspice delivered */
    bool gmin_stepping, source_stepping; /* aids that the operating point needed */
    size_t n_fallbacks;                  /* samples of a batch whose sweep failed, solved one by one */
    double seconds_build, seconds_run;
} eqs_circuit_statistics;

/* Runs sample `sample` of the phase's batch. start (NULL: 0 V) and out are states of the same batch; row
 * `sample` of out receives the operating point or the end of the transient; residual (NULL: unwanted) its
 * projected residual. trajectory (NULL: unwanted; tran only) is released with eqs_circuit_trajectory_clear;
 * values between ngspice's steps are cubic interpolations. statistics may be NULL. Errors: those of
 * eqs_behavioural_build and eqs_worker_run; EQS_BAD_CONFIG for record times outside [0, t_stop]. */
eqs_status eqs_circuit_run(const eqs_energy *energy, const eqs_phase *phase, size_t sample,
                           const eqs_state *start, const eqs_circuit_options *options, eqs_worker *worker,
                           eqs_state *out, double *residual, eqs_circuit_trajectory *trajectory,
                           eqs_circuit_statistics *statistics);

void eqs_circuit_trajectory_clear(eqs_circuit_trajectory *trajectory);

/* Operating points of all samples of the batch through one circuit: bias currents are supplied by the program
 * and one dc sweep visits the samples, each starting from the one before, so that ngspice loads the circuit
 * and orders its matrix once. When the sweep fails, samples are run one by one. start (NULL: none): its first
 * row is the first guess. residual [batch] or NULL. An error names the first sample at fault; the rows before
 * it are filled. */
eqs_status eqs_circuit_run_batch(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *start,
                                 const eqs_circuit_options *options, eqs_worker *worker, eqs_state *out,
                                 double *residual, eqs_circuit_statistics *statistics);

#endif
