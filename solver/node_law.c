#include "solver/node_law.h"

#include <math.h>

double eqs_wright_omega(double z)
{
    if (z < -40.0)
        return exp(z); /* omega = e^z (1 - e^z + ...) to rounding */
    double w;
    if (z < 1.0) {
        double e = exp(z);
        w = e / (1.0 + (z > -1.5 ? 0.8 : 0.9) * e);
    } else {
        double l = log(z);
        w = z - l + l / z;
    }
    for (int step = 0; step < 2; step++) {
        double r = z - w - log(w), q = 2.0 * (1.0 + w) * (1.0 + w + 2.0 / 3.0 * r);
        w *= 1.0 + r / (1.0 + w) * (q - r) / (q - 2.0 * r);
    }
    return w;
}

/* first step of a search for a bracket, in volts */
static const double first_width = 1.0;

double eqs_node_solve_element(const eqs_element *element, double a, double s, double guess)
{
    enum { MOST = 400 };
    const void *device = element->device;
    double v = isfinite(guess) ? guess : 0.0, lo = -INFINITY, hi = INFINITY, width = first_width;
    for (int step = 0; step < MOST; step++) {
        double i = element->current(device, v), f = a * v + i - s;
        double rounding = 4e-16 * (fabs(a * v) + fabs(i) + fabs(s));
        if (fabs(f) <= rounding)
            return v;
        if (isnan(f))
            return NAN;
        if (f > 0.0)
            hi = v;
        else
            lo = v;
        double slope = a + element->slope(device, v), next = v - f / slope;
        bool bracketed = isfinite(lo) && isfinite(hi);
        if (!(slope > 0.0) || !isfinite(next) || (!bracketed && fabs(next - v) > width)) {
            next = f > 0.0 ? v - width : v + width; /* far: exponentials overflow beyond */
            width *= 2.0;
        }
        if (bracketed && !(next > lo && next < hi))
            next = 0.5 * (lo + hi);
        if (next == v || (bracketed && (next <= lo || next >= hi)))
            return v; /* neighbouring numbers */
        v = next;
    }
    return NAN;
}

/* the diodes of one node as an element */
typedef struct junctions {
    eqs_diode diode;
    double lo, hi;
} junctions;

static double current(const void *device, double v)
{
    const junctions *j = device;
    double i = 0.0;
    if (isfinite(j->lo))
        i -= eqs_diode_current(&j->diode, j->lo - v);
    if (isfinite(j->hi))
        i += eqs_diode_current(&j->diode, v - j->hi);
    return i;
}

static double slope_of(const void *device, double v)
{
    const junctions *j = device;
    double g = 0.0;
    if (isfinite(j->lo))
        g += eqs_diode_slope(&j->diode, j->lo - v);
    if (isfinite(j->hi))
        g += eqs_diode_slope(&j->diode, v - j->hi);
    return g;
}

/* w > 0 away from the diode: a w = s + Is (e^(-w/Vn) - 1); where omega is large, w is a small difference of
 * large numbers, and its logarithm is not */
static double one_shockley(const eqs_diode *d, double a, double s)
{
    double m = (s - d->is) / a, base = log(d->is / (a * d->vn)), z = base - m / d->vn;
    double omega = eqs_wright_omega(z);
    return omega > 1.0 ? d->vn * (base - log(omega)) : m + d->vn * omega;
}

static double solve_ideal(double a, double s, double lo, double hi, double *slope)
{
    double v = a > 0.0 ? s / a : s == 0.0 ? 0.0 : s > 0.0 ? INFINITY : -INFINITY;
    double inside = v < lo ? lo : v > hi ? hi : v;
    if (slope != NULL)
        *slope = inside == v && a > 0.0 ? 1.0 / a : 0.0;
    return isinf(inside) ? NAN : inside;
}

double eqs_node_solve(const eqs_network *net, size_t k, size_t i, double a, double s, double guess,
                      double *slope)
{
    const eqs_node_layer *node = &net->resistive->layer[k];
    if (node->law < EQS_DIODE_SHOCKLEY)
        return solve_ideal(a, s, net->layer[k].lo[i], net->layer[k].hi[i], slope);
    junctions j = {eqs_resistive_diode(net, k, i), node->lo[i], node->hi[i]};
    double v = guess;
    bool lower = isfinite(j.lo), upper = isfinite(j.hi);
    if (lower != upper && a > 0.0)
        v = lower ? j.lo + one_shockley(&j.diode, a, s - a * j.lo)
                  : j.hi - one_shockley(&j.diode, a, a * j.hi - s);
    if (node->law == EQS_DIODE_NGSPICE || lower == upper || !(a > 0.0)) {
        eqs_element element = {current, slope_of, &j};
        v = eqs_node_solve_element(&element, a, s, v);
    }
    if (slope != NULL)
        *slope = 1.0 / (a + slope_of(&j, v));
    return v;
}
