/* Several processes that work on one run (MPI): `mpirun -n N eqspice ...`. Without mpirun, or built without
 * MPI, there is one rank and every call is free. */
#ifndef EQS_BASE_RANKS_H
#define EQS_BASE_RANKS_H

#include "base/status.h"

#include <stddef.h>

/* Joins the other ranks when this process was started by mpirun. EQS_USAGE when it was, but MPI is not built
 * in. */
eqs_status eqs_ranks_start(void);
void eqs_ranks_stop(void);

/* Ends all ranks at once with an exit code; for errors that only one rank sees. */
void eqs_ranks_abort(int exit_code);

int eqs_rank(void); /* 0 .. eqs_ranks() - 1; rank 0 writes files and messages */
int eqs_ranks(void);

/* The contiguous share [*first, *first + *count) of `n` items that belongs to `rank`: sizes differ by one at
 * most. */
void eqs_ranks_share(size_t n, int rank, size_t *first, size_t *count);

/* `buffer` holds n items of `size` bytes, of which each rank has filled its share; afterwards every rank has
 * all. */
void eqs_ranks_gather(void *buffer, size_t n, size_t size);

/* The largest `flag` of all ranks: a rank that must stop tells the others. */
int eqs_ranks_agree(int flag);

#endif
