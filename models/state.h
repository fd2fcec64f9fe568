/* The mutable state of a batch: one row-major matrix [batch x n_k] per layer, all in one block. */
#ifndef EQS_MODELS_STATE_H
#define EQS_MODELS_STATE_H

#include "models/network.h"

typedef struct eqs_state {
    size_t batch, n_layers;
    double **s;   /* [n_layers] matrices; s[0] holds the data when the input is clamped */
    double *data; /* the block behind s */
} eqs_state;

/* A zeroed state for `batch` samples; *out is the caller's. EQS_NO_MEMORY. */
eqs_status eqs_state_create(const eqs_network *net, size_t batch, eqs_state **out);
void eqs_state_destroy(eqs_state *state);

/* Copies states between equally shaped states. */
void eqs_state_copy(const eqs_network *net, const eqs_state *from, eqs_state *to);

/* Sets free layers to a constant clipped into each unit's box (0 is paper 001's start); layer 0 untouched
 * when clamped. */
void eqs_state_fill(const eqs_network *net, eqs_state *state, double value);

/* Random start: uniform in each unit's box (for unbounded units in [-1, 1], for rates in rho's range);
 * deterministic in (seed, stream). Layer 0 untouched when clamped. */
void eqs_state_randomise(const eqs_network *net, eqs_state *state, uint64_t seed, uint32_t stream);

/* Largest |a - b| over the free layers; when worst is not NULL it receives (sample, layer, unit). */
double eqs_state_difference(const eqs_network *net, const eqs_state *a, const eqs_state *b, size_t worst[3]);

#endif
