/* Co-simulation: signals between circuit and ODE, steps, mismatch and states at the macro points. */
#include "postproc/plots.h"

#include <stdio.h>
#include <string.h>

#define GROUP "/circuit/cosimulation"

/* "sample_0", ... */
static void parts(const eqs_catalog *catalog, eqs_catalog_names *names)
{
    for (size_t i = 0; i < catalog->n; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        if (object->is_group && eqs_catalog_member(object, GROUP) != NULL &&
            eqs_plot_group_drawable(catalog, object->path))
            eqs_catalog_names_add(names, "%s", eqs_catalog_name(object));
    }
}

static eqs_status build(const eqs_catalog *catalog, const char *part, eqs_figure *figure)
{
    char path[512];
    snprintf(path, sizeof path, GROUP "/%.400s", part);
    return eqs_plot_group_panels(catalog, path, NULL, figure);
}

const eqs_plot eqs_plot_cosimulation = {
    "cosimulation", "signals, steps and mismatch of circuit and ODE in lock-step", "circuit", parts, build};
