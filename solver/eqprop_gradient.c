#include "solver/eqprop_gradient.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

eqs_status eqs_eqprop_add(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *state,
                          double weight, double *grad)
{
    eqs_state *activity;
    EQS_TRY(eqs_state_create(energy->net, state->batch, &activity));
    for (size_t k = 0; k < energy->net->n_layers; k++)
        eqs_activity(energy->net, k, state->batch * energy->net->layer[k].units, state->s[k], activity->s[k],
                     NULL);
    eqs_point at = {state->batch, state->s, activity->s, NULL};
    eqs_energy_gradient(energy, phase, &at, weight, grad);
    eqs_state_destroy(activity);
    return EQS_OK;
}

/* grad += weight * dF/dtheta at the fixed point of beta + xi delta, reached from `state` (in place) */
static eqs_status nudged(const eqs_energy *energy, const eqs_phase *phase, const eqs_relax_options *options,
                         const double *free_output, double xi, double weight, eqs_state *state, double *grad,
                         eqs_relax_result *result)
{
    eqs_phase there = *phase;
    there.free_output = free_output;
    for (int i = 0; i < EQS_BETA_COUNT; i++)
        there.beta[i] += xi * energy->net->delta[i];
    eqs_relax_options settled = *options;
    settled.settled_start = true;
    eqs_relax_result own;
    EQS_TRY(eqs_relax_run(energy, &there, &settled, state, result == NULL ? &own : result));
    eqs_status status = EQS_OK;
    if (result == NULL) {
        size_t unconverged = eqs_relax_unconverged(&own);
        if (unconverged > 0)
            status = eqs_fail(EQS_NOT_CONVERGED, "nudged phase, xi = %g: %zu of %zu samples did not converge",
                              xi, unconverged, own.batch);
        eqs_relax_result_clear(&own);
    }
    if (status == EQS_OK)
        status = eqs_eqprop_add(energy, &there, state, weight, grad);
    if (status != EQS_OK && result != NULL)
        eqs_relax_result_clear(result);
    return status;
}

size_t eqs_eqprop_nudges(eqs_eqprop_mode mode, double multiple[4], double weight[4])
{
    static const double multiples[][4] = {{1.0}, {1.0, -1.0}, {1.0, -1.0, 0.5, -0.5}};
    static const double weights[][4] = {{1.0}, {0.5, -0.5}, {-1.0 / 6.0, 1.0 / 6.0, 4.0 / 3.0, -4.0 / 3.0}};
    memcpy(multiple, multiples[mode], sizeof multiples[mode]);
    memcpy(weight, weights[mode], sizeof weights[mode]);
    return mode == EQS_EQPROP_ONE_SIDED ? 1 : mode == EQS_EQPROP_CENTRED ? 2 : 4;
}

eqs_status eqs_eqprop_gradient(const eqs_energy *energy, const eqs_phase *phase,
                               const eqs_relax_options *options, const eqs_state *fixed_point, double xi,
                               eqs_eqprop_mode mode, double *grad, eqs_relax_result *result)
{
    if (!isfinite(xi) || xi == 0.0)
        return eqs_fail(EQS_BAD_CONFIG, "nudge xi = %g; allowed: finite and not 0", xi);
    const eqs_network *net = energy->net;
    eqs_state *state;
    EQS_TRY(eqs_state_create(net, phase->batch, &state));
    memset(grad, 0, net->n_parameters * sizeof *grad);

    double multiple[4], weight[4], rest = 0.0;
    size_t n = eqs_eqprop_nudges(mode, multiple, weight), done = 0;
    eqs_status status = EQS_OK;
    for (; status == EQS_OK && done < n; done++) {
        eqs_state_copy(net, fixed_point, state);
        status = nudged(energy, phase, options, fixed_point->s[net->n_layers - 1], multiple[done] * xi,
                        weight[done] / xi, state, grad, result == NULL ? NULL : result + done);
        rest -= weight[done] / xi;
    }
    if (status == EQS_OK && mode == EQS_EQPROP_ONE_SIDED)
        status = eqs_eqprop_add(energy, phase, fixed_point, rest, grad);
    /* the nudge that failed has nothing to clear */
    for (size_t i = 0; status != EQS_OK && result != NULL && i + 1 < done; i++)
        eqs_relax_result_clear(result + i);
    eqs_state_destroy(state);
    return status;
}
