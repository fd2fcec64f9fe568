/* How long relaxations take: what the studies `settling`, `spectrum` and `depth` share. */
#ifndef EQS_LEARNING_STUDY_SETTLE_H
#define EQS_LEARNING_STUDY_SETTLE_H

#include "learning/study.h"

enum { EQS_SETTLE_TOLERANCES = 8, EQS_SETTLE_QUANTILES = 5 };

/* 1e-1 .. 1e-8, and the quantiles 0, 0.1, 0.5, 0.9, 1 */
extern const double eqs_settle_tolerance[EQS_SETTLE_TOLERANCES];
extern const double eqs_settle_quantile[EQS_SETTLE_QUANTILES];

/* Settling of n samples from one start; arrays [n x n_tolerances], NaN where a tolerance was not reached. */
typedef struct eqs_settling {
    size_t n, n_tolerances;
    double *time;  /* of solvers that follow time, in unit times: after it the residual stays below */
    double *steps; /* steps, iterations or sweeps to the tolerance */
    double *decay; /* [n] time constant of the residual's fall between the last two decades but one; NaN */
} eqs_settling;

/* CVODE along the trajectory of the network's own form (rtol a tenth of the last tolerance, at most
 * 1e-6): the time after which the residual stays below each tolerance. `end`, unless NULL, receives the final
 * states, like `start` of phase->batch samples. The first n_tolerances of eqs_settle_tolerance. */
eqs_status eqs_settle_ode(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *start,
                          size_t n_tolerances, eqs_state *end, eqs_settling *out);

/* Iterations of any other solver: to the first tolerance, and on from there to the next where the method has
 * no memory (euler, sweep), else from the start every time. "euler" is paper 001's iteration (Eq. 54):
 * networks of clipped-linear units take the projected form. `most` iterations at most. */
eqs_status eqs_settle_steps(const eqs_energy *energy, const eqs_phase *phase, const char *solver, double step,
                            size_t most, const eqs_state *start, size_t n_tolerances, eqs_settling *out);

void eqs_settling_clear(eqs_settling *settling);

/* Quantiles of values [n x m] over n into out [m x EQS_SETTLE_QUANTILES]; a quantile that falls among values
 * that are NaN (not reached: larger than all others) is NaN. EQS_NO_MEMORY. */
eqs_status eqs_settle_quantiles(size_t n, size_t m, const double *value, double *out);

/* The same of one list, to out [EQS_SETTLE_QUANTILES]. */
static inline eqs_status eqs_settle_quantiles_of(size_t n, const double *value, double *out)
{
    return eqs_settle_quantiles(n, 1, value, out);
}

/* Seconds of one unit time: circuit.capacitance / circuit.conductance. */
double eqs_study_unit_time(const eqs_study_request *request);

/* A phase of the request's samples at beta + xi delta with parameters theta. */
eqs_phase eqs_study_phase(const eqs_network *net, const double *theta, const eqs_study_request *request,
                          double xi);

/* States of n samples at the start of paper 001 (0 in every box), with the data in layer 0; the caller's. */
eqs_status eqs_study_start(const eqs_network *net, const eqs_phase *phase, eqs_state **out);

/* Row `sample` of a state into a state of one sample, and the phase of that sample. */
void eqs_study_sample(const eqs_phase *phase, const eqs_state *state, size_t sample, eqs_phase *one,
                      eqs_state *row);

#endif
