/* Directives of a netlist: tolerances, initial conditions, outputs, the analysis; and the final check. */
#include "netlists/netlist.h"

#include "base/memory.h"
#include "netlists/expression.h"

#include <math.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };

static eqs_status at_top(const eqs_netlist *netlist, const char *what)
{
    if (netlist->parent == NULL)
        return EQS_OK;
    return eqs_fail(EQS_BAD_DATA, "subcircuit '%s': %s belong to the netlist, not to a subcircuit",
                    netlist->title, what);
}

eqs_status eqs_netlist_tolerances(eqs_netlist *netlist, const eqs_tolerances *t)
{
    EQS_TRY(at_top(netlist, "tolerances"));
    const struct {
        const char *name;
        double value;
    } all[] = {{"reltol", t->reltol},          {"vntol", t->vntol},   {"abstol", t->abstol},
               {"chgtol", t->chgtol},          {"pivtol", t->pivtol}, {"gmin", t->gmin},
               {"temperature", t->temperature}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!isfinite(all[i].value) || all[i].value < 0.0)
            return eqs_fail(EQS_BAD_DATA, "tolerance %s = %g: must be positive, or 0 for the default",
                            all[i].name, all[i].value);
    }
    netlist->tolerances = *t;
    return EQS_OK;
}

static eqs_status append_value(eqs_netlist *netlist, const char *what, eqs_node_value **array, size_t *n,
                               size_t *capacity, eqs_node node, double volts)
{
    EQS_TRY(at_top(netlist, what));
    if (node == EQS_GROUND || node >= netlist->node_names.n || !isfinite(volts))
        return eqs_fail(EQS_BAD_DATA,
                        "%s: node %u at %g V: a node of this netlist and a finite voltage are wanted", what,
                        (unsigned)node, volts);
    if (*n == *capacity) {
        size_t more = *capacity == 0 ? FIRST_CAPACITY : 2 * *capacity;
        eqs_node_value *grown = eqs_realloc(*array, *n, more, sizeof *grown);
        if (grown == NULL)
            return EQS_NO_MEMORY;
        *array = grown;
        *capacity = more;
    }
    (*array)[(*n)++] = (eqs_node_value){node, volts};
    return EQS_OK;
}

eqs_status eqs_netlist_initial(eqs_netlist *netlist, eqs_node node, double volts)
{
    return append_value(netlist, "initial conditions", &netlist->initial, &netlist->n_initial,
                        &netlist->initial_capacity, node, volts);
}

eqs_status eqs_netlist_guess(eqs_netlist *netlist, eqs_node node, double volts)
{
    return append_value(netlist, "guesses", &netlist->guess, &netlist->n_guesses, &netlist->guess_capacity,
                        node, volts);
}

eqs_status eqs_netlist_output(eqs_netlist *netlist, eqs_node node, bool measured)
{
    EQS_TRY(at_top(netlist, "outputs"));
    if (node == EQS_GROUND || node >= netlist->node_names.n)
        return eqs_fail(EQS_BAD_DATA, "output: node %u is not of this netlist", (unsigned)node);
    if (netlist->n_outputs == netlist->output_capacity) {
        size_t more = netlist->output_capacity == 0 ? FIRST_CAPACITY : 2 * netlist->output_capacity;
        eqs_output *grown = eqs_realloc(netlist->output, netlist->n_outputs, more, sizeof *grown);
        if (grown == NULL)
            return EQS_NO_MEMORY;
        netlist->output = grown;
        netlist->output_capacity = more;
    }
    netlist->output[netlist->n_outputs++] = (eqs_output){node, measured};
    return EQS_OK;
}

eqs_status eqs_netlist_op(eqs_netlist *netlist)
{
    EQS_TRY(at_top(netlist, "analyses"));
    netlist->analysis = (eqs_analysis){.kind = EQS_ANALYSIS_OP};
    return EQS_OK;
}

eqs_status eqs_netlist_tran(eqs_netlist *netlist, double t_first, double t_stop, double t_max_step,
                            bool use_initial)
{
    EQS_TRY(at_top(netlist, "analyses"));
    bool fine =
        isfinite(t_stop) && t_first > 0.0 && t_first <= t_stop && t_max_step > 0.0 && t_max_step <= t_stop;
    if (!fine)
        return eqs_fail(EQS_BAD_DATA,
                        "tran: first step %g s, stop %g s, longest step %g s: all positive, steps <= stop",
                        t_first, t_stop, t_max_step);
    netlist->analysis = (eqs_analysis){.kind = EQS_ANALYSIS_TRAN,
                                       .t_first = t_first,
                                       .t_stop = t_stop,
                                       .t_max_step = t_max_step,
                                       .use_initial = use_initial};
    return EQS_OK;
}

eqs_status eqs_netlist_dc(eqs_netlist *netlist, const char *source, double from, double to, double step)
{
    EQS_TRY(at_top(netlist, "analyses"));
    bool fine = isfinite(from) && isfinite(to) && isfinite(step) && step != 0.0 && (to - from) / step >= 0.0;
    if (!fine)
        return eqs_fail(EQS_BAD_DATA, "dc: from %g to %g by %g is no sweep", from, to, step);
    const char *copy = eqs_arena_text(&netlist->arena, source, strlen(source));
    if (copy == NULL)
        return EQS_NO_MEMORY;
    netlist->analysis =
        (eqs_analysis){.kind = EQS_ANALYSIS_DC, .source = copy, .from = from, .to = to, .step = step};
    return EQS_OK;
}

enum { CARRIES = 1, READ = 2 };

static void mark_read(eqs_node node, void *use)
{
    ((unsigned char *)use)[node] |= READ;
}

/* which nodes an element joins and which it only reads */
static void mark(const eqs_element *e, unsigned char *use)
{
    size_t terminals = eqs_element_terminals(e->kind);
    for (size_t t = 0; t < terminals; t++)
        use[e->node[t]] |= t < 2 ? CARRIES : READ;
    if (e->kind == EQS_INSTANCE) {
        for (size_t i = 0; i < e->detail.instance->subcircuit->n_ports; i++)
            use[e->detail.instance->node[i]] |= CARRIES;
    }
    if (e->kind == EQS_BEHAVIOURAL_VOLTAGE || e->kind == EQS_BEHAVIOURAL_CURRENT)
        eqs_expression_nodes(e->detail.expression, mark_read, use);
}

/* every node that matters carries current: nobody reads a node that nothing drives; ports (NULL at the top)
 * are driven from outside */
static eqs_status check_nodes(const eqs_netlist *netlist, const eqs_subcircuit *ports)
{
    unsigned char *use = eqs_alloc(netlist->node_names.n, 1);
    if (use == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < netlist->n_elements; i++)
        mark(&netlist->element[i], use);
    for (size_t i = 0; ports != NULL && i < ports->n_ports; i++)
        use[ports->port[i]] |= CARRIES;
    for (size_t i = 0; i < netlist->n_outputs; i++)
        use[netlist->output[i].node] |= READ;
    for (size_t i = 0; i < netlist->n_guesses; i++)
        use[netlist->guess[i].node] |= READ;
    for (size_t i = 0; i < netlist->n_initial; i++)
        use[netlist->initial[i].node] |= READ;
    eqs_status status = EQS_OK;
    for (size_t i = 1; status == EQS_OK && i < netlist->node_names.n; i++) {
        if (use[i] == READ)
            status = eqs_fail(EQS_BAD_DATA, "node '%s' is read, but no element drives it",
                              netlist->node_names.text[i]);
    }
    eqs_free(use);
    return status;
}

static bool has_source(const eqs_netlist *netlist, const char *name, eqs_element_kind kind)
{
    uint32_t index;
    return eqs_names_find(&netlist->element_names, name, &index) && index < netlist->n_elements &&
           netlist->element[index].kind == kind;
}

static eqs_status check_body(const eqs_netlist *netlist, const eqs_subcircuit *ports)
{
    if (netlist->n_elements == 0)
        return eqs_fail(EQS_BAD_DATA, "circuit '%.100s' has no elements", netlist->title);
    for (size_t i = 0; i < netlist->n_elements; i++) {
        const eqs_element *e = &netlist->element[i];
        if (e->kind == EQS_CCCS && !has_source(netlist, e->detail.control, EQS_VOLTAGE_SOURCE))
            return eqs_fail(EQS_BAD_DATA, "element %s: there is no voltage source %s", e->name,
                            e->detail.control);
    }
    return check_nodes(netlist, ports);
}

eqs_status eqs_netlist_check(const eqs_netlist *netlist)
{
    for (const eqs_subcircuit *s = netlist->subcircuit; s != NULL; s = s->next) {
        eqs_status status = check_body(s->body, s);
        if (status != EQS_OK)
            return eqs_fail_context(status, "subcircuit '%s'", s->name);
    }
    EQS_TRY(check_body(netlist, NULL));
    const eqs_analysis *a = &netlist->analysis;
    if (a->kind == EQS_ANALYSIS_NONE)
        return eqs_fail(EQS_BAD_DATA, "circuit '%.100s' has no analysis", netlist->title);
    if (a->kind == EQS_ANALYSIS_DC && !has_source(netlist, a->source, EQS_VOLTAGE_SOURCE) &&
        !has_source(netlist, a->source, EQS_CURRENT_SOURCE))
        return eqs_fail(EQS_BAD_DATA, "dc: there is no independent source %s", a->source);
    return EQS_OK;
}
