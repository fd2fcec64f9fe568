/* docs/extend/device.md: a device of one's own, saturating.cir, is checked, used in a circuit, and right. */
#include "base/memory.h"
#include "netlists/subcircuit.h"
#include "netlists/worker.h"
#include "tests/check.h"

static eqs_spice_file *load(void)
{
    eqs_spice_file *file;
    assert_ok(eqs_spice_file_load(EQS_TEST_FOLDER "/extend/saturating.cir", &file));
    return file;
}

static void its_pins_and_parameters_are_known(void **state)
{
    (void)state;
    eqs_spice_file *file = load();
    const eqs_spice_subcircuit *device = eqs_spice_file_top(file);
    assert_string_equal(device->name, "saturating");
    assert_int_equal(device->n_pins, 2);
    assert_string_equal(device->pin[1].name, "out");
    assert_string_equal(device->pin[1].meaning, "output voltage");
    size_t gain = eqs_spice_parameter_find(device, "gain");
    assert_true(gain < device->n_parameters);
    assert_close(device->parameter[gain].value, 2.0, 0.0, 0.0);
    eqs_spice_file_destroy(file);
}

static void ngspice_gives_its_closed_form(void **state)
{
    (void)state;
    static const double volts = 0.3, gain = 5.0, vmax = 0.8;
    static const char *const wanted[] = {"y"};
    eqs_spice_file *file = load();
    char *deck = eqs_format(
        "test of a device\n%sv1 a 0 dc 0.3\nx1 a y saturating gain=5 vmax=0.8\nrl y 0 1000\n.end\n",
        file->text);
    assert_non_null(deck);
    eqs_worker_options limits = eqs_worker_options_default();
    eqs_worker *worker;
    assert_ok(eqs_worker_create(&limits, &worker));
    eqs_spice_job job = {
        .deck = deck, .deck_length = strlen(deck), .command = "op", .n_wanted = 1, .wanted = wanted};
    eqs_spice_result result;
    assert_ok(eqs_worker_run(worker, &job, &result));
    assert_close(result.value[0], vmax * tanh(gain * volts / vmax), 1e-9, 0.0);
    eqs_spice_result_clear(&result);
    eqs_worker_destroy(worker);
    eqs_free(deck);
    eqs_spice_file_destroy(file);
}

static void a_mistake_in_it_is_named_with_its_line(void **state)
{
    (void)state;
    static const char text[] =
        "* wrong\n.subckt wrong in out\nr1 in 0 1k\nb1 out 0 v={limit(v(in),0,1)}\n.ends\n";
    eqs_spice_file *file;
    assert_fails(eqs_spice_file_parse(text, strlen(text), "wrong.cir", &file), EQS_BAD_DATA, "wrong.cir:4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_pins_and_parameters_are_known),
        cmocka_unit_test(ngspice_gives_its_closed_form),
        cmocka_unit_test(a_mistake_in_it_is_named_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
