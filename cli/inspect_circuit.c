#include "cli/inspect_circuit.h"

#include "cli/cli.h"
#include "netlists/subcircuit.h"

#include <stdio.h>
#include <string.h>

bool cli_is_circuit_file(const char *path)
{
    static const char *const ends[] = {".cir", ".sub", ".sp", ".spi", ".ckt"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof ends / sizeof *ends; i++) {
        if (strcasecmp(dot, ends[i]) == 0)
            return true;
    }
    return false;
}

static void print_json(const eqs_spice_file *file)
{
    const eqs_spice_subcircuit *top = eqs_spice_file_top(file);
    json_t *pins = json_array(), *parameters = json_array();
    for (size_t i = 0; i < top->n_pins; i++)
        json_array_append_new(
            pins, json_pack("{s:s, s:s}", "name", top->pin[i].name, "meaning", top->pin[i].meaning));
    for (size_t i = 0; i < top->n_parameters; i++)
        json_array_append_new(parameters,
                              json_pack("{s:s, s:f, s:s}", "name", top->parameter[i].name, "default",
                                        top->parameter[i].value, "meaning", top->parameter[i].meaning));
    cli_print_json(json_pack("{s:s, s:s, s:s, s:I, s:o, s:o}", "file", file->name, "summary", file->summary,
                             "subcircuit", top->name, "elements", (json_int_t)top->n_elements, "pins", pins,
                             "parameters", parameters));
}

static void print_text(const eqs_spice_file *file)
{
    const eqs_spice_subcircuit *top = eqs_spice_file_top(file);
    printf("%s: %s\n", file->name, file->summary);
    printf("subcircuit %s, line %zu, %zu elements\n", top->name, top->line, top->n_elements);
    for (size_t s = 0; s + 1 < file->n_subcircuits; s++)
        printf("    with %s, %zu elements\n", file->subcircuit[s].name, file->subcircuit[s].n_elements);
    puts("pins:");
    for (size_t i = 0; i < top->n_pins; i++)
        printf("  %-12s %s\n", top->pin[i].name, top->pin[i].meaning);
    if (top->n_parameters > 0)
        puts("parameters and their defaults:");
    for (size_t i = 0; i < top->n_parameters; i++)
        printf("  %-12s %-12g %s\n", top->parameter[i].name, top->parameter[i].value,
               top->parameter[i].meaning);
}

eqs_status cli_inspect_circuit(const char *path, bool json)
{
    eqs_spice_file *file;
    EQS_TRY(eqs_spice_file_load(path, &file));
    if (json)
        print_json(file);
    else
        print_text(file);
    eqs_spice_file_destroy(file);
    return EQS_OK;
}
