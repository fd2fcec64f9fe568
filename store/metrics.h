/* Live metrics of a run: NAME.metrics.jsonl, one JSON object per line, one write per line, so that `tail -f`
 * and readers never see half a line of a living run. Not the record of the run: that is the result file. */
#ifndef EQS_STORE_METRICS_H
#define EQS_STORE_METRICS_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct eqs_metrics eqs_metrics;

/* Opens path + ".metrics.jsonl" and keeps its first `keep` complete lines: those of the epochs that a resumed
 * run has (later ones, written after its last checkpoint, are done again); 0 starts anew. EQS_IO. *out is the
 * caller's. */
eqs_status eqs_metrics_open(const char *path, size_t keep, eqs_metrics **out);

/* Complete lines that were kept: fewer than asked for when a crash or a full disk lost some. */
size_t eqs_metrics_kept(const eqs_metrics *metrics);

/* Closes; a line that was begun is dropped. EQS_IO when the system could not keep what was written. NULL is
 * fine. */
eqs_status eqs_metrics_close(eqs_metrics *metrics);

/* Values of the present line, in the order of the calls; a name given again replaces its value. Numbers that
 * are not finite are written as null (JSON has none). Failures show at eqs_metrics_write. */
void eqs_metrics_int(eqs_metrics *metrics, const char *name, int64_t value);
void eqs_metrics_real(eqs_metrics *metrics, const char *name, double value);
void eqs_metrics_text(eqs_metrics *metrics, const char *name, const char *value);
void eqs_metrics_reals(eqs_metrics *metrics, const char *name, const double *value, size_t n);

/* Writes the line and begins the next. EQS_IO names the file, EQS_NO_MEMORY. */
eqs_status eqs_metrics_write(eqs_metrics *metrics);

#endif
