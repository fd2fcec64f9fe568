/* The kernel table of one precision; resistive_kernel.h includes this file once for float and once for
 * double, with EQS_REAL (the number type) and EQS_NAME(x) defined. Hence no include guard.
 *
 * Layouts. First layer: panel p holds, for each input i, the conductances from its rail +x_i to the nodes
 * 16 p .. 16 p + 15, then (two rails) those from -x_i: [panels][inputs][rails][16]. Vectors over nodes are
 * padded with zeros to multiples of 16; matrices over samples are [rows][ld], rows a multiple of 4. */

/* What one pass over the first layer does: g <- clip(g -+ own + sum over rows of x_old response, lo, hi) when
 * `response` is not NULL, then products with the new inputs. `rows` counts the rows of both minibatches. */
typedef struct EQS_NAME(eqs_resistive_pass) {
    size_t inputs, rows, rails, ld;
    const eqs_input_run *run; /* cover [0, inputs); kinds as the x say */
    size_t n_runs;
    const EQS_REAL *x_old;    /* [inputs][rows], or NULL without an update */
    const EQS_REAL *response; /* [rows][ld]: u_ij = sum_b x_bi response_bj is added to g+, taken from g- */
    const EQS_REAL *own;      /* [ld]: taken from both */
    const EQS_REAL *lo, *hi;  /* [ld]: bounds of the conductances to each node, 0 and 0 for padding */
    bool sums;                /* compute sum[] (always done with an update) */
    const EQS_REAL *x_new;    /* [inputs][rows]: voltages */
    const EQS_REAL *x_square; /* [inputs][rows]: their squares */
    EQS_REAL *drive;          /* [rows][ld]: sum_i x_bi (g+ - g-) */
    EQS_REAL *power;          /* [rows][ld]: sum_i x_bi^2 (g+ + g-) */
    EQS_REAL *sum;            /* [ld]: sum_i (g+ + g-) */
} EQS_NAME(eqs_resistive_pass);

/* The nodes of one layer: what the laws need. All [n], n padded; padding has a = inverse = lo = hi = 0. */
typedef struct EQS_NAME(eqs_node_law) {
    size_t n;
    const EQS_REAL *a;       /* total conductance */
    const EQS_REAL *inverse; /* 1/a; 0 where a is 0 */
    const EQS_REAL *lo, *hi; /* ideal diodes: voltages at which they conduct */
    /* Shockley diodes, one at a node: conducts where side (v - bias) < 0, side 1 (lower) or -1 (upper);
     * saturation current and n kT/q, > 0 also for padding */
    const EQS_REAL *side, *bias, *is, *vn;
} EQS_NAME(eqs_node_law);

/* A rank update of a matrix of m rows by n columns: g_ij <- clip(g_ij - (row_i + column_j) + sum_t of_row_it
 * of_column_tj, lo_j, hi_j). Rows are given without their zeros: entries of row i are value[i][0..count_i)
 * for the terms term[i][..]. A matrix and its transpose get the same bits from the same terms. */
typedef struct EQS_NAME(eqs_matrix_update) {
    size_t m, n, terms;
    const EQS_REAL *value;        /* [m][terms] */
    const uint32_t *term, *count; /* [m][terms], [m] */
    const EQS_REAL *of_column;    /* [terms][n padded] */
    const EQS_REAL *row, *column; /* [m], [n padded] */
    const EQS_REAL *lo, *hi;      /* [n padded]; 0 and 0 for padding */
} EQS_NAME(eqs_matrix_update);

/* A left operand [rows x K] cut into blocks of 8 rows, and one of 4 at the end where rows is no multiple
 * of 8. A block holds only those k for which one of its rows is not zero: a diode that is off costs nothing.
 */
typedef struct EQS_NAME(eqs_rows) {
    size_t rows, K;  /* room: blocks of 8 rows, K each */
    uint32_t *count; /* [blocks] */
    uint32_t *index; /* [blocks][K] */
    EQS_REAL *value; /* [blocks][K][rows of the block] at [block * 8 * K] */
} EQS_NAME(eqs_rows);

typedef struct EQS_NAME(eqs_resistive_kernel) {
    const char *isa;

    /* The fused pass for panels [first, last) of g. */
    void (*pass)(const EQS_NAME(eqs_resistive_pass) * job, EQS_REAL *g, size_t first, size_t last);

    /* c[b][k] = sum_j v[b][j] g[k][j] for k < outputs, b < rows; n padded. ldc >= outputs. */
    void (*dots)(size_t rows, size_t outputs, size_t n, const EQS_REAL *v, size_t ldv, const EQS_REAL *g,
                 EQS_REAL *c, size_t ldc);

    /* d[b][j] += sum_k o[b][k] g[k][j] */
    void (*spread)(size_t rows, size_t outputs, size_t n, const EQS_REAL *o, size_t ldo, const EQS_REAL *g,
                   EQS_REAL *d, size_t ldd);

    /* Packs V [rows x K] with row stride ldv. */
    void (*pack)(size_t rows, size_t K, const EQS_REAL *v, size_t ldv, EQS_NAME(eqs_rows) * out);

    /* c[b][j] = sum_k a_bk g_kj for panels [first, last) of a matrix stored [n/16][height][16], K <= height
     */
    void (*product)(const EQS_NAME(eqs_rows) * a, const EQS_REAL *g, size_t height, size_t first, size_t last,
                    EQS_REAL *c, size_t ldc);

    /* Updates the panels [first, last) of a matrix stored [n/16][height][16], height >= m, and writes the
     * sums over its rows to sum [n padded]. */
    void (*matrix)(const EQS_NAME(eqs_matrix_update) * job, size_t height, EQS_REAL *g, size_t first,
                   size_t last, EQS_REAL *sum);

    /* The same for a matrix with few rows, stored [m][n padded]; column_sum [n padded] and row_sum [m] are
     * written. */
    void (*small)(const EQS_NAME(eqs_matrix_update) * job, EQS_REAL *g, EQS_REAL *column_sum,
                  EQS_REAL *row_sum);

    /* Ideal diodes or none: m = s/a, law = clip(m, lo, hi); returns max_i a_i |law_i - v_i|, the current that
     * the state v leaves at its worst node; NaN when a number is not finite. */
    EQS_REAL(*ideal)
    (const EQS_NAME(eqs_node_law) * nodes, const EQS_REAL *s, const EQS_REAL *v, EQS_REAL *m, EQS_REAL *law);

    /* The same for the response delta to a nudge, from the response s of the currents, around the free state
     * of drive m, v = clip(m, lo, hi): law = clip(m - v + s/a, lo - v, hi - v). size receives max_i |law_i -
     * delta_i|, max_i |law_i| and max_i a_i |law_i - delta_i|; NaN as above. */
    void (*ideal_response)(const EQS_NAME(eqs_node_law) * nodes, const EQS_REAL *s, const EQS_REAL *m,
                           const EQS_REAL *delta, EQS_REAL *law, EQS_REAL size[3]);

    /* The same for Shockley diodes. m receives the logarithm of the diode's current plus Is; the current
     * that v leaves is evaluated from the law itself. A node without conductance goes to 0 V. */
    EQS_REAL(*shockley)
    (const EQS_NAME(eqs_node_law) * nodes, const EQS_REAL *s, const EQS_REAL *v, EQS_REAL *m, EQS_REAL *law);

    /* Three Newton steps from delta on a x = s + e^m expm1(-x/Vn). size receives the largest residual of
     * delta over its node's conductance (diode included), max |law|, and the largest residual. */
    void (*shockley_response)(const EQS_NAME(eqs_node_law) * nodes, const EQS_REAL *s, const EQS_REAL *m,
                              const EQS_REAL *delta, EQS_REAL *law, EQS_REAL size[3]);
} EQS_NAME(eqs_resistive_kernel);
