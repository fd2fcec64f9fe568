#include "base/memory.h"
#include "cli/cli.h"

#include <stdio.h>

typedef struct config_options {
    bool defaults, check, reference;
} config_options;

static const struct argp_option options[] = {
    {"defaults", 'd', 0, 0, "Print every key with its default, range and meaning (the default)", 1},
    {"check", 'c', 0, 0, "Check FILE, and the network that it describes; print every value in force", 1},
    {"reference", 'r', 0, 0, "Print the reference of all keys as Markdown", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state, void *own)
{
    config_options *o = own;
    (void)arg;
    (void)state;
    switch (key) {
    case 'd':
        o->defaults = true;
        return 0;
    case 'c':
        o->check = true;
        return 0;
    case 'r':
        o->reference = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cli_config(int argc, char **argv)
{
    static const cli_syntax syntax = {
        .arguments = "[CONFIG]",
        .doc =
            "Print the default configuration, or check one.\v"
            "Examples:\n  eqspice config > my.yaml\n  eqspice config --check my.yaml --set learning.beta=0.2",
        .options = options,
        .parse = parse,
        .most = 1,
        .uses = CLI_SET,
    };
    cli_common common;
    config_options own = {0};
    const char *word;
    cli_parse(&syntax, argc, argv, &common, &word, &own);
    const char *wrong = NULL;
    if (word == NULL && own.check)
        wrong = "--check needs a file or the name of an experiment";
    else if (word == NULL && common.n_set > 0)
        wrong = "--set needs a file or the name of an experiment";
    else if (own.defaults + own.check + own.reference > 1)
        wrong = "allowed: one of --defaults, --check and --reference";
    else if (word != NULL && (own.defaults || own.reference))
        wrong = "--defaults and --reference are about no file";
    if (wrong != NULL) {
        fprintf(stderr, "eqspice config: %s\n", wrong);
        cli_common_clear(&common);
        return eqs_status_exit_code(EQS_USAGE);
    }
    eqs_status status;
    if (own.reference) {
        status = eqs_config_write_reference(stdout);
    } else if (word == NULL) {
        status = eqs_config_write_defaults(stdout);
    } else {
        cli_subject subject;
        status = cli_subject_load(word, &common, &subject);
        if (status == EQS_OK) {
            status = eqs_config_write_yaml(subject.config, stdout);
            cli_subject_clear(&subject);
        }
    }
    cli_common_clear(&common);
    return status == EQS_OK ? 0 : cli_fail(status);
}
