/* LTspice (after its help; not run here): flat options, .save of the outputs, .meas into the log. */
#include "netlists/dialect.h"
#include "netlists/number.h"

static void print_option(const char *name, double value, FILE *file)
{
    if (value > 0.0)
        fprintf(file, ".options %s=%s\n", name, NUMBER(value));
}

static void tolerances(const eqs_tolerances *t, FILE *file)
{
    print_option("reltol", t->reltol, file);
    print_option("vntol", t->vntol, file);
    print_option("abstol", t->abstol, file);
    print_option("chgtol", t->chgtol, file);
    print_option("gmin", t->gmin, file);
    print_option("itl1", t->dc_iterations, file);
    print_option("itl4", t->tran_iterations, file);
    if (t->temperature > 0.0)
        fprintf(file, ".temp %s\n.options tnom=%s\n", CELSIUS(t->temperature), CELSIUS(t->temperature));
}

static void print_measures(const eqs_netlist *netlist, FILE *file)
{
    for (size_t i = 0; i < netlist->n_outputs; i++) {
        const char *name = eqs_netlist_node_name(netlist, netlist->output[i].node);
        fprintf(file, ".meas tran final_%s find v(%s) at=%s\n", name, name, NUMBER(netlist->analysis.t_stop));
        if (netlist->output[i].measured)
            fprintf(file, ".meas tran min_%s min v(%s)\n.meas tran max_%s max v(%s)\n", name, name, name,
                    name);
    }
}

static void analysis(const eqs_netlist *netlist, FILE *file)
{
    const eqs_analysis *a = &netlist->analysis;
    if (netlist->n_outputs > 0) {
        fputs(".save", file);
        eqs_dialect_print_outputs(netlist, file);
    }
    if (a->kind == EQS_ANALYSIS_OP) {
        fputs(".op\n", file);
    } else if (a->kind == EQS_ANALYSIS_DC) {
        fprintf(file, ".dc %s %s %s %s\n", a->source, NUMBER(a->from), NUMBER(a->to), NUMBER(a->step));
    } else {
        fprintf(file, ".tran 0 %s 0 %s%s\n", NUMBER(a->t_stop), NUMBER(a->t_max_step),
                a->use_initial ? " uic" : "");
        print_measures(netlist, file);
    }
}

const eqs_dialect eqs_dialect_ltspice = {
    .name = "ltspice",
    .summary = "LTspice; after its documentation, not run by the tests",
    .run = "LTspice -b FILE",
    .braces = false,
    .pwl_open = "(",
    .pwl_close = ")",
    .external = false,
    .tolerances = tolerances,
    .analysis = analysis,
};
