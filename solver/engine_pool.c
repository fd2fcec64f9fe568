#include "solver/engine_pool.h"

#include "base/memory.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* idle rounds before a worker sleeps (some 20 microseconds), and before the caller yields its processor */
enum { PATIENCE = 1000 };

struct eqs_pool {
    /* items of the job in its upper half, the next unclaimed one in its lower: claiming is one
     * compare-and-swap */
    atomic_uint_fast64_t ticket;
    atomic_size_t done;
    /* set before the ticket; whoever has claimed an item may read them until it reports the item done */
    void (*item)(void *job, size_t i);
    void *job;
    atomic_size_t sleeping;
    atomic_bool stop;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    size_t n_workers;
    pthread_t *worker;
};

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static bool has_work(eqs_pool *pool)
{
    uint64_t ticket = atomic_load(&pool->ticket);
    return (uint32_t)ticket < ticket >> 32;
}

/* Runs one unclaimed item; false when there is none. */
static bool run_one(eqs_pool *pool)
{
    uint_fast64_t ticket = atomic_load(&pool->ticket);
    do {
        if ((uint32_t)ticket >= ticket >> 32)
            return false;
    } while (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket + 1));
    pool->item(pool->job, (uint32_t)ticket);
    atomic_fetch_add(&pool->done, 1);
    return true;
}

static void sleep_until_work(eqs_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleeping, 1);
    while (!has_work(pool) && !atomic_load(&pool->stop))
        pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->sleeping, 1);
    pthread_mutex_unlock(&pool->lock);
}

static void *work(void *argument)
{
    eqs_pool *pool = argument;
    while (!atomic_load(&pool->stop)) {
        int idle = 0;
        while (idle < PATIENCE && !atomic_load(&pool->stop)) {
            idle = run_one(pool) ? 0 : idle + 1;
            pause_briefly();
        }
        sleep_until_work(pool);
    }
    return NULL;
}

static void wake_sleepers(eqs_pool *pool)
{
    if (atomic_load(&pool->sleeping) == 0)
        return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

/* Starts the workers with all signals blocked: signals belong to the caller's threads. */
static eqs_status start_workers(eqs_pool *pool, size_t n)
{
    sigset_t all, before;
    int error = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (error == 0 && pool->n_workers < n) {
        error = pthread_create(&pool->worker[pool->n_workers], NULL, work, pool);
        pool->n_workers += error == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0)
        return eqs_fail(EQS_INTERNAL, "threads: the system gave %zu of %zu threads", pool->n_workers + 1,
                        n + 1);
    return EQS_OK;
}

eqs_status eqs_pool_create(size_t threads, eqs_pool **out)
{
    eqs_pool *pool = eqs_alloc(1, sizeof *pool);
    if (pool == NULL)
        return EQS_NO_MEMORY;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->worker = eqs_alloc(threads - 1, sizeof *pool->worker);
    eqs_status status = pool->worker == NULL ? EQS_NO_MEMORY : start_workers(pool, threads - 1);
    if (status != EQS_OK) {
        eqs_pool_destroy(pool);
        return status;
    }
    *out = pool;
    return EQS_OK;
}

void eqs_pool_destroy(eqs_pool *pool)
{
    if (pool == NULL)
        return;
    atomic_store(&pool->stop, true);
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->n_workers; i++)
        pthread_join(pool->worker[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    eqs_free(pool->worker);
    eqs_free(pool);
}

void eqs_pool_run(eqs_pool *pool, size_t n, void (*item)(void *job, size_t i), void *job)
{
    if (pool->n_workers == 0 || n < 2) {
        for (size_t i = 0; i < n; i++)
            item(job, i);
        return;
    }
    pool->item = item;
    pool->job = job;
    atomic_store(&pool->done, 0);
    atomic_store(&pool->ticket, (uint64_t)n << 32);
    wake_sleepers(pool);
    while (run_one(pool))
        continue;
    for (int rounds = 0; atomic_load(&pool->done) < n; rounds++) {
        if (rounds < PATIENCE)
            pause_briefly();
        else
            sched_yield();
    }
}
