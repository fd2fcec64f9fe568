/* Free and nudged phases as one transient: the ends are operating points, settling times and energies have
 * closed forms. */
#include "tests/netlists/small_resistive.h"

#include "netlists/device_transient.h"

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

/* One resistor g from a source of 2 V charges C: v = 2 (1 - exp(-t g / C)). It is within e after ln(1/e) time
 * constants; the source delivers C V^2 = 4 C, half of which stays on the capacitor. Nudged by the current I =
 * beta (target - 2) it settles the same way, from 2 to 2 + I / g, and the source takes back, the nudge gives.
 */
static void one_node_settles_and_takes_energy_as_the_closed_form_says(void **state)
{
    const double g = 2.0, C = 1e-12, G0 = 1e-3, tau = C / (g * G0), beta[] = {0.0, 0.5},
                 I = 0.5 * (1.0 - 2.0) * G0;
    eqs_resistive_def def = eqs_resistive_def_default();
    def.siemens = G0;
    def.doubled = false;
    small_resistive s;
    small_resistive_open(&s, &def, 2, (const size_t[]){1, 1}, 1);
    eqs_weights(s.net, s.theta, 0)[0] = g;
    eqs_bias(s.net, s.theta, 1)[0] = 0.0;
    s.x[0] = 2.0;
    s.target[0] = 1.0;
    eqs_device_transient_options options = eqs_device_transient_options_default();
    options.max_step = tau / 100.0;
    double volts[2];
    eqs_device_stage_result r[2];
    assert_ok(eqs_device_transient_run(s.net, &s.phase, 0, &options, 2, beta, *state, volts, r));
    double end = 2.0 + I / (g * G0), T = 30.0 * tau;
    assert_close(volts[0], 2.0, 1e-9, 0.0);
    assert_close(volts[1], end, 1e-9, 0.0);
    for (size_t stage = 0; stage < 2; stage++) {
        assert_close(r[stage].seconds, T, 1e-12, 0.0);
        assert_close(r[stage].settled[0], tau * log(1e3), 5e-3, 0.0);
        assert_close(r[stage].settled[1], tau * log(1e6), 5e-3, 0.0);
    }
    assert_close(r[0].energy, C * 4.0, 1e-4, 0.0);
    /* source: 2 V times the integral of g (2 - v); nudge: I times that of v; v = 2 + (end - 2)(1 -
     * exp(-t/tau)) */
    double rise = (end - 2.0) * (T - tau), source = -2.0 * g * G0 * rise, nudge = I * (2.0 * T + rise);
    assert_close(r[1].energy, source + nudge, 1e-4, 0.0);
    small_resistive_close(&s);
}

/* With amplifiers, diodes and biases: what the supplies deliver is what resistors and diodes turn into heat
 * and capacitors store. After settling, power is constant: the energy of a longer stage grows by KCL's own
 * power. */
static void energy_is_the_heat_of_resistors_and_diodes(void **state)
{
    static const double gain = 3.0;
    eqs_resistive_def def = eqs_resistive_def_default();
    def.siemens = 1e-3;
    def.input_gain = 3.0;
    def.diode = EQS_DIODE_NGSPICE;
    def.amplifier = &gain;
    def.diode_bias[0] = 0.1;
    small_resistive s;
    small_resistive_open(&s, &def, 3, (const size_t[]){2, 4, 2}, 1);
    size_t n = eqs_network_state_size(s.net);
    double volts[3 * 6], beta[] = {0.0, 0.2, -0.2}, heat[3] = {0};
    eqs_device_stage_result one[3], two[3];
    eqs_device_transient_options options = eqs_device_transient_options_default();
    options.stage = 1e-7;
    options.max_step = 1e-7 / 300.0;
    assert_ok(eqs_device_transient_run(s.net, &s.phase, 0, &options, 3, beta, *state, volts, one));
    options.stage = 2e-7;
    assert_ok(eqs_device_transient_run(s.net, &s.phase, 0, &options, 3, beta, *state, volts, two));
    const double *g1 = eqs_weights(s.net, s.theta, 0), *g2 = eqs_weights(s.net, s.theta, 1);
    for (size_t p = 0; p < 3; p++) {
        const double *h = volts + p * n, *o = h + 4;
        for (size_t j = 0; j < 4; j++) {
            eqs_diode d = eqs_resistive_diode(s.net, 1, j);
            for (size_t i = 0; i < 4; i++)
                heat[p] += g1[i * 4 + j] * (s.x[i] - h[j]) * (s.x[i] - h[j]);
            for (size_t m = 0; m < 2; m++)
                heat[p] += g2[j * 2 + m] * (gain * h[j] - o[m]) * (gain * h[j] - o[m]);
            double v = j < 2 ? 0.1 - h[j] : h[j];
            heat[p] += v * eqs_diode_current(&d, v);
        }
        double watts = heat[p] * def.siemens;
        assert_close(two[p].energy - one[p].energy, watts * 1e-7, 1e-5, 0.0);
        assert_true(one[p].settled[0] > 0.0 && one[p].settled[1] > one[p].settled[0]);
        assert_close(two[p].settled[0], one[p].settled[0], 0.05, 0.0);
    }
    small_resistive_close(&s);
}

/* the ends of the stages obey KCL with the nudge made of the free end's outputs */
static void stages_end_at_free_and_nudged_operating_points(void **state)
{
    for (int differential = 0; differential < 2; differential++) {
        eqs_resistive_def def = eqs_resistive_def_default();
        def.siemens = 1e-3;
        def.input_gain = 3.0;
        def.diode = EQS_DIODE_NGSPICE;
        def.differential = differential == 1;
        small_resistive s;
        small_resistive_open(&s, &def, 3, (const size_t[]){2, 4, 2}, 2);
        size_t n = eqs_network_state_size(s.net), n_o = s.net->layer[2].units;
        double volts[3 * 8], beta[] = {0.0, 0.2, -0.2};
        eqs_device_transient_options options = eqs_device_transient_options_default();
        assert_ok(eqs_device_transient_run(s.net, &s.phase, 1, &options, 3, beta, *state, volts, NULL));
        eqs_diode none = {0};
        for (size_t p = 0; p < 3; p++) {
            double nudge[4];
            for (size_t k = 0; k < 2; k++) {
                const double *o = volts + n - n_o;
                double y = differential ? o[2 * k] - o[2 * k + 1] : o[k], I = beta[p] * (s.target[2 + k] - y);
                nudge[differential ? 2 * k : k] = I;
                if (differential)
                    nudge[2 * k + 1] = -I;
            }
            double residual = small_resistive_residual(&s, 1, volts + p * n, nudge, 0.0, &none);
            if (!(residual < 1e-8))
                print_error("stage %zu: residual %.3g V\n", p, residual);
            assert_true(residual < 1e-8);
        }
        small_resistive_close(&s);
    }
}

static void a_stage_that_is_too_short_has_no_settling_time(void **state)
{
    eqs_resistive_def def = eqs_resistive_def_default();
    small_resistive s;
    small_resistive_open(&s, &def, 3, (const size_t[]){2, 4, 2}, 1);
    double volts[8], beta[] = {0.0};
    eqs_device_stage_result r;
    eqs_device_transient_options options = eqs_device_transient_options_default();
    options.stage = 1e-6; /* 1 pF at some uS: a few time constants */
    assert_ok(eqs_device_transient_run(s.net, &s.phase, 0, &options, 1, beta, *state, volts, &r));
    assert_true(isnan(r.settled[1]));
    assert_fails(eqs_device_transient_run(s.net, &s.phase, 0, &options, 0, beta, *state, volts, &r),
                 EQS_BAD_CONFIG, "0 stages");
    small_resistive_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_node_settles_and_takes_energy_as_the_closed_form_says),
        cmocka_unit_test(energy_is_the_heat_of_resistors_and_diodes),
        cmocka_unit_test(stages_end_at_free_and_nudged_operating_points),
        cmocka_unit_test(a_stage_that_is_too_short_has_no_settling_time),
    };
    return cmocka_run_group_tests(tests, open_worker, close_worker);
}
