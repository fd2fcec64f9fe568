#include "learning/study_settle.h"

#include "base/memory.h"
#include "base/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const double eqs_settle_tolerance[EQS_SETTLE_TOLERANCES] = {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8};
const double eqs_settle_quantile[EQS_SETTLE_QUANTILES] = {0.0, 0.1, 0.5, 0.9, 1.0};

/* samples whose trajectories are held at a time */
enum { CHUNK = 4 };

static eqs_status allocate(size_t n, size_t n_tolerances, eqs_settling *out)
{
    *out = (eqs_settling){.n = n, .n_tolerances = n_tolerances};
    size_t values = n * n_tolerances;
    out->time = eqs_alloc(2 * values + n, sizeof *out->time);
    if (out->time == NULL)
        return EQS_NO_MEMORY;
    out->steps = out->time + values;
    out->decay = out->steps + values;
    for (size_t i = 0; i < 2 * values + n; i++)
        out->time[i] = NAN;
    return EQS_OK;
}

void eqs_settling_clear(eqs_settling *settling)
{
    eqs_free(settling->time);
    *settling = (eqs_settling){0};
}

double eqs_study_unit_time(const eqs_study_request *request)
{
    const eqs_config_circuit *circuit = &request->setup->config->circuit;
    return circuit->capacitance / circuit->conductance;
}

eqs_phase eqs_study_phase(const eqs_network *net, const double *theta, const eqs_study_request *request,
                          double xi)
{
    eqs_phase phase = {
        .net = net, .theta = theta, .batch = request->n, .x = request->x, .target = request->target};
    eqs_network_nudge(net, xi, phase.beta);
    return phase;
}

eqs_status eqs_study_start(const eqs_network *net, const eqs_phase *phase, eqs_state **out)
{
    EQS_TRY(eqs_state_create(net, phase->batch, out));
    memcpy((*out)->s[0], phase->x, phase->batch * net->layer[0].units * sizeof *phase->x);
    eqs_state_fill(net, *out, 0.0);
    return EQS_OK;
}

void eqs_study_sample(const eqs_phase *phase, const eqs_state *state, size_t sample, eqs_phase *one,
                      eqs_state *row)
{
    const eqs_network *net = phase->net;
    *one = *phase;
    one->batch = 1;
    one->x = phase->x + sample * net->layer[0].units;
    one->target = phase->target == NULL ? NULL : phase->target + sample * net->n_outputs;
    for (size_t k = 0; k < net->n_layers; k++)
        memcpy(row->s[k], state->s[k] + sample * net->layer[k].units, net->layer[k].units * sizeof(double));
}

/* Samples [first, first + n) of a state. */
static void move_rows(const eqs_network *net, const eqs_state *from, size_t first_from, size_t n,
                      eqs_state *to, size_t first_to)
{
    for (size_t k = 0; k < net->n_layers; k++) {
        size_t units = net->layer[k].units;
        memcpy(to->s[k] + first_to * units, from->s[k] + first_from * units, n * units * sizeof(double));
    }
}

/* Time at which the residual passed below `tolerance` for good: between two points it falls exponentially. */
static double passing(const eqs_trajectory *t, double tolerance)
{
    size_t i = t->n;
    while (i > 0 && t->residual[i - 1] <= tolerance)
        i--;
    if (i == t->n)
        return NAN;
    if (i == 0)
        return t->time[0];
    double above = t->residual[i - 1], below = fmax(t->residual[i], 1e-300);
    double share = log(above / tolerance) / log(above / below);
    return t->time[i - 1] + share * (t->time[i] - t->time[i - 1]);
}

static void note_trajectory(const eqs_trajectory *t, size_t sample, eqs_settling *out)
{
    double *time = out->time + sample * out->n_tolerances;
    size_t last = out->n_tolerances - 1;
    for (size_t i = 0; i <= last; i++)
        time[i] = passing(t, eqs_settle_tolerance[i]);
    /* the last decade is where error control is weakest */
    if (last >= 3)
        out->decay[sample] = (time[last - 1] - time[last - 3]) / log(100.0);
}

eqs_status eqs_settle_ode(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *start,
                          size_t n_tolerances, eqs_state *end, eqs_settling *out)
{
    const eqs_network *net = energy->net;
    EQS_TRY(allocate(phase->batch, n_tolerances, out));
    eqs_relax_options options = eqs_relax_options_default();
    options.solver = "cvode-bdf";
    options.tolerance = 0.3 * eqs_settle_tolerance[n_tolerances - 1];
    options.rtol = fmin(1e-6, 0.1 * eqs_settle_tolerance[n_tolerances - 1]);
    options.atol = 1e-2 * options.rtol;
    options.record = EQS_RECORD_STEPS;
    eqs_status status = EQS_OK;
    for (size_t first = 0; status == EQS_OK && first < phase->batch; first += CHUNK) {
        size_t left = phase->batch - first, n = left < CHUNK ? left : CHUNK;
        eqs_phase part = *phase;
        eqs_state *rows;
        eqs_relax_result result = {0};
        part.batch = n;
        part.x = phase->x + first * net->n_inputs;
        part.target = phase->target == NULL ? NULL : phase->target + first * net->n_outputs;
        status = eqs_state_create(net, n, &rows);
        if (status != EQS_OK)
            break;
        move_rows(net, start, first, n, rows, 0);
        status = eqs_relax_run(energy, &part, &options, rows, &result);
        for (size_t b = 0; status == EQS_OK && b < n; b++)
            note_trajectory(&result.trajectory[b], first + b, out);
        if (status == EQS_OK && end != NULL)
            move_rows(net, rows, 0, n, end, first);
        eqs_relax_result_clear(&result);
        eqs_state_destroy(rows);
        if (status == EQS_OK && eqs_stop_requested())
            status = eqs_fail(EQS_INTERRUPTED, "the study was stopped");
    }
    if (status != EQS_OK)
        eqs_settling_clear(out);
    return status;
}

/* The network in the projected form where paper 001's iteration is meant and possible. */
static bool wants_projection(const eqs_network *net, const char *solver)
{
    bool all = strcmp(solver, "euler") == 0 && net->resistive == NULL;
    for (size_t k = eqs_first_free_layer(net); all && k < net->n_layers; k++)
        all = eqs_activation_is_clipped(&net->layer[k].activation);
    return all;
}

static eqs_status run_steps(const eqs_energy *energy, const eqs_phase *phase, eqs_relax_options *options,
                            size_t most, bool goes_on, const eqs_state *start, eqs_state *state,
                            eqs_settling *out)
{
    const eqs_network *net = energy->net;
    eqs_state_copy(net, start, state);
    for (size_t i = 0; i < out->n_tolerances; i++) {
        eqs_relax_result result = {0};
        options->tolerance = eqs_settle_tolerance[i];
        options->max_steps = most;
        options->t_max = INFINITY;
        if (!goes_on)
            eqs_state_copy(net, start, state);
        EQS_TRY(eqs_relax_run(energy, phase, options, state, &result));
        for (size_t b = 0; b < phase->batch; b++) {
            double before = goes_on && i > 0 ? out->steps[b * out->n_tolerances + i - 1] : 0.0;
            double steps = result.end[b] == EQS_RELAX_CONVERGED ? before + (double)result.steps[b] : NAN;
            out->steps[b * out->n_tolerances + i] = steps;
            out->time[b * out->n_tolerances + i] =
                strcmp(options->solver, "euler") == 0 ? steps * options->step : NAN;
        }
        eqs_relax_result_clear(&result);
        if (eqs_stop_requested())
            return eqs_fail(EQS_INTERRUPTED, "the study was stopped");
    }
    return EQS_OK;
}

eqs_status eqs_settle_steps(const eqs_energy *energy, const eqs_phase *phase, const char *solver, double step,
                            size_t most, const eqs_state *start, size_t n_tolerances, eqs_settling *out)
{
    const eqs_network *net = energy->net;
    eqs_relax_options options = eqs_relax_options_default();
    eqs_network projected = *net; /* borrows all arrays */
    eqs_energy *own = NULL;
    eqs_state *state = NULL;
    eqs_phase there = *phase;
    EQS_TRY(allocate(phase->batch, n_tolerances, out));
    options.solver = solver;
    options.step = step;
    eqs_status status = eqs_state_create(net, phase->batch, &state);
    if (status == EQS_OK && wants_projection(net, solver)) {
        projected.form = EQS_FORM_PROJECTED;
        there.net = &projected;
        status = eqs_energy_create(&projected, &own);
    }
    bool goes_on = strcmp(solver, "euler") == 0 || strcmp(solver, "sweep") == 0;
    if (status == EQS_OK)
        status = run_steps(own != NULL ? own : energy, &there, &options, most, goes_on, start, state, out);
    eqs_energy_destroy(own);
    eqs_state_destroy(state);
    if (status != EQS_OK)
        eqs_settling_clear(out);
    return status;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

eqs_status eqs_settle_quantiles(size_t n, size_t m, const double *value, double *out)
{
    double *column = eqs_alloc(n, sizeof *column);
    if (column == NULL)
        return EQS_NO_MEMORY;
    for (size_t j = 0; j < m; j++) {
        for (size_t i = 0; i < n; i++)
            column[i] = value[i * m + j];
        qsort(column, n, sizeof *column, compare);
        for (size_t q = 0; q < EQS_SETTLE_QUANTILES; q++) {
            double at = eqs_settle_quantile[q] * (double)(n - 1);
            size_t below = (size_t)floor(at), above = (size_t)ceil(at);
            double share = at - (double)below;
            out[j * EQS_SETTLE_QUANTILES + q] =
                below == above ? column[below] : (1.0 - share) * column[below] + share * column[above];
        }
    }
    eqs_free(column);
    return EQS_OK;
}
