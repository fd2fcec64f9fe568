/* The plots that eqspice knows: what each can draw from a result file, by what is in it, and the figure. */
#ifndef EQS_POSTPROC_PLOT_H
#define EQS_POSTPROC_PLOT_H

#include "base/status.h"
#include "postproc/catalog.h"
#include "postproc/figure.h"

typedef struct eqs_plot {
    const char *name, *summary;
    const char *group; /* name of the top group that it shows; the file's root attribute `default` is matched
                          against it to find the most useful plot; NULL: any */
    /* Adds the parts that can be asked for as NAME:PART; "" stands for the plot without a part, which must
     * come first where it exists. Adds nothing when the file has nothing to draw. */
    void (*parts)(const eqs_catalog *catalog, eqs_catalog_names *parts);
    /* Fills the figure (but for its title); `part` is one of the parts. */
    eqs_status (*build)(const eqs_catalog *catalog, const char *part, eqs_figure *figure);
} eqs_plot;

/* The i-th plot, or NULL behind the last. */
const eqs_plot *eqs_plot_get(size_t i);

/* The most useful plot of a file: the first that applies of those that show its default group, then of all.
 * NULL when nothing can be drawn. */
const eqs_plot *eqs_plot_default(const eqs_catalog *catalog);

/* Builds the figure of "NAME" or "NAME:PART", titled by the file. Without a part the first one is drawn.
 * EQS_USAGE names what can be drawn; also clears the figure on errors. */
eqs_status eqs_plot_build(const eqs_catalog *catalog, const char *what, eqs_figure *figure);

/* "64-32-10 on fashion-mnist: run.h5"; the caller's (eqs_free). */
char *eqs_plot_title(const eqs_catalog *catalog);

#endif
