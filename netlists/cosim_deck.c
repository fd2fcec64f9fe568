#include "netlists/cosim_deck.h"

#include "base/memory.h"
#include "netlists/behavioural_rho.h"
#include "netlists/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct writer {
    const eqs_cosim_system *sys;
    const eqs_cosim_cell *cell;
    const eqs_cosim_deck_options *options;
    FILE *out;
    eqs_cosim_deck *deck;
    bool failed;
} writer;

/* printf into the deck's arena; NULL marks the writer as failed */
static const char *text(writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static const char *text(writer *w, const char *format, ...)
{
    char buffer[200];
    va_list list;
    va_start(list, format);
    vsnprintf(buffer, sizeof buffer, format, list);
    va_end(list);
    const char *copy = eqs_arena_text(&w->deck->arena, buffer, strlen(buffer));
    w->failed |= copy == NULL;
    return copy == NULL ? "" : copy;
}

static void write_head(writer *w)
{
    const eqs_cosim_deck_options *o = w->options;
    fprintf(w->out, "eqspice: the circuit part of a co-simulated network, %zu units\n", w->sys->n_circuit);
    fprintf(w->out, "* rates and potentials: swing = %s V; G = %s S, C = %s F\n", NUMBER(o->units.swing),
            NUMBER(o->units.conductance), NUMBER(o->units.capacitance));
    fprintf(w->out, ".options reltol=%s vntol=%s abstol=%s chgtol=%s pivtol=%s\n", NUMBER(o->reltol),
            NUMBER(o->vntol), NUMBER(o->abstol),
            NUMBER(1e-6 * o->reltol * o->units.capacitance * o->units.swing),
            NUMBER(1e-9 * o->units.conductance));
    if (o->sweep)
        fputs("v_sweep sweep 0 0\nr_sweep sweep 0 1\n", w->out);
    if (w->cell->file != NULL)
        fputs(w->cell->file->text, w->out);
}

/* the node into which a unit's currents flow */
static const char *sum_node(writer *w, const eqs_cosim_unit *unit)
{
    return text(w, "%c%zu_%zu", w->cell->file == NULL ? 'u' : 'a', unit->layer, unit->index);
}

static const char *rate_node(writer *w, const eqs_cosim_unit *unit)
{
    return text(w, "r%zu_%zu", unit->layer, unit->index);
}

static void write_ideal_unit(writer *w, const eqs_cosim_unit *unit, const double *u0)
{
    const eqs_circuit_units *units = &w->options->units;
    const char *u = sum_node(w, unit), *r = rate_node(w, unit);
    char rho[EQS_RHO_TEXT];
    eqs_behavioural_rho(unit->rho, units->swing, u, rho);
    fprintf(w->out, "c_%s %s 0 %s\n", u, u, NUMBER(units->capacitance * unit->tau));
    fprintf(w->out, "r_%s %s 0 %s\n", u, u, NUMBER(1.0 / units->conductance));
    fprintf(w->out, "b_%s %s 0 v=%s\n", r, r, rho);
    if (u0 != NULL)
        fprintf(w->out, ".ic v(%s)=%s\n", u, NUMBER(units->swing * *u0));
}

/* pin `pin` of a unit's subcircuit as a node */
static const char *pin_node(writer *w, const eqs_cosim_unit *unit, size_t pin)
{
    const eqs_cosim_cell *cell = w->cell;
    const char *name = eqs_spice_file_top(cell->file)->pin[pin].name;
    if (cell->role[pin] == EQS_COSIM_GROUND)
        return "0";
    if (cell->role[pin] == EQS_COSIM_SUPPLY)
        return text(w, "s_%s", name);
    if (pin == cell->drive)
        return text(w, "u%zu_%zu", unit->layer, unit->index);
    return text(w, "%s_%zu_%zu", name, unit->layer, unit->index);
}

static void write_cell_unit(writer *w, const eqs_cosim_unit *unit, const double *u0)
{
    const eqs_cosim_cell *cell = w->cell;
    const eqs_cosim_wiring *wiring = &cell->wiring;
    const eqs_spice_subcircuit *top = eqs_spice_file_top(cell->file);
    double swing = w->options->units.swing;
    const char *a = sum_node(w, unit), *r = rate_node(w, unit), *pin = pin_node(w, unit, cell->drive);
    const char *rate = pin_node(w, unit, cell->rate);
    fprintf(w->out, "r_%s %s 0 %s\n", a, a, NUMBER(1.0 / w->options->units.conductance));
    if (cell->role[cell->drive] == EQS_COSIM_CURRENT) {
        fprintf(w->out, "g_%s 0 %s %s 0 %s\n", a, pin, a, NUMBER(wiring->drive_scale / swing));
        if (wiring->drive_offset != 0.0)
            fprintf(w->out, "i_%s 0 %s %s\n", a, pin, NUMBER(wiring->drive_offset));
    } else {
        fprintf(w->out, "e_%s %s drive_offset %s 0 %s\n", a, pin, a, NUMBER(wiring->drive_scale / swing));
    }
    fprintf(w->out, "x%zu_%zu", unit->layer, unit->index);
    for (size_t i = 0; i < top->n_pins; i++)
        fprintf(w->out, " %s", pin_node(w, unit, i));
    fprintf(w->out, " %s", top->name);
    for (size_t i = 0; i < top->n_parameters; i++)
        fprintf(w->out, " %s=%s", top->parameter[i].name, NUMBER(cell->parameter[i]));
    fputc('\n', w->out);
    if (cell->role[cell->rate] == EQS_COSIM_RATE) {
        fprintf(w->out, "e_%s %s rate_offset %s 0 %s\n", r, r, rate, NUMBER(swing / wiring->rate_scale));
    } else {
        fprintf(w->out, "v_%s %s 0 0\n", r, rate);
        fprintf(w->out, "h_%s %s rate_offset v_%s %s\n", r, r, r, NUMBER(swing / wiring->rate_scale));
    }
    if (cell->state != SIZE_MAX && u0 != NULL)
        fprintf(w->out, ".ic v(%s)=%s\n", pin_node(w, unit, cell->state),
                NUMBER(wiring->state_offset + wiring->state_scale * *u0));
}

/* sources that all units of a subcircuit share */
static void write_supplies(writer *w)
{
    const eqs_cosim_cell *cell = w->cell;
    if (cell->file == NULL || w->sys->n_circuit == 0)
        return;
    const eqs_spice_subcircuit *top = eqs_spice_file_top(cell->file);
    fprintf(w->out, "v_rate_offset rate_offset 0 %s\n",
            NUMBER(-w->options->units.swing * cell->wiring.rate_offset / cell->wiring.rate_scale));
    if (cell->role[cell->drive] == EQS_COSIM_VOLTAGE)
        fprintf(w->out, "v_drive_offset drive_offset 0 %s\n", NUMBER(cell->wiring.drive_offset));
    for (size_t i = 0; i < top->n_pins; i++) {
        if (cell->role[i] != EQS_COSIM_SUPPLY)
            continue;
        fprintf(w->out, "v_s_%s s_%s 0 %s\n", top->pin[i].name, top->pin[i].name, NUMBER(cell->volts[i]));
        w->deck->supply[w->deck->n_supplies] = text(w, "%s", top->pin[i].name);
        w->deck->supply_volts[w->deck->n_supplies++] = cell->volts[i];
    }
}

static void write_units(writer *w, const double *u0)
{
    const eqs_cosim_system *sys = w->sys;
    double G = w->options->units.conductance;
    for (size_t i = 0; i < sys->n_circuit; i++) {
        const eqs_cosim_unit *unit = &sys->circuit[i];
        const char *sum = sum_node(w, unit), *r = rate_node(w, unit);
        if (w->cell->file == NULL)
            write_ideal_unit(w, unit, u0 == NULL ? NULL : u0 + i);
        else
            write_cell_unit(w, unit, u0 == NULL ? NULL : u0 + i);
        fprintf(w->out, "i_a%zu 0 %s external\n", i, sum);
        w->deck->external[i] = text(w, "i_a%zu", i);
        w->deck->gain[i] = G * w->options->units.swing;
        w->deck->wanted[i] = r;
        if (unit->stiffness != 0.0)
            fprintf(w->out, "g_n_%s 0 %s %s 0 %s\n", r, sum, r, NUMBER(-G * unit->stiffness));
        for (size_t j = 0; j < sys->n_circuit; j++) {
            double weight = sys->C[i * sys->n_circuit + j];
            if (weight != 0.0)
                fprintf(w->out, "g_%zu_%zu 0 %s %s 0 %s\n", i, j, sum, rate_node(w, &sys->circuit[j]),
                        NUMBER(G * weight));
        }
    }
}

/* both directions of a synapse between ports p and q */
static void write_synapse(writer *w, size_t p, size_t q, double weight)
{
    double G = w->options->units.conductance;
    if (weight != 0.0)
        fprintf(w->out, "g_%zu_%zu 0 p%zu q%zu 0 %s\n", p, q, p, q, NUMBER(G * weight));
}

static void write_couplings(writer *w)
{
    const eqs_cosim_system *sys = w->sys;
    const eqs_network *net = sys->energy->net;
    size_t port = sys->n_circuit;
    for (size_t n = port; n < sys->n_in; n++) {
        fprintf(w->out, "v_a%zu q%zu 0 external\n", n, n);
        fprintf(w->out, "r_q%zu q%zu 0 %s\n", n, n, NUMBER(1.0 / w->options->units.conductance));
        fprintf(w->out, "r_p%zu p%zu 0 %s\n", n, n, NUMBER(1.0 / w->options->units.conductance));
        w->deck->external[n] = text(w, "v_a%zu", n);
        w->deck->gain[n] = w->options->units.swing;
        w->deck->wanted[n] = text(w, "p%zu", n);
    }
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t from = net->coupling[c].from, to = net->coupling[c].to;
        size_t n = net->layer[from].units, m = net->layer[to].units;
        const double *W = eqs_weights_const(net, sys->phase.theta, c);
        if (!sys->partition->coupling[c])
            continue;
        size_t second = from == to ? port : port + n;
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < m; j++) {
                write_synapse(w, second + j, port + i, W[i * m + j]);
                if (from != to)
                    write_synapse(w, port + i, second + j, W[i * m + j]);
            }
        }
        port = second + m;
    }
}

static void name_extras(writer *w)
{
    eqs_cosim_deck *deck = w->deck;
    const eqs_cosim_cell *cell = w->cell;
    size_t next = deck->n_out;
    bool known = cell->file == NULL || cell->state != SIZE_MAX;
    deck->n_states = known ? w->sys->n_circuit : 0;
    for (size_t i = 0; i < deck->n_states; i++)
        deck->wanted[next++] = cell->file == NULL ? sum_node(w, &w->sys->circuit[i])
                                                  : pin_node(w, &w->sys->circuit[i], cell->state);
    for (size_t i = 0; i < deck->n_supplies; i++)
        deck->wanted[next++] = text(w, "v_s_%s#branch", deck->supply[i]);
    deck->state_scale = cell->file == NULL ? w->options->units.swing : cell->wiring.state_scale;
    deck->state_offset = cell->file == NULL ? 0.0 : cell->wiring.state_offset;
}

eqs_status eqs_cosim_deck_write(const eqs_cosim_system *system, const eqs_cosim_cell *cell,
                                const eqs_cosim_deck_options *options, const double *u0, eqs_cosim_deck *out)
{
    char *buffer = NULL;
    size_t size = 0, n = system->n_in;
    *out = (eqs_cosim_deck){.n_in = n, .n_out = n};
    out->wanted = eqs_alloc(n + system->n_circuit + EQS_SPICE_PINS, sizeof *out->wanted);
    out->external = eqs_alloc(n, sizeof *out->external);
    out->gain = eqs_alloc(n, sizeof *out->gain);
    out->supply = eqs_alloc(EQS_SPICE_PINS, sizeof *out->supply);
    out->supply_volts = eqs_alloc(EQS_SPICE_PINS, sizeof *out->supply_volts);
    writer w = {system, cell, options, open_memstream(&buffer, &size), out, false};
    if (w.out == NULL || out->wanted == NULL || out->external == NULL || out->gain == NULL ||
        out->supply == NULL || out->supply_volts == NULL) {
        if (w.out != NULL)
            fclose(w.out);
        free(buffer);
        return eqs_fail(EQS_NO_MEMORY, "no memory for the circuit of the co-simulation");
    }
    write_head(&w);
    write_supplies(&w);
    write_units(&w, u0);
    write_couplings(&w);
    name_extras(&w);
    fputs(".end\n", w.out);
    bool printed = fclose(w.out) == 0;
    out->text = printed ? eqs_strdup(buffer) : NULL;
    out->length = size;
    free(buffer);
    return out->text == NULL || w.failed
               ? eqs_fail(EQS_NO_MEMORY, "no memory for the circuit of the co-simulation")
               : EQS_OK;
}

void eqs_cosim_deck_clear(eqs_cosim_deck *deck)
{
    eqs_free(deck->text);
    eqs_free(deck->wanted);
    eqs_free(deck->external);
    eqs_free(deck->gain);
    eqs_free(deck->supply);
    eqs_free(deck->supply_volts);
    eqs_arena_clear(&deck->arena);
    *deck = (eqs_cosim_deck){0};
}
