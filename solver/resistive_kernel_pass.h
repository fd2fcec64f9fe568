/* The fused pass over the first layer for one instruction set and precision (REAL, N(name), VECTOR_BYTES);
 * included by resistive_kernel_set.h. */

typedef REAL N(vec) __attribute__((vector_size(VECTOR_BYTES)));
typedef REAL N(loose) __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));
typedef MASK N(mask) __attribute__((vector_size(VECTOR_BYTES)));

/* lanes of a vector, vectors of a panel */
enum { N(LANES) = VECTOR_BYTES / sizeof(REAL), N(PV) = EQS_PANEL / N(LANES) };

INLINE N(vec) N(load)(const REAL *p)
{
    return *(const N(loose) *)p;
}

INLINE void N(store)(REAL *p, N(vec) v)
{
    *(N(loose) *)p = v;
}

INLINE N(vec) N(select)(N(mask) yes, N(vec) a, N(vec) b)
{
    return (N(vec))((yes & (N(mask))a) | (~yes & (N(mask))b));
}

INLINE N(vec) N(clip)(N(vec) v, N(vec) lo, N(vec) hi)
{
    v = N(select)(v < lo, lo, v);
    return N(select)(v > hi, hi, v);
}

/* What a vector's worth of nodes of one panel carries along the inputs; B rows are held in registers. */
enum { N(HELD) = 8 };
typedef struct N(column) {
    N(vec) drive[N(HELD)], power[N(HELD)], response[N(HELD)];
    N(vec) own, lo, hi, sum_plus, sum_minus;
} N(column);

/* One input: B rows (a constant at every call), one vector of nodes. g points at its conductances. */
INLINE void N(input)(const N(eqs_resistive_pass) * job, size_t B, size_t rails, bool update, bool sums,
                     bool old, bool new, size_t i, REAL *g, N(column) * c)
{
    N(vec) plus = N(load)(g), minus = {0};
    if (rails == 2)
        minus = N(load)(g + EQS_PANEL);
    if (update) {
        N(vec) up = plus - c->own, down = minus - c->own;
        if (old) {
            const REAL *x = job->x_old + i * B;
            N(vec) u = x[0] * c->response[0];
#pragma GCC unroll 8
            for (size_t b = 1; b < B; b++)
                u += x[b] * c->response[b];
            up += u;
            down -= u;
        }
        plus = N(clip)(up, c->lo, c->hi);
        N(store)(g, plus);
        if (rails == 2) {
            minus = N(clip)(down, c->lo, c->hi);
            N(store)(g + EQS_PANEL, minus);
        }
    }
    if (sums) {
        c->sum_plus += plus;
        if (rails == 2)
            c->sum_minus += minus;
    }
    if (new) {
        const REAL *x = job->x_new + i * B, *xx = job->x_square + i * B;
        N(vec) difference = plus - minus, both = plus + minus;
#pragma GCC unroll 8
        for (size_t b = 0; b < B; b++)
            c->drive[b] += x[b] * difference;
#pragma GCC unroll 8
        for (size_t b = 0; b < B; b++)
            c->power[b] += xx[b] * both;
    }
}

/* One vector of nodes through all inputs. `at` is its first node. */
INLINE void N(pass_column)(const N(eqs_resistive_pass) * job, size_t B, size_t rails, bool update, bool sums,
                           size_t at, REAL *g)
{
    N(column) c;
    memset(&c, 0, sizeof c);
    if (update) {
        for (size_t b = 0; b < B; b++)
            c.response[b] = N(load)(job->response + b * job->ld + at);
        c.own = N(load)(job->own + at);
        c.lo = N(load)(job->lo + at);
        c.hi = N(load)(job->hi + at);
    }
    for (size_t r = 0; r < job->n_runs; r++) {
        const eqs_input_run *run = &job->run[r];
        size_t i = run->first, last = run->last, step = rails * EQS_PANEL;
        switch (run->kind) {
        case EQS_INPUT_OLD | EQS_INPUT_NEW:
            for (; i < last; i++)
                N(input)(job, B, rails, update, sums, update, true, i, g + i * step, &c);
            break;
        case EQS_INPUT_NEW:
            for (; i < last; i++)
                N(input)(job, B, rails, update, sums, false, true, i, g + i * step, &c);
            break;
        case EQS_INPUT_OLD:
            for (; (update || sums) && i < last; i++)
                N(input)(job, B, rails, update, sums, update, false, i, g + i * step, &c);
            break;
        default:
            for (; (update || sums) && i < last; i++)
                N(input)(job, B, rails, update, sums, false, false, i, g + i * step, &c);
        }
    }
    for (size_t b = 0; b < B; b++) {
        N(store)(job->drive + b * job->ld + at, c.drive[b]);
        N(store)(job->power + b * job->ld + at, c.power[b]);
    }
    if (sums)
        N(store)(job->sum + at, c.sum_plus + c.sum_minus);
}

/* One vector of nodes, any number of rows: the update first, then the rows in blocks of four. The sums run in
 * the same order as in pass_column. */
INLINE void N(pass_column_any)(const N(eqs_resistive_pass) * job, size_t rails, bool update, bool sums,
                               size_t at, REAL *g)
{
    size_t step = rails * EQS_PANEL, B = job->rows;
    N(vec) sum[2] = {{0}, {0}};
    for (size_t i = 0; (update || sums) && i < job->inputs; i++) {
        N(vec) u = {0};
        for (size_t b = 0; update && b < B; b++)
            u += job->x_old[i * B + b] * N(load)(job->response + b * job->ld + at);
        for (size_t rail = 0; rail < rails; rail++) {
            REAL *w = g + i * step + rail * EQS_PANEL;
            N(vec) value = N(load)(w);
            if (update) {
                value = value - N(load)(job->own + at) + (rail == 0 ? u : -u);
                value = N(clip)(value, N(load)(job->lo + at), N(load)(job->hi + at));
                N(store)(w, value);
            }
            sum[rail] += value;
        }
    }
    if (sums)
        N(store)(job->sum + at, sum[0] + sum[1]);
    for (size_t first = 0; first < B; first += EQS_ROW_BLOCK) {
        N(vec) drive[EQS_ROW_BLOCK] = {{0}}, power[EQS_ROW_BLOCK] = {{0}};
        for (size_t r = 0; r < job->n_runs; r++) {
            if ((job->run[r].kind & EQS_INPUT_NEW) == 0)
                continue;
            for (size_t i = job->run[r].first; i < job->run[r].last; i++) {
                N(vec) plus = N(load)(g + i * step), minus = {0};
                if (rails == 2)
                    minus = N(load)(g + i * step + EQS_PANEL);
                N(vec) difference = plus - minus, both = plus + minus;
                for (size_t b = 0; b < EQS_ROW_BLOCK; b++) {
                    drive[b] += job->x_new[i * B + first + b] * difference;
                    power[b] += job->x_square[i * B + first + b] * both;
                }
            }
        }
        for (size_t b = 0; b < EQS_ROW_BLOCK; b++) {
            N(store)(job->drive + (first + b) * job->ld + at, drive[b]);
            N(store)(job->power + (first + b) * job->ld + at, power[b]);
        }
    }
}

/* The vectors of a panel in turn; constants choose the code. */
#define PASS(name, call)                                                                                     \
    static void N(name)(const N(eqs_resistive_pass) * job, REAL * g, size_t first, size_t last)              \
    {                                                                                                        \
        size_t size = job->inputs * job->rails * EQS_PANEL;                                                  \
        for (size_t p = first; p < last; p++)                                                                \
            for (size_t v = 0; v < N(PV); v++) {                                                             \
                size_t at = p * EQS_PANEL + v * N(LANES);                                                    \
                REAL *from = g + p * size + v * N(LANES);                                                    \
                call;                                                                                        \
            }                                                                                                \
    }
PASS(update_4, N(pass_column)(job, 4, 2, true, true, at, from))
PASS(update_8, N(pass_column)(job, 8, 2, true, true, at, from))
PASS(product_4, N(pass_column)(job, 4, 2, false, false, at, from))
PASS(product_8, N(pass_column)(job, 8, 2, false, false, at, from))
PASS(any_update, N(pass_column_any)(job, job->rails, true, true, at, from))
PASS(any_product, N(pass_column_any)(job, job->rails, false, job->sums, at, from))
#undef PASS

static void N(pass)(const N(eqs_resistive_pass) * job, REAL *g, size_t first, size_t last)
{
    bool fixed = job->rails == 2 && (job->rows == 4 || job->rows == 8);
    if (job->response != NULL) {
        if (!fixed)
            N(any_update)(job, g, first, last);
        else if (job->rows == 4)
            N(update_4)(job, g, first, last);
        else
            N(update_8)(job, g, first, last);
    } else if (!fixed || job->sums) {
        N(any_product)(job, g, first, last);
    } else if (job->rows == 4) {
        N(product_4)(job, g, first, last);
    } else {
        N(product_8)(job, g, first, last);
    }
}
