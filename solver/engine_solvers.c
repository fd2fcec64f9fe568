#include "solver/engine_solvers.h"

#include "base/memory.h"
#include "solver/engine_internal.h"
#include "solver/nodal.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

/* samples that an engine holds at a time: bounds its memory, and changes no bits */
enum { CHUNK = 64 };

/* Receives the states after each sweep; energies and residuals come from the field of models/. */
typedef struct recorder {
    eqs_phase phase; /* one sample: x and target point into the whole phase */
    const eqs_phase *whole;
    eqs_field *field;
    eqs_state *state;
    double *x;
    eqs_trajectory *trajectory; /* of all samples */
    size_t first;               /* sample of the engine's row 0 */
    eqs_status status;          /* first failure */
} recorder;

static eqs_status open_recorder(recorder *r, const eqs_energy *energy, const eqs_phase *phase,
                                eqs_trajectory *trajectory)
{
    *r = (recorder){.phase = *phase, .whole = phase, .trajectory = trajectory};
    r->phase.batch = 1;
    EQS_TRY(eqs_field_create(energy, &r->phase, &r->field));
    eqs_status status = eqs_state_create(energy->net, 1, &r->state);
    if (status == EQS_OK && (r->x = eqs_alloc(r->field->n, sizeof *r->x)) == NULL)
        status = EQS_NO_MEMORY;
    return status;
}

static void close_recorder(recorder *r)
{
    eqs_field_destroy(r->field);
    eqs_state_destroy(r->state);
    eqs_free(r->x);
}

static void see(void *user, size_t row, uint32_t sweeps, const double *state)
{
    recorder *r = user;
    const eqs_network *net = r->whole->net;
    size_t sample = r->first + row, last = net->n_layers - 1;
    r->phase = eqs_phase_rows(r->whole, sample, 1);
    double energy = NAN, residual = NAN;
    eqs_field_reload(r->field);
    const double *from = state;
    for (size_t k = eqs_first_free_layer(net); k <= last; from += net->layer[k].units, k++)
        memcpy(r->state->s[k], from, net->layer[k].units * sizeof *from);
    r->field->ops->from_state(r->field, r->state, false, r->x);
    r->field->ops->residual(r->field, r->x, &residual);
    if (r->field->ops->energy != NULL)
        r->field->ops->energy(r->field, r->x, &energy);
    eqs_status status = eqs_trajectory_append(&r->trajectory[sample], sweeps, energy, residual, state);
    r->status = r->status == EQS_OK ? status : r->status;
}

/* Samples [first, first + n) of the state of the whole batch, to or from the state of a chunk. */
static void move_chunk(const eqs_network *net, eqs_state *whole, size_t first, eqs_state *chunk, size_t n,
                       bool in)
{
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        size_t units = net->layer[k].units;
        double *there = whole->s[k] + first * units;
        memcpy(in ? chunk->s[k] : there, in ? there : chunk->s[k], n * units * sizeof(double));
    }
}

/* The starts of a chunk as the first points of its trajectories. */
static void record_starts(recorder *r, const eqs_network *net, const eqs_state *chunk, size_t n)
{
    double *flat = eqs_alloc(eqs_network_state_size(net), sizeof *flat);
    if (flat == NULL)
        r->status = EQS_NO_MEMORY;
    for (size_t row = 0; flat != NULL && row < n; row++) {
        double *to = flat;
        for (size_t k = eqs_first_free_layer(net); k < net->n_layers; to += net->layer[k].units, k++)
            memcpy(to, chunk->s[k] + row * net->layer[k].units, net->layer[k].units * sizeof *to);
        see(r, row, 0, flat);
    }
    eqs_free(flat);
}

static void note_chunk(const eqs_engine_outcome *outcome, eqs_engine *engine, size_t first, const char *name,
                       eqs_relax_result *result, uint32_t *most)
{
    eqs_engine_energy(engine, 0, result->energy + first);
    for (size_t i = 0; i < outcome->n; i++) {
        result->end[first + i] = (eqs_relax_end)outcome->end[i];
        result->residual[first + i] = outcome->residual[i];
        result->steps[first + i] = outcome->sweeps[i];
        result->statistics.steps += outcome->sweeps[i];
        result->statistics.rhs_evaluations += outcome->sweeps[i];
        *most = outcome->sweeps[i] > *most ? outcome->sweeps[i] : *most;
        if (outcome->end[i] == EQS_RELAX_FAILED && result->failure[0] == '\0')
            snprintf(result->failure, sizeof result->failure,
                     "%s: the residual of sample %zu grows without bound: the energy of unbounded units with "
                     "strong couplings has no minimum",
                     name, first + i);
    }
}

/* Relaxes the samples chunk by chunk. */
static eqs_status run_chunks(eqs_engine *engine, const eqs_phase *phase, const eqs_relax_options *options,
                             eqs_state *state, eqs_state *chunk, recorder *r, const char *name,
                             eqs_relax_result *result)
{
    const eqs_network *net = phase->net;
    size_t n_out = net->layer[net->n_layers - 1].units;
    uint32_t most = 0;
    eqs_engine_relax how = {.tolerance = options->tolerance, .max_sweeps = options->max_steps};
    memcpy(how.beta, phase->beta, sizeof how.beta);
    for (size_t first = 0; first < phase->batch; first += chunk->batch) {
        size_t left = phase->batch - first, n = left < chunk->batch ? left : chunk->batch;
        eqs_engine_outcome outcome;
        eqs_engine_load(engine, n, phase->x + first * net->layer[0].units,
                        phase->target == NULL ? NULL : phase->target + first * n_out);
        move_chunk(net, state, first, chunk, n, true);
        if (r != NULL) {
            r->first = first;
            record_starts(r, net, chunk, n);
        }
        eqs_engine_put_states(engine, 0, chunk);
        eqs_engine_relax_slot(engine, 0, &how, &outcome);
        eqs_engine_take_states(engine, 0, chunk);
        move_chunk(net, state, first, chunk, n, false);
        note_chunk(&outcome, engine, first, name, result, &most);
    }
    if (strcmp(name, "auto") == 0)
        snprintf(result->solver, sizeof result->solver, "auto (%s)", eqs_engine_auto_used(most));
    return r == NULL ? EQS_OK : r->status;
}

static eqs_status run(const char *name, const eqs_energy *energy, const eqs_phase *phase,
                      const eqs_relax_options *options, eqs_state *state, eqs_relax_result *result)
{
    eqs_engine_options engine_options = eqs_engine_options_default();
    eqs_engine *engine = NULL;
    eqs_state *chunk = NULL;
    recorder r = {0};
    bool record = options->record != EQS_RECORD_NONE;
    engine_options.precision = EQS_DOUBLE;
    engine_options.solver = name;
    engine_options.batch = phase->batch < CHUNK ? phase->batch : CHUNK;
    /* an observer is not called from several threads at once */
    engine_options.threads = record ? 1 : omp_get_max_threads();
    EQS_TRY(eqs_relax_result_init(energy, options, phase->batch, result));
    EQS_TRY(eqs_engine_create(energy, &engine_options, &engine));
    eqs_status status = eqs_state_create(energy->net, engine_options.batch, &chunk);
    if (status == EQS_OK && record) {
        status = open_recorder(&r, energy, phase, result->trajectory);
        engine->observer = (eqs_engine_observer){see, &r};
    }
    if (status == EQS_OK) {
        eqs_engine_set_parameters(engine, phase->theta);
        status = run_chunks(engine, phase, options, state, chunk, record ? &r : NULL, name, result);
    }
    close_recorder(&r);
    eqs_state_destroy(chunk);
    eqs_engine_destroy(engine);
    return status;
}

static const char *unsupported(const eqs_energy *energy, const eqs_relax_options *options)
{
    if (eqs_engine_unknown_term(energy) != NULL)
        return "knows the built-in terms only; allowed: cvode-bdf, cvode-adams, euler, kinsol";
    if (options->record == EQS_RECORD_TIMES)
        return "records its sweeps, not given times (record: steps); allowed: cvode-bdf, cvode-adams, euler";
    return NULL;
}

static const char *unsupported_here(bool resistive, bool general, const eqs_energy *energy,
                                    const eqs_relax_options *options)
{
    if (!resistive)
        return unsupported(energy, options);
    if (!general)
        return "knows Hopfield networks only; allowed for resistive networks: auto, sweep, newton, "
               "cvode-bdf, "
               "cvode-adams, euler, kinsol";
    if (options->record != EQS_RECORD_NONE)
        return "does not record a resistive network's sweeps; allowed: cvode-bdf, cvode-adams, euler";
    return NULL;
}

/* `general` says whether the solver, as `method`, does resistive networks too (solver/nodal.h) */
#define SOLVER(name, text, general, method)                                                                  \
    static const char *unsupported_##name(const eqs_energy *energy, const eqs_relax_options *options)        \
    {                                                                                                        \
        return unsupported_here(energy->net->resistive != NULL, general, energy, options);                   \
    }                                                                                                        \
    static eqs_status run_##name(const eqs_energy *energy, const eqs_phase *phase,                           \
                                 const eqs_relax_options *options, eqs_state *state,                         \
                                 eqs_relax_result *result)                                                   \
    {                                                                                                        \
        if (energy->net->resistive != NULL)                                                                  \
            return eqs_nodal_run(method, energy, phase, options, state, result);                             \
        return run(#name, energy, phase, options, state, result);                                            \
    }                                                                                                        \
    const eqs_solver eqs_solver_##name = {#name, text, unsupported_##name, run_##name,                       \
                                          EQS_SOLVER_RECORDS | EQS_SOLVER_CLAMPS_OUTPUT};

SOLVER(sweep, "block coordinate descent, layer by layer; the energy never rises", true, EQS_NODAL_SWEEP)
SOLVER(nesterov, "sweeps with momentum and restarts", false, EQS_NODAL_SWEEP)
SOLVER(anderson, "sweeps with Anderson mixing; fast, may reach another attractor", false, EQS_NODAL_SWEEP)
SOLVER(newton, "active sets and conjugate gradients; for tight tolerances", true, EQS_NODAL_NEWTON)
SOLVER(auto, "anderson, nesterov, sweep in turn until every sample is certified", true, EQS_NODAL_AUTO)
