/* docs/extend/solver.md: a solver of one's own, gradient descent with momentum on the ODE's right-hand side.
 */
#include "base/memory.h"
#include "models/field.h"
#include "models/state.h"
#include "solver/relax.h"
#include "tests/check.h"

#define MOMENTUM 0.5

/* one sample whose residual is under the tolerance has ended; false while any runs */
static bool all_ended(const eqs_relax_options *options, eqs_relax_result *result)
{
    bool all = true;
    for (size_t b = 0; b < result->batch; b++) {
        if (result->end[b] == EQS_RELAX_RUNNING && result->residual[b] <= options->tolerance)
            result->end[b] = EQS_RELAX_CONVERGED;
        all &= result->end[b] != EQS_RELAX_RUNNING;
    }
    return all;
}

static void iterate(eqs_field *field, const eqs_relax_options *options, double *x, double *f, double *v,
                    eqs_relax_result *result)
{
    for (size_t step = 0;; step++) {
        field->ops->residual(field, x, result->residual);
        result->statistics.residual_evaluations += (long)field->batch;
        if (all_ended(options, result) || step == options->max_steps)
            return;
        if (field->ops->rhs(field, 0.0, x, f) != 0)
            return;
        result->statistics.rhs_evaluations += (long)field->batch;
        result->statistics.steps += (long)field->batch;
        for (size_t i = 0; i < field->n; i++) {
            v[i] = MOMENTUM * v[i] + options->step * f[i];
            x[i] += v[i];
        }
    }
}

static eqs_status run(const eqs_energy *energy, const eqs_phase *phase, const eqs_relax_options *options,
                      eqs_state *state, eqs_relax_result *result)
{
    eqs_field *field;
    EQS_TRY(eqs_relax_result_init(energy, options, phase->batch, result));
    EQS_TRY(eqs_field_create(energy, phase, &field));
    double *x = eqs_alloc(3 * field->n, sizeof *x);
    eqs_status status = x == NULL ? EQS_NO_MEMORY : EQS_OK;
    if (status == EQS_OK) {
        field->ops->from_state(field, state, options->settled_start, x);
        iterate(field, options, x, x + field->n, x + 2 * field->n, result);
        for (size_t b = 0; b < result->batch; b++) {
            if (result->end[b] == EQS_RELAX_RUNNING)
                result->end[b] = EQS_RELAX_STEP_LIMIT;
        }
        field->ops->energy(field, x, result->energy);
        field->ops->to_state(field, x, state);
    }
    eqs_free(x);
    eqs_field_destroy(field);
    return status;
}

static const char *unsupported(const eqs_energy *energy, const eqs_relax_options *options)
{
    (void)options;
    return energy->net->form == EQS_FORM_PROJECTED
               ? "heavy-ball leaves the box of the projected form; sweep and cvode can do it"
               : NULL;
}

static const eqs_solver heavy_ball = {
    .name = "heavy-ball",
    .summary = "gradient descent with momentum",
    .unsupported = unsupported,
    .run = run,
};

/* ---- the test: its fixed points are CVODE's ---- */

enum { INPUTS = 5, HIDDEN = 7, OUTPUTS = 3, BATCH = 4 };

static void settle(const eqs_network *net, const eqs_energy *energy, const double *theta, const char *solver,
                   eqs_state **state)
{
    double x[BATCH * INPUTS], target[BATCH * OUTPUTS];
    for (size_t i = 0; i < BATCH * INPUTS; i++)
        x[i] = 0.5 + 0.5 * sin(1.7 * (double)i);
    for (size_t i = 0; i < BATCH * OUTPUTS; i++)
        target[i] = i % OUTPUTS == 0;
    eqs_phase phase = {.net = net, .theta = theta, .batch = BATCH, .x = x, .target = target};
    eqs_network_nudge(net, 0.3, phase.beta);
    eqs_relax_options options = eqs_relax_options_default();
    eqs_relax_result result;
    options.solver = solver;
    options.tolerance = 1e-9;
    assert_ok(eqs_state_create(net, BATCH, state));
    assert_ok(eqs_relax_run(energy, &phase, &options, *state, &result));
    assert_int_equal(eqs_relax_unconverged(&result), 0);
    assert_string_equal(result.solver, strcmp(solver, "cvode") == 0 ? "cvode-bdf" : solver);
    eqs_relax_result_clear(&result);
}

static void a_registered_solver_reaches_the_fixed_points_of_the_ode(void **state)
{
    (void)state;
    static const size_t units[] = {INPUTS, HIDDEN, OUTPUTS};
    static const double gain[] = {1.0, 0.5};
    eqs_network *net;
    eqs_energy *energy;
    eqs_state *mine, *reference;
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 3;
    def.units = units;
    assert_ok(eqs_network_create(&def, &net));
    assert_ok(eqs_energy_create(net, &energy));
    double *theta = eqs_alloc(net->n_parameters, sizeof *theta);
    assert_non_null(theta);
    eqs_parameters_glorot(net, 2, gain, theta);

    assert_ok(eqs_solver_register(&heavy_ball));
    assert_ptr_equal(eqs_solver_find("heavy-ball"), &heavy_ball);
    assert_fails(eqs_solver_register(&heavy_ball), EQS_BAD_CONFIG, "heavy-ball");
    settle(net, energy, theta, "heavy-ball", &mine);
    settle(net, energy, theta, "cvode", &reference);
    assert_true(eqs_state_difference(net, mine, reference, NULL) < 1e-7);

    eqs_state_destroy(mine);
    eqs_state_destroy(reference);
    eqs_free(theta);
    eqs_energy_destroy(energy);
    eqs_network_destroy(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_registered_solver_reaches_the_fixed_points_of_the_ode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
