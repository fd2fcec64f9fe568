/* Run files: a resumed run has the bits of an uninterrupted one; foreign and unfitting files are refused. */
#include "tests/learning/small_run.h"

#include "base/run.h"
#include "learning/run_file.h"
#include "store/h5file.h"

#include <signal.h>
#include <sys/time.h>

enum { EPOCHS = 4, BLOCKS = 4 };

static int setup(void **state)
{
    eqs_stop_request(0);
    return scratch_setup(state);
}

static int teardown(void **state)
{
    eqs_stop_request(0);
    return scratch_teardown(state);
}

/* A path in the scratch folder that stays valid (scratch() reuses its memory). */
typedef struct file_path {
    char text[320];
} file_path;

static file_path in_scratch(const char *name)
{
    file_path path;
    snprintf(path.text, sizeof path.text, "%s", scratch(name));
    return path;
}

/* Trains to the last epoch; every epoch "takes" one second, so that equal runs give equal bytes. */
static eqs_status train_on(small_run *run, eqs_run *file, eqs_train_progress progress, void *user)
{
    while (eqs_trainer_position(run->trainer)->epoch < EPOCHS) {
        eqs_epoch_row row;
        double change[BLOCKS];
        EQS_TRY(eqs_trainer_epoch(run->trainer, progress, user, &row));
        eqs_trainer_change(run->trainer, change);
        EQS_TRY(eqs_run_append(file, &row, 1.0, change));
    }
    return EQS_OK;
}

/* the file of an uninterrupted run */
static void write_whole(size_t n, const char *const *overrides, const char *path)
{
    small_run run = small_run_open(n, overrides, 1);
    eqs_run *file;
    assert_ok(eqs_run_open(path, run.setup, run.trainer, &file));
    assert_ok(train_on(&run, file, NULL, NULL));
    assert_ok(eqs_run_write(file, "complete"));
    assert_int_equal(eqs_run_rows(file), EPOCHS);
    assert_close(eqs_run_seconds(file), EPOCHS, 0, 0);
    eqs_run_close(file);
    small_run_close(&run);
}

static void assert_same_bytes(const char *a, const char *b)
{
    size_t size_a, size_b;
    unsigned char *bytes_a = scratch_read(a, &size_a), *bytes_b = scratch_read(b, &size_b);
    assert_int_equal(size_a, size_b);
    assert_memory_equal(bytes_a, bytes_b, size_a);
    free(bytes_a);
    free(bytes_b);
}

static const char *const cases[][5] = {
    {"learning.engine=batch", "relaxation.precision=double", "learning.nudge=random-sign", NULL, NULL},
    {"learning.engine=batch", "relaxation.precision=single", "relaxation.tolerance=1e-5", NULL, NULL},
    {"learning.engine=batch", "relaxation.precision=double", "learning.shuffle=true",
     "learning.nudge=centred", NULL},
    {"learning.engine=batch", "relaxation.precision=single", "relaxation.tolerance=1e-5",
     "learning.persistent=false", "learning.shuffle=true"},
    {"learning.engine=ode", "relaxation.solver=cvode-bdf", "data.train=14", "data.test=5",
     "data.validation=8"},
    {"learning.engine=ode", "relaxation.solver=kinsol", "relaxation.precision=single", "network.gain=0.4",
     "learning.rates=0.05"},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static void a_run_resumed_after_every_epoch_has_the_same_bits(void **state)
{
    (void)state;
    for (size_t c = 0; c < N_CASES; c++) {
        const file_path path = in_scratch("parts.h5");
        unlink(path.text);
        write_whole(5, cases[c], scratch("whole.h5"));
        for (int epoch = 0; epoch < EPOCHS; epoch++) {
            small_run run = small_run_open(5, cases[c], 1);
            eqs_run *file;
            eqs_epoch_row row;
            double change[BLOCKS];
            assert_ok(eqs_run_open(path.text, run.setup, run.trainer, &file));
            if (epoch > 0)
                assert_ok(eqs_run_resume(file));
            assert_int_equal(eqs_trainer_position(run.trainer)->epoch, epoch);
            assert_ok(eqs_trainer_epoch(run.trainer, NULL, NULL, &row));
            eqs_trainer_change(run.trainer, change);
            assert_ok(eqs_run_append(file, &row, 1.0, change));
            assert_ok(eqs_run_write(file, epoch + 1 < EPOCHS ? "running" : "complete"));
            eqs_run_close(file);
            small_run_close(&run);
        }
        assert_same_bytes(path.text, scratch("whole.h5"));
    }
}

/* asks to stop after so many minibatches of training */
static void stop_after(const eqs_train_position *position, size_t done, size_t all, void *user)
{
    (void)position;
    (void)done;
    (void)all;
    if (--*(int *)user == 0)
        eqs_stop_request(SIGINT);
}

/* Trains in parts, each stopped after `minibatches` of training at most; returns how many parts. */
static int train_in_parts(size_t n, const char *const *overrides, const char *path, int minibatches)
{
    eqs_status status = EQS_INTERRUPTED;
    int parts = 0;
    for (; status == EQS_INTERRUPTED && parts < 500; parts++) {
        small_run run = small_run_open(n, overrides, 1);
        eqs_run *file;
        int left = minibatches;
        eqs_stop_request(0);
        assert_ok(eqs_run_open(path, run.setup, run.trainer, &file));
        if (parts > 0)
            assert_ok(eqs_run_resume(file));
        status = train_on(&run, file, stop_after, &left);
        assert_ok(eqs_run_write(file, status == EQS_OK ? "complete" : "interrupted"));
        eqs_run_close(file);
        small_run_close(&run);
    }
    eqs_stop_request(0);
    assert_ok(status);
    return parts;
}

static void a_run_stopped_in_mid_epoch_has_the_same_bits(void **state)
{
    (void)state;
    for (size_t c = 0; c < N_CASES; c++) {
        write_whole(5, cases[c], scratch("whole.h5"));
        for (int minibatches = 1; minibatches <= 5; minibatches += 4) {
            const file_path path = in_scratch("parts.h5");
            unlink(path.text);
            assert_true(train_in_parts(5, cases[c], path.text, minibatches) > EPOCHS / 3);
            assert_same_bytes(path.text, scratch("whole.h5"));
        }
    }
}

static void stop_by_timer(int signal_number)
{
    (void)signal_number;
    eqs_stop_request(SIGTERM);
}

/* CVODE looks for a stop within a phase: such a minibatch must leave no trace */
static void a_run_stopped_in_mid_phase_has_the_same_bits(void **state)
{
    (void)state;
    static const char *const overrides[] = {"learning.engine=ode", "relaxation.solver=cvode-bdf",
                                            "data.train=21", "data.validation=45", "data.test=45"};
    write_whole(5, overrides, scratch("whole.h5"));
    const file_path path = in_scratch("parts.h5");
    struct sigaction old, action = {.sa_handler = stop_by_timer};
    assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
    eqs_status status = EQS_INTERRUPTED;
    int parts = 0, midway = 0;
    for (; status == EQS_INTERRUPTED && parts < 2000; parts++) {
        small_run run = small_run_open(5, overrides, 1);
        eqs_run *file;
        assert_ok(eqs_run_open(path.text, run.setup, run.trainer, &file));
        if (parts > 0)
            assert_ok(eqs_run_resume(file));
        /* longer and longer, so that the run ends on slow machines too */
        struct itimerval timer = {.it_value = {.tv_usec = 2000 + 1000 * parts}}, off = {0};
        eqs_stop_request(0);
        assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
        status = train_on(&run, file, NULL, NULL);
        assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
        if (status == EQS_INTERRUPTED) {
            assert_non_null(strstr(eqs_error_message(), "stopped in epoch "));
            midway += eqs_trainer_position(run.trainer)->minibatch > 0;
        }
        assert_ok(eqs_run_write(file, status == EQS_OK ? "complete" : "interrupted"));
        eqs_run_close(file);
        small_run_close(&run);
    }
    assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
    eqs_stop_request(0);
    assert_ok(status);
    assert_true(parts > 3 && midway > 0);
    assert_same_bytes(path.text, scratch("whole.h5"));
}

static void equal_runs_give_equal_bytes_on_any_number_of_threads(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads *= 2) {
        small_run run = small_run_open(5, cases[1], threads);
        eqs_run *file;
        const file_path path = in_scratch(threads == 1 ? "one.h5" : "more.h5");
        assert_ok(eqs_run_open(path.text, run.setup, run.trainer, &file));
        assert_ok(train_on(&run, file, NULL, NULL));
        assert_ok(eqs_run_write(file, "complete"));
        eqs_run_close(file);
        small_run_close(&run);
        assert_same_bytes(scratch("one.h5"), path.text);
    }
}

/* opens the run of `path` with an override and resumes */
static eqs_status resume_with(const char *path, const char *override)
{
    small_run run = small_run_open(1, &override, 1);
    eqs_run *file;
    assert_ok(eqs_run_open(path, run.setup, run.trainer, &file));
    eqs_status status = eqs_run_resume(file);
    eqs_run_close(file);
    small_run_close(&run);
    return status;
}

static void another_configuration_is_refused_by_the_name_of_its_key(void **state)
{
    (void)state;
    const file_path path = in_scratch("run.h5");
    write_whole(0, NULL, path.text);
    static const char *const others[] = {"seed=4",
                                         "learning.beta=0.4",
                                         "learning.nudge=centred",
                                         "learning.batch=8",
                                         "data.train=59",
                                         "network.layers=[6, 9, 3]",
                                         "relaxation.precision=single",
                                         "dynamics.tau=2",
                                         "learning.persistent=false",
                                         "learning.rates=[0.4, 0.3]"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char key[64];
        snprintf(key, sizeof key, "%.*s: ", (int)strcspn(others[i], "="), others[i]);
        assert_fails(resume_with(path.text, others[i]), EQS_BAD_CONFIG, key);
        assert_non_null(strstr(eqs_error_message(), "run.h5: made with "));
        assert_non_null(strstr(eqs_error_message(), "cannot go on with "));
    }
    static const char *const allowed[] = {"learning.epochs=9", "learning.stop_at_train_error=0.1",
                                          "output.checkpoint=never", "circuit.swing=0.5"};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        assert_ok(resume_with(path.text, allowed[i]));
}

static void rows_come_back_as_they_were_written(void **state)
{
    (void)state;
    const file_path path = in_scratch("run.h5");
    small_run run = SMALL_RUN(), again = SMALL_RUN();
    eqs_run *file;
    assert_ok(eqs_run_open(path.text, run.setup, run.trainer, &file));
    assert_ok(train_on(&run, file, NULL, NULL));
    assert_ok(eqs_run_write(file, "complete"));
    eqs_epoch_row row[EPOCHS];
    for (size_t i = 0; i < EPOCHS; i++)
        row[i] = *eqs_run_row(file, i);
    eqs_run_close(file);
    assert_ok(eqs_run_open(path.text, again.setup, again.trainer, &file));
    assert_int_equal(eqs_run_rows(file), 0);
    assert_ok(eqs_run_resume(file));
    assert_int_equal(eqs_run_rows(file), EPOCHS);
    for (size_t i = 0; i < EPOCHS; i++) {
        assert_memory_equal(eqs_run_row(file, i), &row[i], sizeof *row);
        assert_true(row[i].epoch == (double)(i + 1));
    }
    eqs_run_close(file);
    small_run_close(&run);
    small_run_close(&again);
}

static void a_second_writer_is_refused(void **state)
{
    (void)state;
    small_run run = SMALL_RUN();
    eqs_run *file, *second;
    assert_ok(eqs_run_open(scratch("run.h5"), run.setup, run.trainer, &file));
    assert_fails(eqs_run_open(scratch("run.h5"), run.setup, run.trainer, &second), EQS_LOCKED, "in use by");
    eqs_run_close(file);
    assert_ok(eqs_run_open(scratch("run.h5"), run.setup, run.trainer, &file));
    eqs_run_close(file);
    assert_int_not_equal(access(scratch("run.h5"), F_OK), 0);
    assert_int_not_equal(access(scratch("run.h5.lock"), F_OK), 0);
    small_run_close(&run);
}

static void parameters_of_a_run_start_another(void **state)
{
    (void)state;
    char init_file[300];
    write_whole(0, NULL, scratch("run.h5"));
    snprintf(init_file, sizeof init_file, "network.init_file=%s", scratch("run.h5"));
    small_run first = SMALL_RUN(), second = SMALL_RUN("network.init=file", init_file, "learning.beta=0.3");
    for (int epoch = 0; epoch < EPOCHS; epoch++)
        small_epoch(&first);
    double *theta = small_theta(&first);
    assert_memory_equal(theta, second.setup->theta, first.setup->net->n_parameters * sizeof *theta);
    eqs_free(theta);
    small_run_close(&first);
    small_run_close(&second);
}

static void parameters_of_other_shapes_are_refused_by_name(void **state)
{
    (void)state;
    char init_file[300];
    write_whole(0, NULL, scratch("run.h5"));
    snprintf(init_file, sizeof init_file, "network.init_file=%s", scratch("run.h5"));
    const char *wide[] = {"network.init=file", init_file, "network.layers=[6, 9, 3]"};
    const char *deep[] = {"network.init=file", init_file, "network.layers=[6, 8, 3, 3]",
                          "learning.rates=0.1"};
    eqs_setup *out;
    eqs_config *config = small_config(3, wide);
    assert_fails(eqs_setup_create(config, NULL, &out), EQS_BAD_DATA,
                 "/parameters/W_1: found shape [6 x 8], allowed [6 x 9]");
    eqs_config_destroy(config);
    config = small_config(4, deep);
    assert_fails(eqs_setup_create(config, NULL, &out), EQS_BAD_DATA, "/parameters/W_3: not there");
    eqs_config_destroy(config);
}

static void parameters_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    small_run run = SMALL_RUN();
    eqs_run *file;
    double *theta = small_theta(&run);
    theta[17] = NAN;
    eqs_trainer_set_parameters(run.trainer, theta);
    assert_ok(eqs_run_open(scratch("run.h5"), run.setup, run.trainer, &file));
    assert_ok(eqs_run_write(file, "failed: a test"));
    assert_fails(eqs_run_load_parameters(scratch("run.h5"), run.setup->net, theta), EQS_BAD_DATA,
                 "/parameters: value 17 is not finite");
    assert_fails(eqs_run_resume(file), EQS_BAD_DATA, "is not finite");
    eqs_run_close(file);
    eqs_free(theta);
    small_run_close(&run);
}

static void a_position_that_does_not_fit_the_rows_is_refused(void **state)
{
    (void)state;
    small_run run = SMALL_RUN();
    eqs_run *file;
    eqs_trainer_position(run.trainer)->epoch = 3;
    assert_ok(eqs_run_open(scratch("run.h5"), run.setup, run.trainer, &file));
    assert_ok(eqs_run_write(file, "running"));
    assert_fails(eqs_run_resume(file), EQS_BAD_DATA, "epoch 3, minibatch 0 do not fit 0 rows");
    eqs_run_close(file);
    small_run_close(&run);
}

static eqs_status same_value(const eqs_config_entry *entry, void *user)
{
    if (strcmp(entry->name, "learning.beta") == 0)
        assert_string_equal(entry->value, "0.25");
    ++*(size_t *)user;
    return EQS_OK;
}

static void a_run_file_holds_the_configuration_in_force(void **state)
{
    (void)state;
    const char *override = "learning.beta=0.25";
    write_whole(1, &override, scratch("run.h5"));
    eqs_config *config;
    size_t keys = 0;
    assert_ok(eqs_run_load_config(scratch("run.h5"), &config));
    assert_ok(eqs_config_foreach(config, same_value, &keys));
    assert_true(keys > 30 && config->learning.beta == 0.25);
    eqs_config_destroy(config);
    assert_fails(eqs_run_load_config(scratch("no.h5"), &config), EQS_MISSING_INPUT, "no.h5");
}

/* the rules of DESIGN 5: names, shapes, types, units and long names */
static void a_run_file_has_the_promised_datasets(void **state)
{
    (void)state;
    for (int single = 0; single < 2; single++) {
        const file_path path = in_scratch("run.h5");
        write_whole(5, cases[single], path.text);
        static const struct {
            const char *path;
            int rank;
            size_t dim[2];
        } promised[] = {
            {"/parameters/W_1", 2, {6, 8}},
            {"/parameters/W_2", 2, {8, 3}},
            {"/parameters/b_1", 1, {8, 0}},
            {"/parameters/b_2", 1, {3, 0}},
            {"/training/epoch", 1, {EPOCHS, 0}},
            {"/training/train_error", 1, {EPOCHS, 0}},
            {"/training/validation_error", 1, {EPOCHS, 0}},
            {"/training/test_error", 1, {EPOCHS, 0}},
            {"/training/cost", 1, {EPOCHS, 0}},
            {"/training/energy", 1, {EPOCHS, 0}},
            {"/training/residual", 1, {EPOCHS, 0}},
            {"/training/seconds", 1, {EPOCHS, 0}},
            {"/training/relative_change", 2, {EPOCHS, BLOCKS}},
            {"/checkpoint/states_train", 2, {60, 11}},
        };
        eqs_h5_reader *reader;
        assert_ok(eqs_h5_open(path.text, &reader));
        for (size_t i = 0; i < sizeof promised / sizeof *promised; i++) {
            eqs_h5_shape shape;
            char *text;
            assert_ok(eqs_h5_get_shape(reader, promised[i].path, &shape));
            assert_int_equal(shape.rank, promised[i].rank);
            for (int k = 0; k < shape.rank; k++)
                assert_int_equal(shape.dim[k], promised[i].dim[k]);
            bool rounded = single && (i < 4 || i == 13);
            assert_int_equal(shape.type, rounded ? EQS_H5_FLOAT : EQS_H5_DOUBLE);
            assert_ok(eqs_h5_read_attribute_string(reader, promised[i].path, "units", &text));
            assert_true(*text != '\0');
            eqs_free(text);
            assert_ok(eqs_h5_read_attribute_string(reader, promised[i].path, "long_name", &text));
            assert_true(strlen(text) > 5);
            eqs_free(text);
        }
        eqs_h5_reader_destroy(reader);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_resumed_after_every_epoch_has_the_same_bits),
        TEST(a_run_stopped_in_mid_epoch_has_the_same_bits),
        TEST(a_run_stopped_in_mid_phase_has_the_same_bits),
        TEST(equal_runs_give_equal_bytes_on_any_number_of_threads),
        TEST(another_configuration_is_refused_by_the_name_of_its_key),
        TEST(rows_come_back_as_they_were_written),
        TEST(a_second_writer_is_refused),
        TEST(parameters_of_a_run_start_another),
        TEST(parameters_of_other_shapes_are_refused_by_name),
        TEST(parameters_that_are_not_finite_are_refused),
        TEST(a_position_that_does_not_fit_the_rows_is_refused),
        TEST(a_run_file_holds_the_configuration_in_force),
        TEST(a_run_file_has_the_promised_datasets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
