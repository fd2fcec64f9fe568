#include "learning/result_units.h"

#include <stdio.h>

eqs_result_units eqs_result_units_of(const eqs_network *net)
{
    eqs_result_units u = {.state = "1",
                          .cost = "1",
                          .weight = "1",
                          .residual = "1",
                          .energy = "1",
                          .weight_text = "synaptic weights",
                          .bias_text = "biases",
                          .state_text = "states",
                          .energy_text = "energy F",
                          .residual_text = "projected residual max|P(dF/ds)|"};
    if (net->resistive == NULL)
        return u;
    double siemens = net->resistive->siemens;
    u.state = "V";
    u.cost = net->resistive->cost == EQS_COST_SQUARED ? "V^2" : "1";
    snprintf(u.weight, sizeof u.weight, "%g S", siemens);
    snprintf(u.residual, sizeof u.residual, "%g A", siemens);
    snprintf(u.energy, sizeof u.energy, "%g W", siemens);
    u.weight_text = "conductances";
    u.bias_text = "bias currents";
    u.state_text = "node voltages";
    u.energy_text = "co-content F";
    u.residual_text = "residual of Kirchhoff's current law: largest net current into a node";
    return u;
}
