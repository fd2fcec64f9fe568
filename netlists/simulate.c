#include "netlists/simulate.h"

#include "base/memory.h"
#include "base/run.h"
#include "models/field.h"
#include "netlists/circuit_trajectory.h"
#include "netlists/dialect.h"

#include <math.h>
#include <string.h>

enum { COMMAND = 256 };

eqs_circuit_options eqs_circuit_options_default(void)
{
    eqs_circuit_options options = {.circuit = eqs_behavioural_options_default()};
    options.circuit.fold = true;
    return options;
}

static bool devices(const eqs_network *net)
{
    return net->resistive != NULL;
}

/* the options of devices: in seconds, and without the swing */
static eqs_device_options device_options(const eqs_circuit_options *options)
{
    const eqs_behavioural_options *o = &options->circuit;
    double unit_time = eqs_circuit_unit_time(&o->units);
    eqs_device_options device = eqs_device_options_default();
    device.fold = o->fold;
    device.external = o->external;
    device.analysis = o->analysis;
    device.t_stop = unit_time * o->t_stop;
    device.t_max_step = unit_time * fmin(o->t_max_step, o->t_stop);
    device.capacitance = o->units.capacitance;
    device.reltol = o->reltol;
    device.vntol = o->vntol > 0.0 ? o->vntol : device.vntol;
    device.abstol = o->abstol;
    device.amplifier = options->amplifier;
    device.label = o->label;
    return device;
}

eqs_status eqs_circuit_build(const eqs_energy *energy, const eqs_phase *phase, size_t sample,
                             const eqs_state *start, const eqs_circuit_options *options, eqs_netlist **out)
{
    const eqs_network *net = energy->net;
    if (!devices(net))
        return eqs_behavioural_build(energy, phase, sample, start, &options->circuit, out);
    const eqs_circuit_units *units = &options->circuit.units;
    EQS_TRY(eqs_circuit_units_check(units));
    if (units->conductance != net->resistive->siemens || units->swing != 1.0)
        return eqs_fail(
            EQS_BAD_CONFIG,
            "circuit.conductance %g S, circuit.swing %g V: a resistive network has its own, %g S and "
            "1 V",
            units->conductance, units->swing, net->resistive->siemens);
    eqs_device_options device = device_options(options);
    return eqs_device_build(net, phase, sample, start, &device, out);
}

/* states [n_state] of the voltages of the outputs */
static void states_of(const eqs_network *net, const eqs_circuit_options *options, const double *volts,
                      double *state)
{
    if (devices(net))
        memcpy(state, volts, eqs_network_state_size(net) * sizeof *state);
    else
        eqs_behavioural_states(net, &options->circuit.units, volts, state);
}

static size_t n_currents(const eqs_phase *phase)
{
    return devices(phase->net) ? eqs_device_n_currents(phase->net) : eqs_behavioural_n_currents(phase);
}

/* currents [A] of the external sources for a sample */
static eqs_status currents_of(const eqs_energy *energy, const eqs_phase *phase, size_t sample,
                              const eqs_circuit_units *units, double *amperes)
{
    const eqs_network *net = phase->net;
    if (!devices(net))
        return eqs_behavioural_currents(energy, phase, sample, units, amperes);
    eqs_device_currents(net, phase->theta, phase->x + sample * net->layer[0].units, amperes);
    return eqs_device_nudge(phase, sample,
                            amperes + eqs_device_n_currents(net) - net->layer[net->n_layers - 1].units);
}

/* a circuit as text, with what the worker is to hand back */
typedef struct job {
    char *deck;
    size_t deck_length;
    char command[COMMAND];
    const char **wanted, **external;
    size_t n_wanted, n_external;
} job;

static void release(job *j)
{
    eqs_free(j->deck);
    eqs_free(j->wanted);
    eqs_free(j->external);
    *j = (job){0};
}

/* The first n_state outputs are wanted. Names are borrowed from the netlist. */
static eqs_status make_job(const eqs_netlist *netlist, size_t n_state, job *j)
{
    *j = (job){0};
    EQS_TRY(eqs_netlist_command(netlist, j->command, sizeof j->command));
    EQS_TRY(eqs_netlist_deck(netlist, &j->deck, &j->deck_length));
    j->wanted = eqs_alloc(n_state, sizeof *j->wanted);
    j->external = eqs_alloc(netlist->n_elements, sizeof *j->external);
    if (j->wanted == NULL || j->external == NULL) {
        release(j);
        return EQS_NO_MEMORY;
    }
    for (size_t i = 0; i < n_state; i++)
        j->wanted[j->n_wanted++] = eqs_netlist_node_name(netlist, netlist->output[i].node);
    for (size_t i = 0; i < netlist->n_elements; i++) {
        const eqs_element *e = &netlist->element[i];
        if (e->kind == EQS_CURRENT_SOURCE && e->detail.waveform != NULL &&
            e->detail.waveform->kind == EQS_WAVEFORM_EXTERNAL)
            j->external[j->n_external++] = e->name;
    }
    return EQS_OK;
}

static void count(const eqs_netlist *netlist, const eqs_spice_result *result, double seconds_build,
                  eqs_circuit_statistics *statistics)
{
    *statistics = (eqs_circuit_statistics){.n_nodes = netlist->node_names.n - 1,
                                           .n_elements = netlist->n_elements,
                                           .n_points = result->n_points,
                                           .gmin_stepping = result->gmin_stepping,
                                           .source_stepping = result->source_stepping,
                                           .seconds_build = seconds_build,
                                           .seconds_run = result->seconds};
}

/* flat states of one sample into row `row` of a batch */
static void put_state(const eqs_network *net, const double *flat, size_t row, eqs_state *out)
{
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        memcpy(out->s[k] + row * net->layer[k].units, flat, net->layer[k].units * sizeof *flat);
        flat += net->layer[k].units;
    }
}

/* The projected residual of a flat state of one sample, by the network's own equations. */
static eqs_status certify(const eqs_energy *energy, const eqs_phase *phase, size_t sample, const double *flat,
                          double *residual)
{
    eqs_state *state = NULL;
    eqs_field *field = NULL;
    eqs_phase one = eqs_phase_rows(phase, sample, 1);
    double *x = eqs_alloc(eqs_network_state_size(energy->net), sizeof *x);
    eqs_status status = x == NULL ? EQS_NO_MEMORY : eqs_state_create(energy->net, 1, &state);
    if (status == EQS_OK)
        status = eqs_field_create(energy, &one, &field);
    if (status == EQS_OK) {
        memcpy(state->s[0], one.x, energy->net->layer[0].units * sizeof(double));
        put_state(energy->net, flat, 0, state);
        field->ops->from_state(field, state, true, x);
        field->ops->residual(field, x, residual);
    }
    eqs_field_destroy(field);
    eqs_state_destroy(state);
    eqs_free(x);
    return status;
}

/* flat state at t = 0: the start, or what 0 V on every node of the dynamics means */
static void initial_state(const eqs_network *net, size_t sample, const eqs_state *start, double *flat)
{
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        const eqs_activation *a = &net->layer[k].activation;
        for (size_t i = 0; i < net->layer[k].units; i++) {
            if (start != NULL)
                *flat++ = start->s[k][sample * net->layer[k].units + i];
            else if (net->form == EQS_FORM_GRADIENT || devices(net))
                *flat++ = 0.0;
            else
                *flat++ = eqs_activation_is_clipped(a) ? fmin(fmax(0.0, a->lo), a->hi) : eqs_rho(a, 0.0);
        }
    }
}

/* the points of ngspice, in unit times and states, behind the start */
static eqs_status all_points(const eqs_network *net, size_t sample, const eqs_state *start,
                             const eqs_circuit_options *options, const eqs_spice_result *result,
                             eqs_circuit_trajectory *out)
{
    size_t n_state = result->n_vectors;
    *out = (eqs_circuit_trajectory){.n_state = n_state};
    out->time = eqs_alloc(result->n_points + 1, sizeof *out->time);
    out->state = eqs_alloc((result->n_points + 1) * n_state, sizeof *out->state);
    if (out->time == NULL || out->state == NULL) {
        eqs_circuit_trajectory_clear(out);
        return EQS_NO_MEMORY;
    }
    initial_state(net, sample, start, out->state);
    out->n = 1;
    double unit_time = eqs_circuit_unit_time(&options->circuit.units);
    for (size_t i = 0; i < result->n_points; i++) {
        if (result->time[i] <= 0.0) /* activities have not been solved at t = 0 */
            continue;
        out->time[out->n] = result->time[i] / unit_time;
        states_of(net, options, result->value + i * n_state, out->state + out->n * n_state);
        out->n++;
    }
    return EQS_OK;
}

static eqs_status record(const eqs_network *net, size_t sample, const eqs_state *start,
                         const eqs_circuit_options *options, const eqs_spice_result *result,
                         eqs_circuit_trajectory *trajectory)
{
    eqs_circuit_trajectory all;
    EQS_TRY(all_points(net, sample, start, options, result, &all));
    if (options->n_record_times == 0) {
        *trajectory = all;
        return EQS_OK;
    }
    eqs_status status =
        eqs_circuit_trajectory_sample(&all, options->n_record_times, options->record_times, trajectory);
    eqs_circuit_trajectory_clear(&all);
    return status;
}

static eqs_status check_times(const eqs_circuit_options *options, bool wanted)
{
    double before = 0.0;
    if (wanted && options->circuit.analysis != EQS_ANALYSIS_TRAN)
        return eqs_fail(EQS_BAD_CONFIG, "a trajectory needs the analysis tran");
    for (size_t i = 0; wanted && i < options->n_record_times; i++) {
        double t = options->record_times[i];
        if (!(t >= before) || !(t <= options->circuit.t_stop))
            return eqs_fail(EQS_BAD_CONFIG, "record time %zu is %g: times must ascend in [0, %g]", i, t,
                            options->circuit.t_stop);
        before = t;
    }
    return EQS_OK;
}

/* what the worker sent, turned into states, certificate and trajectory */
static eqs_status read_back(const eqs_energy *energy, const eqs_phase *phase, size_t sample,
                            const eqs_state *start, const eqs_circuit_options *options,
                            const eqs_spice_result *result, eqs_state *out, double *residual,
                            eqs_circuit_trajectory *trajectory)
{
    double *flat = eqs_alloc(result->n_vectors, sizeof *flat);
    if (flat == NULL)
        return EQS_NO_MEMORY;
    eqs_status status = EQS_OK;
    if (trajectory != NULL) /* before out is written: out may be the start */
        status = record(energy->net, sample, start, options, result, trajectory);
    states_of(energy->net, options, result->value + (result->n_points - 1) * result->n_vectors, flat);
    if (status == EQS_OK)
        put_state(energy->net, flat, sample, out);
    if (status == EQS_OK && residual != NULL)
        status = certify(energy, phase, sample, flat, residual);
    eqs_free(flat);
    return status;
}

eqs_status eqs_circuit_run(const eqs_energy *energy, const eqs_phase *phase, size_t sample,
                           const eqs_state *start, const eqs_circuit_options *options, eqs_worker *worker,
                           eqs_state *out, double *residual, eqs_circuit_trajectory *trajectory,
                           eqs_circuit_statistics *statistics)
{
    if (options->circuit.external ||
        (options->circuit.analysis != EQS_ANALYSIS_OP && options->circuit.analysis != EQS_ANALYSIS_TRAN))
        return eqs_fail(EQS_BAD_CONFIG, "a circuit runs as op or tran, with its own current sources");
    EQS_TRY(check_times(options, trajectory != NULL));
    double begin = eqs_clock();
    eqs_netlist *netlist;
    EQS_TRY(eqs_circuit_build(energy, phase, sample, start, options, &netlist));
    job j;
    eqs_spice_result result = {0};
    eqs_status status = make_job(netlist, eqs_network_state_size(energy->net), &j);
    double built = eqs_clock() - begin;
    if (status == EQS_OK) {
        eqs_spice_job spice = {.deck = j.deck,
                               .deck_length = j.deck_length,
                               .command = j.command,
                               .n_wanted = j.n_wanted,
                               .wanted = j.wanted,
                               .n_points = options->circuit.analysis == EQS_ANALYSIS_OP ? 1 : 0};
        status = eqs_worker_run(worker, &spice, &result);
        release(&j);
    }
    if (statistics != NULL)
        count(netlist, &result, built, statistics);
    if (status == EQS_OK)
        status = read_back(energy, phase, sample, start, options, &result, out, residual, trajectory);
    eqs_spice_result_clear(&result);
    eqs_netlist_destroy(netlist);
    return status;
}

/* --- batches --- */

/* The circuit of the sweep: external currents, and a source that drives nothing but the sweep. */
static eqs_status build_sweep(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *start,
                              const eqs_circuit_options *options, eqs_netlist **out)
{
    eqs_circuit_options sweep = *options;
    sweep.circuit.fold = sweep.circuit.external = true;
    sweep.circuit.analysis = EQS_ANALYSIS_NONE;
    EQS_TRY(eqs_circuit_build(energy, phase, 0, start, &sweep, out));
    eqs_node node;
    eqs_waveform zero = eqs_waveform_dc(0.0);
    eqs_status status = eqs_netlist_node(*out, "sweep", &node);
    if (status == EQS_OK)
        status = eqs_netlist_voltage(*out, "sweep", node, EQS_GROUND, &zero);
    if (status == EQS_OK)
        status = eqs_netlist_dc(*out, "v_sweep", 0.0, (double)(phase->batch - 1), 1.0);
    if (status != EQS_OK)
        eqs_netlist_destroy(*out);
    return status;
}

/* currents of all samples, [batch x n_external] */
static eqs_status make_supply(const eqs_energy *energy, const eqs_phase *phase,
                              const eqs_circuit_units *units, size_t n_external, double **out)
{
    if (n_external != n_currents(phase))
        return eqs_fail(EQS_INTERNAL, "the circuit has %zu external sources, the phase %zu currents",
                        n_external, n_currents(phase));
    double *supply = eqs_alloc(phase->batch * n_external, sizeof *supply);
    eqs_status status = supply == NULL ? EQS_NO_MEMORY : EQS_OK;
    for (size_t b = 0; status == EQS_OK && b < phase->batch; b++)
        status = currents_of(energy, phase, b, units, supply + b * n_external);
    if (status != EQS_OK)
        eqs_free(supply);
    else
        *out = supply;
    return status;
}

static eqs_status run_sweep(const eqs_energy *energy, const eqs_phase *phase, const eqs_netlist *netlist,
                            const eqs_circuit_options *options, eqs_worker *worker, eqs_spice_result *result)
{
    job j;
    double *supply = NULL;
    EQS_TRY(make_job(netlist, eqs_network_state_size(energy->net), &j));
    eqs_status status = make_supply(energy, phase, &options->circuit.units, j.n_external, &supply);
    if (status == EQS_OK) {
        eqs_spice_job spice = {.deck = j.deck,
                               .deck_length = j.deck_length,
                               .command = j.command,
                               .n_wanted = j.n_wanted,
                               .wanted = j.wanted,
                               .n_points = phase->batch,
                               .n_external = j.n_external,
                               .external = j.external,
                               .supply = supply};
        status = eqs_worker_run(worker, &spice, result);
    }
    eqs_free(supply);
    release(&j);
    return status;
}

/* the points of the sweep as rows of the batch */
static eqs_status read_sweep(const eqs_energy *energy, const eqs_phase *phase,
                             const eqs_circuit_options *options, const eqs_spice_result *result,
                             eqs_state *out, double *residual)
{
    double *flat = eqs_alloc(result->n_vectors, sizeof *flat);
    eqs_status status = flat == NULL ? EQS_NO_MEMORY : EQS_OK;
    for (size_t b = 0; status == EQS_OK && b < phase->batch; b++) {
        states_of(energy->net, options, result->value + b * result->n_vectors, flat);
        put_state(energy->net, flat, b, out);
        if (residual != NULL)
            status = certify(energy, phase, b, flat, &residual[b]);
    }
    eqs_free(flat);
    return status;
}

/* every sample by itself */
static eqs_status run_singly(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *start,
                             const eqs_circuit_options *options, eqs_worker *worker, eqs_state *out,
                             double *residual, eqs_circuit_statistics *statistics)
{
    eqs_circuit_statistics sum = {0};
    for (size_t b = 0; b < phase->batch; b++) {
        eqs_circuit_statistics one;
        eqs_status status = eqs_circuit_run(energy, phase, b, start, options, worker, out,
                                            residual == NULL ? NULL : &residual[b], NULL, &one);
        if (status != EQS_OK)
            return eqs_fail_context(status, "sample %zu", b);
        sum = (eqs_circuit_statistics){.n_nodes = one.n_nodes,
                                       .n_elements = one.n_elements,
                                       .n_points = sum.n_points + one.n_points,
                                       .gmin_stepping = sum.gmin_stepping || one.gmin_stepping,
                                       .source_stepping = sum.source_stepping || one.source_stepping,
                                       .n_fallbacks = b + 1,
                                       .seconds_build = sum.seconds_build + one.seconds_build,
                                       .seconds_run = sum.seconds_run + one.seconds_run};
    }
    if (statistics != NULL)
        *statistics = sum;
    return EQS_OK;
}

eqs_status eqs_circuit_run_batch(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *start,
                                 const eqs_circuit_options *options, eqs_worker *worker, eqs_state *out,
                                 double *residual, eqs_circuit_statistics *statistics)
{
    if (options->circuit.analysis != EQS_ANALYSIS_OP || phase->batch == 0)
        return eqs_fail(EQS_BAD_CONFIG, "a batch runs as op, with at least one sample");
    double begin = eqs_clock();
    eqs_netlist *netlist;
    EQS_TRY(build_sweep(energy, phase, start, options, &netlist));
    double built = eqs_clock() - begin;
    eqs_spice_result result = {0};
    eqs_status status = run_sweep(energy, phase, netlist, options, worker, &result);
    if (status == EQS_OK)
        status = read_sweep(energy, phase, options, &result, out, residual);
    if (statistics != NULL)
        count(netlist, &result, built, statistics);
    eqs_spice_result_clear(&result);
    eqs_netlist_destroy(netlist);
    if (status == EQS_NOT_CONVERGED)
        status = run_singly(energy, phase, start, options, worker, out, residual, statistics);
    return status;
}
