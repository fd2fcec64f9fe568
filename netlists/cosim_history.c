#include "netlists/cosim_history.h"

#include "base/memory.h"

#include <string.h>

eqs_status eqs_cosim_history_create(size_t width, eqs_cosim_history *out)
{
    *out = (eqs_cosim_history){.width = width};
    for (size_t i = 0; i < EQS_COSIM_POINTS; i++) {
        out->value[i] = eqs_alloc(width, sizeof(double));
        if (out->value[i] == NULL)
            return EQS_NO_MEMORY;
    }
    return EQS_OK;
}

void eqs_cosim_history_clear(eqs_cosim_history *history)
{
    for (size_t i = 0; i < EQS_COSIM_POINTS; i++)
        eqs_free(history->value[i]);
    *history = (eqs_cosim_history){0};
}

void eqs_cosim_history_reset(eqs_cosim_history *history)
{
    history->n = 0;
}

void eqs_cosim_history_push(eqs_cosim_history *history, double t, const double *value)
{
    if (history->n == 0 || t > history->t[0]) {
        double *oldest = history->value[EQS_COSIM_POINTS - 1];
        for (size_t i = EQS_COSIM_POINTS - 1; i > 0; i--) {
            history->t[i] = history->t[i - 1];
            history->value[i] = history->value[i - 1];
        }
        history->value[0] = oldest;
        history->t[0] = t;
        history->n = history->n < EQS_COSIM_POINTS ? history->n + 1 : history->n;
    }
    memcpy(history->value[0], value, history->width * sizeof *value);
}

void eqs_cosim_history_copy(const eqs_cosim_history *from, eqs_cosim_history *to)
{
    to->n = from->n;
    memcpy(to->t, from->t, sizeof to->t);
    for (size_t i = 0; i < from->n; i++)
        memcpy(to->value[i], from->value[i], from->width * sizeof(double));
}

/* Lagrange's weights of n points at t, and their derivatives */
static void weights(const double *point, size_t n, double t, double *w, double *dw)
{
    for (size_t j = 0; j < n; j++) {
        w[j] = 1.0;
        dw[j] = 0.0;
        for (size_t m = 0; m < n; m++) {
            if (m == j)
                continue;
            double product = 1.0 / (point[j] - point[m]);
            w[j] *= (t - point[m]) / (point[j] - point[m]);
            for (size_t l = 0; l < n; l++) {
                if (l != j && l != m)
                    product *= (t - point[l]) / (point[j] - point[l]);
            }
            dw[j] += product;
        }
    }
}

void eqs_cosim_history_at(const eqs_cosim_history *history, size_t degree, double t, double *value,
                          double *derivative)
{
    double w[EQS_COSIM_POINTS], dw[EQS_COSIM_POINTS];
    size_t n = degree + 1 < history->n ? degree + 1 : history->n;
    weights(history->t, n, t, w, dw);
    for (size_t i = 0; i < history->width; i++) {
        double sum = 0.0, slope = 0.0;
        for (size_t j = 0; j < n; j++) {
            sum += w[j] * history->value[j][i];
            slope += dw[j] * history->value[j][i];
        }
        if (value != NULL)
            value[i] = sum;
        if (derivative != NULL)
            derivative[i] = slope;
    }
}
