/* Shared by the files that draw the device-level circuit; not for others. */
#ifndef EQS_NETLISTS_DEVICE_BUILDER_H
#define EQS_NETLISTS_DEVICE_BUILDER_H

#include "netlists/device.h"

typedef struct eqs_device_builder {
    const eqs_network *net;
    const eqs_resistive *resistive;
    const eqs_phase *phase;
    const eqs_device_options *options;
    size_t sample;
    const eqs_state *start;
    eqs_netlist *netlist;
    eqs_node *nodes;    /* the memory behind the tables */
    eqs_node **node;    /* [layer][unit] input side; sources of layer 0 */
    eqs_node **forward; /* [layer][unit] driving side; the node itself where the amplifier's gains are 1 */
} eqs_device_builder;

/* Bias currents [A] of the nodes of layer k, and, when folded, what its sources drive into them. */
void eqs_device_bias(const eqs_network *net, const double *theta, const double *x, size_t k, double *amperes);

/* true when layer k couples to layer 0 */
bool eqs_device_touches_sources(const eqs_network *net, size_t k);

/* true when unit i of layer k has an amplifier */
static inline bool eqs_device_amplified(const eqs_device_builder *b, size_t k, size_t i)
{
    const eqs_node_layer *layer = &b->resistive->layer[k];
    return layer->gain[i] != 1.0 || layer->back[i] != 1.0;
}

/* The netlist with title and header comment into b->netlist. */
eqs_status eqs_device_header(eqs_device_builder *b);

/* Diodes of layer k, with their models and the sources that they lean on. */
eqs_status eqs_device_diodes(eqs_device_builder *b, size_t k);

/* Amplifiers of layer k, with their subcircuits. */
eqs_status eqs_device_amplifiers(eqs_device_builder *b, size_t k);

/* Nudging of the output nodes: fixed currents, the program's, or held outputs switched by stages. */
eqs_status eqs_device_nudging(eqs_device_builder *b);

#endif
