/* The kernel table of one precision; kernel.h includes this file once for float and once for double, with
 * EQS_REAL (the number type) and EQS_NAME(x) (x with the suffix _f32 or _f64) defined. Hence no include
 * guard.
 *
 * Layouts. A matrix B [K x N] that is multiplied from the left is stored in panels of `width` columns:
 * panel p holds columns p width .. p width + width - 1 as [K][width], zero beyond N. Row vectors are padded
 * with zeros to a multiple of `width`; every function below that takes a length n wants such a padded length.
 */

/* A left operand A [m x K], cut into blocks of at most `rows` rows. Block j holds only those k for which a
 * row of the block is not zero: skipping a zero leaves every sum unchanged to the bit, so that a row's result
 * does not depend on the rows that share its block. */
typedef struct EQS_NAME(eqs_operand) {
    size_t m, n_blocks;
    size_t capacity; /* room per block: K + EQS_OPERAND_SLACK; index must be zeroed once, then packed only for
                        K up to that */
    uint32_t *rows;  /* [n_blocks] rows of each block */
    uint32_t *count; /* [n_blocks] entries kept */
    uint32_t *index; /* [n_blocks x capacity] their k */
    EQS_REAL *value; /* [n_blocks x capacity x rows of the block] A_ik, the block's rows side by side */
} EQS_NAME(eqs_operand);

/* What a rank update does besides adding U' V, and what it measures. */
typedef struct EQS_NAME(eqs_update_terms) {
    EQS_REAL shrink; /* w -= shrink w (L2 decay) */
    EQS_REAL sign;   /* w -= sign sgn(w) (L1 decay) */
    double *change;  /* [panels] sum of squared changes, or NULL */
    double *norm;    /* [panels] sum of squares before the update, or NULL */
} EQS_NAME(eqs_update_terms);

typedef struct EQS_NAME(eqs_kernel) {
    const char *isa;
    size_t width; /* columns of a panel */
    size_t rows;  /* most rows of a block of `pack_rows` */

    /* Packs A [m x K] with row stride lda into blocks of nearly equal size. */
    void (*pack_rows)(size_t m, size_t K, const EQS_REAL *a, size_t lda, EQS_NAME(eqs_operand) * out);

    /* Packs A = scale U' for U [K x m] with row stride ldu into blocks of 4 rows (the last may be shorter);
     * rows of U with keep[k] == 0 are left out (keep may be NULL). */
    void (*pack_columns)(size_t m, size_t K, EQS_REAL scale, const EQS_REAL *u, size_t ldu,
                         const uint8_t *keep, EQS_NAME(eqs_operand) * out);

    /* C = C_in + A B for the columns of panels [first, last) of B [K x N]; sums run over k in ascending
     * order. Row strides ld_in (0: one row for all) and ld_out; C_in and C may be the same matrix. */
    void (*product)(const EQS_NAME(eqs_operand) * a, const EQS_REAL *panels, size_t K, size_t N, size_t first,
                    size_t last, const EQS_REAL *c_in, size_t ld_in, EQS_REAL *c, size_t ld_out);

    /* W += U' V (after decay) for the panels [first, last) of W [m x N], u = pack_columns(U [K x m]) and V [K
     * x N] with row stride ldv. When `transposed` is not NULL the panels of W' [N x m] get the same values.
     */
    void (*update)(const EQS_NAME(eqs_operand) * u, const EQS_REAL *v, size_t ldv, size_t m, size_t N,
                   size_t first, size_t last, EQS_REAL *panels, EQS_REAL *transposed,
                   const EQS_NAME(eqs_update_terms) * terms);

    /* d [N] += c times row i of a matrix [K x N] in panels */
    void (*add_row)(size_t N, size_t K, size_t i, EQS_REAL c, const EQS_REAL *panels, EQS_REAL *d);

    /* a . b */
    double (*dot)(size_t n, const EQS_REAL *a, const EQS_REAL *b);

    /* max |a_i - b_i|, of finite numbers */
    EQS_REAL (*distance)(size_t n, const EQS_REAL *a, const EQS_REAL *b);

    /* Box units: writes law_i = clip(d_i / a, lo, hi) and returns max |P(a s_i - d_i)|, the projected
     * gradient at s; NaN when a number is not finite. law may be s itself. */
    EQS_REAL(*box_law)
    (size_t n, const EQS_REAL *s, const EQS_REAL *d, EQS_REAL a, EQS_REAL lo, EQS_REAL hi, EQS_REAL *law);

    /* Box units, projected Euler step (paper 001 Eq. 54): s_i = clip(s_i + step_i (d_i - a s_i), lo, hi). */
    void (*box_euler)(size_t n, const EQS_REAL *d, const EQS_REAL *step, EQS_REAL a, EQS_REAL lo, EQS_REAL hi,
                      EQS_REAL *s);

    /* (y - g) . (g - p): positive when momentum points uphill (O'Donoghue & Candes 2015, gradient restart) */
    double (*restart)(size_t n, const EQS_REAL *y, const EQS_REAL *g, const EQS_REAL *p);

    /* out = clip(g + c (g - p), lo, hi); out may be any of the inputs */
    void (*extrapolate)(size_t n, const EQS_REAL *g, const EQS_REAL *p, EQS_REAL c, EQS_REAL lo, EQS_REAL hi,
                        EQS_REAL *out);

    /* f = g - y, df = f - f_old, dg = g - g_old; then f_old = f, g_old = g */
    void (*difference)(size_t n, const EQS_REAL *y, const EQS_REAL *g, EQS_REAL *f_old, EQS_REAL *g_old,
                       EQS_REAL *df, EQS_REAL *dg);

    /* out = clip(g - sum_j gamma_j dg_j, lo, hi), dg_j at stride `stride`, j < m */
    void (*mix)(size_t n, size_t m, const EQS_REAL *g, const EQS_REAL *dg, size_t stride,
                const EQS_REAL *gamma, EQS_REAL lo, EQS_REAL hi, EQS_REAL *out);
} EQS_NAME(eqs_kernel);
