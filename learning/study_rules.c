/* Study `rules`: every learning rule on the same task, from the same initial parameters: errors and cost by
 * epoch, work of the second phase, and the direction of the first update against the exact gradient. */
#include "learning/study_settle.h"
#include "learning/study_variant.h"

#include "base/memory.h"
#include "base/run.h"
#include "learning/rule_step.h"
#include "solver/eqprop_gradient.h"
#include "solver/gradient_compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GROUP "/study/rules"

static const struct {
    const char *name, *rule, *nudge;
} contestants[] = {
    {"eqprop, fixed", "eqprop", "fixed"},
    {"eqprop, random sign", "eqprop", "random-sign"},
    {"eqprop, centred", "eqprop", "centred"},
    {"eqprop, higher order", "eqprop", "higher-order"},
    {"truncated, centred", "truncated", "centred"},
    {"stdp, centred", "stdp", "centred"},
    {"contrastive-hebbian", "contrastive-hebbian", "none"},
    {"recurrent-backprop", "recurrent-backprop", "none"},
    {"exact", "exact", "none"},
};
enum { CONTESTANTS = sizeof contestants / sizeof *contestants };

/* X(name, field of the row, unit, text) */
#define RULES_LIST(X)                                                                                        \
    X(train_error, "1", "fraction of training samples misclassified during the epoch")                       \
    X(validation_error, "1", "fraction of validation samples misclassified after the epoch")                 \
    X(test_error, "1", "fraction of test samples misclassified after the epoch")                             \
    X(cost, "1", "mean cost of the training samples at the free fixed point")                                \
    X(sweeps_free, "1", "mean sweeps of a sample's free phase")                                              \
    X(sweeps_nudged, "1", "mean sweeps, steps or iterations of a sample's second phase")

typedef struct table {
    size_t epochs, blocks;
    size_t n; /* contestants that the network allows: the first n columns are theirs */
    const char *contestant[CONTESTANTS];
    double
        *seconds; /* [epochs x CONTESTANTS], first of the block; then one such array per member of the list */
#define X(name, unit, text) double *name;
    RULES_LIST(X)
#undef X
    double *cosine, *norm_ratio; /* [CONTESTANTS x (1 + blocks)] */
} table;

static eqs_status allocate(size_t epochs, size_t blocks, table *t)
{
    *t = (table){.epochs = epochs, .blocks = blocks};
    size_t size = epochs * CONTESTANTS, members = 1;
#define X(name, unit, text) members++;
    RULES_LIST(X)
#undef X
    t->seconds = eqs_alloc(members * size + 2 * CONTESTANTS * (1 + blocks), sizeof *t->seconds);
    if (t->seconds == NULL)
        return EQS_NO_MEMORY;
    double *next = t->seconds + size;
#define X(name, unit, text)                                                                                  \
    t->name = next;                                                                                          \
    next += size;
    RULES_LIST(X)
#undef X
    t->cosine = next;
    t->norm_ratio = next + CONTESTANTS * (1 + blocks);
    return EQS_OK;
}

/* What the first update of a rule needs: phases at the initial parameters, states of one of them. */
typedef struct first_step {
    const eqs_study_request *request;
    const eqs_study_variant *variant;
    const eqs_rule *rule;
    eqs_phases *phases;
    eqs_rule_step *step;
    eqs_state *state;
} first_step;

/* Rules with a second phase of their own: their gradient as it is. */
static eqs_status own_gradient(const first_step *f, const eqs_plan *plan, double *estimate)
{
    const double *grad;
    eqs_rule_outcome second;
    EQS_TRY(eqs_rule_step_gradient(f->step, f->rule, f->phases, f->request->n, f->request->x,
                                   f->request->target, plan, &grad, &second));
    memcpy(estimate, grad, f->variant->setup->net->n_parameters * sizeof *grad);
    return EQS_OK;
}

/* Contrastive rules: the weighted sum of dF/dtheta over the slots. Not by an update of the phases, which
 * would keep conductances within their range; the target's terms and the free part of the regulariser do not
 * depend on theta or cancel, for the weights sum to 0. */
static eqs_status contrast(const first_step *f, const eqs_plan *plan, double *estimate)
{
    const eqs_setup *setup = f->variant->setup;
    const eqs_network *net = setup->net;
    const eqs_phases_ops *ops = f->phases->ops;
    double beta[EQS_ENGINE_SLOTS][EQS_BETA_COUNT];
    eqs_phase_outcome outcome[EQS_ENGINE_SLOTS];
    eqs_phase phase = eqs_study_phase(net, setup->theta, f->request, 0.0);
    for (size_t i = 0; i < plan->n_nudged; i++)
        eqs_network_nudge(net, plan->xi[i + 1], beta[i]);
    if (ops->relax_nudged != NULL)
        EQS_TRY(ops->relax_nudged(f->phases, plan->n_nudged, (const double(*)[EQS_BETA_COUNT])beta, outcome));
    for (size_t i = 0; ops->relax_nudged == NULL && i < plan->n_nudged; i++)
        EQS_TRY(ops->relax(f->phases, i + 1, beta[i], &outcome[i]));
    memset(estimate, 0, net->n_parameters * sizeof *estimate);
    if (eqs_network_clamped(net))
        memcpy(f->state->s[0], f->request->x, f->request->n * net->layer[0].units * sizeof *f->request->x);
    for (size_t slot = 0; slot <= plan->n_nudged; slot++) {
        ops->states(f->phases, slot, f->state);
        EQS_TRY(eqs_eqprop_add(setup->energy, &phase, f->state, plan->coefficient[slot], estimate));
    }
    eqs_energy_decay(setup->energy, &phase, net->delta[EQS_BETA_THETA], estimate);
    return EQS_OK;
}

static eqs_status update(const first_step *f, const eqs_train_options *options, double *estimate)
{
    const eqs_network *net = f->variant->setup->net;
    const eqs_phases_ops *ops = f->phases->ops;
    eqs_plan_request plan_request = {
        .nudge = options->nudge, .beta = options->beta, .n = f->request->n, .seed = 1};
    eqs_plan plan = f->rule->plan != NULL ? f->rule->plan(&plan_request) : (eqs_plan){0};
    double beta[EQS_BETA_COUNT], strength[EQS_ENGINE_SLOTS];
    eqs_phase_outcome outcome;
    for (size_t slot = 1; slot <= plan.n_nudged; slot++) {
        eqs_network_nudge(net, plan.xi[slot], beta);
        strength[slot - 1] = beta[EQS_BETA_Y];
    }
    ops->set_parameters(f->phases, f->variant->setup->theta);
    ops->load(f->phases, f->request->n, f->request->x, f->request->target);
    if (ops->plan != NULL && f->rule->gradient == NULL)
        ops->plan(f->phases, plan.n_nudged, strength);
    ops->reset(f->phases);
    EQS_TRY(ops->relax(f->phases, 0, net->beta, &outcome));
    return f->rule->gradient != NULL ? own_gradient(f, &plan, estimate) : contrast(f, &plan, estimate);
}

/* The rule's own update of the request's samples at the initial parameters, as a gradient: its phases are
 * those of training. */
static eqs_status first_update(const eqs_study_request *request, const eqs_study_variant *variant,
                               double *estimate)
{
    eqs_train_options options;
    EQS_TRY(eqs_setup_train_options(variant->setup, 1, &options));
    options.phases.batch = request->n;
    options.phases.precision = EQS_DOUBLE;
    first_step f = {.request = request, .variant = variant, .rule = options.rule};
    eqs_status status = eqs_phases_create(variant->setup->energy, &options.phases, &f.phases);
    if (status == EQS_OK)
        status = eqs_rule_step_create(variant->setup->energy, &options.phases, &f.step);
    if (status == EQS_OK)
        status = eqs_state_create(variant->setup->net, request->n, &f.state);
    if (status == EQS_OK)
        status = update(&f, &options, estimate);
    eqs_rule_step_destroy(f.step);
    eqs_state_destroy(f.state);
    if (f.phases != NULL)
        f.phases->ops->destroy(f.phases);
    return status;
}

/* The exact gradient at the initial parameters, mean over the request's samples. */
static eqs_status exact_update(const eqs_study_request *request, double *exact)
{
    const char *const overrides[] = {"learning.rule=exact", "learning.nudge=none",
                                     "relaxation.precision=double", "relaxation.tolerance=1e-9"};
    eqs_study_variant variant;
    eqs_status status = eqs_study_variant_create(request, 4, overrides, &variant);
    if (status == EQS_OK)
        status = first_update(request, &variant, exact);
    eqs_study_variant_clear(&variant);
    return status;
}

static void compare(const eqs_network *net, const double *estimate, const double *exact, double *cosine,
                    double *ratio)
{
    eqs_gradient_agreement all = eqs_gradient_compare(net->n_parameters, estimate, exact);
    cosine[0] = all.cosine;
    ratio[0] = all.norm_ratio;
    for (size_t i = 0; i < eqs_parameter_blocks(net); i++) {
        eqs_parameter_block block = eqs_parameter_block_get(net, i);
        all = eqs_gradient_compare(block.count, estimate + block.offset, exact + block.offset);
        cosine[1 + i] = all.cosine;
        ratio[1 + i] = all.norm_ratio;
    }
}

/* Trains a contestant and fills its column. */
static eqs_status race(const eqs_study_variant *variant, table *t)
{
    for (size_t epoch = 0; epoch < t->epochs; epoch++) {
        eqs_epoch_row row;
        size_t at = epoch * CONTESTANTS + t->n;
        double start = eqs_cpu_clock();
        EQS_TRY(eqs_trainer_epoch(variant->trainer, NULL, NULL, &row));
        t->seconds[at] = eqs_cpu_clock() - start;
#define X(name, unit, text) t->name[at] = row.name;
        RULES_LIST(X)
#undef X
    }
    return EQS_OK;
}

/* One contestant; named with the reason in an attribute where the network does not allow its rule. */
static eqs_status compete(const eqs_study_request *request, size_t c, const double *exact, double *estimate,
                          eqs_h5_writer *writer, table *t)
{
    char rule[96], nudge[96], line[96];
    snprintf(rule, sizeof rule, "learning.rule=%s", contestants[c].rule);
    snprintf(nudge, sizeof nudge, "learning.nudge=%s", contestants[c].nudge);
    const char *const overrides[] = {rule, nudge};
    eqs_study_variant variant;
    eqs_status status = eqs_study_variant_create(request, 2, overrides, &variant);
    if (status == EQS_OK)
        status = first_update(request, &variant, estimate);
    if (status == EQS_BAD_CONFIG) {
        snprintf(line, sizeof line, "%s_%s", contestants[c].rule, contestants[c].nudge);
        status = eqs_study_refused(request, "rules", line, NULL, writer);
    } else if (status == EQS_OK) {
        snprintf(line, sizeof line, "rules: %s", contestants[c].name);
        request->note(request->user, line);
        compare(variant.setup->net, estimate, exact, t->cosine + t->n * (1 + t->blocks),
                t->norm_ratio + t->n * (1 + t->blocks));
        status = race(&variant, t);
        t->contestant[t->n++] = contestants[c].name;
    }
    eqs_study_variant_clear(&variant);
    return status;
}

/* A curve per contestant, [epochs x n]; closes the gaps of those refused, in place. */
static eqs_status write_curves(eqs_h5_writer *writer, const char *path, const table *t, double *curves,
                               const char *unit, const char *text)
{
    size_t dim[2] = {t->epochs, t->n};
    for (size_t i = 0; i < t->epochs * t->n; i++)
        curves[i] = curves[i / t->n * CONTESTANTS + i % t->n];
    return eqs_h5_write_double(writer, path, curves, 2, dim, unit, text);
}

static eqs_status write_table(const table *t, const eqs_network *net, eqs_h5_writer *writer)
{
    const char **block = eqs_alloc(1 + t->blocks, sizeof *block);
    eqs_parameter_block *blocks = eqs_alloc(t->blocks, sizeof *blocks);
    double *epoch = eqs_alloc(t->epochs, sizeof *epoch);
    size_t angles[2] = {t->n, 1 + t->blocks};
    eqs_status status = block == NULL || blocks == NULL || epoch == NULL ? EQS_NO_MEMORY : EQS_OK;
    for (size_t i = 0; status == EQS_OK && i < t->blocks; i++) {
        blocks[i] = eqs_parameter_block_get(net, i);
        block[1 + i] = blocks[i].name;
    }
    for (size_t i = 0; status == EQS_OK && i < t->epochs; i++)
        epoch[i] = (double)(i + 1);
    if (status == EQS_OK) {
        block[0] = "all";
        status = eqs_h5_write_double(writer, GROUP "/epoch", epoch, 1, &t->epochs, "1", "epoch, from 1");
    }
    if (status == EQS_OK)
        status = eqs_h5_write_strings(writer, GROUP "/rule", t->contestant, t->n, "learning rules");
    if (status == EQS_OK)
        status = eqs_h5_write_strings(writer, GROUP "/block", block, 1 + t->blocks, "blocks of parameters");
#define X(name, unit, text)                                                                                  \
    if (status == EQS_OK)                                                                                    \
        status = write_curves(writer, GROUP "/" #name, t, t->name, unit, text " [epoch x rule]");
    RULES_LIST(X)
#undef X
    if (status == EQS_OK)
        status = write_curves(writer, GROUP "/seconds", t, t->seconds, "s",
                              "processor time of the epoch [epoch x rule]");
    if (status == EQS_OK)
        status = eqs_h5_write_double(writer, GROUP "/cosine", t->cosine, 2, angles, "1",
                                     "cosine of the first update to the exact one [rule x block]");
    if (status == EQS_OK)
        status = eqs_h5_write_double(writer, GROUP "/norm_ratio", t->norm_ratio, 2, angles, "1",
                                     "|first update| / |exact one| [rule x block]");
    eqs_free(block);
    eqs_free(blocks);
    eqs_free(epoch);
    return status == EQS_OK ? eqs_h5_attribute_string(writer, GROUP, "axes", "epoch") : status;
}

static eqs_status run(const eqs_study_request *request, eqs_h5_writer *writer)
{
    const eqs_network *net = request->setup->net;
    double *exact = eqs_alloc(2 * net->n_parameters, sizeof *exact);
    table t = {0};
    eqs_status status = exact == NULL ? EQS_NO_MEMORY : EQS_OK;
    if (status == EQS_OK)
        status = allocate(request->setup->config->study.epochs, eqs_parameter_blocks(net), &t);
    if (status == EQS_OK)
        status = exact_update(request, exact);
    if (status == EQS_OK)
        status = eqs_h5_group(writer, GROUP);
    for (size_t c = 0; status == EQS_OK && c < CONTESTANTS; c++)
        status = compete(request, c, exact, exact + net->n_parameters, writer, &t);
    if (status == EQS_OK)
        status = write_table(&t, net, writer);
    eqs_free(t.seconds);
    eqs_free(exact);
    return status;
}

const eqs_study eqs_study_rules = {
    .name = "rules",
    .summary = "every learning rule on the same task, and its first update against the exact gradient",
    .run = run,
};
