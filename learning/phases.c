#include "learning/phases.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    eqs_status (*create)(const eqs_energy *energy, const eqs_phases_options *options, eqs_phases **out);
} backends[] = {
    {"batch", eqs_phases_create_batch},   {"ode", eqs_phases_create_ode},
    {"ngspice", eqs_phases_create_ode}, /* with ngspice in the place of a solver */
    {"transient", eqs_phases_create_ode}, {"cosimulation", eqs_phases_create_ode},
};

eqs_status eqs_phases_create(const eqs_energy *energy, const eqs_phases_options *options, eqs_phases **out)
{
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        if (strcmp(backends[i].name, options->backend) == 0)
            return backends[i].create(energy, options, out);
    }
    return eqs_fail(EQS_BAD_CONFIG,
                    "learning.engine: '%s' is unknown; allowed: batch, ode, ngspice, transient, cosimulation",
                    options->backend);
}

void eqs_phase_note_response(size_t n, const double *residual, const double *response,
                             eqs_phase_outcome *outcome)
{
    outcome->residual_response = 0.0;
    outcome->unresolved = 0;
    for (size_t b = 0; b < n; b++) {
        if (!(response[b] > residual[b]))
            outcome->unresolved++;
        else
            outcome->residual_response = fmax(outcome->residual_response, residual[b] / response[b]);
    }
}
