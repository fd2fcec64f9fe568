/* A chip instance: the distribution of every deviation that was drawn. */
#include "postproc/plots.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BINS = 40, MOST_PANELS = 8 };

static bool is_drawn(const eqs_catalog_object *object)
{
    return strncmp(object->path, "/hardware/", 10) == 0 && eqs_catalog_is_numbers(object) &&
           object->shape.count >= 2;
}

static void parts(const eqs_catalog *catalog, eqs_catalog_names *names)
{
    for (size_t i = 0; i < catalog->n; i++) {
        if (!is_drawn(&catalog->object[i]))
            continue;
        if (names->n == 0)
            eqs_catalog_names_add(names, "%s", "");
        eqs_catalog_names_add(names, "%s", catalog->object[i].path + 10);
    }
}

static eqs_status add(const eqs_catalog *catalog, const eqs_catalog_object *object, eqs_figure *figure)
{
    double *value, low = INFINITY, high = -INFINITY, x[BINS], count[BINS] = {0};
    EQS_TRY(eqs_catalog_values(catalog, object, &value));
    for (size_t i = 0; i < object->shape.count; i++) {
        low = isfinite(value[i]) ? fmin(low, value[i]) : low;
        high = isfinite(value[i]) ? fmax(high, value[i]) : high;
    }
    double width = high > low ? (high - low) / BINS : 1.0;
    for (size_t b = 0; b < BINS; b++)
        x[b] = low + ((double)b + 0.5) * width;
    for (size_t i = 0; i < object->shape.count; i++) {
        if (isfinite(value[i]))
            count[(size_t)fmin((value[i] - low) / width, BINS - 1)] += 1;
    }
    char label[PLOT_LABEL_SIZE];
    eqs_plot_label(object, label);
    eqs_panel *panel = eqs_figure_panel(figure, object->path + 10, label, "devices");
    eqs_figure_curve(figure, panel, "", EQS_MARK_STEPS, BINS, x, count, 1);
    eqs_free(value);
    return EQS_OK;
}

static eqs_status build(const eqs_catalog *catalog, const char *part, eqs_figure *figure)
{
    for (size_t i = 0; i < catalog->n && figure->n_panels < MOST_PANELS; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        if (is_drawn(object) && (part[0] == '\0' || strcmp(object->path + 10, part) == 0))
            EQS_TRY(add(catalog, object, figure));
    }
    return EQS_OK;
}

const eqs_plot eqs_plot_hardware = {"hardware", "deviations of a chip instance", "hardware", parts, build};
