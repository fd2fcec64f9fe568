/* The device library: every device passes the checks of user files, and circuits with known answers get them.
 *
 * devices/NAME.cir is a netlist that ngspice runs as it is; lines "* expect NODE VALUE TOLERANCE" (operating
 * point) or "* expect NODE@SECONDS VALUE TOLERANCE" (transient) after its .end say what must come out. */
#include "netlists/library.h"

#include "netlists/worker.h"
#include "tests/check.h"

#include <dirent.h>
#include <stdlib.h>

enum { TEXT = 60000, EXPECTED = 16 };

typedef struct expected {
    char node[64];
    double time, value, tolerance; /* time < 0: operating point */
} expected;

typedef struct circuit {
    char deck[TEXT], command[200];
    size_t length, n_expected;
    expected expect[EXPECTED];
    char used[64]; /* device */
} circuit;

static void append(circuit *c, const char *text)
{
    size_t n = strlen(text);
    assert_true(c->length + n < TEXT);
    memcpy(c->deck + c->length, text, n + 1);
    c->length += n;
}

/* ".include .../NAME.cir": the checked text of the library's device */
static void include_device(circuit *c, const char *line)
{
    const char *slash = strrchr(line, '/');
    assert_non_null(slash);
    snprintf(c->used, sizeof c->used, "%.*s", (int)strcspn(slash + 1, "."), slash + 1);
    eqs_spice_file *file;
    assert_ok(eqs_device_open(c->used, &file));
    append(c, file->text);
    eqs_spice_file_destroy(file);
}

static void read_line(circuit *c, const char *line)
{
    char node[64];
    double value, tolerance;
    if (sscanf(line, "* expect %63s %lf %lf", node, &value, &tolerance) == 3) {
        assert_true(c->n_expected < EXPECTED);
        expected *e = &c->expect[c->n_expected++];
        char *at = strchr(node, '@');
        e->time = at == NULL ? -1.0 : strtod(at + 1, NULL);
        snprintf(e->node, sizeof e->node, "%.*s", (int)strcspn(node, "@"), node);
        e->value = value;
        e->tolerance = tolerance;
    } else if (strncmp(line, ".include", 8) == 0) {
        include_device(c, line);
    } else if (strncmp(line, ".op", 3) == 0 && line[3] != 't') {
        strcpy(c->command, "op");
    } else if (strncmp(line, ".tran", 5) == 0) {
        snprintf(c->command, sizeof c->command, "%.*s", (int)strcspn(line, "\n") - 1, line + 1);
    } else {
        append(c, line);
    }
}

static void read_circuit(const char *path, circuit *c)
{
    char line[1000];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    *c = (circuit){0};
    bool ended = false;
    while (fgets(line, sizeof line, file) != NULL) {
        if (!ended || strncmp(line, "* expect", 8) == 0)
            read_line(c, line);
        ended = ended || strncmp(line, ".end\n", 5) == 0;
    }
    fclose(file);
    assert_true(ended && c->n_expected > 0 && c->command[0] != '\0');
}

/* value of vector w at a time, by a straight line between points; at the first point when time < 0 */
static double value_at(const eqs_spice_result *r, size_t w, double time)
{
    size_t i = 0;
    if (time < 0.0)
        return r->value[w];
    while (i + 1 < r->n_points && r->time[i + 1] < time * (1.0 - 1e-12))
        i++;
    size_t j = i + 1 < r->n_points ? i + 1 : i;
    double t = j == i ? 0.0 : (time - r->time[i]) / (r->time[j] - r->time[i]);
    return (1.0 - t) * r->value[i * r->n_vectors + w] + t * r->value[j * r->n_vectors + w];
}

static int run_circuit(const char *path, eqs_worker *worker, char *used)
{
    circuit *c = malloc(sizeof *c);
    const char *wanted[EXPECTED];
    size_t index[EXPECTED], n_wanted = 0;
    int wrong = 0;
    read_circuit(path, c);
    strcpy(used, c->used);
    for (size_t i = 0; i < c->n_expected; i++) {
        index[i] = n_wanted;
        for (size_t w = 0; w < n_wanted; w++)
            index[i] = strcmp(wanted[w], c->expect[i].node) == 0 ? w : index[i];
        if (index[i] == n_wanted)
            wanted[n_wanted++] = c->expect[i].node;
    }
    eqs_spice_job job = {.deck = c->deck,
                         .deck_length = c->length,
                         .command = c->command,
                         .n_wanted = n_wanted,
                         .wanted = wanted};
    eqs_spice_result r;
    eqs_status status = eqs_worker_run(worker, &job, &r);
    if (status != EQS_OK) {
        print_error("%s: %s\n", path, eqs_error_message());
        wrong++;
    }
    for (size_t i = 0; status == EQS_OK && i < c->n_expected; i++) {
        const expected *e = &c->expect[i];
        double value = value_at(&r, index[i], e->time);
        if (fabs(value - e->value) <= e->tolerance)
            continue;
        print_error("%s: %s at %g is %.9g, expected %.9g +- %g\n", path, e->node, e->time, value, e->value,
                    e->tolerance);
        wrong++;
    }
    eqs_spice_result_clear(&r);
    free(c);
    return wrong;
}

static int is_circuit(const struct dirent *entry)
{
    const char *end = strrchr(entry->d_name, '.');
    return end != NULL && strcmp(end, ".cir") == 0;
}

static void every_device_gives_its_closed_form(void **state)
{
    (void)state;
    struct dirent **entry;
    eqs_worker_options options = eqs_worker_options_default();
    eqs_worker *worker;
    assert_ok(eqs_worker_create(&options, &worker));
    int n = scandir(EQS_TEST_FOLDER "/netlists/devices", &entry, is_circuit, alphasort), wrong = 0;
    bool tested[64] = {false};
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        char path[1000], used[64];
        snprintf(path, sizeof path, "%s/%s", EQS_TEST_FOLDER "/netlists/devices", entry[i]->d_name);
        wrong += run_circuit(path, worker, used);
        for (size_t d = 0; eqs_devices[d].name != NULL; d++)
            tested[d] |= strcmp(used, eqs_devices[d].name) == 0;
        free(entry[i]);
    }
    free(entry);
    eqs_worker_destroy(worker);
    assert_int_equal(wrong, 0);
    for (size_t d = 0; eqs_devices[d].name != NULL; d++) {
        if (!tested[d])
            fail_msg("no netlist tests the device '%s'", eqs_devices[d].name);
    }
}

/* every pin and parameter says what it is, and every file what it computes */
static void every_device_is_documented(void **state)
{
    (void)state;
    size_t n = 0;
    for (; eqs_devices[n].name != NULL; n++) {
        eqs_spice_file *file;
        assert_ok(eqs_device_open(eqs_devices[n].name, &file));
        const eqs_spice_subcircuit *top = eqs_spice_file_top(file);
        assert_true(strlen(file->summary) > 10);
        for (size_t i = 0; i < top->n_pins; i++)
            assert_string_not_equal(top->pin[i].meaning, "");
        for (size_t i = 0; i < top->n_parameters; i++)
            assert_string_not_equal(top->parameter[i].meaning, "");
        assert_non_null(strstr(eqs_devices[n].text, "Ranges:"));
        eqs_spice_file_destroy(file);
    }
    assert_true(n >= 8);
    eqs_spice_file *none;
    assert_fails(eqs_device_open("opamp", &none), EQS_MISSING_INPUT, "opamp-neuron");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_device_is_documented),
        cmocka_unit_test(every_device_gives_its_closed_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
