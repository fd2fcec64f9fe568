/* Golden files of the device level: a 2-2-2 network with amplifiers and Shockley diodes, in every dialect.
 * The ngspice files are run by the program ngspice; every printed voltage must obey Kirchhoff's current law.
 *
 * After a wanted change of the format: EQS_UPDATE_GOLDEN=1 rewrites the files, and the difference is
 * reviewed. */
#include "tests/netlists/batch.h"
#include "tests/netlists/small_resistive.h"

#include "netlists/device.h"
#include "netlists/dialect.h"

static const char *const folder = EQS_TEST_FOLDER "/netlists/golden";

enum { N_NODES = 4 };

/* numbers with few digits, so that the files can be read */
static void open_net(small_resistive *s)
{
    static const double gain = 4.0;
    eqs_resistive_def def = eqs_resistive_def_default();
    def.siemens = 1e-3;
    def.diode = EQS_DIODE_SHOCKLEY;
    def.amplifier = &gain;
    def.diode_bias[0] = -0.25;
    def.bias_source = 1.0;
    small_resistive_open(s, &def, 3, (const size_t[]){2, 2, 2}, 1);
    const double g1[10] = {0.5, 0.0, 0.25, 0.125, 0.0, 0.5, 0.5, 0.25, 1.0, 0.5};
    memcpy(eqs_weights(s->net, s->theta, 0), g1, sizeof g1);
    memcpy(eqs_weights(s->net, s->theta, 1), (const double[]){0.5, 0.25, 0.25, 0.5}, 4 * sizeof(double));
    memcpy(eqs_bias(s->net, s->theta, 1), (const double[]){0.125, 0.0}, 2 * sizeof(double));
    memcpy(eqs_bias(s->net, s->theta, 2), (const double[]){-0.0625, 0.125}, 2 * sizeof(double));
    memcpy(s->x, (const double[]){0.5, 1.0, -0.5, -1.0, 1.0}, 5 * sizeof(double));
    memcpy(s->target, (const double[]){1.0, 0.0}, 2 * sizeof(double));
    memcpy(s->free_output, (const double[]){0.5, 0.25}, 2 * sizeof(double));
}

static const eqs_device_stage stages[] = {{5e-8, 0.0}, {1e-7, 0.5}};
static const char *const variants[] = {"op_free", "op_nudged", "tran"};
enum { N_VARIANTS = sizeof variants / sizeof *variants };

static eqs_netlist *build(small_resistive *s, size_t variant)
{
    eqs_netlist *nl;
    eqs_device_options options = eqs_device_options_default();
    options.label = "0 of the golden network";
    options.fold = variant == 1;
    s->phase.beta[EQS_BETA_Y] = variant == 1 ? 0.5 : 0.0;
    if (variant == 2) {
        options.analysis = EQS_ANALYSIS_TRAN;
        options.t_stop = 1e-7;
        options.t_max_step = 1e-9;
        options.n_stages = 2;
        options.stage = stages;
        options.amplifier.bandwidth = 1e9;
    }
    assert_ok(eqs_device_build(s->net, &s->phase, 0, NULL, &options, &nl));
    return nl;
}

static char *slurp(const char *path)
{
    char *text = calloc(1, 1 << 16);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        print_error("there is no %s\n", path);
        fail();
    }
    text[fread(text, 1, (1 << 16) - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void the_written_files_are_the_golden_files(void **state)
{
    (void)state;
    small_resistive s;
    open_net(&s);
    for (size_t d = 0; eqs_dialect_get(d) != NULL; d++) {
        for (size_t v = 0; v < N_VARIANTS; v++) {
            char path[600], *text;
            size_t length;
            eqs_netlist *nl = build(&s, v);
            snprintf(path, sizeof path, "%s/device_%s_%s.cir", folder, eqs_dialect_get(d)->name, variants[v]);
            if (getenv("EQS_UPDATE_GOLDEN") != NULL)
                assert_ok(eqs_netlist_write_file(nl, eqs_dialect_get(d), path));
            FILE *file = open_memstream(&text, &length);
            assert_ok(eqs_netlist_write(nl, eqs_dialect_get(d), file));
            fclose(file);
            char *golden = slurp(path);
            assert_string_equal(text, golden);
            free(golden);
            free(text);
            eqs_netlist_destroy(nl);
        }
    }
    small_resistive_close(&s);
}

static void ngspice_prints_voltages_that_obey_kirchhoff(void **state)
{
    (void)state;
    static const char *const names[N_NODES] = {"h1_0", "h1_1", "o_0", "o_1"};
    if (!have_ngspice())
        skip();
    small_resistive s;
    open_net(&s);
    eqs_diode none = {0};
    for (size_t v = 0; v < N_VARIANTS; v++) {
        char path[600], name[64];
        double volts[N_NODES], nudge[2] = {0.0, 0.0};
        bool tran = v == 2;
        snprintf(path, sizeof path, "%s/device_ngspice_%s.cir", folder, variants[v]);
        char *text = run_ngspice(path);
        for (size_t i = 0; i < N_NODES; i++) {
            snprintf(name, sizeof name, tran ? "final_%s" : "v(%s)", names[i]);
            volts[i] = printed_value(text, name);
            assert_true(isfinite(volts[i]));
        }
        free(text);
        if (v == 1) { /* beta (target - free output) */
            nudge[0] = 0.5 * (1.0 - 0.5);
            nudge[1] = 0.5 * (0.0 - 0.25);
        }
        if (v == 2) /* of the free outputs of the file op_free, which the circuit holds by itself */
            memcpy(nudge, s.free_output, sizeof nudge);
        double residual = small_resistive_residual(&s, 0, volts, nudge, 0.0, &none);
        if (!(residual < (tran ? 1e-6 : 1e-10)))
            print_error("%s: residual %.3g V\n", variants[v], residual);
        assert_true(residual < (tran ? 1e-6 : 1e-10));
        for (size_t i = 0; v == 0 && i < 2; i++) /* become the currents of the last file */
            s.free_output[i] = 0.5 * (s.target[i] - volts[2 + i]);
    }
    small_resistive_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_written_files_are_the_golden_files),
        cmocka_unit_test(ngspice_prints_voltages_that_obey_kirchhoff),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
