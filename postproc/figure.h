/* A picture before it is drawn: panels with curves or an image. Plots fill it, gnuplot.h draws it. */
#ifndef EQS_POSTPROC_FIGURE_H
#define EQS_POSTPROC_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum eqs_mark {
    EQS_MARK_LINE,
    EQS_MARK_DASHED,
    EQS_MARK_POINTS,
    EQS_MARK_LINE_POINTS,
    EQS_MARK_BAND, /* the area between y and y_top */
    EQS_MARK_STEPS /* histogram outline */
} eqs_mark;

typedef struct eqs_curve {
    char *label; /* "" for none */
    eqs_mark mark;
    int colour; /* index into the palette, taken modulo its length */
    size_t n;
    double *x, *y, *y_top; /* owned; y_top only of bands */
} eqs_curve;

/* Matrix [rows x columns], row 0 at the top when `top_down`; NaN is left blank. */
typedef struct eqs_image {
    size_t rows, columns;
    double *value;
    double x[2], y[2];  /* centres of the first and last cell */
    bool signed_values; /* two-sided palette, symmetric about 0 */
    bool top_down;
    char *label; /* of the colour bar */
} eqs_image;

typedef struct eqs_panel {
    char *title, *x_label, *y_label;
    bool log_x, log_y;
    bool no_axes; /* images without meaningful axes */
    size_t n_curves;
    eqs_curve *curve;
    eqs_image *image; /* NULL for curves */
} eqs_panel;

typedef struct eqs_figure {
    char *title;
    size_t columns; /* panels side by side; 0: chosen by their number */
    size_t n_panels;
    eqs_panel **panel;
    bool failed; /* memory was short; message of eqs_alloc. What is added then is ignored. */
} eqs_figure;

/* Zero-initialise a figure; release it with eqs_figure_clear. Texts are copied. */
void eqs_figure_clear(eqs_figure *figure);
void eqs_figure_title(eqs_figure *figure, const char *title);

/* A new panel, borrowed; NULL when memory is short (the functions below accept that). */
eqs_panel *eqs_figure_panel(eqs_figure *figure, const char *title, const char *x_label, const char *y_label);

/* Copies n points; y is taken with a stride in elements; x NULL: 1, 2, ..., n. Long curves are thinned to at
 * most 1500 points, the first and last included. */
void eqs_figure_curve(eqs_figure *figure, eqs_panel *panel, const char *label, eqs_mark mark, size_t n,
                      const double *x, const double *y, size_t stride);

/* The area between two curves. */
void eqs_figure_band(eqs_figure *figure, eqs_panel *panel, const char *label, size_t n, const double *x,
                     const double *low, const double *high);

/* Copies a matrix. The palette is two-sided when values of both signs occur. */
void eqs_figure_image(eqs_figure *figure, eqs_panel *panel, size_t rows, size_t columns, const double *value,
                      const char *label);

/* Chooses logarithmic axes where all values are positive and span more than `factor` (x only when its points
 * are spaced by factors). */
void eqs_figure_scale(eqs_panel *panel, double factor);

#endif
