/* A drawing of one node of a netlist and all that hangs on it: a neuron and its synapses, as SVG. */
#ifndef EQS_NETLISTS_DRAWING_H
#define EQS_NETLISTS_DRAWING_H

#include "netlists/netlist.h"

#include <stdio.h>

/* Draws the node as a wire with one column per element between it and another node; of more than four of a
 * kind the first three and how many more. Below it, in the same way, the nodes that sources make from its
 * voltage (the activity of a neuron, the output of an amplifier), up to three. Values carry their units.
 * EQS_USAGE when there is no such node (the message names some), EQS_IO, EQS_NO_MEMORY. */
eqs_status eqs_netlist_draw(const eqs_netlist *netlist, const char *node, FILE *file);

#endif
