/* Phases by the batch engine (solver/engine.h). */
#include "learning/phases.h"

#include "base/memory.h"
#include "base/ranks.h"
#include "learning/phases_resistive.h"
#include "solver/attractor.h"

#include <math.h>
#include <string.h>

/* What one rank tells the others about a sample that it has relaxed; the state follows. */
typedef struct rank_row {
    double residual;
    uint32_t sweeps, end;
} rank_row;

typedef struct batch_phases {
    eqs_phases base;
    eqs_engine *engine;
    eqs_phases_options options;
    size_t n;                    /* samples loaded */
    size_t row_bytes;            /* of a rank_row and its state, rounded up to 8 */
    unsigned char *rows;         /* [batch x row_bytes]; several ranks only */
    double *residual, *response; /* [batch] of the last nudged phase */
} batch_phases;

static const batch_phases *view(const eqs_phases *phases)
{
    return (const batch_phases *)phases;
}

static void destroy(eqs_phases *phases)
{
    eqs_engine_destroy(view(phases)->engine);
    eqs_free(view(phases)->rows);
    eqs_free(view(phases)->residual);
    eqs_free(view(phases)->response);
    eqs_free(phases);
}

static void set_parameters(eqs_phases *phases, const double *theta)
{
    eqs_engine_set_parameters(view(phases)->engine, theta);
}

static void get_parameters(const eqs_phases *phases, double *theta)
{
    eqs_engine_get_parameters(view(phases)->engine, theta);
}

static size_t state_bytes(const eqs_phases *phases)
{
    return eqs_engine_state_bytes(view(phases)->engine);
}

static void load(eqs_phases *phases, size_t n, const double *x, const double *target)
{
    batch_phases *p = (batch_phases *)phases;
    size_t first, count;
    p->n = n;
    eqs_engine_load(p->engine, n, x, target);
    /* each rank relaxes its share of the samples; all hold all states and make the same update */
    eqs_ranks_share(n, eqs_rank(), &first, &count);
    eqs_engine_set_share(p->engine, first, count);
}

static void reset(eqs_phases *phases)
{
    eqs_engine_reset(view(phases)->engine, 0);
}

static void put_state(eqs_phases *phases, size_t row, const void *state)
{
    eqs_engine_put_state(view(phases)->engine, 0, row, state);
}

static void take_state(const eqs_phases *phases, size_t row, void *state)
{
    eqs_engine_take_state(view(phases)->engine, 0, row, state);
}

/* The outcome of all ranks' shares; afterwards every rank holds all states of the slot. */
static eqs_phase_outcome exchange(const batch_phases *p, size_t slot, const eqs_engine_outcome *own)
{
    size_t first, count;
    eqs_phase_outcome all = {0};
    eqs_ranks_share(p->n, eqs_rank(), &first, &count);
    for (size_t row = first; row < first + count; row++) {
        rank_row head = {own->residual[row], own->sweeps[row], own->end[row]};
        memcpy(p->rows + row * p->row_bytes, &head, sizeof head);
        eqs_engine_take_state(p->engine, slot, row, p->rows + row * p->row_bytes + sizeof head);
    }
    eqs_ranks_gather(p->rows, p->n, p->row_bytes);
    for (size_t row = 0; row < p->n; row++) {
        rank_row head;
        memcpy(&head, p->rows + row * p->row_bytes, sizeof head);
        if (row < first || row >= first + count)
            eqs_engine_put_state(p->engine, slot, row, p->rows + row * p->row_bytes + sizeof head);
        if (!(head.residual <= all.max_residual))
            all.max_residual = head.residual;
        p->residual[row] = head.residual;
        all.sweeps += head.sweeps;
        all.unconverged += head.end != EQS_RELAX_CONVERGED;
    }
    return all;
}

static eqs_engine_relax how_to_relax(const batch_phases *p, size_t slot, const double beta[EQS_BETA_COUNT])
{
    size_t iterations = slot == 0 ? p->options.free_iterations : p->options.nudged_iterations;
    bool own_tolerance = slot != 0 && p->options.nudged_tolerance > 0.0;
    eqs_engine_relax how = {
        .tolerance = own_tolerance ? p->options.nudged_tolerance : p->options.relax.tolerance,
        .max_sweeps = iterations > 0 ? iterations : p->options.relax.max_steps,
        .fixed_iterations = iterations > 0,
        .step = p->options.relax.step,
        .relative = slot != 0 ? p->options.nudged_relative : 0.0,
        .euler = slot != 0 && p->options.truncated,
    };
    memcpy(how.beta, beta, sizeof how.beta);
    return how;
}

static eqs_status relax(eqs_phases *phases, size_t slot, const double beta[EQS_BETA_COUNT],
                        eqs_phase_outcome *outcome)
{
    const batch_phases *p = view(phases);
    eqs_engine_relax how = how_to_relax(p, slot, beta);
    if (slot != 0)
        eqs_engine_copy(p->engine, 0, slot);
    eqs_engine_outcome result;
    eqs_engine_relax_slot(p->engine, slot, &how, &result);
    if (p->rows != NULL)
        *outcome = exchange(p, slot, &result);
    else
        *outcome = (eqs_phase_outcome){.max_residual = result.max_residual,
                                       .sweeps = result.mean_sweeps * (double)result.n,
                                       .unconverged = result.unconverged};
    if (how.fixed_iterations)
        outcome->unconverged = 0; /* no certificate was asked for */
    if (slot != 0) {
        eqs_engine_distance(p->engine, 0, slot, p->response);
        eqs_phase_note_response(p->n, p->rows != NULL ? p->residual : result.residual, p->response, outcome);
    }
    return EQS_OK;
}

/* Slot 1 goes from the start by sweeps, slot 2 from where slot 0 has ended. Every rank does all samples. */
static eqs_status compare(eqs_phases *phases, const double beta[EQS_BETA_COUNT], size_t *elsewhere)
{
    const batch_phases *p = view(phases);
    eqs_engine_relax how = how_to_relax(p, 0, beta),
                     sweeps = {.max_sweeps = p->options.relax.max_steps, .sweeps = true};
    eqs_engine_outcome outcome;
    memcpy(sweeps.beta, beta, sizeof sweeps.beta);
    sweeps.tolerance =
        fmin(how.tolerance, p->options.precision == EQS_SINGLE ? 2.0 * EQS_RESIDUAL_FLOOR_SINGLE : 1e-9);
    eqs_engine_set_share(p->engine, 0, p->n);
    eqs_engine_copy(p->engine, 0, 1);
    eqs_engine_relax_slot(p->engine, 0, &how, &outcome);
    eqs_engine_copy(p->engine, 0, 2);
    eqs_engine_relax_slot(p->engine, 1, &sweeps, &outcome);
    eqs_engine_relax_slot(p->engine, 2, &sweeps, &outcome);
    eqs_engine_distance(p->engine, 1, 2, p->response);
    *elsewhere = 0;
    for (size_t row = 0; row < p->n; row++)
        *elsewhere += !(p->response[row] <= EQS_ATTRACTOR_DISTANCE);
    return EQS_OK;
}

static void update(eqs_phases *phases, const double *rate, const double *coefficient, double decay,
                   double *change, double *norm)
{
    eqs_engine_update(view(phases)->engine, rate, coefficient, decay, change, norm);
}

static void output(const eqs_phases *phases, size_t slot, double *y)
{
    eqs_engine_output(view(phases)->engine, slot, y);
}

static void energy_of(const eqs_phases *phases, size_t slot, double *F)
{
    eqs_engine_energy(view(phases)->engine, slot, F);
}

static void states_of(const eqs_phases *phases, size_t slot, eqs_state *out)
{
    eqs_engine_take_states(view(phases)->engine, slot, out);
}

static const eqs_phases_ops ops = {
    .destroy = destroy,
    .set_parameters = set_parameters,
    .get_parameters = get_parameters,
    .state_bytes = state_bytes,
    .load = load,
    .reset = reset,
    .put_state = put_state,
    .take_state = take_state,
    .relax = relax,
    .update = update,
    .compare = compare,
    .output = output,
    .energy = energy_of,
    .states = states_of,
};

eqs_status eqs_phases_create_batch(const eqs_energy *energy, const eqs_phases_options *options,
                                   eqs_phases **out)
{
    if (energy->net->resistive != NULL)
        return eqs_phases_create_resistive(energy, options, out);
    bool fixed = options->free_iterations > 0 || (options->nudged_iterations > 0 && !options->truncated);
    if (fixed && strcmp(options->relax.solver, "euler") != 0)
        return eqs_fail(
            EQS_BAD_CONFIG,
            "relaxation.free_iterations/nudged_iterations: a fixed number of iterations is paper 001's "
            "Euler scheme; solver '%s' stops on its certificate (allowed: solver: euler)",
            options->relax.solver);
    batch_phases *p = eqs_alloc(1, sizeof *p);
    if (p == NULL)
        return EQS_NO_MEMORY;
    p->base = (eqs_phases){&ops, options->batch};
    p->options = *options;
    eqs_engine_options engine = eqs_engine_options_default();
    engine.precision = options->precision;
    engine.batch = options->batch;
    engine.threads = options->threads;
    engine.solver = options->relax.solver;
    eqs_status status = eqs_engine_create(energy, &engine, &p->engine);
    p->residual = eqs_alloc(options->batch, sizeof *p->residual);
    p->response = eqs_alloc(options->batch, sizeof *p->response);
    if (status == EQS_OK && (p->residual == NULL || p->response == NULL))
        status = EQS_NO_MEMORY;
    if (status == EQS_OK && eqs_ranks() > 1) {
        p->row_bytes = (sizeof(rank_row) + eqs_engine_state_bytes(p->engine) + 7) / 8 * 8;
        p->rows = eqs_alloc(options->batch, p->row_bytes);
        status = p->rows == NULL ? EQS_NO_MEMORY : EQS_OK;
    }
    if (status != EQS_OK) {
        destroy(&p->base);
        return status;
    }
    *out = &p->base;
    return EQS_OK;
}
