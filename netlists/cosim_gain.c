#include "netlists/cosim_master.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { POWER_STEPS = 30, INNER_STEPS = 10 };

/* rho' of a unit in terms of its rate (circuit) */
static double slope_at_rate(const eqs_cosim_unit *unit, double r)
{
    const eqs_activation *rho = unit->rho;
    if (eqs_activation_is_clipped(rho)) {
        double s = r + rho->offset;
        return s > rho->lo && s < rho->hi ? 1.0 : 0.0;
    }
    double u = eqs_rho_inverse(rho, r);
    return isfinite(u) ? eqs_rho_derivative(rho, u) : 0.0;
}

/* out[n] = M x (add: += M x), M [n x m] */
static void product(size_t n, size_t m, const double *M, const double *x, bool add, double *out)
{
    for (size_t i = 0; i < n; i++) {
        double sum = add ? out[i] : 0.0;
        for (size_t j = 0; j < m; j++)
            sum += M[i * m + j] * x[j];
        out[i] = sum;
    }
}

/* x = slope / (1 + stiffness slope) (M x + drive), by a few fixed-point steps: the static answer of one side
 */
static void answer(size_t n, const double *M, const double *gain, const double *drive, double *x,
                   double *scratch)
{
    for (size_t k = 0; k < (M == NULL ? 1 : INNER_STEPS); k++) {
        memcpy(scratch, drive, n * sizeof *x);
        if (k > 0)
            product(n, n, M, x, true, scratch);
        for (size_t i = 0; i < n; i++)
            x[i] = gain[i] * scratch[i];
    }
}

/* M [n x n], or NULL when it is all zero */
static const double *coupled(size_t n, const double *M)
{
    for (size_t i = 0; i < n * n; i++) {
        if (M[i] != 0.0)
            return M;
    }
    return NULL;
}

double eqs_cosim_loop_gain(const eqs_cosim_system *sys, const double *u, const double *y)
{
    size_t n = sys->n_ode, m = sys->n_circuit;
    if (sys->n_in != m)
        return NAN;
    if (n == 0)
        return 0.0;
    double *block = eqs_alloc(4 * (n + m), sizeof *block);
    if (block == NULL)
        return NAN;
    double *gain_o = block, *r = gain_o + n, *drive_o = r + n, *s_o = drive_o + n;
    double *gain_c = s_o + n, *x = gain_c + m, *drive_c = x + m, *s_c = drive_c + m, eigenvalue = 0.0;
    for (size_t i = 0; i < n; i++) {
        double slope = eqs_rho_derivative(sys->ode[i].rho, u[i]);
        gain_o[i] = slope / (1.0 + sys->ode[i].stiffness * slope);
    }
    for (size_t i = 0; i < m; i++) {
        double slope = slope_at_rate(&sys->circuit[i], y[i]);
        gain_c[i] = slope / (1.0 + sys->circuit[i].stiffness * slope);
        x[i] = 1.0 + 0.01 * (double)(i % 7);
    }
    const double *A_OO = coupled(n, sys->A_OO), *C = coupled(m, sys->C);
    for (size_t k = 0; k < POWER_STEPS; k++) {
        double before = 0.0, after = 0.0;
        product(n, m, sys->A_Oy, x, false, drive_o);
        answer(n, A_OO, gain_o, drive_o, r, s_o);
        product(m, n, sys->B, r, false, drive_c);
        for (size_t i = 0; i < m; i++)
            before += x[i] * x[i];
        answer(m, C, gain_c, drive_c, x, s_c);
        for (size_t i = 0; i < m; i++)
            after += x[i] * x[i];
        eigenvalue = sqrt(after / before);
        if (!(after > 0.0))
            break;
        for (size_t i = 0; i < m; i++)
            x[i] /= sqrt(after);
    }
    eqs_free(block);
    return eigenvalue;
}
