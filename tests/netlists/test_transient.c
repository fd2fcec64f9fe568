/* Transients of circuits in ngspice against a fine Runge-Kutta integration of the network's own ODE. */
#include "tests/netlists/small_net.h"

#include "netlists/circuit_trajectory.h"
#include "netlists/simulate.h"

static int open_worker(void **state)
{
    eqs_worker_options options = eqs_worker_options_default();
    eqs_worker *worker;
    assert_ok(eqs_worker_create(&options, &worker));
    *state = worker;
    return 0;
}

static int close_worker(void **state)
{
    eqs_worker_destroy(*state);
    return 0;
}

/* Classical Runge-Kutta with steps of 1/1000 from x0; states at the given times into out [n x n_state]. */
static void runge_kutta(small_net *s, const double *x0, size_t n, const double *times, double *out)
{
    eqs_field *field;
    eqs_state *at;
    assert_ok(eqs_field_create(s->energy, &s->phase, &field));
    assert_ok(eqs_state_create(s->net, 1, &at));
    size_t m = field->n;
    double *x = eqs_alloc(m, sizeof *x), *y = eqs_alloc(m, sizeof *y), *k[4];
    for (int i = 0; i < 4; i++)
        k[i] = eqs_alloc(m, sizeof **k);
    memcpy(x, x0, m * sizeof *x);
    double t = 0.0;
    for (size_t i = 0; i < n; i++) {
        size_t steps = (size_t)ceil((times[i] - t) / 1e-3);
        double h = steps == 0 ? 0.0 : (times[i] - t) / (double)steps;
        for (size_t j = 0; j < steps; j++) {
            const double shift[4] = {0.0, 0.5, 0.5, 1.0};
            for (int stage = 0; stage < 4; stage++) {
                for (size_t v = 0; v < m; v++)
                    y[v] = x[v] + (stage == 0 ? 0.0 : h * shift[stage] * k[stage - 1][v]);
                field->ops->rhs(field, 0.0, y, k[stage]);
            }
            for (size_t v = 0; v < m; v++)
                x[v] += h / 6.0 * (k[0][v] + 2.0 * k[1][v] + 2.0 * k[2][v] + k[3][v]);
        }
        t = times[i];
        field->ops->to_state(field, x, at);
        double *row = out + i * m;
        for (size_t l = eqs_first_free_layer(s->net); l < s->net->n_layers; l++) {
            memcpy(row, at->s[l], s->net->layer[l].units * sizeof *row);
            row += s->net->layer[l].units;
        }
    }
    for (int i = 0; i < 4; i++)
        eqs_free(k[i]);
    eqs_free(x);
    eqs_free(y);
    eqs_state_destroy(at);
    eqs_field_destroy(field);
}

enum { TIMES = 12 };

/* largest difference between circuit and reference at the record times */
static double transient_error(eqs_worker *worker, small_net *s, const eqs_state *start, bool settled,
                              double max_step, double reltol)
{
    double times[TIMES], *reference;
    for (size_t i = 0; i < TIMES; i++)
        times[i] = 0.5 * (double)i;
    eqs_field *field;
    assert_ok(eqs_field_create(s->energy, &s->phase, &field));
    double *x0 = eqs_alloc(field->n, sizeof *x0);
    if (start != NULL)
        field->ops->from_state(field, start, settled, x0);
    reference = eqs_alloc(TIMES * field->n, sizeof *reference);
    runge_kutta(s, x0, TIMES, times, reference);
    eqs_circuit_options options = eqs_circuit_options_default();
    options.circuit.analysis = EQS_ANALYSIS_TRAN;
    options.circuit.t_stop = 6.0;
    options.circuit.t_max_step = max_step;
    options.circuit.reltol = reltol;
    options.circuit.settled_start = settled;
    options.n_record_times = TIMES;
    options.record_times = times;
    eqs_circuit_trajectory trajectory;
    eqs_state *out;
    assert_ok(eqs_state_create(s->net, 1, &out));
    assert_ok(
        eqs_circuit_run(s->energy, &s->phase, 0, start, &options, worker, out, NULL, &trajectory, NULL));
    assert_int_equal(trajectory.n, TIMES);
    assert_int_equal(trajectory.n_state, field->n);
    double worst = 0.0;
    for (size_t i = 0; i < TIMES * field->n; i++)
        worst = fmax(worst, fabs(trajectory.state[i] - reference[i]));
    eqs_circuit_trajectory_clear(&trajectory);
    eqs_state_destroy(out);
    eqs_free(reference);
    eqs_free(x0);
    eqs_field_destroy(field);
    return worst;
}

static void open_net(small_net *s, eqs_form form, eqs_activation_kind kind, bool free_input)
{
    size_t units[3] = {4, 5, 3};
    eqs_activation a[3];
    for (size_t k = 0; k < 3; k++)
        a[k] = eqs_activation_default(kind);
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 3;
    def.units = units;
    def.activation = a;
    def.form = form;
    def.tau = (const double[]){0.7, 0.5, 1.5};
    if (free_input)
        def.beta[EQS_BETA_X] = 2.0;
    small_net_open(s, &def, 11, 1, 0.7);
}

/* reltol is loose, so that the cap alone sets the steps: ngspice's own error control would shorten the long
 * ones */
static void transients_follow_the_ode_with_second_order_in_the_step(void **state)
{
    const struct {
        eqs_form form;
        eqs_activation_kind kind;
        bool free_input;
        double beta;
    } cases[] = {
        {EQS_FORM_MEMBRANE, EQS_TANH, false, 0.0},      {EQS_FORM_MEMBRANE, EQS_SIGMOID, true, 0.5},
        {EQS_FORM_MEMBRANE, EQS_SOFTPLUS, false, -0.2}, {EQS_FORM_GRADIENT, EQS_TANH, false, 0.5},
        {EQS_FORM_GRADIENT, EQS_SIGMOID, true, 0.0},    {EQS_FORM_MEMBRANE, EQS_LINEAR, false, 0.5},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        small_net s;
        open_net(&s, cases[c].form, cases[c].kind, cases[c].free_input);
        s.phase.beta[EQS_BETA_Y] = cases[c].beta;
        double error[3];
        for (int i = 0; i < 3; i++)
            error[i] = transient_error(*state, &s, NULL, false, 0.01 / (1 << i), 1e-4);
        double order = 0.5 * log2(error[0] / error[2]);
        print_message("%s %s: errors %.2g %.2g %.2g, order %.2f\n", eqs_form_name(cases[c].form),
                      eqs_activation_name(cases[c].kind), error[0], error[1], error[2], order);
        assert_true(order > 1.9 && order < 2.1);
        assert_true(error[2] < 3e-6);
        small_net_close(&s);
    }
}

static void transients_of_hard_sigmoid_units_follow_the_ode_through_the_kinks(void **state)
{
    small_net s;
    open_net(&s, EQS_FORM_MEMBRANE, EQS_HARD_SIGMOID, false);
    s.phase.beta[EQS_BETA_Y] = 0.5;
    double coarse = transient_error(*state, &s, NULL, false, 0.04, 1e-6);
    double fine = transient_error(*state, &s, NULL, false, 0.004, 1e-6);
    print_message("hard sigmoid: errors %.2g %.2g\n", coarse, fine);
    assert_true(coarse < 1e-3);
    assert_true(fine < 2e-5);
    small_net_close(&s);
}

/* the nudged phase starts where the free phase ended */
static void a_nudged_transient_starts_from_the_free_fixed_point(void **state)
{
    small_net s;
    open_net(&s, EQS_FORM_MEMBRANE, EQS_HARD_SIGMOID, false);
    eqs_bias(s.net, s.theta, 1)[0] = 2.0; /* a saturated unit, whose potential the state hides */
    eqs_state *free_state, *out;
    assert_ok(eqs_state_create(s.net, 1, &free_state));
    assert_ok(eqs_state_create(s.net, 1, &out));
    small_net_relax(&s, 1e-13, free_state);
    assert_close(free_state->s[1][0], 1.0, 0.0, 0.0);
    s.phase.beta[EQS_BETA_Y] = 0.8;
    assert_true(transient_error(*state, &s, free_state, true, 0.01, 1e-6) < 2e-5);
    /* the phase that the start is a fixed point of does not move */
    s.phase.beta[EQS_BETA_Y] = 0.0;
    eqs_circuit_options options = eqs_circuit_options_default();
    options.circuit.analysis = EQS_ANALYSIS_TRAN;
    options.circuit.settled_start = true;
    eqs_circuit_trajectory trajectory;
    double residual;
    assert_ok(eqs_circuit_run(s.energy, &s.phase, 0, free_state, &options, *state, out, &residual,
                              &trajectory, NULL));
    assert_true(eqs_state_difference(s.net, free_state, out, NULL) < 1e-9);
    assert_true(residual < 1e-9);
    assert_true(trajectory.n > 100);
    assert_close(trajectory.time[0], 0.0, 0.0, 0.0);
    assert_close(trajectory.time[trajectory.n - 1], 30.0, 1e-9, 0.0);
    for (size_t i = 0; i < trajectory.n; i++)
        assert_close(trajectory.state[i * trajectory.n_state], 1.0, 0.0, 1e-9);
    eqs_circuit_trajectory_clear(&trajectory);
    eqs_state_destroy(free_state);
    eqs_state_destroy(out);
    small_net_close(&s);
}

/* other capacitances and swings are other seconds and volts, not another network */
static void units_of_the_circuit_do_not_change_the_dimensionless_transient(void **state)
{
    small_net s;
    open_net(&s, EQS_FORM_MEMBRANE, EQS_TANH, false);
    const eqs_circuit_units units[3] = {{1e-12, 1e-6, 1.0}, {3e-9, 2e-4, 0.1}, {1e-15, 1e-9, 5.0}};
    double times[TIMES];
    for (size_t i = 0; i < TIMES; i++)
        times[i] = 0.25 * (double)i;
    eqs_circuit_trajectory t[3];
    eqs_state *out;
    assert_ok(eqs_state_create(s.net, 1, &out));
    for (int i = 0; i < 3; i++) {
        eqs_circuit_options options = eqs_circuit_options_default();
        options.circuit.analysis = EQS_ANALYSIS_TRAN;
        options.circuit.units = units[i];
        options.circuit.t_stop = 3.0;
        options.circuit.t_max_step = 0.005;
        options.n_record_times = TIMES;
        options.record_times = times;
        assert_ok(eqs_circuit_run(s.energy, &s.phase, 0, NULL, &options, *state, out, NULL, &t[i], NULL));
    }
    for (size_t i = 0; i < TIMES * t[0].n_state; i++) {
        assert_close(t[1].state[i], t[0].state[i], 0.0, 2e-6);
        assert_close(t[2].state[i], t[0].state[i], 0.0, 2e-6);
    }
    for (int i = 0; i < 3; i++)
        eqs_circuit_trajectory_clear(&t[i]);
    eqs_state_destroy(out);
    small_net_close(&s);
}

static void sampling_between_steps_is_exact_for_cubics(void **state)
{
    (void)state;
    double time[6] = {0.0, 0.1, 0.4, 0.5, 0.9, 1.0}, value[6];
    for (int i = 0; i < 6; i++)
        value[i] = 2.0 - time[i] + 3.0 * time[i] * time[i] - 4.0 * time[i] * time[i] * time[i];
    eqs_circuit_trajectory all = {6, 1, time, value}, out;
    const double at[6] = {0.0, 0.05, 0.4, 0.7, 0.95, 1.0};
    assert_ok(eqs_circuit_trajectory_sample(&all, 6, at, &out));
    for (int i = 0; i < 6; i++)
        assert_close(out.state[i], 2.0 - at[i] + 3.0 * at[i] * at[i] - 4.0 * at[i] * at[i] * at[i], 0.0,
                     1e-14);
    eqs_circuit_trajectory_clear(&out);
    all.n = 2; /* a line when there is no more */
    assert_ok(eqs_circuit_trajectory_sample(&all, 1, (const double[]){0.05}, &out));
    assert_close(out.state[0], 0.5 * (value[0] + value[1]), 0.0, 1e-15);
    eqs_circuit_trajectory_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transients_follow_the_ode_with_second_order_in_the_step),
        cmocka_unit_test(transients_of_hard_sigmoid_units_follow_the_ode_through_the_kinks),
        cmocka_unit_test(a_nudged_transient_starts_from_the_free_fixed_point),
        cmocka_unit_test(units_of_the_circuit_do_not_change_the_dimensionless_transient),
        cmocka_unit_test(sampling_between_steps_is_exact_for_cubics),
    };
    return cmocka_run_group_tests(tests, open_worker, close_worker);
}
