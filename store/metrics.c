#include "store/metrics.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct eqs_metrics {
    int fd;
    char *name;
    json_t *line;
    bool failed; /* memory was short while the line was made */
};

/* cuts what follows the last newline */
static eqs_status cut_partial_line(const eqs_metrics *m)
{
    char part[4096];
    off_t end = lseek(m->fd, 0, SEEK_END), keep = 0;
    for (off_t at = end; at > 0 && keep == 0;) {
        size_t n = at > (off_t)sizeof part ? sizeof part : (size_t)at;
        at -= (off_t)n;
        ssize_t got = pread(m->fd, part, n, at);
        if (got != (ssize_t)n)
            return eqs_fail(EQS_IO, "%s: cannot read: %s", m->name,
                            got < 0 ? strerror(errno) : "it became shorter");
        const char *newline = memrchr(part, '\n', n);
        keep = newline != NULL ? at + (newline - part) + 1 : 0;
    }
    if (end >= 0 && (keep == end || ftruncate(m->fd, keep) == 0))
        return EQS_OK;
    return eqs_fail(EQS_IO, "%s: cannot cut its last line: %s", m->name, strerror(errno));
}

static eqs_status open_metrics(const char *path, bool resume, eqs_metrics *m)
{
    m->name = eqs_format("%s.metrics.jsonl", path);
    m->line = json_object();
    if (m->name == NULL || m->line == NULL)
        return eqs_fail(EQS_NO_MEMORY, "%s: no memory for metrics", path);
    m->fd = open(m->name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | (resume ? 0 : O_TRUNC), 0666);
    if (m->fd < 0)
        return eqs_fail(EQS_IO, "%s: cannot open: %s", m->name, strerror(errno));
    return resume ? cut_partial_line(m) : EQS_OK;
}

eqs_status eqs_metrics_open(const char *path, bool resume, eqs_metrics **out)
{
    *out = NULL;
    eqs_metrics *m = eqs_alloc(1, sizeof *m);
    if (m == NULL)
        return EQS_NO_MEMORY;
    m->fd = -1;
    eqs_status status = open_metrics(path, resume, m);
    if (status != EQS_OK) {
        eqs_metrics_close(m);
        return status;
    }
    *out = m;
    return EQS_OK;
}

void eqs_metrics_close(eqs_metrics *metrics)
{
    if (metrics == NULL)
        return;
    if (metrics->fd >= 0)
        close(metrics->fd);
    json_decref(metrics->line);
    eqs_free(metrics->name);
    eqs_free(metrics);
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

/* the line with its newline in one write, so that no reader sees a part of it */
static eqs_status write_line(const eqs_metrics *m, char *text)
{
    size_t n = strlen(text);
    text[n] = '\n'; /* in place of the final zero */
    ssize_t wrote;
    do
        wrote = write(m->fd, text, n + 1);
    while (wrote < 0 && errno == EINTR);
    if (wrote == (ssize_t)(n + 1))
        return EQS_OK;
    return eqs_fail(EQS_IO, "%s: cannot write a line of %zu bytes: %s", m->name, n + 1,
                    wrote < 0 ? strerror(errno) : "only a part was accepted");
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
