#include "solver/kernel.h"

/* What the processor can do, asked at run time. */
static int can_run(const eqs_kernel_set *set)
{
    if (set->f32 == NULL)
        return 0;
#if defined(__x86_64__)
    if (set == &eqs_kernel_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
    if (set == &eqs_kernel_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return set == &eqs_kernel_base;
}

const eqs_kernel_set *eqs_kernel_get(size_t i)
{
    static const eqs_kernel_set *const sets[] = {&eqs_kernel_avx512, &eqs_kernel_avx2, &eqs_kernel_base};
    for (size_t j = 0; j < sizeof sets / sizeof *sets; j++)
        if (can_run(sets[j]) && i-- == 0)
            return sets[j];
    return NULL;
}
