/* Resistors between two layers: w_b 1/2 sum g_ij (A_i v_i - v_j)^2, through the amplifiers of the lower
 * layer; within a layer w 1/2 sum_(i<j) g_ij (v_i - v_j)^2 (models/resistive.h). The cross part is the drive,
 * the squares are the leak. Where the amplifiers admit no energy the drive and the leak are Kirchhoff's
 * currents all the same. */
#include "models/dense.h"
#include "models/terms/terms.h"

/* one coupling with the factors of its lower side's units */
typedef struct resistors {
    size_t a, b, rows, columns;
    const double *g, *up, *down, *gain;
    double weight;
} resistors;

static resistors resistors_of(const eqs_term *term, const eqs_phase *phase)
{
    const eqs_network *net = phase->net;
    size_t c = term->coupling, a = net->coupling[c].from, b = net->coupling[c].to;
    return (resistors){.a = a,
                       .b = b,
                       .rows = net->layer[a].units,
                       .columns = net->layer[b].units,
                       .g = eqs_weights_const(net, phase->theta, c),
                       .up = net->resistive->up[c],
                       .down = net->resistive->down[c],
                       .gain = net->resistive->layer[a].gain,
                       .weight = net->layer[b].weight};
}

static void energy(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *F)
{
    resistors r = resistors_of(term, phase);
    double share = r.a == r.b ? 0.25 : 0.5; /* every pair of a layer is there twice */
    for (size_t sample = 0; sample < at->batch; sample++) {
        const double *va = at->s[r.a] + sample * r.rows, *vb = at->s[r.b] + sample * r.columns;
        double sum = 0.0;
        for (size_t i = 0; i < r.rows; i++) {
            double v = (r.a == r.b ? 1.0 : r.gain[i]) * va[i], row = 0.0;
            for (size_t j = 0; j < r.columns; j++)
                row += r.g[i * r.columns + j] * (v - vb[j]) * (v - vb[j]);
            sum += row;
        }
        F[sample] += share * r.weight * sum;
    }
}

/* coefficient of 1/2 v^2 of unit i of layer k */
static double unit_leak(const resistors *r, size_t k, size_t i)
{
    double sum = 0.0;
    if (k == r->b) {
        for (size_t row = 0; row < r->rows; row++)
            sum += r->g[row * r->columns + i];
        return r->weight * sum;
    }
    for (size_t j = 0; j < r->columns; j++)
        sum += r->g[i * r->columns + j];
    return r->down[i] * r->gain[i] * sum;
}

static void leak(const eqs_term *term, const eqs_phase *phase, size_t layer, double *a)
{
    resistors r = resistors_of(term, phase);
    for (size_t i = 0; (layer == r.a || layer == r.b) && i < phase->net->layer[layer].units; i++)
        a[i] += unit_leak(&r, layer, i);
}

static bool all_ones(const double *factor, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (factor[i] != 1.0)
            return false;
    }
    return true;
}

static void product_scaled(const resistors *r, size_t batch, double *const *p, double *const *out)
{
    for (size_t sample = 0; sample < batch; sample++) {
        for (size_t i = 0; i < r->rows; i++) {
            const double *g = r->g + i * r->columns;
            double above = 0.0;
            if (out[r->b] != NULL && p[r->a] != NULL) {
                double v = r->up[i] * p[r->a][sample * r->rows + i];
                double *to = out[r->b] + sample * r->columns;
                for (size_t j = 0; j < r->columns; j++)
                    to[j] += g[j] * v;
            }
            if (r->a == r->b || out[r->a] == NULL || p[r->b] == NULL)
                continue;
            for (size_t j = 0; j < r->columns; j++)
                above += g[j] * p[r->b][sample * r->columns + j];
            out[r->a][sample * r->rows + i] += r->down[i] * above;
        }
    }
}

static void product(const eqs_term *term, const eqs_phase *phase, size_t batch, double *const *p,
                    double *const *out)
{
    resistors r = resistors_of(term, phase);
    if (!all_ones(r.up, r.rows) || !all_ones(r.down, r.rows)) {
        product_scaled(&r, batch, p, out);
        return;
    }
    if (out[r.b] != NULL && p[r.a] != NULL)
        eqs_dense_nn(batch, r.columns, r.rows, 1.0, p[r.a], r.g, out[r.b]);
    if (r.a != r.b && out[r.a] != NULL && p[r.b] != NULL)
        eqs_dense_nt(batch, r.rows, r.columns, 1.0, p[r.b], r.g, out[r.a]);
}

static void drive(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    product(term, phase, at->batch, at->r, out);
}

/* out += factor * (a v, or a where v is NULL) on the layers of both ends */
static void add_leak(const eqs_term *term, const eqs_phase *phase, size_t batch, double factor,
                     double *const *v, double *const *out)
{
    resistors r = resistors_of(term, phase);
    size_t ends[2] = {r.b, r.a};
    for (size_t end = 0; end < (r.a == r.b ? 1 : 2); end++) {
        size_t k = ends[end], n = phase->net->layer[k].units;
        for (size_t i = 0; out[k] != NULL && i < n; i++) {
            double a = factor * unit_leak(&r, k, i);
            for (size_t b = 0; b < batch; b++)
                out[k][b * n + i] += v == NULL ? a : a * v[k][b * n + i];
        }
    }
}

static void force(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    add_leak(term, phase, at->batch, -1.0, at->s, out);
}

static void curvature(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    add_leak(term, phase, at->batch, 1.0, NULL, out);
}

static void gradient(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double weight,
                     double *grad)
{
    resistors r = resistors_of(term, phase);
    double *G = eqs_weights(phase->net, grad, term->coupling);
    double share = 0.5 * weight * r.weight;
    for (size_t sample = 0; sample < at->batch; sample++) {
        const double *va = at->r[r.a] + sample * r.rows, *vb = at->r[r.b] + sample * r.columns;
        for (size_t i = 0; i < r.rows; i++) {
            double v = (r.a == r.b ? 1.0 : r.gain[i]) * va[i];
            double *row = G + i * r.columns;
            /* within a layer both entries of a pair hold the derivative by their one resistor */
            for (size_t j = 0; j < r.columns; j++)
                row[j] += share * (v - vb[j]) * (v - vb[j]);
        }
    }
}

static bool block(const eqs_term *term, const eqs_phase *phase, eqs_block *out)
{
    resistors r = resistors_of(term, phase);
    *out = (eqs_block){r.a, r.b, r.g, r.up, r.down};
    return true;
}

const eqs_term_class eqs_term_conductance = {
    .name = "conductance",
    .equation = "w/2 sum g (A v_a - v_b)^2",
    .energy = energy,
    .force = force,
    .curvature = curvature,
    .leak = leak,
    .drive = drive,
    .drive_product = product,
    .gradient = gradient,
    .block = block,
};
