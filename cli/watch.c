#include "base/memory.h"
#include "base/run.h"
#include "cli/cli.h"
#include "postproc/follow.h"
#include "store/file.h"
#include "store/lock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { KEY_HTML = 6000, KEY_ONCE, REFRESH_SECONDS = 3 };

typedef struct watch_command {
    const char *html;
    bool once;
} watch_command;

static const struct argp_option options[] = {
    {"html", KEY_HTML, "FILE", 0, "Also write a page that shows the curves and reloads itself", 1},
    {"once", KEY_ONCE, 0, 0, "Show what is there and end, whether the run goes on or not", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state, void *own)
{
    watch_command *o = own;
    (void)state;
    if (key == KEY_HTML)
        o->html = arg;
    else if (key == KEY_ONCE)
        o->once = true;
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

/* What the loop carries around. */
typedef struct watch_job {
    const cli_common *common;
    const watch_command *own;
    char *path;     /* of the run file */
    double epochs;  /* of the configuration, NaN until the run file exists */
    size_t printed; /* rows */
    size_t drawn;   /* rows on the page */
} watch_job;

/* learning.epochs of the run file, which a run writes at its first checkpoint */
static double planned_epochs(const char *path)
{
    eqs_h5_reader *reader;
    eqs_config *config;
    double epochs = NAN;
    if (access(path, R_OK) != 0 || eqs_h5_open(path, &reader) != EQS_OK)
        return NAN;
    if (eqs_h5_read_config(reader, &config) == EQS_OK) {
        epochs = (double)config->learning.epochs;
        eqs_config_destroy(config);
    }
    eqs_h5_reader_destroy(reader);
    return epochs;
}

/* "complete", "interrupted", ... of the run file; the caller's, NULL when it cannot be read */
static char *final_status(const char *path)
{
    eqs_h5_reader *reader;
    char *status = NULL;
    if (eqs_h5_open(path, &reader) != EQS_OK)
        return NULL;
    if (eqs_h5_read_attribute_string(reader, "/", "status", &status) != EQS_OK)
        status = NULL;
    eqs_h5_reader_destroy(reader);
    return status;
}

static void print_percent(double fraction)
{
    if (isfinite(fraction))
        printf(" %9.3f", 100.0 * fraction);
    else
        printf(" %9s", "-");
}

static void print_rows(watch_job *job, const eqs_follow *follow)
{
    if (job->printed > follow->n_rows) /* resumed from an earlier epoch */
        job->printed = 0;
    if (job->printed == 0 && follow->n_rows > 0)
        printf("%9s %9s %9s %9s %10s %9s %9s\n", "epoch", "train %", "valid. %", "test %", "residual",
               "seconds", "left s");
    for (; job->printed < follow->n_rows; job->printed++) {
        size_t row = job->printed;
        double epoch = eqs_follow_value(follow, row, "epoch");
        double seconds = eqs_follow_value(follow, row, "seconds");
        char place[32], left[32];
        snprintf(place, sizeof place, isfinite(job->epochs) ? "%.0f/%.0f" : "%.0f", epoch, job->epochs);
        snprintf(left, sizeof left, isfinite(job->epochs) ? "%.0f" : "-", (job->epochs - epoch) * seconds);
        printf("%9s", place);
        print_percent(eqs_follow_value(follow, row, "train_error"));
        print_percent(eqs_follow_value(follow, row, "validation_error"));
        print_percent(eqs_follow_value(follow, row, "test_error"));
        printf(
            " %10.1e %9.2f %9s\n",
            fmax(eqs_follow_value(follow, row, "residual"), eqs_follow_value(follow, row, "residual_nudged")),
            seconds, left);
    }
    fflush(stdout);
}

static eqs_status write_page(const watch_job *job, const eqs_follow *follow, const char *state, bool ended)
{
    eqs_text html = {0};
    const char *slash = strrchr(job->path, '/');
    eqs_status status = eqs_follow_page(follow, slash != NULL ? slash + 1 : job->path, state,
                                        ended ? 0 : REFRESH_SECONDS, &html);
    if (status == EQS_OK)
        status = eqs_file_replace(job->own->html, html.data, html.length);
    eqs_text_clear(&html);
    return status;
}

/* Shows what is new; *ended when nobody writes the run any more. */
static eqs_status look(watch_job *job, bool *ended)
{
    eqs_follow follow;
    long pid = eqs_lock_holder(job->path); /* before the rows: what was written before its end is seen */
    *ended = pid == 0;
    eqs_status status = eqs_follow_read(job->path, &follow);
    if (status == EQS_OK) {
        if (isnan(job->epochs))
            job->epochs = planned_epochs(job->path);
        print_rows(job, &follow);
        char *done = pid == 0 ? final_status(job->path) : NULL;
        char *state = pid != 0 ? eqs_format("Running as process %ld: %zu epochs so far.", pid, follow.n_rows)
                               : eqs_format("Not running: %s after %zu epochs.",
                                            done != NULL ? done : "no result file", follow.n_rows);
        if (state == NULL)
            status = EQS_NO_MEMORY;
        else if (job->own->html != NULL && (pid == 0 || follow.n_rows != job->drawn || follow.n_rows == 0))
            status = write_page(job, &follow, state, pid == 0);
        job->drawn = follow.n_rows;
        if (state != NULL && (pid == 0 || job->own->once))
            cli_note(job->common, "%s", state);
        eqs_free(done);
        eqs_free(state);
    }
    eqs_follow_clear(&follow);
    return status;
}

static eqs_status run(watch_job *job)
{
    bool ended = false;
    const struct timespec pause = {.tv_nsec = 500000000};
    for (;;) {
        EQS_TRY(look(job, &ended));
        if (ended || job->own->once)
            return EQS_OK;
        nanosleep(&pause, NULL);
        if (eqs_stop_requested() != 0)
            return eqs_fail(EQS_INTERRUPTED, "no longer watching %s; the run goes on", job->path);
    }
}

int cli_watch(int argc, char **argv)
{
    static const cli_syntax syntax = {
        .arguments = "RUN.h5",
        .doc = "Follow a training run: a line per epoch until it ends, and with --html a page.\v"
               "It reads RUN.h5.metrics.jsonl, so it disturbs nothing and can begin at any time.\n"
               "Example: eqspice watch run.h5 --html run.html",
        .options = options,
        .parse = parse,
        .least = 1,
        .most = 1,
    };
    static const char ending[] = ".metrics.jsonl";
    cli_common common;
    watch_command own = {0};
    const char *word;
    cli_parse(&syntax, argc, argv, &common, &word, &own);
    size_t length = strlen(word), cut = strlen(ending);
    bool metrics = length > cut && strcmp(word + length - cut, ending) == 0;
    watch_job job = {.common = &common,
                     .own = &own,
                     .path = eqs_format("%.*s", (int)(metrics ? length - cut : length), word),
                     .epochs = NAN};
    eqs_status status = job.path != NULL ? run(&job) : EQS_NO_MEMORY;
    eqs_free(job.path);
    cli_common_clear(&common);
    return status == EQS_OK ? 0 : cli_fail(status);
}
