/* Dialects: every kind of element in every dialect, and what ngspice makes of the file. */
#include "tests/netlists/batch.h"

#include "netlists/dialect.h"

#include <sys/stat.h>
#include <unistd.h>

/* one of every element; node voltages have closed forms (checked below) */
static eqs_netlist *everything(void)
{
    eqs_netlist *nl;
    eqs_node in, mid, e, f, g, b, bi, d, x, ramp;
    assert_ok(eqs_netlist_create("one of everything", &nl));
    assert_ok(eqs_netlist_comment(nl, "a header with a number, %d,\nand a line break", 7));
    const struct {
        const char *name;
        eqs_node *node;
    } nodes[] = {{"in", &in}, {"mid", &mid}, {"e1", &e}, {"f1", &f}, {"g1", &g},
                 {"b1", &b},  {"bi", &bi},   {"d1", &d}, {"x1", &x}, {"ramp", &ramp}};
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        assert_ok(eqs_netlist_node(nl, nodes[i].name, nodes[i].node));
    eqs_waveform two = eqs_waveform_dc(2.0), milli = eqs_waveform_dc(1e-3);
    double time[6] = {0.0, 1e-3, 2e-3, 3e-3, 4e-3, 1.0}, value[6] = {0.5, 0.5, 1.0, 1.5, 2.0, 2.0};
    eqs_waveform pwl = {EQS_WAVEFORM_PWL, 0.0, 6, time, value};
    assert_ok(eqs_netlist_voltage(nl, "in", in, EQS_GROUND, &two));
    assert_ok(eqs_netlist_resistor(nl, "top", in, mid, 1e3));
    assert_ok(eqs_netlist_resistor(nl, "bottom", mid, EQS_GROUND, 3e3));
    assert_ok(eqs_netlist_capacitor(nl, "mid", mid, EQS_GROUND, 1e-9, NAN));
    assert_ok(eqs_netlist_vcvs(nl, "amp", e, EQS_GROUND, mid, EQS_GROUND, -2.0));
    assert_ok(eqs_netlist_resistor(nl, "e", e, EQS_GROUND, 1e3));
    assert_ok(eqs_netlist_cccs(nl, "mirror", EQS_GROUND, f, "in", 4.0));
    assert_ok(eqs_netlist_resistor(nl, "f", f, EQS_GROUND, 1e3));
    assert_ok(eqs_netlist_vccs(nl, "synapse", EQS_GROUND, g, mid, EQS_GROUND, 1e-3));
    assert_ok(eqs_netlist_resistor(nl, "g", g, EQS_GROUND, 2e3));
    assert_ok(eqs_netlist_behavioural_voltage(nl, "rho", b, EQS_GROUND, "tanh(v(mid))-0.25*v(in)"));
    assert_ok(eqs_netlist_behavioural_current(nl, "law", EQS_GROUND, bi, "1e-3*max(v(mid),v(in))"));
    assert_ok(eqs_netlist_resistor(nl, "bi", bi, EQS_GROUND, 1e3));
    const eqs_diode_model *model;
    assert_ok(eqs_netlist_diode_model(nl, "ideal", 1e-12, 1.5, 0.0, 0.0, &model));
    assert_ok(eqs_netlist_diode(nl, "clamp", d, EQS_GROUND, model));
    assert_ok(eqs_netlist_current(nl, "feed", EQS_GROUND, d, &milli));
    eqs_subcircuit *half;
    assert_ok(eqs_netlist_subcircuit(nl, "half", 2, (const char *[]){"from", "to"}, &half));
    eqs_node inner;
    assert_ok(eqs_netlist_node(half->body, "inner", &inner));
    assert_ok(eqs_netlist_vcvs(half->body, "copy", inner, EQS_GROUND, half->port[0], EQS_GROUND, 1.0));
    assert_ok(eqs_netlist_resistor(half->body, "a", inner, half->port[1], 1e3));
    assert_ok(eqs_netlist_resistor(half->body, "b", half->port[1], EQS_GROUND, 1e3));
    assert_ok(eqs_netlist_instance(nl, "one", half, (const eqs_node[]){in, x}));
    assert_ok(eqs_netlist_voltage(nl, "ramp", ramp, EQS_GROUND, &pwl));
    const eqs_node out[] = {mid, e, f, g, b, bi, d, x, ramp};
    for (size_t i = 0; i < sizeof out / sizeof *out; i++)
        assert_ok(eqs_netlist_output(nl, out[i], i == 8));
    eqs_tolerances t = {
        .reltol = 1e-6, .abstol = 1e-15, .gmin = 1e-14, .temperature = 300.15, .dc_iterations = 200};
    assert_ok(eqs_netlist_tolerances(nl, &t));
    return nl;
}

static char *written(const eqs_netlist *nl, const char *dialect)
{
    const eqs_dialect *d;
    assert_ok(eqs_dialect_find(dialect, &d));
    char *text;
    size_t length;
    FILE *file = open_memstream(&text, &length);
    assert_ok(eqs_netlist_write(nl, d, file));
    fclose(file);
    return text;
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        print_error("'%s' is not in\n%s\n", part, text);
    assert_non_null(strstr(text, part));
}

static void every_element_is_written_in_every_dialect(void **state)
{
    (void)state;
    eqs_netlist *nl = everything();
    assert_ok(eqs_netlist_tran(nl, 1e-5, 3e-3, 1e-5, false));
    const char *common[] = {
        "one of everything\n* a header with a number, 7, and a line break\n",
        "\nv_in in 0 dc 2\n",
        "\nr_top in mid 1000\n",
        "\nc_mid mid 0 1e-09\n",
        "\ne_amp e1 0 mid 0 -2\n",
        "\nf_mirror 0 f1 v_in 4\n",
        "\ng_synapse 0 g1 mid 0 0.001\n",
        "\nd_clamp d1 0 ideal\n",
        "\n.model ideal d(is=1e-12 n=1.5 rs=0 cjo=0)\n",
        "\n.subckt half from to\ne_copy inner 0 from 0 1\nr_a inner to 1000\nr_b to 0 1000\n.ends half\n",
        "\nx_one in x1 half\n",
        "\n.end\n",
    };
    for (size_t i = 0; eqs_dialect_get(i) != NULL; i++) {
        const eqs_dialect *dialect = eqs_dialect_get(i);
        char *text = written(nl, dialect->name);
        for (size_t j = 0; j < sizeof common / sizeof *common; j++)
            has(text, common[j]);
        has(text, dialect->run);
        has(text, dialect->braces ? "\nb_rho b1 0 v={tanh(v(mid))-0.25*v(in)}\n"
                                  : "\nb_rho b1 0 v=tanh(v(mid))-0.25*v(in)\n");
        has(text, dialect->braces ? "\nb_law 0 bi i={0.001*max(v(mid),v(in))}\n"
                                  : "\nb_law 0 bi i=0.001*max(v(mid),v(in))\n");
        assert_null(strchr(text, '^'));
        free(text);
    }
    char *ngspice = written(nl, "ngspice"), *xyce = written(nl, "xyce"), *ltspice = written(nl, "ltspice");
    has(ngspice, "v_ramp ramp 0 pwl(0 0.5 0.001 0.5 0.002 1 ");
    has(ngspice, "\n.options reltol=");
    has(ngspice, "\n.options gmin=1e-14\n");
    has(ngspice, "\n.options temp=27 tnom=27\n");
    has(xyce, "\n.options device gmin=1e-14\n.options device temp=27 tnom=27\n");
    has(ltspice, "\n.options gmin=1e-14\n");
    has(ltspice, "\n.temp 27\n.options tnom=27\n");
    has(ngspice, ".control\n");
    has(xyce, "v_ramp ramp 0 pwl 0 0.5 0.001 0.5 0.002 1 ");
    has(xyce, ".options timeint method=trap reltol=");
    has(xyce, "\n.print tran v(mid) v(e1)");
    has(xyce, "\n.measure tran max_ramp max v(ramp)\n");
    assert_null(strstr(xyce, ".control"));
    has(ltspice, "\n.save v(mid) v(e1)");
    has(ltspice, "\n.tran 0 0.003 0 1e-05\n");
    has(ltspice, "\n.meas tran final_mid find v(mid) at=");
    assert_null(strstr(ltspice, ".control"));
    free(ngspice);
    free(xyce);
    free(ltspice);
    eqs_netlist_destroy(nl);
}

/* writes, runs in batch mode and returns what ngspice printed */
static char *batch(const eqs_netlist *nl)
{
    char path[] = "/tmp/eqspice-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_ok(eqs_netlist_write_file(nl, &eqs_dialect_ngspice, path));
    char *text = run_ngspice(path);
    unlink(path);
    return text;
}

static void check_voltages(const char *text, const char *format)
{
    const double mid = 1.5;
    const struct {
        const char *node;
        double volts;
    } wanted[] = {
        {"mid", mid},
        {"e1", -2.0 * mid},
        {"f1", -2.0 / 4e3 * 4.0 * 1e3}, /* i(v_in) flows into v_in */
        {"g1", 1e-3 * mid * 2e3},
        {"b1", tanh(mid) - 0.5},
        {"bi", 2.0},
        {"x1", 1.0},
        {"d1", 1.5 * 0.025864925 * log(1.0 + 1e-3 / 1e-12)}, /* kT/q at 27 C */
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        char name[64];
        snprintf(name, sizeof name, format, wanted[i].node);
        assert_close(printed_value(text, name), wanted[i].volts, 1e-5, 1e-9);
    }
}

static void ngspice_solves_one_of_everything_to_its_closed_form(void **state)
{
    (void)state;
    if (!have_ngspice())
        skip();
    eqs_netlist *nl = everything();
    assert_ok(eqs_netlist_op(nl));
    char *text = batch(nl);
    check_voltages(text, "v(%s)");
    assert_close(printed_value(text, "v(ramp)"), 0.5, 1e-9, 0.0);
    free(text);
    assert_ok(eqs_netlist_tran(nl, 1e-5, 3e-3, 1e-5, false));
    text = batch(nl);
    check_voltages(text, "final_%s");
    assert_close(printed_value(text, "final_ramp"), 1.5, 1e-6, 0.0);
    assert_close(printed_value(text, "min_ramp"), 0.5, 1e-6, 0.0);
    assert_close(printed_value(text, "max_ramp"), 1.5, 1e-6, 0.0);
    free(text);
    eqs_netlist_destroy(nl);
}

static void initial_conditions_and_guesses_are_written(void **state)
{
    (void)state;
    eqs_netlist *nl = everything();
    eqs_node mid;
    assert_ok(eqs_netlist_node(nl, "mid", &mid));
    assert_ok(eqs_netlist_initial(nl, mid, 0.25));
    assert_ok(eqs_netlist_guess(nl, mid, 0.75));
    assert_ok(eqs_netlist_op(nl));
    char *text = written(nl, "xyce");
    has(text, "\n.nodeset v(mid)=0.75\n");
    assert_null(strstr(text, ".ic ")); /* Xyce would hold it during the operating point */
    free(text);
    assert_ok(eqs_netlist_tran(nl, 1e-5, 3e-3, 1e-5, true));
    text = written(nl, "xyce");
    has(text, "\n.ic v(mid)=0.25\n");
    has(text, " uic\n");
    free(text);
    eqs_netlist_destroy(nl);
}

static void external_sources_are_for_ngspice_in_process_only(void **state)
{
    (void)state;
    eqs_netlist *nl;
    eqs_node a;
    assert_ok(eqs_netlist_create("external", &nl));
    assert_ok(eqs_netlist_node(nl, "a", &a));
    eqs_waveform w = eqs_waveform_external();
    assert_ok(eqs_netlist_current(nl, "bias", EQS_GROUND, a, &w));
    assert_ok(eqs_netlist_resistor(nl, "a", a, EQS_GROUND, 1.0));
    assert_ok(eqs_netlist_output(nl, a, false));
    assert_ok(eqs_netlist_op(nl));
    char *deck;
    size_t length;
    assert_ok(eqs_netlist_deck(nl, &deck, &length));
    has(deck, "\ni_bias 0 a external\n");
    has(deck, "\n.save a\n.end\n");
    assert_null(strstr(deck, ".control"));
    assert_int_equal(length, strlen(deck));
    free(deck);
    FILE *file = tmpfile();
    assert_fails(eqs_netlist_write(nl, &eqs_dialect_xyce, file), EQS_BAD_DATA, "i_bias: xyce has no sources");
    assert_fails(eqs_netlist_write(nl, &eqs_dialect_ltspice, file), EQS_BAD_DATA, "ltspice has no sources");
    fclose(file);
    eqs_netlist_destroy(nl);
}

static void a_dialect_is_found_by_its_name(void **state)
{
    (void)state;
    const eqs_dialect *d;
    for (size_t i = 0; eqs_dialect_get(i) != NULL; i++) {
        assert_ok(eqs_dialect_find(eqs_dialect_get(i)->name, &d));
        assert_ptr_equal(d, eqs_dialect_get(i));
    }
    assert_fails(eqs_dialect_find("hspice", &d), EQS_BAD_CONFIG, "known: ngspice, xyce, ltspice");
}

static void a_failed_write_leaves_no_file(void **state)
{
    (void)state;
    char folder[] = "/tmp/eqspice-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/net.cir", folder);
    eqs_netlist *nl = everything(); /* has no analysis yet */
    assert_fails(eqs_netlist_write_file(nl, &eqs_dialect_ngspice, path), EQS_BAD_DATA, "no analysis");
    assert_int_equal(rmdir(folder), 0); /* empty */
    assert_fails(eqs_netlist_write_file(nl, &eqs_dialect_ngspice, path), EQS_IO, "net.cir");
    assert_ok(eqs_netlist_op(nl));
    FILE *full = fopen("/dev/full", "w");
    if (full != NULL) {
        assert_fails(eqs_netlist_write(nl, &eqs_dialect_ngspice, full), EQS_IO, "No space");
        fclose(full);
    }
    eqs_netlist_destroy(nl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_element_is_written_in_every_dialect),
        cmocka_unit_test(ngspice_solves_one_of_everything_to_its_closed_form),
        cmocka_unit_test(initial_conditions_and_guesses_are_written),
        cmocka_unit_test(external_sources_are_for_ngspice_in_process_only),
        cmocka_unit_test(a_dialect_is_found_by_its_name),
        cmocka_unit_test(a_failed_write_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
