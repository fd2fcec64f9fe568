/* What resistive_engine.c shares with the two instances (resistive_engine_f32.c, resistive_engine_f64.c). */
#ifndef EQS_SOLVER_RESISTIVE_INTERNAL_H
#define EQS_SOLVER_RESISTIVE_INTERNAL_H

#include "solver/engine_pool.h"
#include "solver/resistive_engine.h"

/* The functions of resistive_engine.h in one precision. */
typedef struct eqs_resistive_ops {
    size_t real_size;
    void (*destroy)(eqs_resistive_engine *engine);
    void (*set_parameters)(eqs_resistive_engine *engine, const double *theta);
    void (*get_parameters)(eqs_resistive_engine *engine, double *theta);
    void (*load)(eqs_resistive_engine *engine, const double *x, const double *target);
    void (*reset)(eqs_resistive_engine *engine);
    void (*put_state)(eqs_resistive_engine *engine, size_t row, const void *state);
    void (*take_state)(const eqs_resistive_engine *engine, size_t row, void *state);
    void (*relax_free)(eqs_resistive_engine *engine, double tolerance, size_t max_sweeps,
                       eqs_resistive_outcome *outcome);
    eqs_status (*relax_nudged)(eqs_resistive_engine *engine, size_t n, const double *beta, double tolerance,
                               size_t max_sweeps, eqs_resistive_outcome *outcome);
    void (*update)(eqs_resistive_engine *engine, const double *rate, const double *coefficient,
                   double *change, double *norm);
    void (*voltages)(const eqs_resistive_engine *engine, size_t slot, size_t k, double *v);
    void (*output)(const eqs_resistive_engine *engine, size_t slot, double *y);
    void (*energy)(eqs_resistive_engine *engine, size_t slot, double *F);
} eqs_resistive_ops;

/* The part that does not depend on the precision; first member of the instances. */
struct eqs_resistive_engine {
    const eqs_resistive_ops *ops;
    const eqs_network *net; /* borrowed */
    const eqs_resistive_kernels *kernels;
    eqs_pool *pool;
    size_t threads;
    size_t L;        /* layers above the sources */
    size_t batch, n; /* room and present size of the minibatch */
    size_t rows;     /* batch, padded to a multiple of EQS_ROW_BLOCK */
    size_t inputs;   /* sources, or pairs of them */
    size_t rails;    /* 2: every input is a pair +x, -x */
    size_t n_slots;  /* nudged slots of the last nudged relaxation */
};

/* Allocates an instance around `common`, whose members are moved into it; *out is released by ops->destroy.
 */
eqs_status eqs_resistive_create_f32(const eqs_resistive_engine *common, eqs_resistive_engine **out);
eqs_status eqs_resistive_create_f64(const eqs_resistive_engine *common, eqs_resistive_engine **out);

/* Matrices to a layer of at most so many nodes are stored by nodes of that layer, [units][lower nodes]. */
enum { EQS_RESISTIVE_SMALL = 32 };

static inline size_t eqs_panels(size_t n)
{
    return (n + EQS_PANEL - 1) / EQS_PANEL;
}

#endif
