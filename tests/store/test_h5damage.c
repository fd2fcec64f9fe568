/* Damaged and foreign files: ours are refused before libhdf5 sees them, those of others cannot bring us down.
 */
#include "base/random.h"
#include "base/run.h"
#include "store/h5block.h"
#include "store/h5file.h"
#include "store/sandbox.h"
#include "tests/store/scratch.h"

#include <hdf5.h>
#include <signal.h>

static unsigned char *good; /* a result file */
static size_t good_size;

static int make_good(void **state)
{
    if (scratch_setup(state) != 0)
        return 1;
    eqs_h5_writer *w;
    double x[100];
    for (int i = 0; i < 100; i++)
        x[i] = i;
    assert_ok(eqs_h5_create(&w));
    assert_ok(eqs_h5_write_double(w, "/group/x", x, 1, (size_t[]){100}, "V", "numbers"));
    assert_ok(eqs_h5_write_text(w, "/config/text", "seed: 1\n", "configuration"));
    assert_ok(eqs_h5_commit(w, scratch("good.h5")));
    eqs_h5_writer_destroy(w);
    good = scratch_read(scratch("good.h5"), &good_size);
    return 0;
}

static int drop_good(void **state)
{
    free(good);
    return scratch_teardown(state);
}

static void refused(const unsigned char *bytes, size_t size, const char *message)
{
    eqs_h5_reader *r = NULL;
    assert_fails(eqs_h5_open(scratch_write("bad.h5", bytes, size), &r), EQS_BAD_DATA, message);
    assert_null(r);
}

/* the message of a refusal by libhdf5 would say "libhdf5" */
static void every_changed_byte_is_refused_before_libhdf5(void **state)
{
    (void)state;
    eqs_random random = eqs_random_stream(5, EQS_RANDOM_TEST, 1, 0);
    for (uint64_t i = 0; i < 600; i++) {
        /* the first hundred in the user block, the others anywhere */
        size_t range = i < 100 ? 512 : good_size, at = eqs_random_u32(&random, 3 * i) % range;
        unsigned char old = good[at], flip = (unsigned char)(1 + eqs_random_u32(&random, 3 * i + 1) % 255);
        good[at] = old ^ flip;
        refused(good, good_size, "bad.h5");
        assert_null(strstr(eqs_error_message(), "libhdf5"));
        good[at] = old;
    }
    eqs_h5_reader *r;
    assert_ok(eqs_h5_open(scratch_write("bad.h5", good, good_size), &r));
    eqs_h5_reader_destroy(r);
}

/* the gate that eqs_h5_open passes the bytes through before anything else reads them */
static void ten_thousand_changed_bytes_are_refused(void **state)
{
    (void)state;
    enum { MUTATIONS = 10000 };
    eqs_random random = eqs_random_stream(5, EQS_RANDOM_TEST, 3, 0);
    for (uint64_t i = 0; i < MUTATIONS; i++) {
        /* every byte in turn, then any */
        size_t at = i < good_size ? i : eqs_random_u32(&random, 2 * i) % good_size;
        unsigned char old = good[at];
        good[at] = old ^ (unsigned char)(1 + eqs_random_u32(&random, 2 * i + 1) % 255);
        if (eqs_h5_block_check("bad.h5", good, good_size) != EQS_BAD_DATA)
            fail_msg("byte %zu: %02x for %02x is not noticed", at, good[at], old);
        good[at] = old;
    }
    assert_ok(eqs_h5_block_check("good.h5", good, good_size));
}

static void truncated_and_longer_files_are_refused(void **state)
{
    (void)state;
    refused(good, 0, "not a result file");
    refused(good, 100, "not a result file");
    refused(good, 512, "found 512 bytes, allowed");
    refused(good, good_size - 1, "truncated or damaged");
    unsigned char *longer = calloc(1, good_size + 1);
    memcpy(longer, good, good_size);
    refused(longer, good_size + 1, "truncated or damaged");
    free(longer);
}

static void another_format_version_is_refused_by_its_number(void **state)
{
    (void)state;
    unsigned char *digit = (unsigned char *)strstr((char *)good, "format_version 1") + 15;
    *digit = '2';
    refused(good, good_size, "found format version 2, allowed 1");
    *digit = '1';
}

static void missing_files_and_folders_are_named(void **state)
{
    (void)state;
    eqs_h5_reader *r;
    assert_fails(eqs_h5_open(scratch("none.h5"), &r), EQS_MISSING_INPUT,
                 "none.h5: cannot open: No such file");
    assert_fails(eqs_h5_open(scratch_folder, &r), EQS_MISSING_INPUT, "found a folder");
}

/* an HDF5 file of others: earliest format and a variable-length text, which crashes libhdf5 when damaged */
static unsigned char *make_foreign(size_t *size)
{
    const char *path = scratch("foreign.h5");
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t group = H5Gcreate2(file, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    hid_t type = H5Tcopy(H5T_C_S1), scalar = H5Screate(H5S_SCALAR);
    H5Tset_size(type, H5T_VARIABLE);
    hid_t attribute = H5Acreate2(group, "note", type, scalar, H5P_DEFAULT, H5P_DEFAULT);
    const char *text = "a text of variable length";
    H5Awrite(attribute, type, &text);
    H5Aclose(attribute);
    hsize_t dim[2] = {4, 5};
    hid_t space = H5Screate_simple(2, dim, NULL);
    hid_t data = H5Dcreate2(group, "data", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    int numbers[3] = {1, -2, 3};
    hsize_t three = 3;
    hid_t list = H5Screate_simple(1, &three, NULL);
    attribute = H5Acreate2(data, "numbers", H5T_STD_I16BE, list, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_INT, numbers);
    H5Aclose(attribute);
    H5Sclose(list);
    H5Sclose(space);
    H5Sclose(scalar);
    H5Tclose(type);
    H5Dclose(data);
    H5Gclose(group);
    assert_true(H5Fclose(file) >= 0);
    return scratch_read(path, size);
}

static eqs_status note(const eqs_h5_object *object, void *user)
{
    char *notes = user;
    size_t n = strlen(notes);
    for (size_t i = 0; i < object->n_attributes && n < 3000; i++)
        n += (size_t)snprintf(notes + n, 1000, "%.100s@%.100s=%.100s\n", object->path,
                              object->attribute[i].name, object->attribute[i].text);
    return EQS_OK;
}

static void files_of_others_are_listed(void **state)
{
    (void)state;
    size_t size;
    free(make_foreign(&size));
    char notes[4096] = "";
    bool foreign = false;
    assert_ok(eqs_h5_inspect(scratch("foreign.h5"), note, notes, &foreign));
    assert_true(foreign);
    assert_non_null(strstr(notes, "/g@note=a text of variable length\n"));
    assert_non_null(strstr(notes, "/g/data@numbers=1, -2, 3\n"));
    eqs_h5_reader *r;
    assert_fails(eqs_h5_open(scratch("foreign.h5"), &r), EQS_BAD_DATA, "not a result file of eqspice");
    assert_fails(eqs_h5_inspect(scratch_text("text.h5", "hello"), note, notes, NULL), EQS_BAD_DATA,
                 "text.h5: is no HDF5 file");
    assert_fails(eqs_h5_inspect(scratch("none.h5"), note, notes, NULL), EQS_MISSING_INPUT,
                 "none.h5: cannot open");
}

static void damaged_files_of_others_never_bring_us_down(void **state)
{
    (void)state;
    size_t size, failures = 0;
    unsigned char *bytes = make_foreign(&size);
    eqs_random random = eqs_random_stream(6, EQS_RANDOM_TEST, 2, 0);
    for (uint64_t i = 0; i < 150; i++) {
        unsigned char *copy = malloc(size);
        memcpy(copy, bytes, size);
        for (uint64_t k = 0; k < 4; k++)
            copy[eqs_random_u32(&random, 8 * i + 2 * k) % size] ^=
                (unsigned char)(1 + eqs_random_u32(&random, 8 * i + 2 * k + 1) % 255);
        char notes[4096] = "";
        eqs_status status = eqs_h5_inspect(scratch_write("mutant.h5", copy, size), note, notes, NULL);
        if (status != EQS_OK && status != EQS_BAD_DATA && status != EQS_NO_MEMORY)
            fail_msg("mutant %d: %s", (int)i, eqs_error_message());
        failures += status != EQS_OK;
        free(copy);
    }
    assert_true(failures > 10);
    free(bytes);
}

/* ---- the child process itself ---- */

static const eqs_sandbox_limits limits = {.seconds = 2, .memory_bytes = 256 << 20, .output_bytes = 1000};

static eqs_status answer(void *user, eqs_text *output)
{
    eqs_text_add(output, "%s", (const char *)user);
    return EQS_OK;
}

static eqs_status complain(void *user, eqs_text *output)
{
    (void)user;
    (void)output;
    return eqs_fail(EQS_MISSING_INPUT, "what the child says");
}

static eqs_status crash(void *user, eqs_text *output)
{
    (void)user;
    (void)output;
    raise(SIGSEGV);
    return EQS_OK;
}

static eqs_status leave(void *user, eqs_text *output)
{
    (void)user;
    (void)output;
    _exit(3);
}

static eqs_status hang(void *user, eqs_text *output)
{
    (void)user;
    (void)output;
    while (pause() == -1)
        ;
    return EQS_OK;
}

static eqs_status chatter(void *user, eqs_text *output)
{
    (void)user;
    for (int i = 0; i < 1000; i++)
        eqs_text_add(output, "0123456789");
    return EQS_OK;
}

static eqs_status hoard(void *user, eqs_text *output)
{
    (void)user;
    for (int i = 0; i < 100; i++) {
        volatile char *block = malloc(16 << 20);
        if (block == NULL)
            return eqs_fail(EQS_NO_MEMORY, "after %d blocks", i);
        block[0] = 1;
    }
    eqs_text_add(output, "no limit");
    return EQS_OK;
}

static void a_child_that_misbehaves_becomes_a_message(void **state)
{
    (void)state;
    eqs_text output;
    assert_ok(eqs_sandbox_run(&limits, answer, "hello", &output));
    assert_string_equal(eqs_text_string(&output), "hello");
    eqs_text_clear(&output);
    assert_ok(eqs_sandbox_run(&limits, answer, "", &output));
    assert_string_equal(eqs_text_string(&output), "");
    assert_fails(eqs_sandbox_run(&limits, complain, NULL, &output), EQS_MISSING_INPUT, "what the child says");
    assert_fails(eqs_sandbox_run(&limits, crash, NULL, &output), EQS_BAD_DATA, "the file is damaged");
    assert_non_null(strstr(eqs_error_message(), "signal 11"));
    assert_fails(eqs_sandbox_run(&limits, leave, NULL, &output), EQS_BAD_DATA, "ended with code 3");
    assert_fails(eqs_sandbox_run(&limits, chatter, NULL, &output), EQS_BAD_DATA, "more than 1000 bytes");
    double start = eqs_clock();
    assert_fails(eqs_sandbox_run(&limits, hang, NULL, &output), EQS_BAD_DATA, "took longer than 2 s");
    assert_true(eqs_clock() - start < 10);
    assert_null(output.data);
}

static void a_child_cannot_take_all_memory(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__)
    print_message("the address sanitizer ends a process that is out of memory: skipped\n");
    skip();
#endif
    eqs_text output;
    assert_fails(eqs_sandbox_run(&limits, hoard, NULL, &output), EQS_NO_MEMORY, "after");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_changed_byte_is_refused_before_libhdf5),
        cmocka_unit_test(ten_thousand_changed_bytes_are_refused),
        cmocka_unit_test(truncated_and_longer_files_are_refused),
        cmocka_unit_test(another_format_version_is_refused_by_its_number),
        cmocka_unit_test(missing_files_and_folders_are_named),
        cmocka_unit_test(files_of_others_are_listed),
        cmocka_unit_test(damaged_files_of_others_never_bring_us_down),
        cmocka_unit_test(a_child_that_misbehaves_becomes_a_message),
        cmocka_unit_test(a_child_cannot_take_all_memory),
    };
    return cmocka_run_group_tests(tests, make_good, drop_good);
}
