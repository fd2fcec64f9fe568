#include "learning/setup_resistive.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

static const char *const resistive_only[] = {
    "network.input_gain", "network.bias_source",  "network.doubled",     "network.differential",
    "network.diode",      "network.diode_layout", "network.diode_bias",  "network.diode_is",
    "network.diode_n",    "network.diode_gmin",   "network.temperature", "network.amplifier",
    "network.back_gain",  "network.g_min",        "network.g_max",       "relaxation.response_tolerance",
    "network.density",    "learning.cost",        "learning.nudge_form",
};

static const char *const hopfield_only[] = {
    "network.activation", "network.slope",       "network.shift",
    "network.thresholds", "network.regulariser", "circuit.swing",
};

typedef struct search {
    const eqs_config *config;
    const char *const *name;
    size_t n;
    const char *model;
} search;

static eqs_status refuse(const eqs_config_entry *entry, void *user)
{
    const search *s = user;
    for (size_t i = 0; !entry->is_default && i < s->n; i++) {
        if (strcmp(entry->name, s->name[i]) == 0)
            return eqs_config_fail(
                s->config, entry->name,
                "found %s; it has no meaning with network.model: %s (allowed: the default)", entry->value,
                s->model);
    }
    return EQS_OK;
}

eqs_status eqs_setup_check_model(const eqs_config *config)
{
    bool resistive = config->network.model == EQS_MODEL_RESISTIVE;
    search s = {config, resistive_only, sizeof resistive_only / sizeof *resistive_only, "hopfield"};
    if (resistive)
        s = (search){config, hopfield_only, sizeof hopfield_only / sizeof *hopfield_only, "resistive"};
    EQS_TRY(eqs_config_foreach(config, refuse, &s));
    if (resistive && config->dynamics.form == EQS_FORM_GRADIENT && config->network.diode == EQS_DIODE_IDEAL)
        return eqs_config_fail(
            config, "dynamics.form",
            "found gradient; with ideal diodes allowed: projected (the flow between events), "
            "membrane");
    if (config->network.density.n > 0 && config->network.init != EQS_INIT_UNIFORM_CLIPPED)
        return eqs_config_fail(
            config, "network.density",
            "is about starting conductances of network.init: uniform-clipped (allowed with "
            "another init: [])");
    if (!resistive && config->network.init == EQS_INIT_UNIFORM_CLIPPED)
        return eqs_config_fail(config, "network.init",
                               "found uniform-clipped, which is about conductances; allowed with "
                               "network.model: hopfield: glorot-uniform, file");
    return EQS_OK;
}

eqs_status eqs_setup_resistive(const eqs_config *config, eqs_resistive_def *def, double **block)
{
    const eqs_config_network *network = &config->network;
    size_t n = eqs_config_n_couplings(config), hidden = network->layers.n - 2;
    double *g_min = eqs_alloc(2 * n + hidden, sizeof *g_min);
    *block = g_min;
    if (g_min == NULL)
        return EQS_NO_MEMORY;
    double *g_max = g_min + n, *gain = g_max + n;
    EQS_TRY(eqs_config_expand(config, "network.g_min", &network->g_min, 0.0, n, "couplings", g_min));
    EQS_TRY(eqs_config_expand(config, "network.g_max", &network->g_max, INFINITY, n, "couplings", g_max));
    if (hidden > 0)
        EQS_TRY(eqs_config_expand(config, "network.amplifier", &network->amplifier, 1.0, hidden,
                                  "hidden layers", gain));
    *def = (eqs_resistive_def){
        .siemens = config->circuit.conductance,
        .input_gain = network->input_gain,
        .doubled = network->doubled,
        .bias_source = network->bias_source,
        .differential = network->differential,
        .diode = (eqs_diode_law)network->diode,
        .layout = (eqs_diode_layout)network->diode_layout,
        .diode_bias = {network->diode_bias.v[0], network->diode_bias.v[1]},
        .is = network->diode_is,
        .n = network->diode_n,
        .kelvin = network->temperature,
        .gmin = network->diode_gmin,
        .amplifier = gain,
        .back_gain = (eqs_back_gain)network->back_gain,
        .cost = (eqs_cost)config->learning.cost,
        .nudge = (eqs_nudge_form)config->learning.nudge_form,
        .g_min = g_min,
        .g_max = g_max,
    };
    return EQS_OK;
}

eqs_status eqs_setup_conductances(const eqs_config *config, const eqs_network *net, bool from_file,
                                  double *theta)
{
    for (size_t c = 0; from_file && c < net->n_couplings; c++) {
        const eqs_coupling *coupling = &net->coupling[c];
        size_t n = net->layer[coupling->from].units * net->layer[coupling->to].units;
        double min = net->resistive->g_min[c], max = net->resistive->g_max[c];
        const double *g = eqs_weights_const(net, theta, c);
        for (size_t i = 0; i < n; i++) {
            bool diagonal = coupling->from == coupling->to &&
                            i % net->layer[coupling->to].units == i / net->layer[coupling->to].units;
            if (!diagonal && !(g[i] >= min && g[i] <= max))
                return eqs_config_fail(config, "network.g_min",
                                       "conductance %zu of coupling %zu in the file is %g; allowed: %g to %g",
                                       i, c, g[i], min, max);
        }
    }
    if (from_file || config->network.density.n == 0) {
        if (!from_file)
            eqs_resistive_clip(net, theta);
        return EQS_OK;
    }
    double *density = eqs_alloc(net->n_couplings, sizeof *density);
    if (density == NULL)
        return EQS_NO_MEMORY;
    eqs_status status = eqs_config_expand(config, "network.density", &config->network.density, 1.0,
                                          net->n_couplings, "couplings", density);
    if (status == EQS_OK)
        eqs_resistive_thin(net, config->seed, density, theta);
    eqs_free(density);
    return status;
}
