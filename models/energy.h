/* The energy F(theta, beta, s, v) = E(theta, s) + A(beta, s, v) (paper 001 Eq. 5) as a sum of terms,
 * evaluated for a batch, in double precision.
 *
 * A state is one row-major matrix [batch x n_k] per layer. Let r = rho(s) be the activity (r = s for smooth
 * membrane units, whose state already is the firing rate V). Terms are of three kinds:
 *   unit terms       U(s_i): leak, quadratic cost          -> force -dU/ds and curvature d2U/ds2
 *   drive terms      bilinear or linear in r: couplings, bias -> drive d = -dF/dr, with d affine in r
 *   parameter terms  of theta only: regularisers
 * so that -dF/ds = force(s) + r'(s) * drive(r), and everything else (Hessian products, sparse Hessians, exact
 * unit updates, circuits) follows from the same pieces. */
#ifndef EQS_MODELS_ENERGY_H
#define EQS_MODELS_ENERGY_H

#include "models/network.h"

/* A point at which terms are evaluated. All matrices [batch x n_k], k = 0..L, borrowed. */
typedef struct eqs_point {
    size_t batch;
    double *const *s;  /* states; s[0] is the data x when the input is clamped */
    double *const *r;  /* activities r(s) */
    double *const *dr; /* r'(s), filled where an operation needs it, else NULL */
} eqs_point;

/* What is fixed during one phase: network, parameters, data, beta. All borrowed. */
typedef struct eqs_phase {
    const eqs_network *net;
    const double *theta; /* [n_parameters] */
    size_t batch;
    const double *x;             /* [batch x n_0] input data */
    const double *target;        /* [batch x n_outputs]; may be NULL when beta[Y] == 0 */
    double beta[EQS_BETA_COUNT]; /* in force: beta + xi delta */
    const double *free_output; /* [batch x units of layer L] states of the free phase: from them comes a nudge
                                  of the form `current` (models/resistive.h); NULL: from the present ones */
} eqs_phase;

/* Scalar law of a unit at fixed drive d, from its unit terms (sum over terms):
 *   leak'(s) - r'(s) d + stiffness s - pull = 0,  leak'(s) = s (quadratic leak) or rho^-1(s) (smooth
 * membrane). For the quadratic cost stiffness = beta and pull = beta * target. */
typedef struct eqs_unit_law {
    double stiffness; /* >= -1 for an equilibrium to exist with a quadratic leak: 1 + beta > 0 */
} eqs_unit_law;

/* d drive_to[j] / d r_from[i] = up[i] W[i n_to + j], and d drive_from[i] / d r_to[j] = down[i] W[i n_to + j]
 * (once when from == to). */
typedef struct eqs_block {
    size_t from, to;
    const double *W;         /* [n_from x n_to], borrowed from theta */
    const double *up, *down; /* [n_from] or NULL: 1 */
} eqs_block;

typedef struct eqs_term eqs_term;

/* One kind of term. A new piece of physics is one file in models/terms/ that defines such a table, and one
 * line in the list of energy.c. Methods that do not apply are NULL. Batched arrays are indexed by layer. */
typedef struct eqs_term_class {
    const char *name;     /* "coupling" */
    const char *equation; /* for docs and listings: "-rho(s_a)' W rho(s_b)" */
    /* F[batch] += value of the term for every sample */
    void (*energy)(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *F);
    /* force[k] += -dU/ds (unit terms) */
    void (*force)(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *force);
    /* curvature[k] += d2U/ds2 (unit terms) */
    void (*curvature)(const eqs_term *term, const eqs_phase *phase, const eqs_point *at,
                      double *const *curvature);
    /* drive[k] += -dF/dr (drive terms); drive[k] may be NULL for layers that are not wanted */
    void (*drive)(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *drive);
    /* out[k] += (d drive / d r) p: the linear part of `drive`; p[k] NULL counts as 0, out[k] NULL as unwanted
     */
    void (*drive_product)(const eqs_term *term, const eqs_phase *phase, size_t batch, double *const *p,
                          double *const *out);
    /* grad[n_parameters] += weight * sum over the batch of dF/dtheta */
    void (*gradient)(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double weight,
                     double *grad);
    /* the matrix of `drive_product`, for sparse Jacobians and circuits: false when there is none */
    bool (*block)(const eqs_term *term, const eqs_phase *phase, eqs_block *out);
    /* a[units] += coefficient of the term's 1/2 a s^2 on units of `layer`; its force and curvature are these
     * squares' and nothing else, and fields treat them as the leak */
    void (*leak)(const eqs_term *term, const eqs_phase *phase, size_t layer, double *a);
    /* adds this term's part of the scalar law of the units of `layer` */
    void (*law)(const eqs_term *term, const eqs_phase *phase, size_t layer, eqs_unit_law *law);
} eqs_term_class;

/* A term of a network's energy: its class and the layers, coupling or beta component that it acts on. */
struct eqs_term {
    const eqs_term_class *class;
    size_t layer;        /* unit terms and bias */
    size_t coupling;     /* coupling terms */
    eqs_beta_index beta; /* terms scaled by a component of beta */
};

/* The energy of a network: its list of terms. Immutable, shareable between threads. */
typedef struct eqs_energy {
    const eqs_network *net; /* borrowed */
    size_t n_terms;
    eqs_term *term;
} eqs_energy;

/* Builds the list of terms: of the Hopfield energy (paper 001 Eqs. 5, 6, 34; membrane units with a smooth
 * rho: Hopfield 1984, leak = integral of rho^-1), or of a resistive network's co-content
 * (models/resistive.h). `net` must outlive the energy. */
eqs_status eqs_energy_create(const eqs_network *net, eqs_energy **out);
void eqs_energy_destroy(eqs_energy *energy);

/* The same phase for samples first .. first + n - 1 alone. */
eqs_phase eqs_phase_rows(const eqs_phase *phase, size_t first, size_t n);

/* The i-th built-in term class (NULL past the end); for `eqspice list models`. */
const eqs_term_class *eqs_term_builtin(size_t i);

/* true when the state of layer k is its own activity (smooth membrane units: s = V = rho(u)). */
bool eqs_state_is_rate(const eqs_network *net, size_t k);

/* r = r(s) and, where dr is not NULL, r'(s) for n values of layer k. */
void eqs_activity(const eqs_network *net, size_t k, size_t n, const double *s, double *r, double *dr);

/* F for every sample into F[batch] (paper 001 Eq. 5), regularisers included. */
void eqs_energy_value(const eqs_energy *energy, const eqs_phase *phase, const eqs_point *at, double *F);

/* Cost C = delta . dF/dbeta for every sample into C[batch] (paper 001 Eqs. 3, 8). */
void eqs_energy_cost(const eqs_energy *energy, const eqs_phase *phase, const eqs_point *at, double *C);

/* drive[k] = -dF/dr for the wanted layers (others NULL); overwritten, not accumulated. */
void eqs_energy_drive(const eqs_energy *energy, const eqs_phase *phase, const eqs_point *at,
                      double *const *drive);

/* force[k] = -dU/ds of the unit terms, overwritten. */
void eqs_energy_force(const eqs_energy *energy, const eqs_phase *phase, const eqs_point *at,
                      double *const *force);

/* curvature[k] = d2U/ds2 of the unit terms, overwritten. */
void eqs_energy_curvature(const eqs_energy *energy, const eqs_phase *phase, const eqs_point *at,
                          double *const *curvature);

/* out[k] = (d drive/d r) p, overwritten. */
void eqs_energy_drive_product(const eqs_energy *energy, const eqs_phase *phase, size_t batch,
                              double *const *p, double *const *out);

/* grad[n_parameters] += weight * sum over samples of dF/dtheta at the point (paper 001 Eqs. 10, 35). */
void eqs_energy_gradient(const eqs_energy *energy, const eqs_phase *phase, const eqs_point *at, double weight,
                         double *grad);

/* grad[n_parameters] += decay * dOmega/dtheta of the regulariser, once (not per sample): lambda delta_theta
 * Omega is part of every sample's energy, so this is its share of a mean over samples. */
void eqs_energy_decay(const eqs_energy *energy, const eqs_phase *phase, double decay, double *grad);

/* Scalar law of the units of layer k: the sum over unit terms. */
eqs_unit_law eqs_energy_law(const eqs_energy *energy, const eqs_phase *phase, size_t k);

#endif
