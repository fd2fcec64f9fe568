/* Pieces of a web page that needs nothing from a network: escaped texts, tables, pictures inside the page. */
#ifndef EQS_POSTPROC_HTML_H
#define EQS_POSTPROC_HTML_H

#include "base/status.h"
#include "postproc/figure.h"
#include "store/text.h"

/* A text with <, >, &, and quotes escaped; control characters but newlines become blanks. */
void eqs_html_text(eqs_text *html, const char *text);

/* Begins a page: head with title and style, the skip link, and the body up to its first section. `refresh`
 * seconds between reloads, 0: none. */
void eqs_html_begin(eqs_text *html, const char *title, int refresh);
void eqs_html_end(eqs_text *html);

/* A table inside a region that scrolls by keyboard. `header` is a list of n column heads; cells are added row
 * by row with eqs_html_row (n texts; the first is the row's head). */
void eqs_html_table_begin(eqs_text *html, const char *caption, size_t n, const char *const *header);
void eqs_html_row(eqs_text *html, size_t n, const char *const *cell);
void eqs_html_table_end(eqs_text *html);

/* A figure drawn by gnuplot into the page, with a caption and a description in words of every curve: first,
 * lowest, highest and last value. `number` must differ between the figures of a page: it keeps the names
 * inside the pictures apart. */
eqs_status eqs_html_figure(eqs_text *html, const eqs_figure *figure, const char *caption, unsigned number);

#endif
