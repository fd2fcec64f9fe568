#include "postproc/html.h"

#include "base/memory.h"
#include "postproc/gnuplot.h"

#include <math.h>
#include <string.h>

void eqs_html_text(eqs_text *html, const char *text)
{
    for (const char *c = text != NULL ? text : ""; *c != '\0'; c++) {
        if (*c == '<')
            eqs_text_add(html, "&lt;");
        else if (*c == '>')
            eqs_text_add(html, "&gt;");
        else if (*c == '&')
            eqs_text_add(html, "&amp;");
        else if (*c == '"')
            eqs_text_add(html, "&quot;");
        else
            eqs_text_add(html, "%c", (unsigned char)*c < 0x20 && *c != '\n' && *c != '\t' ? ' ' : *c);
    }
}

static const char style[] =
    "body{font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:60rem;margin:0 auto;"
    "padding:0 1rem 4rem}\n"
    "h1{font-size:1.6rem;margin:1.5rem 0 .3rem}h2{font-size:1.2rem;margin:2.5rem 0 .6rem;border-bottom:1px "
    "solid "
    "#ccc}\n"
    "a{color:#00558c}a:focus,summary:focus,.scroll:focus{outline:3px solid #d55e00;outline-offset:2px}\n"
    ".skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:#fff;padding:.3rem}\n"
    "nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem}\n"
    ".scroll{overflow-x:auto;margin:.6rem 0}table{border-collapse:collapse;font-size:.9rem}\n"
    "caption{text-align:left;font-weight:600;padding:.3rem 0}\n"
    "th,td{border:1px solid #ccc;padding:.2rem .6rem;text-align:left;vertical-align:top}thead "
    "th{background:#f2f2f2}\n"
    "td{font-variant-numeric:tabular-nums}pre{background:#f6f6f6;padding:.8rem;overflow-x:auto;font-size:."
    "85rem}\n"
    "code{font-size:.9em}figure{margin:1rem 0}figure svg{max-width:100%;height:auto}\n"
    "figcaption{font-size:.9rem;color:#333}.good{color:#00633f}.bad{color:#a33600;font-weight:600}\n"
    "@media print{nav,.skip{display:none}}\n";

void eqs_html_begin(eqs_text *html, const char *title, int refresh)
{
    eqs_text_add(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    if (refresh > 0)
        eqs_text_add(html, "<meta http-equiv=\"refresh\" content=\"%d\">\n", refresh);
    eqs_text_add(html, "<title>");
    eqs_html_text(html, title);
    eqs_text_add(html,
                 "</title>\n<style>\n%s</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to "
                 "the results</a>\n",
                 style);
}

void eqs_html_end(eqs_text *html)
{
    eqs_text_add(html, "</body>\n</html>\n");
}

void eqs_html_table_begin(eqs_text *html, const char *caption, size_t n, const char *const *header)
{
    eqs_text_add(html, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
    eqs_html_text(html, caption);
    eqs_text_add(html, "\"><table>\n<caption>");
    eqs_html_text(html, caption);
    eqs_text_add(html, "</caption>\n<thead><tr>");
    for (size_t i = 0; i < n; i++) {
        eqs_text_add(html, "<th scope=\"col\">");
        eqs_html_text(html, header[i]);
        eqs_text_add(html, "</th>");
    }
    eqs_text_add(html, "</tr></thead>\n<tbody>\n");
}

void eqs_html_row(eqs_text *html, size_t n, const char *const *cell)
{
    eqs_text_add(html, "<tr>");
    for (size_t i = 0; i < n; i++) {
        eqs_text_add(html, i == 0 ? "<th scope=\"row\">" : "<td>");
        eqs_html_text(html, cell[i]);
        eqs_text_add(html, i == 0 ? "</th>" : "</td>");
    }
    eqs_text_add(html, "</tr>\n");
}

void eqs_html_table_end(eqs_text *html)
{
    eqs_text_add(html, "</tbody>\n</table></div>\n");
}

/* ---- pictures ---- */

static void describe_curve(eqs_text *text, const eqs_curve *curve)
{
    size_t lowest = 0, highest = 0, n = 0;
    for (size_t i = 0; i < curve->n; i++) {
        if (!isfinite(curve->y[i]))
            continue;
        lowest = n == 0 || curve->y[i] < curve->y[lowest] ? i : lowest;
        highest = n == 0 || curve->y[i] > curve->y[highest] ? i : highest;
        n++;
    }
    if (n == 0)
        return;
    eqs_text_add(text, " %s%sfrom %.4g at %.4g to %.4g at %.4g, lowest %.4g, highest %.4g.", curve->label,
                 curve->label[0] != '\0' ? ": " : "", curve->y[0], curve->x[0], curve->y[curve->n - 1],
                 curve->x[curve->n - 1], curve->y[lowest], curve->y[highest]);
}

/* the figure in words, for those who do not see it */
static void describe(eqs_text *text, const eqs_figure *figure)
{
    enum { MOST_CURVES = 8 };
    for (size_t p = 0; p < figure->n_panels; p++) {
        const eqs_panel *panel = figure->panel[p];
        if (panel->image != NULL) {
            eqs_text_add(text, " %s: image of %zu by %zu values.", panel->title, panel->image->rows,
                         panel->image->columns);
            continue;
        }
        eqs_text_add(text, " %s: %s over %s.", panel->title, panel->y_label, panel->x_label);
        for (size_t c = 0; c < panel->n_curves && c < MOST_CURVES; c++)
            describe_curve(text, &panel->curve[c]);
        if (panel->n_curves > MOST_CURVES)
            eqs_text_add(text, " And %zu more curves.", panel->n_curves - MOST_CURVES);
    }
}

/* Copies gnuplot's SVG from its <svg on: without its own title, and with every name inside it made the
 * figure's own, for names must be unique in a page. */
static void add_svg(eqs_text *html, const char *svg, const eqs_text *words, unsigned number)
{
    static const char *const names[] = {" id=\"", " id='", "href=\"#", "href='#", "url(#"};
    const char *at = strstr(svg, "<svg");
    if (at == NULL)
        return;
    eqs_text_add(html, "<svg role=\"img\" aria-label=\"");
    eqs_html_text(html, eqs_text_string(words));
    eqs_text_add(html, "\"");
    for (at += strlen("<svg"); *at != '\0';) {
        size_t skip = 0;
        if (strncmp(at, "<title>", 7) == 0 || strncmp(at, "<desc>", 6) == 0) {
            const char *end = strstr(at, at[1] == 't' ? "</title>" : "</desc>");
            skip = end != NULL ? (size_t)(end - at) + strlen(at[1] == 't' ? "</title>" : "</desc>") : 0;
        }
        for (size_t k = 0; skip == 0 && k < sizeof names / sizeof *names; k++) {
            if (strncmp(at, names[k], strlen(names[k])) != 0)
                continue;
            eqs_text_add(html, "%sf%u-", names[k], number);
            skip = strlen(names[k]);
        }
        if (skip > 0)
            at += skip;
        else
            eqs_text_add(html, "%c", *at++);
    }
}

eqs_status eqs_html_figure(eqs_text *html, const eqs_figure *figure, const char *caption, unsigned number)
{
    unsigned char *svg = NULL;
    size_t size;
    eqs_text words = {0};
    EQS_TRY(eqs_gnuplot_draw(figure, EQS_PICTURE_SVG, &svg, &size));
    eqs_text_add(&words, "%s.", caption);
    describe(&words, figure);
    eqs_text_add(html, "<figure>\n");
    add_svg(html, (const char *)svg, &words, number);
    eqs_text_add(html, "<figcaption>");
    eqs_html_text(html, caption);
    eqs_text_add(html, "</figcaption>\n</figure>\n");
    eqs_status status = words.failed || html->failed ? EQS_NO_MEMORY : EQS_OK;
    eqs_text_clear(&words);
    eqs_free(svg);
    return status;
}
