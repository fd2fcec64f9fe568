/* docs/extend/dialect.md: a dialect of one's own prints a circuit. */
#include "netlists/dialect.h"
#include "netlists/number.h"
#include "tests/check.h"

#include <stdlib.h>

static void tolerances(const eqs_tolerances *t, FILE *file)
{
    if (t->reltol > 0.0)
        fprintf(file, "options relative=%s\n", NUMBER(t->reltol));
}

static void analysis(const eqs_netlist *netlist, FILE *file)
{
    fputs("analyse operating-point\nshow", file);
    eqs_dialect_print_outputs(netlist, file);
}

static const eqs_dialect example = {
    .name = "example",
    .summary = "a simulator that does not exist",
    .run = "simulate FILE",
    .braces = true,
    .pwl_open = "(",
    .pwl_close = ")",
    .tolerances = tolerances,
    .analysis = analysis,
};

static void a_circuit_is_printed_in_the_dialect(void **state)
{
    (void)state;
    eqs_netlist *netlist;
    eqs_node in, out;
    char *text = NULL;
    size_t size;
    assert_ok(eqs_netlist_create("divider", &netlist));
    assert_ok(eqs_netlist_node(netlist, "in", &in));
    assert_ok(eqs_netlist_node(netlist, "out", &out));
    eqs_waveform volt = eqs_waveform_dc(1.0);
    assert_ok(eqs_netlist_voltage(netlist, "in", in, EQS_GROUND, &volt));
    assert_ok(eqs_netlist_resistor(netlist, "top", in, out, 1000.0));
    assert_ok(eqs_netlist_behavioural_current(netlist, "load", out, EQS_GROUND, "1e-3*tanh(v(out))"));
    assert_ok(eqs_netlist_tolerances(netlist, &(eqs_tolerances){.reltol = 0.001}));
    assert_ok(eqs_netlist_output(netlist, out, false));
    assert_ok(eqs_netlist_op(netlist));
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    assert_ok(eqs_netlist_write(netlist, &example, file));
    fclose(file);
    static const char *const parts[] = {"divider\n",
                                        "* dialect example; run with: simulate FILE\n",
                                        "v_in in 0 dc 1\n",
                                        "r_top in out 1000\n",
                                        "b_load out 0 i={0.001*tanh(v(out))}\n",
                                        "options relative=0.001\n",
                                        "analyse operating-point\nshow v(out)\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strstr(text, parts[i]) == NULL)
            print_error("missing: %s in\n%s", parts[i], text);
        assert_non_null(strstr(text, parts[i]));
    }
    free(text);
    eqs_netlist_destroy(netlist);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_circuit_is_printed_in_the_dialect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
