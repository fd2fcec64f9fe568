#include "cli/cli.h"

#include "base/memory.h"
#include "base/run.h"

#include <math.h>
#include <omp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_SET = 1000, KEY_THREADS, KEY_JSON, KEY_MEMORY };

typedef struct parse_input {
    const cli_syntax *syntax;
    cli_common *common;
    const char **words;
    size_t n_words;
    void *own;
} parse_input;

static const struct argp_option common_options[] = {
    {0, 0, 0, 0, "Common options:", 10},
    {"output", 'o', "FILE", 0, "Where the result goes", 10},
    {"set", KEY_SET, "KEY=VALUE", 0, "Override a configuration value, e.g. --set learning.beta=0.2", 10},
    {"no-memory-check", KEY_MEMORY, 0, 0, "Start even if the estimated memory exceeds what is available", 10},
    {"threads", KEY_THREADS, "N", 0, "OpenMP threads (default 1); the bits of the result do not depend on it",
     10},
    {"json", KEY_JSON, 0, 0, "Print the result as JSON", 10},
    {"quiet", 'q', 0, 0, "No progress and no notes", 10},
};

/* whether a command takes a common option */
static bool takes(const cli_syntax *syntax, int key)
{
    unsigned need = key == 'o'           ? CLI_OUTPUT
                    : key == KEY_SET     ? CLI_SET
                    : key == KEY_MEMORY  ? CLI_SET
                    : key == KEY_THREADS ? CLI_THREADS
                    : key == KEY_JSON    ? CLI_JSON
                                         : 0;
    return (syntax->uses & need) == need;
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
    parse_input *input = state->input;
    cli_common *common = input->common;
    char *end;
    long value;
    switch (key) {
    case 'o':
        common->output = arg;
        return 0;
    case 'q':
        common->quiet = true;
        return 0;
    case KEY_JSON:
        common->json = true;
        return 0;
    case KEY_SET:
        common->set = realloc(common->set, (common->n_set + 1) * sizeof *common->set);
        if (common->set == NULL)
            argp_failure(state, eqs_status_exit_code(EQS_NO_MEMORY), 0, "out of memory");
        common->set[common->n_set++] = arg;
        return 0;
    case KEY_MEMORY:
        common->no_memory_check = true;
        return 0;
    case KEY_THREADS:
        value = strtol(arg, &end, 10);
        if (*end != '\0' || value < 1 || value > 1024)
            argp_error(state, "--threads: '%s' found, allowed: 1 to 1024", arg);
        common->threads = (int)value;
        return 0;
    case ARGP_KEY_ARG:
        if (input->n_words >= input->syntax->most)
            argp_error(state, "unexpected argument '%s'", arg);
        input->words[input->n_words++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (input->n_words < input->syntax->least)
            argp_error(state, "missing argument: %s", input->syntax->arguments);
        if (input->syntax->needs_output && common->output == NULL)
            argp_error(state, "missing option: -o FILE");
        return 0;
    default:
        if (input->syntax->parse != NULL)
            return input->syntax->parse(key, arg, state, input->own);
        return ARGP_ERR_UNKNOWN;
    }
}

void cli_parse(const cli_syntax *syntax, int argc, char **argv, cli_common *common, const char **words,
               void *own)
{
    struct argp_option options[32] = {0};
    size_t n = 0;
    for (const struct argp_option *o = syntax->options; o != NULL && (o->name != NULL || o->key != 0); o++)
        options[n++] = *o;
    for (size_t i = 0; i < sizeof common_options / sizeof *common_options; i++) {
        if (takes(syntax, common_options[i].key))
            options[n++] = common_options[i];
    }
    *common = (cli_common){.threads = 1};
    parse_input input = {.syntax = syntax, .common = common, .words = words, .own = own};
    struct argp argp = {options, parse_common, syntax->arguments, syntax->doc, NULL, NULL, NULL};
    for (size_t i = 0; i < syntax->most; i++)
        words[i] = NULL;
    argp_err_exit_status = eqs_status_exit_code(EQS_USAGE);
    argp_parse(&argp, argc, argv, 0, NULL, &input);
    omp_set_num_threads(common->threads);
}

void cli_common_clear(cli_common *common)
{
    free(common->set);
    *common = (cli_common){0};
}

int cli_fail(eqs_status status)
{
    int signal_number = eqs_stop_requested();
    bool stopped = signal_number != 0 &&
                   (status == EQS_INTERRUPTED || status == EQS_NOT_CONVERGED || status == EQS_CHECK_FAILED);
    fprintf(stderr, "eqspice: %s%s\n", stopped ? "stopped by a signal: " : "", eqs_error_message());
    return stopped ? 128 + signal_number : eqs_status_exit_code(status);
}

void cli_print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(object);
}

json_t *cli_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

void cli_note(const cli_common *common, const char *format, ...)
{
    if (common->quiet)
        return;
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* Folders of the shipped experiments: in the source tree, where `cmake --install` put them, and beside a
 * program that was installed elsewhere (../share of its own folder). NULL past the end. */
static const char *experiment_folder(size_t i)
{
    static char beside[4096];
    if (i < 2)
        return i == 0 ? EQS_EXPERIMENTS_SOURCE : EQS_EXPERIMENTS_INSTALLED;
    ssize_t length = i == 2 ? readlink("/proc/self/exe", beside, sizeof beside - 64) : -1;
    if (length <= 0)
        return NULL;
    beside[length] = '\0';
    char *slash = strrchr(beside, '/');
    if (slash == NULL)
        return NULL;
    strcpy(slash, "/../share/eqspice/experiments");
    return beside;
}

const char *cli_experiments_folder(void)
{
    for (size_t i = 0; experiment_folder(i) != NULL; i++) {
        if (access(experiment_folder(i), R_OK) == 0)
            return experiment_folder(i);
    }
    return NULL;
}

eqs_status cli_find_config(const char *name, char **path)
{
    if (access(name, F_OK) == 0) {
        *path = eqs_strdup(name);
        return *path != NULL ? EQS_OK : EQS_NO_MEMORY;
    }
    for (size_t i = 0; experiment_folder(i) != NULL; i++) {
        char *candidate = eqs_format("%s/%s.yaml", experiment_folder(i), name);
        if (candidate == NULL)
            return EQS_NO_MEMORY;
        if (access(candidate, R_OK) == 0) {
            *path = candidate;
            return EQS_OK;
        }
        eqs_free(candidate);
    }
    return eqs_fail(EQS_MISSING_INPUT,
                    "%s: neither a file nor a shipped experiment (`eqspice list experiments` shows "
                    "them)",
                    name);
}

eqs_status cli_open_data(const eqs_config *config, eqs_dataset **out)
{
    eqs_config_data data = config->data;
    char *shipped = NULL;
    bool missing = *data.path != '\0' && *data.path != '/' && access(data.path, F_OK) != 0;
    for (size_t i = 0; missing && experiment_folder(i) != NULL; i++) {
        eqs_free(shipped);
        shipped = eqs_format("%s/%s", experiment_folder(i), config->data.path);
        if (shipped == NULL)
            return EQS_NO_MEMORY;
        missing = access(shipped, F_OK) != 0;
        data.path = missing ? config->data.path : shipped;
    }
    eqs_status status = eqs_dataset_open(&data, config->seed, out);
    eqs_free(shipped);
    return status;
}
