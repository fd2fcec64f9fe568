#include "solver/spectrum.h"

#include "base/memory.h"
#include "base/random.h"

#include <arpack/arpack.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* LAPACK (OpenBLAS): eigenvalues of symmetric and of general matrices */
extern void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
                   double *work, const int *lwork, int *info);
extern void dgeev_(const char *jobvl, const char *jobvr, const int *n, double *a, const int *lda, double *wr,
                   double *wi, double *vl, const int *ldvl, double *vr, const int *ldvr, double *work,
                   const int *lwork, int *info);

/* The operator S J S^-1 on the moving units. With S = sqrt(tau / right) (right: column factors of J) it is
 * symmetric for every gradient flow. */
typedef struct moving_field {
    eqs_field *field;
    size_t n, *index; /* of the moving units in x */
    double *scale;    /* [n] S */
    double *v, *Jv;   /* [field->n] */
} moving_field;

eqs_spectrum_options eqs_spectrum_options_default(void)
{
    return (eqs_spectrum_options){.dense_limit = 300, .ends = 4};
}

static void apply(moving_field *m, const double *in, double *out)
{
    memset(m->v, 0, m->field->n * sizeof *m->v);
    for (size_t i = 0; i < m->n; i++)
        m->v[m->index[i]] = in[i] / m->scale[i];
    m->field->ops->jacobian_product(m->field, m->v, m->Jv);
    for (size_t i = 0; i < m->n; i++)
        out[i] = m->scale[i] * m->Jv[m->index[i]];
}

/* Lists the moving units with their scales. rho'(u) of smooth membranes multiplies columns of their Jacobian.
 */
static void list_moving(moving_field *m, const eqs_network *net, const eqs_state *state, const double *x)
{
    size_t at = 0;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        const eqs_layer *layer = &net->layer[k];
        for (size_t i = 0; i < layer->units; i++, at++) {
            double s = state->s[k][i];
            bool rate = eqs_state_is_rate(net, k);
            if (!rate && (s <= layer->lo[i] || s >= layer->hi[i]))
                continue;
            double slope = rate ? eqs_rho_derivative(&layer->activation, x[at]) : 1.0;
            m->scale[m->n] = sqrt(layer->tau[i] * fmax(slope, 1e-300) / layer->weight);
            m->index[m->n++] = at;
        }
    }
}

/* |u . A v - v . A u| for random u, v tells whether A is symmetric. */
static bool is_symmetric(moving_field *m, double *u, double *v, double *Au, double *Av)
{
    eqs_random stream = eqs_random_stream(1, EQS_RANDOM_TEST, 0, 0);
    double uAv = 0.0, vAu = 0.0, size = 0.0;
    for (size_t i = 0; i < m->n; i++) {
        u[i] = eqs_random_uniform(&stream, 2 * i) - 0.5;
        v[i] = eqs_random_uniform(&stream, 2 * i + 1) - 0.5;
    }
    apply(m, u, Au);
    apply(m, v, Av);
    for (size_t i = 0; i < m->n; i++) {
        uAv += u[i] * Av[i];
        vAu += v[i] * Au[i];
        size += fabs(u[i] * Av[i]) + fabs(v[i] * Au[i]);
    }
    return fabs(uAv - vAu) <= 1e-10 * size;
}

static eqs_status dense(moving_field *m, eqs_spectrum *out)
{
    int n = (int)m->n, room = 8 * n + 8, one = 1, info = 0;
    double *A = eqs_alloc(m->n * m->n + m->n + (size_t)room, sizeof *A);
    if (A == NULL)
        return EQS_NO_MEMORY;
    double *unit = A + m->n * m->n, *work = unit + m->n;
    for (size_t j = 0; j < m->n; j++) {
        memset(unit, 0, m->n * sizeof *unit);
        unit[j] = 1.0;
        apply(m, unit, A + j * m->n);
    }
    if (out->symmetric)
        dsyev_("N", "L", &n, A, &n, out->real, work, &room, &info);
    else
        dgeev_("N", "N", &n, A, &n, out->real, out->imag, NULL, &one, NULL, &one, work, &room, &info);
    eqs_free(A);
    return info == 0 ? EQS_OK
                     : eqs_fail(EQS_NOT_CONVERGED,
                                "spectrum: LAPACK's eigenvalues of %d units fail (info %d)", n, info);
}

/* One end of the spectrum by ARPACK: which = "LA"/"SA" (symmetric), "LR"/"SR" (general); writes `wanted`
 * values.
 */
static eqs_status end_of_spectrum(moving_field *m, bool symmetric, const char *which, size_t wanted,
                                  double *real, double *imag)
{
    a_int n = (a_int)m->n, nev = (a_int)wanted, ncv = (a_int)(4 * wanted + 20), ido = 0, info = 1;
    ncv = ncv > n ? n : ncv;
    size_t lworkl = 3 * (size_t)ncv * (size_t)ncv + 8 * (size_t)ncv;
    size_t N = m->n, V = (size_t)ncv * N;
    double *block = eqs_alloc(N + V + 3 * N + lworkl + 2 * (wanted + 1) + 3 * (size_t)ncv, sizeof *block);
    a_int *select = eqs_alloc((size_t)ncv, sizeof *select);
    if (block == NULL || select == NULL) {
        eqs_free(block);
        eqs_free(select);
        return EQS_NO_MEMORY;
    }
    double *resid = block, *basis = resid + N, *workd = basis + V, *workl = workd + 3 * N;
    double *dr = workl + lworkl, *di = dr + wanted + 1, *workev = di + wanted + 1;
    a_int iparam[11] = {1, 0, 3000, 1, 0, 0, 1}, ipntr[14];
    for (size_t i = 0; i < N; i++) /* the same start every time */
        resid[i] = 1.0 + 0.5 * sin((double)i);
    while (ido != 99) {
        if (symmetric)
            dsaupd_c(&ido, "I", n, which, nev, 1e-10, resid, ncv, basis, n, iparam, ipntr, workd, workl,
                     (a_int)lworkl, &info);
        else
            dnaupd_c(&ido, "I", n, which, nev, 1e-10, resid, ncv, basis, n, iparam, ipntr, workd, workl,
                     (a_int)lworkl, &info);
        if (ido == 1 || ido == -1)
            apply(m, workd + ipntr[0] - 1, workd + ipntr[1] - 1);
        else if (ido != 99)
            break;
    }
    if (info == 0 && symmetric)
        dseupd_c(0, "A", select, dr, NULL, 1, 0.0, "I", n, which, nev, 1e-10, resid, ncv, basis, n, iparam,
                 ipntr, workd, workl, (a_int)lworkl, &info);
    else if (info == 0)
        dneupd_c(0, "A", select, dr, di, NULL, 1, 0.0, 0.0, workev, "I", n, which, nev, 1e-10, resid, ncv,
                 basis, n, iparam, ipntr, workd, workl, (a_int)lworkl, &info);
    memcpy(real, dr, wanted * sizeof *real);
    memcpy(imag, di, wanted * sizeof *imag);
    eqs_free(block);
    eqs_free(select);
    return info == 0 ? EQS_OK
                     : eqs_fail(EQS_NOT_CONVERGED,
                                "spectrum: ARPACK's eigenvalues of %zu units fail (info %d)", N, (int)info);
}

typedef struct pair {
    double real, imag;
} pair;

static int slowest_first(const void *a, const void *b)
{
    const pair *p = a, *q = b;
    if (p->real != q->real)
        return p->real > q->real ? -1 : 1;
    return p->imag > q->imag ? -1 : p->imag < q->imag;
}

static eqs_status finish(eqs_spectrum *out)
{
    pair *value = eqs_alloc(out->n, sizeof *value);
    if (value == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < out->n; i++)
        value[i] = (pair){out->real[i], out->symmetric ? 0.0 : out->imag[i]};
    qsort(value, out->n, sizeof *value, slowest_first);
    for (size_t i = 0; i < out->n; i++) {
        out->real[i] = value[i].real;
        out->imag[i] = value[i].imag;
    }
    eqs_free(value);
    out->slowest = -1.0 / out->real[0];
    out->fastest = -1.0 / out->real[out->n - 1];
    out->stiffness = out->slowest / out->fastest;
    return EQS_OK;
}

static eqs_status solve(moving_field *m, const eqs_spectrum_options *options, eqs_spectrum *out)
{
    size_t n = m->n, ends = options->ends;
    double *scratch = eqs_alloc(4 * n, sizeof *scratch);
    bool all = n <= options->dense_limit || n < 4 * ends + 4;
    out->moving = n;
    out->n = all ? n : 2 * ends;
    out->real = eqs_alloc(2 * out->n, sizeof *out->real);
    if (scratch == NULL || out->real == NULL) {
        eqs_free(scratch);
        return EQS_NO_MEMORY;
    }
    out->imag = out->real + out->n;
    out->symmetric = is_symmetric(m, scratch, scratch + n, scratch + 2 * n, scratch + 3 * n);
    eqs_free(scratch);
    if (all) {
        EQS_TRY(dense(m, out));
    } else {
        bool symmetric = out->symmetric;
        EQS_TRY(end_of_spectrum(m, symmetric, symmetric ? "LA" : "LR", ends, out->real, out->imag));
        EQS_TRY(
            end_of_spectrum(m, symmetric, symmetric ? "SA" : "SR", ends, out->real + ends, out->imag + ends));
    }
    return finish(out);
}

eqs_status eqs_spectrum_at(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *state,
                           const eqs_spectrum_options *options, eqs_spectrum *out)
{
    *out = (eqs_spectrum){.slowest = NAN, .fastest = NAN, .stiffness = NAN};
    eqs_spectrum_options defaults = eqs_spectrum_options_default();
    moving_field m = {0};
    EQS_TRY(eqs_field_create(energy, phase, &m.field));
    size_t n = m.field->n;
    double *x = eqs_alloc(4 * n, sizeof *x);
    m.index = eqs_alloc(n, sizeof *m.index);
    eqs_status status = x == NULL || m.index == NULL ? EQS_NO_MEMORY : EQS_OK;
    if (status == EQS_OK) {
        m.v = x + n;
        m.Jv = x + 2 * n;
        m.scale = x + 3 * n;
        m.field->ops->from_state(m.field, state, true, x);
        m.field->ops->prepare(m.field, x);
        list_moving(&m, energy->net, state, x);
        if (m.n > 0)
            status = solve(&m, options == NULL ? &defaults : options, out);
    }
    if (status != EQS_OK)
        eqs_spectrum_clear(out);
    eqs_field_destroy(m.field);
    eqs_free(m.index);
    eqs_free(x);
    return status;
}

void eqs_spectrum_clear(eqs_spectrum *spectrum)
{
    eqs_free(spectrum->real);
    *spectrum = (eqs_spectrum){0};
}
