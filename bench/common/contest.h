/* Paper 001's Euler relaxation and the solver `auto` on the same minibatches, weights and starting states, in
 * turn: single precision, one thread.
 *
 * Minibatches are taken in groups. A first pass over a group is not timed: it certifies what each contender
 * reaches. Then `repeats` timed passes follow, each contender in turn within a pass. The time of a minibatch
 * is that of its fastest repeat (CPU time); times are summed over minibatches. */
#ifndef EQS_BENCH_CONTEST_H
#define EQS_BENCH_CONTEST_H

#include "bench/common/trained.h"

/* X(enum, name, tolerance, compared with paper's counts, nudged phases, whole step, what it is) */
#define BENCH_TASK_LIST(X)                                                                                   \
    X(BENCH_FREE, "free", 1e-4, true, 0, false, "free phase from states one epoch old; Euler: paper 001")    \
    X(BENCH_COLD, "free-cold", 1e-4, true, 0, false, "free phase from s = 0; Euler: paper 001")              \
    X(BENCH_NUDGED, "nudged", 1e-4, true, 1, false, "nudged phase from the free fixed point")                \
    X(BENCH_STEP, "step", 1e-4, true, 1, true, "whole training step: load, free, nudged, update")            \
    X(BENCH_CENTRED, "step-centred", 1e-4, true, 2, true, "the same with nudged phases of both signs")       \
    X(BENCH_FREE_4, "free-to-1e-4", 1e-4, false, 0, false, "free phase; Euler goes on to the same residual") \
    X(BENCH_FREE_6, "free-to-1e-6", 1e-6, false, 0, false, "free phase; Euler goes on to the same residual") \
    X(BENCH_NUDGED_4, "nudged-to-1e-4", 1e-4, false, 1, false, "nudged phase to the same residual")

typedef enum bench_task {
#define X(name, text, tolerance, paper, nudged, step, what) name,
    BENCH_TASK_LIST(X)
#undef X
        BENCH_TASKS
} bench_task;

const char *bench_task_name(bench_task task);
const char *bench_task_text(bench_task task);

/* true when Euler makes paper 001's number of iterations in this task, false when it goes on to the tolerance
 */
bool bench_task_by_paper(bench_task task);

enum { BENCH_PART_LOAD, BENCH_PART_FREE, BENCH_PART_NUDGED, BENCH_PART_UPDATE, BENCH_PARTS };
enum { BENCH_CONTENDERS = 3, BENCH_PHASES = 2 };

/* What a contender did in one task; phases: 0 free, 1 nudged (one or two together). */
typedef struct bench_result {
    const char *solver;
    size_t minibatches, samples;
    double seconds[BENCH_PARTS]; /* sum over minibatches; 0 for parts that the task has not */
    double total;                /* sum of them */
    double sweeps[BENCH_PHASES]; /* summed over samples and phases: products with all weights, both ways */
    double iterations[BENCH_PHASES];   /* sum over minibatches of the slowest sample's sweeps */
    double worst[BENCH_PHASES];        /* largest residual */
    double residual_sum[BENCH_PHASES]; /* over samples */
    size_t relaxations[BENCH_PHASES];  /* samples times phases */
    size_t unconverged;                /* relaxations that ended above the task's tolerance */
    double flops;                      /* nominal: 2 per weight and pass over the weights */
} bench_result;

typedef struct bench_contest_options {
    size_t minibatches, repeats;
    size_t cap; /* sweeps of a sample at most, of solvers that go on to a tolerance */
} bench_contest_options;

/* Runs a task; result [BENCH_CONTENDERS], the first the one that others are measured against. The weights are
 * those of `trained` at the start of every minibatch. EQS_BAD_CONFIG when paper 001 gives no number of
 * iterations for the network's depth. */
eqs_status bench_contest(const bench_trained *trained, bench_task task, const bench_contest_options *options,
                         bench_result *result);

#endif
