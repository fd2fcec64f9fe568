/* Explicit Euler: the iterates of paper 001, its limits and records. */
#include "tests/solver/solver_case.h"

#include "base/run.h"
#include "models/field.h"

static eqs_relax_result relax(test_case *c, const eqs_relax_options *options)
{
    eqs_relax_result result;
    eqs_state_fill(c->net, c->state, 0.0);
    assert_ok(eqs_relax_run(c->energy, &c->phase, options, c->state, &result));
    return result;
}

/* -dF/ds of Eqs. 41 and 42 for a layered net of hard sigmoids inside its box, written out */
static void paper_force(const test_case *c, double *const s[CASE_LAYERS], double *const force[CASE_LAYERS])
{
    for (size_t k = 1; k < CASE_LAYERS; k++) {
        size_t n = case_units[k];
        for (size_t i = 0; i < n; i++) {
            double sum = eqs_bias_const(c->net, c->theta, k)[i] - s[k][i];
            const double *below = eqs_weights_const(c->net, c->theta, k - 1);
            for (size_t j = 0; j < case_units[k - 1]; j++)
                sum += s[k - 1][j] * below[j * n + i];
            if (k + 1 < CASE_LAYERS) {
                const double *above = eqs_weights_const(c->net, c->theta, k);
                for (size_t j = 0; j < case_units[k + 1]; j++)
                    sum += above[i * case_units[k + 1] + j] * s[k + 1][j];
            } else {
                sum += c->phase.beta[EQS_BETA_Y] * (c->target[i] - s[k][i]);
            }
            force[k][i] = sum;
        }
    }
}

static void the_iterates_are_those_of_equation_54(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_PROJECTED, .gain = 2.0});
    c.phase.beta[EQS_BETA_Y] = 0.5;
    double s[CASE_LAYERS][8] = {{0}}, force[CASE_LAYERS][8];
    double *rows[CASE_LAYERS], *forces[CASE_LAYERS];
    for (size_t k = 0; k < CASE_LAYERS; k++) {
        rows[k] = s[k];
        forces[k] = force[k];
    }
    memcpy(s[0], c.x, case_units[0] * sizeof *c.x);
    eqs_relax_options options = case_options("euler", 1e-6);
    options.fixed_iterations = true;
    options.step = 0.5;
    for (size_t n = 1; n <= 30; n++) {
        paper_force(&c, rows, forces);
        for (size_t k = 1; k < CASE_LAYERS; k++) {
            for (size_t i = 0; i < case_units[k]; i++)
                s[k][i] = fmin(fmax(s[k][i] + 0.5 * force[k][i], 0.0), 1.0);
        }
        options.max_steps = n;
        eqs_relax_result result = relax(&c, &options);
        assert_int_equal(result.statistics.steps, n);
        assert_true(result.time[0] == 0.5 * (double)n);
        for (size_t k = 1; k < CASE_LAYERS; k++) {
            for (size_t i = 0; i < case_units[k]; i++)
                assert_close(c.state->s[k][i], s[k][i], 0.0, 1e-13);
        }
        eqs_relax_result_clear(&result);
    }
    case_destroy(&c);
}

static void gradient_and_projected_forms_have_the_same_iterates(void **unused)
{
    (void)unused;
    test_case a = case_create((case_def){.form = EQS_FORM_PROJECTED, .topology = LATERAL, .gain = 1.5});
    test_case b = case_create((case_def){.form = EQS_FORM_GRADIENT, .topology = LATERAL, .gain = 1.5});
    eqs_relax_options options = case_options("euler", 1e-9);
    eqs_relax_result ra = relax(&a, &options), rb = relax(&b, &options);
    assert_int_equal(ra.end[0], EQS_RELAX_CONVERGED);
    assert_int_equal(rb.end[0], EQS_RELAX_CONVERGED);
    assert_int_equal(ra.statistics.steps, rb.statistics.steps);
    assert_true(eqs_state_difference(a.net, a.state, b.state, NULL) == 0.0);
    eqs_relax_result_clear(&ra);
    eqs_relax_result_clear(&rb);
    case_destroy(&a);
    case_destroy(&b);
}

static void all_forms_of_a_clipped_rho_share_their_fixed_point(void **unused)
{
    (void)unused;
    for (int kind = EQS_HARD_SIGMOID; kind <= EQS_LINEAR; kind++) {
        for (int topology = 0; topology < N_TOPOLOGIES; topology++) {
            eqs_state *first = NULL;
            for (int form = 0; form < 3; form++) {
                test_case c = case_create((case_def){.form = (eqs_form)form,
                                                     .activation = (eqs_activation_kind)kind,
                                                     .topology = (case_topology)topology});
                eqs_relax_options options = case_options("euler", 1e-12);
                options.t_max = INFINITY;
                assert_true(case_relax(&c, &options) <= 1e-12);
                if (form == 0)
                    assert_ok(eqs_state_create(c.net, 1, &first));
                if (form == 0)
                    eqs_state_copy(c.net, c.state, first);
                assert_true(eqs_state_difference(c.net, first, c.state, NULL) < 1e-10);
                case_destroy(&c);
            }
            eqs_state_destroy(first);
        }
    }
}

static void the_residual_is_that_of_the_field(void **unused)
{
    (void)unused;
    /* Euler takes its residual from f; the field computes its own. Stopped half-way, with saturated units */
    for (int form = 0; form < 3; form++) {
        for (int kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
            if (!case_continuous((eqs_form)form, (eqs_activation_kind)kind))
                continue;
            test_case c = case_create((case_def){.form = (eqs_form)form,
                                                 .activation = (eqs_activation_kind)kind,
                                                 .topology = SOFT_INPUT,
                                                 .batch = 3,
                                                 .tau_spread = 5.0});
            c.phase.beta[EQS_BETA_Y] = 0.5;
            eqs_bias(c.net, c.theta, 1)[0] = 3.0;
            eqs_bias(c.net, c.theta, 2)[1] = -3.0;
            eqs_relax_options options = case_options("euler", 0.0);
            options.fixed_iterations = true;
            options.max_steps = 9;
            eqs_relax_result result = relax(&c, &options);
            eqs_field *field;
            assert_ok(eqs_field_create(c.energy, &c.phase, &field));
            double *x = eqs_alloc(field->n, sizeof *x), residual[3], energy[3];
            field->ops->from_state(field, c.state, false, x);
            field->ops->residual(field, x, residual);
            field->ops->energy(field, x, energy);
            for (size_t b = 0; b < 3; b++) {
                assert_int_equal(result.end[b], EQS_RELAX_STEP_LIMIT);
                assert_close(result.residual[b], residual[b], 1e-9, 1e-12);
                assert_close(result.energy[b], energy[b], 1e-12, 1e-12);
            }
            eqs_free(x);
            eqs_field_destroy(field);
            eqs_relax_result_clear(&result);
            case_destroy(&c);
        }
    }
}

static void the_energy_falls_at_every_small_step(void **unused)
{
    (void)unused;
    for (int form = 0; form < 3; form++) {
        for (int kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
            if (!case_allowed((eqs_form)form, (eqs_activation_kind)kind))
                continue;
            test_case c = case_create((case_def){.form = (eqs_form)form,
                                                 .activation = (eqs_activation_kind)kind,
                                                 .topology = SKIP,
                                                 .batch = 2});
            eqs_relax_options options = case_options("euler", 1e-8);
            options.step = 0.05;
            options.record = EQS_RECORD_STEPS;
            eqs_relax_result result = relax(&c, &options);
            for (size_t b = 0; b < 2; b++) {
                const eqs_trajectory *t = &result.trajectory[b];
                assert_int_equal(result.end[b], EQS_RELAX_CONVERGED);
                assert_true(t->n > 50 && t->time[0] == 0.0 && t->time[t->n - 1] == result.time[b]);
                for (size_t i = 1; i < t->n; i++)
                    assert_true(t->energy[i] <= t->energy[i - 1] + 1e-14);
                assert_close(t->energy[t->n - 1], result.energy[b], 1e-14, 1e-14);
            }
            eqs_relax_result_clear(&result);
            case_destroy(&c);
        }
    }
}

static void the_step_is_in_units_of_the_smallest_tau(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .tau_spread = 1000.0});
    double smallest = INFINITY;
    for (size_t k = 1; k < CASE_LAYERS; k++) {
        for (size_t i = 0; i < case_units[k]; i++)
            smallest = fmin(smallest, c.net->layer[k].tau[i]);
    }
    eqs_relax_options options = case_options("euler", 1e-6);
    options.step = 1.5;
    options.fixed_iterations = true;
    options.max_steps = 10;
    eqs_relax_result result = relax(&c, &options);
    assert_close(result.time[0], 15.0 * smallest, 1e-14, 0.0);
    eqs_relax_result_clear(&result);

    options.fixed_iterations = false;
    options.max_steps = 100000;
    result = relax(&c, &options);
    assert_int_equal(result.end[0], EQS_RELAX_CONVERGED); /* stable below 2, and stiff: very many steps */
    assert_true(result.statistics.steps > 1000);
    eqs_relax_result_clear(&result);
    case_destroy(&c);
}

static void a_finished_sample_stays_and_does_not_depend_on_the_others(void **unused)
{
    (void)unused;
    enum { BATCH = 5 };
    test_case c = case_create((case_def){.form = EQS_FORM_PROJECTED, .batch = BATCH, .gain = 1.5});
    test_case one = case_create((case_def){.form = EQS_FORM_PROJECTED, .gain = 1.5});
    eqs_relax_options options = case_options("euler", 1e-6);
    eqs_relax_result result = relax(&c, &options);
    long steps = 0;
    bool differ = false;
    for (size_t b = 0; b < BATCH; b++) {
        memcpy(one.x, c.x + b * case_units[0], case_units[0] * sizeof *c.x);
        eqs_relax_result alone = relax(&one, &options);
        assert_true(alone.time[0] == result.time[b]);
        assert_close(alone.residual[0], result.residual[b], 1e-6, 0.0);
        for (size_t k = 1; k < CASE_LAYERS; k++) {
            for (size_t i = 0; i < case_units[k]; i++)
                assert_close(one.state->s[k][i], c.state->s[k][b * case_units[k] + i], 0.0, 1e-13);
        }
        steps += alone.statistics.steps;
        differ = differ || alone.time[0] != result.time[0];
        eqs_relax_result_clear(&alone);
    }
    assert_true(differ);
    assert_int_equal(steps, result.statistics.steps);
    eqs_relax_result_clear(&result);
    case_destroy(&one);
    case_destroy(&c);
}

static void every_reason_to_end_is_told(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .batch = 2});
    eqs_relax_options options = case_options("euler", 1e-6);
    options.t_max = 2.1;
    eqs_relax_result result = relax(&c, &options);
    assert_int_equal(result.end[0], EQS_RELAX_TIME_LIMIT);
    assert_true(result.time[0] == 2.0); /* the last step that does not pass the limit */
    eqs_relax_result_clear(&result);

    options = case_options("euler", 1e-6);
    options.max_steps = 3;
    result = relax(&c, &options);
    assert_int_equal(result.end[1], EQS_RELAX_STEP_LIMIT);
    assert_int_equal(eqs_relax_unconverged(&result), 2);
    eqs_relax_result_clear(&result);

    options = case_options("euler", 1e-6);
    eqs_stop_request(15);
    result = relax(&c, &options);
    eqs_stop_request(0);
    assert_int_equal(result.end[0], EQS_RELAX_STOPPED);
    eqs_relax_result_clear(&result);

    options.fixed_iterations = true;
    options.max_steps = 2000;
    result = relax(&c, &options);
    assert_int_equal(result.end[0], EQS_RELAX_CONVERGED);
    assert_int_equal(result.statistics.steps, 4000);
    eqs_relax_result_clear(&result);
    case_destroy(&c);
}

static void a_diverging_sample_fails_alone(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .batch = 3});
    c.phase.beta[EQS_BETA_Y] = 0.5;
    c.target[case_units[CASE_LAYERS - 1]] = NAN; /* the second sample's target */
    eqs_relax_options options = case_options("euler", 1e-6);
    eqs_relax_result result = relax(&c, &options);
    assert_int_equal(result.end[0], EQS_RELAX_CONVERGED);
    assert_int_equal(result.end[1], EQS_RELAX_FAILED);
    assert_int_equal(result.end[2], EQS_RELAX_CONVERGED);
    assert_non_null(strstr(result.failure, "not finite at t = 0"));
    eqs_relax_result_clear(&result);
    case_destroy(&c);

    c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .activation = EQS_LINEAR});
    options.step = 3.0; /* beyond the stability limit */
    result = relax(&c, &options);
    assert_int_equal(result.end[0], EQS_RELAX_FAILED);
    eqs_relax_result_clear(&result);
    case_destroy(&c);
}

static void records_between_iterates_lie_on_straight_lines(void **unused)
{
    (void)unused;
    const double times[] = {0.125, 0.25, 0.5, 0.75};
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .batch = 2});
    eqs_relax_options options = case_options("euler", 1e-6);
    options.record = EQS_RECORD_TIMES;
    options.n_record_times = 4;
    options.record_times = times;
    eqs_relax_result result = relax(&c, &options);
    for (size_t b = 0; b < 2; b++) {
        const eqs_trajectory *t = &result.trajectory[b];
        assert_int_equal(t->n, 5);
        for (size_t i = 0; i < t->n_state; i++) {
            const double *s = t->state + i;
            size_t n = t->n_state;
            assert_close(s[n], 0.75 * s[0] + 0.25 * s[3 * n], 0.0, 1e-14); /* t = 1/8 between 0 and 1/2 */
            assert_close(s[2 * n], 0.5 * s[0] + 0.5 * s[3 * n], 0.0, 1e-14);
        }
    }
    eqs_relax_result_clear(&result);
    case_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_iterates_are_those_of_equation_54),
        cmocka_unit_test(gradient_and_projected_forms_have_the_same_iterates),
        cmocka_unit_test(all_forms_of_a_clipped_rho_share_their_fixed_point),
        cmocka_unit_test(the_residual_is_that_of_the_field),
        cmocka_unit_test(the_energy_falls_at_every_small_step),
        cmocka_unit_test(the_step_is_in_units_of_the_smallest_tau),
        cmocka_unit_test(a_finished_sample_stays_and_does_not_depend_on_the_others),
        cmocka_unit_test(every_reason_to_end_is_told),
        cmocka_unit_test(a_diverging_sample_fails_alone),
        cmocka_unit_test(records_between_iterates_lie_on_straight_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
