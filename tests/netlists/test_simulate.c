/* Circuits in ngspice against the network's own equations: operating points. */
#include "tests/netlists/small_net.h"

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

/* residual of the operating point of sample 0 */
static double op_residual(eqs_worker *worker, small_net *s, bool fold, double swing)
{
    eqs_state *out;
    assert_ok(eqs_state_create(s->net, s->phase.batch, &out));
    eqs_circuit_options options = eqs_circuit_options_default();
    options.circuit.fold = fold;
    options.circuit.units.swing = swing;
    double residual = NAN;
    assert_ok(eqs_circuit_run(s->energy, &s->phase, 0, NULL, &options, worker, out, &residual, NULL, NULL));
    eqs_state_destroy(out);
    return residual;
}

/* every combination of activation and form, layered and fully connected, clamped and free input, free and
 * nudged */
static void operating_points_satisfy_the_equations_of_the_network(void **state)
{
    size_t units[3] = {3, 5, 2}, full[10][2];
    size_t n_full = eqs_couplings_full(3, full), n_run = 0;
    for (size_t kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
        for (size_t variant = 0; variant < 24; variant++) {
            eqs_form form = (eqs_form)(variant % 3);
            bool all = (variant / 3) % 2, free_input = (variant / 6) % 2, nudged = (variant / 12) % 2;
            eqs_activation a[3];
            for (size_t k = 0; k < 3; k++)
                a[k] = eqs_activation_default((eqs_activation_kind)kind);
            if (kind >= EQS_SIGMOID) {
                a[1].slope = 1.7;
                a[1].shift = 0.2;
            }
            bool smooth = kind >= EQS_SIGMOID, kinks = kind <= EQS_RELU;
            if ((form == EQS_FORM_PROJECTED && smooth) || (form == EQS_FORM_GRADIENT && kinks))
                continue;
            eqs_network_def def = eqs_network_def_default();
            def.n_layers = 3;
            def.units = units;
            def.activation = a;
            def.form = form;
            def.tau = (const double[]){0.5, 1.0, 2.0};
            if (all) {
                def.n_couplings = n_full;
                def.couplings = (const size_t(*)[2])full;
            }
            if (free_input)
                def.beta[EQS_BETA_X] = 1.5;
            small_net s;
            small_net_open(&s, &def, 100 * kind + variant, 1, 0.5);
            if (nudged)
                s.phase.beta[EQS_BETA_Y] = variant % 2 == 0 ? 0.7 : -0.3;
            double full_residual = op_residual(*state, &s, false, 1.0);
            double folded = op_residual(*state, &s, true, 0.25);
            if (!(full_residual < 1e-7 && folded < 1e-7))
                print_message("%s, %s, couplings %d, free input %d, nudged %d: %.2g %.2g\n",
                              eqs_activation_name(a[0].kind), eqs_form_name(form), all, free_input, nudged,
                              full_residual, folded);
            assert_true(full_residual < 1e-7);
            assert_true(folded < 1e-7);
            small_net_close(&s);
            n_run++;
        }
    }
    assert_int_equal(n_run, 8 * (3 * 2 + 1 * 3 + 3 * 2)); /* kinks: 2 forms; linear: 3; smooth: 2 */
}

static void folded_and_full_circuits_have_the_same_states(void **state)
{
    size_t units[3] = {6, 7, 3};
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 3;
    def.units = units;
    for (uint64_t seed = 0; seed < 5; seed++) {
        small_net s;
        small_net_open(&s, &def, seed, 1, 0.6);
        s.x[0] = -0.4; /* outside the box: rho(x) differs from x */
        s.phase.beta[EQS_BETA_Y] = seed % 2 ? 0.5 : 0.0;
        eqs_state *a, *b;
        assert_ok(eqs_state_create(s.net, 1, &a));
        assert_ok(eqs_state_create(s.net, 1, &b));
        eqs_circuit_options options = eqs_circuit_options_default();
        double residual;
        assert_ok(eqs_circuit_run(s.energy, &s.phase, 0, NULL, &options, *state, a, &residual, NULL, NULL));
        options.circuit.fold = false;
        assert_ok(eqs_circuit_run(s.energy, &s.phase, 0, NULL, &options, *state, b, NULL, NULL, NULL));
        assert_true(eqs_state_difference(s.net, a, b, NULL) < 1e-9);
        assert_true(residual < 1e-9);
        eqs_state_destroy(a);
        eqs_state_destroy(b);
        small_net_close(&s);
    }
}

static void a_batch_in_one_sweep_equals_single_operating_points(void **state)
{
    size_t units[4] = {6, 8, 7, 3};
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 4;
    def.units = units;
    enum { BATCH = 17 };
    for (int variant = 0; variant < 3; variant++) {
        small_net s;
        def.beta[EQS_BETA_X] = variant == 2 ? 2.0 : INFINITY;
        small_net_open(&s, &def, 7, BATCH, 0.5);
        s.phase.beta[EQS_BETA_Y] = variant == 1 ? 0.5 : 0.0;
        eqs_state *single, *sweep;
        assert_ok(eqs_state_create(s.net, BATCH, &single));
        assert_ok(eqs_state_create(s.net, BATCH, &sweep));
        eqs_circuit_options options = eqs_circuit_options_default();
        double residual[BATCH];
        eqs_circuit_statistics statistics;
        assert_ok(
            eqs_circuit_run_batch(s.energy, &s.phase, NULL, &options, *state, sweep, residual, &statistics));
        assert_int_equal(statistics.n_points, BATCH);
        assert_int_equal(statistics.n_fallbacks, 0);
        for (size_t b = 0; b < BATCH; b++) {
            assert_ok(
                eqs_circuit_run(s.energy, &s.phase, b, NULL, &options, *state, single, NULL, NULL, NULL));
            assert_true(residual[b] < 1e-8);
        }
        assert_true(eqs_state_difference(s.net, single, sweep, NULL) < 1e-8);
        eqs_state_destroy(single);
        eqs_state_destroy(sweep);
        small_net_close(&s);
    }
}

/* two units that excite each other: both off or both on */
static void the_start_state_chooses_the_basin_of_a_bistable_network(void **state)
{
    size_t units[2] = {1, 2}, couplings[2][2] = {{0, 1}, {1, 1}};
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 2;
    def.units = units;
    def.n_couplings = 2;
    def.couplings = (const size_t(*)[2])couplings;
    small_net s;
    small_net_open(&s, &def, 1, 1, 0.0);
    double *W = eqs_weights(s.net, s.theta, 1);
    if (s.net->coupling[1].from != 1)
        W = eqs_weights(s.net, s.theta, 0);
    W[1] = W[2] = 3.0;
    double *bias = eqs_bias(s.net, s.theta, 1);
    bias[0] = bias[1] = -1.0;
    eqs_circuit_options options = eqs_circuit_options_default();
    options.circuit.settled_start = true;
    for (int side = 0; side < 2; side++) {
        eqs_state *start, *out;
        assert_ok(eqs_state_create(s.net, 1, &start));
        assert_ok(eqs_state_create(s.net, 1, &out));
        start->s[1][0] = start->s[1][1] = side;
        double residual;
        assert_ok(
            eqs_circuit_run(s.energy, &s.phase, 0, start, &options, *state, out, &residual, NULL, NULL));
        assert_true(residual < 1e-9);
        assert_close(out->s[1][0], side, 0.0, 1e-9);
        assert_close(out->s[1][1], side, 0.0, 1e-9);
        eqs_state_destroy(start);
        eqs_state_destroy(out);
    }
    small_net_close(&s);
}

static void mnist_sized_operating_points_agree_within_a_millionth(void **state)
{
    size_t units[3] = {784, 500, 10};
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 3;
    def.units = units;
    small_net s;
    small_net_open(&s, &def, 3, 2, 0.0);
    eqs_parameters_glorot(s.net, 5, NULL, s.theta);
    eqs_state *circuit, *exact;
    assert_ok(eqs_state_create(s.net, 2, &circuit));
    assert_ok(eqs_state_create(s.net, 2, &exact));
    for (int nudged = 0; nudged < 2; nudged++) {
        s.phase.beta[EQS_BETA_Y] = nudged ? 0.5 : 0.0;
        small_net_relax(&s, 1e-10, exact);
        eqs_circuit_options options = eqs_circuit_options_default();
        double residual[2];
        eqs_circuit_statistics t;
        for (size_t b = 0; b < 2; b++) {
            assert_ok(eqs_circuit_run(s.energy, &s.phase, b, NULL, &options, *state, circuit, &residual[b],
                                      NULL, &t));
            print_message("784-500-10 %s: build %.3f s, run %.3f s, gmin %d, residual %.2g\n",
                          nudged ? "nudged" : "free", t.seconds_build, t.seconds_run, t.gmin_stepping,
                          residual[b]);
        }
        double difference = eqs_state_difference(s.net, circuit, exact, NULL);
        print_message("   difference %.2g\n", difference);
        assert_true(difference < 1e-6);
        assert_ok(eqs_circuit_run_batch(s.energy, &s.phase, NULL, &options, *state, circuit, residual, &t));
        assert_true(eqs_state_difference(s.net, circuit, exact, NULL) < 1e-6);
    }
    eqs_state_destroy(circuit);
    eqs_state_destroy(exact);
    small_net_close(&s);
}

static void impossible_requests_are_refused_by_name(void **state)
{
    size_t units[2] = {2, 2};
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 2;
    def.units = units;
    small_net s;
    small_net_open(&s, &def, 1, 1, 0.5);
    eqs_state *out;
    assert_ok(eqs_state_create(s.net, 1, &out));
    eqs_circuit_options options = eqs_circuit_options_default();
    eqs_circuit_trajectory trajectory;
    assert_fails(eqs_circuit_run(s.energy, &s.phase, 0, NULL, &options, *state, out, NULL, &trajectory, NULL),
                 EQS_BAD_CONFIG, "trajectory needs");
    options.circuit.analysis = EQS_ANALYSIS_TRAN;
    options.n_record_times = 2;
    options.record_times = (const double[]){1.0, 31.0};
    assert_fails(eqs_circuit_run(s.energy, &s.phase, 0, NULL, &options, *state, out, NULL, &trajectory, NULL),
                 EQS_BAD_CONFIG, "record time 1 is 31");
    assert_fails(eqs_circuit_run_batch(s.energy, &s.phase, NULL, &options, *state, out, NULL, NULL),
                 EQS_BAD_CONFIG, "runs as op");
    options.circuit.analysis = EQS_ANALYSIS_DC;
    assert_fails(eqs_circuit_run(s.energy, &s.phase, 0, NULL, &options, *state, out, NULL, NULL, NULL),
                 EQS_BAD_CONFIG, "op or tran");
    eqs_state_destroy(out);
    small_net_close(&s);
}

/* One softplus output with beta_y = -1 must solve softplus(u) - u = t, which has a root only for t > 0. */
static void open_unreachable(small_net *s)
{
    size_t units[2] = {1, 1};
    eqs_activation a[2] = {eqs_activation_default(EQS_HARD_SIGMOID), eqs_activation_default(EQS_SOFTPLUS)};
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 2;
    def.units = units;
    def.activation = a;
    small_net_open(s, &def, 1, 2, 0.5);
    s->phase.beta[EQS_BETA_Y] = -1.0;
    eqs_weights(s->net, s->theta, 0)[0] = 0.0;
    eqs_bias(s->net, s->theta, 1)[0] = 0.0;
    s->target[0] = 1.0;
    s->target[1] = -1.0;
}

static void an_unreachable_equilibrium_is_reported_not_hidden(void **state)
{
    small_net s;
    open_unreachable(&s);
    eqs_state *out;
    assert_ok(eqs_state_create(s.net, 2, &out));
    eqs_circuit_options options = eqs_circuit_options_default();
    assert_ok(eqs_circuit_run(s.energy, &s.phase, 0, NULL, &options, *state, out, NULL, NULL, NULL));
    assert_close(out->s[1][0], 1.0 - log(exp(1.0) - 1.0), 0.0, 1e-8); /* V = 1 + u, ln(1 + exp(-u)) = 1 */
    out->s[1][1] = 0.123;
    assert_fails(eqs_circuit_run(s.energy, &s.phase, 1, NULL, &options, *state, out, NULL, NULL, NULL),
                 EQS_NOT_CONVERGED, "ngspice");
    assert_close(out->s[1][1], 0.123, 0.0, 0.0);
    eqs_state_destroy(out);
    small_net_close(&s);
}

static void a_batch_whose_sweep_fails_is_run_one_by_one(void **state)
{
    small_net s;
    open_unreachable(&s);
    eqs_state *out;
    assert_ok(eqs_state_create(s.net, 2, &out));
    eqs_circuit_options options = eqs_circuit_options_default();
    double residual[2] = {NAN, NAN};
    assert_fails(eqs_circuit_run_batch(s.energy, &s.phase, NULL, &options, *state, out, residual, NULL),
                 EQS_NOT_CONVERGED, "sample 1");
    assert_close(out->s[1][0], 1.0 - log(exp(1.0) - 1.0), 0.0, 1e-8);
    assert_true(residual[0] < 1e-7);
    eqs_state_destroy(out);
    small_net_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operating_points_satisfy_the_equations_of_the_network),
        cmocka_unit_test(folded_and_full_circuits_have_the_same_states),
        cmocka_unit_test(a_batch_in_one_sweep_equals_single_operating_points),
        cmocka_unit_test(the_start_state_chooses_the_basin_of_a_bistable_network),
        cmocka_unit_test(mnist_sized_operating_points_agree_within_a_millionth),
        cmocka_unit_test(impossible_requests_are_refused_by_name),
        cmocka_unit_test(an_unreachable_equilibrium_is_reported_not_hidden),
        cmocka_unit_test(a_batch_whose_sweep_fails_is_run_one_by_one),
    };
    return cmocka_run_group_tests(tests, open_worker, close_worker);
}
