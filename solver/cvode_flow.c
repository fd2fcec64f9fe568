/* What CVODE integrates: the field of the sample, and in the projected form the field between two events.
 *
 * The projected flow jumps whenever a unit meets its bound or is pulled off it, and an implicit step across a
 * jump has no solution, however small. Between two such events the flow is smooth, though: the units held at
 * a bound stand still and the others follow -dF/ds. So this smooth flow is integrated, CVODE's root finding
 * locates the events, and CVODE restarts at each with the new set of held units. Events are exact, and dear:
 * a network may have as many as units, and more. The unprojected force is that of the membrane form at u = s.
 */
#include "solver/cvode_integrator.h"

#include "base/memory.h"

#include <cvodes/cvodes.h>
#include <math.h>
#include <string.h>

/* a free unit farther out than this share of atol has left its box unnoticed */
static const double unnoticed = 1e-2;

eqs_status eqs_integrator_create_flow(eqs_integrator *integrator)
{
    eqs_sample *sample = integrator->sample;
    integrator->field = sample->field;
    integrator->boxed = sample->field->lo != NULL;
    if (!integrator->boxed)
        return EQS_OK;
    integrator->lo = sample->lo;
    integrator->hi = sample->hi;
    integrator->held = eqs_alloc(2 * sample->n, sizeof *integrator->held);
    integrator->event = eqs_alloc(sample->n, sizeof *integrator->event);
    if (integrator->held == NULL || integrator->event == NULL)
        return EQS_NO_MEMORY;
    integrator->force = integrator->held + sample->n;
    integrator->as_membrane = *sample->phase.net;
    integrator->as_membrane.form = EQS_FORM_MEMBRANE;
    EQS_TRY(eqs_energy_create(&integrator->as_membrane, &integrator->own_energy));
    EQS_TRY(eqs_field_create(integrator->own_energy, &sample->phase, &integrator->own));
    integrator->field = integrator->own;
    return EQS_OK;
}

void eqs_integrator_destroy_flow(eqs_integrator *integrator)
{
    eqs_field_destroy(integrator->own);
    eqs_energy_destroy(integrator->own_energy);
    eqs_free(integrator->held);
    eqs_free(integrator->event);
}

/* the side of its box that x is on or beyond: -1, 1, or 0 inside */
static double side(const eqs_integrator *integrator, size_t i, double x)
{
    return x <= integrator->lo[i] ? -1.0 : x >= integrator->hi[i] ? 1.0 : 0.0;
}

/* One function per unit that falls through 0 at its next event: the distance to the nearer bound of a free
 * unit, the force that presses a held one against its bound. */
static int distance_to_event(realtype t, N_Vector y, realtype *distance, void *user)
{
    eqs_integrator *integrator = user;
    const double *x = N_VGetArrayPointer(y);
    int bad = integrator->field->ops->rhs(integrator->field, t, x, integrator->force);
    for (size_t i = 0; i < integrator->sample->n; i++) {
        double room = fmin(x[i] - integrator->lo[i], integrator->hi[i] - x[i]);
        if (integrator->held[i] != 0.0)
            distance[i] = integrator->held[i] * integrator->force[i];
        else
            distance[i] = isinf(room) ? 1.0 : room;
    }
    return bad == 0 ? 0 : -1;
}

eqs_status eqs_integrator_watch_events(eqs_integrator *integrator)
{
    size_t n = integrator->sample->n;
    if (!integrator->boxed)
        return EQS_OK;
    for (size_t i = 0; i < n; i++)
        integrator->event[i] = -1;
    if (CVodeRootInit(integrator->cvode, (int)n, distance_to_event) != CV_SUCCESS ||
        CVodeSetRootDirection(integrator->cvode, integrator->event) != CV_SUCCESS ||
        CVodeSetNoInactiveRootWarn(integrator->cvode) != CV_SUCCESS)
        return eqs_fail(EQS_NO_MEMORY, "no memory for CVODE's root finding");
    return EQS_OK;
}

void eqs_integrator_start(eqs_integrator *integrator, double *x)
{
    eqs_field *field = integrator->field;
    if (!integrator->boxed) {
        field->ops->from_state(field, integrator->sample->state, integrator->options->settled_start, x);
        return;
    }
    /* x = s, inside the box; held where the force is outward */
    eqs_field_reload(field);
    field->ops->from_state(field, integrator->sample->state, false, x);
    for (size_t i = 0; i < integrator->sample->n; i++)
        x[i] = eqs_clip(x[i], integrator->lo[i], integrator->hi[i]);
    field->ops->rhs(field, 0.0, x, integrator->force);
    for (size_t i = 0; i < integrator->sample->n; i++) {
        double at = side(integrator, i, x[i]);
        integrator->held[i] = at * integrator->force[i] > 0.0 ? at : 0.0;
    }
}

void eqs_integrator_snap(const eqs_integrator *integrator, double *x)
{
    for (size_t i = 0; integrator->boxed && i < integrator->sample->n; i++) {
        if (integrator->held[i] != 0.0)
            x[i] = integrator->held[i] > 0.0 ? integrator->hi[i] : integrator->lo[i];
    }
}

/* A free unit that has met or crossed a bound is put on it and held. */
static bool hold(eqs_integrator *integrator, double *x, bool located)
{
    bool changed = false;
    for (size_t i = 0; i < integrator->sample->n; i++) {
        double lo = integrator->lo[i], hi = integrator->hi[i], inside = eqs_clip(x[i], lo, hi);
        bool out = fabs(x[i] - inside) > unnoticed * integrator->options->atol;
        if (integrator->held[i] != 0.0 || !(out || (located && integrator->event[i] != 0)))
            continue;
        bool upper = hi - x[i] < x[i] - lo;
        integrator->held[i] = upper ? 1.0 : -1.0;
        x[i] = upper ? hi : lo;
        integrator->event[i] = 0; /* dealt with */
        changed = true;
    }
    return changed;
}

/* A held unit is freed at its event; also when an event at the very start of a step has escaped CVODE, or
 * when others that moved at once have turned its force. */
static bool let_go(eqs_integrator *integrator, const double *x, bool located)
{
    const double rounding = 1e-12;
    bool changed = false;
    integrator->field->ops->rhs(integrator->field, 0.0, x, integrator->force);
    for (size_t i = 0; i < integrator->sample->n; i++) {
        if (integrator->held[i] == 0.0)
            continue;
        bool event = located && integrator->event[i] != 0;
        double pressed = integrator->held[i] * integrator->force[i] * integrator->sample->tau[i];
        if (!event && pressed >= -rounding)
            continue;
        integrator->held[i] = 0.0;
        changed = true;
    }
    return changed;
}

bool eqs_integrator_meet_event(eqs_integrator *integrator, int flag)
{
    double *x = N_VGetArrayPointer(integrator->y);
    bool located = flag == CV_ROOT_RETURN;
    if (!integrator->boxed)
        return false;
    if (located)
        CVodeGetRootInfo(integrator->cvode, integrator->event);
    bool changed = hold(integrator, x, located);
    return let_go(integrator, x, located) || changed;
}

int eqs_integrator_flow(eqs_integrator *integrator, double t, const double *x, double *f)
{
    int bad = integrator->field->ops->rhs(integrator->field, t, x, f);
    for (size_t i = 0; integrator->boxed && i < integrator->sample->n; i++)
        f[i] = integrator->held[i] != 0.0 ? 0.0 : f[i];
    return bad;
}

void eqs_integrator_product(eqs_integrator *integrator, const double *v, double *Jv)
{
    integrator->field->ops->jacobian_product(integrator->field, v, Jv);
    for (size_t i = 0; integrator->boxed && i < integrator->sample->n; i++)
        Jv[i] = integrator->held[i] != 0.0 ? 0.0 : Jv[i];
}

void eqs_integrator_diagonal(eqs_integrator *integrator, double *diagonal)
{
    integrator->field->ops->jacobian_diagonal(integrator->field, diagonal);
    for (size_t i = 0; integrator->boxed && i < integrator->sample->n; i++)
        diagonal[i] = integrator->held[i] != 0.0 ? 0.0 : diagonal[i];
}

void eqs_integrator_values(eqs_integrator *integrator, double *value)
{
    eqs_field_values(integrator->field, value);
    for (size_t j = 0; integrator->boxed && j < integrator->field->n_nonzeros; j++) {
        if (integrator->held[integrator->row[j]] != 0.0)
            value[j] = 0.0;
    }
}

void eqs_integrator_dense(eqs_integrator *integrator, double *J)
{
    size_t n = integrator->sample->n;
    eqs_field_dense(integrator->field, J);
    for (size_t i = 0; integrator->boxed && i < n; i++) {
        for (size_t j = 0; integrator->held[i] != 0.0 && j < n; j++)
            J[j * n + i] = 0.0;
    }
}
