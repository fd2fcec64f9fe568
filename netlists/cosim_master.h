/* Inside the transient co-simulation: the master's state, explicit steps and iterated windows. */
#ifndef EQS_NETLISTS_COSIM_MASTER_H
#define EQS_NETLISTS_COSIM_MASTER_H

#include "netlists/cosim.h"
#include "netlists/cosim_ode.h"

typedef struct eqs_cosim_master {
    const eqs_cosim_options *options;
    eqs_cosim_system sys;
    eqs_cosim_deck deck;
    eqs_cosim_process *process;
    eqs_cosim_ode *ode;
    eqs_cosim_history y, a; /* of both sides' signals at macro points */
    double t, H;            /* present macro point; next step */
    double fast;            /* least time constant of the slower side, unit times */
    double unit_time;       /* s */
    double *now, *guess;    /* [n_in] scratch: newest signal; predicted one */
    double *last_a;         /* [n_in] newest inputs */
    bool circuit_first;
    size_t strikes; /* macro steps in a row that missed by far */
    size_t calm;    /* windows to iterate before the next explicit step */
    eqs_cosim_result *result;
} eqs_cosim_master;

/* One explicit macro step to t1; *mismatch is its error of prediction. */
eqs_status eqs_cosim_step(eqs_cosim_master *m, double t1, double *mismatch);

/* Iterates the window from the present point to t1; records its macro points. *mismatch is what an explicit
 * step would have missed. EQS_NOT_CONVERGED when it does not contract. */
eqs_status eqs_cosim_window(eqs_cosim_master *m, double t1, double *mismatch);

/* Begins, fills and closes the stretch of the circuit's inputs, in unit times and rates. */
void eqs_cosim_stretch_begin(eqs_cosim_master *m, double t1);
void eqs_cosim_stretch_node(void *master, double t, const double *a, const double *da);

/* Runs the stretch and reads y at its end into `y` [n_out]. */
eqs_status eqs_cosim_circuit(eqs_cosim_master *m, double *y);

/* Keeps the present point with its potentials u [n_ode]. */
eqs_status eqs_cosim_record(eqs_cosim_master *m, const double *y, double mismatch, size_t iterations);

/* Largest |x - y| of n numbers; NaN when there is one. */
double eqs_cosim_distance(size_t n, const double *x, const double *y);

/* Largest eigenvalue of the interface's loop at potentials u [n_ode] and rates y: the product of the static
 * gains of both sides, by power iteration. NaN when couplings are circuits. */
double eqs_cosim_loop_gain(const eqs_cosim_system *system, const double *u, const double *y);

#endif
