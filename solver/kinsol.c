/* KINSOL (SUNDIALS): the equilibrium as a system of equations, one sample at a time. An independent check of
 * the other solvers, not a fast one. The system is N(x) = 0,
 *   N = tau f(x)                      for a continuous field: membrane form, smooth rho
 *   N = clip(c + tau f(c)) - x, c = clip(x)   where the state lives in a box: the natural residual,
 * continuous although f is not, and zero exactly at the KKT points solved by Newton-GMRES with a line search
 * on |N| and the analytic Jacobian product; when that stalls (at a kink), by the fixed-point iteration x <- x
 * + N(x) with Anderson acceleration. A zero of N is any stationary point of the energy, so also a saddle;
 * where there are several, the start decides, and the rounding of BLAS's kernels, which differ between
 * processors. */
#include "solver/fast_vector.h"
#include "solver/sample.h"
#include "solver/solvers.h"

#include "base/memory.h"
#include "base/run.h"

#include <kinsol/kinsol.h>
#include <kinsol/kinsol_ls.h>
#include <limits.h>
#include <math.h>
#include <nvector/nvector_serial.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sunlinsol/sunlinsol_spgmr.h>

enum { KRYLOV_VECTORS = 30, ANDERSON_VECTORS = 5, MOST_POLISHING = 50 };

typedef struct equations {
    eqs_sample *sample; /* borrowed */
    const eqs_relax_options *options;
    bool boxed; /* the state lives in a box: N is the natural residual */
    SUNContext context;
    void *newton, *fixed_point;
    SUNLinearSolver linear;
    N_Vector x, scale;
    const double *lo, *hi; /* [n] box; borrowed from the sample */
    double *inside, *held; /* [n] x clipped, and v where x is inside: scratch of the boxed system */
    double *passes;        /* [n] 1 where clip(c + tau f) moves with its argument */
    char message[128];
} equations;

/* x + N(x) into out, exactly on a bound where it is clipped; nonzero when f is not finite */
static int moved(equations *e, const double *x, double *out)
{
    eqs_field *field = e->sample->field;
    const double *tau = e->sample->tau;
    size_t n = e->sample->n;
    if (!e->boxed) {
        int bad = field->ops->rhs(field, 0.0, x, out);
        for (size_t i = 0; i < n; i++)
            out[i] = x[i] + tau[i] * out[i];
        return bad;
    }
    for (size_t i = 0; i < n; i++)
        e->inside[i] = eqs_clip(x[i], e->lo[i], e->hi[i]);
    int bad = field->ops->rhs(field, 0.0, e->inside, out);
    for (size_t i = 0; i < n; i++)
        out[i] = eqs_clip(e->inside[i] + tau[i] * out[i], e->lo[i], e->hi[i]);
    return bad;
}

static int newton_system(N_Vector x, N_Vector out, void *user)
{
    int bad = moved(user, N_VGetArrayPointer(x), N_VGetArrayPointer(out));
    N_VLinearSum(1.0, out, -1.0, x, out);
    return bad == 0 ? 0 : 1;
}

static int fixed_point_map(N_Vector x, N_Vector out, void *user)
{
    return moved(user, N_VGetArrayPointer(x), N_VGetArrayPointer(out)) == 0 ? 0 : 1;
}

/* the linearisation point of the next products */
static void linearise(equations *e, const double *x)
{
    eqs_field *field = e->sample->field;
    if (!e->boxed) {
        field->ops->prepare(field, x);
        return;
    }
    for (size_t i = 0; i < e->sample->n; i++)
        e->inside[i] = eqs_clip(x[i], e->lo[i], e->hi[i]);
    field->ops->rhs(field, 0.0, e->inside, e->passes);
    for (size_t i = 0; i < e->sample->n; i++) {
        double to = e->inside[i] + e->sample->tau[i] * e->passes[i];
        e->passes[i] = to > e->lo[i] && to < e->hi[i] ? 1.0 : 0.0;
    }
    field->ops->prepare(field, e->inside);
}

/* out = (dN/dx) v; boxed: D (P v + tau J P v) - v with P = 1 where x is in the box, D where the outer clip
 * passes (an element of the generalised Jacobian) */
static int product(N_Vector v_in, N_Vector out_in, N_Vector x_in, booleantype *new_x, void *user)
{
    equations *e = user;
    eqs_field *field = e->sample->field;
    const double *v = N_VGetArrayPointer(v_in), *x = N_VGetArrayPointer(x_in), *tau = e->sample->tau;
    double *out = N_VGetArrayPointer(out_in);
    if (*new_x) {
        linearise(e, x);
        *new_x = 0;
    }
    if (!e->boxed) {
        field->ops->jacobian_product(field, v, out);
        for (size_t i = 0; i < e->sample->n; i++)
            out[i] *= tau[i];
        return 0;
    }
    for (size_t i = 0; i < e->sample->n; i++)
        e->held[i] = x[i] >= e->lo[i] && x[i] <= e->hi[i] ? v[i] : 0.0;
    field->ops->jacobian_product(field, e->held, out);
    for (size_t i = 0; i < e->sample->n; i++)
        out[i] = e->passes[i] * (e->held[i] + tau[i] * out[i]) - v[i];
    return 0;
}

/* keeps what KINSOL would print */
static void keep_message(int code, const char *module, const char *function, char *text, void *user)
{
    (void)module, (void)function;
    equations *e = user;
    if (code < 0)
        snprintf(e->message, sizeof e->message, "%s", text);
}

static void destroy(void *worker)
{
    equations *e = worker;
    if (e == NULL)
        return;
    KINFree(&e->newton);
    KINFree(&e->fixed_point);
    if (e->linear != NULL)
        SUNLinSolFree(e->linear);
    if (e->x != NULL)
        N_VDestroy(e->x);
    if (e->scale != NULL)
        N_VDestroy(e->scale);
    if (e->context != NULL)
        SUNContext_Free(&e->context);
    eqs_free(e->inside);
    eqs_free(e);
}

/* the box of every variable, and scratch for the boxed system */
static eqs_status set_box(equations *e)
{
    const eqs_network *net = e->sample->phase.net;
    size_t n = e->sample->n;
    e->boxed = net->form == EQS_FORM_PROJECTED ||
               (net->form == EQS_FORM_GRADIENT && e->sample->field->discontinuous);
    e->lo = e->sample->lo;
    e->hi = e->sample->hi;
    e->inside = eqs_alloc(3 * n, sizeof *e->inside);
    if (e->inside == NULL)
        return EQS_NO_MEMORY;
    e->held = e->inside + n;
    e->passes = e->held + n;
    return EQS_OK;
}

/* what both KINSOL solvers have in common; tighter than asked, for KIN_FP tests the iterate before its last
 */
static int configure(equations *e, void *kinsol)
{
    size_t most = e->options->max_steps;
    int flag = KINSetErrHandlerFn(kinsol, keep_message, e);
    if (flag == KIN_SUCCESS)
        flag = KINSetUserData(kinsol, e);
    if (flag == KIN_SUCCESS)
        flag = KINSetNumMaxIters(kinsol, most < LONG_MAX ? (long)most : LONG_MAX);
    if (flag == KIN_SUCCESS)
        flag = KINSetFuncNormTol(kinsol, fmax(0.1 * e->options->tolerance, 1e-16));
    return flag;
}

static eqs_status build(equations *e)
{
    sunindextype n = (sunindextype)e->sample->n;
    if (SUNContext_Create(NULL, &e->context) != 0)
        return eqs_fail(EQS_NO_MEMORY, "no memory for a SUNDIALS context");
    e->x = eqs_fast_vector(n, e->context);
    e->scale = eqs_fast_vector(n, e->context);
    e->newton = KINCreate(e->context);
    e->fixed_point = KINCreate(e->context);
    if (e->x == NULL || e->scale == NULL || e->newton == NULL || e->fixed_point == NULL)
        return eqs_fail(EQS_NO_MEMORY, "no memory for KINSOL with %ld unknowns", (long)n);
    N_VConst(1.0, e->scale);
    e->linear = SUNLinSol_SPGMR(e->x, SUN_PREC_NONE, KRYLOV_VECTORS, e->context);
    if (e->linear == NULL)
        return eqs_fail(EQS_NO_MEMORY, "no memory for KINSOL's Krylov solver");
    if (configure(e, e->newton) != KIN_SUCCESS || KINInit(e->newton, newton_system, e->x) != KIN_SUCCESS ||
        KINSetScaledStepTol(e->newton, 1e-15) != KIN_SUCCESS ||
        KINSetMaxNewtonStep(e->newton, 1e3 * sqrt((double)n)) != KIN_SUCCESS ||
        KINSetLinearSolver(e->newton, e->linear, NULL) != KINLS_SUCCESS ||
        KINSetJacTimesVecFn(e->newton, product) != KINLS_SUCCESS)
        return eqs_fail(EQS_INTERNAL, "KINSOL's Newton solver cannot be set up: %s", e->message);
    if (configure(e, e->fixed_point) != KIN_SUCCESS ||
        KINSetMAA(e->fixed_point, ANDERSON_VECTORS) != KIN_SUCCESS ||
        KINInit(e->fixed_point, fixed_point_map, e->x) != KIN_SUCCESS)
        return eqs_fail(EQS_INTERNAL, "KINSOL's fixed-point solver cannot be set up: %s", e->message);
    return EQS_OK;
}

static eqs_status create(eqs_sample *sample, const eqs_relax_options *options, void **worker)
{
    equations *e = eqs_alloc(1, sizeof *e);
    if (e == NULL)
        return EQS_NO_MEMORY;
    e->sample = sample;
    e->options = options;
    eqs_status status = set_box(e);
    if (status == EQS_OK)
        status = build(e);
    if (status == EQS_OK)
        *worker = e;
    else
        destroy(e);
    return status;
}

static void count(void *kinsol, bool newton, eqs_relax_statistics *work)
{
    long iterations = 0, evaluations = 0, linear = 0, products = 0;
    KINGetNumNonlinSolvIters(kinsol, &iterations);
    KINGetNumFuncEvals(kinsol, &evaluations);
    if (newton) {
        KINGetNumLinIters(kinsol, &linear);
        KINGetNumJtimesEvals(kinsol, &products);
    }
    work->steps += iterations;
    work->nonlinear_iterations += iterations;
    work->rhs_evaluations += evaluations;
    work->linear_iterations += linear;
    work->jacobian_products += products;
}

static void enter_box(const equations *e, double *x)
{
    for (size_t i = 0; e->boxed && i < e->sample->n; i++)
        x[i] = eqs_clip(x[i], e->lo[i], e->hi[i]);
}

/* the certificate; boxed (x is in the box then): from f, which is -dF/ds / tau there */
static double residual_of(equations *e, eqs_relax_statistics *work)
{
    eqs_field *field = e->sample->field;
    const double *x = N_VGetArrayPointer(e->x);
    double residual = 0.0;
    work->residual_evaluations++;
    if (!e->boxed) {
        field->ops->residual(field, x, &residual);
        return residual;
    }
    field->ops->rhs(field, 0.0, x, e->passes);
    for (size_t i = 0; i < e->sample->n; i++) {
        double force = fabs(eqs_projected(e->sample->tau[i] * e->passes[i], x[i], e->lo[i], e->hi[i]));
        if (!(force <= residual)) /* NaN counts as the largest, and stays */
            residual = force;
        if (isnan(force))
            break;
    }
    return residual;
}

/* Boxed: a unit next to its bound satisfies N < tolerance without being on the bound, where its force would
 * be projected away. Steps x <- x + N(x) put it there. Returns the residual. */
static double polish(equations *e, eqs_relax_statistics *work)
{
    double *x = N_VGetArrayPointer(e->x), *next = e->passes;
    enter_box(e, x);
    double residual = residual_of(e, work);
    for (int i = 0; e->boxed && i < MOST_POLISHING && residual > e->options->tolerance; i++) {
        if (moved(e, x, next) != 0)
            break;
        work->rhs_evaluations++;
        memcpy(x, next, e->sample->n * sizeof *x);
        residual = residual_of(e, work);
    }
    return residual;
}

/* one KINSOL call from the present x; the residual after it */
static double solve(equations *e, bool newton, int *flag, eqs_relax_statistics *work)
{
    void *kinsol = newton ? e->newton : e->fixed_point;
    e->message[0] = '\0';
    *flag = KINSol(kinsol, e->x, newton ? KIN_LINESEARCH : KIN_FP, e->scale, e->scale);
    count(kinsol, newton, work);
    return polish(e, work);
}

static eqs_status relax(void *worker, eqs_trajectory *trajectory, eqs_sample_outcome *outcome,
                        eqs_relax_statistics *work)
{
    (void)trajectory; /* refused: no solver without EQS_SOLVER_RECORDS is asked to record */
    equations *e = worker;
    eqs_field *field = e->sample->field;
    double *x = N_VGetArrayPointer(e->x), tolerance = e->options->tolerance;
    int flag = KIN_SUCCESS;
    long before = work->steps;
    field->ops->from_state(field, e->sample->state, e->options->settled_start, x);
    enter_box(e, x);
    outcome->residual = residual_of(e, work);
    if (outcome->residual > tolerance && !eqs_stop_requested())
        outcome->residual = solve(e, true, &flag, work);
    if (!(outcome->residual <= tolerance) && !eqs_stop_requested()) {
        if (!isfinite(outcome->residual))
            field->ops->from_state(field, e->sample->state, e->options->settled_start, x);
        outcome->residual = solve(e, false, &flag, work);
    }
    outcome->end = EQS_RELAX_FAILED;
    if (outcome->residual <= tolerance) {
        outcome->end = EQS_RELAX_CONVERGED;
    } else if (eqs_stop_requested()) {
        outcome->end = EQS_RELAX_STOPPED;
    } else if (flag == KIN_MAXITER_REACHED) {
        outcome->end = EQS_RELAX_STEP_LIMIT;
    } else {
        char *name = KINGetReturnFlagName(flag);
        snprintf(outcome->failure, sizeof outcome->failure, "KINSOL gave up, residual %.3g: %s%s%s",
                 outcome->residual, name == NULL ? "?" : name, e->message[0] == '\0' ? "" : ": ", e->message);
        free(name); /* KINSOL allocates it */
    }
    outcome->time = 0.0;
    outcome->steps = (size_t)(work->steps - before);
    if (field->ops->energy != NULL)
        field->ops->energy(field, x, &outcome->energy);
    field->ops->to_state(field, x, e->sample->state);
    return EQS_OK;
}

static eqs_status run(const eqs_energy *energy, const eqs_phase *phase, const eqs_relax_options *options,
                      eqs_state *state, eqs_relax_result *result)
{
    static const eqs_sample_solver how = {create, relax, destroy};
    return eqs_relax_samples(&how, energy, phase, options, state, result);
}

const eqs_solver eqs_solver_kinsol = {
    .name = "kinsol",
    .summary = "KINSOL, Newton-GMRES with line search, then Anderson-accelerated fixed point: a cross-check",
    .run = run,
};
