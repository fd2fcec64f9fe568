#include "learning/trainer.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/ranks.h"
#include "base/run.h"
#include "learning/rule_step.h"

#include <math.h>
#include <string.h>

struct eqs_trainer {
    const eqs_energy *energy;
    const eqs_dataset *data;
    eqs_train_options options;
    eqs_phases *phases;
    eqs_rule_step *step; /* of rules that compute a gradient, else NULL */
    eqs_train_position position;
    size_t n_in, n_out, n_blocks;
    size_t state_bytes;
    unsigned char *states[EQS_DATASET_PARTS]; /* persistent states of each part, or NULL */
    uint32_t *order;                          /* of the training samples in this epoch */
    uint32_t ordered_epoch;                   /* epoch + 1 that `order` is for; 0: none yet */
    /* one minibatch */
    double *data_row, *x, *target, *y, *F; /* x: states of layer 0, made from the data */
    uint32_t *label;
    uint32_t *index;       /* [batch] of samples in the data's order */
    double *rate;          /* [n_blocks] of this epoch */
    double *change, *norm; /* [n_blocks] each, one block of memory: of the last measured update */
};

static size_t part_count(const eqs_trainer *t, eqs_dataset_part part)
{
    return eqs_dataset_count(t->data, part);
}

/* Data and network must speak of the same sizes. */
static eqs_status check_data(const eqs_trainer *t)
{
    size_t dim = t->data->dim, classes = t->data->classes;
    if (dim != t->n_in)
        return eqs_fail(EQS_BAD_CONFIG,
                        "network.layers: the input layer has %zu units, but a sample of the data has "
                        "%zu values",
                        t->n_in, dim);
    if (classes > t->n_out)
        return eqs_fail(EQS_BAD_CONFIG,
                        "network.layers: the output layer has %zu units, but the data has %zu classes",
                        t->n_out, classes);
    if (t->options.check_attractor > part_count(t, EQS_DATASET_TRAIN))
        return eqs_fail(EQS_BAD_CONFIG,
                        "relaxation.check_attractor: found %zu, but there are %zu training samples",
                        t->options.check_attractor, part_count(t, EQS_DATASET_TRAIN));
    if (part_count(t, EQS_DATASET_TRAIN) == 0)
        return eqs_fail(EQS_BAD_CONFIG, "data.train: no training samples");
    return EQS_OK;
}

static eqs_status allocate(eqs_trainer *t)
{
    size_t batch = t->options.batch;
    t->data_row = eqs_alloc(batch * t->n_in, sizeof *t->data_row);
    t->x = eqs_alloc(batch * t->energy->net->layer[0].units, sizeof *t->x);
    t->target = eqs_alloc(batch * t->n_out, sizeof *t->target);
    t->y = eqs_alloc(batch * t->n_out, sizeof *t->y);
    t->F = eqs_alloc(batch, sizeof *t->F);
    t->label = eqs_alloc(batch, sizeof *t->label);
    t->index = eqs_alloc(batch, sizeof *t->index);
    t->order = eqs_alloc(part_count(t, EQS_DATASET_TRAIN), sizeof *t->order);
    t->change = eqs_alloc(2 * t->n_blocks, sizeof *t->change);
    t->rate = eqs_alloc(t->n_blocks, sizeof *t->rate);
    if (t->data_row == NULL || t->x == NULL || t->target == NULL || t->y == NULL || t->F == NULL ||
        t->label == NULL || t->index == NULL || t->order == NULL || t->change == NULL || t->rate == NULL)
        return EQS_NO_MEMORY;
    t->norm = t->change + t->n_blocks;
    for (size_t i = 0; i < 2 * t->n_blocks; i++)
        t->change[i] = NAN;
    return EQS_OK;
}

/* Persistent states start where a cold phase would: at the zero start of one sample. */
static eqs_status start_states(eqs_trainer *t)
{
    t->state_bytes = t->phases->ops->state_bytes(t->phases);
    if (!t->options.persistent)
        return EQS_OK;
    memset(t->x, 0, t->energy->net->layer[0].units * sizeof *t->x);
    t->phases->ops->load(t->phases, 1, t->x, NULL);
    t->phases->ops->reset(t->phases);
    for (int part = 0; part < EQS_DATASET_PARTS; part++) {
        size_t count = part_count(t, (eqs_dataset_part)part);
        if (count == 0)
            continue;
        t->states[part] = eqs_alloc(count, t->state_bytes);
        if (t->states[part] == NULL)
            return EQS_NO_MEMORY;
        for (size_t i = 0; i < count; i++)
            t->phases->ops->take_state(t->phases, 0, t->states[part] + i * t->state_bytes);
    }
    return EQS_OK;
}

eqs_status eqs_trainer_create(const eqs_energy *energy, const eqs_dataset *data,
                              const eqs_train_options *options, const double *theta, eqs_trainer **out)
{
    const eqs_network *net = energy->net;
    eqs_trainer *t = eqs_alloc(1, sizeof *t);
    if (t == NULL)
        return EQS_NO_MEMORY;
    t->energy = energy;
    t->data = data;
    t->options = *options;
    t->n_in = net->n_inputs;
    t->n_out = net->n_outputs;
    t->n_blocks = net->n_couplings + net->n_layers - 1;
    eqs_status status = check_data(t);
    if (status == EQS_OK)
        status = allocate(t);
    if (status == EQS_OK)
        status = eqs_phases_create(energy, &options->phases, &t->phases);
    if (status == EQS_OK && options->check_attractor > 0 && t->phases->ops->compare == NULL)
        status = eqs_fail(
            EQS_BAD_CONFIG,
            "relaxation.check_attractor: found %zu, but the phases of this engine and network cannot be "
            "compared with sweeps (allowed: 0)",
            options->check_attractor);
    if (status == EQS_OK && options->rule->gradient != NULL)
        status = eqs_rule_step_create(energy, &options->phases, &t->step);
    if (status == EQS_OK)
        status = start_states(t);
    if (status != EQS_OK) {
        eqs_trainer_destroy(t);
        return status;
    }
    t->phases->ops->set_parameters(t->phases, theta);
    *out = t;
    return EQS_OK;
}

void eqs_trainer_destroy(eqs_trainer *t)
{
    if (t == NULL)
        return;
    if (t->phases != NULL)
        t->phases->ops->destroy(t->phases);
    eqs_rule_step_destroy(t->step);
    for (int part = 0; part < EQS_DATASET_PARTS; part++)
        eqs_free(t->states[part]);
    eqs_free(t->data_row);
    eqs_free(t->x);
    eqs_free(t->target);
    eqs_free(t->y);
    eqs_free(t->F);
    eqs_free(t->label);
    eqs_free(t->index);
    eqs_free(t->order);
    eqs_free(t->change);
    eqs_free(t->rate);
    eqs_free(t);
}

/* Loads the samples `index` [n] of a part with one-hot targets and their starting states. */
static eqs_status load(eqs_trainer *t, eqs_dataset_part part, const uint32_t *index, size_t n)
{
    EQS_TRY(eqs_dataset_fetch(t->data, part, index, n, t->data_row, t->label));
    eqs_network_sources(t->energy->net, n, t->data_row, t->x);
    EQS_TRY(eqs_one_hot(t->label, n, t->n_out, t->target));
    t->phases->ops->load(t->phases, n, t->x, t->target);
    if (t->states[part] == NULL) {
        t->phases->ops->reset(t->phases);
        return EQS_OK;
    }
    for (size_t b = 0; b < n; b++)
        t->phases->ops->put_state(t->phases, b, t->states[part] + index[b] * t->state_bytes);
    return EQS_OK;
}

static void keep_states(eqs_trainer *t, eqs_dataset_part part, const uint32_t *index, size_t n)
{
    for (size_t b = 0; t->states[part] != NULL && b < n; b++)
        t->phases->ops->take_state(t->phases, b, t->states[part] + index[b] * t->state_bytes);
}

/* Prediction: the output unit with the largest activation (paper 001 Eq. 51), the first of equals. */
static uint32_t predict(const double *y, size_t n)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        best = y[i] > y[best] ? i : best;
    return best;
}

/* Errors, and cost 1/2 |y - target|^2 (paper 001 Eq. 8) of the free states of a minibatch. */
static size_t score(eqs_trainer *t, size_t n, double *cost, uint32_t *confusion)
{
    size_t wrong = 0;
    t->phases->ops->output(t->phases, 0, t->y);
    for (size_t b = 0; b < n; b++) {
        const double *y = t->y + b * t->n_out, *target = t->target + b * t->n_out;
        uint32_t guess = predict(y, t->n_out);
        wrong += guess != t->label[b];
        if (confusion != NULL && guess < t->data->classes)
            confusion[t->label[b] * t->data->classes + guess]++;
        if (t->energy->net->resistive != NULL)
            *cost += eqs_cost_value(t->energy->net->resistive->cost, false, t->n_out, y, target);
        for (size_t i = 0; t->energy->net->resistive == NULL && i < t->n_out; i++)
            *cost += 0.5 * (y[i] - target[i]) * (y[i] - target[i]);
    }
    return wrong;
}

static eqs_status check_finite(const eqs_trainer *t, double residual, const char *phase)
{
    if (isfinite(residual))
        return EQS_OK;
    return eqs_fail(EQS_NOT_CONVERGED,
                    "epoch %u, minibatch %u: the %s phase left the finite numbers (residual %g); "
                    "smaller learning.rates or learning.beta may help",
                    t->position.epoch + 1, t->position.minibatch + 1, phase, residual);
}

static void add_second_phase(double residual, double iterations, size_t unconverged, eqs_epoch_row *sums)
{
    sums->residual_nudged = fmax(sums->residual_nudged, residual);
    sums->sweeps_nudged += iterations;
    sums->unconverged += (double)unconverged;
}

/* Nudged phases of the plan and the contrastive update. */
static eqs_status contrast(eqs_trainer *t, const eqs_plan *plan, bool measure, eqs_epoch_row *sums)
{
    const eqs_network *net = t->energy->net;
    const eqs_phases_ops *ops = t->phases->ops;
    double beta[EQS_ENGINE_SLOTS][EQS_BETA_COUNT];
    eqs_phase_outcome outcome[EQS_ENGINE_SLOTS];
    size_t n = plan->n_nudged;
    for (size_t i = 0; i < n; i++)
        eqs_network_nudge(net, plan->xi[i + 1], beta[i]);
    if (ops->relax_nudged != NULL)
        EQS_TRY(ops->relax_nudged(t->phases, n, (const double(*)[EQS_BETA_COUNT])beta, outcome));
    for (size_t i = 0; i < n; i++) {
        if (ops->relax_nudged == NULL)
            EQS_TRY(ops->relax(t->phases, i + 1, beta[i], &outcome[i]));
        EQS_TRY(check_finite(t, outcome[i].max_residual, "nudged"));
        add_second_phase(outcome[i].max_residual, outcome[i].sweeps / (double)n, outcome[i].unconverged,
                         sums);
        sums->settling_nudged += outcome[i].settling / (double)n;
        sums->settling_nudged_fine += outcome[i].settling_fine / (double)n;
        sums->supply_energy += outcome[i].joules;
        sums->residual_response = fmax(sums->residual_response, outcome[i].residual_response);
        sums->unresolved += (double)outcome[i].unresolved / (double)n;
    }
    ops->update(t->phases, t->rate, plan->coefficient, net->delta[EQS_BETA_THETA], measure ? t->change : NULL,
                measure ? t->norm : NULL);
    return EQS_OK;
}

/* The second phase of a rule of its own, and a step down its gradient. */
static eqs_status descend(eqs_trainer *t, size_t n, const eqs_plan *plan, bool measure, eqs_epoch_row *sums)
{
    eqs_rule_outcome outcome;
    const double *grad;
    EQS_TRY(eqs_rule_step_gradient(t->step, t->options.rule, t->phases, n, t->x, t->target, plan, &grad,
                                   &outcome));
    EQS_TRY(check_finite(t, outcome.residual, "second"));
    add_second_phase(outcome.residual, outcome.iterations, outcome.unconverged, sums);
    eqs_rule_step_apply(t->step, t->phases, t->rate, measure ? t->change : NULL, measure ? t->norm : NULL);
    return EQS_OK;
}

/* The minibatch's nudged phases, made known to the backend, which may measure them with the free one. */
static eqs_plan make_plan(eqs_trainer *t, size_t n)
{
    const eqs_rule *rule = t->options.rule;
    double strength[EQS_ENGINE_SLOTS], beta[EQS_BETA_COUNT];
    eqs_plan_request request = {.nudge = t->options.nudge,
                                .beta = t->options.beta,
                                .n = n,
                                .seed = t->options.seed,
                                .epoch = t->position.epoch,
                                .minibatch = t->position.minibatch};
    eqs_plan plan = rule->plan != NULL ? rule->plan(&request) : (eqs_plan){0};
    for (size_t slot = 1; slot <= plan.n_nudged; slot++) {
        eqs_network_nudge(t->energy->net, plan.xi[slot], beta);
        strength[slot - 1] = beta[EQS_BETA_Y];
    }
    if (t->phases->ops->plan != NULL && rule->gradient == NULL)
        t->phases->ops->plan(t->phases, plan.n_nudged, strength);
    return plan;
}

/* Free phase, nudged phases and update of one loaded minibatch of n samples. Sums and persistent states
 * change at its end only, so that a minibatch that a signal stopped midway can be done again. */
static eqs_status train_minibatch(eqs_trainer *t, const uint32_t *index, size_t n)
{
    const eqs_network *net = t->energy->net;
    eqs_epoch_row done = t->position.sums, *sums = &done;
    eqs_phase_outcome outcome;
    eqs_plan plan = make_plan(t, n);
    EQS_TRY(t->phases->ops->relax(t->phases, 0, net->beta, &outcome));
    EQS_TRY(check_finite(t, outcome.max_residual, "free"));
    sums->residual = fmax(sums->residual, outcome.max_residual);
    sums->sweeps_free += outcome.sweeps;
    sums->settling_free += outcome.settling;
    sums->settling_free_fine += outcome.settling_fine;
    sums->supply_energy += outcome.joules;
    sums->unconverged += (double)outcome.unconverged;
    sums->train_error += (double)score(t, n, &sums->cost, NULL);
    t->phases->ops->energy(t->phases, 0, t->F);
    for (size_t b = 0; b < n; b++)
        sums->energy += t->F[b];

    const eqs_rule *rule = t->options.rule;
    /* norms cost a pass over the weights: once in a while is enough for the ratio's average */
    bool measure = t->position.minibatch % 50 == 0;
    if (rule->gradient != NULL)
        EQS_TRY(descend(t, n, &plan, measure, sums));
    else
        EQS_TRY(contrast(t, &plan, measure, sums));
    keep_states(t, EQS_DATASET_TRAIN, index, n);
    t->position.sums = done;
    t->position.minibatch++;
    return EQS_OK;
}

/* The order of the samples of the current epoch. */
static void set_order(eqs_trainer *t, size_t n)
{
    if (t->ordered_epoch == t->position.epoch + 1)
        return;
    if (t->options.shuffle) {
        eqs_random stream = eqs_random_stream(t->options.seed, EQS_RANDOM_SHUFFLE, t->position.epoch, 0);
        eqs_random_permutation(&stream, n, t->order);
    } else {
        for (size_t i = 0; i < n; i++)
            t->order[i] = (uint32_t)i;
    }
    t->ordered_epoch = t->position.epoch + 1;
}

/* Learning rates of the current epoch. */
static void set_rates(eqs_trainer *t)
{
    double factor = pow(t->options.rate_decay, t->position.epoch);
    for (size_t i = 0; i < t->n_blocks; i++)
        t->rate[i] = factor * t->options.rate[i];
}

static eqs_status check_stop(const eqs_trainer *t)
{
    if (!eqs_stop_requested())
        return EQS_OK;
    return eqs_fail(EQS_INTERRUPTED, "stopped in epoch %u after %u minibatches", t->position.epoch + 1,
                    t->position.minibatch);
}

/* The message of a minibatch that a signal stopped midway says where, as between minibatches. */
static eqs_status say_where(const eqs_trainer *t, eqs_status status)
{
    return status == EQS_INTERRUPTED ? check_stop(t) : status;
}

/* Free phases of samples start .. start + n - 1 of a part in the data's order: how many are misclassified;
 * adds to the cost and raises the residual. */
static eqs_status evaluate_minibatch(eqs_trainer *t, eqs_dataset_part part, size_t start, size_t n,
                                     size_t *wrong, double *cost, double *residual, uint32_t *confusion)
{
    for (size_t b = 0; b < n; b++)
        t->index[b] = (uint32_t)(start + b);
    eqs_phase_outcome outcome;
    EQS_TRY(load(t, part, t->index, n));
    EQS_TRY(t->phases->ops->relax(t->phases, 0, t->energy->net->beta, &outcome));
    EQS_TRY(check_finite(t, outcome.max_residual, "free"));
    keep_states(t, part, t->index, n);
    *residual = fmax(*residual, outcome.max_residual);
    *wrong = score(t, n, cost, confusion);
    return EQS_OK;
}

/* Evaluates a part after an epoch's training, from where the position stands: minibatches are counted through
 * training, validation and test data, and `first` is this part's first. Adds to *errors. */
static eqs_status evaluate_rest(eqs_trainer *t, eqs_dataset_part part, size_t first, double *errors)
{
    size_t count = part_count(t, part), batch = t->options.batch;
    for (size_t start = (t->position.minibatch - first) * batch; start < count; start += batch) {
        EQS_TRY(check_stop(t));
        size_t n = count - start < batch ? count - start : batch, wrong;
        double cost = 0.0, residual = 0.0;
        EQS_TRY(say_where(t, evaluate_minibatch(t, part, start, n, &wrong, &cost, &residual, NULL)));
        *errors += (double)wrong;
        t->position.minibatch++;
    }
    return EQS_OK;
}

/* Which fixed point training reaches: some training samples, spread over the epoch's order, from their
 * persistent states, which stay as they are. `first` is the first minibatch of this part of the epoch. */
static eqs_status check_attractors(eqs_trainer *t, size_t first, double *elsewhere)
{
    size_t count = t->options.check_attractor, batch = t->options.batch,
           all = part_count(t, EQS_DATASET_TRAIN);
    if (count > 0)
        set_order(t, all);
    for (size_t start = (t->position.minibatch - first) * batch; start < count; start += batch) {
        EQS_TRY(check_stop(t));
        size_t n = count - start < batch ? count - start : batch, other;
        for (size_t b = 0; b < n; b++)
            t->index[b] = t->order[(start + b) * all / count];
        EQS_TRY(load(t, EQS_DATASET_TRAIN, t->index, n));
        EQS_TRY(say_where(t, t->phases->ops->compare(t->phases, t->energy->net->beta, &other)));
        *elsewhere += (double)other;
        t->position.minibatch++;
    }
    return EQS_OK;
}

static size_t minibatches(const eqs_trainer *t, eqs_dataset_part part)
{
    return (part_count(t, part) + t->options.batch - 1) / t->options.batch;
}

static eqs_status train_rest(eqs_trainer *t, eqs_train_progress progress, void *user)
{
    size_t count = part_count(t, EQS_DATASET_TRAIN), batch = t->options.batch;
    set_order(t, count);
    set_rates(t);
    for (size_t start = t->position.minibatch * batch; start < count; start += batch) {
        EQS_TRY(check_stop(t));
        size_t n = count - start < batch ? count - start : batch;
        EQS_TRY(load(t, EQS_DATASET_TRAIN, t->order + start, n));
        EQS_TRY(say_where(t, train_minibatch(t, t->order + start, n)));
        if (progress != NULL)
            progress(&t->position, start + n, count, user);
    }
    return EQS_OK;
}

eqs_status eqs_trainer_epoch(eqs_trainer *t, eqs_train_progress progress, void *user, eqs_epoch_row *row)
{
    eqs_epoch_row *sums = &t->position.sums;
    size_t validation = minibatches(t, EQS_DATASET_TRAIN);
    size_t test = validation + minibatches(t, EQS_DATASET_VALIDATION);
    if (t->position.minibatch < validation)
        EQS_TRY(train_rest(t, progress, user));
    if (t->position.minibatch < test)
        EQS_TRY(evaluate_rest(t, EQS_DATASET_VALIDATION, validation, &sums->validation_error));
    size_t checked = test + minibatches(t, EQS_DATASET_TEST);
    if (t->position.minibatch < checked)
        EQS_TRY(evaluate_rest(t, EQS_DATASET_TEST, test, &sums->test_error));
    EQS_TRY(check_attractors(t, checked, &sums->other_attractor));
    *row = *sums;
    row->epoch = t->position.epoch + 1;
    double *physics[] = {&row->settling_free, &row->settling_free_fine, &row->settling_nudged,
                         &row->settling_nudged_fine, &row->supply_energy};
    bool in_time = strcmp(t->options.phases.backend, "transient") == 0;
    for (size_t i = 0; i < sizeof physics / sizeof *physics; i++)
        *physics[i] = in_time ? *physics[i] / (double)part_count(t, EQS_DATASET_TRAIN) : NAN;
    double *mean[] = {&row->train_error, &row->cost,          &row->energy,
                      &row->sweeps_free, &row->sweeps_nudged, &row->unresolved};
    for (size_t i = 0; i < sizeof mean / sizeof *mean; i++)
        *mean[i] /= (double)part_count(t, EQS_DATASET_TRAIN);
    row->other_attractor /= (double)t->options.check_attractor;             /* NaN without any */
    row->validation_error /= (double)part_count(t, EQS_DATASET_VALIDATION); /* NaN without samples */
    row->test_error /= (double)part_count(t, EQS_DATASET_TEST);
    t->position.epoch++;
    t->position.minibatch = 0;
    t->position.sums = (eqs_epoch_row){0};
    return EQS_OK;
}

eqs_status eqs_trainer_evaluate(eqs_trainer *t, eqs_dataset_part part, double *error, double *cost,
                                double *residual, uint32_t *confusion)
{
    size_t count = part_count(t, part), batch = t->options.batch, errors = 0, wrong;
    double sum = 0.0, worst = 0.0;
    for (size_t start = 0; start < count; start += batch) {
        size_t n = count - start < batch ? count - start : batch;
        EQS_TRY(evaluate_minibatch(t, part, start, n, &wrong, &sum, &worst, confusion));
        errors += wrong;
    }
    if (error != NULL)
        *error = count == 0 ? NAN : (double)errors / (double)count;
    if (cost != NULL)
        *cost = count == 0 ? NAN : sum / (double)count;
    if (residual != NULL)
        *residual = count == 0 ? NAN : worst;
    return EQS_OK;
}

void eqs_trainer_change(const eqs_trainer *t, double *change)
{
    for (size_t i = 0; i < t->n_blocks; i++)
        change[i] = sqrt(t->change[i] / t->norm[i]);
}

double *eqs_trainer_measured(eqs_trainer *t, size_t *n)
{
    *n = 2 * t->n_blocks;
    return t->change;
}

void eqs_trainer_get_parameters(const eqs_trainer *t, double *theta)
{
    t->phases->ops->get_parameters(t->phases, theta);
}

void eqs_trainer_set_parameters(eqs_trainer *t, const double *theta)
{
    t->phases->ops->set_parameters(t->phases, theta);
}

eqs_train_position *eqs_trainer_position(eqs_trainer *t)
{
    return &t->position;
}

void *eqs_trainer_states(eqs_trainer *t, eqs_dataset_part part, size_t *count, size_t *bytes)
{
    *count = part_count(t, part);
    *bytes = t->state_bytes;
    return t->states[part];
}
