#include "base/log.h"
#include "base/ranks.h"
#include "base/run.h"
#include "base/version.h"
#include "cli/cli.h"
#include "netlists/worker.h"

#include <cblas.h>
#include <errno.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sundials/sundials_version.h>
#include <unistd.h>
#include <yaml.h>

const cli_command cli_commands[] = {
    {"train", "train a network by equilibrium propagation", cli_train},
    {"eval", "errors of a trained network on a data set", cli_eval},
    {"relax", "bring samples to their free or nudged fixed point; record trajectories", cli_relax},
    {"export", "write the network as a SPICE netlist", cli_export},
    {"simulate", "run the circuit in ngspice and compare it with ODE and equilibrium", cli_simulate},
    {"gradcheck", "compare the EqProp gradient with the exact one", cli_gradcheck},
    {"study", "measure how a network relaxes, and what its gradients are worth", cli_study},
    {"plot", "draw curves, trajectories, weights and studies of a result file", cli_plot},
    {"report", "write a web page about a result file", cli_report},
    {"watch", "follow a training run in the terminal or as a page", cli_watch},
    {"inspect", "what is in a result file", cli_inspect},
    {"list", "models, solvers, rules, studies, devices, data sets, experiments", cli_list},
    {"config", "print the default configuration, check a file", cli_config},
    {NULL, NULL, NULL},
};

static void print_message(eqs_log_level level, const char *text, void *user)
{
    (void)user;
    if (level <= EQS_LOG_INFO)
        fprintf(stderr, "eqspice: %s%s\n", level == EQS_LOG_WARNING ? "warning: " : "", text);
}

static void print_version(void)
{
    unsigned major = 0, minor = 0, release = 0;
    char sundials[32] = "unknown";
    H5get_libversion(&major, &minor, &release);
    SUNDIALSGetVersion(sundials, sizeof sundials);
    printf("eqspice %s (%s), %s\n", eqs_version(), eqs_revision(), eqs_compiler());
    printf("SUNDIALS %s, HDF5 %u.%u.%u, libyaml %s, %s\n", sundials, major, minor, release,
           yaml_get_version_string(), openblas_get_config());
    eqs_worker *worker;
    eqs_worker_options limits = eqs_worker_options_default();
    if (eqs_worker_create(&limits, &worker) == EQS_OK) {
        printf("%s\n", eqs_worker_version(worker));
        eqs_worker_destroy(worker);
    } else {
        printf("ngspice: %s\n", eqs_error_message());
    }
}

static void print_help(FILE *out)
{
    fprintf(out,
            "Usage: eqspice COMMAND [OPTIONS]\n\n"
            "Simulates analog hardware that learns by equilibrium propagation: one network as an ODE, as an\n"
            "equilibrium, and as a circuit.\n\n");
    for (const cli_command *command = cli_commands; command->name != NULL; command++)
        fprintf(out, "  %-10s %s\n", command->name, command->summary);
    fprintf(
        out,
        "\n`eqspice COMMAND --help` shows the options of a command; `eqspice --version` what is built in.\n"
        "Example: eqspice train hopfield-fashion-8x8 -o run.h5\n");
}

/* Data goes to stdout: what could not be written there is an error, too. */
static int end_output(int code)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return code;
    eqs_status status = eqs_fail(EQS_IO, "cannot write to the standard output: %s", strerror(errno));
    return code == 0 ? cli_fail(status) : code;
}

/* Runs a command on all ranks that mpirun has started. */
static int run(const cli_command *command, int argc, char **argv)
{
    eqs_status status = eqs_ranks_start();
    if (status == EQS_OK && eqs_ranks() > 1 && command->run != cli_train)
        status =
            eqs_fail(EQS_USAGE, "`eqspice %s` runs on one rank, found %d; only `eqspice train` uses several",
                     command->name, eqs_ranks());
    int code = status == EQS_OK  ? command->run(argc, argv)
               : eqs_rank() == 0 ? cli_fail(status)
                                 : eqs_status_exit_code(status);
    eqs_ranks_stop();
    return end_output(code);
}

int main(int argc, char **argv)
{
    openblas_set_num_threads(1);
    eqs_log_set_handler(print_message, NULL);
    eqs_signals_install();
    if (argc < 2) {
        print_help(stderr);
        return eqs_status_exit_code(EQS_USAGE);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return end_output(0);
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        print_version();
        return end_output(0);
    }
    for (const cli_command *command = cli_commands; command->name != NULL; command++) {
        if (strcmp(argv[1], command->name) != 0)
            continue;
        char name[64];
        snprintf(name, sizeof name, "eqspice %s", command->name);
        argv[1] = name;
        return run(command, argc - 1, argv + 1);
    }
    fprintf(stderr, "eqspice: '%s' is not a command; `eqspice --help` lists them\n", argv[1]);
    return eqs_status_exit_code(EQS_USAGE);
}
