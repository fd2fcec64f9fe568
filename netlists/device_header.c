/* The header comment of a device-level circuit: what it is, of which network and phase, in which units. */
#include "netlists/device_builder.h"

#include <stdio.h>

static const char *law_text(eqs_diode_law law)
{
    switch (law) {
    case EQS_DIODE_NGSPICE:
        return "the simulator's own diode d_";
    case EQS_DIODE_SHOCKLEY:
        return "i = is (exp(v/Vn) - 1): the diode d_, and b_ for what it lacks in reverse";
    case EQS_DIODE_IDEAL:
        return "ideal ones, stood for by diodes of Vn = n kT/q = 1e-9 V";
    case EQS_DIODE_NONE:
        break;
    }
    return "none";
}

static eqs_status describe_layer(eqs_device_builder *b, size_t k)
{
    const eqs_device_amplifier *a = &b->options->amplifier;
    const eqs_node_layer *layer = &b->resistive->layer[k];
    if (layer->law != EQS_DIODE_NONE)
        EQS_TRY(eqs_netlist_comment(b->netlist, "layer %zu: diodes: %s", k, law_text(layer->law)));
    if (!eqs_device_amplified(b, k, 0))
        return EQS_OK;
    return eqs_netlist_comment(
        b->netlist,
        "layer %zu: amplifiers f_h = %.12g h, %.12g times their current back from h "
        "(open-loop gain %.12g, bandwidth %.12g Hz, offset %.12g V, %.12g ohm; 0: ideal)",
        k, layer->gain[0], layer->back[0], a->open_loop, a->bandwidth, a->offset, a->resistance);
}

/* "2x64-32-10" */
static void describe_sizes(const eqs_device_builder *b, char *text, size_t size)
{
    size_t n = 0;
    for (size_t k = 0; k < b->net->n_layers && n < size; k++) {
        size_t units = k == 0 ? b->net->n_inputs : b->net->layer[k].units;
        n += (size_t)snprintf(text + n, size - n, "%s%s%zu", k == 0 ? "" : "-",
                              k == 0 && b->resistive->doubled ? "2x" : "", units);
    }
}

static eqs_status describe_stages(eqs_device_builder *b)
{
    const eqs_device_options *o = b->options;
    for (size_t s = 0; s < o->n_stages; s++)
        EQS_TRY(eqs_netlist_comment(b->netlist, "stage %zu: until %.12g s, nudge %.12g S%s", s,
                                    o->stage[s].until, o->stage[s].beta * b->resistive->siemens,
                                    s == 0 ? "; its end is held on hold_*" : ""));
    return EQS_OK;
}

eqs_status eqs_device_header(eqs_device_builder *b)
{
    const eqs_device_options *o = b->options;
    double beta = b->phase->beta[EQS_BETA_Y];
    char sizes[200], number[40], title[400];
    const char *phase = o->n_stages > 0 ? "free, then nudged" : beta == 0.0 ? "free" : "nudged";
    describe_sizes(b, sizes, sizeof sizes);
    snprintf(number, sizeof number, "number %zu of its batch", b->sample);
    snprintf(title, sizeof title, "eqspice: devices of a resistive network %s, %s phase", sizes, phase);
    EQS_TRY(eqs_netlist_create(title, &b->netlist));
    eqs_netlist *nl = b->netlist;
    EQS_TRY(eqs_netlist_comment(nl, "phase %s, nudge %.12g S; sample %s", phase,
                                o->n_stages > 0 ? 0.0 : beta * b->resistive->siemens,
                                o->label != NULL ? o->label : number));
    EQS_TRY(eqs_netlist_comment(nl, "units: V, A, ohm, F, s; unit conductance %.12g S; temperature %.12g K",
                                b->resistive->siemens, b->resistive->kelvin));
    EQS_TRY(eqs_netlist_comment(nl, "nodes: %s; hK_J node J of hidden layer K; %s",
                                o->fold                 ? "sources are folded into the nodes that they feed"
                                : b->resistive->doubled ? "xp_I source +x, xn_I source -x"
                                                        : "x_I source",
                                b->resistive->differential ? "prediction K is op_K - on_K" : "o_K output"));
    EQS_TRY(eqs_netlist_comment(nl,
                                "elements: r_TO_FROM synapse, d_ diode, x_amp_ amplifier, i_bias_ bias, c_ "
                                "capacitance, i_nudge_ nudge%s",
                                o->fold ? ", r_fold_ with i_bias_ the folded sources (Norton)" : ""));
    EQS_TRY(describe_stages(b));
    for (size_t k = 1; k < b->net->n_layers; k++)
        EQS_TRY(describe_layer(b, k));
    return EQS_OK;
}
