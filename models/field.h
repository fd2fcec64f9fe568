/* What a solver sees: a vector field f(t, x) with Jacobian, bounds and kinks; not an energy.
 *
 * x is the flat vector of dynamical variables of a batch: for each free layer in turn a row-major matrix
 * [batch x n_k]. For `gradient` and `projected` forms x is the state s; for `membrane` it is the potential u.
 * A field owns its scratch memory, so that it is used by one thread at a time. */
#ifndef EQS_MODELS_FIELD_H
#define EQS_MODELS_FIELD_H

#include "models/energy.h"
#include "models/state.h"

typedef struct eqs_field eqs_field;

typedef struct eqs_field_ops {
    const char *name;
    /* f = dx/dt at x. Returns 0, or nonzero when f is not finite. */
    int (*rhs)(eqs_field *field, double t, const double *x, double *f);
    /* Jv = (df/dx) v at x; prepare() must have been called at this x. */
    void (*jacobian_product)(eqs_field *field, const double *v, double *Jv);
    /* Caches what Jacobian operations at x need (r, r', drive). */
    void (*prepare)(eqs_field *field, const double *x);
    /* diagonal of df/dx after prepare(), for preconditioners: diag[n] */
    void (*jacobian_diagonal)(eqs_field *field, double *diag);
    /* Projected residual of every sample, residual[batch]: max over units of |P(dF/ds)| at the state s(x),
     * the KKT residual of the box-constrained energy, without the time constants (it equals tau |ds/dt|);
     * divided by the layer's weight, so that a resistive network's is Kirchhoff's current. */
    void (*residual)(eqs_field *field, const double *x, double *residual);
    /* F of every sample at x: energy[batch]. NULL when the field is not a gradient. */
    void (*energy)(eqs_field *field, const double *x, double *energy);
    /* State s(x) of the free layers, and the inverse map used to start: x(s). A saturated membrane unit
     * (s at a bound of its box) hides its potential u: it starts at u = s, or, when `settled`, at the u that
     * its drive gives, kept on its side of the bound. `settled` is for starts that are fixed points, such as
     * a nudged phase from the free state: a circuit would be there. */
    void (*to_state)(eqs_field *field, const double *x, eqs_state *s);
    void (*from_state)(eqs_field *field, const eqs_state *s, bool settled, double *x);
    void (*destroy)(eqs_field *field);
} eqs_field_ops;

struct eqs_field {
    const eqs_field_ops *ops;
    size_t n;     /* variables in all: batch * n_sample */
    size_t batch; /* samples */
    size_t n_sample;
    const double *lo, *hi; /* [n] bounds of the flow (projected form) or NULL; owned by the field */
    bool has_kinks;        /* the Jacobian jumps somewhere */
    bool discontinuous; /* f itself jumps (gradient form with a clipped rho; projected form at the bounds) */
    const double *leak; /* [n] a of the leak 1/2 a s^2 of every variable (1 in Hopfield networks) */
    /* sparsity of df/dx of one sample (batch == 1), compressed columns; NULL until eqs_field_pattern */
    size_t n_nonzeros;
};

/* Field of a network in one phase. energy and phase are borrowed and must outlive it (phase's beta, data and
 * theta may be changed between relaxations; call eqs_field_reload then). */
eqs_status eqs_field_create(const eqs_energy *energy, const eqs_phase *phase, eqs_field **out);
void eqs_field_destroy(eqs_field *field);

/* Recomputes what is cached from the phase (x W of clamped inputs, biases) after theta, data or beta changed.
 */
void eqs_field_reload(eqs_field *field);

/* Sparse Jacobian of a batch of one, compressed columns with sorted rows. pattern: column_start[n + 1],
 * row[n_nonzeros]; call once with NULL to learn n_nonzeros. The pattern always holds the full diagonal. */
size_t eqs_field_pattern(eqs_field *field, int64_t *column_start, int64_t *row);

/* Values of the pattern at the x of the last prepare(): value[n_nonzeros]. */
void eqs_field_values(eqs_field *field, double *value);

/* Dense Jacobian, column-major n x n, at the x of the last prepare(); batch of one. */
void eqs_field_dense(eqs_field *field, double *J);

#endif
