/* Private to postproc/: the sections of a report. Each appends its content and nothing when the file has
 * none. */
#ifndef EQS_POSTPROC_REPORT_SECTIONS_H
#define EQS_POSTPROC_REPORT_SECTIONS_H

#include "base/status.h"
#include "postproc/catalog.h"
#include "store/text.h"

typedef struct eqs_report_section {
    const char *id, *title;
    eqs_status (*write)(const eqs_catalog *catalog, eqs_text *html);
} eqs_report_section;

eqs_status eqs_report_subject(const eqs_catalog *catalog, eqs_text *html);     /* what was run */
eqs_status eqs_report_settings(const eqs_catalog *catalog, eqs_text *html);    /* settings off the defaults */
eqs_status eqs_report_training(const eqs_catalog *catalog, eqs_text *html);    /* first, best, last epoch */
eqs_status eqs_report_pictures(const eqs_catalog *catalog, eqs_text *html);    /* all plots that apply */
eqs_status eqs_report_certificate(const eqs_catalog *catalog, eqs_text *html); /* residuals by relaxation */
eqs_status eqs_report_agreement(const eqs_catalog *catalog, eqs_text *html);   /* circuit, ODE, equilibrium */
eqs_status eqs_report_hardware(const eqs_catalog *catalog, eqs_text *html);    /* the chip instance */
eqs_status eqs_report_physics(const eqs_catalog *catalog, eqs_text *html);     /* time and energy */
eqs_status eqs_report_reproduce(const eqs_catalog *catalog, eqs_text *html);   /* program, configuration */
eqs_status eqs_report_content(const eqs_catalog *catalog, eqs_text *html);     /* what the file holds */

#endif
