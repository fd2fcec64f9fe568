#include "learning/phases_circuit.h"

#include "base/memory.h"
#include "base/run.h"
#include "models/field.h"
#include "netlists/device_pool.h"
#include "netlists/device_transient.h"

#include <math.h>
#include <string.h>

struct eqs_phases_circuit {
    const eqs_energy *energy;
    eqs_phases_options options;
    size_t n_state;
    eqs_device_pool *pool;                  /* ngspice */
    eqs_worker *worker;                     /* transient */
    eqs_device_transient_options transient; /* transient */
    size_t n_planned;                       /* nudged phases to come */
    double beta[EQS_DEVICE_POINTS];         /* beta[0] = 0, then theirs */
    size_t n_measured;                      /* phases in volts: 1 + nudged */
    double *volts;                          /* [EQS_DEVICE_POINTS x batch x n_state] */
    eqs_device_stage_result *stage;         /* [batch x EQS_DEVICE_POINTS]; transient */
};

static eqs_status check(const eqs_energy *energy, const eqs_phases_options *o)
{
    const eqs_network *net = energy->net;
    if (net->resistive == NULL)
        return eqs_fail(EQS_BAD_CONFIG, "learning.engine: '%s' trains resistive networks (network.model)",
                        o->backend);
    if (net->resistive->nudge != EQS_NUDGE_CURRENT)
        return eqs_fail(EQS_BAD_CONFIG,
                        "learning.engine: '%s' nudges by currents (learning.nudge_form: current)",
                        o->backend);
    if (strcmp(o->relax.solver, "auto") != 0)
        return eqs_fail(EQS_BAD_CONFIG,
                        "relaxation.solver: found %s; learning.engine '%s' has ngspice in its place "
                        "(allowed: auto)",
                        o->relax.solver, o->backend);
    if (o->free_iterations > 0 || o->nudged_iterations > 0)
        return eqs_fail(
            EQS_BAD_CONFIG,
            "relaxation.free_iterations, nudged_iterations: learning.engine '%s' measures equilibria",
            o->backend);
    if (o->truncated)
        return eqs_fail(EQS_BAD_CONFIG,
                        "learning.rule: learning.engine '%s' measures equilibria (allowed: eqprop)",
                        o->backend);
    if (net->delta[EQS_BETA_THETA] != 0.0)
        return eqs_fail(EQS_BAD_CONFIG, "network.delta[2]: learning.engine '%s' knows no regulariser",
                        o->backend);
    return EQS_OK;
}

static eqs_status open_pool(eqs_phases_circuit *c)
{
    const eqs_phases_circuit_options *o = &c->options.circuit;
    eqs_device_pool_options pool = eqs_device_pool_options_default();
    pool.workers = o->workers > 0 ? o->workers : (size_t)c->options.threads;
    pool.chunk = o->chunk;
    pool.reltol = o->reltol;
    pool.vntol = o->vntol;
    pool.abstol = o->abstol;
    pool.amplifier = o->amplifier;
    pool.worker.timeout = o->timeout;
    return eqs_device_pool_create(c->energy->net, &pool, &c->pool);
}

static eqs_status open_transient(eqs_phases_circuit *c)
{
    const eqs_phases_circuit_options *o = &c->options.circuit;
    double unit_time = o->capacitance / c->energy->net->resistive->siemens;
    eqs_worker_options worker = eqs_worker_options_default();
    c->transient = eqs_device_transient_options_default();
    c->transient.capacitance = o->capacitance;
    c->transient.stage = o->t_stop * unit_time;
    c->transient.max_step = o->t_max_step * unit_time;
    c->transient.reltol = o->reltol;
    c->transient.vntol = o->vntol;
    c->transient.abstol = o->abstol;
    c->transient.amplifier = o->amplifier;
    worker.timeout = o->timeout;
    return eqs_worker_create(&worker, &c->worker);
}

eqs_status eqs_phases_circuit_create(const eqs_energy *energy, const eqs_phases_options *options,
                                     eqs_phases_circuit **out)
{
    EQS_TRY(check(energy, options));
    eqs_phases_circuit *c = eqs_alloc(1, sizeof *c);
    if (c == NULL)
        return EQS_NO_MEMORY;
    c->energy = energy;
    c->options = *options;
    c->n_state = eqs_network_state_size(energy->net);
    c->volts = eqs_alloc(EQS_DEVICE_POINTS * options->batch * c->n_state, sizeof *c->volts);
    c->stage = eqs_alloc(EQS_DEVICE_POINTS * options->batch, sizeof *c->stage);
    eqs_status status = c->volts == NULL || c->stage == NULL ? EQS_NO_MEMORY : EQS_OK;
    if (status == EQS_OK)
        status = strcmp(options->backend, "transient") == 0 ? open_transient(c) : open_pool(c);
    if (status != EQS_OK) {
        eqs_phases_circuit_destroy(c);
        return status;
    }
    *out = c;
    return EQS_OK;
}

void eqs_phases_circuit_destroy(eqs_phases_circuit *c)
{
    if (c == NULL)
        return;
    eqs_device_pool_destroy(c->pool);
    eqs_worker_destroy(c->worker);
    eqs_free(c->volts);
    eqs_free(c->stage);
    eqs_free(c);
}

void eqs_phases_circuit_plan(eqs_phases_circuit *c, size_t n, const double *beta)
{
    c->n_planned = n < EQS_DEVICE_POINTS ? n : 0; /* more than fit are measured one by one */
    for (size_t i = 0; i < c->n_planned; i++)
        c->beta[1 + i] = beta[i];
    c->n_measured = 0;
}

/* The free phase and n nudged ones into volts. */
static eqs_status measure(eqs_phases_circuit *c, const eqs_phase *phase, size_t n)
{
    if (c->pool != NULL)
        return eqs_device_pool_run(c->pool, phase->theta, phase->batch, phase->x, phase->target, 1 + n,
                                   c->beta, c->volts);
    double ends[EQS_DEVICE_POINTS] = {0}, *volts = eqs_alloc((1 + n) * c->n_state, sizeof *volts);
    eqs_status status = volts == NULL ? EQS_NO_MEMORY : EQS_OK;
    memcpy(ends, c->beta, (1 + n) * sizeof *ends);
    for (size_t b = 0; status == EQS_OK && b < phase->batch; b++) {
        if (eqs_stop_requested())
            status = eqs_fail(EQS_INTERRUPTED, "stopped in the middle of a phase");
        else
            status = eqs_device_transient_run(c->energy->net, phase, b, &c->transient, 1 + n, ends, c->worker,
                                              volts, c->stage + b * EQS_DEVICE_POINTS);
        for (size_t p = 0; status == EQS_OK && p <= n; p++)
            memcpy(c->volts + (p * phase->batch + b) * c->n_state, volts + p * c->n_state,
                   c->n_state * sizeof *volts);
    }
    eqs_free(volts);
    return status;
}

/* point `point` of all samples into a state */
static void put(const eqs_phases_circuit *c, size_t n, size_t point, eqs_state *state)
{
    const eqs_network *net = c->energy->net;
    const double *volts = c->volts + point * n * c->n_state;
    for (size_t b = 0; b < n; b++) {
        for (size_t k = 1; k < net->n_layers; k++) {
            memcpy(state->s[k] + b * net->layer[k].units, volts, net->layer[k].units * sizeof *volts);
            volts += net->layer[k].units;
        }
    }
}

/* Kirchhoff's current law at the measured voltages, by the network's own equations. */
static eqs_status certify(const eqs_phases_circuit *c, const eqs_phase *phase, const eqs_state *state,
                          eqs_phase_outcome *outcome)
{
    eqs_field *field = NULL;
    double *x = eqs_alloc(phase->batch * c->n_state, sizeof *x);
    double *residual = eqs_alloc(phase->batch, sizeof *residual);
    eqs_status status =
        x == NULL || residual == NULL ? EQS_NO_MEMORY : eqs_field_create(c->energy, phase, &field);
    if (status == EQS_OK) {
        field->ops->from_state(field, state, true, x);
        field->ops->residual(field, x, residual);
        for (size_t b = 0; b < phase->batch; b++) {
            if (!(residual[b] <= outcome->max_residual)) /* NaN stays */
                outcome->max_residual = residual[b];
            outcome->unconverged += !(residual[b] <= c->options.relax.tolerance);
        }
    }
    eqs_field_destroy(field);
    eqs_free(x);
    eqs_free(residual);
    return status;
}

eqs_status eqs_phases_circuit_relax(eqs_phases_circuit *c, const eqs_phase *phase, size_t slot,
                                    eqs_state *const *state, eqs_phase_outcome *outcome)
{
    double beta = phase->beta[EQS_BETA_Y];
    size_t point = 0;
    *outcome = (eqs_phase_outcome){0};
    if (!isfinite(beta))
        return eqs_fail(EQS_BAD_CONFIG,
                        "learning.rule: learning.engine '%s' cannot clamp the outputs (allowed: "
                        "eqprop)",
                        c->options.backend);
    if (slot == 0) {
        EQS_TRY(measure(c, phase, c->n_planned));
        c->n_measured = 1 + c->n_planned;
    } else {
        for (point = 1; point < c->n_measured && c->beta[point] != beta; point++)
            continue;
        if (point >= c->n_measured) { /* not announced */
            c->beta[point = 1] = beta;
            EQS_TRY(measure(c, phase, 1));
            c->n_measured = 2;
        }
    }
    put(c, phase->batch, point, state[slot]);
    for (size_t b = 0; c->worker != NULL && b < phase->batch; b++) {
        const eqs_device_stage_result *stage = &c->stage[b * EQS_DEVICE_POINTS + point];
        outcome->settling += stage->settled[0];
        outcome->settling_fine += stage->settled[1];
        outcome->joules += stage->energy;
    }
    outcome->sweeps = (double)phase->batch;
    return certify(c, phase, state[slot], outcome);
}
