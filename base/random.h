/* Random numbers without state: Philox4x32-10 (Salmon et al., SC11; Debian's Random123), keyed by what the
 * number is for. number = f(seed, purpose, a, b, index): nothing to save in a checkpoint, and the same on
 * every thread and rank. */
#ifndef EQS_BASE_RANDOM_H
#define EQS_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* What a stream of numbers is for; part of the key. Append only: the order fixes the bits of every run. */
typedef enum eqs_random_purpose {
    EQS_RANDOM_WEIGHTS = 1, /* a = coupling */
    EQS_RANDOM_SHUFFLE,     /* a = epoch */
    EQS_RANDOM_NUDGE_SIGN,  /* a = epoch, index = minibatch */
    EQS_RANDOM_TAU,         /* a = layer */
    EQS_RANDOM_START,       /* a = layer; random starting states */
    EQS_RANDOM_SPLIT,
    EQS_RANDOM_HARDWARE, /* a = kind of deviation, b = element group */
    EQS_RANDOM_TEST
} eqs_random_purpose;

typedef struct eqs_random {
    uint64_t seed;
    uint32_t purpose, a, b;
} eqs_random;

/* A stream; no resources are held. */
static inline eqs_random eqs_random_stream(uint64_t seed, eqs_random_purpose purpose, uint32_t a, uint32_t b)
{
    return (eqs_random){seed, (uint32_t)purpose, a, b};
}

/* index-th 32-bit number of a stream; index < 2^34. */
uint32_t eqs_random_u32(const eqs_random *stream, uint64_t index);

/* index-th number, uniform on the open interval (0, 1), 53 bits. */
double eqs_random_uniform(const eqs_random *stream, uint64_t index);

/* index-th number of a standard normal distribution (Box-Muller on numbers 2 index and 2 index + 1). */
double eqs_random_normal(const eqs_random *stream, uint64_t index);

/* Fisher-Yates permutation of 0..n-1 into `order` [n]. */
void eqs_random_permutation(const eqs_random *stream, size_t n, uint32_t *order);

#endif
