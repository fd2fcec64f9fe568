/* KINSOL as an independent check: it finds the fixed points that the trajectories end in. */
#include "tests/solver/solver_case.h"

#include "base/run.h"

static void newton_ends_where_the_trajectory_ends(void **unused)
{
    (void)unused;
    for (int form = 0; form < 3; form++) {
        for (int kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
            for (int topology = 0; topology < N_TOPOLOGIES; topology++) {
                case_def def = {.form = (eqs_form)form,
                                .activation = (eqs_activation_kind)kind,
                                .topology = (case_topology)topology,
                                .batch = 3,
                                .gain = 0.3, /* weak: one fixed point, whatever the path */
                                .tau_spread = 1000.0};
                if (!case_allowed(def.form, def.activation))
                    continue;
                test_case a = case_create(def), b = case_create(def);
                bool continuous = case_continuous(def.form, def.activation);
                eqs_relax_options options = case_options(continuous ? "cvode" : "euler", 1e-9);
                options.t_max = 1e6;
                options.max_steps = 10000000;
                options.rtol = 1e-5;
                case_relax(&a, &options);
                options = case_options("kinsol", 1e-11);
                assert_true(case_relax(&b, &options) <= 1e-11);
                double difference = eqs_state_difference(a.net, a.state, b.state, NULL);
                if (!(difference < 1e-7))
                    print_error("form %d, rho %d, topology %d: fixed points differ by %g\n", form, kind,
                                topology, difference);
                assert_true(difference < 1e-7);
                case_destroy(&a);
                case_destroy(&b);
            }
        }
    }
}

static void newton_counts_its_work(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .batch = 2});
    eqs_relax_options options = case_options("kinsol", 1e-10);
    eqs_relax_result result;
    assert_ok(eqs_relax_run(c.energy, &c.phase, &options, c.state, &result));
    assert_true(result.statistics.nonlinear_iterations > 0 && result.statistics.linear_iterations > 0);
    assert_true(result.statistics.jacobian_products >= result.statistics.linear_iterations);
    assert_true(result.time[0] == 0.0 && isfinite(result.energy[0]));
    assert_string_equal(result.solver, "kinsol");
    eqs_relax_result_clear(&result);
    case_destroy(&c);
}

static void a_start_at_the_fixed_point_costs_one_residual(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_PROJECTED});
    eqs_relax_options options = case_options("kinsol", 1e-10);
    case_relax(&c, &options);
    eqs_relax_result result;
    assert_ok(eqs_relax_run(c.energy, &c.phase, &options, c.state, &result));
    assert_int_equal(result.statistics.steps, 0);
    assert_int_equal(result.statistics.residual_evaluations, 1);
    eqs_relax_result_clear(&result);
    case_destroy(&c);
}

static void what_stops_newton_is_told(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .gain = 1.5});
    eqs_relax_options options = case_options("kinsol", 1e-10);
    eqs_relax_result result;
    options.max_steps = 1;
    assert_ok(eqs_relax_run(c.energy, &c.phase, &options, c.state, &result));
    assert_int_equal(result.end[0], EQS_RELAX_STEP_LIMIT);
    eqs_relax_result_clear(&result);

    eqs_state_fill(c.net, c.state, 0.0);
    options.max_steps = 1000;
    eqs_stop_request(2);
    assert_ok(eqs_relax_run(c.energy, &c.phase, &options, c.state, &result));
    eqs_stop_request(0);
    assert_int_equal(result.end[0], EQS_RELAX_STOPPED);
    eqs_relax_result_clear(&result);

    c.theta[0] = NAN;
    assert_ok(eqs_relax_run(c.energy, &c.phase, &options, c.state, &result));
    assert_int_equal(result.end[0], EQS_RELAX_FAILED);
    assert_non_null(strstr(result.failure, "KINSOL gave up"));
    eqs_relax_result_clear(&result);
    case_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newton_ends_where_the_trajectory_ends),
        cmocka_unit_test(newton_counts_its_work),
        cmocka_unit_test(a_start_at_the_fixed_point_costs_one_residual),
        cmocka_unit_test(what_stops_newton_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
