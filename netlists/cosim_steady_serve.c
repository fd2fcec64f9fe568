/* The process that finds steady states: one dc sweep, whose points are the evaluations of all samples in
 * turn. */
#include "netlists/cosim_steady_shared.h"
#include "netlists/ngspice_engine.h"
#include "netlists/worker_protocol.h"

#include "base/memory.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct solver {
    eqs_cosim_steady_shared *q;
    eqs_ngspice engine;
    eqs_anderson anderson;
    eqs_cosim_system sys; /* of the present sample */
    size_t sample, iteration;
    bool plain;                           /* the present sample is iterated plainly, from rest */
    double before;                        /* its residual one iteration ago */
    double *block, *a, *y, *g, *u, *base; /* inputs in force; outputs; G(z); scratch */
    size_t delivered;                     /* points of the present sweep */
} solver;

static void set_inputs(solver *s)
{
    const eqs_cosim_steady_shared *q = s->q;
    eqs_cosim_inputs(&s->sys, q->z + s->sample * s->sys.n_ode, NULL, s->a, NULL);
    for (size_t i = 0; i < s->sys.n_in; i++)
        s->a[i] *= q->gain[i];
}

static void begin_sample(solver *s)
{
    const eqs_cosim_steady_shared *q = s->q;
    size_t n = s->sys.n_ode;
    s->iteration = 0;
    s->before = INFINITY;
    eqs_anderson_reset(&s->anderson);
    if (s->sample == q->batch)
        return;
    s->sys.d_O = q->d_O + s->sample * n;
    s->sys.b = q->b + s->sample * s->sys.n_in;
    for (size_t i = 0; i < n; i++)
        s->sys.ode[i].pull = q->pull[s->sample * n + i];
    for (size_t i = 0; s->plain && i < n; i++)
        q->z[s->sample * n + i] = eqs_rho(s->sys.ode[i].rho, 0.0);
    set_inputs(s);
}

/* the sample is done, well or not: the next */
static void end_sample(solver *s, double residual, bool fine)
{
    eqs_cosim_steady_shared *q = s->q;
    size_t n = s->sys.n_ode;
    double gain = eqs_cosim_loop_gain(&s->sys, s->u, s->y);
    bool stable = isnan(gain) || gain < 1.0;
    if (!(fine && stable) && !s->plain) {
        s->plain = true;
        q->result.restarted++;
        begin_sample(s);
        return;
    }
    memcpy(q->z + s->sample * n, s->g, n * sizeof *s->g);
    memcpy(q->y + s->sample * s->sys.n_out, s->y, s->sys.n_out * sizeof *s->y);
    q->residual[s->sample] = residual;
    q->loop_gain[s->sample] = gain;
    q->result.unconverged += !(fine && stable);
    if (!(residual <= q->result.max_residual))
        q->result.max_residual = residual;
    if (!(gain <= q->result.max_gain))
        q->result.max_gain = gain;
    s->plain = false;
    s->sample++;
    begin_sample(s);
}

static void on_point(void *user, double sweep, const double *value)
{
    (void)sweep;
    solver *s = user;
    eqs_cosim_steady_shared *q = s->q;
    size_t n = s->sys.n_ode;
    enum { PLAIN = 10 }; /* plain steps are cheap and slow */
    const double growth = 1.5;
    s->delivered++;
    if (s->sample == q->batch)
        return; /* the rest of the sweep */
    q->result.points++;
    for (size_t i = 0; i < s->sys.n_out; i++)
        s->y[i] = value[i] / q->swing;
    double *z = q->z + s->sample * n;
    memcpy(s->g, z, n * sizeof *z);
    eqs_cosim_answer(&s->sys, s->y, s->base, s->u, s->g);
    double residual = eqs_cosim_distance(n, s->g, z);
    s->iteration++;
    size_t most = s->plain ? PLAIN * q->max_iterations : q->max_iterations;
    if (residual <= q->tolerance || s->iteration >= most || !isfinite(residual)) {
        end_sample(s, residual, residual <= q->tolerance);
        return;
    }
    if (residual > growth * s->before)
        eqs_anderson_reset(&s->anderson);
    s->before = residual;
    if (s->plain)
        memcpy(z, s->g, n * sizeof *z);
    else
        eqs_anderson_step(&s->anderson, s->g, z);
    set_inputs(s);
}

static double on_source(void *user, size_t index, double time)
{
    (void)time;
    return ((solver *)user)->a[index];
}

static eqs_spice_end sweep(solver *s, size_t points)
{
    static const eqs_ngspice_hooks hooks = {on_point, on_source, NULL};
    eqs_cosim_steady_shared *q = s->q;
    size_t n = s->sys.n_in;
    char command[100];
    const char **names = eqs_alloc(2 * n, sizeof *names);
    if (names == NULL)
        return EQS_SPICE_NO_MEMORY;
    for (size_t i = 0; i < 2 * n; i++)
        names[i] = q->names[i];
    snprintf(command, sizeof command, "dc v_sweep 0 %zu 1", points - 1);
    eqs_spice_job job = {.deck = q->deck,
                         .deck_length = q->deck_length,
                         .command = command,
                         .n_wanted = n,
                         .wanted = names,
                         .n_external = n,
                         .external = names + n};
    s->delivered = 0;
    eqs_ngspice_follow(&s->engine, &hooks, s);
    eqs_spice_end end = eqs_ngspice_run(&s->engine, &job);
    if (end == EQS_SPICE_INCOMPLETE && s->delivered == points) /* the hooks have taken the rows */
        end = s->engine.missing > 0 ? EQS_SPICE_MISSING : EQS_SPICE_DONE;
    snprintf(q->text, sizeof q->text, "%.500s", s->engine.text);
    eqs_ngspice_forget(&s->engine);
    eqs_free(names);
    return end;
}

static void serve_request(solver *s)
{
    enum { LEAST = 8, MOST = 4000, GUESS = 7 };
    eqs_cosim_steady_shared *q = s->q;
    q->result = (eqs_cosim_steady_result){0};
    q->end = EQS_SPICE_DONE;
    s->sys = q->sys;
    s->sample = 0;
    s->plain = false;
    begin_sample(s);
    while (s->sample < q->batch && q->end == EQS_SPICE_DONE) {
        size_t points = (q->batch - s->sample) * GUESS;
        points = points < LEAST ? LEAST : points > MOST ? MOST : points;
        q->end = (int)sweep(s, points);
    }
}

static bool create(solver *s, eqs_cosim_steady_shared *q)
{
    size_t n = q->sys.n_ode, m = q->sys.n_in;
    s->q = q;
    s->block = eqs_alloc(2 * m + 3 * n, sizeof *s->block);
    if (s->block == NULL || eqs_anderson_create(n, &s->anderson) != EQS_OK)
        return false;
    s->a = s->block;
    s->y = s->a + m;
    s->g = s->y + m;
    s->u = s->g + n;
    s->base = s->u + n;
    return eqs_worker_open_engine(&s->engine) == EQS_OK;
}

_Noreturn void eqs_cosim_steady_serve(int socket, size_t memory_limit, eqs_cosim_steady_shared *shared)
{
    static solver s; /* large, and the only one of its process */
    int fd = eqs_worker_shut_off(socket, memory_limit);
    char turn = 'y';
    if (!create(&s, shared))
        _exit(EXIT_FAILURE);
    for (;;) {
        ssize_t n;
        do
            n = recv(fd, &turn, 1, 0);
        while (n < 0 && errno == EINTR);
        if (n != 1)
            _exit(EXIT_SUCCESS);
        serve_request(&s);
        if (send(fd, &turn, 1, MSG_NOSIGNAL) != 1 || s.engine.exited)
            _exit(EXIT_SUCCESS);
    }
}
