/* Figure -> gnuplot script. Colours: Okabe & Ito's palette for curves (told apart by all kinds of colour
 * vision), cividis for one-sided and blue-white-vermilion for two-sided images. */
#include "postproc/gnuplot.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/* pixels of a panel; with 13 px text it is readable when a printed column is as wide as one panel */
enum { PANEL_WIDTH = 440, PANEL_HEIGHT = 285, TITLE_HEIGHT = 30, FONT_SIZE = 13 };

static const char *const palette[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#000000", "#8c6d31"};
enum { N_COLOURS = sizeof palette / sizeof *palette };

/* A text in single quotes: nothing in it is a command, a variable or an escape to gnuplot. */
static void add_quoted(eqs_text *script, const char *text)
{
    eqs_text_add(script, "'");
    for (const char *c = text != NULL ? text : ""; *c != '\0'; c++) {
        if (*c == '\'')
            eqs_text_add(script, "''");
        else
            eqs_text_add(script, "%c", (unsigned char)*c < 0x20 || *c == '`' ? ' ' : *c);
    }
    eqs_text_add(script, "'");
}

static void add_number(eqs_text *script, double value)
{
    if (isfinite(value))
        eqs_text_add(script, "%.7g", value);
    else
        eqs_text_add(script, "NaN");
}

static void add_curve_data(const eqs_panel *panel, size_t p, size_t c, eqs_text *script)
{
    const eqs_curve *curve = &panel->curve[c];
    eqs_text_add(script, "$p%zuc%zu << EOD\n", p, c);
    for (size_t i = 0; i < curve->n; i++) {
        bool shown = !(panel->log_x && !(curve->x[i] > 0.0)) && !(panel->log_y && !(curve->y[i] > 0.0));
        add_number(script, curve->x[i]);
        eqs_text_add(script, " ");
        add_number(script, shown ? curve->y[i] : NAN);
        if (curve->y_top != NULL) {
            eqs_text_add(script, " ");
            add_number(script, curve->y_top[i]);
        }
        eqs_text_add(script, "\n");
    }
    eqs_text_add(script, "EOD\n");
}

static void add_data(const eqs_figure *figure, eqs_text *script)
{
    for (size_t p = 0; p < figure->n_panels; p++) {
        const eqs_panel *panel = figure->panel[p];
        for (size_t c = 0; c < panel->n_curves; c++)
            add_curve_data(panel, p, c, script);
        if (panel->image == NULL)
            continue;
        eqs_text_add(script, "$p%zui << EOD\n", p);
        for (size_t r = 0; r < panel->image->rows; r++) {
            for (size_t k = 0; k < panel->image->columns; k++) {
                eqs_text_add(script, k > 0 ? " " : "");
                add_number(script, panel->image->value[r * panel->image->columns + k]);
            }
            eqs_text_add(script, "\n");
        }
        eqs_text_add(script, "EOD\n");
    }
}

static void add_curve_style(const eqs_curve *curve, size_t n_curves, eqs_text *script)
{
    const char *colour = palette[(size_t)curve->colour % N_COLOURS];
    double width = n_curves > N_COLOURS ? 1.0 : 2.0;
    /* more curves than colours: the second round is dashed */
    bool dashed = curve->mark == EQS_MARK_DASHED || (size_t)curve->colour / N_COLOURS % 2 == 1;
    switch (curve->mark) {
    case EQS_MARK_POINTS:
        eqs_text_add(script, " using 1:2 with points pt %d ps 0.6 lc rgb '%s'", 5 + 2 * (curve->colour % 5),
                     colour);
        break;
    case EQS_MARK_LINE_POINTS:
        eqs_text_add(script, " using 1:2 with linespoints pt %d ps 0.7 lw %g dt %d lc rgb '%s'",
                     5 + 2 * (curve->colour % 5), width, dashed ? 2 : 1, colour);
        break;
    case EQS_MARK_BAND:
        eqs_text_add(script, " using 1:2:3 with filledcurves fs transparent solid 0.25 noborder lc rgb '%s'",
                     colour);
        break;
    case EQS_MARK_STEPS:
        eqs_text_add(script, " using 1:2 with histeps lw %g lc rgb '%s'", width, colour);
        break;
    default:
        eqs_text_add(script, " using 1:2 with lines lw %g dt %d lc rgb '%s'", width, dashed ? 2 : 1, colour);
    }
    if (curve->label[0] == '\0') {
        eqs_text_add(script, " notitle");
        return;
    }
    eqs_text_add(script, " title ");
    add_quoted(script, curve->label);
    eqs_text_add(script, " noenhanced");
}

/* What a panel's curves span on an axis: positive values only when `positive`. */
typedef struct span {
    double low, high;
    bool whole; /* whole numbers only */
} span;

static span span_of(const eqs_panel *panel, char axis, bool positive)
{
    span s = {INFINITY, -INFINITY, true};
    for (size_t c = 0; c < panel->n_curves; c++) {
        const eqs_curve *curve = &panel->curve[c];
        for (size_t i = 0; i < curve->n; i++) {
            double value = axis == 'x' ? curve->x[i] : curve->y[i];
            if (!isfinite(value) || (positive && !(value > 0.0)))
                continue;
            s.low = fmin(s.low, value);
            s.high = fmax(s.high, value);
            s.whole &= value == floor(value);
        }
    }
    return s;
}

/* Logarithmic axes: powers of ten as such over many decades, plain numbers over few. A span within one decade
 * is widened to it, so that noise in the last digits does not look like a change. */
static void add_log_scale(const eqs_panel *panel, char axis, eqs_text *script)
{
    span s = span_of(panel, axis, true);
    if (!(s.low <= s.high))
        s = (span){0.1, 1.0, false};
    double decades = log10(s.high / s.low);
    eqs_text_add(script, "set logscale %c 10\n", axis);
    if (decades < 1.0 && axis == 'y')
        eqs_text_add(script, "set yrange [%.9g:%.9g]\n", pow(10.0, floor(log10(s.low) + 1e-9)),
                     2.0 * pow(10.0, ceil(log10(s.high) - 1e-9)));
    if (decades > 3.0 || s.high > 1e4 || s.low < 1e-3)
        eqs_text_add(script, "set format %c '10^{%%L}'\n", axis);
    else if (decades < 1.5)
        eqs_text_add(script, "set %ctics add (0.02,0.05,0.2,0.5,2,5,20,50,200,500,2000,5000)\n", axis);
    if (decades > 9.0)
        eqs_text_add(script, "set %ctics 1000\n", axis);
}

static void add_x_axis(const eqs_panel *panel, eqs_text *script)
{
    span s = span_of(panel, 'x', false);
    eqs_text_add(script, "set autoscale xfix\n");
    if (panel->log_x)
        add_log_scale(panel, 'x', script);
    else if (s.whole && s.high - s.low <= 10.0 && s.high > s.low)
        eqs_text_add(script, "set xtics 1\n");
    if (s.low == s.high)
        eqs_text_add(script, "set xrange [%.9g:%.9g]\n", s.low - 0.5, s.high + 0.5);
}

static size_t count_labels(const eqs_panel *panel)
{
    size_t labels = 0;
    for (size_t c = 0; c < panel->n_curves; c++)
        labels += panel->curve[c].label[0] != '\0';
    return labels;
}

/* pixels of a panel: more for long legends, which take about half a line a label */
static size_t height_of(const eqs_figure *figure)
{
    size_t most = 0;
    for (size_t p = 0; p < figure->n_panels; p++) {
        size_t labels = count_labels(figure->panel[p]);
        most = labels > most && labels <= 2 * N_COLOURS ? labels : most;
    }
    return PANEL_HEIGHT + (most > 4 ? (most - 3) / 2 * (FONT_SIZE + 1) : 0);
}

/* The legend stands above the frame, where no curve is. */
static void add_key(const eqs_panel *panel, eqs_text *script)
{
    size_t labels = count_labels(panel);
    if (labels == 0)
        eqs_text_add(script, "unset key\n");
    else
        eqs_text_add(script,
                     "set key tmargin center horizontal reverse Left samplen %g width %d font ',%d'\n",
                     labels > 5 ? 0.7 : 1.5, labels > 5 ? 0 : 1, FONT_SIZE - 2);
}

static void add_curves(const eqs_panel *panel, size_t p, eqs_text *script)
{
    span y = span_of(panel, 'y', panel->log_y);
    if (!(y.low <= y.high)) { /* gnuplot refuses a plot without a point */
        eqs_text_add(script, "unset key\nset label 1 'no finite values' at graph 0.5,0.5 center\n"
                             "plot [0:1] [0:1] NaN notitle\nunset label 1\n");
        return;
    }
    add_key(panel, script);
    add_x_axis(panel, script);
    if (panel->log_y)
        add_log_scale(panel, 'y', script);
    eqs_text_add(script, "plot ");
    for (size_t c = 0; c < panel->n_curves; c++) {
        eqs_text_add(script, "%s$p%zuc%zu", c > 0 ? ", \\\n  " : "", p, c);
        add_curve_style(&panel->curve[c], panel->n_curves, script);
    }
    eqs_text_add(script, "\n");
}

static void add_image(const eqs_panel *panel, size_t p, eqs_text *script)
{
    const eqs_image *image = panel->image;
    double largest = 0.0;
    for (size_t i = 0; i < image->rows * image->columns; i++)
        largest = isfinite(image->value[i]) ? fmax(largest, fabs(image->value[i])) : largest;
    if (image->signed_values)
        eqs_text_add(
            script,
            "set palette defined (-1 '#0b3c68', -0.5 '#5a9bd0', 0 '#ffffff', 0.5 '#f0a35e', 1 '#9c3a00')\n"
            "set cbrange [%.7g:%.7g]\n",
            -largest, largest);
    else
        eqs_text_add(script,
                     "set palette defined (0 '#00224e', 0.25 '#35456c', 0.5 '#7d7c78', 0.75 '#bcae6c', "
                     "1 '#fee838')\nset autoscale cb\n");
    double dx = image->columns > 1 ? (image->x[1] - image->x[0]) / (double)(image->columns - 1) : 1.0;
    double dy = image->rows > 1 ? (image->y[1] - image->y[0]) / (double)(image->rows - 1) : 1.0;
    eqs_text_add(script, "unset key\nunset grid\nset cblabel ");
    add_quoted(script, image->label);
    eqs_text_add(script, " noenhanced\nset xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\n",
                 image->x[0] - dx / 2, image->x[1] + dx / 2,
                 image->top_down ? image->y[1] + dy / 2 : image->y[0] - dy / 2,
                 image->top_down ? image->y[0] - dy / 2 : image->y[1] + dy / 2);
    if (panel->no_axes)
        eqs_text_add(script, "unset xtics\nunset ytics\nset size ratio -1\n"
                             "set object 1 rectangle from graph 0,0 to graph 1,1 behind fc rgb '#555555'\n");
    eqs_text_add(script, "plot $p%zui matrix using (%.9g+%.9g*$1):(%.9g+%.9g*$2):3 with image\n", p,
                 image->x[0], dx, image->y[0], dy);
    eqs_text_add(script, "set size noratio\n");
}

static void add_panel(const eqs_panel *panel, size_t p, eqs_text *script)
{
    eqs_text_add(script, "unset logscale\nunset object\nset autoscale\nset format '%%g'\n"
                         "set xtics auto\nset ytics auto\n"
                         "set grid back linetype 1 linewidth 1 dashtype solid linecolor rgb '#d0d0d0'\n"
                         "set title ");
    add_quoted(script, panel->title);
    eqs_text_add(script, " noenhanced font ',%d'\nset xlabel ", FONT_SIZE);
    add_quoted(script, panel->x_label);
    eqs_text_add(script, " noenhanced\nset ylabel ");
    add_quoted(script, panel->y_label);
    eqs_text_add(script, " noenhanced\n");
    if (panel->image != NULL)
        add_image(panel, p, script);
    else
        add_curves(panel, p, script);
}

eqs_status eqs_gnuplot_script(const eqs_figure *figure, eqs_picture_format format, eqs_text *script)
{
    size_t columns = figure->columns > 0 ? figure->columns : figure->n_panels > 3 ? 2 : 1;
    columns = columns < figure->n_panels ? columns : figure->n_panels;
    if (figure->failed)
        return EQS_NO_MEMORY;
    if (figure->n_panels == 0)
        return eqs_fail(EQS_INTERNAL, "a figure without panels cannot be drawn");
    size_t rows = (figure->n_panels + columns - 1) / columns;
    size_t width = columns * PANEL_WIDTH, height = rows * height_of(figure);
    bool titled = figure->title != NULL && figure->title[0] != '\0';
    height += titled ? TITLE_HEIGHT : 0;
    if (format == EQS_PICTURE_SVG)
        eqs_text_add(script,
                     "set terminal svg enhanced size %zu,%zu font 'sans-serif,%d' background rgb 'white'\n",
                     width, height, FONT_SIZE);
    else
        eqs_text_add(script, "set terminal pngcairo enhanced size %zu,%zu font 'sans,%d' fontscale 1.5\n",
                     2 * width, 2 * height, FONT_SIZE);
    eqs_text_add(script, "set encoding utf8\nset border lw 0.8\nset tics nomirror\n");
    add_data(figure, script);
    eqs_text_add(script, "set multiplot layout %zu,%zu rowsfirst", rows, columns);
    if (titled) {
        eqs_text_add(script, " title ");
        add_quoted(script, figure->title);
        /* an empty line keeps the first panel's legend clear of the title */
        eqs_text_add(script, ".\"\\n\" noenhanced font ',%d'", FONT_SIZE + 1);
    }
    eqs_text_add(script, "\n");
    for (size_t p = 0; p < figure->n_panels; p++)
        add_panel(figure->panel[p], p, script);
    eqs_text_add(script, "unset multiplot\n");
    return script->failed ? EQS_NO_MEMORY : EQS_OK;
}
