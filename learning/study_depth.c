/* Study `depth`: why the free phase needs more iterations the deeper the network (paper 001 sec. 5.1, Table
 * 2). For every depth, initial scale, width, activation and nudge: settling, spectrum and prediction before
 * training, after its first epoch, and after its last. */
#include "learning/study_settle.h"
#include "learning/study_variant.h"

#include "base/memory.h"
#include "solver/spectrum.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP "/study/depth"

enum { TOLERANCES = 6, QUANTILES = EQS_SETTLE_QUANTILES, STAGES = 3, MOST = 5000 };

static const char *const stages[STAGES] = {"before", "during", "after"};

/* X(name, values per depth, rank beyond depth, unit, long name): what is measured at every depth and stage */
#define DEPTH_LIST(X)                                                                                        \
    X(iterations, TOLERANCES *QUANTILES, 2, "1", "iterations of paper 001 (Eq. 54) to every tolerance")      \
    X(time, TOLERANCES *QUANTILES, 2, "unit time", "time along the ODE to every tolerance")                  \
    X(sweeps, TOLERANCES *QUANTILES, 2, "1", "sweeps of solver auto to every tolerance")                     \
    X(nudged, TOLERANCES *QUANTILES, 2, "1", "iterations of the nudged phase at learning.beta")              \
    X(slowest, QUANTILES, 1, "unit time", "time constant of the slowest mode")                               \
    X(tail_measured, QUANTILES, 1, "unit time", "time along the ODE from a residual of 1e-3 to 1e-5")        \
    X(tail_predicted, QUANTILES, 1, "unit time", "slowest time constant times ln(100)")                      \
    X(moving, QUANTILES, 1, "1", "fraction of units strictly inside their box")                              \
    X(test_error, 1, 0, "1", "fraction of test samples misclassified")                                       \
    X(test_cost, 1, 0, "1", "mean cost of the test samples")

/* one variant: arrays [depths x values] by stage */
typedef struct variant_result {
#define X(name, values, rank, unit, text) double *name[STAGES];
    DEPTH_LIST(X)
#undef X
    double *block;
} variant_result;

typedef struct depth_job {
    const eqs_study_request *request;
    const eqs_config *config;
    size_t width;
    double gain, beta;
    const char *activation;
    char name[64];
} depth_job;

static eqs_status allocate(size_t depths, variant_result *r)
{
    size_t all = 0;
#define X(name, values, rank, unit, text) all += STAGES * (size_t)(values);
    DEPTH_LIST(X)
#undef X
    double *next = r->block = eqs_alloc(all * depths, sizeof *r->block);
    if (r->block == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < all * depths; i++)
        next[i] = NAN;
    for (size_t s = 0; s < STAGES; s++) {
#define X(name, values, rank, unit, text)                                                                    \
    r->name[s] = next;                                                                                       \
    next += (size_t)(values)*depths;
        DEPTH_LIST(X)
#undef X
    }
    return EQS_OK;
}

/* Slowest time constants, moving shares and tails of all samples; scratch [4 x n]. */
static eqs_status spectra(const eqs_setup *setup, const eqs_phase *phase, const eqs_state *fixed_point,
                          const eqs_settling *ode, double *scratch, eqs_state *row, size_t s, size_t d,
                          variant_result *r)
{
    size_t n = phase->batch, size = eqs_network_state_size(setup->net);
    for (size_t b = 0; b < n; b++) {
        eqs_phase one;
        eqs_spectrum spectrum;
        eqs_spectrum_options options = eqs_spectrum_options_default();
        options.dense_limit = 64;
        options.ends = 1;
        eqs_study_sample(phase, fixed_point, b, &one, row);
        EQS_TRY(eqs_spectrum_at(setup->energy, &one, row, &options, &spectrum));
        const double *time = ode->time + b * ode->n_tolerances;
        scratch[b] = spectrum.slowest;
        scratch[n + b] = (double)spectrum.moving / (double)size;
        scratch[2 * n + b] = time[4] - time[2];
        scratch[3 * n + b] = spectrum.slowest * log(100.0);
        eqs_spectrum_clear(&spectrum);
        EQS_TRY(eqs_study_check_stop());
    }
    double *to[] = {r->slowest[s], r->moving[s], r->tail_measured[s], r->tail_predicted[s]};
    for (size_t i = 0; i < 4; i++)
        EQS_TRY(eqs_settle_quantiles_of(n, scratch + i * n, to[i] + d * QUANTILES));
    return EQS_OK;
}

static eqs_status keep_quantiles(const eqs_settling *settling, const double *value, double *to, size_t d)
{
    return eqs_settle_quantiles(settling->n, TOLERANCES, value, to + d * TOLERANCES * QUANTILES);
}

/* Iterations of a solver from a start, as quantiles at depth d. */
static eqs_status steps_of(const eqs_setup *setup, const eqs_phase *phase, const char *solver,
                           const eqs_state *start, double *to, size_t d)
{
    eqs_settling settling;
    EQS_TRY(eqs_settle_steps(setup->energy, phase, solver, setup->relax.step, MOST, start, TOLERANCES,
                             &settling));
    eqs_status status = keep_quantiles(&settling, settling.steps, to, d);
    eqs_settling_clear(&settling);
    return status;
}

/* Everything at the present parameters. */
static eqs_status measure(const depth_job *job, eqs_study_variant *variant, size_t s, size_t d,
                          eqs_state *start, eqs_state *end, eqs_state *row, double *scratch,
                          variant_result *r)
{
    const eqs_setup *setup = variant->setup;
    eqs_study_variant_refresh(variant);
    eqs_phase phase = eqs_study_phase(setup->net, setup->theta, job->request, 0.0);
    eqs_phase nudged =
        eqs_study_phase(setup->net, setup->theta, job->request, variant->config->learning.beta);
    eqs_settling ode;
    EQS_TRY(eqs_settle_ode(setup->energy, &phase, start, TOLERANCES, end, &ode));
    eqs_status status = keep_quantiles(&ode, ode.time, r->time[s], d);
    if (status == EQS_OK)
        status = spectra(setup, &phase, end, &ode, scratch, row, s, d, r);
    eqs_settling_clear(&ode);
    EQS_TRY(status);
    EQS_TRY(steps_of(setup, &phase, "euler", start, r->iterations[s], d));
    EQS_TRY(steps_of(setup, &phase, "auto", start, r->sweeps[s], d));
    EQS_TRY(steps_of(setup, &nudged, "euler", end, r->nudged[s], d));
    return eqs_trainer_evaluate(variant->trainer, EQS_DATASET_TEST, &r->test_error[s][d], &r->test_cost[s][d],
                                NULL, NULL);
}

/* Trains one network and measures it on the way. */
static eqs_status follow(const depth_job *job, eqs_study_variant *variant, size_t d, variant_result *r)
{
    const eqs_network *net = variant->setup->net;
    size_t epochs = job->config->study.epochs;
    eqs_phase phase = eqs_study_phase(net, variant->setup->theta, job->request, 0.0);
    eqs_state *start = NULL, *end = NULL, *row = NULL;
    double *scratch = eqs_alloc(4 * job->request->n, sizeof *scratch);
    eqs_status status = scratch == NULL ? EQS_NO_MEMORY : eqs_study_start(net, &phase, &start);
    if (status == EQS_OK)
        status = eqs_study_start(net, &phase, &end);
    if (status == EQS_OK)
        status = eqs_state_create(net, 1, &row);
    if (status == EQS_OK)
        status = measure(job, variant, 0, d, start, end, row, scratch, r);
    for (size_t epoch = 1; status == EQS_OK && epoch <= epochs; epoch++) {
        eqs_epoch_row ignored;
        status = eqs_trainer_epoch(variant->trainer, NULL, NULL, &ignored);
        if (status == EQS_OK && epoch == 1)
            status = measure(job, variant, 1, d, start, end, row, scratch, r);
        if (status == EQS_OK && epoch == epochs)
            status = measure(job, variant, 2, d, start, end, row, scratch, r);
    }
    eqs_free(scratch);
    eqs_state_destroy(start);
    eqs_state_destroy(end);
    eqs_state_destroy(row);
    return status;
}

/* "key=[a, b, b, ...]" with 1 + n entries, each `ratio` times the one before from the second on */
static char *list_text(const char *key, double first, double second, double ratio, size_t n)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL)
        return NULL;
    fprintf(memory, "%s=[%.17g", key, first);
    for (size_t i = 0; i < n; i++, second *= ratio)
        fprintf(memory, ", %.17g", second);
    fprintf(memory, "]");
    fclose(memory);
    return text;
}

static char *layers_text(const eqs_config *config, size_t width, size_t depth)
{
    const eqs_config_sizes *layers = &config->network.layers;
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL)
        return NULL;
    fprintf(memory, "network.layers=[%zu", layers->v[0]);
    for (size_t i = 0; i < depth; i++)
        fprintf(memory, ", %zu", width);
    fprintf(memory, ", %zu]", layers->v[layers->n - 1]);
    fclose(memory);
    return text;
}

static eqs_status run_depth(const depth_job *job, size_t d, variant_result *r)
{
    size_t depth = job->config->study.depths.v[d];
    double rate = job->config->learning.rates.n > 0 ? job->config->learning.rates.v[0] : 0.0;
    double ratio = job->config->study.rate_ratio;
    char activation[96], beta[64], line[160];
    snprintf(activation, sizeof activation, "network.activation=%s", job->activation);
    snprintf(beta, sizeof beta, "learning.beta=%.17g", job->beta);
    char *text[] = {layers_text(job->config, job->width, depth),
                    list_text("network.gain", 1.0, job->gain, 1.0, depth),
                    list_text("learning.rates", rate, rate * ratio, ratio, depth)};
    const char *overrides[] = {text[0], text[1], text[2], activation, beta, "learning.bias_rates=[]"};
    eqs_study_variant variant = {0};
    snprintf(line, sizeof line, "depth: %s, %zu hidden layers", job->name, depth);
    job->request->note(job->request->user, line);
    eqs_status status = text[0] == NULL || text[1] == NULL || text[2] == NULL ? EQS_NO_MEMORY : EQS_OK;
    if (status == EQS_OK)
        status =
            eqs_study_variant_create(job->request, sizeof overrides / sizeof *overrides, overrides, &variant);
    if (status == EQS_OK)
        status = follow(job, &variant, d, r);
    eqs_study_variant_clear(&variant);
    for (size_t i = 0; i < 3; i++)
        free(text[i]);
    return status;
}

static eqs_status write_variant(const depth_job *job, const variant_result *r, eqs_h5_writer *writer)
{
    const eqs_config_sizes *depths = &job->config->study.depths;
    char group[96], path[160], long_name[200];
    double depth[64];
    for (size_t d = 0; d < depths->n; d++)
        depth[d] = (double)depths->v[d];
    size_t one = depths->n, tolerances = TOLERANCES;
    snprintf(group, sizeof group, GROUP "/%s", job->name);
    snprintf(path, sizeof path, "%s/depth", group);
    EQS_TRY(eqs_h5_write_double(writer, path, depth, 1, &one, "1", "hidden layers"));
    snprintf(path, sizeof path, "%s/tolerance", group);
    EQS_TRY(
        eqs_h5_write_double(writer, path, eqs_settle_tolerance, 1, &tolerances, "1", "projected residual"));
    EQS_TRY(eqs_h5_attribute_string(writer, group, "axes", "depth"));
    EQS_TRY(eqs_h5_attribute_int(writer, group, "width", (int64_t)job->width));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "gain", job->gain));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "beta", job->beta));
    EQS_TRY(eqs_h5_attribute_string(writer, group, "activation", job->activation));
    for (size_t s = 0; s < STAGES; s++) {
#define X(name, values, rank, unit, text)                                                                    \
    {                                                                                                        \
        const size_t dim[3] = {depths->n, (rank) == 2 ? TOLERANCES : QUANTILES, QUANTILES};                  \
        snprintf(path, sizeof path, "%s/" #name "_%s", group, stages[s]);                                    \
        snprintf(long_name, sizeof long_name, "%s%s, %s training", text,                                     \
                 (rank) > 0 ? " (quantiles 0, 0.1, 0.5, 0.9, 1)" : "", stages[s]);                           \
        EQS_TRY(eqs_h5_write_double(writer, path, r->name[s], 1 + (rank), dim, unit, long_name));            \
    }
        DEPTH_LIST(X)
#undef X
    }
    return EQS_OK;
}

/* All depths of one variant, named by what distinguishes it: "gain_0.5". */
static eqs_status run_variant(depth_job job, eqs_h5_writer *writer, const char *what, double value)
{
    variant_result r = {0};
    if (strcmp(what, "activation") == 0)
        snprintf(job.name, sizeof job.name, "activation_%s", job.activation);
    else
        snprintf(job.name, sizeof job.name, "%s_%g", what, value);
    eqs_status status = allocate(job.config->study.depths.n, &r);
    for (size_t d = 0; status == EQS_OK && d < job.config->study.depths.n; d++)
        status = run_depth(&job, d, &r);
    if (status == EQS_OK)
        status = write_variant(&job, &r, writer);
    eqs_free(r.block);
    return status;
}

static eqs_status run(const eqs_study_request *request, eqs_h5_writer *writer)
{
    const eqs_config *config = request->setup->config;
    const eqs_config_study *study = &config->study;
    if (request->setup->net->resistive != NULL)
        return eqs_config_fail(config, "network.model",
                               "found resistive; study depth builds Hopfield networks");
    if (config->network.layers.n < 3)
        return eqs_config_fail(config, "network.layers",
                               "study depth takes the width of its layers from layer 1, "
                               "which must be a hidden one");
    if (config->network.activation.n != 1 || config->network.couplings.layout != EQS_COUPLINGS_LAYERED)
        return eqs_config_fail(config, "network.activation",
                               "study depth builds layered networks of one activation");
    depth_job base = {.request = request,
                      .config = config,
                      .width = config->network.layers.v[1],
                      .gain = study->gains.v[0],
                      .beta = config->learning.beta,
                      .activation = config->network.activation.v[0]};
    for (size_t i = 0; i < study->gains.n; i++) {
        depth_job job = base;
        job.gain = study->gains.v[i];
        EQS_TRY(run_variant(job, writer, "gain", job.gain));
    }
    for (size_t i = 0; i < study->widths.n; i++) {
        depth_job job = base;
        job.width = study->widths.v[i];
        EQS_TRY(run_variant(job, writer, "width", (double)job.width));
    }
    for (size_t i = 0; i < study->betas.n; i++) {
        depth_job job = base;
        job.beta = study->betas.v[i];
        EQS_TRY(run_variant(job, writer, "beta", job.beta));
    }
    for (size_t i = 0; i < study->activations.n; i++) {
        depth_job job = base;
        job.activation = study->activations.v[i];
        EQS_TRY(run_variant(job, writer, "activation", 0.0));
    }
    return EQS_OK;
}

const eqs_study eqs_study_depth = {
    .name = "depth",
    .summary =
        "settling against depth, initial scale, width, activation, nudge; before, during, after training",
    .run = run,
};
