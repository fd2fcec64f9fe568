#include "solver/attractor.h"

#include <math.h>

/* Largest |difference| of one sample's free layers; NaN wins. */
static double distance_of(const eqs_network *net, const eqs_state *a, const eqs_state *b, size_t sample)
{
    double largest = 0.0;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        size_t units = net->layer[k].units;
        for (size_t i = sample * units; i < (sample + 1) * units; i++) {
            double difference = fabs(a->s[k][i] - b->s[k][i]);
            if (!(difference <= largest))
                largest = difference;
        }
    }
    return largest;
}

eqs_status eqs_attractor_check(const eqs_energy *energy, const eqs_phase *phase,
                               const eqs_relax_options *reference, double distance, const eqs_state *start,
                               const eqs_state *reached, uint8_t *elsewhere, size_t *count)
{
    const eqs_network *net = energy->net;
    eqs_state *state;
    eqs_relax_result result = {0};
    *count = 0;
    EQS_TRY(eqs_state_create(net, phase->batch, &state));
    eqs_state_copy(net, start, state);
    eqs_status status = eqs_relax_run(energy, phase, reference, state, &result);
    if (status == EQS_OK && eqs_relax_unconverged(&result) > 0)
        status =
            eqs_fail(EQS_NOT_CONVERGED,
                     "%s: %zu of %zu samples did not arrive, so that their fixed point cannot be compared",
                     result.solver, eqs_relax_unconverged(&result), result.batch);
    for (size_t b = 0; status == EQS_OK && b < phase->batch; b++) {
        elsewhere[b] = !(distance_of(net, state, reached, b) <= distance);
        *count += elsewhere[b];
    }
    eqs_relax_result_clear(&result);
    eqs_state_destroy(state);
    return status;
}
