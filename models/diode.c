#include "models/diode.h"

#include <math.h>

static const char *const names[] = {"none", "ideal", "shockley", "ngspice"};

/* exponent beyond which the exponential continues as its tangent */
static const double steepest = 200.0;

const char *eqs_diode_law_name(eqs_diode_law law)
{
    return (unsigned)law < sizeof names / sizeof *names ? names[law] : "unknown";
}

double eqs_thermal_voltage(double kelvin)
{
    const double boltzmann = 1.38064852e-23, charge = 1.6021766208e-19; /* CODATA 2014, as ngspice 39 */
    return boltzmann * kelvin / charge;
}

/* ngspice's reverse branch holds here */
static bool reverse(const eqs_diode *d, double v)
{
    return d->law == EQS_DIODE_NGSPICE && v < -3.0 * d->vn;
}

static double parallel(const eqs_diode *d)
{
    return d->law == EQS_DIODE_NGSPICE ? d->gmin : 0.0;
}

double eqs_diode_current(const eqs_diode *d, double v)
{
    if (d->law < EQS_DIODE_SHOCKLEY)
        return 0.0;
    if (reverse(d, v)) {
        double q = 3.0 * d->vn / (v * M_E);
        return -d->is * (1.0 + q * q * q) + d->gmin * v;
    }
    double z = v / d->vn;
    double growth = z <= steepest ? expm1(z) : exp(steepest) * (1.0 + (z - steepest)) - 1.0;
    return d->is * growth + parallel(d) * v;
}

double eqs_diode_slope(const eqs_diode *d, double v)
{
    if (d->law < EQS_DIODE_SHOCKLEY)
        return 0.0;
    if (reverse(d, v)) {
        double q = 3.0 * d->vn / (v * M_E);
        return 3.0 * d->is * q * q * q / v + d->gmin;
    }
    return d->is / d->vn * exp(fmin(v / d->vn, steepest)) + parallel(d);
}

/* integral of Is (e^(v/Vn) - 1) from 0 to v: Is Vn (e^z - 1 - z), the difference kept exact for small z */
static double exponential_content(const eqs_diode *d, double v)
{
    double z = v / d->vn;
    if (fabs(z) < 1e-2)
        return d->is * d->vn * z * z * (0.5 + z * (1.0 / 6.0 + z * (1.0 / 24.0 + z / 120.0)));
    if (z <= steepest)
        return d->is * d->vn * (expm1(z) - z);
    double more = z - steepest;
    return d->is * d->vn * (exp(steepest) * (1.0 + more + 0.5 * more * more) - 1.0 - z);
}

double eqs_diode_content(const eqs_diode *d, double v)
{
    if (d->law < EQS_DIODE_SHOCKLEY)
        return 0.0;
    double own = 0.5 * parallel(d) * v * v;
    if (!reverse(d, v))
        return own + exponential_content(d, v);
    /* -Is (1 + K^3 / v^3) with K = 3 Vn / e integrates to -Is (v - K^3 / (2 v^2)) */
    double edge = -3.0 * d->vn, K = 3.0 * d->vn / M_E, cube = K * K * K;
    double below = -d->is * ((v - cube / (2.0 * v * v)) - (edge - cube / (2.0 * edge * edge)));
    return own + exponential_content(d, edge) + below;
}
