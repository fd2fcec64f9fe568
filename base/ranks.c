#include "base/ranks.h"

#include <stdlib.h>

static int this_rank, rank_count = 1;

static int started_by_mpirun(void)
{
    return getenv("OMPI_COMM_WORLD_SIZE") != NULL || getenv("PMI_SIZE") != NULL ||
           getenv("PMIX_RANK") != NULL;
}

void eqs_ranks_share(size_t n, int rank, size_t *first, size_t *count)
{
    size_t ranks = (size_t)rank_count, r = (size_t)rank, base = n / ranks, more = n % ranks;
    *first = r * base + (r < more ? r : more);
    *count = base + (r < more ? 1 : 0);
}

int eqs_rank(void)
{
    return this_rank;
}

int eqs_ranks(void)
{
    return rank_count;
}

#ifdef EQS_WITH_MPI
#include <mpi.h>

eqs_status eqs_ranks_start(void)
{
    if (!started_by_mpirun())
        return EQS_OK;
    int provided;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
        return eqs_fail(EQS_INTERNAL, "MPI could not start");
    MPI_Comm_rank(MPI_COMM_WORLD, &this_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &rank_count);
    return EQS_OK;
}

void eqs_ranks_stop(void)
{
    int ready = 0;
    MPI_Initialized(&ready);
    if (ready)
        MPI_Finalize();
}

void eqs_ranks_abort(int exit_code)
{
    int ready = 0;
    MPI_Initialized(&ready);
    if (ready)
        MPI_Abort(MPI_COMM_WORLD, exit_code);
    exit(exit_code);
}

void eqs_ranks_gather(void *buffer, size_t n, size_t size)
{
    /* rank by rank, so that the shares may differ without tables: minibatches are small */
    for (int rank = 0; rank_count > 1 && rank < rank_count; rank++) {
        size_t first, count;
        eqs_ranks_share(n, rank, &first, &count);
        MPI_Bcast((char *)buffer + first * size, (int)(count * size), MPI_BYTE, rank, MPI_COMM_WORLD);
    }
}

int eqs_ranks_agree(int flag)
{
    int most = flag;
    if (rank_count > 1)
        MPI_Allreduce(&flag, &most, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    return most;
}
#else
eqs_status eqs_ranks_start(void)
{
    if (started_by_mpirun())
        return eqs_fail(EQS_USAGE,
                        "started by mpirun, but this eqspice was built without MPI (cmake -DEQS_MPI=ON)");
    return EQS_OK;
}

void eqs_ranks_stop(void)
{
}

void eqs_ranks_abort(int exit_code)
{
    exit(exit_code);
}

void eqs_ranks_gather(void *buffer, size_t n, size_t size)
{
    (void)buffer;
    (void)n;
    (void)size;
}

int eqs_ranks_agree(int flag)
{
    return flag;
}
#endif
