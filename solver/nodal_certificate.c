#include "solver/nodal.h"

#include "base/memory.h"
#include "solver/sample.h"

#include <math.h>

eqs_status eqs_nodal_reachable(const eqs_network *net, const eqs_phase *phase, double *tolerance)
{
    double V = 0.0, largest = 0.0;
    for (size_t i = 0; net->resistive != NULL && i < phase->batch * net->layer[0].units; i++)
        V = fmax(V, fabs(phase->x[i]));
    for (size_t k = 1; net->resistive != NULL && k < net->n_layers; k++) {
        double *a = eqs_alloc(net->layer[k].units, sizeof *a);
        if (a == NULL)
            return EQS_NO_MEMORY;
        eqs_resistive_conductance(net, phase->theta, k, a);
        for (size_t i = 0; i < net->layer[k].units; i++)
            largest = fmax(largest, a[i]);
        eqs_free(a);
    }
    *tolerance = fmax(*tolerance, 1e-14 * largest * V);
    return EQS_OK;
}

/* scratch of one call: -dF/dv and d2F/dv2 of the unit terms, and the drive */
typedef struct pieces {
    eqs_state *force, *drive, *curvature;
} pieces;

static void release(pieces *p)
{
    eqs_state_destroy(p->force);
    eqs_state_destroy(p->drive);
    eqs_state_destroy(p->curvature);
}

static eqs_status allocate(const eqs_network *net, size_t batch, pieces *p)
{
    EQS_TRY(eqs_state_create(net, batch, &p->force));
    EQS_TRY(eqs_state_create(net, batch, &p->drive));
    return eqs_state_create(net, batch, &p->curvature);
}

/* evaluates an operation of the energy on the free layers only */
static void evaluate(const eqs_energy *energy, const eqs_phase *phase, const eqs_point *at, eqs_state *out,
                     void (*operation)(const eqs_energy *, const eqs_phase *, const eqs_point *,
                                       double *const *))
{
    double *input = out->s[0];
    out->s[0] = NULL;
    operation(energy, phase, at, out->s);
    out->s[0] = input;
}

/* worst residual of sample b in layer k, and its size relative to the layer's response */
static void certify_layer(const eqs_network *net, const pieces *p, size_t k, size_t b, double V,
                          const double *v, const double *v_free, double *residual, double *relative)
{
    const eqs_layer *layer = &net->layer[k];
    double response = 0.0, error = 0.0;
    for (size_t i = 0; i < layer->units; i++) {
        size_t at = b * layer->units + i;
        double force = p->drive->s[k][at] + p->force->s[k][at], a = p->curvature->s[k][at] / layer->weight;
        double r = eqs_projected(force, v[at], layer->lo[i], layer->hi[i]) / layer->weight;
        if (!(fabs(r) <= *residual))
            *residual = fabs(r);
        if (v_free != NULL)
            response = fmax(response, fabs(v[at] - v_free[at]));
        if (fabs(r) > eqs_nodal_rounding(a, V))
            error = fmax(error, fabs(r) / a);
    }
    if (error > 0.0)
        *relative = fmax(*relative, response > 0.0 ? error / response : INFINITY);
}

eqs_status eqs_nodal_certificate(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *state,
                                 const eqs_state *free_state, double *residual, double *response)
{
    const eqs_network *net = energy->net;
    pieces p = {0};
    eqs_status status = allocate(net, phase->batch, &p);
    if (status == EQS_OK) {
        eqs_point at = {phase->batch, state->s, state->s, NULL};
        evaluate(energy, phase, &at, p.drive, eqs_energy_drive);
        evaluate(energy, phase, &at, p.force, eqs_energy_force);
        evaluate(energy, phase, &at, p.curvature, eqs_energy_curvature);
    }
    for (size_t b = 0; status == EQS_OK && b < phase->batch; b++) {
        double relative = 0.0, V = 0.0;
        residual[b] = 0.0;
        for (size_t k = 0; k < net->n_layers; k++) {
            for (size_t i = 0; i < net->layer[k].units; i++)
                V = fmax(V, fabs(state->s[k][b * net->layer[k].units + i]));
        }
        for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++)
            certify_layer(net, &p, k, b, V, state->s[k], free_state == NULL ? NULL : free_state->s[k],
                          &residual[b], &relative);
        if (response != NULL)
            response[b] = relative;
    }
    release(&p);
    return status;
}
