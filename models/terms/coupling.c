/* Coupling of two layers: -rho(s_a)' W rho(s_b); within a layer -1/2 rho(s)' W rho(s), W symmetric with zero
 * diagonal (paper 001 Eqs. 34, 35, 41). */
#include "models/dense.h"
#include "models/terms/terms.h"

static void energy(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *F)
{
    const eqs_network *net = phase->net;
    size_t a = net->coupling[term->coupling].from, b = net->coupling[term->coupling].to;
    size_t rows = net->layer[a].units, columns = net->layer[b].units;
    const double *W = eqs_weights_const(net, phase->theta, term->coupling);
    double share = a == b ? 0.5 : 1.0;
    for (size_t sample = 0; sample < at->batch; sample++) {
        const double *ra = at->r[a] + sample * rows, *rb = at->r[b] + sample * columns;
        double sum = 0.0;
        for (size_t i = 0; i < rows; i++) {
            double row = 0.0;
            for (size_t j = 0; j < columns; j++)
                row += W[i * columns + j] * rb[j];
            sum += ra[i] * row;
        }
        F[sample] -= share * sum;
    }
}

/* out[b] += p[a] W and out[a] += p[b] W', wherever both are wanted */
static void product(const eqs_term *term, const eqs_phase *phase, size_t batch, double *const *p,
                    double *const *out)
{
    const eqs_network *net = phase->net;
    size_t a = net->coupling[term->coupling].from, b = net->coupling[term->coupling].to;
    size_t rows = net->layer[a].units, columns = net->layer[b].units;
    const double *W = eqs_weights_const(net, phase->theta, term->coupling);
    if (out[b] != NULL && p[a] != NULL)
        eqs_dense_nn(batch, columns, rows, 1.0, p[a], W, out[b]);
    if (a != b && out[a] != NULL && p[b] != NULL)
        eqs_dense_nt(batch, rows, columns, 1.0, p[b], W, out[a]);
}

static void drive(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    product(term, phase, at->batch, at->r, out);
}

static void gradient(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double weight,
                     double *grad)
{
    const eqs_network *net = phase->net;
    size_t a = net->coupling[term->coupling].from, b = net->coupling[term->coupling].to;
    size_t rows = net->layer[a].units, columns = net->layer[b].units;
    double *G = eqs_weights(net, grad, term->coupling);
    if (a != b) {
        eqs_dense_tn(rows, columns, at->batch, -weight, at->r[a], at->r[b], G);
        return;
    }
    for (size_t sample = 0; sample < at->batch; sample++) {
        const double *r = at->r[a] + sample * rows;
        for (size_t i = 0; i < rows; i++) {
            for (size_t j = 0; j < rows; j++)
                G[i * rows + j] -= i == j ? 0.0 : weight * r[i] * r[j];
        }
    }
}

static bool block(const eqs_term *term, const eqs_phase *phase, eqs_block *out)
{
    const eqs_coupling *coupling = &phase->net->coupling[term->coupling];
    *out = (eqs_block){coupling->from, coupling->to,
                       eqs_weights_const(phase->net, phase->theta, term->coupling), NULL, NULL};
    return true;
}

const eqs_term_class eqs_term_coupling = {
    .name = "coupling",
    .equation = "-rho(s_a)' W rho(s_b)",
    .energy = energy,
    .drive = drive,
    .drive_product = product,
    .gradient = gradient,
    .block = block,
};
