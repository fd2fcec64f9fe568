/* Runs a job in a child process with limits on time and memory, so that what it reads may crash or hang it.
 */
#ifndef EQS_STORE_SANDBOX_H
#define EQS_STORE_SANDBOX_H

#include "base/status.h"
#include "store/text.h"

typedef struct eqs_sandbox_limits {
    double seconds;      /* wall clock, and CPU */
    size_t memory_bytes; /* above what the process holds already */
    size_t output_bytes;
} eqs_sandbox_limits;

/* The child: appends its answer to `output` and returns EQS_OK, or fails as any function does. */
typedef eqs_status (*eqs_sandbox_job)(void *user, eqs_text *output);

/* Runs job in a child and gives its output (the caller's, eqs_text_clear) or its failure. A child that dies
 * by a signal, ends in another way, takes too long or writes too much gives EQS_BAD_DATA with that reason.
 * Forks: not to be called while other threads hold locks of a library that the job uses. */
eqs_status eqs_sandbox_run(const eqs_sandbox_limits *limits, eqs_sandbox_job job, void *user,
                           eqs_text *output);

#endif
