/* The netlist tree: what it refuses, what it keeps, and that it scales. */
#include "tests/check.h"

#include "base/memory.h"
#include "base/run.h"
#include "netlists/netlist.h"

#include <stdlib.h>

static eqs_netlist *fresh(eqs_node *a, eqs_node *b)
{
    eqs_netlist *nl;
    assert_ok(eqs_netlist_create("a test", &nl));
    assert_ok(eqs_netlist_node(nl, "a", a));
    assert_ok(eqs_netlist_node(nl, "b", b));
    return nl;
}

static void names_are_checked(void **state)
{
    (void)state;
    eqs_node a, b;
    eqs_netlist *nl = fresh(&a, &b);
    const char *wrong[] = {"",    "A",  "1a",  "a-b",    "a b",  "a=b", "{a}",
                           "a.b", "_a", "gnd", "temper", "time", "v",   "i"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        eqs_node n;
        assert_fails(eqs_netlist_node(nl, wrong[i], &n), EQS_BAD_DATA, "name");
    }
    char text[EQS_NETLIST_NAME + 2];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    eqs_node n;
    assert_fails(eqs_netlist_node(nl, text, &n), EQS_BAD_DATA, "1 to 100 characters");
    text[EQS_NETLIST_NAME] = '\0';
    assert_ok(eqs_netlist_node(nl, text, &n));
    assert_ok(eqs_netlist_node(nl, "h1_17", &n));
    assert_string_equal(eqs_netlist_node_name(nl, n), "h1_17");
    assert_fails(eqs_netlist_resistor(nl, "R1", a, b, 1.0), EQS_BAD_DATA, "resistor name 'R1'");
    eqs_netlist_destroy(nl);
}

static void a_node_is_found_again_by_its_name(void **state)
{
    (void)state;
    eqs_node a, b, again;
    eqs_netlist *nl = fresh(&a, &b);
    assert_int_not_equal(a, b);
    assert_int_not_equal(a, EQS_GROUND);
    assert_ok(eqs_netlist_node(nl, "a", &again));
    assert_int_equal(again, a);
    assert_ok(eqs_netlist_node(nl, "0", &again));
    assert_int_equal(again, EQS_GROUND);
    eqs_netlist_destroy(nl);
}

static void values_are_checked(void **state)
{
    (void)state;
    eqs_node a, b;
    eqs_netlist *nl = fresh(&a, &b);
    assert_fails(eqs_netlist_resistor(nl, "x", a, b, 0.0), EQS_BAD_DATA,
                 "resistor 'x': value 0, must be positive");
    assert_fails(eqs_netlist_resistor(nl, "x", a, b, -1.0), EQS_BAD_DATA, "must be positive");
    assert_fails(eqs_netlist_resistor(nl, "x", a, b, NAN), EQS_BAD_DATA, "must be positive");
    assert_fails(eqs_netlist_resistor(nl, "x", a, b, INFINITY), EQS_BAD_DATA, "not finite");
    assert_fails(eqs_netlist_capacitor(nl, "x", a, b, 0.0, NAN), EQS_BAD_DATA, "capacitor 'x'");
    assert_fails(eqs_netlist_capacitor(nl, "x", a, b, 1.0, INFINITY), EQS_BAD_DATA, "initial voltage");
    assert_fails(eqs_netlist_vccs(nl, "x", a, b, a, b, NAN), EQS_BAD_DATA, "not finite");
    assert_fails(eqs_netlist_vcvs(nl, "x", a, b, a, 77, 1.0), EQS_BAD_DATA, "node 77");
    eqs_waveform w = eqs_waveform_dc(INFINITY);
    assert_fails(eqs_netlist_voltage(nl, "x", a, b, &w), EQS_BAD_DATA, "voltage source 'x'");
    double time[2] = {0.0, 0.0}, value[2] = {1.0, 2.0};
    w = (eqs_waveform){EQS_WAVEFORM_PWL, 0.0, 2, time, value};
    assert_fails(eqs_netlist_current(nl, "x", a, b, &w), EQS_BAD_DATA, "PWL point 1");
    w.n_points = 0;
    assert_fails(eqs_netlist_current(nl, "x", a, b, &w), EQS_BAD_DATA, "without points");
    assert_fails(eqs_netlist_behavioural_current(nl, "x", a, b, "2*"), EQS_BAD_DATA, "unexpected end");
    const eqs_diode_model *model;
    assert_fails(eqs_netlist_diode_model(nl, "m", 0.0, 1.0, 0.0, 0.0, &model), EQS_BAD_DATA, "is, n > 0");
    eqs_diode_model foreign = {"m", 1e-14, 1.0, 0.0, 0.0, NULL};
    assert_fails(eqs_netlist_diode(nl, "x", a, b, &foreign), EQS_BAD_DATA, "not of this netlist");
    eqs_tolerances t = {.reltol = -1.0};
    assert_fails(eqs_netlist_tolerances(nl, &t), EQS_BAD_DATA, "reltol");
    assert_fails(eqs_netlist_tran(nl, 1e-9, 1e-6, 0.0, true), EQS_BAD_DATA, "longest step 0");
    assert_fails(eqs_netlist_tran(nl, 2e-6, 1e-6, 1e-9, true), EQS_BAD_DATA, "steps <= stop");
    assert_fails(eqs_netlist_dc(nl, "v_x", 0.0, 1.0, 0.0), EQS_BAD_DATA, "no sweep");
    assert_fails(eqs_netlist_initial(nl, EQS_GROUND, 1.0), EQS_BAD_DATA, "initial conditions");
    assert_fails(eqs_netlist_guess(nl, a, NAN), EQS_BAD_DATA, "finite voltage");
    assert_fails(eqs_netlist_output(nl, 99, true), EQS_BAD_DATA, "node 99");
    assert_int_equal(nl->n_elements, 0);
    eqs_netlist_destroy(nl);
}

static void an_element_name_is_taken_once_per_kind(void **state)
{
    (void)state;
    eqs_node a, b;
    eqs_netlist *nl = fresh(&a, &b);
    assert_ok(eqs_netlist_resistor(nl, "leak", a, b, 1.0));
    assert_fails(eqs_netlist_resistor(nl, "leak", a, b, 2.0), EQS_BAD_DATA, "already an element r_leak");
    assert_ok(eqs_netlist_capacitor(nl, "leak", a, b, 1.0, NAN));
    assert_int_equal(nl->n_elements, 2);
    assert_string_equal(nl->element[1].name, "c_leak");
    assert_ok(eqs_netlist_behavioural_voltage(nl, "rho", a, b, "1"));
    assert_fails(eqs_netlist_behavioural_current(nl, "rho", a, b, "1"), EQS_BAD_DATA, "b_rho");
    eqs_netlist_destroy(nl);
}

static void subcircuits_are_checked(void **state)
{
    (void)state;
    eqs_node a, b, n;
    eqs_netlist *nl = fresh(&a, &b), *other = fresh(&a, &b);
    eqs_subcircuit *s, *t;
    assert_fails(eqs_netlist_subcircuit(nl, "s", 0, NULL, &s), EQS_BAD_DATA, "no ports");
    assert_fails(eqs_netlist_subcircuit(nl, "dup", 2, (const char *[]){"p", "p"}, &s), EQS_BAD_DATA,
                 "two ports");
    assert_ok(eqs_netlist_subcircuit(nl, "s", 2, (const char *[]){"p", "q"}, &s));
    assert_fails(eqs_netlist_subcircuit(nl, "s", 1, (const char *[]){"p"}, &t), EQS_BAD_DATA, "already one");
    assert_fails(eqs_netlist_subcircuit(s->body, "inner", 1, (const char *[]){"p"}, &t), EQS_BAD_DATA,
                 "not defined inside");
    assert_ok(eqs_netlist_subcircuit(nl, "t", 1, (const char *[]){"p"}, &t));
    assert_ok(eqs_netlist_node(s->body, "p", &n));
    assert_fails(eqs_netlist_instance(s->body, "self", s, (const eqs_node[]){n, n}), EQS_BAD_DATA,
                 "defined after");
    assert_fails(eqs_netlist_instance(s->body, "later", t, (const eqs_node[]){n}), EQS_BAD_DATA,
                 "defined after");
    assert_fails(eqs_netlist_instance(other, "x", s, (const eqs_node[]){a, b}), EQS_BAD_DATA,
                 "not of this netlist");
    assert_fails(eqs_netlist_op(s->body), EQS_BAD_DATA, "belong to the netlist");
    assert_fails(eqs_netlist_output(s->body, n, false), EQS_BAD_DATA, "belong to the netlist");
    assert_ok(eqs_netlist_instance(t->body, "fine", s, (const eqs_node[]){1, 1}));
    eqs_netlist_destroy(nl);
    eqs_netlist_destroy(other);
}

static void the_whole_is_checked_before_it_is_used(void **state)
{
    (void)state;
    eqs_node a, b, c;
    eqs_netlist *nl = fresh(&a, &b);
    assert_fails(eqs_netlist_check(nl), EQS_BAD_DATA, "no elements");
    assert_ok(eqs_netlist_resistor(nl, "one", a, EQS_GROUND, 1.0));
    assert_fails(eqs_netlist_check(nl), EQS_BAD_DATA, "no analysis");
    assert_ok(eqs_netlist_op(nl));
    assert_ok(eqs_netlist_check(nl)); /* node b has no element, but nobody reads it */
    assert_ok(eqs_netlist_behavioural_current(nl, "two", EQS_GROUND, a, "2*v(far)"));
    assert_fails(eqs_netlist_check(nl), EQS_BAD_DATA, "node 'far' is read, but no element drives it");
    assert_ok(eqs_netlist_node(nl, "far", &c));
    assert_ok(eqs_netlist_resistor(nl, "three", c, EQS_GROUND, 1.0));
    assert_ok(eqs_netlist_check(nl));
    assert_ok(eqs_netlist_cccs(nl, "mirror", a, EQS_GROUND, "sense", 2.0));
    assert_fails(eqs_netlist_check(nl), EQS_BAD_DATA, "no voltage source v_sense");
    eqs_waveform zero = eqs_waveform_dc(0.0);
    assert_ok(eqs_netlist_voltage(nl, "sense", c, EQS_GROUND, &zero));
    assert_ok(eqs_netlist_check(nl));
    assert_ok(eqs_netlist_dc(nl, "i_nothing", 0.0, 1.0, 0.5));
    assert_fails(eqs_netlist_check(nl), EQS_BAD_DATA, "no independent source i_nothing");
    assert_ok(eqs_netlist_dc(nl, "v_sense", 0.0, 1.0, 0.5));
    assert_ok(eqs_netlist_check(nl));
    assert_ok(eqs_netlist_output(nl, b, false));
    assert_fails(eqs_netlist_check(nl), EQS_BAD_DATA, "node 'b'");
    eqs_netlist_destroy(nl);
}

static void a_port_that_is_only_read_is_driven_from_outside(void **state)
{
    (void)state;
    eqs_node a, b;
    eqs_netlist *nl = fresh(&a, &b);
    eqs_subcircuit *s;
    assert_ok(eqs_netlist_subcircuit(nl, "buffer", 2, (const char *[]){"in", "out"}, &s));
    assert_ok(eqs_netlist_vcvs(s->body, "amp", s->port[1], EQS_GROUND, s->port[0], EQS_GROUND, 3.0));
    assert_ok(eqs_netlist_instance(nl, "one", s, (const eqs_node[]){a, b}));
    assert_ok(eqs_netlist_resistor(nl, "load", b, EQS_GROUND, 1.0));
    assert_ok(eqs_netlist_op(nl));
    assert_ok(eqs_netlist_check(nl));
    eqs_node inside;
    assert_ok(eqs_netlist_node(s->body, "nowhere", &inside));
    assert_ok(eqs_netlist_vccs(s->body, "lost", s->port[1], EQS_GROUND, inside, EQS_GROUND, 1.0));
    assert_fails(eqs_netlist_check(nl), EQS_BAD_DATA, "subcircuit 'buffer': node 'nowhere'");
    eqs_netlist_destroy(nl);
}

static void four_hundred_thousand_elements_take_seconds_at_most(void **state)
{
    (void)state;
    enum { ROWS = 800, COLUMNS = 500 };
    eqs_node a, b, *row = calloc(ROWS, sizeof *row), *column = calloc(COLUMNS, sizeof *column);
    eqs_netlist *nl = fresh(&a, &b);
    double begin = eqs_cpu_clock();
    char name[64];
    for (size_t i = 0; i < ROWS; i++) {
        snprintf(name, sizeof name, "x_%zu", i);
        assert_ok(eqs_netlist_node(nl, name, &row[i]));
    }
    for (size_t j = 0; j < COLUMNS; j++) {
        snprintf(name, sizeof name, "h1_%zu", j);
        assert_ok(eqs_netlist_node(nl, name, &column[j]));
    }
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < COLUMNS; j++) {
            snprintf(name, sizeof name, "h1_%zu_x_%zu", j, i);
            if (eqs_netlist_vccs(nl, name, EQS_GROUND, column[j], row[i], EQS_GROUND, 1e-6) != EQS_OK)
                fail();
        }
    }
    double seconds = eqs_cpu_clock() - begin;
    print_message("400000 elements in %.3f s\n", seconds);
    assert_int_equal(nl->n_elements, ROWS * COLUMNS);
    assert_true(seconds < 5.0); /* measured 0.2 s; a machine under sanitizers and load may be far slower */
    eqs_netlist_destroy(nl);
    free(row);
    free(column);
}

static void a_shortage_of_memory_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    for (long k = 1;; k++) {
        eqs_netlist *nl = NULL;
        eqs_node n;
        eqs_subcircuit *s;
        eqs_alloc_fail_at(k);
        eqs_status status = eqs_netlist_create("short of memory", &nl);
        for (int i = 0; status == EQS_OK && i < 200; i++) {
            char name[32];
            snprintf(name, sizeof name, "n_%d", i);
            status = eqs_netlist_node(nl, name, &n);
            if (status == EQS_OK)
                status = eqs_netlist_resistor(nl, name, n, EQS_GROUND, 1.0);
            if (status == EQS_OK)
                status = eqs_netlist_output(nl, n, false);
            if (status == EQS_OK)
                status = eqs_netlist_guess(nl, n, 1.0);
        }
        if (status == EQS_OK)
            status = eqs_netlist_subcircuit(nl, "sub", 1, (const char *[]){"p"}, &s);
        if (status == EQS_OK)
            status = eqs_netlist_behavioural_voltage(nl, "rho", n, EQS_GROUND, "tanh(v(n_1))");
        eqs_alloc_fail_at(0);
        eqs_netlist_destroy(nl);
        if (status == EQS_OK) {
            assert_true(k > 10);
            return;
        }
        assert_int_equal(status, EQS_NO_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(a_node_is_found_again_by_its_name),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(an_element_name_is_taken_once_per_kind),
        cmocka_unit_test(subcircuits_are_checked),
        cmocka_unit_test(the_whole_is_checked_before_it_is_used),
        cmocka_unit_test(a_port_that_is_only_read_is_driven_from_outside),
        cmocka_unit_test(four_hundred_thousand_elements_take_seconds_at_most),
        cmocka_unit_test(a_shortage_of_memory_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
