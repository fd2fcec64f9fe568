/* Whole tasks in which the k-th allocation fails, for k = 1, 2, ... until none does: every one ends with
 * EQS_NO_MEMORY, files stay whole, and (under ASan, in ./check) nothing leaks. */
#include "tests/learning/small_run.h"

#include "learning/agreement.h"
#include "learning/gradcheck.h"
#include "learning/run_file.h"
#include "netlists/dialect.h"

enum { MOST_ALLOCATIONS = 20000, ALL_OF_THE_FIRST = 20, STRIDE = 17 };

typedef eqs_status (*task)(void *user);

/* Runs the task again and again, each time with a later allocation failing, up to a run that meets none;
 * about how many it makes. EQSPICE_TEST_LONG=1: every allocation, else the first and every 17th. */
static long fail_each_allocation(task run, void *user)
{
    const char *whole = getenv("EQSPICE_TEST_LONG");
    long stride = whole != NULL && strcmp(whole, "1") == 0 ? 1 : STRIDE;
    for (long k = 1; k < MOST_ALLOCATIONS; k += k < ALL_OF_THE_FIRST ? 1 : stride) {
        eqs_alloc_fail_at(k);
        eqs_status status = run(user);
        eqs_alloc_fail_at(0);
        if (status == EQS_OK)
            return k - 1;
        if (status != EQS_NO_MEMORY)
            fail_msg("allocation %ld: %s: %s", k, eqs_status_name(status), eqs_error_message());
    }
    fail_msg("more than %d allocations", MOST_ALLOCATIONS);
    return 0;
}

/* ---- training: configuration, data, network, engine, result file, resume ---- */

typedef struct training {
    const char *text, *run, *copy;
} training;

static eqs_status train_and_write(const eqs_config *config, const training *t, small_run *run, eqs_run **file)
{
    eqs_train_options options;
    eqs_epoch_row row;
    double change[16];
    EQS_TRY(eqs_setup_create(config, NULL, &run->setup));
    EQS_TRY(eqs_setup_train_options(run->setup, 2, &options));
    EQS_TRY(eqs_dataset_open(&config->data, config->seed, &run->data));
    EQS_TRY(eqs_trainer_create(run->setup->energy, run->data, &options, run->setup->theta, &run->trainer));
    EQS_TRY(eqs_run_open(t->run, run->setup, run->trainer, file));
    if (access(t->run, F_OK) == 0)
        EQS_TRY(eqs_run_resume(*file));
    EQS_TRY(eqs_trainer_epoch(run->trainer, NULL, NULL, &row));
    eqs_trainer_change(run->trainer, change);
    EQS_TRY(eqs_run_append(*file, &row, 1.0, change));
    return eqs_run_write(*file, "running");
}

static eqs_status train(void *user)
{
    const training *t = user;
    small_run run = {0};
    eqs_run *file = NULL;
    eqs_status status = eqs_config_parse(t->text, "small.yaml", &run.config);
    if (status == EQS_OK)
        status = train_and_write(run.config, t, &run, &file);
    eqs_run_close(file);
    small_run_close(&run);
    return status;
}

/* the run file is either the one before or a whole new one */
static eqs_status train_from_the_same_file(void *user)
{
    const training *t = user;
    size_t size;
    unsigned char *bytes = scratch_read(t->copy, &size);
    FILE *file = fopen(t->run, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    free(bytes);
    eqs_status status = train(user);
    eqs_alloc_fail_at(0);
    eqs_h5_reader *reader;
    if (eqs_h5_open(t->run, &reader) != EQS_OK)
        fail_msg("the file is damaged: %s", eqs_error_message());
    eqs_h5_reader_destroy(reader);
    return status == EQS_OK ? EQS_OK : eqs_fail(status, "training");
}

static void training_and_resuming_survive(void **state)
{
    (void)state;
    static const char *const engines[] = {"engine: batch", "engine: batch, nudge: centred, shuffle: true",
                                          "engine: ode"};
    static const char *const solvers[] = {"auto", "newton", "cvode-bdf"};
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        char text[1024], run[300], copy[300];
        snprintf(run, sizeof run, "%s", scratch("run.h5"));
        snprintf(copy, sizeof copy, "%s", scratch("copy.h5"));
        unlink(run);
        snprintf(text, sizeof text,
                 "data: {set: csv, path: %s, train: 6, validation: 2, test: 2}\n"
                 "network: {layers: [6, 5, 3], gain: 0.5}\n"
                 "relaxation: {tolerance: 1e-4, solver: %s}\n"
                 "learning: {beta: 0.4, rates: [0.1, 0.1], batch: 3, epochs: 2, %s}\n",
                 blobs_csv(), solvers[i], engines[i]);
        training t = {text, run, copy};
        assert_ok(train(&t)); /* the first epoch: the runs that fail resume from its file */
        assert_int_equal(rename(run, copy), 0);
        long n = fail_each_allocation(train_from_the_same_file, &t);
        print_message("%s: %ld allocations\n", engines[i], n);
        assert_true(n > 150);
    }
}

/* ---- circuits: netlists of every form and dialect, decks ---- */

static eqs_status write_netlists(void *user)
{
    const small_run *run = user;
    const eqs_network *net = run->setup->net;
    double x[BLOB_DIM] = {0.1, 0.9, 0.5, 0.2, 0.4, 0.7}, target[BLOB_CLASSES] = {0, 1, 0};
    eqs_phase phase = {.net = net, .theta = run->setup->theta, .batch = 1, .x = x, .target = target};
    eqs_network_nudge(net, 0.5, phase.beta);
    eqs_behavioural_options options = eqs_behavioural_options_default();
    eqs_status status = EQS_OK;
    for (size_t i = 0; status == EQS_OK && eqs_dialect_get(i) != NULL; i++) {
        eqs_netlist *netlist = NULL;
        char *deck = NULL;
        size_t length;
        status = eqs_behavioural_build(run->setup->energy, &phase, 0, NULL, &options, &netlist);
        if (status == EQS_OK)
            status = eqs_netlist_write_file(netlist, eqs_dialect_get(i), scratch("net.cir"));
        if (status == EQS_OK)
            status = eqs_netlist_deck(netlist, &deck, &length);
        eqs_free(deck);
        eqs_netlist_destroy(netlist);
    }
    return status;
}

/* ---- the three lives of a phase, and the gradient check ---- */

static eqs_status measure_agreement(void *user)
{
    const small_run *run = user;
    double x[BLOB_DIM] = {0.1, 0.9, 0.5, 0.2, 0.4, 0.7}, target[BLOB_CLASSES] = {0, 1, 0};
    eqs_phase phase = {
        .net = run->setup->net, .theta = run->setup->theta, .batch = 1, .x = x, .target = target};
    memcpy(phase.beta, run->setup->net->beta, sizeof phase.beta);
    eqs_circuit_options options = eqs_circuit_options_default();
    eqs_agreement agreement = {0};
    eqs_state *start = NULL;
    eqs_h5_writer *writer = NULL;
    eqs_status status = eqs_state_create(run->setup->net, 1, &start);
    if (status == EQS_OK)
        status = eqs_agreement_measure(run->setup->energy, &phase, start, &options, &agreement);
    if (status == EQS_OK)
        status = eqs_h5_create(&writer);
    if (status == EQS_OK)
        status = eqs_agreement_write(writer, run->setup->net, &phase, &options, &agreement);
    eqs_h5_writer_destroy(writer);
    eqs_agreement_clear(&agreement);
    eqs_state_destroy(start);
    return status;
}

static eqs_status check_gradient(void *user)
{
    const small_run *run = user;
    static const double betas[] = {0.1, 0.01, 0.001};
    double x[BLOB_DIM] = {0.1, 0.9, 0.5, 0.2, 0.4, 0.7}, target[BLOB_CLASSES] = {0, 1, 0};
    eqs_phase phase = {
        .net = run->setup->net, .theta = run->setup->theta, .batch = 1, .x = x, .target = target};
    memcpy(phase.beta, run->setup->net->beta, sizeof phase.beta);
    eqs_gradcheck_options options = eqs_gradcheck_options_default();
    options.n_beta = sizeof betas / sizeof *betas;
    options.beta = betas;
    options.finite_parameters = 2;
    eqs_gradcheck check = {0};
    eqs_status status = eqs_gradcheck_run(run->setup, &phase, &options, &check);
    eqs_gradcheck_clear(&check);
    return status;
}

static void circuits_and_measurements_survive(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        task run;
        long least;
    } tasks[] = {{"netlists", write_netlists, 30},
                 {"agreement", measure_agreement, 100},
                 {"gradient check", check_gradient, 50}};
    small_run run = SMALL_RUN("network.layers=[6, 4, 3]", "network.gain=0.5");
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        long n = fail_each_allocation(tasks[i].run, &run);
        print_message("%s: %ld allocations\n", tasks[i].name, n);
        assert_true(n > tasks[i].least);
    }
    small_run_close(&run);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(training_and_resuming_survive),
        TEST(circuits_and_measurements_survive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
