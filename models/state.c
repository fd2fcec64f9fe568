#include "models/state.h"

#include "base/memory.h"
#include "base/random.h"
#include "models/energy.h"

#include <math.h>
#include <string.h>

eqs_status eqs_state_create(const eqs_network *net, size_t batch, eqs_state **out)
{
    eqs_state *state = eqs_alloc(1, sizeof *state);
    if (state == NULL)
        return EQS_NO_MEMORY;
    size_t total = 0;
    for (size_t k = 0; k < net->n_layers; k++)
        total += batch * net->layer[k].units;
    state->s = eqs_alloc(net->n_layers, sizeof *state->s);
    state->data = eqs_alloc(total, sizeof *state->data);
    if (state->s == NULL || state->data == NULL) {
        eqs_state_destroy(state);
        return EQS_NO_MEMORY;
    }
    state->batch = batch;
    state->n_layers = net->n_layers;
    double *next = state->data;
    for (size_t k = 0; k < net->n_layers; k++) {
        state->s[k] = next;
        next += batch * net->layer[k].units;
    }
    *out = state;
    return EQS_OK;
}

void eqs_state_destroy(eqs_state *state)
{
    if (state == NULL)
        return;
    eqs_free(state->s);
    eqs_free(state->data);
    eqs_free(state);
}

void eqs_state_copy(const eqs_network *net, const eqs_state *from, eqs_state *to)
{
    for (size_t k = 0; k < net->n_layers; k++)
        memcpy(to->s[k], from->s[k], from->batch * net->layer[k].units * sizeof(double));
}

/* Bounds of the state of unit i of layer k: its box, the range of rho where the state is a rate, else
 * unbounded. */
static void state_bounds(const eqs_network *net, size_t k, size_t i, double *min, double *max)
{
    if (eqs_state_is_rate(net, k)) {
        eqs_rho_range(&net->layer[k].activation, min, max);
    } else {
        *min = net->layer[k].lo[i];
        *max = net->layer[k].hi[i];
    }
}

void eqs_state_fill(const eqs_network *net, eqs_state *state, double value)
{
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        for (size_t i = 0; i < state->batch * net->layer[k].units; i++) {
            double min, max;
            state_bounds(net, k, i % net->layer[k].units, &min, &max);
            double clipped = fmin(fmax(value, min), max);
            /* a rate at the end of its range is an infinite potential: start at u = value instead */
            if (eqs_state_is_rate(net, k) && (clipped <= min || clipped >= max))
                clipped = eqs_rho(&net->layer[k].activation, value);
            state->s[k][i] = clipped;
        }
    }
}

void eqs_state_randomise(const eqs_network *net, eqs_state *state, uint64_t seed, uint32_t stream_number)
{
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        eqs_random stream = eqs_random_stream(seed, EQS_RANDOM_START, (uint32_t)k, stream_number);
        for (size_t i = 0; i < state->batch * net->layer[k].units; i++) {
            double min, max;
            state_bounds(net, k, i % net->layer[k].units, &min, &max);
            if (!isfinite(min))
                min = fmin(-1.0, max - 1.0);
            if (!isfinite(max))
                max = fmax(1.0, min + 1.0);
            state->s[k][i] = min + (max - min) * eqs_random_uniform(&stream, i);
        }
    }
}

double eqs_state_difference(const eqs_network *net, const eqs_state *a, const eqs_state *b, size_t worst[3])
{
    double largest = 0.0;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        size_t units = net->layer[k].units;
        for (size_t i = 0; i < a->batch * units; i++) {
            double difference = fabs(a->s[k][i] - b->s[k][i]);
            if (difference <= largest) /* false for NaN, which is returned below */
                continue;
            largest = difference;
            if (worst != NULL) {
                worst[0] = i / units;
                worst[1] = k;
                worst[2] = i % units;
            }
            if (isnan(difference))
                return difference;
        }
    }
    return largest;
}
