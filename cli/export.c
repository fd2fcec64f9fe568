#include "base/memory.h"
#include "cli/circuit.h"
#include "netlists/dialect.h"
#include "netlists/drawing.h"
#include "store/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_DIALECT = 4000, KEY_DRAWING };

typedef struct export_command {
    cli_circuit circuit;
    const char *dialect, *drawing;
} export_command;

static const struct argp_option options[] = {
    CLI_CIRCUIT_OPTIONS,
    {"dialect", KEY_DIALECT, "NAME", 0, "ngspice (default), xyce or ltspice", 1},
    {"drawing", KEY_DRAWING, "NODE", 0, "Draw the circuit around NODE (h1_0, o_3, ...) as SVG instead", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state, void *own)
{
    export_command *o = own;
    (void)state;
    if (key == KEY_DRAWING) {
        o->drawing = arg;
        return 0;
    }
    if (key == KEY_DIALECT) {
        o->dialect = arg;
        return 0;
    }
    return cli_circuit_parse(key, arg, &o->circuit);
}

static eqs_status draw(const eqs_netlist *netlist, const char *node, const char *path)
{
    char *svg = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&svg, &size);
    if (memory == NULL)
        return eqs_fail(EQS_NO_MEMORY, "%s: no memory for the drawing", path);
    eqs_status status = eqs_netlist_draw(netlist, node, memory);
    if (fclose(memory) != 0 && status == EQS_OK)
        status = eqs_fail(EQS_NO_MEMORY, "%s: no memory for the drawing", path);
    if (status == EQS_OK)
        status = eqs_file_replace(path, svg, size);
    free(svg);
    return status;
}

static eqs_status export_sample(const cli_subject *subject, const cli_samples *samples,
                                const cli_common *common, const export_command *own)
{
    const eqs_dialect *dialect;
    eqs_circuit_options circuit;
    double xi;
    if (eqs_dialect_find(own->dialect, &dialect) != EQS_OK)
        return eqs_fail_context(EQS_USAGE, "--dialect");
    EQS_TRY(cli_phase_xi(subject, own->circuit.phase, &xi));
    EQS_TRY(cli_circuit_options(subject, &own->circuit, false, &circuit));
    if (samples->n != 1)
        return eqs_fail(EQS_USAGE, "--samples: %zu samples found, allowed: 1 (a netlist holds one sample)",
                        samples->n);
    char label[96];
    snprintf(label, sizeof label, "%s sample %u of %s, class %s", eqs_dataset_part_name(samples->part),
             samples->index[0], samples->data->name, samples->data->class_name[samples->label[0]]);
    circuit.circuit.label = label;
    circuit.circuit.settled_start = xi != 0.0;
    eqs_phase phase = cli_circuit_phase(subject, samples, xi);
    eqs_state *start = NULL;
    eqs_netlist *netlist = NULL;
    EQS_TRY(cli_circuit_start(subject, samples, xi, &start));
    phase.free_output = start->s[subject->setup->net->n_layers - 1];
    eqs_status status = eqs_circuit_build(subject->setup->energy, &phase, 0, start, &circuit, &netlist);
    if (status == EQS_OK && own->drawing != NULL)
        status = draw(netlist, own->drawing, common->output);
    else if (status == EQS_OK)
        status = eqs_netlist_write_file(netlist, dialect, common->output);
    if (status == EQS_OK && own->drawing == NULL)
        cli_note(common, "%s: %zu elements; run it with: %s", common->output, netlist->n_elements,
                 dialect->run);
    eqs_netlist_destroy(netlist);
    eqs_state_destroy(start);
    return status;
}

int cli_export(int argc, char **argv)
{
    static const cli_syntax syntax = {
        .arguments = "CONFIG|RUN.h5",
        .doc = "Write the circuit of one sample as a SPICE netlist.\v"
               "Examples:\n  eqspice export run.h5 --samples 3 --phase nudged --analysis tran --fold -o "
               "sample3.cir\n"
               "  eqspice export run.h5 --samples 3 --phase nudged --drawing o_3 -o neuron.svg",
        .options = options,
        .parse = parse,
        .least = 1,
        .most = 1,
        .uses = CLI_OUTPUT | CLI_SET,
        .needs_output = true,
    };
    cli_common common;
    export_command own = {.circuit = {.samples = "0", .phase = "free", .analysis = "op", .fold = -1},
                          .dialect = "ngspice"};
    const char *word;
    cli_parse(&syntax, argc, argv, &common, &word, &own);
    cli_subject subject = {0};
    cli_samples samples = {0};
    eqs_status status = cli_subject_load(word, &common, &subject);
    if (status == EQS_OK)
        status = cli_samples_load(&subject, own.circuit.samples, &samples);
    if (status == EQS_OK)
        status = export_sample(&subject, &samples, &common, &own);
    cli_samples_clear(&samples);
    cli_subject_clear(&subject);
    cli_common_clear(&common);
    return status == EQS_OK ? 0 : cli_fail(status);
}
