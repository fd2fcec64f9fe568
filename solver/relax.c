#include "solver/relax.h"

#include "base/run.h"
#include "solver/engine_solvers.h"
#include "solver/solvers.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* the one list of built-in solvers, in the order of listings */
static const eqs_solver *const builtin[] = {
    &eqs_solver_auto,        &eqs_solver_sweep,  &eqs_solver_nesterov,
    &eqs_solver_anderson,    &eqs_solver_newton, &eqs_solver_cvode_bdf,
    &eqs_solver_cvode_adams, &eqs_solver_euler,  &eqs_solver_kinsol,
};

enum { N_BUILTIN = sizeof builtin / sizeof *builtin, MOST_REGISTERED = 32, LONGEST_NAME = 31 };

/* solvers of the user's: written once each under the lock, read without it */
static pthread_mutex_t register_lock = PTHREAD_MUTEX_INITIALIZER;
static const eqs_solver *registered[MOST_REGISTERED];
static atomic_size_t n_registered;

const eqs_solver *eqs_solver_get(size_t i)
{
    if (i < N_BUILTIN)
        return builtin[i];
    i -= N_BUILTIN;
    return i < atomic_load(&n_registered) ? registered[i] : NULL;
}

const eqs_solver *eqs_solver_find(const char *name)
{
    if (strcmp(name, "cvode") == 0)
        name = "cvode-bdf";
    for (size_t i = 0; eqs_solver_get(i) != NULL; i++) {
        if (strcmp(eqs_solver_get(i)->name, name) == 0)
            return eqs_solver_get(i);
    }
    return NULL;
}

eqs_status eqs_solver_register(const eqs_solver *solver)
{
    if (solver->name == NULL || solver->run == NULL || strlen(solver->name) > LONGEST_NAME)
        return eqs_fail(EQS_BAD_CONFIG, "solver: a name of at most %d bytes and a run function are needed",
                        LONGEST_NAME);
    eqs_status status = EQS_OK;
    pthread_mutex_lock(&register_lock);
    size_t n = atomic_load(&n_registered);
    if (eqs_solver_find(solver->name) != NULL) {
        status = eqs_fail(EQS_BAD_CONFIG, "solver: the name '%s' is taken", solver->name);
    } else if (n == MOST_REGISTERED) {
        status = eqs_fail(EQS_BAD_CONFIG, "solver: '%s' exceeds the %d solvers that can be registered",
                          solver->name, MOST_REGISTERED);
    } else {
        registered[n] = solver;
        atomic_store(&n_registered, n + 1);
    }
    pthread_mutex_unlock(&register_lock);
    return status;
}

eqs_relax_options eqs_relax_options_default(void)
{
    return (eqs_relax_options){
        .solver = "auto",
        .tolerance = 1e-6,
        .response_tolerance = 1e-6,
        .t_max = 1e4,
        .max_steps = 100000,
        .step = 0.5,
        .rtol = 1e-6,
        .atol = 1e-9,
        .max_step = 100.0,
        .linear_solver = EQS_LINEAR_AUTO,
        .preconditioner = EQS_PRECONDITIONER_DIAGONAL,
        .record = EQS_RECORD_NONE,
    };
}

const char *eqs_relax_end_name(eqs_relax_end end)
{
    static const char *const names[] = {
#define X(name, text, why) text,
        EQS_RELAX_END_LIST(X)
#undef X
    };
    return (unsigned)end < EQS_RELAX_END_COUNT ? names[end] : "unknown";
}

/* edits (insert, delete, replace) that turn a into b, both cut at LONGEST_NAME */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[LONGEST_NAME + 1];
    size_t n = strnlen(b, LONGEST_NAME);
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; i <= LONGEST_NAME && a[i - 1] != '\0'; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t replaced = corner + (a[i - 1] != b[j - 1]);
            size_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            corner = row[j];
            row[j] = replaced < shorter ? replaced : shorter;
        }
    }
    return row[n];
}

static eqs_status unknown_solver(const char *name)
{
    char known[512] = "";
    const eqs_solver *nearest = eqs_solver_get(0), *solver;
    for (size_t i = 0, used = 0; (solver = eqs_solver_get(i)) != NULL && used < sizeof known; i++) {
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i == 0 ? "" : ", ", solver->name);
        if (edit_distance(name, solver->name) < edit_distance(name, nearest->name))
            nearest = solver;
    }
    return eqs_fail(
        EQS_BAD_CONFIG,
        "relaxation.solver: '%.64s' is unknown, the nearest is '%s'; known: %s, cvode (= cvode-bdf)", name,
        nearest->name, known);
}

/* a number in (lo, INFINITY], or [lo, ... when closed; NaN fails */
static eqs_status check_number(const char *field, double value, double lo, bool closed, bool infinite)
{
    bool inside = (closed ? value >= lo : value > lo) && (infinite || isfinite(value));
    if (inside)
        return EQS_OK;
    return eqs_fail(EQS_BAD_CONFIG, "relaxation.%s: %g found; allowed: %s %g%s", field, value,
                    closed ? ">=" : ">", lo, infinite ? "" : ", finite");
}

static eqs_status check_record(const eqs_relax_options *options)
{
    if ((unsigned)options->record > EQS_RECORD_TIMES)
        return eqs_fail(EQS_BAD_CONFIG, "relaxation.record: unknown mode %d", (int)options->record);
    if (options->record != EQS_RECORD_TIMES)
        return EQS_OK;
    if (options->n_record_times == 0 || options->record_times == NULL)
        return eqs_fail(EQS_BAD_CONFIG, "relaxation.record: no times are given");
    double last = 0.0;
    for (size_t i = 0; i < options->n_record_times; i++) {
        double t = options->record_times[i];
        if (!isfinite(t) || t < last)
            return eqs_fail(
                EQS_BAD_CONFIG,
                "relaxation.record: time %zu is %g after %g; times must be finite, >= 0 and ascending", i, t,
                last);
        last = t;
    }
    return EQS_OK;
}

static eqs_status check_options(const eqs_relax_options *o)
{
    EQS_TRY(check_number("tolerance", o->tolerance, 0.0, true, false));
    EQS_TRY(check_number("response_tolerance", o->response_tolerance, 0.0, false, false));
    EQS_TRY(check_number("t_max", o->t_max, 0.0, false, true));
    EQS_TRY(check_number("step", o->step, 0.0, false, false));
    EQS_TRY(check_number("rtol", o->rtol, 0.0, false, false));
    EQS_TRY(check_number("atol", o->atol, 0.0, false, false));
    EQS_TRY(check_number("max_step", o->max_step, 0.0, false, true));
    if (o->max_steps == 0)
        return eqs_fail(EQS_BAD_CONFIG, "relaxation.max_steps: 0 found; allowed: >= 1");
    if ((unsigned)o->linear_solver > EQS_LINEAR_KRYLOV ||
        (unsigned)o->preconditioner > EQS_PRECONDITIONER_SCHUR)
        return eqs_fail(EQS_BAD_CONFIG, "relaxation: unknown linear solver %d or preconditioner %d",
                        (int)o->linear_solver, (int)o->preconditioner);
    return check_record(o);
}

/* refuses what the solver does not offer, naming what does */
static eqs_status check_solver(const eqs_solver *solver, const eqs_energy *energy, const eqs_phase *phase,
                               const eqs_relax_options *o)
{
    if (o->quadrature != NULL && !(solver->can & EQS_SOLVER_QUADRATURES))
        return eqs_fail(EQS_BAD_CONFIG,
                        "relaxation.solver: %s does not integrate along the trajectory; allowed: cvode-bdf, "
                        "cvode-adams",
                        solver->name);
    bool clamped = isinf(phase->beta[EQS_BETA_Y]);
    if (clamped && (!(solver->can & EQS_SOLVER_CLAMPS_OUTPUT) || o->record != EQS_RECORD_NONE))
        return eqs_fail(EQS_BAD_CONFIG,
                        "relaxation.solver: %s cannot hold the outputs at their targets (beta_y infinite)%s; "
                        "allowed: auto, sweep, nesterov, anderson, newton, without a record",
                        solver->name, o->record != EQS_RECORD_NONE ? " and record" : "");
    if (clamped && eqs_state_is_rate(energy->net, energy->net->n_layers - 1))
        return eqs_fail(EQS_BAD_CONFIG,
                        "network.activation: outputs that are smooth membranes cannot be "
                        "clamped (their potential would be infinite); allowed: clipped-linear "
                        "outputs, or form gradient");
    if (o->record != EQS_RECORD_NONE && !(solver->can & EQS_SOLVER_RECORDS))
        return eqs_fail(EQS_BAD_CONFIG,
                        "relaxation.record: solver %s does not follow time and has no trajectory; allowed: "
                        "cvode-bdf, cvode-adams, euler",
                        solver->name);
    if (o->fixed_iterations && !(solver->can & EQS_SOLVER_FIXED_ITERATIONS))
        return eqs_fail(EQS_BAD_CONFIG,
                        "relaxation.fixed_iterations: solver %s ends on the residual; allowed: euler",
                        solver->name);
    if (o->linear_solver != EQS_LINEAR_AUTO && !(solver->can & EQS_SOLVER_LINEAR))
        return eqs_fail(EQS_BAD_CONFIG,
                        "relaxation.linear_solver: solver %s has none to choose; allowed: cvode-bdf",
                        solver->name);
    const char *why = solver->unsupported == NULL ? NULL : solver->unsupported(energy, o);
    return why == NULL ? EQS_OK : eqs_fail(EQS_BAD_CONFIG, "relaxation.solver: %s %s", solver->name, why);
}

/* an equilibrium can exist: 1 + stiffness > 0 wherever the leak is quadratic */
static eqs_status check_equilibrium(const eqs_energy *energy, const eqs_phase *phase)
{
    const eqs_network *net = energy->net;
    if (net->resistive != NULL)
        return eqs_resistive_check_nudge(net, phase->theta, phase->beta[EQS_BETA_Y]);
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        double stiffness = eqs_energy_law(energy, phase, k).stiffness;
        if (!eqs_state_is_rate(net, k) && !(stiffness > -1.0))
            return eqs_fail(
                EQS_BAD_CONFIG,
                "phase: beta = %g on layer %zu leaves no equilibrium: with the leak 1/2 s^2 and the "
                "cost 1/2 |y - target|^2 (no factor 2 as in the authors' code), 1 + beta > 0 is needed",
                stiffness, k);
    }
    return EQS_OK;
}

static eqs_status check_phase(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *state)
{
    const eqs_network *net = energy->net;
    if (phase->net != net)
        return eqs_fail(EQS_INTERNAL, "phase: its network is not the energy's");
    if (state->batch != phase->batch || state->n_layers != net->n_layers || phase->batch == 0)
        return eqs_fail(EQS_INTERNAL, "phase: %zu samples, but the state holds %zu of %zu layers",
                        phase->batch, state->batch, state->n_layers);
    if (phase->beta[EQS_BETA_Y] != 0.0 && phase->target == NULL)
        return eqs_fail(EQS_BAD_DATA, "phase: beta = %g nudges the output, but there are no targets",
                        phase->beta[EQS_BETA_Y]);
    if (net->resistive != NULL && isinf(phase->beta[EQS_BETA_Y]))
        return eqs_fail(EQS_BAD_CONFIG,
                        "phase: the outputs of a resistive network cannot be held at their targets (beta_y "
                        "infinite); allowed: rules with finite nudges, network.model: hopfield");
    if (net->resistive != NULL && net->resistive->nudge == EQS_NUDGE_CURRENT &&
        phase->beta[EQS_BETA_Y] != 0.0 && phase->free_output == NULL)
        return eqs_fail(EQS_INTERNAL, "phase: the currents of its nudge come from the free outputs, which it "
                                      "lacks");
    return EQS_OK;
}

eqs_status eqs_relax_run(const eqs_energy *energy, const eqs_phase *phase, const eqs_relax_options *options,
                         eqs_state *state, eqs_relax_result *result)
{
    memset(result, 0, sizeof *result);
    const eqs_solver *solver = eqs_solver_find(options->solver);
    if (solver == NULL)
        return unknown_solver(options->solver);
    EQS_TRY(check_options(options));
    EQS_TRY(check_phase(energy, phase, state));
    EQS_TRY(check_solver(solver, energy, phase, options));
    if (!options->fixed_iterations)
        EQS_TRY(check_equilibrium(energy, phase));

    if (eqs_network_clamped(energy->net))
        memcpy(state->s[0], phase->x, phase->batch * energy->net->layer[0].units * sizeof(double));
    double start = eqs_clock();
    eqs_status status = solver->run(energy, phase, options, state, result);
    if (status != EQS_OK) {
        eqs_relax_result_clear(result);
        return status;
    }
    result->seconds = eqs_clock() - start;
    if (result->solver[0] == '\0')
        snprintf(result->solver, sizeof result->solver, "%s", solver->name);
    return EQS_OK;
}
