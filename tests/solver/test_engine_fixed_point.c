/* Where the batch engine ends: fixed points of every kind of network, as judged by the field of models/. */
#include "tests/solver/solver_case.h"

#include "solver/engine.h"

static const double nudges[] = {0.0, 0.5, -0.3};

/* largest projected residual of a state, evaluated by models/field.c */
static double field_residual(const test_case *c, const eqs_phase *phase, const eqs_state *state)
{
    eqs_field *field;
    assert_ok(eqs_field_create(c->energy, phase, &field));
    double *x = eqs_alloc(field->n, sizeof *x), *each = eqs_alloc(phase->batch, sizeof *each), worst = 0.0;
    field->ops->from_state(field, state, true, x);
    field->ops->residual(field, x, each);
    for (size_t i = 0; i < phase->batch; i++)
        worst = fmax(worst, each[i]);
    eqs_free(x);
    eqs_free(each);
    eqs_field_destroy(field);
    return worst;
}

static eqs_engine *engine_of(const test_case *c, eqs_precision precision, const char *solver)
{
    eqs_engine *engine;
    eqs_engine_options options = eqs_engine_options_default();
    options.precision = precision;
    options.solver = solver;
    options.batch = c->phase.batch;
    assert_ok(eqs_engine_create(c->energy, &options, &engine));
    eqs_engine_set_parameters(engine, c->theta);
    eqs_engine_load(engine, c->phase.batch, c->x, c->target);
    return engine;
}

static eqs_engine_outcome relax(eqs_engine *engine, size_t slot, const double *beta, double tolerance,
                                size_t sweeps)
{
    eqs_engine_outcome outcome;
    eqs_engine_relax how = {.tolerance = tolerance, .max_sweeps = sweeps, .step = 0.2};
    memcpy(how.beta, beta, sizeof how.beta);
    eqs_engine_relax_slot(engine, slot, &how, &outcome);
    return outcome;
}

/* free and nudged phases from the paper's start; the state must satisfy the field's equations */
static void check_phases(test_case *c, const char *solver)
{
    eqs_engine *engine = engine_of(c, EQS_DOUBLE, solver);
    eqs_engine_put_states(engine, 0, c->state);
    for (size_t i = 0; i < sizeof nudges / sizeof *nudges; i++) {
        eqs_phase phase = c->phase;
        eqs_network_nudge(c->net, nudges[i], phase.beta);
        if (i > 0)
            eqs_engine_copy(engine, 0, i);
        eqs_engine_outcome outcome = relax(engine, i, phase.beta, 1e-9, 20000);
        if (outcome.unconverged > 0)
            print_error("%s: %zu unconverged, residual %g, nudge %g\n", solver, outcome.unconverged,
                        outcome.max_residual, nudges[i]);
        assert_int_equal(outcome.unconverged, 0);
        assert_true(outcome.max_residual <= 1e-9);
        eqs_engine_take_states(engine, i, c->state);
        double residual = field_residual(c, &phase, c->state);
        if (residual > 1.1e-9)
            print_error("%s: field residual %g, engine's %g\n", solver, residual, outcome.max_residual);
        assert_true(residual <= 1.1e-9);
    }
    eqs_engine_destroy(engine);
}

static void check_all(eqs_form form, const char *solver)
{
    for (int topology = 0; topology < N_TOPOLOGIES; topology++) {
        for (int kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
            bool clipped = kind <= EQS_LINEAR;
            /* the gradient form of a clipped rho has no zero of its own field at a bound (models/field.h) */
            if (!case_allowed(form, (eqs_activation_kind)kind) || (form == EQS_FORM_GRADIENT && clipped))
                continue;
            test_case c = case_create((case_def){.topology = (case_topology)topology,
                                                 .activation = (eqs_activation_kind)kind,
                                                 .form = form,
                                                 .batch = 5});
            check_phases(&c, solver);
            case_destroy(&c);
        }
    }
}

static void sweeps_end_at_zeros_of_the_field(void **unused)
{
    (void)unused;
    check_all(EQS_FORM_PROJECTED, "sweep");
    check_all(EQS_FORM_MEMBRANE, "sweep");
    check_all(EQS_FORM_GRADIENT, "sweep");
}

static void nesterov_ends_at_zeros_of_the_field(void **unused)
{
    (void)unused;
    check_all(EQS_FORM_PROJECTED, "nesterov");
    check_all(EQS_FORM_MEMBRANE, "nesterov");
    check_all(EQS_FORM_GRADIENT, "nesterov");
}

static void auto_ends_at_zeros_of_the_field(void **unused)
{
    (void)unused;
    check_all(EQS_FORM_PROJECTED, "auto");
    check_all(EQS_FORM_MEMBRANE, "auto");
    check_all(EQS_FORM_GRADIENT, "auto");
}

static void newton_ends_at_zeros_of_the_field(void **unused)
{
    (void)unused;
    check_all(EQS_FORM_PROJECTED, "newton");
    check_all(EQS_FORM_MEMBRANE, "newton");
    check_all(EQS_FORM_GRADIENT, "newton");
}

static void euler_ends_at_zeros_of_the_field(void **unused)
{
    (void)unused;
    check_all(EQS_FORM_PROJECTED, "euler");
    check_all(EQS_FORM_MEMBRANE, "euler");
    check_all(EQS_FORM_GRADIENT, "euler");
}

static void single_precision_finds_the_same_states(void **unused)
{
    (void)unused;
    for (int topology = 0; topology < N_TOPOLOGIES; topology++) {
        test_case c = case_create((case_def){.topology = (case_topology)topology,
                                             .activation = EQS_HARD_SIGMOID,
                                             .form = EQS_FORM_MEMBRANE,
                                             .batch = 7});
        eqs_state *other;
        assert_ok(eqs_state_create(c.net, 7, &other));
        eqs_engine *wide = engine_of(&c, EQS_DOUBLE, "auto"), *narrow = engine_of(&c, EQS_SINGLE, "auto");
        eqs_engine_put_states(wide, 0, c.state);
        eqs_engine_put_states(narrow, 0, c.state);
        assert_int_equal(relax(wide, 0, c.phase.beta, 1e-10, 10000).unconverged, 0);
        assert_int_equal(relax(narrow, 0, c.phase.beta, 1e-6, 10000).unconverged, 0);
        eqs_engine_take_states(wide, 0, c.state);
        eqs_engine_take_states(narrow, 0, other);
        assert_true(eqs_state_difference(c.net, c.state, other, NULL) < 3e-5);
        eqs_engine_destroy(wide);
        eqs_engine_destroy(narrow);
        eqs_state_destroy(other);
        case_destroy(&c);
    }
}

/* sweep by sweep, from the paper's start */
static void a_sweep_never_raises_the_energy(void **unused)
{
    (void)unused;
    const eqs_form forms[] = {EQS_FORM_PROJECTED, EQS_FORM_MEMBRANE, EQS_FORM_GRADIENT};
    for (int i = 0; i < 3 * N_TOPOLOGIES * EQS_ACTIVATION_COUNT; i++) {
        eqs_form form = forms[i % 3];
        eqs_activation_kind kind = (eqs_activation_kind)(i / 3 % EQS_ACTIVATION_COUNT);
        if (!case_allowed(form, kind))
            continue;
        bool bounded = kind != EQS_LINEAR && kind != EQS_RELU && kind != EQS_SOFTPLUS;
        /* strong couplings, so that the energy is not convex, where units are bounded */
        test_case c = case_create((case_def){.topology = (case_topology)(i / 3 / EQS_ACTIVATION_COUNT),
                                             .activation = kind,
                                             .form = form,
                                             .gain = bounded ? 2.0 : 0.0,
                                             .batch = 3});
        eqs_engine *engine = engine_of(&c, EQS_DOUBLE, "sweep");
        eqs_state_randomise(c.net, c.state, 5, 0);
        eqs_engine_put_states(engine, 0, c.state);
        double beta[EQS_BETA_COUNT], before[3], after[3];
        eqs_network_nudge(c.net, 0.4, beta);
        relax(engine, 0, beta, 0.0, 1); /* colour 0 becomes exact */
        eqs_engine_energy(engine, 0, before);
        for (int sweep = 0; sweep < 20; sweep++) {
            /* two sweeps: the first only measures what it starts from */
            relax(engine, 0, beta, 0.0, 2);
            eqs_engine_energy(engine, 0, after);
            for (int b = 0; b < 3; b++) {
                if (!(after[b] <= before[b] + 1e-13 * (1.0 + fabs(before[b]))))
                    print_error("case %d sweep %d: %.17g after %.17g\n", i, sweep, after[b], before[b]);
                assert_true(after[b] <= before[b] + 1e-13 * (1.0 + fabs(before[b])));
                before[b] = after[b];
            }
        }
        eqs_engine_destroy(engine);
        case_destroy(&c);
    }
}

static void energies_and_outputs_are_those_of_the_model(void **unused)
{
    (void)unused;
    for (int i = 0; i < N_TOPOLOGIES * EQS_ACTIVATION_COUNT * 2; i++) {
        eqs_form form = i % 2 == 0 ? EQS_FORM_MEMBRANE : EQS_FORM_GRADIENT;
        test_case c =
            case_create((case_def){.topology = (case_topology)(i / 2 / EQS_ACTIVATION_COUNT),
                                   .activation = (eqs_activation_kind)(i / 2 % EQS_ACTIVATION_COUNT),
                                   .form = form,
                                   .regulariser = i % 3 == 0 ? EQS_REGULARISER_L1 : EQS_REGULARISER_L2,
                                   .batch = 4});
        eqs_engine *engine = engine_of(&c, EQS_DOUBLE, "sweep");
        eqs_phase phase = c.phase;
        eqs_network_nudge(c.net, 0.7, phase.beta);
        eqs_engine_put_states(engine, 2, c.state);
        relax(engine, 2, phase.beta, 1e-3, 50);
        eqs_engine_take_states(engine, 2, c.state);
        double F[4], expected[4], y[12], *r[CASE_LAYERS];
        for (size_t k = 0; k < CASE_LAYERS; k++) {
            r[k] = eqs_alloc(4 * case_units[k], sizeof **r);
            const double *s = k == 0 && eqs_network_clamped(c.net) ? c.x : c.state->s[k];
            memcpy(c.state->s[k], s, 4 * case_units[k] * sizeof *s);
            eqs_activity(c.net, k, 4 * case_units[k], s, r[k], NULL);
        }
        eqs_point at = {4, c.state->s, r, NULL};
        eqs_energy_value(c.energy, &phase, &at, expected);
        eqs_engine_energy(engine, 2, F);
        eqs_engine_output(engine, 2, y);
        for (size_t b = 0; b < 4; b++)
            assert_close(F[b], expected[b], 1e-12, 1e-12);
        for (size_t j = 0; j < 4 * case_units[CASE_LAYERS - 1]; j++)
            assert_close(y[j], c.state->s[CASE_LAYERS - 1][j], 0.0, 0.0);
        for (size_t k = 0; k < CASE_LAYERS; k++)
            eqs_free(r[k]);
        eqs_engine_destroy(engine);
        case_destroy(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sweeps_end_at_zeros_of_the_field),
        cmocka_unit_test(nesterov_ends_at_zeros_of_the_field),
        cmocka_unit_test(auto_ends_at_zeros_of_the_field),
        cmocka_unit_test(newton_ends_at_zeros_of_the_field),
        cmocka_unit_test(euler_ends_at_zeros_of_the_field),
        cmocka_unit_test(single_precision_finds_the_same_states),
        cmocka_unit_test(a_sweep_never_raises_the_energy),
        cmocka_unit_test(energies_and_outputs_are_those_of_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
