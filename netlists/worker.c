#include "netlists/worker.h"

#include "base/memory.h"
#include "base/run.h"
#include "netlists/worker_protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* how talking to the process went */
typedef enum talk { TALK_FINE, TALK_LATE, TALK_DEAD } talk;

struct eqs_worker {
    eqs_worker_options options;
    double begin;     /* of the present job, as eqs_clock */
    bool no_memory;   /* for handing the present job over */
    talk handed_over; /* how that went */
    pid_t pid;        /* 0: none is running */
    int fd;
    size_t starts;
    char version[64];
};

static const struct {
    eqs_status status;
    const char *text;
} ends[] = {
#define X(name, status, text) {status, text},
    EQS_SPICE_END_LIST(X)
#undef X
};

const char *eqs_spice_end_text(eqs_spice_end end)
{
    return (unsigned)end < EQS_SPICE_END_COUNT ? ends[end].text : "unknown end";
}

eqs_worker_options eqs_worker_options_default(void)
{
    return (eqs_worker_options){.timeout = 120.0, .memory_limit = (size_t)8 << 30};
}

const char *eqs_worker_version(const eqs_worker *worker)
{
    return worker->version;
}

long eqs_worker_process(const eqs_worker *worker)
{
    return (long)worker->pid;
}

size_t eqs_worker_starts(const eqs_worker *worker)
{
    return worker->starts;
}

/* --- talking, with a deadline --- */

/* waits until the socket can be read or written */
static talk wait_for(int fd, short events, double deadline)
{
    for (;;) {
        double left = deadline - eqs_clock();
        if (left <= 0.0)
            return TALK_LATE;
        struct pollfd p = {fd, events, 0};
        int n = poll(&p, 1, left < 1.0 ? (int)ceil(left * 1e3) : 1000);
        if (n > 0)
            return TALK_FINE;
        if (n < 0 && errno != EINTR)
            return TALK_DEAD;
    }
}

static talk send_bytes(int fd, const void *data, size_t size, double deadline)
{
    for (const char *at = data; size > 0;) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            at += n;
            size -= (size_t)n;
        } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            talk t = wait_for(fd, POLLOUT, deadline);
            if (t != TALK_FINE)
                return t;
        } else {
            return TALK_DEAD;
        }
    }
    return TALK_FINE;
}

static talk receive_bytes(int fd, void *data, size_t size, double deadline)
{
    for (char *at = data; size > 0;) {
        ssize_t n = recv(fd, at, size, MSG_DONTWAIT);
        if (n > 0) {
            at += n;
            size -= (size_t)n;
        } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            talk t = wait_for(fd, POLLIN, deadline);
            if (t != TALK_FINE)
                return t;
        } else {
            return TALK_DEAD;
        }
    }
    return TALK_FINE;
}

/* --- the process --- */

/* Ends the process and says how it went, into text. */
static void reap(eqs_worker *worker, bool kill_it, char *text, size_t size)
{
    int status = 0;
    if (worker->pid == 0)
        return;
    if (kill_it)
        kill(worker->pid, SIGKILL);
    close(worker->fd);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    worker->pid = 0;
    worker->fd = -1;
    if (WIFSIGNALED(status))
        snprintf(text, size, "signal %d, %s", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(text, size, "exit code %d", WEXITSTATUS(status));
}

static eqs_status start(eqs_worker *worker)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return eqs_fail(EQS_INTERNAL, "no socket for the ngspice process: %s", strerror(errno));
    pid_t parent = getpid(), pid = fork();
    if (pid < 0) {
        close(pair[0]);
        close(pair[1]);
        return eqs_fail(EQS_INTERNAL, "cannot start the ngspice process: %s", strerror(errno));
    }
    if (pid == 0) {
        if (getppid() != parent)
            _exit(EXIT_FAILURE);
        eqs_worker_serve(pair[1], worker->options.memory_limit);
    }
    close(pair[1]);
    worker->pid = pid;
    worker->fd = pair[0];
    worker->starts++;
    eqs_worker_hello hello;
    talk t = receive_bytes(worker->fd, &hello, sizeof hello, eqs_clock() + worker->options.timeout);
    if (t == TALK_FINE && hello.ready) {
        memcpy(worker->version, hello.version, sizeof worker->version);
        return EQS_OK;
    }
    char text[100];
    reap(worker, t == TALK_LATE, text, sizeof text);
    return eqs_fail(EQS_INTERNAL, "ngspice does not start: %.64s (%s)", t == TALK_FINE ? hello.version : "",
                    text);
}

eqs_status eqs_worker_create(const eqs_worker_options *options, eqs_worker **out)
{
    if (!(options->timeout > 0.0))
        return eqs_fail(EQS_BAD_CONFIG, "time-out of the ngspice process is %g s; it must be positive",
                        options->timeout);
    eqs_worker *worker = eqs_alloc(1, sizeof *worker);
    if (worker == NULL)
        return EQS_NO_MEMORY;
    worker->options = *options;
    worker->fd = -1;
    eqs_status status = start(worker);
    if (status != EQS_OK) {
        eqs_free(worker);
        return status;
    }
    *out = worker;
    return EQS_OK;
}

void eqs_worker_destroy(eqs_worker *worker)
{
    char text[100];
    if (worker == NULL)
        return;
    reap(worker, true, text, sizeof text);
    eqs_free(worker);
}

/* --- jobs --- */

/* first word of a line, compared without case */
static bool line_is(const char *line, const char *word)
{
    size_t n = strlen(word);
    return strncasecmp(line, word, n) == 0 && (line[n] == '\0' || line[n] == '\n' || line[n] == ' ');
}

/* What ngspice 39 would crash on: a deck without elements or end; and control blocks, which could do
 * anything. */
static eqs_status check_deck(const eqs_spice_job *job)
{
    bool element = false, end = false;
    const char *line = memchr(job->deck, '\n', job->deck_length); /* the first line is the title */
    while (line != NULL && line + 1 < job->deck + job->deck_length) {
        line++;
        if (line_is(line, ".control"))
            return eqs_fail(EQS_BAD_DATA, "deck for ngspice: a control block is not allowed");
        element = element || (*line >= 'a' && *line <= 'z') || (*line >= 'A' && *line <= 'Z');
        end = line_is(line, ".end");
        line = memchr(line, '\n', job->deck_length - (size_t)(line - job->deck));
    }
    if (!element)
        return eqs_fail(EQS_BAD_DATA, "deck for ngspice: there are no elements");
    if (!end)
        return eqs_fail(EQS_BAD_DATA, "deck for ngspice: the last line must be .end");
    if (memchr(job->deck, '\0', job->deck_length) != NULL)
        return eqs_fail(EQS_BAD_DATA, "deck for ngspice: there is a NUL in it");
    return EQS_OK;
}

static size_t supply_rows(const eqs_spice_job *job)
{
    return job->nudge == NULL ? job->n_points : job->n_points / job->nudge->n_points;
}

static eqs_status check_nudge(const eqs_spice_job *job)
{
    const eqs_spice_nudge *nudge = job->nudge;
    if (nudge == NULL)
        return EQS_OK;
    size_t nodes = nudge->differential ? 2 * nudge->n_outputs : nudge->n_outputs;
    if (nudge->n_points == 0 || job->n_points == 0 || job->n_points % nudge->n_points != 0 ||
        nudge->beta[0] != 0.0)
        return eqs_fail(EQS_BAD_DATA,
                        "nudging: %zu points in groups of %zu that begin with beta = %g: whole groups that "
                        "begin with beta = 0 are wanted",
                        job->n_points, nudge->n_points, nudge->n_points > 0 ? nudge->beta[0] : 0.0);
    if (nudge->first_wanted + nodes > job->n_wanted || nudge->first_source + nodes > job->n_external)
        return eqs_fail(EQS_BAD_DATA,
                        "nudging of %zu nodes from vector %zu and source %zu on: there are %zu vectors "
                        "and %zu sources",
                        nodes, nudge->first_wanted, nudge->first_source, job->n_wanted, job->n_external);
    for (size_t i = 0; i < supply_rows(job) * nudge->n_outputs; i++) {
        if (!isfinite(nudge->target[i]))
            return eqs_fail(EQS_BAD_DATA, "nudging: target %zu is not finite", i);
    }
    return EQS_OK;
}

static eqs_status check_job(const eqs_spice_job *job)
{
    EQS_TRY(check_deck(job));
    if (job->n_external > 0 && job->n_points == 0)
        return eqs_fail(EQS_BAD_DATA, "external sources need a known number of points");
    EQS_TRY(check_nudge(job));
    for (size_t i = 0; i < supply_rows(job) * job->n_external; i++) {
        if (!isfinite(job->supply[i]))
            return eqs_fail(EQS_BAD_DATA, "external source %.100s, point %zu: %g is not finite",
                            job->external[i % job->n_external], i / job->n_external, job->supply[i]);
    }
    return EQS_OK;
}

/* all names, each with its NUL */
static char *join(size_t n, const char *const *names, uint64_t *bytes)
{
    *bytes = 0;
    for (size_t i = 0; i < n; i++)
        *bytes += strlen(names[i]) + 1;
    char *text = eqs_alloc(*bytes + 1, 1), *at = text;
    for (size_t i = 0; text != NULL && i < n; i++)
        at = stpcpy(at, names[i]) + 1;
    return text;
}

static talk send_job(eqs_worker *worker, const eqs_spice_job *job, double deadline, bool *no_memory)
{
    eqs_worker_request q = {.deck_bytes = job->deck_length,
                            .command_bytes = strlen(job->command) + 1,
                            .n_wanted = job->n_wanted,
                            .n_external = job->n_external,
                            .n_points = job->n_points,
                            .n_groups = supply_rows(job),
                            .has_nudge = job->nudge != NULL};
    if (job->nudge != NULL)
        q.nudge = *job->nudge;
    /* the deck is handed over with a NUL after it */
    q.deck_bytes += 1;
    char *wanted = join(job->n_wanted, job->wanted, &q.wanted_bytes);
    char *external = join(job->n_external, job->external, &q.external_bytes);
    *no_memory = wanted == NULL || external == NULL;
    const struct {
        const void *data;
        size_t size;
    } parts[] = {{&q, sizeof q},
                 {job->deck, job->deck_length},
                 {"", 1},
                 {job->command, q.command_bytes},
                 {wanted, q.wanted_bytes},
                 {external, q.external_bytes},
                 {job->supply, q.n_groups * job->n_external * sizeof *job->supply},
                 {q.nudge.beta, q.nudge.n_points * sizeof *q.nudge.beta},
                 {q.nudge.target, q.n_groups * q.nudge.n_outputs * sizeof *q.nudge.target}};
    talk t = TALK_FINE;
    for (size_t i = 0; !*no_memory && t == TALK_FINE && i < sizeof parts / sizeof *parts; i++)
        t = send_bytes(worker->fd, parts[i].data, parts[i].size, deadline);
    eqs_free(wanted);
    eqs_free(external);
    return t;
}

/* names of the result: those wanted, or the ones that came */
static bool set_names(const eqs_spice_job *job, eqs_spice_result *result, const char *came)
{
    size_t n = result->n_vectors;
    uint64_t bytes;
    result->name = eqs_alloc(n, sizeof *result->name);
    if (job->n_wanted > 0)
        result->block = join(n, job->wanted, &bytes);
    if (result->name == NULL || (job->n_wanted > 0 && result->block == NULL))
        return false;
    const char *next = job->n_wanted > 0 ? result->block : came;
    for (size_t i = 0; i < n; i++) {
        result->name[i] = next;
        next += strlen(next) + 1;
    }
    return true;
}

static talk receive_result(eqs_worker *worker, const eqs_spice_job *job, double deadline,
                           eqs_spice_result *result, bool *no_memory)
{
    eqs_worker_reply r;
    talk t = receive_bytes(worker->fd, &r, sizeof r, deadline);
    if (t != TALK_FINE)
        return t;
    result->end = (eqs_spice_end)r.end;
    result->gmin_stepping = r.gmin_stepping != 0;
    result->source_stepping = r.source_stepping != 0;
    memcpy(result->text, r.text, sizeof result->text);
    if (result->end != EQS_SPICE_DONE)
        return TALK_FINE;
    size_t values = r.n_points * r.n_vectors;
    char *names = eqs_alloc(r.names_bytes + 1, 1);
    result->n_points = r.n_points;
    result->n_vectors = r.n_vectors;
    result->time = r.has_time ? eqs_alloc(r.n_points, sizeof *result->time) : NULL;
    result->value = eqs_alloc(values, sizeof *result->value);
    *no_memory = names == NULL || result->value == NULL || (r.has_time && result->time == NULL);
    if (!*no_memory)
        t = receive_bytes(worker->fd, names, r.names_bytes, deadline);
    if (!*no_memory && t == TALK_FINE && r.has_time)
        t = receive_bytes(worker->fd, result->time, r.n_points * sizeof *result->time, deadline);
    if (!*no_memory && t == TALK_FINE)
        t = receive_bytes(worker->fd, result->value, values * sizeof *result->value, deadline);
    if (job->n_wanted == 0)
        result->block = names;
    if (!*no_memory && t == TALK_FINE && !set_names(job, result, names))
        *no_memory = true;
    if (job->n_wanted > 0)
        eqs_free(names);
    return t;
}

/* the message of a job that did not end well */
static eqs_status report(const eqs_spice_job *job, const eqs_spice_result *result)
{
    const char *title_end = memchr(job->deck, '\n', job->deck_length);
    int title = title_end == NULL ? 0 : (int)(title_end - job->deck);
    return eqs_fail(ends[result->end].status, "%s (%.60s of '%.*s'): %s", ends[result->end].text,
                    job->command, title < 100 ? title : 100, job->deck,
                    result->text[0] != '\0' ? result->text : "it gave no reason");
}

eqs_status eqs_worker_start_job(eqs_worker *worker, const eqs_spice_job *job)
{
    EQS_TRY(check_job(job));
    worker->begin = eqs_clock();
    worker->no_memory = false;
    if (worker->pid == 0)
        EQS_TRY(start(worker));
    worker->handed_over = send_job(worker, job, worker->begin + worker->options.timeout, &worker->no_memory);
    return EQS_OK;
}

eqs_status eqs_worker_finish_job(eqs_worker *worker, const eqs_spice_job *job, eqs_spice_result *result)
{
    *result = (eqs_spice_result){.end = EQS_SPICE_REFUSED};
    bool no_memory = worker->no_memory;
    talk t = worker->handed_over;
    if (t == TALK_FINE && !no_memory)
        t = receive_result(worker, job, worker->begin + worker->options.timeout, result, &no_memory);
    result->seconds = eqs_clock() - worker->begin;
    /* what is half said cannot be continued; what has given itself up runs no more circuits */
    char how[100] = "";
    if (t != TALK_FINE || no_memory || result->end == EQS_SPICE_EXITED)
        reap(worker, t == TALK_LATE || no_memory, how, sizeof how);
    if (no_memory)
        return EQS_NO_MEMORY;
    if (t == TALK_LATE) {
        result->end = EQS_SPICE_TIMED_OUT;
        snprintf(result->text, sizeof result->text, "stopped after %g s", worker->options.timeout);
    } else if (t == TALK_DEAD) {
        result->end = EQS_SPICE_DIED;
        snprintf(result->text, sizeof result->text, "%s", how);
    }
    return result->end == EQS_SPICE_DONE ? EQS_OK : report(job, result);
}

eqs_status eqs_worker_run(eqs_worker *worker, const eqs_spice_job *job, eqs_spice_result *result)
{
    *result = (eqs_spice_result){.end = EQS_SPICE_REFUSED};
    EQS_TRY(eqs_worker_start_job(worker, job));
    return eqs_worker_finish_job(worker, job, result);
}

void eqs_spice_result_clear(eqs_spice_result *result)
{
    eqs_free(result->name);
    eqs_free(result->time);
    eqs_free(result->value);
    eqs_free(result->block);
    *result = (eqs_spice_result){0};
}
