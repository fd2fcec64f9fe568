/* The batch engine: certified equilibria of whole minibatches at GEMM speed, in single or double precision.
 *
 * An engine holds the parameters of one network in its own precision (packed for its kernels) and the slots
 * of one minibatch: slot 0 the free phase, further slots nudged phases. Every network is, seen from a layer,
 * "drive, then law": d_k = b_k + sum over couplings r_j W, s_k = law_k(d_k) (DESIGN 1).
 * Results do not depend on the number of threads nor on the other samples of the minibatch: every sample's
 * arithmetic is its own, and sums over samples run in sample order (to the bit, on one kind of processor;
 * openblas, the baseline, makes no such promise).
 *
 * The certificate is max |P(dF/ds)| over all units of all layers, as in models/field.h, at the returned
 * state. With two colours (every layered network: solver/engine_plan.h) the layers of one colour are solved
 * exactly, so that the wanted change of the others is the residual of the whole state; other networks are
 * measured once more as a whole before a sample may leave. Paper 001 Eqs. 34, 41 and 54. */
#ifndef EQS_SOLVER_ENGINE_H
#define EQS_SOLVER_ENGINE_H

#include "models/energy.h"
#include "solver/relax.h"

typedef enum eqs_precision { EQS_SINGLE, EQS_DOUBLE } eqs_precision;

typedef struct eqs_engine eqs_engine;

enum { EQS_ENGINE_SLOTS = 5 }; /* the free phase, and two centred pairs */

typedef struct eqs_engine_options {
    eqs_precision precision; /* default EQS_SINGLE */
    size_t batch;            /* largest minibatch; default 20 */
    int threads;             /* threads, the caller's included; default 1 */
    const char *solver; /* "euler", "sweep", "nesterov", "anderson", "newton", "auto" (default): what they
                           do is in solver/engine_solvers.h */
    bool openblas; /* euler only: GEMMs by OpenBLAS instead of the packed kernel (the bench's baseline) */
} eqs_engine_options;

eqs_engine_options eqs_engine_options_default(void);

/* How one slot is relaxed. */
typedef struct eqs_engine_relax {
    /* in force: beta + xi delta. beta_y = INFINITY clamps the outputs to their targets (put into their
       boxes): they are at rest then and count in no residual. Not for smooth membranes, whose potential would
       be infinite: FAILED */
    double beta[EQS_BETA_COUNT];
    double tolerance;      /* on the projected residual of every sample */
    size_t max_sweeps;     /* per sample; a product with all weights (both ways) counts as one */
    bool fixed_iterations; /* make exactly max_sweeps sweeps or Euler steps. Euler certifies at the end with
                              one more product, unless tolerance is 0: then residuals are NaN */
    double step;           /* euler: epsilon of Eq. 54, in units of each unit's tau */
    /* relative > 0, for nudged slots: the residual of a sample must also be <= relative times its response
     * max |s - s_0|, s_0 its state in slot 0, or at the floor of the precision */
    double relative;
    bool sweeps; /* plain sweeps, whatever the engine's solver (not openblas): the attractor check */
    bool euler;  /* Euler steps, whatever the engine's solver: truncated nudged phases */
} eqs_engine_relax;

/* What residuals of the two precisions can surely reach: where a relative tolerance asks for less, this is
 * enough. */
#define EQS_RESIDUAL_FLOOR_SINGLE 5e-7
#define EQS_RESIDUAL_FLOOR_DOUBLE 1e-12

/* Outcome of one relaxation; arrays are owned by the engine and valid until its next relaxation of that slot.
 */
typedef struct eqs_engine_outcome {
    size_t n;
    const double *residual; /* [n] certificate of the returned state; INFINITY for FAILED */
    const uint32_t *sweeps; /* [n] */
    const uint8_t
        *end; /* [n] eqs_relax_end: CONVERGED, STEP_LIMIT (the state is the last one), or FAILED (no
                 equilibrium: 1 + beta <= 0, or the state grew without bound; the row keeps its start) */
    double max_residual;
    double mean_sweeps;
    size_t unconverged;
} eqs_engine_outcome;

/* EQS_BAD_CONFIG when the engine or the solver cannot do this network (the message says why). The energy must
 * outlive the engine. *out is the caller's. */
eqs_status eqs_engine_create(const eqs_energy *energy, const eqs_engine_options *options, eqs_engine **out);
void eqs_engine_destroy(eqs_engine *engine);

/* theta [n_parameters] in and out; single precision rounds on the way in, and is exact on the way out. */
void eqs_engine_set_parameters(eqs_engine *engine, const double *theta);
void eqs_engine_get_parameters(const eqs_engine *engine, double *theta);

/* Loads a minibatch of n <= batch samples: x [n x n_0], target [n x n_L] (NULL: zeros; only phases with
 * beta_y = 0 make sense then); computes what depends on the data alone (x W of clamped inputs, once per
 * minibatch; again by the next relaxation if the parameters have changed since). */
void eqs_engine_load(eqs_engine *engine, size_t n, const double *x, const double *target);

/* Restricts relaxations of the loaded minibatch to samples [first, first + count): the others keep their
 * states, which somebody else computes (several ranks), and are not in the outcome's totals. Loading again
 * ends it. first + count <= n. */
void eqs_engine_set_share(eqs_engine *engine, size_t first, size_t count);

/* Bytes of one sample's state (free layers in turn, in the engine's precision; smooth membranes as their
 * potential u), and copies of row `row` of a slot to and from such a block. Persistent states are kept by the
 * caller; what is put must have been taken, or be zero where that is inside the box. */
size_t eqs_engine_state_bytes(const eqs_engine *engine);
void eqs_engine_put_state(eqs_engine *engine, size_t slot, size_t row, const void *state);
void eqs_engine_take_state(const eqs_engine *engine, size_t slot, size_t row, void *state);

/* The same in double precision, as states of models/state.h: all rows, clipped into their boxes; layer 0 is
 * ignored when clamped. */
void eqs_engine_put_states(eqs_engine *engine, size_t slot, const eqs_state *state);
void eqs_engine_take_states(const eqs_engine *engine, size_t slot, eqs_state *state);

/* Sets all rows of a slot to the start of paper 001: 0 clipped into each unit's box; smooth membranes start
 * at u = 0. */
void eqs_engine_reset(eqs_engine *engine, size_t slot);

/* Starts slot `to` from the states of slot `from`. */
void eqs_engine_copy(eqs_engine *engine, size_t from, size_t to);

/* Relaxes a slot from its present states. Finished samples leave the batch. */
void eqs_engine_relax_slot(eqs_engine *engine, size_t slot, const eqs_engine_relax *how,
                           eqs_engine_outcome *outcome);

/* theta += sum over parameter blocks of rate[block] * sum over slots of coefficient[slot]
 *          * sum over samples of r_a' r_b (biases: r_k), paper 001 Eqs. 36 and 50.
 * Blocks: the couplings in order, then the biases of layers 1..L: rate [n_couplings + L]. coefficient
 * [EQS_ENGINE_SLOTS], 0 for slots not used. decay is lambda delta_theta of the regulariser: theta -= rate *
 * decay * dOmega/dtheta (weights only). When change is not NULL it receives ||d theta||^2 per block, and when
 * norm is not NULL ||theta||^2 per block before the update. Differences between slots are taken before
 * products, so that small nudges keep their digits. */
void eqs_engine_update(eqs_engine *engine, const double *rate, const double *coefficient, double decay,
                       double *change, double *norm);

/* The same sums added into a gradient in double precision, without changing theta: grad[n_parameters] +=
 * coefficient-weighted sums of dF/dtheta of couplings and biases (so minus r_a' r_b); regularisers are not in
 * it.
 */
void eqs_engine_gradient(const eqs_engine *engine, const double *coefficient, double *grad);

/* distance [n]: max |s_a - s_b| of every loaded sample over the units of all free layers, between two slots.
 * The response of a nudged phase is its distance from slot 0. */
void eqs_engine_distance(const eqs_engine *engine, size_t a, size_t b, double *distance);

/* Output layer of a slot, [n x n_L] into y; energies F [n], regulariser included, at beta of the slot's last
 * relaxation (one product with all weights). */
void eqs_engine_output(const eqs_engine *engine, size_t slot, double *y);
void eqs_engine_energy(eqs_engine *engine, size_t slot, double *F);

#endif
