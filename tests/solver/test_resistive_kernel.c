/* The kernels of resistive networks of every instruction set that this machine can run, against plain sums.
 */
#include "tests/check.h"

#include "base/memory.h"
#include "base/random.h"
#include "solver/node_law.h"
#include "solver/resistive_kernel.h"

static double uniform(uint32_t *at)
{
    eqs_random stream = eqs_random_stream(3, EQS_RANDOM_START, 2, 0);
    return eqs_random_uniform(&stream, (*at)++);
}

/* clang-format off */
#define REAL float
#define N(x) x##_f32
#define KERNEL(set) (set)->f32
#define ROUNDING 1e-6
#include "tests/solver/resistive_kernel_body.h"
#undef REAL
#undef N
#undef KERNEL
#undef ROUNDING
#define REAL double
#define N(x) x##_f64
#define KERNEL(set) (set)->f64
#define ROUNDING 1e-15
#include "tests/solver/resistive_kernel_body.h"
/* clang-format on */

static void the_plain_set_is_always_there(void **state)
{
    (void)state;
    size_t n = 0;
    while (eqs_resistive_kernel_get(n) != NULL)
        n++;
    assert_true(n >= 1);
    assert_string_equal(eqs_resistive_kernel_get(n - 1)->isa, "base");
    assert_non_null(eqs_resistive_kernel_get(n - 1)->f64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_gives_the_plain_sums_f32),
        cmocka_unit_test(every_kernel_gives_the_plain_sums_f64),
        cmocka_unit_test(the_plain_set_is_always_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
