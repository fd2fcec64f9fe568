#include "netlists/behavioural.h"

#include "base/memory.h"
#include "models/field.h"
#include "netlists/behavioural_builder.h"
#include "netlists/behavioural_rho.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME = 2 * EQS_NETLIST_NAME };

eqs_behavioural_options eqs_behavioural_options_default(void)
{
    return (eqs_behavioural_options){.units = eqs_circuit_units_default(),
                                     .analysis = EQS_ANALYSIS_OP,
                                     .t_stop = 30.0,
                                     .t_max_step = 0.02,
                                     .reltol = 1e-6};
}

/* --- what each layer looks like --- */

static const eqs_activation *activation(const eqs_behavioural_builder *b, size_t k)
{
    return &b->net->layer[k].activation;
}

/* a layer of the gradient form that gathers its drive on nodes of its own */
static bool has_drive_nodes(const eqs_behavioural_builder *b, size_t k)
{
    return b->net->form == EQS_FORM_GRADIENT && !eqs_activation_is_clipped(activation(b, k)) && k >= b->first;
}

/* node from which the state is read: u or s; the activity V of a smooth membrane unit */
static eqs_node state_node(const eqs_behavioural_builder *b, size_t k, size_t i)
{
    return eqs_state_is_rate(b->net, k) ? b->rate[k][i] : b->unit[k][i];
}

/* node whose voltage is swing * (s - offset), bounded where s is: what nudging senses */
static eqs_node bounded_node(const eqs_behavioural_builder *b, size_t k, size_t i)
{
    return b->net->form == EQS_FORM_GRADIENT ? b->unit[k][i] : b->rate[k][i];
}

/* --- refusals --- */

static eqs_status check_terms(const eqs_energy *energy)
{
    static const char *const known[] = {"leak", "membrane-leak", "coupling", "bias", "cost", "regulariser"};
    for (size_t t = 0; t < energy->n_terms; t++) {
        const char *name = energy->term[t].class->name;
        size_t i = 0;
        while (i < sizeof known / sizeof *known && strcmp(known[i], name) != 0)
            i++;
        if (i == sizeof known / sizeof *known)
            return eqs_fail(EQS_BAD_CONFIG, "the energy term '%s' has no behavioural circuit", name);
    }
    return EQS_OK;
}

static eqs_status check_form(const eqs_behavioural_builder *b)
{
    const eqs_behavioural_options *options = b->options;
    if (b->net->form == EQS_FORM_PROJECTED && options->analysis == EQS_ANALYSIS_TRAN)
        return eqs_fail(EQS_BAD_CONFIG,
                        "the projected form has no circuit whose transient follows it; use the "
                        "membrane form, which has the same fixed points");
    for (size_t k = b->first; k < b->net->n_layers; k++) {
        const eqs_activation *a = activation(b, k);
        if (b->net->form == EQS_FORM_GRADIENT && eqs_activation_has_kinks(a))
            return eqs_fail(EQS_BAD_CONFIG,
                            "layer %zu: the gradient form with %s has no continuous circuit; use membrane or "
                            "projected",
                            k, eqs_activation_name(a->kind));
    }
    return EQS_OK;
}

static eqs_status check(const eqs_behavioural_builder *b, const eqs_state *start)
{
    const eqs_phase *phase = b->phase;
    EQS_TRY(eqs_circuit_units_check(&b->options->units));
    EQS_TRY(check_terms(b->energy));
    EQS_TRY(check_form(b));
    if (b->sample >= phase->batch || (start != NULL && b->sample >= start->batch))
        return eqs_fail(EQS_BAD_DATA, "sample %zu is beyond the batch of %zu", b->sample, phase->batch);
    if (phase->beta[EQS_BETA_Y] != 0.0 && phase->target == NULL)
        return eqs_fail(EQS_BAD_DATA, "a phase with beta_y = %g needs a target", phase->beta[EQS_BETA_Y]);
    if (phase->x == NULL)
        return eqs_fail(EQS_BAD_DATA, "the phase has no input data");
    if (b->options->external && b->first == 1 && !b->options->fold)
        return eqs_fail(EQS_BAD_CONFIG, "external currents need the clamped input folded");
    return EQS_OK;
}

/* --- elements --- */

static const char *node_name(const eqs_behavioural_builder *b, eqs_node node)
{
    return eqs_netlist_node_name(b->netlist, node);
}

/* a current source into a node */
static eqs_status inject(eqs_behavioural_builder *b, const char *name, eqs_node into, double amperes)
{
    eqs_waveform w = b->options->external ? eqs_waveform_external() : eqs_waveform_dc(amperes);
    return eqs_netlist_current(b->netlist, name, EQS_GROUND, into, &w);
}

static eqs_status make_input(eqs_behavioural_builder *b)
{
    const eqs_circuit_units *units = &b->options->units;
    size_t n = b->net->layer[0].units;
    const double *x = b->phase->x + b->sample * n;
    double *r = eqs_alloc(n, sizeof *r);
    if (r == NULL)
        return EQS_NO_MEMORY;
    eqs_behavioural_input_activity(b, r);
    bool identity = memcmp(r, x, n * sizeof *r) == 0;
    eqs_status status = EQS_OK;
    for (size_t i = 0; status == EQS_OK && i < n; i++) {
        char name[NAME], text[EQS_RHO_TEXT];
        snprintf(name, sizeof name, "x_%zu", i);
        eqs_waveform w = eqs_waveform_dc(units->swing * x[i]);
        status = eqs_netlist_node(b->netlist, name, &b->unit[0][i]);
        if (status == EQS_OK)
            status = eqs_netlist_voltage(b->netlist, name, b->unit[0][i], EQS_GROUND, &w);
        b->rate[0][i] = b->unit[0][i];
        if (status != EQS_OK || identity)
            continue;
        snprintf(name, sizeof name, "r_x_%zu", i);
        status = eqs_netlist_node(b->netlist, name, &b->rate[0][i]);
        eqs_behavioural_rho(activation(b, 0), units->swing, node_name(b, b->unit[0][i]), text);
        snprintf(name, sizeof name, "rho_x_%zu", i);
        if (status == EQS_OK)
            status = eqs_netlist_behavioural_voltage(b->netlist, name, b->rate[0][i], EQS_GROUND, text);
    }
    eqs_free(r);
    return status;
}

/* nodes of a free unit */
static eqs_status name_unit(eqs_behavioural_builder *b, size_t k, size_t i)
{
    char name[NAME], derived[NAME + 2];
    if (k == 0)
        snprintf(name, sizeof name, "x_%zu", i);
    else if (k == b->net->n_layers - 1)
        snprintf(name, sizeof name, "o_%zu", i);
    else
        snprintf(name, sizeof name, "h%zu_%zu", k, i);
    EQS_TRY(eqs_netlist_node(b->netlist, name, &b->unit[k][i]));
    b->rate[k][i] = b->drive[k][i] = b->unit[k][i];
    if (activation(b, k)->kind != EQS_LINEAR) {
        snprintf(derived, sizeof derived, "r_%s", name);
        EQS_TRY(eqs_netlist_node(b->netlist, derived, &b->rate[k][i]));
    }
    if (has_drive_nodes(b, k)) {
        snprintf(derived, sizeof derived, "d_%s", name);
        EQS_TRY(eqs_netlist_node(b->netlist, derived, &b->drive[k][i]));
    }
    return EQS_OK;
}

/* capacitor, leak and activation of a free unit; `start` is its variable at t = 0 */
static eqs_status make_unit(eqs_behavioural_builder *b, size_t k, size_t i, double start)
{
    const eqs_circuit_units *units = &b->options->units;
    eqs_netlist *nl = b->netlist;
    eqs_node u = b->unit[k][i], r = b->rate[k][i], d = b->drive[k][i];
    const char *name = node_name(b, u);
    char element[NAME], text[EQS_RHO_TEXT];
    double initial = b->options->analysis == EQS_ANALYSIS_TRAN ? units->swing * start : NAN;
    EQS_TRY(eqs_netlist_capacitor(nl, name, u, EQS_GROUND, units->capacitance * b->net->layer[k].tau[i],
                                  initial));
    snprintf(element, sizeof element, "leak_%s", name);
    EQS_TRY(eqs_netlist_resistor(nl, element, u, EQS_GROUND, 1.0 / units->conductance));
    if (r != u) {
        eqs_behavioural_rho(activation(b, k), units->swing, name, text);
        snprintf(element, sizeof element, "rho_%s", name);
        EQS_TRY(eqs_netlist_behavioural_voltage(nl, element, r, EQS_GROUND, text));
    }
    if (d != u) {
        snprintf(element, sizeof element, "load_%s", name);
        EQS_TRY(eqs_netlist_resistor(nl, element, d, EQS_GROUND, 1.0 / units->conductance));
        eqs_behavioural_force(activation(b, k), units->swing, units->conductance, name, node_name(b, r),
                              node_name(b, d), text);
        snprintf(element, sizeof element, "force_%s", name);
        EQS_TRY(eqs_netlist_behavioural_current(nl, element, EQS_GROUND, u, text));
    }
    return EQS_OK;
}

/* bias currents of a free layer, then its nudging */
static eqs_status make_currents(eqs_behavioural_builder *b, size_t k)
{
    const eqs_circuit_units *units = &b->options->units;
    const double *bias = eqs_behavioural_bias(b, k), *wanted;
    char element[NAME];
    for (size_t i = 0; k > 0 && i < b->net->layer[k].units; i++) {
        snprintf(element, sizeof element, "bias_%s", node_name(b, b->unit[k][i]));
        EQS_TRY(inject(b, element, b->drive[k][i], units->conductance * units->swing * bias[i]));
    }
    double beta = eqs_behavioural_nudge(b->phase, k, &wanted);
    for (size_t i = 0; beta != 0.0 && i < b->net->layer[k].units; i++) {
        eqs_node u = b->unit[k][i];
        snprintf(element, sizeof element, "nudge_%s", node_name(b, u));
        EQS_TRY(eqs_netlist_vccs(b->netlist, element, u, EQS_GROUND, bounded_node(b, k, i), EQS_GROUND,
                                 units->conductance * beta));
        EQS_TRY(inject(b, element, u, eqs_behavioural_nudge_current(b, k, i, beta, wanted)));
    }
    return EQS_OK;
}

static eqs_status make_synapse(eqs_behavioural_builder *b, eqs_node name_to, eqs_node into,
                               eqs_node name_from, eqs_node from, double weight)
{
    char element[NAME];
    if (weight == 0.0)
        return EQS_OK;
    const char *a = node_name(b, name_to), *c = node_name(b, name_from);
    size_t n = strlen(a), m = strlen(c); /* hundreds of thousands of names: no printf */
    memcpy(element, a, n);
    element[n] = '_';
    memcpy(element + n + 1, c, m + 1);
    return eqs_netlist_vccs(b->netlist, element, EQS_GROUND, into, from, EQS_GROUND,
                            b->options->units.conductance * weight);
}

/* synapses of a coupling, both directions */
static eqs_status make_coupling(eqs_behavioural_builder *b, size_t c)
{
    const eqs_network *net = b->net;
    size_t from = net->coupling[c].from, to = net->coupling[c].to;
    size_t n = net->layer[from].units, m = net->layer[to].units;
    const double *W = eqs_weights_const(net, b->phase->theta, c);
    if (from < b->first && b->options->fold)
        return EQS_OK;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < m; j++) {
            double w = W[i * m + j];
            EQS_TRY(make_synapse(b, b->unit[to][j], b->drive[to][j], b->unit[from][i], b->rate[from][i], w));
            if (from != to && from >= b->first)
                EQS_TRY(
                    make_synapse(b, b->unit[from][i], b->drive[from][i], b->unit[to][j], b->rate[to][j], w));
        }
    }
    return EQS_OK;
}

/* --- directives --- */

/* Dynamical variables at the start into b->start, by the field's own inverse map. */
static eqs_status gather_start(eqs_behavioural_builder *b, const eqs_state *start)
{
    const eqs_network *net = b->net;
    eqs_state *one = NULL;
    eqs_field *field = NULL;
    eqs_phase phase = *b->phase;
    phase.batch = 1;
    phase.x += b->sample * net->layer[0].units;
    if (phase.target != NULL)
        phase.target += b->sample * net->layer[net->n_layers - 1].units;
    b->start = eqs_alloc(eqs_network_state_size(net), sizeof *b->start);
    eqs_status status = b->start == NULL ? EQS_NO_MEMORY : eqs_state_create(net, 1, &one);
    if (status == EQS_OK)
        status = eqs_field_create(b->energy, &phase, &field);
    if (status == EQS_OK) {
        for (size_t k = 0; k < net->n_layers; k++)
            memcpy(one->s[k], start->s[k] + b->sample * net->layer[k].units,
                   net->layer[k].units * sizeof(double));
        field->ops->from_state(field, one, b->options->settled_start, b->start);
        for (size_t v = 0; status == EQS_OK && v < field->n_sample; v++) {
            if (isnan(b->start[v]))
                status =
                    eqs_fail(EQS_BAD_DATA, "the start of state %zu of sample %zu is no number", v, b->sample);
        }
    }
    eqs_field_destroy(field);
    eqs_state_destroy(one);
    return status;
}

/* the states first, then the activities of the layers whose state is read elsewhere */
static eqs_status make_outputs(eqs_behavioural_builder *b)
{
    size_t last = b->net->n_layers - 1;
    for (size_t k = b->first; k <= last; k++) {
        for (size_t i = 0; i < b->net->layer[k].units; i++)
            EQS_TRY(eqs_netlist_output(b->netlist, state_node(b, k, i), k == last));
    }
    for (size_t k = b->first; k <= last; k++) {
        for (size_t i = 0; i < b->net->layer[k].units; i++) {
            if (b->rate[k][i] != state_node(b, k, i))
                EQS_TRY(eqs_netlist_output(b->netlist, b->rate[k][i], k == last));
        }
    }
    return EQS_OK;
}

static eqs_status make_directives(eqs_behavioural_builder *b)
{
    const eqs_behavioural_options *o = b->options;
    const eqs_circuit_units *units = &o->units;
    EQS_TRY(make_outputs(b));
    size_t v = 0;
    for (size_t k = b->first; b->start != NULL && k < b->net->n_layers; k++) {
        for (size_t i = 0; i < b->net->layer[k].units; i++, v++) {
            /* an infinite potential (a rate at the end of its range) is no guess, but no fault either */
            if (o->analysis != EQS_ANALYSIS_TRAN && isfinite(b->start[v]))
                EQS_TRY(eqs_netlist_guess(b->netlist, b->unit[k][i], units->swing * b->start[v]));
        }
    }
    eqs_tolerances tolerances = {
        .reltol = o->reltol,
        .vntol = o->vntol > 0.0 ? o->vntol : 1e-9 * units->swing,
        .abstol = o->abstol > 0.0 ? o->abstol : 1e-9 * units->conductance * units->swing,
        .chgtol = 1e-6 * o->reltol * units->capacitance * units->swing,
        .pivtol = 1e-9 * units->conductance,
        .dc_iterations = 500,
        .tran_iterations = 50,
    };
    EQS_TRY(eqs_netlist_tolerances(b->netlist, &tolerances));
    if (o->analysis == EQS_ANALYSIS_OP)
        return eqs_netlist_op(b->netlist);
    if (o->analysis != EQS_ANALYSIS_TRAN)
        return EQS_OK;
    double unit_time = eqs_circuit_unit_time(units);
    return eqs_netlist_tran(b->netlist, unit_time * fmin(o->t_max_step, o->t_stop), unit_time * o->t_stop,
                            unit_time * fmin(o->t_max_step, o->t_stop), true);
}

/* --- the whole --- */

static eqs_status make_circuit(eqs_behavioural_builder *b)
{
    const eqs_network *net = b->net;
    EQS_TRY(eqs_behavioural_header(b));
    if (b->first == 1 && !b->options->fold)
        EQS_TRY(make_input(b));
    for (size_t k = b->first; k < net->n_layers; k++) {
        for (size_t i = 0; i < net->layer[k].units; i++)
            EQS_TRY(name_unit(b, k, i));
    }
    const double *start = b->start;
    for (size_t k = b->first; k < net->n_layers; k++) {
        for (size_t i = 0; i < net->layer[k].units; i++)
            EQS_TRY(make_unit(b, k, i, start != NULL ? *start++ : 0.0));
        EQS_TRY(make_currents(b, k));
    }
    for (size_t c = 0; c < net->n_couplings; c++)
        EQS_TRY(make_coupling(b, c));
    return make_directives(b);
}

eqs_status eqs_behavioural_build(const eqs_energy *energy, const eqs_phase *phase, size_t sample,
                                 const eqs_state *start, const eqs_behavioural_options *options,
                                 eqs_netlist **out)
{
    eqs_behavioural_builder b = {.energy = energy,
                                 .phase = phase,
                                 .net = energy->net,
                                 .options = options,
                                 .sample = sample,
                                 .first = eqs_first_free_layer(energy->net)};
    if (energy->net->resistive != NULL)
        return eqs_fail(EQS_BAD_CONFIG, "circuit.level: behavioural circuits are those of Hopfield networks; "
                                        "allowed for resistive networks: device");
    EQS_TRY(check(&b, start));
    eqs_status status = eqs_behavioural_allocate(&b);
    if (status == EQS_OK)
        status = eqs_behavioural_gather_bias(&b, options->fold);
    if (status == EQS_OK && start != NULL)
        status = gather_start(&b, start);
    if (status == EQS_OK)
        status = make_circuit(&b);
    eqs_behavioural_release(&b);
    if (status != EQS_OK) {
        eqs_netlist_destroy(b.netlist);
        return status;
    }
    *out = b.netlist;
    return EQS_OK;
}

void eqs_behavioural_states(const eqs_network *net, const eqs_circuit_units *units, const double *volts,
                            double *state)
{
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        const eqs_activation *a = &net->layer[k].activation;
        double lo = eqs_activation_is_clipped(a) ? a->lo : -INFINITY;
        double hi = eqs_activation_is_clipped(a) ? a->hi : INFINITY;
        for (size_t i = 0; i < net->layer[k].units; i++)
            *state++ = fmin(fmax(*volts++ / units->swing, lo), hi);
    }
}
