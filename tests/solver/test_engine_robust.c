/* The batch engine where relaxation is hard: random networks with strong couplings and many fixed points. A
 * sample ends certified, or says that it did not; its state is always finite. */
#include "tests/check.h"
#include "tests/random_network.h"

#include "solver/engine.h"

static eqs_engine *engine_of(const random_network *r, const char *solver, eqs_precision precision)
{
    eqs_engine *engine;
    eqs_engine_options options = eqs_engine_options_default();
    options.precision = precision;
    options.solver = solver;
    options.batch = r->phase.batch;
    assert_ok(eqs_engine_create(r->energy, &options, &engine));
    eqs_engine_set_parameters(engine, r->theta);
    eqs_engine_load(engine, r->phase.batch, r->x, r->target);
    eqs_engine_put_states(engine, 0, r->state);
    return engine;
}

/* The field's residual of one sample, and what rounding of its state may add: a saturated smooth membrane is
 * given by V = rho(u), whose last digit is 1/rho' times as much in u. */
static double field_residual(const random_network *r, size_t sample, double *rounding)
{
    eqs_field *field;
    assert_ok(eqs_field_create(r->energy, &r->phase, &field));
    double *x = eqs_alloc(field->n, sizeof *x), *residual = eqs_alloc(r->phase.batch, sizeof *residual);
    field->ops->from_state(field, r->state, true, x);
    field->ops->residual(field, x, residual);
    double result = residual[sample];
    const double *u = x;
    *rounding = 0.0;
    for (size_t k = eqs_first_free_layer(r->net); k < r->net->n_layers; k++) {
        size_t n = r->net->layer[k].units;
        for (size_t i = sample * n; eqs_state_is_rate(r->net, k) && i < (sample + 1) * n; i++)
            *rounding = fmax(*rounding, 1e-15 * (1.0 + fabs(r->state->s[k][i])) /
                                            eqs_rho_derivative(&r->net->layer[k].activation, u[i]));
        u += r->phase.batch * n;
    }
    eqs_free(x);
    eqs_free(residual);
    eqs_field_destroy(field);
    return result;
}

static bool all_finite(const random_network *r)
{
    bool finite = true;
    for (size_t k = eqs_first_free_layer(r->net); k < r->net->n_layers; k++) {
        for (size_t i = 0; i < r->phase.batch * r->net->layer[k].units; i++)
            finite &= isfinite(r->state->s[k][i]);
    }
    return finite;
}

static void check_honest(const char *solver, eqs_precision precision, double tolerance, size_t *converged,
                         size_t *all)
{
    for (uint64_t seed = 1; seed <= 150; seed++) {
        random_network r = random_network_create(
            seed, (random_wishes){.form = -1, .activation = -1, .layered = -1, .clamped = -1, .scale = 3.0});
        r.phase.beta[EQS_BETA_Y] = seed % 2 == 0 ? 0.5 : 0.0;
        eqs_engine *engine = engine_of(&r, solver, precision);
        eqs_engine_outcome outcome;
        eqs_engine_relax how = {.tolerance = tolerance, .max_sweeps = 3000};
        memcpy(how.beta, r.phase.beta, sizeof how.beta);
        eqs_engine_relax_slot(engine, 0, &how, &outcome);
        eqs_engine_take_states(engine, 0, r.state);
        assert_true(all_finite(&r));
        bool clipped = eqs_activation_is_clipped(&r.net->layer[1].activation);
        bool comparable = r.net->form != EQS_FORM_GRADIENT || !clipped;
        for (size_t b = 0; b < outcome.n; b++) {
            double rounding;
            bool done = outcome.end[b] == EQS_RELAX_CONVERGED;
            *all += 1;
            *converged += done;
            assert_true(done || outcome.end[b] == EQS_RELAX_STEP_LIMIT || outcome.end[b] == EQS_RELAX_FAILED);
            assert_true(done == (outcome.residual[b] <= tolerance));
            if (!done || !comparable || precision != EQS_DOUBLE)
                continue;
            double residual = field_residual(&r, b, &rounding);
            if (residual > 2.0 * tolerance + rounding)
                print_error("%s, seed %d: claimed %g, found %g\n", solver, (int)seed, outcome.residual[b],
                            residual);
            assert_true(residual <= 2.0 * tolerance + rounding);
        }
        eqs_engine_destroy(engine);
        random_network_destroy(&r);
    }
}

static void strong_random_networks_end_with_honest_certificates(void **unused)
{
    (void)unused;
    const char *const solvers[] = {"sweep", "nesterov", "anderson", "newton", "auto"};
    for (size_t i = 0; i < sizeof solvers / sizeof *solvers; i++) {
        size_t converged = 0, all = 0;
        check_honest(solvers[i], EQS_DOUBLE, 1e-8, &converged, &all);
        print_message("%s: %zu of %zu certified\n", solvers[i], converged, all);
        /* the rest are energies without minimum (relu, linear, softplus) and slow saddles */
        assert_true(converged > all * 6 / 10);
    }
}

static void single_precision_is_honest_too(void **unused)
{
    (void)unused;
    size_t converged = 0, all = 0;
    check_honest("auto", EQS_SINGLE, 1e-5, &converged, &all);
    assert_true(converged > all * 6 / 10);
}

/* bounded units always have a minimum: auto must find a fixed point of every network of them */
static void auto_certifies_every_network_of_bounded_units(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        random_network r = random_network_create(seed, (random_wishes){.form = EQS_FORM_MEMBRANE,
                                                                       .activation = EQS_HARD_SIGMOID,
                                                                       .layered = -1,
                                                                       .clamped = -1,
                                                                       .scale = 1.0 + (double)(seed % 5)});
        eqs_engine *engine = engine_of(&r, "auto", EQS_DOUBLE);
        eqs_engine_outcome outcome;
        eqs_engine_relax how = {.tolerance = 1e-9, .max_sweeps = 100000};
        memcpy(how.beta, r.phase.beta, sizeof how.beta);
        eqs_engine_relax_slot(engine, 0, &how, &outcome);
        if (outcome.unconverged > 0)
            print_error("seed %d: residual %g\n", (int)seed, outcome.max_residual);
        assert_int_equal(outcome.unconverged, 0);
        eqs_engine_destroy(engine);
        random_network_destroy(&r);
    }
}

/* 1 + beta <= 0: there is no equilibrium, and the engine says so */
static void an_impossible_beta_fails(void **unused)
{
    (void)unused;
    random_network r = random_network_create(
        4, (random_wishes){
               .form = EQS_FORM_MEMBRANE, .activation = EQS_HARD_SIGMOID, .layered = 1, .clamped = 1});
    eqs_engine *engine = engine_of(&r, "auto", EQS_DOUBLE);
    eqs_engine_outcome outcome;
    eqs_engine_relax how = {.beta = {INFINITY, -1.0, 0.0}, .tolerance = 1e-9, .max_sweeps = 100};
    eqs_engine_relax_slot(engine, 0, &how, &outcome);
    assert_int_equal(outcome.unconverged, r.phase.batch);
    assert_int_equal(outcome.end[0], EQS_RELAX_FAILED);
    eqs_engine_destroy(engine);
    random_network_destroy(&r);
}

static void wrong_options_are_refused_by_name(void **unused)
{
    (void)unused;
    random_network r = random_network_create(
        4, (random_wishes){
               .form = EQS_FORM_MEMBRANE, .activation = EQS_HARD_SIGMOID, .layered = 1, .clamped = 1});
    eqs_engine *engine;
    eqs_engine_options options = eqs_engine_options_default();
    options.solver = "magic";
    assert_fails(eqs_engine_create(r.energy, &options, &engine), EQS_BAD_CONFIG, "nesterov");
    options = eqs_engine_options_default();
    options.batch = 0;
    assert_fails(eqs_engine_create(r.energy, &options, &engine), EQS_BAD_CONFIG, "batch");
    options = eqs_engine_options_default();
    options.threads = 0;
    assert_fails(eqs_engine_create(r.energy, &options, &engine), EQS_BAD_CONFIG, "threads");
    options = eqs_engine_options_default();
    options.openblas = true;
    assert_fails(eqs_engine_create(r.energy, &options, &engine), EQS_BAD_CONFIG, "euler");
    random_network_destroy(&r);
}

/* every allocation of create fails in turn */
static void memory_shortage_is_an_error_and_leaks_nothing(void **unused)
{
    (void)unused;
    random_network r = random_network_create(
        4, (random_wishes){
               .form = EQS_FORM_MEMBRANE, .activation = EQS_HARD_SIGMOID, .layered = 0, .clamped = 1});
    eqs_engine_options options = eqs_engine_options_default();
    options.solver = "newton";
    for (long k = 1; k < 1000; k++) {
        eqs_engine *engine = NULL;
        eqs_alloc_fail_at(k);
        eqs_status status = eqs_engine_create(r.energy, &options, &engine);
        eqs_alloc_fail_at(0);
        eqs_engine_destroy(status == EQS_OK ? engine : NULL);
        if (status == EQS_OK) {
            assert_true(k > 30); /* create allocates more often than that */
            random_network_destroy(&r);
            return;
        }
        assert_int_equal(status, EQS_NO_MEMORY);
    }
    fail();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strong_random_networks_end_with_honest_certificates),
        cmocka_unit_test(single_precision_is_honest_too),
        cmocka_unit_test(auto_certifies_every_network_of_bounded_units),
        cmocka_unit_test(an_impossible_beta_fails),
        cmocka_unit_test(wrong_options_are_refused_by_name),
        cmocka_unit_test(memory_shortage_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
