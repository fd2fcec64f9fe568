/* The fast engine of layered resistive networks against the general solver and the ODE, node by node, and its
 * update against the exact gradient. */
#include "solver/exact_gradient.h"
#include "solver/resistive_engine.h"
#include "tests/resistive_case.h"

static const double xi = 0.01;

typedef struct fast_case {
    resistive_case c;
    eqs_resistive_engine *engine;

} fast_case;

/* false when the engine refuses the shape */
static bool fast_create(const resistive_shape *shape, uint64_t seed, double strength, fast_case *f)
{
    f->c = case_create(shape, seed);
    if (eqs_resistive_engine_refuses(f->c.net) != NULL) {
        case_destroy(&f->c);
        return false;
    }
    eqs_resistive_options options = {EQS_DOUBLE, shape->batch, 1, NULL};
    eqs_resistive_outcome free, nudged[2];
    double beta[2] = {strength, -strength};
    assert_ok(eqs_resistive_engine_create(f->c.net, &options, &f->engine));
    eqs_resistive_engine_set_parameters(f->engine, f->c.theta);
    eqs_resistive_engine_load(f->engine, shape->batch, f->c.x, f->c.target);
    eqs_resistive_engine_relax_free(f->engine, 1e-13, 10000, &free);
    assert_int_equal(free.unconverged, 0);
    assert_ok(eqs_resistive_engine_relax_nudged(f->engine, 2, beta, 1e-9, 10000, nudged));
    assert_int_equal(nudged[0].unconverged + nudged[1].unconverged, 0);
    return true;
}

static void fast_destroy(fast_case *f)
{
    eqs_resistive_engine_destroy(f->engine);
    case_destroy(&f->c);
}

/* Largest |a - b| over |b| of a slot's nodes; below a millivolt over that. */
static double largest_deviation(const fast_case *f, size_t slot, const eqs_state *state)
{
    double worst = 0.0, v[256];
    for (size_t k = 1; k < f->c.net->n_layers; k++) {
        eqs_resistive_engine_voltages(f->engine, slot, k, v);
        for (size_t i = 0; i < f->c.phase.batch * f->c.net->layer[k].units; i++)
            worst = fmax(worst, fabs(v[i] - state->s[k][i]) / fmax(fabs(state->s[k][i]), 1e-3));
    }
    return worst;
}

static void relax(const resistive_case *c, const eqs_phase *phase, const char *solver, bool settled,
                  eqs_state *state)
{
    eqs_relax_options o = eqs_relax_options_default();
    eqs_relax_result result;
    o.solver = solver;
    o.tolerance = 1e-10;
    o.response_tolerance = 1e-9;
    o.rtol = 1e-8;
    o.atol = 1e-12;
    o.settled_start = settled;
    assert_ok(eqs_relax_run(c->energy, phase, &o, state, &result));
    assert_int_equal(eqs_relax_unconverged(&result), 0);
    eqs_relax_result_clear(&result);
}

static void every_node_agrees_with_the_general_solver_and_the_ode(void **state)
{
    (void)state;
    static const char *const solvers[] = {"newton", "cvode"};
    resistive_shape shape;
    size_t seen = 0;
    for (size_t n = 0; shape_get(n, &shape); n++) {
        fast_case f;
        if (!fast_create(&shape, 40 + n, xi, &f))
            continue;
        eqs_state *free;
        assert_ok(eqs_state_create(f.c.net, shape.batch, &free));
        for (size_t i = 0; i < 2; i++) {
            eqs_state_fill(f.c.net, f.c.state, 0.0);
            relax(&f.c, &f.c.phase, solvers[i], false, f.c.state);
            assert_true(largest_deviation(&f, 0, f.c.state) <= 1e-6);
            eqs_state_copy(f.c.net, f.c.state, free);
            for (size_t slot = 1; slot <= 2; slot++) {
                eqs_phase nudged = f.c.phase;
                nudged.free_output = free->s[f.c.net->n_layers - 1];
                eqs_network_nudge(f.c.net, slot == 1 ? xi : -xi, nudged.beta);
                eqs_state_copy(f.c.net, free, f.c.state);
                relax(&f.c, &nudged, solvers[i], true, f.c.state);
                assert_true(largest_deviation(&f, slot, f.c.state) <= 1e-6);
            }
        }
        seen++;
        eqs_state_destroy(free);
        fast_destroy(&f);
    }
    assert_true(seen >= 5);
}

static void updates_are_steps_down_the_exact_gradient(void **state)
{
    (void)state;
    resistive_shape shape;
    for (size_t n = 0; shape_get(n, &shape); n++) {
        double strength = 1e-5;
        fast_case f;
        if (!fast_create(&shape, 60 + n, strength, &f))
            continue;
        size_t size = f.c.net->n_parameters, blocks = 2 * (f.c.net->n_layers - 1);
        double *grad = calloc(2 * size, sizeof *grad), *step = grad + size, rate[8];
        double coefficient[EQS_ENGINE_SLOTS] = {0.0, 0.5 / strength, -0.5 / strength};
        eqs_exact_report report;
        relax(&f.c, &f.c.phase, "newton", false, f.c.state);
        assert_ok(eqs_exact_gradient(f.c.energy, &f.c.phase, f.c.state, NULL, grad, NULL, &report));
        for (size_t i = 0; i < blocks; i++)
            rate[i] = 1e-5; /* too small to reach a bound of the conductances */
        eqs_resistive_engine_update(f.engine, rate, coefficient, NULL, NULL);
        eqs_resistive_engine_get_parameters(f.engine, step);
        double dot = 0.0, of_step = 0.0, of_grad = 0.0;
        for (size_t p = 0; p < size; p++) {
            double g = p < f.c.net->bias_offset[1] && f.c.theta[p] <= 0.01 ? 0.0 : grad[p];
            double s = g == 0.0 ? 0.0 : (f.c.theta[p] - step[p]) / 1e-5;
            dot += s * g;
            of_step += s * s;
            of_grad += g * g;
        }
        assert_true(dot / sqrt(of_step * of_grad) >= 0.999999);
        assert_close(sqrt(of_step / of_grad), 1.0, 1e-3, 0.0);
        free(grad);
        fast_destroy(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_agrees_with_the_general_solver_and_the_ode),
        cmocka_unit_test(updates_are_steps_down_the_exact_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
