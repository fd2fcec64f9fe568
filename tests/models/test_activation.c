#include "models/activation.h"
#include "tests/check.h"

static const double points[] = {-3.1, -0.9, -0.2, 0.1, 0.45, 0.8, 1.7, 4.0};
enum { N_POINTS = sizeof points / sizeof *points };

static eqs_activation shaped(unsigned kind)
{
    eqs_activation a = eqs_activation_default((eqs_activation_kind)kind);
    if (!eqs_activation_is_clipped(&a)) {
        a.slope = 1.7;
        a.shift = 0.3;
    }
    return a;
}

static void derivatives_match_finite_differences(void **state)
{
    (void)state;
    double h = 1e-5;
    for (unsigned kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
        eqs_activation a = shaped(kind);
        for (size_t i = 0; i < N_POINTS; i++) {
            double s = points[i];
            assert_close(eqs_rho_derivative(&a, s), (eqs_rho(&a, s + h) - eqs_rho(&a, s - h)) / (2 * h), 1e-8,
                         1e-9);
            assert_close(eqs_rho_second(&a, s),
                         (eqs_rho_derivative(&a, s + h) - eqs_rho_derivative(&a, s - h)) / (2 * h), 1e-6,
                         1e-8);
        }
    }
}

static void the_inverse_undoes_smooth_activations(void **state)
{
    (void)state;
    for (unsigned kind = EQS_LINEAR; kind < EQS_ACTIVATION_COUNT; kind++) {
        eqs_activation a = shaped(kind);
        for (size_t i = 0; i < N_POINTS; i++)
            assert_close(eqs_rho_inverse(&a, eqs_rho(&a, points[i])), points[i], 1e-9, 1e-9);
    }
}

static void the_integral_has_rho_as_derivative_and_starts_at_zero(void **state)
{
    (void)state;
    double h = 1e-4;
    for (unsigned kind = EQS_SIGMOID; kind < EQS_ACTIVATION_COUNT; kind++) {
        eqs_activation a = shaped(kind);
        assert_close(eqs_rho_integral(&a, 0.0), 0.0, 0.0, 1e-14);
        for (size_t i = 0; i < N_POINTS; i++) {
            double u = points[i];
            assert_close((eqs_rho_integral(&a, u + h) - eqs_rho_integral(&a, u - h)) / (2 * h),
                         eqs_rho(&a, u), 1e-7, 1e-8);
        }
        assert_true(isfinite(eqs_rho_integral(&a, 800.0)) && isfinite(eqs_rho_integral(&a, -800.0)));
    }
}

static void names_round_trip_and_unknown_ones_are_refused(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
        eqs_activation a;
        assert_ok(eqs_activation_from_name(eqs_activation_name((eqs_activation_kind)kind), &a));
        assert_int_equal(a.kind, kind);
        assert_ok(eqs_activation_check(&a));
    }
    eqs_activation a;
    assert_fails(eqs_activation_from_name("step", &a), EQS_BAD_CONFIG, "'step'");
}

static void thresholds_must_straddle_zero_at_distance_one(void **state)
{
    (void)state;
    eqs_activation a = eqs_activation_default(EQS_PIECEWISE_LINEAR);
    a.lo = a.offset = -0.25;
    a.hi = 0.75;
    assert_ok(eqs_activation_check(&a));
    assert_close(eqs_rho(&a, 0.0), 0.25, 0.0, 0.0);
    assert_close(eqs_rho(&a, 9.0), 1.0, 0.0, 0.0);
    a.hi = 0.5;
    assert_fails(eqs_activation_check(&a), EQS_BAD_CONFIG, "beta2 = beta1 + 1");
    a = eqs_activation_default(EQS_SIGMOID);
    a.slope = 0.0;
    assert_fails(eqs_activation_check(&a), EQS_BAD_CONFIG, "slope");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derivatives_match_finite_differences),
        cmocka_unit_test(the_inverse_undoes_smooth_activations),
        cmocka_unit_test(the_integral_has_rho_as_derivative_and_starts_at_zero),
        cmocka_unit_test(names_round_trip_and_unknown_ones_are_refused),
        cmocka_unit_test(thresholds_must_straddle_zero_at_distance_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
