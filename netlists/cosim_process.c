#include "netlists/cosim_process.h"

#include "base/memory.h"
#include "base/run.h"
#include "netlists/cosim_shared.h"
#include "netlists/worker.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

struct eqs_cosim_process {
    eqs_cosim_shared *shared;
    size_t bytes; /* of the shared memory */
    int fd;
    pid_t keeper; /* 0: gone */
    double timeout;
};

static const double close_patience = 2.0; /* s for the processes to end by themselves */

/* --- shared memory --- */

static void *carve(char **next, size_t bytes)
{
    void *at = *next;
    *next += (bytes + 63) / 64 * 64;
    return at;
}

static eqs_status map(const eqs_cosim_job *job, eqs_cosim_process *p)
{
    size_t n_out = job->n_out + job->n_supplies, wave = EQS_COSIM_NODES * job->n_in * sizeof(double);
    p->bytes = sizeof(eqs_cosim_shared) + 2 * wave +
               (n_out + job->n_supplies + EQS_COSIM_NODES) * sizeof(double) + 64 * 8;
    void *block = mmap(NULL, p->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        return eqs_fail(EQS_NO_MEMORY, "no shared memory for the co-simulation: %s", strerror(errno));
    char *next = block;
    p->shared = carve(&next, sizeof *p->shared);
    p->shared->stretch.time = carve(&next, EQS_COSIM_NODES * sizeof(double));
    p->shared->stretch.a = carve(&next, wave);
    p->shared->stretch.da = carve(&next, wave);
    p->shared->output = carve(&next, n_out * sizeof(double));
    p->shared->energy = carve(&next, job->n_supplies * sizeof(double));
    p->shared->end = EQS_SPICE_DONE;
    return EQS_OK;
}

/* --- turns --- */

static eqs_status describe_end(const eqs_cosim_process *p)
{
    static const struct {
        eqs_status status;
    } ends[] = {
#define X(name, status, text) {status},
        EQS_SPICE_END_LIST(X)
#undef X
    };
    const eqs_cosim_shared *s = p->shared;
    return eqs_fail(ends[s->end].status, "co-simulation: %s at t = %g s: %s",
                    eqs_spice_end_text((eqs_spice_end)s->end), s->t,
                    s->text[0] != '\0' ? s->text : "it gave no reason");
}

static eqs_status died(const eqs_cosim_process *p)
{
    for (int i = 0; i < 100 && p->shared->signal == 0; i++) /* its keeper may still be looking */
        usleep(1000);
    return eqs_fail(EQS_INTERNAL, "co-simulation: the ngspice process died at t = %g s%s%s", p->shared->t,
                    p->shared->signal != 0 ? ": " : "",
                    p->shared->signal != 0 ? strsignal(p->shared->signal) : "");
}

/* waits for the process's turn to end */
static eqs_status await(eqs_cosim_process *p)
{
    char turn;
    double deadline = eqs_clock() + p->timeout;
    for (;;) {
        ssize_t n = recv(p->fd, &turn, 1, 0); /* wakes up every second, see SO_RCVTIMEO */
        if (n == 1)
            return p->shared->end == EQS_SPICE_DONE ? EQS_OK : describe_end(p);
        bool again = n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK);
        if (!again)
            break;
        if (eqs_stop_requested())
            return eqs_fail(EQS_INTERRUPTED, "stopped in the middle of a co-simulation");
        if (eqs_clock() > deadline)
            return eqs_fail(EQS_INTERNAL,
                            "co-simulation: the ngspice process did not reach the next macro point in %g s "
                            "(at t = %g s)",
                            p->timeout, p->shared->t);
    }
    return died(p);
}

static eqs_status turn(eqs_cosim_process *p, eqs_cosim_command command)
{
    const char go = 'g';
    p->shared->command = command;
    return send(p->fd, &go, 1, MSG_NOSIGNAL) == 1 ? await(p) : died(p);
}
static eqs_status start(const eqs_cosim_job *job, eqs_cosim_process *p)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return eqs_fail(EQS_INTERNAL, "no socket for the co-simulation: %s", strerror(errno));
    const struct timeval second = {1, 0};
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        if (getppid() != parent)
            _exit(EXIT_FAILURE);
        eqs_cosim_serve(pair[1], job, p->shared);
    }
    close(pair[1]);
    p->fd = pair[0];
    if (pid < 0)
        return eqs_fail(EQS_INTERNAL, "cannot start the ngspice process: %s", strerror(errno));
    p->keeper = pid;
    setpgid(pid, pid);
    return await(p); /* the operating point */
}

eqs_status eqs_cosim_process_create(const eqs_cosim_job *job, eqs_cosim_process **out)
{
    if (job->n_supplies > 64 || job->n_in == 0)
        return eqs_fail(EQS_INTERNAL, "co-simulation: %zu supplies and %zu inputs; at most 64, at least 1",
                        job->n_supplies, job->n_in);
    eqs_cosim_process *p = eqs_alloc(1, sizeof *p);
    if (p == NULL)
        return EQS_NO_MEMORY;
    p->fd = -1;
    p->timeout = job->timeout;
    eqs_status status = map(job, p);
    if (status == EQS_OK)
        status = start(job, p);
    if (status != EQS_OK) {
        eqs_cosim_process_destroy(p);
        return status;
    }
    *out = p;
    return EQS_OK;
}

void eqs_cosim_process_destroy(eqs_cosim_process *p)
{
    if (p == NULL)
        return;
    if (p->fd >= 0)
        close(p->fd); /* the process sees it and ends, and the keeper after it */
    double deadline = eqs_clock() + close_patience;
    int status;
    while (p->keeper > 0 && waitpid(p->keeper, &status, WNOHANG) == 0) {
        if (eqs_clock() > deadline) {
            kill(-p->keeper, SIGKILL);
            deadline = INFINITY;
        }
        usleep(200);
    }
    if (p->shared != NULL)
        munmap(p->shared, p->bytes);
    eqs_free(p);
}

eqs_cosim_stretch *eqs_cosim_process_stretch(eqs_cosim_process *process)
{
    return &process->shared->stretch;
}

eqs_status eqs_cosim_process_advance(eqs_cosim_process *process)
{
    return turn(process, EQS_COSIM_ADVANCE);
}

const double *eqs_cosim_process_output(const eqs_cosim_process *process)
{
    return process->shared->output;
}

const double *eqs_cosim_process_energy(const eqs_cosim_process *process)
{
    return process->shared->energy;
}

eqs_status eqs_cosim_process_mark(eqs_cosim_process *process)
{
    return turn(process, EQS_COSIM_MARK);
}

eqs_status eqs_cosim_process_back(eqs_cosim_process *process)
{
    return turn(process, EQS_COSIM_BACK);
}

eqs_status eqs_cosim_process_keep(eqs_cosim_process *process)
{
    return turn(process, EQS_COSIM_KEEP);
}

eqs_cosim_counts eqs_cosim_process_counts(const eqs_cosim_process *process)
{
    return process->shared->counts;
}

long eqs_cosim_process_id(const eqs_cosim_process *process)
{
    return (long)process->shared->pid;
}
