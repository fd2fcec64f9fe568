/* A few threads that share the items of a job. The caller works too and takes whatever nobody else has begun,
 * so that a thread which the system has put aside delays a job by no more than the item it holds; with the
 * static shares and barriers of an OpenMP region a busy machine made a minibatch of 0.3 ms ten times slower
 * (measured). Which thread runs an item must not matter to its result. */
#ifndef EQS_SOLVER_ENGINE_POOL_H
#define EQS_SOLVER_ENGINE_POOL_H

#include "base/status.h"

#include <stddef.h>

typedef struct eqs_pool eqs_pool;

/* A pool of `threads` >= 1 threads, the caller included; *out is the caller's. EQS_NO_MEMORY, or EQS_INTERNAL
 * when the system gives no thread. */
eqs_status eqs_pool_create(size_t threads, eqs_pool **out);
void eqs_pool_destroy(eqs_pool *pool);

/* Calls item(job, i) for every i < n (n < 2^32), in any order and on any thread, and returns when all are
 * done. One caller at a time; items do not call back. */
void eqs_pool_run(eqs_pool *pool, size_t n, void (*item)(void *job, size_t i), void *job);

#endif
