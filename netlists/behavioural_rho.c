#include "netlists/behavioural_rho.h"

#include <math.h>
#include <stdio.h>

/* "scale*v(u)-shift" for a linear argument, without needless parts */
static void linear(double scale, double shift, const char *u, char *text, size_t size)
{
    char product[200];
    if (scale == 1.0)
        snprintf(product, sizeof product, "v(%s)", u);
    else
        snprintf(product, sizeof product, "%.17g*v(%s)", scale, u);
    if (shift == 0.0)
        snprintf(text, size, "%s", product);
    else
        snprintf(text, size, "%s%c%.17g", product, shift > 0.0 ? '-' : '+', fabs(shift));
}

/* clip(v(u), lo, hi) - offset, bounds in volts */
static void clip(const eqs_activation *a, double swing, const char *u, char *text)
{
    char inner[200], outer[300];
    if (isfinite(a->lo))
        snprintf(inner, sizeof inner, "max(v(%s),%.17g)", u, a->lo * swing);
    else
        snprintf(inner, sizeof inner, "v(%s)", u);
    if (isfinite(a->hi))
        snprintf(outer, sizeof outer, "min(%s,%.17g)", inner, a->hi * swing);
    else
        snprintf(outer, sizeof outer, "%s", inner);
    double offset = a->offset * swing;
    if (offset == 0.0)
        snprintf(text, EQS_RHO_TEXT, "%s", outer);
    else
        snprintf(text, EQS_RHO_TEXT, "%s%c%.17g", outer, offset > 0.0 ? '-' : '+', fabs(offset));
}

void eqs_behavioural_rho(const eqs_activation *a, double swing, const char *u, char *text)
{
    char x[256];
    double scale = a->slope / swing, shift = a->slope * a->shift;
    switch (a->kind) {
    case EQS_SIGMOID: /* 1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2 */
        linear(0.5 * scale, 0.5 * shift, u, x, sizeof x);
        snprintf(text, EQS_RHO_TEXT, "%.17g*(1+tanh(%s))", 0.5 * swing, x);
        return;
    case EQS_TANH:
        linear(scale, shift, u, x, sizeof x);
        snprintf(text, EQS_RHO_TEXT, "%.17g*tanh(%s)", swing, x);
        return;
    case EQS_SOFTPLUS: /* ln(1 + exp(x)) = max(x, 0) + ln(1 + exp(-|x|)) */
        linear(scale, shift, u, x, sizeof x);
        snprintf(text, EQS_RHO_TEXT, "%.17g*(max(%s,0)+ln(1+exp(-abs(%s))))", swing / a->slope, x, x);
        return;
    default:
        clip(a, swing, u, text);
    }
}

void eqs_behavioural_force(const eqs_activation *a, double swing, double conductance, const char *u,
                           const char *r, const char *d, char *text)
{
    char x[256];
    switch (a->kind) {
    case EQS_SIGMOID: /* rho' = slope r (1 - r) */
        snprintf(text, EQS_RHO_TEXT, "%.17g*v(%s)*(1-%.17g*v(%s))*v(%s)", conductance * a->slope / swing, r,
                 1.0 / swing, r, d);
        return;
    case EQS_TANH: /* rho' = slope (1 - r^2) */
        snprintf(text, EQS_RHO_TEXT, "%.17g*(1-%.17g*v(%s)*v(%s))*v(%s)", conductance * a->slope,
                 1.0 / (swing * swing), r, r, d);
        return;
    default: /* softplus: rho' is the logistic of the argument */
        linear(0.5 * a->slope / swing, 0.5 * a->slope * a->shift, u, x, sizeof x);
        snprintf(text, EQS_RHO_TEXT, "%.17g*(1+tanh(%s))*v(%s)", 0.5 * conductance, x, d);
    }
}
