/* Paper 001's Euler iteration in the batch engine, by its own kernels and by OpenBLAS (the benchmark's
 * baseline). */
#include "tests/solver/solver_case.h"

#include "solver/engine.h"

enum { BATCH = 5, ITERATIONS = 7 };

static eqs_engine *engine_of(const test_case *c, eqs_precision precision, bool openblas)
{
    eqs_engine *engine;
    eqs_engine_options options = eqs_engine_options_default();
    options.precision = precision;
    options.batch = BATCH;
    options.solver = "euler";
    options.openblas = openblas;
    assert_ok(eqs_engine_create(c->energy, &options, &engine));
    eqs_engine_set_parameters(engine, c->theta);
    eqs_engine_load(engine, BATCH, c->x, c->target);
    return engine;
}

static eqs_engine_outcome iterate(eqs_engine *engine, size_t slot, double beta, double tolerance)
{
    eqs_engine_outcome outcome;
    eqs_engine_relax how = {.beta = {INFINITY, beta, 0.0},
                            .tolerance = tolerance,
                            .max_sweeps = ITERATIONS,
                            .fixed_iterations = true,
                            .step = 0.5};
    eqs_engine_relax_slot(engine, slot, &how, &outcome);
    return outcome;
}

static test_case projected_case(case_topology topology, eqs_activation_kind kind)
{
    return case_create(
        (case_def){.topology = topology, .activation = kind, .form = EQS_FORM_PROJECTED, .batch = BATCH});
}

/* two implementations of Eq. 54: this one and solver/euler.c */
static void iterates_are_those_of_the_field_by_field_euler(void **unused)
{
    (void)unused;
    for (int i = 0; i < 4 * SOFT_INPUT; i++) {
        test_case c =
            projected_case((case_topology)(i / 4), i % 4 == 0 ? EQS_PIECEWISE_LINEAR : EQS_HARD_SIGMOID);
        bool openblas = i % 2 == 1;
        eqs_engine *engine = engine_of(&c, EQS_DOUBLE, openblas);
        eqs_state *state;
        assert_ok(eqs_state_create(c.net, BATCH, &state));
        double beta = i % 4 < 2 ? 0.0 : -1.0; /* truncated, the singular nudge of the authors' code is fine */
        eqs_engine_reset(engine, 0);
        eqs_engine_outcome outcome = iterate(engine, 0, beta, 0.0);
        eqs_engine_take_states(engine, 0, state);
        assert_true(isnan(outcome.max_residual));
        assert_true(outcome.mean_sweeps == ITERATIONS);

        eqs_relax_options options = case_options("euler", 1e-6);
        eqs_relax_result result;
        options.fixed_iterations = true;
        options.max_steps = ITERATIONS;
        options.step = 0.5;
        c.phase.beta[EQS_BETA_Y] = beta;
        assert_ok(eqs_relax_run(c.energy, &c.phase, &options, c.state, &result));
        assert_true(eqs_state_difference(c.net, state, c.state, NULL) < 1e-13);

        eqs_engine_reset(engine, 0);
        outcome = iterate(engine, 0, beta, 1e-6);
        for (size_t b = 0; b < BATCH; b++)
            assert_close(outcome.residual[b], result.residual[b], 0.0, 1e-13);
        eqs_relax_result_clear(&result);
        eqs_state_destroy(state);
        eqs_engine_destroy(engine);
        case_destroy(&c);
    }
}

static void openblas_trains_the_same_weights(void **unused)
{
    (void)unused;
    for (int topology = 0; topology < SOFT_INPUT; topology++) {
        test_case c = projected_case((case_topology)topology, EQS_HARD_SIGMOID);
        size_t n = c.net->n_parameters, blocks = c.net->n_couplings + CASE_LAYERS - 1;
        double *theta[2], rate[32], change[2][32], norm[2][32];
        const double coefficient[EQS_ENGINE_SLOTS] = {-0.4, 0.4};
        for (size_t b = 0; b < 32; b++)
            rate[b] = 0.1 + 0.02 * (double)b;
        for (int side = 0; side < 2; side++) {
            eqs_engine *engine = engine_of(&c, EQS_DOUBLE, side == 1);
            theta[side] = eqs_alloc(n, sizeof(double));
            for (int step = 0; step < 3; step++) {
                eqs_engine_load(engine, BATCH, c.x, c.target);
                iterate(engine, 0, 0.0, 0.0);
                eqs_engine_copy(engine, 0, 1);
                iterate(engine, 1, 0.5, 0.0);
                eqs_engine_update(engine, rate, coefficient, 0.01, change[side], norm[side]);
            }
            eqs_engine_get_parameters(engine, theta[side]);
            eqs_engine_destroy(engine);
        }
        double moved = 0.0;
        for (size_t i = 0; i < n; i++) {
            assert_close(theta[1][i], theta[0][i], 0.0, 1e-13);
            moved = fmax(moved, fabs(theta[0][i] - c.theta[i]));
        }
        assert_true(moved > 1e-4);
        for (size_t b = 0; b < blocks; b++) {
            assert_close(change[1][b], change[0][b], 1e-9, 1e-15);
            assert_close(norm[1][b], norm[0][b], 1e-9, 0.0);
        }
        eqs_free(theta[0]);
        eqs_free(theta[1]);
        case_destroy(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iterates_are_those_of_the_field_by_field_euler),
        cmocka_unit_test(openblas_trains_the_same_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
