/* Products with few outputs, the update between hidden layers and the ideal laws, for one instruction set and
 * precision; included by resistive_kernel_set.h after resistive_kernel_pass.h. */

INLINE REAL N(total)(N(vec) v)
{
    /* halves, as a tree: the order is fixed */
    REAL lane[N(LANES)];
    N(store)(lane, v);
    for (size_t half = N(LANES) / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}

INLINE REAL N(largest)(N(vec) v)
{
    REAL lane[N(LANES)], most = 0;
    N(store)(lane, v);
    for (size_t i = 0; i < N(LANES); i++)
        most = lane[i] > most ? lane[i] : most;
    return most;
}

INLINE N(vec) N(magnitude)(N(vec) v)
{
    return N(select)(v < 0, -v, v);
}

/* four rows by `k` outputs, a constant at every call */
INLINE void N(dots_tile)(size_t k, size_t n, const REAL *v, size_t ldv, const REAL *g, REAL *c, size_t ldc)
{
    N(vec) sum[EQS_ROW_BLOCK][5] = {{{0}}};
    for (size_t j = 0; j < n; j += N(LANES)) {
        N(vec) row[EQS_ROW_BLOCK];
#pragma GCC unroll 4
        for (size_t b = 0; b < EQS_ROW_BLOCK; b++)
            row[b] = N(load)(v + b * ldv + j);
#pragma GCC unroll 5
        for (size_t i = 0; i < k; i++) {
            N(vec) w = N(load)(g + i * n + j);
#pragma GCC unroll 4
            for (size_t b = 0; b < EQS_ROW_BLOCK; b++)
                sum[b][i] += row[b] * w;
        }
    }
    for (size_t b = 0; b < EQS_ROW_BLOCK; b++)
        for (size_t i = 0; i < k; i++)
            c[b * ldc + i] = N(total)(sum[b][i]);
}

static void N(dots)(size_t rows, size_t outputs, size_t n, const REAL *v, size_t ldv, const REAL *g, REAL *c,
                    size_t ldc)
{
    for (size_t b = 0; b < rows; b += EQS_ROW_BLOCK) {
        size_t k = 0;
        for (; k + 5 <= outputs; k += 5)
            N(dots_tile)(5, n, v + b * ldv, ldv, g + k * n, c + b * ldc + k, ldc);
        for (; k < outputs; k++)
            N(dots_tile)(1, n, v + b * ldv, ldv, g + k * n, c + b * ldc + k, ldc);
    }
}

static void N(spread)(size_t rows, size_t outputs, size_t n, const REAL *o, size_t ldo, const REAL *g,
                      REAL *d, size_t ldd)
{
    for (size_t b = 0; b < rows; b += EQS_ROW_BLOCK)
        for (size_t j = 0; j < n; j += N(LANES)) {
            REAL *to = d + b * ldd + j;
            const REAL *from = o + b * ldo;
            N(vec) sum[EQS_ROW_BLOCK];
#pragma GCC unroll 4
            for (size_t i = 0; i < EQS_ROW_BLOCK; i++)
                sum[i] = N(load)(to + i * ldd);
            for (size_t k = 0; k < outputs; k++) {
                N(vec) w = N(load)(g + k * n + j);
#pragma GCC unroll 4
                for (size_t i = 0; i < EQS_ROW_BLOCK; i++)
                    sum[i] += from[i * ldo + k] * w;
            }
#pragma GCC unroll 4
            for (size_t i = 0; i < EQS_ROW_BLOCK; i++)
                N(store)(to + i * ldd, sum[i]);
        }
}

/* Row i of a matrix in up to four vectors `apart` numbers from each other, at columns `step` apart. */
INLINE void N(update_row)(const N(eqs_matrix_update) * job, size_t vectors, size_t i, size_t padded,
                          size_t at, size_t step, REAL *g, size_t apart, N(vec) sum[4])
{
    const REAL *value = job->value + i * job->terms;
    const uint32_t *term = job->term + i * job->terms;
    size_t count = job->count[i];
    N(vec) u[4] = {{0}};
    for (size_t t = 0; t < count; t++) {
        const REAL *of_column = job->of_column + term[t] * padded + at;
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; v++)
            u[v] += value[t] * N(load)(of_column + v * step);
    }
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; v++) {
        size_t j = at + v * step;
        N(vec) w = N(load)(g + v * apart) - (N(load)(job->column + j) + job->row[i]) + u[v];
        w = N(clip)(w, N(load)(job->lo + j), N(load)(job->hi + j));
        N(store)(g + v * apart, w);
        sum[v] += w;
    }
}

INLINE void N(update_panels)(const N(eqs_matrix_update) * job, size_t panels, size_t p, size_t padded,
                             size_t height, REAL *g, REAL *column_sum)
{
    for (size_t v = 0; v < N(PV); v++) {
        size_t at = p * EQS_PANEL + v * N(LANES), apart = height * EQS_PANEL;
        N(vec) sum[4] = {{0}};
        for (size_t i = 0; i < job->m; i++)
            N(update_row)
        (job, panels, i, padded, at, EQS_PANEL, g + p * apart + i * EQS_PANEL + v * N(LANES), apart, sum);
        for (size_t q = 0; q < panels; q++)
            N(store)(column_sum + at + q * EQS_PANEL, sum[q]);
    }
}

static void N(matrix)(const N(eqs_matrix_update) * job, size_t height, REAL *g, size_t first, size_t last,
                      REAL *sum)
{
    size_t padded = (job->n + EQS_PANEL - 1) / EQS_PANEL * EQS_PANEL, p = first;
    for (; p + 4 <= last; p += 4)
        N(update_panels)(job, 4, p, padded, height, g, sum);
    for (; p < last; p++)
        N(update_panels)(job, 1, p, padded, height, g, sum);
}

static void N(small)(const N(eqs_matrix_update) * job, REAL *g, REAL *column_sum, REAL *row_sum)
{
    size_t padded = (job->n + EQS_PANEL - 1) / EQS_PANEL * EQS_PANEL;
    memset(column_sum, 0, padded * sizeof *column_sum);
    for (size_t i = 0; i < job->m; i++) {
        N(vec) whole = {0};
        for (size_t j = 0; j < padded; j += N(LANES)) {
            N(vec) w[4] = {{0}};
            N(update_row)(job, 1, i, padded, j, 0, g + i * padded + j, 0, w);
            N(store)(column_sum + j, N(load)(column_sum + j) + w[0]);
            whole += w[0];
        }
        row_sum[i] = N(total)(whole);
    }
}

static void N(pack)(size_t rows, size_t K, const REAL *v, size_t ldv, N(eqs_rows) * out)
{
    out->rows = rows;
    for (size_t first = 0, j = 0; first < rows; first += 8, j++) {
        size_t take = rows - first < 8 ? rows - first : 8, t = 0;
        uint32_t *index = out->index + j * out->K;
        REAL *value = out->value + j * 8 * out->K;
        for (size_t k = 0; k < K; k++) {
            bool any = false;
            for (size_t b = 0; b < take; b++) {
                REAL x = v[(first + b) * ldv + k];
                value[t * take + b] = x;
                any |= x != 0;
            }
            index[t] = (uint32_t)k;
            t += any;
        }
        out->count[j] = (uint32_t)t;
    }
}

/* `rows` samples by two panels (or the last alone), constants at every call */
INLINE void N(product_tile)(size_t rows, size_t panels, size_t count, const uint32_t *restrict index,
                            const REAL *restrict value, const REAL *g, size_t size, REAL *c, size_t ldc)
{
    for (size_t v = 0; v < N(PV); v++) {
        N(vec) sum[8][2] = {{{0}}};
        for (size_t t = 0; t < count; t++) {
            const REAL *w = g + index[t] * EQS_PANEL + v * N(LANES);
            N(vec) row[2];
#pragma GCC unroll 2
            for (size_t p = 0; p < panels; p++)
                row[p] = N(load)(w + p * size);
#pragma GCC unroll 8
            for (size_t b = 0; b < rows; b++)
#pragma GCC unroll 2
                for (size_t p = 0; p < panels; p++)
                    sum[b][p] += value[t * rows + b] * row[p];
        }
#pragma GCC unroll 8
        for (size_t b = 0; b < rows; b++)
#pragma GCC unroll 2
            for (size_t p = 0; p < panels; p++)
                N(store)(c + b * ldc + p * EQS_PANEL + v * N(LANES), sum[b][p]);
    }
}

static void N(product)(const N(eqs_rows) * a, const REAL *g, size_t height, size_t first, size_t last,
                       REAL *c, size_t ldc)
{
    size_t size = height * EQS_PANEL;
    for (size_t row = 0, j = 0; row < a->rows; row += 8, j++) {
        size_t p = first, count = a->count[j];
        const uint32_t *index = a->index + j * a->K;
        const REAL *value = a->value + j * 8 * a->K;
        bool eight = a->rows - row >= 8;
        for (; p < last; p += 2) {
            REAL *to = c + row * ldc + p * EQS_PANEL;
            if (eight && p + 2 <= last)
                N(product_tile)(8, 2, count, index, value, g + p * size, size, to, ldc);
            else if (eight)
                N(product_tile)(8, 1, count, index, value, g + p * size, size, to, ldc);
            else if (p + 2 <= last)
                N(product_tile)(4, 2, count, index, value, g + p * size, size, to, ldc);
            else
                N(product_tile)(4, 1, count, index, value, g + p * size, size, to, ldc);
        }
    }
}

static REAL N(ideal)(const N(eqs_node_law) * nodes, const REAL *s, const REAL *v, REAL *m, REAL *law)
{
    N(vec) worst = {0}, bad = {0};
    for (size_t i = 0; i < nodes->n; i += N(LANES)) {
        N(vec) drive = N(load)(s + i) * N(load)(nodes->inverse + i);
        N(vec) value = N(clip)(drive, N(load)(nodes->lo + i), N(load)(nodes->hi + i));
        N(vec) left = N(load)(nodes->a + i) * N(magnitude)(value - N(load)(v + i));
        N(store)(m + i, drive);
        N(store)(law + i, value);
        bad += drive - drive; /* NaN once a number is not finite */
        worst = N(select)(left > worst, left, worst);
    }
    return N(largest)(worst) + N(total)(bad);
}

static void N(ideal_response)(const N(eqs_node_law) * nodes, const REAL *s, const REAL *m, const REAL *delta,
                              REAL *law, REAL size[3])
{
    N(vec) change = {0}, most = {0}, current = {0}, bad = {0};
    for (size_t i = 0; i < nodes->n; i += N(LANES)) {
        N(vec) lo = N(load)(nodes->lo + i), hi = N(load)(nodes->hi + i), drive = N(load)(m + i);
        N(vec) free = N(clip)(drive, lo, hi);
        drive = N(load)(s + i) * N(load)(nodes->inverse + i) + (drive - free);
        N(vec) value = N(clip)(drive, lo - free, hi - free);
        N(vec) left = N(magnitude)(value - N(load)(delta + i)), full = N(magnitude)(value);
        N(vec) amps = N(load)(nodes->a + i) * left;
        N(store)(law + i, value);
        bad += drive - drive;
        change = N(select)(left > change, left, change);
        most = N(select)(full > most, full, most);
        current = N(select)(amps > current, amps, current);
    }
    size[0] = N(largest)(change) + N(total)(bad);
    size[1] = N(largest)(most);
    size[2] = N(largest)(current);
}
