/* Nudging of the output nodes.
 *
 * In a transient with stages the circuit does by itself what EqProp asks: while v(track) is 1, hold_o_3
 * follows o_3; at the end of the free stage v(track) falls to 0 and the output stays on the hold capacitor;
 * then v(beta), in volts for siemens, switches the current beta (target - hold) on, stage by stage. */
#include "netlists/device_builder.h"

#include "base/memory.h"
#include "netlists/number.h"
#include "netlists/worker.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME = 2 * EQS_NETLIST_NAME, TEXT = 8 * NAME };

/* Shares of the free stage: the edges between stages; and the time constant of the held output, which lags
 * until the output is at rest. Not faster: trapezoidal steps longer than a time constant ring. */
static const double EDGE = 1e-6, FOLLOW = 1e-2;

static const double *sample_target(const eqs_device_builder *b)
{
    return b->phase->target + b->sample * b->net->n_outputs;
}

eqs_status eqs_device_nudge(const eqs_phase *phase, size_t sample, double *amperes)
{
    const eqs_network *net = phase->net;
    const eqs_resistive *r = net->resistive;
    size_t n = net->layer[net->n_layers - 1].units;
    double beta = phase->beta[EQS_BETA_Y] * r->siemens;
    if (beta == 0.0) {
        memset(amperes, 0, n * sizeof *amperes);
        return EQS_OK;
    }
    if (phase->target == NULL)
        return eqs_fail(EQS_BAD_DATA, "a phase with beta_y = %g needs a target", phase->beta[EQS_BETA_Y]);
    const double *target = phase->target + sample * net->n_outputs;
    if (r->nudge == EQS_NUDGE_CONDUCTANCE) {
        for (size_t i = 0; i < n; i++)
            amperes[i] = beta * target[i];
        return EQS_OK;
    }
    if (phase->free_output == NULL)
        return eqs_fail(EQS_BAD_DATA, "a nudge by currents needs the outputs of the free phase");
    eqs_spice_nudge nudge = eqs_device_nudge_rule(net);
    eqs_spice_nudge_currents(&nudge, beta, phase->free_output + sample * n, target, amperes);
    return EQS_OK;
}

eqs_spice_nudge eqs_device_nudge_rule(const eqs_network *net)
{
    return (eqs_spice_nudge){.cost = net->resistive->cost == EQS_COST_SOFTMAX ? EQS_SPICE_CROSS_ENTROPY
                                                                              : EQS_SPICE_SQUARED_ERROR,
                             .scale = 1.0,
                             .n_outputs = net->n_outputs,
                             .differential = net->resistive->differential};
}

static eqs_status fixed_nudge(eqs_device_builder *b, size_t i, double amperes)
{
    eqs_node node = b->node[b->net->n_layers - 1][i];
    bool external = b->options->external;
    double beta = b->phase->beta[EQS_BETA_Y];
    char name[NAME];
    snprintf(name, sizeof name, "nudge_%s", eqs_netlist_node_name(b->netlist, node));
    eqs_waveform w = external ? eqs_waveform_external() : eqs_waveform_dc(amperes);
    EQS_TRY(eqs_netlist_current(b->netlist, name, EQS_GROUND, node, &w));
    if (b->resistive->nudge != EQS_NUDGE_CONDUCTANCE || beta == 0.0)
        return EQS_OK;
    return eqs_netlist_vccs(b->netlist, name, node, EQS_GROUND, node, EQS_GROUND,
                            beta * b->resistive->siemens);
}

static eqs_status fixed_nudging(eqs_device_builder *b, size_t n)
{
    bool external = b->options->external;
    if (!external && b->phase->beta[EQS_BETA_Y] == 0.0)
        return EQS_OK;
    double *amperes = eqs_alloc(n, sizeof *amperes);
    eqs_status status = amperes == NULL ? EQS_NO_MEMORY
                        : external      ? EQS_OK
                                        : eqs_device_nudge(b->phase, b->sample, amperes);
    for (size_t i = 0; status == EQS_OK && i < n; i++)
        status = fixed_nudge(b, i, amperes[i]);
    eqs_free(amperes);
    return status;
}

/* A source at a node of its own with a value for every stage: it changes within an edge before the stage. */
static eqs_status staged_source(eqs_device_builder *b, const char *name, const double *value)
{
    const eqs_device_options *o = b->options;
    double *time = eqs_alloc(4 * o->n_stages, sizeof *time);
    if (time == NULL)
        return EQS_NO_MEMORY;
    double *volts = time + 2 * o->n_stages, begin = 0.0;
    size_t n = 0;
    for (size_t s = 0; s < o->n_stages; s++) {
        time[n] = s == 0 ? 0.0 : begin + EDGE * o->stage[0].until;
        volts[n++] = value[s];
        time[n] = o->stage[s].until;
        volts[n++] = value[s];
        begin = o->stage[s].until;
    }
    eqs_waveform w = {.kind = EQS_WAVEFORM_PWL, .n_points = n, .time = time, .value = volts};
    eqs_node node;
    eqs_status status = eqs_netlist_node(b->netlist, name, &node);
    if (status == EQS_OK)
        status = eqs_netlist_voltage(b->netlist, name, node, EQS_GROUND, &w);
    eqs_free(time);
    return status;
}

static eqs_status switches(eqs_device_builder *b)
{
    const eqs_device_options *o = b->options;
    double *value = eqs_alloc(o->n_stages, sizeof *value);
    if (value == NULL)
        return EQS_NO_MEMORY;
    value[0] = 1.0; /* track in the free stage only */
    eqs_status status = staged_source(b, "track", value);
    for (size_t s = 0; s < o->n_stages; s++)
        value[s] = o->stage[s].beta * b->resistive->siemens;
    if (status == EQS_OK)
        status = staged_source(b, "beta", value);
    eqs_free(value);
    return status;
}

static eqs_status hold(eqs_device_builder *b, eqs_node node)
{
    const eqs_device_options *o = b->options;
    char name[NAME], text[TEXT];
    const char *output = eqs_netlist_node_name(b->netlist, node);
    double siemens = b->resistive->siemens;
    eqs_node held;
    snprintf(name, sizeof name, "hold_%s", output);
    EQS_TRY(eqs_netlist_node(b->netlist, name, &held));
    EQS_TRY(
        eqs_netlist_capacitor(b->netlist, name, held, EQS_GROUND, siemens * FOLLOW * o->stage[0].until, 0.0));
    snprintf(text, sizeof text, "%s*v(track)*(v(%s)-v(%s))", NUMBER(siemens), output, name);
    return eqs_netlist_behavioural_current(b->netlist, name, EQS_GROUND, held, text);
}

static eqs_status staged_nudging(eqs_device_builder *b, size_t n)
{
    const eqs_node *node = b->node[b->net->n_layers - 1];
    EQS_TRY(switches(b));
    for (size_t i = 0; i < n; i++)
        EQS_TRY(hold(b, node[i]));
    for (size_t i = 0; i < n; i++) {
        char name[NAME], text[TEXT];
        const char *o = eqs_netlist_node_name(b->netlist, node[i]);
        snprintf(name, sizeof name, "nudge_%s", o);
        if (b->resistive->differential) /* +I into op_k, -I into on_k */
            snprintf(text, sizeof text, "%sv(beta)*(%s-(v(hold_%s)-v(hold_%s)))", i % 2 == 0 ? "" : "-",
                     NUMBER(sample_target(b)[i / 2]), eqs_netlist_node_name(b->netlist, node[i - i % 2]),
                     eqs_netlist_node_name(b->netlist, node[i - i % 2 + 1]));
        else
            snprintf(text, sizeof text, "v(beta)*(%s-v(hold_%s))", NUMBER(sample_target(b)[i]), o);
        EQS_TRY(eqs_netlist_behavioural_current(b->netlist, name, EQS_GROUND, node[i], text));
    }
    return EQS_OK;
}

eqs_status eqs_device_nudging(eqs_device_builder *b)
{
    size_t n = b->net->layer[b->net->n_layers - 1].units;
    return b->options->n_stages > 0 ? staged_nudging(b, n) : fixed_nudging(b, n);
}
