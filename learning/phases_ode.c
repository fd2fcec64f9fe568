/* Phases by any solver of solver/relax.h in double precision: CVODE first of all, the reference path; or by
 * ngspice, which then takes the solver's place (phases_circuit.h). */
#include "learning/phases.h"

#include "learning/cosimulation.h"
#include "netlists/cosim_steady.h"

#include "base/memory.h"
#include "base/ranks.h"
#include "learning/phases_circuit.h"
#include "learning/rule_step.h"
#include "solver/attractor.h"

#include <math.h>
#include <string.h>

typedef struct ode_phases {
    eqs_phases base;
    const eqs_energy *energy;
    eqs_phases_options options;
    eqs_phases_circuit *circuit; /* NULL: a solver computes */
    size_t n, n_state;
    double *theta, *grad;
    double *x, *target;
    double *response;   /* [batch] of the last phase */
    uint8_t *elsewhere; /* [batch] */
    eqs_state *slot[EQS_ENGINE_SLOTS], *rate;
    eqs_cosim_steady *steady;                      /* backend "cosimulation", else NULL */
    double beta[EQS_ENGINE_SLOTS][EQS_BETA_COUNT]; /* of each slot's last phase */
} ode_phases;

static ode_phases *self(eqs_phases *phases)
{
    return (ode_phases *)phases;
}

static const ode_phases *view(const eqs_phases *phases)
{
    return (const ode_phases *)phases;
}

static void destroy(eqs_phases *phases)
{
    ode_phases *p = self(phases);
    for (size_t i = 0; i < EQS_ENGINE_SLOTS; i++)
        eqs_state_destroy(p->slot[i]);
    eqs_state_destroy(p->rate);
    eqs_phases_circuit_destroy(p->circuit);
    eqs_cosim_steady_destroy(p->steady);
    eqs_free(p->theta);
    eqs_free(p->grad);
    eqs_free(p->x);
    eqs_free(p->target);
    eqs_free(p->response);
    eqs_free(p->elsewhere);
    eqs_free(p);
}

static void set_parameters(eqs_phases *phases, const double *theta)
{
    memcpy(self(phases)->theta, theta, view(phases)->energy->net->n_parameters * sizeof *theta);
}

static void get_parameters(const eqs_phases *phases, double *theta)
{
    memcpy(theta, view(phases)->theta, view(phases)->energy->net->n_parameters * sizeof *theta);
}

static size_t state_bytes(const eqs_phases *phases)
{
    return view(phases)->n_state * sizeof(double);
}

/* A phase of the n loaded samples. The states are laid out for n samples too (batch == n). */
static eqs_phase current_phase(const ode_phases *p, const double beta[EQS_BETA_COUNT])
{
    size_t last = p->energy->net->n_layers - 1;
    eqs_phase phase = {.net = p->energy->net,
                       .theta = p->theta,
                       .batch = p->n,
                       .x = p->x,
                       .target = p->target,
                       .free_output = beta[EQS_BETA_Y] != 0.0 ? p->slot[0]->s[last] : NULL};
    memcpy(phase.beta, beta, sizeof phase.beta);
    return phase;
}

/* Points the matrices of a state at n rows per layer. */
static void set_batch(const eqs_network *net, eqs_state *state, size_t n)
{
    double *next = state->data;
    state->batch = n;
    for (size_t k = 0; k < net->n_layers; k++) {
        state->s[k] = next;
        next += n * net->layer[k].units;
    }
}

static void load(eqs_phases *phases, size_t n, const double *x, const double *target)
{
    ode_phases *p = self(phases);
    const eqs_network *net = p->energy->net;
    size_t n_out = net->n_outputs;
    p->n = n;
    memcpy(p->x, x, n * net->layer[0].units * sizeof *x);
    if (target != NULL)
        memcpy(p->target, target, n * n_out * sizeof *target);
    for (size_t i = 0; i < EQS_ENGINE_SLOTS; i++) {
        set_batch(net, p->slot[i], n);
        memcpy(p->slot[i]->s[0], x, n * net->layer[0].units * sizeof *x);
    }
    set_batch(net, p->rate, n);
    if (p->circuit != NULL)
        eqs_phases_circuit_plan(p->circuit, 0, NULL);
}

static void plan(eqs_phases *phases, size_t n, const double *beta)
{
    if (view(phases)->circuit != NULL)
        eqs_phases_circuit_plan(view(phases)->circuit, n, beta);
}

static void reset(eqs_phases *phases)
{
    eqs_state_fill(view(phases)->energy->net, view(phases)->slot[0], 0.0);
}

static void put_state(eqs_phases *phases, size_t row, const void *state)
{
    const eqs_network *net = view(phases)->energy->net;
    const char *next = state;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        size_t units = net->layer[k].units;
        memcpy(view(phases)->slot[0]->s[k] + row * units, next, units * sizeof(double));
        next += units * sizeof(double);
    }
}

static void take_state(const eqs_phases *phases, size_t row, void *state)
{
    const eqs_network *net = view(phases)->energy->net;
    char *next = state;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        size_t units = net->layer[k].units;
        memcpy(next, view(phases)->slot[0]->s[k] + row * units, units * sizeof(double));
        next += units * sizeof(double);
    }
}

/* Response max |s_beta - s_free| of sample b of a slot. */
static double response_of(const ode_phases *p, size_t slot, size_t b)
{
    const eqs_network *net = p->energy->net;
    double most = 0.0;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        size_t units = net->layer[k].units;
        for (size_t i = b * units; i < (b + 1) * units; i++)
            most = fmax(most, fabs(p->slot[slot]->s[k][i] - p->slot[0]->s[k][i]));
    }
    return most;
}

/* What the residual of sample b of a nudged slot must not exceed. */
static double tolerance_of(const ode_phases *p, size_t b, double tolerance)
{
    if (p->options.nudged_relative == 0.0)
        return tolerance;
    return fmin(tolerance, fmax(p->options.nudged_relative * p->response[b], EQS_RESIDUAL_FLOOR_DOUBLE));
}

/* Goes on, more tightly, from where a nudged slot has arrived, until every sample's residual is small beside
 * its response; whatever the number of calls, result is the last one's, with the steps of all. */
static eqs_status resolve(ode_phases *p, size_t slot, const eqs_phase *phase, eqs_relax_options *options,
                          eqs_relax_result *result)
{
    double demanded = options->tolerance;
    for (;;) {
        double tightest = INFINITY;
        long steps = result->statistics.steps;
        for (size_t b = 0; b < p->n; b++) {
            p->response[b] = response_of(p, slot, b);
            double tolerance = tolerance_of(p, b, demanded);
            if (result->residual[b] > tolerance)
                tightest = fmin(tightest, tolerance);
        }
        /* a tolerance that has been tried and missed stays missed */
        if (!(tightest < options->tolerance) || eqs_relax_unconverged(result) > 0)
            return EQS_OK;
        options->tolerance = tightest;
        eqs_relax_result_clear(result);
        EQS_TRY(eqs_relax_run(p->energy, phase, options, p->slot[slot], result));
        result->statistics.steps += steps;
    }
}

static eqs_status note(ode_phases *p, size_t slot, const eqs_relax_result *result, double tolerance,
                       bool certified, eqs_phase_outcome *outcome)
{
    bool stopped = false;
    *outcome = (eqs_phase_outcome){.sweeps = (double)result->statistics.steps};
    for (size_t b = 0; b < p->n; b++) {
        p->response[b] = response_of(p, slot, b);
        if (isnan(result->residual[b]) || result->residual[b] > outcome->max_residual) /* NaN stays */
            outcome->max_residual = result->residual[b];
        if (certified && !(result->residual[b] <= (slot == 0 ? tolerance : tolerance_of(p, b, tolerance))))
            outcome->unconverged++;
        stopped |= result->end[b] == EQS_RELAX_STOPPED;
    }
    if (slot != 0)
        eqs_phase_note_response(p->n, result->residual, p->response, outcome);
    return stopped ? eqs_fail(EQS_INTERRUPTED, "stopped in the middle of a phase") : EQS_OK;
}

/* Steady states with parts of the network in ngspice. */
static eqs_status relax_steady(ode_phases *p, size_t slot, const eqs_phase *phase, double tolerance,
                               eqs_phase_outcome *outcome)
{
    eqs_cosim_steady_result result;
    double *residual = eqs_alloc(p->n, sizeof *residual);
    if (residual == NULL)
        return EQS_NO_MEMORY;
    eqs_status status = eqs_cosim_steady_run(p->steady, phase, tolerance, p->slot[slot], residual, &result);
    if (status == EQS_OK)
        *outcome = (eqs_phase_outcome){.max_residual = result.max_residual,
                                       .sweeps = (double)result.points,
                                       .unconverged = result.unconverged};
    for (size_t b = 0; status == EQS_OK && b < p->n; b++)
        p->response[b] = response_of(p, slot, b);
    if (status == EQS_OK && slot != 0)
        eqs_phase_note_response(p->n, residual, p->response, outcome);
    eqs_free(residual);
    return status;
}

static eqs_status relax(eqs_phases *phases, size_t slot, const double beta[EQS_BETA_COUNT],
                        eqs_phase_outcome *outcome)
{
    ode_phases *p = self(phases);
    memcpy(p->beta[slot], beta, sizeof p->beta[slot]);
    eqs_phase phase = current_phase(p, beta);
    if (p->circuit != NULL)
        return eqs_phases_circuit_relax(p->circuit, &phase, slot, p->slot, outcome);
    eqs_relax_options options = p->options.relax;
    size_t iterations = slot == 0 ? p->options.free_iterations : p->options.nudged_iterations;
    if (slot != 0 && p->options.truncated)
        options.solver = "euler";
    if (iterations > 0) {
        options.max_steps = iterations;
        options.fixed_iterations = true;
    }
    if (slot != 0) {
        eqs_state_copy(p->energy->net, p->slot[0], p->slot[slot]);
        options.settled_start = true;
        if (p->options.nudged_tolerance > 0.0)
            options.tolerance = p->options.nudged_tolerance;
    }
    if (p->steady != NULL)
        return relax_steady(p, slot, &phase, options.tolerance, outcome);
    eqs_relax_result result = {0};
    double tolerance = options.tolerance;
    EQS_TRY(eqs_relax_run(p->energy, &phase, &options, p->slot[slot], &result));
    eqs_status status = EQS_OK;
    if (slot != 0 && p->options.nudged_relative > 0.0)
        status = resolve(p, slot, &phase, &options, &result);
    if (status == EQS_OK)
        status = note(p, slot, &result, tolerance, iterations == 0, outcome);
    eqs_relax_result_clear(&result);
    return status;
}

/* Slot 1 keeps the start, slot 2 is where slot 0 has ended, brought to the residual of the sweeps. */
static eqs_status compare(eqs_phases *phases, const double beta[EQS_BETA_COUNT], size_t *elsewhere)
{
    ode_phases *p = self(phases);
    const eqs_network *net = p->energy->net;
    eqs_phase_outcome outcome;
    eqs_relax_options sweeps = eqs_relax_options_default();
    sweeps.solver = "sweep";
    sweeps.tolerance = fmin(p->options.relax.tolerance, 1e-9);
    sweeps.max_steps = p->options.relax.max_steps;
    eqs_state_copy(net, p->slot[0], p->slot[1]);
    EQS_TRY(relax(phases, 0, beta, &outcome));
    eqs_state_copy(net, p->slot[0], p->slot[2]);
    eqs_phase phase = current_phase(p, beta);
    eqs_relax_result result = {0};
    EQS_TRY(eqs_relax_run(p->energy, &phase, &sweeps, p->slot[2], &result));
    eqs_relax_result_clear(&result);
    return eqs_attractor_check(p->energy, &phase, &sweeps, EQS_ATTRACTOR_DISTANCE, p->slot[1], p->slot[2],
                               p->elsewhere, elsewhere);
}

/* Point of a slot, activities in p->rate. */
static eqs_point point_of(const ode_phases *p, size_t slot)
{
    const eqs_network *net = p->energy->net;
    for (size_t k = 0; k < net->n_layers; k++)
        eqs_activity(net, k, p->n * net->layer[k].units, p->slot[slot]->s[k], p->rate->s[k], NULL);
    return (eqs_point){p->n, p->slot[slot]->s, p->rate->s, NULL};
}

static void update(eqs_phases *phases, const double *rate, const double *coefficient, double decay,
                   double *change, double *norm)
{
    ode_phases *p = self(phases);
    const eqs_network *net = p->energy->net;
    memset(p->grad, 0, net->n_parameters * sizeof *p->grad);
    double zero[EQS_BETA_COUNT] = {0};
    eqs_phase phase = current_phase(p, zero);
    for (size_t slot = 0; slot < EQS_ENGINE_SLOTS; slot++) {
        if (coefficient[slot] == 0.0)
            continue;
        eqs_point at = point_of(p, slot);
        eqs_energy_gradient(p->energy, &phase, &at, coefficient[slot], p->grad);
    }
    eqs_energy_decay(p->energy, &phase, decay, p->grad);
    eqs_rule_descend(net, rate, p->grad, p->theta, change, norm);
}

static void output(const eqs_phases *phases, size_t slot, double *y)
{
    const ode_phases *p = view(phases);
    const eqs_network *net = p->energy->net;
    eqs_network_outputs(net, p->n, p->slot[slot]->s[net->n_layers - 1], y);
}

static void energy_of(const eqs_phases *phases, size_t slot, double *F)
{
    const ode_phases *p = view(phases);
    eqs_phase phase = current_phase(p, p->beta[slot]);
    eqs_point at = point_of(p, slot);
    eqs_energy_value(p->energy, &phase, &at, F);
}

static void states_of(const eqs_phases *phases, size_t slot, eqs_state *out)
{
    const ode_phases *p = view(phases);
    for (size_t k = 0; k < p->energy->net->n_layers; k++)
        memcpy(out->s[k], p->slot[slot]->s[k], p->n * p->energy->net->layer[k].units * sizeof(double));
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
    .plan = plan,
    .relax = relax,
    .update = update,
    .compare = compare,
    .output = output,
    .energy = energy_of,
    .states = states_of,
};

/* Allocates everything; on failure the caller destroys. */
static eqs_status allocate(ode_phases *p)
{
    const eqs_network *net = p->energy->net;
    size_t batch = p->base.batch;
    p->theta = eqs_alloc(net->n_parameters, sizeof *p->theta);
    p->grad = eqs_alloc(net->n_parameters, sizeof *p->grad);
    p->x = eqs_alloc(batch * net->layer[0].units, sizeof *p->x);
    p->target = eqs_alloc(batch * net->n_outputs, sizeof *p->target);
    p->response = eqs_alloc(batch, sizeof *p->response);
    p->elsewhere = eqs_alloc(batch, sizeof *p->elsewhere);
    if (p->theta == NULL || p->grad == NULL || p->x == NULL || p->target == NULL || p->response == NULL ||
        p->elsewhere == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < EQS_ENGINE_SLOTS; i++)
        EQS_TRY(eqs_state_create(net, batch, &p->slot[i]));
    return eqs_state_create(net, batch, &p->rate);
}

/* the ngspice process of backend "cosimulation" */
static eqs_status create_steady(ode_phases *p)
{
    const eqs_cosimulation *c = p->options.cosimulation;
    if (p->options.free_iterations > 0 || p->options.nudged_iterations > 0)
        return eqs_fail(EQS_BAD_CONFIG,
                        "relaxation.free_iterations: found, but co-simulation finds steady states only "
                        "(allowed: 0 for free and nudged)");
    if (p->options.nudged_relative > 0.0)
        return eqs_fail(EQS_BAD_CONFIG,
                        "relaxation.nudged_relative: %g found; co-simulation has none (allowed: 0)",
                        p->options.nudged_relative);
    eqs_cosim_steady_options options = eqs_cosim_steady_options_default();
    options.deck = c->options.deck;
    options.tolerance = p->options.relax.tolerance;
    return eqs_cosim_steady_create(p->energy, &c->partition, &c->cell, &options, p->base.batch, &p->steady);
}

eqs_status eqs_phases_create_ode(const eqs_energy *energy, const eqs_phases_options *options,
                                 eqs_phases **out)
{
    if (eqs_ranks() > 1)
        return eqs_fail(EQS_BAD_CONFIG, "learning.engine: %s runs on one rank, found %d; allowed: batch",
                        options->backend, eqs_ranks());
    ode_phases *p = eqs_alloc(1, sizeof *p);
    if (p == NULL)
        return EQS_NO_MEMORY;
    p->base = (eqs_phases){&ops, options->batch};
    p->energy = energy;
    p->options = *options;
    p->n_state = eqs_network_state_size(energy->net);
    eqs_status status = allocate(p);
    if (status == EQS_OK && eqs_solver_find(options->relax.solver) == NULL)
        status =
            eqs_fail(EQS_BAD_CONFIG, "relaxation.solver: '%s' is unknown; `eqspice list solvers` shows them",
                     options->relax.solver);
    if (status == EQS_OK && options->cosimulation != NULL)
        status = create_steady(p);
    else if (status == EQS_OK && strcmp(options->backend, "ode") != 0)
        status = eqs_phases_circuit_create(energy, options, &p->circuit);
    if (status != EQS_OK) {
        destroy(&p->base);
        return status;
    }
    *out = &p->base;
    return EQS_OK;
}
