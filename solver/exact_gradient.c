#include "solver/exact_gradient.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/* LAPACK (OpenBLAS): Cholesky, and LU where the matrix is not positive definite */
extern void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
extern void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda,
                    double *b, const int *ldb, int *info);
extern void dgesv_(const int *n, const int *nrhs, double *a, const int *lda, int *pivot, double *b,
                   const int *ldb, int *info);

/* columns of d2F/ds2 that are formed at once, by one matrix product */
enum { COLUMNS = 32 };

/* layer and unit of a moving variable */
typedef struct place {
    size_t layer, unit;
} place;

/* One sample at its fixed point. Per layer k the vectors hold n_k; layer 0 is NULL when clamped but for s, r.
 */
typedef struct implicit {
    const eqs_energy *energy;
    const eqs_exact_options *options;
    eqs_exact_report *report;
    eqs_phase phase; /* a batch of one */
    size_t first;    /* first free layer */
    size_t sample;
    double *block;
    double **s, **r, **dr;
    double **drive, **force, **curvature;
    double **pull; /* -dC/ds */
    double **lambda;
    double **p, **q; /* [COLUMNS x n_k] */
    place *moving;
    size_t n_moving;
    double *rhs;      /* [n_moving] -dC/ds in, lambda out */
    double *diagonal; /* [n_moving] of d2F/ds2 */
} implicit;

enum { VECTORS = 8 };

eqs_exact_options eqs_exact_options_default(void)
{
    return (eqs_exact_options){
        .dense_limit = 2000, .tolerance = 1e-12, .step = 0.5, .max_iterations = 100000, .margin = 1e-9};
}

static size_t units(const implicit *w, size_t k)
{
    return w->energy->net->layer[k].units;
}

static void release(implicit *w)
{
    eqs_free(w->block);
    eqs_free(w->s);
    eqs_free(w->moving);
    eqs_free(w->rhs);
}

static eqs_status allocate(implicit *w)
{
    const eqs_network *net = w->energy->net;
    size_t all = 0, n = eqs_network_state_size(net);
    for (size_t k = 0; k < net->n_layers; k++)
        all += units(w, k);
    w->block = eqs_alloc((VECTORS + 2 * COLUMNS) * all, sizeof *w->block);
    w->s = eqs_alloc((VECTORS + 2) * net->n_layers, sizeof *w->s);
    w->moving = eqs_alloc(n, sizeof *w->moving);
    w->rhs = eqs_alloc(2 * n, sizeof *w->rhs);
    if (w->block == NULL || w->s == NULL || w->moving == NULL || w->rhs == NULL)
        return EQS_NO_MEMORY;
    w->diagonal = w->rhs + n;
    double ***vector[VECTORS + 2] = {&w->s,         &w->r,    &w->dr,     &w->drive, &w->force,
                                     &w->curvature, &w->pull, &w->lambda, &w->p,     &w->q};
    double *next = w->block;
    for (size_t m = 0; m < VECTORS + 2; m++) {
        *vector[m] = w->s + m * net->n_layers;
        for (size_t k = 0; k < net->n_layers; k++) {
            bool wanted = k >= w->first || m < 3;
            (*vector[m])[k] = wanted ? next : NULL;
            next += (m < VECTORS ? 1 : COLUMNS) * units(w, k);
        }
    }
    return EQS_OK;
}

/* points the phase at one sample and evaluates the energy's pieces there */
static void load(implicit *w, const eqs_phase *phase, const eqs_state *fixed_point, size_t sample)
{
    const eqs_network *net = w->energy->net;
    w->sample = sample;
    w->phase = eqs_phase_rows(phase, sample, 1);
    for (size_t k = 0; k < net->n_layers; k++) {
        memcpy(w->s[k], fixed_point->s[k] + sample * units(w, k), units(w, k) * sizeof(double));
        eqs_activity(net, k, units(w, k), w->s[k], w->r[k], w->dr[k]);
    }
    eqs_point at = {1, w->s, w->r, w->dr};
    eqs_energy_drive(w->energy, &w->phase, &at, w->drive);
    eqs_energy_force(w->energy, &w->phase, &at, w->force);
    eqs_energy_curvature(w->energy, &w->phase, &at, w->curvature);
}

/* pull = -dC/ds: the forces of the terms that beta scales, with delta in beta's place (F is linear in beta)
 */
static void pull_of_cost(implicit *w)
{
    eqs_phase direction = w->phase;
    memcpy(direction.beta, w->energy->net->delta, sizeof direction.beta);
    direction.free_output = NULL;
    eqs_point at = {1, w->s, w->r, w->dr};
    for (size_t k = w->first; k < w->energy->net->n_layers; k++)
        memset(w->pull[k], 0, units(w, k) * sizeof(double));
    for (size_t t = 0; t < w->energy->n_terms; t++) {
        const eqs_term *term = &w->energy->term[t];
        if (term->beta != EQS_BETA_COUNT && term->class->force != NULL)
            term->class->force(term, &direction, &at, w->pull);
    }
}

/* lists the units that can move, with right-hand side and diagonal, and reports on the others */
static void classify(implicit *w)
{
    const eqs_network *net = w->energy->net;
    double margin = w->options->margin;
    w->n_moving = 0;
    for (size_t k = w->first; k < net->n_layers; k++) {
        const eqs_activation *a = &net->layer[k].activation;
        bool rate = eqs_state_is_rate(net, k);
        for (size_t i = 0; i < units(w, k); i++) {
            double s = w->s[k][i], force = w->force[k][i] + w->dr[k][i] * w->drive[k][i];
            double lo = net->layer[k].lo[i], hi = net->layer[k].hi[i];
            bool inside = rate || (s > lo && s < hi);
            bool outward = !inside && ((s <= lo && force < 0.0) || (s >= hi && force > 0.0));
            double gap = fmin(fabs(s - lo), fabs(hi - s));
            w->report->degenerate += !rate && gap <= margin && fabs(force) <= margin;
            w->report->held += !inside;
            w->report->moving += inside;
            if (!outward && !(fabs(force) <= w->report->residual))
                w->report->residual = fabs(force);
            if (!inside)
                continue;
            double bend = rate ? 0.0 : eqs_rho_second(a, s) * w->drive[k][i];
            w->diagonal[w->n_moving] = w->curvature[k][i] - bend;
            w->rhs[w->n_moving] = w->pull[k][i];
            w->moving[w->n_moving++] = (place){k, i};
        }
    }
}

static void clear_columns(implicit *w, size_t n)
{
    for (size_t k = w->first; k < w->energy->net->n_layers; k++)
        memset(w->p[k], 0, n * units(w, k) * sizeof(double));
}

/* H [n x n] = d2F/ds2 on the moving units = diag - r' (d drive/dr) r' */
static void assemble(implicit *w, double *H)
{
    size_t n = w->n_moving;
    for (size_t start = 0; start < n; start += COLUMNS) {
        size_t columns = n - start < COLUMNS ? n - start : COLUMNS;
        clear_columns(w, columns);
        for (size_t j = 0; j < columns; j++) {
            place at = w->moving[start + j];
            w->p[at.layer][j * units(w, at.layer) + at.unit] = w->dr[at.layer][at.unit];
        }
        eqs_energy_drive_product(w->energy, &w->phase, columns, w->p, w->q);
        for (size_t j = 0; j < columns; j++) {
            double *column = H + (start + j) * n;
            for (size_t i = 0; i < n; i++) {
                place at = w->moving[i];
                column[i] = -w->dr[at.layer][at.unit] * w->q[at.layer][j * units(w, at.layer) + at.unit];
            }
            column[start + j] += w->diagonal[start + j];
        }
    }
}

/* the lower triangle and the diagonal again, after a factorisation has overwritten them */
static void restore_lower(double *H, size_t n, const double *diagonal)
{
    for (size_t j = 0; j < n; j++) {
        H[j * n + j] = diagonal[j];
        for (size_t i = j + 1; i < n; i++)
            H[j * n + i] = H[i * n + j];
    }
}

static eqs_status singular(const implicit *w)
{
    return eqs_fail(EQS_NOT_CONVERGED,
                    "exact gradient, sample %zu: d2F/ds2 is singular on its %zu moving units", w->sample,
                    w->n_moving);
}

static eqs_status solve_dense(implicit *w)
{
    size_t n = w->n_moving;
    int order = (int)n, one = 1, info;
    double *H = eqs_alloc(n * n + n, sizeof *H);
    int *pivot = eqs_alloc(n, sizeof *pivot);
    if (H == NULL || pivot == NULL) {
        eqs_free(H);
        eqs_free(pivot);
        return EQS_NO_MEMORY;
    }
    double *diagonal = H + n * n;
    assemble(w, H);
    for (size_t i = 0; i < n; i++)
        diagonal[i] = H[i * n + i];
    dpotrf_("L", &order, H, &order, &info);
    if (info == 0) {
        dpotrs_("L", &order, &one, H, &order, w->rhs, &order, &info);
    } else {
        w->report->not_minima++;
        restore_lower(H, n, diagonal);
        dgesv_(&order, &one, H, &order, pivot, w->rhs, &order, &info);
    }
    eqs_free(H);
    eqs_free(pivot);
    return info == 0 ? EQS_OK : singular(w);
}

/* out = d2F/ds2 v on the moving units */
static void hessian_product(implicit *w, const double *v, double *out)
{
    clear_columns(w, 1);
    for (size_t i = 0; i < w->n_moving; i++) {
        place at = w->moving[i];
        w->p[at.layer][at.unit] = w->dr[at.layer][at.unit] * v[i];
    }
    eqs_energy_drive_product(w->energy, &w->phase, 1, w->p, w->q);
    for (size_t i = 0; i < w->n_moving; i++) {
        place at = w->moving[i];
        out[i] = w->diagonal[i] * v[i] - w->dr[at.layer][at.unit] * w->q[at.layer][at.unit];
    }
}

static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Conjugate gradients with the diagonal as preconditioner; x, r, z, d, Hd are [n]. */
static eqs_status conjugate_gradients(implicit *w, double *x, double *r, double *z, double *d, double *Hd)
{
    size_t n = w->n_moving;
    memcpy(r, w->rhs, n * sizeof *r);
    double goal = w->options->tolerance * sqrt(dot(n, r, r)), rz = 0.0;
    for (size_t iteration = 0; sqrt(dot(n, r, r)) > goal; iteration++) {
        if (iteration == 10 * n + 100)
            return eqs_fail(
                EQS_NOT_CONVERGED,
                "exact gradient, sample %zu: conjugate gradients stall at |residual| = %.3g, %.3g wanted",
                w->sample, sqrt(dot(n, r, r)), goal);
        for (size_t i = 0; i < n; i++)
            z[i] = w->diagonal[i] > 0.0 ? r[i] / w->diagonal[i] : r[i];
        double rz_new = dot(n, r, z), share = iteration == 0 ? 0.0 : rz_new / rz;
        rz = rz_new;
        for (size_t i = 0; i < n; i++)
            d[i] = z[i] + share * d[i];
        hessian_product(w, d, Hd);
        double bend = dot(n, d, Hd);
        if (!(bend > 0.0)) {
            w->report->not_minima++;
            return eqs_fail(EQS_NOT_CONVERGED,
                            "exact gradient, sample %zu: d2F/ds2 is not positive definite, which conjugate "
                            "gradients need; raise dense_limit above %zu to factorise it",
                            w->sample, n);
        }
        for (size_t i = 0; i < n; i++) {
            x[i] += rz / bend * d[i];
            r[i] -= rz / bend * Hd[i];
        }
        w->report->cg_iterations++;
    }
    return EQS_OK;
}

static eqs_status solve_iteratively(implicit *w)
{
    size_t n = w->n_moving;
    double *x = eqs_alloc(5 * n, sizeof *x);
    if (x == NULL)
        return EQS_NO_MEMORY;
    eqs_status status = conjugate_gradients(w, x, x + n, x + 2 * n, x + 3 * n, x + 4 * n);
    memcpy(w->rhs, x, n * sizeof *x);
    eqs_free(x);
    return status;
}

static double smallest_tau(const implicit *w)
{
    double smallest = INFINITY;
    for (size_t k = w->first; k < w->energy->net->n_layers; k++) {
        for (size_t i = 0; i < units(w, k); i++)
            smallest = fmin(smallest, w->energy->net->layer[k].tau[i]);
    }
    return smallest;
}

static double largest_of(size_t n, const double *v)
{
    double most = 0.0;
    for (size_t i = 0; i < n; i++)
        most = fabs(v[i]) <= most ? most : fabs(v[i]); /* NaN wins */
    return most;
}

/* growth of the right-hand side that no relaxation towards a fixed point shows */
static const double unbounded = 1e6;

/* The linearised network relaxes: recurrent back-propagation. x, f, Hx are [n]. */
static void relax_costate(implicit *w, double *x, double *f, double *Hx)
{
    const eqs_exact_options *options = w->options;
    size_t n = w->n_moving;
    double start = largest_of(n, w->rhs), dt = options->step * smallest_tau(w), now = start;
    bool stop = start == 0.0;
    memcpy(f, w->rhs, n * sizeof *f);
    for (size_t iteration = 0; !stop; iteration++) {
        bool done = !options->fixed_iterations && now <= options->tolerance * start;
        if (done || iteration == options->max_iterations || !(now <= unbounded * start))
            break;
        for (size_t i = 0; i < n; i++)
            x[i] += dt / w->energy->net->layer[w->moving[i].layer].tau[w->moving[i].unit] * f[i];
        hessian_product(w, x, Hx);
        for (size_t i = 0; i < n; i++)
            f[i] = w->rhs[i] - Hx[i];
        now = largest_of(n, f);
        w->report->relaxation_iterations++;
    }
    double share = start > 0.0 ? now / start : 0.0;
    if (!(share <= unbounded)) { /* no minimum: the linearised network has no fixed point to go to */
        memset(x, 0, n * sizeof *x);
        w->report->not_minima++;
        share = 1.0;
    }
    w->report->unrelaxed += share > options->tolerance;
    w->report->costate_residual = fmax(w->report->costate_residual, share);
}

static eqs_status solve_by_relaxation(implicit *w)
{
    size_t n = w->n_moving;
    double *x = eqs_alloc(3 * n, sizeof *x);
    if (x == NULL)
        return EQS_NO_MEMORY;
    relax_costate(w, x, x + n, x + 2 * n);
    memcpy(w->rhs, x, n * sizeof *x);
    eqs_free(x);
    return EQS_OK;
}

static eqs_status solve(implicit *w)
{
    if (w->n_moving == 0)
        return EQS_OK;
    if (w->options->relaxation)
        return solve_by_relaxation(w);
    return w->n_moving <= w->options->dense_limit ? solve_dense(w) : solve_iteratively(w);
}

/* lambda from the solution, 0 on the units that are held */
static void spread(implicit *w)
{
    for (size_t k = w->first; k < w->energy->net->n_layers; k++)
        memset(w->lambda[k], 0, units(w, k) * sizeof(double));
    for (size_t i = 0; i < w->n_moving; i++)
        w->lambda[w->moving[i].layer][w->moving[i].unit] = w->rhs[i];
}

static double largest(const implicit *w, double *const *v)
{
    double most = 0.0;
    for (size_t k = w->first; k < w->energy->net->n_layers; k++) {
        for (size_t i = 0; i < units(w, k); i++)
            most = fmax(most, fabs(v[k][i]));
    }
    return most;
}

/* grad += weight * dF/dtheta of the drive terms at the activities r + step p */
static void add_drive_gradient(implicit *w, double step, double weight, double *grad)
{
    const eqs_network *net = w->energy->net;
    for (size_t k = w->first; k < net->n_layers; k++) {
        for (size_t i = 0; i < units(w, k); i++)
            w->q[k][i] = w->r[k][i] + step * w->p[k][i];
    }
    if (w->first == 1)
        w->q[0] = w->r[0];
    eqs_point at = {1, w->s, w->q, NULL};
    for (size_t t = 0; t < w->energy->n_terms; t++) {
        const eqs_term *term = &w->energy->term[t];
        if (term->class->drive != NULL && term->class->gradient != NULL)
            term->class->gradient(term, &w->phase, &at, weight, grad);
    }
    if (w->first == 1)
        w->q[0] = NULL;
}

/* grad += lambda . d2F/ds dtheta: dF/dtheta of the drive terms is at most quadratic in r, so its derivative
 * along p = r' lambda is a central difference, exactly; the step makes p as large as r, for rounding */
static void add_mixed(implicit *w, double *grad)
{
    for (size_t k = w->first; k < w->energy->net->n_layers; k++) {
        for (size_t i = 0; i < units(w, k); i++)
            w->p[k][i] = w->dr[k][i] * w->lambda[k][i];
    }
    double p = largest(w, w->p), r = largest(w, w->r);
    if (p == 0.0)
        return;
    double step = (r > 0.0 ? r : 1.0) / p;
    add_drive_gradient(w, step, 0.5 / step, grad);
    add_drive_gradient(w, -step, -0.5 / step, grad);
}

/* grad += dC/dtheta: the parameter gradients of the terms that beta scales, with delta in beta's place */
static void add_cost_gradient(implicit *w, double *grad)
{
    eqs_phase direction = w->phase;
    memcpy(direction.beta, w->energy->net->delta, sizeof direction.beta);
    eqs_point at = {1, w->s, w->r, w->dr};
    for (size_t t = 0; t < w->energy->n_terms; t++) {
        const eqs_term *term = &w->energy->term[t];
        if (term->beta != EQS_BETA_COUNT && term->class->gradient != NULL)
            term->class->gradient(term, &direction, &at, 1.0, grad);
    }
}

static eqs_status add_sample(implicit *w, double *grad, double *lambda)
{
    pull_of_cost(w);
    classify(w);
    EQS_TRY(solve(w));
    spread(w);
    add_mixed(w, grad);
    add_cost_gradient(w, grad);
    for (size_t k = w->first; lambda != NULL && k < w->energy->net->n_layers; k++) {
        memcpy(lambda, w->lambda[k], units(w, k) * sizeof *lambda);
        lambda += units(w, k);
    }
    return EQS_OK;
}

eqs_status eqs_exact_gradient(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *fixed_point,
                              const eqs_exact_options *options, double *grad, double *lambda,
                              eqs_exact_report *report)
{
    const eqs_network *net = energy->net;
    eqs_exact_options defaults = eqs_exact_options_default();
    eqs_exact_report own;
    if (net->delta[EQS_BETA_Y] != 0.0 && phase->target == NULL)
        return eqs_fail(EQS_BAD_DATA, "exact gradient: delta nudges the output, but there are no targets");
    if (net->resistive != NULL && !net->resistive->reciprocal)
        return eqs_fail(
            EQS_BAD_CONFIG,
            "exact gradient: the amplifiers of layer %zu make the network non-reciprocal (kappa / A "
            "is not the same everywhere), so that it has no energy",
            net->resistive->uneven_layer);
    implicit w = {.energy = energy,
                  .options = options == NULL ? &defaults : options,
                  .report = report == NULL ? &own : report,
                  .first = eqs_first_free_layer(net)};
    memset(w.report, 0, sizeof *w.report);
    memset(grad, 0, net->n_parameters * sizeof *grad);
    size_t n = eqs_network_state_size(net);
    eqs_status status = allocate(&w);
    for (size_t b = 0; status == EQS_OK && b < phase->batch; b++) {
        load(&w, phase, fixed_point, b);
        status = add_sample(&w, grad, lambda == NULL ? NULL : lambda + b * n);
    }
    release(&w);
    return status;
}
