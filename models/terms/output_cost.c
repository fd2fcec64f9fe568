/* Cost of a resistive network's outputs, beta C: squared error or softmax cross-entropy, of single nodes or
 * differences of pairs; as a nudge from constant currents -beta dC/dy at the free outputs, where the phase
 * has them, else from the present ones (models/resistive.h). */
#include "models/terms/terms.h"

#include <math.h>

static double output_of(bool pairs, const double *v, size_t k)
{
    return pairs ? v[2 * k] - v[2 * k + 1] : v[k];
}

/* ln sum exp y of n outputs */
static double log_sum(bool pairs, size_t n, const double *v)
{
    double most = -INFINITY, sum = 0.0;
    for (size_t k = 0; k < n; k++)
        most = fmax(most, output_of(pairs, v, k));
    for (size_t k = 0; k < n; k++)
        sum += exp(output_of(pairs, v, k) - most);
    return most + log(sum);
}

double eqs_cost_value(eqs_cost cost, bool pairs, size_t n, const double *v, const double *target)
{
    double sum = 0.0, norm = cost == EQS_COST_SOFTMAX ? log_sum(pairs, n, v) : 0.0;
    for (size_t k = 0; k < n; k++) {
        double y = output_of(pairs, v, k), t = target[k];
        sum += cost == EQS_COST_SQUARED ? 0.5 * (y - t) * (y - t) : t * (norm - y);
    }
    return sum;
}

/* calls add(user, k, -dC/dy_k) for the outputs of one sample */
static void for_pulls(const eqs_network *net, const double *v, const double *target,
                      void (*add)(void *user, size_t k, double pull), void *user)
{
    bool softmax = net->resistive->cost == EQS_COST_SOFTMAX;
    double norm = softmax ? log_sum(net->resistive->differential, net->n_outputs, v) : 0.0, mass = 0.0;
    for (size_t k = 0; softmax && k < net->n_outputs; k++)
        mass += target[k];
    for (size_t k = 0; k < net->n_outputs; k++) {
        double y = output_of(net->resistive->differential, v, k);
        add(user, k, target[k] - (softmax ? mass * exp(y - norm) : y));
    }
}

/* where currents go: out[nodes] += factor * pull */
typedef struct sink {
    const eqs_resistive *resistive;
    double factor;
    double *out;     /* currents into the nodes, or */
    const double *v; /* the work that they do at the voltages v */
    double work;
} sink;

static void into_nodes(void *user, size_t k, double pull)
{
    sink *s = user;
    if (!s->resistive->differential) {
        s->out[k] += s->factor * pull;
        return;
    }
    s->out[2 * k] += s->factor * pull;
    s->out[2 * k + 1] -= s->factor * pull;
}

static void into_work(void *user, size_t k, double pull)
{
    sink *s = user;
    s->work += pull * output_of(s->resistive->differential, s->v, k);
}

static bool frozen(const eqs_phase *phase)
{
    return phase->net->resistive->nudge == EQS_NUDGE_CURRENT && phase->free_output != NULL;
}

static void energy(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *F)
{
    const eqs_network *net = phase->net;
    double beta = phase->beta[term->beta];
    size_t n = net->layer[term->layer].units;
    for (size_t b = 0; beta != 0.0 && b < at->batch; b++) {
        const double *v = at->s[term->layer] + b * n, *target = phase->target + b * net->n_outputs;
        if (!frozen(phase)) {
            F[b] += beta * eqs_cost_value(net->resistive->cost, net->resistive->differential, net->n_outputs,
                                          v, target);
            continue;
        }
        sink s = {.resistive = net->resistive, .v = v};
        for_pulls(net, phase->free_output + b * n, target, into_work, &s);
        F[b] -= beta * s.work;
    }
}

static void force(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    const eqs_network *net = phase->net;
    double beta = phase->beta[term->beta];
    size_t n = net->layer[term->layer].units;
    const double *v = frozen(phase) ? phase->free_output : at->s[term->layer];
    for (size_t b = 0; beta != 0.0 && b < at->batch; b++) {
        sink s = {net->resistive, beta, out[term->layer] + b * n, NULL, 0.0};
        for_pulls(net, v + b * n, phase->target + b * net->n_outputs, into_nodes, &s);
    }
}

static void curvature(const eqs_term *term, const eqs_phase *phase, const eqs_point *at, double *const *out)
{
    size_t n = at->batch * phase->net->layer[term->layer].units;
    bool follows = phase->net->resistive->nudge == EQS_NUDGE_CONDUCTANCE;
    for (size_t i = 0; follows && i < n; i++)
        out[term->layer][i] += phase->beta[term->beta];
}

const eqs_term_class eqs_term_output_cost = {
    .name = "output-cost",
    .equation = "beta C(y)",
    .energy = energy,
    .force = force,
    .curvature = curvature,
};
