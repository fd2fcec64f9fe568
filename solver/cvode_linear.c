/* Linear solvers of the BDF integrator, all with the analytic Jacobian of the field: dense LU, sparse KLU,
 * and matrix-free GMRES with the diagonal or the Schur preconditioner. */
#include "solver/cvode_integrator.h"
#include "solver/cvode_schur.h"

#include "base/memory.h"

#include <cvodes/cvodes.h>
#include <cvodes/cvodes_ls.h>
#include <string.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunlinsol/sunlinsol_klu.h>
#include <sunlinsol/sunlinsol_spgmr.h>
#include <sunmatrix/sunmatrix_dense.h>
#include <sunmatrix/sunmatrix_sparse.h>

/* AUTO takes the dense solver up to so many unknowns; Krylov vectors before GMRES gives up */
enum { LARGEST_DENSE = 64, KRYLOV_VECTORS = 20 };

static int dense_jacobian(realtype t, N_Vector y, N_Vector fy, SUNMatrix J, void *user, N_Vector a,
                          N_Vector b, N_Vector c)
{
    (void)t, (void)fy, (void)a, (void)b, (void)c;
    eqs_integrator *integrator = user;
    integrator->field->ops->prepare(integrator->field, N_VGetArrayPointer(y));
    eqs_integrator_dense(integrator, SUNDenseMatrix_Data(J));
    return 0;
}

static int sparse_jacobian(realtype t, N_Vector y, N_Vector fy, SUNMatrix J, void *user, N_Vector a,
                           N_Vector b, N_Vector c)
{
    (void)t, (void)fy, (void)a, (void)b, (void)c;
    eqs_integrator *integrator = user;
    size_t n = integrator->sample->n, entries = integrator->field->n_nonzeros;
    memcpy(SUNSparseMatrix_IndexPointers(J), integrator->column_start,
           (n + 1) * sizeof *integrator->column_start);
    memcpy(SUNSparseMatrix_IndexValues(J), integrator->row, entries * sizeof *integrator->row);
    integrator->field->ops->prepare(integrator->field, N_VGetArrayPointer(y));
    eqs_integrator_values(integrator, SUNSparseMatrix_Data(J));
    return 0;
}

static int product_setup(realtype t, N_Vector y, N_Vector fy, void *user)
{
    (void)t, (void)fy;
    eqs_field *field = ((eqs_integrator *)user)->field;
    field->ops->prepare(field, N_VGetArrayPointer(y));
    return 0;
}

static int product(N_Vector v, N_Vector Jv, realtype t, N_Vector y, N_Vector fy, void *user, N_Vector a)
{
    (void)t, (void)y, (void)fy, (void)a;
    eqs_integrator_product(user, N_VGetArrayPointer(v), N_VGetArrayPointer(Jv));
    return 0;
}

/* The Newton matrix is 1 - gamma J, and J is nearly -1/tau: its diagonal carries all the stiffness of unequal
 * time constants. */
static int precondition_setup(realtype t, N_Vector y, N_Vector fy, booleantype still_good,
                              booleantype *renewed, realtype gamma, void *user)
{
    (void)t, (void)fy;
    eqs_integrator *integrator = user;
    if (!still_good) {
        integrator->field->ops->prepare(integrator->field, N_VGetArrayPointer(y));
        eqs_integrator_diagonal(integrator, integrator->diagonal);
    }
    *renewed = !still_good;
    for (size_t i = 0; i < integrator->sample->n; i++) {
        double pivot = 1.0 - gamma * integrator->diagonal[i];
        integrator->inverse[i] = pivot != 0.0 ? 1.0 / pivot : 1.0;
    }
    return 0;
}

static int precondition(realtype t, N_Vector y, N_Vector fy, N_Vector r, N_Vector z, realtype gamma,
                        realtype delta, int side, void *user)
{
    (void)t, (void)y, (void)fy, (void)gamma, (void)delta, (void)side;
    const eqs_integrator *integrator = user;
    const double *restrict in = N_VGetArrayPointer(r), *restrict inverse = integrator->inverse;
    double *restrict out = N_VGetArrayPointer(z);
    for (size_t i = 0; i < integrator->sample->n; i++)
        out[i] = inverse[i] * in[i];
    return 0;
}

static int schur_setup(realtype t, N_Vector y, N_Vector fy, booleantype still_good, booleantype *renewed,
                       realtype gamma, void *user)
{
    (void)t, (void)fy;
    eqs_integrator *integrator = user;
    if (!still_good)
        integrator->field->ops->prepare(integrator->field, N_VGetArrayPointer(y));
    *renewed = !still_good;
    return eqs_schur_factorise(integrator->schur, !still_good, gamma) ? 0 : 1;
}

static int schur_solve(realtype t, N_Vector y, N_Vector fy, N_Vector r, N_Vector z, realtype gamma,
                       realtype delta, int side, void *user)
{
    (void)t, (void)y, (void)fy, (void)gamma, (void)delta, (void)side;
    const eqs_integrator *integrator = user;
    eqs_schur_solve(integrator->schur, N_VGetArrayPointer(r), N_VGetArrayPointer(z));
    return 0;
}

static eqs_status no_memory(void)
{
    return eqs_fail(EQS_NO_MEMORY, "no memory for CVODE's linear solver");
}

static eqs_status attach_dense(eqs_integrator *integrator)
{
    sunindextype n = (sunindextype)integrator->sample->n;
    integrator->matrix = SUNDenseMatrix(n, n, integrator->context);
    if (integrator->matrix == NULL)
        return no_memory();
    integrator->linear = SUNLinSol_Dense(integrator->y, integrator->matrix, integrator->context);
    if (integrator->linear == NULL ||
        CVodeSetLinearSolver(integrator->cvode, integrator->linear, integrator->matrix) != CVLS_SUCCESS ||
        CVodeSetJacFn(integrator->cvode, dense_jacobian) != CVLS_SUCCESS)
        return no_memory();
    return EQS_OK;
}

static eqs_status attach_klu(eqs_integrator *integrator)
{
    eqs_field *field = integrator->field;
    size_t n = integrator->sample->n, entries = eqs_field_pattern(field, NULL, NULL);
    integrator->column_start = eqs_alloc(n + 1, sizeof *integrator->column_start);
    integrator->row = eqs_alloc(entries, sizeof *integrator->row);
    if (integrator->column_start == NULL || integrator->row == NULL)
        return EQS_NO_MEMORY;
    eqs_field_pattern(field, integrator->column_start, integrator->row);
    integrator->matrix = SUNSparseMatrix((sunindextype)n, (sunindextype)n, (sunindextype)entries, CSC_MAT,
                                         integrator->context);
    if (integrator->matrix == NULL)
        return no_memory();
    integrator->linear = SUNLinSol_KLU(integrator->y, integrator->matrix, integrator->context);
    if (integrator->linear == NULL ||
        CVodeSetLinearSolver(integrator->cvode, integrator->linear, integrator->matrix) != CVLS_SUCCESS ||
        CVodeSetJacFn(integrator->cvode, sparse_jacobian) != CVLS_SUCCESS)
        return no_memory();
    return EQS_OK;
}

static eqs_status attach_krylov(eqs_integrator *integrator)
{
    bool diagonal = integrator->options->preconditioner == EQS_PRECONDITIONER_DIAGONAL;
    bool schur = integrator->options->preconditioner == EQS_PRECONDITIONER_SCHUR;
    integrator->diagonal = eqs_alloc(integrator->sample->n, sizeof *integrator->diagonal);
    integrator->inverse = eqs_alloc(integrator->sample->n, sizeof *integrator->inverse);
    if (integrator->diagonal == NULL || integrator->inverse == NULL)
        return EQS_NO_MEMORY;
    integrator->linear = SUNLinSol_SPGMR(integrator->y, diagonal || schur ? SUN_PREC_LEFT : SUN_PREC_NONE,
                                         KRYLOV_VECTORS, integrator->context);
    if (integrator->linear == NULL ||
        CVodeSetLinearSolver(integrator->cvode, integrator->linear, NULL) != CVLS_SUCCESS ||
        CVodeSetJacTimes(integrator->cvode, product_setup, product) != CVLS_SUCCESS)
        return no_memory();
    if (schur) {
        EQS_TRY(eqs_schur_create(integrator, &integrator->schur));
        if (CVodeSetPreconditioner(integrator->cvode, schur_setup, schur_solve) != CVLS_SUCCESS)
            return no_memory();
    }
    if (diagonal &&
        CVodeSetPreconditioner(integrator->cvode, precondition_setup, precondition) != CVLS_SUCCESS)
        return no_memory();
    return EQS_OK;
}

eqs_status eqs_integrator_attach_linear(eqs_integrator *integrator)
{
    integrator->kind = integrator->options->linear_solver;
    if (integrator->kind == EQS_LINEAR_AUTO)
        integrator->kind = integrator->sample->n <= LARGEST_DENSE &&
                                   integrator->options->preconditioner != EQS_PRECONDITIONER_SCHUR
                               ? EQS_LINEAR_DENSE
                               : EQS_LINEAR_KRYLOV;
    if (integrator->kind == EQS_LINEAR_DENSE)
        return attach_dense(integrator);
    return integrator->kind == EQS_LINEAR_KLU ? attach_klu(integrator) : attach_krylov(integrator);
}

void eqs_integrator_count_linear(const eqs_integrator *integrator, eqs_relax_statistics *work)
{
    long jacobians = 0, setups = 0, linearisations = 0, products = 0, iterations = 0, evaluations = 0;
    CVodeGetNumJacEvals(integrator->cvode, &jacobians);
    CVodeGetNumPrecEvals(integrator->cvode, &setups);
    CVodeGetNumJTSetupEvals(integrator->cvode, &linearisations);
    CVodeGetNumJtimesEvals(integrator->cvode, &products);
    CVodeGetNumLinIters(integrator->cvode, &iterations);
    CVodeGetNumLinRhsEvals(integrator->cvode, &evaluations);
    work->jacobian_evaluations += jacobians + setups + linearisations;
    work->jacobian_products += products;
    work->linear_iterations += iterations;
    work->rhs_evaluations += evaluations;
}
