/* The header comment of a behavioural circuit: what it is, of which network and phase, in which units. */
#include "netlists/behavioural_builder.h"

#include <math.h>
#include <stdio.h>

/* "784-500-10" and the activations of the free layers */
static void describe_layers(const eqs_behavioural_builder *b, char *sizes, char *rhos, size_t size)
{
    size_t n = 0, m = 0;
    sizes[0] = rhos[0] = '\0';
    for (size_t k = 0; k < b->net->n_layers && n < size && m < size; k++) {
        n += (size_t)snprintf(sizes + n, size - n, "%s%zu", k == 0 ? "" : "-", b->net->layer[k].units);
        if (k >= b->first)
            m += (size_t)snprintf(rhos + m, size - m, "%s%s", m == 0 ? "" : ", ",
                                  eqs_activation_name(b->net->layer[k].activation.kind));
    }
}

/* how the printed voltages of a layer become states */
static eqs_status describe_state(eqs_behavioural_builder *b, size_t k)
{
    const eqs_activation *a = &b->net->layer[k].activation;
    if (eqs_state_is_rate(b->net, k))
        return eqs_netlist_comment(b->netlist, "layer %zu: s = v(r_*) / swing", k);
    if (!isfinite(a->lo) && !isfinite(a->hi))
        return eqs_netlist_comment(b->netlist, "layer %zu: s = v / swing", k);
    if (a->offset == 0.0)
        return eqs_netlist_comment(
            b->netlist, "layer %zu: s = clip(v / swing, %.12g, %.12g) = v(r_*) / swing", k, a->lo, a->hi);
    return eqs_netlist_comment(b->netlist,
                               "layer %zu: s = clip(v / swing, %.12g, %.12g) = v(r_*) / swing %c %.12g", k,
                               a->lo, a->hi, a->offset > 0.0 ? '+' : '-', fabs(a->offset));
}

eqs_status eqs_behavioural_header(eqs_behavioural_builder *b)
{
    const eqs_circuit_units *units = &b->options->units;
    const double *beta = b->phase->beta;
    const char *phase = beta[EQS_BETA_Y] == 0.0 ? "free" : "nudged";
    char sizes[200], rhos[200], number[40], title[400];
    describe_layers(b, sizes, rhos, sizeof sizes);
    snprintf(number, sizeof number, "number %zu of its batch", b->sample);
    snprintf(title, sizeof title, "eqspice: behavioural circuit of a %s network, %s phase", sizes, phase);
    EQS_TRY(eqs_netlist_create(title, &b->netlist));
    eqs_netlist *nl = b->netlist;
    EQS_TRY(eqs_netlist_comment(nl, "network %s, rho %s, form %s", sizes, rhos, eqs_form_name(b->net->form)));
    EQS_TRY(eqs_netlist_comment(nl, "phase %s: beta_x = %.12g, beta_y = %.12g; sample %s", phase,
                                beta[EQS_BETA_X], beta[EQS_BETA_Y],
                                b->options->label != NULL ? b->options->label : number));
    EQS_TRY(eqs_netlist_comment(nl, "input layer %s",
                                b->first == 0      ? "free, pulled to the data by beta_x"
                                : b->options->fold ? "clamped, folded into the bias currents i_bias_*"
                                                   : "clamped, voltage sources v_x_*"));
    EQS_TRY(eqs_netlist_comment(nl, "units: G = %.12g S, C = %.12g F, swing = %.12g V", units->conductance,
                                units->capacitance, units->swing));
    EQS_TRY(eqs_netlist_comment(nl, "map: voltage = swing * state, time = C/G * network time, C/G = %.12g s",
                                eqs_circuit_unit_time(units)));
    EQS_TRY(eqs_netlist_comment(nl,
                                "nodes: x_I input, hK_I unit I of hidden layer K, o_I output (%s), "
                                "r_* activity rho, d_* drive",
                                b->net->form == EQS_FORM_GRADIENT ? "state s" : "potential u"));
    EQS_TRY(eqs_netlist_comment(nl,
                                "elements: c_ and r_leak_ integrator, b_rho_ activation, g_TO_FROM synapse, "
                                "i_bias_ bias, g_nudge_ and i_nudge_ nudging G beta (target - s)"));
    for (size_t k = b->first; k < b->net->n_layers; k++)
        EQS_TRY(describe_state(b, k));
    return EQS_OK;
}
