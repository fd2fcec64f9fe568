#include "netlists/cosim_steady_shared.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

eqs_status eqs_anderson_create(size_t n, eqs_anderson *out)
{
    *out = (eqs_anderson){.n = n};
    out->block = eqs_alloc(2 * n * (1 + EQS_ANDERSON_WINDOW), sizeof *out->block);
    if (out->block == NULL)
        return EQS_NO_MEMORY;
    out->last_g = out->block;
    out->last_f = out->last_g + n;
    out->dg = out->last_f + n;
    out->df = out->dg + n * EQS_ANDERSON_WINDOW;
    return EQS_OK;
}

void eqs_anderson_clear(eqs_anderson *anderson)
{
    eqs_free(anderson->block);
    *anderson = (eqs_anderson){0};
}

void eqs_anderson_reset(eqs_anderson *anderson)
{
    anderson->used = 0;
    anderson->begun = false;
}

/* (A + e diag A) x = b, A symmetric [m x WINDOW], by elimination in place; false when it is singular */
static bool solve(size_t m, double A[][EQS_ANDERSON_WINDOW], double *b)
{
    const double regular = 1e-12;
    for (size_t i = 0; i < m; i++)
        A[i][i] *= 1.0 + regular;
    for (size_t k = 0; k < m; k++) {
        if (!(A[k][k] > 0.0))
            return false;
        for (size_t i = k + 1; i < m; i++) {
            double factor = A[i][k] / A[k][k];
            for (size_t j = k; j < m; j++)
                A[i][j] -= factor * A[k][j];
            b[i] -= factor * b[k];
        }
    }
    for (size_t k = m; k-- > 0;) {
        for (size_t j = k + 1; j < m; j++)
            b[k] -= A[k][j] * b[j];
        b[k] /= A[k][k];
    }
    return true;
}

static double dot(size_t n, const double *x, const double *y)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

/* the newest differences in front, the oldest dropped */
static void remember(eqs_anderson *a, const double *g, const double *z)
{
    size_t n = a->n;
    if (a->begun) {
        memmove(a->dg + n, a->dg, n * (EQS_ANDERSON_WINDOW - 1) * sizeof *a->dg);
        memmove(a->df + n, a->df, n * (EQS_ANDERSON_WINDOW - 1) * sizeof *a->df);
        for (size_t i = 0; i < n; i++) {
            a->dg[i] = g[i] - a->last_g[i];
            a->df[i] = g[i] - z[i] - a->last_f[i];
        }
        a->used = a->used < EQS_ANDERSON_WINDOW ? a->used + 1 : a->used;
    }
    for (size_t i = 0; i < n; i++) {
        a->last_g[i] = g[i];
        a->last_f[i] = g[i] - z[i];
    }
    a->begun = true;
}

void eqs_anderson_step(eqs_anderson *a, const double *g, double *z)
{
    size_t n = a->n;
    double A[EQS_ANDERSON_WINDOW][EQS_ANDERSON_WINDOW], theta[EQS_ANDERSON_WINDOW];
    remember(a, g, z);
    for (size_t i = 0; i < a->used; i++) {
        for (size_t j = 0; j < a->used; j++)
            A[i][j] = dot(n, a->df + i * n, a->df + j * n);
        theta[i] = dot(n, a->df + i * n, a->last_f);
    }
    memcpy(z, g, n * sizeof *z);
    if (!solve(a->used, A, theta)) {
        a->used = 0;
        return;
    }
    for (size_t k = 0; k < a->used; k++) {
        for (size_t i = 0; i < n; i++)
            z[i] -= theta[k] * a->dg[k * n + i];
    }
}

/* u + stiffness s(u) = drive */
static double potential(const eqs_cosim_unit *unit, double drive)
{
    double k = unit->stiffness;
    const eqs_activation *rho = unit->rho;
    if (k == 0.0)
        return drive;
    if (!unit->rate_state) {
        double u = drive / (1.0 + k);
        return u > rho->hi ? drive - k * rho->hi : u < rho->lo ? drive - k * rho->lo : u;
    }
    double u = drive;
    for (int i = 0; i < 50; i++) {
        double step = (u + k * eqs_rho(rho, u) - drive) / (1.0 + k * eqs_rho_derivative(rho, u));
        u -= step;
        if (fabs(step) <= 1e-14 * (1.0 + fabs(u)))
            break;
    }
    return u;
}

void eqs_cosim_answer(const eqs_cosim_system *sys, const double *y, double *base, double *u, double *r)
{
    enum { SWEEPS = 500 };
    const double enough = 1e-13;
    size_t n = sys->n_ode;
    bool coupled = false;
    for (size_t i = 0; i < n; i++) {
        base[i] = sys->d_O[i] + sys->ode[i].pull + dot(sys->n_out, sys->A_Oy + i * sys->n_out, y);
        for (size_t j = 0; !coupled && j < n; j++)
            coupled = sys->A_OO[i * n + j] != 0.0;
    }
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double change = 0.0;
        for (size_t i = 0; i < n; i++) {
            double drive = base[i] + (coupled ? dot(n, sys->A_OO + i * n, r) : 0.0);
            u[i] = potential(&sys->ode[i], drive);
            double rate = eqs_rho(sys->ode[i].rho, u[i]);
            change = fmax(change, fabs(rate - r[i]));
            r[i] = rate;
        }
        if (!coupled || change <= enough)
            break;
    }
}
