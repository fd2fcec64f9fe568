/* Study `settling`: how long the free phase of every sample takes, from the start of paper 001, to residuals
 * of 1e-1 .. 1e-8: the ODE in unit times, paper 001's iteration, and every equilibrium solver in sweeps. */
#include "learning/study_settle.h"

#include "base/memory.h"
#include "learning/result_units.h"

#include <stdio.h>
#include <string.h>

#define GROUP "/study/settling"

enum { MOST = 20000 };

static const char *const solvers[] = {"euler", "sweep", "nesterov", "anderson", "newton", "auto"};

static eqs_status write_values(eqs_h5_writer *writer, const char *name, const eqs_settling *settling,
                               const double *value, const char *units, const char *what)
{
    char path[96], text[160];
    size_t values[2] = {settling->n, settling->n_tolerances};
    size_t quantiles[2] = {settling->n_tolerances, EQS_SETTLE_QUANTILES};
    double quantile[EQS_SETTLE_TOLERANCES * EQS_SETTLE_QUANTILES];
    snprintf(path, sizeof path, GROUP "/%s_samples", name);
    snprintf(text, sizeof text, "%s of every sample to every tolerance; NaN: not reached", what);
    EQS_TRY(eqs_h5_write_double(writer, path, value, 2, values, units, text));
    EQS_TRY(eqs_settle_quantiles(settling->n, settling->n_tolerances, value, quantile));
    snprintf(path, sizeof path, GROUP "/%s", name);
    snprintf(text, sizeof text, "%s to every tolerance: quantiles 0, 0.1, 0.5, 0.9, 1 over samples", what);
    return eqs_h5_write_double(writer, path, quantile, 2, quantiles, units, text);
}

static eqs_status measure_solver(const eqs_study_request *request, const eqs_phase *phase,
                                 const eqs_state *start, const char *solver, eqs_h5_writer *writer)
{
    eqs_settling settling;
    char line[96], what[96];
    if (strcmp(solver, "euler") == 0 && request->setup->net->resistive != NULL)
        return eqs_study_refused(request, "settling", solver,
                                 "its step has no bound at the conductance of a diode", writer);
    snprintf(line, sizeof line, "settling: %s, %zu samples", solver, request->n);
    request->note(request->user, line);
    eqs_status status = eqs_settle_steps(request->setup->energy, phase, solver, request->setup->relax.step,
                                         MOST, start, EQS_SETTLE_TOLERANCES, &settling);
    if (status == EQS_BAD_CONFIG)
        return eqs_study_refused(request, "settling", solver, NULL, writer);
    EQS_TRY(status);
    bool euler = solver[0] == 'e';
    snprintf(what, sizeof what, "%s of solver %s", euler ? "iterations" : "sweeps", solver);
    status = write_values(writer, solver, &settling, settling.steps, "1", what);
    eqs_settling_clear(&settling);
    return status;
}

static eqs_status measure(const eqs_study_request *request, const eqs_phase *phase, const eqs_state *start,
                          eqs_h5_writer *writer)
{
    size_t n = EQS_SETTLE_TOLERANCES, q = EQS_SETTLE_QUANTILES;
    eqs_settling ode;
    eqs_result_units unit = eqs_result_units_of(request->setup->net);
    request->note(request->user, "settling: trajectories by CVODE");
    EQS_TRY(eqs_h5_write_double(writer, GROUP "/tolerance", eqs_settle_tolerance, 1, &n, unit.residual,
                                unit.residual_text));
    EQS_TRY(eqs_h5_write_double(writer, GROUP "/quantile", eqs_settle_quantile, 1, &q, "1",
                                "quantiles over samples"));
    EQS_TRY(eqs_h5_attribute_string(writer, GROUP, "axes", "tolerance"));
    EQS_TRY(eqs_settle_ode(request->setup->energy, phase, start, n, NULL, &ode));
    eqs_status status = write_values(writer, "time", &ode, ode.time, "unit time", "time along the ODE");
    for (size_t i = 0; i < request->n * n; i++)
        ode.time[i] *= eqs_study_unit_time(request);
    if (status == EQS_OK)
        status = write_values(writer, "seconds", &ode, ode.time, "s", "time of the circuit");
    eqs_settling_clear(&ode);
    for (size_t i = 0; status == EQS_OK && i < sizeof solvers / sizeof *solvers; i++)
        status = measure_solver(request, phase, start, solvers[i], writer);
    return status;
}

static eqs_status run(const eqs_study_request *request, eqs_h5_writer *writer)
{
    const eqs_setup *setup = request->setup;
    eqs_phase phase = eqs_study_phase(setup->net, setup->theta, request, 0.0);
    eqs_state *start;
    EQS_TRY(eqs_study_start(setup->net, &phase, &start));
    eqs_status status = measure(request, &phase, start, writer);
    eqs_state_destroy(start);
    return status;
}

const eqs_study eqs_study_settling = {
    .name = "settling",
    .summary = "time and iterations of the free phase to residuals 1e-1 .. 1e-8, by sample and solver",
    .run = run,
};
