#include "netlists/cosim_ode.h"

#include "base/memory.h"

#include <cvode/cvode.h>
#include <math.h>
#include <nvector/nvector_serial.h>
#include <stdio.h>
#include <string.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunlinsol/sunlinsol_spgmr.h>
#include <sunmatrix/sunmatrix_dense.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

enum { DENSE_UNITS = 200 };

struct eqs_cosim_ode {
    const eqs_cosim_system *sys;
    SUNContext context;
    void *cvode;
    N_Vector u;
    SUNNonlinearSolver nonlinear;
    SUNLinearSolver linear;
    SUNMatrix matrix;
    double t, mark_t;
    double *block; /* behind the arrays below */
    double *y, *scratch, *f, *r, *dr, *a, *da, *mark_u;
    size_t steps, steps_before;
    const eqs_cosim_history *signal; /* y(t) of the present stretch */
    size_t degree;
    char message[128];
};

static int flow(realtype t, N_Vector u, N_Vector f, void *user)
{
    eqs_cosim_ode *ode = user;
    double *out = N_VGetArrayPointer(f), sum = 0.0;
    eqs_cosim_history_at(ode->signal, ode->degree, t, ode->y, NULL);
    eqs_cosim_flow(ode->sys, N_VGetArrayPointer(u), ode->y, out, ode->scratch);
    for (size_t i = 0; i < ode->sys->n_ode; i++)
        sum += out[i];
    return isfinite(sum) ? 0 : 1;
}

/* keeps what CVODE would print */
static void keep_message(int code, const char *module, const char *function, char *text, void *user)
{
    (void)module, (void)function;
    eqs_cosim_ode *ode = user;
    if (code < 0)
        snprintf(ode->message, sizeof ode->message, "%s", text);
}

static eqs_status allocate(eqs_cosim_ode *ode)
{
    size_t n = ode->sys->n_ode, m = ode->sys->n_in;
    ode->block = eqs_alloc(6 * n + 3 * m, sizeof *ode->block);
    if (ode->block == NULL)
        return EQS_NO_MEMORY;
    ode->scratch = ode->block;
    ode->f = ode->scratch + 2 * n;
    ode->r = ode->f + n;
    ode->dr = ode->r + n;
    ode->mark_u = ode->dr + n;
    ode->y = ode->mark_u + n;
    ode->a = ode->y + m;
    ode->da = ode->a + m;
    return EQS_OK;
}

static bool is_stiff(const eqs_cosim_system *sys)
{
    const double spread = 20.0;
    double least = INFINITY, most = 0.0;
    for (size_t i = 0; i < sys->n_ode; i++) {
        least = fmin(least, sys->ode[i].tau);
        most = fmax(most, sys->ode[i].tau);
    }
    for (size_t i = 0; i < sys->n_circuit; i++)
        most = fmax(most, sys->circuit[i].tau);
    return most > spread * least;
}

static eqs_status attach_solver(eqs_cosim_ode *ode)
{
    sunindextype n = (sunindextype)ode->sys->n_ode;
    bool fine;
    if (!is_stiff(ode->sys)) {
        ode->nonlinear = SUNNonlinSol_FixedPoint(ode->u, 0, ode->context);
        fine = ode->nonlinear != NULL && CVodeSetNonlinearSolver(ode->cvode, ode->nonlinear) == CV_SUCCESS;
    } else if (n <= DENSE_UNITS) {
        ode->matrix = SUNDenseMatrix(n, n, ode->context);
        ode->linear = ode->matrix == NULL ? NULL : SUNLinSol_Dense(ode->u, ode->matrix, ode->context);
        fine =
            ode->linear != NULL && CVodeSetLinearSolver(ode->cvode, ode->linear, ode->matrix) == CV_SUCCESS;
    } else {
        ode->linear = SUNLinSol_SPGMR(ode->u, SUN_PREC_NONE, 30, ode->context);
        fine = ode->linear != NULL && CVodeSetLinearSolver(ode->cvode, ode->linear, NULL) == CV_SUCCESS;
    }
    return fine ? EQS_OK : eqs_fail(EQS_NO_MEMORY, "no memory for CVODE's solver");
}

static eqs_status build(eqs_cosim_ode *ode, double rtol, double atol, const double *u0)
{
    size_t n = ode->sys->n_ode;
    EQS_TRY(allocate(ode));
    if (n == 0)
        return EQS_OK;
    if (SUNContext_Create(NULL, &ode->context) != 0)
        return eqs_fail(EQS_NO_MEMORY, "no memory for a SUNDIALS context");
    ode->u = N_VNew_Serial((sunindextype)n, ode->context);
    ode->cvode = CVodeCreate(is_stiff(ode->sys) ? CV_BDF : CV_ADAMS, ode->context);
    if (ode->u == NULL || ode->cvode == NULL)
        return eqs_fail(EQS_NO_MEMORY, "no memory for CVODE with %zu variables", n);
    memcpy(N_VGetArrayPointer(ode->u), u0, n * sizeof *u0);
    CVodeSetErrHandlerFn(ode->cvode, keep_message, ode);
    if (CVodeInit(ode->cvode, flow, 0.0, ode->u) != CV_SUCCESS ||
        CVodeSStolerances(ode->cvode, rtol, atol) != CV_SUCCESS ||
        CVodeSetUserData(ode->cvode, ode) != CV_SUCCESS || CVodeSetMaxHnilWarns(ode->cvode, -1) != CV_SUCCESS)
        return eqs_fail(EQS_INTERNAL, "CVODE cannot be set up: %s", ode->message);
    return attach_solver(ode);
}

eqs_status eqs_cosim_ode_create(const eqs_cosim_system *system, double rtol, double atol, const double *u0,
                                eqs_cosim_ode **out)
{
    eqs_cosim_ode *ode = eqs_alloc(1, sizeof *ode);
    if (ode == NULL)
        return EQS_NO_MEMORY;
    ode->sys = system;
    eqs_status status = build(ode, rtol, atol, u0);
    if (status != EQS_OK) {
        eqs_cosim_ode_destroy(ode);
        return status;
    }
    *out = ode;
    return EQS_OK;
}

void eqs_cosim_ode_destroy(eqs_cosim_ode *ode)
{
    if (ode == NULL)
        return;
    CVodeFree(&ode->cvode);
    if (ode->linear != NULL)
        SUNLinSolFree(ode->linear);
    if (ode->nonlinear != NULL)
        SUNNonlinSolFree(ode->nonlinear);
    if (ode->matrix != NULL)
        SUNMatDestroy(ode->matrix);
    if (ode->u != NULL)
        N_VDestroy(ode->u);
    if (ode->context != NULL)
        SUNContext_Free(&ode->context);
    eqs_free(ode->block);
    eqs_free(ode);
}

/* tells the inputs of the circuit at the present point */
static void tell(eqs_cosim_ode *ode, eqs_cosim_sink sink, void *user)
{
    const eqs_cosim_system *sys = ode->sys;
    const double *u = sys->n_ode == 0 ? NULL : N_VGetArrayPointer(ode->u);
    eqs_cosim_history_at(ode->signal, ode->degree, ode->t, ode->y, NULL);
    eqs_cosim_flow(sys, u, ode->y, ode->f, ode->scratch);
    for (size_t i = 0; i < sys->n_ode; i++) {
        ode->r[i] = ode->scratch[i];
        ode->dr[i] = eqs_rho_derivative(sys->ode[i].rho, u[i]) * ode->f[i];
    }
    eqs_cosim_inputs(sys, ode->r, ode->dr, ode->a, ode->da);
    sink(user, ode->t, ode->a, ode->da);
}

eqs_status eqs_cosim_ode_advance(eqs_cosim_ode *ode, double t1, const eqs_cosim_history *y, size_t degree,
                                 eqs_cosim_sink sink, void *user)
{
    long steps = 0;
    ode->signal = y;
    ode->degree = degree;
    tell(ode, sink, user);
    if (ode->sys->n_ode == 0) {
        ode->t = t1;
        tell(ode, sink, user);
        return EQS_OK;
    }
    CVodeSetStopTime(ode->cvode, t1);
    for (int flag = CV_SUCCESS; flag != CV_TSTOP_RETURN; tell(ode, sink, user)) {
        flag = CVode(ode->cvode, t1, ode->u, &ode->t, CV_ONE_STEP);
        if (flag < 0)
            return eqs_fail(EQS_NOT_CONVERGED, "co-simulation: CVODE gave up at t = %g: %s", ode->t,
                            ode->message);
        if (ode->t >= t1)
            flag = CV_TSTOP_RETURN;
    }
    CVodeGetNumSteps(ode->cvode, &steps);
    ode->steps = ode->steps_before + (size_t)steps;
    return EQS_OK;
}

const double *eqs_cosim_ode_state(const eqs_cosim_ode *ode)
{
    return ode->sys->n_ode == 0 ? NULL : N_VGetArrayPointer(ode->u);
}

void eqs_cosim_ode_mark(eqs_cosim_ode *ode)
{
    ode->mark_t = ode->t;
    if (ode->sys->n_ode > 0)
        memcpy(ode->mark_u, N_VGetArrayPointer(ode->u), ode->sys->n_ode * sizeof(double));
}

eqs_status eqs_cosim_ode_back(eqs_cosim_ode *ode)
{
    ode->t = ode->mark_t;
    if (ode->sys->n_ode == 0)
        return EQS_OK;
    ode->steps_before = ode->steps;
    memcpy(N_VGetArrayPointer(ode->u), ode->mark_u, ode->sys->n_ode * sizeof(double));
    if (CVodeReInit(ode->cvode, ode->t, ode->u) != CV_SUCCESS)
        return eqs_fail(EQS_INTERNAL, "CVODE cannot start anew: %s", ode->message);
    return EQS_OK;
}

size_t eqs_cosim_ode_steps(const eqs_cosim_ode *ode)
{
    return ode->steps;
}
