/* Activations rho(s): the firing rate of a unit in state s (paper 001 sec. 3; paper 002 Eq. 18).
 *
 * Two families. Clipped-linear: rho(s) = clip(s, lo, hi) - offset (hard sigmoid, piecewise-linear with
 * thresholds, ReLU, linear): on the box [lo, hi] rho is s - offset, which makes the box-constrained energy
 * quadratic. Smooth: sigmoid, tanh, softplus. All values are dimensionless. */
#ifndef EQS_MODELS_ACTIVATION_H
#define EQS_MODELS_ACTIVATION_H

#include "base/status.h"

#include <stdbool.h>

/* X(enum, name in the configuration, formula) */
#define EQS_ACTIVATION_LIST(X)                                                                               \
    X(EQS_HARD_SIGMOID, "hard-sigmoid", "clip(s, 0, 1)")                                                     \
    X(EQS_PIECEWISE_LINEAR, "piecewise-linear", "clip(s, beta1, beta2) - beta1 (paper 002 Eq. 18)")          \
    X(EQS_RELU, "relu", "max(s, 0)")                                                                         \
    X(EQS_LINEAR, "linear", "s")                                                                             \
    X(EQS_SIGMOID, "sigmoid", "1 / (1 + exp(-slope (s - shift)))")                                           \
    X(EQS_TANH, "tanh", "tanh(slope (s - shift))")                                                           \
    X(EQS_SOFTPLUS, "softplus", "ln(1 + exp(slope (s - shift))) / slope")

typedef enum eqs_activation_kind {
#define X(name, text, formula) name,
    EQS_ACTIVATION_LIST(X)
#undef X
        EQS_ACTIVATION_COUNT
} eqs_activation_kind;

typedef struct eqs_activation {
    eqs_activation_kind kind;
    double lo, hi; /* clipped-linear: the box; infinite where there is no bound. Smooth: -inf, inf */
    double offset; /* clipped-linear: rho(s) = clip(s, lo, hi) - offset; 0 but for piecewise-linear (beta1) */
    double slope, shift; /* smooth only; slope > 0 */
} eqs_activation;

/* Activation of a kind with its defaults: thresholds beta1 = -0.5, beta2 = 0.5, slope 1, shift 0. */
eqs_activation eqs_activation_default(eqs_activation_kind kind);

/* Kind by its name in the configuration; EQS_BAD_CONFIG with the list of names when unknown. */
eqs_status eqs_activation_from_name(const char *name, eqs_activation *out);

/* Name in the configuration; static storage. */
const char *eqs_activation_name(eqs_activation_kind kind);

/* EQS_BAD_CONFIG unless slope > 0, all finite, and beta1 < 0 < beta2 = beta1 + 1 (paper 002, below Eq. 18).
 */
eqs_status eqs_activation_check(const eqs_activation *activation);

/* true for the clipped-linear family, whose unit equation is solved by a clip. */
static inline bool eqs_activation_is_clipped(const eqs_activation *a)
{
    return a->kind <= EQS_LINEAR;
}

/* true when rho is not differentiable somewhere (hard-sigmoid, piecewise-linear, relu). */
static inline bool eqs_activation_has_kinks(const eqs_activation *a)
{
    return a->kind <= EQS_RELU;
}

/* rho(s). */
double eqs_rho(const eqs_activation *a, double s);

/* rho'(s). At a kink of a clipped-linear rho: 1 (the closed interval [lo, hi] counts as active). */
double eqs_rho_derivative(const eqs_activation *a, double s);

/* rho''(s); 0 for the clipped-linear family. */
double eqs_rho_second(const eqs_activation *a, double s);

/* rho^-1(r), smooth kinds and linear only; r in the open range of rho (returns +-inf at its ends). */
double eqs_rho_inverse(const eqs_activation *a, double r);

/* R(u) = integral of rho from 0 to u, smooth kinds only; gives Hopfield's (1984) leak energy of a membrane
 * unit by Legendre's formula: int_rho(0)^r rho^-1 = u r - R(u) at u = rho^-1(r). */
double eqs_rho_integral(const eqs_activation *a, double u);

/* Range of rho: [*min, *max] (infinite where unbounded). */
void eqs_rho_range(const eqs_activation *a, double *min, double *max);

#endif
