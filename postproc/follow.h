/* A running job from outside: its live metrics (store/metrics.h) as a table, and as a page. */
#ifndef EQS_POSTPROC_FOLLOW_H
#define EQS_POSTPROC_FOLLOW_H

#include "base/status.h"
#include "store/text.h"

#include <stddef.h>

/* Rows of numbers, one per line of the file; columns as the first line names them. What is missing or null in
 * a line is NaN; a last line without its end is not counted. */
typedef struct eqs_follow {
    size_t n_rows, n_columns;
    char **column;
    double *value; /* [n_rows x n_columns] */
} eqs_follow;

/* Reads `path`.metrics.jsonl. EQS_MISSING_INPUT when there is none, EQS_BAD_DATA names a broken line. Release
 * with eqs_follow_clear, also after errors. */
eqs_status eqs_follow_read(const char *path, eqs_follow *out);
void eqs_follow_clear(eqs_follow *follow);

/* A value, NaN when there is no such column. */
double eqs_follow_value(const eqs_follow *follow, size_t row, const char *column);

/* Appends a page with the curves so far and the last rows; it reloads itself every `refresh` seconds (0: the
 * run has ended). `state` is the sentence under the title. */
eqs_status eqs_follow_page(const eqs_follow *follow, const char *title, const char *state, int refresh,
                           eqs_text *html);

#endif
