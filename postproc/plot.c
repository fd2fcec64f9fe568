#include "postproc/plots.h"

#include "base/memory.h"
#include "store/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const eqs_plot *const plots[] = {
    &eqs_plot_training,    &eqs_plot_relaxation, &eqs_plot_circuit,  &eqs_plot_cosimulation,
    &eqs_plot_gradient,    &eqs_plot_spectrum,   &eqs_plot_study,    &eqs_plot_states,
    &eqs_plot_certificate, &eqs_plot_weights,    &eqs_plot_hardware, &eqs_plot_group,
};
enum { N_PLOTS = sizeof plots / sizeof *plots };

const eqs_plot *eqs_plot_get(size_t i)
{
    return i < N_PLOTS ? plots[i] : NULL;
}

static bool applies(const eqs_plot *plot, const eqs_catalog *catalog)
{
    eqs_catalog_names parts = {0};
    plot->parts(catalog, &parts);
    bool any = parts.n > 0;
    eqs_catalog_names_clear(&parts);
    return any;
}

const eqs_plot *eqs_plot_default(const eqs_catalog *catalog)
{
    const char *group = eqs_catalog_attribute_text(eqs_catalog_find(catalog, "/"), "default");
    for (size_t i = 0; group != NULL && i < N_PLOTS; i++) {
        if (plots[i]->group != NULL && strcmp(plots[i]->group, group) == 0 && applies(plots[i], catalog))
            return plots[i];
    }
    for (size_t i = 0; i < N_PLOTS; i++) {
        if (applies(plots[i], catalog))
            return plots[i];
    }
    return NULL;
}

/* "64-32-10", from /network/units, or "" */
static void add_shape(const eqs_catalog *catalog, eqs_text *title)
{
    const eqs_catalog_object *object = eqs_catalog_numbers(catalog, "/network/units");
    double *units;
    if (object == NULL || object->shape.count > 8 || eqs_catalog_values(catalog, object, &units) != EQS_OK)
        return;
    for (size_t k = 0; k < object->shape.count; k++)
        eqs_text_add(title, "%s%.0f", k > 0 ? "-" : "", units[k]);
    eqs_free(units);
}

char *eqs_plot_title(const eqs_catalog *catalog)
{
    eqs_text title = {0};
    const char *path = eqs_h5_path(catalog->reader), *slash = strrchr(path, '/');
    const char *set = eqs_catalog_attribute_text(eqs_catalog_find(catalog, "/config/used"), "data.set");
    add_shape(catalog, &title);
    if (title.length > 0 && set != NULL)
        eqs_text_add(&title, " on %s", set);
    eqs_text_add(&title, "%s%s", title.length > 0 ? ": " : "", slash != NULL ? slash + 1 : path);
    char *copy = title.failed ? NULL : eqs_strdup(eqs_text_string(&title));
    eqs_text_clear(&title);
    return copy;
}

static const eqs_plot *find(const char *what, const char **part)
{
    size_t length = strcspn(what, ":");
    *part = what[length] == ':' ? what + length + 1 : NULL;
    for (size_t i = 0; i < N_PLOTS; i++) {
        if (strlen(plots[i]->name) == length && strncmp(plots[i]->name, what, length) == 0)
            return plots[i];
    }
    return NULL;
}

/* all that the file allows, for messages */
static eqs_status refuse(const eqs_catalog *catalog, const char *what)
{
    eqs_text allowed = {0};
    for (size_t i = 0; i < N_PLOTS; i++) {
        if (applies(plots[i], catalog))
            eqs_text_add(&allowed, "%s%s", allowed.length > 0 ? ", " : "", plots[i]->name);
    }
    eqs_fail(EQS_USAGE, "%s: cannot draw '%s'; it has: %s (`eqspice plot FILE` lists the parts)",
             eqs_h5_path(catalog->reader), what, allowed.length > 0 ? allowed.data : "nothing to draw");
    eqs_text_clear(&allowed);
    return EQS_USAGE;
}

eqs_status eqs_plot_build(const eqs_catalog *catalog, const char *what, eqs_figure *figure)
{
    *figure = (eqs_figure){0};
    const char *part;
    const eqs_plot *plot = find(what, &part);
    if (plot == NULL)
        return refuse(catalog, what);
    eqs_catalog_names parts = {0};
    plot->parts(catalog, &parts);
    bool known = parts.n > 0 && (part == NULL || eqs_catalog_names_has(&parts, part));
    eqs_status status = parts.failed ? EQS_NO_MEMORY : known ? EQS_OK : refuse(catalog, what);
    char *title = status == EQS_OK ? eqs_plot_title(catalog) : NULL;
    if (status == EQS_OK && title != NULL) {
        eqs_figure_title(figure, title);
        status = plot->build(catalog, part != NULL ? part : parts.name[0], figure);
    }
    if (status == EQS_OK && (figure->failed || title == NULL))
        status = EQS_NO_MEMORY;
    if (status != EQS_OK)
        eqs_figure_clear(figure);
    eqs_free(title);
    eqs_catalog_names_clear(&parts);
    return status;
}

/* ---- what several plots use ---- */

void eqs_plot_label(const eqs_catalog_object *object, char label[PLOT_LABEL_SIZE])
{
    enum { LONGEST = 36 };
    char text[PLOT_LABEL_SIZE];
    size_t cut = strcspn(object->long_name, "[:;,");
    const char *bracket = strstr(object->long_name, " (");
    if (bracket != NULL && (size_t)(bracket - object->long_name) < cut)
        cut = (size_t)(bracket - object->long_name);
    while (cut > 0 && object->long_name[cut - 1] == ' ')
        cut--;
    bool use_long = cut > 0 && cut <= LONGEST;
    if (use_long)
        snprintf(text, sizeof text, "%.*s", (int)cut, object->long_name);
    else
        snprintf(text, sizeof text, "%s", eqs_catalog_name(object));
    for (char *c = text; !use_long && *c != '\0'; c++)
        *c = *c == '_' ? ' ' : *c;
    bool unit = object->units[0] != '\0' && strcmp(object->units, "1") != 0;
    if (unit)
        snprintf(label, PLOT_LABEL_SIZE, "%.100s (%.50s)", text, object->units);
    else
        snprintf(label, PLOT_LABEL_SIZE, "%.150s", text);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double eqs_plot_quantile(const double *value, size_t n, double q, double *work)
{
    memcpy(work, value, n * sizeof *work);
    qsort(work, n, sizeof *work, by_value);
    double place = q * (double)(n - 1);
    size_t low = (size_t)place;
    double rest = place - (double)low;
    return low + 1 < n ? work[low] * (1 - rest) + work[low + 1] * rest : work[n - 1];
}
