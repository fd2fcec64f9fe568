/* Study `gradient`: equilibrium propagation's estimate against the exact gradient, per block of parameters:
 * over beta and kind of difference, over the tolerance of the phases in single and double precision, over the
 * iterations allowed to the nudged phase (the N/eps rule of paper 001 sec. 5.1), and during training. */
#include "learning/study_settle.h"
#include "learning/study_variant.h"

#include "base/memory.h"
#include "solver/exact_gradient.h"
#include "solver/gradient_compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GROUP "/study/gradient"

enum { BETAS = 10, TOLERANCES = 8, COUNTS = 9, MODES = 4 };

static const double betas[BETAS] = {1e-3, 3e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.3, 0.5, 0.9};
static const double counts[COUNTS] = {1, 2, 3, 4, 6, 8, 16, 32, 64};

/* Differences that are compared: one-sided with either sign, centred, higher order. */
static const struct {
    const char *name;
    eqs_nudge nudge;
    double sign;
} modes[MODES] = {{"one_sided", EQS_NUDGE_FIXED, 1.0},
                  {"one_sided_negative", EQS_NUDGE_FIXED, -1.0},
                  {"centred", EQS_NUDGE_CENTRED, 1.0},
                  {"higher_order", EQS_NUDGE_HIGHER_ORDER, 1.0}};

/* A network at given parameters with its exact gradient, and an engine in each precision. */
typedef struct bench {
    const eqs_study_request *request;
    const eqs_setup *setup;
    eqs_engine *engine[2]; /* by eqs_precision */
    eqs_state *fixed_point;
    double *exact, *estimate;
    size_t blocks;
} bench;

/* how one estimate is made */
typedef struct recipe {
    eqs_precision precision;
    int mode;
    double beta, tolerance;
    size_t iterations; /* > 0: Euler, so many */
} recipe;

/* measures of estimates over an axis: [n x (1 + blocks)] each */
typedef struct measures {
    double *cosine, *norm_ratio, *error;
} measures;

static void destroy(bench *b)
{
    for (int p = 0; p < 2; p++)
        eqs_engine_destroy(b->engine[p]);
    eqs_state_destroy(b->fixed_point);
    eqs_free(b->exact);
}

static eqs_status create(const eqs_study_request *request, const eqs_setup *setup, bench *b)
{
    const eqs_network *net = setup->net;
    *b = (bench){.request = request, .setup = setup, .blocks = eqs_parameter_blocks(net)};
    b->exact = eqs_alloc(2 * net->n_parameters, sizeof *b->exact);
    if (b->exact == NULL)
        return EQS_NO_MEMORY;
    b->estimate = b->exact + net->n_parameters;
    for (int p = 0; p < 2; p++) {
        eqs_engine_options options = eqs_engine_options_default();
        options.precision = (eqs_precision)p;
        options.batch = request->n;
        EQS_TRY(eqs_engine_create(setup->energy, &options, &b->engine[p]));
    }
    return eqs_state_create(net, request->n, &b->fixed_point);
}

/* Fixed points and exact gradient at the setup's present parameters. */
static eqs_status settle(bench *b)
{
    const eqs_network *net = b->setup->net;
    eqs_phase phase = eqs_study_phase(net, b->setup->theta, b->request, 0.0);
    eqs_relax_options options = eqs_relax_options_default();
    eqs_relax_result result = {0};
    eqs_state_fill(net, b->fixed_point, 0.0);
    options.solver = b->setup->relax.solver;
    if (eqs_solver_find(options.solver) == NULL || strcmp(options.solver, "euler") == 0)
        options.solver = "auto";
    options.tolerance = 1e-11;
    EQS_TRY(eqs_relax_run(b->setup->energy, &phase, &options, b->fixed_point, &result));
    size_t bad = eqs_relax_unconverged(&result);
    eqs_relax_result_clear(&result);
    if (bad > 0)
        return eqs_fail(EQS_NOT_CONVERGED, "study gradient: %zu free phases did not reach 1e-11", bad);
    EQS_TRY(eqs_exact_gradient(b->setup->energy, &phase, b->fixed_point, NULL, b->exact, NULL, NULL));
    for (size_t i = 0; i < net->n_parameters; i++)
        b->exact[i] /= (double)b->request->n;
    for (int p = 0; p < 2; p++) {
        eqs_engine_set_parameters(b->engine[p], b->setup->theta);
        eqs_engine_load(b->engine[p], b->request->n, b->request->x, b->request->target);
    }
    return EQS_OK;
}

/* The estimate of a recipe, compared with the exact gradient: row `at` of the measures. The free phase is
 * relaxed with the recipe's own precision and tolerance from the zero start, as training would. */
static void estimate(bench *b, const recipe *how_to, size_t at, measures *m)
{
    const eqs_network *net = b->setup->net;
    eqs_engine *engine = b->engine[how_to->precision];
    eqs_engine_outcome outcome;
    eqs_plan_request request = {.nudge = modes[how_to->mode].nudge,
                                .beta = modes[how_to->mode].sign * how_to->beta,
                                .n = b->request->n};
    eqs_plan plan = eqs_rule_eqprop.plan(&request);
    eqs_engine_relax how = {
        .tolerance = how_to->tolerance, .max_sweeps = 100000, .step = b->setup->relax.step};
    eqs_engine_put_states(engine, 0, b->fixed_point);
    if (how_to->tolerance > 1e-9) /* else the fixed point itself serves */
        eqs_engine_reset(engine, 0);
    eqs_network_nudge(net, 0.0, how.beta);
    eqs_engine_relax_slot(engine, 0, &how, &outcome);
    if (how_to->iterations > 0) {
        how.max_sweeps = how_to->iterations;
        how.fixed_iterations = how.euler = true;
    }
    for (size_t slot = 1; slot <= plan.n_nudged; slot++) {
        eqs_network_nudge(net, plan.xi[slot], how.beta);
        eqs_engine_copy(engine, 0, slot);
        eqs_engine_relax_slot(engine, slot, &how, &outcome);
    }
    memset(b->estimate, 0, net->n_parameters * sizeof *b->estimate);
    eqs_engine_gradient(engine, plan.coefficient, b->estimate);
    for (size_t i = 0; i <= b->blocks; i++) {
        eqs_parameter_block block = {.count = net->n_parameters};
        if (i > 0)
            block = eqs_parameter_block_get(net, i - 1);
        eqs_gradient_agreement agreement =
            eqs_gradient_compare(block.count, b->estimate + block.offset, b->exact + block.offset);
        m->cosine[at * (1 + b->blocks) + i] = agreement.cosine;
        m->norm_ratio[at * (1 + b->blocks) + i] = agreement.norm_ratio;
        m->error[at * (1 + b->blocks) + i] = agreement.error;
    }
}

static eqs_status measures_create(const bench *b, size_t n, measures *m)
{
    size_t size = n * (1 + b->blocks);
    m->cosine = eqs_alloc(3 * size, sizeof *m->cosine);
    if (m->cosine == NULL)
        return EQS_NO_MEMORY;
    m->norm_ratio = m->cosine + size;
    m->error = m->norm_ratio + size;
    return EQS_OK;
}

/* GROUP/part/{cosine, norm_ratio, error}_name */
static eqs_status write_measures(const bench *b, const char *part, const char *name, size_t n,
                                 const measures *m, const char *what, eqs_h5_writer *writer)
{
    char path[128], text[200];
    size_t dim[2] = {n, 1 + b->blocks};
    const struct {
        const char *name, *text;
        const double *value;
    } members[] = {{"cosine", "cosine of the angle to the exact gradient", m->cosine},
                   {"norm_ratio", "|estimate| / |exact|", m->norm_ratio},
                   {"error", "|estimate - exact| / |exact|", m->error}};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, GROUP "/%s/%s_%s", part, members[i].name, name);
        snprintf(text, sizeof text, "%s, %s [%s x (all, blocks)]", members[i].text, what, part);
        EQS_TRY(eqs_h5_write_double(writer, path, members[i].value, 2, dim, "1", text));
    }
    return EQS_OK;
}

static eqs_status write_axis(const char *part, const double *value, size_t n, const char *text,
                             eqs_h5_writer *writer)
{
    char path[96];
    snprintf(path, sizeof path, GROUP "/%s/%s", part, part);
    EQS_TRY(eqs_h5_write_double(writer, path, value, 1, &n, "1", text));
    snprintf(path, sizeof path, GROUP "/%s", part);
    return eqs_h5_attribute_string(writer, path, "axes", part);
}

/* One sweep: n recipes that differ in one thing. */
static eqs_status sweep(bench *b, const char *part, const char *name, const char *what, const recipe *recipes,
                        size_t n, eqs_h5_writer *writer)
{
    measures m;
    EQS_TRY(measures_create(b, n, &m));
    for (size_t i = 0; i < n; i++)
        estimate(b, &recipes[i], i, &m);
    eqs_status status = write_measures(b, part, name, n, &m, what, writer);
    eqs_free(m.cosine);
    return status == EQS_OK ? eqs_study_check_stop() : status;
}

static eqs_status over_beta(bench *b, eqs_h5_writer *writer)
{
    EQS_TRY(write_axis("beta", betas, BETAS, "strength of the nudge", writer));
    for (int mode = 0; mode < MODES; mode++) {
        for (int p = 0; p < 2; p++) {
            recipe recipes[BETAS];
            char name[64], what[96];
            for (size_t i = 0; i < BETAS; i++)
                recipes[i] = (recipe){(eqs_precision)p, mode, betas[i], p == EQS_DOUBLE ? 1e-10 : 1e-6, 0};
            snprintf(name, sizeof name, "%s%s", modes[mode].name, p == EQS_DOUBLE ? "" : "_single");
            snprintf(what, sizeof what, "%s, %s", modes[mode].name,
                     p == EQS_DOUBLE ? "double precision to 1e-10" : "single precision to 1e-6");
            EQS_TRY(sweep(b, "beta", name, what, recipes, BETAS, writer));
        }
    }
    return EQS_OK;
}

static eqs_status over_tolerance(bench *b, double beta, eqs_h5_writer *writer)
{
    EQS_TRY(write_axis("tolerance", eqs_settle_tolerance, TOLERANCES, "projected residual of all phases",
                       writer));
    for (int p = 0; p < 2; p++) {
        /* single precision ends at a few 1e-7 */
        size_t n = TOLERANCES;
        recipe recipes[TOLERANCES];
        for (size_t i = 0; i < n; i++)
            recipes[i] =
                (recipe){(eqs_precision)p, 2, beta,
                         p == EQS_SINGLE ? fmax(eqs_settle_tolerance[i], 1e-6) : eqs_settle_tolerance[i], 0};
        EQS_TRY(sweep(b, "tolerance", p == EQS_DOUBLE ? "double" : "single",
                      p == EQS_DOUBLE ? "centred, double precision"
                                      : "centred, single precision (not below 1e-6)",
                      recipes, n, writer));
    }
    return EQS_OK;
}

static eqs_status over_iterations(bench *b, double beta, eqs_h5_writer *writer)
{
    EQS_TRY(write_axis("iterations", counts, COUNTS, "Euler iterations of the nudged phase", writer));
    for (int mode = 0; mode < 3; mode += 2) {
        recipe recipes[COUNTS];
        for (size_t i = 0; i < COUNTS; i++)
            recipes[i] = (recipe){EQS_DOUBLE, mode, beta, 1e-10, (size_t)counts[i]};
        EQS_TRY(sweep(b, "iterations", modes[mode].name, modes[mode].name, recipes, COUNTS, writer));
    }
    return EQS_OK;
}

/* Trains from the initial parameters and measures after every epoch. */
static eqs_status during_training(const eqs_study_request *request, double beta, eqs_h5_writer *writer)
{
    size_t epochs = request->setup->config->study.epochs, N = request->setup->net->n_layers - 1;
    size_t truncation = (size_t)ceil((double)N / request->setup->relax.step);
    const recipe recipes[] = {{EQS_DOUBLE, 0, beta, 1e-10, 0},
                              {EQS_DOUBLE, 2, beta, 1e-10, 0},
                              {EQS_DOUBLE, 3, beta, 1e-10, 0},
                              {EQS_DOUBLE, 2, beta, 1e-10, truncation}};
    static const char *const names[] = {"one_sided", "centred", "higher_order", "truncated"};
    measures m[4] = {{NULL, NULL, NULL}};
    eqs_study_variant variant;
    bench b = {0};
    double *epoch = eqs_alloc(epochs + 1, sizeof *epoch);
    eqs_status status = epoch == NULL ? EQS_NO_MEMORY : EQS_OK;
    if (status == EQS_OK)
        status = eqs_study_variant_create(request, 0, NULL, &variant);
    else
        variant = (eqs_study_variant){0};
    if (status == EQS_OK)
        status = create(request, variant.setup, &b);
    for (int i = 0; status == EQS_OK && i < 4; i++)
        status = measures_create(&b, epochs + 1, &m[i]);
    for (size_t e = 0; status == EQS_OK && e <= epochs; e++) {
        eqs_epoch_row row;
        if (e > 0)
            status = eqs_trainer_epoch(variant.trainer, NULL, NULL, &row);
        eqs_study_variant_refresh(&variant);
        if (status == EQS_OK)
            status = settle(&b);
        for (int i = 0; status == EQS_OK && i < 4; i++)
            estimate(&b, &recipes[i], e, &m[i]);
        epoch[e] = (double)e;
    }
    if (status == EQS_OK)
        status = write_axis("epoch", epoch, epochs + 1, "epochs of training", writer);
    for (int i = 0; i < 4; i++) {
        if (status == EQS_OK)
            status = write_measures(&b, "epoch", names[i], epochs + 1, &m[i], names[i], writer);
        eqs_free(m[i].cosine);
    }
    destroy(&b);
    eqs_study_variant_clear(&variant);
    eqs_free(epoch);
    return status;
}

static eqs_status write_blocks(const bench *b, eqs_h5_writer *writer)
{
    const char **name = eqs_alloc(1 + b->blocks, sizeof *name);
    eqs_parameter_block *block = eqs_alloc(b->blocks, sizeof *block);
    eqs_status status = name == NULL || block == NULL ? EQS_NO_MEMORY : EQS_OK;
    for (size_t i = 0; status == EQS_OK && i < b->blocks; i++) {
        block[i] = eqs_parameter_block_get(b->setup->net, i);
        name[1 + i] = block[i].name;
    }
    if (status == EQS_OK) {
        name[0] = "all";
        status = eqs_h5_write_strings(writer, GROUP "/block", name, 1 + b->blocks, "blocks of parameters");
    }
    eqs_free(name);
    eqs_free(block);
    return status;
}

static eqs_status run(const eqs_study_request *request, eqs_h5_writer *writer)
{
    double beta = fabs(request->setup->config->learning.beta);
    bench b;
    if (request->setup->net->resistive != NULL)
        return eqs_config_fail(
            request->setup->config, "network.model",
            "found resistive; study gradient compares Hopfield networks (allowed: hopfield; "
            "`eqspice gradcheck` does both)");
    eqs_status status = create(request, request->setup, &b);
    if (status == EQS_OK)
        status = settle(&b);
    if (status == EQS_OK)
        status = write_blocks(&b, writer);
    request->note(request->user, "gradient: over beta, tolerance, iterations");
    if (status == EQS_OK)
        status = over_beta(&b, writer);
    if (status == EQS_OK)
        status = over_tolerance(&b, beta, writer);
    if (status == EQS_OK)
        status = over_iterations(&b, beta, writer);
    destroy(&b);
    request->note(request->user, "gradient: during training");
    if (status == EQS_OK)
        status = during_training(request, beta, writer);
    return status == EQS_OK ? eqs_h5_attribute_double(writer, GROUP, "beta", beta) : status;
}

const eqs_study eqs_study_gradient = {
    .name = "gradient",
    .summary =
        "EqProp's estimate against the exact gradient: beta, tolerance, nudged time, precision, training",
    .run = run,
};
