#include "solver/fast_vector.h"

#include <math.h>

/* partial sums, as many as fill a vector register twice */
enum { LANES = 16 };

static double collect(const double lane[LANES])
{
    double sum = 0.0;
    for (int l = 0; l < LANES; l++)
        sum += lane[l];
    return sum;
}

static double dot(const double *restrict a, const double *restrict b, sunindextype n)
{
    double lane[LANES] = {0};
    sunindextype i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int l = 0; l < LANES; l++)
            lane[l] += a[i + l] * b[i + l];
    }
    for (int l = 0; i < n; i++, l++)
        lane[l] += a[i] * b[i];
    return collect(lane);
}

static double weighted_square_sum(const double *restrict a, const double *restrict w, sunindextype n)
{
    double lane[LANES] = {0};
    sunindextype i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int l = 0; l < LANES; l++)
            lane[l] += (a[i + l] * w[i + l]) * (a[i + l] * w[i + l]);
    }
    for (int l = 0; i < n; i++, l++)
        lane[l] += (a[i] * w[i]) * (a[i] * w[i]);
    return collect(lane);
}

static realtype dot_product(N_Vector a, N_Vector b)
{
    sunindextype n = NV_LENGTH_S(a);
    return dot(NV_DATA_S(a), NV_DATA_S(b), n);
}

static realtype wrms_norm(N_Vector a, N_Vector w)
{
    sunindextype n = NV_LENGTH_S(a);
    return sqrt(weighted_square_sum(NV_DATA_S(a), NV_DATA_S(w), n) / (double)n);
}

static realtype wl2_norm(N_Vector a, N_Vector w)
{
    return sqrt(weighted_square_sum(NV_DATA_S(a), NV_DATA_S(w), NV_LENGTH_S(a)));
}

N_Vector eqs_fast_vector(sunindextype n, SUNContext context)
{
    N_Vector vector = N_VNew_Serial(n, context);
    if (vector == NULL)
        return NULL;
    vector->ops->nvdotprod = dot_product;
    vector->ops->nvwrmsnorm = wrms_norm;
    vector->ops->nvwl2norm = wl2_norm;
    N_VConst(0.0, vector);
    return vector;
}
