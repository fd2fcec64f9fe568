/* Xyce (after its Reference Guide; not run here): expressions in braces, options by package, .print of every
 * output into FILE.prn, .measure into FILE.mt0. */
#include "netlists/dialect.h"
#include "netlists/number.h"

static void tolerances(const eqs_tolerances *t, FILE *file)
{
    fputs(".options timeint method=trap", file);
    if (t->reltol > 0.0)
        fprintf(file, " reltol=%s", NUMBER(t->reltol));
    if (t->vntol > 0.0) /* Xyce's abstol of the time integrator is in the unknowns' unit, volts */
        fprintf(file, " abstol=%s", NUMBER(t->vntol));
    fputc('\n', file);
    if (t->dc_iterations > 0)
        fprintf(file, ".options nonlin maxstep=%u\n", t->dc_iterations);
    if (t->tran_iterations > 0)
        fprintf(file, ".options nonlin-tran maxstep=%u\n", t->tran_iterations);
    if (t->gmin > 0.0)
        fprintf(file, ".options device gmin=%s\n", NUMBER(t->gmin));
    if (t->temperature > 0.0)
        fprintf(file, ".options device temp=%s tnom=%s\n", CELSIUS(t->temperature), CELSIUS(t->temperature));
}

static void print_measures(const eqs_netlist *netlist, FILE *file)
{
    for (size_t i = 0; i < netlist->n_outputs; i++) {
        if (!netlist->output[i].measured)
            continue;
        const char *name = eqs_netlist_node_name(netlist, netlist->output[i].node);
        fprintf(file, ".measure tran final_%s find v(%s) at=%s\n", name, name,
                NUMBER(netlist->analysis.t_stop));
        fprintf(file, ".measure tran min_%s min v(%s)\n.measure tran max_%s max v(%s)\n", name, name, name,
                name);
    }
}

static void analysis(const eqs_netlist *netlist, FILE *file)
{
    const eqs_analysis *a = &netlist->analysis;
    if (a->kind == EQS_ANALYSIS_OP)
        fputs(".op\n", file);
    else if (a->kind == EQS_ANALYSIS_DC)
        fprintf(file, ".dc %s %s %s %s\n", a->source, NUMBER(a->from), NUMBER(a->to), NUMBER(a->step));
    else
        fprintf(file, ".tran %s %s 0 %s%s\n", NUMBER(a->t_first), NUMBER(a->t_stop), NUMBER(a->t_max_step),
                a->use_initial ? " uic" : "");
    if (netlist->n_outputs > 0) {
        fprintf(file, ".print %s", a->kind == EQS_ANALYSIS_TRAN ? "tran" : "dc");
        eqs_dialect_print_outputs(netlist, file);
    }
    if (a->kind == EQS_ANALYSIS_TRAN)
        print_measures(netlist, file);
}

const eqs_dialect eqs_dialect_xyce = {
    .name = "xyce",
    .summary = "Xyce 7; after its documentation, not run by the tests",
    .run = "Xyce FILE",
    .braces = true,
    .pwl_open = " ",
    .pwl_close = "",
    .external = false,
    .tolerances = tolerances,
    .analysis = analysis,
};
