#include "solver/resistive_internal.h"

#include "base/memory.h"

#include <math.h>

const char *eqs_resistive_engine_refuses(const eqs_network *net)
{
    if (net->resistive == NULL)
        return "it is not a resistive network";
    if (!net->layered)
        return "couplings other than between neighbouring layers";
    if (net->regulariser != EQS_REGULARISER_NONE &&
        (net->beta[EQS_BETA_THETA] != 0.0 || net->delta[EQS_BETA_THETA] != 0.0))
        return "a regulariser";
    for (size_t k = 1; k + 1 < net->n_layers; k++) {
        const eqs_node_layer *node = &net->resistive->layer[k];
        if (node->law == EQS_DIODE_NGSPICE)
            return "diodes of ngspice's law";
        for (size_t i = 0; node->law == EQS_DIODE_SHOCKLEY && i < net->layer[k].units; i++)
            if (isfinite(node->lo[i]) == isfinite(node->hi[i]))
                return "two Shockley diodes at a node";
    }
    return NULL;
}

/* Sources as pairs of rails when they are nothing else. */
static void choose_rails(eqs_resistive_engine *common)
{
    const eqs_resistive *r = common->net->resistive;
    common->rails = r->doubled && r->bias_source == 0.0 ? 2 : 1;
    common->inputs = common->net->layer[0].units / common->rails;
}

eqs_status eqs_resistive_engine_create(const eqs_network *net, const eqs_resistive_options *options,
                                       eqs_resistive_engine **out)
{
    const char *reason = eqs_resistive_engine_refuses(net);
    if (reason != NULL)
        return eqs_fail(EQS_BAD_CONFIG, "the engine of layered resistive networks cannot do: %s", reason);
    if (options->batch == 0 || options->threads < 1)
        return eqs_fail(EQS_BAD_CONFIG, "batch %zu and threads %d found; allowed: from 1", options->batch,
                        options->threads);
    eqs_resistive_engine common = {
        .net = net,
        .kernels = options->kernels != NULL ? options->kernels : eqs_resistive_kernel_get(0),
        .threads = (size_t)options->threads,
        .L = net->n_layers - 1,
        .batch = options->batch,
        .rows = (options->batch + EQS_ROW_BLOCK - 1) / EQS_ROW_BLOCK * EQS_ROW_BLOCK,
    };
    choose_rails(&common);
    EQS_TRY(eqs_pool_create(common.threads, &common.pool));
    return options->precision == EQS_SINGLE ? eqs_resistive_create_f32(&common, out)
                                            : eqs_resistive_create_f64(&common, out);
}

void eqs_resistive_engine_destroy(eqs_resistive_engine *engine)
{
    if (engine != NULL)
        engine->ops->destroy(engine);
}

void eqs_resistive_engine_set_parameters(eqs_resistive_engine *engine, const double *theta)
{
    engine->ops->set_parameters(engine, theta);
}

void eqs_resistive_engine_get_parameters(eqs_resistive_engine *engine, double *theta)
{
    engine->ops->get_parameters(engine, theta);
}

void eqs_resistive_engine_load(eqs_resistive_engine *engine, size_t n, const double *x, const double *target)
{
    engine->n = n;
    engine->n_slots = 0;
    engine->ops->load(engine, x, target);
}

void eqs_resistive_engine_reset(eqs_resistive_engine *engine)
{
    engine->ops->reset(engine);
}

size_t eqs_resistive_engine_state_bytes(const eqs_resistive_engine *engine)
{
    return eqs_network_state_size(engine->net) * engine->ops->real_size;
}

void eqs_resistive_engine_put_state(eqs_resistive_engine *engine, size_t row, const void *state)
{
    engine->ops->put_state(engine, row, state);
}

void eqs_resistive_engine_take_state(const eqs_resistive_engine *engine, size_t row, void *state)
{
    engine->ops->take_state(engine, row, state);
}

void eqs_resistive_engine_relax_free(eqs_resistive_engine *engine, double tolerance, size_t max_sweeps,
                                     eqs_resistive_outcome *outcome)
{
    engine->n_slots = 0;
    engine->ops->relax_free(engine, tolerance, max_sweeps, outcome);
}

eqs_status eqs_resistive_engine_relax_nudged(eqs_resistive_engine *engine, size_t n, const double *beta,
                                             double tolerance, size_t max_sweeps,
                                             eqs_resistive_outcome *outcome)
{
    engine->n_slots = n;
    return engine->ops->relax_nudged(engine, n, beta, tolerance, max_sweeps, outcome);
}

void eqs_resistive_engine_update(eqs_resistive_engine *engine, const double *rate, const double *coefficient,
                                 double *change, double *norm)
{
    engine->ops->update(engine, rate, coefficient, change, norm);
}

void eqs_resistive_engine_voltages(const eqs_resistive_engine *engine, size_t slot, size_t k, double *v)
{
    engine->ops->voltages(engine, slot, k, v);
}

void eqs_resistive_engine_output(const eqs_resistive_engine *engine, size_t slot, double *y)
{
    engine->ops->output(engine, slot, y);
}

void eqs_resistive_engine_energy(eqs_resistive_engine *engine, size_t slot, double *F)
{
    engine->ops->energy(engine, slot, F);
}
