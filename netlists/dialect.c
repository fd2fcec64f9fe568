#include "netlists/dialect.h"

#include "base/memory.h"
#include "netlists/expression.h"
#include "netlists/number.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { POINTS_PER_LINE = 4, NAMES_PER_LINE = 8, BUFFER = 1 << 18 };

static const eqs_dialect *const dialects[] = {&eqs_dialect_ngspice, &eqs_dialect_xyce, &eqs_dialect_ltspice};
enum { N_DIALECTS = sizeof dialects / sizeof *dialects };

const eqs_dialect *eqs_dialect_get(size_t i)
{
    return i < N_DIALECTS ? dialects[i] : NULL;
}

eqs_status eqs_dialect_find(const char *name, const eqs_dialect **out)
{
    char known[128] = "";
    for (size_t i = 0; i < N_DIALECTS; i++) {
        if (strcmp(dialects[i]->name, name) == 0) {
            *out = dialects[i];
            return EQS_OK;
        }
        strcat(strcat(known, i == 0 ? "" : ", "), dialects[i]->name);
    }
    return eqs_fail(EQS_BAD_CONFIG, "unknown netlist dialect '%.100s'; known: %s", name, known);
}

static const char *name_of(const eqs_netlist *netlist, eqs_node node)
{
    return eqs_netlist_node_name(netlist, node);
}

static void print_source(const eqs_element *e, const eqs_dialect *dialect, FILE *file)
{
    const eqs_waveform *w = e->detail.waveform;
    if (w == NULL) {
        fprintf(file, " dc %s\n", NUMBER(e->value));
        return;
    }
    if (w->kind == EQS_WAVEFORM_EXTERNAL) {
        fputs(" external\n", file);
        return;
    }
    fprintf(file, " pwl%s", dialect->pwl_open);
    for (size_t i = 0; i < w->n_points; i++)
        fprintf(file, "%s%s %s",
                i == 0                     ? ""
                : i % POINTS_PER_LINE == 0 ? "\n+ "
                                           : " ",
                NUMBER(w->time[i]), NUMBER(w->value[i]));
    fprintf(file, "%s\n", dialect->pwl_close);
}

static void print_element(const eqs_netlist *netlist, const eqs_element *e, const eqs_dialect *dialect,
                          FILE *file)
{
    fputs(e->name, file);
    size_t terminals = eqs_element_terminals(e->kind);
    for (size_t t = 0; t < terminals; t++) {
        fputc(' ', file);
        fputs(name_of(netlist, e->node[t]), file);
    }
    switch (e->kind) {
    case EQS_RESISTOR:
    case EQS_VCVS:
    case EQS_VCCS:
        fprintf(file, " %s\n", NUMBER(e->value));
        break;
    case EQS_CAPACITOR:
        fprintf(file, " %s", NUMBER(e->value));
        if (!isnan(e->detail.initial))
            fprintf(file, " ic=%s", NUMBER(e->detail.initial));
        fputc('\n', file);
        break;
    case EQS_CCCS:
        fprintf(file, " %s %s\n", e->detail.control, NUMBER(e->value));
        break;
    case EQS_VOLTAGE_SOURCE:
    case EQS_CURRENT_SOURCE:
        print_source(e, dialect, file);
        break;
    case EQS_BEHAVIOURAL_VOLTAGE:
    case EQS_BEHAVIOURAL_CURRENT:
        fprintf(file, " %c=%s", e->kind == EQS_BEHAVIOURAL_VOLTAGE ? 'v' : 'i', dialect->braces ? "{" : "");
        eqs_expression_print(netlist, e->detail.expression, file);
        fprintf(file, "%s\n", dialect->braces ? "}" : "");
        break;
    case EQS_DIODE:
        fprintf(file, " %s\n", e->detail.model->name);
        break;
    case EQS_INSTANCE:
        for (size_t i = 0; i < e->detail.instance->subcircuit->n_ports; i++)
            fprintf(file, " %s", name_of(netlist, e->detail.instance->node[i]));
        fprintf(file, " %s\n", e->detail.instance->subcircuit->name);
        break;
    case EQS_ELEMENT_KIND_COUNT:
        break;
    }
}

static void print_elements(const eqs_netlist *netlist, const eqs_dialect *dialect, FILE *file)
{
    for (size_t i = 0; i < netlist->n_elements; i++)
        print_element(netlist, &netlist->element[i], dialect, file);
}

static void print_definitions(const eqs_netlist *netlist, const eqs_dialect *dialect, FILE *file)
{
    for (const eqs_diode_model *m = netlist->model; m != NULL; m = m->next)
        fprintf(file, ".model %s d(is=%s n=%s rs=%s cjo=%s)\n", m->name, NUMBER(m->is), NUMBER(m->n),
                NUMBER(m->rs), NUMBER(m->cjo));
    for (const eqs_subcircuit *s = netlist->subcircuit; s != NULL; s = s->next) {
        fprintf(file, ".subckt %s", s->name);
        for (size_t i = 0; i < s->n_ports; i++)
            fprintf(file, " %s", name_of(s->body, s->port[i]));
        fputc('\n', file);
        print_elements(s->body, dialect, file);
        fprintf(file, ".ends %s\n", s->name);
    }
}

static void print_values(const eqs_netlist *netlist, const char *word, size_t n, const eqs_node_value *value,
                         FILE *file)
{
    for (size_t i = 0; i < n; i++)
        fprintf(file, "%s v(%s)=%s\n", word, name_of(netlist, value[i].node), NUMBER(value[i].value));
}

/* everything but the analysis and ".end" */
static void print_circuit(const eqs_netlist *netlist, const eqs_dialect *dialect, FILE *file)
{
    fprintf(file, "%s\n", netlist->title);
    for (size_t i = 0; i < netlist->n_comments; i++)
        fprintf(file, "* %s\n", netlist->comment[i]);
    fprintf(file, "* dialect %s; run with: %s\n", dialect->name, dialect->run);
    print_definitions(netlist, dialect, file);
    print_elements(netlist, dialect, file);
    /* Xyce holds .ic during an operating point, too: it is for runs that start from it */
    if (netlist->analysis.kind == EQS_ANALYSIS_TRAN)
        print_values(netlist, ".ic", netlist->n_initial, netlist->initial, file);
    print_values(netlist, ".nodeset", netlist->n_guesses, netlist->guess, file);
    dialect->tolerances(&netlist->tolerances, file);
}

static eqs_status check_external(const eqs_netlist *netlist, const eqs_dialect *dialect)
{
    for (size_t i = 0; !dialect->external && i < netlist->n_elements; i++) {
        const eqs_element *e = &netlist->element[i];
        bool source = e->kind == EQS_VOLTAGE_SOURCE || e->kind == EQS_CURRENT_SOURCE;
        if (source && e->detail.waveform != NULL && e->detail.waveform->kind == EQS_WAVEFORM_EXTERNAL)
            return eqs_fail(EQS_BAD_DATA, "%s: %s has no sources supplied by a program", e->name,
                            dialect->name);
    }
    for (const eqs_subcircuit *s = netlist->subcircuit; s != NULL; s = s->next)
        EQS_TRY(check_external(s->body, dialect));
    return EQS_OK;
}

eqs_status eqs_netlist_write(const eqs_netlist *netlist, const eqs_dialect *dialect, FILE *file)
{
    EQS_TRY(eqs_netlist_check(netlist));
    EQS_TRY(check_external(netlist, dialect));
    print_circuit(netlist, dialect, file);
    dialect->analysis(netlist, file);
    fputs(".end\n", file);
    if (fflush(file) != 0 || ferror(file))
        return eqs_fail(EQS_IO, "netlist '%.100s': %s", netlist->title, strerror(errno));
    return EQS_OK;
}

eqs_status eqs_netlist_write_file(const eqs_netlist *netlist, const eqs_dialect *dialect, const char *path)
{
    /* a device or a pipe is written, not replaced by a file */
    struct stat there;
    bool special = stat(path, &there) == 0 && !S_ISREG(there.st_mode);
    char *part = special ? eqs_strdup(path) : eqs_format("%s.part", path);
    if (part == NULL)
        return EQS_NO_MEMORY;
    FILE *file = fopen(part, "w");
    if (file == NULL) {
        eqs_free(part);
        return eqs_fail(EQS_IO, "cannot write '%s': %s", path, strerror(errno));
    }
    setvbuf(file, NULL, _IOFBF, BUFFER);
    eqs_status status = eqs_netlist_write(netlist, dialect, file);
    if (fclose(file) != 0 && status == EQS_OK)
        status = eqs_fail(EQS_IO, "cannot write '%s': %s", path, strerror(errno));
    if (status == EQS_OK && !special && rename(part, path) != 0)
        status = eqs_fail(EQS_IO, "cannot rename '%s' to '%s': %s", part, path, strerror(errno));
    if (status != EQS_OK && !special)
        remove(part);
    eqs_free(part);
    return status;
}

/* the deck's text in malloc's memory */
static eqs_status deck_text(const eqs_netlist *netlist, bool save, char **text, size_t *length)
{
    *text = NULL;
    FILE *file = open_memstream(text, length);
    if (file == NULL)
        return eqs_fail(EQS_NO_MEMORY, "no memory for the deck of '%.100s'", netlist->title);
    print_circuit(netlist, &eqs_dialect_ngspice, file);
    for (size_t i = 0; save && i < netlist->n_outputs; i++)
        fprintf(file, "%s%s%s", i % NAMES_PER_LINE == 0 ? ".save " : "",
                name_of(netlist, netlist->output[i].node),
                i % NAMES_PER_LINE == NAMES_PER_LINE - 1 || i + 1 == netlist->n_outputs ? "\n" : " ");
    fputs(".end\n", file);
    bool bad = ferror(file) != 0;
    if (fclose(file) != 0 || bad) {
        free(*text);
        return eqs_fail(EQS_NO_MEMORY, "no memory for the deck of '%.100s'", netlist->title);
    }
    return EQS_OK;
}

static eqs_status deck(const eqs_netlist *netlist, bool save, char **text, size_t *length)
{
    EQS_TRY(eqs_netlist_check(netlist));
    char *raw;
    EQS_TRY(deck_text(netlist, save, &raw, length));
    char *copy = eqs_alloc(*length + 1, 1);
    if (copy != NULL)
        memcpy(copy, raw, *length);
    free(raw);
    *text = copy;
    return copy == NULL ? EQS_NO_MEMORY : EQS_OK;
}

eqs_status eqs_netlist_deck(const eqs_netlist *netlist, char **text, size_t *length)
{
    return deck(netlist, true, text, length);
}

eqs_status eqs_netlist_deck_of_all(const eqs_netlist *netlist, char **text, size_t *length)
{
    return deck(netlist, false, text, length);
}

eqs_status eqs_netlist_command(const eqs_netlist *netlist, char *command, size_t size)
{
    const eqs_analysis *a = &netlist->analysis;
    int length = 0;
    if (a->kind == EQS_ANALYSIS_OP)
        length = snprintf(command, size, "op");
    else if (a->kind == EQS_ANALYSIS_TRAN)
        length = snprintf(command, size, "tran %s %s 0 %s%s", NUMBER(a->t_first), NUMBER(a->t_stop),
                          NUMBER(a->t_max_step), a->use_initial ? " uic" : "");
    else if (a->kind == EQS_ANALYSIS_DC)
        length = snprintf(command, size, "dc %s %s %s %s", a->source, NUMBER(a->from), NUMBER(a->to),
                          NUMBER(a->step));
    if (length <= 0 || (size_t)length >= size)
        return eqs_fail(EQS_BAD_DATA, "circuit '%.100s' has no analysis that fits a command", netlist->title);
    return EQS_OK;
}

void eqs_dialect_print_outputs(const eqs_netlist *netlist, FILE *file)
{
    for (size_t i = 0; i < netlist->n_outputs; i++)
        fprintf(file, "%s v(%s)", i > 0 && i % NAMES_PER_LINE == 0 ? "\n+" : "",
                name_of(netlist, netlist->output[i].node));
    fputc('\n', file);
}
