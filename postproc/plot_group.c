/* Any group with an axis: the members of a study, or of anything that later modules write, drawn by shape.
 *
 * The axis is the member that the group's attribute `axes` names (NXdata); without it, the strictly monotone
 * 1-D member that most other members can be drawn over. A member [n] is a curve, [n x m] (any order of
 * dimensions) up to eight curves or else median and deciles. */
#include "postproc/plots.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_PANELS = 8, MOST_CURVES = 8, MOST_NAMED_CURVES = 16 };

static bool monotone(const eqs_catalog *catalog, const eqs_catalog_object *object)
{
    double *value;
    if (object->shape.rank != 1 || object->shape.count < 2 ||
        eqs_catalog_values(catalog, object, &value) != EQS_OK)
        return false;
    bool up = true, down = true;
    for (size_t i = 1; i < object->shape.count; i++) {
        up &= value[i] > value[i - 1];
        down &= value[i] < value[i - 1];
    }
    eqs_free(value);
    return up || down;
}

/* dimension of `object` that has n entries, or -1 */
static int dimension(const eqs_catalog_object *object, size_t n)
{
    for (int k = 0; k < object->shape.rank; k++) {
        if (object->shape.dim[k] == n)
            return k;
    }
    return -1;
}

static bool is_member(const eqs_catalog_object *object, const char *group)
{
    return eqs_catalog_is_numbers(object) && object->shape.rank >= 1 && object->shape.count >= 2 &&
           eqs_catalog_member(object, group) != NULL;
}

/* members that could be drawn over `axis` */
static size_t uses(const eqs_catalog *catalog, const char *group, const eqs_catalog_object *axis)
{
    size_t n = 0;
    for (size_t i = 0; i < catalog->n; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        n += object != axis && is_member(object, group) && dimension(object, axis->shape.count) >= 0;
    }
    return n;
}

static const eqs_catalog_object *find_axis(const eqs_catalog *catalog, const char *group)
{
    const char *named = eqs_catalog_attribute_text(eqs_catalog_find(catalog, group), "axes");
    char path[512];
    if (named != NULL) {
        snprintf(path, sizeof path, "%s/%.*s", group, (int)strcspn(named, ", "), named);
        const eqs_catalog_object *axis = eqs_catalog_numbers(catalog, path);
        if (axis != NULL && axis->shape.rank == 1 && axis->shape.count >= 1)
            return axis;
    }
    const eqs_catalog_object *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < catalog->n; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        if (!is_member(object, group) || object->shape.rank != 1)
            continue;
        size_t n = uses(catalog, group, object);
        if (n > most && monotone(catalog, object)) {
            most = n;
            best = object;
        }
    }
    return best;
}

/* names of n curves: a list of n texts among the members, or NULL */
static char **find_labels(const eqs_catalog *catalog, const char *group, size_t n)
{
    for (size_t i = 0; i < catalog->n; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        size_t found;
        char **texts;
        if (object->is_group || object->shape.type != EQS_H5_STRING || object->shape.rank != 1 ||
            object->shape.count != n || eqs_catalog_member(object, group) == NULL)
            continue;
        if (eqs_h5_load_strings(catalog->reader, object->path, &found, &texts) == EQS_OK)
            return texts;
    }
    return NULL;
}

/* An array seen as [outer x n x inner] along the axis. */
typedef struct lines {
    size_t n, outer, inner, count; /* count = outer * inner curves */
    const double *x, *value;
} lines;

static const double *line(const lines *l, size_t i)
{
    return l->value + (i / l->inner) * l->n * l->inner + i % l->inner;
}

static void add_few(eqs_figure *figure, eqs_panel *panel, const lines *l, char **labels)
{
    eqs_mark mark = l->n <= 40 ? EQS_MARK_LINE_POINTS : EQS_MARK_LINE;
    for (size_t i = 0; i < l->count; i++) {
        char label[PLOT_LABEL_SIZE] = "";
        if (l->count > 1 && labels != NULL)
            snprintf(label, sizeof label, "%.100s", labels[i % l->count]);
        else if (l->count > 1)
            snprintf(label, sizeof label, "%zu", i + 1);
        eqs_figure_curve(figure, panel, label, mark, l->n, l->x, line(l, i), l->inner);
    }
}

/* median and deciles over many curves */
static eqs_status add_many(eqs_figure *figure, eqs_panel *panel, const lines *l)
{
    double *work = eqs_alloc(2 * l->count + 3 * l->n, sizeof *work);
    if (work == NULL)
        return EQS_NO_MEMORY;
    double *column = work + l->count, *quantile[3];
    static const double at[3] = {0.1, 0.5, 0.9};
    for (int q = 0; q < 3; q++)
        quantile[q] = work + 2 * l->count + (size_t)q * l->n;
    for (size_t t = 0; t < l->n; t++) {
        size_t m = 0;
        for (size_t i = 0; i < l->count; i++) {
            double value = line(l, i)[t * l->inner];
            if (isfinite(value))
                column[m++] = value;
        }
        for (int q = 0; q < 3; q++)
            quantile[q][t] = m > 0 ? eqs_plot_quantile(column, m, at[q], work) : NAN;
    }
    char label[PLOT_LABEL_SIZE];
    snprintf(label, sizeof label, "10 to 90 %% of %zu curves", l->count);
    eqs_figure_band(figure, panel, label, l->n, l->x, quantile[0], quantile[2]);
    eqs_figure_curve(figure, panel, "median", EQS_MARK_LINE, l->n, l->x, quantile[1], 1);
    if (panel != NULL && panel->n_curves == 2)
        panel->curve[1].colour = 0;
    eqs_free(work);
    return EQS_OK;
}

static bool any_finite(size_t n, const double *value)
{
    size_t i = 0;
    while (i < n && !isfinite(value[i]))
        i++;
    return i < n;
}

/* Nothing is added for an object without a finite value: what a run did not measure is NaN all along. */
static eqs_status add_panel(const eqs_catalog *catalog, const char *group, const eqs_catalog_object *axis,
                            const eqs_catalog_object *object, eqs_figure *figure)
{
    char x_label[PLOT_LABEL_SIZE] = "index", y_label[PLOT_LABEL_SIZE];
    double *x = NULL, *value;
    EQS_TRY(eqs_catalog_values(catalog, object, &value));
    if (!any_finite(object->shape.count, value)) {
        eqs_free(value);
        return EQS_OK;
    }
    if (axis != NULL) {
        eqs_plot_label(axis, x_label);
        eqs_status status = eqs_catalog_values(catalog, axis, &x);
        if (status != EQS_OK) {
            eqs_free(value);
            return status;
        }
    }
    eqs_plot_label(object, y_label);
    lines l = {.outer = 1, .inner = 1, .x = x, .value = value};
    int along = axis != NULL ? dimension(object, axis->shape.count) : 0;
    l.n = object->shape.dim[along];
    for (int k = 0; k < object->shape.rank; k++) {
        l.outer *= k < along ? object->shape.dim[k] : 1;
        l.inner *= k > along ? object->shape.dim[k] : 1;
    }
    l.count = l.outer * l.inner;
    const char *name = eqs_catalog_name(object);
    eqs_panel *panel = eqs_figure_panel(figure, strcmp(name, y_label) == 0 ? "" : name, x_label, y_label);
    eqs_status status = EQS_OK;
    char **labels = find_labels(catalog, group, l.count);
    size_t most = labels != NULL ? MOST_NAMED_CURVES : MOST_CURVES;
    if (l.count <= most || x == NULL) {
        l.count = l.count <= most ? l.count : most;
        add_few(figure, panel, &l, labels);
    } else {
        status = add_many(figure, panel, &l);
    }
    eqs_free(labels);
    eqs_figure_scale(panel, 100);
    eqs_free(x);
    eqs_free(value);
    return status;
}

/* ---- families: members that belong into one panel ----
 *
 * "cosine_centred", "cosine_one_sided", ... [n x (all, blocks)] are one panel of the first column, a curve
 * each; cosines are drawn as angles. Quantiles over samples [n x quantiles] of the same unit are one panel of
 * medians, with the deciles of a single one as a band; the samples behind them ("auto_samples" beside "auto")
 * are left out. */

static bool has_text(const eqs_catalog_object *object, const char *part)
{
    return strstr(object->long_name, part) != NULL;
}

static bool is_quantiles(const eqs_catalog_object *object)
{
    return object->shape.rank == 2 && object->shape.dim[1] == 5 &&
           has_text(object, "quantiles 0, 0.1, 0.5, 0.9, 1");
}

static bool is_blocks(const eqs_catalog_object *object)
{
    return object->shape.rank == 2 && has_text(object, "(all, blocks)");
}

/* what a member's family is called in `name`: "cosine", "quantiles unit time"; false when it has none */
static bool family_of(const eqs_catalog_object *object, char name[PLOT_LABEL_SIZE])
{
    const char *own = eqs_catalog_name(object);
    static const char *const kinds[] = {"cosine_", "error_", "norm_ratio_"};
    if (is_quantiles(object)) {
        snprintf(name, PLOT_LABEL_SIZE, "quantiles %.100s", object->units);
        return true;
    }
    for (size_t i = 0; is_blocks(object) && i < sizeof kinds / sizeof *kinds; i++) {
        if (strncmp(own, kinds[i], strlen(kinds[i])) == 0) {
            snprintf(name, PLOT_LABEL_SIZE, "%s", kinds[i]);
            return true;
        }
    }
    return false;
}

/* a column of a member as a curve of the panel */
static eqs_status add_member(const eqs_catalog *catalog, const eqs_catalog_object *object, const double *x,
                             const char *family, bool band, eqs_figure *figure, eqs_panel *panel)
{
    size_t n = object->shape.dim[0], m = object->shape.dim[1];
    bool quantiles = is_quantiles(object), angle = strcmp(family, "cosine_") == 0;
    const char *name = eqs_catalog_name(object);
    double *value;
    EQS_TRY(eqs_catalog_values(catalog, object, &value));
    for (size_t i = 0; angle && i < n; i++)
        value[i * m] = acos(fmin(fmax(value[i * m], -1.0), 1.0)) * 180.0 / acos(-1.0);
    if (band && quantiles) {
        double *edge = eqs_alloc(2 * n, sizeof *edge);
        for (size_t i = 0; edge != NULL && i < n; i++) {
            edge[i] = value[i * m + 1];
            edge[n + i] = value[i * m + 3];
        }
        if (edge != NULL)
            eqs_figure_band(figure, panel, "10 to 90 % of the samples", n, x, edge, edge + n);
        figure->failed |= edge == NULL;
        eqs_free(edge);
    }
    char label[PLOT_LABEL_SIZE];
    snprintf(label, sizeof label, "%.100s", quantiles ? name : name + strlen(family));
    for (char *c = label; *c != '\0'; c++)
        *c = *c == '_' ? ' ' : *c;
    eqs_figure_curve(figure, panel, label, EQS_MARK_LINE_POINTS, n, x, value + (quantiles ? 2 : 0), m);
    if (band && panel != NULL && panel->n_curves == 2)
        panel->curve[1].colour = 0;
    eqs_free(value);
    return EQS_OK;
}

static bool in_family(const eqs_catalog_object *object, const char *group, const eqs_catalog_object *axis,
                      const char *family)
{
    char own[PLOT_LABEL_SIZE];
    return is_member(object, group) && object->shape.rank == 2 && object->shape.dim[0] == axis->shape.count &&
           family_of(object, own) && strcmp(own, family) == 0;
}

static eqs_status add_family(const eqs_catalog *catalog, const char *group, const eqs_catalog_object *axis,
                             const eqs_catalog_object *first, const char *family, eqs_figure *figure)
{
    char x_label[PLOT_LABEL_SIZE], y_label[PLOT_LABEL_SIZE];
    const char *unit = strcmp(first->units, "1") == 0 ? "" : first->units;
    const char *title = is_quantiles(first) ? "Median over the samples" : "";
    size_t members = 0;
    double *x;
    for (size_t i = 0; i < catalog->n; i++)
        members += in_family(&catalog->object[i], group, axis, family);
    eqs_plot_label(axis, x_label);
    if (strcmp(family, "cosine_") == 0)
        snprintf(y_label, sizeof y_label, "angle to exact gradient (degrees)");
    else if (is_quantiles(first))
        snprintf(y_label, sizeof y_label, *unit != '\0' ? "time (%.60s)" : "sweeps or iterations%.1s", unit);
    else
        eqs_plot_label(first, y_label);
    EQS_TRY(eqs_catalog_values(catalog, axis, &x));
    eqs_panel *panel = eqs_figure_panel(figure, title, x_label, y_label);
    eqs_status status = EQS_OK;
    for (size_t i = 0; status == EQS_OK && i < catalog->n; i++) {
        if (in_family(&catalog->object[i], group, axis, family))
            status = add_member(catalog, &catalog->object[i], x, family, members == 1, figure, panel);
    }
    eqs_figure_scale(panel, 20);
    eqs_free(x);
    return status;
}

/* the samples behind quantiles that are drawn */
static bool is_behind(const eqs_catalog *catalog, const eqs_catalog_object *object)
{
    char path[512];
    size_t length = strlen(object->path), cut = strlen("_samples");
    if (length <= cut || length >= sizeof path || strcmp(object->path + length - cut, "_samples") != 0)
        return false;
    snprintf(path, sizeof path, "%.*s", (int)(length - cut), object->path);
    const eqs_catalog_object *quantiles = eqs_catalog_numbers(catalog, path);
    return quantiles != NULL && is_quantiles(quantiles);
}

/* A panel of a member: of its family when it is the first of it, none when it is another. */
static eqs_status add_or_join(const eqs_catalog *catalog, const char *group, const eqs_catalog_object *axis,
                              const eqs_catalog_object *object, bool alone, eqs_figure *figure)
{
    char family[PLOT_LABEL_SIZE];
    if (alone || axis == NULL || object->shape.rank != 2 || object->shape.dim[0] != axis->shape.count ||
        !family_of(object, family))
        return !alone && is_behind(catalog, object) ? EQS_OK
                                                    : add_panel(catalog, group, axis, object, figure);
    for (const eqs_catalog_object *other = catalog->object; other < object; other++) {
        if (in_family(other, group, axis, family))
            return EQS_OK;
    }
    return add_family(catalog, group, axis, object, family, figure);
}

/* whether the comma- or blank-separated list has the name */
static bool listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; at != NULL && *at != '\0';) {
        at += strspn(at, ", ");
        size_t word = strcspn(at, ", ");
        if (word == length && strncmp(at, name, length) == 0)
            return true;
        at += word;
    }
    return false;
}

eqs_status eqs_plot_group_panels(const eqs_catalog *catalog, const char *group, const char *signal,
                                 eqs_figure *figure)
{
    const eqs_catalog_object *axis = find_axis(catalog, group);
    const char *first = eqs_catalog_attribute_text(eqs_catalog_find(catalog, group), "signal");
    /* first pass: what the attribute `signal` names; second: the others */
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < catalog->n && figure->n_panels < MOST_PANELS; i++) {
            const eqs_catalog_object *object = &catalog->object[i];
            if (object == axis || !is_member(object, group) ||
                (axis != NULL && dimension(object, axis->shape.count) < 0))
                continue;
            const char *name = eqs_catalog_name(object);
            if (signal != NULL ? pass == 0 && strcmp(signal, name) == 0 : listed(first, name) == (pass == 0))
                EQS_TRY(add_or_join(catalog, group, axis, object, signal != NULL, figure));
        }
    }
    if (figure->n_panels == 0)
        return eqs_fail(EQS_BAD_DATA, "%s: %s has nothing that can be drawn over an axis",
                        eqs_h5_path(catalog->reader), group);
    return EQS_OK;
}

bool eqs_plot_group_drawable(const eqs_catalog *catalog, const char *group)
{
    const eqs_catalog_object *axis = find_axis(catalog, group);
    for (size_t i = 0; i < catalog->n; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        if (object != axis && is_member(object, group) &&
            (axis == NULL || dimension(object, axis->shape.count) >= 0))
            return true;
    }
    return false;
}

/* ---- plot `study`: each group below /study ---- */

static void study_parts(const eqs_catalog *catalog, eqs_catalog_names *parts)
{
    for (size_t i = 0; i < catalog->n; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        if (object->is_group && strncmp(object->path, "/study/", 7) == 0 &&
            eqs_plot_group_drawable(catalog, object->path))
            eqs_catalog_names_add(parts, "%s", object->path + 7);
    }
}

static eqs_status study_build(const eqs_catalog *catalog, const char *part, eqs_figure *figure)
{
    char path[512];
    snprintf(path, sizeof path, "/study/%s", part);
    return eqs_plot_group_panels(catalog, path, NULL, figure);
}

const eqs_plot eqs_plot_study = {"study", "results of a study over its axis", "study", study_parts,
                                 study_build};

/* ---- plot `group`: any other group that says what its axis is ---- */

static void group_parts(const eqs_catalog *catalog, eqs_catalog_names *parts)
{
    for (size_t i = 0; i < catalog->n; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        if (object->is_group && eqs_catalog_attribute_text(object, "axes") != NULL &&
            eqs_plot_group_drawable(catalog, object->path))
            eqs_catalog_names_add(parts, "%s", object->path);
    }
}

static eqs_status group_build(const eqs_catalog *catalog, const char *part, eqs_figure *figure)
{
    return eqs_plot_group_panels(catalog, part, NULL, figure);
}

const eqs_plot eqs_plot_group = {"group", "any group of the file that names its axis", NULL, group_parts,
                                 group_build};
