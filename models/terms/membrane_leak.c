/* Leak of a membrane unit with a smooth rho: sum_i integral of rho^-1 up to V_i (Hopfield 1984, Eq. 7), which
 * by Legendre is u V - R(u) at u = rho^-1(V), R the integral of rho. The state is V. */
#include "models/terms/terms.h"

#include <math.h>

/* u = rho^-1(V); a V on the end of the range (rounding) or beyond it (a circuit that is no exact rho,
 * netlists/cosim_steady.h) counts as the nearest value inside, so that the leak goes on as a straight line */
static double potential(const eqs_activation *a, double V)
{
    double min, max;
    eqs_rho_range(a, &min, &max);
    return eqs_rho_inverse(a, fmin(fmax(V, nextafter(min, max)), nextafter(max, min)));
}

static void energy(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *F)
{
    const eqs_layer *layer = &phase->net->layer[term->layer];
    for (size_t b = 0; b < at->batch; b++) {
        const double *V = at->s[term->layer] + b * layer->units;
        for (size_t i = 0; i < layer->units; i++) {
            double u = potential(&layer->activation, V[i]);
            F[b] += u * V[i] - eqs_rho_integral(&layer->activation, u);
        }
    }
}

static void force(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    const eqs_layer *layer = &phase->net->layer[term->layer];
    const double *V = at->s[term->layer];
    for (size_t i = 0; i < at->batch * layer->units; i++)
        out[term->layer][i] -= potential(&layer->activation, V[i]);
}

static void curvature(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    const eqs_layer *layer = &phase->net->layer[term->layer];
    const double *V = at->s[term->layer];
    for (size_t i = 0; i < at->batch * layer->units; i++) {
        double u = potential(&layer->activation, V[i]);
        out[term->layer][i] += 1.0 / eqs_rho_derivative(&layer->activation, u);
    }
}

static void leak(const eqs_term *term, const eqs_phase *phase, size_t layer, double *a)
{
    for (size_t i = 0; layer == term->layer && i < phase->net->layer[layer].units; i++)
        a[i] += 1.0;
}

const eqs_term_class eqs_term_membrane_leak = {
    .name = "membrane-leak",
    .equation = "sum of the integral of rho^-1 up to V",
    .energy = energy,
    .force = force,
    .curvature = curvature,
    .leak = leak,
};
