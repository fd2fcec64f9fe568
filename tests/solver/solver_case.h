/* Small networks with data, for the tests of solvers: every topology, activation and form. */
#ifndef EQS_TESTS_SOLVER_CASE_H
#define EQS_TESTS_SOLVER_CASE_H

#include "tests/check.h"

#include "base/memory.h"
#include "base/random.h"
#include "solver/relax.h"

typedef enum case_topology { LAYERED, LATERAL, SKIP, FULL, SOFT_INPUT, N_TOPOLOGIES } case_topology;

typedef struct case_def {
    case_topology topology;
    eqs_activation_kind activation;
    eqs_form form;
    size_t batch;      /* 0: 1 */
    double gain;       /* of the Glorot weights; 0: 0.7, 0.3 for unbounded units */
    double tau_spread; /* time constants log-uniform in [1/spread, 1]; 0: all 1 */
    eqs_regulariser regulariser;
} case_def;

typedef struct test_case {
    eqs_network *net;
    eqs_energy *energy;
    eqs_phase phase;
    eqs_state *state;
    double *theta, *x, *target;
} test_case;

enum { CASE_LAYERS = 4 };

static const size_t case_units[CASE_LAYERS] = {5, 7, 6, 3};

static inline size_t case_couplings(case_topology t, size_t (*out)[2])
{
    if (t == FULL)
        return eqs_couplings_full(CASE_LAYERS, out);
    size_t n = 0;
    for (size_t k = 0; k + 1 < CASE_LAYERS; k++, n++)
        memcpy(out[n], (size_t[2]){k, k + 1}, sizeof out[n]);
    if (t == LATERAL)
        memcpy(out[n++], (size_t[2]){1, 1}, sizeof out[0]);
    if (t == LATERAL)
        memcpy(out[n++], (size_t[2]){3, 3}, sizeof out[0]);
    if (t == SKIP)
        memcpy(out[n++], (size_t[2]){0, 2}, sizeof out[0]);
    if (t == SKIP)
        memcpy(out[n++], (size_t[2]){1, 3}, sizeof out[0]);
    return n;
}

/* random weights, biases, data and targets; the state is the paper's start, 0 clipped into the box */
static inline test_case case_create(case_def def)
{
    test_case c = {0};
    size_t batch = def.batch == 0 ? 1 : def.batch, couplings[CASE_LAYERS * CASE_LAYERS][2];
    eqs_activation activation[CASE_LAYERS];
    double tau[CASE_LAYERS][8];
    const double *rows[CASE_LAYERS];
    eqs_random stream =
        eqs_random_stream(7, EQS_RANDOM_TEST, (uint32_t)def.topology, (uint32_t)def.activation);
    for (size_t k = 0, at = 0; k < CASE_LAYERS; k++) {
        activation[k] = eqs_activation_default(def.activation);
        rows[k] = tau[k];
        for (size_t i = 0; i < case_units[k]; i++)
            tau[k][i] =
                def.tau_spread == 0.0 ? 1.0 : pow(def.tau_spread, -eqs_random_uniform(&stream, 1000 + at++));
    }
    eqs_network_def network = eqs_network_def_default();
    network.n_layers = CASE_LAYERS;
    network.units = case_units;
    network.activation = activation;
    network.n_couplings = case_couplings(def.topology, couplings);
    network.couplings = (const size_t(*)[2])couplings;
    network.form = def.form;
    network.tau_unit = rows;
    network.regulariser = def.regulariser;
    if (def.regulariser != EQS_REGULARISER_NONE)
        network.delta[EQS_BETA_THETA] = 0.3;
    if (def.topology == SOFT_INPUT)
        network.beta[EQS_BETA_X] = 2.0;
    assert_ok(eqs_network_create(&network, &c.net));
    assert_ok(eqs_energy_create(c.net, &c.energy));

    c.theta = eqs_alloc(c.net->n_parameters, sizeof *c.theta);
    c.x = eqs_alloc(batch * case_units[0], sizeof *c.x);
    c.target = eqs_alloc(batch * case_units[CASE_LAYERS - 1], sizeof *c.target);
    double gain[CASE_LAYERS * CASE_LAYERS];
    /* units without an upper bound need weak couplings for the energy to have a minimum */
    bool unbounded =
        def.activation == EQS_LINEAR || def.activation == EQS_RELU || def.activation == EQS_SOFTPLUS;
    double usual = unbounded ? 0.3 : 0.7;
    for (size_t i = 0; i < c.net->n_couplings; i++)
        gain[i] = (def.gain == 0.0 ? usual : def.gain) / (def.topology == FULL ? 2.0 : 1.0);
    eqs_parameters_glorot(c.net, 11, gain, c.theta);
    for (size_t k = 1; k < CASE_LAYERS; k++) {
        for (size_t i = 0; i < case_units[k]; i++)
            eqs_bias(c.net, c.theta, k)[i] = 0.8 * eqs_random_uniform(&stream, 100 * k + i) - 0.2;
    }
    for (size_t i = 0; i < batch * case_units[0]; i++)
        c.x[i] = eqs_random_uniform(&stream, 2000 + i);
    for (size_t i = 0; i < batch * case_units[CASE_LAYERS - 1]; i++)
        c.target[i] = eqs_random_uniform(&stream, 3000 + i);
    c.phase = (eqs_phase){.net = c.net, .theta = c.theta, .batch = batch, .x = c.x, .target = c.target};
    memcpy(c.phase.beta, c.net->beta, sizeof c.phase.beta);
    assert_ok(eqs_state_create(c.net, batch, &c.state));
    eqs_state_fill(c.net, c.state, 0.0);
    return c;
}

static inline void case_destroy(test_case *c)
{
    eqs_state_destroy(c->state);
    eqs_energy_destroy(c->energy);
    eqs_network_destroy(c->net);
    eqs_free(c->theta);
    eqs_free(c->x);
    eqs_free(c->target);
}

/* form and activation go together in a network */
static inline bool case_allowed(eqs_form form, eqs_activation_kind kind)
{
    eqs_activation a = eqs_activation_default(kind);
    return form != EQS_FORM_PROJECTED || eqs_activation_is_clipped(&a);
}

/* CVODE can integrate it: all but the gradient form with kinks */
static inline bool case_continuous(eqs_form form, eqs_activation_kind kind)
{
    eqs_activation a = eqs_activation_default(kind);
    return case_allowed(form, kind) && !(form == EQS_FORM_GRADIENT && eqs_activation_has_kinks(&a));
}

/* relaxes from the case's state and requires convergence; the residual */
static inline double case_relax(test_case *c, const eqs_relax_options *options)
{
    eqs_relax_result result;
    assert_ok(eqs_relax_run(c->energy, &c->phase, options, c->state, &result));
    double residual = 0.0;
    for (size_t b = 0; b < result.batch; b++) {
        if (result.end[b] != EQS_RELAX_CONVERGED)
            print_error("%s: sample %zu ended with %s, residual %g: %s\n", result.solver, b,
                        eqs_relax_end_name(result.end[b]), result.residual[b], result.failure);
        assert_int_equal(result.end[b], EQS_RELAX_CONVERGED);
        residual = fmax(residual, result.residual[b]);
    }
    eqs_relax_result_clear(&result);
    return residual;
}

static inline eqs_relax_options case_options(const char *solver, double tolerance)
{
    eqs_relax_options options = eqs_relax_options_default();
    options.solver = solver;
    options.tolerance = tolerance;
    return options;
}

#endif
