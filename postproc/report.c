#include "postproc/report.h"

#include "base/memory.h"
#include "postproc/html.h"
#include "postproc/plot.h"
#include "postproc/report_sections.h"

#include <string.h>

static const eqs_report_section sections[] = {
    {"subject", "What was run", eqs_report_subject},
    {"settings", "Settings that differ from the defaults", eqs_report_settings},
    {"training", "Training", eqs_report_training},
    {"pictures", "Pictures", eqs_report_pictures},
    {"certificate", "Certificate", eqs_report_certificate},
    {"agreement", "Circuit, ODE and equilibrium", eqs_report_agreement},
    {"hardware", "Chip instance", eqs_report_hardware},
    {"physics", "Time and energy", eqs_report_physics},
    {"reproduce", "How to reproduce it", eqs_report_reproduce},
    {"content", "What the file holds", eqs_report_content},
};
enum { N_SECTIONS = sizeof sections / sizeof *sections };

static void add_status(const eqs_catalog *catalog, eqs_text *html)
{
    const char *status = eqs_catalog_attribute_text(eqs_catalog_find(catalog, "/"), "status");
    bool good = status != NULL && strcmp(status, "complete") == 0;
    eqs_text_add(html, "<p>Result file of eqspice; status: <strong class=\"%s\">", good ? "good" : "bad");
    eqs_html_text(html, status != NULL ? status : "unknown");
    eqs_text_add(html, "</strong>.</p>\n");
}

/* navigation and sections, of those that have something to say */
static void add_sections(const eqs_text content[N_SECTIONS], eqs_text *html)
{
    eqs_text_add(html, "<nav aria-label=\"Sections\"><ul>\n");
    for (size_t i = 0; i < N_SECTIONS; i++) {
        if (content[i].length > 0)
            eqs_text_add(html, "<li><a href=\"#%s\">%s</a></li>\n", sections[i].id, sections[i].title);
    }
    eqs_text_add(html, "</ul></nav>\n</header>\n<main id=\"main\" tabindex=\"-1\">\n");
    for (size_t i = 0; i < N_SECTIONS; i++) {
        if (content[i].length > 0)
            eqs_text_add(html, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s</h2>\n%s</section>\n",
                         sections[i].id, sections[i].id, sections[i].title, eqs_text_string(&content[i]));
    }
    eqs_text_add(html, "</main>\n");
}

eqs_status eqs_report_write(const eqs_catalog *catalog, eqs_text *html)
{
    eqs_text content[N_SECTIONS] = {0};
    char *title = eqs_plot_title(catalog);
    eqs_status status = title != NULL ? EQS_OK : EQS_NO_MEMORY;
    for (size_t i = 0; status == EQS_OK && i < N_SECTIONS; i++) {
        status = sections[i].write(catalog, &content[i]);
        if (status == EQS_OK && content[i].failed)
            status = EQS_NO_MEMORY;
    }
    if (status == EQS_OK) {
        eqs_html_begin(html, title, 0);
        eqs_text_add(html, "<header>\n<h1>");
        eqs_html_text(html, title);
        eqs_text_add(html, "</h1>\n");
        add_status(catalog, html);
        add_sections(content, html);
        eqs_html_end(html);
        status = html->failed ? EQS_NO_MEMORY : EQS_OK;
    }
    for (size_t i = 0; i < N_SECTIONS; i++)
        eqs_text_clear(&content[i]);
    eqs_free(title);
    return status;
}
