/* Diodes and amplifiers of the device-level circuit. */
#include "netlists/device_builder.h"

#include "netlists/number.h"

#include <math.h>
#include <stdio.h>

enum { NAME = 2 * EQS_NETLIST_NAME, TEXT = 1024 };

/* --- diodes --- */

/* saturation current in amperes and emission coefficient of the diodes at a node */
static void diode_numbers(const eqs_device_builder *b, size_t k, size_t i, double *is, double *n)
{
    const eqs_node_layer *layer = &b->resistive->layer[k];
    bool ideal = layer->law == EQS_DIODE_IDEAL;
    *is = b->resistive->siemens * (ideal ? EQS_IDEAL_IS : layer->is[i]);
    *n = (ideal ? EQS_IDEAL_VN : layer->vn[i]) / eqs_thermal_voltage(b->resistive->kelvin);
}

/* The model of a node's diodes: the layer's when all are alike, else one of its own. *model is the one used
 * last. */
static eqs_status find_model(eqs_device_builder *b, size_t k, size_t i, const eqs_diode_model **model)
{
    double is, n;
    char name[NAME];
    diode_numbers(b, k, i, &is, &n);
    if (*model != NULL && (*model)->is == is && (*model)->n == n)
        return EQS_OK;
    if (*model == NULL)
        snprintf(name, sizeof name, "diode_%zu", k);
    else
        snprintf(name, sizeof name, "diode_%s", eqs_netlist_node_name(b->netlist, b->node[k][i]));
    return eqs_netlist_diode_model(b->netlist, name, is, n, 0.0, 0.0, model);
}

/* the node at which a diode leans: ground for 0 V, else that of the layer's source, or a source of its own */
static eqs_status lean_on(eqs_device_builder *b, const char *side, size_t k, size_t i, double volts,
                          double *last, eqs_node *out)
{
    char name[NAME];
    if (volts == 0.0 || volts == *last) {
        *out = volts == 0.0 ? EQS_GROUND : *out;
        return EQS_OK;
    }
    if (isnan(*last))
        snprintf(name, sizeof name, "%s_%zu", side, k);
    else
        snprintf(name, sizeof name, "%s_%s", side, eqs_netlist_node_name(b->netlist, b->node[k][i]));
    eqs_waveform w = eqs_waveform_dc(volts);
    *last = volts;
    EQS_TRY(eqs_netlist_node(b->netlist, name, out));
    return eqs_netlist_voltage(b->netlist, name, *out, EQS_GROUND, &w);
}

/* voltage from anode to cathode as an expression, without ground */
static void difference(const eqs_netlist *nl, eqs_node anode, eqs_node cathode, char *text, size_t size)
{
    const char *a = eqs_netlist_node_name(nl, anode), *c = eqs_netlist_node_name(nl, cathode);
    if (anode == EQS_GROUND)
        snprintf(text, size, "(-v(%.100s))", c);
    else if (cathode == EQS_GROUND)
        snprintf(text, size, "v(%.100s)", a);
    else
        snprintf(text, size, "(v(%.100s)-v(%.100s))", a, c);
}

/* The textbook law minus ngspice's below -3 Vn, is (exp(y) + (3/(e y))^3) with y = v / Vn < -3; 0 at y = -3.
 */
static eqs_status reverse_part(eqs_device_builder *b, const char *name, double is, double vn, eqs_node anode,
                               eqs_node cathode)
{
    char v[2 * NAME], y[3 * NAME], text[4 * TEXT];
    const double cube = 27.0 * exp(-3.0);
    difference(b->netlist, anode, cathode, v, sizeof v);
    snprintf(y, sizeof y, "min(%s/%s,-3)", v, NUMBER(vn));
    snprintf(text, sizeof text, "%s*(exp(%s)+%s/(%s*%s*%s))", NUMBER(is), y, NUMBER(cube), y, y, y);
    return eqs_netlist_behavioural_current(b->netlist, name, anode, cathode, text);
}

static eqs_status diode(eqs_device_builder *b, size_t k, size_t i, const char *side,
                        const eqs_diode_model *model, eqs_node anode, eqs_node cathode)
{
    const eqs_node_layer *layer = &b->resistive->layer[k];
    char name[NAME];
    snprintf(name, sizeof name, "%s_%s", side, eqs_netlist_node_name(b->netlist, b->node[k][i]));
    EQS_TRY(eqs_netlist_diode(b->netlist, name, anode, cathode, model));
    if (layer->law != EQS_DIODE_SHOCKLEY)
        return EQS_OK;
    return reverse_part(b, name, model->is, layer->vn[i], anode, cathode);
}

eqs_status eqs_device_diodes(eqs_device_builder *b, size_t k)
{
    const eqs_node_layer *layer = &b->resistive->layer[k];
    const eqs_diode_model *model = NULL;
    eqs_node low = EQS_GROUND, high = EQS_GROUND;
    double last_low = NAN, last_high = NAN;
    for (size_t i = 0; layer->law != EQS_DIODE_NONE && i < b->net->layer[k].units; i++) {
        eqs_node node = b->node[k][i];
        if (isfinite(layer->lo[i]) || isfinite(layer->hi[i]))
            EQS_TRY(find_model(b, k, i, &model));
        if (isfinite(layer->lo[i])) {
            EQS_TRY(lean_on(b, "low", k, i, layer->lo[i], &last_low, &low));
            EQS_TRY(diode(b, k, i, "low", model, low, node));
        }
        if (isfinite(layer->hi[i])) {
            EQS_TRY(lean_on(b, "high", k, i, layer->hi[i], &last_high, &high));
            EQS_TRY(diode(b, k, i, "high", model, node, high));
        }
    }
    return EQS_OK;
}

/* --- amplifiers --- */

/* What an amplifier consists of between its ports: h senses, f drives; `back` times the current that f
 * delivers is taken from h. */
static eqs_status amplifier_body(eqs_netlist *body, double gain, double back, const eqs_device_amplifier *a,
                                 eqs_node h, eqs_node f)
{
    eqs_waveform zero = eqs_waveform_dc(0.0), offset = eqs_waveform_dc(-a->offset);
    eqs_node sense = EQS_GROUND, at, next;
    if (a->offset != 0.0) {
        EQS_TRY(eqs_netlist_node(body, "offset", &sense));
        EQS_TRY(eqs_netlist_voltage(body, "offset", sense, EQS_GROUND, &offset));
    }
    EQS_TRY(eqs_netlist_node(body, "gained", &at));
    EQS_TRY(eqs_netlist_vcvs(body, "gain", at, EQS_GROUND, h, sense,
                             a->open_loop > 0.0 ? gain / (1.0 + gain / a->open_loop) : gain));
    if (a->bandwidth > 0.0) { /* a pole of 1 kohm and a capacitor, buffered */
        const double ohm = 1e3, two_pi = 6.28318530717958648;
        eqs_node pole;
        EQS_TRY(eqs_netlist_node(body, "pole", &pole));
        EQS_TRY(eqs_netlist_node(body, "buffered", &next));
        EQS_TRY(eqs_netlist_resistor(body, "pole", at, pole, ohm));
        EQS_TRY(
            eqs_netlist_capacitor(body, "pole", pole, EQS_GROUND, 1.0 / (two_pi * ohm * a->bandwidth), NAN));
        EQS_TRY(eqs_netlist_vcvs(body, "buffer", next, EQS_GROUND, pole, EQS_GROUND, 1.0));
        at = next;
    }
    if (a->resistance > 0.0) {
        EQS_TRY(eqs_netlist_node(body, "driven", &next));
        EQS_TRY(eqs_netlist_resistor(body, "out", at, next, a->resistance));
        at = next;
    }
    EQS_TRY(eqs_netlist_voltage(body, "sense", at, f, &zero));
    return eqs_netlist_cccs(body, "back", h, EQS_GROUND, "sense", back);
}

static eqs_status check_amplifier(const eqs_device_amplifier *a)
{
    const double all[] = {a->open_loop, a->bandwidth, a->resistance};
    static const char *const names[] = {"open-loop gain", "bandwidth", "output resistance"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!(all[i] >= 0.0) || !isfinite(all[i]))
            return eqs_fail(EQS_BAD_CONFIG, "amplifier: %s is %g; it must be >= 0", names[i], all[i]);
    }
    return isfinite(a->offset) ? EQS_OK : eqs_fail(EQS_BAD_CONFIG, "amplifier: an offset of %g V", a->offset);
}

eqs_status eqs_device_amplifiers(eqs_device_builder *b, size_t k)
{
    const eqs_node_layer *layer = &b->resistive->layer[k];
    eqs_subcircuit *amplifier = NULL;
    double gain = NAN, back = NAN; /* of the subcircuit used last */
    EQS_TRY(check_amplifier(&b->options->amplifier));
    for (size_t i = 0; i < b->net->layer[k].units; i++) {
        char name[NAME];
        const char *node = eqs_netlist_node_name(b->netlist, b->node[k][i]);
        if (!eqs_device_amplified(b, k, i))
            continue;
        if (layer->gain[i] != gain || layer->back[i] != back) {
            if (amplifier == NULL)
                snprintf(name, sizeof name, "amplifier_%zu", k);
            else
                snprintf(name, sizeof name, "amplifier_%s", node);
            gain = layer->gain[i];
            back = layer->back[i];
            EQS_TRY(eqs_netlist_subcircuit(b->netlist, name, 2, (const char *const[]){"h", "f"}, &amplifier));
            EQS_TRY(amplifier_body(amplifier->body, gain, back, &b->options->amplifier, amplifier->port[0],
                                   amplifier->port[1]));
        }
        snprintf(name, sizeof name, "amp_%s", node);
        EQS_TRY(eqs_netlist_instance(b->netlist, name, amplifier,
                                     (const eqs_node[]){b->node[k][i], b->forward[k][i]}));
    }
    return EQS_OK;
}
