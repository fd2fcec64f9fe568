/* Result files: what is written is read back, by us and by others; the same content is the same bytes. */
#include "base/memory.h"
#include "store/h5file.h"
#include "tests/store/scratch.h"

#include <signal.h>
#include <sys/resource.h>

static const double cost[6] = {0.5, -1, 1e-300, 3.25, NAN, INFINITY};
static const size_t shape_2_3[2] = {2, 3};

/* a file with something of everything */
static void fill(eqs_h5_writer *w)
{
    size_t n = 1000, zero[2] = {0, 3};
    double *series = malloc(n * sizeof *series);
    for (size_t i = 0; i < n; i++)
        series[i] = sqrt((double)i);
    const float states[4] = {0.1f, 0.2f, 0.3f, 0.4f};
    const int64_t step = -5;
    const uint8_t ends[3] = {1, 2, 255};
    const uint32_t sweeps[3] = {7, 8, 4000000000u};
    const char *names[3] = {"W_1", "Spannung \xc3\xa4", ""};
    assert_ok(eqs_h5_write_double(w, "/training/cost", cost, 2, shape_2_3, "1", "cost of each epoch"));
    assert_ok(eqs_h5_write_double(w, "/training/series", series, 1, &n, "V", "a long series"));
    assert_ok(eqs_h5_write_double(w, "/training/none", series, 2, zero, "V", "nothing yet"));
    assert_ok(eqs_h5_write_float(w, "/checkpoint/deep/er/states", states, 1, (size_t[]){4}, "1", "states"));
    assert_ok(eqs_h5_write_int64(w, "/checkpoint/step", &step, 0, NULL, "1", "step"));
    assert_ok(eqs_h5_write_uint8(w, "/checkpoint/end", ends, 1, (size_t[]){3}, "", "why each ended"));
    assert_ok(eqs_h5_write_uint32(w, "/checkpoint/sweeps", sweeps, 1, (size_t[]){3}, "1", "sweeps"));
    assert_ok(eqs_h5_write_strings(w, "/training/names", names, 3, "names of the blocks"));
    assert_ok(eqs_h5_write_text(w, "/circuit/netlist", "* a netlist\n.end\n", "netlist"));
    assert_ok(eqs_h5_group(w, "/study/empty"));
    assert_ok(eqs_h5_attribute_string(w, "/", "status", "running"));
    assert_ok(eqs_h5_attribute_string(w, "/", "status", "complete"));
    assert_ok(eqs_h5_attribute_int(w, "/training", "epochs", 25));
    assert_ok(eqs_h5_attribute_double(w, "/training/cost", "best", 0.25));
    assert_ok(eqs_h5_attribute_string(w, "/training", "signal", "cost"));
    free(series);
}

static const char *write_file(const char *name)
{
    eqs_h5_writer *w;
    const char *path = scratch(name);
    assert_ok(eqs_h5_create(&w));
    fill(w);
    assert_ok(eqs_h5_commit(w, path));
    eqs_h5_writer_destroy(w);
    return path;
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    eqs_h5_reader *r;
    assert_ok(eqs_h5_open(write_file("a.h5"), &r));
    double got[6];
    assert_ok(eqs_h5_read(r, "/training/cost", EQS_H5_DOUBLE, 2, shape_2_3, got));
    assert_memory_equal(got, cost, sizeof cost);
    double states[4];
    assert_ok(eqs_h5_read(r, "/checkpoint/deep/er/states", EQS_H5_DOUBLE, 1, (size_t[]){4}, states));
    assert_true(states[2] == (double)0.3f);
    float single[4];
    assert_ok(eqs_h5_read(r, "/checkpoint/deep/er/states", EQS_H5_FLOAT, 1, (size_t[]){4}, single));
    assert_true(single[3] == 0.4f);
    int64_t step, sweeps[3];
    assert_ok(eqs_h5_read(r, "/checkpoint/step", EQS_H5_INT64, 0, NULL, &step));
    assert_int_equal(step, -5);
    assert_ok(eqs_h5_read(r, "/checkpoint/sweeps", EQS_H5_INT64, 1, (size_t[]){3}, sweeps));
    assert_int_equal(sweeps[2], 4000000000);
    eqs_h5_shape shape;
    void *block;
    assert_ok(eqs_h5_load(r, "/checkpoint/end", EQS_H5_UINT8, &shape, &block));
    assert_int_equal(shape.count, 3);
    assert_int_equal(((uint8_t *)block)[2], 255);
    eqs_free(block);
    assert_ok(eqs_h5_load(r, "/training/none", EQS_H5_DOUBLE, &shape, &block));
    assert_int_equal(shape.count, 0);
    assert_int_equal(shape.dim[1], 3);
    eqs_free(block);
    assert_ok(eqs_h5_load(r, "/training/series", EQS_H5_DOUBLE, &shape, &block));
    assert_true(((double *)block)[999] == sqrt(999.0));
    eqs_free(block);
    eqs_h5_reader_destroy(r);
}

static void texts_and_attributes_are_read_back(void **state)
{
    (void)state;
    eqs_h5_reader *r;
    assert_ok(eqs_h5_open(write_file("a.h5"), &r));
    size_t n;
    char **names, *text;
    assert_ok(eqs_h5_load_strings(r, "/training/names", &n, &names));
    assert_int_equal(n, 3);
    assert_string_equal(names[1], "Spannung \xc3\xa4");
    assert_string_equal(names[2], "");
    eqs_free(names);
    assert_ok(eqs_h5_load_text(r, "/circuit/netlist", &text));
    assert_string_equal(text, "* a netlist\n.end\n");
    eqs_free(text);
    assert_ok(eqs_h5_read_attribute_string(r, "/", "status", &text));
    assert_string_equal(text, "complete");
    eqs_free(text);
    assert_ok(eqs_h5_read_attribute_string(r, "/", "format", &text));
    assert_string_equal(text, "eqspice");
    eqs_free(text);
    int64_t epochs;
    double best;
    assert_ok(eqs_h5_read_attribute_int(r, "/training", "epochs", &epochs));
    assert_int_equal(epochs, 25);
    assert_ok(eqs_h5_read_attribute_double(r, "/training/cost", "best", &best));
    assert_true(best == 0.25);
    assert_ok(eqs_h5_read_attribute_double(r, "/training", "epochs", &best));
    assert_true(best == 25);
    assert_true(eqs_h5_exists(r, "/study/empty") && eqs_h5_exists(r, "/") && !eqs_h5_exists(r, "/no/such"));
    assert_true(eqs_h5_has_attribute(r, "/training", "epochs") &&
                !eqs_h5_has_attribute(r, "/training", "best"));
    eqs_h5_reader_destroy(r);
}

static void wrong_requests_name_file_object_found_and_allowed(void **state)
{
    (void)state;
    eqs_h5_reader *r;
    assert_ok(eqs_h5_open(write_file("a.h5"), &r));
    double x[8];
    char *text;
    int64_t i;
    eqs_h5_shape shape;
    assert_fails(eqs_h5_read(r, "/training/cost", EQS_H5_DOUBLE, 1, (size_t[]){6}, x), EQS_BAD_DATA,
                 "a.h5: /training/cost: found shape [2 x 3], allowed [6]");
    assert_fails(eqs_h5_read(r, "/training/cost", EQS_H5_FLOAT, 2, shape_2_3, x), EQS_BAD_DATA,
                 "a.h5: /training/cost: found type float64, allowed float32");
    assert_fails(eqs_h5_read(r, "/training/names", EQS_H5_DOUBLE, 1, (size_t[]){3}, x), EQS_BAD_DATA,
                 "found type string, allowed float64");
    assert_fails(eqs_h5_get_shape(r, "/training/costs", &shape), EQS_BAD_DATA, "/training/costs: not there");
    assert_fails(eqs_h5_get_shape(r, "/training/cost/x", &shape), EQS_BAD_DATA, "not there");
    assert_fails(eqs_h5_get_shape(r, "/training", &shape), EQS_BAD_DATA, "/training: is no dataset");
    assert_fails(eqs_h5_load_text(r, "/training/names", &text), EQS_BAD_DATA, "found 3 texts, allowed 1");
    assert_fails(eqs_h5_load_text(r, "/training/cost", &text), EQS_BAD_DATA,
                 "found type float64, allowed string");
    assert_fails(eqs_h5_read_attribute_int(r, "/", "status", &i), EQS_BAD_DATA,
                 "found type string, allowed int64");
    assert_fails(eqs_h5_read_attribute_int(r, "/training/cost", "best", &i), EQS_BAD_DATA,
                 "found type float64");
    assert_fails(eqs_h5_read_attribute_string(r, "/training", "epochs", &text), EQS_BAD_DATA,
                 "allowed a text");
    assert_fails(eqs_h5_read_attribute_string(r, "/", "no", &text), EQS_BAD_DATA,
                 "attribute 'no' is not there");
    eqs_h5_reader_destroy(r);
}

static void wrong_use_of_a_writer_is_refused(void **state)
{
    (void)state;
    eqs_h5_writer *w;
    double x = 1;
    assert_ok(eqs_h5_create(&w));
    assert_ok(eqs_h5_write_double(w, "/a/x", &x, 0, NULL, "1", "x"));
    assert_fails(eqs_h5_write_double(w, "/a/x", &x, 0, NULL, "1", "x"), EQS_INTERNAL, "/a/x: written twice");
    assert_fails(eqs_h5_write_double(w, "/a/x/y", &x, 0, NULL, "1", "x"), EQS_INTERNAL, "/a/x/y");
    assert_fails(eqs_h5_write_double(w, "a", &x, 0, NULL, "1", "x"), EQS_INTERNAL, "allowed '/group/name'");
    assert_fails(eqs_h5_write_double(w, "/a/", &x, 0, NULL, "1", "x"), EQS_INTERNAL, "allowed '/group/name'");
    assert_fails(eqs_h5_write(w, "/s", EQS_H5_STRING, &x, 0, NULL, "1", "x"), EQS_INTERNAL,
                 "allowed a numeric one");
    char *long_text = malloc(70001);
    memset(long_text, 'a', 70000);
    long_text[70000] = '\0';
    assert_fails(eqs_h5_attribute_string(w, "/", "t", long_text), EQS_INTERNAL,
                 "found 70000 bytes, allowed 60000");
    long_text[60000] = '\0';
    assert_ok(eqs_h5_attribute_string(w, "/", "t", long_text));
    free(long_text);
    assert_ok(eqs_h5_commit(w, scratch("w.h5")));
    assert_fails(eqs_h5_commit(w, scratch("w.h5")), EQS_INTERNAL, "committed already");
    assert_fails(eqs_h5_write_double(w, "/b", &x, 0, NULL, "1", "x"), EQS_INTERNAL, "committed already");
    eqs_h5_writer_destroy(w);
    eqs_h5_reader *r;
    assert_ok(eqs_h5_open(scratch("w.h5"), &r));
    eqs_h5_reader_destroy(r);
}

static void equal_content_gives_equal_bytes(void **state)
{
    (void)state;
    size_t n, m;
    unsigned char *a = scratch_read(write_file("a.h5"), &n);
    sleep(1); /* times of objects would show as seconds */
    unsigned char *b = scratch_read(write_file("b.h5"), &m);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
}

static void the_user_block_reads_as_text(void **state)
{
    (void)state;
    size_t n;
    unsigned char *bytes = scratch_read(write_file("a.h5"), &n);
    for (size_t i = 0; i < 512; i++)
        assert_true(bytes[i] == '\n' || (bytes[i] >= 0x20 && bytes[i] < 0x7f));
    char length[128];
    snprintf(length, sizeof length, "eqspice result file\nformat_version 1\nlength %020zu\nsha256 ", n);
    assert_memory_equal(bytes, length, strlen(length));
    assert_memory_equal(bytes + 512, "\x89HDF\r\n\x1a\n", 8);
    free(bytes);
}

static void two_files_may_be_read_and_written_at_once(void **state)
{
    (void)state;
    eqs_h5_writer *w1, *w2;
    double one = 1, two = 2, x;
    assert_ok(eqs_h5_create(&w1));
    assert_ok(eqs_h5_create(&w2));
    assert_ok(eqs_h5_write_double(w1, "/x", &one, 0, NULL, "1", "x"));
    assert_ok(eqs_h5_write_double(w2, "/x", &two, 0, NULL, "1", "x"));
    assert_ok(eqs_h5_commit(w1, scratch("1.h5")));
    assert_ok(eqs_h5_commit(w2, scratch("2.h5")));
    eqs_h5_reader *r1, *r2;
    assert_ok(eqs_h5_open(scratch("1.h5"), &r1));
    assert_ok(eqs_h5_open(scratch("2.h5"), &r2));
    assert_ok(eqs_h5_read(r1, "/x", EQS_H5_DOUBLE, 0, NULL, &x));
    assert_true(x == 1);
    assert_ok(eqs_h5_read(r2, "/x", EQS_H5_DOUBLE, 0, NULL, &x));
    assert_true(x == 2);
    eqs_h5_reader_destroy(r1);
    eqs_h5_reader_destroy(r2);
    eqs_h5_writer_destroy(w1);
    eqs_h5_writer_destroy(w2);
}

static void h5dump_opens_the_file(void **state)
{
    (void)state;
    if (system("h5dump --version >/dev/null 2>&1") != 0) {
        print_message("h5dump is not installed: skipped\n");
        skip();
    }
    char command[512];
    snprintf(command, sizeof command, "h5dump -H %s | grep -q 'DATASET \"cost\"'", write_file("a.h5"));
    assert_int_equal(system(command), 0);
}

static void h5py_reads_the_file_in_five_lines(void **state)
{
    (void)state;
    /* a python3 in front of the system's may lack the system's h5py */
    static const char *const pythons[] = {"python3", "/usr/bin/python3"};
    const char *python = NULL;
    for (size_t i = 0; i < 2 && python == NULL; i++) {
        char probe[128];
        snprintf(probe, sizeof probe, "%s -c 'import h5py' >/dev/null 2>&1", pythons[i]);
        python = system(probe) == 0 ? pythons[i] : NULL;
    }
    if (python == NULL) {
        print_message("no python3 with h5py: skipped\n");
        skip();
    }
    char command[1024];
    snprintf(command, sizeof command,
             "%s -c \"\n"
             "import h5py\n"
             "f = h5py.File('%s')\n"
             "assert f.attrs['format'] == b'eqspice' and f.userblock_size == 512\n"
             "c = f['training/cost']\n"
             "assert c.shape == (2, 3) and c[0, 0] == 0.5 and c.attrs['units'] == b'1'\n"
             "assert f['training/series'].fletcher32 and f['training/series'][4] == 2\n"
             "assert f['training/names'][1].decode() == 'Spannung \xc3\xa4'\n"
             "assert f['circuit/netlist'][()].decode().startswith('* a netlist')\n\"",
             python, write_file("a.h5"));
    assert_int_equal(system(command), 0);
}

static void a_file_is_replaced_whole_or_not_at_all(void **state)
{
    (void)state;
    const char *path = write_file("keep.h5");
    size_t n, m;
    unsigned char *before = scratch_read(path, &n);
    struct rlimit old, small = {4096, 0};
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    eqs_h5_writer *w;
    assert_ok(eqs_h5_create(&w));
    fill(w);
    setrlimit(RLIMIT_FSIZE, &small);
    eqs_status status = eqs_h5_commit(w, path);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(status, EQS_IO);
    assert_non_null(strstr(eqs_error_message(), "keep.h5: cannot write"));
    assert_non_null(strstr(eqs_error_message(), "File too large"));
    eqs_h5_writer_destroy(w);
    unsigned char *after = scratch_read(path, &m);
    assert_int_equal(n, m);
    assert_memory_equal(before, after, n);
    char temporary[300];
    snprintf(temporary, sizeof temporary, "%s.tmp.%ld", path, (long)getpid());
    assert_int_not_equal(access(temporary, F_OK), 0);
    free(before);
    free(after);
}

static void places_that_cannot_be_written_give_an_error(void **state)
{
    (void)state;
    static const char *const places[] = {"/dev/full", "/proc/eqspice.h5", "/no/such/folder/a.h5"};
    for (size_t i = 0; i < 3; i++) {
        eqs_h5_writer *w;
        assert_ok(eqs_h5_create(&w));
        fill(w);
        assert_fails(eqs_h5_commit(w, places[i]), EQS_IO, places[i]);
        eqs_h5_writer_destroy(w);
    }
    struct stat info;
    assert_int_equal(stat("/dev/full", &info), 0);
    assert_true(S_ISCHR(info.st_mode)); /* a device is written, never replaced */
}

static void a_read_only_folder_gives_an_error(void **state)
{
    (void)state;
    const char *folder = scratch("closed");
    assert_int_equal(mkdir(folder, 0555), 0);
    chmod(scratch_folder, 0755);
    eqs_h5_writer *w;
    assert_ok(eqs_h5_create(&w));
    bool root = geteuid() == 0; /* root may write everywhere: be nobody for a moment */
    if (root)
        assert_int_equal(seteuid(65534), 0);
    eqs_status status = eqs_h5_commit(w, scratch("closed/a.h5"));
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(status, EQS_IO);
    assert_non_null(strstr(eqs_error_message(), "closed/a.h5: cannot create"));
    assert_non_null(strstr(eqs_error_message(), "Permission denied"));
    assert_int_equal(rmdir(folder), 0); /* nothing was left in it */
    eqs_h5_writer_destroy(w);
}

static void a_link_stays_a_link(void **state)
{
    (void)state;
    write_file("target.h5");
    assert_int_equal(symlink("target.h5", scratch("link.h5")), 0);
    write_file("link.h5");
    struct stat info;
    assert_int_equal(lstat(scratch("link.h5"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
}

static void the_configuration_survives_in_the_file(void **state)
{
    (void)state;
    eqs_config *c, *back;
    eqs_h5_writer *w;
    eqs_h5_reader *r;
    const char *text =
        "network: {layers: [4, 2]}   # small\nlearning: {rates: [0.1]}\ndata: {path: \"a: #b\"}\n";
    assert_ok(eqs_config_parse(text, "x.yaml", &c));
    assert_ok(eqs_config_set(c, "learning.beta=0.125"));
    assert_ok(eqs_h5_create(&w));
    assert_ok(eqs_h5_write_config(w, c));
    assert_ok(eqs_h5_commit(w, scratch("c.h5")));
    assert_ok(eqs_h5_open(scratch("c.h5"), &r));
    assert_ok(eqs_h5_read_config(r, &back));
    assert_string_equal(eqs_config_text(back), text);
    assert_true(back->learning.beta == 0.125);
    assert_string_equal(back->data.path, "a: #b");
    assert_int_equal(back->network.layers.v[0], 4);
    char *value;
    assert_ok(eqs_h5_read_attribute_string(r, "/config/used", "learning.beta", &value));
    assert_string_equal(value, "0.125");
    eqs_free(value);
    eqs_config_destroy(c);
    eqs_config_destroy(back);
    eqs_h5_reader_destroy(r);
    eqs_h5_writer_destroy(w);
}

static eqs_status note_object(const eqs_h5_object *object, void *user)
{
    char *notes = user;
    char line[200];
    snprintf(line, sizeof line, "%s %s %d %zu [%s] %zu\n", object->path,
             object->is_group ? "group" : object->type_name, object->shape.rank, object->shape.count,
             object->units, object->n_attributes);
    strcat(notes, line);
    return EQS_OK;
}

static void all_objects_are_listed(void **state)
{
    (void)state;
    eqs_h5_reader *r;
    char notes[4096] = "";
    const char *path = write_file("a.h5");
    assert_ok(eqs_h5_open(path, &r));
    assert_ok(eqs_h5_foreach(r, note_object, notes));
    eqs_h5_reader_destroy(r);
    assert_int_equal(strncmp(notes, "/ group 0 ", 10), 0);
    assert_non_null(strstr(notes, "/training/cost float64 2 6 [1] 3\n"));
    assert_non_null(strstr(notes, "/checkpoint/deep/er/states float32 1 4 [1] 2\n"));
    assert_non_null(strstr(notes, "/training/names string 1 3 [] 2\n"));
    assert_non_null(strstr(notes, "/study/empty group"));
    char again[4096] = "";
    bool foreign = true;
    assert_ok(eqs_h5_inspect(path, note_object, again, &foreign));
    assert_false(foreign);
    assert_string_equal(notes, again);
}

static void a_large_block_of_states_is_kept(void **state)
{
    (void)state;
    size_t dim[2] = {3000, 6000}; /* 72 MB: above the limit of chunked arrays */
    float *states = malloc(dim[0] * dim[1] * sizeof *states);
    assert_non_null(states);
    for (size_t i = 0; i < dim[0] * dim[1]; i++)
        states[i] = (float)(i % 1000);
    eqs_h5_writer *w;
    assert_ok(eqs_h5_create(&w));
    assert_ok(eqs_h5_write_float(w, "/states", states, 2, dim, "1", "states"));
    assert_ok(eqs_h5_commit(w, scratch("big.h5")));
    eqs_h5_writer_destroy(w);
    eqs_h5_reader *r;
    assert_ok(eqs_h5_open(scratch("big.h5"), &r));
    eqs_h5_shape shape;
    void *back;
    assert_ok(eqs_h5_load(r, "/states", EQS_H5_FLOAT, &shape, &back));
    assert_int_equal(memcmp(back, states, dim[0] * dim[1] * sizeof *states), 0);
    eqs_free(back);
    eqs_h5_reader_destroy(r);
    free(states);
}

/* allocations of ours; libhdf5's own cannot be made to fail without crashing it */
static void every_allocation_may_fail(void **state)
{
    (void)state;
    eqs_config *c;
    assert_ok(eqs_config_parse("network: {layers: [4, 2]}", "x.yaml", &c));
    long k = 1;
    bool written = false;
    for (; k < 10000 && !written; k++) {
        eqs_h5_writer *w = NULL;
        eqs_alloc_fail_at(k);
        eqs_status status = eqs_h5_create(&w);
        if (status == EQS_OK)
            status = eqs_h5_write_config(w, c);
        if (status == EQS_OK)
            status = eqs_h5_commit(w, scratch("m.h5"));
        eqs_alloc_fail_at(0);
        eqs_h5_writer_destroy(w);
        assert_true(status == EQS_OK || status == EQS_NO_MEMORY);
        written = status == EQS_OK;
    }
    assert_true(k > 50 && written);
    eqs_config_destroy(c);
    c = NULL;
    for (k = 1; k < 10000 && c == NULL; k++) {
        eqs_h5_reader *r = NULL;
        eqs_alloc_fail_at(k);
        eqs_status status = eqs_h5_open(scratch("m.h5"), &r);
        if (status == EQS_OK)
            status = eqs_h5_read_config(r, &c);
        eqs_alloc_fail_at(0);
        eqs_h5_reader_destroy(r);
        assert_true(status == EQS_OK ? c != NULL : status == EQS_NO_MEMORY && c == NULL);
    }
    assert_true(k > 50 && c != NULL);
    eqs_config_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(texts_and_attributes_are_read_back),
        cmocka_unit_test(wrong_requests_name_file_object_found_and_allowed),
        cmocka_unit_test(wrong_use_of_a_writer_is_refused),
        cmocka_unit_test(equal_content_gives_equal_bytes),
        cmocka_unit_test(the_user_block_reads_as_text),
        cmocka_unit_test(two_files_may_be_read_and_written_at_once),
        cmocka_unit_test(h5dump_opens_the_file),
        cmocka_unit_test(h5py_reads_the_file_in_five_lines),
        cmocka_unit_test(a_file_is_replaced_whole_or_not_at_all),
        cmocka_unit_test(places_that_cannot_be_written_give_an_error),
        cmocka_unit_test(a_read_only_folder_gives_an_error),
        cmocka_unit_test(a_link_stays_a_link),
        cmocka_unit_test(the_configuration_survives_in_the_file),
        cmocka_unit_test(all_objects_are_listed),
        cmocka_unit_test(a_large_block_of_states_is_kept),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
