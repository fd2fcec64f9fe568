/* Study `rules`: every learning rule on the same task, from the same initial parameters: errors and cost by
 * epoch, work of the second phase, and the direction of the first update against the exact gradient. */
#include "learning/study_settle.h"
#include "learning/study_variant.h"

#include "base/memory.h"
#include "base/run.h"
#include "learning/rule_step.h"
#include "solver/exact_gradient.h"
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

/* The rule's own update of the request's samples at the initial parameters, as a gradient: its phases are
 * those of training, rates 1, so that theta moves by minus the estimate. */
static eqs_status first_update(const eqs_study_request *request, const eqs_study_variant *variant,
                               double *estimate)
{
    const eqs_network *net = variant->setup->net;
    eqs_train_options options;
    eqs_phases *phases = NULL;
    eqs_rule_step *step = NULL;
    eqs_phase_outcome outcome;
    eqs_rule_outcome second;
    const double *grad;
    EQS_TRY(eqs_setup_train_options(variant->setup, 1, &options));
    options.phases.batch = request->n;
    options.phases.precision = EQS_DOUBLE;
    size_t blocks = eqs_parameter_blocks(net);
    double *rate = eqs_alloc(blocks, sizeof *rate);
    eqs_status status =
        rate == NULL ? EQS_NO_MEMORY : eqs_phases_create(variant->setup->energy, &options.phases, &phases);
    if (status == EQS_OK)
        status = eqs_rule_step_create(variant->setup->energy, &options.phases, &step);
    for (size_t i = 0; status == EQS_OK && i < blocks; i++)
        rate[i] = 1.0;
    if (status == EQS_OK) {
        phases->ops->set_parameters(phases, variant->setup->theta);
        phases->ops->load(phases, request->n, request->x, request->target);
        phases->ops->reset(phases);
        status = phases->ops->relax(phases, 0, net->beta, &outcome);
    }
    eqs_plan_request plan_request = {
        .nudge = options.nudge, .beta = options.beta, .n = request->n, .seed = 1};
    eqs_plan plan = {0};
    if (status == EQS_OK && options.rule->plan != NULL)
        plan = options.rule->plan(&plan_request);
    if (status == EQS_OK && options.rule->gradient != NULL) {
        status = eqs_rule_step_gradient(step, options.rule, phases, request->n, request->x, request->target,
                                        &plan, &grad, &second);
        if (status == EQS_OK)
            eqs_rule_step_apply(step, phases, rate, NULL, NULL);
    } else if (status == EQS_OK) {
        for (size_t slot = 1; status == EQS_OK && slot <= plan.n_nudged; slot++) {
            double beta[EQS_BETA_COUNT];
            eqs_network_nudge(net, plan.xi[slot], beta);
            status = phases->ops->relax(phases, slot, beta, &outcome);
        }
        if (status == EQS_OK)
            phases->ops->update(phases, rate, plan.coefficient, net->delta[EQS_BETA_THETA], NULL, NULL);
    }
    if (status == EQS_OK) {
        phases->ops->get_parameters(phases, estimate);
        for (size_t i = 0; i < net->n_parameters; i++)
            estimate[i] = variant->setup->theta[i] - estimate[i];
    }
    eqs_rule_step_destroy(step);
    if (phases != NULL)
        phases->ops->destroy(phases);
    eqs_free(rate);
    return status;
}

/* The exact gradient at the initial parameters, mean over the request's samples. */
static eqs_status exact_update(const eqs_study_request *request, double *exact)
{
    const char *const overrides[] = {"learning.rule=exact", "learning.nudge=none",
                                     "relaxation.tolerance=1e-9"};
    eqs_study_variant variant;
    eqs_status status = eqs_study_variant_create(request, 3, overrides, &variant);
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

static eqs_status compete(const eqs_study_request *request, size_t c, const double *exact, double *estimate,
                          table *t)
{
    char rule[96], nudge[96], line[96];
    snprintf(rule, sizeof rule, "learning.rule=%s", contestants[c].rule);
    snprintf(nudge, sizeof nudge, "learning.nudge=%s", contestants[c].nudge);
    snprintf(line, sizeof line, "rules: %s", contestants[c].name);
    request->note(request->user, line);
    const char *const overrides[] = {rule, nudge};
    eqs_study_variant variant;
    eqs_status status = eqs_study_variant_create(request, 2, overrides, &variant);
    if (status == EQS_OK)
        status = first_update(request, &variant, estimate);
    if (status == EQS_OK)
        compare(variant.setup->net, estimate, exact, t->cosine + c * (1 + t->blocks),
                t->norm_ratio + c * (1 + t->blocks));
    for (size_t epoch = 0; status == EQS_OK && epoch < t->epochs; epoch++) {
        eqs_epoch_row row;
        double start = eqs_cpu_clock();
        status = eqs_trainer_epoch(variant.trainer, NULL, NULL, &row);
        if (status != EQS_OK)
            break;
        t->seconds[epoch * CONTESTANTS + c] = eqs_cpu_clock() - start;
#define X(name, unit, text) t->name[epoch * CONTESTANTS + c] = row.name;
        RULES_LIST(X)
#undef X
    }
    eqs_study_variant_clear(&variant);
    return status;
}

static eqs_status write_table(const table *t, const eqs_network *net, eqs_h5_writer *writer)
{
    const char *name[CONTESTANTS], **block = eqs_alloc(1 + t->blocks, sizeof *block);
    eqs_parameter_block *blocks = eqs_alloc(t->blocks, sizeof *blocks);
    double *epoch = eqs_alloc(t->epochs, sizeof *epoch);
    size_t curves[2] = {t->epochs, CONTESTANTS}, angles[2] = {CONTESTANTS, 1 + t->blocks};
    eqs_status status = block == NULL || blocks == NULL || epoch == NULL ? EQS_NO_MEMORY : EQS_OK;
    for (size_t c = 0; c < CONTESTANTS; c++)
        name[c] = contestants[c].name;
    for (size_t i = 0; status == EQS_OK && i < t->blocks; i++) {
        blocks[i] = eqs_parameter_block_get(net, i);
        block[1 + i] = blocks[i].name;
    }
    for (size_t i = 0; status == EQS_OK && i < t->epochs; i++)
        epoch[i] = (double)(i + 1);
    if (status == EQS_OK) {
        block[0] = "all";
        status = eqs_h5_write_double(writer, GROUP "/epoch", epoch, 1, curves, "1", "epoch, from 1");
    }
    if (status == EQS_OK)
        status = eqs_h5_write_strings(writer, GROUP "/rule", name, CONTESTANTS, "learning rules");
    if (status == EQS_OK)
        status = eqs_h5_write_strings(writer, GROUP "/block", block, 1 + t->blocks, "blocks of parameters");
#define X(name, unit, text)                                                                                  \
    if (status == EQS_OK)                                                                                    \
        status =                                                                                             \
            eqs_h5_write_double(writer, GROUP "/" #name, t->name, 2, curves, unit, text " [epoch x rule]");
    RULES_LIST(X)
#undef X
    if (status == EQS_OK)
        status = eqs_h5_write_double(writer, GROUP "/seconds", t->seconds, 2, curves, "s",
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
    for (size_t c = 0; status == EQS_OK && c < CONTESTANTS; c++)
        status = compete(request, c, exact, exact + net->n_parameters, &t);
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
