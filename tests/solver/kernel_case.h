/* Kernel tests for one precision (REAL, N(name), EPSILON); included twice by test_kernel_product.c. */

static N(eqs_operand) N(operand)(size_t m, size_t block, size_t K)
{
    size_t blocks = (m + block - 1) / block;
    N(eqs_operand) a = {.capacity = K + EQS_OPERAND_SLACK};
    a.rows = eqs_alloc(blocks, sizeof *a.rows);
    a.count = eqs_alloc(blocks, sizeof *a.count);
    a.index = eqs_alloc(blocks * (K + EQS_OPERAND_SLACK), sizeof *a.index);
    a.value = eqs_alloc(blocks * block * (K + EQS_OPERAND_SLACK), sizeof *a.value);
    return a;
}

static void N(operand_free)(N(eqs_operand) * a)
{
    eqs_free(a->rows);
    eqs_free(a->count);
    eqs_free(a->index);
    eqs_free(a->value);
}

/* row-major W [K x n] (or its transpose) to panels */
static REAL *N(panels)(size_t K, size_t n, size_t width, const REAL *W, bool transposed)
{
    REAL *p = eqs_alloc(K * padded(n, width), sizeof *p);
    for (size_t k = 0; k < K; k++) {
        for (size_t j = 0; j < n; j++)
            p[(j / width * K + k) * width + j % width] = transposed ? W[j * K + k] : W[k * n + j];
    }
    return p;
}

static REAL *N(matrix)(uint32_t seed, size_t rows, size_t columns, size_t ld)
{
    REAL *a = eqs_alloc(rows * ld, sizeof *a);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++)
            a[i * ld + j] = (REAL)number(seed, i * columns + j);
    }
    return a;
}

static void N(product_case)(const N(eqs_kernel) * k, size_t m, size_t K, size_t n)
{
    size_t width = k->width, ld = padded(n, width), lda = padded(K, width);
    REAL *A = N(matrix)(1, m, K, lda), *W = N(matrix)(2, K, n, n), *C0 = N(matrix)(3, m, n, ld);
    REAL *C = eqs_alloc(m * ld, sizeof *C), *P = N(panels)(K, n, width, W, false);
    N(eqs_operand) a = N(operand)(m, k->rows, K);
    k->pack_rows(m, K, A, lda, &a);
    k->product(&a, P, K, n, 0, ld / width, C0, ld, C, ld);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = (double)C0[i * ld + j], size = fabs(sum);
            for (size_t t = 0; t < K; t++) {
                sum += (double)A[i * lda + t] * (double)W[t * n + j];
                size += fabs((double)A[i * lda + t] * (double)W[t * n + j]);
            }
            assert_close((double)C[i * ld + j], sum, 0.0, (double)(K + 1) * EPSILON * size);
        }
        for (size_t j = n; j < ld; j++)
            assert_true(C[i * ld + j] == 0); /* padding stays 0 */
    }
    N(operand_free)(&a);
    eqs_free(A);
    eqs_free(W);
    eqs_free(C0);
    eqs_free(C);
    eqs_free(P);
}

static void N(check_products)(const N(eqs_kernel) * k)
{
    for (size_t m = 1; m <= MOST_ROWS; m++) {
        N(product_case)(k, m, MOST_K, MOST_N);
        N(product_case)(k, m, 1, 10);
        N(product_case)(k, m, 5, 1 + m);
    }
}

/* rows alone, in a group, from panels in parts: always the same bits */
static void N(check_bits)(const N(eqs_kernel) * k)
{
    size_t width = k->width, ld = padded(MOST_N, width), lda = padded(MOST_K, width), last = ld / width;
    REAL *A = N(matrix)(4, MOST_ROWS, MOST_K, lda), *W = N(matrix)(5, MOST_K, MOST_N, MOST_N);
    REAL *zero = eqs_alloc(ld, sizeof *zero), *P = N(panels)(MOST_K, MOST_N, width, W, false);
    REAL *all = eqs_alloc(MOST_ROWS * ld, sizeof *all), *part = eqs_alloc(MOST_ROWS * ld, sizeof *part);
    N(eqs_operand) a = N(operand)(MOST_ROWS, k->rows, MOST_K);
    k->pack_rows(MOST_ROWS, MOST_K, A, lda, &a);
    k->product(&a, P, MOST_K, MOST_N, 0, last, zero, 0, all, ld);
    for (size_t group = 1; group < MOST_ROWS; group++) {
        for (size_t first = 0; first < MOST_ROWS; first += group) {
            size_t m = MOST_ROWS - first < group ? MOST_ROWS - first : group;
            k->pack_rows(m, MOST_K, A + first * lda, lda, &a);
            k->product(&a, P, MOST_K, MOST_N, 0, 1, zero, 0, part + first * ld, ld);
            k->product(&a, P, MOST_K, MOST_N, 1, last, zero, 0, part + first * ld, ld);
        }
        assert_memory_equal(part, all, MOST_ROWS * ld * sizeof *all);
    }
    N(operand_free)(&a);
    eqs_free(A);
    eqs_free(W);
    eqs_free(P);
    eqs_free(zero);
    eqs_free(all);
    eqs_free(part);
}

static void N(update_case)(const N(eqs_kernel) * k, size_t m, size_t n, REAL shrink, REAL sign)
{
    size_t width = k->width, ldu = padded(m, width), ldv = padded(n, width), last = ldv / width;
    REAL *U = N(matrix)(6, TERMS, m, ldu), *V = N(matrix)(7, TERMS, n, ldv), *W = N(matrix)(8, m, n, n);
    REAL *P = N(panels)(m, n, width, W, false), *T = N(panels)(n, m, width, W, true);
    double change[MOST_N] = {0}, norm[MOST_N] = {0}, total_change = 0, total_norm = 0, moved = 0, size = 0;
    uint8_t keep[TERMS];
    N(eqs_operand) u = N(operand)(m, 4, TERMS);
    N(eqs_update_terms) terms = {shrink, sign, change, norm};
    for (size_t t = 0; t < TERMS; t++)
        keep[t] = t % 4 != 1;
    k->pack_columns(m, TERMS, (REAL)0.5, U, ldu, keep, &u);
    k->update(&u, V, ldv, m, n, 0, last, P, T, &terms);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double w = (double)W[i * n + j], got = (double)P[(j / width * m + i) * width + j % width];
            double sum = w - (double)shrink * w - (double)sign * (double)((w > 0) - (w < 0));
            for (size_t t = 0; t < TERMS; t++)
                sum += keep[t] ? 0.5 * (double)U[t * ldu + i] * (double)V[t * ldv + j] : 0.0;
            assert_close(got, sum, 0.0, 2.0 * (TERMS + 2) * EPSILON);
            assert_true(P[(j / width * m + i) * width + j % width] ==
                        T[(i / width * n + j) * width + i % width]);
            moved += (got - w) * (got - w);
            size += w * w;
        }
    }
    for (size_t p = 0; p < last; p++) {
        total_change += change[p];
        total_norm += norm[p];
    }
    assert_close(total_change, moved, 1e-12, 0.0);
    assert_close(total_norm, size, 1e-12, 0.0);
    N(operand_free)(&u);
    eqs_free(U);
    eqs_free(V);
    eqs_free(W);
    eqs_free(P);
    eqs_free(T);
}

static void N(check_update)(const N(eqs_kernel) * k)
{
    for (size_t m = 1; m <= 31; m++) {
        N(update_case)(k, m, MOST_N, 0, 0);
        N(update_case)(k, m, 3, (REAL)0.01, 0);
        N(update_case)(k, m, 50, 0, (REAL)0.01);
    }
}

static void N(check_vectors)(const N(eqs_kernel) * k)
{
    size_t n = 7 * k->width;
    REAL *s = N(matrix)(9, 1, n, n), *d = N(matrix)(10, 1, n, n), *p = N(matrix)(11, 1, n, n);
    REAL *out = eqs_alloc(n, sizeof *out), *f = eqs_alloc(n, sizeof *f), *g = eqs_alloc(n, sizeof *g);
    double dot = 0, restart = 0, worst = 0;
    REAL lo = (REAL)-0.25, hi = (REAL)0.5;
    for (size_t i = 0; i < n; i++)
        s[i] = s[i] < lo ? lo : s[i] > hi ? hi : s[i];
    double most = (double)k->box_law(n, s, d, (REAL)1.5, lo, hi, out);
    for (size_t i = 0; i < n; i++) {
        double law = fmin(fmax((double)d[i] / 1.5, -0.25), 0.5), force = 1.5 * (double)s[i] - (double)d[i];
        bool outward = (s[i] <= lo && force > 0) || (s[i] >= hi && force < 0);
        assert_close((double)out[i], law, 0.0, 4.0 * EPSILON);
        worst = fmax(worst, outward ? 0.0 : fabs(force));
        dot += (double)s[i] * (double)d[i];
        restart += ((double)s[i] - (double)d[i]) * ((double)d[i] - (double)p[i]);
    }
    assert_close(most, worst, 0.0, 8.0 * EPSILON);
    assert_close(k->dot(n, s, d), dot, 0.0, (double)n * EPSILON);
    assert_close(k->restart(n, s, d, p), restart, 0.0, 4.0 * (double)n * EPSILON);
    k->extrapolate(n, d, p, (REAL)0.7, lo, hi, out);
    for (size_t i = 0; i < n; i++)
        assert_close((double)out[i],
                     fmin(fmax((double)d[i] + 0.7 * ((double)d[i] - (double)p[i]), -0.25), 0.5), 0.0,
                     8.0 * EPSILON);
    REAL *df = eqs_alloc(n, sizeof *df), *dg = eqs_alloc(2 * n, sizeof *dg),
         gamma[2] = {(REAL)0.3, (REAL)-0.2};
    memcpy(f, p, n * sizeof *f);
    memcpy(g, s, n * sizeof *g);
    k->difference(n, s, d, f, g, df, dg + n);
    for (size_t i = 0; i < n; i++) {
        dg[i] = p[i];
        assert_true(f[i] == d[i] - s[i] && g[i] == d[i] && df[i] == f[i] - p[i] && dg[n + i] == d[i] - s[i]);
    }
    k->mix(n, 2, d, dg, n, gamma, lo, hi, out);
    for (size_t i = 0; i < n; i++)
        assert_close((double)out[i],
                     fmin(fmax((double)d[i] - 0.3 * (double)p[i] + 0.2 * (double)dg[n + i], -0.25), 0.5), 0.0,
                     8.0 * EPSILON);
    for (size_t i = 0; i < n; i++)
        f[i] = (REAL)(0.1 + 0.01 * (double)(i % 7));
    memcpy(g, s, n * sizeof *g);
    k->box_euler(n, d, f, (REAL)1.5, lo, hi, g);
    for (size_t i = 0; i < n; i++)
        assert_close(
            (double)g[i],
            fmin(fmax((double)s[i] + (double)f[i] * ((double)d[i] - 1.5 * (double)s[i]), -0.25), 0.5), 0.0,
            8.0 * EPSILON);
    REAL *blocks[] = {s, d, p, out, f, g, df, dg};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        eqs_free(blocks[i]);
}

static void N(check_not_finite)(const N(eqs_kernel) * k)
{
    const double strange[] = {NAN, INFINITY, -INFINITY};
    size_t n = 3 * k->width;
    REAL *s = eqs_alloc(n, sizeof *s), *d = eqs_alloc(n, sizeof *d), *out = eqs_alloc(n, sizeof *out);
    for (size_t at = 0; at < n; at++) {
        for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
            memset(d, 0, n * sizeof *d);
            d[at] = (REAL)strange[i];
            assert_false(k->box_law(n, s, d, 1, 0, 1, out) <= 1e30);
        }
    }
    eqs_free(s);
    eqs_free(d);
    eqs_free(out);
}
