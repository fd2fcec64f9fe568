#include "base/memory.h"
#include "cli/cli.h"
#include "learning/study.h"
#include "netlists/dialect.h"
#include "netlists/library.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void list_models(void)
{
    static const char *const activations[][2] = {
#define X(kind, name, formula) {name, formula},
        EQS_ACTIVATION_LIST(X)
#undef X
    };
    puts("terms of the energy:");
    for (size_t i = 0; eqs_term_builtin(i) != NULL; i++)
        printf("  %-18s %s\n", eqs_term_builtin(i)->name, eqs_term_builtin(i)->equation);
    puts("activations (network.activation):");
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        printf("  %-18s %s\n", activations[i][0], activations[i][1]);
    puts("forms (dynamics.form):");
    puts("  gradient           tau ds/dt = -dF/ds");
    puts("  projected          the same flow projected on the box of a clipped-linear activation");
    puts("  membrane           tau du/dt = -u + W rho(u) + b");
}

static void list_solvers(void)
{
    puts("solvers (relaxation.solver):");
    for (size_t i = 0; eqs_solver_get(i) != NULL; i++)
        printf("  %-18s %s\n", eqs_solver_get(i)->name, eqs_solver_get(i)->summary);
}

static void list_rules(void)
{
    puts("rules (learning.rule):");
    for (size_t i = 0; eqs_rule_get(i) != NULL; i++)
        printf("  %-18s %s\n", eqs_rule_get(i)->name, eqs_rule_get(i)->summary);
}

static void list_devices(void)
{
    puts("circuit levels (--level):");
    puts("  behavioural        Hopfield networks: leaky integrator per neuron, a VCCS per synapse and "
         "direction, a "
         "B source for rho");
    puts("  device             resistive networks: the elements below");
    puts("elements of the device level (docs/circuits-resistive.md):");
    puts("  r_  resistor       a synapse of conductance g; r_fold_: folded inputs");
    puts("  v_  sources        inputs +x and -x, the reference, voltages that diodes lean on");
    puts("  d_  diode          bounds a hidden node (network.diode: none, ideal, shockley, ngspice)");
    puts("  b_  source         what ngspice's diode lacks in reverse (network.diode: shockley)");
    puts("  x_  amplifier      bidirectional; circuit.amplifier_*: open-loop gain, bandwidth, offset, "
         "resistance");
    puts(
        "  i_  current        biases and nudges; g_nudge_: the nudge as a conductance (learning.nudge_form)");
    puts("  c_  capacitor      of every node, in transients");
    puts("dialects (--dialect):");
    for (size_t i = 0; eqs_dialect_get(i) != NULL; i++)
        printf("  %s\n", eqs_dialect_get(i)->name);
    puts("devices (subcircuits for cosimulation.subcircuit):");
    for (const eqs_device *device = eqs_devices; device->name != NULL; device++) {
        size_t length = strcspn(device->text, "\n");
        printf("  %-24s %.*s\n", device->name, (int)length - 2, device->text + 2);
    }
}

static int is_experiment(const struct dirent *entry)
{
    const char *end = strrchr(entry->d_name, '.');
    return end != NULL && strcmp(end, ".yaml") == 0;
}

/* first comment line of an experiment, without "# " */
static void print_title(const char *path)
{
    char line[256] = "";
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return;
    if (fgets(line, sizeof line, file) != NULL && line[0] == '#')
        printf("%s", line + 2);
    fclose(file);
}

static void list_experiments(void)
{
    puts("experiments (their names stand for CONFIG):");
    const char *folder = cli_experiments_folder();
    struct dirent **entries;
    int n = folder == NULL ? -1 : scandir(folder, &entries, is_experiment, alphasort);
    for (int i = 0; i < n; i++) {
        char *path = eqs_format("%s/%s", folder, entries[i]->d_name);
        *strrchr(entries[i]->d_name, '.') = '\0';
        printf("  %-24s ", entries[i]->d_name);
        if (path != NULL)
            print_title(path);
        eqs_free(path);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

static void list_studies(void)
{
    puts("studies (eqspice study NAME):");
    for (size_t i = 0; eqs_study_get(i) != NULL; i++)
        printf("  %-18s %s\n", eqs_study_get(i)->name, eqs_study_get(i)->summary);
}

static void list_data(void)
{
    puts("data sets (data.set):");
    puts("  fashion-mnist      60,000 + 10,000 images 28x28 of clothing; Debian package "
         "dataset-fashion-mnist");
    puts("  mnist              60,000 + 10,000 images 28x28 of digits; four IDX files (.gz or not)");
    puts("  idx                any pair of IDX files: data.path (images), data.labels");
    puts("  csv                numbers, the last column the class: data.path");
    puts("looked for in data.path, $EQSPICE_DATA, ../shared/data, /usr/share/datasets");
}

static void list_codes(void)
{
    puts("exit codes (128 + n: stopped by signal n):");
    for (int i = 0; i < EQS_STATUS_COUNT; i++)
        printf("  %3d  %-18s %s\n", eqs_status_exit_code((eqs_status)i), eqs_status_name((eqs_status)i),
               eqs_status_text((eqs_status)i));
}

int cli_list(int argc, char **argv)
{
    static const cli_syntax syntax = {
        .arguments = "[models|solvers|rules|studies|devices|experiments|data|codes]",
        .doc = "List what eqspice knows.\vExample: eqspice list experiments",
        .most = 1,
    };
    static const struct {
        const char *name;
        void (*print)(void);
    } lists[] = {{"models", list_models},   {"solvers", list_solvers}, {"rules", list_rules},
                 {"studies", list_studies}, {"devices", list_devices}, {"experiments", list_experiments},
                 {"data", list_data},       {"codes", list_codes}};
    cli_common common;
    const char *word;
    bool known = false;
    cli_parse(&syntax, argc, argv, &common, &word, NULL);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (word != NULL && strcmp(word, lists[i].name) != 0)
            continue;
        known = true;
        lists[i].print();
    }
    if (known)
        return 0;
    fprintf(stderr, "eqspice list: '%s' found, allowed: %s\n", word, syntax.arguments);
    return eqs_status_exit_code(EQS_USAGE);
}
