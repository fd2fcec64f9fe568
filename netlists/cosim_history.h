/* The last points of a signal and the polynomial through them (Lagrange, unequal steps). */
#ifndef EQS_NETLISTS_COSIM_HISTORY_H
#define EQS_NETLISTS_COSIM_HISTORY_H

#include "base/status.h"

#include <stddef.h>

enum { EQS_COSIM_POINTS = 4 };

/* Newest point first. */
typedef struct eqs_cosim_history {
    size_t n, width;
    double t[EQS_COSIM_POINTS];
    double *value[EQS_COSIM_POINTS]; /* [width] each */
} eqs_cosim_history;

eqs_status eqs_cosim_history_create(size_t width, eqs_cosim_history *out);
void eqs_cosim_history_clear(eqs_cosim_history *history);

/* Forgets all points. */
void eqs_cosim_history_reset(eqs_cosim_history *history);

/* Adds a point later than the newest, or replaces the newest when the time is the same. */
void eqs_cosim_history_push(eqs_cosim_history *history, double t, const double *value);

/* Copies the points of one history into another of the same width. */
void eqs_cosim_history_copy(const eqs_cosim_history *from, eqs_cosim_history *to);

/* The polynomial through the newest 1 + degree points (or as many as there are) at t into value [width], its
 * derivative into derivative [width]; either may be NULL. */
void eqs_cosim_history_at(const eqs_cosim_history *history, size_t degree, double t, double *value,
                          double *derivative);

#endif
