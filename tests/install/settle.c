/* A program of somebody else that uses the installed library: a 4-8-2 Hopfield network settles freely, then
 * with its output nudged towards a target. The free phase minimises F (paper 001 Eq. 5); a small nudge lowers
 * the cost. Prints the outputs and both certificates; exit code 1 when a phase did not settle. */
#include <eqspice.h>

#include <stdio.h>

enum { INPUTS = 4, HIDDEN = 8, OUTPUTS = 2 };

typedef struct experiment {
    eqs_network *net;
    eqs_energy *energy;
    double *theta;
    eqs_state *state;
} experiment;

static eqs_status build(experiment *e)
{
    static const size_t units[] = {INPUTS, HIDDEN, OUTPUTS};
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 3;
    def.units = units;
    EQS_TRY(eqs_network_create(&def, &e->net));
    EQS_TRY(eqs_energy_create(e->net, &e->energy));
    e->theta = eqs_alloc(e->net->n_parameters, sizeof *e->theta);
    if (e->theta == NULL)
        return EQS_NO_MEMORY;
    eqs_parameters_glorot(e->net, 4, NULL, e->theta);
    return eqs_state_create(e->net, 1, &e->state);
}

/* one phase at beta + xi delta from the present state */
static eqs_status settle(const experiment *e, double xi, eqs_relax_result *result)
{
    static const double x[INPUTS] = {1.0, 0.0, 0.5, 0.8}, target[OUTPUTS] = {1.0, 0.0};
    eqs_phase phase = {.net = e->net, .theta = e->theta, .batch = 1, .x = x, .target = target};
    eqs_network_nudge(e->net, xi, phase.beta);
    eqs_relax_options options = eqs_relax_options_default();
    options.tolerance = 1e-10;
    EQS_TRY(eqs_relax_run(e->energy, &phase, &options, e->state, result));
    const double *y = e->state->s[2];
    printf("beta %-5g output %.6f %.6f   energy %.6f   residual %.1e (%s)\n", xi, y[0], y[1],
           result->energy[0], result->residual[0], eqs_relax_end_name(result->end[0]));
    return EQS_OK;
}

static eqs_status run(experiment *e)
{
    EQS_TRY(build(e));
    for (int nudged = 0; nudged < 2; nudged++) {
        eqs_relax_result result;
        EQS_TRY(settle(e, nudged ? 0.5 : 0.0, &result));
        size_t unconverged = eqs_relax_unconverged(&result);
        eqs_relax_result_clear(&result);
        if (unconverged > 0)
            return eqs_fail(EQS_NOT_CONVERGED, "a phase did not settle");
    }
    return EQS_OK;
}

int main(void)
{
    experiment e = {0};
    eqs_status status = run(&e);
    if (status != EQS_OK)
        fprintf(stderr, "settle: %s\n", eqs_error_message());
    eqs_state_destroy(e.state);
    eqs_free(e.theta);
    eqs_energy_destroy(e.energy);
    eqs_network_destroy(e.net);
    return eqs_status_exit_code(status);
}
