/* Minibatches by ngspice: the voltages of single circuits, the same bits for any number of workers, and
 * nothing lost when a worker dies or hangs. EQS_LONG=1: memory over 100 000 patterns. */
#include "tests/netlists/small_resistive.h"

#include "netlists/device_pool.h"
#include "netlists/dialect.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { BATCH = 10, POINTS = 3 };

static const double strengths[POINTS] = {0.0, 0.2, -0.2};

static void open_net(small_resistive *s)
{
    eqs_resistive_def def = eqs_resistive_def_default();
    def.siemens = 1e-3;
    def.diode = EQS_DIODE_NGSPICE;
    def.input_gain = 5.0;
    small_resistive_open(s, &def, 3, (const size_t[]){3, 6, 2}, BATCH);
}

static eqs_device_pool *open_pool(const small_resistive *s, size_t workers, size_t chunk, double timeout)
{
    eqs_device_pool_options options = eqs_device_pool_options_default();
    options.workers = workers;
    options.chunk = chunk;
    options.reltol = 1e-9;
    options.vntol = 1e-13;
    options.worker.timeout = timeout;
    eqs_device_pool *pool;
    assert_ok(eqs_device_pool_create(s->net, &options, &pool));
    return pool;
}

static double *minibatch(eqs_device_pool *pool, const small_resistive *s)
{
    double *volts = eqs_alloc(POINTS * BATCH * eqs_network_state_size(s->net), sizeof *volts);
    assert_ok(eqs_device_pool_run(pool, s->theta, BATCH, s->x, s->target, POINTS, strengths, volts));
    return volts;
}

static size_t bytes_of(const small_resistive *s)
{
    return POINTS * BATCH * eqs_network_state_size(s->net) * sizeof(double);
}

/* KCL of every point, with the nudge computed here from the point's own free outputs */
static void free_and_nudged_voltages_obey_kirchhoff(void **state)
{
    (void)state;
    small_resistive s;
    open_net(&s);
    eqs_device_pool *pool = open_pool(&s, 1, BATCH, 20.0);
    double *volts = minibatch(pool, &s);
    size_t n = eqs_network_state_size(s.net);
    eqs_diode none = {0};
    for (size_t p = 0; p < POINTS; p++) {
        for (size_t b = 0; b < BATCH; b++) {
            double nudge[2];
            for (size_t k = 0; k < 2; k++)
                nudge[k] = strengths[p] * (s.target[2 * b + k] - volts[b * n + 6 + k]);
            double residual = small_resistive_residual(&s, b, volts + (p * BATCH + b) * n, nudge, 0.0, &none);
            if (!(residual < 1e-9))
                print_error("point %zu of sample %zu: residual %.3g V\n", p, b, residual);
            assert_true(residual < 1e-9);
        }
    }
    const eqs_device_pool_statistics *statistics = eqs_device_pool_statistics_of(pool);
    assert_int_equal(statistics->points, POINTS * BATCH);
    assert_int_equal(statistics->chunks, 1);
    assert_int_equal(statistics->sweeps_alone + statistics->operating_points + statistics->replaced, 0);
    eqs_free(volts);
    eqs_device_pool_destroy(pool);
    small_resistive_close(&s);
}

static void any_number_of_workers_gives_the_same_bits(void **state)
{
    (void)state;
    small_resistive s;
    open_net(&s);
    double *first = NULL;
    for (size_t workers = 1; workers <= 3; workers++) {
        eqs_device_pool *pool = open_pool(&s, workers, 3, 20.0);
        double *volts = minibatch(pool, &s);
        assert_int_equal(eqs_device_pool_statistics_of(pool)->chunks, 4);
        if (first == NULL)
            first = volts;
        else
            assert_memory_equal(volts, first, bytes_of(&s));
        if (volts != first)
            eqs_free(volts);
        eqs_device_pool_destroy(pool);
    }
    eqs_free(first);
    small_resistive_close(&s);
}

/* SIGKILL between jobs and SIGSTOP, which makes the job run into its time-out */
static void a_worker_that_dies_or_hangs_is_replaced_and_its_batch_redone(void **state)
{
    (void)state;
    const int signals[] = {SIGKILL, SIGSTOP};
    small_resistive s;
    open_net(&s);
    eqs_device_pool *pool = open_pool(&s, 2, 3, 0.5);
    double *undisturbed = minibatch(pool, &s);
    for (size_t i = 0; i < 2; i++) {
        long process = eqs_device_pool_process(pool, 1);
        size_t before = eqs_device_pool_statistics_of(pool)->replaced;
        assert_int_equal(kill((pid_t)process, signals[i]), 0);
        double *volts = minibatch(pool, &s);
        assert_memory_equal(volts, undisturbed, bytes_of(&s));
        assert_true(eqs_device_pool_statistics_of(pool)->replaced > before);
        assert_int_not_equal(eqs_device_pool_process(pool, 1), process);
        eqs_free(volts);
    }
    eqs_free(undisturbed);
    eqs_device_pool_destroy(pool);
    small_resistive_close(&s);
}

/* a worker that dies in the middle of its job */
static void a_worker_killed_while_it_computes_is_replaced(void **state)
{
    (void)state;
    small_resistive s;
    open_net(&s);
    eqs_device_pool *pool = open_pool(&s, 1, BATCH, 20.0);
    double *undisturbed = minibatch(pool, &s);
    for (int round = 0; round < 20; round++) {
        pid_t killer = fork();
        if (killer == 0) {
            usleep((useconds_t)(100 * round));
            kill((pid_t)eqs_device_pool_process(pool, 0), SIGKILL);
            _exit(0);
        }
        double *volts = minibatch(pool, &s);
        assert_memory_equal(volts, undisturbed, bytes_of(&s));
        eqs_free(volts);
    }
    assert_true(eqs_device_pool_statistics_of(pool)->replaced > 0);
    eqs_free(undisturbed);
    eqs_device_pool_destroy(pool);
    small_resistive_close(&s);
}

/* tolerances beyond the reach of arithmetic: the sweep, the sweeps of single samples and the operating points
 * fail, and the message says which sample */
static void a_circuit_that_does_not_converge_names_its_sample(void **state)
{
    (void)state;
    small_resistive s;
    open_net(&s);
    eqs_device_pool_options options = eqs_device_pool_options_default();
    options.reltol = 1e-300;
    options.vntol = 1e-300;
    options.abstol = 1e-300;
    eqs_device_pool *pool;
    assert_ok(eqs_device_pool_create(s.net, &options, &pool));
    double volts[POINTS * BATCH * 8];
    assert_fails(eqs_device_pool_run(pool, s.theta, BATCH, s.x, s.target, POINTS, strengths, volts),
                 EQS_NOT_CONVERGED, "sample 0 of the minibatch");
    assert_int_equal(eqs_device_pool_statistics_of(pool)->sweeps_alone, 1);
    assert_int_equal(eqs_device_pool_statistics_of(pool)->operating_points, 1);
    eqs_device_pool_destroy(pool);
    small_resistive_close(&s);
}

/* One sample whose voltages overflow spoils the sweep of its chunk: the samples before it are solved by
 * themselves, to the voltages of an undisturbed sweep, and the message names it. */
static void a_failed_sweep_is_done_again_sample_by_sample(void **state)
{
    (void)state;
    small_resistive s;
    open_net(&s);
    eqs_device_pool *pool = open_pool(&s, 1, BATCH, 20.0);
    double *undisturbed = minibatch(pool, &s), volts[POINTS * BATCH * 8];
    size_t n = eqs_network_state_size(s.net), bad = 3;
    s.x[bad * s.net->layer[0].units] = 1e35;
    assert_fails(eqs_device_pool_run(pool, s.theta, BATCH, s.x, s.target, POINTS, strengths, volts),
                 EQS_NOT_CONVERGED, "sample 3 of the minibatch");
    for (size_t p = 0; p < POINTS; p++) {
        for (size_t i = 0; i < bad * n; i++)
            assert_close(volts[p * BATCH * n + i], undisturbed[p * BATCH * n + i], 1e-8, 1e-12);
    }
    assert_int_equal(eqs_device_pool_statistics_of(pool)->sweeps_alone, bad + 1);
    eqs_free(undisturbed);
    eqs_device_pool_destroy(pool);
    small_resistive_close(&s);
}

static size_t resident_bytes(long process)
{
    char path[64];
    unsigned long size, resident;
    snprintf(path, sizeof path, "/proc/%ld/statm", process);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &size, &resident), 2);
    fclose(file);
    return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* 3000 patterns (long form 100 000), a new circuit for every 10. ngspice keeps some 300 bytes of every
 * circuit that it loads, whatever is freed: measured in the long form, 1.9 MB over 6667 circuits. */
static void memory_stays_flat_over_thousands_of_patterns(void **state)
{
    (void)state;
    size_t runs = getenv("EQS_LONG") != NULL ? 10000 : 300, warm = runs / 3;
    small_resistive s;
    open_net(&s);
    eqs_device_pool *pool = open_pool(&s, 1, BATCH, 20.0);
    size_t before = 0;
    for (size_t i = 0; i < runs; i++) {
        s.theta[i % 12] = 0.1 + 1e-5 * (double)i;
        eqs_free(minibatch(pool, &s));
        if (i == warm)
            before = resident_bytes(eqs_device_pool_process(pool, 0));
    }
    size_t after = resident_bytes(eqs_device_pool_process(pool, 0));
    if (getenv("EQS_LONG") != NULL)
        print_message("%zu patterns: %.2f MB, then %.2f MB\n", runs * BATCH, 1e-6 * (double)before,
                      1e-6 * (double)after);
#if defined(__SANITIZE_ADDRESS__)
    (void)after; /* the sanitizer keeps what is freed */
#else
    assert_true(after < before + (1 << 20) + (runs - warm) * 400);
#endif
    eqs_device_pool_destroy(pool);
    small_resistive_close(&s);
}

static void what_a_pool_cannot_do_is_refused(void **state)
{
    (void)state;
    small_resistive s;
    open_net(&s);
    eqs_device_pool_options options = eqs_device_pool_options_default();
    eqs_device_pool *pool;
    options.workers = 0;
    assert_fails(eqs_device_pool_create(s.net, &options, &pool), EQS_BAD_CONFIG, "0 workers");
    options.workers = 1;
    s.net->resistive->nudge = EQS_NUDGE_CONDUCTANCE;
    assert_fails(eqs_device_pool_create(s.net, &options, &pool), EQS_BAD_CONFIG, "nudge_form");
    small_resistive_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_and_nudged_voltages_obey_kirchhoff),
        cmocka_unit_test(any_number_of_workers_gives_the_same_bits),
        cmocka_unit_test(a_worker_that_dies_or_hangs_is_replaced_and_its_batch_redone),
        cmocka_unit_test(a_worker_killed_while_it_computes_is_replaced),
        cmocka_unit_test(a_circuit_that_does_not_converge_names_its_sample),
        cmocka_unit_test(a_failed_sweep_is_done_again_sample_by_sample),
        cmocka_unit_test(memory_stays_flat_over_thousands_of_patterns),
        cmocka_unit_test(what_a_pool_cannot_do_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
