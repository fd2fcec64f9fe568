/* Free and nudged phases of minibatches of a resistive network by ngspice alone: the voltages are ngspice's,
 * the program supplies the sources and reads the nodes.
 *
 * A minibatch is cut into chunks of a fixed number of samples. A chunk is one job: the circuit with the
 * sources folded into the nodes (device.h), and one dc sweep of a source that drives nothing, with a point
 * for every phase of every sample: the free one, then the nudged ones, whose currents follow the free
 * outputs. Each point starts from the one before. Chunks are dealt out to the workers in turn; as a chunk
 * always starts afresh, the voltages have the same bits for any number of workers.
 *
 * What goes wrong: a worker that dies or hangs is replaced and its chunk done again (three times in all);
 * when ngspice gives a sweep up, each sample of the chunk gets a sweep of its own, and where that fails, too,
 * an operating point for each phase. */
#ifndef EQS_NETLISTS_DEVICE_POOL_H
#define EQS_NETLISTS_DEVICE_POOL_H

#include "netlists/device.h"
#include "netlists/worker.h"

typedef struct eqs_device_pool eqs_device_pool;

enum { EQS_DEVICE_POINTS = 5 }; /* most phases of a sample */

typedef struct eqs_device_pool_options {
    size_t workers;               /* default 1 */
    size_t chunk;                 /* samples; default 32 */
    double reltol, vntol, abstol; /* as eqs_device_options */
    eqs_device_amplifier amplifier;
    eqs_worker_options worker; /* time-out of a job, memory */
} eqs_device_pool_options;

eqs_device_pool_options eqs_device_pool_options_default(void);

typedef struct eqs_device_pool_statistics {
    size_t chunks, points;             /* of all runs */
    size_t sweeps_alone;               /* samples that had a sweep of their own */
    size_t operating_points;           /* phases that were solved one by one */
    size_t replaced;                   /* jobs done again because their worker had died or hung */
    double seconds_build, seconds_run; /* writing decks; waiting for ngspice */
} eqs_device_pool_statistics;

/* Starts the workers. The network must outlive the pool. EQS_BAD_CONFIG: no resistive network, the
 * conductance form of the nudge, no workers or chunk. *out is the caller's. */
eqs_status eqs_device_pool_create(const eqs_network *net, const eqs_device_pool_options *options,
                                  eqs_device_pool **out);
void eqs_device_pool_destroy(eqs_device_pool *pool);

/* Voltages of n samples at parameters theta, sources x [n x layer 0], in n_points phases of strength beta
 * [n_points] (beta[0] = 0, unit conductances); target [n x n_outputs] may be NULL when n_points is 1. volts
 * [n_points x n x n_state], free layers in turn. EQS_NOT_CONVERGED names the sample. */
eqs_status eqs_device_pool_run(eqs_device_pool *pool, const double *theta, size_t n, const double *x,
                               const double *target, size_t n_points, const double *beta, double *volts);

const eqs_device_pool_statistics *eqs_device_pool_statistics_of(const eqs_device_pool *pool);

/* Process id of worker i, for tests; version of ngspice. */
long eqs_device_pool_process(const eqs_device_pool *pool, size_t i);
const char *eqs_device_pool_version(const eqs_device_pool *pool);

#endif
