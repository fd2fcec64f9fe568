/* Live metrics of a run: NAME.metrics.jsonl, one JSON object per line, one write per line, so that `tail -f`
 * and readers never see half a line of a living run. Not the record of the run: that is the result file. */
#ifndef EQS_STORE_METRICS_H
#define EQS_STORE_METRICS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct eqs_metrics eqs_metrics;

/* Opens path + ".metrics.jsonl". resume: appends behind the complete lines that are there (a last line that a
 * crash cut is removed); otherwise starts anew. EQS_IO. *out is the caller's. */
eqs_status eqs_metrics_open(const char *path, bool resume, eqs_metrics **out);

/* Closes; a line that was begun is dropped. NULL is fine. */
void eqs_metrics_close(eqs_metrics *metrics);

/* Values of the present line, in the order of the calls; a name given again replaces its value. Numbers that
 * are not finite are written as null (JSON has none). Failures show at eqs_metrics_write. */
void eqs_metrics_int(eqs_metrics *metrics, const char *name, int64_t value);
void eqs_metrics_real(eqs_metrics *metrics, const char *name, double value);
void eqs_metrics_text(eqs_metrics *metrics, const char *name, const char *value);
void eqs_metrics_reals(eqs_metrics *metrics, const char *name, const double *value, size_t n);

/* Writes the line and begins the next. EQS_IO names the file, EQS_NO_MEMORY. */
eqs_status eqs_metrics_write(eqs_metrics *metrics);

#endif
