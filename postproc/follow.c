#include "postproc/follow.h"

#include "base/memory.h"
#include "postproc/html.h"
#include "store/file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LARGEST_FILE = 256 << 20, ROWS_SHOWN = 12, MOST_COLUMNS = 256 };

void eqs_follow_clear(eqs_follow *follow)
{
    for (size_t c = 0; follow->column != NULL && c < follow->n_columns; c++)
        eqs_free(follow->column[c]);
    eqs_free(follow->column);
    eqs_free(follow->value);
    *follow = (eqs_follow){0};
}

static eqs_status take_names(const json_t *object, eqs_follow *out)
{
    size_t n = json_object_size(object);
    out->n_columns = n < MOST_COLUMNS ? n : MOST_COLUMNS;
    out->column = eqs_alloc(out->n_columns, sizeof *out->column);
    if (out->column == NULL)
        return EQS_NO_MEMORY;
    size_t c = 0;
    for (void *at = json_object_iter((json_t *)object); at != NULL && c < out->n_columns; c++) {
        out->column[c] = eqs_strdup(json_object_iter_key(at));
        if (out->column[c] == NULL)
            return EQS_NO_MEMORY;
        at = json_object_iter_next((json_t *)object, at);
    }
    return EQS_OK;
}

static eqs_status take_line(const char *path, const char *line, size_t length, eqs_follow *out)
{
    json_error_t error;
    json_t *object = json_loadb(line, length, 0, &error);
    if (!json_is_object(object)) {
        json_decref(object);
        return eqs_fail(EQS_BAD_DATA, "%s.metrics.jsonl:%zu: found no JSON object", path, out->n_rows + 1);
    }
    eqs_status status = out->column == NULL ? take_names(object, out) : EQS_OK;
    size_t n = out->n_rows * out->n_columns;
    double *grown = status == EQS_OK ? eqs_realloc(out->value, n, n + out->n_columns, sizeof *grown) : NULL;
    if (grown != NULL) {
        out->value = grown;
        for (size_t c = 0; c < out->n_columns; c++) {
            const json_t *value = json_object_get(object, out->column[c]);
            grown[n + c] = json_is_number(value) ? json_number_value(value) : NAN;
        }
        out->n_rows++;
    } else if (status == EQS_OK) {
        status = EQS_NO_MEMORY;
    }
    json_decref(object);
    return status;
}

eqs_status eqs_follow_read(const char *path, eqs_follow *out)
{
    unsigned char *bytes;
    size_t size;
    *out = (eqs_follow){0};
    char *name = eqs_format("%s.metrics.jsonl", path);
    eqs_status status = name != NULL ? eqs_file_read(name, LARGEST_FILE, &bytes, &size) : EQS_NO_MEMORY;
    eqs_free(name);
    EQS_TRY(status);
    const char *at = (const char *)bytes;
    for (const char *end; status == EQS_OK && (end = strchr(at, '\n')) != NULL; at = end + 1)
        status = take_line(path, at, (size_t)(end - at), out);
    eqs_free(bytes);
    return status;
}

static size_t find_column(const eqs_follow *follow, const char *column)
{
    size_t c = 0;
    while (c < follow->n_columns && strcmp(follow->column[c], column) != 0)
        c++;
    return c;
}

double eqs_follow_value(const eqs_follow *follow, size_t row, const char *column)
{
    size_t c = find_column(follow, column);
    return row < follow->n_rows && c < follow->n_columns ? follow->value[row * follow->n_columns + c] : NAN;
}

/* ---- the page ---- */

typedef struct shown {
    const char *column, *label;
} shown;

/* a panel of those columns that the metrics have; `factor` makes fractions percent */
static eqs_status add_panel(const eqs_follow *follow, const char *title, const char *y_label,
                            const shown *columns, size_t n, double factor, bool log_y, eqs_figure *figure)
{
    eqs_panel *panel = NULL;
    double *xy = eqs_alloc(2 * follow->n_rows, sizeof *xy);
    if (xy == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        if (find_column(follow, columns[i].column) == follow->n_columns)
            continue;
        for (size_t r = 0; r < follow->n_rows; r++) {
            xy[r] = eqs_follow_value(follow, r, "epoch");
            xy[follow->n_rows + r] = factor * eqs_follow_value(follow, r, columns[i].column);
        }
        if (panel == NULL)
            panel = eqs_figure_panel(figure, title, "epoch", y_label);
        eqs_figure_curve(figure, panel, columns[i].label,
                         follow->n_rows == 1 ? EQS_MARK_LINE_POINTS : EQS_MARK_LINE, follow->n_rows, xy,
                         xy + follow->n_rows, 1);
    }
    eqs_figure_scale(panel, 10);
    if (panel != NULL && log_y)
        panel->log_y = true;
    eqs_free(xy);
    return EQS_OK;
}

static eqs_status add_curves(const eqs_follow *follow, eqs_text *html)
{
    static const shown errors[] = {
        {"train_error", "training"}, {"validation_error", "validation"}, {"test_error", "test"}};
    static const shown residuals[] = {{"residual", "free phases"}, {"residual_nudged", "nudged phases"}};
    eqs_figure figure = {.columns = 2};
    eqs_status status =
        add_panel(follow, "Misclassified samples", "error (%)", errors, 3, 100, false, &figure);
    if (status == EQS_OK)
        status = add_panel(follow, "Certificate: worst residual of the epoch", "residual", residuals, 2, 1,
                           true, &figure);
    if (status == EQS_OK && figure.n_panels > 0)
        status = eqs_html_figure(html, &figure, "Learning curves so far", 1);
    eqs_figure_clear(&figure);
    return status;
}

static eqs_status add_rows(const eqs_follow *follow, eqs_text *html)
{
    char(*text)[32] = eqs_alloc(follow->n_columns, sizeof *text);
    const char **cell = eqs_alloc(follow->n_columns, sizeof *cell);
    if (text != NULL && cell != NULL) {
        eqs_html_table_begin(html, "Last epochs, the newest first", follow->n_columns,
                             (const char *const *)follow->column);
        for (size_t i = 0; i < follow->n_rows && i < ROWS_SHOWN; i++) {
            const double *row = follow->value + (follow->n_rows - 1 - i) * follow->n_columns;
            for (size_t c = 0; c < follow->n_columns; c++) {
                snprintf(text[c], sizeof text[c], isfinite(row[c]) ? "%.5g" : "-", row[c]);
                cell[c] = text[c];
            }
            eqs_html_row(html, follow->n_columns, cell);
        }
        eqs_html_table_end(html);
    }
    eqs_status status = text != NULL && cell != NULL ? EQS_OK : EQS_NO_MEMORY;
    eqs_free(text);
    eqs_free(cell);
    return status;
}

eqs_status eqs_follow_page(const eqs_follow *follow, const char *title, const char *state, int refresh,
                           eqs_text *html)
{
    eqs_html_begin(html, title, refresh);
    eqs_text_add(html, "<header><h1>");
    eqs_html_text(html, title);
    eqs_text_add(html, "</h1>\n<p role=\"status\">");
    eqs_html_text(html, state);
    eqs_text_add(html, "</p></header>\n<main id=\"main\" tabindex=\"-1\">\n");
    if (follow->n_rows > 0) {
        EQS_TRY(add_curves(follow, html));
        EQS_TRY(add_rows(follow, html));
    }
    eqs_text_add(html, "</main>\n");
    eqs_html_end(html);
    return html->failed ? EQS_NO_MEMORY : EQS_OK;
}
