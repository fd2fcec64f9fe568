/* Bias currents of the device-level circuit, and the Norton equivalents of folded sources. */
#include "netlists/device_builder.h"

#include <string.h>

bool eqs_device_touches_sources(const eqs_network *net, size_t k)
{
    for (size_t c = 0; c < net->n_couplings; c++) {
        if (net->coupling[c].from == 0 && net->coupling[c].to == k)
            return true;
    }
    return false;
}

void eqs_device_bias(const eqs_network *net, const double *theta, const double *x, size_t k, double *amperes)
{
    size_t n = net->layer[k].units, m = net->layer[0].units;
    const double *bias = eqs_bias_const(net, theta, k);
    memcpy(amperes, bias, n * sizeof *amperes);
    for (size_t c = 0; x != NULL && c < net->n_couplings; c++) {
        if (net->coupling[c].from != 0 || net->coupling[c].to != k)
            continue;
        const double *g = eqs_weights_const(net, theta, c);
        for (size_t i = 0; i < m; i++) {
            for (size_t j = 0; x[i] != 0.0 && j < n; j++)
                amperes[j] += g[i * n + j] * x[i];
        }
    }
    for (size_t j = 0; j < n; j++)
        amperes[j] *= net->resistive->siemens;
}

size_t eqs_device_n_currents(const eqs_network *net)
{
    size_t n = net->layer[net->n_layers - 1].units;
    for (size_t k = 1; k < net->n_layers; k++)
        n += eqs_device_touches_sources(net, k) ? net->layer[k].units : 0;
    return n;
}

void eqs_device_currents(const eqs_network *net, const double *theta, const double *x, double *amperes)
{
    for (size_t k = 1; k < net->n_layers; k++) {
        if (!eqs_device_touches_sources(net, k))
            continue;
        eqs_device_bias(net, theta, x, k, amperes);
        amperes += net->layer[k].units;
    }
    memset(amperes, 0, net->layer[net->n_layers - 1].units * sizeof *amperes);
}
