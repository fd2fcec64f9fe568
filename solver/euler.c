/* Explicit Euler, the paper's own relaxation: x <- x + dt f(x) for a whole batch, dt = options.step *
 * smallest tau, with f = dx/dt. projected form  s <- clip(s - eps dF/ds): paper 001 Eq. 54, its exact
 * iterates when tau = 1 (eps = step) gradient form   Eq. 53 for a smooth rho; with a clipped rho Eq. 54
 * again: the paper replaces Eq. 53 by it because states stay in the box, where rho' = 1, so both forms have
 * the same iterates membrane form   u <- u + dt/tau (drive - u), s = clip(u) or rho(u): another iteration
 * with the same fixed points (clipped rho); with fixed_iterations a truncated charging of the membranes, not
 * the truncated phases of the paper The residual comes with f at no cost: no evaluation is spent on stop
 * tests. */
#include "solver/sample.h"
#include "solver/solvers.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct euler {
    const eqs_network *net;
    const eqs_relax_options *options;
    eqs_field *field;
    eqs_state *state; /* borrowed: the caller's */
    eqs_relax_result *result;
    double dt;
    double *x, *f;    /* [n] */
    double *before;   /* [n] x of the step before; records at given times only */
    double *point;    /* [n] interpolated x; records at given times only */
    double *energy;   /* [batch] */
    double *flat;     /* [n_sample] one sample's state */
    size_t next_time; /* first of options->record_times that is not yet recorded */
    size_t n_running;
} euler;

/* Projected residual |P(dF/ds)| of unit i, from g = tau dx/dt at x (models/field.h). */
static double unit_residual(const eqs_network *net, size_t k, size_t i, double leak, double x, double g)
{
    const eqs_layer *layer = &net->layer[k];
    if (eqs_state_is_rate(net, k))
        return fabs(g);
    double s = x;
    if (net->form == EQS_FORM_MEMBRANE) {
        s = eqs_clip(x, layer->lo[i], layer->hi[i]);
        g += leak / layer->weight * (x - s); /* from drive - leak u to drive - leak s */
    }
    return fabs(eqs_projected(g, s, layer->lo[i], layer->hi[i]));
}

/* residual[batch] of the running samples from x and f; NaN where f is not finite */
static void residuals(const euler *e, const double *x, const double *f, double *residual)
{
    const eqs_network *net = e->net;
    const double *leak = e->field->leak;
    for (size_t b = 0; b < e->field->batch; b++) {
        if (e->result->end[b] == EQS_RELAX_RUNNING)
            residual[b] = 0.0;
    }
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        const eqs_layer *layer = &net->layer[k];
        for (size_t b = 0; b < e->field->batch; b++) {
            const double *at = x, *rate = f, *own = leak;
            x += layer->units;
            f += layer->units;
            leak += layer->units;
            if (e->result->end[b] != EQS_RELAX_RUNNING)
                continue;
            for (size_t i = 0; i < layer->units; i++) {
                double r = unit_residual(net, k, i, own[i], at[i], layer->tau[i] * rate[i]);
                if (!(r <= residual[b])) /* NaN counts as the largest, and stays */
                    residual[b] = r;
                if (isnan(r))
                    break;
            }
        }
    }
}

/* x += dt f for the running samples, clipped to the box where s = x lives in one */
static void advance(euler *e)
{
    const eqs_network *net = e->net;
    double *x = e->x;
    const double *f = e->f;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        const eqs_layer *layer = &net->layer[k];
        bool boxed = net->form != EQS_FORM_MEMBRANE && eqs_activation_is_clipped(&layer->activation);
        for (size_t b = 0; b < e->field->batch; b++, x += layer->units, f += layer->units) {
            if (e->result->end[b] != EQS_RELAX_RUNNING)
                continue;
            for (size_t i = 0; i < layer->units; i++)
                x[i] += e->dt * f[i];
            for (size_t i = 0; boxed && i < layer->units; i++)
                x[i] = eqs_clip(x[i], layer->lo[i], layer->hi[i]);
        }
    }
}

/* appends the point x to the trajectories of the running samples; their residuals are in `residual` */
static eqs_status record_point(euler *e, double t, const double *x, const double *residual)
{
    const eqs_network *net = e->net;
    e->field->ops->to_state(e->field, x, e->state);
    if (e->field->ops->energy != NULL)
        e->field->ops->energy(e->field, x, e->energy);
    for (size_t b = 0; b < e->field->batch; b++) {
        if (e->result->end[b] != EQS_RELAX_RUNNING)
            continue;
        double *next = e->flat;
        for (size_t k = eqs_first_free_layer(net); k < net->n_layers; next += net->layer[k].units, k++)
            memcpy(next, e->state->s[k] + b * net->layer[k].units, net->layer[k].units * sizeof *next);
        EQS_TRY(eqs_trajectory_append(&e->result->trajectory[b], t, e->energy[b], residual[b], e->flat));
    }
    return EQS_OK;
}

/* records the asked times in (t - dt, t], on the straight line between two iterates */
static eqs_status record_times(euler *e, double t)
{
    const eqs_relax_options *options = e->options;
    double *rate = e->f; /* f at the interpolated points: scratch until the caller evaluates f again */
    for (; e->next_time < options->n_record_times && options->record_times[e->next_time] <= t;
         e->next_time++) {
        double asked = options->record_times[e->next_time];
        if (asked <= 0.0) /* the start is recorded already */
            continue;
        double share = (asked - (t - e->dt)) / e->dt;
        for (size_t i = 0; i < e->field->n; i++)
            e->point[i] = e->before[i] + share * (e->x[i] - e->before[i]);
        e->field->ops->rhs(e->field, asked, e->point, rate);
        e->result->statistics.residual_evaluations += (long)e->n_running;
        residuals(e, e->point, rate, e->result->residual);
        EQS_TRY(record_point(e, asked, e->point, e->result->residual));
    }
    return EQS_OK;
}

static void finish(euler *e, size_t b, eqs_relax_end end, double t)
{
    e->result->end[b] = end;
    e->result->time[b] = t;
    e->result->steps[b] = (size_t)lround(t / e->dt);
    e->n_running--;
    if (end != EQS_RELAX_FAILED)
        return;
    char *why = e->result->failure;
    char text[sizeof e->result->failure];
    snprintf(text, sizeof text,
             "euler: the state is not finite at t = %g; a step below %g * 2 is stable for one leak", t,
             e->dt / e->options->step);
    if (why[0] == '\0')
        memcpy(why, text, sizeof text);
    eqs_log(EQS_LOG_WARNING, "relaxation of sample %zu failed: %s", b, text);
}

/* ends the samples that have a reason to, before iteration `iteration` */
static void judge(euler *e, size_t iteration)
{
    const eqs_relax_options *options = e->options;
    double t = (double)iteration * e->dt;
    bool last = iteration == options->max_steps, stop = eqs_stop_requested() != 0;
    bool late = !options->fixed_iterations && t + e->dt > options->t_max * (1.0 + 1e-12);
    for (size_t b = 0; b < e->field->batch; b++) {
        double residual = e->result->residual[b];
        if (e->result->end[b] != EQS_RELAX_RUNNING)
            continue;
        if (!isfinite(residual))
            finish(e, b, EQS_RELAX_FAILED, t);
        else if (residual <= options->tolerance && (last || !options->fixed_iterations))
            finish(e, b, EQS_RELAX_CONVERGED, t);
        else if (last)
            finish(e, b, EQS_RELAX_STEP_LIMIT, t);
        else if (late)
            finish(e, b, EQS_RELAX_TIME_LIMIT, t);
        else if (stop)
            finish(e, b, EQS_RELAX_STOPPED, t);
    }
}

static eqs_status iterate(euler *e)
{
    eqs_field *field = e->field;
    bool at_times = e->options->record == EQS_RECORD_TIMES;
    for (size_t iteration = 0;; iteration++) {
        double t = (double)iteration * e->dt;
        if (at_times && iteration > 0)
            EQS_TRY(record_times(e, t));
        field->ops->rhs(field, t, e->x,
                        e->f); /* what is not finite shows in the residual, sample by sample */
        e->result->statistics.rhs_evaluations += (long)e->n_running;
        residuals(e, e->x, e->f, e->result->residual);
        if (e->options->record == EQS_RECORD_STEPS || (at_times && iteration == 0))
            EQS_TRY(record_point(e, t, e->x, e->result->residual));
        judge(e, iteration);
        if (e->n_running == 0)
            return EQS_OK;
        if (at_times)
            memcpy(e->before, e->x, field->n * sizeof *e->x);
        advance(e);
        e->result->statistics.steps += (long)e->n_running;
    }
}

static eqs_status allocate(euler *e)
{
    size_t n = e->field->n;
    bool at_times = e->options->record == EQS_RECORD_TIMES;
    e->x = eqs_alloc(2 * n + (at_times ? 2 * n : 0) + e->field->batch + e->field->n_sample, sizeof *e->x);
    if (e->x == NULL)
        return EQS_NO_MEMORY;
    e->f = e->x + n;
    e->energy = e->f + n;
    e->flat = e->energy + e->field->batch;
    if (at_times) {
        e->before = e->flat + e->field->n_sample;
        e->point = e->before + n;
    }
    for (size_t b = 0; b < e->field->batch; b++)
        e->energy[b] = NAN;
    return EQS_OK;
}

/* x(s), inside the box where s = x lives in one */
static void start(euler *e)
{
    const eqs_network *net = e->net;
    e->field->ops->from_state(e->field, e->state, e->options->settled_start, e->x);
    double *x = e->x;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        size_t n = e->field->batch * net->layer[k].units;
        bool boxed = net->form != EQS_FORM_MEMBRANE && eqs_activation_is_clipped(&net->layer[k].activation);
        for (size_t i = 0; boxed && i < n; i++)
            x[i] = eqs_clip(x[i], net->layer[k].lo[i % net->layer[k].units],
                            net->layer[k].hi[i % net->layer[k].units]);
        x += n;
    }
    e->n_running = e->field->batch;
}

static double smallest_tau(const eqs_network *net)
{
    double smallest = INFINITY;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        for (size_t i = 0; i < net->layer[k].units; i++)
            smallest = fmin(smallest, net->layer[k].tau[i]);
    }
    return smallest;
}

static eqs_status run(const eqs_energy *energy, const eqs_phase *phase, const eqs_relax_options *options,
                      eqs_state *state, eqs_relax_result *result)
{
    EQS_TRY(eqs_relax_result_init(energy, options, phase->batch, result));
    euler e = {.net = energy->net, .options = options, .state = state, .result = result};
    e.dt = options->step * smallest_tau(energy->net);
    EQS_TRY(eqs_field_create(energy, phase, &e.field));
    eqs_status status = allocate(&e);
    if (status == EQS_OK) {
        start(&e);
        status = iterate(&e);
    }
    if (status == EQS_OK) {
        e.field->ops->to_state(e.field, e.x, state);
        if (e.field->ops->energy != NULL)
            e.field->ops->energy(e.field, e.x, result->energy);
    }
    eqs_free(e.x);
    eqs_field_destroy(e.field);
    return status;
}

const eqs_solver eqs_solver_euler = {
    .name = "euler",
    .summary = "explicit Euler with a fixed step, the relaxation of paper 001 (Eqs. 53, 54)",
    .run = run,
    .can = EQS_SOLVER_RECORDS | EQS_SOLVER_FIXED_ITERATIONS,
};
