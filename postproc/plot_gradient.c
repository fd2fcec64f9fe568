/* Gradient check: angle, norm and error of the EqProp estimate against the exact gradient, over beta. */
#include "postproc/plots.h"

#include "base/memory.h"

#include <math.h>

#define GROUP "/study/gradcheck/"

static void parts(const eqs_catalog *catalog, eqs_catalog_names *names)
{
    const eqs_catalog_object *beta = eqs_catalog_numbers(catalog, GROUP "beta");
    const eqs_catalog_object *cosine = eqs_catalog_numbers(catalog, GROUP "cosine");
    if (beta != NULL && cosine != NULL && beta->shape.rank == 1 && cosine->shape.rank == 3 &&
        cosine->shape.dim[1] == beta->shape.count && cosine->shape.dim[2] > 0)
        eqs_catalog_names_add(names, "%s", "");
}

static double same(double value)
{
    return value;
}

static double degrees(double cosine)
{
    return acos(fmin(fmax(cosine, -1.0), 1.0)) * 180.0 / acos(-1.0);
}

static double distance_from_1(double ratio)
{
    return fabs(ratio - 1.0);
}

/* a panel of one array [modes x beta x (all, blocks)], whole gradient only */
static eqs_status add(const eqs_catalog *catalog, const double *beta, const char *path, const char *title,
                      const char *y_label, double (*map)(double), eqs_figure *figure)
{
    static const char *const modes[] = {"one-sided", "centred"};
    enum { N_MODES = sizeof modes / sizeof *modes };
    const eqs_catalog_object *object = eqs_catalog_numbers(catalog, path);
    double *value;
    if (object == NULL || object->shape.rank != 3)
        return EQS_OK;
    EQS_TRY(eqs_catalog_values(catalog, object, &value));
    for (size_t i = 0; i < object->shape.count; i++)
        value[i] = map(value[i]);
    size_t n = object->shape.dim[1], blocks = object->shape.dim[2];
    eqs_panel *panel = eqs_figure_panel(figure, title, "nudging strength beta", y_label);
    for (size_t mode = 0; mode < object->shape.dim[0]; mode++)
        eqs_figure_curve(figure, panel, mode < N_MODES ? modes[mode] : "other", EQS_MARK_LINE_POINTS, n, beta,
                         value + mode * n * blocks, blocks);
    eqs_figure_scale(panel, 10);
    if (panel != NULL)
        panel->log_x = panel->log_y = true;
    eqs_free(value);
    return EQS_OK;
}

static eqs_status build(const eqs_catalog *catalog, const char *part, eqs_figure *figure)
{
    (void)part;
    double *beta;
    EQS_TRY(eqs_catalog_values(catalog, eqs_catalog_numbers(catalog, GROUP "beta"), &beta));
    eqs_status status =
        add(catalog, beta, GROUP "cosine", "Angle to the exact gradient", "angle (degrees)", degrees, figure);
    if (status == EQS_OK)
        status = add(catalog, beta, GROUP "norm_ratio", "Norm against the exact gradient",
                     "| |estimate| / |exact| - 1 |", distance_from_1, figure);
    if (status == EQS_OK)
        status = add(catalog, beta, GROUP "error", "Relative error of the estimate",
                     "|estimate - exact| / |exact|", same, figure);
    eqs_free(beta);
    return status;
}

const eqs_plot eqs_plot_gradient = {"gradient", "EqProp's gradient against the exact one, over beta", "study",
                                    parts, build};
