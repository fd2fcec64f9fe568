#include "models/field.h"

#include "base/memory.h"
#include "models/field_factors.h"

#include <math.h>
#include <string.h>

/* The field of a network in one phase. Per layer k the matrices hold [batch x n_k]; entry 0 is NULL for a
 * clamped input but for s and r, which then hold the data. With D the linear map r -> drive, in every form
 *   df/dx = (diagonal + left D right) / tau. */
typedef struct network_field {
    eqs_field base;
    const eqs_energy *energy;
    const eqs_phase *phase;
    size_t first;           /* first free layer */
    double *block;          /* the memory behind the matrices */
    double **s, **r;        /* state and activity */
    double **fixed;         /* drive of clamped inputs and biases */
    double **drive;         /* -dF/dr */
    double **force;         /* unit forces but the leak */
    double **curvature;     /* unit curvatures but the leak */
    double **left, **right; /* row and column factors of the Jacobian */
    double **diagonal;
    double **p, **q;               /* scratch */
    double *lo, *hi, *rate, *leak; /* [n] box, 1/tau and coefficient of the leak of every variable */
} network_field;

enum { N_MATRICES = 11 };

static network_field *self(eqs_field *field)
{
    return (network_field *)field;
}

static size_t layer_size(const network_field *f, size_t k)
{
    return f->base.batch * f->energy->net->layer[k].units;
}

static bool clipped(const network_field *f, size_t k)
{
    return eqs_activation_is_clipped(&f->energy->net->layer[k].activation);
}

/* sums a method of all unit terms but the leak, which the forms treat each in its own way */
static void other_forces(network_field *f, bool curvature, double *const *out)
{
    eqs_point at = {f->base.batch, f->s, f->r, NULL};
    for (size_t k = f->first; k < f->energy->net->n_layers; k++)
        memset(out[k], 0, layer_size(f, k) * sizeof(double));
    for (size_t t = 0; t < f->energy->n_terms; t++) {
        const eqs_term *term = &f->energy->term[t];
        if (term->class->force == NULL || term->class->leak != NULL)
            continue;
        (curvature ? term->class->curvature : term->class->force)(term, f->phase, &at, out);
    }
}

/* r, drive and the other forces from s */
static void evaluate(network_field *f)
{
    const eqs_network *net = f->energy->net;
    for (size_t k = f->first; k < net->n_layers; k++)
        eqs_activity(net, k, layer_size(f, k), f->s[k], f->r[k], NULL);
    double *data = f->r[0];
    if (f->first == 1) /* the clamped input's share is in `fixed` */
        f->r[0] = NULL;
    eqs_energy_drive_product(f->energy, f->phase, f->base.batch, f->r, f->drive);
    f->r[0] = data;
    for (size_t k = f->first; k < net->n_layers; k++) {
        for (size_t i = 0; i < layer_size(f, k); i++)
            f->drive[k][i] += f->fixed[k][i];
    }
    other_forces(f, false, f->force);
}

/* s(x) into f->s */
static void set_state(network_field *f, const double *x)
{
    const eqs_network *net = f->energy->net;
    const double *lo = f->lo, *hi = f->hi;
    for (size_t k = f->first; k < net->n_layers; k++) {
        size_t n = layer_size(f, k);
        const eqs_activation *a = &net->layer[k].activation;
        if (net->form == EQS_FORM_GRADIENT) {
            memcpy(f->s[k], x, n * sizeof *x);
        } else if (clipped(f, k)) {
            for (size_t i = 0; i < n; i++)
                f->s[k][i] = x[i] < lo[i] ? lo[i] : x[i] > hi[i] ? hi[i] : x[i]; /* keeps NaN */
        } else {
            for (size_t i = 0; i < n; i++)
                f->s[k][i] = eqs_rho(a, x[i]);
        }
        x += n;
        lo += n;
        hi += n;
    }
}

/* g projected on the box at s: 0 when it pushes outwards */
static double project(double g, double s, double lo, double hi)
{
    if ((s <= lo && g < 0.0) || (s >= hi && g > 0.0))
        return 0.0;
    return g;
}

static int rhs(eqs_field *field, double t, const double *x, double *out)
{
    (void)t;
    network_field *f = self(field);
    const eqs_network *net = f->energy->net;
    const double *rate = f->rate, *leak = f->leak, *lo = f->lo, *hi = f->hi;
    double sum = 0.0;
    set_state(f, x);
    evaluate(f);
    for (size_t k = f->first; k < net->n_layers; k++) {
        const eqs_activation *a = &net->layer[k].activation;
        size_t n = layer_size(f, k);
        const double *s = f->s[k], *drive = f->drive[k], *force = f->force[k];
        for (size_t i = 0; i < n; i++) {
            double value;
            if (net->form == EQS_FORM_MEMBRANE)
                value = drive[i] + force[i] - leak[i] * x[i];
            else if (net->form == EQS_FORM_PROJECTED) /* outside the box: back to it */
                value = project(drive[i] + force[i] - leak[i] * s[i], s[i], lo[i], hi[i]) +
                        leak[i] * (s[i] - x[i]);
            else
                value = eqs_rho_derivative(a, s[i]) * drive[i] + force[i] - leak[i] * s[i];
            out[i] = value * rate[i];
            sum += out[i];
        }
        x += n;
        out += n;
        rate += n;
        leak += n;
        lo += n;
        hi += n;
    }
    return isfinite(sum) ? 0 : 1;
}

static void prepare(eqs_field *field, const double *x)
{
    network_field *f = self(field);
    const eqs_network *net = f->energy->net;
    set_state(f, x);
    if (net->form != EQS_FORM_MEMBRANE) /* whose Jacobian does not contain the drive */
        evaluate(f);
    other_forces(f, true, f->curvature);
    const double *leak = f->leak, *lo = f->lo, *hi = f->hi;
    for (size_t k = f->first; k < net->n_layers; k++) {
        const eqs_activation *a = &net->layer[k].activation;
        size_t n = layer_size(f, k);
        for (size_t i = 0; i < n; i++) {
            double s = f->s[k][i], curvature = f->curvature[k][i];
            if (net->form == EQS_FORM_MEMBRANE) {
                double slope = eqs_rho_derivative(a, x[i]); /* ds/du, and dr/ds = 1 */
                if (clipped(f, k))
                    slope = x[i] >= lo[i] && x[i] <= hi[i] ? 1.0 : 0.0;
                f->left[k][i] = 1.0;
                f->right[k][i] = slope;
                f->diagonal[k][i] = -leak[i] - curvature * slope;
            } else if (net->form == EQS_FORM_PROJECTED) {
                double g = f->drive[k][i] + f->force[k][i] - leak[i] * s;
                double free = x[i] == s && (g == 0.0 || project(g, s, lo[i], hi[i]) != 0.0) ? 1.0 : 0.0;
                f->left[k][i] = f->right[k][i] = free;
                f->diagonal[k][i] = -free * (leak[i] + curvature) - (x[i] != s ? leak[i] : 0.0);
            } else {
                double slope = eqs_rho_derivative(a, s);
                f->left[k][i] = f->right[k][i] = slope;
                f->diagonal[k][i] = -leak[i] - curvature + eqs_rho_second(a, s) * f->drive[k][i];
            }
        }
        x += n;
        leak += n;
        lo += n;
        hi += n;
    }
}

static void jacobian_product(eqs_field *field, const double *v, double *Jv)
{
    network_field *f = self(field);
    const eqs_network *net = f->energy->net;
    const double *next = v;
    for (size_t k = f->first; k < net->n_layers; k++) {
        size_t n = layer_size(f, k);
        for (size_t i = 0; i < n; i++)
            f->p[k][i] = f->right[k][i] * next[i];
        next += n;
    }
    eqs_energy_drive_product(f->energy, f->phase, f->base.batch, f->p, f->q);
    const double *rate = f->rate;
    for (size_t k = f->first; k < net->n_layers; k++) {
        size_t n = layer_size(f, k);
        for (size_t i = 0; i < n; i++)
            Jv[i] = rate[i] * (f->diagonal[k][i] * v[i] + f->left[k][i] * f->q[k][i]);
        v += n;
        Jv += n;
        rate += n;
    }
}

static void jacobian_diagonal(eqs_field *field, double *out)
{
    network_field *f = self(field);
    const double *rate = f->rate;
    for (size_t k = f->first; k < f->energy->net->n_layers; k++) {
        size_t n = layer_size(f, k);
        for (size_t i = 0; i < n; i++)
            out[i] = rate[i] * f->diagonal[k][i]; /* D has no diagonal: no unit couples to itself */
        out += n;
        rate += n;
    }
}

static void residual(eqs_field *field, const double *x, double *out)
{
    network_field *f = self(field);
    const eqs_network *net = f->energy->net;
    set_state(f, x);
    evaluate(f);
    memset(out, 0, f->base.batch * sizeof *out);
    const double *leak = f->leak, *lo = f->lo, *hi = f->hi;
    for (size_t k = f->first; k < net->n_layers; k++) {
        const eqs_activation *a = &net->layer[k].activation;
        size_t units = net->layer[k].units, n = layer_size(f, k);
        for (size_t i = 0; i < n; i++) {
            double s = f->s[k][i], g;
            if (eqs_state_is_rate(net, k))
                g = f->drive[k][i] + f->force[k][i] - leak[i] * x[i];
            else if (net->form == EQS_FORM_GRADIENT)
                g = project(eqs_rho_derivative(a, s) * f->drive[k][i] + f->force[k][i] - leak[i] * s, s,
                            lo[i], hi[i]);
            else
                g = project(f->drive[k][i] + f->force[k][i] - leak[i] * s, s, lo[i], hi[i]);
            double size = fabs(g) / net->layer[k].weight;
            if (!(size <= out[i / units])) /* NaN counts as the largest */
                out[i / units] = size;
        }
        x += n;
        leak += n;
        lo += n;
        hi += n;
    }
}

static void energy_of(eqs_field *field, const double *x, double *F)
{
    network_field *f = self(field);
    const eqs_network *net = f->energy->net;
    set_state(f, x);
    for (size_t k = f->first; k < net->n_layers; k++)
        eqs_activity(net, k, layer_size(f, k), f->s[k], f->r[k], NULL);
    eqs_point at = {f->base.batch, f->s, f->r, NULL};
    eqs_energy_value(f->energy, f->phase, &at, F);
}

static void to_state(eqs_field *field, const double *x, eqs_state *state)
{
    network_field *f = self(field);
    set_state(f, x);
    for (size_t k = f->first; k < f->energy->net->n_layers; k++)
        memcpy(state->s[k], f->s[k], layer_size(f, k) * sizeof(double));
}

/* potential of one membrane unit in state s */
static double potential(const eqs_activation *a, bool rate, double s, bool settled, double pull, double lo,
                        double hi)
{
    if (rate)
        return eqs_rho_inverse(a, s);
    if (settled && s >= hi)
        return fmax(hi, pull);
    if (settled && s <= lo)
        return fmin(lo, pull);
    return s;
}

static void from_state(eqs_field *field, const eqs_state *state, bool settled, double *x)
{
    network_field *f = self(field);
    const eqs_network *net = f->energy->net;
    for (size_t k = f->first; k < net->n_layers; k++)
        memcpy(f->s[k], state->s[k], layer_size(f, k) * sizeof(double));
    if (settled && net->form == EQS_FORM_MEMBRANE)
        evaluate(f);
    const double *leak = f->leak, *lo = f->lo, *hi = f->hi;
    for (size_t k = f->first; k < net->n_layers; k++) {
        const eqs_activation *a = &net->layer[k].activation;
        size_t n = layer_size(f, k);
        for (size_t i = 0; i < n; i++) {
            double pull = settled ? (f->drive[k][i] + f->force[k][i]) / leak[i] : 0.0;
            x[i] = net->form == EQS_FORM_MEMBRANE
                       ? potential(a, eqs_state_is_rate(net, k), f->s[k][i], settled, pull, lo[i], hi[i])
                       : f->s[k][i];
        }
        x += n;
        leak += n;
        lo += n;
        hi += n;
    }
}

static void destroy(eqs_field *field)
{
    network_field *f = self(field);
    eqs_free(f->block);
    eqs_free(f->s);
    eqs_free(f);
}

static const eqs_field_ops network_ops = {
    .name = "network",
    .rhs = rhs,
    .jacobian_product = jacobian_product,
    .prepare = prepare,
    .jacobian_diagonal = jacobian_diagonal,
    .residual = residual,
    .energy = energy_of,
    .to_state = to_state,
    .from_state = from_state,
    .destroy = destroy,
};

/* Carves the matrices of all layers out of one block. */
static eqs_status allocate(network_field *f)
{
    const eqs_network *net = f->energy->net;
    size_t all = 0;
    for (size_t k = 0; k < net->n_layers; k++)
        all += layer_size(f, k);
    f->block = eqs_alloc(N_MATRICES * all + 4 * f->base.n, sizeof *f->block);
    f->s = eqs_alloc(N_MATRICES * net->n_layers, sizeof *f->s);
    if (f->block == NULL || f->s == NULL)
        return EQS_NO_MEMORY;
    double ***matrix[N_MATRICES] = {&f->s,    &f->r,     &f->fixed,    &f->drive, &f->force, &f->curvature,
                                    &f->left, &f->right, &f->diagonal, &f->p,     &f->q};
    double *next = f->block;
    for (size_t m = 0; m < N_MATRICES; m++) {
        *matrix[m] = f->s + m * net->n_layers;
        for (size_t k = 0; k < net->n_layers; k++) {
            bool wanted = k >= f->first || m < 2;
            (*matrix[m])[k] = wanted ? next : NULL;
            next += layer_size(f, k);
        }
    }
    f->lo = next;
    f->hi = next + f->base.n;
    f->rate = next + 2 * f->base.n;
    f->leak = next + 3 * f->base.n;
    f->base.leak = f->leak;
    return EQS_OK;
}

/* Bounds and rates of every variable, and what the field tells solvers about itself. */
static void describe(network_field *f)
{
    const eqs_network *net = f->energy->net;
    size_t at = 0;
    for (size_t k = f->first; k < net->n_layers; k++) {
        const eqs_layer *layer = &net->layer[k];
        bool kinks = eqs_activation_has_kinks(&layer->activation);
        for (size_t i = 0; i < layer->units; i++)
            kinks = kinks || isfinite(layer->lo[i]) || isfinite(layer->hi[i]);
        f->base.has_kinks = f->base.has_kinks || kinks;
        f->base.discontinuous = f->base.discontinuous || (kinks && net->form != EQS_FORM_MEMBRANE);
        for (size_t i = 0; i < layer_size(f, k); i++, at++) {
            f->lo[at] = layer->lo[i % layer->units];
            f->hi[at] = layer->hi[i % layer->units];
            f->rate[at] = 1.0 / (layer->tau[i % layer->units] * layer->weight);
        }
    }
    if (net->form == EQS_FORM_PROJECTED) {
        f->base.lo = f->lo;
        f->base.hi = f->hi;
    }
}

eqs_status eqs_field_create(const eqs_energy *energy, const eqs_phase *phase, eqs_field **out)
{
    network_field *f = eqs_alloc(1, sizeof *f);
    if (f == NULL)
        return EQS_NO_MEMORY;
    f->energy = energy;
    f->phase = phase;
    f->first = eqs_first_free_layer(energy->net);
    f->base.ops = &network_ops;
    f->base.batch = phase->batch;
    f->base.n_sample = eqs_network_state_size(energy->net);
    f->base.n = phase->batch * f->base.n_sample;
    eqs_status status = allocate(f);
    if (status != EQS_OK) {
        destroy(&f->base);
        return status;
    }
    describe(f);
    eqs_field_reload(&f->base);
    *out = &f->base;
    return EQS_OK;
}

void eqs_field_destroy(eqs_field *field)
{
    if (field != NULL)
        field->ops->destroy(field);
}

/* the coefficients of the leak; the same for all samples */
static void reload_leak(network_field *f)
{
    const eqs_network *net = f->energy->net;
    double *leak = f->leak;
    for (size_t k = f->first; k < net->n_layers; k++) {
        size_t units = net->layer[k].units;
        memset(leak, 0, units * sizeof *leak);
        for (size_t t = 0; t < f->energy->n_terms; t++) {
            if (f->energy->term[t].class->leak != NULL)
                f->energy->term[t].class->leak(&f->energy->term[t], f->phase, k, leak);
        }
        for (size_t b = 1; b < f->base.batch; b++)
            memcpy(leak + b * units, leak, units * sizeof *leak);
        leak += layer_size(f, k);
    }
}

void eqs_field_reload(eqs_field *field)
{
    network_field *f = self(field);
    const eqs_network *net = f->energy->net;
    for (size_t k = 0; k < net->n_layers; k++)
        memset(f->r[k], 0, layer_size(f, k) * sizeof(double));
    if (f->first == 1) {
        memcpy(f->s[0], f->phase->x, layer_size(f, 0) * sizeof(double));
        eqs_activity(net, 0, layer_size(f, 0), f->s[0], f->r[0], NULL);
    }
    /* the drive is affine in r: what is left at r = 0 of the free layers is the fixed part */
    eqs_point at = {f->base.batch, f->s, f->r, NULL};
    eqs_energy_drive(f->energy, f->phase, &at, f->fixed);
    reload_leak(f);
}

eqs_field_factors eqs_field_get_factors(eqs_field *field)
{
    network_field *f = self(field);
    return (eqs_field_factors){f->energy, f->phase, f->left, f->right, f->diagonal, f->rate};
}
