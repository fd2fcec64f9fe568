/* Parameters as images: receptive fields where a layer sees an image, the matrix elsewhere. */
#include "postproc/plots.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_FIELDS = 64, LARGEST_SIDE = 512 };

static bool is_matrix(const eqs_catalog_object *object)
{
    return eqs_catalog_is_numbers(object) && object->shape.rank == 2 && object->shape.dim[0] >= 2 &&
           object->shape.dim[1] >= 2 && eqs_catalog_member(object, "/parameters") != NULL;
}

static void parts(const eqs_catalog *catalog, eqs_catalog_names *names)
{
    for (size_t i = 0; i < catalog->n; i++) {
        if (is_matrix(&catalog->object[i]))
            eqs_catalog_names_add(names, "%s", eqs_catalog_name(&catalog->object[i]));
    }
}

static size_t square_side(size_t n)
{
    size_t side = (size_t)(sqrt((double)n) + 0.5);
    return side * side == n && side >= 4 ? side : 0;
}

/* How the rows of a matrix are pixels of an image: one row a pixel; or, where every input is a source +x and
 * a source -x (resistive networks), two rows a pixel, whose difference acts, and perhaps a constant source
 * after them. */
typedef struct field_layout {
    size_t side; /* 0: no image */
    bool doubled;
} field_layout;

static field_layout layout_of(size_t rows)
{
    field_layout one = {square_side(rows), false};
    return one.side > 0 ? one : (field_layout){square_side(rows / 2), true};
}

static double pixel(const double *w, const field_layout *layout, size_t units, size_t i, size_t j)
{
    double value = w[i * units + j];
    return layout->doubled ? value - w[(i + layout->side * layout->side) * units + j] : value;
}

/* The first fields side by side, each scaled by its own largest weight, with a blank line between. Column j
 * of the matrix [inputs x units] is the field of unit j. */
static eqs_status add_fields(const double *w, const eqs_catalog_object *object, const field_layout *layout,
                             eqs_figure *figure)
{
    size_t side = layout->side, inputs = side * side, units = object->shape.dim[1];
    size_t shown = units < MOST_FIELDS ? units : MOST_FIELDS;
    size_t across = (size_t)ceil(sqrt((double)shown * 1.6)), down = (shown + across - 1) / across;
    size_t width = across * (side + 1) - 1, height = down * (side + 1) - 1;
    double *mosaic = eqs_alloc(width * height, sizeof *mosaic);
    if (mosaic == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < width * height; i++)
        mosaic[i] = NAN;
    for (size_t j = 0; j < shown; j++) {
        double largest = 0.0;
        for (size_t i = 0; i < inputs; i++)
            largest = fmax(largest, fabs(pixel(w, layout, units, i, j)));
        double *corner = mosaic + (j / across) * (side + 1) * width + (j % across) * (side + 1);
        for (size_t i = 0; i < inputs; i++)
            corner[i / side * width + i % side] =
                largest > 0.0 ? pixel(w, layout, units, i, j) / largest : 0.0;
    }
    char title[PLOT_LABEL_SIZE];
    snprintf(title, sizeof title, "%.40s: fields of units 0 to %zu of %zu%s", eqs_catalog_name(object),
             shown - 1, units, layout->doubled ? " (+x less -x)" : "");
    eqs_panel *panel = eqs_figure_panel(figure, title, "", "");
    eqs_figure_image(figure, panel, height, width, mosaic, "each field / its largest");
    if (panel != NULL && panel->image != NULL) {
        panel->no_axes = true;
        panel->image->top_down = true;
    }
    eqs_free(mosaic);
    return EQS_OK;
}

/* The matrix as it is; every k-th row and column of a very large one. */
static eqs_status add_matrix(const double *w, const eqs_catalog_object *object, eqs_figure *figure)
{
    size_t rows = object->shape.dim[0], columns = object->shape.dim[1];
    size_t row_step = (rows + LARGEST_SIDE - 1) / LARGEST_SIDE;
    size_t column_step = (columns + LARGEST_SIDE - 1) / LARGEST_SIDE;
    size_t m = (rows + row_step - 1) / row_step, n = (columns + column_step - 1) / column_step;
    double *picked = eqs_alloc(m * n, sizeof *picked);
    if (picked == NULL)
        return EQS_NO_MEMORY;
    for (size_t r = 0; r < m; r++) {
        for (size_t c = 0; c < n; c++)
            picked[r * n + c] = w[r * row_step * columns + c * column_step];
    }
    char title[PLOT_LABEL_SIZE], label[PLOT_LABEL_SIZE];
    snprintf(title, sizeof title, "%.100s [%zu x %zu]", eqs_catalog_name(object), rows, columns);
    eqs_plot_label(object, label);
    eqs_panel *panel = eqs_figure_panel(figure, title, "to unit", "from unit");
    eqs_figure_image(figure, panel, m, n, picked, label);
    if (panel != NULL && panel->image != NULL) {
        eqs_image *image = panel->image;
        image->top_down = true;
        image->x[0] = image->y[0] = 0.0;
        image->x[1] = (double)((n - 1) * column_step);
        image->y[1] = (double)((m - 1) * row_step);
    }
    eqs_free(picked);
    return EQS_OK;
}

static eqs_status build(const eqs_catalog *catalog, const char *part, eqs_figure *figure)
{
    char path[256];
    double *w;
    snprintf(path, sizeof path, "/parameters/%.200s", part);
    const eqs_catalog_object *object = eqs_catalog_numbers(catalog, path);
    EQS_TRY(eqs_catalog_values(catalog, object, &w));
    field_layout layout = layout_of(object->shape.dim[0]);
    /* only what sees layer 0 sees an image */
    bool sees_image = layout.side > 0 && strstr(eqs_catalog_name(object), "_1") != NULL;
    eqs_status status = sees_image ? add_fields(w, object, &layout, figure) : add_matrix(w, object, figure);
    eqs_free(w);
    return status;
}

const eqs_plot eqs_plot_weights = {"weights", "parameters as images", "parameters", parts, build};
