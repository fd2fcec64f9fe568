/* Run files of builds that had fewer columns in /training: they go on, and what they lack is NaN. */
#include "tests/learning/small_run.h"

#include "base/run.h"
#include "learning/run_file.h"
#include "store/h5block.h"

#include <hdf5.h>
#include <signal.h>

enum { COLUMNS = sizeof(eqs_epoch_row) / sizeof(double), LACKING = 4 };

static const char *const column[] = {
#define X(name, unit, text) #name,
    EQS_EPOCH_LIST(X)
#undef X
};

/* columns in the middle and at the end of the list that an older build had not */
static const char *const lacking[LACKING] = {"residual_response", "unresolved", "other_attractor",
                                             "supply_energy"};

static bool lacks(size_t i)
{
    for (size_t k = 0; k < LACKING; k++) {
        if (strcmp(column[i], lacking[k]) == 0)
            return true;
    }
    return false;
}

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

static void write_sums(hid_t file, hsize_t n, const double *sums)
{
    assert_true(H5Ldelete(file, "/checkpoint/sums", H5P_DEFAULT) >= 0);
    hid_t space = H5Screate_simple(1, &n, NULL);
    hid_t data =
        H5Dcreate2(file, "/checkpoint/sums", H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Dwrite(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, sums) >= 0);
    H5Dclose(data);
    H5Sclose(space);
}

/* Takes the lacking columns and their sums out of a run file, and `more` sums besides; seals it again. */
static void make_older(const char *path, hsize_t more)
{
    double sums[COLUMNS];
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    hid_t data = H5Dopen2(file, "/checkpoint/sums", H5P_DEFAULT);
    assert_true(H5Dread(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, sums) >= 0);
    H5Dclose(data);
    hsize_t kept = 0;
    for (size_t i = 0; i < COLUMNS; i++) {
        char name[64];
        snprintf(name, sizeof name, "/training/%s", column[i]);
        if (lacks(i))
            assert_true(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
        else
            sums[kept++] = sums[i];
    }
    assert_int_equal(kept, COLUMNS - LACKING);
    write_sums(file, kept - more, sums);
    assert_true(H5Fclose(file) >= 0);
    size_t size;
    unsigned char *bytes = scratch_read(path, &size);
    assert_ok(eqs_h5_block_write(bytes, size));
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, size, stream), size);
    assert_int_equal(fclose(stream), 0);
    free(bytes);
}

static void stop_after_three(const eqs_train_position *position, size_t done, size_t all, void *user)
{
    (void)done;
    (void)all;
    (void)user;
    if (position->minibatch == 3)
        eqs_stop_request(SIGINT);
}

/* One epoch, and with `midway` three minibatches of the next, into run.h5. */
static void write_run(bool midway)
{
    small_run run = SMALL_RUN();
    eqs_run *file;
    double change[4];
    eqs_epoch_row row = small_epoch(&run);
    assert_ok(eqs_run_open(scratch("run.h5"), run.setup, run.trainer, &file));
    eqs_trainer_change(run.trainer, change);
    assert_ok(eqs_run_append(file, &row, 1.0, change));
    if (midway)
        assert_fails(eqs_trainer_epoch(run.trainer, stop_after_three, NULL, &row), EQS_INTERRUPTED,
                     "stopped");
    eqs_stop_request(0);
    assert_ok(eqs_run_write(file, midway ? "interrupted" : "complete"));
    eqs_run_close(file);
    small_run_close(&run);
}

static double value_of(const eqs_epoch_row *row, size_t i)
{
    double value;
    memcpy(&value, (const char *)row + i * sizeof value, sizeof value);
    return value;
}

/* Resumes run.h5 for one epoch; the file's row and the new one. */
static void go_on(eqs_epoch_row *before, eqs_epoch_row *after)
{
    small_run run = SMALL_RUN();
    eqs_run *file;
    assert_ok(eqs_run_open(scratch("run.h5"), run.setup, run.trainer, &file));
    assert_ok(eqs_run_resume(file));
    assert_int_equal(eqs_run_rows(file), 1);
    *before = *eqs_run_row(file, 0);
    *after = small_epoch(&run);
    eqs_run_close(file);
    small_run_close(&run);
}

/* the rows of the first two epochs without any stop */
static void uninterrupted(eqs_epoch_row row[2])
{
    small_run run = SMALL_RUN();
    row[0] = small_epoch(&run);
    row[1] = small_epoch(&run);
    small_run_close(&run);
}

static void assert_same_value(double found, double expected)
{
    assert_memory_equal(&found, &expected, sizeof found);
}

static void an_older_run_goes_on_with_nan_in_the_rows_it_has(void **state)
{
    (void)state;
    eqs_epoch_row whole[2], before, after;
    uninterrupted(whole);
    write_run(false);
    make_older(scratch("run.h5"), 0);
    go_on(&before, &after);
    for (size_t i = 0; i < COLUMNS; i++) {
        if (lacks(i))
            assert_true(isnan(value_of(&before, i)));
        else
            assert_same_value(value_of(&before, i), value_of(&whole[0], i));
        assert_same_value(value_of(&after, i), value_of(&whole[1], i));
    }
    assert_true(isfinite(whole[1].unresolved) && whole[1].residual_response > 0.0);
}

static void an_older_run_stopped_within_an_epoch_does_not_invent_its_means(void **state)
{
    (void)state;
    eqs_epoch_row whole[2], before, after;
    uninterrupted(whole);
    write_run(true);
    make_older(scratch("run.h5"), 0);
    go_on(&before, &after);
    for (size_t i = 0; i < COLUMNS; i++) {
        if (!lacks(i))
            assert_same_value(value_of(&after, i), value_of(&whole[1], i));
    }
    assert_true(isnan(after.unresolved));
    assert_true(after.residual_response > 0.0 && after.residual_response <= whole[1].residual_response);
}

static void sums_that_do_not_fit_the_columns_are_refused(void **state)
{
    (void)state;
    write_run(false);
    make_older(scratch("run.h5"), 1);
    small_run run = SMALL_RUN();
    eqs_run *file;
    char message[96];
    assert_ok(eqs_run_open(scratch("run.h5"), run.setup, run.trainer, &file));
    snprintf(message, sizeof message, "run.h5: /checkpoint/sums: found shape [%d], allowed [%d]",
             COLUMNS - LACKING - 1, COLUMNS - LACKING);
    assert_fails(eqs_run_resume(file), EQS_BAD_DATA, message);
    eqs_run_close(file);
    small_run_close(&run);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_older_run_goes_on_with_nan_in_the_rows_it_has),
        TEST(an_older_run_stopped_within_an_epoch_does_not_invent_its_means),
        TEST(sums_that_do_not_fit_the_columns_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
