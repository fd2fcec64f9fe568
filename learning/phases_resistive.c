/* Phases of layered resistive networks by their fast engine (solver/resistive_engine.h). */
#include "learning/phases_resistive.h"

#include "base/memory.h"
#include "base/ranks.h"
#include "solver/resistive_engine.h"

#include <math.h>
#include <string.h>

typedef struct resistive_phases {
    eqs_phases base;
    eqs_resistive_engine *engine;
    const eqs_network *net;
    eqs_phases_options options;
    size_t n; /* samples loaded */
} resistive_phases;

static const resistive_phases *view(const eqs_phases *phases)
{
    return (const resistive_phases *)phases;
}

static void destroy(eqs_phases *phases)
{
    eqs_resistive_engine_destroy(view(phases)->engine);
    eqs_free(phases);
}

static void set_parameters(eqs_phases *phases, const double *theta)
{
    eqs_resistive_engine_set_parameters(view(phases)->engine, theta);
}

static void get_parameters(const eqs_phases *phases, double *theta)
{
    eqs_resistive_engine_get_parameters(view(phases)->engine, theta);
}

static size_t state_bytes(const eqs_phases *phases)
{
    return eqs_resistive_engine_state_bytes(view(phases)->engine);
}

static void load(eqs_phases *phases, size_t n, const double *x, const double *target)
{
    ((resistive_phases *)phases)->n = n;
    eqs_resistive_engine_load(view(phases)->engine, n, x, target);
}

static void reset(eqs_phases *phases)
{
    eqs_resistive_engine_reset(view(phases)->engine);
}

static void put_state(eqs_phases *phases, size_t row, const void *state)
{
    eqs_resistive_engine_put_state(view(phases)->engine, row, state);
}

static void take_state(const eqs_phases *phases, size_t row, void *state)
{
    eqs_resistive_engine_take_state(view(phases)->engine, row, state);
}

static eqs_phase_outcome summed(const resistive_phases *p, const eqs_resistive_outcome *outcome)
{
    return (eqs_phase_outcome){.max_residual = outcome->residual,
                               .sweeps = outcome->sweeps * (double)p->n,
                               .residual_response = outcome->relative, /* voltage change left / response */
                               .unconverged = outcome->unconverged};
}

static eqs_status relax_nudged(eqs_phases *phases, size_t n, const double (*beta)[EQS_BETA_COUNT],
                               eqs_phase_outcome *outcome)
{
    const resistive_phases *p = view(phases);
    double strength[EQS_RESISTIVE_NUDGED] = {0};
    eqs_resistive_outcome result[EQS_RESISTIVE_NUDGED];
    if (n > EQS_RESISTIVE_NUDGED)
        return eqs_fail(EQS_BAD_CONFIG,
                        "learning.nudge: %zu nudged phases; the batch engine of resistive networks has room "
                        "for %d (allowed: fixed, random-sign, centred; or learning.engine: ode)",
                        n, EQS_RESISTIVE_NUDGED);
    for (size_t t = 0; t < n; t++) {
        strength[t] = beta[t][EQS_BETA_Y];
        if (!isfinite(strength[t]))
            return eqs_fail(EQS_BAD_CONFIG,
                            "learning.rule: clamped outputs are not for the batch engine of resistive "
                            "networks (allowed: eqprop)");
    }
    EQS_TRY(eqs_resistive_engine_relax_nudged(p->engine, n, strength, p->options.relax.response_tolerance,
                                              p->options.relax.max_steps, result));
    for (size_t t = 0; t < n; t++)
        outcome[t] = summed(p, &result[t]);
    return EQS_OK;
}

static eqs_status relax(eqs_phases *phases, size_t slot, const double beta[EQS_BETA_COUNT],
                        eqs_phase_outcome *outcome)
{
    const resistive_phases *p = view(phases);
    if (slot > 1)
        return eqs_fail(EQS_INTERNAL, "nudged phases of resistive networks are relaxed together");
    if (slot == 1)
        return relax_nudged(phases, 1, (const double(*)[EQS_BETA_COUNT])beta, outcome);
    eqs_resistive_outcome result;
    eqs_resistive_engine_relax_free(p->engine, p->options.relax.tolerance, p->options.relax.max_steps,
                                    &result);
    *outcome = summed(p, &result);
    return EQS_OK;
}

static void update(eqs_phases *phases, const double *rate, const double *coefficient, double decay,
                   double *change, double *norm)
{
    (void)decay; /* of a regulariser, which the engine refuses */
    eqs_resistive_engine_update(view(phases)->engine, rate, coefficient, change, norm);
}

static void output(const eqs_phases *phases, size_t slot, double *y)
{
    eqs_resistive_engine_output(view(phases)->engine, slot, y);
}

static void energy_of(const eqs_phases *phases, size_t slot, double *F)
{
    eqs_resistive_engine_energy(view(phases)->engine, slot, F);
}

static void states(const eqs_phases *phases, size_t slot, eqs_state *out)
{
    const resistive_phases *p = view(phases);
    for (size_t k = 1; k < p->net->n_layers; k++)
        eqs_resistive_engine_voltages(p->engine, slot, k, out->s[k]);
}

static const eqs_phases_ops ops = {
    .destroy = destroy,
    .set_parameters = set_parameters,
    .get_parameters = get_parameters,
    .state_bytes = state_bytes,
    .load = load,
    .reset = reset,
    .put_state = put_state,
    .take_state = take_state,
    .relax = relax,
    .relax_nudged = relax_nudged,
    .update = update,
    .output = output,
    .energy = energy_of,
    .states = states,
};

/* What the engine cannot honour is refused. */
static eqs_status check(const eqs_phases_options *options)
{
    const char *solver = options->relax.solver;
    if (strcmp(solver, "auto") != 0 && strcmp(solver, "sweep") != 0)
        return eqs_fail(EQS_BAD_CONFIG,
                        "relaxation.solver: the batch engine of resistive networks solves layers exactly in "
                        "turn; '%s' is for learning.engine: ode (allowed here: auto, sweep)",
                        solver);
    if (options->free_iterations > 0 || options->nudged_iterations > 0)
        return eqs_fail(EQS_BAD_CONFIG,
                        "relaxation.free_iterations/nudged_iterations: a fixed number of Euler iterations is "
                        "not for the batch engine of resistive networks (allowed: 0)");
    if (options->nudged_tolerance > 0.0)
        return eqs_fail(EQS_BAD_CONFIG,
                        "relaxation.nudged_tolerance: nudged phases of resistive networks end by "
                        "relaxation.response_tolerance (allowed: 0)");
    if (options->nudged_relative > 0.0)
        return eqs_fail(EQS_BAD_CONFIG,
                        "relaxation.nudged_relative: nudged phases of resistive networks end by "
                        "relaxation.response_tolerance (allowed: 0)");
    if (eqs_ranks() > 1)
        return eqs_fail(EQS_BAD_CONFIG, "the batch engine of resistive networks runs on one rank; use "
                                        "--threads (or learning.engine: ode)");
    return EQS_OK;
}

eqs_status eqs_phases_create_resistive(const eqs_energy *energy, const eqs_phases_options *options,
                                       eqs_phases **out)
{
    EQS_TRY(check(options));
    resistive_phases *p = eqs_alloc(1, sizeof *p);
    if (p == NULL)
        return EQS_NO_MEMORY;
    p->base = (eqs_phases){&ops, options->batch};
    p->options = *options;
    p->net = energy->net;
    eqs_resistive_options engine = {
        .precision = options->precision, .batch = options->batch, .threads = options->threads};
    eqs_status status = eqs_resistive_engine_create(energy->net, &engine, &p->engine);
    if (status != EQS_OK) {
        destroy(&p->base);
        return eqs_fail_context(status, "learning.engine: batch (allowed for such a network: ode)");
    }
    *out = &p->base;
    return EQS_OK;
}
