/* Options that export and simulate share. */
#ifndef EQS_CLI_CIRCUIT_H
#define EQS_CLI_CIRCUIT_H

#include "cli/cli.h"
#include "netlists/simulate.h"

enum { CLI_KEY_SAMPLES = 3000, CLI_KEY_PHASE, CLI_KEY_LEVEL, CLI_KEY_ANALYSIS, CLI_KEY_FOLD, CLI_KEY_FULL };

typedef struct cli_circuit {
    const char *samples, *phase, *level, *analysis;
    int fold; /* 1: fold, 0: full, -1: the command's default */
} cli_circuit;

/* The shared options, for an argp option array. */
#define CLI_CIRCUIT_OPTIONS                                                                                  \
    {"samples", CLI_KEY_SAMPLES, "LIST", 0, "Test samples, e.g. 0:16, 3 or train:0:16", 1},                  \
        {"phase", CLI_KEY_PHASE, "PHASE", 0, "free (default), nudged or nudged-", 1},                        \
        {"level",                                                                                            \
         CLI_KEY_LEVEL,                                                                                      \
         "LEVEL",                                                                                            \
         0,                                                                                                  \
         "auto, behavioural (Hopfield) or device (resistive); default circuit.level",                        \
         1},                                                                                                 \
        {"analysis", CLI_KEY_ANALYSIS, "NAME", 0, "op (default) or tran", 1},                                \
        {"fold", CLI_KEY_FOLD, 0, 0, "Fold clamped inputs into bias currents (exact, far smaller)", 1},      \
    {                                                                                                        \
        "full", CLI_KEY_FULL, 0, 0, "Draw every input synapse", 1                                            \
    }

/* Handles the shared keys; ARGP_ERR_UNKNOWN for others. */
error_t cli_circuit_parse(int key, char *arg, cli_circuit *out);

/* Circuit options of a subject: units and tolerances from circuit.*, the analysis and folding from the
 * command line. EQS_USAGE / EQS_BAD_CONFIG for words that are not allowed. */
eqs_status cli_circuit_options(const cli_subject *subject, const cli_circuit *own, bool fold_by_default,
                               eqs_circuit_options *out);

/* The state from which a phase starts: zero for the free phase; for a nudged phase the free fixed point,
 * relaxed by the equilibrium solver here. Rows as in samples; the caller's. */
eqs_status cli_circuit_start(const cli_subject *subject, const cli_samples *samples, double xi,
                             eqs_state **out);

/* The phase at beta + xi delta for some samples. */
eqs_phase cli_circuit_phase(const cli_subject *subject, const cli_samples *samples, double xi);

/* simulate --cosim: parts of the network in ngspice beside CVODE; writes and prints. tolerance 0: 10 times
 * the coupling's. EQS_CHECK_FAILED when an ideal circuit disagrees with CVODE alone, or a run failed. */
eqs_status cli_cosimulate(const cli_measurement *measurement, const cli_circuit *own, double tolerance);

#endif
