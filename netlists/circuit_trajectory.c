#include "netlists/circuit_trajectory.h"

#include "base/memory.h"

enum { POINTS = 4 };

/* weights of Lagrange's polynomial through m points at t */
static void lagrange(size_t m, const double *at, double t, double *weight)
{
    for (size_t i = 0; i < m; i++) {
        weight[i] = 1.0;
        for (size_t j = 0; j < m; j++) {
            if (j != i)
                weight[i] *= (t - at[j]) / (at[i] - at[j]);
        }
    }
}

eqs_status eqs_circuit_trajectory_sample(const eqs_circuit_trajectory *all, size_t n, const double *times,
                                         eqs_circuit_trajectory *out)
{
    *out = (eqs_circuit_trajectory){.n = n, .n_state = all->n_state};
    out->time = eqs_alloc(n, sizeof *out->time);
    out->state = eqs_alloc(n * all->n_state, sizeof *out->state);
    if (out->time == NULL || out->state == NULL) {
        eqs_circuit_trajectory_clear(out);
        return EQS_NO_MEMORY;
    }
    size_t m = all->n < POINTS ? all->n : POINTS, right = 1; /* the first step at or after the time */
    for (size_t i = 0; i < n; i++) {
        while (right + 1 < all->n && all->time[right] < times[i])
            right++;
        size_t first = right > m / 2 ? right - m / 2 : 0;
        if (first + m > all->n)
            first = all->n - m;
        double weight[POINTS];
        lagrange(m, all->time + first, times[i], weight);
        out->time[i] = times[i];
        for (size_t v = 0; v < all->n_state; v++) {
            double sum = 0.0;
            for (size_t p = 0; p < m; p++)
                sum += weight[p] * all->state[(first + p) * all->n_state + v];
            out->state[i * all->n_state + v] = sum;
        }
    }
    return EQS_OK;
}

void eqs_circuit_trajectory_clear(eqs_circuit_trajectory *trajectory)
{
    eqs_free(trajectory->time);
    eqs_free(trajectory->state);
    *trajectory = (eqs_circuit_trajectory){0};
}
