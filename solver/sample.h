/* One sample of a batch at a time: what the SUNDIALS solvers share. A batch is a loop over independent
 * samples, so that every sample has its own step size and error control (measured: batch-stacking gains
 * nothing), spread over OpenMP threads with a field and an integrator each. No result depends on the number
 * of threads. */
#ifndef EQS_SOLVER_SAMPLE_H
#define EQS_SOLVER_SAMPLE_H

#include "solver/relax.h"

typedef struct eqs_sample {
    size_t index;    /* of the sample in the whole phase */
    eqs_phase phase; /* a batch of one: x and target point at the sample's rows of the whole phase */
    eqs_field *field;
    eqs_state *state; /* a batch of one */
    size_t n;         /* variables */
    double *tau;      /* [n] time constants of the variables */
    double *lo, *hi;  /* [n] boxes of clipped-linear units; infinite where there is no bound */
    double tau_max;
} eqs_sample;

typedef struct eqs_sample_outcome {
    eqs_relax_end end;
    double residual, time, energy;
    size_t steps;
    char failure[224]; /* why, when end is FAILED */
} eqs_sample_outcome;

/* How one sample is relaxed. A worker holds one thread's memory for it. */
typedef struct eqs_sample_solver {
    /* makes a worker on a sample whose data may change from call to call; borrowed until destroy */
    eqs_status (*create)(eqs_sample *sample, const eqs_relax_options *options, void **worker);
    /* relaxes sample->state in place; trajectory is NULL unless recording; adds to *work */
    eqs_status (*relax)(void *worker, eqs_trajectory *trajectory, eqs_sample_outcome *outcome,
                        eqs_relax_statistics *work);
    void (*destroy)(void *worker); /* NULL is fine */
} eqs_sample_solver;

/* Runs all samples of a phase through `how` and fills the result: the body of eqs_solver.run. The first
 * failed sample's reason goes to result->failure, every one's to the log. */
eqs_status eqs_relax_samples(const eqs_sample_solver *how, const eqs_energy *energy, const eqs_phase *phase,
                             const eqs_relax_options *options, eqs_state *state, eqs_relax_result *result);

/* The free layers of the sample's state, flat [n]; borrowed. */
double *eqs_sample_flat(const eqs_sample *sample);

/* Appends the point x at a time to a trajectory, with its energy and this residual; sample->state is set to
 * s(x). */
eqs_status eqs_sample_record(eqs_sample *sample, eqs_trajectory *trajectory, double time, double residual,
                             const double *x);

/* x put into [lo, hi]; NaN stays NaN. */
static inline double eqs_clip(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/* The force g on a state s in the box [lo, hi]: 0 where it pushes outwards (its projection P). */
static inline double eqs_projected(double g, double s, double lo, double hi)
{
    bool outward = (s <= lo && g < 0.0) || (s >= hi && g > 0.0);
    return outward ? 0.0 : g;
}

/* *sum += *work, field by field. */
void eqs_relax_statistics_add(eqs_relax_statistics *sum, const eqs_relax_statistics *work);

#endif
