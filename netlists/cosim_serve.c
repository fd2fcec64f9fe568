/* The process of the circuit. Its parent is a keeper that only waits: copies that a mark leaves behind become
 * the keeper's children when the process that forked them ends, and are reaped. */
#include "netlists/cosim_shared.h"
#include "netlists/ngspice_engine.h"
#include "netlists/worker_protocol.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TAKEN_BACK = 77 }; /* exit code of a process that was taken back */

typedef struct side {
    int fd;
    const eqs_cosim_job *job;
    eqs_cosim_shared *shared;
    eqs_ngspice engine;
    bool started; /* the operating point has been delivered */
    size_t node;  /* of the stretch in which sources were read last */
    double last_time;
    double last_power[64], energy[64]; /* of the supplies */
    size_t steps, marks;
} side;

static _Noreturn void leave(void)
{
    _exit(EXIT_SUCCESS);
}

static void post(side *s)
{
    const char turn = 'y';
    s->shared->pid = getpid();
    s->shared->counts = (eqs_cosim_counts){s->steps, s->marks};
    memcpy(s->shared->energy, s->energy, s->job->n_supplies * sizeof *s->energy);
    if (send(s->fd, &turn, 1, MSG_NOSIGNAL) != 1)
        leave();
}

static void await(side *s)
{
    char turn;
    ssize_t n;
    alarm(0);
    do
        n = recv(s->fd, &turn, 1, 0);
    while (n < 0 && errno == EINTR);
    if (n != 1)
        leave();
    alarm((unsigned)ceil(s->job->timeout) + 1); /* of copies that nobody else can stop */
}

/* This process becomes the copy: it waits, and makes a new child each time the last is taken back. */
static void mark(side *s)
{
    for (;;) {
        int status = 0;
        pid_t child = fork();
        if (child < 0)
            _exit(EXIT_FAILURE);
        if (child == 0) {
            s->marks++;
            return;
        }
        alarm(0);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            continue;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != TAKEN_BACK) {
            if (WIFSIGNALED(status))
                s->shared->signal = WTERMSIG(status);
            leave();
        }
    }
}

/* at a macro point: tells, and obeys until there is a next stretch */
static void meet(side *s)
{
    post(s);
    for (;;) {
        await(s);
        switch (s->shared->command) {
        case EQS_COSIM_ADVANCE:
            s->node = 0;
            return;
        case EQS_COSIM_MARK:
            mark(s);
            post(s);
            break;
        case EQS_COSIM_BACK:
            _exit(TAKEN_BACK);
        case EQS_COSIM_KEEP:
            kill(getppid(), SIGTERM); /* the copy */
            post(s);
            break;
        }
    }
}

/* --- hooks --- */

static void add_energy(side *s, double time, const double *current)
{
    double step = time - s->last_time;
    for (size_t i = 0; i < s->job->n_supplies; i++) {
        double power = -s->job->supply_volts[i] * current[i];
        if (step > 0.0)
            s->energy[i] += 0.5 * step * (power + s->last_power[i]);
        s->last_power[i] = power;
    }
    s->last_time = time;
}

static void on_point(void *user, double time, const double *value)
{
    side *s = user;
    const eqs_cosim_job *job = s->job;
    memcpy(s->shared->output, value, (job->n_out + job->n_supplies) * sizeof *value);
    add_energy(s, time, value + job->n_out);
    s->shared->t = time;
    s->steps += s->started;
}

/* cubic Hermite interpolation of input `index` */
static double on_source(void *user, size_t index, double time)
{
    side *s = user;
    const eqs_cosim_stretch *w = &s->shared->stretch;
    size_t n = s->job->n_in, k = s->node;
    if (!s->started)
        return s->job->start[index];
    while (k + 2 < w->n_nodes && time > w->time[k + 1])
        k++;
    while (k > 0 && time < w->time[k])
        k--;
    s->node = k;
    double h = w->time[k + 1] - w->time[k], x = (time - w->time[k]) / h;
    const double *a = w->a + k * n + index, *d = w->da + k * n + index;
    x = x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x;
    double rise = a[n] - a[0], y = 1.0 - x;
    return a[0] + x * rise + x * y * (y * (h * d[0] - rise) - x * (h * d[n] - rise));
}

static void on_step(void *user, double t, double *dt)
{
    side *s = user;
    const double close = 1e-12;
    const eqs_cosim_stretch *w = &s->shared->stretch;
    if (!s->started || t >= w->end * (1.0 - close)) {
        if (s->engine.missing > 0)
            return; /* the end of the run will tell */
        meet(s);
        s->started = true;
    }
    double rest = w->end - t, step = fmin(*dt, w->max_step);
    *dt = step >= rest ? rest : rest / ceil(rest / step);
}

/* runs the transient; it only comes back when something went wrong */
static void run(side *s)
{
    static const eqs_ngspice_hooks hooks = {on_point, on_source, on_step};
    const eqs_cosim_job *job = s->job;
    char command[200];
    snprintf(command, sizeof command, "tran %.17g %.17g 0 %.17g", job->t_stop / 50.0, 2.0 * job->t_stop,
             job->t_stop);
    eqs_spice_job what = {.deck = job->deck,
                          .deck_length = job->deck_length,
                          .command = command,
                          .n_wanted = job->n_out + job->n_supplies,
                          .wanted = job->wanted,
                          .n_points = 1,
                          .n_external = job->n_in,
                          .external = job->external};
    if (eqs_worker_open_engine(&s->engine) != EQS_OK) {
        s->shared->end = EQS_SPICE_DIED;
        snprintf(s->shared->text, sizeof s->shared->text, "%.500s", eqs_error_message());
        return;
    }
    eqs_ngspice_follow(&s->engine, &hooks, s);
    eqs_spice_end end = eqs_ngspice_run(&s->engine, &what);
    s->shared->end = end == EQS_SPICE_DONE || end == EQS_SPICE_INCOMPLETE ? EQS_SPICE_ABORTED : end;
    snprintf(s->shared->text, sizeof s->shared->text, "%.500s", s->engine.text);
}

_Noreturn void eqs_cosim_serve(int socket, const eqs_cosim_job *job, eqs_cosim_shared *shared)
{
    int fd = eqs_worker_shut_off(socket, job->memory_limit), status;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t child = fork();
    if (child == 0) {
        static side s; /* large, and the only one of its process */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        s = (side){.fd = fd, .job = job, .shared = shared};
        run(&s);
        post(&s);
        leave();
    }
    close(fd); /* the keeper must not keep the socket open */
    for (pid_t pid = child; pid > 0 || (pid < 0 && errno == EINTR); pid = wait(&status)) {
        if (pid != child && WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM)
            shared->signal = WTERMSIG(status);
    }
    leave();
}
