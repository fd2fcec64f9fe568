/* The behavioural circuit as a tree: Kirchhoff's current law at its nodes is the network's ODE. */
#include "tests/netlists/small_net.h"

#include "base/run.h"
#include "netlists/behavioural.h"
#include "netlists/dialect.h"
#include "netlists/expression.h"

#include <stdlib.h>
#include <unistd.h>

static size_t count(const eqs_netlist *nl, const char *prefix)
{
    size_t n = 0;
    for (size_t i = 0; i < nl->n_elements; i++)
        n += strncmp(nl->element[i].name, prefix, strlen(prefix)) == 0;
    return n;
}

static const eqs_element *element(const eqs_netlist *nl, const char *name)
{
    uint32_t index;
    if (!eqs_names_find(&nl->element_names, name, &index))
        fail_msg("there is no element %s", name);
    return &nl->element[index];
}

/* sums the currents that flow into every node, but those of capacitors and voltage sources */
static void currents(const eqs_netlist *nl, const double *volts, double *into)
{
    memset(into, 0, nl->node_names.n * sizeof *into);
    for (size_t i = 0; i < nl->n_elements; i++) {
        const eqs_element *e = &nl->element[i];
        double flow = 0.0; /* from node[0] through the element to node[1] */
        if (e->kind == EQS_RESISTOR)
            flow = (volts[e->node[0]] - volts[e->node[1]]) / e->value;
        else if (e->kind == EQS_CURRENT_SOURCE)
            flow = e->value;
        else if (e->kind == EQS_VCCS)
            flow = e->value * (volts[e->node[2]] - volts[e->node[3]]);
        else if (e->kind == EQS_BEHAVIOURAL_CURRENT)
            flow = eqs_expression_evaluate(e->detail.expression, volts);
        into[e->node[0]] -= flow;
        into[e->node[1]] += flow;
    }
}

/* node voltages at the dynamical variables x: sources first, then activities, then drive nodes */
static void solve_algebra(const small_net *s, const eqs_netlist *nl, const eqs_behavioural_options *o,
                          const double *x, double *volts)
{
    double *into = eqs_alloc(nl->node_names.n, sizeof *into);
    memset(volts, 0,
           nl->node_names.n * sizeof *volts); /* drive nodes at 0 V: their load carries no current */
    for (size_t i = 0; i < nl->n_elements; i++) {
        if (nl->element[i].kind == EQS_VOLTAGE_SOURCE)
            volts[nl->element[i].node[0]] = nl->element[i].value;
    }
    size_t v = 0;
    for (size_t i = 0; i < nl->n_elements; i++) {
        if (nl->element[i].kind == EQS_CAPACITOR)
            volts[nl->element[i].node[0]] = o->units.swing * x[v++];
    }
    assert_int_equal(v, eqs_network_state_size(s->net));
    for (size_t i = 0; i < nl->n_elements; i++) {
        if (nl->element[i].kind == EQS_BEHAVIOURAL_VOLTAGE)
            volts[nl->element[i].node[0]] = eqs_expression_evaluate(nl->element[i].detail.expression, volts);
    }
    currents(nl, volts, into);
    for (size_t i = 0; i < nl->n_elements; i++) {
        if (strncmp(nl->element[i].name, "r_load_", 7) == 0)
            volts[nl->element[i].node[0]] = into[nl->element[i].node[0]] * nl->element[i].value;
    }
    eqs_free(into);
}

/* largest difference between the circuit's and the network's dx/dt at random x */
static double ode_difference(small_net *s, const eqs_behavioural_options *o)
{
    eqs_netlist *nl;
    eqs_field *field;
    assert_ok(eqs_behavioural_build(s->energy, &s->phase, 0, NULL, o, &nl));
    assert_ok(eqs_field_create(s->energy, &s->phase, &field));
    double *volts = eqs_alloc(nl->node_names.n, sizeof *volts),
           *into = eqs_alloc(nl->node_names.n, sizeof *into);
    double *x = eqs_alloc(field->n, sizeof *x), *f = eqs_alloc(field->n, sizeof *f), worst = 0.0;
    eqs_random stream = eqs_random_stream(3, EQS_RANDOM_TEST, 9, 0);
    for (size_t trial = 0; trial < 10; trial++) {
        for (size_t i = 0; i < field->n; i++)
            x[i] = 4.0 * eqs_random_uniform(&stream, trial * field->n + i) - 2.0;
        field->ops->rhs(field, 0.0, x, f);
        solve_algebra(s, nl, o, x, volts);
        currents(nl, volts, into);
        for (size_t i = 0, v = 0; i < nl->n_elements; i++) {
            const eqs_element *e = &nl->element[i];
            if (e->kind != EQS_CAPACITOR)
                continue;
            double rate = into[e->node[0]] / e->value / o->units.swing * eqs_circuit_unit_time(&o->units);
            worst = fmax(worst, fabs(rate - f[v++]));
        }
    }
    eqs_free(volts);
    eqs_free(into);
    eqs_free(x);
    eqs_free(f);
    eqs_field_destroy(field);
    eqs_netlist_destroy(nl);
    return worst;
}

static void kirchhoffs_law_at_the_units_is_the_ode_of_the_network(void **state)
{
    (void)state;
    size_t units[4] = {3, 4, 3, 2}, full[10][2], n_run = 0;
    size_t n_full = eqs_couplings_full(4, full);
    for (size_t kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
        for (int variant = 0; variant < 32; variant++) {
            eqs_form form = variant & 1 ? EQS_FORM_MEMBRANE : EQS_FORM_GRADIENT;
            if (form == EQS_FORM_GRADIENT && kind <= EQS_RELU)
                continue;
            eqs_activation a[4];
            for (size_t k = 0; k < 4; k++) {
                a[k] = eqs_activation_default((eqs_activation_kind)kind);
                if (kind >= EQS_SIGMOID) {
                    a[k].slope = 0.8 + 0.3 * (double)k;
                    a[k].shift = 0.1 * (double)k;
                }
            }
            eqs_network_def def = eqs_network_def_default();
            def.n_layers = 4;
            def.units = units;
            def.activation = a;
            def.form = form;
            def.tau = (const double[]){0.5, 1.0, 2.0, 3.0};
            if (variant & 2) {
                def.n_couplings = n_full;
                def.couplings = (const size_t(*)[2])full;
            }
            if (variant & 4)
                def.beta[EQS_BETA_X] = 1.5;
            small_net s;
            small_net_open(&s, &def, (uint64_t)variant, 1, 1.0);
            s.phase.beta[EQS_BETA_Y] = variant & 8 ? 0.7 : 0.0;
            s.x[0] = 1.4; /* outside the box of the clipped ones */
            eqs_behavioural_options o = eqs_behavioural_options_default();
            o.fold = variant & 16;
            o.units = (eqs_circuit_units){3e-12, 2e-5, 0.3};
            double difference = ode_difference(&s, &o);
            if (!(difference < 1e-12))
                print_message("%s variant %d: %.3g\n", eqs_activation_name(a[0].kind), variant, difference);
            assert_true(difference < 1e-12);
            small_net_close(&s);
            n_run++;
        }
    }
    assert_int_equal(n_run, 3 * 16 + 4 * 32);
}

static void open_small(small_net *s, eqs_form form, eqs_activation_kind kind)
{
    static size_t units[3] = {3, 4, 2};
    eqs_activation a[3];
    for (size_t k = 0; k < 3; k++)
        a[k] = eqs_activation_default(kind);
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 3;
    def.units = units;
    def.activation = a;
    def.form = form;
    small_net_open(s, &def, 5, 2, 0.5);
}

static void elements_are_counted_and_named_as_the_header_says(void **state)
{
    (void)state;
    small_net s;
    open_small(&s, EQS_FORM_MEMBRANE, EQS_HARD_SIGMOID);
    s.phase.beta[EQS_BETA_Y] = 0.5;
    eqs_behavioural_options o = eqs_behavioural_options_default();
    eqs_netlist *nl;
    assert_ok(eqs_behavioural_build(s.energy, &s.phase, 1, NULL, &o, &nl));
    assert_int_equal(count(nl, "v_x_"), 3);
    assert_int_equal(count(nl, "c_"), 6);
    assert_int_equal(count(nl, "r_leak_"), 6);
    assert_int_equal(count(nl, "b_rho_"), 6);
    assert_int_equal(count(nl, "i_bias_"), 6);
    assert_int_equal(count(nl, "g_nudge_o_"), 2);
    assert_int_equal(count(nl, "i_nudge_o_"), 2);
    assert_int_equal(count(nl, "g_"), 2 + 3 * 4 + 2 * 4 * 2);
    assert_int_equal(nl->n_outputs, 12);
    assert_string_equal(eqs_netlist_node_name(nl, nl->output[4].node), "o_0");
    /* sample 1 of the batch; weights go both ways with one value */
    assert_close(element(nl, "v_x_2")->value, s.x[3 + 2], 0.0, 0.0);
    double w = eqs_weights(s.net, s.theta, 1)[3 * 2 + 1];
    assert_close(element(nl, "g_o_1_h1_3")->value, 1e-6 * w, 1e-15, 0.0);
    assert_close(element(nl, "g_h1_3_o_1")->value, 1e-6 * w, 1e-15, 0.0);
    assert_close(element(nl, "i_nudge_o_1")->value, 1e-6 * 0.5 * s.target[2 + 1], 1e-15, 0.0);
    eqs_netlist_destroy(nl);
    o.fold = true;
    assert_ok(eqs_behavioural_build(s.energy, &s.phase, 1, NULL, &o, &nl));
    assert_int_equal(count(nl, "v_"), 0);
    assert_int_equal(count(nl, "g_"), 2 + 2 * 4 * 2);
    eqs_netlist_destroy(nl);
    small_net_close(&s);
}

static void a_weight_of_zero_is_no_element(void **state)
{
    (void)state;
    small_net s;
    open_small(&s, EQS_FORM_MEMBRANE, EQS_TANH);
    eqs_weights(s.net, s.theta, 1)[0] = 0.0;
    eqs_behavioural_options o = eqs_behavioural_options_default();
    eqs_netlist *nl;
    uint32_t index;
    assert_ok(eqs_behavioural_build(s.energy, &s.phase, 0, NULL, &o, &nl));
    assert_false(eqs_names_find(&nl->element_names, "g_o_0_h1_0", &index));
    assert_false(eqs_names_find(&nl->element_names, "g_h1_0_o_0", &index));
    assert_true(eqs_names_find(&nl->element_names, "g_h1_1_o_0", &index));
    eqs_netlist_destroy(nl);
    small_net_close(&s);
}

static void external_currents_come_in_the_order_of_the_netlist(void **state)
{
    (void)state;
    small_net s;
    open_small(&s, EQS_FORM_MEMBRANE, EQS_PIECEWISE_LINEAR);
    s.phase.beta[EQS_BETA_Y] = 0.5;
    eqs_behavioural_options o = eqs_behavioural_options_default();
    o.fold = true;
    eqs_netlist *fixed, *external;
    assert_ok(eqs_behavioural_build(s.energy, &s.phase, 1, NULL, &o, &fixed));
    o.external = true;
    assert_ok(eqs_behavioural_build(s.energy, &s.phase, 1, NULL, &o, &external));
    double amperes[8];
    assert_int_equal(eqs_behavioural_n_currents(&s.phase), 8);
    assert_ok(eqs_behavioural_currents(s.energy, &s.phase, 1, &o.units, amperes));
    size_t n = 0;
    for (size_t i = 0; i < external->n_elements; i++) {
        const eqs_element *e = &external->element[i];
        if (e->kind != EQS_CURRENT_SOURCE)
            continue;
        assert_int_equal(e->detail.waveform->kind, EQS_WAVEFORM_EXTERNAL);
        assert_close(amperes[n++], element(fixed, e->name)->value, 1e-15, 0.0);
    }
    assert_int_equal(n, 8);
    eqs_netlist_destroy(fixed);
    eqs_netlist_destroy(external);
    small_net_close(&s);
}

static void starts_become_initial_conditions_and_guesses(void **state)
{
    (void)state;
    small_net s;
    open_small(&s, EQS_FORM_MEMBRANE, EQS_TANH);
    eqs_state *start;
    assert_ok(eqs_state_create(s.net, 2, &start));
    start->s[1][4 + 2] = 0.6; /* sample 1, unit 2 */
    start->s[2][2 + 1] = 1.0; /* at the end of the range: an infinite potential */
    eqs_behavioural_options o = eqs_behavioural_options_default();
    o.units.swing = 0.5;
    eqs_netlist *nl;
    assert_ok(eqs_behavioural_build(s.energy, &s.phase, 1, start, &o, &nl));
    assert_int_equal(nl->n_guesses, 5); /* all but the infinite one */
    assert_close(nl->guess[2].value, 0.5 * atanh(0.6), 1e-14, 0.0);
    eqs_netlist_destroy(nl);
    o.analysis = EQS_ANALYSIS_TRAN;
    assert_fails(eqs_behavioural_build(s.energy, &s.phase, 1, start, &o, &nl), EQS_BAD_DATA,
                 "capacitor 'o_1': initial voltage inf");
    start->s[2][2 + 1] = 0.5;
    assert_ok(eqs_behavioural_build(s.energy, &s.phase, 1, start, &o, &nl));
    assert_int_equal(nl->n_guesses, 0);
    assert_close(element(nl, "c_h1_2")->detail.initial, 0.5 * atanh(0.6), 1e-14, 0.0);
    assert_close(nl->analysis.t_stop, 30e-6, 1e-14, 0.0);
    eqs_netlist_destroy(nl);
    start->s[1][4] = NAN;
    assert_fails(eqs_behavioural_build(s.energy, &s.phase, 1, start, &o, &nl), EQS_BAD_DATA, "no number");
    eqs_state_destroy(start);
    small_net_close(&s);
}

static void what_has_no_circuit_is_refused_by_name(void **state)
{
    (void)state;
    small_net s;
    eqs_netlist *nl;
    eqs_behavioural_options o = eqs_behavioural_options_default();
    open_small(&s, EQS_FORM_PROJECTED, EQS_HARD_SIGMOID);
    o.analysis = EQS_ANALYSIS_TRAN;
    assert_fails(eqs_behavioural_build(s.energy, &s.phase, 0, NULL, &o, &nl), EQS_BAD_CONFIG,
                 "projected form");
    small_net_close(&s);
    open_small(&s, EQS_FORM_GRADIENT, EQS_HARD_SIGMOID);
    o.analysis = EQS_ANALYSIS_OP;
    assert_fails(eqs_behavioural_build(s.energy, &s.phase, 0, NULL, &o, &nl), EQS_BAD_CONFIG,
                 "layer 1: the gradient form with hard-sigmoid");
    small_net_close(&s);
    open_small(&s, EQS_FORM_MEMBRANE, EQS_SIGMOID);
    o.units.conductance = 0.0;
    assert_fails(eqs_behavioural_build(s.energy, &s.phase, 0, NULL, &o, &nl), EQS_BAD_CONFIG,
                 "circuit.conductance is 0 S");
    o.units = eqs_circuit_units_default();
    assert_fails(eqs_behavioural_build(s.energy, &s.phase, 2, NULL, &o, &nl), EQS_BAD_DATA, "sample 2");
    s.phase.beta[EQS_BETA_Y] = 1.0;
    s.phase.target = NULL;
    assert_fails(eqs_behavioural_build(s.energy, &s.phase, 0, NULL, &o, &nl), EQS_BAD_DATA, "needs a target");
    s.phase.beta[EQS_BETA_Y] = 0.0;
    o.external = true;
    assert_fails(eqs_behavioural_build(s.energy, &s.phase, 0, NULL, &o, &nl), EQS_BAD_CONFIG, "folded");
    o.external = false;
    eqs_weights(s.net, s.theta, 1)[1] = NAN;
    assert_fails(eqs_behavioural_build(s.energy, &s.phase, 0, NULL, &o, &nl), EQS_BAD_DATA, "'o_1_h1_0'");
    eqs_weights(s.net, s.theta, 1)[1] = 0.1;
    eqs_term_class strange = *s.energy->term[0].class;
    strange.name = "magnetism";
    s.energy->term[0].class = &strange;
    assert_fails(eqs_behavioural_build(s.energy, &s.phase, 0, NULL, &o, &nl), EQS_BAD_CONFIG, "'magnetism'");
    small_net_close(&s);
}

static void the_full_mnist_circuit_is_exported_in_seconds(void **state)
{
    (void)state;
    size_t units[3] = {784, 500, 10};
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 3;
    def.units = units;
    small_net s;
    small_net_open(&s, &def, 1, 1, 0.5);
    eqs_behavioural_options o = eqs_behavioural_options_default();
    eqs_netlist *nl;
    char path[] = "/tmp/eqspice-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    double begin = eqs_clock();
    assert_ok(eqs_behavioural_build(s.energy, &s.phase, 0, NULL, &o, &nl));
    double built = eqs_clock() - begin;
    assert_ok(eqs_netlist_write_file(nl, &eqs_dialect_ngspice, path));
    double written = eqs_clock() - begin - built;
    print_message("784-500-10: %zu elements built in %.3f s, written in %.3f s\n", nl->n_elements, built,
                  written);
    assert_int_equal(count(nl, "g_"), 784 * 500 + 2 * 5000);
    assert_true(built + written <
                10.0); /* measured 0.8 s; a machine under sanitizers and load may be far slower */
    unlink(path);
    eqs_netlist_destroy(nl);
    small_net_close(&s);
}

static void a_shortage_of_memory_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    small_net s;
    open_small(&s, EQS_FORM_GRADIENT, EQS_TANH);
    eqs_state *start;
    assert_ok(eqs_state_create(s.net, 2, &start));
    eqs_behavioural_options o = eqs_behavioural_options_default();
    o.fold = true;
    eqs_netlist *nl = NULL;
    eqs_status status = EQS_NO_MEMORY;
    long k = 0;
    while (status == EQS_NO_MEMORY) {
        eqs_alloc_fail_at(++k);
        status = eqs_behavioural_build(s.energy, &s.phase, 0, start, &o, &nl);
    }
    eqs_alloc_fail_at(0);
    assert_int_equal(status, EQS_OK);
    assert_true(k > 10);
    eqs_netlist_destroy(nl);
    eqs_state_destroy(start);
    small_net_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kirchhoffs_law_at_the_units_is_the_ode_of_the_network),
        cmocka_unit_test(elements_are_counted_and_named_as_the_header_says),
        cmocka_unit_test(a_weight_of_zero_is_no_element),
        cmocka_unit_test(external_currents_come_in_the_order_of_the_netlist),
        cmocka_unit_test(starts_become_initial_conditions_and_guesses),
        cmocka_unit_test(what_has_no_circuit_is_refused_by_name),
        cmocka_unit_test(the_full_mnist_circuit_is_exported_in_seconds),
        cmocka_unit_test(a_shortage_of_memory_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
