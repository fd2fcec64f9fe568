#include "models/network.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const form_names[] = {"gradient", "projected", "membrane"};

const char *eqs_form_name(eqs_form form)
{
    return (unsigned)form < 3 ? form_names[form] : "unknown";
}

eqs_status eqs_form_from_name(const char *name, eqs_form *out)
{
    for (unsigned form = 0; form < 3; form++) {
        if (strcmp(name, form_names[form]) == 0) {
            *out = (eqs_form)form;
            return EQS_OK;
        }
    }
    return eqs_fail(EQS_BAD_CONFIG, "dynamics form '%s' is unknown; allowed: gradient, projected, membrane",
                    name);
}

eqs_network_def eqs_network_def_default(void)
{
    return (eqs_network_def){
        .form = EQS_FORM_MEMBRANE, .beta = {INFINITY, 0.0, 0.0}, .delta = {0.0, 1.0, 0.0}};
}

size_t eqs_couplings_full(size_t n_layers, size_t (*out)[2])
{
    size_t n = 0;
    for (size_t a = 0; a < n_layers; a++) {
        for (size_t b = a; b < n_layers; b++) {
            if (b == 0)
                continue;
            out[n][0] = a;
            out[n][1] = b;
            n++;
        }
    }
    return n;
}

static eqs_status check_layers(const eqs_network_def *def)
{
    if (def->n_layers < 2)
        return eqs_fail(EQS_BAD_CONFIG,
                        "network.layers: %zu layers found, at least an input and an output needed",
                        def->n_layers);
    for (size_t k = 0; k < def->n_layers; k++) {
        if (def->units[k] == 0)
            return eqs_fail(EQS_BAD_CONFIG, "network.layers: layer %zu has no units", k);
        if (def->activation != NULL)
            EQS_TRY(eqs_activation_check(&def->activation[k]));
        if (def->tau != NULL && (!(def->tau[k] > 0.0) || !isfinite(def->tau[k])))
            return eqs_fail(EQS_BAD_CONFIG, "dynamics.tau: layer %zu has %g, a finite number > 0 is needed",
                            k, def->tau[k]);
        if (def->tau_unit == NULL || def->tau_unit[k] == NULL)
            continue;
        size_t units = def->resistive == NULL
                           ? def->units[k]
                           : eqs_resistive_units(def->resistive, def->n_layers, k, def->units[k]);
        for (size_t i = 0; i < units; i++) {
            if (!(def->tau_unit[k][i] > 0.0) || !isfinite(def->tau_unit[k][i]))
                return eqs_fail(EQS_BAD_CONFIG,
                                "dynamics.tau: unit %zu of layer %zu has %g, a finite number > 0 "
                                "is needed",
                                i, k, def->tau_unit[k][i]);
        }
    }
    return EQS_OK;
}

static eqs_status check_beta(const eqs_network_def *def)
{
    if (!(def->beta[EQS_BETA_X] > 0.0))
        return eqs_fail(EQS_BAD_CONFIG,
                        "network.beta[0]: %g found; the input clamp must be > 0 (.inf clamps)",
                        def->beta[EQS_BETA_X]);
    for (int i = 0; i < EQS_BETA_COUNT; i++) {
        if ((i != EQS_BETA_X && !isfinite(def->beta[i])) || !isfinite(def->delta[i]))
            return eqs_fail(EQS_BAD_CONFIG, "network.beta/delta: component %d is not finite", i);
    }
    if (def->delta[EQS_BETA_X] != 0.0 && isinf(def->beta[EQS_BETA_X]))
        return eqs_fail(EQS_BAD_CONFIG,
                        "network.delta[0]: %g found, but a clamped input (beta[0] = .inf) cannot be "
                        "nudged; allowed: 0",
                        def->delta[EQS_BETA_X]);
    if ((def->beta[EQS_BETA_THETA] != 0.0 || def->delta[EQS_BETA_THETA] != 0.0) &&
        def->regulariser == EQS_REGULARISER_NONE)
        return eqs_fail(EQS_BAD_CONFIG, "network.beta/delta: component 2 weighs the regulariser, but "
                                        "network.regulariser is none; allowed: l1, l2");
    return EQS_OK;
}

/* Fills the couplings: from <= to, each once, in the order given. */
static eqs_status fill_couplings(const eqs_network_def *def, eqs_network *net)
{
    size_t n = def->n_couplings == 0 ? def->n_layers - 1 : def->n_couplings;
    net->coupling = eqs_alloc(n, sizeof *net->coupling);
    if (net->coupling == NULL)
        return EQS_NO_MEMORY;
    net->n_couplings = n;
    for (size_t c = 0; c < n; c++) {
        size_t a = def->n_couplings == 0 ? c : def->couplings[c][0];
        size_t b = def->n_couplings == 0 ? c + 1 : def->couplings[c][1];
        if (a >= def->n_layers || b >= def->n_layers)
            return eqs_fail(EQS_BAD_CONFIG,
                            "network.couplings: [%zu, %zu] names a layer that does not exist; "
                            "layers are 0 to %zu",
                            a, b, def->n_layers - 1);
        if (a == 0 && b == 0)
            return eqs_fail(EQS_BAD_CONFIG,
                            "network.couplings: [0, 0] couples the input to itself, which has no "
                            "effect on a clamped layer");
        net->coupling[c].from = a < b ? a : b;
        net->coupling[c].to = a < b ? b : a;
        for (size_t e = 0; e < c; e++) {
            if (net->coupling[e].from == net->coupling[c].from && net->coupling[e].to == net->coupling[c].to)
                return eqs_fail(EQS_BAD_CONFIG, "network.couplings: [%zu, %zu] appears twice", a, b);
        }
    }
    for (size_t k = 0; k < def->n_layers; k++) {
        bool coupled = false;
        for (size_t c = 0; c < n; c++)
            coupled = coupled || net->coupling[c].from == k || net->coupling[c].to == k;
        if (!coupled)
            return eqs_fail(EQS_BAD_CONFIG, "network.couplings: layer %zu is coupled to nothing", k);
    }
    return EQS_OK;
}

static eqs_status fill_layers(const eqs_network_def *def, eqs_network *net)
{
    net->layer = eqs_alloc(def->n_layers, sizeof *net->layer);
    net->bias_offset = eqs_alloc(def->n_layers, sizeof *net->bias_offset);
    if (net->layer == NULL || net->bias_offset == NULL)
        return EQS_NO_MEMORY;
    net->n_layers = def->n_layers;
    for (size_t k = 0; k < def->n_layers; k++) {
        eqs_layer *layer = &net->layer[k];
        layer->units = def->resistive == NULL
                           ? def->units[k]
                           : eqs_resistive_units(def->resistive, def->n_layers, k, def->units[k]);
        layer->weight = 1.0;
        layer->activation = def->resistive != NULL    ? eqs_activation_default(EQS_LINEAR)
                            : def->activation != NULL ? def->activation[k]
                                                      : eqs_activation_default(EQS_HARD_SIGMOID);
        layer->tau = eqs_alloc(3 * layer->units, sizeof *layer->tau);
        if (layer->tau == NULL)
            return EQS_NO_MEMORY;
        layer->lo = layer->tau + layer->units;
        layer->hi = layer->lo + layer->units;
        for (size_t i = 0; i < layer->units; i++) {
            bool own = def->tau_unit != NULL && def->tau_unit[k] != NULL;
            layer->tau[i] = own ? def->tau_unit[k][i] : def->tau != NULL ? def->tau[k] : 1.0;
            layer->lo[i] = layer->activation.lo;
            layer->hi[i] = layer->activation.hi;
        }
        if (def->form == EQS_FORM_PROJECTED && !eqs_activation_is_clipped(&layer->activation))
            return eqs_fail(EQS_BAD_CONFIG,
                            "dynamics.form: projected needs a clipped-linear activation (hard-sigmoid, "
                            "piecewise-linear, relu, linear), layer %zu has %s",
                            k, eqs_activation_name(layer->activation.kind));
    }
    return EQS_OK;
}

/* Lays out theta: the couplings' matrices in order, then the biases of layers 1..L. */
static eqs_status lay_out_parameters(eqs_network *net)
{
    size_t offset = 0;
    for (size_t c = 0; c < net->n_couplings; c++) {
        eqs_coupling *coupling = &net->coupling[c];
        coupling->offset = offset;
        size_t size;
        if (__builtin_mul_overflow(net->layer[coupling->from].units, net->layer[coupling->to].units, &size) ||
            __builtin_add_overflow(offset, size, &offset))
            return eqs_fail(EQS_BAD_CONFIG, "network.layers: the number of synapses overflows");
    }
    for (size_t k = 1; k < net->n_layers; k++) {
        net->bias_offset[k] = offset;
        offset += net->layer[k].units;
    }
    net->n_parameters = offset;
    return EQS_OK;
}

static eqs_status build(const eqs_network_def *def, eqs_network *net)
{
    EQS_TRY(check_layers(def));
    EQS_TRY(check_beta(def));
    net->form = def->form;
    net->regulariser = def->regulariser;
    memcpy(net->beta, def->beta, sizeof net->beta);
    memcpy(net->delta, def->delta, sizeof net->delta);
    EQS_TRY(fill_layers(def, net));
    EQS_TRY(fill_couplings(def, net));
    EQS_TRY(lay_out_parameters(net));
    net->layered = net->n_couplings == net->n_layers - 1;
    for (size_t c = 0; c < net->n_couplings; c++)
        net->layered = net->layered && net->coupling[c].from == c && net->coupling[c].to == c + 1;
    net->n_inputs = def->units[0];
    net->n_outputs = def->units[net->n_layers - 1];
    return def->resistive == NULL ? EQS_OK : eqs_resistive_create(def->resistive, net);
}

eqs_status eqs_network_create(const eqs_network_def *def, eqs_network **out)
{
    eqs_network *net = eqs_alloc(1, sizeof *net);
    if (net == NULL)
        return EQS_NO_MEMORY;
    eqs_status status = build(def, net);
    if (status != EQS_OK) {
        eqs_network_destroy(net);
        return status;
    }
    *out = net;
    return EQS_OK;
}

void eqs_network_destroy(eqs_network *network)
{
    if (network == NULL)
        return;
    for (size_t k = 0; network->layer != NULL && k < network->n_layers; k++)
        eqs_free(network->layer[k].tau);
    eqs_resistive_destroy(network->resistive);
    eqs_free(network->layer);
    eqs_free(network->coupling);
    eqs_free(network->bias_offset);
    eqs_free(network);
}

size_t eqs_network_state_size(const eqs_network *net)
{
    size_t n = 0;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++)
        n += net->layer[k].units;
    return n;
}

void eqs_network_sources(const eqs_network *net, size_t n, const double *data, double *x)
{
    const eqs_resistive *r = net->resistive;
    size_t m = net->n_inputs;
    if (r == NULL) {
        memcpy(x, data, n * m * sizeof *x);
        return;
    }
    for (size_t b = 0; b < n; b++, data += m) {
        for (size_t i = 0; i < m; i++)
            *x++ = r->input_gain * data[i];
        for (size_t i = 0; r->doubled && i < m; i++)
            *x++ = -r->input_gain * data[i];
        if (r->bias_source != 0.0)
            *x++ = r->bias_source;
    }
}

void eqs_network_outputs(const eqs_network *net, size_t n, const double *s, double *y)
{
    bool pairs = net->resistive != NULL && net->resistive->differential;
    for (size_t i = 0; i < n * net->n_outputs; i++)
        y[i] = pairs ? s[2 * i] - s[2 * i + 1] : s[i];
}

void eqs_network_nudge(const eqs_network *net, double xi, double out[EQS_BETA_COUNT])
{
    for (int i = 0; i < EQS_BETA_COUNT; i++)
        out[i] = isinf(xi) ? net->beta[i] : net->beta[i] + xi * net->delta[i];
    if (isinf(xi))
        out[EQS_BETA_Y] = INFINITY;
}

void eqs_coupling_name(const eqs_network *net, size_t c, char *text, size_t size)
{
    size_t a = net->coupling[c].from, b = net->coupling[c].to;
    if (b == a + 1)
        snprintf(text, size, "W_%zu", b);
    else
        snprintf(text, size, "W_%zu_%zu", a, b);
}

void eqs_parameters_glorot(const eqs_network *net, uint64_t seed, const double *gain, double *theta)
{
    memset(theta, 0, net->n_parameters * sizeof *theta);
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t a = net->coupling[c].from, b = net->coupling[c].to;
        size_t rows = net->layer[a].units, columns = net->layer[b].units;
        double bound = (gain != NULL ? gain[c] : 1.0) * sqrt(6.0 / (double)(rows + columns));
        eqs_random stream = eqs_random_stream(seed, EQS_RANDOM_WEIGHTS, (uint32_t)c, 0);
        double *W = eqs_weights(net, theta, c);
        for (size_t i = 0; i < rows * columns; i++)
            W[i] = bound * (2.0 * eqs_random_uniform(&stream, i) - 1.0);
        if (a != b)
            continue;
        /* lateral: symmetric, no self-coupling (paper 001 Eq. 34 sums over i != j) */
        for (size_t i = 0; i < rows; i++) {
            W[i * columns + i] = 0.0;
            for (size_t j = 0; j < i; j++)
                W[i * columns + j] = W[j * columns + i];
        }
    }
}
