#include "netlists/cosim_master.h"

#include "base/memory.h"
#include "base/run.h"
#include "models/field.h"

#include <math.h>
#include <string.h>

eqs_cosim_options eqs_cosim_options_default(void)
{
    return (eqs_cosim_options){
        .deck = {.units = eqs_circuit_units_default(), .reltol = 1e-6, .vntol = 1e-9, .abstol = 1e-15},
        .tolerance = 1e-4,
        .degree = 1,
        .max_macro_step = 0.5,
        .circuit_steps = 2,
        .t_stop = 30.0,
        .rtol = 1e-6,
        .atol = 1e-9,
        .timeout = 60.0,
        .memory_limit = (size_t)8 << 30};
}

static eqs_status check(const eqs_cosim_options *o)
{
    if (!(o->tolerance > 0.0 && o->t_stop > 0.0 && o->max_macro_step > 0.0 && o->macro_step >= 0.0 &&
          o->rtol > 0.0 && o->atol > 0.0 && o->timeout > 0.0))
        return eqs_fail(EQS_BAD_CONFIG,
                        "cosimulation: tolerance, t_stop, steps and time-out must be positive");
    if (o->degree > 2 || o->circuit_steps == 0)
        return eqs_fail(EQS_BAD_CONFIG,
                        "cosimulation: degree %zu and circuit_steps %zu found, allowed: 0 to 2, and >= 1",
                        o->degree, o->circuit_steps);
    return eqs_circuit_units_check(&o->deck.units);
}

/* --- start --- */

/* potentials of all units [n_units] at the start */
static eqs_status start_potentials(const eqs_cosim_master *m, const eqs_state *start, size_t sample,
                                   double *u)
{
    const eqs_network *net = m->sys.energy->net;
    eqs_state *one = NULL;
    eqs_field *field = NULL;
    eqs_status status = eqs_state_create(net, 1, &one);
    if (status == EQS_OK)
        status = eqs_field_create(m->sys.energy, &m->sys.phase, &field);
    if (status == EQS_OK) {
        for (size_t k = 1; k < net->n_layers; k++)
            memcpy(one->s[k], start->s[k] + sample * net->layer[k].units,
                   net->layer[k].units * sizeof(double));
        memcpy(one->s[0], m->sys.phase.x, net->layer[0].units * sizeof(double));
        field->ops->from_state(field, one, m->options->settled_start, u);
        for (size_t i = 0; i < m->sys.partition->n_units && status == EQS_OK; i++) {
            if (!isfinite(u[i]))
                status =
                    eqs_fail(EQS_BAD_CONFIG, "co-simulation: unit %zu starts at a potential of %g", i, u[i]);
        }
    }
    eqs_field_destroy(field);
    eqs_state_destroy(one);
    return status;
}

static eqs_status start_process(eqs_cosim_master *m, const eqs_cosim_cell *cell, const double *u_circuit)
{
    const eqs_cosim_options *o = m->options;
    size_t n = m->sys.n_in;
    EQS_TRY(eqs_cosim_deck_write(&m->sys, cell, &o->deck, u_circuit, &m->deck));
    m->result->deck = eqs_strdup(m->deck.text);
    double *start = eqs_alloc(n, sizeof *start);
    if (start == NULL || m->result->deck == NULL) {
        eqs_free(start);
        return EQS_NO_MEMORY;
    }
    for (size_t i = 0; i < n; i++)
        start[i] = m->deck.gain[i] * m->last_a[i];
    eqs_cosim_job job = {.deck = m->deck.text,
                         .deck_length = m->deck.length,
                         .n_in = n,
                         .n_out = m->deck.n_out + m->deck.n_states,
                         .n_supplies = m->deck.n_supplies,
                         .external = m->deck.external,
                         .wanted = m->deck.wanted,
                         .supply_volts = m->deck.supply_volts,
                         .start = start,
                         .t_stop = o->t_stop * m->unit_time,
                         .timeout = o->timeout,
                         .memory_limit = o->memory_limit};
    eqs_status status = eqs_cosim_process_create(&job, &m->process);
    eqs_free(start);
    return status;
}

static double least_tau(size_t n, const eqs_cosim_unit *unit)
{
    double least = INFINITY;
    for (size_t i = 0; i < n; i++)
        least = fmin(least, unit[i].tau);
    return least;
}

static void choose_order(eqs_cosim_master *m)
{
    double ode = least_tau(m->sys.n_ode, m->sys.ode);
    double circuit = m->sys.n_in > m->sys.n_circuit ? 0.0 : least_tau(m->sys.n_circuit, m->sys.circuit);
    const double first = 1e-3;
    m->fast = fmax(ode, circuit);
    m->circuit_first = m->options->first == EQS_COSIM_FIRST_AUTO
                           ? circuit < ode
                           : m->options->first == EQS_COSIM_FIRST_CIRCUIT;
    m->result->circuit_first = m->circuit_first;
    m->H = fmin(ode, circuit > 0.0 ? circuit : ode) * fmin(first, m->options->tolerance);
}

static eqs_status begin(eqs_cosim_master *m, const eqs_cosim_cell *cell, const eqs_state *start,
                        size_t sample)
{
    size_t n = m->sys.n_in, units = m->sys.partition->n_units;
    m->now = eqs_alloc(3 * n + 3 * units, sizeof *m->now);
    if (m->now == NULL)
        return EQS_NO_MEMORY;
    m->guess = m->now + n;
    m->last_a = m->guess + n;
    double *u = m->last_a + n, *u_ode = u + units, *u_circuit = u_ode + units;
    EQS_TRY(eqs_cosim_history_create(n, &m->y));
    EQS_TRY(eqs_cosim_history_create(n, &m->a));
    EQS_TRY(start_potentials(m, start, sample, u));
    for (size_t i = 0, o = 0, c = 0; i < units; i++) {
        if (m->sys.partition->unit[i])
            u_circuit[c++] = u[i];
        else
            u_ode[o++] = u[i];
    }
    eqs_cosim_rates(&m->sys, u_ode, u, NULL);
    eqs_cosim_inputs(&m->sys, u, NULL, m->last_a, NULL);
    choose_order(m);
    EQS_TRY(eqs_cosim_ode_create(&m->sys, m->options->rtol, m->options->atol, u_ode, &m->ode));
    EQS_TRY(start_process(m, cell, u_circuit));
    const double *volts = eqs_cosim_process_output(m->process);
    for (size_t i = 0; i < n; i++)
        m->now[i] = volts[i] / m->options->deck.units.swing;
    eqs_cosim_history_push(&m->y, 0.0, m->now);
    eqs_cosim_history_push(&m->a, 0.0, m->last_a);
    m->H = m->options->macro_step > 0.0 ? fmin(m->H, m->options->macro_step / 64.0) : m->H;
    double planned = m->H;
    m->H = 0.0;
    EQS_TRY(eqs_cosim_record(m, m->now, 0.0, 1));
    m->H = planned;
    return EQS_OK;
}

/* --- the run --- */

/* the step after one of length m->H that missed by `mismatch` */
static void choose_step(eqs_cosim_master *m, double mismatch)
{
    const eqs_cosim_options *o = m->options;
    size_t points = m->circuit_first ? m->a.n : m->y.n;
    double degree = (double)(points - 1 < o->degree + 1 ? points - 1 : o->degree + 1);
    double factor = 0.9 * pow(o->tolerance / fmax(mismatch, 1e-300), 1.0 / fmax(degree, 1.0));
    if (o->macro_step > 0.0)
        m->H = fmin(2.0 * m->H, o->macro_step);
    else
        m->H = fmin(m->H * fmin(fmax(factor, 0.3), 2.0), o->max_macro_step);
}

/* whether what comes next must be iterated: the last steps missed by far although they shrank, or the loop's
 * gain leaves explicit coupling no stability */
static void judge(eqs_cosim_master *m, double mismatch)
{
    enum { PATIENCE = 3, WINDOWS = 4, EVERY = 8 };
    const double far = 5.0, linear_limit = 0.95, quadratic_limit = 0.45;
    double limit = m->options->degree == 2 ? quadratic_limit : linear_limit;
    if (m->calm > 0) {
        m->calm--;
        return;
    }
    m->strikes = mismatch > far * m->options->tolerance ? m->strikes + 1 : 0;
    bool gain = m->H > m->fast && m->result->n % EVERY == 0 &&
                eqs_cosim_loop_gain(&m->sys, eqs_cosim_ode_state(m->ode), m->y.value[0]) > limit;
    if (m->strikes >= PATIENCE || gain) {
        m->strikes = 0;
        m->calm = WINDOWS;
    }
}

static eqs_status run(eqs_cosim_master *m)
{
    enum { PIECES_OF_WINDOW = 8 };
    const eqs_cosim_options *o = m->options;
    while (m->t < o->t_stop) {
        bool iterate = o->iterate == EQS_COSIM_ITERATE_ALWAYS || m->calm > 0;
        double t1 = m->t + (iterate ? PIECES_OF_WINDOW : 1) * m->H, mismatch;
        if (o->t_stop - t1 < 0.1 * m->H)
            t1 = o->t_stop;
        if (eqs_stop_requested())
            return eqs_fail(EQS_INTERRUPTED, "stopped in the middle of a co-simulation");
        EQS_TRY(iterate ? eqs_cosim_window(m, t1, &mismatch) : eqs_cosim_step(m, t1, &mismatch));
        if (!isfinite(mismatch))
            return eqs_fail(EQS_NOT_CONVERGED, "co-simulation: the signals are not finite at t = %g", m->t);
        choose_step(m, mismatch);
        if (o->iterate == EQS_COSIM_ITERATE_AUTO)
            judge(m, mismatch);
    }
    return EQS_OK;
}

/* --- results --- */

static eqs_status grow(eqs_cosim_result *r)
{
    size_t more = r->capacity == 0 ? 64 : 2 * r->capacity;
    const struct {
        double **column;
        size_t width;
    } columns[] = {
        {&r->time, 1},           {&r->step, 1},        {&r->mismatch, 1},      {&r->iterations, 1},
        {&r->state, r->n_units}, {&r->input, r->n_in}, {&r->output, r->n_out}, {&r->energy, r->n_supplies}};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        double *grown =
            eqs_realloc(*columns[i].column, r->n * columns[i].width, more * columns[i].width, sizeof *grown);
        if (grown == NULL)
            return EQS_NO_MEMORY;
        *columns[i].column = grown;
    }
    r->capacity = more;
    return EQS_OK;
}

eqs_status eqs_cosim_record(eqs_cosim_master *m, const double *y, double mismatch, size_t iterations)
{
    eqs_cosim_result *r = m->result;
    if (r->n == r->capacity)
        EQS_TRY(grow(r));
    size_t row = r->n++;
    const double *u = eqs_cosim_ode_state(m->ode);
    double *state = r->state + row * r->n_units;
    r->time[row] = m->t;
    r->step[row] = m->H;
    r->mismatch[row] = mismatch;
    r->iterations[row] = (double)iterations;
    for (size_t i = 0, o = 0, c = 0; i < r->n_units; i++) {
        if (m->sys.partition->unit[i]) {
            state[i] = eqs_cosim_circuit_state(&m->sys.circuit[c], y[c]);
            c++;
        } else {
            state[i] = eqs_cosim_circuit_state(&m->sys.ode[o], eqs_rho(m->sys.ode[o].rho, u[o]));
            o++;
        }
    }
    memcpy(r->input + row * r->n_in, m->last_a, r->n_in * sizeof *y);
    memcpy(r->output + row * r->n_out, y, r->n_out * sizeof *y);
    memcpy(r->energy + row * r->n_supplies, eqs_cosim_process_energy(m->process), r->n_supplies * sizeof *y);
    return EQS_OK;
}

/* last state into `out`, with its residual by the network's own equations */
static eqs_status finish(eqs_cosim_master *m, size_t sample, eqs_state *out)
{
    const eqs_network *net = m->sys.energy->net;
    eqs_cosim_result *r = m->result;
    const double *last = r->state + (r->n - 1) * r->n_units, *next = last;
    eqs_state *one = NULL;
    eqs_field *field = NULL;
    double *u = eqs_alloc(r->n_units, sizeof *u);
    eqs_status status = u == NULL ? EQS_NO_MEMORY : eqs_state_create(net, 1, &one);
    if (status == EQS_OK)
        status = eqs_field_create(m->sys.energy, &m->sys.phase, &field);
    if (status == EQS_OK) {
        for (size_t k = 1; k < net->n_layers; next += net->layer[k].units, k++) {
            memcpy(out->s[k] + sample * net->layer[k].units, next, net->layer[k].units * sizeof *next);
            memcpy(one->s[k], next, net->layer[k].units * sizeof *next);
        }
        memcpy(one->s[0], m->sys.phase.x, net->layer[0].units * sizeof(double));
        field->ops->from_state(field, one, true, u);
        field->ops->residual(field, u, &r->residual);
    }
    r->loop_gain = eqs_cosim_loop_gain(&m->sys, eqs_cosim_ode_state(m->ode), m->y.value[0]);
    eqs_field_destroy(field);
    eqs_state_destroy(one);
    eqs_free(u);
    return status;
}

static eqs_status name_supplies(eqs_cosim_master *m)
{
    eqs_cosim_result *r = m->result;
    r->supply = eqs_arena_alloc(&r->arena, (m->deck.n_supplies + 1) * sizeof *r->supply);
    for (size_t i = 0; r->supply != NULL && i < m->deck.n_supplies; i++) {
        r->supply[i] = eqs_arena_text(&r->arena, m->deck.supply[i], strlen(m->deck.supply[i]));
        if (r->supply[i] == NULL)
            return EQS_NO_MEMORY;
    }
    return r->supply == NULL ? EQS_NO_MEMORY : EQS_OK;
}

static size_t count_supplies(const eqs_cosim_cell *cell)
{
    size_t n = 0;
    for (size_t i = 0; cell->file != NULL && i < eqs_spice_file_top(cell->file)->n_pins; i++)
        n += cell->role[i] == EQS_COSIM_SUPPLY;
    return n;
}

static void end(eqs_cosim_master *m)
{
    if (m->process != NULL) {
        eqs_cosim_counts counts = eqs_cosim_process_counts(m->process);
        m->result->circuit_steps = counts.steps;
        m->result->marks = counts.marks;
    }
    if (m->ode != NULL)
        m->result->ode_steps = eqs_cosim_ode_steps(m->ode);
    eqs_cosim_process_destroy(m->process);
    eqs_cosim_ode_destroy(m->ode);
    eqs_cosim_deck_clear(&m->deck);
    eqs_cosim_history_clear(&m->y);
    eqs_cosim_history_clear(&m->a);
    eqs_cosim_system_clear(&m->sys);
    eqs_free(m->now);
}

eqs_status eqs_cosim_run(const eqs_energy *energy, const eqs_phase *phase, size_t sample,
                         const eqs_state *start, const eqs_cosim_partition *partition,
                         const eqs_cosim_cell *cell, const eqs_cosim_options *options, eqs_state *out,
                         eqs_cosim_result *result)
{
    double clock = eqs_clock();
    *result = (eqs_cosim_result){.loop_gain = NAN, .residual = NAN};
    EQS_TRY(check(options));
    eqs_cosim_master m = {
        .options = options, .result = result, .unit_time = eqs_circuit_unit_time(&options->deck.units)};
    eqs_status status = eqs_cosim_system_build(energy, phase, sample, partition, &m.sys);
    result->n_units = partition->n_units;
    result->n_in = m.sys.n_in;
    result->n_out = m.sys.n_out;
    result->n_supplies = m.sys.n_circuit > 0 ? count_supplies(cell) : 0;
    if (status == EQS_OK)
        status = begin(&m, cell, start, sample);
    if (status == EQS_OK)
        status = name_supplies(&m);
    if (status == EQS_OK)
        status = run(&m);
    if (status == EQS_OK)
        status = finish(&m, sample, out);
    end(&m);
    result->seconds = eqs_clock() - clock;
    return status;
}

void eqs_cosim_result_clear(eqs_cosim_result *r)
{
    double *columns[] = {r->time,  r->step,  r->mismatch, r->iterations,
                         r->state, r->input, r->output,   r->energy};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        eqs_free(columns[i]);
    eqs_free(r->deck);
    eqs_arena_clear(&r->arena);
    *r = (eqs_cosim_result){0};
}
