#include "netlists/cosim_master.h"

#include <math.h>
#include <string.h>

double eqs_cosim_distance(size_t n, const double *x, const double *y)
{
    double largest = 0.0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs(x[i] - y[i]);
        largest = d <= largest ? largest : d; /* NaN stays */
    }
    return largest;
}

void eqs_cosim_stretch_begin(eqs_cosim_master *m, double t1)
{
    eqs_cosim_stretch *s = eqs_cosim_process_stretch(m->process);
    s->end = t1 * m->unit_time;
    s->max_step = (t1 - m->t) * m->unit_time / (double)m->options->circuit_steps;
    s->n_nodes = 0;
}

/* drops every second inner node */
static void thin_out(eqs_cosim_stretch *s, size_t width)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n_nodes; i += 2, kept++) {
        s->time[kept] = s->time[i];
        memmove(s->a + kept * width, s->a + i * width, width * sizeof *s->a);
        memmove(s->da + kept * width, s->da + i * width, width * sizeof *s->da);
    }
    s->n_nodes = kept;
}

void eqs_cosim_stretch_node(void *master, double t, const double *a, const double *da)
{
    eqs_cosim_master *m = master;
    eqs_cosim_stretch *s = eqs_cosim_process_stretch(m->process);
    size_t width = m->sys.n_in;
    memcpy(m->last_a, a, width * sizeof *a);
    if (s->n_nodes > 0 && !(t * m->unit_time > s->time[s->n_nodes - 1]))
        return;
    if (s->n_nodes == EQS_COSIM_NODES)
        thin_out(s, width);
    double *node = s->a + s->n_nodes * width, *slope = s->da + s->n_nodes * width;
    for (size_t i = 0; i < width; i++) {
        node[i] = m->deck.gain[i] * a[i];
        slope[i] = m->deck.gain[i] * da[i] / m->unit_time;
    }
    s->time[s->n_nodes++] = t * m->unit_time;
}

eqs_status eqs_cosim_circuit(eqs_cosim_master *m, double *y)
{
    EQS_TRY(eqs_cosim_process_advance(m->process));
    const double *volts = eqs_cosim_process_output(m->process);
    for (size_t i = 0; i < m->sys.n_out; i++)
        y[i] = volts[i] / m->options->deck.units.swing;
    return EQS_OK;
}

/* the ODE with y extrapolated, then the circuit with what came out */
static eqs_status ode_first(eqs_cosim_master *m, double t1, double *mismatch)
{
    eqs_cosim_history_at(&m->y, m->options->degree, t1, m->guess, NULL);
    eqs_cosim_stretch_begin(m, t1);
    EQS_TRY(eqs_cosim_ode_advance(m->ode, t1, &m->y, m->options->degree, eqs_cosim_stretch_node, m));
    EQS_TRY(eqs_cosim_circuit(m, m->now));
    *mismatch = eqs_cosim_distance(m->sys.n_out, m->now, m->guess);
    eqs_cosim_history_push(&m->y, t1, m->now);
    eqs_cosim_history_push(&m->a, t1, m->last_a);
    return EQS_OK;
}

static void forget(void *user, double t, const double *a, const double *da)
{
    (void)t, (void)da;
    eqs_cosim_master *m = user;
    memcpy(m->last_a, a, m->sys.n_in * sizeof *a);
}

/* the circuit with a extrapolated, then the ODE with y interpolated */
static eqs_status circuit_first(eqs_cosim_master *m, double t1, double *mismatch)
{
    size_t degree = m->options->degree, width = m->sys.n_in;
    eqs_cosim_stretch *s = eqs_cosim_process_stretch(m->process);
    eqs_cosim_stretch_begin(m, t1);
    for (size_t k = 0; k < 2; k++) { /* the polynomial is its own cubic Hermite interpolation */
        double t = k == 0 ? m->t : t1, *a = s->a + k * width, *da = s->da + k * width;
        eqs_cosim_history_at(&m->a, degree, t, a, da);
        if (k == 1)
            memcpy(m->guess, a, width * sizeof *a);
        for (size_t i = 0; i < width; i++) {
            a[i] *= m->deck.gain[i];
            da[i] *= m->deck.gain[i] / m->unit_time;
        }
        s->time[s->n_nodes++] = t * m->unit_time;
    }
    EQS_TRY(eqs_cosim_circuit(m, m->now));
    eqs_cosim_history_push(&m->y, t1, m->now);
    EQS_TRY(eqs_cosim_ode_advance(m->ode, t1, &m->y, degree + 1, forget, m));
    *mismatch = eqs_cosim_distance(width, m->last_a, m->guess);
    eqs_cosim_history_push(&m->a, t1, m->last_a);
    return EQS_OK;
}

eqs_status eqs_cosim_step(eqs_cosim_master *m, double t1, double *mismatch)
{
    double H = t1 - m->t;
    EQS_TRY(m->circuit_first ? circuit_first(m, t1, mismatch) : ode_first(m, t1, mismatch));
    m->t = t1;
    m->H = H;
    return eqs_cosim_record(m, m->now, *mismatch, 1);
}
