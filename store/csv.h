/* CSV files of labelled samples: numbers separated by commas, the class label in the last column.
 *
 * A first line in which no cell is a number is a header and is skipped. Cells may stand in double quotes (""
 * inside for one). Blank lines are skipped. Labels are all integers >= 0 (class numbers from 0) or all texts,
 * numbered in the order of their first appearance; the first label decides which. NaN, infinities, empty
 * cells and rows of another length are refused with file:line:column. */
#ifndef EQS_STORE_CSV_H
#define EQS_STORE_CSV_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum { EQS_CSV_MAX_CLASSES = 65536, EQS_CSV_MAX_TEXT_CLASSES = 1000 };

typedef struct eqs_csv {
    size_t n, dim;     /* rows, numbers in a row */
    double *value;     /* [n x dim] */
    uint32_t *label;   /* [n]; NULL when read without labels */
    size_t classes;    /* largest label + 1 */
    char **class_name; /* [classes] for texts, NULL for integers */
} eqs_csv;

/* EQS_MISSING_INPUT, EQS_BAD_DATA, EQS_NO_MEMORY; *out is empty then. */
eqs_status eqs_csv_read(const char *path, eqs_csv *out);

/* Rows of numbers of any lengths without labels or header, such as one row of time constants per layer:
 * value holds the rows one after the other, row i has length[i] numbers. Owned by the caller (eqs_free). */
eqs_status eqs_csv_read_rows(const char *path, size_t *n_rows, size_t **length, double **value);

void eqs_csv_clear(eqs_csv *csv);

#endif
