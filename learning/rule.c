#include "learning/rule.h"

#include "base/random.h"
#include "solver/eqprop_gradient.h"
#include "solver/exact_gradient.h"
#include "solver/stdp.h"

#include <math.h>
#include <string.h>

static eqs_plan eqprop_plan(const eqs_plan_request *request)
{
    static const eqs_eqprop_mode modes[] = {
        [EQS_NUDGE_FIXED] = EQS_EQPROP_ONE_SIDED,
        [EQS_NUDGE_RANDOM_SIGN] = EQS_EQPROP_ONE_SIDED,
        [EQS_NUDGE_CENTRED] = EQS_EQPROP_CENTRED,
        [EQS_NUDGE_HIGHER_ORDER] = EQS_EQPROP_HIGHER,
    };
    double xi = request->beta, B = (double)request->n, multiple[4], weight[4];
    eqs_random sign = eqs_random_stream(request->seed, EQS_RANDOM_NUDGE_SIGN, request->epoch, 0);
    if (request->nudge == EQS_NUDGE_RANDOM_SIGN && eqs_random_uniform(&sign, request->minibatch) < 0.5)
        xi = -xi;
    eqs_eqprop_mode mode = modes[request->nudge];
    eqs_plan plan = {.n_nudged = eqs_eqprop_nudges(mode, multiple, weight)};
    for (size_t i = 0; i < plan.n_nudged; i++) {
        plan.xi[i + 1] = multiple[i] * xi;
        plan.coefficient[i + 1] = weight[i] / (xi * B);
    }
    if (mode == EQS_EQPROP_ONE_SIDED)
        plan.coefficient[0] = -plan.coefficient[1];
    return plan;
}

static eqs_plan clamped_plan(const eqs_plan_request *request)
{
    double B = (double)request->n;
    return (eqs_plan){.n_nudged = 1, .xi = {0.0, INFINITY}, .coefficient = {-1.0 / B, 1.0 / B}};
}

/* lambda and the gradient from it; the sum over samples becomes a mean */
static eqs_status implicit_gradient(const eqs_rule_request *request, bool relaxation, double *grad,
                                    eqs_rule_outcome *outcome)
{
    eqs_exact_options options = eqs_exact_options_default();
    eqs_exact_report report;
    size_t n = request->energy->net->n_parameters;
    if (relaxation) {
        options.relaxation = true;
        options.tolerance = request->relax.tolerance;
        options.step = request->relax.step;
        options.max_iterations = request->iterations > 0 ? request->iterations : request->relax.max_steps;
        options.fixed_iterations = request->iterations > 0;
    }
    EQS_TRY(eqs_exact_gradient(request->energy, request->phase, request->fixed_point, &options, grad, NULL,
                               &report));
    for (size_t i = 0; i < n; i++)
        grad[i] /= (double)request->phase->batch;
    *outcome = (eqs_rule_outcome){.residual = report.costate_residual,
                                  .iterations = (double)report.relaxation_iterations,
                                  .unconverged = request->iterations > 0 ? 0 : report.unrelaxed};
    return EQS_OK;
}

static eqs_status exact_gradient(const eqs_rule_request *request, double *grad, eqs_rule_outcome *outcome)
{
    return implicit_gradient(request, false, grad, outcome);
}

static eqs_status recurrent_gradient(const eqs_rule_request *request, double *grad, eqs_rule_outcome *outcome)
{
    return implicit_gradient(request, true, grad, outcome);
}

static eqs_status stdp_gradient(const eqs_rule_request *request, double *grad, eqs_rule_outcome *outcome)
{
    const eqs_phase *phase = request->phase;
    eqs_relax_options relax = request->relax;
    if (strncmp(relax.solver, "cvode", 5) != 0)
        relax.solver = "cvode-bdf";
    *outcome = (eqs_rule_outcome){0};
    memset(grad, 0, request->energy->net->n_parameters * sizeof *grad);
    for (size_t i = 1; i <= request->plan->n_nudged; i++) {
        eqs_relax_result result = {0};
        EQS_TRY(eqs_stdp_integrate(request->energy, phase, &relax, request->fixed_point, request->plan->xi[i],
                                   -request->plan->coefficient[i], grad, &result));
        bool stopped = false;
        for (size_t b = 0; b < phase->batch; b++) {
            outcome->residual =
                result.residual[b] <= outcome->residual ? outcome->residual : result.residual[b];
            stopped |= result.end[b] == EQS_RELAX_STOPPED;
        }
        outcome->iterations += (double)result.statistics.steps / (double)request->plan->n_nudged;
        outcome->unconverged += eqs_relax_unconverged(&result);
        eqs_relax_result_clear(&result);
        if (stopped)
            return eqs_fail(EQS_INTERRUPTED, "stopped in the middle of a phase");
    }
    eqs_energy_decay(request->energy, phase, request->energy->net->delta[EQS_BETA_THETA], grad);
    return EQS_OK;
}

const eqs_rule eqs_rule_eqprop = {
    .name = "eqprop",
    .summary = "equilibrium propagation (paper 001 Eq. 36): one-sided, centred or higher-order nudge",
    .plan = eqprop_plan,
    .nudges = true,
    .iterates = true,
    .tolerates = true,
};

const eqs_rule eqs_rule_truncated = {
    .name = "truncated",
    .summary = "equilibrium propagation, nudged phase cut after N/eps iterations (paper 001 sec. 5.1)",
    .plan = eqprop_plan,
    .nudges = true,
    .iterates = true,
    .truncates = true,
};

const eqs_rule eqs_rule_recurrent_backprop = {
    .name = "recurrent-backprop",
    .summary = "Almeida-Pineda: the linearised network relaxes to the costate (paper 001 Eqs. 62-65)",
    .gradient = recurrent_gradient,
    .iterates = true,
    .tolerates = true,
};

const eqs_rule eqs_rule_exact = {
    .name = "exact",
    .summary = "the costate by a linear solve: the exact gradient of the cost at the free fixed point",
    .gradient = exact_gradient,
};

const eqs_rule eqs_rule_contrastive_hebbian = {
    .name = "contrastive-hebbian",
    .summary = "contrastive Hebbian learning with clamped outputs (Movellan 1990; paper 001 Eq. 49)",
    .plan = clamped_plan,
    .iterates = true,
    .tolerates = true,
};

const eqs_rule eqs_rule_stdp = {
    .name = "stdp",
    .summary = "d(rho rho)/dt integrated along the nudged phase by CVODE (paper 001 Eqs. 45-47)",
    .plan = eqprop_plan,
    .gradient = stdp_gradient,
    .nudges = true,
    .tolerates = true,
};

static const eqs_rule *const rules[] = {
    &eqs_rule_eqprop, &eqs_rule_truncated,           &eqs_rule_recurrent_backprop,
    &eqs_rule_exact,  &eqs_rule_contrastive_hebbian, &eqs_rule_stdp};

const eqs_rule *eqs_rule_get(size_t i)
{
    return i < sizeof rules / sizeof *rules ? rules[i] : NULL;
}

const eqs_rule *eqs_rule_find(const char *name)
{
    for (size_t i = 0; eqs_rule_get(i) != NULL; i++) {
        if (strcmp(eqs_rule_get(i)->name, name) == 0)
            return eqs_rule_get(i);
    }
    return NULL;
}
