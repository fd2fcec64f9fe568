/* Small random networks for the tests of circuits: one bundle of network, parameters, energy, data and phase.
 */
#ifndef EQS_TESTS_NETLISTS_SMALL_NET_H
#define EQS_TESTS_NETLISTS_SMALL_NET_H

#include "tests/check.h"

#include "base/memory.h"
#include "base/random.h"
#include "models/energy.h"
#include "models/field.h"
#include "models/state.h"

typedef struct small_net {
    eqs_network *net;
    eqs_energy *energy;
    double *theta, *x, *target;
    eqs_phase phase;
} small_net;

/* Weights uniform in +-gain / sqrt(largest layer), symmetric with zero diagonal within a layer; biases in
 * +-0.3, data and targets in [0, 1]. */
static inline void small_net_open(small_net *s, const eqs_network_def *def, uint64_t seed, size_t batch,
                                  double gain)
{
    assert_ok(eqs_network_create(def, &s->net));
    assert_ok(eqs_energy_create(s->net, &s->energy));
    const eqs_network *net = s->net;
    size_t n_in = net->layer[0].units, n_out = net->layer[net->n_layers - 1].units, largest = 0;
    for (size_t k = 0; k < net->n_layers; k++)
        largest = net->layer[k].units > largest ? net->layer[k].units : largest;
    s->theta = eqs_alloc(net->n_parameters, sizeof(double));
    s->x = eqs_alloc(batch * n_in, sizeof(double));
    s->target = eqs_alloc(batch * n_out, sizeof(double));
    eqs_random w = eqs_random_stream(seed, EQS_RANDOM_TEST, 1, 0),
               v = eqs_random_stream(seed, EQS_RANDOM_TEST, 2, 0);
    for (size_t i = 0; i < net->n_parameters; i++)
        s->theta[i] = 0.6 * (eqs_random_uniform(&w, i) - 0.5);
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t n = net->layer[net->coupling[c].from].units, m = net->layer[net->coupling[c].to].units;
        double *W = eqs_weights(net, s->theta, c);
        for (size_t i = 0; i < n * m; i++)
            W[i] = W[i] / 0.3 * gain / sqrt((double)largest);
        for (size_t i = 0; net->coupling[c].from == net->coupling[c].to && i < n; i++) {
            W[i * n + i] = 0.0;
            for (size_t j = 0; j < i; j++)
                W[i * n + j] = W[j * n + i];
        }
    }
    for (size_t i = 0; i < batch * n_in; i++)
        s->x[i] = eqs_random_uniform(&v, i);
    for (size_t i = 0; i < batch * n_out; i++)
        s->target[i] = eqs_random_uniform(&v, batch * n_in + i);
    s->phase = (eqs_phase){.net = net, .theta = s->theta, .batch = batch, .x = s->x, .target = s->target};
    memcpy(s->phase.beta, net->beta, sizeof s->phase.beta);
}

static inline void small_net_close(small_net *s)
{
    eqs_energy_destroy(s->energy);
    eqs_network_destroy(s->net);
    eqs_free(s->theta);
    eqs_free(s->x);
    eqs_free(s->target);
}

/* The fixed point of a batch by plain Euler steps of the field; fails when the residual does not fall below
 * tolerance. */
static inline void small_net_relax(small_net *s, double tolerance, eqs_state *out)
{
    eqs_field *field;
    assert_ok(eqs_field_create(s->energy, &s->phase, &field));
    double *x = eqs_alloc(field->n, sizeof *x), *f = eqs_alloc(field->n, sizeof *f);
    double *residual = eqs_alloc(field->batch, sizeof *residual), worst = INFINITY;
    memcpy(out->s[0], s->x, s->phase.batch * s->net->layer[0].units * sizeof(double));
    for (size_t step = 0; step < 200000 && worst > tolerance; step++) {
        assert_int_equal(field->ops->rhs(field, 0.0, x, f), 0);
        for (size_t i = 0; i < field->n; i++)
            x[i] += 0.1 * f[i];
        for (size_t i = 0; field->lo != NULL && i < field->n; i++)
            x[i] = fmin(fmax(x[i], field->lo[i]), field->hi[i]);
        field->ops->residual(field, x, residual);
        worst = 0.0;
        for (size_t b = 0; b < field->batch; b++)
            worst = fmax(worst, residual[b]);
    }
    assert_true(worst <= tolerance);
    field->ops->to_state(field, x, out);
    eqs_field_destroy(field);
    eqs_free(x);
    eqs_free(f);
    eqs_free(residual);
}

#endif
