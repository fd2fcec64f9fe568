#include "netlists/cosim_master.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { PIECES = 8, SWEEPS = 60 }; /* macro steps of a window; iterations before giving up */

static const double share = 0.02; /* of the tolerance, to which both sides must agree */

typedef struct window {
    double t0, t1;
    double *y;     /* [PIECES x n_out] newest outputs at the ends of the pieces */
    double *a;     /* [PIECES x n_in] */
    double *extra; /* [PIECES x n_out] what extrapolation from before the window said */
    eqs_cosim_history y_before, a_before;
} window;

static double end_of(const window *w, size_t piece)
{
    return piece + 1 == PIECES ? w->t1 : w->t0 + (w->t1 - w->t0) * (double)(piece + 1) / PIECES;
}

static eqs_status create(const eqs_cosim_master *m, double t1, window *w)
{
    size_t n = m->sys.n_out;
    *w = (window){.t0 = m->t,
                  .t1 = t1,
                  .y = eqs_alloc(PIECES * n, sizeof *w->y),
                  .a = eqs_alloc(PIECES * n, sizeof *w->a),
                  .extra = eqs_alloc(PIECES * n, sizeof *w->extra)};
    if (w->y == NULL || w->a == NULL || w->extra == NULL)
        return EQS_NO_MEMORY;
    EQS_TRY(eqs_cosim_history_create(n, &w->y_before));
    EQS_TRY(eqs_cosim_history_create(n, &w->a_before));
    eqs_cosim_history_copy(&m->y, &w->y_before);
    eqs_cosim_history_copy(&m->a, &w->a_before);
    for (size_t p = 0; p < PIECES; p++) {
        eqs_cosim_history_at(&m->y, 1, end_of(w, p), w->y + p * n, NULL);
        memcpy(w->extra + p * n, w->y + p * n, n * sizeof *w->y);
    }
    return EQS_OK;
}

static void clear(window *w)
{
    eqs_free(w->y);
    eqs_free(w->a);
    eqs_free(w->extra);
    eqs_cosim_history_clear(&w->y_before);
    eqs_cosim_history_clear(&w->a_before);
}

/* once through the window: the ODE with the last outputs, the circuit after it; *change: how far they moved.
 * The last time (`record` = its number) the points are kept. */
static eqs_status sweep(eqs_cosim_master *m, window *w, size_t record, double *change)
{
    size_t n = m->sys.n_out;
    double last = *change;
    *change = 0.0;
    for (size_t p = 0; p < PIECES; p++) {
        double t1 = end_of(w, p), *y = w->y + p * n;
        eqs_cosim_history_push(&m->y, t1, y); /* as it was one iteration ago */
        eqs_cosim_stretch_begin(m, t1);
        EQS_TRY(eqs_cosim_ode_advance(m->ode, t1, &m->y, 2, eqs_cosim_stretch_node, m));
        EQS_TRY(eqs_cosim_circuit(m, m->now));
        double d = eqs_cosim_distance(n, m->now, y);
        *change = d <= *change ? *change : d;
        memcpy(y, m->now, n * sizeof *y);
        eqs_cosim_history_push(&m->y, t1, y);
        eqs_cosim_history_push(&m->a, t1, m->last_a);
        m->H = t1 - m->t;
        m->t = t1;
        if (record > 0)
            EQS_TRY(eqs_cosim_record(m, y, last, record));
    }
    return EQS_OK;
}

/* both sides back at the beginning */
static eqs_status back(eqs_cosim_master *m, const window *w)
{
    EQS_TRY(eqs_cosim_process_back(m->process));
    EQS_TRY(eqs_cosim_ode_back(m->ode));
    eqs_cosim_history_copy(&w->y_before, &m->y);
    eqs_cosim_history_copy(&w->a_before, &m->a);
    m->t = w->t0;
    return EQS_OK;
}

static eqs_status iterate(eqs_cosim_master *m, window *w)
{
    double goal = share * m->options->tolerance, change = INFINITY;
    eqs_cosim_ode_mark(m->ode);
    EQS_TRY(eqs_cosim_process_mark(m->process));
    for (size_t sweeps = 1;; sweeps++) {
        bool last = change <= goal;
        EQS_TRY(sweep(m, w, last ? sweeps : 0, &change));
        if (last)
            return eqs_cosim_process_keep(m->process);
        if (!(change < 1e6) || sweeps == SWEEPS)
            return eqs_fail(
                EQS_NOT_CONVERGED,
                "co-simulation: the iteration of the window from t = %g to %g does not contract (last "
                "change %.3g after %zu sweeps)",
                w->t0, w->t1, change, sweeps);
        EQS_TRY(back(m, w));
    }
}

eqs_status eqs_cosim_window(eqs_cosim_master *m, double t1, double *mismatch)
{
    window w;
    size_t n = m->sys.n_out;
    eqs_status status = create(m, t1, &w);
    if (status == EQS_OK)
        status = iterate(m, &w);
    /* what one explicit step of a piece's length would have missed */
    *mismatch = status == EQS_OK ? eqs_cosim_distance(n, w.y, w.extra) : 0.0;
    m->result->windows++;
    clear(&w);
    return status;
}
