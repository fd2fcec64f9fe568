#include "solver/stdp.h"

#include "base/memory.h"

#include <string.h>

/* Integrals of one sample: first those of the biases (the free layers in turn), then a matrix per coupling of
 * free layers. */
typedef struct synapses {
    const eqs_network *net;
    size_t *start; /* [n_layers] of a free layer in the state, and so of its biases' integrals */
    size_t *place; /* [n_couplings] of a matrix, or SIZE_MAX for couplings of the clamped input */
    size_t n;
} synapses;

static eqs_status lay_out(const eqs_network *net, synapses *out)
{
    size_t first = eqs_first_free_layer(net);
    *out = (synapses){.net = net};
    out->start = eqs_alloc(net->n_layers + net->n_couplings, sizeof *out->start);
    if (out->start == NULL)
        return EQS_NO_MEMORY;
    out->place = out->start + net->n_layers;
    for (size_t k = first; k < net->n_layers; out->n += net->layer[k].units, k++)
        out->start[k] = out->n;
    for (size_t c = 0; c < net->n_couplings; c++) {
        const eqs_coupling *coupling = &net->coupling[c];
        out->place[c] = coupling->from < first ? SIZE_MAX : out->n;
        if (coupling->from >= first)
            out->n += net->layer[coupling->from].units * net->layer[coupling->to].units;
    }
    return EQS_OK;
}

/* Eqs. 45, 46 for every synapse. */
static void plasticity(const void *user, const double *r, const double *drdt, double *rate)
{
    const synapses *s = user;
    const eqs_network *net = s->net;
    memcpy(rate, drdt, eqs_network_state_size(net) * sizeof *rate);
    for (size_t c = 0; c < net->n_couplings; c++) {
        if (s->place[c] == SIZE_MAX)
            continue;
        size_t a = net->coupling[c].from, b = net->coupling[c].to, n = net->layer[b].units;
        const double *ra = r + s->start[a], *da = drdt + s->start[a];
        const double *rb = r + s->start[b], *db = drdt + s->start[b];
        for (size_t i = 0; i < net->layer[a].units; i++) {
            double *row = rate + s->place[c] + i * n;
            for (size_t j = 0; j < n; j++)
                row[j] = ra[i] * db[j] + da[i] * rb[j];
        }
    }
}

/* dtheta += weight * integrals of one sample, whose clamped data is x */
static void add_sample(const synapses *s, const double *value, const double *x, double weight, double *dtheta)
{
    const eqs_network *net = s->net;
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t a = net->coupling[c].from, b = net->coupling[c].to, n = net->layer[b].units;
        double *W = eqs_weights(net, dtheta, c);
        for (size_t i = 0; i < net->layer[a].units; i++) {
            bool input = s->place[c] == SIZE_MAX;
            const double *row = input ? value + s->start[b] : value + s->place[c] + i * n;
            double activity = 1.0;
            if (input)
                eqs_activity(net, a, 1, &x[i], &activity, NULL);
            for (size_t j = 0; j < n; j++)
                W[i * n + j] += a == b && i == j ? 0.0 : weight * activity * row[j];
        }
    }
    for (size_t k = 1; k < net->n_layers; k++) {
        double *b = eqs_bias(net, dtheta, k);
        for (size_t i = 0; i < net->layer[k].units; i++)
            b[i] += weight * value[s->start[k] + i];
    }
}

static eqs_status integrate(const eqs_energy *energy, const eqs_phase *phase,
                            const eqs_relax_options *options, const eqs_state *fixed_point, double xi,
                            double weight, const synapses *s, double *value, eqs_state *state, double *dtheta,
                            eqs_relax_result *result)
{
    const eqs_network *net = energy->net;
    eqs_quadrature quadrature = {s->n, plasticity, s, options->rtol, options->atol, value};
    eqs_relax_options settled = *options;
    eqs_phase there = *phase;
    eqs_relax_result own;
    settled.settled_start = true;
    settled.quadrature = &quadrature;
    for (int i = 0; i < EQS_BETA_COUNT; i++)
        there.beta[i] += xi * net->delta[i];
    for (size_t k = 0; k < net->n_layers; k++)
        memcpy(state->s[k], fixed_point->s[k], phase->batch * net->layer[k].units * sizeof(double));
    EQS_TRY(eqs_relax_run(energy, &there, &settled, state, result == NULL ? &own : result));
    for (size_t b = 0; b < phase->batch; b++)
        add_sample(s, value + b * s->n, phase->x + b * net->layer[0].units, weight, dtheta);
    if (result == NULL)
        eqs_relax_result_clear(&own);
    return EQS_OK;
}

eqs_status eqs_stdp_integrate(const eqs_energy *energy, const eqs_phase *phase,
                              const eqs_relax_options *options, const eqs_state *fixed_point, double xi,
                              double weight, double *dtheta, eqs_relax_result *result)
{
    synapses s;
    double *value = NULL;
    eqs_state *state = NULL;
    eqs_status status = lay_out(energy->net, &s);
    if (status == EQS_OK && (value = eqs_alloc(phase->batch * s.n, sizeof *value)) == NULL)
        status = EQS_NO_MEMORY;
    if (status == EQS_OK)
        status = eqs_state_create(energy->net, phase->batch, &state);
    if (status == EQS_OK)
        status = integrate(energy, phase, options, fixed_point, xi, weight, &s, value, state, dtheta, result);
    eqs_state_destroy(state);
    eqs_free(value);
    eqs_free(s.start);
    return status;
}
