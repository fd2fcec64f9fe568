/* The program: one file per subcommand. Parse, call, print; no numerics here. */
#ifndef EQS_CLI_CLI_H
#define EQS_CLI_CLI_H

#include "learning/footprint.h"
#include "learning/setup.h"
#include "store/h5file.h"

#include <argp.h>
#include <jansson.h>
#include <stdbool.h>

typedef struct cli_command {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is "eqspice NAME"; returns the exit code */
} cli_command;

extern const cli_command cli_commands[]; /* ended by a NULL name */

/* Options that several subcommands share; a subcommand names those that it uses (cli_syntax.uses), any other
 * is refused as unknown. --quiet is everyone's. */
enum { CLI_OUTPUT = 1, CLI_SET = 2, CLI_THREADS = 4, CLI_JSON = 8 };

typedef struct cli_common {
    const char *output; /* -o */
    const char **set;   /* --set, in order */
    size_t n_set;
    int threads; /* --threads; default 1 */
    bool quiet, json;
    bool training;        /* set by `train`: what the memory estimate is about */
    bool no_memory_check; /* --no-memory-check */
} cli_common;

/* Parses argv with a subcommand's own options in `options` and the common ones that it uses, and `least` to
 * `most` words into `words`. Own options are handed to `parse` (as argp's parser). OpenMP is told --threads.
 * Ends the program with 64 on wrong use, 0 after --help. Release with cli_common_clear. */
typedef struct cli_syntax {
    const char *arguments;             /* "CONFIG|RUN.h5" */
    const char *doc;                   /* argp doc with an example */
    const struct argp_option *options; /* own; may be NULL */
    error_t (*parse)(int key, char *arg, struct argp_state *state, void *own);
    size_t least, most; /* words */
    unsigned uses;      /* sum of CLI_OUTPUT, ... */
    bool needs_output;
} cli_syntax;

void cli_parse(const cli_syntax *syntax, int argc, char **argv, cli_common *common, const char **words,
               void *own);

void cli_common_clear(cli_common *common);

/* Prints "eqspice: message" on stderr and returns the exit code of a status: 128 + n for what signal n
 * stopped. */
int cli_fail(eqs_status status);

/* A line on stderr unless --quiet. */
void cli_note(const cli_common *common, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line of JSON on stdout; takes the object over. */
void cli_print_json(json_t *object);

/* A number as JSON: null when it is not finite, which JSON cannot say. */
json_t *cli_json_real(double value);

/* Path of a configuration: the file itself, or a shipped experiment by name. EQS_MISSING_INPUT lists the
 * names. *path is the caller's (eqs_free). */
eqs_status cli_find_config(const char *name, char **path);

/* Opens the data of a configuration; a relative data.path that is not there is looked for in the folders of
 * the shipped experiments (experiments/data). As eqs_dataset_open. */
eqs_status cli_open_data(const eqs_config *config, eqs_dataset **out);

/* Folder of the shipped experiments, or NULL when there is none. */
const char *cli_experiments_folder(void);

/* true when a word names a result file or another HDF5 file (by its first bytes, or its name). */
bool cli_is_run_file(const char *path);

/* What CONFIG|RUN.h5 means: the configuration with --set applied, and the setup; from a run file the
 * parameters are the trained ones. Release with cli_subject_clear. */
typedef struct cli_subject {
    eqs_config *config;
    eqs_setup *setup;
    bool trained; /* came from a run file */
} cli_subject;

/* Estimated memory of what a command does with a configuration. */
void cli_footprint(const cli_common *common, const eqs_config *config, eqs_footprint *out);

eqs_status cli_subject_load(const char *word, const cli_common *common, cli_subject *out);
void cli_subject_clear(cli_subject *subject);

/* Samples "0:16", "3", "0,5,7" of the test set (or of the part before a colon: "train:0:16", "validation:3"):
 * their data, ready for a phase. Release with cli_samples_clear. */
typedef struct cli_samples {
    eqs_dataset_part part;
    size_t n;
    uint32_t *index;
    double *x, *target;
    uint32_t *label;
    eqs_dataset *data;
} cli_samples;

/* EQS_USAGE when the part has no samples: what `option` said, and the parts that have some. */
eqs_status cli_part_check(const eqs_dataset *data, eqs_dataset_part part, const char *option,
                          const char *found);

eqs_status cli_samples_load(const cli_subject *subject, const char *text, cli_samples *out);
void cli_samples_clear(cli_samples *samples);

/* EQS_USAGE unless --solver names a solver (NULL: not given). */
eqs_status cli_check_solver(const char *name);

/* A command that measures something on samples of a subject and writes one result file. */
typedef struct cli_measurement {
    const cli_common *common;
    cli_subject subject;
    cli_samples samples;
    eqs_h5_writer *writer;
} cli_measurement;

/* Loads the subject and the samples, and begins the result file (its header names `group` as the default). */
eqs_status cli_measurement_open(const char *word, const char *samples, const char *group,
                                const cli_common *common, cli_measurement *out);

/* Writes the file when `status` is EQS_OK or EQS_CHECK_FAILED (what was measured is kept), releases
 * everything, and returns the exit code; prints the message when it is not 0. */
int cli_measurement_close(cli_measurement *measurement, eqs_status status);

/* Phase by word: "free" or "nudged" (beta = learning.beta; the sign may follow: "nudged-", "nudged+"). */
eqs_status cli_phase_xi(const cli_subject *subject, const char *word, double *xi);

int cli_train(int argc, char **argv);
int cli_eval(int argc, char **argv);
int cli_relax(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_simulate(int argc, char **argv);
int cli_gradcheck(int argc, char **argv);
int cli_study(int argc, char **argv);
int cli_plot(int argc, char **argv);
int cli_report(int argc, char **argv);
int cli_watch(int argc, char **argv);
int cli_inspect(int argc, char **argv);
int cli_list(int argc, char **argv);
int cli_config(int argc, char **argv);

#endif
