/* A plain resistive network for tests: node after node until nothing changes, in double precision, from
 * Kirchhoff's law as models/resistive.h states it. Layered networks. */
#ifndef EQS_TESTS_KIRCHHOFF_H
#define EQS_TESTS_KIRCHHOFF_H

#include "base/memory.h"
#include "base/random.h"
#include "models/network.h"
#include "solver/node_law.h"

#include <math.h>
#include <string.h>

enum { CASE_LAYERS = 5, CASE_UNITS = 64 };

typedef struct kirchhoff_case {
    eqs_network *net;
    double *theta;
    size_t n;
    double *x, *target; /* source voltages, targets */
} kirchhoff_case;

/* A number in [0, 1) from one stream of the case. */
static inline double case_random(uint32_t *at)
{
    eqs_random stream = eqs_random_stream(5, EQS_RANDOM_START, 1, 0);
    return eqs_random_uniform(&stream, (*at)++);
}

/* Network `def` with random conductances (about a third at 0), biases, and n samples whose inputs are 0 half
 * of the time. */
static inline kirchhoff_case case_create(const size_t *units, size_t n_layers, const eqs_resistive_def *def,
                                         size_t n)
{
    kirchhoff_case c = {.n = n};
    eqs_network_def network = eqs_network_def_default();
    network.n_layers = n_layers;
    network.units = units;
    network.resistive = def;
    uint32_t at = 0;
    if (eqs_network_create(&network, &c.net) != EQS_OK)
        return c;
    c.theta = eqs_alloc(c.net->n_parameters, sizeof *c.theta);
    for (size_t i = 0; i < c.net->n_parameters; i++)
        c.theta[i] = 0.4 * (case_random(&at) - 0.3);
    eqs_resistive_clip(c.net, c.theta);
    double *data = eqs_alloc(n * c.net->n_inputs, sizeof *data);
    c.x = eqs_alloc(n * c.net->layer[0].units, sizeof *c.x);
    c.target = eqs_alloc(n * c.net->n_outputs, sizeof *c.target);
    for (size_t i = 0; i < n * c.net->n_inputs; i++)
        data[i] = case_random(&at) < 0.5 ? 0.0 : 2.0 * case_random(&at) - 1.0;
    for (size_t b = 0; b < n; b++)
        c.target[b * c.net->n_outputs + b % c.net->n_outputs] = 1.0;
    eqs_network_sources(c.net, n, data, c.x);
    eqs_free(data);
    return c;
}

static inline void case_destroy(kirchhoff_case *c)
{
    eqs_network_destroy(c->net);
    eqs_free(c->theta);
    eqs_free(c->x);
    eqs_free(c->target);
}

/* Total conductance of node j of layer k and the current driven into it at voltages v[layer][unit]. */
static inline void case_node(const kirchhoff_case *c, double v[CASE_LAYERS][CASE_UNITS], size_t k, size_t j,
                             double *a, double *s)
{
    const eqs_network *net = c->net;
    size_t n = net->layer[k].units, m = net->layer[k - 1].units;
    const eqs_node_layer *lower = &net->resistive->layer[k - 1], *node = &net->resistive->layer[k];
    const double *g = eqs_weights_const(net, c->theta, k - 1);
    *a = 0.0;
    *s = eqs_bias_const(net, c->theta, k)[j];
    for (size_t i = 0; i < m; i++) {
        *a += g[i * n + j];
        *s += g[i * n + j] * lower->gain[i] * v[k - 1][i];
    }
    if (k + 1 == net->n_layers)
        return;
    size_t above = net->layer[k + 1].units;
    g = eqs_weights_const(net, c->theta, k);
    for (size_t i = 0; i < above; i++) {
        *a += node->back[j] * node->gain[j] * g[j * above + i];
        *s += node->back[j] * g[j * above + i] * v[k + 1][i];
    }
}

/* Force -dC/dy of the cost at outputs v into nodes' currents [units of layer L], for a nudge of strength 1.
 */
static inline void case_force(const kirchhoff_case *c, size_t b, const double *v, double *current)
{
    const eqs_network *net = c->net;
    const eqs_resistive *r = net->resistive;
    size_t n = net->n_outputs;
    double y[CASE_UNITS], sum = 0.0;
    eqs_network_outputs(net, 1, v, y);
    for (size_t i = 0; i < n; i++)
        sum += exp(y[i]);
    for (size_t i = 0; i < n; i++) {
        double force = c->target[b * n + i] - (r->cost == EQS_COST_SOFTMAX ? exp(y[i]) / sum : y[i]);
        current[r->differential ? 2 * i : i] = force;
        if (r->differential)
            current[2 * i + 1] = -force;
    }
}

/* Equilibrium of sample b at beta into v; `free` holds the free voltages of layer L (for beta != 0). */
static inline void case_solve(const kirchhoff_case *c, size_t b, double beta, const double *free,
                              double v[CASE_LAYERS][CASE_UNITS])
{
    const eqs_network *net = c->net;
    size_t L = net->n_layers - 1;
    double current[CASE_UNITS] = {0};
    bool conducts = net->resistive->nudge == EQS_NUDGE_CONDUCTANCE;
    memset(v, 0, CASE_LAYERS * sizeof *v);
    memcpy(v[0], c->x + b * net->layer[0].units, net->layer[0].units * sizeof(double));
    if (beta != 0.0)
        case_force(c, b, free, current);
    double change = 1.0;
    for (int sweep = 0; sweep < 100000 && change > 0.0; sweep++) {
        change = 0.0;
        for (size_t k = 1; k <= L; k++)
            for (size_t j = 0; j < net->layer[k].units; j++) {
                double a, s;
                case_node(c, v, k, j, &a, &s);
                if (k == L && conducts && beta != 0.0) {
                    a += beta;
                    s += beta * c->target[b * net->n_outputs + j];
                } else if (k == L) {
                    s += beta * current[j];
                }
                if (net->resistive->layer[k].law == EQS_DIODE_SHOCKLEY) {
                    double root = eqs_node_solve(net, k, j, a, s, v[k][j], NULL);
                    if (fabs(root - v[k][j]) > 2e-15 * fabs(root))
                        change = fmax(change, fabs(root - v[k][j]));
                    v[k][j] = root;
                    continue;
                }
                double next = a > 0.0 ? fmin(fmax(s / a, net->layer[k].lo[j]), net->layer[k].hi[j]) : 0.0;
                if (fabs(next - v[k][j]) > 4e-16 * fabs(next))
                    change = fmax(change, fabs(next - v[k][j]));
                v[k][j] = next;
            }
    }
}

/* Cost of the free equilibria, summed over samples. */
static inline double case_cost(const kirchhoff_case *c)
{
    const eqs_network *net = c->net;
    double cost = 0.0, v[CASE_LAYERS][CASE_UNITS], y[CASE_UNITS];
    for (size_t b = 0; b < c->n; b++) {
        case_solve(c, b, 0.0, NULL, v);
        eqs_network_outputs(net, 1, v[net->n_layers - 1], y);
        double sum = 0.0;
        for (size_t i = 0; i < net->n_outputs; i++)
            sum += exp(y[i]);
        for (size_t i = 0; i < net->n_outputs; i++) {
            double t = c->target[b * net->n_outputs + i];
            cost += net->resistive->cost == EQS_COST_SOFTMAX ? -t * log(exp(y[i]) / sum)
                                                             : 0.5 * (y[i] - t) * (y[i] - t);
        }
    }
    return cost;
}

#endif
