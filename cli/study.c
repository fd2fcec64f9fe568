#include "learning/study.h"
#include "cli/cli.h"

#include <stdio.h>

enum { KEY_SAMPLES = 2000 };

static const struct argp_option options[] = {
    {"samples", KEY_SAMPLES, "LIST", 0, "Samples that are measured (default 0:32 of the test set)", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state, void *own)
{
    (void)state;
    if (key != KEY_SAMPLES)
        return ARGP_ERR_UNKNOWN;
    *(const char **)own = arg;
    return 0;
}

static void note(void *user, const char *line)
{
    cli_note(user, "%s", line);
}

static eqs_status unknown_study(const char *name)
{
    char known[256] = "";
    const eqs_study *study;
    for (size_t i = 0, used = 0; (study = eqs_study_get(i)) != NULL && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i == 0 ? "" : ", ", study->name);
    return eqs_fail(EQS_USAGE, "study: '%s' found, allowed: %s", name, known);
}

int cli_study(int argc, char **argv)
{
    static const cli_syntax syntax = {
        .arguments = "NAME CONFIG|RUN.h5",
        .doc = "Measure how a network relaxes and what its gradients are worth; one group /study/NAME.\v"
               "Names: settling, spectrum, depth, basins, gradient, rules (`eqspice list studies`). What a "
               "study "
               "varies is in the configuration: --set study.depths=[1,2,3], ...\n"
               "Example: eqspice study settling run.h5 --samples 0:100 -o settling.h5\n"
               "         eqspice plot settling.h5 study -o settling.svg",
        .options = options,
        .parse = parse,
        .least = 2,
        .most = 2,
        .uses = CLI_OUTPUT | CLI_SET | CLI_THREADS,
        .needs_output = true,
    };
    cli_common common;
    const char *words[2], *samples = "0:32";
    cli_parse(&syntax, argc, argv, &common, words, &samples);
    cli_measurement measurement = {.common = &common};
    const eqs_study *study = eqs_study_find(words[0]);
    char group[64];
    snprintf(group, sizeof group, "study/%s", words[0]);
    eqs_status status = study == NULL ? unknown_study(words[0])
                                      : cli_measurement_open(words[1], samples, group, &common, &measurement);
    if (status == EQS_OK) {
        eqs_study_request request = {.setup = measurement.subject.setup,
                                     .data = measurement.samples.data,
                                     .n = measurement.samples.n,
                                     .x = measurement.samples.x,
                                     .target = measurement.samples.target,
                                     .threads = common.threads,
                                     .note = note,
                                     .user = &common};
        status = study->run(&request, measurement.writer);
    }
    int code = cli_measurement_close(&measurement, status);
    cli_common_clear(&common);
    return code;
}
