#include "solver/resistive_kernel.h"

static int can_run(const eqs_resistive_kernels *set)
{
    if (set->f32 == NULL)
        return 0;
#if defined(__x86_64__)
    if (set == &eqs_resistive_kernel_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
    if (set == &eqs_resistive_kernel_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return set == &eqs_resistive_kernel_base;
}

const eqs_resistive_kernels *eqs_resistive_kernel_get(size_t i)
{
    static const eqs_resistive_kernels *const sets[] = {
        &eqs_resistive_kernel_avx512, &eqs_resistive_kernel_avx2, &eqs_resistive_kernel_base};
    for (size_t j = 0; j < sizeof sets / sizeof *sets; j++)
        if (can_run(sets[j]) && i-- == 0)
            return sets[j];
    return NULL;
}
