/* The circuit side of a transient co-simulation: one foreground `tran` of ngspice in a process of its own,
 * whose steps are cut so that it stands at every macro point, where it waits for the next stretch of its
 * inputs.
 *
 * Signals cross in shared memory; one byte over a socket says whose turn it is, so that the death of the
 * process is seen at once. Inputs of a stretch are cubic Hermite polynomials between nodes (t, a, da/dt). The
 * whole simulator can be marked at a macro point and taken back there: the process forks, the child goes on,
 * and its parent stays as the copy (0.1 to 0.2 ms). Times here are seconds, inputs amperes or volts, outputs
 * volts and amperes. */
#ifndef EQS_NETLISTS_COSIM_PROCESS_H
#define EQS_NETLISTS_COSIM_PROCESS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

enum { EQS_COSIM_NODES = 64 }; /* most nodes of a stretch */

typedef struct eqs_cosim_process eqs_cosim_process;

typedef struct eqs_cosim_job {
    const char *deck; /* borrowed, as all below, during eqs_cosim_process_create */
    size_t deck_length;
    size_t n_in, n_out, n_supplies; /* n_out: all vectors but the supplies' currents */
    const char *const *external;    /* [n_in] names of the sources */
    const char *const *wanted;      /* [n_out + n_supplies] */
    const double *supply_volts;     /* [n_supplies] */
    const double *start;            /* [n_in] inputs at t = 0, for the operating point */
    double t_stop;                  /* s; the transient ends some time after it */
    double timeout;                 /* s of wall-clock that a stretch may take */
    size_t memory_limit;            /* bytes of address space of the process */
} eqs_cosim_job;

/* A stretch up to the next macro point. The nodes begin at the present point and end at `end`. */
typedef struct eqs_cosim_stretch {
    double end;      /* s */
    double max_step; /* s, longest step of ngspice */
    size_t n_nodes;  /* 2 to EQS_COSIM_NODES */
    double *time;    /* [EQS_COSIM_NODES] */
    double *a, *da;  /* [EQS_COSIM_NODES x n_in] */
} eqs_cosim_stretch;

typedef struct eqs_cosim_counts {
    size_t steps; /* accepted by ngspice */
    size_t marks; /* copies of the process that were made */
} eqs_cosim_counts;

/* Starts the process, loads the deck and solves the operating point at t = 0. EQS_BAD_DATA, EQS_NOT_CONVERGED
 * or EQS_INTERNAL with ngspice's words. *out is the caller's. */
eqs_status eqs_cosim_process_create(const eqs_cosim_job *job, eqs_cosim_process **out);

/* Ends the process. NULL is fine. */
void eqs_cosim_process_destroy(eqs_cosim_process *process);

/* The stretch to fill before eqs_cosim_process_advance; in shared memory. */
eqs_cosim_stretch *eqs_cosim_process_stretch(eqs_cosim_process *process);

/* Runs the stretch. Errors: EQS_NOT_CONVERGED when ngspice gives up, EQS_INTERNAL when the process dies or
 * hangs; the process is of no use then. */
eqs_status eqs_cosim_process_advance(eqs_cosim_process *process);

/* Outputs [n_out] at the present macro point. */
const double *eqs_cosim_process_output(const eqs_cosim_process *process);

/* Energy [n_supplies] in joules that each supply has delivered since t = 0. */
const double *eqs_cosim_process_energy(const eqs_cosim_process *process);

/* Marks the present point; back to the last mark; or forgets it and keeps what was computed since. A mark
 * must be followed by one of the others before the next. EQS_INTERNAL. */
eqs_status eqs_cosim_process_mark(eqs_cosim_process *process);
eqs_status eqs_cosim_process_back(eqs_cosim_process *process);
eqs_status eqs_cosim_process_keep(eqs_cosim_process *process);

eqs_cosim_counts eqs_cosim_process_counts(const eqs_cosim_process *process);

/* Process id that computes at present. */
long eqs_cosim_process_id(const eqs_cosim_process *process);

#endif
