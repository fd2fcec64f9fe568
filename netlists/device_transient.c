#include "netlists/device_transient.h"

#include "base/memory.h"
#include "netlists/dialect.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME = 3 * EQS_NETLIST_NAME, DOUBLINGS = 10 };

static const double UNSETTLED = 0.9; /* share of a stage after which settling is not believed */

eqs_device_transient_options eqs_device_transient_options_default(void)
{
    eqs_device_options device = eqs_device_options_default();
    return (eqs_device_transient_options){.capacitance = device.capacitance,
                                          .reltol = device.reltol,
                                          .vntol = device.vntol,
                                          .abstol = device.abstol};
}

/* A supply: the power that it delivers is -volts times the current of a branch, or the node's voltage times a
 * current. Indices of the wanted vectors; NONE where there is no such factor. */
typedef struct supply {
    uint32_t branch, node, back; /* back: the node from which `share` of the branch's current is taken */
    double volts, amperes, share;
} supply;
static const uint32_t NONE = UINT32_MAX;

typedef struct transient {
    const eqs_network *net;
    const eqs_phase *phase;
    size_t sample, n_state, n_stages;
    const double *beta;
    eqs_device_stage stage[EQS_DEVICE_STAGES];
    eqs_netlist *netlist;
    size_t n_wanted, n_supplies, first_hold;
    char (*text)[NAME]; /* names of branches */
    const char **wanted;
    supply *supply;
} transient;

/* slowest node: the largest C / a */
static eqs_status slowest(const eqs_network *net, const double *theta, double capacitance, double *out)
{
    *out = 0.0;
    for (size_t k = 1; k < net->n_layers; k++) {
        double *a = eqs_alloc(net->layer[k].units, sizeof *a);
        if (a == NULL)
            return EQS_NO_MEMORY;
        eqs_resistive_conductance(net, theta, k, a);
        for (size_t i = 0; i < net->layer[k].units; i++)
            *out = fmax(*out, capacitance * net->layer[k].tau[i] / (net->resistive->siemens * a[i]));
        eqs_free(a);
    }
    return isfinite(*out) ? EQS_OK : eqs_fail(EQS_BAD_DATA, "a node without conductance never settles");
}

/* --- what is read --- */

static uint32_t want(transient *t, const char *format, const char *name)
{
    snprintf(t->text[t->n_wanted], NAME, format, name);
    t->wanted[t->n_wanted] = t->text[t->n_wanted];
    return (uint32_t)t->n_wanted++;
}

/* index of a free node among the wanted */
static uint32_t find_node(const transient *t, eqs_node node)
{
    for (size_t i = 0; i < t->n_state; i++) {
        if (t->netlist->output[i].node == node)
            return (uint32_t)i;
    }
    return NONE;
}

/* the supplies among the circuit's elements */
static void add_supply(transient *t, const eqs_element *e)
{
    const char *name = e->name;
    supply s = {.branch = NONE, .node = NONE, .back = NONE};
    bool control = strcmp(name, "v_track") == 0 || strcmp(name, "v_beta") == 0;
    if (e->kind == EQS_VOLTAGE_SOURCE && !control) {
        s.branch = want(t, "%s#branch", name);
        s.volts = e->value;
    } else if (e->kind == EQS_CURRENT_SOURCE) {
        s.node = find_node(t, e->node[1]);
        s.amperes = e->value;
    } else if (e->kind == EQS_INSTANCE) { /* an amplifier drives f and takes from h */
        const eqs_instance *instance = e->detail.instance;
        s.branch = want(t, "v.%s.v_sense#branch", name);
        s.node = want(t, "%s", eqs_netlist_node_name(t->netlist, instance->node[1]));
        s.back = find_node(t, instance->node[0]);
        const eqs_netlist *body = instance->subcircuit->body;
        for (size_t i = 0; i < body->n_elements; i++) {
            if (body->element[i].kind == EQS_CCCS)
                s.share = body->element[i].value;
        }
    } else {
        return;
    }
    t->supply[t->n_supplies++] = s;
}

/* nodes, supplies, held outputs */
static eqs_status list_vectors(transient *t)
{
    size_t n = t->n_state + 2 * t->netlist->n_elements;
    t->text = eqs_alloc(n, sizeof *t->text);
    t->wanted = eqs_alloc(n, sizeof *t->wanted);
    t->supply = eqs_alloc(t->netlist->n_elements, sizeof *t->supply);
    if (t->text == NULL || t->wanted == NULL || t->supply == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < t->n_state; i++)
        want(t, "%s", eqs_netlist_node_name(t->netlist, t->netlist->output[i].node));
    for (size_t i = 0; i < t->netlist->n_elements; i++)
        add_supply(t, &t->netlist->element[i]);
    t->first_hold = t->n_wanted;
    size_t n_out = t->net->layer[t->net->n_layers - 1].units;
    for (size_t i = 0; t->n_stages > 1 && i < n_out; i++)
        want(t, "hold_%s", t->wanted[t->n_state - n_out + i]);
    return EQS_OK;
}

/* --- power --- */

static double nudge_power(const transient *t, const double *row, double beta)
{
    const eqs_network *net = t->net;
    size_t n_out = net->layer[net->n_layers - 1].units;
    const double *hold = row + t->first_hold, *o = row + t->n_state - n_out;
    const double *target = t->phase->target + t->sample * net->n_outputs;
    double amperes[2], sum = 0.0;
    eqs_spice_nudge rule = eqs_device_nudge_rule(net);
    rule.n_outputs = 1;
    size_t step = net->resistive->differential ? 2 : 1;
    for (size_t k = 0; beta != 0.0 && k < net->n_outputs; k++) {
        eqs_spice_nudge_currents(&rule, beta * net->resistive->siemens, hold + step * k, target + k, amperes);
        for (size_t i = 0; i < step; i++)
            sum += amperes[i] * o[step * k + i];
    }
    return sum;
}

/* watts that all supplies deliver at a point */
static double power(const transient *t, const double *row, double beta)
{
    double sum = nudge_power(t, row, beta);
    for (size_t i = 0; i < t->n_supplies; i++) {
        const supply *s = &t->supply[i];
        if (s->back != NONE)
            sum += row[s->branch] * (row[s->node] - s->share * row[s->back]);
        else if (s->branch != NONE)
            sum -= s->volts * row[s->branch];
        else if (s->node != NONE)
            sum += s->amperes * row[s->node];
    }
    return sum;
}

/* --- stages --- */

/* what a stage's settling is measured against */
static double scale_of(const transient *t, size_t stage, const double *begin, const double *end)
{
    double scale = 0.0;
    for (size_t i = 0; i < t->n_state; i++)
        scale = fmax(scale, fabs(end[i] - (stage == 0 ? 0.0 : begin[i])));
    return scale;
}

static double distance(const transient *t, const double *row, const double *end)
{
    double worst = 0.0;
    for (size_t i = 0; i < t->n_state; i++)
        worst = fmax(worst, fabs(row[i] - end[i]));
    return worst;
}

/* One stage, points first..last (the ends of the stages before and of this one). true when its last tenth is
 * at rest. */
static bool measure_stage(const transient *t, const eqs_spice_result *r, size_t stage, size_t first,
                          size_t last, eqs_device_stage_result *out)
{
    static const double levels[2] = {1e-3, 1e-6};
    const double *end = r->value + last * r->n_vectors;
    double begin_time = stage == 0 ? 0.0 : t->stage[stage - 1].until;
    double length = t->stage[stage].until - begin_time;
    double scale = scale_of(t, stage, r->value + first * r->n_vectors, end);
    bool at_rest = true;
    *out = (eqs_device_stage_result){.seconds = length};
    for (size_t p = first; p < last; p++) {
        const double *row = r->value + p * r->n_vectors, *next = row + r->n_vectors;
        double far = distance(t, row, end), after = r->time[p + 1] - begin_time;
        for (size_t l = 0; l < 2; l++) {
            if (far > levels[l] * scale)
                out->settled[l] = after;
        }
        if (after > UNSETTLED * length && far > levels[1] * scale)
            at_rest = false;
        /* the point at a switch belongs to the stage before; the edge is a millionth */
        double beta = t->beta[stage];
        out->energy += 0.5 * (r->time[p + 1] - r->time[p]) * (power(t, row, beta) + power(t, next, beta));
    }
    for (size_t l = 0; l < 2; l++) {
        if (out->settled[l] > UNSETTLED * length)
            out->settled[l] = NAN;
    }
    return at_rest;
}

/* ends of the stages and what was measured in them; true when all are at rest */
static bool read_stages(const transient *t, const eqs_spice_result *r, double *volts,
                        eqs_device_stage_result *result)
{
    bool at_rest = true;
    size_t first = 0, p = 0;
    for (size_t s = 0; s < t->n_stages; s++) {
        double until = t->stage[s].until * (1.0 + 1e-12);
        while (p + 1 < r->n_points && r->time[p + 1] <= until)
            p++;
        eqs_device_stage_result one;
        at_rest = measure_stage(t, r, s, first, p, &one) && at_rest;
        memcpy(volts + s * t->n_state, r->value + p * r->n_vectors, t->n_state * sizeof *volts);
        if (result != NULL)
            result[s] = one;
        first = p;
    }
    return at_rest;
}

/* --- running --- */

static eqs_status run_once(transient *t, const eqs_device_transient_options *o, double seconds,
                           eqs_worker *worker, double *volts, eqs_device_stage_result *result, bool *at_rest)
{
    eqs_device_options device = eqs_device_options_default();
    for (size_t s = 0; s < t->n_stages; s++)
        t->stage[s] = (eqs_device_stage){seconds * (double)(s + 1), t->beta[s]};
    device.analysis = EQS_ANALYSIS_TRAN;
    device.t_stop = t->stage[t->n_stages - 1].until;
    device.t_max_step = o->max_step > 0.0 ? fmin(o->max_step, seconds) : seconds / 300.0;
    device.capacitance = o->capacitance;
    device.reltol = o->reltol;
    device.vntol = o->vntol;
    device.abstol = o->abstol;
    device.amplifier = o->amplifier;
    device.n_stages = t->n_stages > 1 ? t->n_stages : 0;
    device.stage = t->stage;
    eqs_phase phase = *t->phase;
    phase.beta[EQS_BETA_Y] = 0.0;
    EQS_TRY(eqs_device_build(t->net, &phase, t->sample, NULL, &device, &t->netlist));
    EQS_TRY(list_vectors(t));
    char *deck, command[256];
    eqs_spice_job job = {.n_wanted = t->n_wanted, .wanted = t->wanted, .command = command};
    EQS_TRY(eqs_netlist_command(t->netlist, command, sizeof command));
    EQS_TRY(eqs_netlist_deck_of_all(t->netlist, &deck, &job.deck_length));
    job.deck = deck;
    eqs_spice_result r;
    eqs_status status = eqs_worker_run(worker, &job, &r);
    if (status == EQS_OK)
        *at_rest = read_stages(t, &r, volts, result);
    eqs_spice_result_clear(&r);
    eqs_free(deck);
    return status;
}

static void forget(transient *t)
{
    eqs_netlist_destroy(t->netlist);
    eqs_free(t->text);
    eqs_free(t->wanted);
    eqs_free(t->supply);
    t->netlist = NULL;
    t->text = NULL;
    t->wanted = NULL;
    t->supply = NULL;
    t->n_wanted = t->n_supplies = 0;
}

eqs_status eqs_device_transient_run(const eqs_network *net, const eqs_phase *phase, size_t sample,
                                    const eqs_device_transient_options *options, size_t n_stages,
                                    const double *beta, eqs_worker *worker, double *volts,
                                    eqs_device_stage_result *result)
{
    if (net->resistive == NULL)
        return eqs_fail(EQS_BAD_CONFIG, "a Hopfield network has no device-level circuit");
    if (n_stages == 0 || n_stages > EQS_DEVICE_STAGES)
        return eqs_fail(EQS_BAD_CONFIG, "%zu stages; allowed: 1 to %d", n_stages, EQS_DEVICE_STAGES);
    double seconds = options->stage;
    if (!(seconds > 0.0)) {
        EQS_TRY(slowest(net, phase->theta, options->capacitance, &seconds));
        seconds *= 30.0;
    }
    for (int doubling = 0; doubling <= DOUBLINGS; doubling++, seconds *= 2.0) {
        transient t = {.net = net,
                       .phase = phase,
                       .sample = sample,
                       .n_stages = n_stages,
                       .beta = beta,
                       .n_state = eqs_network_state_size(net)};
        bool at_rest = false;
        eqs_status status = run_once(&t, options, seconds, worker, volts, result, &at_rest);
        forget(&t);
        if (status != EQS_OK || at_rest || options->stage > 0.0)
            return status;
    }
    return eqs_fail(EQS_NOT_CONVERGED, "sample %zu has not settled in stages of %g s", sample, 0.5 * seconds);
}
