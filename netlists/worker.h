/* ngspice in a process of its own. libngspice holds global state, can crash the process, and can poison
 * itself for good (measured); so it runs only in forked workers, which are replaced after a crash, a hang or
 * an exit.
 *
 * A worker runs one job after another: load a deck, run one analysis, hand back vectors; memory stays flat.
 * Success is judged by data: no complaint of ngspice, the expected points, all vectors, all values finite;
 * never by ngspice's return codes, which are 0 for nearly every failure. A failed job leaves the worker
 * usable.
 *
 * A worker belongs to the thread that created it: it dies with that thread. Signals to the process group
 * (SIGINT) do not reach it. Its files: an empty scratch folder while it starts, nothing after. */
#ifndef EQS_NETLISTS_WORKER_H
#define EQS_NETLISTS_WORKER_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct eqs_worker eqs_worker;

typedef struct eqs_worker_options {
    double timeout; /* seconds that one job may take; default 120 */
    size_t
        memory_limit; /* bytes of address space beyond which allocations of the worker fail; default 8 GiB */
} eqs_worker_options;

eqs_worker_options eqs_worker_options_default(void);

/* How a job ended. X(enum, status returned, text) */
#define EQS_SPICE_END_LIST(X)                                                                                \
    X(EQS_SPICE_DONE, EQS_OK, "done")                                                                        \
    X(EQS_SPICE_REFUSED, EQS_BAD_DATA, "ngspice refused the circuit")                                        \
    X(EQS_SPICE_MISSING, EQS_BAD_DATA, "the circuit has no such node")                                       \
    X(EQS_SPICE_ABORTED, EQS_NOT_CONVERGED, "ngspice gave the analysis up")                                  \
    X(EQS_SPICE_INCOMPLETE, EQS_NOT_CONVERGED, "ngspice delivered too few points")                           \
    X(EQS_SPICE_PSEUDO, EQS_NOT_CONVERGED, "ngspice found no operating point, only the end of a transient")  \
    X(EQS_SPICE_NOT_FINITE, EQS_NOT_CONVERGED, "the solution is not finite")                                 \
    X(EQS_SPICE_TIMED_OUT, EQS_NOT_CONVERGED, "ngspice did not finish in time")                              \
    X(EQS_SPICE_EXITED, EQS_BAD_DATA, "ngspice gave itself up on this circuit")                              \
    X(EQS_SPICE_DIED, EQS_INTERNAL, "the ngspice process died")                                              \
    X(EQS_SPICE_NO_MEMORY, EQS_NO_MEMORY, "the ngspice process has no memory for the results")

typedef enum eqs_spice_end {
#define X(name, status, text) name,
    EQS_SPICE_END_LIST(X)
#undef X
        EQS_SPICE_END_COUNT
} eqs_spice_end;

/* Text of an end; static storage. */
const char *eqs_spice_end_text(eqs_spice_end end);

/* Cost whose force the nudging currents are, of predictions p and targets t:
 * squared error 1/2 |p - t|^2: I = beta (t - p), beta in S;
 * cross entropy of softmax(scale p): I = beta (t - softmax(scale p)), beta in A, scale in 1/V. */
typedef enum eqs_spice_cost { EQS_SPICE_SQUARED_ERROR, EQS_SPICE_CROSS_ENTROPY } eqs_spice_cost;

/* Nudging that follows the circuit within one dc sweep (notes of EqProp: the current is frozen at the free
 * point). The points of a sweep come in groups, one group per sample: the free point, then nudged ones, whose
 * currents are computed from the voltages of the group's free point. All borrowed. */
typedef struct eqs_spice_nudge {
    size_t n_points;    /* of a group, >= 1 */
    const double *beta; /* [n_points], beta[0] = 0 */
    eqs_spice_cost cost;
    double scale;      /* cross entropy only */
    size_t n_outputs;  /* predictions */
    bool differential; /* p_k = v(node 2k) - v(node 2k + 1), nudged by +I_k and -I_k; else p_k = v(node k) */
    size_t first_wanted;  /* the output nodes are wanted[first_wanted..] */
    size_t first_source;  /* the sources into them are external[first_source..], in the nodes' order */
    const double *target; /* [n_groups x n_outputs] */
} eqs_spice_nudge;

/* The currents [A] of all output nodes at strength beta, from the output nodes' free voltages. */
void eqs_spice_nudge_currents(const eqs_spice_nudge *nudge, double beta, const double *volts,
                              const double *target, double *amperes);

/* One circuit and one analysis. All borrowed. */
typedef struct eqs_spice_job {
    const char *deck; /* [deck_length] lines ending in '\n', the last ".end"; no control block */
    size_t deck_length;
    const char *command;       /* "op", "tran ...", "dc ..." */
    size_t n_wanted;           /* vectors to hand back; 0: all node voltages and branch currents */
    const char *const *wanted; /* node names, "o_3", or branches, "v_x_0#branch" */
    size_t n_points;           /* points that must arrive; 0: at least one */
    /* sources declared "external": values at every point of a dc sweep, supply [n_points x n_external]; with
     * nudging at every group, [n_points / nudge->n_points x n_external], to which the nudge adds */
    size_t n_external;
    const char *const *external; /* element names, "i_bias_h1_3" */
    const double *supply;
    const eqs_spice_nudge *nudge; /* NULL: none */
} eqs_spice_job;

typedef struct eqs_spice_result {
    eqs_spice_end end;
    size_t n_points, n_vectors;
    const char **name; /* [n_vectors] in the order wanted; names of all vectors when none was wanted */
    double *time;      /* [n_points] seconds for tran, else NULL */
    double *value;     /* [n_points x n_vectors] */
    /* how hard the operating point was: the aids that ngspice took */
    bool gmin_stepping, source_stepping;
    double seconds; /* wall-clock of the job */
    char text[512]; /* ngspice's complaints, or "" */
    void *block;    /* the memory behind names */
} eqs_spice_result;

/* Starts a worker. EQS_INTERNAL when the process cannot be started or ngspice does not come up. *out is the
 * caller's. */
eqs_status eqs_worker_create(const eqs_worker_options *options, eqs_worker **out);

/* Ends the worker's process and frees it; NULL is fine. */
void eqs_worker_destroy(eqs_worker *worker);

/* "ngspice-39" as the library says; borrowed. */
const char *eqs_worker_version(const eqs_worker *worker);

/* Process id of the present worker; 0 when it has ended and the next job will start another. */
long eqs_worker_process(const eqs_worker *worker);

/* How many processes this worker has used: 1 until one had to be replaced. */
size_t eqs_worker_starts(const eqs_worker *worker);

/* Runs a job. Fills *result (release with eqs_spice_result_clear, also after failures; result->end says how
 * it ended) and returns the status of that end with a message that holds ngspice's words. EQS_BAD_DATA
 * without asking ngspice when the deck is no deck (no elements, no .end, a control block) or an external
 * value is not finite. */
eqs_status eqs_worker_run(eqs_worker *worker, const eqs_spice_job *job, eqs_spice_result *result);

/* The same in two halves, so that several workers compute at once: hand the job over; wait for its result.
 * After a failed start there is nothing to finish. The job must live until it is finished; its time-out
 * counts from the start. */
eqs_status eqs_worker_start_job(eqs_worker *worker, const eqs_spice_job *job);
eqs_status eqs_worker_finish_job(eqs_worker *worker, const eqs_spice_job *job, eqs_spice_result *result);

void eqs_spice_result_clear(eqs_spice_result *result);

#endif
