/* Constant currents of the behavioural circuit: bias, folded inputs, nudging; and the builder's memory. */
#include "netlists/behavioural_builder.h"

#include "base/memory.h"

#include <string.h>

eqs_status eqs_behavioural_allocate(eqs_behavioural_builder *b)
{
    size_t all = 0, layers = b->net->n_layers;
    for (size_t k = 0; k < layers; k++)
        all += b->net->layer[k].units;
    b->nodes = eqs_alloc(3 * all, sizeof *b->nodes);
    b->unit = eqs_alloc(3 * layers, sizeof *b->unit);
    b->bias = eqs_alloc(all, sizeof *b->bias);
    if (b->nodes == NULL || b->unit == NULL || b->bias == NULL)
        return EQS_NO_MEMORY;
    b->rate = b->unit + layers;
    b->drive = b->rate + layers;
    eqs_node *next = b->nodes;
    for (size_t t = 0; t < 3 * layers; t++) {
        b->unit[t] = next;
        next += b->net->layer[t % layers].units;
    }
    return EQS_OK;
}

void eqs_behavioural_release(eqs_behavioural_builder *b)
{
    eqs_free(b->nodes);
    eqs_free(b->unit);
    eqs_free(b->bias);
    eqs_free(b->start);
}

void eqs_behavioural_input_activity(const eqs_behavioural_builder *b, double *r)
{
    size_t n = b->net->layer[0].units;
    eqs_activity(b->net, 0, n, b->phase->x + b->sample * n, r, NULL);
}

static double state_offset(const eqs_network *net, size_t k)
{
    const eqs_activation *a = &net->layer[k].activation;
    return net->form != EQS_FORM_GRADIENT && eqs_activation_is_clipped(a) ? a->offset : 0.0;
}

double eqs_behavioural_nudge(const eqs_phase *phase, size_t k, const double **wanted)
{
    const eqs_network *net = phase->net;
    *wanted = NULL;
    if (k == net->n_layers - 1) {
        *wanted = phase->target;
        return phase->beta[EQS_BETA_Y];
    }
    if (k == 0 && !eqs_network_clamped(net)) {
        *wanted = phase->x;
        return phase->beta[EQS_BETA_X];
    }
    return 0.0;
}

eqs_status eqs_behavioural_gather_bias(eqs_behavioural_builder *b, bool fold)
{
    const eqs_network *net = b->net;
    double *bias = b->bias;
    for (size_t k = 0; k < net->n_layers; k++) {
        if (k > 0)
            memcpy(bias, eqs_bias_const(net, b->phase->theta, k), net->layer[k].units * sizeof *bias);
        bias += net->layer[k].units;
    }
    if (!fold || b->first == 0)
        return EQS_OK;
    size_t n = net->layer[0].units;
    double *r = eqs_alloc(n, sizeof *r);
    if (r == NULL)
        return EQS_NO_MEMORY;
    eqs_behavioural_input_activity(b, r);
    for (size_t c = 0; c < net->n_couplings; c++) {
        if (net->coupling[c].from != 0)
            continue;
        size_t to = net->coupling[c].to, m = net->layer[to].units;
        const double *W = eqs_weights_const(net, b->phase->theta, c);
        double *sum = b->bias;
        for (size_t k = 0; k < to; k++)
            sum += net->layer[k].units;
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < m; j++)
                sum[j] += r[i] * W[i * m + j];
        }
    }
    eqs_free(r);
    return EQS_OK;
}

const double *eqs_behavioural_bias(const eqs_behavioural_builder *b, size_t k)
{
    const double *bias = b->bias;
    for (size_t j = 0; j < k; j++)
        bias += b->net->layer[j].units;
    return bias;
}

double eqs_behavioural_nudge_current(const eqs_behavioural_builder *b, size_t k, size_t i, double beta,
                                     const double *wanted)
{
    const eqs_circuit_units *units = &b->options->units;
    double v = wanted[b->sample * b->net->layer[k].units + i];
    return units->conductance * units->swing * beta * (v - state_offset(b->net, k));
}

size_t eqs_behavioural_n_currents(const eqs_phase *phase)
{
    const eqs_network *net = phase->net;
    const double *wanted;
    size_t n = 0;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        n += k > 0 ? net->layer[k].units : 0;
        n += eqs_behavioural_nudge(phase, k, &wanted) != 0.0 ? net->layer[k].units : 0;
    }
    return n;
}

eqs_status eqs_behavioural_currents(const eqs_energy *energy, const eqs_phase *phase, size_t sample,
                                    const eqs_circuit_units *units, double *amperes)
{
    eqs_behavioural_options options = {.units = *units, .fold = true};
    eqs_behavioural_builder b = {.energy = energy,
                                 .phase = phase,
                                 .net = energy->net,
                                 .options = &options,
                                 .sample = sample,
                                 .first = eqs_first_free_layer(energy->net)};
    eqs_status status = eqs_behavioural_allocate(&b);
    if (status == EQS_OK)
        status = eqs_behavioural_gather_bias(&b, true);
    for (size_t k = b.first; status == EQS_OK && k < b.net->n_layers; k++) {
        const double *bias = eqs_behavioural_bias(&b, k), *wanted;
        double beta = eqs_behavioural_nudge(phase, k, &wanted);
        for (size_t i = 0; k > 0 && i < b.net->layer[k].units; i++)
            *amperes++ = units->conductance * units->swing * bias[i];
        for (size_t i = 0; beta != 0.0 && i < b.net->layer[k].units; i++)
            *amperes++ = eqs_behavioural_nudge_current(&b, k, i, beta, wanted);
    }
    eqs_behavioural_release(&b);
    return status;
}
