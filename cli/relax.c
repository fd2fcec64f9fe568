#include "base/memory.h"
#include "cli/cli.h"
#include "learning/result_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SAMPLES = 2000, KEY_PHASE, KEY_SOLVER, KEY_RECORD, KEY_TOLERANCE };

typedef struct relax_command {
    const char *samples, *phase, *solver;
    bool record;
    double tolerance; /* 0: the configuration's */
} relax_command;

static const struct argp_option options[] = {
    {"samples", KEY_SAMPLES, "LIST", 0, "Test samples, e.g. 0:16, 3, 1,5 or train:0:16 (default 0:16)", 1},
    {"phase", KEY_PHASE, "PHASE", 0, "free, nudged or nudged- (default: free, then nudged from it)", 1},
    {"solver", KEY_SOLVER, "NAME", 0, "Solver (default relaxation.solver; cvode when recording)", 1},
    {"tolerance", KEY_TOLERANCE, "X", 0, "On the residual (default relaxation.tolerance)", 1},
    {"record", KEY_RECORD, 0, 0, "Record trajectories at the solver's steps", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state, void *own)
{
    relax_command *o = own;
    char *end;
    switch (key) {
    case KEY_SAMPLES:
        o->samples = arg;
        return 0;
    case KEY_PHASE:
        o->phase = arg;
        return 0;
    case KEY_SOLVER:
        o->solver = arg;
        return 0;
    case KEY_RECORD:
        o->record = true;
        return 0;
    case KEY_TOLERANCE:
        o->tolerance = strtod(arg, &end);
        if (*end != '\0' || !(o->tolerance > 0.0))
            argp_error(state, "--tolerance: '%s' found, allowed: a number > 0", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* settling times of recorded trajectories, in unit times and on the circuit */
static void print_settling(const eqs_relax_result *result, double unit)
{
    const double shares[] = {1e-3, 1e-6};
    for (size_t i = 0; result->trajectory != NULL && i < sizeof shares / sizeof *shares; i++) {
        double mean, largest;
        eqs_relax_settling(result, shares[i], &mean, &largest);
        printf("         within %.0e of the end after %.4g unit times (largest %.4g): %.3e s (%.3e s)\n",
               shares[i], mean, largest, mean * unit, largest * unit);
    }
}

static void print_phase(const cli_common *common, const char *name, double unit,
                        const eqs_relax_result *result)
{
    double worst = 0.0;
    for (size_t b = 0; b < result->batch; b++) {
        if (isnan(result->residual[b]) || result->residual[b] > worst)
            worst = result->residual[b];
    }
    const eqs_relax_statistics *work = &result->statistics;
    size_t bad = eqs_relax_unconverged(result);
    if (common->json)
        cli_print_json(json_pack(
            "{s:s, s:s, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:o}", "phase", name, "solver",
            result->solver, "samples", (json_int_t)result->batch, "unconverged", (json_int_t)bad, "residual",
            cli_json_real(worst), "steps", (json_int_t)work->steps, "rhs_evaluations",
            (json_int_t)work->rhs_evaluations, "jacobian_evaluations", (json_int_t)work->jacobian_evaluations,
            "error_test_failures", (json_int_t)work->error_test_failures, "convergence_failures",
            (json_int_t)work->convergence_failures, "seconds", cli_json_real(result->seconds)));
    else
        printf("%-8s %-12s %4zu samples  residual %.2e  %8ld steps  %8ld evaluations  %.3f s%s\n", name,
               result->solver, result->batch, worst, result->statistics.steps,
               result->statistics.rhs_evaluations, result->seconds, bad > 0 ? "  NOT ALL CONVERGED" : "");
    if (!common->json)
        print_settling(result, unit);
    for (size_t b = 0; b < result->batch && bad > 0; b++) {
        if (result->end[b] != EQS_RELAX_CONVERGED)
            fprintf(stderr, "eqspice: sample %zu: %s at residual %.3g\n", b,
                    eqs_relax_end_name(result->end[b]), result->residual[b]);
    }
}

/* One phase from the present state, written under /relaxation/NAME. */
static eqs_status one_phase(const cli_subject *subject, const cli_samples *samples, const cli_common *common,
                            const eqs_relax_options *relax, const char *name, double xi,
                            const double *free_output, eqs_state *state, eqs_h5_writer *writer,
                            size_t *unconverged)
{
    const eqs_setup *setup = subject->setup;
    eqs_phase phase = {.net = setup->net,
                       .theta = setup->theta,
                       .batch = samples->n,
                       .x = samples->x,
                       .target = samples->target,
                       .free_output = free_output};
    eqs_network_nudge(setup->net, xi, phase.beta);
    double unit = setup->config->circuit.capacitance / setup->config->circuit.conductance;
    eqs_relax_result result = {0};
    EQS_TRY(eqs_relax_run(setup->energy, &phase, relax, state, &result));
    print_phase(common, name, unit, &result);
    *unconverged += eqs_relax_unconverged(&result);
    char group[64];
    snprintf(group, sizeof group, "/relaxation/%s", name);
    eqs_status status = eqs_result_relaxation(writer, group, setup->net, phase.beta, state, &result);
    eqs_relax_result_clear(&result);
    return status;
}

static eqs_status run(const cli_measurement *measurement, const relax_command *own)
{
    const cli_subject *subject = &measurement->subject;
    const cli_samples *samples = &measurement->samples;
    const cli_common *common = measurement->common;
    eqs_h5_writer *writer = measurement->writer;
    const eqs_setup *setup = subject->setup;
    eqs_relax_options relax = setup->relax;
    double xi;
    EQS_TRY(cli_check_solver(own->solver));
    EQS_TRY(cli_phase_xi(subject, own->phase != NULL ? own->phase : "nudged", &xi));
    if (own->solver != NULL)
        relax.solver = own->solver;
    else if (own->record && strncmp(relax.solver, "cvode", 5) != 0 && strcmp(relax.solver, "euler") != 0)
        relax.solver = "cvode";
    if (own->tolerance > 0.0)
        relax.tolerance = own->tolerance;
    if (own->record)
        relax.record = EQS_RECORD_STEPS;
    size_t last = setup->net->n_layers - 1, n_output = samples->n * setup->net->layer[last].units;
    eqs_state *state;
    double *output = eqs_alloc(n_output, sizeof *output);
    if (output == NULL)
        return EQS_NO_MEMORY;
    eqs_status status = eqs_state_create(setup->net, samples->n, &state);
    if (status != EQS_OK) {
        eqs_free(output);
        return status;
    }
    memcpy(state->s[0], samples->x, samples->n * setup->net->layer[0].units * sizeof *samples->x);
    if (subject->config->relaxation.start == EQS_START_RANDOM)
        eqs_state_randomise(setup->net, state, subject->config->seed, 0);
    else
        eqs_state_fill(setup->net, state, 0.0);
    /* a nudged phase starts from the free one */
    size_t unconverged = 0;
    status = one_phase(subject, samples, common, &relax, "free", 0.0, NULL, state, writer, &unconverged);
    memcpy(output, state->s[last], n_output * sizeof *output);
    relax.settled_start = true;
    if (status == EQS_OK && xi != 0.0)
        status =
            one_phase(subject, samples, common, &relax, "nudged", xi, output, state, writer, &unconverged);
    eqs_state_destroy(state);
    eqs_free(output);
    if (status == EQS_OK && unconverged > 0)
        status = eqs_fail(EQS_CHECK_FAILED, "%zu relaxations did not converge (all results are in %s)",
                          unconverged, common->output);
    return status;
}

int cli_relax(int argc, char **argv)
{
    static const cli_syntax syntax = {
        .arguments = "CONFIG|RUN.h5",
        .doc = "Relax samples to their fixed points and write /relaxation/free and /relaxation/nudged.\v"
               "Exit code 1 when a sample did not converge.\n"
               "Example: eqspice relax run.h5 --samples 0 --record --solver cvode -o relax.h5",
        .options = options,
        .parse = parse,
        .least = 1,
        .most = 1,
        .uses = CLI_OUTPUT | CLI_SET | CLI_THREADS | CLI_JSON,
        .needs_output = true,
    };
    cli_common common;
    relax_command own = {.samples = "0:16"};
    const char *word;
    cli_parse(&syntax, argc, argv, &common, &word, &own);
    cli_measurement measurement;
    eqs_status status = cli_measurement_open(word, own.samples, "relaxation", &common, &measurement);
    if (status == EQS_OK)
        status = run(&measurement, &own);
    int code = cli_measurement_close(&measurement, status);
    cli_common_clear(&common);
    return code;
}
