/* Leak: 1/2 sum_i s_i^2 (paper 001 Eq. 34, first sum). */
#include "models/terms/terms.h"

static void energy(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *F)
{
    size_t n = phase->net->layer[term->layer].units;
    for (size_t b = 0; b < at->batch; b++) {
        const double *s = at->s[term->layer] + b * n;
        double sum = 0.0;
        for (size_t i = 0; i < n; i++)
            sum += s[i] * s[i];
        F[b] += 0.5 * sum;
    }
}

static void force(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    size_t n = at->batch * phase->net->layer[term->layer].units;
    const double *s = at->s[term->layer];
    double *f = out[term->layer];
    for (size_t i = 0; i < n; i++)
        f[i] -= s[i];
}

static void curvature(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    size_t n = at->batch * phase->net->layer[term->layer].units;
    for (size_t i = 0; i < n; i++)
        out[term->layer][i] += 1.0;
}

static void leak(const eqs_term *term, const eqs_phase *phase, size_t layer, double *a)
{
    for (size_t i = 0; layer == term->layer && i < phase->net->layer[layer].units; i++)
        a[i] += 1.0;
}

const eqs_term_class eqs_term_leak = {
    .name = "leak",
    .equation = "1/2 s's",
    .energy = energy,
    .force = force,
    .curvature = curvature,
    .leak = leak,
};
