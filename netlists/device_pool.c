#include "netlists/device_pool.h"

#include "base/memory.h"
#include "base/run.h"
#include "netlists/dialect.h"

#include <stdio.h>
#include <string.h>

enum { COMMAND = 128, ATTEMPTS = 3 };

/* One job under way: its text and numbers. */
typedef struct chunk {
    size_t first, count; /* samples */
    double *supply;      /* [count x n_currents] */
    char command[COMMAND];
    eqs_spice_nudge nudge;
    eqs_spice_job job;
    bool started;
} chunk;

struct eqs_device_pool {
    const eqs_network *net;
    eqs_device_pool_options options;
    eqs_device_pool_statistics statistics;
    eqs_worker **worker; /* [workers] */
    chunk *chunk;        /* [workers] */
    size_t n_state, n_currents, n_out;
    const char **wanted, **external; /* names, borrowed from the netlist of the present run */
};

/* One run: what all its jobs share. */
typedef struct run {
    eqs_device_pool *pool;
    eqs_netlist *netlist;
    char *deck;
    size_t deck_length;
    size_t n, n_points;
    const double *theta, *x, *target;
    double beta[EQS_DEVICE_POINTS]; /* S */
    double *volts;
} run;

eqs_device_pool_options eqs_device_pool_options_default(void)
{
    eqs_device_options device = eqs_device_options_default();
    return (eqs_device_pool_options){.workers = 1,
                                     .chunk = 32,
                                     .reltol = device.reltol,
                                     .vntol = device.vntol,
                                     .abstol = device.abstol,
                                     .worker = eqs_worker_options_default()};
}

static eqs_status check(const eqs_network *net, const eqs_device_pool_options *options)
{
    if (net->resistive == NULL)
        return eqs_fail(EQS_BAD_CONFIG, "a Hopfield network has no device-level circuit");
    if (net->resistive->nudge == EQS_NUDGE_CONDUCTANCE)
        return eqs_fail(EQS_BAD_CONFIG, "ngspice nudges by currents (learning.nudge_form: current)");
    if (options->workers == 0 || options->chunk == 0)
        return eqs_fail(EQS_BAD_CONFIG, "%zu workers with chunks of %zu samples; both must be positive",
                        options->workers, options->chunk);
    return EQS_OK;
}

eqs_status eqs_device_pool_create(const eqs_network *net, const eqs_device_pool_options *options,
                                  eqs_device_pool **out)
{
    EQS_TRY(check(net, options));
    eqs_device_pool *p = eqs_alloc(1, sizeof *p);
    if (p == NULL)
        return EQS_NO_MEMORY;
    p->net = net;
    p->options = *options;
    p->n_state = eqs_network_state_size(net);
    p->n_currents = eqs_device_n_currents(net);
    p->n_out = net->layer[net->n_layers - 1].units;
    p->worker = eqs_alloc(options->workers, sizeof *p->worker);
    p->chunk = eqs_alloc(options->workers, sizeof *p->chunk);
    p->wanted = eqs_alloc(p->n_state, sizeof *p->wanted);
    p->external = eqs_alloc(p->n_currents, sizeof *p->external);
    bool fine = p->worker != NULL && p->chunk != NULL && p->wanted != NULL && p->external != NULL;
    eqs_status status = fine ? EQS_OK : EQS_NO_MEMORY;
    for (size_t i = 0; status == EQS_OK && i < options->workers; i++) {
        p->chunk[i].supply = eqs_alloc(options->chunk * p->n_currents, sizeof(double));
        status =
            p->chunk[i].supply == NULL ? EQS_NO_MEMORY : eqs_worker_create(&options->worker, &p->worker[i]);
    }
    if (status != EQS_OK) {
        eqs_device_pool_destroy(p);
        return status;
    }
    *out = p;
    return EQS_OK;
}

void eqs_device_pool_destroy(eqs_device_pool *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->options.workers; i++) {
        if (p->worker != NULL)
            eqs_worker_destroy(p->worker[i]);
        if (p->chunk != NULL)
            eqs_free(p->chunk[i].supply);
    }
    eqs_free(p->worker);
    eqs_free(p->chunk);
    eqs_free(p->wanted);
    eqs_free(p->external);
    eqs_free(p);
}

const eqs_device_pool_statistics *eqs_device_pool_statistics_of(const eqs_device_pool *p)
{
    return &p->statistics;
}

long eqs_device_pool_process(const eqs_device_pool *p, size_t i)
{
    return eqs_worker_process(p->worker[i]);
}

const char *eqs_device_pool_version(const eqs_device_pool *p)
{
    return eqs_worker_version(p->worker[0]);
}

/* --- the circuit --- */

/* The circuit of all samples, as text, and the names of its nodes and external sources. */
static eqs_status build(run *r)
{
    eqs_device_pool *p = r->pool;
    eqs_device_options options = eqs_device_options_default();
    options.fold = options.external = true;
    options.analysis = EQS_ANALYSIS_NONE;
    options.reltol = p->options.reltol;
    options.vntol = p->options.vntol;
    options.abstol = p->options.abstol;
    options.amplifier = p->options.amplifier;
    options.label = "supplied by the program";
    eqs_phase phase = {.net = p->net, .theta = r->theta, .batch = 1, .x = r->x};
    memcpy(phase.beta, p->net->beta, sizeof phase.beta);
    EQS_TRY(eqs_device_build(p->net, &phase, 0, NULL, &options, &r->netlist));
    eqs_node node;
    eqs_waveform zero = eqs_waveform_dc(0.0);
    EQS_TRY(eqs_netlist_node(r->netlist, "sweep", &node));
    EQS_TRY(eqs_netlist_voltage(r->netlist, "sweep", node, EQS_GROUND, &zero));
    EQS_TRY(eqs_netlist_dc(r->netlist, "v_sweep", 0.0, 1.0, 1.0));
    EQS_TRY(eqs_netlist_deck(r->netlist, &r->deck, &r->deck_length));
    for (size_t i = 0; i < p->n_state; i++)
        p->wanted[i] = eqs_netlist_node_name(r->netlist, r->netlist->output[i].node);
    size_t n = 0;
    for (size_t i = 0; i < r->netlist->n_elements; i++) {
        const eqs_element *e = &r->netlist->element[i];
        if (e->kind == EQS_CURRENT_SOURCE && e->detail.waveform != NULL && n < p->n_currents)
            p->external[n++] = e->name;
    }
    if (n != p->n_currents)
        return eqs_fail(EQS_INTERNAL, "the circuit has %zu external sources, the network %zu currents", n,
                        p->n_currents);
    return EQS_OK;
}

/* --- jobs --- */

/* Fills a chunk's job: `count` samples from `first` on. */
static void prepare(const run *r, chunk *c, size_t first, size_t count)
{
    eqs_device_pool *p = r->pool;
    size_t n_x = p->net->layer[0].units;
    c->first = first;
    c->count = count;
    for (size_t b = 0; b < count; b++)
        eqs_device_currents(p->net, r->theta, r->x + (first + b) * n_x, c->supply + b * p->n_currents);
    snprintf(c->command, sizeof c->command, "dc v_sweep 0 %zu 1", count * r->n_points - 1);
    c->nudge = eqs_device_nudge_rule(p->net);
    c->nudge.n_points = r->n_points;
    c->nudge.beta = r->beta;
    c->nudge.first_wanted = p->n_state - p->n_out;
    c->nudge.first_source = p->n_currents - p->n_out;
    c->nudge.target = r->target != NULL ? r->target + first * p->net->n_outputs : NULL;
    c->job = (eqs_spice_job){.deck = r->deck,
                             .deck_length = r->deck_length,
                             .command = c->command,
                             .n_wanted = p->n_state,
                             .wanted = p->wanted,
                             .n_points = count * r->n_points,
                             .n_external = p->n_currents,
                             .external = p->external,
                             .supply = c->supply,
                             .nudge = r->n_points > 1 ? &c->nudge : NULL};
}

/* point p of sample b of the run */
static double *place(const run *r, size_t point, size_t sample)
{
    return r->volts + (point * r->n + sample) * r->pool->n_state;
}

static void keep(const run *r, const chunk *c, const eqs_spice_result *result)
{
    size_t n = r->pool->n_state;
    for (size_t b = 0; b < c->count; b++) {
        for (size_t p = 0; p < r->n_points; p++)
            memcpy(place(r, p, c->first + b), result->value + (b * r->n_points + p) * n,
                   n * sizeof *result->value);
    }
}

/* true for ends that say nothing about the circuit: the process is at fault */
static bool lost(eqs_spice_end end)
{
    return end == EQS_SPICE_DIED || end == EQS_SPICE_TIMED_OUT || end == EQS_SPICE_EXITED;
}

/* Finishes a job that has been started; does it again on a new process when its worker was lost. */
static eqs_status finish(run *r, eqs_worker *worker, chunk *c)
{
    eqs_spice_result result;
    eqs_status status = eqs_worker_finish_job(worker, &c->job, &result);
    for (int attempt = 1; status != EQS_OK && lost(result.end) && attempt < ATTEMPTS; attempt++) {
        r->pool->statistics.replaced++;
        eqs_spice_result_clear(&result);
        status = eqs_worker_run(worker, &c->job, &result);
    }
    if (status == EQS_OK)
        keep(r, c, &result);
    eqs_spice_result_clear(&result);
    return status;
}

static eqs_status run_job(run *r, eqs_worker *worker, chunk *c)
{
    EQS_TRY(eqs_worker_start_job(worker, &c->job));
    return finish(r, worker, c);
}

/* --- when a sweep fails --- */

/* An operating point for each phase of the chunk's one sample. */
static eqs_status run_points(run *r, eqs_worker *worker, chunk *c)
{
    eqs_device_pool *p = r->pool;
    size_t n_points = r->n_points;
    double *nudge = c->supply + p->n_currents - p->n_out;
    eqs_spice_nudge rule = c->nudge;
    snprintf(c->command, sizeof c->command, "op");
    c->job.n_points = 1;
    c->job.nudge = NULL;
    eqs_status status = EQS_OK;
    for (size_t point = 0; status == EQS_OK && point < n_points; point++) {
        if (point > 0)
            eqs_spice_nudge_currents(&rule, r->beta[point], place(r, 0, c->first) + p->n_state - p->n_out,
                                     rule.target, nudge);
        run one = *r; /* one point, put where it belongs */
        one.volts = place(r, point, 0);
        one.n_points = 1;
        status = run_job(&one, worker, c);
        p->statistics.operating_points++;
    }
    return status;
}

/* Each sample of a failed chunk by itself. */
static eqs_status run_alone(run *r, eqs_worker *worker, chunk *c)
{
    size_t first = c->first, end = c->first + c->count;
    bool was_alone = c->count == 1;
    for (size_t b = first; b < end; b++) {
        eqs_status status = EQS_NOT_CONVERGED;
        prepare(r, c, b, 1);
        if (!was_alone) {
            r->pool->statistics.sweeps_alone++;
            status = run_job(r, worker, c);
        }
        if (status == EQS_NOT_CONVERGED)
            status = run_points(r, worker, c);
        if (status != EQS_OK)
            return eqs_fail_context(status, "sample %zu of the minibatch", b);
    }
    return EQS_OK;
}

/* --- all chunks --- */

/* Every worker has at most one chunk under way; a round is finished in the order of its samples. */
static eqs_status run_rounds(run *r)
{
    eqs_device_pool *p = r->pool;
    eqs_status status = EQS_OK;
    for (size_t next = 0; status == EQS_OK && next < r->n;) {
        size_t busy = 0;
        for (; status == EQS_OK && busy < p->options.workers && next < r->n; busy++) {
            size_t left = r->n - next, count = left < p->options.chunk ? left : p->options.chunk;
            chunk *c = &p->chunk[busy];
            prepare(r, c, next, count);
            status = eqs_worker_start_job(p->worker[busy], &c->job);
            c->started = status == EQS_OK;
            next += count;
        }
        for (size_t i = 0; i < busy; i++) {
            chunk *c = &p->chunk[i];
            if (!c->started) /* the one at which the round broke off */
                continue;
            eqs_status end = finish(r, p->worker[i], c);
            if (end == EQS_NOT_CONVERGED && status == EQS_OK)
                end = run_alone(r, p->worker[i], c);
            p->statistics.chunks++;
            status = status == EQS_OK ? end : status;
        }
    }
    p->statistics.points += r->n * r->n_points;
    return status;
}

eqs_status eqs_device_pool_run(eqs_device_pool *pool, const double *theta, size_t n, const double *x,
                               const double *target, size_t n_points, const double *beta, double *volts)
{
    if (n_points == 0 || n_points > EQS_DEVICE_POINTS || beta[0] != 0.0 || (n_points > 1 && target == NULL))
        return eqs_fail(EQS_BAD_DATA,
                        "%zu phases (1 to %d), the first with beta = 0, nudged ones with targets", n_points,
                        EQS_DEVICE_POINTS);
    run r = {
        .pool = pool, .n = n, .n_points = n_points, .theta = theta, .x = x, .target = target, .volts = volts};
    for (size_t i = 0; i < n_points; i++)
        r.beta[i] = beta[i] * pool->net->resistive->siemens;
    double begin = eqs_clock();
    eqs_status status = build(&r);
    double built = eqs_clock();
    pool->statistics.seconds_build += built - begin;
    if (status == EQS_OK)
        status = run_rounds(&r);
    pool->statistics.seconds_run += eqs_clock() - built;
    eqs_free(r.deck);
    eqs_netlist_destroy(r.netlist);
    return status;
}
