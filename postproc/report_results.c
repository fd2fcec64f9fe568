/* Sections of a report about results: pictures, certificates, agreement, chip instance, time and energy. */
#include "postproc/html.h"
#include "postproc/plots.h"
#include "postproc/report_sections.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CELL = 80, PATH = 512 };

/* ---- pictures ---- */

static eqs_status add_picture(const eqs_catalog *catalog, const eqs_plot *plot, const char *part,
                              unsigned number, eqs_text *html)
{
    char what[PATH], caption[2 * PATH];
    eqs_figure figure;
    snprintf(what, sizeof what, "%s%s%.400s", plot->name, part[0] != '\0' ? ":" : "", part);
    EQS_TRY(eqs_plot_build(catalog, what, &figure));
    figure.columns = figure.n_panels > 1 ? 2 : 1;
    eqs_figure_title(&figure, ""); /* the page has it */
    snprintf(caption, sizeof caption, "%s (eqspice plot: %.500s)", plot->summary, what);
    eqs_status status = eqs_html_figure(html, &figure, caption, number);
    eqs_figure_clear(&figure);
    return status;
}

eqs_status eqs_report_pictures(const eqs_catalog *catalog, eqs_text *html)
{
    enum { MOST_PARTS = 6 };
    unsigned number = 0;
    bool shown = false; /* something with an axis was drawn, so `group` would repeat it */
    eqs_status status = EQS_OK;
    for (size_t i = 0; status == EQS_OK && eqs_plot_get(i) != NULL; i++) {
        const eqs_plot *plot = eqs_plot_get(i);
        eqs_catalog_names parts = {0};
        plot->parts(catalog, &parts);
        /* a plot without a part is the whole; of studies and circuits each part is one result */
        bool every = parts.n > 0 && parts.name[0][0] != '\0' && plot->group != NULL &&
                     strcmp(plot->group, "parameters") != 0;
        size_t n = every && parts.n < MOST_PARTS ? parts.n : every ? MOST_PARTS : parts.n > 0 ? 1 : 0;
        for (size_t k = 0; status == EQS_OK && k < n && !(shown && strcmp(plot->name, "group") == 0); k++) {
            status = add_picture(catalog, plot, parts.name[k], ++number, html);
            if (status == EQS_BAD_DATA) /* a part without anything to draw: the page goes on */
                status = EQS_OK;
        }
        shown |= n > 0 && strcmp(plot->name, "weights") != 0;
        eqs_catalog_names_clear(&parts);
    }
    return status;
}

/* ---- certificate ---- */

/* how many of the texts at `path` are "converged"; false when there are none */
static bool count_converged(const eqs_catalog *catalog, const char *path, size_t *converged)
{
    const eqs_catalog_object *object = eqs_catalog_find(catalog, path);
    size_t n;
    char **texts;
    if (object == NULL || object->is_group || object->shape.type != EQS_H5_STRING ||
        eqs_h5_load_strings(catalog->reader, path, &n, &texts) != EQS_OK)
        return false;
    *converged = 0;
    for (size_t i = 0; i < n; i++)
        *converged += strcmp(texts[i], "converged") == 0;
    eqs_free(texts);
    return true;
}

static eqs_status add_certificate(const eqs_catalog *catalog, const eqs_catalog_object *residual,
                                  eqs_text *html)
{
    char group[PATH], path[PATH + 8], n[CELL], worst[CELL], mean[CELL], ended[CELL] = "";
    double *value, largest = 0.0, sum = 0.0;
    size_t converged;
    snprintf(group, sizeof group, "%.*s", (int)(strlen(residual->path) - strlen("/residual")),
             residual->path);
    EQS_TRY(eqs_catalog_values(catalog, residual, &value));
    for (size_t i = 0; i < residual->shape.count; i++) {
        largest = value[i] <= largest ? largest : value[i]; /* NaN shows */
        sum += value[i];
    }
    eqs_free(value);
    snprintf(n, sizeof n, "%zu", residual->shape.count);
    snprintf(worst, sizeof worst, "%.2e", largest);
    snprintf(mean, sizeof mean, "%.2e", sum / (double)residual->shape.count);
    snprintf(path, sizeof path, "%s/end", group);
    if (count_converged(catalog, path, &converged))
        snprintf(ended, sizeof ended, "%zu of %zu", converged, residual->shape.count);
    const eqs_catalog_object *object = eqs_catalog_find(catalog, group);
    const char *solver = eqs_catalog_attribute_text(object, "solver");
    const char *steps = eqs_catalog_attribute_text(object, "steps");
    const char *cells[] = {group, solver != NULL ? solver : "", n, worst, mean,
                           ended, steps != NULL ? steps : ""};
    eqs_html_row(html, sizeof cells / sizeof *cells, cells);
    return EQS_OK;
}

eqs_status eqs_report_certificate(const eqs_catalog *catalog, eqs_text *html)
{
    static const char *const header[] = {"result",        "solver",    "samples", "worst residual",
                                         "mean residual", "converged", "steps"};
    bool any = false;
    for (size_t i = 0; i < catalog->n; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        bool place =
            strncmp(object->path, "/relaxation/", 12) == 0 || strncmp(object->path, "/circuit/", 9) == 0;
        if (!place || !eqs_catalog_is_numbers(object) || object->shape.rank != 1 ||
            object->shape.count == 0 || strcmp(eqs_catalog_name(object), "residual") != 0 ||
            strstr(object->path, "trajectory") != NULL)
            continue;
        if (!any) {
            char label[PLOT_LABEL_SIZE], title[2 * PLOT_LABEL_SIZE];
            eqs_plot_residual_label(catalog, object, label);
            snprintf(title, sizeof title, "Residual, %s, at the end: 0 is a fixed point", label);
            eqs_html_table_begin(html, title, 7, header);
        }
        any = true;
        EQS_TRY(add_certificate(catalog, object, html));
    }
    if (any)
        eqs_html_table_end(html);
    return EQS_OK;
}

/* ---- agreement ---- */

/* Largest difference of two arrays of the same shape; false when they cannot be compared. */
static eqs_status difference(const eqs_catalog *catalog, const char *a, const char *b, bool *fits,
                             double *out)
{
    const eqs_catalog_object *one = eqs_catalog_numbers(catalog, a), *two = eqs_catalog_numbers(catalog, b);
    double *x = NULL, *y = NULL;
    *fits = one != NULL && two != NULL && one->shape.rank == two->shape.rank && one->shape.count > 0 &&
            memcmp(one->shape.dim, two->shape.dim, (size_t)one->shape.rank * sizeof *one->shape.dim) == 0;
    *out = 0.0;
    if (!*fits)
        return EQS_OK;
    eqs_status status = eqs_catalog_values(catalog, one, &x);
    if (status == EQS_OK)
        status = eqs_catalog_values(catalog, two, &y);
    for (size_t i = 0; status == EQS_OK && i < one->shape.count; i++)
        *out = fabs(x[i] - y[i]) <= *out ? *out : fabs(x[i] - y[i]);
    eqs_free(x);
    eqs_free(y);
    return status;
}

/* the groups whose states are compared: of /circuit and of /relaxation */
static void list_lives(const eqs_catalog *catalog, eqs_catalog_names *lives)
{
    for (size_t i = 0; i < catalog->n; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        if (object->is_group && (eqs_catalog_member(object, "/circuit") != NULL ||
                                 eqs_catalog_member(object, "/relaxation") != NULL))
            eqs_catalog_names_add(lives, "%s", object->path);
    }
}

static eqs_status add_pair(const eqs_catalog *catalog, const char *one, const char *two, bool *any,
                           eqs_text *html)
{
    static const char *const header[] = {"compared", "layer", "units", "largest difference of a state"};
    for (size_t i = 0; i < catalog->n; i++) {
        const char *name = eqs_catalog_member(&catalog->object[i], one);
        char a[PATH], b[PATH], compared[2 * PATH], units[CELL], text[CELL];
        bool fits;
        double largest;
        if (name == NULL || strncmp(name, "state_", 6) != 0)
            continue;
        snprintf(a, sizeof a, "%.300s/%.100s", one, name);
        snprintf(b, sizeof b, "%.300s/%.100s", two, name);
        EQS_TRY(difference(catalog, a, b, &fits, &largest));
        if (!fits)
            continue;
        if (!*any)
            eqs_html_table_begin(html, "Largest difference of a state over all samples", 4, header);
        *any = true;
        snprintf(compared, sizeof compared, "%.300s - %.300s", one, two);
        snprintf(units, sizeof units, "%zu", catalog->object[i].shape.dim[catalog->object[i].shape.rank - 1]);
        snprintf(text, sizeof text, "%.2e", largest);
        const char *cells[] = {compared, name + 6, units, text};
        eqs_html_row(html, 4, cells);
    }
    return EQS_OK;
}

eqs_status eqs_report_agreement(const eqs_catalog *catalog, eqs_text *html)
{
    eqs_catalog_names lives = {0};
    bool any = false;
    eqs_status status = EQS_OK;
    if (eqs_catalog_find(catalog, "/circuit") == NULL)
        return EQS_OK;
    list_lives(catalog, &lives);
    for (size_t i = 0; i < lives.n; i++) {
        for (size_t k = i + 1; status == EQS_OK && k < lives.n; k++)
            status = add_pair(catalog, lives.name[i], lives.name[k], &any, html);
    }
    if (any)
        eqs_html_table_end(html);
    if (status == EQS_OK && lives.failed)
        status = EQS_NO_MEMORY;
    eqs_catalog_names_clear(&lives);
    return status;
}

/* ---- chip instance ---- */

static void add_attributes(const eqs_catalog_object *object, const char *caption, eqs_text *html)
{
    static const char *const header[] = {"what", "value"};
    if (object == NULL || object->n_attributes == 0)
        return;
    eqs_html_table_begin(html, caption, 2, header);
    for (size_t i = 0; i < object->n_attributes; i++) {
        const char *cells[] = {object->attribute[i].name, object->attribute[i].text};
        eqs_html_row(html, 2, cells);
    }
    eqs_html_table_end(html);
}

static eqs_status add_deviation(const eqs_catalog *catalog, const eqs_catalog_object *object, eqs_text *html)
{
    char count[CELL], mean[CELL], spread[CELL], range[CELL];
    double *value, sum = 0.0, squares = 0.0, low = INFINITY, high = -INFINITY;
    size_t n = object->shape.count;
    EQS_TRY(eqs_catalog_values(catalog, object, &value));
    for (size_t i = 0; i < n; i++) {
        sum += value[i];
        low = fmin(low, value[i]);
        high = fmax(high, value[i]);
    }
    for (size_t i = 0; i < n; i++)
        squares += (value[i] - sum / (double)n) * (value[i] - sum / (double)n);
    eqs_free(value);
    snprintf(count, sizeof count, "%zu", n);
    snprintf(mean, sizeof mean, "%.5g", sum / (double)n);
    snprintf(spread, sizeof spread, "%.3g", sqrt(squares / (double)n));
    snprintf(range, sizeof range, "%.5g to %.5g", low, high);
    const char *cells[] = {object->path, object->long_name, object->units, count, mean, spread, range};
    eqs_html_row(html, sizeof cells / sizeof *cells, cells);
    return EQS_OK;
}

eqs_status eqs_report_hardware(const eqs_catalog *catalog, eqs_text *html)
{
    static const char *const header[] = {
        "dataset", "meaning", "unit", "devices", "mean", "standard deviation", "range"};
    bool any = false;
    add_attributes(eqs_catalog_find(catalog, "/hardware"), "Chip instance", html);
    for (size_t i = 0; i < catalog->n; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        if (strncmp(object->path, "/hardware/", 10) != 0 || !eqs_catalog_is_numbers(object) ||
            object->shape.count == 0)
            continue;
        if (!any)
            eqs_html_table_begin(html, "What was drawn for every device", 7, header);
        any = true;
        EQS_TRY(add_deviation(catalog, object, html));
    }
    if (any)
        eqs_html_table_end(html);
    return EQS_OK;
}

/* ---- time and energy ---- */

static bool is_physical(const char *units)
{
    static const char *const physical[] = {"s", "J", "W", "V", "A", "C", "1/s", "pJ", "fJ", "us", "ns"};
    for (size_t i = 0; i < sizeof physical / sizeof *physical; i++) {
        if (strcmp(units, physical[i]) == 0)
            return true;
    }
    return false;
}

/* results in seconds, joules, watts: the value of a scalar, or mean and range of a list, of what was
 * measured: values that are NaN were not, and a list without others has no row */
static eqs_status add_physical(const eqs_catalog *catalog, const eqs_catalog_object *object, bool *any,
                               eqs_text *html)
{
    static const char *const header[] = {"quantity", "value", "meaning"};
    char text[2 * CELL];
    double *value, sum = 0.0, low = INFINITY, high = -INFINITY;
    size_t n = object->shape.count, measured = 0;
    EQS_TRY(eqs_catalog_values(catalog, object, &value));
    for (size_t i = 0; i < n; i++) {
        if (isnan(value[i]))
            continue;
        sum += value[i];
        low = fmin(low, value[i]);
        high = fmax(high, value[i]);
        measured++;
    }
    eqs_free(value);
    if (measured == 0)
        return EQS_OK;
    if (n == 1)
        snprintf(text, sizeof text, "%.5g %.10s", sum, object->units);
    else if (measured == n)
        snprintf(text, sizeof text, "%.4g %.10s on average, %.4g to %.4g", sum / (double)n, object->units,
                 low, high);
    else
        snprintf(text, sizeof text, "%.4g %.10s on average, %.4g to %.4g (%zu of %zu values)",
                 sum / (double)measured, object->units, low, high, measured, n);
    if (!*any)
        eqs_html_table_begin(html, "Results in physical units", 3, header);
    *any = true;
    const char *cells[] = {object->path, text, object->long_name};
    eqs_html_row(html, 3, cells);
    return EQS_OK;
}

eqs_status eqs_report_physics(const eqs_catalog *catalog, eqs_text *html)
{
    bool any = false;
    for (size_t i = 0; i < catalog->n; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        bool result =
            strncmp(object->path, "/hardware/", 10) != 0 && strncmp(object->path, "/parameters/", 12) != 0 &&
            strncmp(object->path, "/network/", 9) != 0 && strncmp(object->path, "/checkpoint/", 12) != 0;
        bool state =
            strncmp(eqs_catalog_name(object), "state_", 6) == 0 || strstr(object->path, "trajectory") != NULL;
        if (!result || state || !eqs_catalog_is_numbers(object) || object->shape.count == 0 ||
            !is_physical(object->units))
            continue;
        EQS_TRY(add_physical(catalog, object, &any, html));
    }
    if (any)
        eqs_html_table_end(html);
    for (size_t i = 0; i < catalog->n; i++) {
        if (eqs_catalog_member(&catalog->object[i], "/circuit") != NULL && catalog->object[i].is_group)
            add_attributes(&catalog->object[i], catalog->object[i].path, html);
    }
    return EQS_OK;
}
