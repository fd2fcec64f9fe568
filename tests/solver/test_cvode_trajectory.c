/* CVODE's trajectories: linear solvers agree, energy falls, times are met, every end is reached. */
#include "tests/solver/solver_case.h"

#include "base/run.h"

#include <omp.h>

/* relaxes and keeps the result, whatever the end */
static eqs_relax_result relax(test_case *c, const eqs_relax_options *options)
{
    eqs_relax_result result;
    eqs_state_fill(c->net, c->state, 0.0);
    assert_ok(eqs_relax_run(c->energy, &c->phase, options, c->state, &result));
    return result;
}

static double largest_difference(const eqs_trajectory *a, const eqs_trajectory *b)
{
    double largest = 0.0;
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++)
        assert_true(a->time[i] == b->time[i]);
    for (size_t i = 0; i < a->n * a->n_state; i++)
        largest = fmax(largest, fabs(a->state[i] - b->state[i]));
    return largest;
}

static void dense_klu_krylov_and_adams_give_one_trajectory(void **unused)
{
    (void)unused;
    double times[40];
    for (size_t i = 0; i < 40; i++)
        times[i] = 0.1 * (double)(i + 1);
    for (int form = 0; form < 3; form += 2) {
        for (int kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
            if (!case_continuous((eqs_form)form, (eqs_activation_kind)kind))
                continue;
            test_case c = case_create((case_def){.form = (eqs_form)form,
                                                 .activation = (eqs_activation_kind)kind,
                                                 .topology = SKIP,
                                                 .tau_spread = 30.0});
            eqs_relax_options options = case_options("cvode", 0.0);
            options.t_max = 4.0;
            options.rtol = 1e-8;
            options.atol = 1e-10;
            options.record = EQS_RECORD_TIMES;
            options.n_record_times = 40;
            options.record_times = times;
            eqs_relax_result reference = relax(&c, &options);
            assert_int_equal(reference.trajectory[0].n, 41); /* the start, and every time asked for */
            for (int i = 0; i < 4; i++) {
                options.solver = i == 3 ? "cvode-adams" : "cvode-bdf";
                options.linear_solver = i == 0   ? EQS_LINEAR_KLU
                                        : i == 3 ? EQS_LINEAR_AUTO
                                                 : EQS_LINEAR_KRYLOV;
                options.preconditioner = i == 2 ? EQS_PRECONDITIONER_NONE : EQS_PRECONDITIONER_DIAGONAL;
                eqs_relax_result other = relax(&c, &options);
                assert_true(largest_difference(&reference.trajectory[0], &other.trajectory[0]) < 2e-6);
                eqs_relax_result_clear(&other);
            }
            eqs_relax_result_clear(&reference);
            case_destroy(&c);
        }
    }
}

static void the_trajectory_is_that_of_small_euler_steps(void **unused)
{
    (void)unused;
    const double times[] = {0.5, 1.0, 2.0};
    for (int form = 0; form < 3; form++) {
        eqs_activation_kind kind = form == EQS_FORM_GRADIENT ? EQS_TANH : EQS_HARD_SIGMOID;
        test_case c =
            case_create((case_def){.form = (eqs_form)form, .activation = kind, .topology = LATERAL});
        eqs_relax_options options = case_options("cvode", 0.0);
        options.t_max = 2.0;
        options.record = EQS_RECORD_TIMES;
        options.n_record_times = 3;
        options.record_times = times;
        eqs_relax_result smooth = relax(&c, &options);
        options.solver = "euler";
        options.step = 1e-4;
        eqs_relax_result small = relax(&c, &options);
        assert_true(largest_difference(&smooth.trajectory[0], &small.trajectory[0]) < 2e-4);
        assert_true(smooth.trajectory[0].time[3] == 2.0);
        assert_close(smooth.trajectory[0].energy[3], small.trajectory[0].energy[3], 0.0, 1e-4);
        eqs_relax_result_clear(&smooth);
        eqs_relax_result_clear(&small);
        case_destroy(&c);
    }
}

/* one relaxation with all steps recorded: the energy may rise by the integrator's error only */
static void check_energy(case_def def, const char *solver, double rtol)
{
    test_case c = case_create(def);
    eqs_relax_options options = case_options(solver, 1e-7);
    options.rtol = rtol;
    options.atol = 1e-3 * rtol;
    options.record = EQS_RECORD_STEPS;
    eqs_relax_result result = relax(&c, &options);
    const eqs_trajectory *t = &result.trajectory[0];
    assert_int_equal(result.end[0], EQS_RELAX_CONVERGED);
    assert_int_equal(t->n, (size_t)result.statistics.steps + 1);
    assert_true(t->time[0] == 0.0 && t->time[t->n - 1] == result.time[0]);
    assert_true(t->residual[t->n - 1] == result.residual[0]);
    assert_true(t->energy[t->n - 1] == result.energy[0]);
    for (size_t i = 1; i < t->n; i++) {
        if (t->energy[i] > t->energy[i - 1] + 10.0 * rtol)
            print_error("%s, form %d, rho %d: F rises by %g at t = %g\n", solver, def.form, def.activation,
                        t->energy[i] - t->energy[i - 1], t->time[i]);
        assert_true(t->energy[i] <= t->energy[i - 1] + 10.0 * rtol);
        assert_true(t->time[i] > t->time[i - 1]);
    }
    assert_true(t->energy[t->n - 1] < t->energy[0]);
    eqs_relax_result_clear(&result);
    case_destroy(&c);
}

static void the_energy_never_rises_along_a_trajectory(void **unused)
{
    (void)unused;
    for (int form = 0; form < 3; form++) {
        for (int kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
            for (int topology = 0; topology < N_TOPOLOGIES; topology++) {
                case_def def = {.form = (eqs_form)form,
                                .activation = (eqs_activation_kind)kind,
                                .topology = (case_topology)topology,
                                .tau_spread = topology == FULL ? 1000.0 : 0.0};
                if (!case_continuous(def.form, def.activation))
                    continue;
                check_energy(def, "cvode-bdf", 1e-4);
                check_energy(def, "cvode-bdf", 1e-6);
                if (def.tau_spread == 0.0)
                    check_energy(def, "cvode-adams", 1e-6);
            }
        }
    }
}

static void bdf_reaches_a_residual_of_1e_10(void **unused)
{
    (void)unused;
    for (int kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
        test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE,
                                             .activation = (eqs_activation_kind)kind,
                                             .topology = FULL,
                                             .batch = 3,
                                             .tau_spread = 1000.0});
        eqs_relax_options options = case_options("cvode", 1e-10);
        options.rtol = 1e-10;
        options.atol = 1e-13;
        assert_true(case_relax(&c, &options) <= 1e-10);
        case_destroy(&c);
    }
}

static void loose_tolerances_still_certify_the_fixed_point(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .batch = 4, .tau_spread = 1000.0});
    for (int i = 0; i < 3; i++) {
        eqs_relax_options options = case_options("cvode", 1e-7);
        options.linear_solver = (eqs_linear_solver)(EQS_LINEAR_DENSE + i);
        options.rtol = 1e-3;
        options.atol = 1e-6;
        eqs_state_fill(c.net, c.state, 0.0);
        assert_true(case_relax(&c, &options) <= 1e-7);
    }
    case_destroy(&c);
}

static void stiff_time_constants_leave_the_fixed_point_unchanged(void **unused)
{
    (void)unused;
    eqs_relax_options options = case_options("cvode", 1e-9);
    test_case even = case_create((case_def){.form = EQS_FORM_MEMBRANE, .topology = LATERAL});
    test_case stiff =
        case_create((case_def){.form = EQS_FORM_MEMBRANE, .topology = LATERAL, .tau_spread = 1000.0});
    memcpy(stiff.theta, even.theta, even.net->n_parameters * sizeof *even.theta);
    memcpy(stiff.x, even.x, case_units[0] * sizeof *even.x);
    case_relax(&even, &options);
    case_relax(&stiff, &options);
    assert_true(eqs_state_difference(even.net, even.state, stiff.state, NULL) < 1e-8);
    case_destroy(&even);
    case_destroy(&stiff);
}

static void a_saturated_potential_moves_on_after_the_state_has_settled(void **unused)
{
    (void)unused;
    /* strong biases hold every unit at 1: s settles at once, u = bias needs many time constants */
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE});
    for (size_t k = 1; k < CASE_LAYERS; k++) {
        for (size_t i = 0; i < case_units[k]; i++)
            eqs_bias(c.net, c.theta, k)[i] = 50.0;
    }
    eqs_relax_options options = case_options("cvode", 1e-8);
    eqs_relax_result result = relax(&c, &options);
    assert_int_equal(result.end[0], EQS_RELAX_CONVERGED);
    assert_true(result.residual[0] == 0.0 && result.time[0] < 1.0);
    eqs_relax_result_clear(&result);
    case_destroy(&c);
}

static void a_settled_start_stays_where_it_is(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .batch = 2});
    for (size_t i = 0; i < case_units[1]; i++)
        eqs_bias(c.net, c.theta, 1)[i] = i % 2 == 0 ? 4.0 : -4.0;
    eqs_relax_options options = case_options("cvode", 1e-10);
    options.rtol = 1e-9;
    case_relax(&c, &options);
    eqs_state *before;
    assert_ok(eqs_state_create(c.net, 2, &before));
    eqs_state_copy(c.net, c.state, before);

    /* a small nudge: from the settled potentials the path to the new fixed point stays near */
    c.phase.beta[EQS_BETA_Y] = 1e-3;
    options.settled_start = true;
    options.record = EQS_RECORD_STEPS;
    eqs_relax_result result;
    assert_ok(eqs_relax_run(c.energy, &c.phase, &options, c.state, &result));
    assert_int_equal(eqs_relax_unconverged(&result), 0);
    assert_true(result.time[0] > 0.0);
    assert_true(eqs_state_difference(c.net, before, c.state, NULL) < 1e-3);
    eqs_relax_result_clear(&result);
    c.phase.beta[EQS_BETA_Y] = 0.0;
    eqs_state_copy(c.net, before, c.state);
    assert_ok(eqs_relax_run(c.energy, &c.phase, &options, c.state, &result));
    assert_int_equal(result.statistics.steps, 0); /* already there: certified without a step */
    assert_int_equal(result.trajectory[0].n, 1);
    eqs_relax_result_clear(&result);
    eqs_state_destroy(before);
    case_destroy(&c);
}

static void every_reason_to_end_is_told(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE});
    const char *solvers[] = {"cvode-bdf", "cvode-adams"};
    for (size_t i = 0; i < 2; i++) {
        eqs_relax_options options = case_options(solvers[i], 1e-6);
        eqs_relax_result result = relax(&c, &options);
        assert_int_equal(result.end[0], EQS_RELAX_CONVERGED);
        assert_true(result.residual[0] <= 1e-6 && result.time[0] > 1.0 && result.seconds > 0.0);
        assert_string_equal(result.failure, "");
        eqs_relax_result_clear(&result);

        options.t_max = 0.5;
        result = relax(&c, &options);
        assert_int_equal(result.end[0], EQS_RELAX_TIME_LIMIT);
        assert_true(result.time[0] == 0.5 && result.residual[0] > 1e-6);
        eqs_relax_result_clear(&result);

        options = case_options(solvers[i], 1e-6);
        options.max_steps = 7;
        result = relax(&c, &options);
        assert_int_equal(result.end[0], EQS_RELAX_STEP_LIMIT);
        assert_int_equal(result.statistics.steps, 7);
        eqs_relax_result_clear(&result);

        options = case_options(solvers[i], 1e-6);
        eqs_stop_request(2);
        result = relax(&c, &options);
        eqs_stop_request(0);
        assert_int_equal(result.end[0], EQS_RELAX_STOPPED);
        eqs_relax_result_clear(&result);

        double kept = c.theta[0];
        c.theta[0] = NAN;
        result = relax(&c, &options);
        c.theta[0] = kept;
        assert_int_equal(result.end[0], EQS_RELAX_FAILED);
        assert_non_null(strstr(result.failure, "CVODE gave up at t = 0"));
        assert_int_equal(eqs_relax_unconverged(&result), 1);
        eqs_relax_result_clear(&result);
    }
    case_destroy(&c);
}

static void an_infinite_time_limit_is_none(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE});
    eqs_relax_options options = case_options("cvode", 1e-6);
    options.t_max = INFINITY;
    options.max_step = INFINITY;
    assert_true(case_relax(&c, &options) <= 1e-6);
    case_destroy(&c);
}

static void an_unstable_network_fails_and_says_so(void **unused)
{
    (void)unused;
    /* linear units with strong weights: the energy has no minimum and the state grows without bound */
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .activation = EQS_LINEAR, .gain = 8.0});
    eqs_relax_options options = case_options("cvode", 1e-6);
    options.t_max = INFINITY;
    eqs_relax_result result = relax(&c, &options);
    assert_int_equal(result.end[0], EQS_RELAX_FAILED);
    assert_non_null(strstr(result.failure, "grows without bound"));
    eqs_relax_result_clear(&result);
    case_destroy(&c);
}

static void a_sample_has_the_same_bits_alone_and_in_any_batch(void **unused)
{
    (void)unused;
    enum { BATCH = 6 };
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .batch = BATCH, .tau_spread = 100.0});
    test_case one = case_create((case_def){.form = EQS_FORM_MEMBRANE, .tau_spread = 100.0});
    for (int linear = EQS_LINEAR_DENSE; linear <= EQS_LINEAR_KRYLOV; linear++) {
        eqs_relax_options options = case_options("cvode", 1e-8);
        options.linear_solver = (eqs_linear_solver)linear;
        eqs_relax_statistics sum = {0};
        eqs_relax_result result = relax(&c, &options);
        for (size_t b = 0; b < BATCH; b++) {
            memcpy(one.x, c.x + b * case_units[0], case_units[0] * sizeof *c.x);
            eqs_relax_result alone = relax(&one, &options);
            assert_true(alone.residual[0] == result.residual[b] && alone.time[0] == result.time[b]);
            for (size_t k = 1; k < CASE_LAYERS; k++)
                assert_memory_equal(one.state->s[k], c.state->s[k] + b * case_units[k],
                                    case_units[k] * sizeof(double));
#define X(name, text) sum.name += alone.statistics.name;
            EQS_RELAX_STATISTICS_LIST(X)
#undef X
            eqs_relax_result_clear(&alone);
        }
        assert_memory_equal(&sum, &result.statistics, sizeof sum);
        assert_true(sum.steps > 0 && sum.nonlinear_iterations > 0 && sum.jacobian_evaluations > 0);
        assert_true((linear == EQS_LINEAR_KRYLOV) == (sum.jacobian_products > 0));
        eqs_relax_result_clear(&result);
    }
    case_destroy(&one);
    case_destroy(&c);
}

static void the_number_of_threads_changes_no_bit(void **unused)
{
    (void)unused;
    enum { BATCH = 9 };
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .topology = LATERAL, .batch = BATCH});
    eqs_state *reference;
    assert_ok(eqs_state_create(c.net, BATCH, &reference));
    eqs_relax_options options = case_options("cvode", 1e-8);
    options.linear_solver = EQS_LINEAR_KRYLOV;
    int usual = omp_get_max_threads();
    eqs_relax_statistics first = {0};
    for (int threads = 1; threads <= 4; threads++) {
        omp_set_num_threads(threads);
        eqs_relax_result result = relax(&c, &options);
        if (threads == 1) {
            eqs_state_copy(c.net, c.state, reference);
            first = result.statistics;
        }
        assert_true(eqs_state_difference(c.net, reference, c.state, NULL) == 0.0);
        assert_memory_equal(&first, &result.statistics, sizeof first);
        eqs_relax_result_clear(&result);
    }
    omp_set_num_threads(usual);
    eqs_state_destroy(reference);
    case_destroy(&c);
}

static void the_projected_form_stays_in_its_box(void **unused)
{
    (void)unused;
    for (int linear = EQS_LINEAR_DENSE; linear <= EQS_LINEAR_KRYLOV; linear++) {
        test_case c = case_create((case_def){.form = EQS_FORM_PROJECTED, .gain = 1.2, .topology = LATERAL});
        for (size_t i = 0; i < case_units[2]; i++)
            eqs_bias(c.net, c.theta, 2)[i] = i % 2 == 0 ? 2.0 : -2.0; /* hits both bounds */
        eqs_relax_options options = case_options("cvode", 1e-6);
        options.linear_solver = (eqs_linear_solver)linear;
        options.rtol = 1e-4;
        options.record = EQS_RECORD_STEPS;
        eqs_relax_result result = relax(&c, &options);
        assert_int_equal(result.end[0], EQS_RELAX_CONVERGED);
        const eqs_trajectory *t = &result.trajectory[0];
        size_t at_one = 0;
        for (size_t i = 0; i < t->n * t->n_state; i++) {
            assert_true(t->state[i] >= 0.0 && t->state[i] <= 1.0);
            at_one += t->state[i] == 1.0;
        }
        assert_true(at_one > 0);
        eqs_relax_result_clear(&result);
        case_destroy(&c);
    }
}

static void times_beyond_the_end_are_not_recorded(void **unused)
{
    (void)unused;
    const double times[] = {0.0, 0.25, 0.25, 1e3, 2e3};
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE});
    const char *solvers[] = {"cvode", "euler"};
    for (size_t i = 0; i < 2; i++) {
        eqs_relax_options options = case_options(solvers[i], 1e-6);
        options.record = EQS_RECORD_TIMES;
        options.n_record_times = 5;
        options.record_times = times;
        eqs_relax_result result = relax(&c, &options);
        assert_int_equal(result.trajectory[0].n, 3);
        assert_true(result.trajectory[0].time[0] == 0.0 && result.trajectory[0].time[2] == 0.25);
        eqs_relax_result_clear(&result);
    }
    case_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_klu_krylov_and_adams_give_one_trajectory),
        cmocka_unit_test(the_trajectory_is_that_of_small_euler_steps),
        cmocka_unit_test(the_energy_never_rises_along_a_trajectory),
        cmocka_unit_test(bdf_reaches_a_residual_of_1e_10),
        cmocka_unit_test(loose_tolerances_still_certify_the_fixed_point),
        cmocka_unit_test(stiff_time_constants_leave_the_fixed_point_unchanged),
        cmocka_unit_test(a_saturated_potential_moves_on_after_the_state_has_settled),
        cmocka_unit_test(a_settled_start_stays_where_it_is),
        cmocka_unit_test(every_reason_to_end_is_told),
        cmocka_unit_test(an_infinite_time_limit_is_none),
        cmocka_unit_test(an_unstable_network_fails_and_says_so),
        cmocka_unit_test(a_sample_has_the_same_bits_alone_and_in_any_batch),
        cmocka_unit_test(the_number_of_threads_changes_no_bit),
        cmocka_unit_test(the_projected_form_stays_in_its_box),
        cmocka_unit_test(times_beyond_the_end_are_not_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
