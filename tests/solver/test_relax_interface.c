/* The interface of relaxations: names, options, refusals, results. */
#include "tests/solver/solver_case.h"

static eqs_status run(test_case *c, const eqs_relax_options *options)
{
    eqs_relax_result result;
    eqs_status status = eqs_relax_run(c->energy, &c->phase, options, c->state, &result);
    if (status == EQS_OK)
        eqs_relax_result_clear(&result);
    else
        assert_null(result.end); /* nothing to clear after an error */
    return status;
}

static void an_unknown_solver_is_refused_with_the_nearest_name(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE});
    eqs_relax_options options = case_options("cvode-bfd", 1e-6);
    assert_fails(run(&c, &options), EQS_BAD_CONFIG, "'cvode-bfd' is unknown, the nearest is 'cvode-bdf'");
    assert_fails(run(&c, &options), EQS_BAD_CONFIG, "euler");
    options.solver = "a name that is far longer than any solver's name can ever be";
    assert_fails(run(&c, &options), EQS_BAD_CONFIG, "is unknown");
    case_destroy(&c);
}

static void cvode_means_cvode_bdf(void **unused)
{
    (void)unused;
    assert_ptr_equal(eqs_solver_find("cvode"), eqs_solver_find("cvode-bdf"));
    assert_string_equal(eqs_solver_find("cvode")->name, "cvode-bdf");
    assert_null(eqs_solver_find("no such solver"));
}

static void every_solver_has_a_name_a_summary_and_a_run(void **unused)
{
    (void)unused;
    size_t n = 0;
    for (; eqs_solver_get(n) != NULL; n++) {
        const eqs_solver *solver = eqs_solver_get(n);
        assert_ptr_equal(eqs_solver_find(solver->name), solver);
        assert_true(strlen(solver->summary) > 10);
        assert_non_null(solver->run);
    }
    assert_true(n >= 4);
}

static void options_out_of_range_are_refused_by_name(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE});
    const double falling[] = {1.0, 0.5}, negative[] = {-1.0}, infinite[] = {INFINITY};
    eqs_relax_options good = case_options("euler", 1e-6), options;
#define REFUSED(change, text)                                                                                \
    options = good;                                                                                          \
    change;                                                                                                  \
    assert_fails(run(&c, &options), EQS_BAD_CONFIG, text)
    REFUSED(options.tolerance = -1.0, "relaxation.tolerance: -1 found; allowed: >= 0");
    REFUSED(options.tolerance = NAN, "relaxation.tolerance");
    REFUSED(options.t_max = 0.0, "relaxation.t_max: 0 found; allowed: > 0");
    REFUSED(options.t_max = NAN, "relaxation.t_max");
    REFUSED(options.step = 0.0, "relaxation.step");
    REFUSED(options.step = INFINITY, "relaxation.step");
    REFUSED(options.rtol = 0.0, "relaxation.rtol");
    REFUSED(options.atol = -1.0, "relaxation.atol");
    REFUSED(options.max_step = 0.0, "relaxation.max_step");
    REFUSED(options.max_steps = 0, "relaxation.max_steps");
    REFUSED(options.linear_solver = (eqs_linear_solver)17, "unknown linear solver 17");
    REFUSED(options.record = (eqs_record_mode)9, "unknown mode 9");
    REFUSED(options.record = EQS_RECORD_TIMES, "no times are given");
    REFUSED((options.record = EQS_RECORD_TIMES, options.n_record_times = 2, options.record_times = falling),
            "time 1 is 0.5 after 1");
    REFUSED((options.record = EQS_RECORD_TIMES, options.n_record_times = 1, options.record_times = negative),
            "time 0 is -1");
    REFUSED((options.record = EQS_RECORD_TIMES, options.n_record_times = 1, options.record_times = infinite),
            "time 0 is inf");
#undef REFUSED
    assert_ok(run(&c, &good));
    case_destroy(&c);
}

static void requests_that_a_solver_cannot_fulfil_are_refused(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE});
    eqs_relax_options options = case_options("kinsol", 1e-6);
    options.record = EQS_RECORD_STEPS;
    assert_fails(run(&c, &options), EQS_BAD_CONFIG, "kinsol does not follow time");
    options = case_options("cvode", 1e-6);
    options.fixed_iterations = true;
    assert_fails(run(&c, &options), EQS_BAD_CONFIG,
                 "fixed_iterations: solver cvode-bdf ends on the residual");
    options = case_options("cvode-adams", 1e-6);
    options.linear_solver = EQS_LINEAR_KLU;
    assert_fails(run(&c, &options), EQS_BAD_CONFIG, "cvode-adams has none to choose; allowed: cvode-bdf");
    case_destroy(&c);
}

static void cvode_refuses_the_gradient_form_with_a_clipped_rho(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_GRADIENT, .activation = EQS_HARD_SIGMOID});
    eqs_relax_options options = case_options("cvode", 1e-6);
    assert_fails(run(&c, &options), EQS_BAD_CONFIG, "use form membrane or projected");
    options.solver = "cvode-adams";
    assert_fails(run(&c, &options), EQS_BAD_CONFIG, "use form membrane or projected");
    case_destroy(&c);
}

static void a_nudge_without_equilibrium_is_refused(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE});
    const char *solvers[] = {"cvode", "cvode-adams", "euler", "kinsol"};
    for (size_t i = 0; i < 4; i++) {
        eqs_relax_options options = case_options(solvers[i], 1e-6);
        c.phase.beta[EQS_BETA_Y] = -1.0;
        assert_fails(run(&c, &options), EQS_BAD_CONFIG, "beta = -1 on layer 3 leaves no equilibrium");
        c.phase.beta[EQS_BETA_Y] = -1.5;
        assert_fails(run(&c, &options), EQS_BAD_CONFIG, "1 + beta > 0");
        c.phase.beta[EQS_BETA_Y] = -0.5;
        assert_ok(run(&c, &options));
    }
    case_destroy(&c);
}

static void the_papers_truncated_phase_may_have_beta_minus_one(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_PROJECTED});
    eqs_relax_options options = case_options("euler", 1e-6);
    options.fixed_iterations = true;
    options.max_steps = 4;
    c.phase.beta[EQS_BETA_Y] = -1.0;
    assert_ok(run(&c, &options));
    case_destroy(&c);
}

static void a_smooth_membrane_takes_beta_below_minus_one(void **unused)
{
    (void)unused;
    /* its leak is the integral of rho^-1, with curvature >= 4 for the sigmoid */
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .activation = EQS_SIGMOID});
    eqs_relax_options options = case_options("cvode", 1e-9);
    c.phase.beta[EQS_BETA_Y] = -2.0;
    assert_true(case_relax(&c, &options) <= 1e-9);
    case_destroy(&c);
}

static void a_nudge_without_targets_is_refused(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE});
    eqs_relax_options options = case_options("cvode", 1e-6);
    c.phase.target = NULL;
    assert_ok(run(&c, &options));
    c.phase.beta[EQS_BETA_Y] = 0.5;
    assert_fails(run(&c, &options), EQS_BAD_DATA, "there are no targets");
    case_destroy(&c);
}

static void a_state_of_another_shape_is_refused(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .batch = 2});
    eqs_relax_options options = case_options("cvode", 1e-6);
    c.phase.batch = 1;
    assert_fails(run(&c, &options), EQS_INTERNAL, "1 samples, but the state holds 2");
    case_destroy(&c);
}

static eqs_status trivial_run(const eqs_energy *energy, const eqs_phase *phase,
                              const eqs_relax_options *options, eqs_state *state, eqs_relax_result *result)
{
    (void)state;
    EQS_TRY(eqs_relax_result_init(energy, options, phase->batch, result));
    for (size_t b = 0; b < phase->batch; b++)
        result->end[b] = b == 0 ? EQS_RELAX_CONVERGED : EQS_RELAX_STEP_LIMIT;
    return EQS_OK;
}

static const char *never(const eqs_energy *energy, const eqs_relax_options *options)
{
    (void)energy, (void)options;
    return "does nothing; use cvode";
}

static void a_users_solver_can_be_registered_and_run(void **unused)
{
    (void)unused;
    static const eqs_solver mine = {.name = "mine", .summary = "does nothing at all", .run = trivial_run};
    static const eqs_solver unable = {
        .name = "unable", .summary = "can do nothing at all", .run = trivial_run, .unsupported = never};
    static const eqs_solver nameless = {.run = trivial_run};
    assert_ok(eqs_solver_register(&mine));
    assert_ok(eqs_solver_register(&unable));
    assert_fails(eqs_solver_register(&mine), EQS_BAD_CONFIG, "'mine' is taken");
    assert_fails(eqs_solver_register(&nameless), EQS_BAD_CONFIG, "a name");

    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .batch = 3});
    eqs_relax_options options = case_options("mine", 1e-6);
    eqs_relax_result result;
    assert_ok(eqs_relax_run(c.energy, &c.phase, &options, c.state, &result));
    assert_string_equal(result.solver, "mine");
    assert_int_equal(eqs_relax_unconverged(&result), 2);
    eqs_relax_result_clear(&result);
    options.solver = "unable";
    assert_fails(run(&c, &options), EQS_BAD_CONFIG, "unable does nothing; use cvode");
    case_destroy(&c);
}

static void the_table_of_registered_solvers_has_an_end(void **unused)
{
    (void)unused;
    static eqs_solver many[40];
    static char names[40][16];
    eqs_status status = EQS_OK;
    size_t n = 0;
    for (; n < 40 && status == EQS_OK; n++) {
        snprintf(names[n], sizeof names[n], "many-%zu", n);
        many[n] = (eqs_solver){.name = names[n], .summary = "one of very many", .run = trivial_run};
        status = eqs_solver_register(&many[n]);
    }
    assert_int_equal(status, EQS_BAD_CONFIG);
    assert_non_null(strstr(eqs_error_message(), "exceeds the 32"));
    assert_non_null(eqs_solver_find("many-20"));
}

static void every_end_has_a_name(void **unused)
{
    (void)unused;
    assert_string_equal(eqs_relax_end_name(EQS_RELAX_CONVERGED), "converged");
    assert_string_equal(eqs_relax_end_name(EQS_RELAX_STOPPED), "stopped");
    assert_string_equal(eqs_relax_end_name(EQS_RELAX_END_COUNT), "unknown");
}

static void a_trajectory_grows_and_keeps_its_points(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE});
    eqs_relax_options options = case_options("euler", 1e-6);
    options.record = EQS_RECORD_STEPS;
    eqs_relax_result result = {0};
    assert_ok(eqs_relax_result_init(c.energy, &options, 1, &result));
    size_t n = eqs_network_state_size(c.net);
    double point[64];
    for (size_t i = 0; i < 1000; i++) {
        for (size_t j = 0; j < n; j++)
            point[j] = (double)(i * n + j);
        assert_ok(eqs_trajectory_append(&result.trajectory[0], (double)i, 2.0 * (double)i, 0.5, point));
    }
    assert_int_equal(result.trajectory[0].n, 1000);
    for (size_t i = 0; i < 1000 * n; i++)
        assert_true(result.trajectory[0].state[i] == (double)i);
    assert_true(result.trajectory[0].time[999] == 999.0 && result.trajectory[0].energy[999] == 1998.0);
    eqs_relax_result_clear(&result);
    case_destroy(&c);
}

static void every_failed_allocation_is_an_error_without_leaks(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .batch = 2});
    const char *solvers[] = {"cvode", "cvode-adams", "euler", "kinsol"};
    eqs_linear_solver linear[] = {EQS_LINEAR_KLU, EQS_LINEAR_AUTO, EQS_LINEAR_AUTO, EQS_LINEAR_AUTO};
    for (size_t i = 0; i < 4; i++) {
        eqs_relax_options options = case_options(solvers[i], 1e-6);
        options.linear_solver = linear[i];
        options.record = i < 3 ? EQS_RECORD_STEPS : EQS_RECORD_NONE;
        eqs_status status = EQS_NO_MEMORY;
        long k = 1;
        for (; status == EQS_NO_MEMORY && k < 1000; k++) {
            eqs_state_fill(c.net, c.state, 0.0);
            eqs_alloc_fail_at(k);
            status = run(&c, &options);
            eqs_alloc_fail_at(0);
        }
        assert_int_equal(status, EQS_OK);
        assert_true(k > 4);
    }
    case_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_solver_is_refused_with_the_nearest_name),
        cmocka_unit_test(cvode_means_cvode_bdf),
        cmocka_unit_test(every_solver_has_a_name_a_summary_and_a_run),
        cmocka_unit_test(options_out_of_range_are_refused_by_name),
        cmocka_unit_test(requests_that_a_solver_cannot_fulfil_are_refused),
        cmocka_unit_test(cvode_refuses_the_gradient_form_with_a_clipped_rho),
        cmocka_unit_test(a_nudge_without_equilibrium_is_refused),
        cmocka_unit_test(the_papers_truncated_phase_may_have_beta_minus_one),
        cmocka_unit_test(a_smooth_membrane_takes_beta_below_minus_one),
        cmocka_unit_test(a_nudge_without_targets_is_refused),
        cmocka_unit_test(a_state_of_another_shape_is_refused),
        cmocka_unit_test(a_users_solver_can_be_registered_and_run),
        cmocka_unit_test(the_table_of_registered_solvers_has_an_end),
        cmocka_unit_test(every_end_has_a_name),
        cmocka_unit_test(a_trajectory_grows_and_keeps_its_points),
        cmocka_unit_test(every_failed_allocation_is_an_error_without_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
