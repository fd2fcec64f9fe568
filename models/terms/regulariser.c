/* Regulariser: beta_theta Omega(theta), Omega = sum |W| (l1) or 1/2 sum W^2 (l2) over synapses, a lateral
 * synapse counted once (paper 001, end of sec. 2.2). */
#include "models/terms/terms.h"

#include <math.h>

static double omega(const eqs_network *net, const double *theta, size_t c)
{
    const eqs_coupling *coupling = &net->coupling[c];
    size_t n = net->layer[coupling->from].units * net->layer[coupling->to].units;
    const double *W = eqs_weights_const(net, theta, c);
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += net->regulariser == EQS_REGULARISER_L1 ? fabs(W[i]) : 0.5 * W[i] * W[i];
    return coupling->from == coupling->to ? 0.5 * sum : sum;
}

static void energy(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *F)
{
    double beta = phase->beta[term->beta];
    if (beta == 0.0)
        return;
    double value = beta * omega(phase->net, phase->theta, term->coupling);
    for (size_t b = 0; b < at->batch; b++)
        F[b] += value;
}

static void gradient(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double weight,
                     double *grad)
{
    double scale = weight * (double)at->batch * phase->beta[term->beta];
    if (scale == 0.0)
        return;
    const eqs_network *net = phase->net;
    const eqs_coupling *coupling = &net->coupling[term->coupling];
    size_t n = net->layer[coupling->from].units * net->layer[coupling->to].units;
    const double *W = eqs_weights_const(net, phase->theta, term->coupling);
    double *G = eqs_weights(net, grad, term->coupling);
    for (size_t i = 0; i < n; i++)
        G[i] +=
            scale * (net->regulariser == EQS_REGULARISER_L2 ? W[i] : (double)((W[i] > 0.0) - (W[i] < 0.0)));
}

const eqs_term_class eqs_term_regulariser = {
    .name = "regulariser",
    .equation = "beta_theta Omega(theta)",
    .energy = energy,
    .gradient = gradient,
};
