/* The fast engine of layered resistive networks (models/resistive.h): certified equilibria, nudged responses
 * and updates of whole minibatches, in single or double precision.
 *
 * Seen from a node of layer k, Kirchhoff's current law is "total conductance, driven current, scalar law":
 *   a_j = sum_i g_ij + kappa_j A_j sum_k g_jk,   s_j = sum_i g_ij A_i v_i + b_j + kappa_j sum_k g_jk v_k,
 *   v_j = law(s_j / a_j)   (a clip for ideal diodes, Wright's omega for Shockley diodes).
 * Layers of one parity do not see each other, so that all of them are solved exactly at once, odd and even in
 * turn (exact block coordinate descent). The residual, in units of G0 x 1 V: the layers just solved have
 * none, that of the others is a_j times the change that solving them next would make; it is therefore
 * measured inside the next update, which is left undone when it is small enough.
 *
 * A nudge moves the voltages of the first layer by a millionth in deep networks. Nudged phases are therefore
 * solved for the response delta = v_beta - v_free, with the free state as the origin, and certified relative
 * to it.
 *
 * The first layer's conductances are read and written once per minibatch (solver/resistive_kernel.h): an
 * update of them waits for the next minibatch's inputs. Results do not depend on the number of threads. */
#ifndef EQS_SOLVER_RESISTIVE_ENGINE_H
#define EQS_SOLVER_RESISTIVE_ENGINE_H

#include "models/network.h"
#include "solver/engine.h"
#include "solver/resistive_kernel.h"

/* Slots of a minibatch: 0 the free phase, then up to two nudged phases, which are solved together. */
enum { EQS_RESISTIVE_NUDGED = 2, EQS_RESISTIVE_SLOTS = 1 + EQS_RESISTIVE_NUDGED };

typedef struct eqs_resistive_engine eqs_resistive_engine;

typedef struct eqs_resistive_options {
    eqs_precision precision;
    size_t batch;                         /* largest minibatch */
    int threads;                          /* the caller's included */
    const eqs_resistive_kernels *kernels; /* NULL: the best that the processor can run */
} eqs_resistive_options;

/* Outcome of the relaxation of one slot. */
typedef struct eqs_resistive_outcome {
    double residual; /* worst node of all samples: current left over, units of G0 x 1 V */
    double relative; /* nudged: worst over samples and layers of the largest voltage change that is left, as a
                        share of the layer's largest response; free: 0 */
    double sweeps;   /* solutions of all layers, per sample */
    size_t unconverged; /* samples above the tolerance */
} eqs_resistive_outcome;

/* Why the engine cannot do this network, or NULL when it can: layered, diodes of the laws none, ideal,
 * shockley with one diode at a node, no regulariser. Static storage. */
const char *eqs_resistive_engine_refuses(const eqs_network *net);

/* EQS_BAD_CONFIG when it refuses the network. The network must outlive the engine; *out is the caller's. */
eqs_status eqs_resistive_engine_create(const eqs_network *net, const eqs_resistive_options *options,
                                       eqs_resistive_engine **out);
void eqs_resistive_engine_destroy(eqs_resistive_engine *engine);

/* theta [n_parameters] in and out; single precision rounds on the way in and is exact on the way out. */
void eqs_resistive_engine_set_parameters(eqs_resistive_engine *engine, const double *theta);
void eqs_resistive_engine_get_parameters(eqs_resistive_engine *engine, double *theta);

/* Loads n <= batch samples: x [n x layer 0's units] source voltages, target [n x n_outputs] (NULL: zeros).
 * Makes the update of the first layer that is waiting, and the currents that the sources drive. */
void eqs_resistive_engine_load(eqs_resistive_engine *engine, size_t n, const double *x, const double *target);

/* Slot 0: all voltages to 0; copies of one sample's voltages, layers 1..L in turn in the engine's precision.
 */
void eqs_resistive_engine_reset(eqs_resistive_engine *engine);
size_t eqs_resistive_engine_state_bytes(const eqs_resistive_engine *engine);
void eqs_resistive_engine_put_state(eqs_resistive_engine *engine, size_t row, const void *state);
void eqs_resistive_engine_take_state(const eqs_resistive_engine *engine, size_t row, void *state);

/* Free phase from the present voltages of slot 0 until every node's residual is <= tolerance (units of G0 x
 * 1 V), at most max_sweeps. It ends early, as unconverged, when rounding lets the residual fall no further.
 */
void eqs_resistive_engine_relax_free(eqs_resistive_engine *engine, double tolerance, size_t max_sweeps,
                                     eqs_resistive_outcome *outcome);

/* Nudged phases at beta[0..n-1] in slots 1..n <= EQS_RESISTIVE_NUDGED, all at once, from slot 0, until every
 * sample's relative residual is <= tolerance, after L + 1 half sweeps at least (before, the nudge has not
 * reached the first layer). EQS_NOT_CONVERGED when the conductance form makes an output node's conductance
 * negative (the message names node, conductance and beta). outcome [n]. */
eqs_status eqs_resistive_engine_relax_nudged(eqs_resistive_engine *engine, size_t n, const double *beta,
                                             double tolerance, size_t max_sweeps,
                                             eqs_resistive_outcome *outcome);

/* theta -= sum over blocks of rate[block] * sum over slots of coefficient[slot] dF/dtheta at the slot's
 * voltages, then g to [g_min, g_max]; blocks: couplings, then biases of layers 1..L. The coefficients of at
 * most two slots may differ from 0 and must add up to 0, as those of every EqProp rule do. change and norm as
 * in eqs_engine_update; asking for them makes the first layer's update at once. */
void eqs_resistive_engine_update(eqs_resistive_engine *engine, const double *rate, const double *coefficient,
                                 double *change, double *norm);

/* Node voltages of layer k >= 1 in a slot, v [n x units]; outputs y [n x n_outputs]; energies F [n] of a slot
 * (of the network: the cost's part of a nudged phase left out). */
void eqs_resistive_engine_voltages(const eqs_resistive_engine *engine, size_t slot, size_t k, double *v);
void eqs_resistive_engine_output(const eqs_resistive_engine *engine, size_t slot, double *y);
void eqs_resistive_engine_energy(eqs_resistive_engine *engine, size_t slot, double *F);

#endif
