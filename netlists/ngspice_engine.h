/* libngspice, one circuit at a time; only ever used inside a worker's process (worker.h). */
#ifndef EQS_NETLISTS_NGSPICE_ENGINE_H
#define EQS_NETLISTS_NGSPICE_ENGINE_H

#include "netlists/names.h"
#include "netlists/worker.h"

enum { EQS_ENGINE_TEXT = 512 };

/* Takes part in a job while ngspice runs it (co-simulation): points and values of external sources go to the
 * hooks instead of `rows` and the job's supply. Called in ngspice's process, inside its own call-backs. */
typedef struct eqs_ngspice_hooks {
    /* an accepted point: time (or the swept value) and the wanted vectors */
    void (*point)(void *user, double time, const double *value);
    /* value of external source `index` at a time of the step that is being tried */
    double (*source)(void *user, size_t index, double time);
    /* before a step of length *dt from the accepted time t: may shorten it; NULL: unwanted */
    void (*step)(void *user, double t, double *dt);
} eqs_ngspice_hooks;

/* The state of the library's one instance and of the job that it runs. */
typedef struct eqs_ngspice {
    char version[64];
    bool exited; /* ngspice asked to end the process: it can run no more circuits */

    const eqs_ngspice_hooks *hooks; /* NULL: none; borrowed */
    void *hooks_user;

    /* the running job */
    const eqs_spice_job *job;
    eqs_arena arena;
    eqs_names wanted;   /* name -> column */
    eqs_names external; /* name -> column of the supply */
    size_t n_columns, n_rows, row_capacity;
    double *rows;     /* [n_rows x (1 + n_columns)], the first column is the scale (time) */
    size_t n_vectors; /* of the plot */
    uint32_t *column; /* [n_vectors] 1 + column of each vector of the plot, 0 for the scale, UINT32_MAX: not
                         wanted */
    size_t missing;   /* wanted vectors that the plot lacks; the first is named in `text` */
    double *nudge;    /* [nodes that are nudged] amperes at the point that is being solved; NULL: none */
    uint32_t next_external; /* guess of the next source to be asked for: ngspice asks in a fixed order */
    int follow;             /* lines that belong to the complaint before them */
    bool loading, refused, aborted, pseudo, gmin_stepping, source_stepping, no_memory;
    char text[EQS_ENGINE_TEXT]; /* ngspice's complaints */
} eqs_ngspice;

/* Starts the library; the current folder must hold an empty .spiceinit. EQS_INTERNAL with its words. */
eqs_status eqs_ngspice_open(eqs_ngspice *engine);

/* Later jobs call these hooks (NULL: none), which must outlive them. */
void eqs_ngspice_follow(eqs_ngspice *engine, const eqs_ngspice_hooks *hooks, void *user);

/* Runs one job with its columns in `rows`; the end says how it went. Results stay until eqs_ngspice_forget.
 */
eqs_spice_end eqs_ngspice_run(eqs_ngspice *engine, const eqs_spice_job *job);

/* Frees the circuit, its plots and the job's results. */
void eqs_ngspice_forget(eqs_ngspice *engine);

#endif
