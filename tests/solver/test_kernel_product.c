/* The kernels of every instruction set that this machine runs: products, rank updates, and the promise that a
 * row's bits do not depend on the other rows. */
#include "tests/check.h"

#include "base/memory.h"
#include "base/random.h"
#include "solver/kernel.h"

#include <float.h>
#include <stdbool.h>

enum { MOST_ROWS = 23, MOST_K = 67, MOST_N = 101, TERMS = 9 };

static double number(uint32_t a, size_t i)
{
    eqs_random stream = eqs_random_stream(1, EQS_RANDOM_TEST, a, 0);
    double u = eqs_random_uniform(&stream, i);
    return u < 0.4 ? 0.0 : 2.0 * u - 1.3; /* 40 % zeros, as in activities and images */
}

static size_t padded(size_t n, size_t width)
{
    return (n + width - 1) / width * width;
}

/* The shape of the AVX-512 kernels (10 rows, vectors of 64 bytes) in the compiler's generic vectors, so that
 * their logic is tested on machines without AVX-512 too. */
extern const eqs_kernel_set eqs_kernel_wide;
#define ISA wide
#define VECTOR_BYTES 64
#define VECTORS 2
#define ROWS 10
#include "solver/kernel_set.h"

/* the i-th set to test: all that run here, then the wide one */
static const eqs_kernel_set *set_to_test(size_t i)
{
    size_t n = 0;
    while (eqs_kernel_get(n) != NULL)
        n++;
    return i < n ? eqs_kernel_get(i) : i == n ? &eqs_kernel_wide : NULL;
}

/* The tests of one precision; N(x) is x with its suffix. */
#define REAL float
#define N(x) x##_f32
#define EPSILON FLT_EPSILON
#include "tests/solver/kernel_case.h"
#undef REAL
#undef N
#undef EPSILON
#define REAL double
#define N(x) x##_f64
#define EPSILON DBL_EPSILON
#include "tests/solver/kernel_case.h"

static void products_are_those_of_the_definition(void **unused)
{
    (void)unused;
    const eqs_kernel_set *set;
    for (size_t i = 0; (set = set_to_test(i)) != NULL; i++) {
        check_products_f32(set->f32);
        check_products_f64(set->f64);
    }
}

static void a_row_has_the_same_bits_in_any_company(void **unused)
{
    (void)unused;
    const eqs_kernel_set *set;
    for (size_t i = 0; (set = set_to_test(i)) != NULL; i++) {
        check_bits_f32(set->f32);
        check_bits_f64(set->f64);
    }
}

static void updates_keep_both_orientations_equal(void **unused)
{
    (void)unused;
    const eqs_kernel_set *set;
    for (size_t i = 0; (set = set_to_test(i)) != NULL; i++) {
        check_update_f32(set->f32);
        check_update_f64(set->f64);
    }
}

static void vector_kernels_are_those_of_the_definition(void **unused)
{
    (void)unused;
    const eqs_kernel_set *set;
    for (size_t i = 0; (set = set_to_test(i)) != NULL; i++) {
        check_vectors_f32(set->f32);
        check_vectors_f64(set->f64);
    }
}

static void numbers_that_are_not_finite_are_never_certified(void **unused)
{
    (void)unused;
    const eqs_kernel_set *set;
    for (size_t i = 0; (set = set_to_test(i)) != NULL; i++) {
        check_not_finite_f32(set->f32);
        check_not_finite_f64(set->f64);
    }
}

static void the_baseline_is_always_there(void **unused)
{
    (void)unused;
    size_t n = 0;
    while (eqs_kernel_get(n) != NULL)
        n++;
    assert_true(n >= 1);
    assert_string_equal(eqs_kernel_get(n - 1)->isa, "base");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_those_of_the_definition),
        cmocka_unit_test(a_row_has_the_same_bits_in_any_company),
        cmocka_unit_test(updates_keep_both_orientations_equal),
        cmocka_unit_test(vector_kernels_are_those_of_the_definition),
        cmocka_unit_test(numbers_that_are_not_finite_are_never_certified),
        cmocka_unit_test(the_baseline_is_always_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
