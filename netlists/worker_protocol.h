/* What parent and worker say to each other over their socket. Both are the same program, so plain structs do.
 */
#ifndef EQS_NETLISTS_WORKER_PROTOCOL_H
#define EQS_NETLISTS_WORKER_PROTOCOL_H

#include "netlists/worker.h"

#include <stdint.h>

enum { EQS_WORKER_TEXT = 512 };

/* after start-up, once */
typedef struct eqs_worker_hello {
    int32_t ready;
    char version[64]; /* or the complaint when not ready */
} eqs_worker_hello;

/* Followed by: deck, command, wanted names, external names (each with its NUL), then as doubles the supply,
 * and of the nudge beta and the targets. */
typedef struct eqs_worker_request {
    uint64_t deck_bytes, command_bytes, wanted_bytes, external_bytes;
    uint64_t n_wanted, n_external, n_points, n_groups; /* n_groups: rows of the supply */
    int32_t has_nudge;
    eqs_spice_nudge nudge; /* its pointers mean nothing on the other side */
} eqs_worker_request;

/* Followed by: names of all vectors (when none was wanted), time (when has_time), values. */
typedef struct eqs_worker_reply {
    int32_t end, has_time, gmin_stepping, source_stepping;
    uint64_t n_points, n_vectors, names_bytes;
    char text[EQS_WORKER_TEXT];
} eqs_worker_reply;

struct eqs_ngspice;

/* Makes the calling (forked) process one that only computes: no handlers, files or ways of the parent's but
 * the socket, whose new number is returned; bounded memory. */
int eqs_worker_shut_off(int fd, size_t memory_limit);

/* Starts ngspice in such a process. EQS_INTERNAL. */
eqs_status eqs_worker_open_engine(struct eqs_ngspice *engine);

/* The worker's process: serves requests on `fd` until the other side closes it; never returns. */
_Noreturn void eqs_worker_serve(int fd, size_t memory_limit);

#endif
