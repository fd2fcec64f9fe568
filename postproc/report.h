/* The report of a result file: one web page with everything inside. */
#ifndef EQS_POSTPROC_REPORT_H
#define EQS_POSTPROC_REPORT_H

#include "base/status.h"
#include "postproc/catalog.h"
#include "store/text.h"

/* Appends the page. Sections that the file has nothing for are left out. EQS_MISSING_INPUT when gnuplot,
 * which draws the pictures, is not installed. */
eqs_status eqs_report_write(const eqs_catalog *catalog, eqs_text *html);

#endif
