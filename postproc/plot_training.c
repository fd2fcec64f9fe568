/* Learning curves: /training, one row an epoch. */
#include "postproc/plots.h"

#include "base/memory.h"
#include "store/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void parts(const eqs_catalog *catalog, eqs_catalog_names *names)
{
    const eqs_catalog_object *epoch = eqs_catalog_numbers(catalog, "/training/epoch");
    if (epoch == NULL || epoch->shape.rank != 1 || epoch->shape.count == 0)
        return;
    eqs_catalog_names_add(names, "%s", "");
    for (size_t i = 0; i < catalog->n; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        if (object != epoch && eqs_catalog_is_numbers(object) && object->shape.rank >= 1 &&
            object->shape.dim[0] == epoch->shape.count && eqs_catalog_member(object, "/training") != NULL)
            eqs_catalog_names_add(names, "%s", eqs_catalog_name(object));
    }
}

typedef struct series {
    const char *name, *label;
} series;

/* The tolerance of the run as a dashed line, and a logarithmic axis: what a certificate is read against. */
static void add_tolerance(const eqs_catalog *catalog, const double *epoch, size_t n, eqs_figure *figure)
{
    const char *text =
        eqs_catalog_attribute_text(eqs_catalog_find(catalog, "/config/used"), "relaxation.tolerance");
    eqs_panel *panel = figure->panel[figure->n_panels - 1];
    double tolerance;
    if (text == NULL || !eqs_number_real(text, &tolerance))
        return;
    double x[2] = {epoch[0], epoch[n - 1]}, y[2] = {tolerance, tolerance};
    eqs_figure_curve(figure, panel, "tolerance", EQS_MARK_DASHED, 2, x, y, 1);
    panel->log_y = true;
}

/* a panel of those columns that the file has; factor 100 makes fractions percent */
static eqs_status add_columns(const eqs_catalog *catalog, const double *epoch, size_t n,
                              const series *columns, size_t n_columns, double factor, const char *title,
                              const char *y_label, eqs_figure *figure)
{
    eqs_panel *panel = NULL;
    for (size_t c = 0; c < n_columns; c++) {
        char path[128];
        double *value;
        snprintf(path, sizeof path, "/training/%s", columns[c].name);
        const eqs_catalog_object *object = eqs_catalog_numbers(catalog, path);
        if (object == NULL || object->shape.rank != 1 || object->shape.count != n)
            continue;
        EQS_TRY(eqs_catalog_values(catalog, object, &value));
        bool any = false; /* without validation samples their error is NaN throughout */
        for (size_t i = 0; i < n; i++) {
            value[i] *= factor;
            any |= isfinite(value[i]);
        }
        if (any && panel == NULL)
            panel = eqs_figure_panel(figure, title, "epoch", y_label);
        if (any)
            eqs_figure_curve(figure, panel, columns[c].label, n == 1 ? EQS_MARK_LINE_POINTS : EQS_MARK_LINE,
                             n, epoch, value, 1);
        eqs_free(value);
    }
    eqs_figure_scale(panel, 10);
    return EQS_OK;
}

static eqs_status build(const eqs_catalog *catalog, const char *part, eqs_figure *figure)
{
    static const series errors[] = {
        {"train_error", "training"}, {"validation_error", "validation"}, {"test_error", "test"}};
    static const series cost[] = {{"cost", ""}};
    static const series residuals[] = {{"residual", "free phases"}, {"residual_nudged", "nudged phases"}};
    if (part[0] != '\0')
        return eqs_plot_group_panels(catalog, "/training", part, figure);
    const eqs_catalog_object *axis = eqs_catalog_numbers(catalog, "/training/epoch");
    size_t n = axis->shape.count;
    double *epoch;
    EQS_TRY(eqs_catalog_values(catalog, axis, &epoch));
    eqs_status status =
        add_columns(catalog, epoch, n, errors, 3, 100, "Misclassified samples", "error (%)", figure);
    if (status == EQS_OK)
        status = add_columns(catalog, epoch, n, cost, 1, 1, "Cost of the training samples, free phase",
                             "mean cost", figure);
    size_t before = figure->n_panels;
    char label[PLOT_LABEL_SIZE];
    eqs_plot_residual_label(catalog, eqs_catalog_numbers(catalog, "/training/residual"), label);
    if (status == EQS_OK)
        status = add_columns(catalog, epoch, n, residuals, 2, 1, "Certificate: worst residual of the epoch",
                             label, figure);
    if (status == EQS_OK && figure->n_panels > before)
        add_tolerance(catalog, epoch, n, figure);
    eqs_free(epoch);
    if (status == EQS_OK && figure->n_panels == 0)
        status = eqs_plot_group_panels(catalog, "/training", NULL, figure);
    return status;
}

const eqs_plot eqs_plot_training = {"training", "learning curves: errors, cost, certificate over epochs",
                                    "training", parts, build};
