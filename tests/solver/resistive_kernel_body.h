/* The tests of one precision; test_resistive_kernel.c includes this file for float and double with REAL,
 * N(x), KERNEL(set) and ROUNDING defined. Everything is compared with plain sums in double precision. */

static void N(fill)(REAL *v, size_t n, double zeros, uint32_t *at)
{
    for (size_t i = 0; i < n; i++)
        v[i] = uniform(at) < zeros ? 0 : (REAL)(2.0 * uniform(at) - 1.0);
}

/* the inputs' runs, as the engine finds them */
static size_t N(runs)(const REAL *old, const REAL *new, size_t inputs, size_t rows, eqs_input_run *run)
{
    size_t count = 0;
    for (uint32_t i = 0; i < inputs; i++) {
        uint32_t kind = 0;
        for (size_t b = 0; b < rows; b++) {
            kind |= old != NULL && old[i * rows + b] != 0 ? EQS_INPUT_OLD : 0U;
            kind |= new != NULL &&new[i * rows + b] != 0 ? EQS_INPUT_NEW : 0U;
        }
        if (count > 0 && run[count - 1].kind == kind)
            run[count - 1].last = i + 1;
        else
            run[count++] = (eqs_input_run){i, i + 1, kind};
    }
    return count;
}

static void N(check_pass)(const N(eqs_resistive_kernel) * kernel, size_t rows, size_t rails)
{
    enum { INPUTS = 29, LD = 48, NODES = 37 };
    size_t size = LD / EQS_PANEL * INPUTS * rails * EQS_PANEL;
    uint32_t at = 0;
    REAL x_old[INPUTS * 12], x_new[INPUTS * 12], square[INPUTS * 12], response[12 * LD], own[LD], lo[LD],
        hi[LD];
    REAL drive[2][12 * LD], power[2][12 * LD], sum[2][LD];
    REAL *g = eqs_alloc(3 * size, sizeof *g), *twice = g + size, *before = g + 2 * size;
    N(fill)(x_old, INPUTS * rows, 0.85, &at);
    N(fill)(x_new, INPUTS * rows, 0.85, &at);
    N(fill)(response, rows * LD, 0.3, &at);
    N(fill)(own, LD, 0.3, &at);
    N(fill)(g, size, 0.3, &at);
    for (size_t i = 0; i < INPUTS * rows; i++)
        square[i] = x_new[i] * x_new[i];
    for (size_t j = 0; j < LD; j++) {
        lo[j] = j < NODES ? (REAL)0.01 : 0;
        hi[j] = j < NODES ? (REAL)0.9 : 0;
    }
    memcpy(twice, g, size * sizeof *g);
    memcpy(before, g, size * sizeof *g);
    eqs_input_run run[INPUTS];
    N(eqs_resistive_pass)
    job = {.inputs = INPUTS,
           .rows = rows,
           .rails = rails,
           .ld = LD,
           .run = run,
           .x_old = x_old,
           .response = response,
           .own = own,
           .lo = lo,
           .hi = hi,
           .sums = true,
           .x_new = x_new,
           .x_square = square,
           .drive = drive[0],
           .power = power[0],
           .sum = sum[0]};
    job.n_runs = N(runs)(x_old, x_new, INPUTS, rows, run);
    kernel->pass(&job, g, 0, LD / EQS_PANEL);
    for (size_t j = 0; j < LD; j++) {
        double total = 0.0, driven[12] = {0}, powered[12] = {0};
        for (size_t i = 0; i < INPUTS; i++) {
            double u = 0.0, difference = 0.0, both = 0.0;
            for (size_t b = 0; b < rows; b++)
                u += (double)x_old[i * rows + b] * (double)response[b * LD + j];
            for (size_t rail = 0; rail < rails; rail++) {
                size_t place = ((j / EQS_PANEL * INPUTS + i) * rails + rail) * EQS_PANEL + j % EQS_PANEL;
                double wanted = (double)before[place] - (double)own[j] + (rail == 0 ? u : -u);
                wanted = fmin(fmax(wanted, (double)lo[j]), (double)hi[j]);
                assert_close((double)g[place], wanted, 0.0, ROUNDING);
                both += (double)g[place];
                difference += rail == 0 ? (double)g[place] : -(double)g[place];
            }
            total += both;
            for (size_t b = 0; b < rows; b++) {
                driven[b] += (double)x_new[i * rows + b] * difference;
                powered[b] += (double)square[i * rows + b] * both;
            }
        }
        assert_close((double)sum[0][j], total, 0.0, 30.0 * ROUNDING);
        for (size_t b = 0; b < rows; b++) {
            assert_close((double)drive[0][b * LD + j], driven[b], 0.0, 30.0 * ROUNDING);
            assert_close((double)power[0][b * LD + j], powered[b], 0.0, 30.0 * ROUNDING);
        }
    }
    /* update and products apart, panel by panel: the same bits */
    job.drive = drive[1];
    job.power = power[1];
    job.sum = sum[1];
    job.n_runs = N(runs)(x_old, NULL, INPUTS, rows, run);
    for (size_t p = 0; p < LD / EQS_PANEL; p++)
        kernel->pass(&job, twice, p, p + 1);
    job.response = NULL;
    job.sums = false;
    job.n_runs = N(runs)(NULL, x_new, INPUTS, rows, run);
    kernel->pass(&job, twice, 0, LD / EQS_PANEL);
    assert_memory_equal(g, twice, size * sizeof *g);
    assert_memory_equal(drive[0], drive[1], rows * LD * sizeof *g);
    assert_memory_equal(power[0], power[1], rows * LD * sizeof *g);
    assert_memory_equal(sum[0], sum[1], LD * sizeof *g);
    eqs_free(g);
}

static void N(check_products)(const N(eqs_resistive_kernel) * kernel, size_t rows)
{
    enum { OUTPUTS = 7, LD = 80, K = 21, PANELS = LD / EQS_PANEL };
    uint32_t at = 0, count[2], index[2 * K];
    REAL v[12 * LD], g[OUTPUTS * LD], c[12 * EQS_PANEL], d[12 * LD], a[12 * K],
        panels[PANELS * K * EQS_PANEL];
    REAL value[2 * 8 * K], out[12 * LD];
    N(fill)(v, rows * LD, 0.3, &at);
    N(fill)(g, OUTPUTS * LD, 0.3, &at);
    kernel->dots(rows, OUTPUTS, LD, v, LD, g, c, EQS_PANEL);
    memcpy(d, v, rows * LD * sizeof *d);
    kernel->spread(rows, OUTPUTS, LD, c, EQS_PANEL, g, d, LD);
    N(fill)(a, rows * K, 0.7, &at);
    N(fill)(panels, PANELS * K * EQS_PANEL, 0.0, &at);
    N(eqs_rows) operand = {.K = K, .count = count, .index = index, .value = value};
    kernel->pack(rows, K, a, K, &operand);
    kernel->product(&operand, panels, K, 0, 3, out, LD);
    kernel->product(&operand, panels, K, 3, PANELS, out, LD);
    for (size_t b = 0; b < rows; b++) {
        for (size_t k = 0; k < OUTPUTS; k++) {
            double wanted = 0.0;
            for (size_t j = 0; j < LD; j++)
                wanted += (double)v[b * LD + j] * (double)g[k * LD + j];
            assert_close((double)c[b * EQS_PANEL + k], wanted, 0.0, 80.0 * ROUNDING);
        }
        for (size_t j = 0; j < LD; j++) {
            double wanted = (double)v[b * LD + j], of_product = 0.0;
            for (size_t k = 0; k < OUTPUTS; k++)
                wanted += (double)c[b * EQS_PANEL + k] * (double)g[k * LD + j];
            assert_close((double)d[b * LD + j], wanted, 0.0, 80.0 * ROUNDING);
            for (size_t k = 0; k < K; k++)
                of_product += (double)a[b * K + k] *
                              (double)panels[(j / EQS_PANEL * K + k) * EQS_PANEL + j % EQS_PANEL];
            assert_close((double)out[b * LD + j], of_product, 0.0, 30.0 * ROUNDING);
        }
    }
}

/* one side of an update by `terms` products: factors, without zeros by node */
typedef struct N(test_side) {
    REAL term[8 * 96], value[96 * 8], own[96], lo[96], hi[96];
    uint32_t kept[96 * 8], count[96];
} N(test_side);

static void N(make_side)(N(test_side) * s, size_t n, size_t ld, uint32_t *at)
{
    memset(s, 0, sizeof *s);
    N(fill)(s->own, n, 0.3, at);
    for (size_t i = 0; i < n; i++) {
        s->hi[i] = (REAL)0.8;
        for (uint32_t t = 0; t < 8; t++) {
            REAL value = uniform(at) < 0.5 ? 0 : (REAL)(2.0 * uniform(at) - 1.0);
            s->term[t * ld + i] = value;
            if (value == 0)
                continue;
            s->value[i * 8 + s->count[i]] = value;
            s->kept[i * 8 + s->count[i]++] = t;
        }
    }
}

static N(eqs_matrix_update)
    N(job_of)(const N(test_side) * row, size_t m, const N(test_side) * column, size_t n)
{
    return (N(eqs_matrix_update)){.m = m,
                                  .n = n,
                                  .terms = 8,
                                  .value = row->value,
                                  .term = row->kept,
                                  .count = row->count,
                                  .of_column = column->term,
                                  .row = row->own,
                                  .column = column->own,
                                  .lo = column->lo,
                                  .hi = column->hi};
}

static void N(check_matrix)(const N(eqs_resistive_kernel) * kernel)
{
    enum { M = 35, N_ = 90, LD_M = 48, LD_N = 96 };
    static N(test_side) row, column;
    static REAL g[LD_N * M], transposed[LD_M * N_], few[M * LD_N], before[M][N_], sums[4][LD_N];
    uint32_t at = 0;
    N(make_side)(&row, M, LD_M, &at);
    N(make_side)(&column, N_, LD_N, &at);
    memset(g, 0, sizeof g);
    memset(transposed, 0, sizeof transposed);
    memset(few, 0, sizeof few);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N_; j++) {
            REAL value = (REAL)(uniform(&at) - 0.5);
            before[i][j] = value;
            g[(j / EQS_PANEL * M + i) * EQS_PANEL + j % EQS_PANEL] = value;
            transposed[(i / EQS_PANEL * N_ + j) * EQS_PANEL + i % EQS_PANEL] = value;
            few[i * LD_N + j] = value;
        }
    N(eqs_matrix_update) job = N(job_of)(&row, M, &column, N_);
    kernel->matrix(&job, M, g, 0, 5, sums[0]);
    kernel->matrix(&job, M, g, 5, LD_N / EQS_PANEL, sums[0]);
    kernel->small(&job, few, sums[2], sums[3]);
    job = N(job_of)(&column, N_, &row, M);
    kernel->matrix(&job, N_, transposed, 0, LD_M / EQS_PANEL, sums[1]);
    double of_row[M] = {0}, of_column[N_] = {0};
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N_; j++) {
            double wanted = (double)before[i][j] - ((double)row.own[i] + (double)column.own[j]);
            for (size_t t = 0; t < 8; t++)
                wanted += (double)row.term[t * LD_M + i] * (double)column.term[t * LD_N + j];
            wanted = fmin(fmax(wanted, 0.0), 0.8);
            REAL value = g[(j / EQS_PANEL * M + i) * EQS_PANEL + j % EQS_PANEL];
            assert_close((double)value, wanted, 0.0, 10.0 * ROUNDING);
            REAL other = transposed[(i / EQS_PANEL * N_ + j) * EQS_PANEL + i % EQS_PANEL];
            assert_true(other == value);
            assert_true(few[i * LD_N + j] == value);
            of_row[i] += (double)value;
            of_column[j] += (double)value;
        }
    for (size_t i = 0; i < M; i++) {
        assert_close((double)sums[1][i], of_row[i], 0.0, 90.0 * ROUNDING);
        assert_close((double)sums[3][i], of_row[i], 0.0, 90.0 * ROUNDING);
    }
    for (size_t j = 0; j < N_; j++) {
        assert_close((double)sums[0][j], of_column[j], 0.0, 90.0 * ROUNDING);
        assert_close((double)sums[2][j], of_column[j], 0.0, 90.0 * ROUNDING);
    }
}

/* NaN anywhere is not lost in the maxima. */
static void N(check_not_finite)(const N(eqs_resistive_kernel) * kernel)
{
    REAL s[EQS_PANEL] = {0}, one[EQS_PANEL], lo[EQS_PANEL], hi[EQS_PANEL], v[EQS_PANEL] = {0}, m[EQS_PANEL];
    REAL law[EQS_PANEL], size[3];
    for (size_t i = 0; i < EQS_PANEL; i++) {
        one[i] = 1;
        lo[i] = -INFINITY;
        hi[i] = INFINITY;
    }
    N(eqs_node_law) nodes = {.n = EQS_PANEL, .a = one, .inverse = one, .lo = lo, .hi = hi};
    assert_true(kernel->ideal(&nodes, s, v, m, law) == 0);
    s[11] = NAN;
    assert_true(isnan((double)kernel->ideal(&nodes, s, v, m, law)));
    memset(m, 0, sizeof m);
    kernel->ideal_response(&nodes, s, m, v, law, size);
    assert_true(isnan((double)size[0]));
}

/* Shockley diodes over decades of currents and conductances: voltage and stored current against Wright's
 * omega in double precision, a residual at rounding, and the response against the difference of two
 * solutions. */
static void N(check_shockley)(const N(eqs_resistive_kernel) * kernel)
{
    enum { CASES = 200 * EQS_PANEL };
    static REAL a[CASES], inverse[CASES], side[CASES], bias[CASES], is[CASES], vn[CASES], s[CASES],
        shift[CASES];
    static REAL v[CASES], m[CASES], law[CASES], delta[CASES], scratch[CASES];
    uint32_t at = 0;
    for (size_t i = 0; i < CASES; i++) {
        a[i] = (REAL)pow(10.0, 3.0 * uniform(&at) - 1.0);
        inverse[i] = 1 / a[i];
        side[i] = i % 2 == 0 ? 1 : -1;
        bias[i] = i % 3 == 0 ? (REAL)0.25 : 0;
        is[i] = (REAL)pow(10.0, 8.0 * uniform(&at) - 8.0);
        vn[i] = i % 5 == 0 ? (REAL)0.025 : (REAL)0.05;
        s[i] = (REAL)((uniform(&at) - 0.5) * pow(10.0, 6.0 * uniform(&at) - 3.0));
        shift[i] = (REAL)((double)s[i] * 0.4 * (uniform(&at) - 0.5));
    }
    for (size_t i = 0; i < CASES; i += EQS_PANEL) {
        N(eqs_node_law)
        nodes = {.n = EQS_PANEL,
                 .a = a + i,
                 .inverse = inverse + i,
                 .side = side + i,
                 .bias = bias + i,
                 .is = is + i,
                 .vn = vn + i};
        REAL size[3];
        kernel->shockley(&nodes, s + i, scratch + i, m + i, v + i);
        REAL left = kernel->shockley(&nodes, s + i, v + i, m + i, law + i);
        REAL largest = 0;
        for (size_t j = i; j < i + EQS_PANEL; j++)
            largest =
                (REAL)fmax((double)largest, fabs((double)s[j]) + (double)(a[j] * bias[j]) + (double)is[j]);
        assert_true((double)left <= 60.0 * ROUNDING * (double)largest);
        do
            kernel->shockley_response(&nodes, shift + i, m + i, delta + i, delta + i, size);
        while ((double)size[0] > 100.0 * ROUNDING * (double)size[1]);
    }
    for (size_t i = 0; i < CASES; i++) {
        double root[2];
        for (int nudged = 0; nudged < 2; nudged++) {
            double A = (double)a[i], Is = (double)is[i], Vn = (double)vn[i], B = (double)bias[i],
                   o = (double)side[i];
            double S = o * ((double)s[i] + (nudged ? (double)shift[i] : 0.0) - A * B), M = (S - Is) / A;
            double z = log(Is / (A * Vn)) - M / Vn, w = eqs_wright_omega(z);
            root[nudged] = w > 1.0 ? Vn * (log(Is / (A * Vn)) - log(w)) : M + Vn * w;
            if (!nudged && w > 1e-10)
                assert_close((double)m[i], log(A * Vn * w), 0.0,
                             10.0 * ROUNDING * (1.0 + fabs(root[0]) / Vn));
            root[nudged] = B + o * root[nudged];
        }
        assert_close((double)v[i], root[0], 0.0, 10.0 * ROUNDING * (fabs(root[0]) + 1.0));
        assert_close((double)delta[i], root[1] - root[0], 300.0 * ROUNDING,
                     20.0 * ROUNDING * fabs(root[0]) + 3e-16);
    }
}

static void N(every_kernel_gives_the_plain_sums)(void **state)
{
    (void)state;
    for (size_t set = 0; eqs_resistive_kernel_get(set) != NULL; set++) {
        const N(eqs_resistive_kernel) *kernel = KERNEL(eqs_resistive_kernel_get(set));
        for (size_t rows = 4; rows <= 12; rows += 4) {
            N(check_pass)(kernel, rows, 2);
            N(check_pass)(kernel, rows, 1);
            N(check_products)(kernel, rows);
        }
        N(check_matrix)(kernel);
        N(check_not_finite)(kernel);
        N(check_shockley)(kernel);
    }
}
