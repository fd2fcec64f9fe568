#include "store/metrics.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct eqs_metrics {
    int fd;
    size_t kept;
    char *name;
    json_t *line;
    bool failed; /* memory was short while the line was made */
};

/* cuts what follows the first `lines` newlines, or the last newline when there are fewer */
static eqs_status cut_lines(eqs_metrics *m, size_t lines)
{
    char part[4096];
    off_t at = 0, keep = 0;
    while (m->kept < lines) {
        ssize_t got = pread(m->fd, part, sizeof part, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return eqs_fail(EQS_IO, "%s: cannot read: %s", m->name, strerror(errno));
        if (got == 0)
            break;
        for (ssize_t i = 0; i < got && m->kept < lines; i++) {
            if (part[i] == '\n') {
                keep = at + i + 1;
                m->kept++;
            }
        }
        at += got;
    }
    if (ftruncate(m->fd, keep) == 0)
        return EQS_OK;
    return eqs_fail(EQS_IO, "%s: cannot cut its last lines: %s", m->name, strerror(errno));
}

static eqs_status open_metrics(const char *path, size_t keep, eqs_metrics *m)
{
    m->name = eqs_format("%s.metrics.jsonl", path);
    m->line = json_object();
    if (m->name == NULL || m->line == NULL)
        return eqs_fail(EQS_NO_MEMORY, "%s: no memory for metrics", path);
    m->fd = open(m->name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | (keep > 0 ? 0 : O_TRUNC), 0666);
    if (m->fd < 0)
        return eqs_fail(EQS_IO, "%s: cannot open: %s", m->name, strerror(errno));
    return keep > 0 ? cut_lines(m, keep) : EQS_OK;
}

eqs_status eqs_metrics_open(const char *path, size_t keep, eqs_metrics **out)
{
    *out = NULL;
    eqs_metrics *m = eqs_alloc(1, sizeof *m);
    if (m == NULL)
        return EQS_NO_MEMORY;
    m->fd = -1;
    eqs_status status = open_metrics(path, keep, m);
    if (status != EQS_OK) {
        eqs_metrics_close(m);
        return status;
    }
    *out = m;
    return EQS_OK;
}

size_t eqs_metrics_kept(const eqs_metrics *metrics)
{
    return metrics->kept;
}

eqs_status eqs_metrics_close(eqs_metrics *metrics)
{
    if (metrics == NULL)
        return EQS_OK;
    eqs_status status = EQS_OK;
    if (metrics->fd >= 0 && close(metrics->fd) != 0)
        status = eqs_fail(EQS_IO, "%s: cannot close: %s", metrics->name, strerror(errno));
    json_decref(metrics->line);
    eqs_free(metrics->name);
    eqs_free(metrics);
    return status;
}

static void put(eqs_metrics *m, const char *name, json_t *value)
{
    if (json_object_set_new(m->line, name, value) != 0)
        m->failed = true;
}

static json_t *real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

void eqs_metrics_int(eqs_metrics *metrics, const char *name, int64_t value)
{
    put(metrics, name, json_integer(value));
}

void eqs_metrics_real(eqs_metrics *metrics, const char *name, double value)
{
    put(metrics, name, real(value));
}

void eqs_metrics_text(eqs_metrics *metrics, const char *name, const char *value)
{
    put(metrics, name, json_string(value));
}

void eqs_metrics_reals(eqs_metrics *metrics, const char *name, const double *value, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        if (json_array_append_new(list, real(value[i])) != 0)
            metrics->failed = true;
    put(metrics, name, list);
}

/* the line with its newline, in one write where the system takes it whole: no reader sees a part of it then
 */
static eqs_status write_line(const eqs_metrics *m, char *text)
{
    size_t n = strlen(text) + 1, done = 0;
    text[n - 1] = '\n'; /* in place of the final zero */
    while (done < n) {
        ssize_t wrote = write(m->fd, text + done, n - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return eqs_fail(EQS_IO, "%s: cannot write a line of %zu bytes (%zu written): %s", m->name, n,
                            done, wrote < 0 ? strerror(errno) : "nothing was accepted");
        done += (size_t)wrote;
    }
    return EQS_OK;
}

eqs_status eqs_metrics_write(eqs_metrics *metrics)
{
    char *text = metrics->failed ? NULL : json_dumps(metrics->line, JSON_COMPACT | JSON_PRESERVE_ORDER);
    eqs_status status = text != NULL ? write_line(metrics, text)
                                     : eqs_fail(EQS_NO_MEMORY,
                                                "%s: a line cannot be made (no memory, or a text that "
                                                "is not UTF-8)",
                                                metrics->name);
    free(text);
    json_object_clear(metrics->line);
    metrics->failed = false;
    return status;
}
