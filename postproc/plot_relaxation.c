/* Trajectories of phases: certificate and energy over time, and the states of a layer. */
#include "postproc/plots.h"

#include "base/memory.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TRAJECTORIES = 16, FEW_UNITS = 16, TIME_CELLS = 240, STATES_SHOWN = 4 };

void eqs_plot_trajectories(const eqs_catalog *catalog, eqs_catalog_names *groups)
{
    for (size_t i = 0; i < catalog->n; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        char path[512];
        const char *name = eqs_catalog_name(object);
        bool named = strstr(name, "trajectory") != NULL || strncmp(name, "sample_", 7) == 0;
        if (!object->is_group || !named)
            continue;
        snprintf(path, sizeof path, "%s/time", object->path);
        const eqs_catalog_object *time = eqs_catalog_numbers(catalog, path);
        if (time != NULL && time->shape.rank == 1 && time->shape.count >= 2)
            eqs_catalog_names_add(groups, "%s", object->path);
    }
}

void eqs_plot_residual_label(const eqs_catalog *catalog, const eqs_catalog_object *residual,
                             char label[PLOT_LABEL_SIZE])
{
    const char *model =
        eqs_catalog_attribute_text(eqs_catalog_find(catalog, "/config/used"), "network.model");
    if (residual != NULL && residual->units != NULL && strcmp(residual->units, "1") != 0)
        snprintf(label, PLOT_LABEL_SIZE, "Kirchhoff's current law (%.40s)", residual->units);
    else if (residual != NULL && model != NULL && strcmp(model, "resistive") == 0)
        snprintf(label, PLOT_LABEL_SIZE, "Kirchhoff's current law (G0 x 1 V)");
    else
        snprintf(label, PLOT_LABEL_SIZE, "max|P(dF/ds)|");
}

/* "energy F", with the unit when there is one */
static void value_label(const eqs_catalog *catalog, const eqs_catalog_object *object,
                        char label[PLOT_LABEL_SIZE])
{
    if (strcmp(eqs_catalog_name(object), "residual") == 0)
        eqs_plot_residual_label(catalog, object, label);
    else if (strcmp(object->units, "1") == 0)
        snprintf(label, PLOT_LABEL_SIZE, "energy F");
    else
        snprintf(label, PLOT_LABEL_SIZE, "co-content F (%.40s)", object->units);
}

void eqs_plot_trajectory_label(const char *group, char label[PLOT_LABEL_SIZE])
{
    char copy[PLOT_LABEL_SIZE];
    snprintf(copy, sizeof copy, "%s", group[0] == '/' ? group + 1 : group);
    char *last = strrchr(copy, '/');
    const char *sample = "";
    if (last != NULL) {
        *last = '\0';
        sample = strchr(last + 1, '_');
    }
    const char *phase = strncmp(copy, "relaxation/", 11) == 0 ? copy + 11 : copy;
    if (sample != NULL && sample[0] == '_')
        snprintf(label, PLOT_LABEL_SIZE, "%.100s, sample %.20s", phase, sample + 1);
    else
        snprintf(label, PLOT_LABEL_SIZE, "%.150s", phase);
}

/* a member of a trajectory group that fits its time axis, or NULL */
static const eqs_catalog_object *member(const eqs_catalog *catalog, const char *group, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/time", group);
    const eqs_catalog_object *time = eqs_catalog_numbers(catalog, path);
    snprintf(path, sizeof path, "%s/%s", group, name);
    const eqs_catalog_object *object = eqs_catalog_numbers(catalog, path);
    return object != NULL && time != NULL && object->shape.rank >= 1 &&
                   object->shape.dim[0] == time->shape.count
               ? object
               : NULL;
}

/* ---- residual and energy ---- */

static bool has_certificate(const eqs_catalog *catalog, const char *group)
{
    return member(catalog, group, "residual") != NULL || member(catalog, group, "energy") != NULL;
}

static void relaxation_parts(const eqs_catalog *catalog, eqs_catalog_names *parts)
{
    eqs_catalog_names groups = {0};
    eqs_plot_trajectories(catalog, &groups);
    bool any = false;
    for (size_t g = 0; g < groups.n; g++)
        any |= has_certificate(catalog, groups.name[g]);
    if (any)
        eqs_catalog_names_add(parts, "%s", "");
    parts->failed |= groups.failed;
    eqs_catalog_names_clear(&groups);
}

static eqs_status add_series(const eqs_catalog *catalog, const eqs_catalog_names *groups, const char *name,
                             const char *title, eqs_figure *figure)
{
    eqs_panel *panel = NULL;
    for (size_t g = 0; g < groups->n && g < MOST_TRAJECTORIES; g++) {
        const eqs_catalog_object *object = member(catalog, groups->name[g], name);
        const eqs_catalog_object *time = member(catalog, groups->name[g], "time");
        double *t, *value;
        char label[PLOT_LABEL_SIZE], x_label[PLOT_LABEL_SIZE], y_label[PLOT_LABEL_SIZE];
        if (object == NULL || object->shape.rank != 1)
            continue;
        EQS_TRY(eqs_catalog_values(catalog, time, &t));
        eqs_status status = eqs_catalog_values(catalog, object, &value);
        if (status == EQS_OK) {
            snprintf(x_label, sizeof x_label, "time (%.40s)", time->units);
            eqs_plot_trajectory_label(groups->name[g], label);
            value_label(catalog, object, y_label);
            if (panel == NULL)
                panel = eqs_figure_panel(figure, title, x_label, y_label);
            eqs_figure_curve(figure, panel, label, EQS_MARK_LINE, time->shape.count, t, value, 1);
            eqs_free(value);
        }
        eqs_free(t);
        EQS_TRY(status);
    }
    if (panel != NULL && strcmp(name, "residual") == 0) {
        eqs_figure_scale(panel, 10);
        panel->log_x = false;
    }
    return EQS_OK;
}

static eqs_status relaxation_build(const eqs_catalog *catalog, const char *part, eqs_figure *figure)
{
    (void)part;
    eqs_catalog_names groups = {0};
    eqs_plot_trajectories(catalog, &groups);
    eqs_status status = groups.failed ? EQS_NO_MEMORY : EQS_OK;
    if (status == EQS_OK)
        status = add_series(catalog, &groups, "residual", "Certificate along the trajectory", figure);
    if (status == EQS_OK)
        status = add_series(catalog, &groups, "energy", "Energy along the trajectory", figure);
    eqs_catalog_names_clear(&groups);
    return status;
}

const eqs_plot eqs_plot_relaxation = {"relaxation", "residual and energy along recorded trajectories",
                                      "relaxation", relaxation_parts, relaxation_build};

/* ---- states of a layer ---- */

/* layers that any trajectory holds, the last first: it is the output */
static void states_parts(const eqs_catalog *catalog, eqs_catalog_names *parts)
{
    eqs_catalog_names groups = {0};
    eqs_plot_trajectories(catalog, &groups);
    long last = -1;
    for (size_t i = 0; i < catalog->n; i++) {
        const char *name = eqs_catalog_name(&catalog->object[i]);
        for (size_t g = 0; g < groups.n; g++) {
            if (eqs_catalog_member(&catalog->object[i], groups.name[g]) != NULL &&
                strncmp(name, "state_", 6) == 0 && isdigit((unsigned char)name[6])) {
                long k = strtol(name + 6, NULL, 10);
                last = k > last ? k : last;
            }
        }
    }
    for (long k = last; k >= 0; k--) {
        char name[64];
        snprintf(name, sizeof name, "state_%ld", k);
        bool any = false;
        for (size_t g = 0; g < groups.n; g++)
            any |= member(catalog, groups.name[g], name) != NULL;
        if (any)
            eqs_catalog_names_add(parts, "%ld", k);
    }
    parts->failed |= groups.failed;
    eqs_catalog_names_clear(&groups);
}

/* states on an even grid of times [units x TIME_CELLS], by linear interpolation */
static void resample(const double *t, size_t n, const double *state, size_t units, double *out)
{
    size_t at = 0;
    for (size_t c = 0; c < TIME_CELLS; c++) {
        double time = t[0] + (t[n - 1] - t[0]) * (double)c / (TIME_CELLS - 1);
        while (at + 2 < n && t[at + 1] < time)
            at++;
        double span = t[at + 1] - t[at], part = span > 0.0 ? (time - t[at]) / span : 0.0;
        part = fmin(fmax(part, 0.0), 1.0);
        for (size_t i = 0; i < units; i++)
            out[i * TIME_CELLS + c] = (1 - part) * state[at * units + i] + part * state[(at + 1) * units + i];
    }
}

static eqs_status add_states(const char *title, const eqs_catalog_object *time, const double *t,
                             const eqs_catalog_object *object, const double *state, eqs_figure *figure)
{
    size_t n = time->shape.count, units = object->shape.count / n;
    char x_label[PLOT_LABEL_SIZE], unit_label[PLOT_LABEL_SIZE];
    snprintf(x_label, sizeof x_label, "time (%.40s)", time->units);
    snprintf(unit_label, sizeof unit_label,
             strcmp(object->units, "1") == 0 ? "state" : "node voltage (%.40s)", object->units);
    if (units <= FEW_UNITS) {
        eqs_panel *panel = eqs_figure_panel(figure, title, x_label, unit_label);
        for (size_t i = 0; i < units; i++) {
            char label[PLOT_LABEL_SIZE];
            snprintf(label, sizeof label, "%zu", i);
            eqs_figure_curve(figure, panel, label, EQS_MARK_LINE, n, t, state + i, units);
        }
        return EQS_OK;
    }
    double *grid = eqs_alloc(units * TIME_CELLS, sizeof *grid);
    if (grid == NULL)
        return EQS_NO_MEMORY;
    resample(t, n, state, units, grid);
    eqs_panel *panel = eqs_figure_panel(figure, title, x_label, "unit");
    eqs_figure_image(figure, panel, units, TIME_CELLS, grid, unit_label);
    if (panel != NULL && panel->image != NULL) {
        panel->image->x[0] = t[0];
        panel->image->x[1] = t[n - 1];
        panel->image->y[0] = 0;
        panel->image->y[1] = (double)units - 1;
    }
    eqs_free(grid);
    return EQS_OK;
}

static eqs_status states_build(const eqs_catalog *catalog, const char *part, eqs_figure *figure)
{
    eqs_catalog_names groups = {0};
    eqs_plot_trajectories(catalog, &groups);
    eqs_status status = groups.failed ? EQS_NO_MEMORY : EQS_OK;
    for (size_t g = 0; status == EQS_OK && g < groups.n && figure->n_panels < STATES_SHOWN; g++) {
        char name[64], label[PLOT_LABEL_SIZE], title[2 * PLOT_LABEL_SIZE];
        double *t = NULL, *state = NULL;
        snprintf(name, sizeof name, "state_%.50s", part);
        const eqs_catalog_object *object = member(catalog, groups.name[g], name);
        const eqs_catalog_object *time = member(catalog, groups.name[g], "time");
        if (object == NULL)
            continue;
        eqs_plot_trajectory_label(groups.name[g], label);
        snprintf(title, sizeof title, "States of layer %s: %s", part, label);
        status = eqs_catalog_values(catalog, time, &t);
        if (status == EQS_OK)
            status = eqs_catalog_values(catalog, object, &state);
        if (status == EQS_OK)
            status = add_states(title, time, t, object, state, figure);
        eqs_free(t);
        eqs_free(state);
    }
    eqs_catalog_names_clear(&groups);
    return status;
}

const eqs_plot eqs_plot_states = {"states", "states of a layer over time", NULL, states_parts, states_build};
