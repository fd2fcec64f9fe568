#include "bench/common/contest.h"

#include "base/memory.h"
#include "base/run.h"
#include "solver/engine.h"

#include <math.h>
#include <string.h>

/* minibatches that are measured together: one contender after the other within seconds, but not so few that
 * each starts with the other's weights in the caches */
enum { GROUP = 10, MOST_HIDDEN = 3 };

static const struct {
    const char *name;
    double tolerance;
    bool paper;
    size_t nudged;
    bool step;
    const char *what;
} tasks[] = {
#define X(name, text, tolerance, paper, nudged, step, what) {text, tolerance, paper, nudged, step, what},
    BENCH_TASK_LIST(X)
#undef X
};

/* iterations of paper 001 sec. 5.2 (Table 2) for 1, 2 and 3 hidden layers */
static const size_t paper_iterations[BENCH_PHASES][MOST_HIDDEN] = {{20, 100, 500}, {4, 6, 8}};

/* When a relaxation ends: after the paper's number of iterations; for all samples when the slowest of the
 * minibatch has met the tolerance, which is known beforehand, so that nothing is spent on tests; or sample by
 * sample, certified. */
typedef enum stop_kind { STOP_PAPER, STOP_SLOWEST, STOP_CERTIFIED } stop_kind;

typedef struct contender {
    const char *name, *solver;
    bool openblas;
    stop_kind stop;
    eqs_engine *engine;
    size_t iterations[GROUP]; /* STOP_SLOWEST: of each minibatch of the group */
    double best[GROUP][BENCH_PARTS];
} contender;

static const contender by_paper[BENCH_CONTENDERS] = {
    {.name = "euler-openblas", .solver = "euler", .openblas = true, .stop = STOP_PAPER},
    {.name = "euler-packed", .solver = "euler", .stop = STOP_PAPER},
    {.name = "auto", .solver = "auto", .stop = STOP_CERTIFIED},
};
static const contender by_residual[BENCH_CONTENDERS] = {
    {.name = "euler-openblas", .solver = "euler", .openblas = true, .stop = STOP_SLOWEST},
    {.name = "euler-packed-leaving", .solver = "euler", .stop = STOP_CERTIFIED},
    {.name = "auto", .solver = "auto", .stop = STOP_CERTIFIED},
};

typedef struct contest {
    const bench_trained *trained;
    const bench_contest_options *options;
    bench_task task;
    size_t batch, n_in, n_out, state_size;
    float *start; /* [samples x state_size] where slot 0 starts */
    contender contender[BENCH_CONTENDERS];
    bench_result *result; /* [BENCH_CONTENDERS] */
} contest;

const char *bench_task_name(bench_task task)
{
    return tasks[task].name;
}

const char *bench_task_text(bench_task task)
{
    return tasks[task].what;
}

bool bench_task_by_paper(bench_task task)
{
    return tasks[task].paper;
}

/* Learning plan of minibatch b: slots, signs of beta, coefficients. */
static eqs_plan plan_of(const contest *t, size_t b)
{
    const eqs_config *config = t->trained->config;
    eqs_plan_request request = {
        .nudge = tasks[t->task].nudged == 2 ? EQS_NUDGE_CENTRED : EQS_NUDGE_RANDOM_SIGN,
        .beta = config->learning.beta,
        .n = t->batch,
        .seed = config->seed,
        .epoch = t->trained->epoch,
        .minibatch = (uint32_t)(t->trained->minibatch + b),
    };
    return eqs_rule_eqprop.plan(&request);
}

static eqs_engine_relax how_to(const contest *t, const contender *c, size_t slot, double xi, size_t member,
                               bool certify)
{
    eqs_engine_relax how = {
        .tolerance = tasks[t->task].tolerance, .max_sweeps = t->options->cap, .step = 0.5};
    eqs_network_nudge(t->trained->setup->net, xi, how.beta);
    if (c->stop == STOP_CERTIFIED)
        return how;
    how.fixed_iterations = true;
    how.max_sweeps =
        c->stop == STOP_SLOWEST ? c->iterations[member] : paper_iterations[slot > 0][t->trained->hidden - 1];
    if (!certify)
        how.tolerance = 0.0;
    return how;
}

static void note(bench_result *r, size_t phase, const eqs_engine_outcome *outcome, double tolerance)
{
    uint32_t most = 0;
    for (size_t i = 0; i < outcome->n; i++) {
        r->sweeps[phase] += outcome->sweeps[i];
        r->residual_sum[phase] += outcome->residual[i];
        r->worst[phase] = fmax(r->worst[phase], outcome->residual[i]);
        r->unconverged += !(outcome->residual[i] <= tolerance);
        most = outcome->sweeps[i] > most ? outcome->sweeps[i] : most;
    }
    r->iterations[phase] += most;
    r->relaxations[phase] += outcome->n;
}

static void start_minibatch(const contest *t, const contender *c, size_t b)
{
    const float *start = t->start + b * t->batch * t->state_size;
    for (size_t i = 0; i < t->batch; i++)
        eqs_engine_put_state(c->engine, 0, i, start + i * t->state_size);
    eqs_engine_load(c->engine, t->batch, t->trained->x + b * t->batch * t->n_in,
                    t->trained->target + b * t->batch * t->n_out);
}

/* How many iterations the slowest sample of the minibatch needs; one at least, as it takes a product to know
 * that the start is good enough. */
static void find_slowest(const contest *t, contender *c, size_t b, size_t member)
{
    contender certified = *c;
    certified.stop = STOP_CERTIFIED;
    eqs_plan plan = plan_of(t, b);
    size_t slot = tasks[t->task].nudged > 0;
    eqs_engine_relax how = how_to(t, &certified, slot, plan.xi[slot], member, true);
    eqs_engine_outcome outcome;
    start_minibatch(t, c, b);
    eqs_engine_relax_slot(c->engine, 0, &how, &outcome);
    c->iterations[member] = 1;
    for (size_t i = 0; i < outcome.n; i++)
        c->iterations[member] =
            outcome.sweeps[i] > c->iterations[member] ? outcome.sweeps[i] : c->iterations[member];
}

/* One minibatch: times of its parts, and when `certified` is not NULL what was reached, with certificates. */
static void run_minibatch(const contest *t, contender *c, size_t b, size_t member, bench_result *certified,
                          double time[BENCH_PARTS])
{
    const eqs_setup *setup = t->trained->setup;
    bool step = tasks[t->task].step, certify = certified != NULL;
    double clock[BENCH_PARTS + 1], tolerance = tasks[t->task].tolerance;
    eqs_plan plan = plan_of(t, b);
    eqs_engine_outcome outcome;
    clock[BENCH_PART_LOAD] = eqs_cpu_clock();
    start_minibatch(t, c, b);
    clock[BENCH_PART_FREE] = eqs_cpu_clock();
    if (step || tasks[t->task].nudged == 0) {
        eqs_engine_relax how = how_to(t, c, 0, 0.0, member, certify);
        eqs_engine_relax_slot(c->engine, 0, &how, &outcome);
        if (certify)
            note(certified, 0, &outcome, tolerance);
    }
    clock[BENCH_PART_NUDGED] = eqs_cpu_clock();
    for (size_t slot = 1; slot <= tasks[t->task].nudged; slot++) {
        eqs_engine_relax how = how_to(t, c, slot, plan.xi[slot], member, certify);
        eqs_engine_copy(c->engine, 0, slot);
        eqs_engine_relax_slot(c->engine, slot, &how, &outcome);
        if (certify)
            note(certified, 1, &outcome, tolerance);
    }
    clock[BENCH_PART_UPDATE] = eqs_cpu_clock();
    if (step)
        eqs_engine_update(c->engine, setup->rate, plan.coefficient, setup->net->delta[EQS_BETA_THETA], NULL,
                          NULL);
    clock[BENCH_PARTS] = eqs_cpu_clock();
    for (size_t part = 0; part < BENCH_PARTS; part++)
        time[part] = clock[part + 1] - clock[part];
    if (step)
        eqs_engine_set_parameters(c->engine, setup->theta);
    else
        time[BENCH_PART_LOAD] = time[BENCH_PART_UPDATE] = 0.0;
}

static double sum_of(const double time[BENCH_PARTS])
{
    double sum = 0.0;
    for (size_t part = 0; part < BENCH_PARTS; part++)
        sum += time[part];
    return sum;
}

/* The first pass over minibatches [first, last): nothing is timed. */
static void certify_group(contest *t, size_t first, size_t last)
{
    double ignored[BENCH_PARTS];
    for (size_t i = 0; i < BENCH_CONTENDERS; i++) {
        for (size_t b = first; b < last; b++) {
            if (t->contender[i].stop == STOP_SLOWEST)
                find_slowest(t, &t->contender[i], b, b - first);
            run_minibatch(t, &t->contender[i], b, b - first, &t->result[i], ignored);
        }
    }
}

static void time_group(contest *t, size_t first, size_t last)
{
    double time[BENCH_PARTS];
    for (size_t repeat = 0; repeat < t->options->repeats; repeat++) {
        for (size_t i = 0; i < BENCH_CONTENDERS; i++) {
            contender *c = &t->contender[i];
            for (size_t b = first; b < last; b++) {
                double *best = c->best[b - first];
                run_minibatch(t, c, b, b - first, NULL, time);
                if (repeat == 0 || sum_of(time) < sum_of(best))
                    memcpy(best, time, sizeof time);
            }
        }
    }
    for (size_t i = 0; i < BENCH_CONTENDERS; i++) {
        for (size_t b = first; b < last; b++) {
            for (size_t part = 0; part < BENCH_PARTS; part++)
                t->result[i].seconds[part] += t->contender[i].best[b - first][part];
        }
    }
}

/* Nominal operations: 2 per weight and pass. A sweep passes over the weights between free layers twice (both
 * ways); loading passes over the input's once; an update over all once per slot that takes part. */
static double nominal_flops(const contest *t, const bench_result *r)
{
    const eqs_network *net = t->trained->setup->net;
    double input = 0.0, inner = 0.0, slots = tasks[t->task].step ? 2.0 : 0.0;
    for (size_t c = 0; c < net->n_couplings; c++) {
        const eqs_coupling *w = &net->coupling[c];
        double weights = (double)net->layer[w->from].units * (double)net->layer[w->to].units;
        *(w->from < eqs_first_free_layer(net) ? &input : &inner) += weights;
    }
    double flops = 4.0 * inner * (r->sweeps[0] + r->sweeps[1]);
    if (tasks[t->task].step)
        flops += (double)r->samples * (2.0 * input + 2.0 * slots * (input + inner));
    return flops;
}

static eqs_status create_engines(contest *t)
{
    memcpy(t->contender, tasks[t->task].paper ? by_paper : by_residual, sizeof t->contender);
    for (size_t i = 0; i < BENCH_CONTENDERS; i++) {
        contender *c = &t->contender[i];
        eqs_engine_options options = eqs_engine_options_default();
        options.batch = t->batch;
        options.solver = c->solver;
        options.openblas = c->openblas;
        EQS_TRY(eqs_engine_create(t->trained->setup->energy, &options, &c->engine));
        eqs_engine_set_parameters(c->engine, t->trained->setup->theta);
    }
    return EQS_OK;
}

/* Where slot 0 starts: the persistent states, zero, or (for nudged phases alone) the free fixed point. */
static eqs_status set_starts(contest *t, size_t minibatches)
{
    size_t samples = minibatches * t->batch;
    const contender *fast = &t->contender[BENCH_CONTENDERS - 1];
    eqs_engine_relax how = {.tolerance = 1e-6, .max_sweeps = t->options->cap};
    t->start = eqs_alloc(samples * t->state_size, sizeof *t->start);
    if (t->start == NULL)
        return EQS_NO_MEMORY;
    if (t->task == BENCH_COLD) {
        eqs_engine_load(fast->engine, t->batch, t->trained->x, NULL);
        eqs_engine_reset(fast->engine, 0);
        for (size_t i = 0; i < samples; i++)
            eqs_engine_take_state(fast->engine, 0, i % t->batch, t->start + i * t->state_size);
        return EQS_OK;
    }
    memcpy(t->start, t->trained->state, samples * t->state_size * sizeof *t->start);
    if (tasks[t->task].step || tasks[t->task].nudged == 0)
        return EQS_OK;
    memcpy(how.beta, t->trained->setup->net->beta, sizeof how.beta);
    for (size_t b = 0; b < minibatches; b++) {
        eqs_engine_outcome outcome;
        start_minibatch(t, fast, b);
        eqs_engine_relax_slot(fast->engine, 0, &how, &outcome);
        for (size_t i = 0; i < t->batch; i++)
            eqs_engine_take_state(fast->engine, 0, i, t->start + (b * t->batch + i) * t->state_size);
    }
    return EQS_OK;
}

static eqs_status run(contest *t, size_t minibatches)
{
    EQS_TRY(create_engines(t));
    EQS_TRY(set_starts(t, minibatches));
    for (size_t i = 0; i < BENCH_CONTENDERS; i++)
        t->result[i] = (bench_result){
            .solver = t->contender[i].name, .minibatches = minibatches, .samples = minibatches * t->batch};
    for (size_t first = 0; first < minibatches; first += GROUP) {
        size_t last = first + GROUP < minibatches ? first + GROUP : minibatches;
        certify_group(t, first, last);
        time_group(t, first, last);
    }
    for (size_t i = 0; i < BENCH_CONTENDERS; i++) {
        t->result[i].total = sum_of(t->result[i].seconds);
        t->result[i].flops = nominal_flops(t, &t->result[i]);
    }
    return EQS_OK;
}

eqs_status bench_contest(const bench_trained *trained, bench_task task, const bench_contest_options *options,
                         bench_result *result)
{
    const eqs_network *net = trained->setup->net;
    contest t = {.trained = trained, .options = options, .task = task, .result = result};
    t.batch = trained->config->learning.batch;
    t.n_in = net->layer[0].units;
    t.n_out = net->layer[net->n_layers - 1].units;
    t.state_size = eqs_network_state_size(net);
    size_t minibatches = trained->n / t.batch;
    if (minibatches > options->minibatches)
        minibatches = options->minibatches;
    if (minibatches == 0)
        return eqs_fail(EQS_BAD_CONFIG, "%zu samples found; a minibatch has %zu", trained->n, t.batch);
    if (trained->hidden < 1 || trained->hidden > MOST_HIDDEN)
        return eqs_fail(EQS_BAD_CONFIG,
                        "%zu hidden layers found; paper 001 gives numbers of iterations for 1 to %d",
                        trained->hidden, MOST_HIDDEN);
    eqs_status status = run(&t, minibatches);
    for (size_t i = 0; i < BENCH_CONTENDERS; i++)
        eqs_engine_destroy(t.contender[i].engine);
    eqs_free(t.start);
    return status;
}
