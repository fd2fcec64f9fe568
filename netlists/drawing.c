#include "netlists/drawing.h"

#include "base/memory.h"
#include "netlists/expression.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* pixels */
enum {
    COLUMN = 112,
    LEFT = 40,
    TOP = 58,    /* of a group's text to its wire */
    BODY = 76,   /* wire to the other terminal */
    GROUP = 236, /* height of a group */
    SYMBOL = 14, /* half size of a symbol */
    TITLE = 34,
    SHOWN = 3, /* of a kind when there are more than FEW */
    FEW = 4,
    MOST_GROUPS = 4,
    TEXT = 200
};

/* One wire: its node and the elements between it and others, in the order in which they are drawn. */
typedef struct wire {
    eqs_node node;
    size_t n;
    size_t *element;
    size_t hidden[EQS_ELEMENT_KIND_COUNT]; /* not drawn, by kind */
} wire;

static bool touches(const eqs_element *e, eqs_node node)
{
    if (e->kind == EQS_INSTANCE) {
        for (size_t i = 0; i < e->detail.instance->subcircuit->n_ports; i++) {
            if (e->detail.instance->node[i] == node)
                return true;
        }
        return false;
    }
    return e->node[0] == node || e->node[1] == node;
}

static eqs_status find_elements(const eqs_netlist *netlist, wire *w)
{
    size_t count[EQS_ELEMENT_KIND_COUNT] = {0}, drawn[EQS_ELEMENT_KIND_COUNT] = {0};
    for (size_t i = 0; i < netlist->n_elements; i++)
        count[netlist->element[i].kind] += touches(&netlist->element[i], w->node);
    size_t room = 0;
    for (size_t k = 0; k < EQS_ELEMENT_KIND_COUNT; k++)
        room += count[k] > FEW ? SHOWN : count[k];
    w->element = eqs_alloc(room, sizeof *w->element);
    if (w->element == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < netlist->n_elements; i++) {
        eqs_element_kind kind = netlist->element[i].kind;
        if (!touches(&netlist->element[i], w->node))
            continue;
        size_t most = count[kind] > FEW ? SHOWN : count[kind];
        if (drawn[kind]++ < most)
            w->element[w->n++] = i;
        else
            w->hidden[kind]++;
    }
    return EQS_OK;
}

/* ---- which nodes a source makes from a voltage ---- */

typedef struct reading {
    eqs_node node;
    bool found;
} reading;

static void look(eqs_node node, void *user)
{
    reading *r = user;
    r->found |= node == r->node;
}

static bool reads(const eqs_element *e, eqs_node node)
{
    reading r = {node, false};
    if (e->kind == EQS_BEHAVIOURAL_VOLTAGE)
        eqs_expression_nodes(e->detail.expression, look, &r);
    else if (e->kind == EQS_VCVS)
        r.found = e->node[2] == node || e->node[3] == node;
    return r.found;
}

/* A list of nodes without repetitions. */
typedef struct node_list {
    eqs_node first; /* not to be listed */
    size_t n;
    eqs_node node[MOST_GROUPS - 1];
} node_list;

static void add_node(eqs_node node, void *user)
{
    node_list *list = user;
    bool known = node == EQS_GROUND || node == list->first || list->n == MOST_GROUPS - 1;
    for (size_t i = 0; i < list->n; i++)
        known |= list->node[i] == node;
    if (!known)
        list->node[list->n++] = node;
}

/* nodes of the wires below the first one: made from its voltage, or read by what drives it */
static void find_followers(const eqs_netlist *netlist, node_list *list)
{
    for (size_t i = 0; i < netlist->n_elements; i++) {
        const eqs_element *e = &netlist->element[i];
        if (reads(e, list->first))
            add_node(e->node[0], list);
        if (e->kind == EQS_BEHAVIOURAL_CURRENT && touches(e, list->first))
            eqs_expression_nodes(e->detail.expression, add_node, list);
    }
}

/* ---- text ---- */

static void put_text(FILE *file, double x, double y, const char *style, const char *text)
{
    fprintf(file, "<text x=\"%g\" y=\"%g\" %s>", x, y, style);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '<' || *c == '>' || *c == '&')
            fprintf(file, "&#%d;", *c);
        else
            fputc(*c, file);
    }
    fputs("</text>\n", file);
}

/* 3.1e-7, "S" -> "310 nS" */
static void put_value(double value, const char *unit, char text[TEXT])
{
    static const char *const prefix[] = {"f", "p", "n", "\xc2\xb5", "m", "", "k", "M", "G"};
    int step = value != 0.0 && isfinite(value) ? (int)floor(log10(fabs(value)) / 3.0 + 1e-9) : 0;
    step = step < -5 ? -5 : step > 3 ? 3 : step;
    snprintf(text, TEXT, "%.4g %s%s", value / pow(1000.0, step), prefix[step + 5], unit);
}

static const char *unit_of(eqs_element_kind kind)
{
    switch (kind) {
    case EQS_RESISTOR:
        return "\xce\xa9";
    case EQS_CAPACITOR:
        return "F";
    case EQS_VOLTAGE_SOURCE:
        return "V";
    case EQS_CURRENT_SOURCE:
        return "A";
    case EQS_VCCS:
        return "S";
    default:
        return "";
    }
}

/* "1 MΩ", "supplied" */
static void describe(const eqs_element *e, char text[TEXT])
{
    char value[TEXT];
    bool source = e->kind == EQS_VOLTAGE_SOURCE || e->kind == EQS_CURRENT_SOURCE;
    if (e->kind == EQS_DIODE) {
        snprintf(text, TEXT, "%.60s", e->detail.model->name);
    } else if (e->kind == EQS_INSTANCE) {
        snprintf(text, TEXT, "%.60s", e->detail.instance->subcircuit->name);
    } else if (source && e->detail.waveform != NULL) {
        snprintf(text, TEXT, "%s", e->detail.waveform->kind == EQS_WAVEFORM_PWL ? "waveform" : "supplied");
    } else if (e->kind == EQS_BEHAVIOURAL_VOLTAGE || e->kind == EQS_BEHAVIOURAL_CURRENT) {
        snprintf(text, TEXT, "formula below");
    } else {
        put_value(e->value, unit_of(e->kind), value);
        snprintf(text, TEXT, "%.60s", value);
    }
}

/* ---- symbols, upright at x between y and y + BODY ---- */

static void draw_line(FILE *file, double x1, double y1, double x2, double y2)
{
    fprintf(file, "<path d=\"M%g %g L%g %g\"/>\n", x1, y1, x2, y2);
}

static void draw_arrow(FILE *file, double x, double y, bool down)
{
    int d = down ? 1 : -1;
    fprintf(file, "<path d=\"M%g %g v%d m-4 %d l4 %d l4 %d\"/>\n", x, y - d * 8, d * 16, -d * 6, d * 6,
            -d * 6);
}

/* current flows in SPICE's sense from node[0] through the element to node[1] */
static void draw_symbol(FILE *file, const eqs_element *e, double x, double y, bool down)
{
    double s = SYMBOL;
    switch (e->kind) {
    case EQS_RESISTOR:
        fprintf(file, "<path d=\"M%g %g l7 4 l-14 8 l14 8 l-14 8 l14 8 l-14 8 l7 4\"/>\n", x, y - 24);
        break;
    case EQS_CAPACITOR:
        fprintf(file, "<path d=\"M%g %g v20 m-14 0 h28 m-28 8 h28 m-14 0 v20\"/>\n", x, y - 24);
        break;
    case EQS_DIODE: { /* triangle and bar, the current in the triangle's direction */
        double d = down ? 11.0 : -11.0;
        fprintf(file, "<path d=\"M%g %g h22 L%g %g z M%g %g h22 M%g %g V%g M%g %g V%g\"/>\n", x - 11, y - d,
                x, y + d, x - 11, y + d, x, y - 24, y - 11, x, y + 11, y + 24);
        break;
    }
    case EQS_VOLTAGE_SOURCE:
    case EQS_CURRENT_SOURCE:
        fprintf(file, "<circle cx=\"%g\" cy=\"%g\" r=\"%g\"/>\n", x, y, s);
        break;
    case EQS_INSTANCE:
        fprintf(file, "<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"/>\n", x - 24, y - s, 48.0, 2 * s);
        break;
    default: /* controlled sources are diamonds */
        fprintf(file, "<path d=\"M%g %g l%g %g l%g %g l%g %g z\"/>\n", x, y - s - 2, s, s + 2, -s, s + 2, -s,
                -s - 2);
    }
    bool current = e->kind == EQS_CURRENT_SOURCE || e->kind == EQS_VCCS || e->kind == EQS_CCCS ||
                   e->kind == EQS_BEHAVIOURAL_CURRENT;
    bool voltage = e->kind == EQS_VOLTAGE_SOURCE || e->kind == EQS_VCVS || e->kind == EQS_BEHAVIOURAL_VOLTAGE;
    if (current)
        draw_arrow(file, x, y, down);
    if (voltage) {
        put_text(file, x, y + (down ? -1 : 10), "class=\"sign\"", "+");
        put_text(file, x, y + (down ? 10 : -1), "class=\"sign\"", "\xe2\x88\x92");
    }
    double reach = e->kind == EQS_RESISTOR || e->kind == EQS_CAPACITOR || e->kind == EQS_DIODE ? 24
                   : e->kind == EQS_VOLTAGE_SOURCE || e->kind == EQS_CURRENT_SOURCE || e->kind == EQS_INSTANCE
                       ? s
                       : s + 2;
    draw_line(file, x, y - BODY / 2.0, x, y - reach);
    draw_line(file, x, y + reach, x, y + BODY / 2.0);
}

static void draw_ground(FILE *file, double x, double y)
{
    fprintf(file, "<path d=\"M%g %g h20 m-16 4 h12 m-8 4 h4\"/>\n", x - 10, y);
}

/* the first port of an instance that is neither this node nor ground */
static const char *other_port(const eqs_netlist *netlist, const eqs_element *e, eqs_node node)
{
    const eqs_instance *instance = e->detail.instance;
    for (size_t i = 0; i < instance->subcircuit->n_ports; i++) {
        if (instance->node[i] != node && instance->node[i] != EQS_GROUND)
            return eqs_netlist_node_name(netlist, instance->node[i]);
    }
    return "";
}

static void draw_column(const eqs_netlist *netlist, const eqs_element *e, eqs_node node, double x, double y,
                        FILE *file)
{
    char text[TEXT];
    bool down = e->node[0] == node || e->kind == EQS_INSTANCE;
    eqs_node other = e->node[down ? 1 : 0];
    fprintf(file, "<circle cx=\"%g\" cy=\"%g\" r=\"2.5\" class=\"dot\"/>\n", x, y);
    draw_symbol(file, e, x, y + BODY / 2.0, down);
    if (e->kind == EQS_INSTANCE)
        put_text(file, x, y + BODY + 14, "class=\"node\"", other_port(netlist, e, node));
    else if (other == EQS_GROUND)
        draw_ground(file, x, y + BODY);
    else
        put_text(file, x, y + BODY + 14, "class=\"node\"", eqs_netlist_node_name(netlist, other));
    put_text(file, x, y + BODY + 32, "class=\"name\"", e->name);
    describe(e, text);
    put_text(file, x, y + BODY + 48, "class=\"value\"", text);
    if (e->kind == EQS_VCCS || e->kind == EQS_VCVS) {
        snprintf(text, sizeof text, "\xc2\xb7 v(%.60s)", eqs_netlist_node_name(netlist, e->node[2]));
        put_text(file, x, y + BODY + 63, "class=\"value\"", text);
    }
}

/* formulas of behavioural sources, below their wire */
static eqs_status draw_formulas(const eqs_netlist *netlist, const wire *w, double y, FILE *file)
{
    size_t line = 0;
    for (size_t i = 0; i < w->n; i++) {
        const eqs_element *e = &netlist->element[w->element[i]];
        if (e->kind != EQS_BEHAVIOURAL_VOLTAGE && e->kind != EQS_BEHAVIOURAL_CURRENT)
            continue;
        char *formula = NULL;
        size_t size;
        FILE *memory = open_memstream(&formula, &size);
        if (memory == NULL)
            return eqs_fail(EQS_NO_MEMORY, "no memory for the formula of %s", e->name);
        fprintf(memory, "%s: %s = ", e->name, e->kind == EQS_BEHAVIOURAL_VOLTAGE ? "v" : "i");
        eqs_expression_print(netlist, e->detail.expression, memory);
        fclose(memory);
        put_text(file, LEFT, y + 16.0 * (double)line++, "class=\"formula\"", formula);
        free(formula);
    }
    return EQS_OK;
}

static eqs_status draw_wire(const eqs_netlist *netlist, const wire *w, double top, FILE *file)
{
    double y = top + TOP, x = LEFT + COLUMN / 2.0;
    char text[TEXT];
    put_text(file, LEFT, y - 14, "class=\"wire\"", eqs_netlist_node_name(netlist, w->node));
    for (size_t i = 0; i < w->n; i++, x += COLUMN)
        draw_column(netlist, &netlist->element[w->element[i]], w->node, x, y, file);
    draw_line(file, LEFT, y, x - COLUMN / 2.0, y);
    size_t lines = 0;
    for (size_t k = 0; k < EQS_ELEMENT_KIND_COUNT; k++) {
        if (w->hidden[k] == 0)
            continue;
        snprintf(text, sizeof text, "+ %zu more", w->hidden[k]);
        put_text(file, x, y + 20 + 34.0 * (double)lines, "class=\"more\"", text);
        snprintf(text, sizeof text, "%s", eqs_element_word((eqs_element_kind)k));
        put_text(file, x, y + 35 + 34.0 * (double)lines++, "class=\"kind\"", text);
    }
    return draw_formulas(netlist, w, y + BODY + 82, file);
}

static size_t columns_of(const wire *w)
{
    size_t n = w->n;
    for (size_t k = 0; k < EQS_ELEMENT_KIND_COUNT; k++) {
        if (w->hidden[k] > 0)
            return n + 2; /* room for the words */
    }
    return n;
}

static void draw_head(const char *node, double width, double height, FILE *file)
{
    fprintf(
        file,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" viewBox=\"0 0 %g %g\" "
        "role=\"img\">\n<title>Circuit at node %s</title>\n"
        "<style>text{font:12px "
        "sans-serif;text-anchor:middle;fill:#000}path,circle,rect{fill:none;stroke:#000;"
        "stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}.dot{fill:#000}.wire{font-weight:bold;"
        "text-anchor:start;fill:#00558c;font-size:14px}.node{fill:#00558c}.name{fill:#444;font-size:11px}"
        ".sign{font-size:11px}.formula,.more,.kind,.head{text-anchor:start}.formula{font-family:monospace}"
        ".kind{fill:#444;font-size:11px}.head{font-size:14px}</style>\n"
        "<rect width=\"100%%\" height=\"100%%\" style=\"fill:#fff;stroke:none\"/>\n",
        width, height, width, height, node);
}

static eqs_status no_such_node(const eqs_netlist *netlist, const char *node)
{
    char some[TEXT] = "";
    size_t used = 0;
    for (size_t i = 0; i < netlist->n_outputs && i < 3; i++)
        used += (size_t)snprintf(some + used, sizeof some - used, "%s%.50s", i > 0 ? ", " : "",
                                 eqs_netlist_node_name(netlist, netlist->output[i].node));
    return eqs_fail(EQS_USAGE, "the circuit has no node '%s'; it has, for instance, %s", node, some);
}

eqs_status eqs_netlist_draw(const eqs_netlist *netlist, const char *node, FILE *file)
{
    wire wires[MOST_GROUPS] = {0};
    uint32_t found;
    if (!eqs_names_find(&netlist->node_names, node, &found) || found == EQS_GROUND)
        return no_such_node(netlist, node);
    wires[0].node = found;
    node_list below = {.first = found};
    find_followers(netlist, &below);
    size_t n = 1 + below.n, widest = 4;
    eqs_status status = EQS_OK;
    for (size_t g = 0; status == EQS_OK && g < n; g++) {
        if (g > 0)
            wires[g].node = below.node[g - 1];
        status = find_elements(netlist, &wires[g]);
        widest = columns_of(&wires[g]) > widest ? columns_of(&wires[g]) : widest;
    }
    if (status == EQS_OK) {
        draw_head(node, 2.0 * LEFT + (double)widest * COLUMN, TITLE + (double)n * GROUP, file);
        put_text(file, LEFT, 22, "class=\"head\"", netlist->title);
    }
    for (size_t g = 0; status == EQS_OK && g < n; g++)
        status = draw_wire(netlist, &wires[g], TITLE - 20 + (double)g * GROUP, file);
    fputs("</svg>\n", file);
    for (size_t g = 0; g < n; g++)
        eqs_free(wires[g].element);
    return status;
}
