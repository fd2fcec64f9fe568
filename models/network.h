/* The constant description of a network: layers, couplings, dynamics, and where beta acts.
 *
 * Layer 0 is the input, layer L the output. A coupling joins two layers (or a layer to itself) by a dense
 * matrix. Two models: Hopfield networks, dimensionless, which circuits map to volts, siemens, farads and
 * seconds (netlists/), and resistive networks, whose states are volts (models/resistive.h).
 * A network is immutable once built and may be shared between threads. */
#ifndef EQS_MODELS_NETWORK_H
#define EQS_MODELS_NETWORK_H

#include "models/activation.h"
#include "models/resistive.h"

#include <stddef.h>
#include <stdint.h>

/* How states move (DESIGN 1, "Dynamics of bounded units").
 * gradient:  tau ds/dt = -dF/ds with F of Eq. 34 (paper 001 Eqs. 37, 41); refused for a rho with kinks when
 *            the solver needs a continuous field.
 * projected: the same flow projected on the box of a clipped-linear rho: the limit of Eq. 54.
 * membrane:  tau du/dt = -u + W rho(u) + b (Hopfield 1984), state s = clip(u) for a clipped-linear rho,
 *            s = V = rho(u) for a smooth one. */
typedef enum eqs_form { EQS_FORM_GRADIENT, EQS_FORM_PROJECTED, EQS_FORM_MEMBRANE } eqs_form;

const char *eqs_form_name(eqs_form form);
eqs_status eqs_form_from_name(const char *name, eqs_form *out);

/* Components of the vectors beta and delta (paper 001 Eqs. 3-8): input clamp, output cost, regulariser. */
typedef enum eqs_beta_index { EQS_BETA_X, EQS_BETA_Y, EQS_BETA_THETA, EQS_BETA_COUNT } eqs_beta_index;

typedef enum eqs_regulariser { EQS_REGULARISER_NONE, EQS_REGULARISER_L1, EQS_REGULARISER_L2 } eqs_regulariser;

typedef struct eqs_layer {
    size_t units;
    eqs_activation activation;
    double *tau; /* [units] time constants (resistive: capacitances) in their unit; owned by the network */
    double *lo, *hi; /* [units] box of every unit, infinite where there is no bound: the activation's, or an
                        ideal diode's; owned */
    double weight;   /* -dF/ds is `weight` times the force on a unit; 1 but for amplifiers (resistive.h) */
} eqs_layer;

/* from <= to. W is [n_from x n_to] row-major; from == to: symmetric, zero diagonal. */
typedef struct eqs_coupling {
    size_t from, to;
    size_t offset; /* of W in the parameter vector theta */
} eqs_coupling;

typedef struct eqs_network {
    size_t n_layers;            /* L + 1 */
    size_t n_inputs, n_outputs; /* numbers in a data sample and in a target; resistive networks may have more
                                   units in layers 0 and L */
    eqs_layer *layer;
    size_t n_couplings;
    eqs_coupling *coupling;
    size_t *bias_offset; /* [n_layers] of b_k in theta; biases exist for layers 1..L; entry 0 is unused */
    size_t n_parameters; /* length of theta */
    eqs_form form;
    double beta[EQS_BETA_COUNT];  /* beta of the free phase; beta[X] = INFINITY clamps the input */
    double delta[EQS_BETA_COUNT]; /* direction of the nudge */
    eqs_regulariser regulariser;
    bool layered;             /* exactly the couplings k-1 -> k, k = 1..L */
    eqs_resistive *resistive; /* NULL: a Hopfield network; owned */
} eqs_network;

/* Definition from which a network is built; fill with eqs_network_def_default and change fields. */
typedef struct eqs_network_def {
    size_t n_layers;
    const size_t *units;              /* [n_layers] > 0; resistive: numbers in a sample, hidden nodes,
                                         numbers in a target; borrowed */
    const eqs_activation *activation; /* [n_layers] (entry 0 is the input's); borrowed; NULL: hard sigmoid */
    size_t n_couplings;               /* 0: layered */
    const size_t (*couplings)[2];     /* pairs (from, to) in any order, no duplicates; borrowed */
    eqs_form form;                    /* default membrane */
    const double *tau;                /* [n_layers] per layer; borrowed; NULL: 1 */
    const double *const *tau_unit;    /* [n_layers] rows of [units]; NULL or a NULL row: use tau; borrowed */
    double beta[EQS_BETA_COUNT];      /* default {INFINITY, 0, 0} */
    double delta[EQS_BETA_COUNT];     /* default {0, 1, 0} */
    eqs_regulariser regulariser;      /* default none */
    const eqs_resistive_def *resistive; /* default NULL: Hopfield; else `activation` must be NULL; borrowed */
} eqs_network_def;

eqs_network_def eqs_network_def_default(void);

/* Couplings of one fully connected group of layers 0..n_layers-1: every pair of layers but input-input, and
 * every free layer to itself. Writes pairs into out (room for n_layers * (n_layers + 1) / 2) and returns how
 * many. */
size_t eqs_couplings_full(size_t n_layers, size_t (*out)[2]);

/* Builds a network. EQS_BAD_CONFIG names the field at fault: fewer than 2 layers, an empty layer, unknown or
 * duplicate couplings, an input-input coupling, a free layer without any coupling, tau <= 0, `projected` with
 * a smooth rho, `gradient`... (allowed; solvers refuse what they cannot integrate). *out is the caller's. */
eqs_status eqs_network_create(const eqs_network_def *def, eqs_network **out);

void eqs_network_destroy(eqs_network *network);

/* true when the input layer is clamped (beta_x infinite), so that layer 0 is data, not state. */
static inline bool eqs_network_clamped(const eqs_network *net)
{
    return net->beta[EQS_BETA_X] > 1e300;
}

/* First layer that is state: 1 when the input is clamped, 0 otherwise. */
static inline size_t eqs_first_free_layer(const eqs_network *net)
{
    return eqs_network_clamped(net) ? 1 : 0;
}

/* Number of state variables of one sample: the sum of n_k over free layers. */
size_t eqs_network_state_size(const eqs_network *net);

/* States of layer 0 (x [n x layer 0's units]) of n samples of data [n x n_inputs]: a copy, or the voltages of
 * a resistive network's sources. */
void eqs_network_sources(const eqs_network *net, size_t n, const double *data, double *x);

/* Outputs y [n x n_outputs] of n samples from the states of layer L: a copy, or differences of node pairs. */
void eqs_network_outputs(const eqs_network *net, size_t n, const double *s, double *y);

/* beta + xi delta into out (paper 001 Eq. 10): the beta of a nudged phase. xi = INFINITY clamps the output
 * (contrastive Hebbian learning): beta_y is infinite then, and the other components are the free phase's. */
void eqs_network_nudge(const eqs_network *net, double xi, double out[EQS_BETA_COUNT]);

/* The name of coupling c's parameters in files: "W_k" for k-1 -> k, "W_a_b" for any other; writes at most
 * `size` bytes. */
void eqs_coupling_name(const eqs_network *net, size_t c, char *text, size_t size);

/* Pointers into a parameter vector theta [n_parameters]: W of coupling c [n_from x n_to], b of layer k [n_k].
 */
static inline double *eqs_weights(const eqs_network *net, double *theta, size_t c)
{
    return theta + net->coupling[c].offset;
}
static inline const double *eqs_weights_const(const eqs_network *net, const double *theta, size_t c)
{
    return theta + net->coupling[c].offset;
}
static inline double *eqs_bias(const eqs_network *net, double *theta, size_t k)
{
    return theta + net->bias_offset[k];
}
static inline const double *eqs_bias_const(const eqs_network *net, const double *theta, size_t k)
{
    return theta + net->bias_offset[k];
}

/* Glorot-Bengio uniform weights: W_ij ~ U(-g sqrt(6/(n_from+n_to)), +...), biases 0 (paper 001 sec. 5.2;
 * Glorot & Bengio 2010). gain [n_couplings] or NULL for 1. Deterministic in seed; theta [n_parameters] is
 * filled. */
void eqs_parameters_glorot(const eqs_network *net, uint64_t seed, const double *gain, double *theta);

#endif
