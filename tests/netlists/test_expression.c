/* Expressions of behavioural sources: parsed, printed, evaluated; and activations written as expressions. */
#include "tests/check.h"

#include "models/activation.h"
#include "netlists/behavioural_rho.h"
#include "netlists/expression.h"

#include <stdlib.h>

static eqs_netlist *fresh(void)
{
    eqs_netlist *nl;
    eqs_node n;
    assert_ok(eqs_netlist_create("expressions", &nl));
    assert_ok(eqs_netlist_node(nl, "a", &n));
    assert_ok(eqs_netlist_node(nl, "b", &n));
    return nl;
}

static char *printed(const eqs_netlist *nl, const eqs_expression *e)
{
    char *text;
    size_t length;
    FILE *file = open_memstream(&text, &length);
    eqs_expression_print(nl, e, file);
    fclose(file);
    return text;
}

/* at v(a) = 2, v(b) = -3 */
static void expressions_have_the_value_that_mathematics_gives(void **state)
{
    (void)state;
    const struct {
        const char *text;
        double value;
    } cases[] = {
        {"1", 1.0},
        {"1.5e3", 1500.0},
        {"v(a)+v(b)*2", -4.0},
        {"(v(a)+v(b))*2", -2.0},
        {"v(a)-1-2", -1.0},
        {"v(a)-(1-2)", 3.0},
        {"12/v(a)/3", 2.0},
        {"12/(v(a)/3)", 18.0},
        {"-v(a)*-v(b)", -6.0},
        {"--2", 2.0},
        {"max(v(a),v(b))", 2.0},
        {"min( v(a) , v(b) )", -3.0},
        {"abs(v(b))+ln(exp(0.5))", 3.5},
        {"tanh(0)", 0.0},
        {"0.5*(1+tanh(0.5*v(a)))", 1.0 / (1.0 + 0.1353352832366127)},
    };
    const double volts[3] = {0.0, 2.0, -3.0};
    eqs_netlist *nl = fresh();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const eqs_expression *e, *again;
        assert_ok(eqs_expression_parse(nl, cases[i].text, &e));
        assert_close(eqs_expression_evaluate(e, volts), cases[i].value, 1e-15, 1e-15);
        char *text = printed(nl, e);
        assert_ok(eqs_expression_parse(nl, text, &again));
        assert_close(eqs_expression_evaluate(again, volts), eqs_expression_evaluate(e, volts), 0.0, 0.0);
        char *twice = printed(nl, again);
        assert_string_equal(text, twice);
        free(text);
        free(twice);
    }
    eqs_netlist_destroy(nl);
}

static void printing_keeps_only_the_parentheses_that_matter(void **state)
{
    (void)state;
    const char *cases[][2] = {
        {"((v(a)))+((v(b)*2))", "v(a)+v(b)*2"},
        {"(v(a)+v(b))*2", "(v(a)+v(b))*2"},
        {"v(a)-(v(b)-1)", "v(a)-(v(b)-1)"},
        {"(v(a)-v(b))-1", "v(a)-v(b)-1"},
        {"v(a)/(v(b)*2)", "v(a)/(v(b)*2)"},
        {"-2*v(a)", "(-2)*v(a)"},
        {"tanh( (v(a)) )", "tanh(v(a))"},
        {"0.1", "0.1"},
        {"min(max(v(a),0),1)", "min(max(v(a),0),1)"},
    };
    eqs_netlist *nl = fresh();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const eqs_expression *e;
        assert_ok(eqs_expression_parse(nl, cases[i][0], &e));
        char *text = printed(nl, e);
        assert_string_equal(text, cases[i][1]);
        free(text);
    }
    eqs_netlist_destroy(nl);
}

static void what_dialects_read_differently_is_refused_with_its_column(void **state)
{
    (void)state;
    const struct {
        const char *text, *message;
    } cases[] = {
        {"", "column 1: unexpected end"},
        {"v(a)^2", "column 5: unexpected text"},
        {"v(a)**2", "column 6: unexpected character"},
        {"limit(v(a),0,1)", "unknown word"},
        {"if(v(a),0,1)", "unknown word"},
        {"1k", "no suffix"},
        {"1meg", "no suffix"},
        {"1e400", "out of range"},
        {"1.2.3", "no number"},
        {".", "no number"},
        {"v(a", "column 4: ')' is wanted"},
        {"v(A)", "node name"},
        {"v(temper)", "keyword"},
        {"v a", "must be followed by (node)"},
        {"max(1)", "second argument"},
        {"tanh(1,2)", "')' is wanted"},
        {"tanh 1", "followed by '('"},
        {"(1+2", "')' is wanted"},
        {"1+", "unexpected end"},
        {"time", "unknown word"},
        {"nan", "unknown word"},
        {"0x10", "no number"},
    };
    eqs_netlist *nl = fresh();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const eqs_expression *e;
        assert_fails(eqs_expression_parse(nl, cases[i].text, &e), EQS_BAD_DATA, cases[i].message);
    }
    eqs_netlist_destroy(nl);
}

static void nesting_and_length_are_limited(void **state)
{
    (void)state;
    eqs_netlist *nl = fresh();
    const eqs_expression *e;
    char text[5000];
    memset(text, '(', 1000);
    strcpy(text + 1000, "1");
    assert_fails(eqs_expression_parse(nl, text, &e), EQS_BAD_DATA, "nested too deeply");
    memset(text, '-', 1000);
    assert_fails(eqs_expression_parse(nl, text, &e), EQS_BAD_DATA, "nested too deeply");
    memset(text, '1', 4001);
    text[4001] = '\0';
    assert_fails(eqs_expression_parse(nl, text, &e), EQS_BAD_DATA, "longer than");
    eqs_netlist_destroy(nl);
}

/* over the whole range, far into saturation, at several slopes, shifts and swings */
static void activations_as_expressions_equal_rho(void **state)
{
    (void)state;
    const double swings[] = {1.0, 0.05, 3.3};
    for (size_t kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
        for (size_t w = 0; w < 3; w++) {
            eqs_activation a = eqs_activation_default((eqs_activation_kind)kind);
            if (!eqs_activation_is_clipped(&a) && w > 0) {
                a.slope = 1.0 + 0.7 * (double)w;
                a.shift = w == 1 ? -0.4 : 0.9;
            }
            eqs_netlist *nl = fresh();
            char text[EQS_RHO_TEXT];
            const eqs_expression *e;
            eqs_behavioural_rho(&a, swings[w], "a", text);
            assert_ok(eqs_expression_parse(nl, text, &e));
            for (double u = -800.0; u <= 800.0; u += u > -5.0 && u < 5.0 ? 0.01 : 1.0) {
                double volts[3] = {0.0, u * swings[w], 0.0};
                assert_close(eqs_expression_evaluate(e, volts) / swings[w], eqs_rho(&a, u), 1e-12, 1e-13);
            }
            eqs_netlist_destroy(nl);
        }
    }
}

static void forces_as_expressions_equal_rho_prime_times_drive(void **state)
{
    (void)state;
    for (size_t kind = EQS_SIGMOID; kind < EQS_ACTIVATION_COUNT; kind++) {
        eqs_activation a = eqs_activation_default((eqs_activation_kind)kind);
        a.slope = 1.3;
        a.shift = 0.2;
        const double swing = 0.4, G = 2e-5;
        eqs_netlist *nl = fresh();
        eqs_node d;
        assert_ok(eqs_netlist_node(nl, "d", &d));
        char text[EQS_RHO_TEXT];
        const eqs_expression *e;
        eqs_behavioural_force(&a, swing, G, "a", "b", "d", text);
        assert_ok(eqs_expression_parse(nl, text, &e));
        for (double u = -30.0; u <= 30.0; u += 0.25) {
            const double drive = -1.7;
            double volts[4] = {0.0, u * swing, eqs_rho(&a, u) * swing, drive * swing};
            double wanted = G * swing * eqs_rho_derivative(&a, u) * drive;
            assert_close(eqs_expression_evaluate(e, volts), wanted, 1e-9, 1e-14 * G);
        }
        eqs_netlist_destroy(nl);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_have_the_value_that_mathematics_gives),
        cmocka_unit_test(printing_keeps_only_the_parentheses_that_matter),
        cmocka_unit_test(what_dialects_read_differently_is_refused_with_its_column),
        cmocka_unit_test(nesting_and_length_are_limited),
        cmocka_unit_test(activations_as_expressions_equal_rho),
        cmocka_unit_test(forces_as_expressions_equal_rho_prime_times_drive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
