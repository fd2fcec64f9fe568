/* The Schur preconditioner is the exact inverse of CVODE's Newton matrix: GMRES needs one iteration, and the
 * trajectory is that of the direct solver. */
#include "solver/relax.h"
#include "tests/resistive_case.h"

static eqs_relax_options how(eqs_linear_solver linear, eqs_preconditioner preconditioner)
{
    eqs_relax_options o = eqs_relax_options_default();
    o.solver = "cvode-bdf";
    o.linear_solver = linear;
    o.preconditioner = preconditioner;
    o.tolerance = 1e-9;
    return o;
}

static void one_iteration_per_newton_step_and_the_end_of_the_dense_solver(void **state)
{
    (void)state;
    for (size_t n = 0; n < 6; n++) { /* layered shapes; projected flows hold units at their bounds */
        resistive_shape shape;
        assert_true(shape_get(n, &shape));
        shape.form = n == 0 ? EQS_FORM_PROJECTED : EQS_FORM_MEMBRANE;
        resistive_case c = case_create(&shape, 170 + n);
        eqs_state *other;
        eqs_relax_result dense, schur, plain;
        assert_ok(eqs_state_create(c.net, shape.batch, &other));
        eqs_relax_options o = how(EQS_LINEAR_DENSE, EQS_PRECONDITIONER_NONE);
        eqs_state_fill(c.net, c.state, 0.0);
        assert_ok(eqs_relax_run(c.energy, &c.phase, &o, c.state, &dense));
        o = how(EQS_LINEAR_AUTO, EQS_PRECONDITIONER_SCHUR);
        eqs_state_fill(c.net, other, 0.0);
        assert_ok(eqs_relax_run(c.energy, &c.phase, &o, other, &schur));
        assert_close(eqs_state_difference(c.net, c.state, other, NULL), 0.0, 0.0, 1e-7);
        o = how(EQS_LINEAR_KRYLOV, EQS_PRECONDITIONER_NONE);
        eqs_state_fill(c.net, other, 0.0);
        assert_ok(eqs_relax_run(c.energy, &c.phase, &o, other, &plain));
        assert_int_equal(eqs_relax_unconverged(&dense) + eqs_relax_unconverged(&schur), 0);
        assert_true(schur.statistics.steps * 10 < dense.statistics.steps * 13);
        /* one, and now and then a second where J is some steps old */
        assert_true(schur.statistics.linear_iterations * 5 < schur.statistics.nonlinear_iterations * 7);
        assert_true(schur.statistics.linear_iterations * 3 < plain.statistics.linear_iterations * 2);
        eqs_relax_result_clear(&dense);
        eqs_relax_result_clear(&schur);
        eqs_relax_result_clear(&plain);
        eqs_state_destroy(other);
        case_destroy(&c);
    }
}

static void networks_of_more_colours_are_refused(void **state)
{
    (void)state;
    resistive_shape shape;
    assert_true(shape_get(6, &shape));
    resistive_case c = case_create(&shape, 180);
    eqs_relax_options o = how(EQS_LINEAR_KRYLOV, EQS_PRECONDITIONER_SCHUR);
    eqs_relax_result result;
    assert_fails(eqs_relax_run(c.energy, &c.phase, &o, c.state, &result), EQS_BAD_CONFIG, "two colours");
    case_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_iteration_per_newton_step_and_the_end_of_the_dense_solver),
        cmocka_unit_test(networks_of_more_colours_are_refused),
    };
    return cmocka_run_group_tests_name("cvode_schur", tests, NULL, NULL);
}
