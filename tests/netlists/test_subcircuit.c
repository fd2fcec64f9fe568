/* Subcircuit files are checked before ngspice sees them. */
#include "netlists/subcircuit.h"

#include "base/random.h"
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char good[] = "* A neuron: saturating amplifier\n"
                           "* pin H: membrane, current comes in here\n"
                           "* pin o: output\n"
                           "* param gain: of the amplifier\n"
                           ".model dx D (is=1e-14 n=1)\n"
                           ".subckt half a b r=2k\n"
                           "R1 a b {r/2}\n"
                           ".ends half\n"
                           ".SUBCKT neuron H o vdd params: gain=2 cm=1u ; a comment\n"
                           ".param tau={cm*1meg}\n"
                           "Cm H 0 {cm} ic=0\n"
                           "Rm H 0 1MEG\n"
                           "D1 H vdd dx\n"
                           "Vs s 0 dc 0\n"
                           "Xh H s half r={2k*gain}\n"
                           "Vp p 0 pulse(0 1 0 1n 1n 1u 2u)\n"
                           "Rp p o 10k\n"
                           "B1 o 0 v={gain*tanh(v(h)/2)+\n"
                           "+ (v(h,vdd) > 0 ? 1m : i(vs)*tau)} $ the output\n"
                           ".ends\n"
                           ".end\n";

static eqs_spice_file *parse(const char *text)
{
    eqs_spice_file *file = NULL;
    eqs_status status = eqs_spice_file_parse(text, strlen(text), "x.cir", &file);
    if (status != EQS_OK)
        fail_msg("%s", eqs_error_message());
    return file;
}

static void pins_and_parameters_are_listed(void **state)
{
    (void)state;
    eqs_spice_file *file = parse(good);
    const eqs_spice_subcircuit *top = eqs_spice_file_top(file);
    assert_string_equal(file->summary, "A neuron: saturating amplifier");
    assert_string_equal(top->name, "neuron");
    assert_int_equal(top->n_pins, 3);
    assert_string_equal(top->pin[0].name, "h");
    assert_string_equal(top->pin[0].meaning, "membrane, current comes in here");
    assert_int_equal(eqs_spice_pin_find(top, "vdd"), 2);
    assert_int_equal(eqs_spice_parameter_find(top, "cm"), 1);
    assert_true(top->parameter[1].value == 1e-6);
    assert_string_equal(top->parameter[0].meaning, "of the amplifier");
    assert_int_equal(top->n_elements, 8);
    assert_non_null(strstr(file->text, "vp p 0 pulse( 0 1 0 1n 1n 1u 2u)"));
    eqs_spice_file_destroy(file);
}

static void other_values_are_checked_again(void **state)
{
    (void)state;
    eqs_spice_file *file = parse(good);
    const double fine[] = {3.0, 1e-6}, wrong[] = {3.0, -1e-6};
    assert_int_equal(eqs_spice_file_check_values(file, fine), EQS_OK);
    assert_int_equal(eqs_spice_file_check_values(file, wrong), EQS_BAD_DATA);
    assert_non_null(strstr(eqs_error_message(), "x.cir:11: capacitor 'cm': -1e-06 found, allowed: > 0"));
    eqs_spice_file_destroy(file);
}

/* what printing gives reads as the same file */
static void checked_text_reads_back(void **state)
{
    (void)state;
    eqs_spice_file *file = parse(good), *again = parse(file->text);
    assert_string_equal(file->text, again->text);
    eqs_spice_file_destroy(file);
    eqs_spice_file_destroy(again);
}

/* a subcircuit with one line of its own, and the message that it must give */
static void what_is_not_allowed_names_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"r2 a b {foo}", "x.cir:3: expression 'foo': parameter 'foo' is not defined"},
        {"r2 a b foo", "'foo' is no number"},
        {"r2 a b 0", "resistor 'r2': 0 found, allowed: > 0"},
        {"r2 a b", "too few words"},
        {"r2 a b {1/0}", "must be finite"},
        {"r2 a b 1k tc=1", "has no parameter 'tc'"},
        {"r2 a temper 1k", "node 'temper' is not allowed"},
        {"r2 a x.y 1k", "node 'x.y' is not allowed"},
        {"r1 a b 2k", "element 'r1' is there twice"},
        {"b1 a 0 v={limit(v(b),0,1)}", "limit() in ngspice returns 0"},
        {"b1 a 0 v={v(b)**3}", "'**' is |x|**y"},
        {"b1 a 0 v={v(b)^3}", "'^' is |x|^y"},
        {"b1 a 0 v={v(nowhere)}", "there is no node 'nowhere'"},
        {"b1 a 0 v={i(v9)}", "there is no voltage source 'v9'"},
        {"b1 a 0 v={sqrt(v(a)}", "')' was expected"},
        {"b1 a 0 v={system(1)}", "function 'system' is not allowed"},
        {"b1 a 0 v={1 2}", "an operator was expected"},
        {"b1 a 0 v={tanh(v(a))", "not closed"},
        {"b1 a 0 q={v(a)}", "v={expression} was expected"},
        {"d1 a b nodiode", "model 'nodiode' of this diode is not defined"},
        {"m1 a b 0 0 dx w=1u", "model 'dx' is of type d, which is no model of a MOS transistor"},
        {"v1 a 0 external", "'external' is no number"},
        {"v1 a 0 pwl(0 0 0 1)", "pwl: times must ascend"},
        {"f1 a 0 v7 2", "there is no voltage source 'v7'"},
        {"x1 a b other", "subcircuit 'other' is not defined before this line"},
        {"x1 a b cell", "subcircuit 'cell' is not defined before this line"},
        {"x1 a small", "'small' has 2 pins, found 1 nodes"},
        {"x1 a b small q=1", "small has no parameter 'q'"},
        {"u1 a b c", "element 'u1' is not allowed"},
        {".include \"/etc/passwd\"", "directive '.include' is not allowed"},
        {".control", "directive '.control' is not allowed"},
        {".model m2 nmos (level=8)", "level 8 found, allowed for MOS: 1"},
        {".model m2 vdmos (a=1)", "model type 'vdmos' is not allowed"},
        {".model dx2 d (is)", "is not understood"},
        {".param k={later}", "parameter 'later' is not defined"},
        {".param r=1", "parameter 'r' is defined twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1000];
        snprintf(text, sizeof text,
                 "* title\n.subckt cell a b r=1k\n%s\nr1 a b {r}\n.ends\n"
                 ".subckt other a b\nr1 a b 1\n.ends\n",
                 cases[i].line);
        char with[2000]; /* the definitions that may be used stand before it */
        snprintf(with, sizeof with, "* title\n.subckt small a b\nr1 a b 1\n.ends\n%s.model dx d (is=1e-14)\n",
                 strchr(text, '\n') + 1);
        bool first = strstr(cases[i].message, "x.cir:3") != NULL;
        const char *used = first ? text : with;
        eqs_spice_file *file = NULL;
        eqs_status status = eqs_spice_file_parse(used, strlen(used), "x.cir", &file);
        if (status != EQS_BAD_DATA || strstr(eqs_error_message(), cases[i].message) == NULL)
            fail_msg("'%s': status %d, message '%s', wanted '%s'", cases[i].line, status, eqs_error_message(),
                     cases[i].message);
    }
}

static void damaged_structure_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "there is no .subckt"},
        {"r1 a b 1\n", "x.cir:1: 'r1' is not allowed outside a subcircuit"},
        {".subckt a\nr1 a b 1\n.ends\n", "x.cir:1: .subckt NAME PIN"},
        {".subckt a b\nr1 b 0 1\n", "x.cir:1: .subckt without .ends"},
        {".subckt a b\n.subckt c d\n.ends\n.ends\n", "without .ends (definitions do not nest)"},
        {".subckt a b\nr1 b 0 1\n.endsx\n.control\nquit\n.endc\n", "x.cir:1: .subckt without .ends"},
        {".subckt a b\nr1 b 0 1\n(.subckt c d\n.ends\n", "without .ends (definitions do not nest)"},
        {".model d1 d (is={v(a)})\n", "x.cir:1: expression 'v(a)': there is no node 'a' outside subcircuits"},
        {".subckt a b\n.ends\n", "has no elements"},
        {".subckt a b c\nr1 b 0 1\n.ends\n", "pin 'c' of subcircuit 'a' is connected to nothing"},
        {".subckt a b b\nr1 b 0 1\n.ends\n", "pin 'b' is there twice"},
        {".subckt a b\nr1 b 0 1\n.ends c\n", "x.cir:3: .ends closes no .subckt"},
        {"+ r1\n", "continues a line, but there is none"},
        {".subckt a b\nr1 b 0 1\n.ends\n.subckt a b\nr1 b 0 1\n.ends\n", "is defined twice"},
        {".subckt a b r=\nr1 b 0 1\n.ends\n", "name=number was expected"},
        {".subckt a b\nr1 b 0 1\001\n.ends\n", "x.cir:2: there is a control character"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eqs_spice_file *file = NULL;
        eqs_status status = eqs_spice_file_parse(cases[i].text, strlen(cases[i].text), "x.cir", &file);
        if (status != EQS_BAD_DATA || strstr(eqs_error_message(), cases[i].message) == NULL)
            fail_msg("'%s': status %d, message '%s'", cases[i].text, status, eqs_error_message());
    }
}

/* deep nesting and long lines end in an error, not on the stack */
static void limits_hold(void **state)
{
    (void)state;
    enum { SIZE = 200000 };
    char *text = malloc(SIZE + 100);
    eqs_spice_file *file = NULL;
    strcpy(text, ".subckt a b\nb1 b 0 v={");
    size_t n = strlen(text);
    memset(text + n, '(', 3000);
    strcpy(text + n + 3000, "1}\n.ends\n");
    assert_int_equal(eqs_spice_file_parse(text, strlen(text), "x.cir", &file), EQS_BAD_DATA);
    assert_non_null(strstr(eqs_error_message(), "nested too deeply"));
    memset(text + n, '-', 3000);
    assert_int_equal(eqs_spice_file_parse(text, strlen(text), "x.cir", &file), EQS_BAD_DATA);
    memset(text + n, '1', SIZE);
    assert_int_equal(eqs_spice_file_parse(text, n + SIZE, "x.cir", &file), EQS_BAD_DATA);
    assert_non_null(strstr(eqs_error_message(), "x.cir:2: the line is longer"));
    free(text);
}

/* bytes of a good file replaced, cut out or doubled: an error or a file, never a crash */
static void random_damage_never_crashes(void **state)
{
    (void)state;
    const char alphabet[] = "{}()'=+-*/ \n.,vxr0e\"$;?:<>&|!^";
    size_t refused = 0;
    for (uint32_t trial = 0; trial < 3000; trial++) {
        char text[sizeof good + 8];
        size_t length = sizeof good - 1;
        eqs_random stream = eqs_random_stream(7, EQS_RANDOM_SHUFFLE, trial, 0);
        memcpy(text, good, sizeof good);
        for (uint32_t k = 0; k < 3; k++) {
            size_t at = (size_t)(eqs_random_uniform(&stream, 2 * k) * (double)length);
            size_t what = (size_t)(eqs_random_uniform(&stream, 2 * k + 1) * (double)sizeof alphabet);
            if (what % 3 == 0)
                memmove(text + at, text + at + 1, length-- - at);
            else
                text[at] = alphabet[what < sizeof alphabet - 1 ? what : 0];
        }
        eqs_spice_file *file = NULL;
        eqs_status status = eqs_spice_file_parse(text, length, "x.cir", &file);
        assert_true(status == EQS_OK || status == EQS_BAD_DATA);
        if (status == EQS_OK)
            eqs_spice_file_destroy(file);
        else
            refused++;
    }
    assert_true(refused > 1000);
}

static void numbers_have_suffixes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } cases[] = {{"10k", 1e4},   {"2.5pF", 2.5e-12}, {"1MEG", 1e6},
                 {"-3m", -3e-3}, {".5", 0.5},        {"1e-6", 1e-6}};
    static const char *const wrong[] = {"", "k", "1k2", "0x10", "nan", "inf", "1e999", "2mil", "1,5"};
    double value;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(eqs_spice_read_number(cases[i].text, &value));
        assert_true(fabs(value - cases[i].value) <= 1e-15 * fabs(value));
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(eqs_spice_read_number(wrong[i], &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pins_and_parameters_are_listed),
        cmocka_unit_test(other_values_are_checked_again),
        cmocka_unit_test(checked_text_reads_back),
        cmocka_unit_test(what_is_not_allowed_names_its_line),
        cmocka_unit_test(damaged_structure_is_refused),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(random_damage_never_crashes),
        cmocka_unit_test(numbers_have_suffixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
