/* The worker's side: a process that shuts itself off from the outside and serves jobs with libngspice. */
#include "netlists/worker_protocol.h"

#include "base/memory.h"
#include "netlists/ngspice_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
enum { LIMIT_MEMORY = 0 }; /* the sanitizer reserves terabytes of addresses */
#else
enum { LIMIT_MEMORY = 1 };
#endif

static bool receive_all(int fd, void *data, size_t size)
{
    for (char *at = data; size > 0;) {
        ssize_t n = recv(fd, at, size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static bool send_all(int fd, const void *data, size_t size)
{
    for (const char *at = data; size > 0;) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static void limit(int resource, rlim_t value)
{
    struct rlimit r;
    if (getrlimit(resource, &r) != 0)
        return;
    r.rlim_cur = r.rlim_max == RLIM_INFINITY || value < r.rlim_max ? value : r.rlim_max;
    setrlimit(resource, &r);
}

/* Signals, descriptors and limits of a process that only computes. Returns the socket's new number. */
int eqs_worker_shut_off(int fd, size_t memory_limit)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 1; i < NSIG; i++) /* no handler of the parent's may wake up in here */
        signal(i, SIG_DFL);
    const int ignored[] = {SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGPIPE, SIGXFSZ};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    /* keep nothing of the parent's: its files, and other workers' sockets, whose end must be seen */
    enum { SOCKET = 3, SPARE = 10 };
    int kept = fcntl(fd, F_DUPFD, SPARE), null = open("/dev/null", O_RDWR);
    if (kept < 0 || null < 0)
        _exit(EXIT_FAILURE);
    for (int i = 0; i < SOCKET; i++)
        dup2(null, i);
    dup2(kept, SOCKET);
    close_range(SOCKET + 1, UINT_MAX, 0);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0); /* ngspice has no business writing files */
    if (LIMIT_MEMORY)
        limit(RLIMIT_AS, memory_limit);
    return SOCKET;
}

static bool touch(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    return fd >= 0 && close(fd) == 0;
}

/* Starts ngspice where the files of the system and of the user cannot change what it does: it reads
 * .spiceinit of the current folder, or else of the home, and spinit of SPICE_SCRIPTS, or else of the system.
 */
eqs_status eqs_worker_open_engine(eqs_ngspice *engine)
{
    const char *parent = getenv("TMPDIR");
    char folder[PATH_MAX];
    int length = snprintf(folder, sizeof folder, "%s/eqspice-XXXXXX", parent != NULL ? parent : "/tmp");
    if (length < 0 || (size_t)length >= sizeof folder || mkdtemp(folder) == NULL || chdir(folder) != 0)
        return eqs_fail(EQS_INTERNAL, "no scratch folder: %s", strerror(errno));
    eqs_status status = EQS_OK;
    if (!touch(".spiceinit") || !touch("spinit") || setenv("SPICE_SCRIPTS", folder, 1) != 0)
        status = eqs_fail(EQS_INTERNAL, "scratch folder: %s", strerror(errno));
    if (status == EQS_OK)
        status = eqs_ngspice_open(engine);
    unlink(".spiceinit");
    unlink("spinit");
    if (chdir("/") != 0 || rmdir(folder) != 0)
        return eqs_fail(EQS_INTERNAL, "scratch folder '%.40s': %s", folder, strerror(errno));
    return status;
}

/* A job with the memory that its pointers point into. */
typedef struct received {
    eqs_spice_job job;
    char *text; /* deck, command and names */
    const char **names;
    double *supply; /* then beta and targets of the nudge */
    eqs_spice_nudge nudge;
} received;

static void release(received *r)
{
    eqs_free(r->text);
    eqs_free(r->names);
    eqs_free(r->supply);
}

/* false when the parent is gone or memory is short: the process ends then */
static bool receive_job(int fd, received *r)
{
    eqs_worker_request q;
    *r = (received){0};
    if (!receive_all(fd, &q, sizeof q))
        return false;
    size_t bytes = q.deck_bytes + q.command_bytes + q.wanted_bytes + q.external_bytes;
    size_t supplied = q.n_groups * q.n_external, numbers = supplied;
    if (q.has_nudge)
        numbers += q.nudge.n_points + q.n_groups * q.nudge.n_outputs;
    r->text = eqs_alloc(bytes + 1, 1);
    r->names = eqs_alloc(q.n_wanted + q.n_external, sizeof *r->names);
    r->supply = eqs_alloc(numbers, sizeof *r->supply);
    if (r->text == NULL || r->names == NULL || r->supply == NULL || !receive_all(fd, r->text, bytes) ||
        !receive_all(fd, r->supply, numbers * sizeof *r->supply)) {
        release(r);
        return false;
    }
    const char *next = r->text + q.deck_bytes + q.command_bytes;
    for (size_t i = 0; i < q.n_wanted + q.n_external; i++) {
        r->names[i] = next;
        next += strlen(next) + 1;
    }
    r->job = (eqs_spice_job){.deck = r->text,
                             .deck_length = q.deck_bytes,
                             .command = r->text + q.deck_bytes,
                             .n_wanted = q.n_wanted,
                             .wanted = r->names,
                             .n_points = q.n_points,
                             .n_external = q.n_external,
                             .external = r->names + q.n_wanted,
                             .supply = r->supply};
    if (q.has_nudge) {
        r->nudge = q.nudge;
        r->nudge.beta = r->supply + supplied;
        r->nudge.target = r->nudge.beta + q.nudge.n_points;
        r->job.nudge = &r->nudge;
    }
    return true;
}

/* sends the columns of the rows: time alone, or all but time */
static bool send_rows(int fd, const eqs_ngspice *e, bool time)
{
    size_t width = 1 + e->n_columns;
    if (!time) {
        for (size_t i = 0; i < e->n_rows; i++) {
            if (!send_all(fd, e->rows + i * width + 1, e->n_columns * sizeof *e->rows))
                return false;
        }
        return true;
    }
    double *column = eqs_alloc(e->n_rows, sizeof *column);
    for (size_t i = 0; column != NULL && i < e->n_rows; i++)
        column[i] = e->rows[i * width];
    bool fine = column != NULL && send_all(fd, column, e->n_rows * sizeof *column);
    eqs_free(column);
    return fine;
}

static bool reply(int fd, const eqs_ngspice *e, eqs_spice_end end)
{
    bool done = end == EQS_SPICE_DONE;
    eqs_worker_reply r = {.end = end,
                          .has_time = strncmp(e->job->command, "tran", 4) == 0,
                          .gmin_stepping = e->gmin_stepping,
                          .source_stepping = e->source_stepping,
                          .n_points = done ? e->n_rows : 0,
                          .n_vectors = done ? e->n_columns : 0};
    snprintf(r.text, sizeof r.text, "%s", e->text);
    bool names = done && e->job->n_wanted == 0;
    for (size_t i = 0; names && i < e->n_columns; i++)
        r.names_bytes += strlen(e->wanted.text[i]) + 1;
    if (!send_all(fd, &r, sizeof r))
        return false;
    for (size_t i = 0; names && i < e->n_columns; i++) {
        if (!send_all(fd, e->wanted.text[i], strlen(e->wanted.text[i]) + 1))
            return false;
    }
    if (!done)
        return true;
    return (!r.has_time || send_rows(fd, e, true)) && send_rows(fd, e, false);
}

_Noreturn void eqs_worker_serve(int socket, size_t memory_limit)
{
    int fd = eqs_worker_shut_off(socket, memory_limit);
    eqs_ngspice engine;
    eqs_worker_hello hello = {.ready = eqs_worker_open_engine(&engine) == EQS_OK};
    snprintf(hello.version, sizeof hello.version, "%s", hello.ready ? engine.version : eqs_error_message());
    received r;
    bool serving = send_all(fd, &hello, sizeof hello) && hello.ready;
    while (serving && receive_job(fd, &r)) {
        eqs_spice_end end = eqs_ngspice_run(&engine, &r.job);
        serving = reply(fd, &engine, end) && !engine.exited;
        eqs_ngspice_forget(&engine);
        release(&r);
    }
    _exit(EXIT_SUCCESS); /* no handlers of the parent's, no flushing of its files */
}
