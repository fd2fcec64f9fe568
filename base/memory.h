/* Memory: overflow-checked, zeroed, aligned for SIMD. All allocations of eqspice pass here, so that tests can
 * make the k-th one fail. Release with eqs_free (NULL is fine). */
#ifndef EQS_BASE_MEMORY_H
#define EQS_BASE_MEMORY_H

#include <stddef.h>

/* `count` zeroed elements of `size` bytes, aligned to 64 bytes; NULL (with a message recorded by eqs_fail,
 * code EQS_NO_MEMORY) when memory is short or count * size overflows. A count of 0 gives a valid pointer. */
void *eqs_alloc(size_t count, size_t size);

/* Grows or shrinks a block of eqs_alloc that holds `old_count` elements; new elements are zeroed. NULL leaves
 * the old block valid. */
void *eqs_realloc(void *block, size_t old_count, size_t new_count, size_t size);

/* Copy of a string, owned by the caller; NULL when memory is short or text is NULL. */
char *eqs_strdup(const char *text);

/* printf into a new string, owned by the caller; NULL when memory is short. */
char *eqs_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

void eqs_free(void *block);

/* Bytes that this process may still take: the least of what the system has available, what its control group
 * allows (version 2), and its address space limit; 0 when none of these can be read. */
double eqs_memory_available(void);

/* Tests only: the k-th allocation from now on (k = 1 the next) fails once; 0 switches this off. */
void eqs_alloc_fail_at(long k);

#endif
