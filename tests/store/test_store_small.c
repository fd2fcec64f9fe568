/* The small parts of store/: locks, live metrics, texts and numbers, whole files. */
#include "base/memory.h"
#include "store/file.h"
#include "store/lock.h"
#include "store/metrics.h"
#include "store/text.h"
#include "tests/store/scratch.h"

#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <signal.h>
#include <sys/wait.h>

/* ---- locks ---- */

static void a_second_lock_is_refused_and_names_the_holder(void **state)
{
    (void)state;
    eqs_lock *first, *second = NULL;
    char holder[64];
    assert_ok(eqs_lock_acquire(scratch("run.h5"), &first));
    snprintf(holder, sizeof holder, "run.h5: in use by process %ld (lock file ", (long)getpid());
    assert_fails(eqs_lock_acquire(scratch("run.h5"), &second), EQS_LOCKED, holder);
    assert_null(second);
    eqs_lock *other;
    assert_ok(eqs_lock_acquire(scratch("other.h5"), &other));
    eqs_lock_release(other);
    eqs_lock_release(first);
    assert_int_not_equal(access(scratch("run.h5.lock"), F_OK), 0);
    assert_ok(eqs_lock_acquire(scratch("run.h5"), &second));
    eqs_lock_release(second);
    assert_fails(eqs_lock_acquire("/no/such/folder/run.h5", &first), EQS_IO, "cannot create");
}

static void a_killed_holder_leaves_no_lock(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        eqs_lock *lock;
        char done = eqs_lock_acquire(scratch("run.h5"), &lock) == EQS_OK ? 'y' : 'n';
        if (write(ends[1], &done, 1) == 1)
            pause();
        _exit(0);
    }
    char done;
    assert_int_equal(read(ends[0], &done, 1), 1);
    assert_int_equal(done, 'y');
    eqs_lock *lock;
    char holder[64];
    snprintf(holder, sizeof holder, "in use by process %ld", (long)pid);
    assert_fails(eqs_lock_acquire(scratch("run.h5"), &lock), EQS_LOCKED, holder);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(access(scratch("run.h5.lock"), F_OK), 0);
    assert_ok(eqs_lock_acquire(scratch("run.h5"), &lock));
    eqs_lock_release(lock);
    close(ends[0]);
    close(ends[1]);
}

/* ---- metrics ---- */

static void each_line_of_metrics_is_a_json_object(void **state)
{
    (void)state;
    eqs_metrics *m;
    assert_ok(eqs_metrics_open(scratch("run.h5"), 0, &m));
    eqs_metrics_int(m, "epoch", 1);
    eqs_metrics_real(m, "cost", 0.1);
    eqs_metrics_real(m, "residual", NAN);
    eqs_metrics_text(m, "phase", "free");
    eqs_metrics_reals(m, "change", (double[]){0.5, INFINITY}, 2);
    assert_ok(eqs_metrics_write(m));
    eqs_metrics_int(m, "epoch", 2);
    assert_ok(eqs_metrics_write(m));
    eqs_metrics_int(m, "epoch", 3); /* never written */
    eqs_metrics_close(m);
    size_t size;
    char *text = (char *)scratch_read(scratch("run.h5.metrics.jsonl"), &size);
    char *newline = strchr(text, '\n');
    json_t *line = json_loadb(text, (size_t)(newline - text), 0, NULL);
    assert_non_null(line);
    assert_true(json_real_value(json_object_get(line, "cost")) == 0.1);
    assert_true(json_is_null(json_object_get(line, "residual")));
    assert_int_equal(strncmp(text, "{\"epoch\":1,\"cost\":", 18), 0);
    assert_true(json_is_null(json_array_get(json_object_get(line, "change"), 1)));
    assert_string_equal(newline + 1, "{\"epoch\":2}\n");
    json_decref(line);
    free(text);
}

static void resumed_metrics_go_on_behind_the_last_complete_line(void **state)
{
    (void)state;
    scratch_text("r.h5.metrics.jsonl", "{\"epoch\":1}\n{\"epoch\":2}\n{\"epo");
    eqs_metrics *m;
    assert_ok(eqs_metrics_open(scratch("r.h5"), 5, &m));
    assert_int_equal(eqs_metrics_kept(m), 2);
    eqs_metrics_int(m, "epoch", 3);
    assert_ok(eqs_metrics_write(m));
    assert_ok(eqs_metrics_close(m));
    size_t size;
    char *text = (char *)scratch_read(scratch("r.h5.metrics.jsonl"), &size);
    assert_string_equal(text, "{\"epoch\":1}\n{\"epoch\":2}\n{\"epoch\":3}\n");
    free(text);
    /* epochs that were logged after the last checkpoint are done again */
    assert_ok(eqs_metrics_open(scratch("r.h5"), 1, &m));
    assert_int_equal(eqs_metrics_kept(m), 1);
    assert_ok(eqs_metrics_close(m));
    text = (char *)scratch_read(scratch("r.h5.metrics.jsonl"), &size);
    assert_string_equal(text, "{\"epoch\":1}\n");
    free(text);
    assert_ok(eqs_metrics_open(scratch("r.h5"), 0, &m));
    assert_ok(eqs_metrics_close(m));
    struct stat info;
    assert_int_equal(stat(scratch("r.h5.metrics.jsonl"), &info), 0);
    assert_int_equal(info.st_size, 0);
}

static void metrics_report_errors(void **state)
{
    (void)state;
    eqs_metrics *m;
    assert_fails(eqs_metrics_open("/no/such/folder/r", 0, &m), EQS_IO, "cannot open: No such file");
    assert_int_equal(symlink("/dev/full", scratch("full.metrics.jsonl")), 0);
    assert_ok(eqs_metrics_open(scratch("full"), 0, &m));
    eqs_metrics_int(m, "epoch", 1);
    assert_fails(eqs_metrics_write(m), EQS_IO, "cannot write a line of 12 bytes (0 written): No space left");
    eqs_metrics_text(m, "bad", "\xff");
    assert_fails(eqs_metrics_write(m), EQS_NO_MEMORY, "not UTF-8");
    eqs_metrics_close(m);
}

/* ---- texts and numbers ---- */

static void a_printed_number_reads_back_as_itself(void **state)
{
    (void)state;
    const double values[] = {0,    -0.0, 0.1,      1e-4,     1.0 / 3, 5e-324, 1.7976931348623157e308,
                             1e21, -2.5, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[EQS_NUMBER_SIZE];
        double back;
        eqs_number_format(values[i], text);
        assert_true(eqs_number_real(text, &back));
        assert_memory_equal(&back, &values[i], sizeof back);
    }
}

static void only_decimal_numbers_are_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      "-",     ".",        "e5",   "1e",    "1e+",  "0x1",
                                      "1 ",    " 1",    "nan",      "inf",  "1.2.3", "1,5",  "--1",
                                      "1e999", ".infx", "infinity", "1e5x", "+",     "-.nan"};
    double x;
    uint64_t n;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(eqs_number_real(bad[i], &x));
    static const char *const not_counts[] = {"",   "-1", "+1", "1.0", "1e3", "18446744073709551616",
                                             "1x", " 1"};
    for (size_t i = 0; i < sizeof not_counts / sizeof *not_counts; i++)
        assert_false(eqs_number_count(not_counts[i], &n));
    assert_true(eqs_number_count("18446744073709551615", &n) && n == UINT64_MAX);
    assert_true(eqs_number_real("+.5e-1", &x) && x == 0.05);
}

static void numbers_do_not_depend_on_the_locale(void **state)
{
    (void)state;
    static const char *const commas[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    const char *found = NULL;
    for (size_t i = 0; i < 3 && found == NULL; i++)
        found = setlocale(LC_NUMERIC, commas[i]);
    if (found == NULL) { /* none is installed: make one */
        char command[512], folder[512];
        assert_non_null(getcwd(folder, sizeof folder - 100));
        snprintf(folder + strlen(folder), 100, "/%s", scratch_folder);
        snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s >/dev/null 2>&1",
                 scratch("de_DE.UTF-8"));
        int unused = system(command); /* whether it worked shows below */
        (void)unused;
        setenv("LOCPATH", folder, 1);
        found = setlocale(LC_NUMERIC, "de_DE.UTF-8");
        unsetenv("LOCPATH");
    }
    if (found == NULL) {
        print_message("no locale with a decimal comma can be had: skipped\n");
        skip();
    }
    assert_string_equal(localeconv()->decimal_point, ",");
    double x;
    char text[EQS_NUMBER_SIZE];
    bool read = eqs_number_real("1.5", &x);
    eqs_number_format(2.5, text);
    setlocale(LC_NUMERIC, "C");
    assert_true(read && x == 1.5);
    assert_string_equal(text, "2.5");
}

static void a_text_survives_short_memory(void **state)
{
    (void)state;
    eqs_text text = {0};
    eqs_text_add(&text, "%d", 12);
    eqs_alloc_fail_at(1);
    eqs_text_add(&text, "%2000d", 1);
    eqs_alloc_fail_at(0);
    assert_true(text.failed);
    assert_string_equal(eqs_text_string(&text), "12");
    eqs_text_clear(&text);
    assert_string_equal(eqs_text_string(&text), "");
}

/* ---- whole files ---- */

static void a_full_disk_is_an_error_with_path_and_size(void **state)
{
    (void)state;
    int fd = open("/dev/full", O_WRONLY);
    assert_true(fd >= 0);
    assert_fails(eqs_file_write_all(fd, "x.h5", "abc", 3), EQS_IO,
                 "x.h5: cannot write 3 bytes (0 written): No space left");
    close(fd);
    assert_fails(eqs_file_replace(scratch_folder, "abc", 3), EQS_IO, "found a folder");
}

static void a_stale_temporary_file_is_replaced(void **state)
{
    (void)state;
    char name[64];
    snprintf(name, sizeof name, "f.tmp.%ld", (long)getpid());
    scratch_text(name, "left by a killed run");
    assert_ok(eqs_file_replace(scratch("f"), "new", 3));
    size_t size;
    char *text = (char *)scratch_read(scratch("f"), &size);
    assert_string_equal(text, "new");
    free(text);
    assert_int_not_equal(access(scratch(name), F_OK), 0);
}

static void files_are_read_whole_up_to_a_limit(void **state)
{
    (void)state;
    unsigned char *bytes;
    size_t size;
    assert_ok(eqs_file_read(scratch_text("g", "hello"), 5, &bytes, &size));
    assert_int_equal(size, 5);
    assert_string_equal((char *)bytes, "hello");
    eqs_free(bytes);
    assert_fails(eqs_file_read(scratch("g"), 4, &bytes, &size), EQS_BAD_DATA, "found 5 bytes, allowed 4");
    assert_null(bytes);
    assert_fails(eqs_file_read("/dev/zero", 100000, &bytes, &size), EQS_BAD_DATA, "more than 100000 bytes");
    assert_ok(eqs_file_read("/dev/null", 10, &bytes, &size));
    assert_int_equal(size, 0);
    eqs_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_lock_is_refused_and_names_the_holder),
        cmocka_unit_test(a_killed_holder_leaves_no_lock),
        cmocka_unit_test(each_line_of_metrics_is_a_json_object),
        cmocka_unit_test(resumed_metrics_go_on_behind_the_last_complete_line),
        cmocka_unit_test(metrics_report_errors),
        cmocka_unit_test(a_printed_number_reads_back_as_itself),
        cmocka_unit_test(only_decimal_numbers_are_numbers),
        cmocka_unit_test(numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(a_text_survives_short_memory),
        cmocka_unit_test(a_full_disk_is_an_error_with_path_and_size),
        cmocka_unit_test(a_stale_temporary_file_is_replaced),
        cmocka_unit_test(files_are_read_whole_up_to_a_limit),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
