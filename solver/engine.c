#include "solver/engine.h"

#include "base/memory.h"
#include "models/dense.h"
#include "models/terms/terms.h"
#include "solver/engine_internal.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

static const char *const methods[] = {
    [EQS_METHOD_EULER] = "euler",       [EQS_METHOD_SWEEP] = "sweep",   [EQS_METHOD_NESTEROV] = "nesterov",
    [EQS_METHOD_ANDERSON] = "anderson", [EQS_METHOD_NEWTON] = "newton", [EQS_METHOD_AUTO] = "auto",
};

eqs_engine_options eqs_engine_options_default(void)
{
    return (eqs_engine_options){.precision = EQS_SINGLE, .batch = 20, .threads = 1, .solver = "auto"};
}

static eqs_status find_method(const char *name, eqs_engine_method *out)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (name != NULL && strcmp(name, methods[i]) == 0) {
            *out = (eqs_engine_method)i;
            return EQS_OK;
        }
    }
    return eqs_fail(
        EQS_BAD_CONFIG,
        "solver '%s' is not one of the batch engine's; allowed: euler, sweep, nesterov, anderson, "
        "newton, auto",
        name == NULL ? "(none)" : name);
}

/* The engine knows the built-in terms by what they do; anything else would silently be left out. */
const eqs_term *eqs_engine_unknown_term(const eqs_energy *energy)
{
    for (size_t t = 0; t < energy->n_terms; t++) {
        const eqs_term_class *class = energy->term[t].class;
        bool known = false;
        for (size_t i = 0; eqs_term_builtin(i) != NULL; i++)
            known |= class == eqs_term_builtin(i);
        if (!known)
            return &energy->term[t];
    }
    return NULL;
}

const char *eqs_engine_auto_used(uint32_t sweeps)
{
    if (sweeps <= EQS_AUTO_ANDERSON)
        return "anderson";
    return sweeps <= EQS_AUTO_ANDERSON + EQS_AUTO_NESTEROV ? "anderson, nesterov" : "anderson to sweep";
}

static eqs_status check_terms(const eqs_energy *energy)
{
    const eqs_term *term = eqs_engine_unknown_term(energy);
    if (term == NULL)
        return EQS_OK;
    return eqs_fail(EQS_BAD_CONFIG,
                    "the batch engine cannot do the term '%s'; allowed: solver cvode, euler or kinsol",
                    term->class->name);
}

static eqs_status check_options(const eqs_engine_options *options, eqs_engine_method method)
{
    if (options->precision != EQS_SINGLE && options->precision != EQS_DOUBLE)
        return eqs_fail(EQS_BAD_CONFIG, "precision %d found; allowed: single, double",
                        (int)options->precision);
    if (options->batch == 0)
        return eqs_fail(EQS_BAD_CONFIG, "batch is 0; it must be at least 1");
    if (options->threads < 1)
        return eqs_fail(EQS_BAD_CONFIG, "threads is %d; it must be at least 1", options->threads);
    if (options->openblas && method != EQS_METHOD_EULER)
        return eqs_fail(EQS_BAD_CONFIG, "openblas serves solver euler only, found '%s'", methods[method]);
    if (options->openblas && options->threads != 1)
        return eqs_fail(EQS_BAD_CONFIG, "openblas runs on 1 thread, found threads = %d", options->threads);
    return EQS_OK;
}

static void free_common(eqs_engine *common)
{
    for (size_t s = 0; s < EQS_ENGINE_SLOTS; s++) {
        eqs_free(common->record[s].residual);
        eqs_free(common->record[s].sweeps);
        eqs_free(common->record[s].end);
    }
    eqs_pool_destroy(common->pool);
    eqs_plan_destroy(common->plan);
}

static eqs_status alloc_records(eqs_engine *common)
{
    for (size_t s = 0; s < EQS_ENGINE_SLOTS; s++) {
        eqs_slot_record *record = &common->record[s];
        record->residual = eqs_alloc(common->batch, sizeof *record->residual);
        record->sweeps = eqs_alloc(common->batch, sizeof *record->sweeps);
        record->end = eqs_alloc(common->batch, sizeof *record->end);
        if (record->residual == NULL || record->sweeps == NULL || record->end == NULL)
            return EQS_NO_MEMORY;
    }
    return EQS_OK;
}

eqs_status eqs_engine_create(const eqs_energy *energy, const eqs_engine_options *options, eqs_engine **out)
{
    eqs_engine common = {.energy = energy, .net = energy->net, .kernels = eqs_kernel_get(0)};
    EQS_TRY(find_method(options->solver, &common.method));
    EQS_TRY(check_options(options, common.method));
    EQS_TRY(check_terms(energy));
    eqs_dense_init();
    common.openblas = options->openblas;
    common.batch = options->batch;
    common.threads = (size_t)options->threads < options->batch ? (size_t)options->threads : options->batch;
    bool single = options->precision == EQS_SINGLE;
    EQS_TRY(eqs_plan_create(energy->net, single ? common.kernels->f32->width : common.kernels->f64->width,
                            &common.plan));
    eqs_status status = alloc_records(&common);
    if (status == EQS_OK)
        status = eqs_pool_create(common.threads, &common.pool);
    if (status == EQS_OK)
        status = single ? eqs_engine_create_f32(&common, out) : eqs_engine_create_f64(&common, out);
    if (status != EQS_OK)
        free_common(&common);
    return status;
}

void eqs_engine_destroy(eqs_engine *engine)
{
    if (engine == NULL)
        return;
    eqs_engine common = *engine;
    engine->ops->destroy(engine);
    free_common(&common);
}

void eqs_engine_set_parameters(eqs_engine *engine, const double *theta)
{
    engine->ops->set_parameters(engine, theta);
}

void eqs_engine_get_parameters(const eqs_engine *engine, double *theta)
{
    engine->ops->get_parameters(engine, theta);
}

void eqs_engine_load(eqs_engine *engine, size_t n, const double *x, const double *target)
{
    engine->n = n < engine->batch ? n : engine->batch;
    eqs_engine_set_share(engine, 0, engine->n);
    engine->ops->load(engine, x, target);
}

void eqs_engine_set_share(eqs_engine *engine, size_t first, size_t count)
{
    engine->share_first = first;
    engine->share_last = first + count;
}

size_t eqs_engine_state_bytes(const eqs_engine *engine)
{
    return eqs_network_state_size(engine->net) * engine->ops->real_size;
}

void eqs_engine_put_state(eqs_engine *engine, size_t slot, size_t row, const void *state)
{
    engine->ops->put_row(engine, slot, row, state);
}

void eqs_engine_take_state(const eqs_engine *engine, size_t slot, size_t row, void *state)
{
    engine->ops->take_row(engine, slot, row, state);
}

void eqs_engine_put_states(eqs_engine *engine, size_t slot, const eqs_state *state)
{
    engine->ops->put_states(engine, slot, state);
}

void eqs_engine_take_states(const eqs_engine *engine, size_t slot, eqs_state *state)
{
    engine->ops->take_states(engine, slot, state);
}

void eqs_engine_reset(eqs_engine *engine, size_t slot)
{
    engine->ops->reset(engine, slot);
}

void eqs_engine_copy(eqs_engine *engine, size_t from, size_t to)
{
    engine->ops->copy(engine, from, to);
}

void eqs_engine_relax_slot(eqs_engine *engine, size_t slot, const eqs_engine_relax *how,
                           eqs_engine_outcome *outcome)
{
    const eqs_slot_record *record = &engine->record[slot];
    double sweeps = 0.0;
    engine->ops->relax(engine, slot, how);
    *outcome = (eqs_engine_outcome){
        .n = engine->n, .residual = record->residual, .sweeps = record->sweeps, .end = record->end};
    for (size_t i = engine->share_first; i < engine->share_last; i++) {
        sweeps += record->sweeps[i];
        outcome->unconverged += record->end[i] != EQS_RELAX_CONVERGED;
        if (!(record->residual[i] <= outcome->max_residual)) /* NaN (not measured) wins */
            outcome->max_residual = record->residual[i];
    }
    size_t share = engine->share_last - engine->share_first;
    outcome->mean_sweeps = share > 0 ? sweeps / (double)share : 0.0;
}

void eqs_engine_update(eqs_engine *engine, const double *rate, const double *coefficient, double decay,
                       double *change, double *norm)
{
    engine->ops->update(engine, rate, coefficient, decay, change, norm);
}

void eqs_engine_gradient(const eqs_engine *engine, const double *coefficient, double *grad)
{
    engine->ops->gradient(engine, coefficient, grad);
}

void eqs_engine_distance(const eqs_engine *engine, size_t a, size_t b, double *distance)
{
    engine->ops->distance(engine, a, b, distance);
}

void eqs_engine_output(const eqs_engine *engine, size_t slot, double *y)
{
    engine->ops->output(engine, slot, y);
}

void eqs_engine_energy(eqs_engine *engine, size_t slot, double *F)
{
    engine->ops->energy(engine, slot, F);
}
