/* Spectra: datasets whose name begins with "eigenvalue" or "spectrum". [n] or [points x n], real; a pair
 * NAME_real, NAME_imag is drawn in the complex plane. */
#include "postproc/plots.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

enum { MOST_SPECTRA = 8 };

static bool is_spectrum(const eqs_catalog_object *object)
{
    const char *name = eqs_catalog_name(object);
    bool named = strncmp(name, "eigenvalue", 10) == 0 || strncmp(name, "spectrum", 8) == 0;
    size_t length = strlen(name);
    bool imaginary = length > 5 && strcmp(name + length - 5, "_imag") == 0;
    return named && !imaginary && eqs_catalog_is_numbers(object) && object->shape.rank >= 1 &&
           object->shape.count >= 2;
}

static void parts(const eqs_catalog *catalog, eqs_catalog_names *names)
{
    for (size_t i = 0; i < catalog->n; i++) {
        if (is_spectrum(&catalog->object[i]))
            eqs_catalog_names_add(names, "%s", catalog->object[i].path);
    }
}

/* the imaginary part that belongs to a real one, or NULL */
static const eqs_catalog_object *partner(const eqs_catalog *catalog, const eqs_catalog_object *object)
{
    char path[512];
    size_t length = strlen(object->path);
    if (length < 5 || length + 1 > sizeof path || strcmp(object->path + length - 5, "_real") != 0)
        return NULL;
    snprintf(path, sizeof path, "%.*s_imag", (int)(length - 5), object->path);
    const eqs_catalog_object *imaginary = eqs_catalog_numbers(catalog, path);
    return imaginary != NULL && imaginary->shape.count == object->shape.count ? imaginary : NULL;
}

static eqs_status build(const eqs_catalog *catalog, const char *part, eqs_figure *figure)
{
    const eqs_catalog_object *object = eqs_catalog_numbers(catalog, part);
    const eqs_catalog_object *imaginary = partner(catalog, object);
    size_t n = object->shape.dim[object->shape.rank - 1], rows = n > 0 ? object->shape.count / n : 0;
    double *value = NULL, *other = NULL;
    char label[PLOT_LABEL_SIZE];
    eqs_status status = eqs_catalog_values(catalog, object, &value);
    if (status == EQS_OK && imaginary != NULL)
        status = eqs_catalog_values(catalog, imaginary, &other);
    if (status == EQS_OK) {
        eqs_plot_label(object, label);
        eqs_panel *panel =
            other != NULL ? eqs_figure_panel(figure, "Spectrum in the complex plane", label, "imaginary part")
                          : eqs_figure_panel(figure, "Spectrum", "number of the eigenvalue", label);
        for (size_t r = 0; r < rows && r < MOST_SPECTRA; r++) {
            char name[PLOT_LABEL_SIZE] = "";
            if (rows > 1)
                snprintf(name, sizeof name, "%zu", r);
            eqs_figure_curve(figure, panel, name, EQS_MARK_POINTS, n, other != NULL ? value + r * n : NULL,
                             (other != NULL ? other : value) + r * n, 1);
        }
        if (other == NULL)
            eqs_figure_scale(panel, 10);
    }
    eqs_free(value);
    eqs_free(other);
    return status;
}

const eqs_plot eqs_plot_spectrum = {"spectrum", "eigenvalues at a fixed point", "spectrum", parts, build};
