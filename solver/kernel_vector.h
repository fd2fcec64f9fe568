/* Vector operations for one instruction set and precision; included by kernel_set.h after kernel_product.h.
 * Lengths are multiples of the panel width, hence of a vector. */

typedef MASK N(mask) __attribute__((vector_size(VECTOR_BYTES)));

INLINE N(vec) N(select)(N(mask) yes, N(vec) a, N(vec) b)
{
    return (N(vec))((yes & (N(mask))a) | (~yes & (N(mask))b));
}

INLINE N(vec) N(all)(REAL x)
{
    N(vec) v;
    for (size_t i = 0; i < N(LANES); i++)
        v[i] = x;
    return v;
}

INLINE N(vec) N(clip)(N(vec) v, N(vec) lo, N(vec) hi)
{
    v = N(select)(v < lo, lo, v);
    return N(select)(v > hi, hi, v);
}

INLINE double N(sum_of)(N(vec) v)
{
    double sum = 0;
    for (size_t i = 0; i < N(LANES); i++)
        sum += (double)v[i];
    return sum;
}

static double N(dot)(size_t n, const REAL *a, const REAL *b)
{
    N(vec) sum[2] = {{0}, {0}};
    for (size_t i = 0; i + 2 * N(LANES) <= n; i += 2 * N(LANES)) {
        sum[0] += N(load)(a + i) * N(load)(b + i);
        sum[1] += N(load)(a + i + N(LANES)) * N(load)(b + i + N(LANES));
    }
    if (n / N(LANES) % 2 != 0)
        sum[0] += N(load)(a + n - N(LANES)) * N(load)(b + n - N(LANES));
    return N(sum_of)(sum[0] + sum[1]);
}

static REAL N(box_law)(size_t n, const REAL *s, const REAL *d, REAL a, REAL lo, REAL hi, REAL *law)
{
    const N(vec) low = N(all)(lo), high = N(all)(hi), zero = {0};
    const REAL inverse = 1 / a;
    N(vec) worst = {0}, bad = {0};
    for (size_t i = 0; i < n; i += N(LANES)) {
        N(vec) si = N(load)(s + i), di = N(load)(d + i);
        N(vec) g = a * si - di;
        N(store)(law + i, N(clip)(inverse * di, low, high));
        bad += g - g; /* NaN once a number is not finite: comparisons alone would lose it */
        /* a unit at a bound may be pushed out of the box, not into it */
        g = N(select)((si <= low) & (g > zero), zero, g);
        g = N(select)((si >= high) & (g < zero), zero, g);
        g = N(select)(g < zero, -g, g);
        worst = N(select)(g > worst, g, worst);
    }
    REAL most = 0;
    for (size_t i = 0; i < N(LANES); i++)
        most = worst[i] > most ? worst[i] : most;
    return most + (REAL)N(sum_of)(bad);
}

static REAL N(distance)(size_t n, const REAL *a, const REAL *b)
{
    const N(vec) zero = {0};
    N(vec) worst = {0};
    for (size_t i = 0; i < n; i += N(LANES)) {
        N(vec) d = N(load)(a + i) - N(load)(b + i);
        d = N(select)(d < zero, -d, d);
        worst = N(select)(d > worst, d, worst);
    }
    REAL most = 0;
    for (size_t i = 0; i < N(LANES); i++)
        most = worst[i] > most ? worst[i] : most;
    return most;
}

static void N(box_euler)(size_t n, const REAL *d, const REAL *step, REAL a, REAL lo, REAL hi, REAL *s)
{
    const N(vec) low = N(all)(lo), high = N(all)(hi);
    for (size_t i = 0; i < n; i += N(LANES)) {
        N(vec) si = N(load)(s + i);
        si += N(load)(step + i) * (N(load)(d + i) - a * si);
        N(store)(s + i, N(clip)(si, low, high));
    }
}

static double N(restart)(size_t n, const REAL *y, const REAL *g, const REAL *p)
{
    N(vec) sum = {0};
    for (size_t i = 0; i < n; i += N(LANES)) {
        N(vec) gi = N(load)(g + i);
        sum += (N(load)(y + i) - gi) * (gi - N(load)(p + i));
    }
    return N(sum_of)(sum);
}

static void N(extrapolate)(size_t n, const REAL *g, const REAL *p, REAL c, REAL lo, REAL hi, REAL *out)
{
    const N(vec) low = N(all)(lo), high = N(all)(hi);
    for (size_t i = 0; i < n; i += N(LANES)) {
        N(vec) gi = N(load)(g + i);
        N(store)(out + i, N(clip)(gi + c * (gi - N(load)(p + i)), low, high));
    }
}

static void N(difference)(size_t n, const REAL *y, const REAL *g, REAL *f_old, REAL *g_old, REAL *df,
                          REAL *dg)
{
    for (size_t i = 0; i < n; i += N(LANES)) {
        N(vec) gi = N(load)(g + i), f = gi - N(load)(y + i);
        N(store)(df + i, f - N(load)(f_old + i));
        N(store)(dg + i, gi - N(load)(g_old + i));
        N(store)(f_old + i, f);
        N(store)(g_old + i, gi);
    }
}

static void N(mix)(size_t n, size_t m, const REAL *g, const REAL *dg, size_t stride, const REAL *gamma,
                   REAL lo, REAL hi, REAL *out)
{
    const N(vec) low = N(all)(lo), high = N(all)(hi);
    for (size_t i = 0; i < n; i += N(LANES)) {
        N(vec) v = N(load)(g + i);
        for (size_t j = 0; j < m; j++)
            v -= gamma[j] * N(load)(dg + j * stride + i);
        N(store)(out + i, N(clip)(v, low, high));
    }
}
