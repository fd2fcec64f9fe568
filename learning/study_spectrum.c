/* Study `spectrum`: eigenvalues of the dynamics linearised at every sample's free fixed point, and how well
 * the slowest mode predicts the settling time that was measured along the ODE. */
#include "learning/study_settle.h"

#include "base/memory.h"
#include "base/run.h"
#include "solver/spectrum.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GROUP "/study/spectrum"

/* X(name, unit, long name): one number per sample */
#define SPECTRUM_LIST(X)                                                                                     \
    X(slowest, "unit time", "time constant of the slowest mode at the free fixed point")                     \
    X(fastest, "unit time", "time constant of the fastest mode")                                             \
    X(stiffness, "1", "slowest / fastest time constant")                                                     \
    X(moving, "1", "fraction of units strictly inside their box")                                            \
    X(decay, "unit time", "time constant of the residual's fall from 1e-5 to 1e-7 along the ODE")            \
    X(time_measured, "unit time", "time along the ODE to a residual of 1e-7")                                \
    X(time_predicted, "unit time", "slowest * ln(r_0 / 1e-7), r_0 the residual at the start")                \
    X(tail_measured, "unit time", "time along the ODE from a residual of 1e-3 to 1e-7")                      \
    X(tail_predicted, "unit time", "slowest * ln(1e4)")

typedef struct columns {
#define X(name, unit, text) double *name;
    SPECTRUM_LIST(X)
#undef X
    size_t width;  /* of eigenvalue rows */
    double *value; /* [n x width] */
} columns;

static eqs_status allocate(size_t n, columns *c)
{
    double **column[] = {
#define X(name, unit, text) &c->name,
        SPECTRUM_LIST(X)
#undef X
    };
    enum { COLUMNS = sizeof column / sizeof *column };
    double *block = eqs_alloc(COLUMNS * n, sizeof *block);
    if (block == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < COLUMNS; i++)
        *column[i] = block + i * n;
    return EQS_OK;
}

/* Eigenvalues of one sample into its row; rows grow to the widest, NaN beyond their own. */
static eqs_status keep_values(const eqs_spectrum *spectrum, size_t sample, size_t n, columns *c)
{
    if (spectrum->n > c->width) {
        double *wider = eqs_alloc(n * spectrum->n, sizeof *wider);
        if (wider == NULL)
            return EQS_NO_MEMORY;
        for (size_t i = 0; i < n * spectrum->n; i++)
            wider[i] = NAN;
        for (size_t i = 0; i < sample; i++)
            memcpy(wider + i * spectrum->n, c->value + i * c->width, c->width * sizeof *wider);
        eqs_free(c->value);
        c->value = wider;
        c->width = spectrum->n;
    }
    for (size_t i = 0; i < c->width; i++)
        c->value[sample * c->width + i] = i < spectrum->n ? spectrum->real[i] : NAN;
    return EQS_OK;
}

static eqs_status measure_sample(const eqs_setup *setup, const eqs_phase *phase, const eqs_state *fixed_point,
                                 const eqs_settling *ode, size_t b, eqs_state *row, columns *c)
{
    eqs_phase one;
    eqs_spectrum spectrum;
    size_t n = eqs_network_state_size(setup->net);
    eqs_study_sample(phase, fixed_point, b, &one, row);
    EQS_TRY(eqs_spectrum_at(setup->energy, &one, row, NULL, &spectrum));
    const double *time = ode->time + b * EQS_SETTLE_TOLERANCES;
    c->slowest[b] = spectrum.slowest;
    c->fastest[b] = spectrum.fastest;
    c->stiffness[b] = spectrum.stiffness;
    c->moving[b] = (double)spectrum.moving / (double)n;
    c->decay[b] = ode->decay[b];
    c->time_measured[b] = time[6];
    c->tail_measured[b] = time[6] - time[2];
    c->tail_predicted[b] = spectrum.slowest * log(1e4);
    eqs_status status = keep_values(&spectrum, b, phase->batch, c);
    eqs_spectrum_clear(&spectrum);
    return status;
}

/* residuals at the start, [n] */
static eqs_status start_residuals(const eqs_setup *setup, const eqs_phase *phase, const eqs_state *start,
                                  double *residual)
{
    eqs_field *field;
    EQS_TRY(eqs_field_create(setup->energy, phase, &field));
    double *x = eqs_alloc(field->n, sizeof *x);
    eqs_status status = x == NULL ? EQS_NO_MEMORY : EQS_OK;
    if (status == EQS_OK) {
        field->ops->from_state(field, start, false, x);
        field->ops->residual(field, x, residual);
    }
    eqs_free(x);
    eqs_field_destroy(field);
    return status;
}

static eqs_status write_columns(eqs_h5_writer *writer, size_t n, double unit_time, const columns *c)
{
    double *index = eqs_alloc(n, sizeof *index);
    if (index == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        index[i] = (double)i;
    eqs_status status = eqs_h5_write_double(writer, GROUP "/sample", index, 1, &n, "1", "sample");
    eqs_free(index);
    EQS_TRY(status);
    EQS_TRY(eqs_h5_attribute_string(writer, GROUP, "axes", "sample"));
    EQS_TRY(eqs_h5_attribute_double(writer, GROUP, "unit_time_seconds", unit_time));
#define X(name, unit, text) EQS_TRY(eqs_h5_write_double(writer, GROUP "/" #name, c->name, 1, &n, unit, text));
    SPECTRUM_LIST(X)
#undef X
    size_t dim[2] = {n, c->width};
    return eqs_h5_write_double(
        writer, GROUP "/eigenvalue", c->value, 2, dim, "1 / unit time",
        "eigenvalues (real parts) of every sample from the slowest mode to the fastest; "
        "of more than 300 moving units 4 at either end; NaN: none");
}

static eqs_status measure(const eqs_study_request *request, const eqs_phase *phase, const eqs_state *start,
                          eqs_state *end, eqs_state *row, columns *c, eqs_h5_writer *writer)
{
    const eqs_setup *setup = request->setup;
    eqs_settling ode;
    EQS_TRY(allocate(request->n, c));
    EQS_TRY(start_residuals(setup, phase, start, c->time_predicted));
    request->note(request->user, "spectrum: trajectories by CVODE");
    EQS_TRY(eqs_settle_ode(setup->energy, phase, start, EQS_SETTLE_TOLERANCES, end, &ode));
    request->note(request->user, "spectrum: eigenvalues");
    eqs_status status = EQS_OK;
    for (size_t b = 0; status == EQS_OK && b < request->n; b++) {
        status = measure_sample(setup, phase, end, &ode, b, row, c);
        c->time_predicted[b] = c->slowest[b] * log(c->time_predicted[b] / 1e-7);
        if (status == EQS_OK && eqs_stop_requested())
            status = eqs_fail(EQS_INTERRUPTED, "the study was stopped");
    }
    eqs_settling_clear(&ode);
    return status == EQS_OK ? write_columns(writer, request->n, eqs_study_unit_time(request), c) : status;
}

static eqs_status run(const eqs_study_request *request, eqs_h5_writer *writer)
{
    const eqs_setup *setup = request->setup;
    eqs_phase phase = eqs_study_phase(setup->net, setup->theta, request, 0.0);
    eqs_state *start = NULL, *end = NULL, *row = NULL;
    columns c = {0};
    eqs_status status = eqs_study_start(setup->net, &phase, &start);
    if (status == EQS_OK)
        status = eqs_study_start(setup->net, &phase, &end);
    if (status == EQS_OK)
        status = eqs_state_create(setup->net, 1, &row);
    if (status == EQS_OK)
        status = measure(request, &phase, start, end, row, &c, writer);
    eqs_free(c.slowest); /* the block behind all columns */
    eqs_free(c.value);
    eqs_state_destroy(start);
    eqs_state_destroy(end);
    eqs_state_destroy(row);
    return status;
}

const eqs_study eqs_study_spectrum = {
    .name = "spectrum",
    .summary = "eigenvalues at the free fixed points, time constants, prediction of the settling time",
    .run = run,
};
