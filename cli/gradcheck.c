#include "learning/gradcheck.h"
#include "cli/cli.h"
#include "learning/result_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_SAMPLES = 2000, KEY_SOLVER, KEY_COSINE, KEY_FINITE };

typedef struct gradcheck_command {
    const char *samples, *solver;
    double cosine;
    long finite;
} gradcheck_command;

static const struct argp_option options[] = {
    {"samples", KEY_SAMPLES, "LIST", 0, "Samples (default 0:16 of the test set)", 1},
    {"solver", KEY_SOLVER, "NAME", 0, "Solver of the phases (default auto)", 1},
    {"cosine", KEY_COSINE, "X", 0, "Smallest cosine allowed, centred at beta = 1e-3 (default 0.9999)", 1},
    {"finite", KEY_FINITE, "N", 0, "Parameters checked by finite differences (default 400)", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state, void *own)
{
    gradcheck_command *o = own;
    char *end;
    switch (key) {
    case KEY_SAMPLES:
        o->samples = arg;
        return 0;
    case KEY_SOLVER:
        o->solver = arg;
        return 0;
    case KEY_COSINE:
        o->cosine = strtod(arg, &end);
        if (*end != '\0' || !(o->cosine > -1.0 && o->cosine < 1.0))
            argp_error(state, "--cosine: '%s' found, allowed: a number in (-1, 1)", arg);
        return 0;
    case KEY_FINITE:
        o->finite = strtol(arg, &end, 10);
        if (*end != '\0' || o->finite < 0)
            argp_error(state, "--finite: '%s' found, allowed: 0, 1, 2, ...", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_check(const eqs_gradcheck *check)
{
    static const char *const mode_names[] = {"one-sided", "centred"};
    printf("EqProp estimate against the exact gradient (implicit function theorem), mean over the samples\n");
    printf("%-10s %9s %9s %14s %11s %11s   cosine per block\n", "mode", "beta", "nudge", "1 - cosine",
           "norm ratio", "error");
    for (int mode = 0; mode < 2; mode++) {
        for (size_t i = 0; i < check->n_beta; i++) {
            const eqs_gradcheck_row *row = &check->row[mode][i];
            printf("%-10s %9.1e %9.1e %14.2e %11.7f %11.2e  ", mode_names[mode], check->beta[i],
                   check->beta[i] * check->response, 1.0 - row->all.cosine, row->all.norm_ratio,
                   row->all.error);
            for (size_t b = 0; b < check->n_blocks; b++)
                printf(" %s %.6f", check->name[b].name, row->block[b].cosine);
            putchar('\n');
        }
    }
    printf("nudge: beta times the largest |ds/dbeta|, in units of state (volts in resistive networks)\n");
    printf("fitted order of the error in beta: one-sided %.2f, centred %.2f\n", check->order[0],
           check->order[1]);
    printf("fixed point: residual %.1e, %zu units move, %zu at a bound, %zu at a kink, %zu samples not at a "
           "minimum\n",
           check->exact.residual, check->exact.moving, check->exact.held, check->exact.degenerate,
           check->exact.not_minima);
    if (check->finite_checked > 0)
        printf("exact gradient against finite differences of the cost: %zu parameters, 1 - cosine %.1e, "
               "worst %.1e\n",
               check->finite_checked, 1.0 - check->finite.cosine, check->finite_worst);
}

/* centred cosine at the beta nearest to 1e-3 */
static double judged_cosine(const eqs_gradcheck *check)
{
    size_t best = 0;
    for (size_t i = 1; i < check->n_beta; i++) {
        if (fabs(log(check->beta[i] / 1e-3)) < fabs(log(check->beta[best] / 1e-3)))
            best = i;
    }
    return check->row[EQS_EQPROP_CENTRED][best].all.cosine;
}

static eqs_status run(const cli_measurement *measurement, const gradcheck_command *own)
{
    const cli_subject *subject = &measurement->subject;
    const cli_samples *samples = &measurement->samples;
    const cli_common *common = measurement->common;
    eqs_h5_writer *writer = measurement->writer;
    EQS_TRY(cli_check_solver(own->solver));
    const eqs_setup *setup = subject->setup;
    eqs_phase phase = {.net = setup->net,
                       .theta = setup->theta,
                       .batch = samples->n,
                       .x = samples->x,
                       .target = samples->target};
    eqs_network_nudge(setup->net, 0.0, phase.beta);
    eqs_gradcheck_options options_ = eqs_gradcheck_options_default();
    options_.solver = own->solver;
    options_.finite_parameters = (size_t)own->finite;
    options_.seed = subject->config->seed;
    eqs_gradcheck check;
    eqs_status status = eqs_gradcheck_run(setup, &phase, &options_, &check);
    if (status == EQS_OK)
        status = eqs_gradcheck_write(writer, &check);
    if (status == EQS_OK) {
        double cosine = judged_cosine(&check);
        if (common->json)
            cli_print_json(json_pack("{s:o, s:o, s:o, s:o}", "cosine", cli_json_real(cosine),
                                     "order_one_sided", cli_json_real(check.order[0]), "order_centred",
                                     cli_json_real(check.order[1]), "finite_worst",
                                     cli_json_real(check.finite_worst)));
        else
            print_check(&check);
        if (!(cosine >= own->cosine))
            status =
                eqs_fail(EQS_CHECK_FAILED, "cosine %.6f of the centred estimate at beta = 1e-3 is below %.6f",
                         cosine, own->cosine);
    }
    eqs_gradcheck_clear(&check);
    return status;
}

int cli_gradcheck(int argc, char **argv)
{
    static const cli_syntax syntax = {
        .arguments = "CONFIG|RUN.h5",
        .doc = "Compare the gradient that equilibrium propagation estimates with the exact one (implicit "
               "function "
               "theorem), over beta, one-sided and centred; and the exact one with finite differences.\v"
               "Exit code 1 when the centred cosine at beta = 1e-3 is below --cosine.\n"
               "Example: eqspice gradcheck run.h5 --samples 0:16 -o gradcheck.h5",
        .options = options,
        .parse = parse,
        .least = 1,
        .most = 1,
        .uses = CLI_OUTPUT | CLI_SET | CLI_THREADS | CLI_JSON,
        .needs_output = true,
    };
    cli_common common;
    gradcheck_command own = {.samples = "0:16", .solver = "auto", .cosine = 0.9999, .finite = 400};
    const char *word;
    cli_parse(&syntax, argc, argv, &common, &word, &own);
    cli_measurement measurement;
    eqs_status status = cli_measurement_open(word, own.samples, "study", &common, &measurement);
    if (status == EQS_OK)
        status = run(&measurement, &own);
    int code = cli_measurement_close(&measurement, status);
    cli_common_clear(&common);
    return code;
}
