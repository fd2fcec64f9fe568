/* Circuit against ODE and equilibrium, unit by unit; and transients of the circuit. */
#include "postproc/plots.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_state(const eqs_catalog_object *object, const char *group)
{
    return eqs_catalog_is_numbers(object) && object->shape.rank == 2 && object->shape.count > 0 &&
           eqs_catalog_member(object, group) != NULL && strncmp(eqs_catalog_name(object), "state_", 6) == 0;
}

/* groups of /circuit with states that were compared with others: "op", "tran", ... */
static void parts(const eqs_catalog *catalog, eqs_catalog_names *names)
{
    for (size_t i = 0; i < catalog->n; i++) {
        const char *name = eqs_catalog_member(&catalog->object[i], "/circuit");
        bool any = false;
        for (size_t k = 0; name != NULL && !any && k < catalog->n; k++)
            any = is_state(&catalog->object[k], catalog->object[i].path);
        char path[512];
        snprintf(path, sizeof path, "%.400s/difference", catalog->object[i].path);
        if (any && eqs_catalog_numbers(catalog, path) != NULL)
            eqs_catalog_names_add(names, "%s", name);
    }
}

/* largest |circuit - other| over the samples per unit, all layers in turn: appended to `out` (n so far) */
static eqs_status add_differences(const eqs_catalog *catalog, const eqs_catalog_object *circuit,
                                  const char *other_group, double **out, size_t *n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", other_group, eqs_catalog_name(circuit));
    const eqs_catalog_object *other = eqs_catalog_numbers(catalog, path);
    if (other == NULL || other->shape.rank != 2 || other->shape.dim[0] != circuit->shape.dim[0] ||
        other->shape.dim[1] != circuit->shape.dim[1])
        return EQS_OK;
    size_t samples = circuit->shape.dim[0], units = circuit->shape.dim[1];
    double *a = NULL, *b = NULL;
    eqs_status status = eqs_catalog_values(catalog, circuit, &a);
    if (status == EQS_OK)
        status = eqs_catalog_values(catalog, other, &b);
    double *grown = status == EQS_OK ? eqs_realloc(*out, *n, *n + units, sizeof *grown) : NULL;
    if (grown != NULL) {
        *out = grown;
        for (size_t i = 0; i < units; i++) {
            double largest = 0.0;
            for (size_t s = 0; s < samples; s++)
                largest = fmax(largest, fabs(a[s * units + i] - b[s * units + i]));
            /* equal to the last bit: drawn at the floor of double precision, not left out of a log axis */
            grown[*n + i] = fmax(largest, 1e-17);
        }
        *n += units;
    } else if (status == EQS_OK) {
        status = EQS_NO_MEMORY;
    }
    eqs_free(a);
    eqs_free(b);
    return status;
}

/* the other lives of the network in the file: groups of /relaxation with states */
static eqs_status add_comparisons(const eqs_catalog *catalog, const char *circuit, eqs_figure *figure)
{
    eqs_panel *panel = NULL;
    for (size_t g = 0; g < catalog->n; g++) {
        const char *other = eqs_catalog_member(&catalog->object[g], "/relaxation");
        double *difference = NULL;
        size_t n = 0;
        eqs_status status = EQS_OK;
        for (size_t i = 0; other != NULL && status == EQS_OK && i < catalog->n; i++) {
            if (is_state(&catalog->object[i], circuit))
                status =
                    add_differences(catalog, &catalog->object[i], catalog->object[g].path, &difference, &n);
        }
        if (n > 0 && status == EQS_OK) {
            char label[PLOT_LABEL_SIZE];
            snprintf(label, sizeof label, "circuit - %.100s", other);
            if (panel == NULL)
                panel = eqs_figure_panel(figure, "Circuit against the others, worst sample (0: at 1e-17)",
                                         "unit (layers in turn)", "|difference of a state|");
            eqs_figure_curve(figure, panel, label, EQS_MARK_POINTS, n, NULL, difference, 1);
        }
        eqs_free(difference);
        EQS_TRY(status);
    }
    if (panel != NULL)
        panel->log_y = true;
    return EQS_OK;
}

/* Per sample: the largest difference of any unit. */
static eqs_status add_samples(const eqs_catalog *catalog, const char *circuit, eqs_figure *figure)
{
    char path[512];
    snprintf(path, sizeof path, "%s/difference", circuit);
    const eqs_catalog_object *object = eqs_catalog_numbers(catalog, path);
    double *value;
    if (object == NULL || object->shape.rank != 1 || object->shape.count < 2)
        return EQS_OK;
    EQS_TRY(eqs_catalog_values(catalog, object, &value));
    for (size_t i = 0; i < object->shape.count; i++)
        value[i] = fmax(value[i], 1e-17);
    eqs_panel *panel = eqs_figure_panel(figure, "Largest difference of a sample",
                                        "sample (position in the file)", "|difference of a state|");
    eqs_figure_curve(figure, panel, "", EQS_MARK_LINE_POINTS, object->shape.count, NULL, value, 1);
    if (panel != NULL)
        panel->log_y = true;
    eqs_free(value);
    return EQS_OK;
}

/* ---- transients: the circuit beside the ODE ---- */

/* The two trajectories of one sample at the same times. */
typedef struct pair {
    const eqs_catalog_object *time;
    double *t;
    size_t n;
    char circuit[512], ode[512];
} pair;

/* The first sample of the circuit's group that also has CVODE's trajectory at as many times; t is the
 * caller's, NULL when there is none. */
static eqs_status find_pair(const eqs_catalog *catalog, const char *circuit, pair *out)
{
    static const char *const names[] = {"trajectory", "trajectory_0"};
    *out = (pair){0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[600];
        snprintf(out->circuit, sizeof out->circuit, "%.400s/%s", circuit, names[i]);
        snprintf(out->ode, sizeof out->ode, "/relaxation/cvode/%s", names[i]);
        snprintf(path, sizeof path, "%s/time", out->circuit);
        out->time = eqs_catalog_numbers(catalog, path);
        snprintf(path, sizeof path, "%s/time", out->ode);
        const eqs_catalog_object *ode = eqs_catalog_numbers(catalog, path);
        if (out->time == NULL || ode == NULL || out->time->shape.rank != 1 || out->time->shape.count < 2 ||
            ode->shape.count != out->time->shape.count)
            continue;
        out->n = out->time->shape.count;
        return eqs_catalog_values(catalog, out->time, &out->t);
    }
    return EQS_OK;
}

/* CVODE's array beside one of the circuit's, or NULL */
static const eqs_catalog_object *counterpart(const eqs_catalog *catalog, const pair *both,
                                             const eqs_catalog_object *object)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%.60s", both->ode, eqs_catalog_name(object));
    const eqs_catalog_object *ode = eqs_catalog_numbers(catalog, path);
    bool fits = ode != NULL && ode->shape.rank == 2 && ode->shape.dim[0] == both->n &&
                object->shape.dim[0] == both->n && ode->shape.dim[1] == object->shape.dim[1];
    return fits ? ode : NULL;
}

/* Units of the layer as lines (ODE) and a few points (circuit). */
static void add_overlay(const pair *both, const eqs_catalog_object *object, size_t units,
                        const double *circuit, const double *ode, eqs_figure *figure)
{
    enum { MOST_UNITS = 16, POINTS = 25 };
    char x_label[PLOT_LABEL_SIZE], y_label[PLOT_LABEL_SIZE], title[PLOT_LABEL_SIZE];
    double t[POINTS], y[POINTS];
    snprintf(x_label, sizeof x_label, "time (%.40s)", both->time->units);
    snprintf(title, sizeof title, "Layer %.20s: ODE (lines), circuit (points)", eqs_catalog_name(object) + 6);
    snprintf(y_label, sizeof y_label, strcmp(object->units, "1") == 0 ? "state" : "node voltage (%.40s)",
             object->units);
    eqs_panel *panel = eqs_figure_panel(figure, title, x_label, y_label);
    for (size_t i = 0; i < units && i < MOST_UNITS; i++) {
        eqs_figure_curve(figure, panel, "", EQS_MARK_LINE, both->n, both->t, ode + i, units);
        size_t shown = 0, at = 0;
        for (size_t k = 0; k < POINTS; k++) { /* the circuit's points nearest to an even grid */
            double time = both->t[both->n - 1] * (double)k / (POINTS - 1);
            while (at + 1 < both->n && both->t[at] < time)
                at++;
            t[shown] = both->t[at];
            y[shown++] = circuit[at * units + i];
        }
        eqs_figure_curve(figure, panel, "", EQS_MARK_POINTS, shown, t, y, 1);
        if (panel != NULL && panel->n_curves == 2 * i + 2)
            panel->curve[2 * i].colour = panel->curve[2 * i + 1].colour = (int)i;
    }
}

/* Panels of one layer's arrays: `difference` [n] is raised to the largest of its units. */
static eqs_status compare_layer(const eqs_catalog *catalog, const pair *both,
                                const eqs_catalog_object *object, const eqs_catalog_object *ode, bool last,
                                double *difference, eqs_figure *figure)
{
    double *a = NULL, *b = NULL;
    size_t units = object->shape.dim[1];
    eqs_status status = eqs_catalog_values(catalog, object, &a);
    if (status == EQS_OK)
        status = eqs_catalog_values(catalog, ode, &b);
    for (size_t i = 0; status == EQS_OK && i < both->n * units; i++)
        difference[i / units] = fmax(difference[i / units], fabs(a[i] - b[i]));
    if (status == EQS_OK && last)
        add_overlay(both, object, units, a, b, figure);
    eqs_free(a);
    eqs_free(b);
    return status;
}

static eqs_status add_transient(const eqs_catalog *catalog, const char *circuit, eqs_figure *figure)
{
    pair both;
    EQS_TRY(find_pair(catalog, circuit, &both));
    double *difference = both.t != NULL ? eqs_alloc(both.n, sizeof *difference) : NULL;
    eqs_status status = both.t != NULL && difference == NULL ? EQS_NO_MEMORY : EQS_OK;
    const eqs_catalog_object *output = NULL; /* objects are sorted by name: the last is the output layer's */
    for (size_t i = 0; difference != NULL && i < catalog->n; i++) {
        if (is_state(&catalog->object[i], both.circuit) && counterpart(catalog, &both, &catalog->object[i]))
            output = &catalog->object[i];
    }
    for (size_t i = 0; output != NULL && status == EQS_OK && i < catalog->n; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        const eqs_catalog_object *ode =
            is_state(object, both.circuit) ? counterpart(catalog, &both, object) : NULL;
        if (ode != NULL)
            status = compare_layer(catalog, &both, object, ode, object == output, difference, figure);
    }
    if (output != NULL && status == EQS_OK) {
        char label[PLOT_LABEL_SIZE], y_label[PLOT_LABEL_SIZE];
        bool pure = strcmp(output->units, "1") == 0;
        snprintf(label, sizeof label, "time (%.40s)", both.time->units);
        snprintf(y_label, sizeof y_label, pure ? "max|circuit - ODE|" : "max|circuit - ODE| (%.40s)",
                 output->units);
        eqs_panel *panel =
            eqs_figure_panel(figure, "Transient: circuit against ODE, all units", label, y_label);
        eqs_figure_curve(figure, panel, "", EQS_MARK_LINE, both.n, both.t, difference, 1);
        if (panel != NULL)
            panel->log_y = true;
    }
    eqs_free(difference);
    eqs_free(both.t);
    return status;
}

static eqs_status build(const eqs_catalog *catalog, const char *part, eqs_figure *figure)
{
    char circuit[256];
    snprintf(circuit, sizeof circuit, "/circuit/%.200s", part);
    EQS_TRY(add_transient(catalog, circuit, figure));
    EQS_TRY(add_comparisons(catalog, circuit, figure));
    EQS_TRY(add_samples(catalog, circuit, figure));
    if (figure->n_panels == 0)
        return eqs_fail(EQS_BAD_DATA, "%s: %s has nothing to be compared with", eqs_h5_path(catalog->reader),
                        circuit);
    return EQS_OK;
}

const eqs_plot eqs_plot_circuit = {"circuit", "the circuit against ODE and equilibrium", "circuit", parts,
                                   build};
