/* A phase of one sample cut in two: units that an ODE moves (O) and parts that are circuits (P).
 *
 * With the rates r of paper 001's rho, in membrane form (models/network.h), what the two sides say to each
 * other is linear in their rates: tau du_O/dt = -u_O + A_OO r_O + A_Oy y + d_O + beta (target - s_O)     the
 * ODE a = B r_O + b                                                          to the circuit a [n_in] holds
 * the drives of the circuit units without their couplings to each other, then for each coupling that is a
 * circuit the rates at its ends. y [n_out] holds the rates of the circuit units, then for each such coupling
 * the drives at its ends. All dimensionless; times in unit times. The circuit itself (cosim_deck.h) has the
 * couplings between its units and the nudge of its own outputs. */
#ifndef EQS_NETLISTS_COSIM_SYSTEM_H
#define EQS_NETLISTS_COSIM_SYSTEM_H

#include "models/energy.h"
#include "models/state.h"
#include "netlists/cosim_partition.h"

typedef struct eqs_cosim_unit {
    size_t layer, index; /* in its layer */
    const eqs_activation *rho;
    double tau;
    bool rate_state;  /* s = rho(u); else s = clip(u) */
    double stiffness; /* beta of the nudge, 0 where there is none */
    double pull;      /* beta * target */
} eqs_cosim_unit;

typedef struct eqs_cosim_system {
    const eqs_energy *energy;             /* borrowed */
    const eqs_cosim_partition *partition; /* borrowed */
    eqs_phase phase;                      /* of one sample; pointers borrowed */
    size_t n_ode, n_circuit, n_in, n_out;
    eqs_cosim_unit *ode, *circuit; /* [n_ode], [n_circuit] */
    double *A_OO;                  /* [n_ode x n_ode] */
    double *A_Oy;                  /* [n_ode x n_out] */
    double *d_O;                   /* [n_ode] */
    double *B;                     /* [n_in x n_ode] */
    double *b;                     /* [n_in] */
    double *C;       /* [n_circuit x n_circuit] couplings between circuit units: drive of row from column */
    size_t *port_of; /* [n_in - n_circuit] ODE unit of each end of the circuit couplings */
} eqs_cosim_system;

/* Builds the system of sample `sample` of a phase's batch. EQS_NO_MEMORY. Release with
 * eqs_cosim_system_clear, also after errors. */
eqs_status eqs_cosim_system_build(const eqs_energy *energy, const eqs_phase *phase, size_t sample,
                                  const eqs_cosim_partition *partition, eqs_cosim_system *out);

/* The same system for another sample: new d_O, b and pulls. */
void eqs_cosim_system_load(eqs_cosim_system *system, const eqs_phase *phase, size_t sample);

void eqs_cosim_system_clear(eqs_cosim_system *system);

/* rates r [n_ode] and states s [n_ode] (either may be NULL) at potentials u [n_ode] */
void eqs_cosim_rates(const eqs_cosim_system *system, const double *u, double *r, double *s);

/* f [n_ode] = du_O/dt at u and y, in 1 / unit time; scratch [2 n_ode]. */
void eqs_cosim_flow(const eqs_cosim_system *system, const double *u, const double *y, double *f,
                    double *scratch);

/* a [n_in] at rates r [n_ode]; da [n_in] (NULL: unwanted) = B dr. */
void eqs_cosim_inputs(const eqs_cosim_system *system, const double *r, const double *dr, double *a,
                      double *da);

/* state of a circuit unit of rate r */
double eqs_cosim_circuit_state(const eqs_cosim_unit *unit, double r);

#endif
