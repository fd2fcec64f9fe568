#include "solver/cvode_schur.h"

#include "base/memory.h"
#include "models/dense.h"
#include "solver/engine_plan.h"

#include <string.h>

extern void dgetrf_(const int *m, const int *n, double *a, const int *lda, int *pivot, int *info);
extern void dgetrs_(const char *trans, const int *n, const int *nrhs, const double *a, const int *lda,
                    const int *pivot, double *b, const int *ldb, int *info);

struct eqs_schur {
    eqs_integrator *integrator;
    size_t n, n_h, n_z;
    size_t *h, *z;    /* numbers of the variables of either colour; z the fewer */
    size_t *place;    /* [n] place of a variable in its list */
    bool *in_z;       /* [n] */
    double *to_h;     /* [n_h x n_z] d f_h / d x_z */
    double *to_z;     /* [n_h x n_z] transpose of d f_z / d x_h */
    double *diagonal; /* [n] of df/dx */
    double *inverse;  /* [n_h] 1 / (1 - gamma diagonal) */
    double *scaled;   /* [n_h x n_z] scratch */
    double *S;        /* [n_z x n_z] column-major, factorised */
    int *pivot;       /* [n_z] */
    double *right;    /* [n_z] scratch */
    double gamma;
};

const char *eqs_schur_refuses(const eqs_network *net)
{
    eqs_plan *plan;
    if (eqs_plan_create(net, 1, &plan) != EQS_OK)
        return "finds no memory";
    bool exact = plan->exact;
    eqs_plan_destroy(plan);
    return exact ? NULL
                 : "has a Schur preconditioner for networks whose layers have two colours only (no lateral "
                   "couplings, no odd rings); allowed here: diagonal, none";
}

/* lists the variables of both colours, the fewer as z */
static void list_variables(eqs_schur *s, const eqs_plan *plan)
{
    const eqs_network *net = plan->net;
    size_t count[2] = {0, 0}, at = 0;
    for (size_t k = plan->first; k < net->n_layers; k++)
        count[plan->layer[k].colour] += net->layer[k].units;
    size_t few = count[1] <= count[0] ? 1 : 0;
    for (size_t k = plan->first; k < net->n_layers; k++) {
        for (size_t i = 0; i < net->layer[k].units; i++, at++) {
            s->in_z[at] = plan->layer[k].colour == few;
            s->place[at] = s->in_z[at] ? s->n_z : s->n_h;
            if (s->in_z[at])
                s->z[s->n_z++] = at;
            else
                s->h[s->n_h++] = at;
        }
    }
}

static eqs_status allocate(eqs_schur *s)
{
    eqs_plan *plan;
    s->h = eqs_alloc(3 * s->n, sizeof *s->h);
    s->in_z = eqs_alloc(s->n, sizeof *s->in_z);
    if (s->h == NULL || s->in_z == NULL)
        return EQS_NO_MEMORY;
    s->z = s->h + s->n;
    s->place = s->z + s->n;
    EQS_TRY(eqs_plan_create(s->integrator->sample->phase.net, 1, &plan));
    list_variables(s, plan);
    eqs_plan_destroy(plan);
    size_t block = s->n_h * s->n_z;
    s->to_h = eqs_alloc(3 * block + s->n_z * s->n_z + s->n + s->n_h + s->n_z, sizeof *s->to_h);
    s->pivot = eqs_alloc(s->n_z, sizeof *s->pivot);
    if (s->to_h == NULL || s->pivot == NULL)
        return EQS_NO_MEMORY;
    s->to_z = s->to_h + block;
    s->scaled = s->to_z + block;
    s->S = s->scaled + block;
    s->diagonal = s->S + s->n_z * s->n_z;
    s->inverse = s->diagonal + s->n;
    s->right = s->inverse + s->n_h;
    return EQS_OK;
}

/* where KLU's pattern is needed too: the columns of df/dx */
static eqs_status take_pattern(eqs_integrator *integrator)
{
    size_t n = integrator->sample->n, entries = eqs_field_pattern(integrator->field, NULL, NULL);
    integrator->column_start = eqs_alloc(n + 1, sizeof *integrator->column_start);
    integrator->row = eqs_alloc(entries, sizeof *integrator->row);
    integrator->value = eqs_alloc(entries, sizeof *integrator->value);
    if (integrator->column_start == NULL || integrator->row == NULL || integrator->value == NULL)
        return EQS_NO_MEMORY;
    eqs_field_pattern(integrator->field, integrator->column_start, integrator->row);
    return EQS_OK;
}

eqs_status eqs_schur_create(eqs_integrator *integrator, eqs_schur **out)
{
    eqs_schur *s = eqs_alloc(1, sizeof *s);
    if (s == NULL)
        return EQS_NO_MEMORY;
    s->integrator = integrator;
    s->n = integrator->sample->n;
    eqs_status status = allocate(s);
    if (status == EQS_OK)
        status = take_pattern(integrator);
    if (status != EQS_OK) {
        eqs_schur_destroy(s);
        return status;
    }
    *out = s;
    return EQS_OK;
}

void eqs_schur_destroy(eqs_schur *s)
{
    if (s == NULL)
        return;
    eqs_free(s->h);
    eqs_free(s->in_z);
    eqs_free(s->to_h);
    eqs_free(s->pivot);
    eqs_free(s);
}

/* sorts the entries of df/dx into the diagonal and the two blocks */
static void take_jacobian(eqs_schur *s)
{
    const eqs_integrator *integrator = s->integrator;
    eqs_integrator_values(s->integrator, integrator->value);
    for (size_t column = 0; column < s->n; column++) {
        for (int64_t at = integrator->column_start[column]; at < integrator->column_start[column + 1]; at++) {
            size_t row = (size_t)integrator->row[at];
            double value = integrator->value[at];
            if (row == column)
                s->diagonal[row] = value;
            else if (s->in_z[column])
                s->to_h[s->place[row] * s->n_z + s->place[column]] = value;
            else
                s->to_z[s->place[column] * s->n_z + s->place[row]] = value;
        }
    }
}

bool eqs_schur_factorise(eqs_schur *s, bool renew, double gamma)
{
    size_t m = s->n_z;
    int order = (int)m, info;
    if (renew)
        take_jacobian(s);
    s->gamma = gamma;
    for (size_t i = 0; i < s->n_h; i++) {
        double pivot = 1.0 - gamma * s->diagonal[s->h[i]];
        s->inverse[i] = pivot != 0.0 ? 1.0 / pivot : 1.0;
        for (size_t j = 0; j < m; j++)
            s->scaled[i * m + j] = gamma * gamma * s->inverse[i] * s->to_z[i * m + j];
    }
    /* column-major S[j m + i] = delta (1 - gamma J_ii) - gamma^2 sum_h J_ih J_hj / D_h */
    memset(s->S, 0, m * m * sizeof *s->S);
    eqs_dense_tn(m, m, s->n_h, -1.0, s->to_h, s->scaled, s->S);
    for (size_t i = 0; i < m; i++)
        s->S[i * m + i] += 1.0 - gamma * s->diagonal[s->z[i]];
    dgetrf_(&order, &order, s->S, &order, s->pivot, &info);
    return info == 0;
}

void eqs_schur_solve(const eqs_schur *s, const double *r, double *z)
{
    size_t m = s->n_z;
    int order = (int)m, one = 1, info;
    for (size_t j = 0; j < m; j++)
        s->right[j] = r[s->z[j]];
    for (size_t i = 0; i < s->n_h; i++) {
        double share = s->gamma * s->inverse[i] * r[s->h[i]];
        for (size_t j = 0; j < m; j++)
            s->right[j] += s->to_z[i * m + j] * share;
    }
    dgetrs_("N", &order, &one, s->S, &order, s->pivot, s->right, &order, &info);
    for (size_t i = 0; i < s->n_h; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < m; j++)
            sum += s->to_h[i * m + j] * s->right[j];
        z[s->h[i]] = s->inverse[i] * (r[s->h[i]] + s->gamma * sum);
    }
    for (size_t j = 0; j < m; j++)
        z[s->z[j]] = s->right[j];
}
