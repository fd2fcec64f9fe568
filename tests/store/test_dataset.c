/* Data sets: IDX and CSV files, what is refused, parts, pooling, scaling. */
#include "base/memory.h"
#include "base/random.h"
#include "store/csv.h"
#include "store/dataset.h"
#include "store/idx.h"
#include "tests/store/scratch.h"

#include <zlib.h>

/* ---- files ---- */

enum { ROWS = 3, COLUMNS = 2, IMAGES = 5 };

/* an IDX file of IMAGES x ROWS x COLUMNS bytes 0, 1, 2, ...; returns its size */
static size_t image_file(unsigned char *out)
{
    static const unsigned char head[16] = {0, 0, 8, 3, 0, 0, 0, IMAGES, 0, 0, 0, ROWS, 0, 0, 0, COLUMNS};
    memcpy(out, head, 16);
    for (int i = 0; i < IMAGES * ROWS * COLUMNS; i++)
        out[16 + i] = (unsigned char)(8 * i);
    return 16 + IMAGES * ROWS * COLUMNS;
}

static size_t label_file(unsigned char *out)
{
    static const unsigned char bytes[8 + IMAGES] = {0, 0, 8, 1, 0, 0, 0, IMAGES, 0, 2, 1, 2, 0};
    memcpy(out, bytes, sizeof bytes);
    return sizeof bytes;
}

static const char *write_gz(const char *name, const void *bytes, size_t size)
{
    const char *path = scratch(name);
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
    assert_int_equal(gzclose(file), Z_OK);
    return path;
}

/* ---- IDX ---- */

static void plain_and_gzipped_idx_files_hold_the_same(void **state)
{
    (void)state;
    unsigned char bytes[64];
    size_t size = image_file(bytes);
    eqs_idx plain, packed;
    assert_ok(eqs_idx_read(scratch_write("i.idx", bytes, size), &plain));
    assert_ok(eqs_idx_read(write_gz("i.idx.gz", bytes, size), &packed));
    assert_int_equal(plain.rank, 3);
    assert_int_equal(plain.dim[0], IMAGES);
    assert_int_equal(plain.bytes[29], 8 * 29);
    assert_memory_equal(plain.dim, packed.dim, sizeof plain.dim);
    assert_memory_equal(plain.bytes, packed.bytes, 30);
    eqs_idx_clear(&plain);
    eqs_idx_clear(&packed);
}

static void idx_refused(const void *bytes, size_t size, const char *message)
{
    eqs_idx idx;
    assert_fails(eqs_idx_read(scratch_write("bad.idx", bytes, size), &idx), EQS_BAD_DATA, message);
    assert_null(idx.bytes);
}

static void every_truncation_of_an_idx_file_is_refused(void **state)
{
    (void)state;
    unsigned char bytes[64];
    size_t size = image_file(bytes);
    for (size_t n = 0; n < size; n++)
        idx_refused(bytes, n, "bad.idx");
    idx_refused(bytes, size - 1, "found 45 bytes, allowed exactly 46");
    size_t packed_size;
    unsigned char *packed = scratch_read(write_gz("i.gz", bytes, size), &packed_size);
    for (size_t n = 0; n < packed_size; n++)
        idx_refused(packed, n, "bad.idx");
    packed[packed_size - 8] ^= 1; /* the checksum */
    idx_refused(packed, packed_size, "damaged gzip data");
    free(packed);
}

static void wrong_idx_headers_are_refused(void **state)
{
    (void)state;
    unsigned char bytes[65];
    size_t size = image_file(bytes);
    bytes[size] = 0;
    idx_refused(bytes, size + 1, "found bytes after the 46 that its header tells");
    bytes[0] = 1;
    idx_refused(bytes, size, "found the first bytes 01 00");
    bytes[0] = 0;
    bytes[2] = 0x0d;
    idx_refused(bytes, size, "found IDX type 0x0d, allowed 0x08");
    bytes[2] = 8;
    bytes[3] = 0;
    idx_refused(bytes, size, "found 0 dimensions");
    bytes[3] = 5;
    idx_refused(bytes, size, "found 5 dimensions, allowed 1 to 4");
    bytes[3] = 3;
    memset(bytes + 4, 0, 4);
    idx_refused(bytes, size, "found 0 as dimension 0");
    memset(bytes + 4, 0xff, 12);
    idx_refused(bytes, size, "exceed the address space");
    memcpy(bytes + 12, "\0\0\0\1", 4);
    idx_refused(bytes, size, "too short"); /* nearly 2^64 bytes are promised and none is allocated */
    eqs_idx idx;
    assert_fails(eqs_idx_read(scratch("none"), &idx), EQS_MISSING_INPUT, "none: cannot open");
    assert_fails(eqs_idx_read(scratch_folder, &idx), EQS_MISSING_INPUT, "no regular file");
}

/* ---- CSV ---- */

static void csv_refused(const char *text, const char *message)
{
    eqs_csv csv;
    assert_fails(eqs_csv_read(scratch_text("t.csv", text), &csv), EQS_BAD_DATA, message);
    assert_null(csv.value);
}

static void csv_files_are_read_with_and_without_header(void **state)
{
    (void)state;
    eqs_csv csv;
    assert_ok(eqs_csv_read(
        scratch_text("t.csv", "\xef\xbb\xbfwidth,\"a \"\"b\"\"\",class\r\n 1.5 , -2e-1,\"se,tosa\"\r\n\r\n"
                              "3,4,virginica\n.5,+6,\"se,tosa\""),
        &csv));
    assert_int_equal(csv.n, 3);
    assert_int_equal(csv.dim, 2);
    assert_int_equal(csv.classes, 2);
    assert_string_equal(csv.class_name[0], "se,tosa");
    assert_string_equal(csv.class_name[1], "virginica");
    assert_true(csv.value[1] == -0.2 && csv.value[4] == 0.5 && csv.value[5] == 6);
    assert_int_equal(csv.label[2], 0);
    eqs_csv_clear(&csv);
    assert_ok(eqs_csv_read(scratch_text("t.csv", "1,2,3\n4,5,0\n"), &csv));
    assert_int_equal(csv.n, 2);
    assert_int_equal(csv.classes, 4);
    assert_null(csv.class_name);
    eqs_csv_clear(&csv);
    assert_ok(eqs_csv_read(scratch_text("t.csv", "1,yes\n"), &csv)); /* a text label makes no header */
    assert_int_equal(csv.n, 1);
    eqs_csv_clear(&csv);
}

static void wrong_csv_cells_are_refused_with_their_place(void **state)
{
    (void)state;
    csv_refused("1,2,0\n1,nan,0\n", "t.csv:2:3: found 'nan', allowed a finite number");
    csv_refused("nan,nan,0\n", "t.csv:1:1: found 'nan'");
    csv_refused("1,inf,0\n", "t.csv:1:3: found 'inf'");
    csv_refused("1,1e999,0\n", "t.csv:1:3: found '1e999'");
    csv_refused("1,2,0\n1,x,0\n", "t.csv:2:3: found 'x', allowed a finite number");
    csv_refused("1,2,0\n1,,0\n", "t.csv:2:3: found an empty cell");
    csv_refused("1,2,0\n1,2,\n", "t.csv:2:5: found an empty cell");
    csv_refused("1,2,0\n1,2\n", "t.csv:2:3: found fewer cells in this row, allowed 3");
    csv_refused("1,2,0\n1,2,3,0\n", "t.csv:2:5: found more cells");
    csv_refused("1,2,0\n1,2,a\n", "t.csv:2:5: found 'a', allowed an integer >= 0 as class label");
    csv_refused("1,2,-1\n", "allowed an integer >= 0");
    csv_refused("1,2,1.5\n", "allowed an integer >= 0");
    csv_refused("1,2,65536\n", "below 65536");
    csv_refused("1,\"2,0\n", "t.csv:1:3: found an opening quote");
    csv_refused("1,\"2\"x,0\n", "t.csv:1:6: found text behind a closing quote");
    csv_refused("", "found no rows");
    csv_refused("\n\n", "found no rows");
    csv_refused("a,b,c\n", "a header and no rows");
    csv_refused("1\n2\n", "found 1 column, allowed at least 2");
    eqs_csv csv;
    assert_fails(eqs_csv_read(scratch_write("z.csv", "1,\0,2", 5), &csv), EQS_BAD_DATA, "zero byte");
    assert_fails(eqs_csv_read(scratch("none.csv"), &csv), EQS_MISSING_INPUT, "none.csv: cannot open");
}

static void random_csv_damage_never_crashes(void **state)
{
    (void)state;
    static const char spice[] = ",,\"\n\r .e-1a";
    eqs_random random = eqs_random_stream(9, EQS_RANDOM_TEST, 3, 0);
    uint64_t at = 0;
    size_t fine = 0;
    for (int round = 0; round < 3000; round++) {
        char text[64] = "1,2,\"a\"\n3,4,b\n5,6,c\n7,8,\"d\"\n";
        size_t n = strlen(text);
        for (int k = 0; k < 3; k++) {
            size_t where = eqs_random_u32(&random, at++) % n;
            text[where] = spice[eqs_random_u32(&random, at++) % (sizeof spice - 1)];
        }
        eqs_csv csv;
        eqs_status status = eqs_csv_read(scratch_text("t.csv", text), &csv);
        assert_true(status == EQS_OK || status == EQS_BAD_DATA);
        fine += status == EQS_OK;
        eqs_csv_clear(&csv);
    }
    assert_true(fine > 10 && fine < 3000);
}

static void rows_of_numbers_may_differ_in_length(void **state)
{
    (void)state;
    size_t n, *length;
    double *value;
    assert_ok(eqs_csv_read_rows(scratch_text("tau.csv", "1,2,3\n0.5\n"), &n, &length, &value));
    assert_int_equal(n, 2);
    assert_int_equal(length[0], 3);
    assert_int_equal(length[1], 1);
    assert_true(value[3] == 0.5);
    eqs_free(length);
    eqs_free(value);
    assert_fails(eqs_csv_read_rows(scratch_text("tau.csv", "1,x\n"), &n, &length, &value), EQS_BAD_DATA,
                 "tau.csv:1:3: found 'x'");
    assert_null(value);
    assert_fails(eqs_csv_read_rows(scratch_text("tau.csv", "\n"), &n, &length, &value), EQS_BAD_DATA,
                 "no rows");
}

/* ---- sets ---- */

static eqs_config *config_of(const char *data)
{
    char text[600];
    eqs_config *c;
    snprintf(text, sizeof text, "network: {layers: [2, 1]}\ndata: {%s}\n", data);
    assert_ok(eqs_config_parse(text, "test", &c));
    return c;
}

static eqs_status open_with(const char *data, eqs_dataset **set)
{
    eqs_config *c = config_of(data);
    eqs_status status = eqs_dataset_open(&c->data, 1, set);
    eqs_config_destroy(c);
    return status;
}

static void an_idx_pair_is_cut_into_parts_in_file_order(void **state)
{
    (void)state;
    unsigned char bytes[64];
    char data[400];
    const char *images = scratch_write("i.idx", bytes, image_file(bytes));
    const char *labels = write_gz("l.idx.gz", bytes, label_file(bytes));
    snprintf(data, sizeof data, "set: idx, path: %s, labels: %s, train: 2, validation: 1, test: 2", images,
             labels);
    eqs_dataset *set;
    assert_ok(open_with(data, &set));
    assert_int_equal(set->dim, 6);
    assert_int_equal(set->rows, 3);
    assert_int_equal(set->columns, 2);
    assert_int_equal(set->classes, 3);
    assert_string_equal(set->class_name[2], "2");
    assert_int_equal(eqs_dataset_count(set, EQS_DATASET_TEST), 2);
    double x[12];
    uint32_t label[2];
    const uint32_t index[2] = {1, 0};
    assert_ok(eqs_dataset_fetch(set, EQS_DATASET_TEST, index, 2, x, label));
    assert_close(x[0], 8 * 24 / 255.0, 0, 1e-15);
    assert_close(x[6], 8 * 18 / 255.0, 0, 1e-15);
    assert_int_equal(label[0], 0);
    assert_int_equal(label[1], 2);
    assert_ok(eqs_dataset_fetch(set, EQS_DATASET_TRAIN, NULL, 2, NULL, label));
    assert_int_equal(label[1], 2);
    const uint32_t beyond = 2;
    assert_fails(eqs_dataset_fetch(set, EQS_DATASET_TEST, &beyond, 1, x, NULL), EQS_BAD_DATA,
                 "sample 2 of part 'test': allowed 0 to 1");
    eqs_dataset_destroy(set);
    snprintf(data, sizeof data, "set: idx, path: %s, labels: %s, train: 2, validation: 1, test: 3", images,
             labels);
    assert_fails(open_with(data, &set), EQS_BAD_CONFIG, "found 6 samples in all, allowed 5");
    snprintf(data, sizeof data, "set: idx, path: %s, labels: %s, train: 2, validation: 1, test: 2", labels,
             labels);
    assert_fails(open_with(data, &set), EQS_BAD_DATA, "found 1 dimension, allowed at least 2");
    snprintf(data, sizeof data, "set: idx, path: %s, labels: %s, train: 5, validation: 0, test: 0", images,
             images);
    assert_fails(open_with(data, &set), EQS_BAD_DATA, "found 3 dimensions, allowed 1 (labels)");
    bytes[7] = 4;
    snprintf(data, sizeof data, "set: idx, path: %s, labels: %s, train: 4, validation: 0, test: 0", images,
             scratch_write("l4.idx", bytes, 12));
    assert_fails(open_with(data, &set), EQS_BAD_DATA, "found 4 labels, allowed 5");
}

static void a_csv_file_is_a_set_with_names_scale_and_offset(void **state)
{
    (void)state;
    char data[300];
    snprintf(data, sizeof data, "set: csv, path: %s, train: 2, validation: 0, test: 1, scale: 10, offset: -1",
             scratch_text("s.csv", "x,y,c\n1,2,red\n3,4,blue\n5,6,red\n"));
    eqs_dataset *set;
    double x[2];
    uint32_t label;
    assert_ok(open_with(data, &set));
    assert_int_equal(set->rows, 0);
    assert_string_equal(set->class_name[1], "blue");
    assert_ok(eqs_dataset_fetch(set, EQS_DATASET_TEST, NULL, 1, x, &label));
    assert_true(x[0] == 49 && x[1] == 59);
    assert_int_equal(label, 0);
    eqs_dataset_destroy(set);
}

static void a_shuffled_split_is_a_permutation_drawn_from_the_seed(void **state)
{
    (void)state;
    char text[2000] = "", data[300];
    for (int i = 0; i < 100; i++)
        sprintf(text + strlen(text), "%d,0\n", i);
    snprintf(data, sizeof data,
             "set: csv, path: %s, train: 60, validation: 20, test: 20, shuffle_split: true",
             scratch_text("p.csv", text));
    double x[2][100];
    for (uint64_t seed = 1; seed <= 2; seed++) {
        eqs_config *c = config_of(data);
        for (int twice = 0; twice < 2; twice++) {
            eqs_dataset *set;
            double again[100];
            assert_ok(eqs_dataset_open(&c->data, seed, &set));
            assert_ok(eqs_dataset_fetch(set, EQS_DATASET_TRAIN, NULL, 60, again, NULL));
            assert_ok(eqs_dataset_fetch(set, EQS_DATASET_VALIDATION, NULL, 20, again + 60, NULL));
            assert_ok(eqs_dataset_fetch(set, EQS_DATASET_TEST, NULL, 20, again + 80, NULL));
            if (twice)
                assert_memory_equal(again, x[seed - 1], sizeof again);
            memcpy(x[seed - 1], again, sizeof again);
            eqs_dataset_destroy(set);
        }
        eqs_config_destroy(c);
        int seen[100] = {0}, moved = 0;
        for (int i = 0; i < 100; i++) {
            seen[(int)x[seed - 1][i]]++;
            moved += (int)x[seed - 1][i] != i;
        }
        for (int i = 0; i < 100; i++)
            assert_int_equal(seen[i], 1);
        assert_true(moved > 80);
    }
    assert_int_not_equal(memcmp(x[0], x[1], sizeof x[0]), 0);
}

static void pooling_averages_by_area(void **state)
{
    (void)state;
    const uint8_t image[9] = {9, 18, 27, 36, 45, 54, 63, 72, 81};
    double out[9];
    eqs_pool_image(image, 3, 3, 1, 1, out);
    assert_true(out[0] == 45);
    eqs_pool_image(image, 3, 3, 3, 3, out);
    for (int i = 0; i < 9; i++)
        assert_true(out[i] == image[i]);
    /* 2 x 2 out of 3 x 3: each pixel covers 1.5 x 1.5: corner 1, edges 1/2, centre 1/4, over 2.25 */
    eqs_pool_image(image, 3, 3, 2, 2, out);
    assert_close(out[0], (9 + 0.5 * 18 + 0.5 * 36 + 0.25 * 45) / 2.25, 1e-15, 0);
    assert_close(out[3], (81 + 0.5 * 72 + 0.5 * 54 + 0.25 * 45) / 2.25, 1e-15, 0);
    /* the mean stays, divisor or not */
    uint8_t large[28 * 28];
    double mean = 0, pooled[7 * 9], pooled_mean = 0;
    for (int i = 0; i < 28 * 28; i++)
        mean += (large[i] = (uint8_t)(i * 37 % 256)) / 784.0;
    eqs_pool_image(large, 28, 28, 7, 9, pooled);
    for (int i = 0; i < 63; i++)
        pooled_mean += pooled[i] / 63;
    assert_close(pooled_mean, mean, 1e-13, 0);
}

static void pooled_images_have_the_size_asked_for(void **state)
{
    (void)state;
    unsigned char bytes[64];
    char data[400];
    const char *images = scratch_write("i.idx", bytes, image_file(bytes));
    const char *labels = scratch_write("l.idx", bytes, label_file(bytes));
    snprintf(data, sizeof data,
             "set: idx, path: %s, labels: %s, train: 5, validation: 0, test: 0, pool: [1, 2]", images,
             labels);
    eqs_dataset *set;
    double x[2];
    assert_ok(open_with(data, &set));
    assert_int_equal(set->dim, 2);
    assert_int_equal(set->rows, 1);
    assert_ok(eqs_dataset_fetch(set, EQS_DATASET_TRAIN, NULL, 1, x, NULL));
    assert_close(x[1], 8 * (1 + 3 + 5) / 3.0 / 255, 1e-15, 0);
    eqs_dataset_destroy(set);
    snprintf(data, sizeof data,
             "set: idx, path: %s, labels: %s, train: 5, validation: 0, test: 0, pool: [4, 2]", images,
             labels);
    assert_fails(open_with(data, &set), EQS_BAD_CONFIG,
                 "data.pool: found [4, 2], allowed no more than the images of 3 x 2");
}

static void a_set_in_the_layout_of_mnist_is_found_by_name(void **state)
{
    (void)state;
    unsigned char bytes[64];
    mkdir(scratch("mnist"), 0777);
    write_gz("mnist/train-images-idx3-ubyte.gz", bytes, image_file(bytes));
    write_gz("mnist/train-labels-idx1-ubyte.gz", bytes, label_file(bytes));
    scratch_write("mnist/t10k-images-idx3-ubyte", bytes, image_file(bytes));
    scratch_write("mnist/t10k-labels-idx1-ubyte", bytes, label_file(bytes));
    char data[200];
    snprintf(data, sizeof data, "set: mnist, path: %s, train: 3, validation: 2, test: 5", scratch_folder);
    eqs_dataset *set;
    assert_ok(open_with(data, &set));
    assert_string_equal(set->name, "mnist");
    assert_string_equal(set->origin, scratch("mnist"));
    assert_int_equal(set->classes, 10);
    eqs_dataset_destroy(set);
    setenv("EQSPICE_DATA", scratch("mnist"), 1);
    assert_ok(open_with("set: mnist, train: 3, validation: 2, test: 0", &set));
    eqs_dataset_destroy(set);
    assert_fails(open_with("set: mnist, train: 4, validation: 2, test: 0", &set), EQS_BAD_CONFIG,
                 "data.train, data.validation: found 6 samples in all, allowed 5");
    assert_fails(open_with("set: mnist, train: 4, validation: 1, test: 6", &set), EQS_BAD_CONFIG,
                 "data.test: found 6 samples, allowed 5");
    unsetenv("EQSPICE_DATA");
    unlink(scratch("mnist/t10k-labels-idx1-ubyte"));
    assert_fails(open_with(data, &set), EQS_MISSING_INPUT, "mnist/t10k-labels-idx1-ubyte: found neither");
}

static void a_missing_set_tells_where_it_was_looked_for_and_where_to_get_it(void **state)
{
    (void)state;
    eqs_dataset *set;
    assert_fails(open_with("set: fashion-mnist, path: /nowhere", &set), EQS_MISSING_INPUT,
                 "looked in /nowhere/fashion-mnist, /nowhere. Get it: Debian package dataset-fashion-mnist");
    assert_fails(open_with("set: mnist, path: /nowhere", &set), EQS_MISSING_INPUT, "in a folder named mnist");
}

static void fashion_mnist_of_the_system_is_as_published(void **state)
{
    (void)state;
    char *folder;
    if (eqs_dataset_locate("fashion-mnist", "", &folder) != EQS_OK) {
        print_message("dataset-fashion-mnist is not installed: skipped\n");
        skip();
    }
    eqs_free(folder);
    eqs_dataset *set;
    assert_ok(open_with("set: fashion-mnist", &set));
    assert_int_equal(set->dim, 784);
    assert_string_equal(set->class_name[9], "Ankle boot");
    size_t per_class[10] = {0};
    uint32_t label;
    double x[784], largest = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        assert_ok(eqs_dataset_fetch(set, EQS_DATASET_TEST, &i, 1, i < 10 ? x : NULL, &label));
        per_class[label]++;
        for (int k = 0; k < 784 && i < 10; k++)
            largest = fmax(largest, x[k]);
    }
    for (int c = 0; c < 10; c++)
        assert_int_equal(per_class[c], 1000);
    assert_true(largest == 1);
    eqs_dataset_destroy(set);
}

static void one_hot_targets_have_a_one_at_the_label(void **state)
{
    (void)state;
    const uint32_t label[2] = {2, 0};
    double target[6];
    assert_ok(eqs_one_hot(label, 2, 3, target));
    const double expected[6] = {0, 0, 1, 1, 0, 0};
    assert_memory_equal(target, expected, sizeof target);
    assert_fails(eqs_one_hot(label, 2, 2, target), EQS_BAD_DATA, "label 2: allowed 0 to 1");
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    char data[300];
    unsigned char bytes[64];
    const char *csv = scratch_text("m.csv", "a,b,c\n1,2,red\n3,4,blue\n");
    const char *images = scratch_write("i.idx", bytes, image_file(bytes));
    const char *labels = scratch_write("l.idx", bytes, label_file(bytes));
    for (int kind = 0; kind < 2; kind++) {
        if (kind == 0)
            snprintf(data, sizeof data,
                     "set: csv, path: %s, train: 1, validation: 1, test: 0, shuffle_split: true", csv);
        else
            snprintf(data, sizeof data,
                     "set: idx, path: %s, labels: %s, train: 5, validation: 0, test: 0, pool: [2, 2]", images,
                     labels);
        eqs_config *c = config_of(data);
        long k = 1;
        for (; k < 1000; k++) {
            eqs_dataset *set;
            eqs_alloc_fail_at(k);
            eqs_status status = eqs_dataset_open(&c->data, 1, &set);
            eqs_alloc_fail_at(0);
            eqs_dataset_destroy(set);
            if (status == EQS_OK)
                break;
            assert_int_equal(status, EQS_NO_MEMORY);
        }
        assert_true(k > 6 && k < 1000);
        eqs_config_destroy(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_and_gzipped_idx_files_hold_the_same),
        cmocka_unit_test(every_truncation_of_an_idx_file_is_refused),
        cmocka_unit_test(wrong_idx_headers_are_refused),
        cmocka_unit_test(csv_files_are_read_with_and_without_header),
        cmocka_unit_test(wrong_csv_cells_are_refused_with_their_place),
        cmocka_unit_test(random_csv_damage_never_crashes),
        cmocka_unit_test(rows_of_numbers_may_differ_in_length),
        cmocka_unit_test(an_idx_pair_is_cut_into_parts_in_file_order),
        cmocka_unit_test(a_csv_file_is_a_set_with_names_scale_and_offset),
        cmocka_unit_test(a_shuffled_split_is_a_permutation_drawn_from_the_seed),
        cmocka_unit_test(pooling_averages_by_area),
        cmocka_unit_test(pooled_images_have_the_size_asked_for),
        cmocka_unit_test(a_set_in_the_layout_of_mnist_is_found_by_name),
        cmocka_unit_test(a_missing_set_tells_where_it_was_looked_for_and_where_to_get_it),
        cmocka_unit_test(fashion_mnist_of_the_system_is_as_published),
        cmocka_unit_test(one_hot_targets_have_a_one_at_the_label),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
