/* The diode laws: continuity, monotony, and current as the derivative of the co-content. */
#include "models/diode.h"
#include "tests/check.h"

static eqs_diode diode(eqs_diode_law law)
{
    return (eqs_diode){law, 1e-2, 2.0 * eqs_thermal_voltage(300.15), 1e-6};
}

static void thermal_voltage_is_ngspices(void **state)
{
    (void)state;
    assert_close(eqs_thermal_voltage(300.15), 25.8649e-3, 1e-5, 0.0);
    assert_close(eqs_thermal_voltage(300.15), 1.38064852e-23 * 300.15 / 1.6021766208e-19, 1e-15, 0.0);
}

static void current_is_the_derivative_of_the_content_and_slope_that_of_current(void **state)
{
    (void)state;
    for (int law = EQS_DIODE_SHOCKLEY; law <= EQS_DIODE_NGSPICE; law++) {
        eqs_diode d = diode((eqs_diode_law)law);
        for (double v = -3.0; v < 0.9; v += 0.0137) {
            double h = 1e-5, i = eqs_diode_current(&d, v), g = eqs_diode_slope(&d, v);
            double up = eqs_diode_content(&d, v + h), down = eqs_diode_content(&d, v - h);
            assert_close((up - down) / (2.0 * h), i, 1e-6, 1e-9);
            up = eqs_diode_current(&d, v + h);
            down = eqs_diode_current(&d, v - h);
            assert_close((up - down) / (2.0 * h), g, 1e-6, 1e-7);
            assert_true(g >= 0.0);
            assert_true(eqs_diode_content(&d, v) >= 0.0);
        }
    }
}

static void ngspice_law_has_a_cubic_reverse_branch(void **state)
{
    (void)state;
    eqs_diode d = diode(EQS_DIODE_NGSPICE), s = diode(EQS_DIODE_SHOCKLEY);
    double v = -10.0 * d.vn, q = 3.0 / (10.0 * M_E);
    assert_close(eqs_diode_current(&d, v), -d.is * (1.0 - q * q * q) + d.gmin * v, 1e-14, 0.0);
    assert_true(eqs_diode_current(&d, v) - d.gmin * v - eqs_diode_current(&s, v) > 1.2e-3 * d.is);
    double edge = -3.0 * d.vn, step = 1e-9 * d.vn;
    assert_close(eqs_diode_current(&d, edge - step), eqs_diode_current(&d, edge + step), 1e-8, 0.0);
    assert_close(eqs_diode_slope(&d, edge - step), eqs_diode_slope(&d, edge + step), 1e-7, 0.0);
}

static void currents_stay_finite_and_continuous_at_any_voltage(void **state)
{
    (void)state;
    eqs_diode d = diode(EQS_DIODE_SHOCKLEY);
    assert_true(isfinite(eqs_diode_current(&d, 100.0)) && isfinite(eqs_diode_content(&d, 100.0)));
    double edge = 200.0 * d.vn;
    assert_close(eqs_diode_current(&d, edge * (1.0 + 1e-12)), eqs_diode_current(&d, edge), 1e-8, 0.0);
    assert_close(eqs_diode_content(&d, edge * (1.0 + 1e-12)), eqs_diode_content(&d, edge), 1e-8, 0.0);
    eqs_diode ideal = diode(EQS_DIODE_IDEAL);
    assert_true(eqs_diode_current(&ideal, 1.0) == 0.0 && eqs_diode_slope(&ideal, 1.0) == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thermal_voltage_is_ngspices),
        cmocka_unit_test(current_is_the_derivative_of_the_content_and_slope_that_of_current),
        cmocka_unit_test(ngspice_law_has_a_cubic_reverse_branch),
        cmocka_unit_test(currents_stay_finite_and_continuous_at_any_voltage),
    };
    return cmocka_run_group_tests_name("diode", tests, NULL, NULL);
}
