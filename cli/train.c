#include "base/memory.h"
#include "base/ranks.h"
#include "base/run.h"
#include "cli/cli.h"
#include "learning/run_file.h"
#include "store/metrics.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_RESUME = 2000, KEY_LIMIT };

typedef struct train_options {
    bool resume;
    double wall_limit; /* seconds; 0: none */
} train_options;

static const struct argp_option options[] = {
    {"resume", KEY_RESUME, 0, 0, "Go on from FILE's checkpoint (start anew when FILE does not exist)", 1},
    {"wall-limit", KEY_LIMIT, "SECONDS", 0, "Checkpoint and stop after so many seconds of this call", 1},
    {"time-limit", 0, 0, OPTION_ALIAS, 0, 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state, void *own)
{
    train_options *o = own;
    char *end;
    switch (key) {
    case KEY_RESUME:
        o->resume = true;
        return 0;
    case KEY_LIMIT:
        o->wall_limit = strtod(arg, &end);
        if (*end != '\0' || !(o->wall_limit > 0.0))
            argp_error(state, "--wall-limit: '%s' found, allowed: a number of seconds > 0", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* What the loop carries around. */
typedef struct train_job {
    cli_common common;
    train_options own;
    cli_subject subject;
    eqs_dataset *data;
    eqs_trainer *trainer;
    eqs_run *run;
    eqs_metrics *metrics;
    double start, epoch_start, carried, last_checkpoint, last_line;
    bool terminal;
    bool limit_reached; /* own.wall_limit asked to stop, not a signal */
} train_job;

static void print_progress(const eqs_train_position *position, size_t done, size_t all, void *user)
{
    train_job *job = user;
    double now = eqs_clock();
    if (job->own.wall_limit > 0.0 && now - job->start > job->own.wall_limit && eqs_stop_requested() == 0) {
        job->limit_reached = true;
        eqs_stop_request(SIGTERM);
    }
    if (!job->terminal || job->common.quiet || now - job->last_line < 0.1)
        return;
    job->last_line = now;
    double seconds = now - job->epoch_start, rate = (double)done / (seconds + 1e-9);
    size_t epochs = job->subject.config->learning.epochs - position->epoch;
    double left = ((double)all * (double)epochs - (double)done) / (rate + 1e-9);
    fprintf(stderr, "\repoch %u  %5.1f %%  %7.0f samples/s  train %.2f %%  residual %.1e  left %.0f s \033[K",
            position->epoch + 1, 100.0 * (double)done / (double)all, rate,
            100.0 * position->sums.train_error / (double)done,
            fmax(position->sums.residual, position->sums.residual_nudged), left);
}

/* "4.18", or "-" when there are no samples to measure it on */
static const char *percent(double fraction, char text[16])
{
    snprintf(text, 16, "%5.2f", 100.0 * fraction);
    return isnan(fraction) ? "    -" : text;
}

static void print_row(const train_job *job, const eqs_epoch_row *row, double seconds)
{
    if (job->common.quiet)
        return;
    char validation[16], test[16], elsewhere[48] = "";
    if (row->other_attractor > 0.0)
        snprintf(elsewhere, sizeof elsewhere, "  other attractor %.2f %%", 100.0 * row->other_attractor);
    fprintf(stderr,
            "%sepoch %3.0f  train %6.3f %%  validation %s %%  test %s %%  cost %.5f  residual %.1e  "
            "sweeps %.1f + %.1f%s  %.2f s%s\n",
            job->terminal ? "\r\033[K" : "", row->epoch, 100.0 * row->train_error,
            percent(row->validation_error, validation), percent(row->test_error, test), row->cost,
            fmax(row->residual, row->residual_nudged), row->sweeps_free, row->sweeps_nudged, elsewhere,
            seconds, row->unconverged > 0.0 ? "  (some phases above tolerance)" : "");
}

/* one line of RUN.metrics.jsonl */
static eqs_status log_row(train_job *job, const eqs_epoch_row *row, double seconds)
{
    if (job->metrics == NULL) /* not rank 0 */
        return EQS_OK;
#define X(name, unit, text) eqs_metrics_real(job->metrics, #name, row->name);
    EQS_EPOCH_LIST(X)
#undef X
    eqs_metrics_real(job->metrics, "seconds", seconds);
    return eqs_metrics_write(job->metrics);
}

static bool checkpoint_due(const train_job *job)
{
    const eqs_config_choice *when = &job->subject.config->output.checkpoint;
    if (eqs_checkpoint_requested())
        return true;
    if (when->word == EQS_CHECKPOINT_SECONDS)
        return eqs_clock() - job->last_checkpoint >= when->value;
    return when->word == EQS_CHECKPOINT_EPOCH;
}

/* the last epoch, of this call or of the run that it resumes, was good enough */
static bool goal_reached(const train_job *job)
{
    size_t n = eqs_run_rows(job->run);
    return n > 0 &&
           eqs_run_row(job->run, n - 1)->train_error <= job->subject.config->learning.stop_at_train_error;
}

static eqs_status one_epoch(train_job *job, double *change)
{
    eqs_epoch_row row;
    job->epoch_start = eqs_clock();
    EQS_TRY(eqs_trainer_epoch(job->trainer, print_progress, job, &row));
    double seconds = eqs_clock() - job->epoch_start;
    eqs_trainer_change(job->trainer, change);
    EQS_TRY(eqs_run_append(job->run, &row, seconds, change));
    print_row(job, &row, seconds);
    EQS_TRY(log_row(job, &row, seconds));
    if (checkpoint_due(job)) {
        EQS_TRY(eqs_run_write(job->run, "running"));
        job->last_checkpoint = eqs_clock();
    }
    return EQS_OK;
}

static eqs_status run_epochs(train_job *job)
{
    const eqs_config_learning *learning = &job->subject.config->learning;
    const eqs_network *net = job->subject.setup->net;
    double *change = eqs_alloc(net->n_couplings + net->n_layers - 1, sizeof *change);
    eqs_status status = change == NULL ? EQS_NO_MEMORY : EQS_OK;
    job->last_checkpoint = eqs_clock();
    while (status == EQS_OK && eqs_trainer_position(job->trainer)->epoch < learning->epochs) {
        if (goal_reached(job)) {
            cli_note(&job->common, "training error %.3f %% reached: stopping (learning.stop_at_train_error)",
                     100.0 * eqs_run_row(job->run, eqs_run_rows(job->run) - 1)->train_error);
            break;
        }
        status = one_epoch(job, change);
    }
    eqs_free(change);
    return status;
}

/* Everything computed so far goes into the file, whatever ended the run. */
static eqs_status finish(train_job *job, eqs_status status)
{
    if (status == EQS_OK)
        return eqs_run_write(job->run, "complete");
    char why[512];
    snprintf(why, sizeof why, "%s", eqs_error_message());
    char *text = status == EQS_INTERRUPTED ? eqs_strdup("interrupted") : eqs_format("failed: %s", why);
    eqs_status written = text == NULL ? EQS_NO_MEMORY : eqs_run_write(job->run, text);
    eqs_free(text);
    if (written != EQS_OK)
        return written;
    return eqs_fail(status, "%s; what was computed is in %s", why, job->common.output);
}

/* The lines of a resumed run's epochs: those of later ones go, and those that a crash lost are written again.
 */
static eqs_status open_metrics(train_job *job)
{
    size_t n = eqs_run_rows(job->run);
    EQS_TRY(eqs_metrics_open(job->common.output, n, &job->metrics));
    for (size_t i = eqs_metrics_kept(job->metrics); i < n; i++)
        EQS_TRY(log_row(job, eqs_run_row(job->run, i), eqs_run_row_seconds(job->run, i)));
    return EQS_OK;
}

static void note_footprint(const train_job *job)
{
    eqs_footprint need;
    char text[256];
    cli_footprint(&job->common, job->subject.config, &need);
    eqs_footprint_describe(&need, text, sizeof text);
    cli_note(&job->common, "%.4g synapses, memory: about %s", need.synapses, text);
}

static eqs_status prepare(train_job *job, const char *word)
{
    EQS_TRY(cli_subject_load(word, &job->common, &job->subject));
    const eqs_config *config = job->subject.config;
    eqs_train_options train;
    EQS_TRY(eqs_setup_train_options(job->subject.setup, job->common.threads, &train));
    EQS_TRY(cli_open_data(config, &job->data));
    EQS_TRY(eqs_trainer_create(job->subject.setup->energy, job->data, &train, job->subject.setup->theta,
                               &job->trainer));
    EQS_TRY(eqs_run_open(job->common.output, job->subject.setup, job->trainer, &job->run));
    bool exists = access(job->common.output, F_OK) == 0;
    if (exists && !job->own.resume)
        return eqs_fail(EQS_USAGE, "%s exists; --resume goes on from its checkpoint, or choose another name",
                        job->common.output);
    if (exists) {
        EQS_TRY(eqs_run_resume(job->run));
        cli_note(&job->common, "resuming after %u epochs and %u minibatches",
                 eqs_trainer_position(job->trainer)->epoch, eqs_trainer_position(job->trainer)->minibatch);
    }
    note_footprint(job);
    return eqs_rank() == 0 ? open_metrics(job) : EQS_OK;
}

int cli_train(int argc, char **argv)
{
    static const cli_syntax syntax = {
        .arguments = "CONFIG",
        .doc = "Train a network by equilibrium propagation; CONFIG is a YAML file or the name of a shipped "
               "experiment.\vSIGINT or SIGTERM finish the minibatch, write a checkpoint and exit 130 or 143; "
               "SIGUSR1 asks for a checkpoint after the epoch.\n"
               "Example: eqspice train hopfield-fashion-8x8 -o run.h5 --set learning.epochs=3",
        .options = options,
        .parse = parse,
        .least = 1,
        .most = 1,
        .uses = CLI_OUTPUT | CLI_SET | CLI_THREADS | CLI_JSON,
        .needs_output = true,
    };
    train_job job = {.terminal = isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL, .start = eqs_clock()};
    const char *word;
    cli_parse(&syntax, argc, argv, &job.common, &word, &job.own);
    job.common.training = true;
    if (eqs_rank() != 0)
        job.common.quiet = true;
    eqs_status status = prepare(&job, word);
    if (status == EQS_OK)
        status = finish(&job, run_epochs(&job));
    if (status == EQS_OK) {
        size_t n = eqs_run_rows(job.run);
        if (n > 0 && job.common.json && eqs_rank() == 0) {
            const eqs_epoch_row *row = eqs_run_row(job.run, n - 1);
            cli_print_json(json_pack("{s:s, s:I, s:o, s:o, s:o, s:o}", "file", job.common.output, "epochs",
                                     (json_int_t)n, "train_error", cli_json_real(row->train_error),
                                     "validation_error", cli_json_real(row->validation_error), "test_error",
                                     cli_json_real(row->test_error), "seconds",
                                     cli_json_real(eqs_run_seconds(job.run))));
        }
        cli_note(&job.common, "%s: %zu epochs in %.1f s", job.common.output, n, eqs_run_seconds(job.run));
    }
    int code = 0;
    eqs_status closed = eqs_metrics_close(job.metrics);
    if (status == EQS_OK)
        status = closed;
    if (status != EQS_OK && status != EQS_INTERRUPTED && eqs_ranks() > 1)
        eqs_ranks_abort(cli_fail(status)); /* the other ranks may wait for this one */
    if (status == EQS_INTERRUPTED && job.limit_reached)
        cli_note(&job.common, "wall limit reached: %s; --resume goes on", eqs_error_message());
    else if (status != EQS_OK)
        code = cli_fail(status);
    eqs_run_close(job.run);
    eqs_trainer_destroy(job.trainer);
    eqs_dataset_destroy(job.data);
    cli_subject_clear(&job.subject);
    cli_common_clear(&job.common);
    return code;
}
