#include "netlists/netlist.h"

#include "base/memory.h"
#include "netlists/expression.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 16, LONGEST_COMMENT = 500 };

static const struct {
    char letter;
    const char *word;
    size_t terminals;
} kinds[] = {
#define X(name, letter, word, terminals) {letter, word, terminals},
    EQS_ELEMENT_LIST(X)
#undef X
};

/* Words that some simulator reads as something else than a name; sorted. "temper" ends ngspice 39 at once. */
static const char *const keywords[] = {
    "all",       "boltz", "c",     "charge", "current", "e",    "echarge", "false", "freq",
    "frequency", "gnd",   "hertz", "i",      "j",       "k",    "kelvin",  "no",    "pi",
    "planck",    "power", "temp",  "temper", "time",    "true", "v",       "vt",    "yes",
};

char eqs_element_letter(eqs_element_kind kind)
{
    return kinds[kind].letter;
}

const char *eqs_element_word(eqs_element_kind kind)
{
    return kinds[kind].word;
}

size_t eqs_element_terminals(eqs_element_kind kind)
{
    return kinds[kind].terminals;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, *(const char *const *)b);
}

static bool is_keyword(const char *name)
{
    return bsearch(name, keywords, sizeof keywords / sizeof *keywords, sizeof *keywords, compare) != NULL;
}

/* `what` is the word for messages; keywords are only dangerous where a name stands alone, that is for nodes
 */
static eqs_status check_name(const char *what, const char *name, bool alone)
{
    size_t length = name == NULL ? 0 : strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (name == NULL || length == 0 || name[length] != '\0' || length > EQS_NETLIST_NAME)
        return eqs_fail(EQS_BAD_DATA, "%s name '%.100s': names are [a-z][a-z0-9_]*, 1 to %d characters", what,
                        name == NULL ? "(null)" : name, EQS_NETLIST_NAME);
    if (alone && (name[0] < 'a' || is_keyword(name)))
        return eqs_fail(EQS_BAD_DATA, "%s name '%s': %s", what, name,
                        name[0] < 'a' ? "names start with a letter" : "this is a keyword of some simulator");
    return EQS_OK;
}

/* makes room for one more element of an array */
static eqs_status reserve(void **array, size_t n, size_t *capacity, size_t size)
{
    if (n < *capacity)
        return EQS_OK;
    size_t more = *capacity == 0 ? FIRST_CAPACITY : 2 * *capacity;
    void *grown = eqs_realloc(*array, n, more, size);
    if (grown == NULL)
        return EQS_NO_MEMORY;
    *array = grown;
    *capacity = more;
    return EQS_OK;
}

eqs_status eqs_netlist_create(const char *title, eqs_netlist **out)
{
    eqs_netlist *netlist = eqs_alloc(1, sizeof *netlist);
    if (netlist == NULL)
        return EQS_NO_MEMORY;
    netlist->last_model = &netlist->model;
    netlist->last_subcircuit = &netlist->subcircuit;
    char *text = eqs_arena_text(&netlist->arena, title, strlen(title));
    eqs_node ground;
    if (text == NULL || eqs_names_add(&netlist->node_names, &netlist->arena, "0", &ground, NULL) != EQS_OK) {
        eqs_netlist_destroy(netlist);
        return EQS_NO_MEMORY;
    }
    for (char *c = text; *c != '\0'; c++)
        *c = (unsigned char)*c < ' ' ? ' ' : *c;
    netlist->title = text;
    *out = netlist;
    return EQS_OK;
}

void eqs_netlist_destroy(eqs_netlist *netlist)
{
    if (netlist == NULL)
        return;
    for (eqs_subcircuit *s = netlist->subcircuit; s != NULL; s = s->next)
        eqs_netlist_destroy(s->body);
    eqs_names_clear(&netlist->node_names);
    eqs_names_clear(&netlist->element_names);
    eqs_free(netlist->element);
    eqs_free(netlist->comment);
    eqs_free(netlist->initial);
    eqs_free(netlist->guess);
    eqs_free(netlist->output);
    eqs_arena_clear(&netlist->arena);
    eqs_free(netlist);
}

eqs_status eqs_netlist_comment(eqs_netlist *netlist, const char *format, ...)
{
    char line[LONGEST_COMMENT + 1];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (char *c = line; *c != '\0'; c++)
        *c = (unsigned char)*c < ' ' ? ' ' : *c;
    EQS_TRY(reserve((void **)&netlist->comment, netlist->n_comments, &netlist->comment_capacity,
                    sizeof *netlist->comment));
    const char *copy = eqs_arena_text(&netlist->arena, line, strlen(line));
    if (copy == NULL)
        return EQS_NO_MEMORY;
    netlist->comment[netlist->n_comments++] = copy;
    return EQS_OK;
}

eqs_status eqs_netlist_node(eqs_netlist *netlist, const char *name, eqs_node *out)
{
    if (name != NULL && eqs_names_find(&netlist->node_names, name, out))
        return EQS_OK;
    EQS_TRY(check_name("node", name, true));
    return eqs_names_add(&netlist->node_names, &netlist->arena, name, out, NULL);
}

/* Adds an element of a kind; the caller fills the detail. */
static eqs_status add(eqs_netlist *netlist, eqs_element_kind kind, const char *name, const eqs_node node[4],
                      double value, eqs_element **out)
{
    EQS_TRY(check_name(kinds[kind].word, name, false));
    if (!isfinite(value))
        return eqs_fail(EQS_BAD_DATA, "%s '%s': value %g is not finite", kinds[kind].word, name, value);
    for (size_t t = 0; t < kinds[kind].terminals; t++) {
        if (node[t] >= netlist->node_names.n)
            return eqs_fail(EQS_BAD_DATA, "%s '%s': node %u is not of this netlist", kinds[kind].word, name,
                            (unsigned)node[t]);
    }
    EQS_TRY(reserve((void **)&netlist->element, netlist->n_elements, &netlist->element_capacity,
                    sizeof *netlist->element));
    char full[EQS_NETLIST_NAME + 3];
    full[0] = kinds[kind].letter;
    full[1] = '_';
    strcpy(full + 2, name);
    uint32_t index;
    bool is_new;
    EQS_TRY(eqs_names_add(&netlist->element_names, &netlist->arena, full, &index, &is_new));
    if (!is_new)
        return eqs_fail(EQS_BAD_DATA, "%s '%s': there is already an element %s", kinds[kind].word, name,
                        full);
    eqs_element *element = &netlist->element[netlist->n_elements++];
    *element = (eqs_element){.name = netlist->element_names.text[index], .kind = kind, .value = value};
    memcpy(element->node, node, kinds[kind].terminals * sizeof *node);
    *out = element;
    return EQS_OK;
}

static eqs_status positive(eqs_element_kind kind, const char *name, double value)
{
    if (value > 0.0)
        return EQS_OK;
    return eqs_fail(EQS_BAD_DATA, "%s '%.100s': value %g, must be positive", kinds[kind].word,
                    name == NULL ? "" : name, value);
}

eqs_status eqs_netlist_resistor(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n, double ohm)
{
    eqs_element *e = NULL;
    EQS_TRY(positive(EQS_RESISTOR, name, ohm));
    return add(netlist, EQS_RESISTOR, name, (eqs_node[4]){p, n}, ohm, &e);
}

eqs_status eqs_netlist_capacitor(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n, double farad,
                                 double initial)
{
    eqs_element *e = NULL;
    EQS_TRY(positive(EQS_CAPACITOR, name, farad));
    if (isinf(initial))
        return eqs_fail(EQS_BAD_DATA, "capacitor '%.100s': initial voltage %g", name, initial);
    EQS_TRY(add(netlist, EQS_CAPACITOR, name, (eqs_node[4]){p, n}, farad, &e));
    e->detail.initial = initial;
    return EQS_OK;
}

static eqs_status check_points(eqs_element_kind kind, const char *name, const eqs_waveform *w)
{
    if (w->n_points == 0)
        return eqs_fail(EQS_BAD_DATA, "%s '%.100s': a PWL waveform without points", kinds[kind].word, name);
    for (size_t i = 0; i < w->n_points; i++) {
        double before = i == 0 ? -1.0 : w->time[i - 1];
        if (!isfinite(w->time[i]) || !isfinite(w->value[i]) || w->time[i] < 0.0 || w->time[i] <= before)
            return eqs_fail(EQS_BAD_DATA,
                            "%s '%.100s': PWL point %zu (%g s, %g): times must ascend from >= 0, all finite",
                            kinds[kind].word, name, i, w->time[i], w->value[i]);
    }
    return EQS_OK;
}

/* copy of a waveform in the arena */
static const eqs_waveform *copy_waveform(eqs_netlist *netlist, const eqs_waveform *w)
{
    eqs_waveform *copy = eqs_arena_alloc(&netlist->arena, sizeof *copy);
    double *time = eqs_arena_alloc(&netlist->arena, 2 * w->n_points * sizeof *time);
    if (copy == NULL || time == NULL)
        return NULL;
    *copy = *w;
    if (w->n_points > 0) {
        memcpy(time, w->time, w->n_points * sizeof *time);
        memcpy(time + w->n_points, w->value, w->n_points * sizeof *time);
    }
    copy->time = time;
    copy->value = time + w->n_points;
    return copy;
}

static eqs_status add_source(eqs_netlist *netlist, eqs_element_kind kind, const char *name, eqs_node p,
                             eqs_node n, const eqs_waveform *waveform)
{
    eqs_element *e = NULL;
    if (waveform->kind == EQS_WAVEFORM_PWL)
        EQS_TRY(check_points(kind, name, waveform));
    double dc = waveform->kind == EQS_WAVEFORM_DC ? waveform->dc : 0.0;
    const eqs_waveform *copy = NULL; /* DC sources, the many, keep their value in the element */
    if (waveform->kind != EQS_WAVEFORM_DC && (copy = copy_waveform(netlist, waveform)) == NULL)
        return EQS_NO_MEMORY;
    EQS_TRY(add(netlist, kind, name, (eqs_node[4]){p, n}, dc, &e));
    e->detail.waveform = copy;
    return EQS_OK;
}

eqs_status eqs_netlist_voltage(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n,
                               const eqs_waveform *waveform)
{
    return add_source(netlist, EQS_VOLTAGE_SOURCE, name, p, n, waveform);
}

eqs_status eqs_netlist_current(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n,
                               const eqs_waveform *waveform)
{
    return add_source(netlist, EQS_CURRENT_SOURCE, name, p, n, waveform);
}

eqs_status eqs_netlist_vcvs(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n, eqs_node cp,
                            eqs_node cn, double gain)
{
    eqs_element *e = NULL;
    return add(netlist, EQS_VCVS, name, (eqs_node[4]){p, n, cp, cn}, gain, &e);
}

eqs_status eqs_netlist_vccs(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n, eqs_node cp,
                            eqs_node cn, double siemens)
{
    eqs_element *e = NULL;
    return add(netlist, EQS_VCCS, name, (eqs_node[4]){p, n, cp, cn}, siemens, &e);
}

eqs_status eqs_netlist_cccs(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n,
                            const char *control, double gain)
{
    EQS_TRY(check_name("controlling source", control, false));
    char full[EQS_NETLIST_NAME + 3];
    snprintf(full, sizeof full, "v_%s", control);
    const char *copy = eqs_arena_text(&netlist->arena, full, strlen(full));
    if (copy == NULL)
        return EQS_NO_MEMORY;
    eqs_element *e = NULL;
    EQS_TRY(add(netlist, EQS_CCCS, name, (eqs_node[4]){p, n}, gain, &e));
    e->detail.control = copy;
    return EQS_OK;
}

static eqs_status add_behavioural(eqs_netlist *netlist, eqs_element_kind kind, const char *name, eqs_node p,
                                  eqs_node n, const char *text)
{
    const eqs_expression *expression;
    eqs_status status = eqs_expression_parse(netlist, text, &expression);
    if (status != EQS_OK)
        return eqs_fail_context(status, "%s '%.100s'", kinds[kind].word, name == NULL ? "" : name);
    eqs_element *e = NULL;
    EQS_TRY(add(netlist, kind, name, (eqs_node[4]){p, n}, 0.0, &e));
    e->detail.expression = expression;
    return EQS_OK;
}

eqs_status eqs_netlist_behavioural_voltage(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n,
                                           const char *expression)
{
    return add_behavioural(netlist, EQS_BEHAVIOURAL_VOLTAGE, name, p, n, expression);
}

eqs_status eqs_netlist_behavioural_current(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n,
                                           const char *expression)
{
    return add_behavioural(netlist, EQS_BEHAVIOURAL_CURRENT, name, p, n, expression);
}

eqs_status eqs_netlist_diode(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n,
                             const eqs_diode_model *model)
{
    const eqs_diode_model *known = netlist->model;
    while (known != NULL && known != model)
        known = known->next;
    if (known == NULL && netlist->parent != NULL)
        for (known = netlist->parent->model; known != NULL && known != model; known = known->next)
            continue;
    if (known == NULL)
        return eqs_fail(EQS_BAD_DATA, "diode '%.100s': its model is not of this netlist", name);
    eqs_element *e = NULL;
    EQS_TRY(add(netlist, EQS_DIODE, name, (eqs_node[4]){p, n}, 0.0, &e));
    e->detail.model = model;
    return EQS_OK;
}

eqs_status eqs_netlist_diode_model(eqs_netlist *netlist, const char *name, double is, double n, double rs,
                                   double cjo, const eqs_diode_model **out)
{
    EQS_TRY(check_name("model", name, true));
    for (const eqs_diode_model *m = netlist->model; m != NULL; m = m->next) {
        if (strcmp(m->name, name) == 0)
            return eqs_fail(EQS_BAD_DATA, "model '%s': there is already a model of this name", name);
    }
    if (netlist->parent != NULL)
        return eqs_fail(EQS_BAD_DATA, "model '%s': models belong to the netlist, not to a subcircuit", name);
    bool fine = isfinite(is) && is > 0.0 && isfinite(n) && n > 0.0 && isfinite(rs) && rs >= 0.0 &&
                isfinite(cjo) && cjo >= 0.0;
    if (!fine)
        return eqs_fail(EQS_BAD_DATA,
                        "model '%s': is = %g, n = %g, rs = %g, cjo = %g: is, n > 0; rs, cjo >= 0", name, is,
                        n, rs, cjo);
    eqs_diode_model *model = eqs_arena_alloc(&netlist->arena, sizeof *model);
    const char *copy = eqs_arena_text(&netlist->arena, name, strlen(name));
    if (model == NULL || copy == NULL)
        return EQS_NO_MEMORY;
    *model = (eqs_diode_model){copy, is, n, rs, cjo, NULL};
    *netlist->last_model = model;
    netlist->last_model = &model->next;
    *out = model;
    return EQS_OK;
}

eqs_status eqs_netlist_subcircuit(eqs_netlist *netlist, const char *name, size_t n_ports,
                                  const char *const *ports, eqs_subcircuit **out)
{
    EQS_TRY(check_name("subcircuit", name, true));
    if (netlist->parent != NULL || n_ports == 0)
        return eqs_fail(EQS_BAD_DATA, "subcircuit '%s': %s", name,
                        n_ports == 0 ? "it has no ports" : "subcircuits are not defined inside another");
    size_t order = 0;
    for (const eqs_subcircuit *s = netlist->subcircuit; s != NULL; s = s->next, order++) {
        if (strcmp(s->name, name) == 0)
            return eqs_fail(EQS_BAD_DATA, "subcircuit '%s': there is already one of this name", name);
    }
    eqs_subcircuit *s = eqs_arena_alloc(&netlist->arena, sizeof *s);
    const char *copy = eqs_arena_text(&netlist->arena, name, strlen(name));
    eqs_node *port = eqs_arena_alloc(&netlist->arena, n_ports * sizeof *port);
    if (s == NULL || copy == NULL || port == NULL)
        return EQS_NO_MEMORY;
    *s = (eqs_subcircuit){copy, n_ports, port, NULL, order, NULL};
    EQS_TRY(eqs_netlist_create(name, &s->body));
    *netlist->last_subcircuit = s; /* from here on the netlist owns the body */
    netlist->last_subcircuit = &s->next;
    s->body->parent = netlist;
    s->body->order = order;
    for (size_t i = 0; i < n_ports; i++) {
        EQS_TRY(eqs_netlist_node(s->body, ports[i], &port[i]));
        for (size_t j = 0; j < i; j++) {
            if (port[j] == port[i])
                return eqs_fail(EQS_BAD_DATA, "subcircuit '%s': two ports called '%s'", name, ports[i]);
        }
    }
    *out = s;
    return EQS_OK;
}

eqs_status eqs_netlist_instance(eqs_netlist *netlist, const char *name, const eqs_subcircuit *subcircuit,
                                const eqs_node *node)
{
    const eqs_netlist *home = netlist->parent != NULL ? netlist->parent : netlist;
    if (subcircuit->body->parent != home)
        return eqs_fail(EQS_BAD_DATA, "instance '%.100s': subcircuit '%s' is not of this netlist", name,
                        subcircuit->name);
    if (netlist->parent != NULL && subcircuit->order >= netlist->order)
        return eqs_fail(EQS_BAD_DATA,
                        "instance '%.100s': subcircuit '%s' is defined after the one that uses it", name,
                        subcircuit->name);
    eqs_instance *instance = eqs_arena_alloc(&netlist->arena, sizeof *instance);
    eqs_node *copy = eqs_arena_alloc(&netlist->arena, subcircuit->n_ports * sizeof *copy);
    if (instance == NULL || copy == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < subcircuit->n_ports; i++) {
        if (node[i] >= netlist->node_names.n)
            return eqs_fail(EQS_BAD_DATA, "instance '%.100s': node %u is not of this netlist", name,
                            (unsigned)node[i]);
        copy[i] = node[i];
    }
    *instance = (eqs_instance){subcircuit, copy};
    eqs_element *e = NULL;
    EQS_TRY(add(netlist, EQS_INSTANCE, name, (eqs_node[4]){0}, 0.0, &e));
    e->detail.instance = instance;
    return EQS_OK;
}
