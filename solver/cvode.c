/* CVODE (SUNDIALS): the trajectory of one sample with local error control, BDF for stiff fields, Adams with
 * fixed-point iteration for the others. Steps one by one, with the stop test on the projected residual of the
 * state at every internal step: a saturated membrane unit's potential goes on moving long after the state has
 * settled, and an error test alone never says that an equilibrium is reached. */
#include "solver/cvode_integrator.h"
#include "solver/cvode_schur.h"
#include "solver/fast_vector.h"
#include "solver/solvers.h"

#include "base/memory.h"
#include "base/run.h"

#include <cvodes/cvodes.h>
#include <cvodes/cvodes_ls.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

/* a residual beyond it: the energy has no minimum on the way down (rather than after ever more steps,
 * overflow) */
static const double divergence = 1e100;

/* where one relaxation stands */
typedef struct progress {
    double t, residual;
    bool certified;   /* residual is the residual, not an estimate well above the tolerance */
    size_t next_time; /* first of options->record_times that is not yet recorded */
} progress;

static int flow(realtype t, N_Vector y, N_Vector out, void *user)
{
    return eqs_integrator_flow(user, t, N_VGetArrayPointer(y), N_VGetArrayPointer(out)) == 0 ? 0 : 1;
}

/* keeps what CVODE would print */
static void keep_message(int code, const char *module, const char *function, char *text, void *user)
{
    (void)module, (void)function;
    eqs_integrator *integrator = user;
    if (code < 0)
        snprintf(integrator->message, sizeof integrator->message, "%s", text);
}

static void destroy(void *worker)
{
    eqs_integrator *integrator = worker;
    if (integrator == NULL)
        return;
    CVodeFree(&integrator->cvode);
    if (integrator->linear != NULL)
        SUNLinSolFree(integrator->linear);
    if (integrator->nonlinear != NULL)
        SUNNonlinSolFree(integrator->nonlinear);
    if (integrator->matrix != NULL)
        SUNMatDestroy(integrator->matrix);
    if (integrator->y != NULL)
        N_VDestroy(integrator->y);
    if (integrator->dense != NULL)
        N_VDestroy(integrator->dense);
    if (integrator->quadrature != NULL)
        N_VDestroy(integrator->quadrature);
    eqs_free(integrator->activity);
    if (integrator->context != NULL)
        SUNContext_Free(&integrator->context);
    eqs_integrator_destroy_flow(integrator);
    eqs_free(integrator->column_start);
    eqs_free(integrator->row);
    eqs_free(integrator->value);
    eqs_schur_destroy(integrator->schur);
    eqs_free(integrator->diagonal);
    eqs_free(integrator->inverse);
    eqs_free(integrator);
}

/* The integrands of options->quadrature at x = y: r = rho(x) in every form, so that dr/dt = rho'(x) dx/dt. */
static int integrands(realtype t, N_Vector y, N_Vector out, void *user)
{
    eqs_integrator *integrator = user;
    const eqs_network *net = integrator->sample->phase.net;
    const double *x = N_VGetArrayPointer(y);
    size_t n = integrator->sample->n;
    double *r = integrator->activity, *slope = r + n, *rate = r + 2 * n;
    if (eqs_integrator_flow(integrator, t, x, rate) != 0)
        return 1;
    for (size_t k = eqs_first_free_layer(net), at = 0; k < net->n_layers; k++) {
        for (size_t i = 0; i < net->layer[k].units; i++, at++) {
            r[at] = eqs_rho(&net->layer[k].activation, x[at]);
            slope[at] = eqs_rho_derivative(&net->layer[k].activation, x[at]);
        }
    }
    for (size_t i = 0; i < n; i++)
        rate[i] *= slope[i];
    const eqs_quadrature *quadrature = integrator->options->quadrature;
    quadrature->rate(quadrature->user, r, rate, N_VGetArrayPointer(out));
    return 0;
}

static eqs_status attach_quadrature(eqs_integrator *integrator)
{
    const eqs_quadrature *quadrature = integrator->options->quadrature;
    if (quadrature == NULL)
        return EQS_OK;
    integrator->quadrature = eqs_fast_vector((sunindextype)quadrature->n, integrator->context);
    integrator->activity = eqs_alloc(3 * integrator->sample->n, sizeof *integrator->activity);
    if (integrator->quadrature == NULL || integrator->activity == NULL)
        return eqs_fail(EQS_NO_MEMORY, "no memory for %zu integrals along the trajectory", quadrature->n);
    N_VConst(0.0, integrator->quadrature);
    if (CVodeQuadInit(integrator->cvode, integrands, integrator->quadrature) != CV_SUCCESS ||
        CVodeQuadSStolerances(integrator->cvode, quadrature->rtol, quadrature->atol) != CV_SUCCESS ||
        CVodeSetQuadErrCon(integrator->cvode, SUNTRUE) != CV_SUCCESS)
        return eqs_fail(EQS_INTERNAL, "CVODE cannot integrate along the trajectory: %s", integrator->message);
    return EQS_OK;
}

/* CVODE's memory with tolerances, limits and nonlinear solver; its linear solver for BDF */
static eqs_status build(eqs_integrator *integrator)
{
    const eqs_relax_options *options = integrator->options;
    sunindextype n = (sunindextype)integrator->sample->n;
    EQS_TRY(eqs_integrator_create_flow(integrator));
    if (SUNContext_Create(NULL, &integrator->context) != 0)
        return eqs_fail(EQS_NO_MEMORY, "no memory for a SUNDIALS context");
    integrator->y = eqs_fast_vector(n, integrator->context);
    integrator->dense = eqs_fast_vector(n, integrator->context);
    integrator->cvode = CVodeCreate(integrator->method, integrator->context);
    if (integrator->y == NULL || integrator->dense == NULL || integrator->cvode == NULL)
        return eqs_fail(EQS_NO_MEMORY, "no memory for CVODE with %ld variables", (long)n);
    void *cvode = integrator->cvode;
    CVodeSetErrHandlerFn(cvode, keep_message, integrator);
    double longest = options->max_step * integrator->sample->tau_max;
    if (CVodeInit(cvode, flow, 0.0, integrator->y) != CV_SUCCESS ||
        CVodeSStolerances(cvode, options->rtol, options->atol) != CV_SUCCESS ||
        CVodeSetUserData(cvode, integrator) != CV_SUCCESS || CVodeSetMaxHnilWarns(cvode, -1) != CV_SUCCESS ||
        (isfinite(longest) && CVodeSetMaxStep(cvode, longest) != CV_SUCCESS))
        return eqs_fail(EQS_INTERNAL, "CVODE cannot be set up: %s", integrator->message);
    EQS_TRY(eqs_integrator_watch_events(integrator));
    EQS_TRY(attach_quadrature(integrator));
    if (integrator->method == CV_BDF)
        return eqs_integrator_attach_linear(integrator);
    integrator->nonlinear = SUNNonlinSol_FixedPoint(integrator->y, 0, integrator->context);
    if (integrator->nonlinear == NULL || CVodeSetNonlinearSolver(cvode, integrator->nonlinear) != CV_SUCCESS)
        return eqs_fail(EQS_NO_MEMORY, "no memory for CVODE's fixed-point solver");
    return EQS_OK;
}

static eqs_status create(int method, eqs_sample *sample, const eqs_relax_options *options, void **worker)
{
    eqs_integrator *integrator = eqs_alloc(1, sizeof *integrator);
    if (integrator == NULL)
        return EQS_NO_MEMORY;
    integrator->sample = sample;
    integrator->options = options;
    integrator->method = method;
    eqs_status status = build(integrator);
    if (status == EQS_OK)
        *worker = integrator;
    else
        destroy(integrator);
    return status;
}

static eqs_status create_bdf(eqs_sample *sample, const eqs_relax_options *options, void **worker)
{
    return create(CV_BDF, sample, options, worker);
}

static eqs_status create_adams(eqs_sample *sample, const eqs_relax_options *options, void **worker)
{
    return create(CV_ADAMS, sample, options, worker);
}

/* starts CVODE anew at (t, y): its history is forgotten, so that results depend on the start alone */
static int restart(eqs_integrator *integrator, double t)
{
    double now;
    if (integrator->quadrature != NULL && integrator->started)
        CVodeGetQuad(integrator->cvode, &now, integrator->quadrature);
    int flag = CVodeReInit(integrator->cvode, t, integrator->y);
    if (flag == CV_SUCCESS && integrator->quadrature != NULL)
        flag = CVodeQuadReInit(integrator->cvode, integrator->quadrature);
    if (flag == CV_SUCCESS && isfinite(integrator->options->t_max))
        flag = CVodeSetStopTime(integrator->cvode, integrator->options->t_max);
    integrator->started = false;
    return flag;
}

/* adds CVODE's counts since its last start, which CVodeReInit forgets */
static void count(const eqs_integrator *integrator, eqs_relax_statistics *work)
{
    long steps = 0, evaluations = 0, searches = 0, iterations = 0, error_failures = 0,
         convergence_failures = 0;
    if (!integrator->started)
        return;
    CVodeGetNumSteps(integrator->cvode, &steps);
    CVodeGetNumRhsEvals(integrator->cvode, &evaluations);
    CVodeGetNumNonlinSolvIters(integrator->cvode, &iterations);
    CVodeGetNumErrTestFails(integrator->cvode, &error_failures);
    CVodeGetNumStepSolveFails(integrator->cvode, &convergence_failures);
    if (integrator->boxed)
        CVodeGetNumGEvals(integrator->cvode, &searches);
    work->steps += steps;
    work->rhs_evaluations += evaluations + searches;
    work->nonlinear_iterations += iterations;
    work->error_test_failures += error_failures;
    work->convergence_failures += convergence_failures;
    if (integrator->method == CV_BDF)
        eqs_integrator_count_linear(integrator, work);
}

static double residual_of(eqs_integrator *integrator, N_Vector y, eqs_relax_statistics *work)
{
    eqs_field *field = integrator->field;
    double residual;
    field->ops->residual(field, N_VGetArrayPointer(y), &residual);
    work->residual_evaluations++;
    return residual;
}

/* The residual, or for most steps far from the end an estimate that shows that it is far: the interpolating
 * polynomial's derivative is f up to Newton's tolerance, and |tau f| is the residual of a unit inside its
 * box. Every fourth step is evaluated whatever the estimate, so that its noise cannot hide the end. */
static void measure(eqs_integrator *integrator, progress *at, size_t step, bool must,
                    eqs_relax_statistics *work)
{
    enum { EVERY = 4 };
    const double far = 10.0;
    const eqs_sample *sample = integrator->sample;
    double estimate = 0.0;
    if (!must && step % EVERY != 0 &&
        CVodeGetDky(integrator->cvode, at->t, 1, integrator->dense) == CV_SUCCESS) {
        const double *x = N_VGetArrayPointer(integrator->y), *rate = N_VGetArrayPointer(integrator->dense);
        for (size_t i = 0; i < sample->n; i++) {
            double size = x[i] > sample->lo[i] && x[i] < sample->hi[i] ? fabs(sample->tau[i] * rate[i]) : 0.0;
            estimate = size > estimate ? size : estimate;
        }
    }
    at->certified = !(estimate > far * integrator->options->tolerance && estimate < divergence);
    at->residual = at->certified ? residual_of(integrator, integrator->y, work) : estimate;
}

/* Keeps GMRES working near the equilibrium: below CVODE's own tolerance, which is relative to the error
 * weights, it would take the right-hand side for the solution, and a loose rtol would stall at a residual of
 * about rtol / 100. Its tolerance follows the residual instead. */
static void sharpen_krylov(eqs_integrator *integrator, double residual)
{
    const double usual = 0.05, sharpest = 1e-9; /* CVODE's default; beyond, rounding */
    if (integrator->method != CV_BDF || integrator->kind != EQS_LINEAR_KRYLOV)
        return;
    double share = fmax(residual / integrator->options->rtol, sharpest);
    CVodeSetEpsLin(integrator->cvode, usual * fmin(share, 1.0));
}

static eqs_status record_point(eqs_integrator *integrator, const progress *at, eqs_trajectory *trajectory)
{
    return eqs_sample_record(integrator->sample, trajectory, at->t, at->residual,
                             N_VGetArrayPointer(integrator->y));
}

/* records the asked times that the last step has passed, from CVODE's interpolating polynomial */
static eqs_status record_times(eqs_integrator *integrator, progress *at, eqs_trajectory *trajectory,
                               eqs_relax_statistics *work)
{
    const eqs_relax_options *options = integrator->options;
    for (; at->next_time < options->n_record_times; at->next_time++) {
        double t = options->record_times[at->next_time];
        if (t > at->t)
            break;
        if (t <= 0.0) /* the start is recorded already */
            continue;
        int flag = CVodeGetDky(integrator->cvode, t, 0, integrator->dense);
        if (flag != CV_SUCCESS)
            return eqs_fail(EQS_INTERNAL, "CVODE cannot interpolate at t = %g: %s", t, integrator->message);
        eqs_integrator_snap(integrator, N_VGetArrayPointer(integrator->dense));
        double residual = residual_of(integrator, integrator->dense, work);
        EQS_TRY(eqs_sample_record(integrator->sample, trajectory, t, residual,
                                  N_VGetArrayPointer(integrator->dense)));
    }
    return EQS_OK;
}

static eqs_status record(eqs_integrator *integrator, progress *at, eqs_trajectory *trajectory,
                         eqs_relax_statistics *work)
{
    if (trajectory == NULL)
        return EQS_OK;
    if (integrator->options->record == EQS_RECORD_STEPS || trajectory->n == 0)
        return record_point(integrator, at, trajectory);
    return record_times(integrator, at, trajectory, work);
}

static void give_up(eqs_integrator *integrator, const progress *at, int flag, char failure[224])
{
    if (flag >= 0) {
        snprintf(failure, 224,
                 "the state grows without bound, residual %.3g at t = %g: the energy has no minimum here",
                 at->residual, at->t);
        return;
    }
    char *name = CVodeGetReturnFlagName(flag);
    snprintf(failure, 224, "CVODE gave up at t = %g, residual %.3g: %s%s%s", at->t, at->residual,
             name == NULL ? "?" : name, integrator->message[0] == '\0' ? "" : ": ", integrator->message);
    free(name); /* CVODE allocates it */
}

/* the reason to end here, or RUNNING */
static eqs_relax_end judge(const eqs_integrator *integrator, const progress *at, size_t steps, int flag)
{
    const eqs_relax_options *options = integrator->options;
    if (flag < 0 || !(at->residual < divergence))
        return EQS_RELAX_FAILED;
    if (at->certified && at->residual <= options->tolerance)
        return EQS_RELAX_CONVERGED;
    if (flag == CV_TSTOP_RETURN)
        return EQS_RELAX_TIME_LIMIT;
    if (steps == options->max_steps)
        return EQS_RELAX_STEP_LIMIT;
    return eqs_stop_requested() ? EQS_RELAX_STOPPED : EQS_RELAX_RUNNING;
}

/* Integrates from the present y until a reason to end. */
static eqs_status integrate(eqs_integrator *integrator, progress *at, eqs_trajectory *trajectory,
                            eqs_sample_outcome *outcome, eqs_relax_statistics *work)
{
    const eqs_relax_options *options = integrator->options;
    /* CVODE reads the scale of its first step from the distance to the target time */
    integrator->started = false;
    if (integrator->quadrature != NULL)
        N_VConst(0.0, integrator->quadrature);
    double target = isfinite(options->t_max) ? options->t_max : 1e4 * integrator->sample->tau_max;
    int flag = restart(integrator, 0.0);
    measure(integrator, at, 0, true, work);
    EQS_TRY(record(integrator, at, trajectory, work));
    for (size_t steps = 0;; steps++) {
        outcome->end = judge(integrator, at, steps, flag);
        if (outcome->end != EQS_RELAX_RUNNING && !at->certified) {
            measure(integrator, at, steps, true, work);
            outcome->end = judge(integrator, at, steps, flag);
        }
        if (outcome->end == EQS_RELAX_FAILED)
            give_up(integrator, at, flag, outcome->failure);
        if (outcome->end != EQS_RELAX_RUNNING) {
            outcome->steps = steps;
            return EQS_OK;
        }

        sharpen_krylov(integrator, at->residual);
        flag = CVode(integrator->cvode, target, integrator->y, &at->t, CV_ONE_STEP);
        integrator->started = true;
        eqs_integrator_snap(integrator, N_VGetArrayPointer(integrator->y));
        measure(integrator, at, steps + 1, options->record == EQS_RECORD_STEPS || flag < 0, work);
        if (flag < 0)
            continue;
        EQS_TRY(record(integrator, at, trajectory, work));
        if (integrator->boxed)
            work->rhs_evaluations++;
        if (eqs_integrator_meet_event(integrator, flag) && flag != CV_TSTOP_RETURN) {
            count(integrator, work);
            flag = restart(integrator, at->t);
        }
    }
}

static eqs_status relax(void *worker, eqs_trajectory *trajectory, eqs_sample_outcome *outcome,
                        eqs_relax_statistics *work)
{
    eqs_integrator *integrator = worker;
    eqs_field *field = integrator->field;
    double *y = N_VGetArrayPointer(integrator->y);
    progress at = {0};
    integrator->message[0] = '\0';
    eqs_integrator_start(integrator, y);
    EQS_TRY(integrate(integrator, &at, trajectory, outcome, work));
    count(integrator, work);
    if (integrator->quadrature != NULL) {
        const eqs_quadrature *quadrature = integrator->options->quadrature;
        double now;
        if (integrator->started)
            CVodeGetQuad(integrator->cvode, &now, integrator->quadrature);
        memcpy(quadrature->value + integrator->sample->index * quadrature->n,
               N_VGetArrayPointer(integrator->quadrature), quadrature->n * sizeof(double));
    }
    outcome->residual = at.residual;
    outcome->time = at.t;
    if (field->ops->energy != NULL)
        field->ops->energy(field, y, &outcome->energy);
    field->ops->to_state(field, y, integrator->sample->state);
    return EQS_OK;
}

static const char *unsupported(const eqs_energy *energy, const eqs_relax_options *options)
{
    const eqs_network *net = energy->net;
    const char *why = options->preconditioner == EQS_PRECONDITIONER_SCHUR ? eqs_schur_refuses(net) : NULL;
    if (why != NULL)
        return why;
    for (size_t k = eqs_first_free_layer(net); net->form == EQS_FORM_GRADIENT && k < net->n_layers; k++) {
        if (eqs_activation_has_kinks(&net->layer[k].activation))
            return "cannot integrate the gradient form with a clipped rho, whose rho' = 0 outside the box "
                   "makes "
                   "the field discontinuous at its fixed points (it chatters and never settles); use form "
                   "membrane or projected, a smooth rho, or solver euler";
    }
    return NULL;
}

static eqs_status run_bdf(const eqs_energy *energy, const eqs_phase *phase, const eqs_relax_options *options,
                          eqs_state *state, eqs_relax_result *result)
{
    static const eqs_sample_solver how = {create_bdf, relax, destroy};
    return eqs_relax_samples(&how, energy, phase, options, state, result);
}

static eqs_status run_adams(const eqs_energy *energy, const eqs_phase *phase,
                            const eqs_relax_options *options, eqs_state *state, eqs_relax_result *result)
{
    static const eqs_sample_solver how = {create_adams, relax, destroy};
    return eqs_relax_samples(&how, energy, phase, options, state, result);
}

const eqs_solver eqs_solver_cvode_bdf = {
    .name = "cvode-bdf",
    .summary = "CVODE, variable-order BDF with Newton: trajectories, also of stiff fields",
    .unsupported = unsupported,
    .run = run_bdf,
    .can = EQS_SOLVER_RECORDS | EQS_SOLVER_LINEAR | EQS_SOLVER_QUADRATURES,
};

const eqs_solver eqs_solver_cvode_adams = {
    .name = "cvode-adams",
    .summary = "CVODE, variable-order Adams with fixed-point iteration: non-stiff fields at rtol <= 1e-6",
    .unsupported = unsupported,
    .run = run_adams,
    .can = EQS_SOLVER_RECORDS | EQS_SOLVER_QUADRATURES,
};
