#include "base/random.h"

#include <Random123/philox.h>
#include <math.h>

static philox4x32_ctr_t block(const eqs_random *stream, uint64_t counter)
{
    philox4x32_ctr_t ctr = {{(uint32_t)counter, stream->purpose, stream->a, stream->b}};
    philox4x32_key_t key = {{(uint32_t)stream->seed, (uint32_t)(stream->seed >> 32)}};
    return philox4x32(ctr, key);
}

uint32_t eqs_random_u32(const eqs_random *stream, uint64_t index)
{
    return block(stream, index / 4).v[index % 4];
}

double eqs_random_uniform(const eqs_random *stream, uint64_t index)
{
    philox4x32_ctr_t r = block(stream, index / 2);
    uint32_t high = r.v[2 * (index % 2)], low = r.v[2 * (index % 2) + 1];
    uint64_t bits = ((uint64_t)high << 21) ^ (low >> 11);
    return ((double)bits + 0.5) * 0x1p-53;
}

double eqs_random_normal(const eqs_random *stream, uint64_t index)
{
    double radius = sqrt(-2.0 * log(eqs_random_uniform(stream, 2 * index)));
    return radius * cos(6.283185307179586 * eqs_random_uniform(stream, 2 * index + 1));
}

void eqs_random_permutation(const eqs_random *stream, size_t n, uint32_t *order)
{
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)(eqs_random_uniform(stream, i) * (double)i);
        uint32_t swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}
