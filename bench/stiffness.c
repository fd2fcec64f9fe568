/* Stiffness: what unequal time constants cost each integrator.
 *
 * One sample of a 784-500-10 network in membrane form, Glorot weights (hidden to output scaled by 0.5),
 * random inputs, hard sigmoids; the time constants log-uniform over 1:1000, unit by unit. Every integrator
 * goes from s = 0 to a projected residual of 1e-4. Prints CSV: one line per integrator, with counts per run,
 * the median and the least time of N runs (the runs of all integrators interleaved), and the ratios to the
 * first line. `evaluations` is f and Jacobian products together; `passes` adds what else passes over the
 * synapses: the residuals of stop tests, and Jacobians (assembled, or set up for products).
 *
 *   bench_stiffness [runs = 5] [spread = 1000] [hidden = 500] */
#include "base/memory.h"
#include "base/random.h"
#include "base/run.h"
#include "solver/relax.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 3 };

typedef struct contender {
    const char *label, *solver;
    eqs_linear_solver linear;
    eqs_preconditioner preconditioner;
    double rtol;
} contender;

/* the first is what the others are measured against */
static const contender contenders[] = {
    {"bdf-krylov-diagonal", "cvode-bdf", EQS_LINEAR_KRYLOV, EQS_PRECONDITIONER_DIAGONAL, 1e-3},
    {"bdf-krylov-diagonal", "cvode-bdf", EQS_LINEAR_KRYLOV, EQS_PRECONDITIONER_DIAGONAL, 1e-6},
    {"bdf-krylov", "cvode-bdf", EQS_LINEAR_KRYLOV, EQS_PRECONDITIONER_NONE, 1e-3},
    {"bdf-klu", "cvode-bdf", EQS_LINEAR_KLU, EQS_PRECONDITIONER_NONE, 1e-3},
    {"bdf-dense", "cvode-bdf", EQS_LINEAR_DENSE, EQS_PRECONDITIONER_NONE, 1e-3},
    {"adams", "cvode-adams", EQS_LINEAR_AUTO, EQS_PRECONDITIONER_DIAGONAL, 1e-5},
    {"euler", "euler", EQS_LINEAR_AUTO, EQS_PRECONDITIONER_DIAGONAL, 1e-3},
};

enum { CONTENDERS = sizeof contenders / sizeof *contenders };

typedef struct problem {
    eqs_network *net;
    eqs_energy *energy;
    eqs_state *state;
    double *theta, *x;
    eqs_phase phase;
} problem;

static eqs_status create(problem *p, double spread, size_t hidden)
{
    const size_t units[LAYERS] = {784, hidden, 10};
    const double gain[LAYERS - 1] = {1.0, 0.5};
    double *tau = eqs_alloc(units[0] + hidden + 10, sizeof *tau);
    p->x = eqs_alloc(units[0], sizeof *p->x);
    if (tau == NULL || p->x == NULL)
        return EQS_NO_MEMORY;
    for (uint32_t k = 0, at = 0; k < LAYERS; at += (uint32_t)units[k], k++) {
        eqs_random stream = eqs_random_stream(1, EQS_RANDOM_TAU, k, 0);
        for (size_t i = 0; i < units[k]; i++)
            tau[at + i] = pow(spread, -eqs_random_uniform(&stream, i));
    }
    const double *rows[LAYERS] = {tau, tau + units[0], tau + units[0] + hidden};
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = LAYERS;
    def.units = units;
    def.tau_unit = rows;
    EQS_TRY(eqs_network_create(&def, &p->net));
    eqs_free(tau);
    EQS_TRY(eqs_energy_create(p->net, &p->energy));
    EQS_TRY(eqs_state_create(p->net, 1, &p->state));
    p->theta = eqs_alloc(p->net->n_parameters, sizeof *p->theta);
    if (p->theta == NULL)
        return EQS_NO_MEMORY;
    eqs_parameters_glorot(p->net, 1, gain, p->theta);
    /* like a digit: one pixel in five is lit */
    eqs_random stream = eqs_random_stream(1, EQS_RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < units[0]; i++)
        p->x[i] = fmax(0.0, 5.0 * eqs_random_uniform(&stream, i) - 4.0);
    p->phase = (eqs_phase){.net = p->net, .theta = p->theta, .batch = 1, .x = p->x};
    memcpy(p->phase.beta, p->net->beta, sizeof p->phase.beta);
    return EQS_OK;
}

static void destroy(problem *p)
{
    eqs_state_destroy(p->state);
    eqs_energy_destroy(p->energy);
    eqs_network_destroy(p->net);
    eqs_free(p->theta);
    eqs_free(p->x);
}

static eqs_status relax(problem *p, const contender *c, eqs_relax_result *result)
{
    eqs_relax_options options = eqs_relax_options_default();
    options.solver = c->solver;
    options.linear_solver = c->linear;
    options.preconditioner = c->preconditioner;
    options.rtol = c->rtol;
    options.atol = 1e-2 * c->rtol;
    options.tolerance = 1e-4;
    options.max_steps = 10000000;
    eqs_state_fill(p->net, p->state, 0.0);
    return eqs_relax_run(p->energy, &p->phase, &options, p->state, result);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_line(const contender *c, const eqs_relax_result *r, double *ms, size_t runs,
                       double first[2])
{
    const eqs_relax_statistics *n = &r->statistics;
    long evaluations = n->rhs_evaluations + n->jacobian_products;
    long passes = evaluations + n->residual_evaluations + n->jacobian_evaluations;
    qsort(ms, runs, sizeof *ms, ascending);
    double median = ms[runs / 2];
    if (first[0] == 0.0) {
        first[0] = (double)evaluations;
        first[1] = (double)passes;
        first[2] = median;
    }
    printf("%s,%g,%s,%ld,%ld,%ld,%ld,%ld,%ld,%ld,%ld,%ld,%.3f,%.3f,%.2e,%.2f,%.2f,%.2f\n", c->label, c->rtol,
           eqs_relax_end_name(r->end[0]), n->steps, n->rhs_evaluations, n->jacobian_products,
           n->residual_evaluations, n->jacobian_evaluations, n->error_test_failures, n->convergence_failures,
           evaluations, passes, median, ms[0], r->residual[0], (double)evaluations / first[0],
           (double)passes / first[1], median / first[2]);
}

static eqs_status run(problem *p, size_t runs)
{
    eqs_relax_result result[CONTENDERS];
    double *ms = eqs_alloc(CONTENDERS * runs, sizeof *ms), first[3] = {0.0, 0.0, 0.0};
    if (ms == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < runs; i++) {
        for (size_t c = 0; c < CONTENDERS; c++) {
            if (i > 0)
                eqs_relax_result_clear(&result[c]);
            EQS_TRY(relax(p, &contenders[c], &result[c]));
            ms[c * runs + i] = 1e3 * result[c].seconds;
        }
    }
    printf("solver,rtol,end,steps,f,Jv,residuals,jacobians,error_failures,newton_failures,evaluations,passes,"
           "ms_median,ms_min,residual,evaluations_ratio,passes_ratio,ms_ratio\n");
    for (size_t c = 0; c < CONTENDERS; c++) {
        print_line(&contenders[c], &result[c], ms + c * runs, runs, first);
        eqs_relax_result_clear(&result[c]);
    }
    eqs_free(ms);
    return EQS_OK;
}

int main(int argc, char **argv)
{
    long runs = argc > 1 ? strtol(argv[1], NULL, 10) : 5, hidden = argc > 3 ? strtol(argv[3], NULL, 10) : 500;
    double spread = argc > 2 ? strtod(argv[2], NULL) : 1000.0;
    if (runs < 1 || hidden < 1 || !(spread >= 1.0)) {
        fprintf(stderr, "usage: bench_stiffness [runs >= 1] [spread >= 1] [hidden units >= 1]\n");
        return eqs_status_exit_code(EQS_USAGE);
    }
    problem p = {0};
    eqs_status status = create(&p, spread, (size_t)hidden);
    if (status == EQS_OK)
        status = run(&p, (size_t)runs);
    if (status != EQS_OK)
        fprintf(stderr, "bench_stiffness: %s\n", eqs_error_message());
    destroy(&p);
    return eqs_status_exit_code(status);
}
