/* The linearised dynamics: closed form, dense against ARPACK, and the slowest mode against a trajectory. */
#include "tests/solver/solver_case.h"

#include "solver/spectrum.h"

static eqs_spectrum spectrum_of(test_case *c, size_t dense_limit)
{
    eqs_relax_options tight = case_options("kinsol", 1e-12);
    eqs_spectrum_options options = eqs_spectrum_options_default();
    eqs_spectrum spectrum;
    options.dense_limit = dense_limit;
    options.ends = 2;
    case_relax(c, &tight);
    assert_ok(eqs_spectrum_at(c->energy, &c->phase, c->state, &options, &spectrum));
    return spectrum;
}

/* two linear units that hold each other by W: lambda = -1 -+ W, plus the curvature beta of the cost */
static void two_units_have_their_closed_form(void **unused)
{
    (void)unused;
    const size_t units[] = {1, 1, 1};
    eqs_activation activation[3];
    for (int k = 0; k < 3; k++)
        activation[k] = eqs_activation_default(EQS_LINEAR);
    eqs_network_def def = eqs_network_def_default();
    eqs_network *net;
    eqs_energy *energy;
    eqs_state *state;
    eqs_spectrum spectrum;
    double theta[4] = {0}, x = 0.3, target = 0.0;
    def.n_layers = 3;
    def.units = units;
    def.activation = activation;
    assert_ok(eqs_network_create(&def, &net));
    assert_ok(eqs_energy_create(net, &energy));
    assert_ok(eqs_state_create(net, 1, &state));
    eqs_weights(net, theta, 1)[0] = 0.75;
    eqs_phase phase = {.net = net, .theta = theta, .batch = 1, .x = &x, .target = &target};
    memcpy(phase.beta, net->beta, sizeof phase.beta);
    assert_ok(eqs_spectrum_at(energy, &phase, state, NULL, &spectrum));
    assert_int_equal(spectrum.n, 2);
    assert_close(spectrum.real[0], -0.25, 0, 1e-14);
    assert_close(spectrum.real[1], -1.75, 0, 1e-14);
    assert_close(spectrum.slowest, 4.0, 1e-13, 0);
    assert_close(spectrum.stiffness, 7.0, 1e-13, 0);
    assert_true(spectrum.symmetric);
    eqs_spectrum_clear(&spectrum);
    eqs_state_destroy(state);
    eqs_energy_destroy(energy);
    eqs_network_destroy(net);
}

static void arpack_finds_the_ends_of_lapacks_spectrum(void **unused)
{
    (void)unused;
    int checked = 0;
    for (int form = 0; form < 3; form++) {
        for (int kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
            for (int spread = 0; spread < 2; spread++) {
                case_def def = {.form = (eqs_form)form,
                                .activation = (eqs_activation_kind)kind,
                                .topology = FULL,
                                .gain = 0.3,
                                .tau_spread = spread ? 10.0 : 0.0};
                if (!case_allowed(def.form, def.activation))
                    continue;
                test_case c = case_create(def);
                eqs_spectrum whole = spectrum_of(&c, 100), ends = spectrum_of(&c, 0);
                assert_true(whole.symmetric && whole.n == whole.moving);
                assert_close(ends.slowest, whole.slowest, 1e-8, 0);
                assert_close(ends.fastest, whole.fastest, 1e-8, 0);
                assert_true(whole.slowest > 0.0 && whole.stiffness >= 1.0);
                checked += ends.n < whole.n;
                eqs_spectrum_clear(&whole);
                eqs_spectrum_clear(&ends);
                case_destroy(&c);
            }
        }
    }
    assert_true(checked > 20);
}

/* far enough down, the residual falls like the slowest mode */
static void the_slowest_mode_is_the_decay_of_a_trajectory(void **unused)
{
    (void)unused;
    static const eqs_activation_kind kinds[] = {EQS_HARD_SIGMOID, EQS_TANH, EQS_SIGMOID};
    for (size_t i = 0; i < 3; i++) {
        test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .activation = kinds[i]});
        eqs_state_fill(c.net, c.state, 0.5);
        eqs_state *start;
        assert_ok(eqs_state_create(c.net, 1, &start));
        eqs_state_copy(c.net, c.state, start);
        eqs_spectrum spectrum = spectrum_of(&c, 100);
        eqs_relax_options options = case_options("cvode-bdf", 1e-8);
        options.record = EQS_RECORD_STEPS;
        options.rtol = 1e-11;
        options.atol = 1e-14;
        eqs_relax_result result;
        assert_ok(eqs_relax_run(c.energy, &c.phase, &options, start, &result));
        const eqs_trajectory *t = result.trajectory;
        size_t from = 0, to = t->n - 1;
        while (t->residual[from] > 1e-5)
            from++;
        double decay = (t->time[to] - t->time[from]) / log(t->residual[from] / t->residual[to]);
        /* where two modes are close both may still be seen */
        assert_true(decay < 1.05 * spectrum.slowest && decay > -0.95 / spectrum.real[1]);
        eqs_relax_result_clear(&result);
        eqs_spectrum_clear(&spectrum);
        eqs_state_destroy(start);
        case_destroy(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_units_have_their_closed_form),
        cmocka_unit_test(arpack_finds_the_ends_of_lapacks_spectrum),
        cmocka_unit_test(the_slowest_mode_is_the_decay_of_a_trajectory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
