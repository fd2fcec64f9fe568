#include "learning/cosimulation.h"

#include "base/memory.h"
#include "base/run.h"
#include "learning/result_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static eqs_cosim_wiring wiring_of(const eqs_config_cosimulation *c)
{
    return (eqs_cosim_wiring){.subcircuit = c->subcircuit,
                              .n_pins = c->pins.n,
                              .n_parameters = c->parameters.n,
                              .pins = (const char *const *)c->pins.v,
                              .parameters = (const char *const *)c->parameters.v,
                              .drive_scale = c->drive_scale,
                              .drive_offset = c->drive_offset,
                              .rate_scale = c->rate_scale,
                              .rate_offset = c->rate_offset,
                              .state_scale = c->state_scale,
                              .state_offset = c->state_offset};
}

static double largest_tau(const eqs_network *net)
{
    double largest = 0.0;
    for (size_t k = 1; k < net->n_layers; k++) {
        for (size_t i = 0; i < net->layer[k].units; i++)
            largest = fmax(largest, net->layer[k].tau[i]);
    }
    return largest;
}

static void set_options(const eqs_config *config, const eqs_network *net, eqs_cosim_options *o)
{
    const eqs_config_cosimulation *c = &config->cosimulation;
    const eqs_config_circuit *circuit = &config->circuit;
    const double lengths = 30.0; /* of the largest time constant, when circuit.t_stop does not say */
    *o = eqs_cosim_options_default();
    o->deck.units = (eqs_circuit_units){circuit->capacitance, circuit->conductance, circuit->swing};
    o->deck.reltol = circuit->reltol;
    o->deck.vntol = circuit->vntol;
    o->deck.abstol = circuit->abstol;
    o->tolerance = c->tolerance;
    o->degree = c->extrapolation;
    o->macro_step = c->macro_step;
    o->max_macro_step = c->max_macro_step;
    o->circuit_steps = c->circuit_steps;
    o->iterate = (eqs_cosim_iterate)c->iterate;
    o->first = (eqs_cosim_first)c->first;
    o->t_stop = circuit->t_stop > 0.0 ? circuit->t_stop : lengths * largest_tau(net);
    o->rtol = config->relaxation.rtol;
    o->atol = config->relaxation.atol;
}

eqs_status eqs_cosimulation_open(const eqs_config *config, const eqs_network *net, eqs_cosimulation *out)
{
    const eqs_config_names *parts = &config->cosimulation.parts;
    const eqs_cosim_wiring wiring = wiring_of(&config->cosimulation);
    *out = (eqs_cosimulation){0};
    set_options(config, net, &out->options);
    eqs_status status =
        eqs_cosim_partition_read(net, parts->n, (const char *const *)parts->v, &out->partition);
    if (status == EQS_OK)
        status = eqs_cosim_cell_open(&wiring, &out->cell);
    return status == EQS_BAD_CONFIG ? eqs_fail_context(status, "%s", eqs_config_name(config)) : status;
}

void eqs_cosimulation_clear(eqs_cosimulation *cosimulation)
{
    eqs_cosim_partition_clear(&cosimulation->partition);
    eqs_cosim_cell_clear(&cosimulation->cell);
}

/* one sample by CVODE alone, at the macro points of its run; compares */
static eqs_status compare(const eqs_cosimulation *c, const eqs_energy *energy, const eqs_phase *phase,
                          const eqs_state *start, size_t sample, eqs_cosimulation_report *out)
{
    const eqs_network *net = energy->net;
    const eqs_cosim_result *run = &out->run[sample];
    eqs_relax_options options = eqs_relax_options_default();
    options.solver = "cvode-bdf";
    options.rtol = 1e-9;
    options.atol = 1e-12;
    options.tolerance = 0.0;
    options.t_max = run->time[run->n - 1];
    options.record = EQS_RECORD_TIMES;
    options.n_record_times = run->n - 1;
    options.record_times = run->time + 1;
    options.settled_start = c->options.settled_start;
    eqs_phase one = *phase;
    one.batch = 1;
    one.x += sample * net->layer[0].units;
    one.target = phase->target == NULL ? NULL : phase->target + sample * net->layer[net->n_layers - 1].units;
    eqs_state *state = NULL;
    EQS_TRY(eqs_state_create(net, 1, &state));
    for (size_t k = 1; k < net->n_layers; k++)
        memcpy(state->s[k], start->s[k] + sample * net->layer[k].units, net->layer[k].units * sizeof(double));
    memcpy(state->s[0], one.x, net->layer[0].units * sizeof(double));
    eqs_relax_result ode = {0};
    eqs_status status = eqs_relax_run(energy, &one, &options, state, &ode);
    if (status == EQS_OK && ode.trajectory->n < run->n)
        status =
            eqs_fail(EQS_NOT_CONVERGED, "CVODE alone did not reach t = %g: %s", options.t_max, ode.failure);
    size_t n = run->n_units;
    for (size_t i = 1; status == EQS_OK && i < run->n; i++) {
        const double *a = run->state + i * n,
                     *b = ode.trajectory->state + (ode.trajectory->n - run->n + i) * n;
        double largest = 0.0;
        for (size_t v = 0; v < n; v++)
            largest = fmax(largest, fabs(a[v] - b[v]));
        out->path[sample] = fmax(out->path[sample], largest);
        out->end[sample] = largest;
    }
    out->seconds_ode += ode.seconds;
    eqs_relax_result_clear(&ode);
    eqs_state_destroy(state);
    return status;
}

eqs_status eqs_cosimulation_measure(const eqs_cosimulation *c, const eqs_energy *energy,
                                    const eqs_phase *phase, const eqs_state *start,
                                    eqs_cosimulation_report *out)
{
    size_t n = phase->batch;
    *out = (eqs_cosimulation_report){.samples = n,
                                     .run = eqs_alloc(n, sizeof *out->run),
                                     .path = eqs_alloc(n, sizeof *out->path),
                                     .end = eqs_alloc(n, sizeof *out->end)};
    if (out->run == NULL || out->path == NULL || out->end == NULL)
        return EQS_NO_MEMORY;
    EQS_TRY(eqs_state_create(energy->net, n, &out->state));
    eqs_state_copy(energy->net, start, out->state);
    for (size_t b = 0; b < n; b++, out->done++) {
        eqs_status status = eqs_cosim_run(energy, phase, b, start, &c->partition, &c->cell, &c->options,
                                          out->state, &out->run[b]);
        out->seconds += out->run[b].seconds;
        if (status == EQS_INTERRUPTED || status == EQS_BAD_CONFIG || status == EQS_NO_MEMORY)
            return status;
        if (status != EQS_OK) {
            snprintf(out->failure, sizeof out->failure, "sample %zu: %.900s", b, eqs_error_message());
            return EQS_OK;
        }
        EQS_TRY(compare(c, energy, phase, start, b, out));
        out->max_path = fmax(out->max_path, out->path[b]);
        out->max_end = fmax(out->max_end, out->end[b]);
    }
    return EQS_OK;
}

/* --- result file --- */

typedef struct column {
    const char *name;
    const double *value;
    size_t width; /* 0: one value a point */
    const char *units, *meaning;
} column;

static eqs_status write_columns(eqs_h5_writer *writer, const char *group, const eqs_cosim_result *r)
{
    const column columns[] = {
        {"time", r->time, 0, "unit time", "macro points, at which circuit and ODE meet"},
        {"step", r->step, 0, "unit time", "macro step that led to the point"},
        {"mismatch", r->mismatch, 0, "1",
         "largest |extrapolated - computed| interface signal; iterated: last change"},
        {"iterations", r->iterations, 0, "1", "sweeps over the window of this point; 1: explicit"},
        {"input", r->input, r->n_in, "1",
         "signals to the circuit: drives of its units, rates at its couplings"},
        {"output", r->output, r->n_out, "1",
         "signals of the circuit: rates of its units, drives at its couplings"},
        {"energy", r->energy, r->n_supplies, "J", "energy that each supply of the circuit has delivered"},
    };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        char path[240];
        size_t dim[2] = {r->n, columns[i].width};
        if (columns[i].value == NULL || (i + 1 == sizeof columns / sizeof *columns && r->n_supplies == 0))
            continue;
        snprintf(path, sizeof path, "%s/%s", group, columns[i].name);
        EQS_TRY(eqs_h5_write_double(writer, path, columns[i].value, columns[i].width == 0 ? 1 : 2, dim,
                                    columns[i].units, columns[i].meaning));
    }
    return EQS_OK;
}

static eqs_status write_run(eqs_h5_writer *writer, const char *group, const eqs_network *net,
                            const eqs_cosim_result *r)
{
    char path[240];
    size_t first = 0;
    EQS_TRY(write_columns(writer, group, r));
    for (size_t k = 1; k < net->n_layers; k++) {
        size_t units = net->layer[k].units, dim[2] = {r->n, units};
        double *matrix = eqs_alloc(r->n * units, sizeof *matrix);
        if (matrix == NULL)
            return EQS_NO_MEMORY;
        for (size_t i = 0; i < r->n; i++)
            memcpy(matrix + i * units, r->state + i * r->n_units + first, units * sizeof *matrix);
        snprintf(path, sizeof path, "%s/state_%zu", group, k);
        eqs_status status =
            eqs_h5_write_double(writer, path, matrix, 2, dim, "1", "states at the macro points");
        eqs_free(matrix);
        EQS_TRY(status);
        first += units;
    }
    for (size_t i = 0; r->supply != NULL && i < r->n_supplies; i++) {
        char name[32];
        snprintf(name, sizeof name, "supply_%zu", i);
        EQS_TRY(eqs_h5_attribute_string(writer, group, name, r->supply[i]));
    }
    EQS_TRY(eqs_h5_attribute_int(writer, group, "circuit_first", r->circuit_first));
    EQS_TRY(eqs_h5_attribute_int(writer, group, "circuit_steps", (int64_t)r->circuit_steps));
    EQS_TRY(eqs_h5_attribute_int(writer, group, "ode_steps", (int64_t)r->ode_steps));
    EQS_TRY(eqs_h5_attribute_int(writer, group, "windows", (int64_t)r->windows));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "loop_gain", r->loop_gain));
    return eqs_h5_attribute_double(writer, group, "residual", r->residual);
}

eqs_status eqs_cosimulation_write(eqs_h5_writer *writer, const eqs_network *net, const eqs_cosimulation *c,
                                  const eqs_cosimulation_report *report)
{
    static const char group[] = "/circuit/cosimulation";
    const eqs_circuit_units *units = &c->options.deck.units;
    EQS_TRY(eqs_result_states(writer, group, net, report->state));
    EQS_TRY(eqs_h5_write_double(writer, "/circuit/cosimulation/path_difference", report->path, 1,
                                &report->samples, "1",
                                "largest difference of a state from CVODE alone along the run, per sample"));
    EQS_TRY(eqs_h5_write_double(writer, "/circuit/cosimulation/end_difference", report->end, 1,
                                &report->samples, "1",
                                "largest difference of a state from CVODE alone at the end, per sample"));
    EQS_TRY(eqs_h5_attribute_string(writer, group, "failure", report->failure));
    EQS_TRY(eqs_h5_attribute_int(writer, group, "samples_done", (int64_t)report->done));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "tolerance", c->options.tolerance));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "unit_time_s", eqs_circuit_unit_time(units)));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "conductance_S", units->conductance));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "capacitance_F", units->capacitance));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "swing_V", units->swing));
    if (report->samples > 0 && report->run[0].deck != NULL)
        EQS_TRY(eqs_h5_write_text(writer, "/circuit/cosimulation/netlist", report->run[0].deck,
                                  "circuit part of the first sample, as ngspice got it"));
    for (size_t b = 0; b < report->samples && report->run[b].n > 0; b++) {
        char path[100];
        snprintf(path, sizeof path, "%s/sample_%zu", group, b);
        EQS_TRY(write_run(writer, path, net, &report->run[b]));
    }
    return EQS_OK;
}

void eqs_cosimulation_report_clear(eqs_cosimulation_report *report)
{
    for (size_t b = 0; report->run != NULL && b < report->samples; b++)
        eqs_cosim_result_clear(&report->run[b]);
    eqs_free(report->run);
    eqs_free(report->path);
    eqs_free(report->end);
    eqs_state_destroy(report->state);
    *report = (eqs_cosimulation_report){0};
}
