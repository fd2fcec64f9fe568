#include "solver/nodal_internal.h"

#include "base/memory.h"
#include "models/terms/terms.h"
#include "solver/node_law.h"
#include "solver/sample.h"

#include <math.h>
#include <string.h>

static bool is_free(const eqs_network *net, size_t k)
{
    return k >= eqs_first_free_layer(net);
}

static eqs_status number_nodes(eqs_nodal *nodal)
{
    const eqs_network *net = nodal->net;
    nodal->start = eqs_alloc(net->n_layers + 1, sizeof *nodal->start);
    if (nodal->start == NULL)
        return EQS_NO_MEMORY;
    for (size_t k = 0; k < net->n_layers; k++) {
        nodal->start[k] = nodal->n;
        nodal->n += is_free(net, k) ? net->layer[k].units : 0;
    }
    nodal->start[net->n_layers] = nodal->n;
    return EQS_OK;
}

/* a, with the conductance form of the nudge at the outputs */
static void set_conductances(eqs_nodal *nodal)
{
    const eqs_network *net = nodal->net;
    size_t last = net->n_layers - 1;
    for (size_t k = 1; k < net->n_layers; k++)
        eqs_resistive_conductance(net, nodal->phase->theta, k, nodal->a + nodal->start[k]);
    for (size_t i = 0; net->resistive->nudge == EQS_NUDGE_CONDUCTANCE && i < net->layer[last].units; i++)
        nodal->a[nodal->start[last] + i] += nodal->phase->beta[EQS_BETA_Y];
}

/* s[j] += A_i v_i g_ij from below */
static void add_from_below(size_t rows, size_t columns, const double *g, const double *gain,
                           const double *restrict v, double *restrict s)
{
    for (size_t i = 0; i < rows; i++) {
        double out = gain[i] * v[i];
        for (size_t j = 0; out != 0.0 && j < columns; j++)
            s[j] += g[i * columns + j] * out;
    }
}

/* Currents at v = 0 that do not depend on the free nodes, of one sample: biases, sources and nudge. Sample by
 * sample, so that bits do not depend on the batch; zero and nudge are states of one sample. */
static void set_fixed(const eqs_nodal *nodal, size_t b, const eqs_state *zero, const eqs_state *nudge)
{
    const eqs_network *net = nodal->net;
    eqs_phase phase = eqs_phase_rows(nodal->phase, b, 1);
    size_t last = net->n_layers - 1;
    double *fixed = nodal->fixed + b * nodal->n;
    for (size_t k = 1; k <= last; k++)
        memcpy(fixed + nodal->start[k], eqs_bias_const(net, phase.theta, k),
               net->layer[k].units * sizeof *fixed);
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t to = net->coupling[c].to;
        if (net->coupling[c].from == 0)
            add_from_below(net->layer[0].units, net->layer[to].units, eqs_weights_const(net, phase.theta, c),
                           net->resistive->layer[0].gain, phase.x, fixed + nodal->start[to]);
    }
    for (size_t i = 0; i < net->layer[0].units; i++)
        nodal->source[b] = fmax(nodal->source[b], fabs(phase.x[i]));
    memset(nudge->s[last], 0, net->layer[last].units * sizeof(double));
    eqs_point at = {1, zero->s, zero->s, NULL};
    for (size_t t = 0; t < nodal->energy->n_terms; t++) {
        const eqs_term *term = &nodal->energy->term[t];
        if (term->class == &eqs_term_output_cost)
            term->class->force(term, &phase, &at, nudge->s);
    }
    for (size_t i = 0; i < net->layer[last].units; i++)
        fixed[nodal->start[last] + i] += nudge->s[last][i];
}

static eqs_status set_all_fixed(const eqs_nodal *nodal)
{
    eqs_state *zero = NULL, *nudge = NULL;
    eqs_status status = eqs_state_create(nodal->net, 1, &zero);
    if (status == EQS_OK)
        status = eqs_state_create(nodal->net, 1, &nudge);
    for (size_t b = 0; status == EQS_OK && b < nodal->phase->batch; b++)
        set_fixed(nodal, b, zero, nudge);
    eqs_state_destroy(zero);
    eqs_state_destroy(nudge);
    return status;
}

static eqs_status build(eqs_nodal *nodal)
{
    EQS_TRY(number_nodes(nodal));
    EQS_TRY(eqs_plan_create(nodal->net, 1, &nodal->plan));
    nodal->a = eqs_alloc(nodal->n, sizeof *nodal->a);
    nodal->fixed = eqs_alloc(nodal->phase->batch * nodal->n, sizeof *nodal->fixed);
    nodal->source = eqs_alloc(nodal->phase->batch, sizeof *nodal->source);
    if (nodal->a == NULL || nodal->source == NULL || nodal->fixed == NULL)
        return EQS_NO_MEMORY;
    set_conductances(nodal);
    return set_all_fixed(nodal);
}

eqs_status eqs_nodal_create(const eqs_energy *energy, const eqs_phase *phase, bool newton, eqs_nodal **out)
{
    eqs_nodal *nodal = eqs_alloc(1, sizeof *nodal);
    if (nodal == NULL)
        return EQS_NO_MEMORY;
    nodal->energy = energy;
    nodal->phase = phase;
    nodal->net = energy->net;
    eqs_status status = build(nodal);
    if (status == EQS_OK && newton)
        status = eqs_nodal_couple(nodal);
    if (status != EQS_OK) {
        eqs_nodal_destroy(nodal);
        return status;
    }
    *out = nodal;
    return EQS_OK;
}

void eqs_nodal_destroy(eqs_nodal *nodal)
{
    if (nodal == NULL)
        return;
    eqs_plan_destroy(nodal->plan);
    eqs_free(nodal->start);
    eqs_free(nodal->a);
    eqs_free(nodal->fixed);
    eqs_free(nodal->source);
    eqs_free(nodal->z);
    eqs_free(nodal->h);
    eqs_free(nodal->from_z);
    eqs_free(nodal->to_z);
    eqs_free(nodal->column);
    eqs_free(nodal->row);
    eqs_free(nodal->coefficient);
    eqs_free(nodal);
}

eqs_status eqs_nodal_sample_create(const eqs_nodal *nodal, bool newton, eqs_nodal_sample **out)
{
    enum { VECTORS = 7 };
    eqs_nodal_sample *w = eqs_alloc(1, sizeof *w);
    if (w == NULL)
        return EQS_NO_MEMORY;
    w->nodal = nodal;
    double **vector[VECTORS] = {&w->v, &w->v_free, &w->s, &w->slope, &w->next, &w->trial, &w->step};
    w->v = eqs_alloc(VECTORS * nodal->n, sizeof *w->v);
    for (size_t i = 1; w->v != NULL && i < VECTORS; i++)
        *vector[i] = w->v + i * nodal->n;
    eqs_status status = w->v == NULL ? EQS_NO_MEMORY : newton ? eqs_nodal_newton_create(w) : EQS_OK;
    if (status != EQS_OK) {
        eqs_nodal_sample_destroy(w);
        return status;
    }
    *out = w;
    return EQS_OK;
}

void eqs_nodal_sample_destroy(eqs_nodal_sample *w)
{
    if (w == NULL)
        return;
    eqs_nodal_newton_destroy(w);
    eqs_free(w->v);
    eqs_free(w);
}

/* s[i] += kappa_i sum_j g_ij v_j from above */
static void add_from_above(size_t rows, size_t columns, const double *g, const double *back,
                           const double *restrict v, double *restrict s)
{
    for (size_t i = 0; i < rows; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < columns; j++)
            sum += g[i * columns + j] * v[j];
        s[i] += back[i] * sum;
    }
}

/* the resistors of layer k but its lateral ones */
static void drive_from_others(const eqs_nodal_sample *w, size_t k, const double *v, double *s)
{
    const eqs_nodal *nodal = w->nodal;
    const eqs_network *net = nodal->net;
    const size_t *start = nodal->start;
    memcpy(s, nodal->fixed + w->sample * nodal->n + start[k], net->layer[k].units * sizeof *s);
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t a = net->coupling[c].from, b = net->coupling[c].to;
        const double *g = eqs_weights_const(net, nodal->phase->theta, c);
        const eqs_node_layer *node = &net->resistive->layer[a];
        size_t rows = net->layer[a].units, columns = net->layer[b].units;
        if (b == k && a != k && is_free(net, a))
            add_from_below(rows, columns, g, node->gain, v + start[a], s);
        else if (a == k && b != k)
            add_from_above(rows, columns, g, node->back, v + start[b], s);
    }
}

/* lateral conductances of layer k or NULL */
static const double *lateral_of(const eqs_nodal *nodal, size_t k)
{
    size_t c = nodal->plan->layer[k].self_coupling;
    return c == SIZE_MAX ? NULL : eqs_weights_const(nodal->net, nodal->phase->theta, c);
}

void eqs_nodal_drive(const eqs_nodal_sample *w, size_t k, const double *v, double *s)
{
    size_t n = w->nodal->net->layer[k].units;
    const double *g = lateral_of(w->nodal, k), *own = v + w->nodal->start[k];
    drive_from_others(w, k, v, s);
    for (size_t i = 0; g != NULL && i < n; i++) {
        for (size_t j = 0; j < n; j++)
            s[i] += g[i * n + j] * own[j];
    }
}

static bool sweep_layer(eqs_nodal_sample *w, size_t k)
{
    const eqs_nodal *nodal = w->nodal;
    size_t n = nodal->net->layer[k].units, start = nodal->start[k];
    const double *g = lateral_of(nodal, k);
    double *s = w->s + start, *v = w->v + start;
    bool finite = true;
    drive_from_others(w, k, w->v, s);
    for (size_t i = 0; i < n; i++) {
        double current = s[i];
        for (size_t j = 0; g != NULL && j < n; j++)
            current += g[i * n + j] * v[j];
        v[i] = eqs_node_solve(nodal->net, k, i, nodal->a[start + i], current, v[i], NULL);
        finite = finite && isfinite(v[i]);
    }
    return finite;
}

bool eqs_nodal_sweep(eqs_nodal_sample *w)
{
    const eqs_plan *plan = w->nodal->plan;
    bool finite = true;
    for (size_t i = 0; i < plan->colour_start[plan->n_colours]; i++)
        finite = sweep_layer(w, plan->order[i]) && finite;
    return finite;
}

/* current into node i of layer k at v, projected on the box of ideal diodes; *a receives the conductance
 * there */
static double node_residual(const eqs_nodal *nodal, size_t k, size_t i, double s, double v, double *a)
{
    const eqs_node_layer *node = &nodal->net->resistive->layer[k];
    const eqs_layer *layer = &nodal->net->layer[k];
    *a = nodal->a[nodal->start[k] + i];
    double r = s - *a * v;
    if (node->law < EQS_DIODE_SHOCKLEY)
        return eqs_projected(r, v, layer->lo[i], layer->hi[i]);
    eqs_diode diode = eqs_resistive_diode(nodal->net, k, i);
    const double junction[2] = {node->lo[i] - v, v - node->hi[i]};
    for (int side = 0; side < 2; side++) {
        if (!isfinite(junction[side]))
            continue;
        double current = eqs_diode_current(&diode, junction[side]);
        r += side == 0 ? current : -current;
        *a += eqs_diode_slope(&diode, junction[side]);
    }
    return r;
}

double eqs_nodal_residual(eqs_nodal_sample *w, double *relative)
{
    const eqs_nodal *nodal = w->nodal;
    const eqs_network *net = nodal->net;
    double worst = 0.0, V = nodal->source[w->sample];
    for (size_t i = 0; i < nodal->n; i++)
        V = fmax(V, fabs(w->v[i]));
    *relative = 0.0;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        size_t start = nodal->start[k], n = net->layer[k].units;
        double response = 0.0, error = 0.0;
        eqs_nodal_drive(w, k, w->v, w->s + start);
        for (size_t i = start; i < start + n; i++) {
            double a, r = fabs(node_residual(nodal, k, i - start, w->s[i], w->v[i], &a));
            if (!(r <= worst))
                worst = r;
            response = fmax(response, fabs(w->v[i] - w->v_free[i]));
            if (r > eqs_nodal_rounding(a, V))
                error = fmax(error, r / a);
        }
        if (error > 0.0)
            *relative = fmax(*relative, response > 0.0 ? error / response : INFINITY);
    }
    return worst;
}
