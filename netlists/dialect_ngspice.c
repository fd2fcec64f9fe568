/* ngspice (measured on 39.3): one flat .options line; a control block that runs the analysis and prints. */
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
    print_option("pivtol", t->pivtol, file);
    print_option("gmin", t->gmin, file);
    print_option("itl1", t->dc_iterations, file);
    print_option("itl4", t->tran_iterations, file);
    if (t->temperature > 0.0)
        fprintf(file, ".options temp=%s tnom=%s\n", CELSIUS(t->temperature), CELSIUS(t->temperature));
}

static const char *output_name(const eqs_netlist *netlist, size_t i)
{
    return eqs_netlist_node_name(netlist, netlist->output[i].node);
}

/* the last point of every output, then the extremes of those that are measured */
static void print_final(const eqs_netlist *netlist, FILE *file)
{
    for (size_t i = 0; i < netlist->n_outputs; i++) {
        const char *name = output_name(netlist, i);
        fprintf(file, "let final_%s = v(%s)[length(v(%s)) - 1]\nprint final_%s\n", name, name, name, name);
    }
    for (size_t i = 0; i < netlist->n_outputs; i++) {
        const char *name = output_name(netlist, i);
        if (netlist->output[i].measured)
            fprintf(file, "meas tran min_%s min v(%s)\nmeas tran max_%s max v(%s)\n", name, name, name, name);
    }
}

static void analysis(const eqs_netlist *netlist, FILE *file)
{
    char command[256];
    if (eqs_netlist_command(netlist, command, sizeof command) != EQS_OK)
        return; /* eqs_netlist_check has seen that there is an analysis */
    fprintf(file, ".control\nset numdgt=12\n%s\n", command);
    if (netlist->analysis.kind == EQS_ANALYSIS_TRAN) {
        print_final(netlist, file);
    } else {
        for (size_t i = 0; i < netlist->n_outputs; i++)
            fprintf(file, "print v(%s)\n", output_name(netlist, i));
    }
    fputs("quit\n.endc\n", file);
}

const eqs_dialect eqs_dialect_ngspice = {
    .name = "ngspice",
    .summary = "ngspice 39 and later; prints its outputs in batch mode",
    .run = "ngspice -b FILE",
    .braces = false,
    .pwl_open = "(",
    .pwl_close = ")",
    .external = true,
    .tolerances = tolerances,
    .analysis = analysis,
};
