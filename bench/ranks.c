/* What one exchange of states between MPI ranks costs (base/ranks.h): after each phase of a minibatch every
 * rank gets every sample's state. Run: mpirun -n N bench_ranks; CSV on stdout, the median and minimum of
 * `repeats` exchanges. */
#include "base/ranks.h"
#include "base/memory.h"
#include "base/run.h"

#include <stdio.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    static const struct {
        const char *network;
        size_t units; /* state of a sample */
    } cases[] = {{"784-500-10", 510}, {"784-500-500-10", 1010}, {"784-500-500-500-10", 1510}, {"empty", 0}};
    enum { REPEATS = 2000, BATCH = 20, HEAD = 16 };
    double *seconds = eqs_alloc(REPEATS, sizeof *seconds);
    if (seconds == NULL || eqs_ranks_start() != EQS_OK) {
        fprintf(stderr, "bench_ranks: %s\n", eqs_error_message());
        return 1;
    }
    if (eqs_rank() == 0)
        printf("ranks,network,batch,bytes_per_sample,median_us,minimum_us\n");
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        size_t bytes = HEAD + cases[c].units * sizeof(float);
        char *rows = eqs_alloc(BATCH, bytes);
        if (rows == NULL)
            eqs_ranks_abort(1);
        for (int i = 0; i < REPEATS; i++) {
            eqs_ranks_agree(0); /* start together */
            double start = eqs_clock();
            eqs_ranks_gather(rows, BATCH, bytes);
            seconds[i] = eqs_clock() - start;
        }
        qsort(seconds, REPEATS, sizeof *seconds, ascending);
        if (eqs_rank() == 0)
            printf("%d,%s,%d,%zu,%.2f,%.2f\n", eqs_ranks(), cases[c].network, BATCH, bytes,
                   1e6 * seconds[REPEATS / 2], 1e6 * seconds[0]);
        eqs_free(rows);
    }
    eqs_free(seconds);
    eqs_ranks_stop();
    return 0;
}
