/* Draws figures with gnuplot, which runs as a child process: our script on its standard input, the picture on
 * its standard output. Its own start-up files are not read. */
#ifndef EQS_POSTPROC_GNUPLOT_H
#define EQS_POSTPROC_GNUPLOT_H

#include "base/status.h"
#include "postproc/figure.h"
#include "store/text.h"

typedef enum eqs_picture_format { EQS_PICTURE_SVG, EQS_PICTURE_PNG } eqs_picture_format;

/* Format by the end of a file name; EQS_USAGE for others than .svg and .png. */
eqs_status eqs_picture_format_of(const char *path, eqs_picture_format *out);

/* The script that draws a figure; texts of the figure cannot become commands. */
eqs_status eqs_gnuplot_script(const eqs_figure *figure, eqs_picture_format format, eqs_text *script);

/* The picture as *bytes, the caller's (eqs_free). EQS_MISSING_INPUT when gnuplot is not installed,
 * EQS_INTERNAL with its message when it refuses the script. */
eqs_status eqs_gnuplot_draw(const eqs_figure *figure, eqs_picture_format format, unsigned char **bytes,
                            size_t *size);

#endif
