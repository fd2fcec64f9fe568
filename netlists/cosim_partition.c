#include "netlists/cosim_partition.h"

#include "base/memory.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- which parts --- */

static size_t first_unit(const eqs_network *net, size_t layer)
{
    size_t first = 0;
    for (size_t k = 1; k < layer; k++)
        first += net->layer[k].units;
    return first;
}

static eqs_status check_layer(const eqs_network *net, const char *word, size_t layer)
{
    if (layer >= 1 && layer < net->n_layers)
        return EQS_OK;
    return eqs_fail(EQS_BAD_CONFIG, "cosimulation.parts: '%.100s': layer %zu found, allowed: 1 to %zu", word,
                    layer, net->n_layers - 1);
}

static eqs_status add_units(const eqs_network *net, const char *word, size_t layer, size_t from, size_t to,
                            size_t step, eqs_cosim_partition *p)
{
    EQS_TRY(check_layer(net, word, layer));
    size_t units = net->layer[layer].units, first = first_unit(net, layer);
    if (from >= to || to > units || step == 0)
        return eqs_fail(
            EQS_BAD_CONFIG,
            "cosimulation.parts: '%.100s': layer %zu has units 0 to %zu; FROM < TO <= %zu and STEP >= 1",
            word, layer, units - 1, units);
    for (size_t i = from; i < to; i += step) {
        if (p->unit[first + i])
            return eqs_fail(EQS_BAD_CONFIG,
                            "cosimulation.parts: '%.100s': unit %zu of layer %zu is a circuit already", word,
                            i, layer);
        p->unit[first + i] = true;
        p->n_circuit_units++;
    }
    return EQS_OK;
}

static eqs_status add_coupling(const eqs_network *net, const char *word, size_t a, size_t b,
                               eqs_cosim_partition *p)
{
    size_t from = a < b ? a : b, to = a < b ? b : a;
    if (from == 0)
        return eqs_fail(
            EQS_BAD_CONFIG,
            "cosimulation.parts: '%.100s': the clamped input enters as a bias current; its synapses "
            "cannot be a part",
            word);
    for (size_t c = 0; c < net->n_couplings; c++) {
        if (net->coupling[c].from != from || net->coupling[c].to != to)
            continue;
        if (p->coupling[c])
            return eqs_fail(EQS_BAD_CONFIG, "cosimulation.parts: '%.100s' is there twice", word);
        p->coupling[c] = true;
        p->n_circuit_couplings++;
        return EQS_OK;
    }
    return eqs_fail(EQS_BAD_CONFIG, "cosimulation.parts: '%.100s': the network has no such coupling", word);
}

static eqs_status read_part(const eqs_network *net, const char *word, eqs_cosim_partition *p)
{
    size_t a, b, c, step = 1;
    int end = 0;
    if (sscanf(word, " layer %zu %n", &a, &end) == 1 && end > 0 && word[end] == '\0') {
        EQS_TRY(check_layer(net, word, a));
        return add_units(net, word, a, 0, net->layer[a].units, 1, p);
    }
    end = 0;
    if (sscanf(word, " coupling %zu %zu %n", &a, &b, &end) == 2 && end > 0 && word[end] == '\0')
        return add_coupling(net, word, a, b, p);
    end = 0;
    if (sscanf(word, " units %zu %zu:%zu:%zu %n", &a, &b, &c, &step, &end) == 4 && end > 0 &&
        word[end] == '\0')
        return add_units(net, word, a, b, c, step, p);
    end = 0;
    if (sscanf(word, " units %zu %zu:%zu %n", &a, &b, &c, &end) == 3 && end > 0 && word[end] == '\0')
        return add_units(net, word, a, b, c, 1, p);
    return eqs_fail(
        EQS_BAD_CONFIG,
        "cosimulation.parts: '%.100s' found, allowed: 'layer K', 'units K FROM:TO[:STEP]', 'coupling A B'",
        word);
}

/* a synapse between two circuits is in the circuit anyway */
static eqs_status check_couplings(const eqs_network *net, const eqs_cosim_partition *p)
{
    for (size_t c = 0; c < net->n_couplings; c++) {
        const size_t ends[] = {net->coupling[c].from, net->coupling[c].to};
        for (size_t e = 0; p->coupling[c] && e < 2; e++) {
            size_t first = first_unit(net, ends[e]);
            for (size_t i = 0; i < net->layer[ends[e]].units; i++) {
                if (p->unit[first + i])
                    return eqs_fail(
                        EQS_BAD_CONFIG,
                        "cosimulation.parts: 'coupling %zu %zu': unit %zu of layer %zu is a circuit; a "
                        "coupling is a part only between units of the ODE",
                        ends[0], ends[1], i, ends[e]);
            }
        }
    }
    return EQS_OK;
}

eqs_status eqs_cosim_partition_read(const eqs_network *net, size_t n, const char *const *words,
                                    eqs_cosim_partition *out)
{
    *out = (eqs_cosim_partition){0};
    if (net->resistive != NULL)
        return eqs_fail(EQS_BAD_CONFIG, "network.model: resistive found; co-simulation needs hopfield");
    if (!eqs_network_clamped(net))
        return eqs_fail(EQS_BAD_CONFIG, "network.beta: co-simulation needs a clamped input (beta[0] = .inf)");
    if (net->form != EQS_FORM_MEMBRANE)
        return eqs_fail(EQS_BAD_CONFIG, "dynamics.form: '%s' found; co-simulation needs membrane",
                        eqs_form_name(net->form));
    out->n_units = eqs_network_state_size(net);
    out->unit = eqs_alloc(out->n_units, sizeof *out->unit);
    out->coupling = eqs_alloc(net->n_couplings, sizeof *out->coupling);
    if (out->unit == NULL || out->coupling == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        EQS_TRY(read_part(net, words[i], out));
    if (out->n_circuit_units + out->n_circuit_couplings == 0)
        return eqs_fail(EQS_BAD_CONFIG,
                        "cosimulation.parts: nothing found; co-simulation needs a part that is a circuit");
    return check_couplings(net, out);
}

void eqs_cosim_partition_clear(eqs_cosim_partition *partition)
{
    eqs_free(partition->unit);
    eqs_free(partition->coupling);
    *partition = (eqs_cosim_partition){0};
}

/* --- wiring --- */

/* "name=rest" -> lower-case name, and rest */
static eqs_status split_word(const char *key, const char *word, char *name, size_t size, const char **rest)
{
    const char *equals = strchr(word, '=');
    size_t n = equals == NULL ? 0 : (size_t)(equals - word);
    if (n == 0 || n >= size)
        return eqs_fail(EQS_BAD_CONFIG, "%s: '%.100s' found, allowed: NAME=VALUE", key, word);
    for (size_t i = 0; i <= n; i++)
        name[i] = i == n ? '\0' : (char)tolower((unsigned char)word[i]);
    *rest = equals + 1;
    return EQS_OK;
}

static eqs_status read_role(const char *word, const char *text, eqs_cosim_role *role, double *volts)
{
    static const struct {
        const char *name;
        eqs_cosim_role role;
    } roles[] = {{"current", EQS_COSIM_CURRENT}, {"voltage", EQS_COSIM_VOLTAGE},
                 {"rate", EQS_COSIM_RATE},       {"rate-current", EQS_COSIM_RATE_CURRENT},
                 {"state", EQS_COSIM_STATE},     {"ground", EQS_COSIM_GROUND}};
    *volts = 0.0;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (strcmp(roles[i].name, text) == 0) {
            *role = roles[i].role;
            return EQS_OK;
        }
    }
    *role = EQS_COSIM_SUPPLY;
    if (eqs_spice_read_number(text, volts))
        return EQS_OK;
    return eqs_fail(
        EQS_BAD_CONFIG,
        "cosimulation.pins: '%.100s': allowed roles: current, voltage, rate, rate-current, state, ground, "
        "or the volts of a supply",
        word);
}

static eqs_status read_pins(eqs_cosim_cell *cell)
{
    const eqs_spice_subcircuit *top = eqs_spice_file_top(cell->file);
    bool given[EQS_SPICE_PINS] = {false};
    size_t drives = 0, rates = 0;
    for (size_t i = 0; i < cell->wiring.n_pins; i++) {
        const char *word = cell->wiring.pins[i], *text = "";
        char name[65];
        EQS_TRY(split_word("cosimulation.pins", word, name, sizeof name, &text));
        size_t pin = eqs_spice_pin_find(top, name);
        if (pin == SIZE_MAX)
            return eqs_fail(EQS_BAD_CONFIG,
                            "cosimulation.pins: '%.100s': subcircuit '%s' of %s has no pin '%s'", word,
                            top->name, cell->file->name, name);
        if (given[pin])
            return eqs_fail(EQS_BAD_CONFIG, "cosimulation.pins: pin '%s' is there twice", name);
        given[pin] = true;
        EQS_TRY(read_role(word, text, &cell->role[pin], &cell->volts[pin]));
        bool drive = cell->role[pin] == EQS_COSIM_CURRENT || cell->role[pin] == EQS_COSIM_VOLTAGE;
        bool rate = cell->role[pin] == EQS_COSIM_RATE || cell->role[pin] == EQS_COSIM_RATE_CURRENT;
        drives += drive;
        rates += rate;
        cell->drive = drive ? pin : cell->drive;
        cell->rate = rate ? pin : cell->rate;
        if (cell->role[pin] == EQS_COSIM_STATE) {
            if (cell->state != SIZE_MAX)
                return eqs_fail(EQS_BAD_CONFIG, "cosimulation.pins: two pins are 'state'");
            cell->state = pin;
        }
    }
    for (size_t pin = 0; pin < top->n_pins; pin++) {
        if (!given[pin])
            return eqs_fail(EQS_BAD_CONFIG, "cosimulation.pins: pin '%s' of '%s' (%s) is missing",
                            top->pin[pin].name, top->name, cell->file->name);
    }
    if (drives != 1 || rates != 1)
        return eqs_fail(
            EQS_BAD_CONFIG,
            "cosimulation.pins: %zu pins are driven and %zu give the rate; exactly one of each is needed",
            drives, rates);
    if (cell->state == SIZE_MAX && cell->role[cell->drive] == EQS_COSIM_CURRENT)
        cell->state = cell->drive; /* a membrane */
    return EQS_OK;
}

static eqs_status read_parameters(eqs_cosim_cell *cell)
{
    const eqs_spice_subcircuit *top = eqs_spice_file_top(cell->file);
    for (size_t i = 0; i < top->n_parameters; i++)
        cell->parameter[i] = top->parameter[i].value;
    for (size_t i = 0; i < cell->wiring.n_parameters; i++) {
        const char *word = cell->wiring.parameters[i], *text = "";
        char name[65];
        EQS_TRY(split_word("cosimulation.parameters", word, name, sizeof name, &text));
        size_t index = eqs_spice_parameter_find(top, name);
        if (index == SIZE_MAX)
            return eqs_fail(EQS_BAD_CONFIG,
                            "cosimulation.parameters: '%.100s': subcircuit '%s' has no such parameter", word,
                            top->name);
        if (!eqs_spice_read_number(text, &cell->parameter[index]))
            return eqs_fail(EQS_BAD_CONFIG, "cosimulation.parameters: '%.100s': that is no number", word);
    }
    return eqs_fail_context(eqs_spice_file_check_values(cell->file, cell->parameter),
                            "cosimulation.parameters");
}

static eqs_status check_scales(const eqs_cosim_wiring *w)
{
    const struct {
        const char *name;
        double scale, offset;
    } all[] = {{"drive", w->drive_scale, w->drive_offset},
               {"rate", w->rate_scale, w->rate_offset},
               {"state", w->state_scale, w->state_offset}};
    for (size_t i = 0; i < 3; i++) {
        if (!(isfinite(all[i].scale) && all[i].scale != 0.0 && isfinite(all[i].offset)))
            return eqs_fail(EQS_BAD_CONFIG, "cosimulation.%s_scale: %g found, allowed: finite and not 0",
                            all[i].name, all[i].scale);
    }
    return EQS_OK;
}

eqs_status eqs_cosim_cell_open(const eqs_cosim_wiring *wiring, eqs_cosim_cell *out)
{
    *out = (eqs_cosim_cell){.wiring = *wiring, .state = SIZE_MAX};
    if (wiring->subcircuit[0] == '\0') {
        if (wiring->n_pins + wiring->n_parameters > 0)
            return eqs_fail(
                EQS_BAD_CONFIG,
                "cosimulation.%s: given, but cosimulation.subcircuit is empty: the ideal neuron has none",
                wiring->n_pins > 0 ? "pins" : "parameters");
        return EQS_OK;
    }
    EQS_TRY(check_scales(wiring));
    EQS_TRY(eqs_device_open(wiring->subcircuit, &out->file));
    EQS_TRY(read_pins(out));
    return read_parameters(out);
}

void eqs_cosim_cell_clear(eqs_cosim_cell *cell)
{
    eqs_spice_file_destroy(cell->file);
    cell->file = NULL;
}
