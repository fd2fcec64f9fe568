/* Small random resistive networks for the tests of device-level circuits. */
#ifndef EQS_TESTS_NETLISTS_SMALL_RESISTIVE_H
#define EQS_TESTS_NETLISTS_SMALL_RESISTIVE_H

#include "tests/check.h"

#include "base/memory.h"
#include "base/random.h"
#include "models/energy.h"
#include "models/state.h"

typedef struct small_resistive {
    eqs_network *net;
    double *theta, *x, *target, *free_output;
    eqs_phase phase;
} small_resistive;

/* Conductances u^3, u in [0, 1], of which a fifth is 0, biases in +-0.05, data in [0, 1] times the input
 * gain, targets in [0, 1]; the free outputs are drawn, too: a nudge is made of them, whatever they are. */
static inline void small_resistive_open(small_resistive *s, const eqs_resistive_def *def, size_t n_layers,
                                        const size_t *units, size_t batch)
{
    eqs_network_def network = eqs_network_def_default();
    network.n_layers = n_layers;
    network.units = units;
    network.resistive = def;
    assert_ok(eqs_network_create(&network, &s->net));
    const eqs_network *net = s->net;
    size_t n_x = net->layer[0].units, n_o = net->layer[n_layers - 1].units;
    s->theta = eqs_alloc(net->n_parameters, sizeof(double));
    s->x = eqs_alloc(batch * n_x, sizeof(double));
    s->target = eqs_alloc(batch * net->n_outputs, sizeof(double));
    s->free_output = eqs_alloc(batch * n_o, sizeof(double));
    double *data = eqs_alloc(batch * net->n_inputs, sizeof(double));
    eqs_random w = eqs_random_stream(1, EQS_RANDOM_TEST, 1, 0),
               v = eqs_random_stream(1, EQS_RANDOM_TEST, 2, 0);
    for (size_t i = 0; i < net->n_parameters; i++) {
        double u = eqs_random_uniform(&w, i);
        s->theta[i] = u < 0.2 ? 0.0 : u * u * u;
    }
    for (size_t k = 1; k < n_layers; k++) {
        double *b = eqs_bias(net, s->theta, k);
        for (size_t i = 0; i < net->layer[k].units; i++)
            b[i] = 0.1 * (eqs_random_uniform(&w, net->n_parameters + i) - 0.5);
    }
    for (size_t i = 0; i < batch * net->n_inputs; i++)
        data[i] = eqs_random_uniform(&v, i);
    eqs_network_sources(net, batch, data, s->x);
    eqs_free(data);
    for (size_t i = 0; i < batch * net->n_outputs; i++)
        s->target[i] = eqs_random_uniform(&v, 1000 + i);
    for (size_t i = 0; i < batch * n_o; i++)
        s->free_output[i] = 2.0 * eqs_random_uniform(&v, 2000 + i) - 1.0;
    s->phase = (eqs_phase){.net = net,
                           .theta = s->theta,
                           .batch = batch,
                           .x = s->x,
                           .target = s->target,
                           .free_output = s->free_output};
    memcpy(s->phase.beta, net->beta, sizeof s->phase.beta);
}

static inline void small_resistive_close(small_resistive *s)
{
    eqs_network_destroy(s->net);
    eqs_free(s->theta);
    eqs_free(s->x);
    eqs_free(s->target);
    eqs_free(s->free_output);
}

/* the diodes at a node: the current into it, in network units; the ideal one's stand-in has its own numbers
 */
static inline double small_resistive_diodes(const eqs_network *net, size_t k, size_t i, double v,
                                            const eqs_diode *stand_in)
{
    const eqs_node_layer *layer = &net->resistive->layer[k];
    eqs_diode d = layer->law == EQS_DIODE_IDEAL ? *stand_in : eqs_resistive_diode(net, k, i);
    double sum = 0.0;
    if (isfinite(layer->lo[i]))
        sum += eqs_diode_current(&d, layer->lo[i] - v);
    if (isfinite(layer->hi[i]))
        sum -= eqs_diode_current(&d, v - layer->hi[i]);
    return sum;
}

/* Kirchhoff's current law as models/resistive.h writes it, without any code of the models: the largest sum of
 * currents into a node, divided by the node's conductance, in volts, of sample `sample` at voltages `volts`
 * [free nodes, layers in turn]. nudge [output nodes] in network units or NULL; siemens: a conductance to
 * ground at outputs. */
static inline double small_resistive_residual(const small_resistive *s, size_t sample, const double *volts,
                                              const double *nudge, double siemens, const eqs_diode *stand_in)
{
    const eqs_network *net = s->net;
    const double *v[8] = {s->x + sample * net->layer[0].units};
    double worst = 0.0;
    for (size_t k = 1; k < net->n_layers; k++) {
        v[k] = volts;
        volts += net->layer[k].units;
    }
    for (size_t k = 1; k < net->n_layers; k++) {
        const eqs_node_layer *layer = &net->resistive->layer[k];
        for (size_t j = 0; j < net->layer[k].units; j++) {
            double sum = eqs_bias_const(net, s->theta, k)[j], a = 0.0;
            for (size_t c = 0; c < net->n_couplings; c++) {
                size_t from = net->coupling[c].from, to = net->coupling[c].to, n = net->layer[to].units;
                const double *g = eqs_weights_const(net, s->theta, c);
                for (size_t i = 0; to == k && i < net->layer[from].units; i++) {
                    double gain = net->resistive->layer[from].gain[i];
                    sum += g[i * n + j] * (gain * v[from][i] - v[k][j]);
                    a += g[i * n + j];
                }
                for (size_t m = 0; from == k && m < n; m++) {
                    sum -= layer->back[j] * g[j * n + m] * (layer->gain[j] * v[k][j] - v[to][m]);
                    a += layer->back[j] * layer->gain[j] * g[j * n + m];
                }
            }
            sum += small_resistive_diodes(net, k, j, v[k][j], stand_in);
            if (layer->law != EQS_DIODE_NONE) { /* what a diode conducts counts, too */
                double h = 1e-7 * (1.0 + fabs(v[k][j]));
                a += fabs(small_resistive_diodes(net, k, j, v[k][j] + h, stand_in) -
                          small_resistive_diodes(net, k, j, v[k][j] - h, stand_in)) /
                     (2.0 * h);
            }
            if (k + 1 == net->n_layers)
                sum += (nudge != NULL ? nudge[j] : 0.0) - siemens * v[k][j];
            worst = fmax(worst, fabs(sum) / a);
        }
    }
    return worst;
}

#endif
