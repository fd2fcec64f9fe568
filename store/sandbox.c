#include "store/sandbox.h"

#include "base/run.h"
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* first byte of what the child sends */
enum { ANSWER = 'A', FAILURE = 'F' };

static void limit(int resource, rlim_t value)
{
    struct rlimit old, fresh = {value, value};
    if (getrlimit(resource, &old) == 0 && old.rlim_max != RLIM_INFINITY && old.rlim_max < value)
        fresh = (struct rlimit){old.rlim_max, old.rlim_max};
    setrlimit(resource, &fresh);
}

/* bytes of address space in use, so that the limit works under sanitizers, which reserve terabytes */
static size_t address_space(void)
{
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    int n = fscanf(file, "%zu", &pages);
    fclose(file);
    return n == 1 ? pages * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

static void confine(const eqs_sandbox_limits *limits)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM};
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        signal(fatal[i], SIG_DFL);
    signal(SIGINT,
           SIG_IGN); /* Ctrl-C is the parent's to judge; a dead child would look like a damaged file */
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, (rlim_t)limits->seconds + 1);
    size_t used = address_space();
    if (used > 0)
        limit(RLIMIT_AS, used + limits->memory_bytes);
}

/* the child's life; never returns */
_Noreturn static void child(const eqs_sandbox_limits *limits, eqs_sandbox_job job, void *user, int fd)
{
    confine(limits);
    eqs_text output = {0};
    eqs_status status = job(user, &output);
    if (status == EQS_OK && output.failed)
        status = EQS_NO_MEMORY;
    const char *text = status == EQS_OK ? eqs_text_string(&output) : eqs_error_message();
    size_t length = status == EQS_OK ? output.length : strlen(text);
    char head[2] = {(char)(status == EQS_OK ? ANSWER : FAILURE), (char)status};
    if (eqs_file_write_all(fd, "pipe", head, sizeof head) != EQS_OK ||
        eqs_file_write_all(fd, "pipe", text, length) != EQS_OK)
        _exit(1);
    _exit(0);
}

/* Reads the pipe to its end or the limits. */
static eqs_status collect(const eqs_sandbox_limits *limits, int fd, eqs_text *output)
{
    char part[16384];
    double deadline = eqs_clock() + limits->seconds;
    for (;;) {
        double left = deadline - eqs_clock();
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = left > 0 ? poll(&wait, 1, (int)(1000 * left) + 1) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return eqs_fail(EQS_BAD_DATA, "reading it took longer than %g s", limits->seconds);
        ssize_t got = read(fd, part, sizeof part);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return eqs_fail(EQS_IO, "cannot read from the reading process: %s", strerror(errno));
        if (got == 0)
            return EQS_OK;
        if (output->length + (size_t)got > limits->output_bytes)
            return eqs_fail(EQS_BAD_DATA, "it describes more than %zu bytes of objects",
                            limits->output_bytes);
        eqs_text_add(output, "%.*s", (int)got, part); /* texts hold no zero bytes but the head's status */
        if (output->failed)
            return EQS_NO_MEMORY;
    }
}

static eqs_status judge(int state, int status_byte, eqs_text *output)
{
    if (WIFSIGNALED(state))
        return eqs_fail(EQS_BAD_DATA, "the file is damaged: reading it ended with signal %d (%s)",
                        WTERMSIG(state), strsignal(WTERMSIG(state)));
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0 || status_byte < 0)
        return eqs_fail(EQS_BAD_DATA, "the file is damaged: reading it ended with code %d",
                        WIFEXITED(state) ? WEXITSTATUS(state) : -1);
    return status_byte == EQS_OK ? EQS_OK : eqs_fail((eqs_status)status_byte, "%s", eqs_text_string(output));
}

/* the two bytes before the text: what it is, and the child's status; -1 when the child sent none */
static int read_head(int fd, double seconds)
{
    unsigned char head[2];
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    double deadline = eqs_clock() + seconds;
    for (size_t n = 0; n < sizeof head;) {
        double left = deadline - eqs_clock();
        int ready = left > 0 ? poll(&wait, 1, (int)(1000 * left) + 1) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t got = ready > 0 ? read(fd, head + n, sizeof head - n) : -1;
        if (got <= 0)
            return ready == 0 ? -2 : -1;
        n += (size_t)got;
    }
    return (head[0] == ANSWER || head[0] == FAILURE) && head[1] < EQS_STATUS_COUNT ? head[1] : -1;
}

static eqs_status attend(const eqs_sandbox_limits *limits, pid_t pid, int fd, eqs_text *output)
{
    int status_byte = read_head(fd, limits->seconds);
    eqs_status status = EQS_OK;
    if (status_byte == -2)
        status = eqs_fail(EQS_BAD_DATA, "reading it took longer than %g s", limits->seconds);
    else if (status_byte >= 0)
        status = collect(limits, fd, output);
    if (status != EQS_OK)
        kill(pid, SIGKILL);
    int state = 0;
    while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
        ;
    return status != EQS_OK ? status : judge(state, status_byte, output);
}

eqs_status eqs_sandbox_run(const eqs_sandbox_limits *limits, eqs_sandbox_job job, void *user,
                           eqs_text *output)
{
    int ends[2];
    *output = (eqs_text){0};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return eqs_fail(EQS_IO, "cannot open a pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0) {
        close(ends[0]);
        close(ends[1]);
        return eqs_fail(EQS_IO, "cannot start a process: %s", strerror(errno));
    }
    if (pid == 0) {
        close(ends[0]);
        child(limits, job, user, ends[1]);
    }
    close(ends[1]);
    eqs_status status = attend(limits, pid, ends[0], output);
    close(ends[0]);
    if (status != EQS_OK)
        eqs_text_clear(output);
    return status;
}
