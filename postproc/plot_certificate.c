/* The residual with which every sample of every relaxation ended: the certificate of a file at one glance. */
#include "postproc/plots.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

static bool is_certificate(const eqs_catalog_object *object)
{
    bool place = strncmp(object->path, "/relaxation/", 12) == 0 || strncmp(object->path, "/circuit/", 9) == 0;
    return place && eqs_catalog_is_numbers(object) && object->shape.rank == 1 && object->shape.count > 0 &&
           strcmp(eqs_catalog_name(object), "residual") == 0 && strstr(object->path, "trajectory") == NULL;
}

static void parts(const eqs_catalog *catalog, eqs_catalog_names *names)
{
    bool any = false;
    for (size_t i = 0; i < catalog->n; i++)
        any |= is_certificate(&catalog->object[i]) && catalog->object[i].shape.count > 1;
    if (any)
        eqs_catalog_names_add(names, "%s", "");
}

static eqs_status build(const eqs_catalog *catalog, const char *part, eqs_figure *figure)
{
    (void)part;
    char y_label[PLOT_LABEL_SIZE];
    size_t first = 0;
    while (first < catalog->n && !is_certificate(&catalog->object[first]))
        first++;
    eqs_plot_residual_label(catalog, first < catalog->n ? &catalog->object[first] : NULL, y_label);
    eqs_panel *panel = eqs_figure_panel(figure, "Certificate: residual at the end, by sample",
                                        "sample (position in the file)", y_label);
    for (size_t i = 0; i < catalog->n; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        double *value;
        if (!is_certificate(object))
            continue;
        char label[PLOT_LABEL_SIZE];
        eqs_plot_trajectory_label(object->path, label);
        EQS_TRY(eqs_catalog_values(catalog, object, &value));
        /* a residual of exactly 0 is drawn at the floor of double precision */
        for (size_t k = 0; k < object->shape.count; k++)
            value[k] = fmax(value[k], 1e-17);
        eqs_figure_curve(figure, panel, label, EQS_MARK_LINE_POINTS, object->shape.count, NULL, value, 1);
        eqs_free(value);
    }
    if (panel != NULL)
        panel->log_y = true;
    return EQS_OK;
}

const eqs_plot eqs_plot_certificate = {"certificate", "residual at the end of every sample", "relaxation",
                                       parts, build};
