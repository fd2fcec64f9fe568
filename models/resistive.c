#include "models/resistive.h"

#include "base/memory.h"
#include "base/random.h"
#include "models/network.h"

#include <math.h>
#include <string.h>

/* gains whose products differ by less than this share are the same: rounding of 1 / A */
static const double same = 1e-12;

eqs_resistive_def eqs_resistive_def_default(void)
{
    return (eqs_resistive_def){.siemens = 1e-6,
                               .input_gain = 1.0,
                               .doubled = true,
                               .diode = EQS_DIODE_IDEAL,
                               .is = 1e-6,
                               .n = 2.0,
                               .kelvin = 300.15,
                               .gmin = 1e-12};
}

size_t eqs_resistive_units(const eqs_resistive_def *def, size_t n_layers, size_t k, size_t units)
{
    if (k == 0)
        return (def->doubled ? 2 * units : units) + (def->bias_source != 0.0 ? 1 : 0);
    return k == n_layers - 1 && def->differential ? 2 * units : units;
}

static eqs_status check_positive(const char *key, double value)
{
    if (value > 0.0 && isfinite(value))
        return EQS_OK;
    return eqs_fail(EQS_BAD_CONFIG, "%s: %g found; a finite number > 0 is needed", key, value);
}

static eqs_status check_diodes(const eqs_resistive_def *def)
{
    EQS_TRY(check_positive("network.diode_is", def->is));
    EQS_TRY(check_positive("network.diode_n", def->n));
    EQS_TRY(check_positive("network.temperature", def->kelvin));
    if (!(def->gmin >= 0.0) || !isfinite(def->gmin))
        return eqs_fail(EQS_BAD_CONFIG, "network.diode_gmin: %g found; allowed: >= 0", def->gmin);
    const double *bias = def->diode_bias;
    if (!isfinite(bias[0]) || !isfinite(bias[1]))
        return eqs_fail(EQS_BAD_CONFIG, "network.diode_bias: [%g, %g] found; allowed: finite voltages",
                        bias[0], bias[1]);
    if (def->layout == EQS_DIODES_PAIR && def->diode != EQS_DIODE_NONE && !(bias[0] < bias[1]))
        return eqs_fail(
            EQS_BAD_CONFIG,
            "network.diode_bias: [%g, %g] found; a pair of diodes at one node needs lower < upper", bias[0],
            bias[1]);
    return EQS_OK;
}

static eqs_status check(const eqs_resistive_def *def, const eqs_network *net)
{
    EQS_TRY(check_positive("circuit.conductance", def->siemens));
    EQS_TRY(check_positive("network.input_gain", def->input_gain));
    EQS_TRY(check_diodes(def));
    if (!isfinite(def->bias_source))
        return eqs_fail(EQS_BAD_CONFIG, "network.bias_source: %g found; a finite voltage is needed",
                        def->bias_source);
    for (size_t k = 1; def->amplifier != NULL && k + 1 < net->n_layers; k++)
        EQS_TRY(check_positive("network.amplifier", def->amplifier[k - 1]));
    if (def->nudge == EQS_NUDGE_CONDUCTANCE && (def->cost != EQS_COST_SQUARED || def->differential))
        return eqs_fail(EQS_BAD_CONFIG, "learning.nudge_form: conductance needs the squared error and single "
                                        "outputs; allowed here: current");
    if (!eqs_network_clamped(net))
        return eqs_fail(EQS_BAD_CONFIG,
                        "network.beta[0]: %g found; the sources of a resistive network are "
                        "clamped (allowed: .inf)",
                        net->beta[EQS_BETA_X]);
    if (net->beta[EQS_BETA_Y] != 0.0)
        return eqs_fail(EQS_BAD_CONFIG,
                        "network.beta[1]: %g found; the free phase of a resistive network has no nudge "
                        "(allowed: 0)",
                        net->beta[EQS_BETA_Y]);
    for (size_t c = 0; c < net->n_couplings; c++) {
        double min = def->g_min == NULL ? 0.0 : def->g_min[c];
        double max = def->g_max == NULL ? INFINITY : def->g_max[c];
        if (!(min >= 0.0) || !isfinite(min) || !(max >= min))
            return eqs_fail(EQS_BAD_CONFIG,
                            "network.g_min, g_max: [%g, %g] found for coupling %zu; allowed: 0 <= g_min <= "
                            "g_max",
                            min, max, c);
    }
    return EQS_OK;
}

/* the factor of one device's deviation */
static eqs_status factor(const double *const *rows, size_t k, size_t i, double *out)
{
    *out = rows == NULL || rows[k] == NULL ? 1.0 : rows[k][i];
    return check_positive("device deviation", *out);
}

static bool has_diode(const eqs_resistive_def *def, size_t units, size_t i, bool lower)
{
    if (def->diode == EQS_DIODE_NONE)
        return false;
    return def->layout == EQS_DIODES_PAIR || lower == (i < (units + 1) / 2);
}

static eqs_status fill_layer(const eqs_resistive_def *def, eqs_network *net, size_t k)
{
    eqs_layer *layer = &net->layer[k];
    eqs_node_layer *node = &net->resistive->layer[k];
    size_t n = layer->units;
    bool hidden = k > 0 && k + 1 < net->n_layers;
    node->law = hidden ? def->diode : EQS_DIODE_NONE;
    node->lo = eqs_alloc(6 * n, sizeof *node->lo);
    if (node->lo == NULL)
        return EQS_NO_MEMORY;
    node->hi = node->lo + n;
    node->is = node->lo + 2 * n;
    node->vn = node->lo + 3 * n;
    node->gain = node->lo + 4 * n;
    node->back = node->lo + 5 * n;
    double gain = hidden && def->amplifier != NULL ? def->amplifier[k - 1] : 1.0;
    double back = def->back_gain == EQS_BACK_INVERSE ? 1.0 / gain : gain;
    for (size_t i = 0; i < n; i++) {
        double of_gain, of_back, of_is, of_n;
        EQS_TRY(factor(def->gain_factor, k, i, &of_gain));
        EQS_TRY(factor(def->back_factor, k, i, &of_back));
        EQS_TRY(factor(def->is_factor, k, i, &of_is));
        EQS_TRY(factor(def->n_factor, k, i, &of_n));
        node->lo[i] = hidden && has_diode(def, n, i, true) ? def->diode_bias[0] : -INFINITY;
        node->hi[i] = hidden && has_diode(def, n, i, false) ? def->diode_bias[1] : INFINITY;
        node->is[i] = def->is * of_is / def->siemens;
        node->vn[i] = def->n * of_n * eqs_thermal_voltage(def->kelvin);
        node->gain[i] = hidden ? gain * of_gain : 1.0;
        node->back[i] = hidden ? back * of_back : 1.0;
        layer->lo[i] = node->law == EQS_DIODE_IDEAL ? node->lo[i] : -INFINITY;
        layer->hi[i] = node->law == EQS_DIODE_IDEAL ? node->hi[i] : INFINITY;
    }
    return EQS_OK;
}

static bool close_to(double a, double b)
{
    return fabs(a - b) <= same * fabs(b);
}

static void note_uneven(eqs_resistive *r, size_t layer)
{
    if (r->reciprocal)
        r->uneven_layer = layer;
    r->reciprocal = false;
}

/* A / kappa of a layer: that of its units when they agree, else the mean */
static double ratio_of(eqs_resistive *r, size_t k, size_t units)
{
    const eqs_node_layer *node = &r->layer[k];
    double first = node->gain[0] / node->back[0], sum = 0.0;
    bool even = true;
    for (size_t i = 0; i < units; i++) {
        double ratio = node->gain[i] / node->back[i];
        even = even && close_to(ratio, first);
        sum += ratio;
    }
    if (!even)
        note_uneven(r, k);
    return even ? first : sum / (double)units;
}

/* w_a = w_b A_a / kappa_a along every coupling upwards, from w_L = 1 */
static void set_weights(eqs_network *net)
{
    eqs_resistive *r = net->resistive;
    r->reciprocal = true;
    for (size_t a = net->n_layers - 1; a-- > 1;) {
        double ratio = ratio_of(r, a, net->layer[a].units);
        bool set = false;
        for (size_t c = 0; c < net->n_couplings; c++) {
            const eqs_coupling *coupling = &net->coupling[c];
            if (coupling->from != a || coupling->to == a)
                continue;
            double weight = net->layer[coupling->to].weight * ratio;
            if (set && !close_to(weight, net->layer[a].weight))
                note_uneven(r, a);
            if (!set)
                net->layer[a].weight = weight;
            set = true;
        }
    }
}

static eqs_status fill_couplings(const eqs_resistive_def *def, eqs_network *net)
{
    eqs_resistive *r = net->resistive;
    size_t n = net->n_couplings;
    r->g_min = eqs_alloc(2 * n, sizeof *r->g_min);
    r->up = eqs_alloc(2 * n, sizeof *r->up);
    if (r->g_min == NULL || r->up == NULL)
        return EQS_NO_MEMORY;
    r->g_max = r->g_min + n;
    r->down = r->up + n;
    for (size_t c = 0; c < n; c++) {
        size_t a = net->coupling[c].from, b = net->coupling[c].to, units = net->layer[a].units;
        const eqs_node_layer *node = &r->layer[a];
        r->g_min[c] = def->g_min == NULL ? 0.0 : def->g_min[c];
        r->g_max[c] = def->g_max == NULL ? INFINITY : def->g_max[c];
        r->up[c] = eqs_alloc(2 * units, sizeof **r->up);
        if (r->up[c] == NULL)
            return EQS_NO_MEMORY;
        r->down[c] = r->up[c] + units;
        for (size_t i = 0; i < units; i++) {
            r->up[c][i] = net->layer[b].weight * (a == b ? 1.0 : node->gain[i]);
            /* the same number, to the bit, wherever an energy exists: its Hessian is symmetric */
            r->down[c][i] =
                a == b || a == 0 || r->reciprocal ? r->up[c][i] : net->layer[a].weight * node->back[i];
        }
    }
    return EQS_OK;
}

eqs_status eqs_resistive_create(const eqs_resistive_def *def, struct eqs_network *net)
{
    EQS_TRY(check(def, net));
    eqs_resistive *r = eqs_alloc(1, sizeof *r);
    if (r == NULL)
        return EQS_NO_MEMORY;
    net->resistive = r;
    *r = (eqs_resistive){.n_layers = net->n_layers,
                         .siemens = def->siemens,
                         .input_gain = def->input_gain,
                         .doubled = def->doubled,
                         .bias_source = def->bias_source,
                         .differential = def->differential,
                         .gmin = def->gmin / def->siemens,
                         .kelvin = def->kelvin,
                         .cost = def->cost,
                         .nudge = def->nudge,
                         .n_couplings = net->n_couplings};
    r->layer = eqs_alloc(net->n_layers, sizeof *r->layer);
    if (r->layer == NULL)
        return EQS_NO_MEMORY;
    for (size_t k = 0; k < net->n_layers; k++)
        EQS_TRY(fill_layer(def, net, k));
    set_weights(net);
    return fill_couplings(def, net);
}

void eqs_resistive_destroy(eqs_resistive *r)
{
    if (r == NULL)
        return;
    for (size_t k = 0; r->layer != NULL && k < r->n_layers; k++)
        eqs_free(r->layer[k].lo);
    for (size_t c = 0; r->up != NULL && c < r->n_couplings; c++)
        eqs_free(r->up[c]);
    eqs_free(r->layer);
    eqs_free(r->g_min);
    eqs_free(r->up);
    eqs_free(r);
}

eqs_diode eqs_resistive_diode(const struct eqs_network *net, size_t k, size_t i)
{
    const eqs_node_layer *node = &net->resistive->layer[k];
    return (eqs_diode){node->law, node->is[i], node->vn[i], net->resistive->gmin};
}

void eqs_resistive_conductance(const struct eqs_network *net, const double *theta, size_t k, double *a)
{
    const eqs_node_layer *node = &net->resistive->layer[k];
    memset(a, 0, net->layer[k].units * sizeof *a);
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t from = net->coupling[c].from, to = net->coupling[c].to;
        size_t rows = net->layer[from].units, columns = net->layer[to].units;
        const double *g = eqs_weights_const(net, theta, c);
        for (size_t i = 0; to == k && i < rows; i++) {
            for (size_t j = 0; j < columns; j++)
                a[j] += g[i * columns + j];
        }
        for (size_t i = 0; from == k && to != k && i < rows; i++) {
            double sum = 0.0;
            for (size_t j = 0; j < columns; j++)
                sum += g[i * columns + j];
            a[i] += node->gain[i] * node->back[i] * sum;
        }
    }
}

eqs_status eqs_resistive_check_nudge(const struct eqs_network *net, const double *theta, double beta)
{
    if (net->resistive->nudge == EQS_NUDGE_CURRENT || beta >= 0.0)
        return EQS_OK;
    size_t last = net->n_layers - 1, n = net->layer[last].units;
    double *a = eqs_alloc(n, sizeof *a);
    if (a == NULL)
        return EQS_NO_MEMORY;
    eqs_resistive_conductance(net, theta, last, a);
    eqs_status status = EQS_OK;
    for (size_t i = 0; status == EQS_OK && i < n; i++) {
        if (!(a[i] > -beta))
            status = eqs_fail(EQS_BAD_CONFIG,
                              "learning.nudge_form: conductance at beta = %g is a negative conductance, but "
                              "output node %zu has only %g from its resistors: the network would be "
                              "unstable; allowed: |learning.beta| below it, or current",
                              beta, i, a[i]);
    }
    eqs_free(a);
    return status;
}

void eqs_resistive_init(const struct eqs_network *net, uint64_t seed, const double *gain, double *theta)
{
    memset(theta, 0, net->n_parameters * sizeof *theta);
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t a = net->coupling[c].from, b = net->coupling[c].to;
        size_t rows = net->layer[a].units, columns = net->layer[b].units;
        double bound = (gain != NULL ? gain[c] : 1.0) / sqrt((double)rows);
        eqs_random stream = eqs_random_stream(seed, EQS_RANDOM_WEIGHTS, (uint32_t)c, 0);
        double *g = eqs_weights(net, theta, c);
        for (size_t i = 0; i < rows * columns; i++)
            g[i] = bound * (2.0 * eqs_random_uniform(&stream, i) - 1.0);
        for (size_t i = 0; a == b && i < rows; i++) {
            for (size_t j = 0; j < i; j++)
                g[i * columns + j] = g[j * columns + i];
        }
    }
    eqs_resistive_clip(net, theta);
}

void eqs_resistive_thin(const struct eqs_network *net, uint64_t seed, const double *density, double *theta)
{
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t a = net->coupling[c].from, b = net->coupling[c].to;
        size_t rows = net->layer[a].units, columns = net->layer[b].units;
        eqs_random stream = eqs_random_stream(seed, EQS_RANDOM_WEIGHTS, (uint32_t)c, 1);
        double *g = eqs_weights(net, theta, c);
        for (size_t i = 0; i < rows * columns; i++) {
            /* the two entries of a lateral conductance share one draw */
            size_t row = i / columns, column = i % columns;
            size_t draw = a == b && column < row ? column * columns + row : i;
            g[i] = eqs_random_uniform(&stream, draw) < density[c] ? g[i] / density[c] : 0.0;
        }
    }
    eqs_resistive_clip(net, theta);
}

void eqs_resistive_clip(const struct eqs_network *net, double *theta)
{
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t a = net->coupling[c].from, b = net->coupling[c].to;
        size_t rows = net->layer[a].units, columns = net->layer[b].units;
        double min = net->resistive->g_min[c], max = net->resistive->g_max[c];
        double *g = eqs_weights(net, theta, c);
        for (size_t i = 0; i < rows * columns; i++)
            g[i] = fmin(fmax(g[i], min), max);
        for (size_t i = 0; a == b && i < rows; i++)
            g[i * columns + i] = 0.0; /* a node has no resistor to itself */
    }
}
