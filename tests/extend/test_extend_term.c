/* docs/extend/term.md: a term of one's own, a spring that stiffens, U(s) = k/4 s^4 on every unit of a layer.
 */
#include "base/memory.h"
#include "models/state.h"
#include "solver/relax.h"
#include "tests/check.h"

#define STIFFNESS 0.7

static void energy(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *F)
{
    size_t n = phase->net->layer[term->layer].units;
    for (size_t b = 0; b < at->batch; b++) {
        const double *s = at->s[term->layer] + b * n;
        for (size_t i = 0; i < n; i++)
            F[b] += 0.25 * STIFFNESS * s[i] * s[i] * s[i] * s[i];
    }
}

static void force(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    size_t n = at->batch * phase->net->layer[term->layer].units;
    const double *s = at->s[term->layer];
    for (size_t i = 0; i < n; i++)
        out[term->layer][i] -= STIFFNESS * s[i] * s[i] * s[i];
}

static void curvature(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    size_t n = at->batch * phase->net->layer[term->layer].units;
    const double *s = at->s[term->layer];
    for (size_t i = 0; i < n; i++)
        out[term->layer][i] += 3.0 * STIFFNESS * s[i] * s[i];
}

static const eqs_term_class spring = {
    .name = "spring",
    .equation = "k/4 sum s^4",
    .energy = energy,
    .force = force,
    .curvature = curvature,
};

/* ---- a network with the term at its hidden layer ---- */

enum { INPUTS = 3, HIDDEN = 4, OUTPUTS = 2 };
static const double input[INPUTS] = {0.9, -0.4, 0.6};

typedef struct example {
    eqs_network *net;
    eqs_energy *energy;
    double *theta;
    eqs_state *state;
    eqs_phase phase;
} example;

static void build(example *e)
{
    static const size_t units[] = {INPUTS, HIDDEN, OUTPUTS};
    eqs_activation rho[3];
    for (int k = 0; k < 3; k++)
        rho[k] = eqs_activation_default(EQS_TANH);
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 3;
    def.units = units;
    def.activation = rho;
    def.form = EQS_FORM_GRADIENT;
    assert_ok(eqs_network_create(&def, &e->net));
    assert_ok(eqs_energy_create(e->net, &e->energy));
    size_t n = e->energy->n_terms;
    e->energy->term = eqs_realloc(e->energy->term, n, n + 1, sizeof *e->energy->term);
    assert_non_null(e->energy->term);
    e->energy->term[e->energy->n_terms++] = (eqs_term){.class = &spring, .layer = 1, .beta = EQS_BETA_COUNT};
    e->theta = eqs_alloc(e->net->n_parameters, sizeof *e->theta);
    assert_non_null(e->theta);
    eqs_parameters_glorot(e->net, 1, NULL, e->theta);
    assert_ok(eqs_state_create(e->net, 1, &e->state));
    e->phase = (eqs_phase){.net = e->net, .theta = e->theta, .batch = 1, .x = input};
    eqs_network_nudge(e->net, 0.0, e->phase.beta);
}

static void clear(example *e)
{
    eqs_state_destroy(e->state);
    eqs_free(e->theta);
    eqs_energy_destroy(e->energy);
    eqs_network_destroy(e->net);
}

static void force_and_curvature_are_derivatives_of_the_energy(void **state)
{
    (void)state;
    example e;
    build(&e);
    const eqs_term *term = &e.energy->term[e.energy->n_terms - 1];
    const double h = 1e-5;
    double *s[3] = {NULL, (double[HIDDEN]){0.3, -1.2, 0.0, 2.0}, NULL};
    const eqs_point at = {.batch = 1, .s = s};
    double f[HIDDEN] = {0}, c[HIDDEN] = {0};
    double *const forces[3] = {NULL, f, NULL}, *const curvatures[3] = {NULL, c, NULL};
    force(term, &e.phase, &at, forces);
    curvature(term, &e.phase, &at, curvatures);
    for (size_t i = 0; i < HIDDEN; i++) {
        double F[2] = {0}, g[2][HIDDEN] = {{0}}, middle = s[1][i];
        for (int side = 0; side < 2; side++) {
            double *const sides[3] = {NULL, g[side], NULL};
            s[1][i] = middle + (side == 0 ? -h : h);
            energy(term, &e.phase, &at, &F[side]);
            force(term, &e.phase, &at, sides);
        }
        s[1][i] = middle;
        assert_close(f[i], -(F[1] - F[0]) / (2 * h), 1e-6, 1e-9);
        assert_close(c[i], -(g[1][i] - g[0][i]) / (2 * h), 1e-6, 1e-9);
    }
    clear(&e);
}

static void the_ode_settles_where_the_forces_balance(void **state)
{
    (void)state;
    example e;
    eqs_relax_result result;
    eqs_relax_options options = eqs_relax_options_default();
    build(&e);
    options.solver = "cvode";
    options.tolerance = 1e-9;
    assert_ok(eqs_relax_run(e.energy, &e.phase, &options, e.state, &result));
    assert_int_equal(result.end[0], EQS_RELAX_CONVERGED);
    /* by hand: s + k s^3 = rho'(s) (W_1' rho(x) + W_2 rho(o) + b) */
    const double *h = e.state->s[1], *o = e.state->s[2];
    const double *W1 = eqs_weights(e.net, e.theta, 0), *W2 = eqs_weights(e.net, e.theta, 1);
    for (size_t j = 0; j < HIDDEN; j++) {
        double drive = 0.0, r = tanh(h[j]);
        for (size_t i = 0; i < INPUTS; i++)
            drive += W1[i * HIDDEN + j] * tanh(input[i]);
        for (size_t i = 0; i < OUTPUTS; i++)
            drive += W2[j * OUTPUTS + i] * tanh(o[i]);
        assert_close(h[j] + STIFFNESS * h[j] * h[j] * h[j], (1 - r * r) * drive, 0.0, 1e-8);
    }
    eqs_relax_result_clear(&result);
    clear(&e);
}

static void the_batch_engine_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    example e;
    eqs_relax_result result;
    eqs_relax_options options = eqs_relax_options_default();
    build(&e);
    options.solver = "sweep";
    assert_int_equal(eqs_relax_run(e.energy, &e.phase, &options, e.state, &result), EQS_BAD_CONFIG);
    clear(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(force_and_curvature_are_derivatives_of_the_energy),
        cmocka_unit_test(the_ode_settles_where_the_forces_balance),
        cmocka_unit_test(the_batch_engine_refuses_what_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
