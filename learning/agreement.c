#include "learning/agreement.h"

#include "base/memory.h"
#include "base/run.h"
#include "learning/result_file.h"
#include "learning/result_units.h"
#include "netlists/dialect.h"
#include "solver/nodal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double worst_residual(const eqs_relax_result *result)
{
    double worst = 0.0;
    for (size_t b = 0; b < result->batch; b++)
        worst = fmax(worst, result->residual[b]);
    return worst;
}

/* Relaxes a copy of the start; every sample must arrive. */
static eqs_status relax_copy(const eqs_energy *energy, const eqs_phase *phase,
                             const eqs_relax_options *options, const eqs_state *start, eqs_state **state,
                             eqs_relax_result *result)
{
    EQS_TRY(eqs_state_create(energy->net, phase->batch, state));
    eqs_state_copy(energy->net, start, *state);
    EQS_TRY(eqs_relax_run(energy, phase, options, *state, result));
    size_t bad = options->tolerance > 0.0 ? eqs_relax_unconverged(result) : 0;
    if (bad > 0)
        return eqs_fail(EQS_NOT_CONVERGED,
                        "%s: %zu of %zu samples did not reach the residual %.1e (worst %.1e)", result->solver,
                        bad, result->batch, options->tolerance, worst_residual(result));
    return EQS_OK;
}

/* CVODE settings tight enough to be the reference. */
static eqs_relax_options reference_options(bool settled)
{
    eqs_relax_options options = eqs_relax_options_default();
    options.solver = "cvode-bdf";
    options.tolerance = 1e-9;
    options.rtol = 1e-9;
    options.atol = 1e-12;
    options.settled_start = settled;
    return options;
}

/* What a difference of states is measured in: 1, or of a resistive network the largest voltage of the layer
 * in this sample. */
static double unit_of(const eqs_network *net, size_t k, const double *row)
{
    double largest = 0.0;
    if (net->resistive == NULL)
        return 1.0;
    for (size_t i = 0; i < net->layer[k].units; i++)
        largest = fmax(largest, fabs(row[i]));
    return largest > 0.0 ? largest : 1.0;
}

/* Adds the differences of two states to *layer (through `field`) and to the totals. */
static void compare(const eqs_network *net, const eqs_state *a, const eqs_state *b, size_t field,
                    eqs_agreement *out)
{
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        size_t units = net->layer[k].units;
        double last_unit = 1.0;
        for (size_t i = 0; i < a->batch * units; i++) {
            size_t sample = i / units;
            double unit = i % units == 0 ? unit_of(net, k, b->s[k] + sample * units) : last_unit;
            double difference = fabs(a->s[k][i] - b->s[k][i]) / unit;
            double *largest = (double *)((char *)&out->layer[k] + field);
            last_unit = unit;
            if (!(difference <= *largest))
                *largest = difference;
            if (!(difference <= out->difference[sample]))
                out->difference[sample] = difference;
            if (!(difference <= out->max_difference)) {
                out->max_difference = difference;
                out->worst[0] = sample;
                out->worst[1] = k;
                out->worst[2] = i % units;
            }
        }
    }
}

/* Largest difference of one sample's states. */
static double sample_difference(const eqs_network *net, const eqs_state *a, const eqs_state *b, size_t sample)
{
    double largest = 0.0;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        size_t units = net->layer[k].units;
        for (size_t i = sample * units; i < (sample + 1) * units; i++)
            largest = fmax(largest, fabs(a->s[k][i] - b->s[k][i]));
    }
    return largest;
}

/* Newton's operating point may be any fixed point. Where it is not the one that the ODE flows to, the
 * circuit's own transient decides: it runs from the start, and the operating point is taken from its end. */
static eqs_status follow_transient(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *start,
                                   const eqs_circuit_options *options, eqs_worker *worker, eqs_agreement *out)
{
    const eqs_network *net = energy->net;
    eqs_circuit_options tran = *options;
    tran.circuit.analysis = EQS_ANALYSIS_TRAN;
    eqs_state *end = NULL;
    eqs_status status = EQS_OK;
    for (size_t sample = 0; status == EQS_OK && sample < phase->batch; sample++) {
        /* not a question of accuracy: fixed points of a piecewise linear network lie far apart */
        if (net->form == EQS_FORM_PROJECTED || net->resistive != NULL ||
            sample_difference(net, out->circuit, out->ode, sample) < 1e-4)
            continue;
        if (end == NULL)
            status = eqs_state_create(net, phase->batch, &end);
        if (status == EQS_OK)
            status = eqs_circuit_run(energy, phase, sample, start, &tran, worker, end, NULL, NULL, NULL);
        if (status == EQS_OK)
            status = eqs_circuit_run(energy, phase, sample, end, options, worker, out->circuit,
                                     &out->circuit_residual[sample], NULL, NULL);
        out->by_transient++;
    }
    eqs_state_destroy(end);
    return status;
}

static eqs_status measure_op(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *start,
                             const eqs_circuit_options *options, eqs_worker *worker, eqs_agreement *out)
{
    eqs_relax_options ode = reference_options(options->circuit.settled_start);
    eqs_relax_options equilibrium = eqs_relax_options_default();
    equilibrium.solver = "auto";
    equilibrium.tolerance = energy->net->resistive != NULL ? 1e-12 : 1e-10;
    EQS_TRY(eqs_nodal_reachable(energy->net, phase, &equilibrium.tolerance));
    EQS_TRY(relax_copy(energy, phase, &ode, start, &out->ode, &out->ode_result));
    EQS_TRY(relax_copy(energy, phase, &equilibrium, start, &out->equilibrium, &out->equilibrium_result));
    double begin = eqs_clock();
    EQS_TRY(eqs_circuit_run_batch(energy, phase, start, options, worker, out->circuit, out->circuit_residual,
                                  NULL));
    EQS_TRY(follow_transient(energy, phase, start, options, worker, out));
    out->seconds_circuit = eqs_clock() - begin;
    compare(energy->net, out->ode, out->equilibrium, offsetof(eqs_layer_agreement, ode_equilibrium), out);
    compare(energy->net, out->circuit, out->ode, offsetof(eqs_layer_agreement, circuit_ode), out);
    compare(energy->net, out->circuit, out->equilibrium, offsetof(eqs_layer_agreement, circuit_equilibrium),
            out);
    out->residual_equilibrium = worst_residual(&out->equilibrium_result);
    out->seconds_equilibrium = out->equilibrium_result.seconds;
    return EQS_OK;
}

/* Largest difference of one sample's transient from CVODE's trajectory at the same times. */
static void compare_trajectories(const eqs_network *net, const eqs_circuit_trajectory *circuit,
                                 const eqs_trajectory *ode, size_t sample, eqs_agreement *out)
{
    const double *end = ode->state + (circuit->n - 1) * circuit->n_state;
    for (size_t p = 0; p < circuit->n; p++) {
        size_t i = 0;
        for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
            double scale = unit_of(net, k, end + i);
            for (size_t unit = 0; unit < net->layer[k].units; unit++, i++) {
                size_t at = p * circuit->n_state + i;
                double difference = fabs(circuit->state[at] - ode->state[at]) / scale;
                if (!(difference <= out->difference[sample]))
                    out->difference[sample] = difference;
                if (p + 1 == circuit->n && !(difference <= out->end_difference))
                    out->end_difference = difference;
                if (difference <= out->max_difference)
                    continue;
                out->max_difference = difference;
                out->worst[0] = sample;
                out->worst[1] = k;
                out->worst[2] = unit;
            }
        }
    }
}

/* Row `row` of a state as a state of its own. */
static eqs_status copy_row(const eqs_network *net, const eqs_state *from, size_t row, eqs_state **out)
{
    EQS_TRY(eqs_state_create(net, 1, out));
    for (size_t k = 0; k < net->n_layers; k++)
        memcpy((*out)->s[k], from->s[k] + row * net->layer[k].units, net->layer[k].units * sizeof(double));
    return EQS_OK;
}

static eqs_status measure_one_tran(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *start,
                                   const eqs_circuit_options *options, eqs_worker *worker, size_t sample,
                                   eqs_agreement *out)
{
    const eqs_network *net = energy->net;
    eqs_circuit_trajectory *circuit = &out->trajectory[sample];
    double begin = eqs_clock();
    EQS_TRY(eqs_circuit_run(energy, phase, sample, start, options, worker, out->circuit,
                            &out->circuit_residual[sample], circuit, NULL));
    out->seconds_circuit += eqs_clock() - begin;
    out->points += circuit->n;

    eqs_relax_options ode = reference_options(options->circuit.settled_start);
    ode.tolerance = 0.0; /* to the end of the transient, whatever the residual */
    ode.t_max = circuit->time[circuit->n - 1];
    ode.max_step = INFINITY;
    ode.record = EQS_RECORD_TIMES;
    ode.n_record_times = circuit->n;
    ode.record_times = circuit->time;
    eqs_phase one = eqs_phase_rows(phase, sample, 1);
    eqs_state *row = NULL, *end = NULL;
    eqs_relax_result *result = &out->ode_trajectory[sample];
    eqs_status status = copy_row(net, start, sample, &row);
    if (status == EQS_OK)
        status = relax_copy(energy, &one, &ode, row, &end, result);
    if (status == EQS_OK && result->trajectory[0].n < circuit->n)
        status = eqs_fail(EQS_NOT_CONVERGED, "sample %zu: CVODE recorded %zu of %zu points (%s)", sample,
                          result->trajectory[0].n, circuit->n, eqs_relax_end_name(result->end[0]));
    if (status == EQS_OK) {
        compare_trajectories(net, circuit, &result->trajectory[0], sample, out);
        for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++)
            memcpy(out->ode->s[k] + sample * net->layer[k].units, end->s[k],
                   net->layer[k].units * sizeof(double));
        out->residual_ode = fmax(out->residual_ode, result->residual[0]);
        out->seconds_ode += result->seconds;
    }
    eqs_state_destroy(row);
    eqs_state_destroy(end);
    return status;
}

/* Settling times and energies of every sample: stages from 0 V, as long as settling takes, with the nudge of
 * the circuit's own free outputs. */
static eqs_status measure_stages(const eqs_energy *energy, const eqs_phase *phase,
                                 const eqs_circuit_options *options, eqs_worker *worker, eqs_agreement *out)
{
    const eqs_network *net = energy->net;
    const double beta[] = {0.0, phase->beta[EQS_BETA_Y]};
    eqs_device_transient_options transient = eqs_device_transient_options_default();
    transient.capacitance = options->circuit.units.capacitance;
    transient.reltol = options->circuit.reltol;
    transient.vntol = options->circuit.vntol;
    transient.abstol = options->circuit.abstol;
    transient.amplifier = options->amplifier;
    out->n_stages = beta[1] != 0.0 ? 2 : 1;
    out->stage = eqs_alloc(phase->batch * out->n_stages, sizeof *out->stage);
    double *volts = eqs_alloc(out->n_stages * eqs_network_state_size(net), sizeof *volts);
    eqs_status status = out->stage == NULL || volts == NULL ? EQS_NO_MEMORY : EQS_OK;
    for (size_t b = 0; status == EQS_OK && b < phase->batch; b++)
        status = eqs_device_transient_run(net, phase, b, &transient, out->n_stages, beta, worker, volts,
                                          out->stage + b * out->n_stages);
    eqs_free(volts);
    return status;
}

static eqs_status measure_tran(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *start,
                               const eqs_circuit_options *options, eqs_worker *worker, eqs_agreement *out)
{
    EQS_TRY(eqs_state_create(energy->net, phase->batch, &out->ode));
    out->trajectory = eqs_alloc(phase->batch, sizeof *out->trajectory);
    out->ode_trajectory = eqs_alloc(phase->batch, sizeof *out->ode_trajectory);
    if (out->trajectory == NULL || out->ode_trajectory == NULL)
        return EQS_NO_MEMORY;
    for (size_t sample = 0; sample < phase->batch; sample++)
        EQS_TRY(measure_one_tran(energy, phase, start, options, worker, sample, out));
    const eqs_resistive *resistive = energy->net->resistive;
    if (resistive != NULL && (phase->beta[EQS_BETA_Y] == 0.0 || resistive->nudge == EQS_NUDGE_CURRENT) &&
        resistive->cost == EQS_COST_SQUARED)
        return measure_stages(energy, phase, options, worker, out);
    return EQS_OK;
}

/* Text of the first sample's netlist, as `export` would write it. */
static eqs_status keep_netlist(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *start,
                               const eqs_circuit_options *options, eqs_agreement *out)
{
    eqs_netlist *netlist;
    char *text = NULL;
    size_t size;
    EQS_TRY(eqs_circuit_build(energy, phase, 0, start, options, &netlist));
    FILE *memory = open_memstream(&text, &size);
    eqs_status status = memory == NULL ? eqs_fail(EQS_NO_MEMORY, "no memory for the netlist")
                                       : eqs_netlist_write(netlist, &eqs_dialect_ngspice, memory);
    if (memory != NULL && fclose(memory) != 0 && status == EQS_OK)
        status = eqs_fail(EQS_NO_MEMORY, "no memory for the netlist");
    if (status == EQS_OK && (out->netlist = eqs_strdup(text)) == NULL)
        status = EQS_NO_MEMORY;
    free(text);
    eqs_netlist_destroy(netlist);
    return status;
}

static eqs_status measure(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *start,
                          const eqs_circuit_options *options, eqs_worker *worker, eqs_agreement *out)
{
    out->samples = phase->batch;
    out->layer = eqs_alloc(energy->net->n_layers, sizeof *out->layer);
    out->difference = eqs_alloc(phase->batch, sizeof *out->difference);
    out->circuit_residual = eqs_alloc(phase->batch, sizeof *out->circuit_residual);
    if (out->layer == NULL || out->difference == NULL || out->circuit_residual == NULL)
        return EQS_NO_MEMORY;
    EQS_TRY(eqs_state_create(energy->net, phase->batch, &out->circuit));
    snprintf(out->ngspice, sizeof out->ngspice, "%s", eqs_worker_version(worker));
    EQS_TRY(keep_netlist(energy, phase, start, options, out));
    if (options->circuit.analysis == EQS_ANALYSIS_TRAN) {
        EQS_TRY(measure_tran(energy, phase, start, options, worker, out));
    } else {
        EQS_TRY(measure_op(energy, phase, start, options, worker, out));
        out->residual_ode = worst_residual(&out->ode_result);
        out->seconds_ode = out->ode_result.seconds;
    }
    for (size_t b = 0; b < phase->batch; b++)
        out->residual_circuit = fmax(out->residual_circuit, out->circuit_residual[b]);
    return EQS_OK;
}

eqs_status eqs_agreement_measure(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *start,
                                 const eqs_circuit_options *options, eqs_agreement *out)
{
    *out = (eqs_agreement){0};
    eqs_worker_options limits = eqs_worker_options_default();
    eqs_worker *worker;
    EQS_TRY(eqs_worker_create(&limits, &worker));
    eqs_status status = measure(energy, phase, start, options, worker, out);
    eqs_worker_destroy(worker);
    return status;
}

void eqs_agreement_clear(eqs_agreement *a)
{
    for (size_t i = 0; a->trajectory != NULL && i < a->samples; i++)
        eqs_circuit_trajectory_clear(&a->trajectory[i]);
    eqs_free(a->trajectory);
    for (size_t i = 0; a->ode_trajectory != NULL && i < a->samples; i++)
        eqs_relax_result_clear(&a->ode_trajectory[i]);
    eqs_free(a->ode_trajectory);
    eqs_state_destroy(a->ode);
    eqs_state_destroy(a->equilibrium);
    eqs_state_destroy(a->circuit);
    eqs_relax_result_clear(&a->ode_result);
    eqs_relax_result_clear(&a->equilibrium_result);
    eqs_free(a->layer);
    eqs_free(a->difference);
    eqs_free(a->circuit_residual);
    eqs_free(a->netlist);
    eqs_free(a->stage);
    *a = (eqs_agreement){0};
}

/* One transient as GROUP/{time, state_k}. */
static eqs_status write_transient(eqs_h5_writer *writer, const char *group, const eqs_network *net,
                                  const eqs_circuit_trajectory *trajectory)
{
    char path[240];
    snprintf(path, sizeof path, "%s/time", group);
    EQS_TRY(eqs_h5_write_double(writer, path, trajectory->time, 1, &trajectory->n, "unit time",
                                "time points of ngspice"));
    double *matrix = eqs_alloc(trajectory->n * trajectory->n_state, sizeof *matrix);
    if (matrix == NULL)
        return EQS_NO_MEMORY;
    eqs_status status = EQS_OK;
    size_t first = 0;
    eqs_result_units unit = eqs_result_units_of(net);
    char text[80];
    snprintf(text, sizeof text, "%s along the transient of the circuit", unit.state_text);
    for (size_t k = eqs_first_free_layer(net); status == EQS_OK && k < net->n_layers; k++) {
        size_t units = net->layer[k].units, dim[2] = {trajectory->n, units};
        for (size_t i = 0; i < trajectory->n; i++)
            memcpy(matrix + i * units, trajectory->state + i * trajectory->n_state + first,
                   units * sizeof *matrix);
        snprintf(path, sizeof path, "%s/state_%zu", group, k);
        status = eqs_h5_write_double(writer, path, matrix, 2, dim, unit.state, text);
        first += units;
    }
    eqs_free(matrix);
    return status;
}

/* /circuit/tran/{settling, settling_fine, supply_energy} [samples x stages] */
static eqs_status write_stages(eqs_h5_writer *writer, const eqs_agreement *a)
{
    size_t n = a->samples * a->n_stages, dim[2] = {a->samples, a->n_stages};
    double *column = eqs_alloc(3 * n, sizeof *column);
    if (column == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        column[i] = a->stage[i].settled[0];
        column[n + i] = a->stage[i].settled[1];
        column[2 * n + i] = a->stage[i].energy;
    }
    eqs_status status = eqs_h5_write_double(writer, "/circuit/tran/settling", column, 2, dim, "s",
                                            "time in which the free and the nudged stage settled to 1e-3");
    if (status == EQS_OK)
        status =
            eqs_h5_write_double(writer, "/circuit/tran/settling_fine", column + n, 2, dim, "s", "to 1e-6");
    if (status == EQS_OK)
        status = eqs_h5_write_double(writer, "/circuit/tran/supply_energy", column + 2 * n, 2, dim, "J",
                                     "energy of all supplies in the stage");
    eqs_free(column);
    return status;
}

eqs_status eqs_agreement_write(eqs_h5_writer *writer, const eqs_network *net, const eqs_phase *phase,
                               const eqs_circuit_options *options, const eqs_agreement *a)
{
    bool tran = options->circuit.analysis == EQS_ANALYSIS_TRAN;
    const char *group = tran ? "/circuit/tran" : "/circuit/op";
    eqs_result_units unit = eqs_result_units_of(net);
    char path[160], text[160];
    snprintf(text, sizeof text, "%s; at the circuit's states", unit.residual_text);
    EQS_TRY(eqs_result_states(writer, group, net, a->circuit));
    snprintf(path, sizeof path, "%s/residual", group);
    EQS_TRY(eqs_h5_write_double(writer, path, a->circuit_residual, 1, &a->samples, unit.residual, text));
    snprintf(path, sizeof path, "%s/difference", group);
    EQS_TRY(
        eqs_h5_write_double(writer, path, a->difference, 1, &a->samples, "1",
                            "largest difference between circuit, ODE and equilibrium, per sample (resistive: "
                            "relative to the layer's largest voltage)"));
    snprintf(path, sizeof path, "%s/max_difference", group);
    EQS_TRY(eqs_h5_write_double(writer, path, &a->max_difference, 0, NULL, "1",
                                "largest difference between circuit, ODE and equilibrium"));
    snprintf(path, sizeof path, "%s/netlist", group);
    EQS_TRY(eqs_h5_write_text(writer, path, a->netlist, "netlist of the first sample (ngspice)"));
    EQS_TRY(eqs_h5_attribute_string(writer, group, "ngspice", a->ngspice));
    EQS_TRY(eqs_h5_attribute_int(writer, group, "by_transient", (int64_t)a->by_transient));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "beta_y", phase->beta[EQS_BETA_Y]));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "capacitance_F", options->circuit.units.capacitance));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "conductance_S", options->circuit.units.conductance));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "swing_V", options->circuit.units.swing));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "unit_time_s",
                                    eqs_circuit_unit_time(&options->circuit.units)));
    for (size_t b = 0; tran && b < a->samples; b++) {
        char name[40] = "trajectory";
        if (a->samples > 1)
            snprintf(name, sizeof name, "trajectory_%zu", b);
        snprintf(path, sizeof path, "%s/%s", group, name);
        EQS_TRY(write_transient(writer, path, net, &a->trajectory[b]));
        snprintf(path, sizeof path, "/relaxation/cvode/%s", name);
        EQS_TRY(eqs_result_trajectory(writer, path, net, a->ode_trajectory[b].trajectory));
    }
    if (a->stage != NULL)
        EQS_TRY(write_stages(writer, a));
    if (tran)
        return eqs_result_states(writer, "/relaxation/cvode", net, a->ode);
    EQS_TRY(eqs_result_relaxation(writer, "/relaxation/cvode", net, phase->beta, a->ode, &a->ode_result));
    return eqs_result_relaxation(writer, "/relaxation/equilibrium", net, phase->beta, a->equilibrium,
                                 &a->equilibrium_result);
}
