/* Between the two sides of a steady-state co-simulation: what is in the shared memory. */
#ifndef EQS_NETLISTS_COSIM_STEADY_SHARED_H
#define EQS_NETLISTS_COSIM_STEADY_SHARED_H

#include "netlists/cosim_master.h"
#include "netlists/cosim_steady.h"

/* One request, and its answer. All arrays lie in the shared memory. */
typedef struct eqs_cosim_steady_shared {
    /* what does not depend on the sample; its d_O and b are set per sample */
    eqs_cosim_system sys;
    double swing;
    double *gain; /* [n_in] amperes or volts per unit of input */
    size_t batch; /* samples */
    double tolerance;
    size_t max_iterations;
    char *deck;
    size_t deck_length, deck_capacity;
    char (*names)[32]; /* [2 n_in] vectors wanted, then external sources */
    /* per sample */
    double *d_O, *pull; /* [batch x n_ode] */
    double *b;          /* [batch x n_in] */
    double *z, *y;      /* [batch x n_ode] in: start, out: rates; [batch x n_out] */
    double *residual, *loop_gain;
    /* answer */
    int end; /* eqs_spice_end */
    char text[512];
    eqs_cosim_steady_result result;
} eqs_cosim_steady_shared;

/* The process: never returns. */
_Noreturn void eqs_cosim_steady_serve(int socket, size_t memory_limit, eqs_cosim_steady_shared *shared);

/* Anderson acceleration of one fixed-point iteration, window EQS_ANDERSON_WINDOW. */
enum { EQS_ANDERSON_WINDOW = 5 };

typedef struct eqs_anderson {
    size_t n, used; /* dimension; differences that are kept */
    double *block;  /* behind the others */
    double *last_g, *last_f;
    double *dg, *df; /* [WINDOW x n] newest first */
    bool begun;
} eqs_anderson;

eqs_status eqs_anderson_create(size_t n, eqs_anderson *out);
void eqs_anderson_clear(eqs_anderson *anderson);
void eqs_anderson_reset(eqs_anderson *anderson);

/* From z and g = G(z) to the next z, in place. */
void eqs_anderson_step(eqs_anderson *anderson, const double *g, double *z);

/* Rates r [n_ode] that the ODE's units answer to y with at rest, by Gauss-Seidel sweeps from the present r; u
 * [n_ode] receives their potentials. base [n_ode] is scratch. */
void eqs_cosim_answer(const eqs_cosim_system *system, const double *y, double *base, double *u, double *r);

#endif
