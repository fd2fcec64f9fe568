#include "netlists/device.h"

#include "base/memory.h"
#include "netlists/device_builder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME = 2 * EQS_NETLIST_NAME };

eqs_device_options eqs_device_options_default(void)
{
    return (eqs_device_options){
        .analysis = EQS_ANALYSIS_OP, .capacitance = 1e-12, .reltol = 1e-6, .vntol = 1e-9};
}

/* --- refusals --- */

static eqs_status check_conductances(const eqs_device_builder *b)
{
    const eqs_network *net = b->net;
    for (size_t c = 0; c < net->n_couplings; c++) {
        const eqs_coupling *coupling = &net->coupling[c];
        size_t n = net->layer[coupling->to].units, count = net->layer[coupling->from].units * n;
        const double *g = eqs_weights_const(net, b->phase->theta, c);
        for (size_t i = 0; i < count; i++) {
            if (!(g[i] >= 0.0) || !isfinite(g[i]))
                return eqs_fail(EQS_BAD_DATA,
                                "conductance [%zu][%zu] from layer %zu to %zu is %g; it must be >= 0", i / n,
                                i % n, coupling->from, coupling->to, g[i]);
        }
    }
    return EQS_OK;
}

static eqs_status check_transient(const eqs_device_builder *b)
{
    const eqs_device_options *o = b->options;
    bool tran = o->analysis == EQS_ANALYSIS_TRAN;
    if (tran && !(o->t_stop > 0.0 && isfinite(o->t_stop)))
        return eqs_fail(EQS_BAD_CONFIG, "a transient of %g s", o->t_stop);
    if (o->n_stages == 0)
        return EQS_OK;
    if (!tran || b->phase->target == NULL || o->stage[0].beta != 0.0)
        return eqs_fail(EQS_BAD_CONFIG, "stages need the analysis tran, targets, and begin with beta = 0");
    if (b->resistive->cost != EQS_COST_SQUARED || b->resistive->nudge != EQS_NUDGE_CURRENT)
        return eqs_fail(EQS_BAD_CONFIG, "stages nudge by currents of the squared error (learning.cost: "
                                        "squared, learning.nudge_form: current)");
    for (size_t s = 0; s < o->n_stages; s++) {
        if (!(o->stage[s].until > (s == 0 ? 0.0 : o->stage[s - 1].until)) || o->stage[s].until > o->t_stop)
            return eqs_fail(EQS_BAD_CONFIG, "stage %zu ends at %g s: times must ascend to %g s", s,
                            o->stage[s].until, o->t_stop);
    }
    return EQS_OK;
}

static eqs_status check(const eqs_device_builder *b)
{
    const eqs_device_options *o = b->options;
    if (b->resistive == NULL)
        return eqs_fail(EQS_BAD_CONFIG, "a Hopfield network has no device-level circuit");
    if (!eqs_network_clamped(b->net))
        return eqs_fail(EQS_BAD_CONFIG, "a resistive network's sources are clamped (network.beta)");
    if (b->sample >= b->phase->batch || (b->start != NULL && b->sample >= b->start->batch))
        return eqs_fail(EQS_BAD_DATA, "sample %zu is beyond the batch of %zu", b->sample, b->phase->batch);
    if (o->external && !o->fold)
        return eqs_fail(EQS_BAD_CONFIG, "external currents need the sources folded");
    EQS_TRY(check_transient(b));
    return check_conductances(b);
}

/* --- nodes --- */

static eqs_status name_source(eqs_device_builder *b, size_t i)
{
    const eqs_network *net = b->net;
    char name[NAME];
    if (!b->resistive->doubled && i < net->n_inputs)
        snprintf(name, sizeof name, "x_%zu", i);
    else if (i < net->n_inputs)
        snprintf(name, sizeof name, "xp_%zu", i);
    else if (b->resistive->doubled && i < 2 * net->n_inputs)
        snprintf(name, sizeof name, "xn_%zu", i - net->n_inputs);
    else
        snprintf(name, sizeof name, "ref");
    eqs_waveform w = eqs_waveform_dc(b->phase->x[b->sample * net->layer[0].units + i]);
    EQS_TRY(eqs_netlist_node(b->netlist, name, &b->node[0][i]));
    return eqs_netlist_voltage(b->netlist, name, b->node[0][i], EQS_GROUND, &w);
}

static eqs_status name_node(eqs_device_builder *b, size_t k, size_t i)
{
    char name[NAME], forward[NAME + 2];
    if (k + 1 < b->net->n_layers)
        snprintf(name, sizeof name, "h%zu_%zu", k, i);
    else if (b->resistive->differential)
        snprintf(name, sizeof name, "o%c_%zu", i % 2 == 0 ? 'p' : 'n', i / 2);
    else
        snprintf(name, sizeof name, "o_%zu", i);
    EQS_TRY(eqs_netlist_node(b->netlist, name, &b->node[k][i]));
    b->forward[k][i] = b->node[k][i];
    if (!eqs_device_amplified(b, k, i))
        return EQS_OK;
    snprintf(forward, sizeof forward, "f_%s", name);
    return eqs_netlist_node(b->netlist, forward, &b->forward[k][i]);
}

static eqs_status name_all(eqs_device_builder *b)
{
    for (size_t i = 0; !b->options->fold && i < b->net->layer[0].units; i++) {
        EQS_TRY(name_source(b, i));
        b->forward[0][i] = b->node[0][i];
    }
    for (size_t k = 1; k < b->net->n_layers; k++) {
        for (size_t i = 0; i < b->net->layer[k].units; i++)
            EQS_TRY(name_node(b, k, i));
    }
    return EQS_OK;
}

/* --- elements --- */

/* r_TO_FROM: hundreds of thousands of names, so no printf */
static eqs_status synapse(eqs_device_builder *b, eqs_node to, eqs_node from, double g)
{
    char element[NAME];
    if (g == 0.0)
        return EQS_OK;
    const char *a = eqs_netlist_node_name(b->netlist, to), *c = eqs_netlist_node_name(b->netlist, from);
    size_t n = strlen(a);
    memcpy(element, a, n);
    element[n] = '_';
    memcpy(element + n + 1, c, strlen(c) + 1);
    return eqs_netlist_resistor(b->netlist, element, to, from, 1.0 / (g * b->resistive->siemens));
}

static eqs_status coupling(eqs_device_builder *b, size_t c)
{
    const eqs_network *net = b->net;
    size_t from = net->coupling[c].from, to = net->coupling[c].to, n = net->layer[to].units;
    const double *g = eqs_weights_const(net, b->phase->theta, c);
    for (size_t i = 0; i < net->layer[from].units; i++) {
        /* lateral: each pair once, between input sides */
        for (size_t j = from == to ? i + 1 : 0; j < n; j++)
            EQS_TRY(synapse(b, b->node[to][j], from == to ? b->node[from][i] : b->forward[from][i],
                            g[i * n + j]));
    }
    return EQS_OK;
}

/* The sources as seen from layer k: one resistor to ground a node. */
static eqs_status folded_resistors(eqs_device_builder *b, size_t k)
{
    const eqs_network *net = b->net;
    size_t n = net->layer[k].units;
    for (size_t j = 0; j < n; j++) {
        double sum = 0.0;
        for (size_t c = 0; c < net->n_couplings; c++) {
            const double *g = eqs_weights_const(net, b->phase->theta, c);
            for (size_t i = 0;
                 net->coupling[c].from == 0 && net->coupling[c].to == k && i < net->layer[0].units; i++)
                sum += g[i * n + j];
        }
        char name[NAME];
        snprintf(name, sizeof name, "fold_%s", eqs_netlist_node_name(b->netlist, b->node[k][j]));
        if (sum > 0.0)
            EQS_TRY(eqs_netlist_resistor(b->netlist, name, b->node[k][j], EQS_GROUND,
                                         1.0 / (sum * b->resistive->siemens)));
    }
    return EQS_OK;
}

static eqs_status biases(eqs_device_builder *b, size_t k)
{
    const eqs_network *net = b->net;
    size_t n = net->layer[k].units;
    double *amperes = eqs_alloc(n, sizeof *amperes);
    if (amperes == NULL)
        return EQS_NO_MEMORY;
    const double *x = b->options->fold ? b->phase->x + b->sample * net->layer[0].units : NULL;
    eqs_device_bias(net, b->phase->theta, x, k, amperes);
    bool external = b->options->external && eqs_device_touches_sources(net, k);
    eqs_status status = EQS_OK;
    for (size_t j = 0; status == EQS_OK && j < n; j++) {
        char name[NAME];
        eqs_waveform w = external ? eqs_waveform_external() : eqs_waveform_dc(amperes[j]);
        snprintf(name, sizeof name, "bias_%s", eqs_netlist_node_name(b->netlist, b->node[k][j]));
        if (external || amperes[j] != 0.0)
            status = eqs_netlist_current(b->netlist, name, EQS_GROUND, b->node[k][j], &w);
    }
    eqs_free(amperes);
    return status;
}

static eqs_status capacitances(eqs_device_builder *b, size_t k)
{
    size_t n = b->net->layer[k].units;
    bool tran = b->options->analysis == EQS_ANALYSIS_TRAN;
    for (size_t j = 0; !b->options->external && j < n; j++) {
        double initial = !tran ? NAN : b->start != NULL ? b->start->s[k][b->sample * n + j] : 0.0;
        EQS_TRY(eqs_netlist_capacitor(b->netlist, eqs_netlist_node_name(b->netlist, b->node[k][j]),
                                      b->node[k][j], EQS_GROUND,
                                      b->options->capacitance * b->net->layer[k].tau[j], initial));
    }
    return EQS_OK;
}

/* --- directives --- */

static eqs_status outputs(eqs_device_builder *b)
{
    const eqs_network *net = b->net;
    for (size_t k = 1; k < net->n_layers; k++) {
        for (size_t i = 0; i < net->layer[k].units; i++)
            EQS_TRY(eqs_netlist_output(b->netlist, b->node[k][i], k + 1 == net->n_layers));
    }
    for (size_t k = 1; !b->options->external && k < net->n_layers; k++) {
        for (size_t i = 0; i < net->layer[k].units; i++) {
            if (b->forward[k][i] != b->node[k][i])
                EQS_TRY(eqs_netlist_output(b->netlist, b->forward[k][i], false));
        }
    }
    for (size_t k = 1; b->start != NULL && b->options->analysis != EQS_ANALYSIS_TRAN && k < net->n_layers;
         k++) {
        size_t n = net->layer[k].units;
        for (size_t i = 0; i < n; i++)
            EQS_TRY(eqs_netlist_guess(b->netlist, b->node[k][i], b->start->s[k][b->sample * n + i]));
    }
    return EQS_OK;
}

static bool any_law(const eqs_device_builder *b, eqs_diode_law law)
{
    for (size_t k = 0; k < b->net->n_layers; k++) {
        if (b->resistive->layer[k].law == law)
            return true;
    }
    return false;
}

/* A step of vntol must not matter to any junction: the stand-ins of ideal diodes have Vn = 1e-9 V. With vntol
 * that large ngspice keeps a diode's old current and calls a wrong point converged. */
static double vntol(const eqs_device_builder *b)
{
    return any_law(b, EQS_DIODE_IDEAL) ? fmin(b->options->vntol, 1e-3 * EQS_IDEAL_VN) : b->options->vntol;
}

/* the law ngspice has its gmin; the others have none, so the smallest that ngspice takes without harm */
static double gmin(const eqs_device_builder *b)
{
    const double none = 1e-18;
    return any_law(b, EQS_DIODE_NGSPICE) ? fmax(b->resistive->gmin * b->resistive->siemens, none) : none;
}

static eqs_status directives(eqs_device_builder *b)
{
    const eqs_device_options *o = b->options;
    EQS_TRY(outputs(b));
    eqs_tolerances tolerances = {.reltol = o->reltol,
                                 .vntol = vntol(b),
                                 .abstol = o->abstol > 0.0 ? o->abstol : 1e-9 * b->resistive->siemens,
                                 .gmin = gmin(b),
                                 .temperature = b->resistive->kelvin,
                                 .dc_iterations = 500,
                                 .tran_iterations = 50};
    if (o->analysis == EQS_ANALYSIS_TRAN)
        tolerances.chgtol = 1e-6 * o->reltol * o->capacitance;
    EQS_TRY(eqs_netlist_tolerances(b->netlist, &tolerances));
    if (o->analysis == EQS_ANALYSIS_OP)
        return eqs_netlist_op(b->netlist);
    if (o->analysis != EQS_ANALYSIS_TRAN)
        return EQS_OK;
    double longest = o->t_max_step > 0.0 ? fmin(o->t_max_step, o->t_stop) : o->t_stop / 1000.0;
    return eqs_netlist_tran(b->netlist, longest, o->t_stop, longest, true);
}

/* --- the whole --- */

static eqs_status make_circuit(eqs_device_builder *b)
{
    const eqs_network *net = b->net;
    EQS_TRY(eqs_device_header(b));
    EQS_TRY(name_all(b));
    for (size_t c = 0; c < net->n_couplings; c++) {
        if (net->coupling[c].from != 0 || !b->options->fold)
            EQS_TRY(coupling(b, c));
    }
    for (size_t k = 1; k < net->n_layers; k++) {
        if (b->options->fold)
            EQS_TRY(folded_resistors(b, k));
        EQS_TRY(eqs_device_diodes(b, k));
        EQS_TRY(eqs_device_amplifiers(b, k));
        EQS_TRY(biases(b, k));
        EQS_TRY(capacitances(b, k));
    }
    EQS_TRY(eqs_device_nudging(b));
    return directives(b);
}

static eqs_status allocate(eqs_device_builder *b)
{
    size_t n = 0, layers = b->net->n_layers;
    for (size_t k = 0; k < layers; k++)
        n += b->net->layer[k].units;
    b->nodes = eqs_alloc(2 * n, sizeof *b->nodes);
    b->node = eqs_alloc(2 * layers, sizeof *b->node);
    if (b->nodes == NULL || b->node == NULL)
        return EQS_NO_MEMORY;
    b->forward = b->node + layers;
    for (size_t k = 0, first = 0; k < layers; first += b->net->layer[k].units, k++) {
        b->node[k] = b->nodes + first;
        b->forward[k] = b->nodes + n + first;
    }
    return EQS_OK;
}

eqs_status eqs_device_build(const eqs_network *net, const eqs_phase *phase, size_t sample,
                            const eqs_state *start, const eqs_device_options *options, eqs_netlist **out)
{
    eqs_device_builder b = {.net = net,
                            .resistive = net->resistive,
                            .phase = phase,
                            .options = options,
                            .sample = sample,
                            .start = start};
    EQS_TRY(check(&b));
    eqs_status status = allocate(&b);
    if (status == EQS_OK)
        status = make_circuit(&b);
    eqs_free(b.nodes);
    eqs_free(b.node);
    if (status != EQS_OK) {
        eqs_netlist_destroy(b.netlist);
        return status;
    }
    *out = b.netlist;
    return EQS_OK;
}
