#include "postproc/figure.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { MOST_POINTS = 1500 };

void eqs_figure_clear(eqs_figure *figure)
{
    for (size_t p = 0; p < figure->n_panels; p++) {
        eqs_panel *panel = figure->panel[p];
        for (size_t c = 0; c < panel->n_curves; c++) {
            eqs_free(panel->curve[c].label);
            eqs_free(panel->curve[c].x);
            eqs_free(panel->curve[c].y);
            eqs_free(panel->curve[c].y_top);
        }
        if (panel->image != NULL) {
            eqs_free(panel->image->value);
            eqs_free(panel->image->label);
        }
        eqs_free(panel->image);
        eqs_free(panel->curve);
        eqs_free(panel->title);
        eqs_free(panel->x_label);
        eqs_free(panel->y_label);
        eqs_free(panel);
    }
    eqs_free(figure->panel);
    eqs_free(figure->title);
    *figure = (eqs_figure){0};
}

static char *copy_text(eqs_figure *figure, const char *text)
{
    char *copy = eqs_strdup(text);
    figure->failed |= copy == NULL;
    return copy;
}

void eqs_figure_title(eqs_figure *figure, const char *title)
{
    eqs_free(figure->title);
    figure->title = copy_text(figure, title);
}

eqs_panel *eqs_figure_panel(eqs_figure *figure, const char *title, const char *x_label, const char *y_label)
{
    eqs_panel **grown = eqs_realloc(figure->panel, figure->n_panels, figure->n_panels + 1, sizeof *grown);
    if (grown != NULL)
        figure->panel = grown;
    eqs_panel *panel = grown != NULL ? eqs_alloc(1, sizeof *panel) : NULL;
    if (panel == NULL) {
        figure->failed = true;
        return NULL;
    }
    figure->panel[figure->n_panels++] = panel;
    panel->title = copy_text(figure, title);
    panel->x_label = copy_text(figure, x_label);
    panel->y_label = copy_text(figure, y_label);
    return panel;
}

/* a new curve with room for n points, or NULL */
static eqs_curve *add_curve(eqs_figure *figure, eqs_panel *panel, const char *label, eqs_mark mark, size_t n)
{
    if (panel == NULL || figure->failed)
        return NULL;
    eqs_curve *grown = eqs_realloc(panel->curve, panel->n_curves, panel->n_curves + 1, sizeof *grown);
    if (grown == NULL) {
        figure->failed = true;
        return NULL;
    }
    panel->curve = grown;
    eqs_curve *curve = &panel->curve[panel->n_curves];
    *curve = (eqs_curve){.label = copy_text(figure, label),
                         .mark = mark,
                         .colour = (int)panel->n_curves,
                         .x = eqs_alloc(n, sizeof(double)),
                         .y = eqs_alloc(n, sizeof(double)),
                         .y_top = mark == EQS_MARK_BAND ? eqs_alloc(n, sizeof(double)) : NULL};
    panel->n_curves++;
    if (curve->x == NULL || curve->y == NULL || (mark == EQS_MARK_BAND && curve->y_top == NULL)) {
        figure->failed = true;
        return NULL;
    }
    return curve;
}

void eqs_figure_curve(eqs_figure *figure, eqs_panel *panel, const char *label, eqs_mark mark, size_t n,
                      const double *x, const double *y, size_t stride)
{
    size_t shown = n < MOST_POINTS ? n : MOST_POINTS;
    eqs_curve *curve = add_curve(figure, panel, label, mark, shown);
    if (curve == NULL)
        return;
    curve->n = shown;
    for (size_t i = 0; i < shown; i++) {
        size_t from = shown == n ? i : (i * (n - 1)) / (shown - 1);
        curve->x[i] = x != NULL ? x[from] : (double)from + 1;
        curve->y[i] = y[from * stride];
    }
}

void eqs_figure_band(eqs_figure *figure, eqs_panel *panel, const char *label, size_t n, const double *x,
                     const double *low, const double *high)
{
    eqs_curve *curve = add_curve(figure, panel, label, EQS_MARK_BAND, n);
    if (curve == NULL)
        return;
    curve->n = n;
    memcpy(curve->x, x, n * sizeof *x);
    memcpy(curve->y, low, n * sizeof *low);
    memcpy(curve->y_top, high, n * sizeof *high);
}

void eqs_figure_image(eqs_figure *figure, eqs_panel *panel, size_t rows, size_t columns, const double *value,
                      const char *label)
{
    if (panel == NULL || figure->failed)
        return;
    eqs_image *image = eqs_alloc(1, sizeof *image);
    if (image != NULL) {
        panel->image = image;
        *image = (eqs_image){.rows = rows,
                             .columns = columns,
                             .value = eqs_alloc(rows * columns, sizeof *image->value),
                             .x = {1, (double)columns},
                             .y = {1, (double)rows},
                             .label = copy_text(figure, label)};
    }
    if (image == NULL || image->value == NULL) {
        figure->failed = true;
        return;
    }
    memcpy(image->value, value, rows * columns * sizeof *value);
    double low = 0.0, high = 0.0;
    for (size_t i = 0; i < rows * columns; i++) {
        low = fmin(low, value[i]);
        high = fmax(high, value[i]);
    }
    image->signed_values = low < 0.0 && high > 0.0;
}

/* spacing by factors: the last step is much longer than the first */
static bool grows(const eqs_curve *curve)
{
    double first = fabs(curve->x[1] - curve->x[0]);
    double last = fabs(curve->x[curve->n - 1] - curve->x[curve->n - 2]);
    return last > 5 * first || first > 5 * last;
}

void eqs_figure_scale(eqs_panel *panel, double factor)
{
    if (panel == NULL || panel->image != NULL)
        return;
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    bool factors = false;
    for (size_t c = 0; c < panel->n_curves; c++) {
        const eqs_curve *curve = &panel->curve[c];
        for (size_t i = 0; i < curve->n; i++) {
            low[0] = fmin(low[0], curve->x[i]);
            high[0] = fmax(high[0], curve->x[i]);
            if (!isfinite(curve->y[i]))
                continue;
            low[1] = fmin(low[1], curve->y[i]);
            high[1] = fmax(high[1], curve->y_top != NULL ? curve->y_top[i] : curve->y[i]);
        }
        factors |= curve->n >= 3 && grows(curve);
    }
    panel->log_x = factors && low[0] > 0.0 && high[0] > factor * low[0];
    panel->log_y = low[1] > 0.0 && high[1] > factor * low[1];
}
