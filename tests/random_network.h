/* Random small networks for property tests: topology, activations, form, time constants and data all drawn
 * from one seed. */
#ifndef EQS_TESTS_RANDOM_NETWORK_H
#define EQS_TESTS_RANDOM_NETWORK_H

#include "base/memory.h"
#include "base/random.h"
#include "models/energy.h"
#include "models/field.h"
#include "models/state.h"

#include <math.h>
#include <string.h>

enum { RANDOM_MAX_LAYERS = 4, RANDOM_MAX_UNITS = 7 };

/* what a test wants fixed; -1 leaves it to chance */
typedef struct random_wishes {
    int form;       /* eqs_form */
    int activation; /* eqs_activation_kind */
    int layered;    /* 1: layered, 0: any couplings */
    int clamped;    /* 1: clamped input, 0: finite beta_x */
    double scale;   /* of the weights; 0: 0.5, at which equilibria are nearly always unique */
    size_t batch;   /* 0: 3 */
    eqs_regulariser regulariser;
} random_wishes;

typedef struct random_network {
    eqs_network *net;
    eqs_energy *energy;
    double *theta, *x, *target;
    eqs_phase phase;  /* free phase */
    eqs_state *state; /* random start, layer 0 = data when clamped */
} random_network;

static inline size_t random_pick(const eqs_random *stream, uint64_t *next, size_t n)
{
    return (size_t)(eqs_random_uniform(stream, (*next)++) * (double)n);
}

static inline random_network random_network_create(uint64_t seed, random_wishes wishes)
{
    random_network r = {0};
    eqs_random stream = eqs_random_stream(seed, EQS_RANDOM_TEST, 0, 0);
    uint64_t next = 0;
    size_t n_layers = 2 + random_pick(&stream, &next, RANDOM_MAX_LAYERS - 1);
    size_t units[RANDOM_MAX_LAYERS], pairs[RANDOM_MAX_LAYERS * RANDOM_MAX_LAYERS][2];
    eqs_activation activation[RANDOM_MAX_LAYERS];
    double tau[RANDOM_MAX_LAYERS];
    eqs_network_def def = eqs_network_def_default();
    int form = wishes.form >= 0 ? wishes.form : (int)random_pick(&stream, &next, 3);
    size_t kind =
        wishes.activation >= 0
            ? (size_t)wishes.activation
            : random_pick(&stream, &next, form == EQS_FORM_PROJECTED ? EQS_LINEAR + 1 : EQS_ACTIVATION_COUNT);
    for (size_t k = 0; k < n_layers; k++) {
        units[k] = 1 + random_pick(&stream, &next, RANDOM_MAX_UNITS);
        activation[k] = eqs_activation_default((eqs_activation_kind)kind);
        if (!eqs_activation_is_clipped(&activation[k])) {
            activation[k].slope = 0.5 + eqs_random_uniform(&stream, next++);
            activation[k].shift = eqs_random_uniform(&stream, next++) - 0.5;
        }
        tau[k] = 0.5 + eqs_random_uniform(&stream, next++);
    }
    if (wishes.clamped == 1 || (wishes.clamped < 0 && random_pick(&stream, &next, 4) != 0))
        activation[0] = eqs_activation_default(EQS_LINEAR);
    else
        def.beta[EQS_BETA_X] = 2.0;
    def.n_layers = n_layers;
    def.units = units;
    def.activation = activation;
    def.tau = tau;
    def.form = (eqs_form)form;
    def.regulariser = wishes.regulariser;
    if (wishes.layered == 0 || (wishes.layered < 0 && random_pick(&stream, &next, 2) == 0)) {
        /* the full list thinned, with the chain 0-1-..-L kept so that no layer is left alone */
        size_t all = eqs_couplings_full(n_layers, pairs), kept = 0;
        for (size_t c = 0; c < all; c++) {
            if (pairs[c][1] == pairs[c][0] + 1 || random_pick(&stream, &next, 2) == 0) {
                pairs[kept][0] = pairs[c][0];
                pairs[kept++][1] = pairs[c][1];
            }
        }
        def.couplings = (const size_t(*)[2])pairs;
        def.n_couplings = kept;
    }
    if (eqs_network_create(&def, &r.net) != EQS_OK || eqs_energy_create(r.net, &r.energy) != EQS_OK)
        return r;
    size_t batch = wishes.batch != 0 ? wishes.batch : 3;
    size_t n_in = units[0], n_out = units[n_layers - 1];
    r.theta = eqs_alloc(r.net->n_parameters, sizeof(double));
    r.x = eqs_alloc(batch * n_in, sizeof(double));
    r.target = eqs_alloc(batch * n_out, sizeof(double));
    eqs_parameters_glorot(r.net, seed, NULL, r.theta);
    double scale = wishes.scale != 0.0 ? wishes.scale : 0.5;
    for (size_t i = 0; i < r.net->n_parameters; i++)
        r.theta[i] *= scale;
    for (size_t k = 1; k < n_layers; k++) {
        for (size_t i = 0; i < units[k]; i++)
            eqs_bias(r.net, r.theta, k)[i] = eqs_random_uniform(&stream, next++) - 0.3;
    }
    for (size_t i = 0; i < batch * n_in; i++)
        r.x[i] = eqs_random_uniform(&stream, next++);
    for (size_t i = 0; i < batch * n_out; i++)
        r.target[i] = (double)random_pick(&stream, &next, 2);
    r.phase = (eqs_phase){.net = r.net, .theta = r.theta, .batch = batch, .x = r.x, .target = r.target};
    memcpy(r.phase.beta, r.net->beta, sizeof r.phase.beta);
    if (eqs_state_create(r.net, batch, &r.state) == EQS_OK) {
        memcpy(r.state->s[0], r.x, batch * n_in * sizeof(double));
        eqs_state_randomise(r.net, r.state, seed, 1);
    }
    return r;
}

static inline void random_network_destroy(random_network *r)
{
    eqs_state_destroy(r->state);
    eqs_free(r->theta);
    eqs_free(r->x);
    eqs_free(r->target);
    eqs_energy_destroy(r->energy);
    eqs_network_destroy(r->net);
}

#endif
