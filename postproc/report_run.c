/* Sections of a report about the run itself: subject, settings, training, how to reproduce it, content. */
#include "postproc/html.h"
#include "postproc/report_sections.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 80 };

/* a list of texts, or NULL; one block */
static char **load_texts(const eqs_catalog *catalog, const char *path, size_t n)
{
    const eqs_catalog_object *object = eqs_catalog_find(catalog, path);
    size_t found;
    char **texts = NULL;
    if (object == NULL || object->is_group || object->shape.type != EQS_H5_STRING ||
        object->shape.count != n || eqs_h5_load_strings(catalog->reader, path, &found, &texts) != EQS_OK)
        return NULL;
    return texts;
}

static void add_layers(const eqs_catalog *catalog, const double *units, size_t n, eqs_text *html)
{
    static const char *const header[] = {"layer", "units", "activation"};
    char **activation = load_texts(catalog, "/network/activation", n);
    eqs_html_table_begin(html, "Layers", activation != NULL ? 3 : 2, header);
    for (size_t k = 0; k < n; k++) {
        char layer[CELL], count[CELL];
        snprintf(layer, sizeof layer, "%zu%s", k, k == 0 ? " (input)" : k + 1 == n ? " (output)" : "");
        snprintf(count, sizeof count, "%.0f", units[k]);
        const char *cells[] = {layer, count, activation != NULL && k > 0 ? activation[k] : ""};
        eqs_html_row(html, activation != NULL ? 3 : 2, cells);
    }
    eqs_html_table_end(html);
    eqs_free(activation);
}

/* which groups of results the file holds, in words */
static void add_kind(const eqs_catalog *catalog, eqs_text *html)
{
    static const char *const kinds[][2] = {
        {"/training", "training"},
        {"/relaxation", "relaxations of samples"},
        {"/circuit", "circuit simulation"},
        {"/cosimulation", "co-simulation with circuits"},
        {"/study", "studies"},
        {"/hardware", "a chip instance"},
    };
    const char *join = "";
    eqs_text_add(html, "<p>It holds ");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (eqs_catalog_find(catalog, kinds[i][0]) == NULL)
            continue;
        eqs_text_add(html, "%s%s", join, kinds[i][1]);
        join = ", ";
    }
    eqs_text_add(html, "%s", *join == '\0' ? "a network" : "");
    const eqs_catalog_object *index = eqs_catalog_numbers(catalog, "/samples/index");
    const char *part = eqs_catalog_attribute_text(eqs_catalog_find(catalog, "/samples"), "part");
    if (index != NULL)
        eqs_text_add(html, "; about %zu sample%s of the %s set", index->shape.count,
                     index->shape.count == 1 ? "" : "s", part != NULL ? part : "data");
    const char *form = eqs_catalog_attribute_text(eqs_catalog_find(catalog, "/network"), "form");
    if (form != NULL) {
        eqs_text_add(html, ". Dynamics: ");
        eqs_html_text(html, form);
    }
    eqs_text_add(html, ".</p>\n");
}

eqs_status eqs_report_subject(const eqs_catalog *catalog, eqs_text *html)
{
    add_kind(catalog, html);
    const eqs_catalog_object *object = eqs_catalog_numbers(catalog, "/network/units");
    double *units;
    size_t parameters = 0;
    for (size_t i = 0; i < catalog->n; i++) {
        if (eqs_catalog_is_numbers(&catalog->object[i]) &&
            eqs_catalog_member(&catalog->object[i], "/parameters") != NULL)
            parameters += catalog->object[i].shape.count;
    }
    if (object == NULL)
        return EQS_OK;
    EQS_TRY(eqs_catalog_values(catalog, object, &units));
    add_layers(catalog, units, object->shape.count, html);
    eqs_free(units);
    eqs_text_add(html, "<p>%zu trainable parameters.</p>\n", parameters);
    return EQS_OK;
}

/* ---- settings ---- */

static eqs_status add_setting(const eqs_config_entry *entry, void *user)
{
    eqs_text *html = user;
    char unit[CELL];
    snprintf(unit, sizeof unit, "%s", strcmp(entry->unit, "1") == 0 ? "" : entry->unit);
    const char *cells[] = {entry->name, entry->value, unit, entry->standard, entry->meaning};
    if (!entry->is_default)
        eqs_html_row(html, sizeof cells / sizeof *cells, cells);
    return html->failed ? EQS_NO_MEMORY : EQS_OK;
}

eqs_status eqs_report_settings(const eqs_catalog *catalog, eqs_text *html)
{
    static const char *const header[] = {"key", "value", "unit", "default", "meaning"};
    eqs_config *config;
    if (eqs_catalog_find(catalog, "/config/used") == NULL)
        return EQS_OK;
    EQS_TRY(eqs_h5_read_config(catalog->reader, &config));
    eqs_html_table_begin(html, "Values in force that are not the default", 5, header);
    eqs_status status = eqs_config_foreach(config, add_setting, html);
    eqs_html_table_end(html);
    eqs_config_destroy(config);
    return status;
}

/* ---- training ---- */

typedef struct column {
    const char *name, *head;
    double factor;
    const char *format;
} column;

static const column columns[] = {
    {"epoch", "epoch", 1, "%.0f"},
    {"train_error", "training error (%)", 100, "%.3f"},
    {"validation_error", "validation error (%)", 100, "%.2f"},
    {"test_error", "test error (%)", 100, "%.2f"},
    {"cost", "cost", 1, "%.5f"},
    {"residual", "worst residual, free", 1, "%.2e"},
    {"residual_nudged", "worst residual, nudged", 1, "%.2e"},
    {"unconverged", "phases above tolerance", 1, "%.0f"},
    {"sweeps_free", "sweeps, free", 1, "%.2f"},
    {"sweeps_nudged", "sweeps, nudged", 1, "%.2f"},
    {"seconds", "seconds", 1, "%.2f"},
};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

/* the columns that the file has, each with n rows; NULL for others */
static eqs_status load_columns(const eqs_catalog *catalog, size_t n, double *value[N_COLUMNS])
{
    for (size_t c = 0; c < N_COLUMNS; c++) {
        char path[CELL];
        snprintf(path, sizeof path, "/training/%s", columns[c].name);
        const eqs_catalog_object *object = eqs_catalog_numbers(catalog, path);
        if (object != NULL && object->shape.rank == 1 && object->shape.count == n)
            EQS_TRY(eqs_catalog_values(catalog, object, &value[c]));
    }
    return EQS_OK;
}

static void add_epoch(double *const value[N_COLUMNS], size_t row, const char *what, eqs_text *html)
{
    char text[N_COLUMNS][CELL];
    const char *cells[N_COLUMNS + 1] = {what};
    size_t n = 1;
    for (size_t c = 0; c < N_COLUMNS; c++) {
        if (value[c] == NULL)
            continue;
        double number = columns[c].factor * value[c][row];
        snprintf(text[c], CELL, isfinite(number) ? columns[c].format : "-", number);
        cells[n++] = text[c];
    }
    eqs_html_row(html, n, cells);
}

static void add_epochs(double *const value[N_COLUMNS], size_t n, eqs_text *html)
{
    const char *header[N_COLUMNS + 1] = {"which"};
    size_t heads = 1, best = 0;
    for (size_t c = 0; c < N_COLUMNS; c++) {
        if (value[c] != NULL)
            header[heads++] = columns[c].head;
    }
    const double *error = value[2] != NULL ? value[2] : value[1];
    for (size_t i = 0; error != NULL && i < n; i++)
        best = error[i] < error[best] ? i : best;
    eqs_html_table_begin(html, "First, best and last epoch", heads, header);
    add_epoch(value, 0, "first", html);
    if (error != NULL)
        add_epoch(value, best, value[2] != NULL ? "best validation" : "best", html);
    add_epoch(value, n - 1, "last", html);
    eqs_html_table_end(html);
    double seconds = 0.0;
    for (size_t i = 0; value[N_COLUMNS - 1] != NULL && i < n; i++)
        seconds += value[N_COLUMNS - 1][i];
    if (seconds > 0.0)
        eqs_text_add(html, "<p>%zu epochs in %.2f s of wall-clock, evaluation included.</p>\n", n, seconds);
}

eqs_status eqs_report_training(const eqs_catalog *catalog, eqs_text *html)
{
    const eqs_catalog_object *epoch = eqs_catalog_numbers(catalog, "/training/epoch");
    double *value[N_COLUMNS] = {0};
    if (epoch == NULL || epoch->shape.rank != 1 || epoch->shape.count == 0)
        return EQS_OK;
    eqs_status status = load_columns(catalog, epoch->shape.count, value);
    if (status == EQS_OK)
        add_epochs(value, epoch->shape.count, html);
    for (size_t c = 0; c < N_COLUMNS; c++)
        eqs_free(value[c]);
    return status;
}

/* ---- how to reproduce it ---- */

static void add_code(const eqs_catalog *catalog, eqs_text *html)
{
    static const char *const header[] = {"what", "value"};
    const eqs_catalog_object *code = eqs_catalog_find(catalog, "/code");
    if (code == NULL || code->n_attributes == 0)
        return;
    eqs_html_table_begin(html, "Program and libraries", 2, header);
    for (size_t i = 0; i < code->n_attributes; i++) {
        const char *cells[] = {code->attribute[i].name, code->attribute[i].text};
        eqs_html_row(html, 2, cells);
    }
    eqs_html_table_end(html);
}

/* every value in force as YAML, the caller's (free) */
static eqs_status yaml_in_force(const eqs_catalog *catalog, char **text)
{
    eqs_config *config;
    size_t size;
    *text = NULL;
    EQS_TRY(eqs_h5_read_config(catalog->reader, &config));
    FILE *memory = open_memstream(text, &size);
    eqs_status status =
        memory != NULL ? eqs_config_write_yaml(config, memory) : eqs_fail(EQS_NO_MEMORY, "no memory stream");
    if (memory != NULL)
        fclose(memory);
    eqs_config_destroy(config);
    return status;
}

eqs_status eqs_report_reproduce(const eqs_catalog *catalog, eqs_text *html)
{
    char *yaml = NULL;
    add_code(catalog, html);
    if (eqs_catalog_find(catalog, "/config/used") == NULL)
        return EQS_OK;
    eqs_status status = yaml_in_force(catalog, &yaml);
    if (status == EQS_OK) {
        bool training = eqs_catalog_find(catalog, "/training") != NULL;
        eqs_text_add(html,
                     "<p>Save the configuration below as <code>same.yaml</code>. It holds every value in "
                     "force, defaults and overrides included; the same build on the same kind of machine "
                     "then gives the same bits%s.</p>\n",
                     training ? ", wall-clock times apart" : "");
        eqs_text_add(html, "<pre tabindex=\"0\"><code>%s</code></pre>\n",
                     training ? "eqspice train same.yaml -o same.h5"
                              : "eqspice train same.yaml -o trained.h5   # the network\n"
                                "eqspice relax trained.h5 -o same.h5     # or simulate, gradcheck, study");
        eqs_text_add(html,
                     "<details><summary>Configuration in force (YAML)</summary>\n<pre tabindex=\"0\"><code>");
        eqs_html_text(html, yaml);
        eqs_text_add(html, "</code></pre></details>\n");
    }
    free(yaml);
    return status;
}

/* ---- content ---- */

eqs_status eqs_report_content(const eqs_catalog *catalog, eqs_text *html)
{
    static const char *const header[] = {"dataset", "type", "shape", "unit", "meaning"};
    eqs_text_add(html, "<details><summary>%zu objects</summary>\n", catalog->n);
    eqs_html_table_begin(html, "Datasets, readable with any HDF5 reader", 5, header);
    for (size_t i = 0; i < catalog->n; i++) {
        const eqs_catalog_object *object = &catalog->object[i];
        char shape[2 * CELL] = "";
        size_t used = 0;
        if (object->is_group)
            continue;
        for (int k = 0; k < object->shape.rank && used < sizeof shape; k++)
            used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%zu", k > 0 ? " x " : "",
                                     object->shape.dim[k]);
        const char *cells[] = {object->path, eqs_h5_type_name(object->shape.type), shape, object->units,
                               object->long_name};
        eqs_html_row(html, 5, cells);
    }
    eqs_html_table_end(html);
    eqs_text_add(html, "</details>\n");
    return EQS_OK;
}
