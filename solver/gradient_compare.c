#include "solver/gradient_compare.h"

#include <math.h>
#include <stdio.h>

size_t eqs_parameter_blocks(const eqs_network *net)
{
    return net->n_couplings + net->n_layers - 1;
}

eqs_parameter_block eqs_parameter_block_get(const eqs_network *net, size_t i)
{
    eqs_parameter_block block = {0};
    if (i < net->n_couplings) {
        const eqs_coupling *coupling = &net->coupling[i];
        block.offset = coupling->offset;
        block.count = net->layer[coupling->from].units * net->layer[coupling->to].units;
        eqs_coupling_name(net, i, block.name, sizeof block.name);
    } else {
        size_t k = i - net->n_couplings + 1;
        block.offset = net->bias_offset[k];
        block.count = net->layer[k].units;
        snprintf(block.name, sizeof block.name, "b_%zu", k);
    }
    return block;
}

eqs_gradient_agreement eqs_gradient_compare(size_t n, const double *a, const double *b)
{
    double ab = 0.0, aa = 0.0, bb = 0.0, difference = 0.0;
    for (size_t i = 0; i < n; i++) {
        ab += a[i] * b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
        difference += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return (eqs_gradient_agreement){ab / (sqrt(aa) * sqrt(bb)), sqrt(aa / bb), sqrt(difference / bb)};
}
