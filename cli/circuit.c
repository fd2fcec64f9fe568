#include "cli/circuit.h"
#include "solver/nodal.h"

#include <string.h>

error_t cli_circuit_parse(int key, char *arg, cli_circuit *out)
{
    switch (key) {
    case CLI_KEY_SAMPLES:
        out->samples = arg;
        return 0;
    case CLI_KEY_PHASE:
        out->phase = arg;
        return 0;
    case CLI_KEY_LEVEL:
        out->level = arg;
        return 0;
    case CLI_KEY_ANALYSIS:
        out->analysis = arg;
        return 0;
    case CLI_KEY_FOLD:
        out->fold = 1;
        return 0;
    case CLI_KEY_FULL:
        out->fold = 0;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* A Hopfield network is drawn of ideal sources, a resistive one of devices. */
static eqs_status check_level(const cli_subject *subject, const cli_circuit *own)
{
    bool resistive = subject->setup->net->resistive != NULL;
    const char *wanted = resistive ? "device" : "behavioural";
    const char *level =
        own->level != NULL ? own->level : eqs_config_word("circuit.level", subject->config->circuit.level);
    if (strcmp(level, wanted) == 0 || strcmp(level, "auto") == 0)
        return EQS_OK;
    return eqs_fail(own->level != NULL ? EQS_USAGE : EQS_BAD_CONFIG,
                    "circuit.level: '%s' found; %s; allowed: auto, %s (in the configuration, or --level)",
                    level,
                    resistive ? "a resistive network is a circuit of devices"
                              : "a Hopfield network has no device-level circuit",
                    wanted);
}

eqs_status cli_circuit_options(const cli_subject *subject, const cli_circuit *own, bool fold_by_default,
                               eqs_circuit_options *out)
{
    const eqs_config_circuit *circuit = &subject->config->circuit;
    EQS_TRY(check_level(subject, own));
    *out = eqs_circuit_options_default();
    eqs_behavioural_options *o = &out->circuit;
    o->units = (eqs_circuit_units){circuit->capacitance, circuit->conductance, circuit->swing};
    o->reltol = circuit->reltol;
    o->vntol = circuit->vntol;
    o->abstol = circuit->abstol;
    o->fold = own->fold >= 0 ? own->fold == 1 : fold_by_default;
    if (strcmp(own->analysis, "op") == 0)
        o->analysis = EQS_ANALYSIS_OP;
    else if (strcmp(own->analysis, "tran") == 0)
        o->analysis = EQS_ANALYSIS_TRAN;
    else
        return eqs_fail(EQS_USAGE, "--analysis: '%s' found, allowed: op, tran", own->analysis);
    if (circuit->t_stop > 0.0)
        o->t_stop = circuit->t_stop;
    if (circuit->t_max_step > 0.0)
        o->t_max_step = circuit->t_max_step;
    out->amplifier = (eqs_device_amplifier){.open_loop = circuit->amplifier_open_loop,
                                            .bandwidth = circuit->amplifier_bandwidth,
                                            .offset = circuit->amplifier_offset,
                                            .resistance = circuit->amplifier_resistance};
    return EQS_OK;
}

eqs_phase cli_circuit_phase(const cli_subject *subject, const cli_samples *samples, double xi)
{
    eqs_phase phase = {.net = subject->setup->net,
                       .theta = subject->setup->theta,
                       .batch = samples->n,
                       .x = samples->x,
                       .target = samples->target};
    eqs_network_nudge(subject->setup->net, xi, phase.beta);
    return phase;
}

eqs_status cli_circuit_start(const cli_subject *subject, const cli_samples *samples, double xi,
                             eqs_state **out)
{
    const eqs_network *net = subject->setup->net;
    eqs_state *state;
    EQS_TRY(eqs_state_create(net, samples->n, &state));
    memcpy(state->s[0], samples->x, samples->n * net->layer[0].units * sizeof *samples->x);
    eqs_state_fill(net, state, 0.0);
    eqs_status status = EQS_OK;
    if (xi != 0.0) {
        eqs_phase phase = cli_circuit_phase(subject, samples, 0.0);
        eqs_relax_options relax = subject->setup->relax;
        relax.solver = "auto";
        relax.tolerance = net->resistive != NULL ? 1e-12 : 1e-10;
        eqs_relax_result result = {0};
        status = eqs_nodal_reachable(net, &phase, &relax.tolerance);
        if (status == EQS_OK)
            status = eqs_relax_run(subject->setup->energy, &phase, &relax, state, &result);
        if (status == EQS_OK && eqs_relax_unconverged(&result) > 0)
            status = eqs_fail(EQS_NOT_CONVERGED,
                              "the free phase, from which the nudged one starts, did not converge");
        eqs_relax_result_clear(&result);
    }
    if (status != EQS_OK) {
        eqs_state_destroy(state);
        return status;
    }
    *out = state;
    return EQS_OK;
}
