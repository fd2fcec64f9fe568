/* The ngspice process: bad decks, crashes, hangs and a thousand circuits leave the parent unharmed. */
#include "tests/check.h"

#include "netlists/worker.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static int open_worker(void **state)
{
    eqs_worker_options options = eqs_worker_options_default();
    options.timeout = 20.0;
    eqs_worker *worker;
    assert_ok(eqs_worker_create(&options, &worker));
    *state = worker;
    return 0;
}

static int close_worker(void **state)
{
    eqs_worker_destroy(*state);
    return 0;
}

/* how jobs have ended in this program */
static bool seen[EQS_SPICE_END_COUNT];

static eqs_status run_job(eqs_worker *worker, const eqs_spice_job *job, eqs_spice_result *result)
{
    eqs_status status = eqs_worker_run(worker, job, result);
    seen[result->end] = true;
    return status;
}

static eqs_status run(eqs_worker *worker, const char *title, const char *body, const char *command,
                      eqs_spice_result *result)
{
    char deck[4000];
    snprintf(deck, sizeof deck, "%s\n%s.end\n", title, body);
    eqs_spice_job job = {.deck = deck, .deck_length = strlen(deck), .command = command};
    return run_job(worker, &job, result);
}

/* a divider 1 V -> 0.75 V: the worker works */
static void check_good(eqs_worker *worker)
{
    eqs_spice_result r;
    assert_ok(run(worker, "good", "v1 in 0 1\nr1 in out 1k\nr2 out 0 3k\n", "op", &r));
    assert_int_equal(r.n_points, 1);
    size_t i = 0;
    while (i < r.n_vectors && strcmp(r.name[i], "out") != 0)
        i++;
    assert_true(i < r.n_vectors);
    assert_close(r.value[i], 0.75, 1e-9, 0.0);
    assert_null(r.time);
    eqs_spice_result_clear(&r);
}

typedef struct bad_deck {
    const char *title, *body, *command;
    eqs_status status;
    eqs_spice_end end;
    const char *message; /* part of it */
} bad_deck;

static const bad_deck bad[] = {
    {"missing value", "v1 a 0 1\nr1 a b\nr2 b 0 3k\n", "op", EQS_BAD_DATA, EQS_SPICE_REFUSED,
     "resistance to low"},
    {"missing model", "v1 a 0 1\nr1 a b 1k\nd2 b 0 dx\n", "op", EQS_BAD_DATA, EQS_SPICE_REFUSED,
     "model 'dx'"},
    {"duplicate device", "v1 a 0 1\nr1 a b 1k\nr1 b 0 3k\n", "op", EQS_BAD_DATA, EQS_SPICE_REFUSED,
     "device already exists"},
    {"expression", "v1 a 0 1\nb1 b 0 v=2*(v(a)\nr2 b 0 3k\n", "op", EQS_BAD_DATA, EQS_SPICE_REFUSED,
     "syntax error"},
    {"function", "v1 a 0 1\nb1 b 0 v=foo(v(a))\nr2 b 0 3k\n", "op", EQS_BAD_DATA, EQS_SPICE_REFUSED,
     "no such function 'foo'"},
    {"missing subcircuit", "v1 a 0 1\nx1 a b nosuch\nr2 b 0 3k\n", "op", EQS_BAD_DATA, EQS_SPICE_REFUSED,
     "unknown subckt"},
    {"missing include", "v1 a 0 1\n.include /no/such/file\nr2 a 0 3k\n", "op", EQS_BAD_DATA,
     EQS_SPICE_REFUSED, "Could not find include file"},
    {"undefined parameter", "v1 a 0 1\nr1 a b {foo}\nr2 b 0 3k\n", "op", EQS_BAD_DATA, EQS_SPICE_EXITED,
     "[foo]"},
    {"node with =", "v1 a=b 0 1\nr1 a=b 0 1k\n", "op", EQS_BAD_DATA, EQS_SPICE_EXITED, "[b]"},
    {"node with braces", "v1 {a} 0 1\nr1 {a} 0 1k\n", "op", EQS_BAD_DATA, EQS_SPICE_EXITED, "[a]"},
    {"loop of sources", "v1 a 0 1\nv2 a 0 2\nr1 a 0 1k\n", "op", EQS_NOT_CONVERGED, EQS_SPICE_ABORTED,
     "singular matrix"},
    {"no real solution", "b1 a 0 i=1+v(a)*v(a)\nr1 a 0 1k\n", "op", EQS_NOT_CONVERGED, EQS_SPICE_ABORTED,
     "Timestep too small"},
    {"floating node", "i1 0 a 1\nc1 a 0 1p\nv1 b 0 1\nr1 b 0 1k\n", "op", EQS_NOT_CONVERGED, EQS_SPICE_PSEUDO,
     "check node a"},
    {"logarithm of -1", "v1 a 0 1\nb1 b 0 v=ln(-v(a))\nr1 b 0 1k\n", "op", EQS_NOT_CONVERGED,
     EQS_SPICE_ABORTED, "out of range for ln"},
    {"division by zero", "v1 a 0 0\nb1 b 0 v=1/v(a)\nr1 b 0 1k\n", "op", EQS_NOT_CONVERGED,
     EQS_SPICE_NOT_FINITE, "not finite"},
    {"unknown command", "v1 a 0 0\nr1 a 0 1k\n", "fooo", EQS_NOT_CONVERGED, EQS_SPICE_INCOMPLETE,
     "no such command"},
    {"bad tran", "v1 a 0 0\nr1 a 0 1k\n", "tran 1", EQS_NOT_CONVERGED, EQS_SPICE_ABORTED, "TSTOP is invalid"},
    {"unknown sweep", "v1 a 0 0\nr1 a 0 1k\n", "dc v9 0 1 1", EQS_NOT_CONVERGED, EQS_SPICE_ABORTED, "\"v9\""},
    {"quit", "v1 a 0 0\nr1 a 0 1k\n", "quit", EQS_BAD_DATA, EQS_SPICE_EXITED, "gave itself up"},
    {"stray .ends", "v1 a 0 1\nr1 a 0 1k\n.ends\n", "op", EQS_BAD_DATA, EQS_SPICE_EXITED,
     "Mismatch of .subckt"},
    {"square root of -1", "v1 a 0 1\nb1 b 0 v=sqrt(-v(a))\nr1 b 0 1k\n", "op", EQS_NOT_CONVERGED,
     EQS_SPICE_ABORTED, "out of range for sqrt"},
    {"tran time step", "v1 a 0 1\nb1 b 0 i=1+v(b)*v(b)\nc1 b 0 1p\nr1 b 0 1k\n", "tran 1n 1u uic",
     EQS_NOT_CONVERGED, EQS_SPICE_ABORTED, "Timestep too small"},
    {"node with comma", "v1 a,b 0 1\nr1 a,b 0 1k\n", "op", EQS_BAD_DATA, EQS_SPICE_REFUSED, "v1 a,b 0 1"},
    {"alter of nothing", "v1 a 0 1\nr1 a 0 1k\n", "alter r9 = 2k", EQS_NOT_CONVERGED, EQS_SPICE_INCOMPLETE,
     "r9"},
    {"recursion", "x1 a s\n.subckt s a\nx2 a s\nr1 a 0 1k\n.ends\nv1 a 0 1\n", "op", EQS_BAD_DATA,
     EQS_SPICE_REFUSED, "unknown subckt: x1.x2.x2"},
    {"open .subckt", "v1 a 0 1\nr1 a 0 1k\n.subckt s a\nr2 a 0 1k\n", "op", EQS_BAD_DATA, EQS_SPICE_EXITED,
     "Mismatch of .subckt"},
    {"no elements", "* nothing here\n", "op", EQS_BAD_DATA, EQS_SPICE_REFUSED, "no elements"},
    {"control block", "v1 a 0 0\nr1 a 0 1k\n.control\nquit\n.endc\n", "op", EQS_BAD_DATA, EQS_SPICE_REFUSED,
     "control block"},
};

static void every_bad_deck_is_a_clear_error_and_the_next_deck_is_solved(void **state)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        eqs_spice_result r;
        eqs_status status = run(*state, bad[i].title, bad[i].body, bad[i].command, &r);
        if (status != bad[i].status || r.end != bad[i].end ||
            strstr(eqs_error_message(), bad[i].message) == NULL)
            print_message("%s: %s, %s: %s\n", bad[i].title, eqs_status_name(status),
                          eqs_spice_end_text(r.end), eqs_error_message());
        assert_int_equal(status, bad[i].status);
        assert_int_equal(r.end, bad[i].end);
        assert_non_null(strstr(eqs_error_message(), bad[i].message));
        assert_null(r.value);
        eqs_spice_result_clear(&r);
        check_good(*state);
    }
}

/* ngspice 39 writes where it must not: mostly it dies at once, at times it notices before */
static void a_node_that_ngspice_cannot_bear_costs_one_process(void **state)
{
    for (int i = 0; i < 3; i++) {
        size_t before = eqs_worker_starts(*state);
        eqs_spice_result r;
        eqs_status status = run(*state, "temper", "v1 temper 0 1\nr1 temper 0 1k\n", "op", &r);
        assert_true((status == EQS_INTERNAL && r.end == EQS_SPICE_DIED) ||
                    (status == EQS_BAD_DATA && r.end == EQS_SPICE_EXITED));
        eqs_spice_result_clear(&r);
        check_good(*state);
        assert_int_equal(eqs_worker_starts(*state), before + 1);
    }
}

static void a_deck_without_end_is_refused(void **state)
{
    const char *deck = "title\nr1 a 0 1k\nv1 a 0 1\n";
    eqs_spice_job job = {.deck = deck, .deck_length = strlen(deck), .command = "op"};
    eqs_spice_result r;
    assert_fails(run_job(*state, &job, &r), EQS_BAD_DATA, ".end");
    eqs_spice_result_clear(&r);
    check_good(*state);
}

static void a_missing_vector_is_named(void **state)
{
    const char *deck = "title\nr1 a 0 1k\nv1 a 0 1\n.end\n", *wanted[] = {"a", "b_17"};
    eqs_spice_job job = {
        .deck = deck, .deck_length = strlen(deck), .command = "op", .n_wanted = 2, .wanted = wanted};
    eqs_spice_result r;
    assert_fails(run_job(*state, &job, &r), EQS_BAD_DATA, "no vector 'b_17'");
    assert_int_equal(r.end, EQS_SPICE_MISSING);
    eqs_spice_result_clear(&r);
    job.n_wanted = 1;
    assert_ok(run_job(*state, &job, &r));
    assert_int_equal(r.n_vectors, 1);
    assert_string_equal(r.name[0], "a");
    assert_close(r.value[0], 1.0, 1e-12, 0.0);
    eqs_spice_result_clear(&r);
}

static void a_hanging_run_is_stopped_and_the_next_one_works(void **state)
{
    (void)state;
    eqs_worker_options options = eqs_worker_options_default();
    options.timeout = 0.5;
    eqs_worker *worker;
    assert_ok(eqs_worker_create(&options, &worker));
    eqs_spice_result r;
    eqs_status status =
        run(worker, "endless", "v1 a 0 1\nr1 a b 1k\nc1 b 0 1u ic=0\n", "tran 1e-12 1 0 1e-12 uic", &r);
    assert_int_equal(status, EQS_NOT_CONVERGED);
    assert_int_equal(r.end, EQS_SPICE_TIMED_OUT);
    assert_non_null(strstr(eqs_error_message(), "0.5 s"));
    assert_true(r.seconds >= 0.5 && r.seconds < 5.0);
    eqs_spice_result_clear(&r);
    assert_int_equal(eqs_worker_process(worker), 0);
    check_good(worker);
    assert_int_equal(eqs_worker_starts(worker), 2);
    eqs_worker_destroy(worker);
}

static void a_killed_worker_is_replaced(void **state)
{
    size_t before = eqs_worker_starts(*state);
    check_good(*state);
    assert_int_equal(kill((pid_t)eqs_worker_process(*state), SIGKILL), 0);
    eqs_spice_result r;
    eqs_status status = run(*state, "good", "v1 in 0 1\nr1 in 0 1k\n", "op", &r);
    assert_int_equal(status, EQS_INTERNAL);
    assert_int_equal(r.end, EQS_SPICE_DIED);
    assert_non_null(strstr(eqs_error_message(), "signal 9"));
    eqs_spice_result_clear(&r);
    check_good(*state);
    assert_int_equal(eqs_worker_starts(*state), before + 1);
}

static void external_sources_follow_the_supply_through_a_sweep(void **state)
{
    const char *deck =
        "two currents into resistors\ni_a 0 a external\ni_b 0 b external\nr1 a 0 1k\nr2 b 0 2k\n"
        "v_sweep sweep 0 0\n.end\n";
    const char *wanted[] = {"b", "a"}, *external[] = {"i_b", "i_a"};
    enum { POINTS = 50 };
    double supply[POINTS * 2];
    for (size_t i = 0; i < POINTS; i++) {
        supply[2 * i] = 1e-3 * (double)i;
        supply[2 * i + 1] = 1e-6 * (double)(i * i);
    }
    eqs_spice_job job = {.deck = deck,
                         .deck_length = strlen(deck),
                         .command = "dc v_sweep 0 49 1",
                         .n_wanted = 2,
                         .wanted = wanted,
                         .n_points = POINTS,
                         .n_external = 2,
                         .external = external,
                         .supply = supply};
    eqs_spice_result r;
    assert_ok(run_job(*state, &job, &r));
    assert_int_equal(r.n_points, POINTS);
    for (size_t i = 0; i < POINTS; i++) {
        assert_close(r.value[2 * i], 2.0 * (double)i, 1e-9, 1e-12);
        assert_close(r.value[2 * i + 1], 1e-3 * (double)(i * i), 1e-9, 1e-12);
    }
    eqs_spice_result_clear(&r);
    supply[7] = NAN;
    assert_fails(run_job(*state, &job, &r), EQS_BAD_DATA, "external source i_a, point 3");
    eqs_spice_result_clear(&r);
    supply[7] = 0.0;
    job.command = "dc v_sweep 0 30 1"; /* fewer points than promised */
    assert_fails(run_job(*state, &job, &r), EQS_NOT_CONVERGED, "too few points");
    eqs_spice_result_clear(&r);
}

/* Two outputs at 1 kohm to ground, held up by bias currents; the nudge of +-1e-4 S follows the free voltages
 * of its own group: v = v0 +- 0.1 (target - v0). */
static const char *const two_outputs =
    "two outputs\ni_b0 0 a external\ni_b1 0 b external\ni_n0 0 a external\ni_n1 0 b external\n"
    "ra a 0 1k\nrb b 0 1k\nv_sweep sweep 0 0\n.end\n";

static eqs_spice_job nudged_job(const eqs_spice_nudge *nudge, const double *supply, size_t n_points,
                                const char *command)
{
    static const char *const wanted[] = {"a", "b"}, *const external[] = {"i_b0", "i_b1", "i_n0", "i_n1"};
    return (eqs_spice_job){.deck = two_outputs,
                           .deck_length = strlen(two_outputs),
                           .command = command,
                           .n_wanted = 2,
                           .wanted = wanted,
                           .n_points = n_points,
                           .n_external = 4,
                           .external = external,
                           .supply = supply,
                           .nudge = nudge};
}

static void nudging_currents_follow_the_free_point_of_their_group(void **state)
{
    const double supply[] = {1e-3, 2e-3, 0.0, 0.0, -3e-3, 5e-4, 0.0, 0.0};
    const double beta[] = {0.0, 1e-4, -1e-4}, target[] = {2.0, 0.0, 1.0, 1.0};
    eqs_spice_nudge nudge = {
        .n_points = 3, .beta = beta, .n_outputs = 2, .first_source = 2, .target = target};
    eqs_spice_job job = nudged_job(&nudge, supply, 6, "dc v_sweep 0 5 1");
    eqs_spice_result r;
    assert_ok(run_job(*state, &job, &r));
    for (size_t group = 0; group < 2; group++) {
        for (size_t k = 0; k < 2; k++) {
            double free_v = 1e3 * supply[4 * group + k], pull = 0.1 * (target[2 * group + k] - free_v);
            assert_close(r.value[(3 * group) * 2 + k], free_v, 1e-12, 1e-12);
            assert_close(r.value[(3 * group + 1) * 2 + k], free_v + pull, 1e-12, 1e-12);
            assert_close(r.value[(3 * group + 2) * 2 + k], free_v - pull, 1e-12, 1e-12);
        }
    }
    eqs_spice_result_clear(&r);
    job.n_points = 5; /* no whole groups */
    assert_fails(run_job(*state, &job, &r), EQS_BAD_DATA, "whole groups");
    job.n_points = 6;
    nudge.first_source = 3; /* beyond the sources */
    assert_fails(run_job(*state, &job, &r), EQS_BAD_DATA, "nudging of 2 nodes");
}

/* one differential output: p = v(a) - v(b), +I into a and -I into b */
static void a_differential_output_is_nudged_in_opposite_directions(void **state)
{
    const double supply[] = {1e-3, 2e-3, 0.0, 0.0}, beta[] = {0.0, 1e-4}, target[] = {1.0};
    eqs_spice_nudge nudge = {.n_points = 2,
                             .beta = beta,
                             .n_outputs = 1,
                             .differential = true,
                             .first_source = 2,
                             .target = target};
    eqs_spice_job job = nudged_job(&nudge, supply, 2, "dc v_sweep 0 1 1");
    eqs_spice_result r;
    assert_ok(run_job(*state, &job, &r));
    assert_close(r.value[2], 1.0 + 0.1 * (1.0 - (1.0 - 2.0)), 1e-12, 0.0);
    assert_close(r.value[3], 2.0 - 0.1 * (1.0 - (1.0 - 2.0)), 1e-12, 0.0);
    eqs_spice_result_clear(&r);
}

static void cross_entropy_nudges_by_the_softmax(void **state)
{
    const double supply[] = {1e-3, 2e-3, 0.0, 0.0}, beta[] = {0.0, 1e-4}, target[] = {1.0, 0.0};
    eqs_spice_nudge nudge = {.n_points = 2,
                             .beta = beta,
                             .cost = EQS_SPICE_CROSS_ENTROPY,
                             .scale = 3.0,
                             .n_outputs = 2,
                             .first_source = 2,
                             .target = target};
    eqs_spice_job job = nudged_job(&nudge, supply, 2, "dc v_sweep 0 1 1");
    eqs_spice_result r;
    assert_ok(run_job(*state, &job, &r));
    double p = exp(3.0 * 1.0) / (exp(3.0 * 1.0) + exp(3.0 * 2.0));
    assert_close(r.value[2], 1.0 + 0.1 * (1.0 - p), 1e-12, 0.0);
    assert_close(r.value[3], 2.0 + 0.1 * (0.0 - (1.0 - p)), 1e-12, 0.0);
    eqs_spice_result_clear(&r);
}

/* halves of a job: both workers compute before either is asked */
static void jobs_of_two_workers_overlap(void **state)
{
    eqs_worker_options options = eqs_worker_options_default();
    eqs_worker *other;
    assert_ok(eqs_worker_create(&options, &other));
    const double supply[] = {1e-3, 2e-3, 0.0, 0.0, 5e-3, 2e-3, 0.0, 0.0};
    eqs_spice_job one = nudged_job(NULL, supply, 1, "op"), two = nudged_job(NULL, supply + 4, 1, "op");
    eqs_spice_result a, b;
    assert_ok(eqs_worker_start_job(*state, &one));
    assert_ok(eqs_worker_start_job(other, &two));
    assert_ok(eqs_worker_finish_job(other, &two, &b));
    assert_ok(eqs_worker_finish_job(*state, &one, &a));
    assert_close(a.value[0], 1.0, 1e-12, 0.0);
    assert_close(b.value[0], 5.0, 1e-12, 0.0);
    eqs_spice_result_clear(&a);
    eqs_spice_result_clear(&b);
    eqs_worker_destroy(other);
}

static void a_transient_delivers_its_times(void **state)
{
    eqs_spice_result r;
    assert_ok(run(*state, "rc", "v1 a 0 1\nr1 a b 1k\nc1 b 0 1u ic=0\n", "tran 1e-5 5e-3 0 1e-5 uic", &r));
    assert_non_null(r.time);
    size_t b = 0;
    while (strcmp(r.name[b], "b") != 0)
        b++;
    for (size_t i = 0; i < r.n_points; i++) {
        assert_true(i == 0 || r.time[i] > r.time[i - 1]);
        if (r.time[i] > 0.0)
            assert_close(r.value[i * r.n_vectors + b], 1.0 - exp(-r.time[i] / 1e-3), 0.0, 2e-4);
    }
    assert_close(r.time[r.n_points - 1], 5e-3, 1e-9, 0.0);
    eqs_spice_result_clear(&r);
}

/* resident memory of a process in kilobytes */
static long resident(long process)
{
    char path[64], line[256];
    long kilobytes = 0;
    snprintf(path, sizeof path, "/proc/%ld/status", process);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            kilobytes = strtol(line + 6, NULL, 10);
    }
    fclose(file);
    return kilobytes;
}

/* a chain of dividers, big enough that a leaked circuit would show */
static void run_ladder(eqs_worker *worker)
{
    static char deck[40000];
    size_t n = (size_t)snprintf(deck, sizeof deck, "ladder\nv1 n0 0 1\n");
    for (int i = 0; i < 300; i++)
        n += (size_t)snprintf(deck + n, sizeof deck - n, "ra%d n%d n%d 1k\nrb%d n%d 0 9k\n", i, i, i + 1, i,
                              i + 1);
    n += (size_t)snprintf(deck + n, sizeof deck - n, ".end\n");
    eqs_spice_job job = {.deck = deck, .deck_length = n, .command = "op"};
    eqs_spice_result r;
    assert_ok(run_job(worker, &job, &r));
    eqs_spice_result_clear(&r);
}

/* EQSPICE_TEST_LONG=1: ten thousand */
static void memory_stays_flat_over_many_circuits(void **state)
{
    (void)state;
    const char *whole = getenv("EQSPICE_TEST_LONG");
    int circuits = whole != NULL && strcmp(whole, "1") == 0 ? 10000 : 300;
    eqs_worker_options options = eqs_worker_options_default();
    eqs_worker *worker;
    assert_ok(eqs_worker_create(&options, &worker));
    for (int i = 0; i < 30; i++)
        run_ladder(worker);
    long before = resident(eqs_worker_process(worker));
    for (int i = 0; i < circuits; i++)
        run_ladder(worker);
    long after = resident(eqs_worker_process(worker));
    print_message("worker: %ld kB, after %d circuits of 601 elements %ld kB\n", before, circuits, after);
#if !defined(__SANITIZE_ADDRESS__)      /* whose quarantine keeps what is freed */
    assert_true(after - before < 1500); /* one circuit that leaked each time would be 100 MB */
#endif
    assert_int_equal(eqs_worker_starts(worker), 1);
    eqs_worker_destroy(worker);
}

static void a_name_that_is_wanted_twice_is_refused(void **state)
{
    const char *deck = "title\nr1 a 0 1k\nv1 a 0 1\n.end\n", *wanted[] = {"a", "a"};
    eqs_spice_job job = {
        .deck = deck, .deck_length = strlen(deck), .command = "op", .n_wanted = 2, .wanted = wanted};
    eqs_spice_result r;
    assert_fails(run_job(*state, &job, &r), EQS_NO_MEMORY, "wanted twice");
    eqs_spice_result_clear(&r);
    check_good(*state);
}

/* after all others: the list of ends has no entry that no test has met */
static void every_end_of_a_job_has_been_met(void **state)
{
    (void)state;
    for (int end = 0; end < EQS_SPICE_END_COUNT; end++) {
        if (!seen[end])
            fail_msg("no test has met '%s'", eqs_spice_end_text((eqs_spice_end)end));
    }
}

static void two_workers_do_not_disturb_each_other(void **state)
{
    eqs_worker_options options = eqs_worker_options_default();
    eqs_worker *second;
    assert_ok(eqs_worker_create(&options, &second));
    check_good(*state);
    check_good(second);
    eqs_worker_destroy(second);
    check_good(*state);
}

static void the_version_is_known(void **state)
{
    assert_int_equal(strncmp(eqs_worker_version(*state), "ngspice-", 8), 0);
    assert_true(atoi(eqs_worker_version(*state) + 8) >= 30);
}

static void a_time_out_must_be_positive(void **state)
{
    (void)state;
    eqs_worker_options options = eqs_worker_options_default();
    options.timeout = 0.0;
    eqs_worker *worker;
    assert_fails(eqs_worker_create(&options, &worker), EQS_BAD_CONFIG, "must be positive");
}

/* the parent's folder and the user's files play no part, and nothing is left behind */
static void a_spiceinit_of_the_user_changes_nothing(void **state)
{
    (void)state;
    char folder[] = "/tmp/eqspice-test-XXXXXX", old[4096], path[128];
    assert_non_null(mkdtemp(folder));
    assert_non_null(getcwd(old, sizeof old));
    assert_int_equal(chdir(folder), 0);
    FILE *file = fopen(".spiceinit", "w");
    fputs("option reltol=0.5\nquit\n", file);
    fclose(file);
    assert_int_equal(setenv("TMPDIR", folder, 1), 0); /* its scratch folder would be seen below */
    eqs_worker_options options = eqs_worker_options_default();
    eqs_worker *worker;
    assert_ok(eqs_worker_create(&options, &worker));
    check_good(worker);
    eqs_worker_destroy(worker);
    unsetenv("TMPDIR");
    assert_int_equal(chdir(old), 0);
    snprintf(path, sizeof path, "%s/.spiceinit", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* fails if anything else were there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bad_deck_is_a_clear_error_and_the_next_deck_is_solved),
        cmocka_unit_test(a_node_that_ngspice_cannot_bear_costs_one_process),
        cmocka_unit_test(a_deck_without_end_is_refused),
        cmocka_unit_test(a_missing_vector_is_named),
        cmocka_unit_test(a_hanging_run_is_stopped_and_the_next_one_works),
        cmocka_unit_test(a_killed_worker_is_replaced),
        cmocka_unit_test(external_sources_follow_the_supply_through_a_sweep),
        cmocka_unit_test(nudging_currents_follow_the_free_point_of_their_group),
        cmocka_unit_test(a_differential_output_is_nudged_in_opposite_directions),
        cmocka_unit_test(cross_entropy_nudges_by_the_softmax),
        cmocka_unit_test(jobs_of_two_workers_overlap),
        cmocka_unit_test(a_transient_delivers_its_times),
        cmocka_unit_test(memory_stays_flat_over_many_circuits),
        cmocka_unit_test(two_workers_do_not_disturb_each_other),
        cmocka_unit_test(the_version_is_known),
        cmocka_unit_test(a_time_out_must_be_positive),
        cmocka_unit_test(a_spiceinit_of_the_user_changes_nothing),
        cmocka_unit_test(a_name_that_is_wanted_twice_is_refused),
        cmocka_unit_test(every_end_of_a_job_has_been_met),
    };
    return cmocka_run_group_tests(tests, open_worker, close_worker);
}
