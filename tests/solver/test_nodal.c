/* Equilibria of resistive networks: the scalar law of a node, the solvers against each other and the ODE, and
 * their certificates. */
#include "solver/nodal.h"
#include "solver/node_law.h"
#include "tests/resistive_case.h"

static void omega_solves_its_equation(void **state)
{
    (void)state;
    for (double z = -60.0; z < 1e6; z += 0.01 + 1e-2 * fabs(z)) {
        double w = eqs_wright_omega(z);
        /* omega + ln omega - z, whose rounding is that of z over the slope */
        assert_true(w > 0.0);
        assert_close(w + log(w), z, 4e-16, 1e-15);
    }
}

/* current into node i at voltage v */
static double balance(const eqs_network *net, size_t i, double a, double s, double v)
{
    const eqs_node_layer *node = &net->resistive->layer[1];
    eqs_diode d = eqs_resistive_diode(net, 1, i);
    double sum = s - a * v;
    if (isfinite(node->lo[i]))
        sum += eqs_diode_current(&d, node->lo[i] - v);
    if (isfinite(node->hi[i]))
        sum -= eqs_diode_current(&d, v - node->hi[i]);
    return sum;
}

static void every_law_balances_the_currents_of_its_node(void **state)
{
    (void)state;
    for (int law = EQS_DIODE_SHOCKLEY; law <= EQS_DIODE_NGSPICE; law++) {
        for (int layout = EQS_DIODES_HALVES; layout <= EQS_DIODES_PAIR; layout++) {
            resistive_shape shape = shape_default();
            shape.def.diode = (eqs_diode_law)law;
            shape.def.layout = (eqs_diode_layout)layout;
            shape.def.diode_bias[0] = -0.3;
            shape.def.diode_bias[1] = 0.1;
            resistive_case c = case_create(&shape, 1);
            for (double a = 1e-3; a < 1e3; a *= 7.0) {
                for (double s = -1e4; s < 1e4; s += 37.7) {
                    for (size_t i = 0; i < 6; i += 5) { /* a lower and an upper diode */
                        double slope, v = eqs_node_solve(c.net, 1, i, a, s, 0.0, &slope);
                        double above = nextafter(v, INFINITY), below = nextafter(v, -INFINITY);
                        double step = 4.0 * fmax(above - v, v - below);
                        double noise = 1e-13 * (fabs(s) + fabs(a * v));
                        assert_true(balance(c.net, i, a, s, v - step) >= -noise);
                        assert_true(balance(c.net, i, a, s, v + step) <= noise);
                        assert_true(slope > 0.0 && slope <= 1.0 / a);
                    }
                }
            }
            case_destroy(&c);
        }
    }
}

static double cube(const void *device, double v)
{
    (void)device;
    return v * v * v + 0.1 * sin(v);
}

static double cube_slope(const void *device, double v)
{
    (void)device;
    return 3.0 * v * v + 0.1 * cos(v);
}

static void any_monotone_element_can_stand_at_a_node(void **state)
{
    (void)state;
    const eqs_element element = {cube, cube_slope, NULL};
    for (double s = -1e6; s < 1e6; s += 7.7e3) {
        double v = eqs_node_solve_element(&element, 0.5, s, 0.0);
        assert_close(0.5 * v + cube(NULL, v), s, 1e-13, 1e-13);
    }
    /* a diode so steep that exponentials overflow on the way */
    resistive_shape shape = shape_default();
    shape.def.diode = EQS_DIODE_NGSPICE;
    shape.def.n = 0.01;
    resistive_case c = case_create(&shape, 1);
    double v = eqs_node_solve(c.net, 1, 0, 1.0, -1000.0, 500.0, NULL);
    assert_true(v < 0.0 && v > -0.02);
    /* an isolated node: nothing can carry the current away, and nothing decides its voltage */
    assert_true(isnan(eqs_node_solve(c.net, 3, 0, 0.0, 1.0, 0.0, NULL)));
    assert_true(eqs_node_solve(c.net, 3, 0, 0.0, 0.0, 0.0, NULL) == 0.0);
    case_destroy(&c);
}

static eqs_relax_options how(const char *solver)
{
    eqs_relax_options o = eqs_relax_options_default();
    o.solver = solver;
    o.tolerance = 1e-12;
    o.response_tolerance = 1e-9;
    o.rtol = 1e-9;
    o.atol = 1e-12;
    return o;
}

static void relax(const resistive_case *c, const eqs_phase *phase, const char *solver, bool settled,
                  eqs_state *s)
{
    eqs_relax_options o = how(solver);
    eqs_relax_result result;
    o.settled_start = settled;
    assert_ok(eqs_relax_run(c->energy, phase, &o, s, &result));
    if (eqs_relax_unconverged(&result) > 0)
        fail_msg("%s: %s, residual %g %s", solver, eqs_relax_end_name(result.end[0]), result.residual[0],
                 result.failure);
    eqs_relax_result_clear(&result);
}

static void sweep_newton_and_the_ode_reach_the_same_voltages(void **state)
{
    (void)state;
    static const char *const solvers[] = {"newton", "auto", "cvode", "kinsol"};
    resistive_shape shape;
    for (size_t n = 0; shape_get(n, &shape); n++) {
        resistive_case c = case_create(&shape, 60 + n);
        eqs_state *other, *nudged;
        assert_ok(eqs_state_create(c.net, shape.batch, &other));
        assert_ok(eqs_state_create(c.net, shape.batch, &nudged));
        eqs_state_fill(c.net, c.state, 0.0);
        relax(&c, &c.phase, "sweep", false, c.state);
        double residual[8], response[8];
        assert_ok(eqs_nodal_certificate(c.energy, &c.phase, c.state, NULL, residual, NULL));
        eqs_phase up = c.phase;
        up.beta[EQS_BETA_Y] = 0.2;
        up.free_output = c.state->s[c.net->n_layers - 1];
        eqs_state_copy(c.net, c.state, nudged);
        relax(&c, &up, "sweep", true, nudged);
        assert_true(eqs_state_difference(c.net, c.state, nudged, NULL) > 1e-3);
        for (size_t b = 0; b < shape.batch; b++)
            assert_true(residual[b] <= 1.1e-12);
        assert_ok(eqs_nodal_certificate(c.energy, &up, nudged, c.state, residual, response));
        for (size_t b = 0; b < shape.batch; b++)
            assert_true(residual[b] <= 1.1e-12 && response[b] <= 2e-9);
        for (size_t i = 0; i < sizeof solvers / sizeof *solvers; i++) {
            eqs_state_fill(c.net, other, 0.0);
            relax(&c, &c.phase, solvers[i], false, other);
            assert_close(eqs_state_difference(c.net, c.state, other, NULL), 0.0, 0.0, 1e-10);
            relax(&c, &up, solvers[i], true, other);
            assert_close(eqs_state_difference(c.net, nudged, other, NULL), 0.0, 0.0, 1e-10);
        }
        eqs_state_destroy(other);
        eqs_state_destroy(nudged);
        case_destroy(&c);
    }
}

static void projected_flow_of_ideal_diodes_ends_where_their_equilibrium_is(void **state)
{
    (void)state;
    resistive_shape shape = shape_default();
    shape.form = EQS_FORM_PROJECTED;
    resistive_case c = case_create(&shape, 81);
    eqs_state *flow;
    assert_ok(eqs_state_create(c.net, shape.batch, &flow));
    relax(&c, &c.phase, "newton", false, c.state);
    relax(&c, &c.phase, "cvode", false, flow);
    assert_close(eqs_state_difference(c.net, c.state, flow, NULL), 0.0, 0.0, 1e-10);
    eqs_state_destroy(flow);
    case_destroy(&c);
}

static void newton_is_quick_where_sweeps_are_slow(void **state)
{
    (void)state;
    resistive_shape shape = shape_default();
    shape.n_layers = 3;
    shape.units[2] = 4;
    shape.def.diode = EQS_DIODE_SHOCKLEY;
    shape.def.input_gain = 100.0;
    resistive_case c = case_create(&shape, 90);
    double *g = eqs_weights(c.net, c.theta, 1);
    for (size_t i = 0; i < 6 * 4; i++)
        g[i] = 20.0 * (1.0 + 0.1 * (double)(i % 7)); /* strongly coupled to the outputs */
    eqs_relax_result slow, quick;
    eqs_relax_options o = how("sweep");
    o.tolerance = 1e-9;
    eqs_state_fill(c.net, c.state, 0.0);
    assert_ok(eqs_relax_run(c.energy, &c.phase, &o, c.state, &slow));
    eqs_state_fill(c.net, c.state, 0.0);
    o.solver = "newton";
    assert_ok(eqs_relax_run(c.energy, &c.phase, &o, c.state, &quick));
    assert_int_equal(eqs_relax_unconverged(&slow) + eqs_relax_unconverged(&quick), 0);
    assert_true(quick.statistics.nonlinear_iterations * 5 < slow.statistics.steps);
    assert_true(quick.statistics.nonlinear_iterations <= 12 * (long)shape.batch);
    eqs_relax_result_clear(&slow);
    eqs_relax_result_clear(&quick);
    case_destroy(&c);
}

static void an_amplifier_chain_responds_by_millionths_and_is_certified_by_them(void **state)
{
    (void)state;
    const double gains[2] = {10.0, 10.0};
    resistive_shape shape = shape_default();
    shape.def.amplifier = gains;
    shape.def.diode = EQS_DIODE_SHOCKLEY;
    resistive_case c = case_create(&shape, 91);
    eqs_state *nudged;
    assert_ok(eqs_state_create(c.net, shape.batch, &nudged));
    eqs_relax_options o = how("sweep");
    o.tolerance = 1e-4; /* alone it would let the first layer stay where it is */
    eqs_state_fill(c.net, c.state, 0.0);
    relax(&c, &c.phase, "newton", false, c.state);
    eqs_state_copy(c.net, c.state, nudged);
    eqs_phase up = c.phase;
    up.beta[EQS_BETA_Y] = 1e-3;
    up.free_output = c.state->s[3];
    eqs_relax_result result;
    o.settled_start = true;
    assert_ok(eqs_relax_run(c.energy, &up, &o, nudged, &result));
    assert_int_equal(eqs_relax_unconverged(&result), 0);
    eqs_relax_result_clear(&result);
    double largest = 0.0, residual[4], response[4];
    for (size_t i = 0; i < shape.batch * 6; i++)
        largest = fmax(largest, fabs(nudged->s[1][i] - c.state->s[1][i]));
    assert_true(largest > 0.0 && largest < 1e-3);
    assert_ok(eqs_nodal_certificate(c.energy, &up, nudged, c.state, residual, response));
    for (size_t b = 0; b < shape.batch; b++)
        assert_true(response[b] <= 1.1e-9);
    /* the voltages themselves: against newton */
    eqs_state *exact;
    assert_ok(eqs_state_create(c.net, shape.batch, &exact));
    eqs_state_copy(c.net, c.state, exact);
    relax(&c, &up, "newton", true, exact);
    for (size_t i = 0; i < shape.batch * 6; i++)
        assert_close(nudged->s[1][i], exact->s[1][i], 0.0, 1e-8 * largest);
    eqs_state_destroy(exact);
    eqs_state_destroy(nudged);
    case_destroy(&c);
}

static void what_cannot_be_done_is_refused(void **state)
{
    (void)state;
    resistive_shape shape = shape_default();
    resistive_case c = case_create(&shape, 92);
    eqs_relax_options o = how("anderson");
    eqs_relax_result result;
    assert_fails(eqs_relax_run(c.energy, &c.phase, &o, c.state, &result), EQS_BAD_CONFIG, "Hopfield");
    o = how("newton");
    o.record = EQS_RECORD_STEPS;
    assert_fails(eqs_relax_run(c.energy, &c.phase, &o, c.state, &result), EQS_BAD_CONFIG, "record");
    case_destroy(&c);
    shape.def.nudge = EQS_NUDGE_CONDUCTANCE;
    c = case_create(&shape, 92);
    c.phase.beta[EQS_BETA_Y] = -100.0;
    o = how("newton");
    assert_fails(eqs_relax_run(c.energy, &c.phase, &o, c.state, &result), EQS_BAD_CONFIG,
                 "negative conductance");
    case_destroy(&c);
}

static void bits_do_not_depend_on_threads_or_companions(void **state)
{
    (void)state;
    resistive_shape shape = shape_default();
    shape.def.diode = EQS_DIODE_SHOCKLEY;
    shape.batch = 40;
    resistive_case c = case_create(&shape, 93);
    eqs_state *alone;
    relax(&c, &c.phase, "auto", false, c.state);
    assert_ok(eqs_state_create(c.net, 1, &alone));
    for (size_t b = 0; b < shape.batch; b += 13) {
        eqs_phase one = eqs_phase_rows(&c.phase, b, 1);
        eqs_state_fill(c.net, alone, 0.0);
        relax(&c, &one, "auto", false, alone);
        for (size_t k = 1; k < c.net->n_layers; k++)
            assert_memory_equal(alone->s[k], c.state->s[k] + b * c.net->layer[k].units,
                                c.net->layer[k].units * sizeof(double));
    }
    eqs_state_destroy(alone);
    case_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(omega_solves_its_equation),
        cmocka_unit_test(every_law_balances_the_currents_of_its_node),
        cmocka_unit_test(any_monotone_element_can_stand_at_a_node),
        cmocka_unit_test(sweep_newton_and_the_ode_reach_the_same_voltages),
        cmocka_unit_test(projected_flow_of_ideal_diodes_ends_where_their_equilibrium_is),
        cmocka_unit_test(newton_is_quick_where_sweeps_are_slow),
        cmocka_unit_test(an_amplifier_chain_responds_by_millionths_and_is_certified_by_them),
        cmocka_unit_test(what_cannot_be_done_is_refused),
        cmocka_unit_test(bits_do_not_depend_on_threads_or_companions),
    };
    return cmocka_run_group_tests_name("nodal", tests, NULL, NULL);
}
