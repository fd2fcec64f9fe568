#include "models/activation.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {
#define X(name, text, formula) text,
    EQS_ACTIVATION_LIST(X)
#undef X
};

eqs_activation eqs_activation_default(eqs_activation_kind kind)
{
    eqs_activation a = {.kind = kind, .lo = -INFINITY, .hi = INFINITY, .slope = 1.0};
    if (kind == EQS_HARD_SIGMOID) {
        a.lo = 0.0;
        a.hi = 1.0;
    } else if (kind == EQS_PIECEWISE_LINEAR) {
        a.lo = a.offset = -0.5;
        a.hi = 0.5;
    } else if (kind == EQS_RELU) {
        a.lo = 0.0;
    }
    return a;
}

const char *eqs_activation_name(eqs_activation_kind kind)
{
    return (unsigned)kind < EQS_ACTIVATION_COUNT ? names[kind] : "unknown";
}

eqs_status eqs_activation_from_name(const char *name, eqs_activation *out)
{
    for (unsigned kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
        if (strcmp(name, names[kind]) == 0) {
            *out = eqs_activation_default((eqs_activation_kind)kind);
            return EQS_OK;
        }
    }
    return eqs_fail(
        EQS_BAD_CONFIG,
        "activation '%s' is unknown; allowed: hard-sigmoid, piecewise-linear, relu, linear, sigmoid, "
        "tanh, softplus",
        name);
}

eqs_status eqs_activation_check(const eqs_activation *a)
{
    if ((unsigned)a->kind >= EQS_ACTIVATION_COUNT)
        return eqs_fail(EQS_BAD_CONFIG, "activation kind %d is unknown", (int)a->kind);
    if (!(a->slope > 0.0) || !isfinite(a->slope) || !isfinite(a->shift))
        return eqs_fail(EQS_BAD_CONFIG,
                        "activation %s: slope %g and shift %g found; slope must be > 0, both finite",
                        names[a->kind], a->slope, a->shift);
    if (a->kind == EQS_PIECEWISE_LINEAR &&
        (!(a->lo < 0.0 && a->hi > 0.0) || fabs(a->hi - a->lo - 1.0) > 1e-12 || a->offset != a->lo))
        return eqs_fail(EQS_BAD_CONFIG,
                        "thresholds [%g, %g] found; piecewise-linear needs beta1 < 0 < beta2 = beta1 + 1 "
                        "(paper 002, Eq. 18)",
                        a->lo, a->hi);
    return EQS_OK;
}

/* 1/(1 + exp(-x)) without overflow */
static double logistic(double x)
{
    return 0.5 * (1.0 + tanh(0.5 * x));
}

/* ln(1 + exp(x)) without overflow */
static double log1pexp(double x)
{
    return fmax(x, 0.0) + log1p(exp(-fabs(x)));
}

double eqs_rho(const eqs_activation *a, double s)
{
    double x = a->slope * (s - a->shift);
    switch (a->kind) {
    case EQS_SIGMOID:
        return logistic(x);
    case EQS_TANH:
        return tanh(x);
    case EQS_SOFTPLUS:
        return log1pexp(x) / a->slope;
    default:
        return (s < a->lo ? a->lo : s > a->hi ? a->hi : s) - a->offset; /* keeps NaN */
    }
}

double eqs_rho_derivative(const eqs_activation *a, double s)
{
    double x = a->slope * (s - a->shift), r;
    switch (a->kind) {
    case EQS_SIGMOID:
        r = logistic(x);
        return a->slope * r * (1.0 - r);
    case EQS_TANH:
        r = tanh(x);
        return a->slope * (1.0 - r * r);
    case EQS_SOFTPLUS:
        return logistic(x);
    default:
        return s >= a->lo && s <= a->hi ? 1.0 : 0.0;
    }
}

double eqs_rho_second(const eqs_activation *a, double s)
{
    double x = a->slope * (s - a->shift), r;
    switch (a->kind) {
    case EQS_SIGMOID:
        r = logistic(x);
        return a->slope * a->slope * r * (1.0 - r) * (1.0 - 2.0 * r);
    case EQS_TANH:
        r = tanh(x);
        return -2.0 * a->slope * a->slope * r * (1.0 - r * r);
    case EQS_SOFTPLUS:
        r = logistic(x);
        return a->slope * r * (1.0 - r);
    default:
        return 0.0;
    }
}

double eqs_rho_inverse(const eqs_activation *a, double r)
{
    double x;
    switch (a->kind) {
    case EQS_SIGMOID:
        x = log(r) - log1p(-r);
        break;
    case EQS_TANH:
        x = atanh(r);
        break;
    case EQS_SOFTPLUS:
        /* ln(exp(y) - 1) = y + ln(1 - exp(-y)) */
        x = r * a->slope + log(-expm1(-r * a->slope));
        break;
    default:
        return r + a->offset;
    }
    return a->shift + x / a->slope;
}

/* dilogarithm Li2(-exp(x)): w = exp(x)/(1 + exp(x)) <= 1/2 gives the fast series of Landen's identity
 * Li2(z) = -Li2(z/(z-1)) - ln(1-z)^2/2, and x > 0 is mapped to -x by the inversion formula. */
static double dilogarithm_minus_exp(double x)
{
    if (x > 0.0)
        return -1.6449340668482264 - 0.5 * x * x - dilogarithm_minus_exp(-x);
    double w = logistic(x), power = w, sum = 0.0;
    for (int k = 1; k <= 60 && power > 0.0; k++) {
        double term = power / ((double)k * k);
        sum += term;
        if (term < 1e-18 * sum)
            break;
        power *= w;
    }
    double l = log1p(exp(x));
    return -sum - 0.5 * l * l;
}

double eqs_rho_integral(const eqs_activation *a, double u)
{
    double x = a->slope * (u - a->shift), x0 = -a->slope * a->shift;
    switch (a->kind) {
    case EQS_SIGMOID:
        return (log1pexp(x) - log1pexp(x0)) / a->slope;
    case EQS_TANH:
        /* ln cosh x = |x| + ln(1 + exp(-2|x|)) - ln 2 */
        return (fabs(x) + log1p(exp(-2.0 * fabs(x))) - fabs(x0) - log1p(exp(-2.0 * fabs(x0)))) / a->slope;
    case EQS_SOFTPLUS:
        return (dilogarithm_minus_exp(x0) - dilogarithm_minus_exp(x)) / (a->slope * a->slope);
    default:
        return NAN;
    }
}

void eqs_rho_range(const eqs_activation *a, double *min, double *max)
{
    switch (a->kind) {
    case EQS_SIGMOID:
        *min = 0.0;
        *max = 1.0;
        break;
    case EQS_TANH:
        *min = -1.0;
        *max = 1.0;
        break;
    case EQS_SOFTPLUS:
        *min = 0.0;
        *max = INFINITY;
        break;
    default:
        *min = a->lo - a->offset;
        *max = a->hi - a->offset;
        break;
    }
}
