/* Quadratic external potential: beta/2 |s_k - v_k|^2 of the input (beta_x, v = x) or output layer (beta_y, v
 * = target) (paper 001 Eqs. 6, 8, 42). */
#include "models/terms/terms.h"

#include <math.h>

/* what the world wants the layer to be */
static const double *wanted(const eqs_term *term, const eqs_phase *phase)
{
    return term->beta == EQS_BETA_X ? phase->x : phase->target;
}

static void energy(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *F)
{
    double beta = phase->beta[term->beta]; /* infinite: s is held at v, where the potential is 0 */
    size_t n = phase->net->layer[term->layer].units;
    for (size_t b = 0; beta != 0.0 && !isinf(beta) && b < at->batch; b++) {
        const double *s = at->s[term->layer] + b * n, *v = wanted(term, phase) + b * n;
        double sum = 0.0;
        for (size_t i = 0; i < n; i++)
            sum += (s[i] - v[i]) * (s[i] - v[i]);
        F[b] += 0.5 * beta * sum;
    }
}

static void force(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    double beta = phase->beta[term->beta];
    size_t n = at->batch * phase->net->layer[term->layer].units;
    const double *s = at->s[term->layer], *v = wanted(term, phase);
    for (size_t i = 0; beta != 0.0 && i < n; i++)
        out[term->layer][i] += beta * (v[i] - s[i]);
}

static void curvature(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    size_t n = at->batch * phase->net->layer[term->layer].units;
    for (size_t i = 0; i < n; i++)
        out[term->layer][i] += phase->beta[term->beta];
}

static void law(const eqs_term *term, const eqs_phase *phase, size_t layer, eqs_unit_law *out)
{
    if (layer == term->layer)
        out->stiffness += phase->beta[term->beta];
}

const eqs_term_class eqs_term_cost = {
    .name = "cost",
    .equation = "beta/2 |s - v|^2",
    .energy = energy,
    .force = force,
    .curvature = curvature,
    .law = law,
};
