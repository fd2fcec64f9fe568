/* The engine's pool of threads. */
#include "tests/check.h"

#include "base/memory.h"
#include "solver/engine_pool.h"

#include <stdatomic.h>
#include <time.h>

enum { ITEMS = 1000 };

typedef struct count_job {
    atomic_int runs[ITEMS];
    long sum[ITEMS];
} count_job;

static void count(void *argument, size_t i)
{
    count_job *job = argument;
    atomic_fetch_add(&job->runs[i], 1);
    for (size_t j = 0; j <= i; j++)
        job->sum[i] += (long)j;
}

/* jobs of all sizes in quick succession, with pauses in which the workers fall asleep */
static void every_item_runs_once_and_is_done_on_return(void **unused)
{
    (void)unused;
    static count_job job;
    for (size_t threads = 1; threads <= 5; threads++) {
        eqs_pool *pool;
        assert_ok(eqs_pool_create(threads, &pool));
        for (size_t round = 0; round < 300; round++) {
            size_t n = round % 7 == 0 ? ITEMS : round % 5;
            memset(&job, 0, sizeof job);
            eqs_pool_run(pool, n, count, &job);
            for (size_t i = 0; i < ITEMS; i++) {
                assert_int_equal(atomic_load(&job.runs[i]), i < n);
                assert_int_equal(job.sum[i], i < n ? (long)(i * (i + 1) / 2) : 0);
            }
            if (round % 50 == 0)
                nanosleep(&(struct timespec){0, 2000000}, NULL);
        }
        eqs_pool_destroy(pool);
    }
}

static void a_pool_without_memory_is_refused(void **unused)
{
    (void)unused;
    for (long k = 1; k <= 2; k++) {
        eqs_pool *pool;
        eqs_alloc_fail_at(k);
        assert_fails(eqs_pool_create(3, &pool), EQS_NO_MEMORY, "memory");
        eqs_alloc_fail_at(0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_runs_once_and_is_done_on_return),
        cmocka_unit_test(a_pool_without_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
