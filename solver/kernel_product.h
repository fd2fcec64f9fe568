/* Packing, products and rank updates for one instruction set and precision (REAL, N(name), VECTOR_BYTES,
 * VECTORS, ROWS); included by kernel_set.h. */

typedef REAL N(vec) __attribute__((vector_size(VECTOR_BYTES)));
typedef REAL N(loose) __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));
typedef REAL N(quad) __attribute__((vector_size(4 * sizeof(REAL))));
typedef REAL N(loose_quad) __attribute__((vector_size(4 * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));

typedef int64_t N(quad_bits) __attribute__((vector_size(4 * sizeof(REAL))));

enum { N(LANES) = VECTOR_BYTES / sizeof(REAL), N(WIDTH) = VECTORS * VECTOR_BYTES / sizeof(REAL) };

INLINE N(vec) N(load)(const REAL *p)
{
    return *(const N(loose) *)p;
}

INLINE void N(store)(REAL *p, N(vec) v)
{
    *(N(loose) *)p = v;
}

/* One block of m rows times nv vectors of one panel: c = c_in + sum_t a[t][.] b[index[t]][.], with m and nv
 * constants at every call, so that acc lives in registers. */
INLINE void N(tile)(size_t m, size_t nv, bool sparse, size_t count, const REAL *restrict a,
                    const uint32_t *restrict index, const REAL *restrict b, size_t ldb, const REAL *c_in,
                    size_t ld_in, REAL *c, size_t ld_out)
{
    N(vec) acc[ROWS][VECTORS];
#pragma GCC unroll 16
    for (size_t i = 0; i < m; i++)
#pragma GCC unroll 4
        for (size_t j = 0; j < nv; j++)
            acc[i][j] = N(load)(c_in + i * ld_in + j * N(LANES));
    for (size_t t = 0; t < count; t++) {
        const REAL *w = b + index[t] * ldb;
        if (m >= 4 && sparse) { /* skipped rows defeat the processor's own prefetching */
            const char *soon = (const char *)(b + index[t + PREFETCH_AHEAD] * ldb);
            __builtin_prefetch(soon);
            __builtin_prefetch(soon + 64);
        }
        N(vec) row[VECTORS];
#pragma GCC unroll 4
        for (size_t j = 0; j < nv; j++)
            row[j] = N(load)(w + j * N(LANES));
#pragma GCC unroll 16
        for (size_t i = 0; i < m; i++)
#pragma GCC unroll 4
            for (size_t j = 0; j < nv; j++)
                acc[i][j] += a[t * m + i] * row[j];
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < m; i++)
#pragma GCC unroll 4
        for (size_t j = 0; j < nv; j++)
            N(store)(c + i * ld_out + j * N(LANES), acc[i][j]);
}

/* tile() with its sizes looked up once per block */
INLINE void N(tile_any)(size_t m, size_t nv, bool sparse, size_t count, const REAL *a, const uint32_t *index,
                        const REAL *b, size_t ldb, const REAL *c_in, size_t ld_in, REAL *c, size_t ld_out)
{
#define TILE(mm, vv)                                                                                         \
    case (mm)*4 + (vv):                                                                                      \
        N(tile)(mm, vv, sparse, count, a, index, b, ldb, c_in, ld_in, c, ld_out);                            \
        break;
#if VECTORS == 3
#define TILES(mm) TILE(mm, 1) TILE(mm, 2) TILE(mm, 3)
#else
#define TILES(mm) TILE(mm, 1) TILE(mm, 2)
#endif
    switch (m * 4 + nv) {
        TILES(1)
        TILES(2)
        TILES(3)
        TILES(4)
#if ROWS > 4
        TILES(5)
        TILES(6)
        TILES(7)
        TILES(8)
        TILES(9)
        TILES(10)
#endif
    }
#undef TILES
#undef TILE
}

/* vectors of panel p that hold columns below n */
INLINE size_t N(vectors_of)(size_t p, size_t n)
{
    size_t left = n - p * N(WIDTH);
    size_t nv = (left + N(LANES) - 1) / N(LANES);
    return nv < VECTORS ? nv : VECTORS;
}

static void N(product)(const N(eqs_operand) * a, const REAL *panels, size_t K, size_t n, size_t first,
                       size_t last, const REAL *c_in, size_t ld_in, REAL *c, size_t ld_out)
{
    for (size_t p = first; p < last; p++) {
        const REAL *panel = panels + p * K * N(WIDTH);
        size_t nv = N(vectors_of)(p, n), row = 0;
        for (size_t j = 0; j < a->n_blocks; j++) {
            size_t m = a->rows[j];
            N(tile_any)
            (m, nv, 8 * a->count[j] < 7 * K, a->count[j], a->value + row * a->capacity,
             a->index + j * a->capacity, panel, N(WIDTH), c_in + row * ld_in + p * N(WIDTH), ld_in,
             c + row * ld_out + p * N(WIDTH), ld_out);
            row += m;
        }
    }
}

/* appends four values unless all are zero, without a branch; one entry past the end is overwritten */
INLINE size_t N(append_four)(N(quad) v, size_t k, size_t t, uint32_t *index, REAL *value)
{
    N(quad_bits) is = (N(quad_bits))(v != 0);
    *(N(loose_quad) *)(value + 4 * t) = v;
    index[t] = (uint32_t)k;
    int64_t any = 0;
    for (size_t i = 0; i < sizeof is / sizeof any; i++)
        any |= is[i];
    return t + (any != 0);
}

/* the columns of a 4 x 4 tile */
INLINE void N(transpose)(const REAL *a, size_t lda, N(quad) column[4])
{
    N(quad) r0 = *(const N(loose_quad) *)a, r1 = *(const N(loose_quad) *)(a + lda);
    N(quad) r2 = *(const N(loose_quad) *)(a + 2 * lda), r3 = *(const N(loose_quad) *)(a + 3 * lda);
    N(quad)
    p = __builtin_shufflevector(r0, r1, 0, 4, 1, 5), q = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
    N(quad)
    u = __builtin_shufflevector(r2, r3, 0, 4, 1, 5), w = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
    column[0] = __builtin_shufflevector(p, u, 0, 1, 4, 5);
    column[1] = __builtin_shufflevector(p, u, 2, 3, 6, 7);
    column[2] = __builtin_shufflevector(q, w, 0, 1, 4, 5);
    column[3] = __builtin_shufflevector(q, w, 2, 3, 6, 7);
}

/* m rows side by side, those k left out for which all are zero: appended without a branch, so that one entry
 * past the end is overwritten. Rows go in fours through transpositions, what remains one by one. */
INLINE size_t N(pack_block)(size_t m, size_t K, const REAL *a, size_t lda, uint32_t *index, REAL *value)
{
    size_t groups = m / 4, t = 0, k = 0;
    for (; k + 4 <= K; k += 4) {
        N(quad) column[ROWS / 4][4];
#pragma GCC unroll 4
        for (size_t g = 0; g < groups; g++)
            N(transpose)(a + 4 * g * lda + k, lda, column[g]);
#pragma GCC unroll 4
        for (size_t c = 0; c < 4; c++) {
            REAL *to = value + t * m;
            N(quad_bits) is = {0};
#pragma GCC unroll 4
            for (size_t g = 0; g < groups; g++) {
                *(N(loose_quad) *)(to + 4 * g) = column[g][c];
                is |= (N(quad_bits))(column[g][c] != 0);
            }
            int64_t any = 0;
            for (size_t i = 0; i < sizeof is / sizeof any; i++)
                any |= is[i];
#pragma GCC unroll 4
            for (size_t i = 4 * groups; i < m; i++) {
                to[i] = a[i * lda + k + c];
                any |= to[i] != 0;
            }
            index[t] = (uint32_t)(k + c);
            t += any != 0;
        }
    }
    for (; k < K; k++) {
        int keep = 0;
        for (size_t i = 0; i < m; i++) {
            value[t * m + i] = a[i * lda + k];
            keep |= value[t * m + i] != 0;
        }
        index[t] = (uint32_t)k;
        t += (size_t)keep;
    }
    return t;
}

/* pack_block() with the two sizes of a full minibatch's blocks known beforehand */
static size_t N(pack_some)(size_t m, size_t K, const REAL *a, size_t lda, uint32_t *index, REAL *value)
{
    if (m == 4)
        return N(pack_block)(4, K, a, lda, index, value);
    if (m == ROWS)
        return N(pack_block)(ROWS, K, a, lda, index, value);
    return N(pack_block)(m, K, a, lda, index, value);
}

static void N(pack_rows)(size_t m, size_t K, const REAL *a, size_t lda, N(eqs_operand) * out)
{
    size_t blocks = (m + ROWS - 1) / ROWS, row = 0;
    out->m = m;
    out->n_blocks = blocks;
    for (size_t j = 0; j < blocks; j++) {
        size_t take = m / blocks + (j < m % blocks);
        uint32_t *index = out->index + j * out->capacity;
        REAL *value = out->value + row * out->capacity;
        out->rows[j] = (uint32_t)take;
        out->count[j] = (uint32_t)N(pack_some)(take, K, a + row * lda, lda, index, value);
        row += take;
    }
}

INLINE size_t N(append_some)(size_t take, REAL scale, const REAL *from, size_t k, size_t t, uint32_t *index,
                             REAL *value)
{
    int any = 0;
    for (size_t i = 0; i < take; i++) {
        value[t * take + i] = scale * from[i];
        any |= value[t * take + i] != 0;
    }
    index[t] = (uint32_t)k;
    return t + (size_t)any;
}

static void N(pack_columns)(size_t m, size_t K, REAL scale, const REAL *u, size_t ldu, const uint8_t *keep,
                            N(eqs_operand) * out)
{
    size_t blocks = (m + 3) / 4;
    out->m = m;
    out->n_blocks = blocks;
    for (size_t j = 0; j < blocks; j++) {
        size_t take = m - 4 * j < 4 ? m - 4 * j : 4, t = 0;
        uint32_t *index = out->index + j * out->capacity;
        REAL *value = out->value + 4 * j * out->capacity;
        for (size_t k = 0; k < K; k++) {
            const REAL *from = u + k * ldu + 4 * j;
            if (keep != NULL && !keep[k])
                continue;
            if (take == 4)
                t = N(append_four)(scale * *(const N(loose_quad) *)from, k, t, index, value);
            else
                t = N(append_some)(take, scale, from, k, t, index, value);
        }
        out->rows[j] = (uint32_t)take;
        out->count[j] = (uint32_t)t;
    }
}

static void N(add_row)(size_t n, size_t K, size_t i, REAL c, const REAL *panels, REAL *d)
{
    for (size_t p = 0; p * N(WIDTH) < n; p++) {
        const REAL *w = panels + (p * K + i) * N(WIDTH);
        for (size_t j = 0; j < N(WIDTH); j += N(LANES))
            N(store)(d + p * N(WIDTH) + j, N(load)(d + p * N(WIDTH) + j) + c * N(load)(w + j));
    }
}

/* decay of one tile, and the sum of its squares before it */
static void N(decay_tile)(size_t m, REAL *w, const N(eqs_update_terms) * terms, size_t p)
{
    double squares = 0;
    for (size_t i = 0; i < m * N(WIDTH); i++) {
        squares += (double)w[i] * (double)w[i];
        REAL sign = (REAL)((w[i] > 0) - (w[i] < 0));
        w[i] = w[i] - terms->shrink * w[i] - terms->sign * sign;
    }
    if (terms->norm != NULL)
        terms->norm[p] += squares;
}

/* the 4 x width tile of rows 4j.. of W goes to columns 4j.. of the panels of W' [n x m] */
INLINE void N(store_transposed)(size_t j, size_t n, size_t columns, const REAL *w, size_t p, REAL *transposed)
{
    size_t panel = 4 * j / N(WIDTH), within = 4 * j % N(WIDTH);
    REAL *to = transposed + (panel * n + p * N(WIDTH)) * N(WIDTH) + within;
    for (size_t c = 0; c < columns; c++)
        for (size_t i = 0; i < 4; i++)
            to[c * N(WIDTH) + i] = w[i * N(WIDTH) + c];
}

static void N(update)(const N(eqs_operand) * u, const REAL *v, size_t ldv, size_t m, size_t n, size_t first,
                      size_t last, REAL *panels, REAL *transposed, const N(eqs_update_terms) * terms)
{
    int decays = terms->shrink != 0 || terms->sign != 0;
    int measures = terms->change != NULL || terms->norm != NULL;
    for (size_t p = first; p < last; p++) {
        size_t nv = N(vectors_of)(p, n);
        size_t columns = n - p * N(WIDTH) < N(WIDTH) ? n - p * N(WIDTH) : N(WIDTH);
        REAL *panel = panels + p * m * N(WIDTH);
        for (size_t j = 0; j < u->n_blocks; j++) {
            size_t take = u->rows[j];
            REAL *w = panel + 4 * j * N(WIDTH);
            REAL tile[4 * N(WIDTH)] __attribute__((aligned(64)));
            if (u->count[j] == 0 && !decays && !measures)
                continue;
            if (decays || measures) {
                memcpy(tile, w, take * N(WIDTH) * sizeof(REAL));
                N(decay_tile)(take, w, terms, p);
            }
            N(tile_any)
            (take, nv, false, u->count[j], u->value + 4 * j * u->capacity, u->index + j * u->capacity,
             v + p * N(WIDTH), ldv, w, N(WIDTH), w, N(WIDTH));
            if (terms->change != NULL)
                for (size_t i = 0; i < take * N(WIDTH); i++)
                    terms->change[p] += ((double)w[i] - (double)tile[i]) * ((double)w[i] - (double)tile[i]);
            if (transposed == NULL)
                continue;
            /* a short last block is completed with zeros: the padding of the last panel of W' */
            memcpy(tile, w, take * N(WIDTH) * sizeof(REAL));
            memset(tile + take * N(WIDTH), 0, (4 - take) * N(WIDTH) * sizeof(REAL));
            N(store_transposed)(j, n, columns, tile, p, transposed);
        }
    }
}
