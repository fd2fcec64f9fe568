#include "learning/rule_step.h"

#include "base/memory.h"
#include "solver/gradient_compare.h"

#include <string.h>

struct eqs_rule_step {
    const eqs_energy *energy;
    eqs_phases_options options;
    double *theta, *grad;
    eqs_state *state;
};

eqs_status eqs_rule_step_create(const eqs_energy *energy, const eqs_phases_options *options,
                                eqs_rule_step **out)
{
    eqs_rule_step *step = eqs_alloc(1, sizeof *step);
    if (step == NULL)
        return EQS_NO_MEMORY;
    step->energy = energy;
    step->options = *options;
    step->theta = eqs_alloc(2 * energy->net->n_parameters, sizeof *step->theta);
    eqs_status status =
        step->theta == NULL ? EQS_NO_MEMORY : eqs_state_create(energy->net, options->batch, &step->state);
    if (status != EQS_OK) {
        eqs_rule_step_destroy(step);
        return status;
    }
    step->grad = step->theta + energy->net->n_parameters;
    *out = step;
    return EQS_OK;
}

void eqs_rule_step_destroy(eqs_rule_step *step)
{
    if (step == NULL)
        return;
    eqs_state_destroy(step->state);
    eqs_free(step->theta);
    eqs_free(step);
}

eqs_status eqs_rule_step_gradient(eqs_rule_step *step, const eqs_rule *rule, const eqs_phases *phases,
                                  size_t n, const double *x, const double *target, const eqs_plan *plan,
                                  const double **grad, eqs_rule_outcome *outcome)
{
    const eqs_network *net = step->energy->net;
    eqs_phase phase = {.net = net, .theta = step->theta, .batch = n, .x = x, .target = target};
    eqs_network_nudge(net, 0.0, phase.beta);
    eqs_rule_request request = {.energy = step->energy,
                                .phase = &phase,
                                .fixed_point = step->state,
                                .plan = plan,
                                .relax = step->options.relax,
                                .iterations = step->options.nudged_iterations};
    if (step->options.nudged_tolerance > 0.0)
        request.relax.tolerance = step->options.nudged_tolerance;
    phases->ops->get_parameters(phases, step->theta);
    phases->ops->states(phases, 0, step->state);
    if (eqs_network_clamped(net))
        memcpy(step->state->s[0], x, n * net->layer[0].units * sizeof *x);
    *grad = step->grad;
    return rule->gradient(&request, step->grad, outcome);
}

void eqs_rule_step_apply(eqs_rule_step *step, eqs_phases *phases, const double *rate, double *change,
                         double *norm)
{
    eqs_rule_descend(step->energy->net, rate, step->grad, step->theta, change, norm);
    phases->ops->set_parameters(phases, step->theta);
}

void eqs_rule_descend(const eqs_network *net, const double *rate, const double *grad, double *theta,
                      double *change, double *norm)
{
    for (size_t i = 0; i < eqs_parameter_blocks(net); i++) {
        eqs_parameter_block block = eqs_parameter_block_get(net, i);
        double changes = 0.0, squares = 0.0;
        for (size_t j = block.offset; j < block.offset + block.count; j++) {
            double move = -rate[i] * grad[j];
            changes += move * move;
            squares += theta[j] * theta[j];
            theta[j] += move;
        }
        if (change != NULL)
            change[i] = changes;
        if (norm != NULL)
            norm[i] = squares;
    }
    if (net->resistive != NULL)
        eqs_resistive_clip(net, theta);
}
