/* Shockley diodes for one instruction set and precision; included by resistive_kernel_set.h after
 * resistive_kernel_nodes.h. With w the voltage that closes the diode as it rises, w = +-(v - bias), S the
 * driven current seen from there and Vn = n kT/q, a node's equation is a w = S + Is (e^(-w/Vn) - 1), whose
 * root is w = m + Vn omega(ln(Is/(a Vn)) - m/Vn), m = (S - Is)/a, omega + ln omega = z (Wright's omega). */

typedef union N(lanes_or_bits) {
    N(vec) lane;
    N(mask) bit;
} N(lanes_or_bits);

enum { N(MANTISSA) = sizeof(REAL) == 4 ? 23 : 52, N(BIAS) = sizeof(REAL) == 4 ? 127 : 1023 };

/* 2^n - 1 + 2^n expm1(r), x = n ln 2 + r, as the pair (2^n expm1(r), 2^n) */
INLINE N(vec) N(exp_parts)(N(vec) x, N(vec) * power)
{
    const REAL magic = sizeof(REAL) == 4 ? (REAL)12582912.0 : (REAL)6755399441055744.0;
    const REAL limit = sizeof(REAL) == 4 ? (REAL)87.0 : (REAL)700.0;
    const REAL ln2_hi = sizeof(REAL) == 4 ? (REAL)0.693359375 : (REAL)6.93147180369123816490e-01;
    const REAL ln2_lo = sizeof(REAL) == 4 ? (REAL)-2.12194440e-4 : (REAL)1.90821492927058770002e-10;
    static const double term[] = {1.0 / 2,       1.0 / 6,        1.0 / 24,        1.0 / 120,
                                  1.0 / 720,     1.0 / 5040,     1.0 / 40320,     1.0 / 362880,
                                  1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
    const int terms = sizeof(REAL) == 4 ? 6 : 12;
    N(vec) zero = {0};
    x = N(clip)(x, zero - limit, zero + limit);
    N(lanes_or_bits) t, scale;
    t.lane = x * (REAL)1.44269504088896340736 + magic;
    N(vec) n = t.lane - magic, r = (x - n * ln2_hi) - n * ln2_lo, p = zero + (REAL)term[terms - 1];
#pragma GCC unroll 12
    for (int i = terms - 2; i >= 0; i--)
        p = p * r + (REAL)term[i];
    p = r + r * r * p;
    /* the low bits of n + magic are the integer n */
    N(lanes_or_bits) whole;
    whole.lane = zero + magic;
    scale.bit = (t.bit - whole.bit + N(BIAS)) << N(MANTISSA);
    *power = scale.lane;
    return scale.lane * p;
}

INLINE N(vec) N(exp)(N(vec) x)
{
    N(vec) power, part = N(exp_parts)(x, &power);
    return part + power;
}

INLINE N(vec) N(expm1)(N(vec) x)
{
    N(vec) power, part = N(exp_parts)(x, &power);
    return part + (power - 1);
}

/* ln x for normal x > 0; smaller numbers count as the smallest */
INLINE N(vec) N(log)(N(vec) x)
{
    const REAL smallest = sizeof(REAL) == 4 ? (REAL)1.17549435e-38 : (REAL)2.2250738585072014e-308;
    const REAL ln2_hi = sizeof(REAL) == 4 ? (REAL)0.693359375 : (REAL)6.93147180369123816490e-01;
    const REAL ln2_lo = sizeof(REAL) == 4 ? (REAL)-2.12194440e-4 : (REAL)1.90821492927058770002e-10;
    const int terms = sizeof(REAL) == 4 ? 5 : 11;
    N(vec) zero = {0};
    N(lanes_or_bits) u, one;
    u.lane = N(select)(x < smallest, zero + smallest, x);
    one.lane = zero + 1;
    N(mask) exponent = (u.bit >> N(MANTISSA)) - N(BIAS);
    u.bit = (u.bit & (((MASK)1 << N(MANTISSA)) - 1)) | one.bit;
    /* mantissa from [1, 2) to [1/sqrt 2, sqrt 2) */
    N(mask) large = u.lane > (REAL)1.41421356237309504880;
    u.lane = N(select)(large, u.lane * (REAL)0.5, u.lane);
    exponent -= large; /* true is -1 */
    N(vec) e = __builtin_convertvector(exponent, N(vec)), f = u.lane - 1, s = f / (f + 2), q = s * s;
    N(vec) p = zero + (REAL)(1.0 / (2 * terms + 1));
#pragma GCC unroll 12
    for (int i = terms - 1; i >= 1; i--)
        p = p * q + (REAL)(1.0 / (2 * i + 1));
    return e * ln2_hi + (2 * s + (2 * s * q * p + e * ln2_lo));
}

/* One step of Fritsch, Shafer and Crowley (1973) for w + ln w = z. */
INLINE N(vec) N(omega_step)(N(vec) w, N(vec) z)
{
    N(vec) r = z - w - N(log)(w), w1 = w + 1;
    N(vec) t = 2 * w1 * (w1 + (REAL)(2.0 / 3.0) * r);
    return w * (1 + r / w1 * (t - r) / (t - 2 * r));
}

/* Wright's omega; below z = -limit of exp_parts it stays at that value, which is next to nothing. */
INLINE N(vec) N(omega)(N(vec) z)
{
    N(vec) zero = {0}, e = N(exp)(z);
    N(vec) slope = N(select)(z > (REAL)-1.5, zero + (REAL)0.8, zero + (REAL)0.9);
    N(vec) l = N(log)(N(select)(z < 1, zero + 1, z));
    N(vec) w = N(select)(z < 1, e / (1 + slope * e), z - l + l / N(select)(z < 1, zero + 1, z));
    w = N(omega_step)(w, z);
    return sizeof(REAL) == 4 ? w : N(omega_step)(w, z);
}

static REAL N(shockley)(const N(eqs_node_law) * nodes, const REAL *s, const REAL *v, REAL *m, REAL *law)
{
    N(vec) worst = {0}, bad = {0};
    for (size_t i = 0; i < nodes->n; i += N(LANES)) {
        N(vec) a = N(load)(nodes->a + i), bias = N(load)(nodes->bias + i), side = N(load)(nodes->side + i);
        N(vec) is = N(load)(nodes->is + i), vn = N(load)(nodes->vn + i);
        N(vec) driven = side * (N(load)(s + i) - a * bias), before = side * (N(load)(v + i) - bias);
        /* what the present voltage leaves */
        N(vec) left = a * before - driven - is * N(expm1)(-before / vn);
        N(vec) drive = (driven - is) * N(load)(nodes->inverse + i);
        N(vec) ratio = N(log)(is * N(load)(nodes->inverse + i) / vn), w = N(omega)(ratio - drive / vn);
        /* m + Vn omega cancels where the diode conducts */
        N(vec) value = N(select)(w > 1, vn * (ratio - N(log)(w)), drive + vn * w);
        value = N(select)(a > 0, value, -bias * side);
        N(store)(m + i, N(log)(is) - value / vn);
        N(store)(law + i, bias + side * value);
        left = N(select)(a > 0, N(magnitude)(left), N(magnitude)(driven));
        bad += left - left;
        worst = N(select)(left > worst, left, worst);
    }
    return N(largest)(worst) + N(total)(bad);
}

/* Below this logarithm the present current of a diode is nothing, and its growth is computed from the
 * logarithm: the current itself would underflow. */
static const REAL N(LITTLE) = -60;

static void N(shockley_response)(const N(eqs_node_law) * nodes, const REAL *s, const REAL *m,
                                 const REAL *delta, REAL *law, REAL size[3])
{
    N(vec) change = {0}, most = {0}, current = {0}, bad = {0}, zero = {0};
    for (size_t i = 0; i < nodes->n; i += N(LANES)) {
        N(vec) a = N(load)(nodes->a + i), side = N(load)(nodes->side + i), vn = N(load)(nodes->vn + i);
        N(vec) ln = N(load)(m + i), driven = side * N(load)(s + i), x = side * N(load)(delta + i);
        N(mask) off = ln < N(LITTLE);
        N(vec) j = N(select)(off, zero + 1, N(exp)(ln)), offset = N(select)(off, ln, zero);
        N(vec) rest = N(select)(off, zero, zero + 1), pull = N(select)(driven < 0, -driven, zero);
        /* the root is not below this: a x <= 0 there, so that J expm1(-x/Vn) <= -driven */
        N(vec) low = vn * (offset - N(log)(rest + pull / j)), first = zero;
        low = N(select)(low > 0, zero, low);
        for (int step = 0; step < 3; step++) {
            /* J expm1(-x/Vn), or e^(ln J - x/Vn) where J is nothing */
            N(vec) power, part = N(exp_parts)(offset - x / vn, &power);
            N(vec) f = a * x - driven - j * (part + (power - rest)), slope = a + j / vn * (part + power);
            N(vec) move = f / N(select)(slope > 0, slope, zero + 1);
            if (step == 0) {
                N(vec) amps = N(magnitude)(f);
                first = N(magnitude)(move);
                current = N(select)(amps > current, amps, current);
            }
            x -= move;
            x = N(select)(x < low, low, x);
        }
        N(vec) full = N(magnitude)(x);
        N(store)(law + i, side * x);
        bad += x - x;
        change = N(select)(first > change, first, change);
        most = N(select)(full > most, full, most);
    }
    size[0] = N(largest)(change) + N(total)(bad);
    size[1] = N(largest)(most);
    size[2] = N(largest)(current);
}
