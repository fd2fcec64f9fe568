#include "netlists/cosim_steady.h"

#include "base/memory.h"
#include "base/run.h"
#include "netlists/cosim_steady_shared.h"
#include "netlists/worker.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

struct eqs_cosim_steady {
    const eqs_energy *energy;
    const eqs_cosim_partition *partition;
    const eqs_cosim_cell *cell;
    eqs_cosim_steady_options options;
    size_t batch;
    eqs_cosim_steady_shared *shared;
    size_t bytes;
    pid_t pid; /* 0: none */
    int fd;
};

eqs_cosim_steady_options eqs_cosim_steady_options_default(void)
{
    return (eqs_cosim_steady_options){.deck = {.units = eqs_circuit_units_default(),
                                               .reltol = 1e-6,
                                               .vntol = 1e-9,
                                               .abstol = 1e-15,
                                               .sweep = true},
                                      .tolerance = 1e-6,
                                      .max_iterations = 100,
                                      .timeout = 120.0,
                                      .memory_limit = (size_t)8 << 30};
}

/* --- shared memory --- */

/* Room for the deck of any parameters: every line that cosim_deck.c can write. */
static size_t deck_room(const eqs_cosim_steady *s, const eqs_cosim_system *sys)
{
    enum { LINE = 120, LINES = 16, HEAD = 4096 };
    const eqs_network *net = s->energy->net;
    size_t lines = sys->n_in * LINES + sys->n_circuit * sys->n_circuit, extra = 0;
    for (size_t c = 0; c < net->n_couplings; c++) {
        if (s->partition->coupling[c])
            lines += 2 * net->layer[net->coupling[c].from].units * net->layer[net->coupling[c].to].units;
    }
    if (s->cell->file != NULL)
        extra = strlen(s->cell->file->text) + sys->n_circuit * 100 * (EQS_SPICE_PARAMETERS + EQS_SPICE_PINS);
    return HEAD + lines * LINE + extra;
}

/* a block of shared memory cut into arrays; with base NULL it only counts */
typedef struct cutter {
    char *base;
    size_t used;
} cutter;

static void *cut(cutter *c, size_t count, size_t size)
{
    void *at = c->base == NULL ? NULL : c->base + c->used;
    c->used += (count * size + 63) / 64 * 64;
    return at;
}

static void lay_out(cutter *c, const eqs_cosim_steady *s, const eqs_cosim_system *sys,
                    eqs_cosim_steady_shared *q)
{
    size_t n = sys->n_ode, m = sys->n_in, k = sys->n_circuit, b = s->batch;
    q->sys.ode = cut(c, n, sizeof *sys->ode);
    q->sys.circuit = cut(c, k, sizeof *sys->circuit);
    q->sys.A_OO = cut(c, n * n, sizeof(double));
    q->sys.A_Oy = cut(c, n * m, sizeof(double));
    q->sys.B = cut(c, m * n, sizeof(double));
    q->sys.C = cut(c, k * k, sizeof(double));
    q->gain = cut(c, m, sizeof(double));
    q->names = cut(c, 2 * m, sizeof *q->names);
    q->d_O = cut(c, b * n, sizeof(double));
    q->pull = cut(c, b * n, sizeof(double));
    q->b = cut(c, b * m, sizeof(double));
    q->z = cut(c, b * n, sizeof(double));
    q->y = cut(c, b * m, sizeof(double));
    q->residual = cut(c, b, sizeof(double));
    q->loop_gain = cut(c, b, sizeof(double));
    q->deck_capacity = deck_room(s, sys);
    q->deck = cut(c, q->deck_capacity, 1);
}

static eqs_status map(eqs_cosim_steady *s, const eqs_cosim_system *sys)
{
    eqs_cosim_steady_shared count = {0};
    cutter c = {NULL, 0};
    cut(&c, 1, sizeof count);
    lay_out(&c, s, sys, &count);
    s->bytes = c.used;
    void *block = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        return eqs_fail(EQS_NO_MEMORY, "no shared memory for the co-simulation: %s", strerror(errno));
    c = (cutter){block, 0};
    s->shared = cut(&c, 1, sizeof *s->shared);
    s->shared->sys = *sys;
    s->shared->sys.port_of = NULL;
    lay_out(&c, s, sys, s->shared);
    s->shared->swing = s->options.deck.units.swing;
    return EQS_OK;
}

/* --- the process --- */

static void stop(eqs_cosim_steady *s)
{
    int status;
    if (s->pid == 0)
        return;
    close(s->fd);
    kill(s->pid, SIGKILL);
    while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    s->pid = 0;
}

static eqs_status start(eqs_cosim_steady *s)
{
    int pair[2];
    if (s->pid != 0)
        return EQS_OK;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return eqs_fail(EQS_INTERNAL, "no socket for the co-simulation: %s", strerror(errno));
    const struct timeval second = {1, 0};
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        if (getppid() != parent)
            _exit(1);
        eqs_cosim_steady_serve(pair[1], s->options.memory_limit, s->shared);
    }
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return eqs_fail(EQS_INTERNAL, "cannot start the ngspice process: %s", strerror(errno));
    }
    s->pid = pid;
    s->fd = pair[0];
    return EQS_OK;
}

static eqs_status ask(eqs_cosim_steady *s)
{
    static const eqs_status ends[] = {
#define X(name, status, text) status,
        EQS_SPICE_END_LIST(X)
#undef X
    };
    char turn = 'g';
    const eqs_cosim_steady_shared *q = s->shared;
    double deadline = eqs_clock() + s->options.timeout;
    EQS_TRY(start(s));
    ssize_t n = send(s->fd, &turn, 1, MSG_NOSIGNAL);
    while (n == 1) {
        n = recv(s->fd, &turn, 1, 0);
        if (n == 1)
            break;
        if (n == 0 || !(errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            break;
        n = eqs_clock() < deadline && !eqs_stop_requested();
    }
    if (n == 1 && q->end == EQS_SPICE_DONE)
        return EQS_OK;
    stop(s);
    if (n == 1)
        return eqs_fail(ends[q->end], "co-simulation, dc sweep: %s: %s",
                        eqs_spice_end_text((eqs_spice_end)q->end),
                        q->text[0] != '\0' ? q->text : "it gave no reason");
    if (eqs_stop_requested())
        return eqs_fail(EQS_INTERRUPTED, "stopped in the middle of a phase");
    return eqs_fail(EQS_INTERNAL, "co-simulation: the ngspice process died, or took more than %g s",
                    s->options.timeout);
}

eqs_status eqs_cosim_steady_create(const eqs_energy *energy, const eqs_cosim_partition *partition,
                                   const eqs_cosim_cell *cell, const eqs_cosim_steady_options *options,
                                   size_t batch, eqs_cosim_steady **out)
{
    if (!(options->tolerance > 0.0) || options->max_iterations == 0 || !(options->timeout > 0.0) ||
        batch == 0)
        return eqs_fail(EQS_BAD_CONFIG,
                        "co-simulation: tolerance, iterations, time-out and batch must be positive");
    EQS_TRY(eqs_circuit_units_check(&options->deck.units));
    eqs_cosim_steady *s = eqs_alloc(1, sizeof *s);
    double *theta = eqs_alloc(energy->net->n_parameters, sizeof *theta);
    double *x = eqs_alloc(energy->net->layer[0].units, sizeof *x);
    eqs_status status = s == NULL || theta == NULL || x == NULL ? EQS_NO_MEMORY : EQS_OK;
    if (status == EQS_OK) {
        *s = (eqs_cosim_steady){
            .energy = energy, .partition = partition, .cell = cell, .options = *options, .batch = batch};
        s->options.deck.sweep = true;
        eqs_cosim_system sys;
        eqs_phase phase = {.net = energy->net, .theta = theta, .batch = 1, .x = x};
        status = eqs_cosim_system_build(energy, &phase, 0, partition, &sys);
        if (status == EQS_OK)
            status = map(s, &sys);
        eqs_cosim_system_clear(&sys);
    }
    eqs_free(theta);
    eqs_free(x);
    if (status != EQS_OK) {
        eqs_cosim_steady_destroy(s);
        return status;
    }
    *out = s;
    return EQS_OK;
}

void eqs_cosim_steady_destroy(eqs_cosim_steady *s)
{
    if (s == NULL)
        return;
    stop(s);
    if (s->shared != NULL)
        munmap(s->shared, s->bytes);
    eqs_free(s);
}

/* --- a batch --- */

/* what all samples share, and the deck */
static eqs_status put_system(eqs_cosim_steady *s, const eqs_cosim_system *sys)
{
    eqs_cosim_steady_shared *q = s->shared;
    size_t n = sys->n_ode, m = sys->n_in, k = sys->n_circuit;
    memcpy(q->sys.ode, sys->ode, n * sizeof *sys->ode);
    memcpy(q->sys.circuit, sys->circuit, k * sizeof *sys->circuit);
    memcpy(q->sys.A_OO, sys->A_OO, n * n * sizeof(double));
    memcpy(q->sys.A_Oy, sys->A_Oy, n * m * sizeof(double));
    memcpy(q->sys.B, sys->B, m * n * sizeof(double));
    memcpy(q->sys.C, sys->C, k * k * sizeof(double));
    eqs_cosim_deck deck;
    eqs_status status = eqs_cosim_deck_write(sys, s->cell, &s->options.deck, NULL, &deck);
    if (status == EQS_OK && deck.length >= q->deck_capacity)
        status = eqs_fail(EQS_INTERNAL, "co-simulation: the circuit has %zu characters, room is for %zu",
                          deck.length, q->deck_capacity);
    if (status == EQS_OK) {
        memcpy(q->deck, deck.text, deck.length + 1);
        q->deck_length = deck.length;
        memcpy(q->gain, deck.gain, m * sizeof(double));
        for (size_t i = 0; i < m; i++) {
            snprintf(q->names[i], sizeof q->names[i], "%s", deck.wanted[i]);
            snprintf(q->names[m + i], sizeof q->names[i], "%s", deck.external[i]);
        }
    }
    eqs_cosim_deck_clear(&deck);
    return status;
}

/* rates of the ODE's units at the start of sample b, and what is the sample's own */
static void put_sample(eqs_cosim_steady *s, const eqs_cosim_system *sys, const eqs_state *state, size_t b)
{
    eqs_cosim_steady_shared *q = s->shared;
    size_t n = sys->n_ode;
    memcpy(q->d_O + b * n, sys->d_O, n * sizeof(double));
    memcpy(q->b + b * sys->n_in, sys->b, sys->n_in * sizeof(double));
    for (size_t i = 0; i < n; i++) {
        const eqs_cosim_unit *unit = &sys->ode[i];
        double now = state->s[unit->layer][b * sys->energy->net->layer[unit->layer].units + unit->index];
        q->pull[b * n + i] = unit->pull;
        q->z[b * n + i] = unit->rate_state ? now : now - unit->rho->offset;
    }
}

static void take_sample(const eqs_cosim_steady *s, const eqs_cosim_system *sys, size_t b, eqs_state *state)
{
    const eqs_cosim_steady_shared *q = s->shared;
    const eqs_network *net = sys->energy->net;
    for (size_t i = 0; i < sys->n_ode; i++) {
        const eqs_cosim_unit *unit = &sys->ode[i];
        state->s[unit->layer][b * net->layer[unit->layer].units + unit->index] =
            eqs_cosim_circuit_state(unit, q->z[b * sys->n_ode + i]);
    }
    for (size_t i = 0; i < sys->n_circuit; i++) {
        const eqs_cosim_unit *unit = &sys->circuit[i];
        state->s[unit->layer][b * net->layer[unit->layer].units + unit->index] =
            eqs_cosim_circuit_state(unit, q->y[b * sys->n_out + i]);
    }
}

eqs_status eqs_cosim_steady_run(eqs_cosim_steady *s, const eqs_phase *phase, double tolerance,
                                eqs_state *state, double *residual, eqs_cosim_steady_result *result)
{
    eqs_cosim_system sys;
    eqs_cosim_steady_shared *q = s->shared;
    if (phase->batch > s->batch)
        return eqs_fail(EQS_INTERNAL, "co-simulation: %zu samples, room is for %zu", phase->batch, s->batch);
    eqs_status status = eqs_cosim_system_build(s->energy, phase, 0, s->partition, &sys);
    if (status == EQS_OK)
        status = put_system(s, &sys);
    for (size_t b = 0; status == EQS_OK && b < phase->batch; b++) {
        eqs_cosim_system_load(&sys, phase, b);
        put_sample(s, &sys, state, b);
    }
    q->batch = phase->batch;
    q->tolerance = tolerance > 0.0 ? tolerance : s->options.tolerance;
    q->max_iterations = s->options.max_iterations;
    if (status == EQS_OK && phase->batch > 0)
        status = ask(s);
    for (size_t b = 0; status == EQS_OK && b < phase->batch; b++)
        take_sample(s, &sys, b, state);
    if (status == EQS_OK) {
        *result = q->result;
        if (residual != NULL)
            memcpy(residual, q->residual, phase->batch * sizeof *residual);
    }
    eqs_cosim_system_clear(&sys);
    return status;
}
