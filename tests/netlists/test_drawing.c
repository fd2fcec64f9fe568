/* Drawings: what hangs on a node is drawn, with its value; what is too much is counted. */
#include "netlists/drawing.h"
#include "tests/check.h"

#include <stdlib.h>

/* a neuron "u" with leak, capacitor, n synapses from "x" and its activity "r" */
static eqs_netlist *neuron(size_t n)
{
    eqs_netlist *netlist;
    eqs_node u, x, r;
    assert_ok(eqs_netlist_create("one neuron", &netlist));
    assert_ok(eqs_netlist_node(netlist, "u", &u));
    assert_ok(eqs_netlist_node(netlist, "x", &x));
    assert_ok(eqs_netlist_node(netlist, "r", &r));
    assert_ok(eqs_netlist_resistor(netlist, "leak", u, EQS_GROUND, 1e6));
    assert_ok(eqs_netlist_capacitor(netlist, "u", u, EQS_GROUND, 2.2e-12, 0.0));
    assert_ok(eqs_netlist_resistor(netlist, "load", x, EQS_GROUND, 47.0));
    for (size_t i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "s_%zu", i);
        assert_ok(eqs_netlist_vccs(netlist, name, EQS_GROUND, u, x, EQS_GROUND, 1e-7 * (double)(i + 1)));
    }
    assert_ok(eqs_netlist_behavioural_voltage(netlist, "rho", r, EQS_GROUND, "max(v(u), 0)"));
    return netlist;
}

static char *draw(const eqs_netlist *netlist, const char *node)
{
    char *svg = NULL;
    size_t size;
    FILE *file = open_memstream(&svg, &size);
    assert_non_null(file);
    assert_ok(eqs_netlist_draw(netlist, node, file));
    fclose(file);
    return svg;
}

#define assert_has(text, part) assert_non_null(strstr((text), (part)))

static void every_element_of_the_node_is_drawn_with_its_value(void **state)
{
    (void)state;
    eqs_netlist *netlist = neuron(3);
    char *svg = draw(netlist, "u");
    static const char *const parts[] = {
        ">r_leak<", ">1 M\xce\xa9<",          ">c_u<", ">2.2 pF<", ">g_s_2<", ">300 nS<", "v(x)<", ">r<",
        ">b_rho<",  "b_rho: v = max(v(u),0)", "</svg>"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_has(svg, parts[i]);
    assert_null(strstr(svg, "r_load")); /* of another node */
    assert_null(strstr(svg, ">+ "));
    free(svg);
    eqs_netlist_destroy(netlist);
}

static void many_synapses_are_counted(void **state)
{
    (void)state;
    eqs_netlist *netlist = neuron(50);
    char *svg = draw(netlist, "u");
    assert_has(svg, ">g_s_2<");
    assert_null(strstr(svg, ">g_s_3<"));
    assert_has(svg, ">+ 47 more<");
    free(svg);
    eqs_netlist_destroy(netlist);
}

static void an_unknown_node_is_refused(void **state)
{
    (void)state;
    eqs_netlist *netlist = neuron(1);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_fails(eqs_netlist_draw(netlist, "h9_9", file), EQS_USAGE, "no node 'h9_9'");
    assert_fails(eqs_netlist_draw(netlist, "0", file), EQS_USAGE, "no node");
    fclose(file);
    eqs_netlist_destroy(netlist);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_element_of_the_node_is_drawn_with_its_value),
        cmocka_unit_test(many_synapses_are_counted),
        cmocka_unit_test(an_unknown_node_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
