/* Who computes the phases of a minibatch: the batch engine, the ODE, later a circuit. One interface, so that
 * a rule and a trainer do not know which.
 *
 * A minibatch has slots: slot 0 the free phase, further slots nudged phases that start from it. */
#ifndef EQS_LEARNING_PHASES_H
#define EQS_LEARNING_PHASES_H

#include "netlists/device.h"
#include "solver/engine.h"

typedef struct eqs_phases eqs_phases;

/* How ngspice measures phases (backends "ngspice" and "transient"; circuit.* of the configuration). */
typedef struct eqs_phases_circuit_options {
    size_t workers;            /* processes; 0: as threads */
    size_t chunk;              /* ngspice: samples of a sweep */
    double timeout;            /* s of a job */
    double capacitance;        /* transient: F of a node with tau = 1 */
    double t_stop, t_max_step; /* transient: length and longest step of a stage in unit times; 0: automatic */
    double reltol, vntol, abstol;
    eqs_device_amplifier amplifier;
} eqs_phases_circuit_options;

/* How phases are computed. */
typedef struct eqs_phases_options {
    /* "batch" (solver/engine.h), "ode" (eqs_relax_run, one phase at a time), "ngspice" or "transient"
     * (phases_circuit.h), or "cosimulation" (steady states with parts in ngspice, netlists/cosim_steady.h) */
    const char *backend;
    const struct eqs_cosimulation *cosimulation; /* of backend "cosimulation"; borrowed */
    eqs_precision precision;                     /* batch only; the ODE is double */
    size_t batch;                                /* largest minibatch */
    int threads;                                 /* batch only */
    eqs_relax_options
        relax; /* solver, tolerance, limits, euler's step, CVODE's settings; borrowed pointers */
    double nudged_tolerance; /* 0: relax.tolerance */
    double nudged_relative;  /* > 0: residuals of nudged phases at most this times the sample's response max
                                |s_beta -  s_free|, or the floor of the precision (solver/engine.h) */
    size_t free_iterations;  /* > 0: exactly so many iterations of euler, no certificate asked (paper 001) */
    size_t nudged_iterations;
    bool
        truncated; /* nudged phases are nudged_iterations Euler steps, whatever the solver of the free ones */
    eqs_phases_circuit_options circuit; /* ngspice and transient only */
} eqs_phases_options;

/* Outcome of one phase of a minibatch. */
typedef struct eqs_phase_outcome {
    double max_residual; /* worst certificate */
    double sweeps;       /* sum over samples of sweeps, steps or iterations */
    size_t unconverged;  /* samples above the tolerance */
    /* transient only, sums over samples: seconds in which the phase settled to 1e-3 and 1e-6 (NaN: not within
     * it), and joules from the supplies */
    double settling, settling_fine, joules;
    /* nudged phases only; response: max |s_beta - s_free| of a sample */
    double residual_response; /* largest residual / response of the samples where that is below 1 */
    size_t unresolved;        /* samples whose response does not exceed their residual */
} eqs_phase_outcome;

typedef struct eqs_phases_ops {
    void (*destroy)(eqs_phases *phases);
    void (*set_parameters)(eqs_phases *phases, const double *theta);
    void (*get_parameters)(const eqs_phases *phases, double *theta);
    size_t (*state_bytes)(const eqs_phases *phases);
    /* loads n <= batch samples */
    void (*load)(eqs_phases *phases, size_t n, const double *x, const double *target);
    void (*reset)(eqs_phases *phases);                                     /* slot 0 to the zero start */
    void (*put_state)(eqs_phases *phases, size_t row, const void *state);  /* slot 0 */
    void (*take_state)(const eqs_phases *phases, size_t row, void *state); /* slot 0 */
    /* the nudged phases that will follow the next free one; NULL: the backend need not know. beta[n] holds
     * the components EQS_BETA_Y; after load, which forgets an earlier plan */
    void (*plan)(eqs_phases *phases, size_t n, const double *beta);
    /* relaxes a slot at beta; nudged slots start from slot 0, which they leave as it is. EQS_INTERRUPTED when
     * a signal stopped it midway: the slot is of no use then */
    eqs_status (*relax)(eqs_phases *phases, size_t slot, const double beta[EQS_BETA_COUNT],
                        eqs_phase_outcome *outcome);
    /* relaxes the nudged slots 1..n at once, outcome [n]; NULL: `relax` does one after the other */
    eqs_status (*relax_nudged)(eqs_phases *phases, size_t n, const double (*beta)[EQS_BETA_COUNT],
                               eqs_phase_outcome *outcome);
    /* as eqs_engine_update */
    void (*update)(eqs_phases *phases, const double *rate, const double *coefficient, double decay,
                   double *change, double *norm);
    /* NULL where there is one fixed point only. Relaxes slot 0 as `relax` does, and once more from the same
     * start by plain sweeps, which keep to their basin: how many samples end in different fixed points
     * (solver/attractor.h). Slots are of no use then. Errors as of relax, and EQS_BAD_CONFIG when sweeps
     * cannot do the network */
    eqs_status (*compare)(eqs_phases *phases, const double beta[EQS_BETA_COUNT], size_t *elsewhere);
    void (*output)(const eqs_phases *phases, size_t slot, double *y);
    void (*energy)(const eqs_phases *phases, size_t slot, double *F);
    /* states of the loaded samples, in double precision; out has at least so many rows */
    void (*states)(const eqs_phases *phases, size_t slot, eqs_state *out);
} eqs_phases_ops;

struct eqs_phases {
    const eqs_phases_ops *ops;
    size_t batch;
};

/* Notes residuals and responses [n] of a nudged phase in its outcome. */
void eqs_phase_note_response(size_t n, const double *residual, const double *response,
                             eqs_phase_outcome *outcome);

/* Creates the backend that the options name. EQS_BAD_CONFIG when it is unknown or cannot do the network. The
 * energy must outlive the phases. */
eqs_status eqs_phases_create(const eqs_energy *energy, const eqs_phases_options *options, eqs_phases **out);

/* The two backends; used by eqs_phases_create. */
eqs_status eqs_phases_create_batch(const eqs_energy *energy, const eqs_phases_options *options,
                                   eqs_phases **out);
eqs_status eqs_phases_create_ode(const eqs_energy *energy, const eqs_phases_options *options,
                                 eqs_phases **out);

#endif
