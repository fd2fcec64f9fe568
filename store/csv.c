#include "store/csv.h"

#include "base/memory.h"
#include "store/file.h"
#include "store/text.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { MAX_COLUMNS = 1 << 20 };

/* A file in memory that is cut into cells in place. */
typedef struct scanner {
    const char *path;
    char *at, *end;
    size_t line; /* from 1 */
    char *line_start;
    size_t lines, commas; /* in the file: bounds of rows and cells */
} scanner;

typedef struct cell {
    char *text;
    size_t line, column;
    bool quoted, last; /* last in its row */
} cell;

static eqs_status fail_cell(const scanner *s, const cell *c, const char *allowed)
{
    return eqs_fail(EQS_BAD_DATA, "%s:%zu:%zu: found '%.60s', allowed %s", s->path, c->line, c->column,
                    c->text, allowed);
}

static char *trim(char *text, char *end)
{
    while (text < end && (*text == ' ' || *text == '\t'))
        text++;
    while (end > text && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    *end = '\0';
    return text;
}

/* steps over blank lines; false at the end of the file */
static bool next_row(scanner *s)
{
    while (s->at < s->end) {
        char *p = s->at;
        while (p < s->end && (*p == ' ' || *p == '\t' || *p == '\r'))
            p++;
        s->line_start = s->at;
        if (p < s->end && *p != '\n')
            return true;
        s->at = p + 1;
        s->line++;
    }
    return false;
}

/* the text between quotes, "" made one; s->at stands behind the closing quote afterwards */
static eqs_status quoted_cell(scanner *s, cell *out)
{
    char *from = s->at + 1, *to = s->at;
    out->text = s->at;
    out->quoted = true;
    for (; from < s->end && *from != '\n'; from++) {
        if (*from == '"' && from[1] != '"')
            break;
        from += *from == '"';
        *to++ = *from;
    }
    bool closed = from < s->end && *from == '"';
    *to = '\0';
    if (!closed)
        return eqs_fail(EQS_BAD_DATA, "%s:%zu:%zu: found an opening quote without a closing one in its line",
                        s->path, out->line, out->column);
    s->at = from + 1;
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\r'))
        s->at++;
    if (s->at < s->end && *s->at != ',' && *s->at != '\n')
        return eqs_fail(EQS_BAD_DATA, "%s:%zu:%zu: found text behind a closing quote, allowed a comma",
                        s->path, out->line, (size_t)(s->at - s->line_start) + 1);
    return EQS_OK;
}

static eqs_status next_cell(scanner *s, cell *out)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t'))
        s->at++;
    *out = (cell){.line = s->line, .column = (size_t)(s->at - s->line_start) + 1};
    char *start = s->at;
    if (s->at < s->end && *s->at == '"')
        EQS_TRY(quoted_cell(s, out));
    while (s->at < s->end && *s->at != ',' && *s->at != '\n')
        s->at++;
    char *stop = s->at;
    out->last = stop >= s->end || *stop == '\n';
    if (!out->quoted)
        out->text = trim(start, stop); /* ends the text where the comma or newline stood */
    if (out->last)
        s->line++;
    s->at = stop < s->end ? stop + 1 : s->end;
    if (*out->text == '\0')
        return eqs_fail(EQS_BAD_DATA, "%s:%zu:%zu: found an empty cell, allowed a value", s->path, out->line,
                        out->column);
    return EQS_OK;
}

static bool is_nan_or_inf(const char *text)
{
    text += *text == '-' || *text == '+';
    return strcasecmp(text, "nan") == 0 || strcasecmp(text, "inf") == 0 || strcasecmp(text, "infinity") == 0;
}

/* true when the cell looks like a number, NaN and infinities included */
static bool is_numeric(const cell *c)
{
    double value;
    return eqs_number_real(c->text, &value) || is_nan_or_inf(c->text);
}

static eqs_status number_of(const scanner *s, const cell *c, double *out)
{
    if (!eqs_number_real(c->text, out) || !isfinite(*out))
        return fail_cell(s, c, "a finite number");
    return EQS_OK;
}

/* Counts the cells of the first row and tells whether it is a header, without moving the scanner. */
static eqs_status look_at_first_row(const scanner *s, size_t *columns, bool *header)
{
    /* cutting cells changes the text, so a copy of the line is cut */
    const char *newline = memchr(s->at, '\n', (size_t)(s->end - s->at));
    size_t length = newline != NULL ? (size_t)(newline - s->at) : (size_t)(s->end - s->at);
    char *copy = eqs_alloc(length + 1, 1);
    if (copy == NULL)
        return EQS_NO_MEMORY;
    memcpy(copy, s->at, length);
    scanner trial = {s->path, copy, copy + length, s->line, copy, 0, 0};
    *columns = 0;
    *header = true;
    eqs_status status;
    cell c;
    do {
        status = next_cell(&trial, &c);
        if (status == EQS_OK) {
            ++*columns;
            *header = *header && !is_numeric(&c);
        }
    } while (status == EQS_OK && !c.last);
    eqs_free(copy);
    if (status == EQS_OK && *columns > MAX_COLUMNS)
        return eqs_fail(EQS_BAD_DATA, "%s:%zu: found %zu columns, allowed %d", s->path, s->line, *columns,
                        MAX_COLUMNS);
    return status;
}

static eqs_status text_label(const scanner *s, const cell *c, eqs_csv *csv, uint32_t *out)
{
    for (size_t i = 0; i < csv->classes; i++)
        if (strcmp(csv->class_name[i], c->text) == 0) {
            *out = (uint32_t)i;
            return EQS_OK;
        }
    if (csv->classes == EQS_CSV_MAX_TEXT_CLASSES)
        return fail_cell(s, c, "at most 1000 different label texts");
    char *name = eqs_strdup(c->text);
    if (name == NULL)
        return EQS_NO_MEMORY;
    csv->class_name[csv->classes] = name;
    *out = (uint32_t)csv->classes++;
    return EQS_OK;
}

static eqs_status label_of(const scanner *s, const cell *c, eqs_csv *csv, uint32_t *out)
{
    uint64_t number;
    bool integer = eqs_number_count(c->text, &number);
    if (csv->n == 0 && !integer && !is_numeric(c)) {
        csv->class_name = eqs_alloc(EQS_CSV_MAX_TEXT_CLASSES, sizeof *csv->class_name);
        if (csv->class_name == NULL)
            return EQS_NO_MEMORY;
    }
    if (csv->class_name != NULL)
        return text_label(s, c, csv, out);
    if (!integer)
        return fail_cell(s, c, "an integer >= 0 as class label, as in the first row");
    if (number >= EQS_CSV_MAX_CLASSES)
        return fail_cell(s, c, "class labels below 65536");
    *out = (uint32_t)number;
    if (number >= csv->classes)
        csv->classes = number + 1;
    return EQS_OK;
}

static eqs_status read_row(scanner *s, eqs_csv *csv)
{
    double *row = csv->value + csv->n * csv->dim;
    size_t line = s->line;
    for (size_t k = 0; k <= csv->dim; k++) {
        cell c;
        EQS_TRY(next_cell(s, &c));
        if (c.last != (k == csv->dim)) {
            return eqs_fail(EQS_BAD_DATA,
                            "%s:%zu:%zu: found %s cells in this row, allowed %zu as in the first", s->path,
                            line, c.column, c.last ? "fewer" : "more", csv->dim + 1);
        }
        if (k < csv->dim)
            EQS_TRY(number_of(s, &c, row + k));
        else
            EQS_TRY(label_of(s, &c, csv, csv->label + csv->n));
    }
    csv->n++;
    return EQS_OK;
}

static eqs_status skip_row(scanner *s)
{
    cell c;
    do
        EQS_TRY(next_cell(s, &c));
    while (!c.last);
    return EQS_OK;
}

static eqs_status read_table(scanner *s, eqs_csv *csv)
{
    bool header;
    if (!next_row(s))
        return eqs_fail(EQS_BAD_DATA, "%s: found no rows", s->path);
    size_t columns;
    EQS_TRY(look_at_first_row(s, &columns, &header));
    if (columns < 2)
        return eqs_fail(EQS_BAD_DATA, "%s:%zu: found 1 column, allowed at least 2 (numbers, then the label)",
                        s->path, s->line);
    csv->dim = columns - 1;
    const size_t most = s->commas / csv->dim + 1; /* one more than complete rows, for a ragged last one */
    csv->value = eqs_alloc(most, csv->dim * sizeof *csv->value);
    csv->label = eqs_alloc(most, sizeof *csv->label);
    if (csv->value == NULL || csv->label == NULL)
        return EQS_NO_MEMORY;
    if (header)
        EQS_TRY(skip_row(s));
    while (next_row(s))
        EQS_TRY(read_row(s, csv));
    return csv->n > 0 ? EQS_OK : eqs_fail(EQS_BAD_DATA, "%s: found a header and no rows", s->path);
}

static size_t count(const char *from, const char *end, char what)
{
    size_t n = 0;
    for (const char *p = from; (p = memchr(p, what, (size_t)(end - p))) != NULL; p++)
        n++;
    return n;
}

/* the file, without a byte order mark */
static eqs_status open_scanner(const char *path, scanner *s, unsigned char **bytes)
{
    size_t size;
    EQS_TRY(eqs_file_read(path, SIZE_MAX / 4, bytes, &size));
    if (memchr(*bytes, '\0', size) != NULL) {
        eqs_free(*bytes);
        return eqs_fail(EQS_BAD_DATA, "%s: found a zero byte, allowed text", path);
    }
    size_t skip = size >= 3 && memcmp(*bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    char *start = (char *)*bytes + skip;
    *s = (scanner){path, start, (char *)*bytes + size, 1, start, 0, 0};
    s->lines = count(start, s->end, '\n') + 1;
    s->commas = count(start, s->end, ',');
    return EQS_OK;
}

eqs_status eqs_csv_read(const char *path, eqs_csv *out)
{
    *out = (eqs_csv){0};
    scanner s;
    unsigned char *bytes;
    EQS_TRY(open_scanner(path, &s, &bytes));
    eqs_status status = read_table(&s, out);
    eqs_free(bytes);
    if (status != EQS_OK)
        eqs_csv_clear(out);
    return status;
}

static eqs_status read_rows(scanner *s, size_t *n_rows, size_t *length, double *value)
{
    size_t n = 0;
    while (next_row(s)) {
        cell c;
        do {
            EQS_TRY(next_cell(s, &c));
            EQS_TRY(number_of(s, &c, value + n++));
            length[*n_rows]++;
        } while (!c.last);
        ++*n_rows;
    }
    return *n_rows > 0 ? EQS_OK : eqs_fail(EQS_BAD_DATA, "%s: found no rows", s->path);
}

eqs_status eqs_csv_read_rows(const char *path, size_t *n_rows, size_t **length, double **value)
{
    scanner s;
    unsigned char *bytes;
    *n_rows = 0;
    *length = NULL;
    *value = NULL;
    EQS_TRY(open_scanner(path, &s, &bytes));
    *length = eqs_alloc(s.lines, sizeof **length);
    *value = eqs_alloc(s.lines + s.commas, sizeof **value);
    eqs_status status =
        *length != NULL && *value != NULL ? read_rows(&s, n_rows, *length, *value) : EQS_NO_MEMORY;
    eqs_free(bytes);
    if (status != EQS_OK) {
        eqs_free(*length);
        eqs_free(*value);
        *length = NULL;
        *value = NULL;
        *n_rows = 0;
    }
    return status;
}

void eqs_csv_clear(eqs_csv *csv)
{
    for (size_t i = 0; csv->class_name != NULL && i < csv->classes; i++)
        eqs_free(csv->class_name[i]);
    eqs_free(csv->class_name);
    eqs_free(csv->value);
    eqs_free(csv->label);
    *csv = (eqs_csv){0};
}
