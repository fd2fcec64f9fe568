/* Newton's method for the fixed-point equation G(z) = z - law(s(z)) of a resistive network. dv/ds = 1/(a +
 * g_d) lies between 0 and 1/a, so that the Jacobian I - (dv/ds) ds/dv is bounded however steep the diodes. */
#include "solver/nodal_internal.h"

#include "base/memory.h"
#include "models/dense.h"
#include "solver/node_law.h"

#include <klu.h>
#include <math.h>
#include <string.h>

extern void dgesv_(const int *n, const int *nrhs, double *a, const int *lda, int *pivot, double *b,
                   const int *ldb, int *info);

typedef struct sparse {
    klu_common common;
    klu_symbolic *symbolic;
    klu_numeric *numeric;
    double *value;
} sparse;

/* numbers of the nodes of one colour, or of all when colour is SIZE_MAX */
static size_t list_nodes(const eqs_nodal *nodal, size_t colour, size_t *list)
{
    size_t n = 0;
    for (size_t k = eqs_first_free_layer(nodal->net); k < nodal->net->n_layers; k++) {
        for (size_t i = 0; i < nodal->net->layer[k].units; i++) {
            if (colour == SIZE_MAX || nodal->plan->layer[k].colour == colour)
                list[n++] = nodal->start[k] + i;
        }
    }
    return n;
}

/* calls add(user, row, column, d s_row / d v_column) for every resistor between free nodes, both ways */
static void for_resistors(const eqs_nodal *nodal,
                          void (*add)(void *user, size_t row, size_t column, double g), void *user)
{
    const eqs_network *net = nodal->net;
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t a = net->coupling[c].from, b = net->coupling[c].to, columns = net->layer[b].units;
        const eqs_node_layer *node = &net->resistive->layer[a];
        const double *g = eqs_weights_const(net, nodal->phase->theta, c);
        for (size_t i = 0; a >= eqs_first_free_layer(net) && i < net->layer[a].units; i++) {
            for (size_t j = 0; j < columns; j++) {
                size_t low = nodal->start[a] + i, high = nodal->start[b] + j;
                if (g[i * columns + j] == 0.0)
                    continue;
                add(user, high, low, g[i * columns + j] * (a == b ? 1.0 : node->gain[i]));
                if (a != b)
                    add(user, low, high, g[i * columns + j] * node->back[i]);
            }
        }
    }
}

/* where dense entries go: places of nodes in z or h */
typedef struct dense_sink {
    eqs_nodal *nodal;
    const size_t *place; /* [n] of a node in its list */
    const bool *in_z;    /* [n] */
} dense_sink;

static void add_dense(void *user, size_t row, size_t column, double g)
{
    dense_sink *sink = user;
    eqs_nodal *nodal = sink->nodal;
    if (sink->in_z[column])
        nodal->from_z[sink->place[row] * nodal->n_z + sink->place[column]] = g;
    else
        nodal->to_z[sink->place[column] * nodal->n_z + sink->place[row]] = g;
}

static eqs_status couple_dense(eqs_nodal *nodal)
{
    nodal->n_z = list_nodes(nodal, 1, nodal->z);
    nodal->n_h = list_nodes(nodal, 0, nodal->h);
    nodal->from_z = eqs_alloc(nodal->n_h * nodal->n_z, sizeof *nodal->from_z);
    nodal->to_z = eqs_alloc(nodal->n_h * nodal->n_z, sizeof *nodal->to_z);
    size_t *place = eqs_alloc(nodal->n, sizeof *place);
    bool *in_z = eqs_alloc(nodal->n, sizeof *in_z);
    eqs_status status = EQS_NO_MEMORY;
    if (nodal->from_z != NULL && nodal->to_z != NULL && place != NULL && in_z != NULL) {
        for (size_t i = 0; i < nodal->n_z; i++) {
            place[nodal->z[i]] = i;
            in_z[nodal->z[i]] = true;
        }
        for (size_t i = 0; i < nodal->n_h; i++)
            place[nodal->h[i]] = i;
        dense_sink sink = {nodal, place, in_z};
        for_resistors(nodal, add_dense, &sink);
        status = EQS_OK;
    }
    eqs_free(place);
    eqs_free(in_z);
    return status;
}

/* compressed columns in the making: first how many entries, then where the next goes */
typedef struct sparse_sink {
    eqs_nodal *nodal;
    bool count;
} sparse_sink;

static void add_sparse(void *user, size_t row, size_t column, double g)
{
    sparse_sink *sink = user;
    eqs_nodal *nodal = sink->nodal;
    if (sink->count) {
        nodal->column[column + 1]++;
        return;
    }
    int at = nodal->column[column]++;
    nodal->row[at] = (int)row;
    nodal->coefficient[at] = g;
}

/* every column starts with its diagonal; KLU sorts no rows and needs none sorted */
static eqs_status couple_sparse(eqs_nodal *nodal)
{
    size_t n = nodal->n;
    nodal->n_z = list_nodes(nodal, SIZE_MAX, nodal->z);
    nodal->column = eqs_alloc(n + 1, sizeof *nodal->column);
    if (nodal->column == NULL)
        return EQS_NO_MEMORY;
    sparse_sink sink = {nodal, true};
    for_resistors(nodal, add_sparse, &sink);
    for (size_t i = 0; i < n; i++)
        nodal->column[i + 1] += nodal->column[i] + 1;
    size_t entries = (size_t)nodal->column[n];
    nodal->n_couplings = entries - n;
    nodal->row = eqs_alloc(entries, sizeof *nodal->row);
    nodal->coefficient = eqs_alloc(entries, sizeof *nodal->coefficient);
    if (nodal->row == NULL || nodal->coefficient == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        add_sparse(&(sparse_sink){nodal, false}, i, i, 0.0);
    sink.count = false;
    for_resistors(nodal, add_sparse, &sink);
    for (size_t i = n; i > 0; i--) /* filling has moved every start to its column's end */
        nodal->column[i] = nodal->column[i - 1];
    nodal->column[0] = 0;
    return EQS_OK;
}

eqs_status eqs_nodal_couple(eqs_nodal *nodal)
{
    nodal->z = eqs_alloc(nodal->n, sizeof *nodal->z);
    nodal->h = eqs_alloc(nodal->n, sizeof *nodal->h);
    if (nodal->z == NULL || nodal->h == NULL)
        return EQS_NO_MEMORY;
    return nodal->plan->exact ? couple_dense(nodal) : couple_sparse(nodal);
}

eqs_status eqs_nodal_newton_create(eqs_nodal_sample *w)
{
    const eqs_nodal *nodal = w->nodal;
    if (nodal->plan->exact) {
        w->J = eqs_alloc(nodal->n_z * nodal->n_z, sizeof *w->J);
        w->scaled = eqs_alloc(nodal->n_h * nodal->n_z, sizeof *w->scaled);
        w->pivot = eqs_alloc(nodal->n_z, sizeof *w->pivot);
        return w->J == NULL || w->scaled == NULL || w->pivot == NULL ? EQS_NO_MEMORY : EQS_OK;
    }
    sparse *s = w->sparse = eqs_alloc(1, sizeof *s);
    if (s == NULL)
        return EQS_NO_MEMORY;
    klu_defaults(&s->common);
    s->value = eqs_alloc(nodal->n_couplings + nodal->n, sizeof *s->value);
    if (s->value == NULL)
        return EQS_NO_MEMORY;
    s->symbolic = klu_analyze((int)nodal->n, nodal->column, nodal->row, &s->common);
    return s->symbolic == NULL ? eqs_fail(EQS_NO_MEMORY, "KLU cannot analyse %zu nodes", nodal->n) : EQS_OK;
}

void eqs_nodal_newton_destroy(eqs_nodal_sample *w)
{
    sparse *s = w->sparse;
    if (s != NULL) {
        klu_free_numeric(&s->numeric, &s->common);
        klu_free_symbolic(&s->symbolic, &s->common);
        eqs_free(s->value);
    }
    eqs_free(s);
    eqs_free(w->J);
    eqs_free(w->scaled);
    eqs_free(w->pivot);
}

/* law(s) and dv/ds of the layers of a colour (SIZE_MAX: all) at the voltages v, into `out` */
static void apply_law(eqs_nodal_sample *w, size_t colour, const double *v, double *out)
{
    const eqs_nodal *nodal = w->nodal;
    const eqs_network *net = nodal->net;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        size_t start = nodal->start[k];
        if (colour != SIZE_MAX && nodal->plan->layer[k].colour != colour)
            continue;
        eqs_nodal_drive(w, k, v, w->s + start);
        for (size_t i = 0; i < net->layer[k].units; i++)
            out[start + i] = eqs_node_solve(net, k, i, nodal->a[start + i], w->s[start + i], v[start + i],
                                            &w->slope[start + i]);
    }
}

/* law(s(z)) into w->next from the z in v, whose h are set to what z makes them; returns max |G|, NaN when
 * something is not finite */
static double evaluate(eqs_nodal_sample *w, double *v)
{
    const eqs_nodal *nodal = w->nodal;
    bool two = nodal->plan->exact;
    if (two)
        apply_law(w, 0, v, v);
    apply_law(w, two ? 1 : SIZE_MAX, v, w->next);
    double most = 0.0;
    for (size_t i = 0; i < nodal->n_z; i++) {
        double g = fabs(v[nodal->z[i]] - w->next[nodal->z[i]]);
        if (!(g <= most))
            most = g;
    }
    return most;
}

/* step = J^-1 (law - z); false when J is singular */
static bool solve_dense(eqs_nodal_sample *w)
{
    const eqs_nodal *nodal = w->nodal;
    size_t n = nodal->n_z;
    int order = (int)n, one = 1, info;
    for (size_t i = 0; i < nodal->n_h; i++) {
        for (size_t j = 0; j < n; j++)
            w->scaled[i * n + j] = w->slope[nodal->h[i]] * nodal->to_z[i * n + j];
    }
    /* J column-major: J[j n + i] = delta - slope_i sum_h to_z[h, i] slope_h from_z[h, j] */
    memset(w->J, 0, n * n * sizeof *w->J);
    eqs_dense_tn(n, n, nodal->n_h, -1.0, nodal->from_z, w->scaled, w->J);
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < n; i++)
            w->J[j * n + i] = (i == j ? 1.0 : 0.0) + w->slope[nodal->z[i]] * w->J[j * n + i];
    }
    dgesv_(&order, &one, w->J, &order, w->pivot, w->step, &order, &info);
    return info == 0;
}

static bool solve_sparse(eqs_nodal_sample *w)
{
    const eqs_nodal *nodal = w->nodal;
    sparse *s = w->sparse;
    for (size_t j = 0; j < nodal->n; j++) {
        int first = nodal->column[j];
        s->value[first] = 1.0;
        for (int at = first + 1; at < nodal->column[j + 1]; at++)
            s->value[at] = -w->slope[nodal->row[at]] * nodal->coefficient[at];
    }
    klu_free_numeric(&s->numeric, &s->common);
    s->numeric = klu_factor((int *)nodal->column, (int *)nodal->row, s->value, s->symbolic, &s->common);
    return s->numeric != NULL &&
           klu_solve(s->symbolic, s->numeric, (int)nodal->n, 1, w->step, &s->common) == 1;
}

/* one full step of z in w->trial, at which evaluate() has been called; false when there is none */
static bool step(eqs_nodal_sample *w)
{
    const eqs_nodal *nodal = w->nodal;
    for (size_t i = 0; i < nodal->n_z; i++)
        w->step[i] = w->next[nodal->z[i]] - w->trial[nodal->z[i]];
    if (!(nodal->plan->exact ? solve_dense(w) : solve_sparse(w)))
        return false;
    for (size_t i = 0; i < nodal->n_z; i++)
        w->trial[nodal->z[i]] += w->step[i];
    return true;
}

size_t eqs_nodal_newton(eqs_nodal_sample *w, bool *closer)
{
    enum { PATIENCE = 12 };
    const eqs_nodal *nodal = w->nodal;
    const double enough = 0.9;
    size_t steps = 0;
    memcpy(w->trial, w->v, nodal->n * sizeof *w->trial);
    double before = evaluate(w, w->trial), after = before;
    /* full steps: |G| may rise where sweeps would hardly contract, and falls after a few */
    while (steps < PATIENCE && isfinite(after) && !(after <= enough * before) && step(w)) {
        after = evaluate(w, w->trial);
        steps++;
    }
    *closer = after <= enough * before;
    if (!*closer)
        return steps;
    memcpy(w->v, w->trial, nodal->n * sizeof *w->v);
    for (size_t i = 0; i < nodal->n_z; i++)
        w->v[nodal->z[i]] = w->next[nodal->z[i]]; /* on the law: inside the box, and on the diode's curve */
    if (nodal->plan->exact)
        apply_law(w, 0, w->v, w->v);
    return steps;
}
