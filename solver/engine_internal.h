/* What engine.c shares with the two instances of the engine (engine_f32.c, engine_f64.c). */
#ifndef EQS_SOLVER_ENGINE_INTERNAL_H
#define EQS_SOLVER_ENGINE_INTERNAL_H

#include "solver/engine.h"
#include "solver/engine_plan.h"
#include "solver/engine_pool.h"
#include "solver/kernel.h"

typedef enum eqs_engine_method {
    EQS_METHOD_EULER,
    EQS_METHOD_SWEEP,
    EQS_METHOD_NESTEROV,
    EQS_METHOD_ANDERSON,
    EQS_METHOD_NEWTON,
    EQS_METHOD_AUTO
} eqs_engine_method;

/* The outcome of one slot, in the order of the minibatch. */
typedef struct eqs_slot_record {
    double beta[EQS_BETA_COUNT];
    double *residual; /* [batch] */
    uint32_t *sweeps; /* [batch] */
    uint8_t *end;     /* [batch] */
} eqs_slot_record;

/* The functions of engine.h in one precision. */
typedef struct eqs_engine_ops {
    size_t real_size;
    void (*destroy)(eqs_engine *engine);
    void (*set_parameters)(eqs_engine *engine, const double *theta);
    void (*get_parameters)(const eqs_engine *engine, double *theta);
    void (*load)(eqs_engine *engine, const double *x, const double *target);
    void (*put_row)(eqs_engine *engine, size_t slot, size_t row, const void *state);
    void (*take_row)(const eqs_engine *engine, size_t slot, size_t row, void *state);
    void (*put_states)(eqs_engine *engine, size_t slot, const eqs_state *state);
    void (*take_states)(const eqs_engine *engine, size_t slot, eqs_state *state);
    void (*reset)(eqs_engine *engine, size_t slot);
    void (*copy)(eqs_engine *engine, size_t from, size_t to);
    void (*relax)(eqs_engine *engine, size_t slot, const eqs_engine_relax *how);
    void (*update)(eqs_engine *engine, const double *rate, const double *coefficient, double decay,
                   double *change, double *norm);
    void (*gradient)(const eqs_engine *engine, const double *coefficient, double *grad);
    void (*distance)(const eqs_engine *engine, size_t a, size_t b, double *distance);
    void (*output)(const eqs_engine *engine, size_t slot, double *y);
    void (*energy)(eqs_engine *engine, size_t slot, double *F);
} eqs_engine_ops;

/* Sees every active row of a slot after each of its sweeps: row in the minibatch, sweeps so far, and its free
 * layers in turn, in double precision (valid during the call). Called from the engine's threads. */
typedef struct eqs_engine_observer {
    void (*see)(void *user, size_t row, uint32_t sweeps, const double *state);
    void *user;
} eqs_engine_observer;

/* The part that does not depend on the precision; first member of the instances. */
struct eqs_engine {
    const eqs_engine_ops *ops;
    const eqs_energy *energy; /* borrowed */
    const eqs_network *net;
    const eqs_kernel_set *kernels;
    eqs_plan *plan;
    eqs_engine_method method;
    bool openblas;
    size_t batch, n;                /* room and present size of the minibatch */
    size_t share_first, share_last; /* samples [first, last) that relaxations touch */
    size_t threads;
    eqs_pool *pool;
    eqs_engine_observer observer; /* see is NULL: nobody looks */
    eqs_slot_record record[EQS_ENGINE_SLOTS];
};

/* Allocates an instance around `common`, whose members are moved into it; *out is released by ops->destroy.
 */
eqs_status eqs_engine_create_f32(const eqs_engine *common, eqs_engine **out);
eqs_status eqs_engine_create_f64(const eqs_engine *common, eqs_engine **out);

/* When `auto` changes its method: sweeps of a sample by Anderson mixing, then by Nesterov's momentum. */
enum { EQS_AUTO_ANDERSON = 25, EQS_AUTO_NESTEROV = 1000 };

/* The methods that `auto` has used on a sample after so many sweeps; static storage. */
const char *eqs_engine_auto_used(uint32_t sweeps);

/* The first term of an energy that the engine does not know, or NULL. */
const eqs_term *eqs_engine_unknown_term(const eqs_energy *energy);

/* First of the samples of shard t out of `shards` when n samples are dealt out. */
static inline size_t eqs_shard_start(size_t n, size_t t, size_t shards)
{
    return n * t / shards;
}

#endif
