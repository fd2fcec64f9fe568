#include "solver/nodal_internal.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* what one call's samples share */
typedef struct job {
    eqs_nodal_method method;
    const eqs_nodal *nodal;
    const eqs_relax_options *options;
    eqs_state *state;
    eqs_relax_result *result;
    bool response; /* nudged from the free state: certify relative to the response */
    eqs_status status;
    bool newton; /* a sample has used it */
} job;

static void move(const eqs_nodal *nodal, eqs_state *state, size_t b, double *v, bool in)
{
    const eqs_network *net = nodal->net;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        size_t units = net->layer[k].units;
        double *there = state->s[k] + b * units, *here = v + nodal->start[k];
        memcpy(in ? here : there, in ? there : here, units * sizeof *v);
    }
}

/* Relaxes one sample in w->v. */
static void relax_sample(const job *j, eqs_nodal_sample *w, size_t b, eqs_relax_statistics *work,
                         bool *used_newton)
{
    const double slow = 0.3; /* contraction of sweeps above which newton is cheaper */
    enum { WARM_UP = 3, REST = 3 };
    const eqs_relax_options *options = j->options;
    double relative, residual = eqs_nodal_residual(w, &relative), before = INFINITY;
    bool newton = j->method == EQS_NODAL_NEWTON, finite = true;
    size_t rest = 0; /* sweeps before newton is tried again */
    eqs_relax_end end = EQS_RELAX_RUNNING;
    for (size_t step = 0; end == EQS_RELAX_RUNNING; step++) {
        /* a nudge needs a sweep to be seen at all */
        bool seen = !j->response || (step > 0 && relative <= options->response_tolerance);
        if (!finite || isnan(residual))
            end = EQS_RELAX_FAILED;
        else if (residual <= options->tolerance && seen)
            end = EQS_RELAX_CONVERGED;
        else if (step == options->max_steps)
            end = EQS_RELAX_STEP_LIMIT;
        else if (eqs_stop_requested())
            end = EQS_RELAX_STOPPED;
        if (end != EQS_RELAX_RUNNING)
            break;
        newton = newton || (j->method == EQS_NODAL_AUTO && step >= WARM_UP && residual > slow * before);
        bool closer = false;
        if (newton && rest == 0) {
            work->nonlinear_iterations += (long)eqs_nodal_newton(w, &closer);
            *used_newton = true;
            rest = closer ? 0 : REST;
        } else if (rest > 0) {
            rest--;
        }
        if (!closer)
            finite = eqs_nodal_sweep(w);
        work->steps++;
        before = residual;
        residual = eqs_nodal_residual(w, &relative);
        work->rhs_evaluations += 2;
    }
    j->result->end[b] = end;
    j->result->residual[b] = residual;
}

static void note_failure(const job *j, size_t b)
{
    eqs_log(EQS_LOG_WARNING, "relaxation of sample %zu failed: a node has no finite voltage", b);
    snprintf(j->result->failure, sizeof j->result->failure,
             "sample %zu: a node has no finite voltage: it is isolated (network.g_min above 0 prevents "
             "that), or its diodes "
             "cannot take its current",
             b);
}

static void work_through(job *j)
{
    eqs_nodal_sample *w = NULL;
    eqs_relax_statistics work = {0};
    bool newton = j->method != EQS_NODAL_SWEEP, used = false;
    eqs_status status = eqs_nodal_sample_create(j->nodal, newton, &w);
#pragma omp for schedule(dynamic)
    for (size_t b = 0; b < j->nodal->phase->batch; b++) {
        if (status != EQS_OK)
            continue;
        w->sample = b;
        move(j->nodal, j->state, b, w->v, true);
        memcpy(w->v_free, w->v, j->nodal->n * sizeof *w->v);
        long before = work.steps;
        relax_sample(j, w, b, &work, &used);
        j->result->steps[b] = (size_t)(work.steps - before);
        move(j->nodal, j->state, b, w->v, false);
    }
#pragma omp critical(eqs_nodal)
    {
        j->status = j->status == EQS_OK ? status : j->status;
        j->newton = j->newton || used;
        j->result->statistics.steps += work.steps;
        j->result->statistics.rhs_evaluations += work.rhs_evaluations;
        j->result->statistics.nonlinear_iterations += work.nonlinear_iterations;
    }
    eqs_nodal_sample_destroy(w);
}

eqs_status eqs_nodal_run(eqs_nodal_method method, const eqs_energy *energy, const eqs_phase *phase,
                         const eqs_relax_options *options, eqs_state *state, eqs_relax_result *result)
{
    enum { SMALL = 1000 }; /* resistors times samples below which threads cost more than they save */
    eqs_nodal *nodal;
    EQS_TRY(eqs_relax_result_init(energy, options, phase->batch, result));
    EQS_TRY(eqs_nodal_create(energy, phase, method != EQS_NODAL_SWEEP, &nodal));
    job j = {.method = method,
             .nodal = nodal,
             .options = options,
             .state = state,
             .result = result,
             .response = options->settled_start && phase->beta[EQS_BETA_Y] != 0.0};
#pragma omp parallel if (phase->batch > 1 && phase->batch * energy->net->n_parameters > SMALL)
    work_through(&j);
    for (size_t b = phase->batch; j.status == EQS_OK && b-- > 0;) {
        if (result->end[b] == EQS_RELAX_FAILED)
            note_failure(&j, b);
    }
    if (method == EQS_NODAL_AUTO)
        snprintf(result->solver, sizeof result->solver, "auto (%s)", j.newton ? "newton" : "sweep");
    if (j.status == EQS_OK) {
        eqs_point at = {phase->batch, state->s, state->s, NULL};
        eqs_energy_value(energy, phase, &at, result->energy);
    }
    eqs_nodal_destroy(nodal);
    return j.status == EQS_OK ? EQS_OK : eqs_fail(j.status, "no memory for the nodes of a resistive network");
}
