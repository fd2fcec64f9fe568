/* Diodes of a layer's nodes: w times the co-contents Phi(lo - v) and Phi(v - hi), whose derivatives are the
 * currents i_D(lo - v) into and i_D(v - hi) out of the node (models/resistive.h). Ideal diodes have no
 * co-content inside their box, and the box is the layer's. */
#include "models/terms/terms.h"

#include <math.h>

/* what is summed over a node's diodes: side +1 for the lower one, whose junction voltage is lo - v */
typedef double (*junction)(const eqs_diode *diode, double v);

static double at_node(const eqs_network *net, size_t k, size_t i, double v, junction of, double lower,
                      double upper)
{
    const eqs_node_layer *node = &net->resistive->layer[k];
    eqs_diode diode = eqs_resistive_diode(net, k, i);
    double sum = 0.0;
    if (isfinite(node->lo[i]))
        sum += lower * of(&diode, node->lo[i] - v);
    if (isfinite(node->hi[i]))
        sum += upper * of(&diode, v - node->hi[i]);
    return sum;
}

static void energy(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *F)
{
    const eqs_layer *layer = &phase->net->layer[term->layer];
    for (size_t b = 0; b < at->batch; b++) {
        const double *v = at->s[term->layer] + b * layer->units;
        double sum = 0.0;
        for (size_t i = 0; i < layer->units; i++)
            sum += at_node(phase->net, term->layer, i, v[i], eqs_diode_content, 1.0, 1.0);
        F[b] += layer->weight * sum;
    }
}

static void add(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, junction of, double lower,
                double upper, double *const *out)
{
    const eqs_layer *layer = &phase->net->layer[term->layer];
    const double *v = at->s[term->layer];
    for (size_t i = 0; i < at->batch * layer->units; i++)
        out[term->layer][i] +=
            layer->weight * at_node(phase->net, term->layer, i % layer->units, v[i], of, lower, upper);
}

static void force(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    add(term, phase, at, eqs_diode_current, 1.0, -1.0, out);
}

static void curvature(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    add(term, phase, at, eqs_diode_slope, 1.0, 1.0, out);
}

const eqs_term_class eqs_term_diode = {
    .name = "diode",
    .equation = "w [Phi(lo - v) + Phi(v - hi)]",
    .energy = energy,
    .force = force,
    .curvature = curvature,
};
