/* Resistive networks: the part of a network's description that Hopfield networks do not have. Engine, ODE and
 * netlist all read it (eqs_network.resistive, NULL for a Hopfield network).
 *
 * Units, everywhere. A state is a node voltage in volts. Conductances are in units of the unit conductance
 * G0 = circuit.conductance (siemens): theta of a coupling holds g_ij >= 0 dimensionless, a resistor of
 * 1 / (G0 g_ij) ohms. Currents (biases, diodes, nudges, residuals) are in units of G0 x 1 V: times G0 gives
 * amperes. beta is a conductance in units of G0. Capacitances are layer.tau in units of C0 =
 * circuit.capacitance, so time is in units of C0 / G0 seconds. Energies (co-contents) times G0 are watts.
 *
 * Layers and nodes. Layer 0 are voltage sources: with doubled inputs +gain x_1 .. +gain x_n, -gain x_1 ..
 * -gain x_n, then, when bias_source is not 0, one source of that voltage: eqs_network_sources fills them from
 * data. net->n_inputs is n, net->layer[0].units the number of sources. Layer L are output nodes: single:
 * y_k = v_k; differential: y_k = v_2k - v_2k+1, 2 K nodes. net->n_outputs is K; targets are [batch x K].
 *
 * Elements. Coupling (a, b), a < b: resistors g_ij from the output side A_i v_i of node i of layer a to the
 * input side of node j of layer b. A bidirectional amplifier at a hidden node i has gain A_i forwards and
 * feeds kappa_i times the current that its output side draws back into the node. A lateral coupling joins
 * input sides. Lower diode (lo_i finite): anode at a source of lo_i volts, cathode at the node: pulls the
 * node up when it is below lo_i. Upper diode (hi_i finite): anode at the node, cathode at hi_i volts. Bias: a
 * current b_i into the node. Kirchhoff's current law at node j of layer b (currents into the node): I_j =
 * sum_below g_ij (A_i v_i - v_j) - kappa_j sum_above g_jk (A_j v_j - v_k) + sum_lateral g (v - v_j)
 *         + b_j + i_D(lo_j - v_j) - i_D(v_j - hi_j) + nudge_j,            C_j dv_j/dt = I_j
 * with A = kappa = 1 everywhere: the gradient of the co-content.
 *
 * Energy. With w_b A_i = w_a kappa_i on every coupling (so kappa_i / A_i is the same for all units of a
 * layer) and w_L = 1 the currents are w_k I_k = -dF/dv_k of F = sum_couplings w_b 1/2 sum g_ij (A_i v_i -
 * v_j)^2 + sum_k w_k [diodes' co-contents - b_k v_k] + beta C. dF/dg_ij = w_b 1/2 (A_i v_i - v_j)^2 then
 * gives the exact gradient of C in every layer: the product of A/kappa over the amplifiers above (A^2 per
 * stage with kappa = 1/A) is in w. layer.weight is w_k. Gains that admit no such w make the network
 * non-reciprocal: `reciprocal` is false, w takes the mean of a layer's ratios, I above still holds, F and
 * gradients from it are approximations, and exact gradients are refused.
 *
 * Cost and nudge. C = 1/2 sum (y_k - t_k)^2, or softmax cross-entropy -sum t_k ln p_k, p = softmax(y / 1 V).
 * A nudge of strength beta adds -beta dC/dy_k as currents (differential: + into node 2k, - into 2k+1):
 *   current      constant during the phase, from the outputs of the free phase (eqs_phase.free_output)
 *   conductance  follows the voltages: beta (t - v), a conductor beta to a source t; negative for beta < 0,
 *                refused when it exceeds the conductance at an output node; squared error and single outputs
 */
#ifndef EQS_MODELS_RESISTIVE_H
#define EQS_MODELS_RESISTIVE_H

#include "models/diode.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum eqs_diode_layout {
    EQS_DIODES_HALVES, /* units [0, (n+1)/2): lower diode only (excitatory, v >= lo); the rest: upper only */
    EQS_DIODES_PAIR    /* both diodes at every hidden unit */
} eqs_diode_layout;

typedef enum eqs_back_gain {
    EQS_BACK_INVERSE,   /* kappa = 1 / A: a voltage amplifier with a current amplifier in return */
    EQS_BACK_CONSERVING /* kappa = A: a transformer, which conserves power */
} eqs_back_gain;

typedef enum eqs_cost { EQS_COST_SQUARED, EQS_COST_SOFTMAX } eqs_cost;
typedef enum eqs_nudge_form { EQS_NUDGE_CURRENT, EQS_NUDGE_CONDUCTANCE } eqs_nudge_form;

/* The devices of one layer's nodes; arrays [units], owned. Layers 0 and L have no diodes and gains 1. */
typedef struct eqs_node_layer {
    eqs_diode_law law;
    double *lo, *hi;     /* V; -INFINITY, INFINITY where the diode is missing */
    double *is, *vn;     /* of the node's diodes: network units, V */
    double *gain, *back; /* A, kappa */
} eqs_node_layer;

typedef struct eqs_resistive {
    size_t n_layers, n_couplings;
    double siemens;    /* G0 */
    double input_gain; /* volts per unit of data */
    bool doubled;
    double bias_source; /* V; 0: no such source */
    bool differential;
    double gmin; /* in parallel with every diode of the ngspice law, network units */
    double kelvin;
    eqs_cost cost;
    eqs_nudge_form nudge;
    bool reciprocal;
    size_t uneven_layer;   /* when not reciprocal: a layer where kappa / A differs or w has no solution */
    eqs_node_layer *layer; /* [n_layers] */
    double *g_min, *g_max; /* [n_couplings] */
    double **up, **down;   /* [n_couplings][units of `from`]: w_b A_i and w_a kappa_i (lateral: w_a) */
} eqs_resistive;

/* Definition; fill with eqs_resistive_def_default and change fields. All arrays are borrowed. */
typedef struct eqs_resistive_def {
    double siemens;              /* default 1e-6 */
    double input_gain;           /* default 1 */
    bool doubled;                /* default true */
    double bias_source;          /* default 0 */
    bool differential;           /* default false */
    eqs_diode_law diode;         /* of hidden units; default ideal */
    eqs_diode_layout layout;     /* default halves */
    double diode_bias[2];        /* lo, hi in V; default 0, 0 */
    double is, n;                /* A (amperes), 1; default 1e-6, 2 */
    double kelvin;               /* default 300.15 */
    double gmin;                 /* S; default 1e-12; ngspice law only */
    const double *amplifier;     /* [L - 1] gains of layers 1..L-1, > 0; NULL: 1 */
    eqs_back_gain back_gain;     /* default inverse */
    eqs_cost cost;               /* default squared */
    eqs_nudge_form nudge;        /* default current */
    const double *g_min, *g_max; /* [n_couplings], 0 <= g_min <= g_max; NULL: 0 and INFINITY */
    /* deviations of single devices (a chip instance): [n_layers] rows of [units] factors > 0, NULL or a NULL
     * row: 1 */
    const double *const *gain_factor, *const *back_factor, *const *is_factor, *const *n_factor;
} eqs_resistive_def;

eqs_resistive_def eqs_resistive_def_default(void);

/* Nodes of layer k of n_layers when the configuration asks for `units`: doubled sources, output pairs. */
size_t eqs_resistive_units(const eqs_resistive_def *def, size_t n_layers, size_t k, size_t units);

struct eqs_network;

/* C of one sample from its n outputs v [n], or, with `pairs`, from their 2 n nodes. */
double eqs_cost_value(eqs_cost cost, bool pairs, size_t n, const double *v, const double *target);

/* Builds net->resistive from the definition, fills layer.lo, hi (ideal diodes: the box; else infinite) and
 * layer.weight; called by eqs_network_create, which owns the result. EQS_BAD_CONFIG names the key at fault:
 * ranges, pair with lo > hi, conductance nudge with softmax or differential outputs, g_min > g_max. */
eqs_status eqs_resistive_create(const eqs_resistive_def *def, struct eqs_network *net);
void eqs_resistive_destroy(eqs_resistive *resistive);

/* The lower or upper diode's junction at unit i of layer k. */
eqs_diode eqs_resistive_diode(const struct eqs_network *net, size_t k, size_t i);

/* a_i = conductance seen by every node of layer k from its resistors, without diodes and nudge, in the scale
 * of I above: sum_below g + kappa_i A_i sum_above g + lateral; a [units] is overwritten. */
void eqs_resistive_conductance(const struct eqs_network *net, const double *theta, size_t k, double *a);

/* A nudge of strength beta has an equilibrium: EQS_BAD_CONFIG when the conductance form with beta < 0 meets
 * an output node with a_i <= |beta| (the message names the node). Always fine for the current form. */
eqs_status eqs_resistive_check_nudge(const struct eqs_network *net, const double *theta, double beta);

/* U(-s, s), s = gain / sqrt(fan_in), clipped to [g_min, g_max], so that about half start at g_min; fan_in is
 * the number of units of `from`; biases 0 (Scellier's recipe). gain [n_couplings] or NULL for 1.
 * Deterministic in seed. */
void eqs_resistive_init(const struct eqs_network *net, uint64_t seed, const double *gain, double *theta);

/* Keeps each conductance of coupling c with probability density[c] in (0, 1], divided by it, sets the others
 * to 0, and clips all. A node that sees few conductances averages over few voltages: with all of them the
 * differences between samples shrink as 1 / sqrt(units) from layer to layer, and a network of three hidden
 * layers does not begin to learn (experiments/README.md). Deterministic in seed; theta [n_parameters] is
 * changed in place. */
void eqs_resistive_thin(const struct eqs_network *net, uint64_t seed, const double *density, double *theta);

/* Clips every conductance to its [g_min, g_max]; biases are left alone. */
void eqs_resistive_clip(const struct eqs_network *net, double *theta);

#endif
