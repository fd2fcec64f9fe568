/* Bias: -b' rho(s) (paper 001 Eq. 34, last sum); resistive: -w b' v, currents b. */
#include "models/terms/terms.h"

static void energy(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *F)
{
    size_t n = phase->net->layer[term->layer].units;
    const double *b = eqs_bias_const(phase->net, phase->theta, term->layer);
    for (size_t sample = 0; sample < at->batch; sample++) {
        const double *r = at->r[term->layer] + sample * n;
        for (size_t i = 0; i < n; i++)
            F[sample] -= phase->net->layer[term->layer].weight * b[i] * r[i];
    }
}

static void drive(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    size_t n = phase->net->layer[term->layer].units;
    const double *b = eqs_bias_const(phase->net, phase->theta, term->layer);
    double *d = out[term->layer];
    for (size_t sample = 0; d != NULL && sample < at->batch; sample++) {
        for (size_t i = 0; i < n; i++)
            d[sample * n + i] += phase->net->layer[term->layer].weight * b[i];
    }
}

static void gradient(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double weight,
                     double *grad)
{
    size_t n = phase->net->layer[term->layer].units;
    double *g = eqs_bias(phase->net, grad, term->layer);
    for (size_t sample = 0; sample < at->batch; sample++) {
        const double *r = at->r[term->layer] + sample * n;
        for (size_t i = 0; i < n; i++)
            g[i] -= weight * phase->net->layer[term->layer].weight * r[i];
    }
}

const eqs_term_class eqs_term_bias = {
    .name = "bias",
    .equation = "-b' rho(s)",
    .energy = energy,
    .drive = drive,
    .gradient = gradient,
};
