#include "learning/setup.h"

#include "base/memory.h"
#include "base/random.h"
#include "learning/cosimulation.h"
#include "learning/run_file.h"
#include "learning/setup_resistive.h"
#include "store/csv.h"

#include <math.h>
#include <string.h>

/* Activations of layers 0..L into `out` [n_layers]. A clamped input passes its data on as it is. */
static eqs_status read_activations(const eqs_config *config, eqs_activation *out)
{
    const eqs_config_network *network = &config->network;
    size_t n_layers = network->layers.n, L = n_layers - 1, n = network->activation.n;
    if (n != 1 && n != L)
        return eqs_config_fail(config, "network.activation",
                               "found %zu names, allowed: 1, or one for each of the "
                               "%zu layers above the input",
                               n, L);
    for (size_t k = 1; k < n_layers; k++) {
        eqs_status status = eqs_activation_from_name(network->activation.v[n == 1 ? 0 : k - 1], &out[k]);
        if (status == EQS_OK) {
            if (out[k].kind == EQS_PIECEWISE_LINEAR) {
                out[k].lo = out[k].offset = network->thresholds.v[0];
                out[k].hi = network->thresholds.v[1];
            } else if (!eqs_activation_is_clipped(&out[k])) {
                out[k].slope = network->slope;
                out[k].shift = network->shift;
            }
            status = eqs_activation_check(&out[k]);
        }
        if (status != EQS_OK)
            return eqs_config_fail(config, "network.activation", "%s", eqs_error_message());
    }
    out[0] = isinf(network->beta.v[EQS_BETA_X]) ? eqs_activation_default(EQS_LINEAR) : out[1];
    return EQS_OK;
}

/* Time constants from a CSV file of one row per layer 0..L or 1..L. */
static eqs_status read_tau_file(const eqs_config *config, const size_t *units, double **rows)
{
    const char *path = config->dynamics.tau_file;
    size_t n_layers = config->network.layers.n, n_rows, *length;
    double *value;
    EQS_TRY(eqs_csv_read_rows(path, &n_rows, &length, &value));
    eqs_status status = EQS_OK;
    if (n_rows != n_layers && n_rows != n_layers - 1)
        status = eqs_fail(EQS_BAD_CONFIG,
                          "%s: found %zu rows, allowed: %zu (layers 1 to L) or %zu (layers 0 to L)", path,
                          n_rows, n_layers - 1, n_layers);
    size_t first = n_rows == n_layers ? 0 : 1;
    const double *next = value;
    for (size_t k = first; status == EQS_OK && k < n_layers; k++) {
        size_t n = length[k - first];
        if (n != units[k])
            status = eqs_fail(EQS_BAD_CONFIG, "%s: row %zu has %zu values, but layer %zu has %zu units", path,
                              k - first + 1, n, k, units[k]);
        else
            memcpy(rows[k], next, n * sizeof *next);
        next += n;
    }
    eqs_free(length);
    eqs_free(value);
    return status;
}

/* Time constants of every unit, rows[k] [n_k]: dynamics.tau per layer (1, L or L + 1 values), spread
 * log-uniformly over [tau / spread, tau], or read from dynamics.tau_file. */
static eqs_status read_time_constants(const eqs_config *config, const size_t *units, double **rows)
{
    const eqs_config_dynamics *dynamics = &config->dynamics;
    size_t n_layers = config->network.layers.n, n = dynamics->tau.n;
    if (n != 1 && n != n_layers - 1 && n != n_layers)
        return eqs_config_fail(config, "dynamics.tau",
                               "found %zu values, allowed: 1, %zu (layers 1 to L) or %zu "
                               "(layers 0 to L)",
                               n, n_layers - 1, n_layers);
    for (size_t k = 0; k < n_layers; k++) {
        rows[k] = eqs_alloc(units[k], sizeof **rows);
        if (rows[k] == NULL)
            return EQS_NO_MEMORY;
        size_t entry = n == 1 || k == 0 ? 0 : n == n_layers ? k : k - 1;
        eqs_random stream = eqs_random_stream(config->seed, EQS_RANDOM_TAU, (uint32_t)k, 0);
        for (size_t i = 0; i < units[k]; i++) {
            double share = eqs_random_uniform(&stream, i);
            rows[k][i] = dynamics->tau.v[entry] *
                         (dynamics->tau_spread == 1.0 ? 1.0 : pow(dynamics->tau_spread, -share));
        }
    }
    return dynamics->tau_file[0] == '\0' ? EQS_OK : read_tau_file(config, units, rows);
}

static eqs_status build_network(const eqs_config *config, eqs_setup *setup)
{
    const eqs_config_network *network = &config->network;
    size_t n_layers = network->layers.n;
    eqs_activation *activation = eqs_alloc(n_layers, sizeof *activation);
    double **tau = eqs_alloc(n_layers, sizeof *tau);
    size_t *units = eqs_alloc(n_layers, sizeof *units);
    eqs_resistive_def resistive;
    double *block = NULL;
    size_t(*pairs)[2] = eqs_alloc(n_layers * (n_layers + 1) / 2, sizeof *pairs);
    bool is_resistive = network->model == EQS_MODEL_RESISTIVE;
    eqs_status status =
        activation == NULL || tau == NULL || pairs == NULL || units == NULL ? EQS_NO_MEMORY : EQS_OK;
    if (status == EQS_OK)
        status = is_resistive ? eqs_setup_resistive(config, &resistive, &block)
                              : read_activations(config, activation);
    for (size_t k = 0; status == EQS_OK && k < n_layers; k++)
        units[k] = is_resistive ? eqs_resistive_units(&resistive, n_layers, k, network->layers.v[k])
                                : network->layers.v[k];
    if (status == EQS_OK)
        status = read_time_constants(config, units, tau);
    if (status == EQS_OK) {
        eqs_network_def def = eqs_network_def_default();
        def.n_layers = n_layers;
        def.units = network->layers.v;
        def.activation = is_resistive ? NULL : activation;
        def.resistive = is_resistive ? &resistive : NULL;
        def.form = (eqs_form)config->dynamics.form;
        def.tau_unit = (const double *const *)tau;
        def.regulariser = (eqs_regulariser)network->regulariser;
        memcpy(def.beta, network->beta.v, sizeof def.beta);
        memcpy(def.delta, network->delta.v, sizeof def.delta);
        if (network->couplings.layout == EQS_COUPLINGS_LIST) {
            def.couplings = (const size_t(*)[2])network->couplings.pair;
            def.n_couplings = network->couplings.n;
        } else if (network->couplings.layout == EQS_COUPLINGS_FULL) {
            def.n_couplings = eqs_couplings_full(n_layers, pairs);
            def.couplings = (const size_t(*)[2])pairs;
        }
        status = eqs_network_create(&def, &setup->net);
        if (status == EQS_BAD_CONFIG)
            eqs_fail_context(status, "%s", eqs_config_name(config));
    }
    for (size_t k = 0; tau != NULL && k < n_layers; k++)
        eqs_free(tau[k]);
    eqs_free(tau);
    eqs_free(activation);
    eqs_free(units);
    eqs_free(block);
    eqs_free(pairs);
    return status;
}

static eqs_status fill_parameters(const eqs_config *config, const char *file, eqs_setup *setup)
{
    size_t n = setup->net->n_couplings;
    setup->theta = eqs_alloc(setup->net->n_parameters, sizeof *setup->theta);
    double *gain = eqs_alloc(n, sizeof *gain);
    eqs_status status = setup->theta == NULL || gain == NULL ? EQS_NO_MEMORY : EQS_OK;
    if (status == EQS_OK)
        status = eqs_config_expand(config, "network.gain", &config->network.gain, 1.0, n, "couplings", gain);
    if (file == NULL && config->network.init == EQS_INIT_FILE)
        file = config->network.init_file;
    if (status == EQS_OK && file == NULL && config->network.init == EQS_INIT_UNIFORM_CLIPPED)
        eqs_resistive_init(setup->net, config->seed, gain, setup->theta);
    else if (status == EQS_OK && file == NULL)
        eqs_parameters_glorot(setup->net, config->seed, gain, setup->theta);
    else if (status == EQS_OK)
        status = eqs_run_load_parameters(file, setup->net, setup->theta);
    if (status == EQS_OK && setup->net->resistive != NULL)
        status = eqs_setup_conductances(config, setup->net, file != NULL, setup->theta);
    eqs_free(gain);
    return status;
}

/* Rates of all blocks: couplings, then biases; a bias learns as the first coupling that leads up to its
 * layer. */
static eqs_status learning_rates(const eqs_config *config, eqs_setup *setup)
{
    const eqs_network *net = setup->net;
    size_t n = net->n_couplings, L = net->n_layers - 1;
    setup->rate = eqs_alloc(n + L, sizeof *setup->rate);
    if (setup->rate == NULL)
        return EQS_NO_MEMORY;
    EQS_TRY(eqs_config_expand(config, "learning.rates", &config->learning.rates, 0.0, n, "couplings",
                              setup->rate));
    if (config->learning.bias_rates.n > 0)
        return eqs_config_expand(config, "learning.bias_rates", &config->learning.bias_rates, 0.0, L,
                                 "layers 1 to L", setup->rate + n);
    for (size_t k = 1; k <= L; k++) {
        size_t c = 0;
        while (c + 1 < n && net->coupling[c].to != k)
            c++;
        setup->rate[n + k - 1] = setup->rate[c];
    }
    return EQS_OK;
}

static void relax_options(const eqs_config *config, eqs_setup *setup)
{
    const eqs_config_relaxation *r = &config->relaxation;
    setup->relax = eqs_relax_options_default();
    setup->relax.solver = r->solver;
    setup->relax.tolerance = r->tolerance;
    setup->relax.response_tolerance = r->response_tolerance;
    setup->relax.t_max = r->t_max;
    setup->relax.max_steps = r->max_steps;
    setup->relax.step = r->step;
    setup->relax.rtol = r->rtol;
    setup->relax.atol = r->atol;
    setup->relax.max_step = r->max_step;
    setup->relax.linear_solver = (eqs_linear_solver)r->linear_solver;
    setup->relax.preconditioner = (eqs_preconditioner)r->preconditioner;
}

static eqs_status build(const eqs_config *config, const char *parameters, eqs_setup *setup)
{
    setup->config = config;
    EQS_TRY(eqs_config_check(config));
    EQS_TRY(eqs_setup_check_model(config));
    EQS_TRY(build_network(config, setup));
    EQS_TRY(eqs_energy_create(setup->net, &setup->energy));
    EQS_TRY(fill_parameters(config, parameters, setup));
    EQS_TRY(learning_rates(config, setup));
    relax_options(config, setup);
    if (config->learning.engine != EQS_ENGINE_COSIMULATION)
        return EQS_OK;
    if (strcmp(eqs_config_word("learning.rule", config->learning.rule), "eqprop") != 0)
        return eqs_config_fail(config, "learning.rule",
                               "found %s; co-simulation trains by eqprop (learning.engine)",
                               eqs_config_word("learning.rule", config->learning.rule));
    if (strcmp(config->relaxation.solver, "auto") != 0)
        return eqs_config_fail(config, "relaxation.solver",
                               "found %s; co-simulation has its own (learning.engine); allowed: auto",
                               config->relaxation.solver);
    setup->cosimulation = eqs_alloc(1, sizeof *setup->cosimulation);
    return setup->cosimulation == NULL ? EQS_NO_MEMORY
                                       : eqs_cosimulation_open(config, setup->net, setup->cosimulation);
}

eqs_status eqs_setup_create(const eqs_config *config, const char *parameters, eqs_setup **out)
{
    eqs_setup *setup = eqs_alloc(1, sizeof *setup);
    if (setup == NULL)
        return EQS_NO_MEMORY;
    eqs_status status = build(config, parameters, setup);
    if (status != EQS_OK) {
        eqs_setup_destroy(setup);
        return status;
    }
    *out = setup;
    return EQS_OK;
}

void eqs_setup_destroy(eqs_setup *setup)
{
    if (setup == NULL)
        return;
    if (setup->cosimulation != NULL)
        eqs_cosimulation_clear(setup->cosimulation);
    eqs_free(setup->cosimulation);
    eqs_energy_destroy(setup->energy);
    eqs_network_destroy(setup->net);
    eqs_free(setup->theta);
    eqs_free(setup->rate);
    eqs_free(setup);
}

static const eqs_rule *rule_of(const eqs_config *config)
{
    return eqs_rule_find(eqs_config_word("learning.rule", config->learning.rule));
}

/* The rule can honour every option given. */
static eqs_status check_rule(const eqs_config *config)
{
    const eqs_rule *rule = rule_of(config);
    const eqs_config_relaxation *relaxation = &config->relaxation;
    if (rule == NULL)
        return eqs_config_fail(config, "learning.rule", "is not a learning rule of this build");
    if (config->network.model == EQS_MODEL_RESISTIVE && rule != &eqs_rule_eqprop && rule != &eqs_rule_exact)
        return eqs_config_fail(config, "learning.rule",
                               "found %s; with network.model: resistive allowed: eqprop, exact", rule->name);
    if (rule->nudges != (config->learning.nudge != EQS_NUDGE_NONE))
        return eqs_config_fail(config, "learning.nudge", "found %s; rule %s %s (allowed: %s)",
                               eqs_config_word("learning.nudge", config->learning.nudge), rule->name,
                               rule->nudges ? "nudges the outputs" : "has no nudge",
                               rule->nudges ? "fixed, random-sign, centred, higher-order" : "none");
    if (relaxation->nudged_iterations > 0 && !rule->iterates)
        return eqs_config_fail(config, "relaxation.nudged_iterations",
                               "found %zu; the second phase of rule %s is not a number of iterations "
                               "(allowed: 0)",
                               relaxation->nudged_iterations, rule->name);
    if (relaxation->nudged_tolerance > 0.0 && !rule->tolerates)
        return eqs_config_fail(config, "relaxation.nudged_tolerance",
                               "found %g; the second phase of rule %s ends on no tolerance (allowed: 0)",
                               relaxation->nudged_tolerance, rule->name);
    bool measured =
        config->learning.engine == EQS_ENGINE_NGSPICE || config->learning.engine == EQS_ENGINE_TRANSIENT;
    if (relaxation->nudged_relative > 0.0 && (measured || rule->gradient != NULL || rule->truncates ||
                                              !rule->tolerates || relaxation->nudged_iterations > 0))
        return eqs_config_fail(config, "relaxation.nudged_relative",
                               "found %g; only nudged phases that end on a tolerance have one (rule eqprop, "
                               "nudged_iterations 0, engine batch or ode; allowed here: 0)",
                               relaxation->nudged_relative);
    return EQS_OK;
}

/* Iterations of truncated nudged phases: as given, or N/epsilon (paper 001 sec. 5.1), N the layers above the
 * input. */
static size_t nudged_iterations(const eqs_config *config, const eqs_rule *rule)
{
    size_t given = config->relaxation.nudged_iterations, N = config->network.layers.n - 1;
    return given > 0 || !rule->truncates ? given : (size_t)ceil((double)N / config->relaxation.step);
}

/* What training asks for and evaluation does not. */
static eqs_status check_training(const eqs_setup *setup)
{
    const eqs_config *config = setup->config;
    const eqs_config_learning *learning = &config->learning;
    if (config->relaxation.start != EQS_START_ZERO)
        return eqs_config_fail(config, "relaxation.start",
                               "found random; training starts a sample at its last free "
                               "state or at 0 (allowed: zero)");
    if (learning->rates.n == 0)
        return eqs_config_fail(config, "learning.rates",
                               "found no value; training needs one, or one per coupling");
    EQS_TRY(check_rule(config));
    bool measured = learning->engine == EQS_ENGINE_NGSPICE || learning->engine == EQS_ENGINE_TRANSIENT;
    if (measured && learning->persistent)
        return eqs_config_fail(
            config, "learning.persistent",
            "found true; learning.engine %s measures every phase from its circuit's own start "
            "(allowed: false)",
            eqs_config_word("learning.engine", learning->engine));
    if (setup->net->resistive != NULL)
        return eqs_resistive_check_nudge(setup->net, setup->theta,
                                         learning->nudge != EQS_NUDGE_FIXED ? -fabs(learning->beta)
                                                                            : learning->beta);
    double leak = 1.0 - fabs(learning->beta * setup->net->delta[EQS_BETA_Y]);
    const eqs_rule *rule = rule_of(config);
    bool negative = rule->nudges && (learning->nudge != EQS_NUDGE_FIXED || learning->beta < 0.0);
    bool certified = config->relaxation.nudged_iterations == 0 && !rule->truncates;
    if (negative && certified && leak <= 0.0 && !eqs_state_is_rate(setup->net, setup->net->n_layers - 1))
        return eqs_config_fail(config, "learning.beta",
                               "found %g with nudge %s; a phase at -%g has no equilibrium "
                               "(1 + beta must be > 0 with the cost 1/2 |y - target|^2); "
                               "allowed: |beta| < 1, or euler with nudged_iterations",
                               learning->beta, eqs_config_word("learning.nudge", learning->nudge),
                               fabs(learning->beta));
    return EQS_OK;
}

static eqs_phases_circuit_options circuit_options(const eqs_config *config)
{
    const eqs_config_circuit *c = &config->circuit;
    return (eqs_phases_circuit_options){.workers = c->workers,
                                        .chunk = c->chunk,
                                        .timeout = c->timeout,
                                        .capacitance = c->capacitance,
                                        .t_stop = c->t_stop,
                                        .t_max_step = c->t_max_step,
                                        .reltol = c->reltol,
                                        .vntol = c->vntol,
                                        .abstol = c->abstol,
                                        .amplifier = {.open_loop = c->amplifier_open_loop,
                                                      .bandwidth = c->amplifier_bandwidth,
                                                      .offset = c->amplifier_offset,
                                                      .resistance = c->amplifier_resistance}};
}

eqs_status eqs_setup_evaluation_options(const eqs_setup *setup, int threads, eqs_train_options *out)
{
    const eqs_config *config = setup->config;
    const eqs_config_learning *learning = &config->learning;
    const eqs_rule *rule = rule_of(config);
    if (rule == NULL)
        return eqs_config_fail(config, "learning.rule", "is not a learning rule of this build");
    *out = (eqs_train_options){
        .rule = rule,
        .nudge = learning->nudge,
        .beta = learning->beta,
        .rate = setup->rate,
        .rate_decay = learning->rate_decay,
        .batch = learning->batch,
        .seed = config->seed,
        .persistent = learning->persistent,
        .shuffle = learning->shuffle,
        .check_attractor = config->relaxation.check_attractor,
        .phases =
            {
                .backend = eqs_config_word("learning.engine", learning->engine),
                .cosimulation = setup->cosimulation,
                .precision = (eqs_precision)config->relaxation.precision,
                .batch = learning->batch,
                .threads = threads,
                .relax = setup->relax,
                .nudged_tolerance = config->relaxation.nudged_tolerance,
                .nudged_relative = config->relaxation.nudged_relative,
                .free_iterations = config->relaxation.free_iterations,
                .nudged_iterations = nudged_iterations(config, rule),
                .circuit = circuit_options(config),
                .truncated = rule->truncates || rule->gradient != NULL, /* which has no nudged phase here */
            },
    };
    return EQS_OK;
}

eqs_status eqs_setup_train_options(const eqs_setup *setup, int threads, eqs_train_options *out)
{
    EQS_TRY(check_training(setup));
    return eqs_setup_evaluation_options(setup, threads, out);
}
