/* Memory that lives and dies together: the strings and small records of a netlist. Blocks double in size, so
 * that a netlist of n elements costs O(log n) allocations. */
#ifndef EQS_NETLISTS_ARENA_H
#define EQS_NETLISTS_ARENA_H

#include <stddef.h>

typedef struct eqs_arena_block eqs_arena_block;

/* An empty arena is all zeros. */
typedef struct eqs_arena {
    eqs_arena_block *block; /* newest first; owned */
    size_t used, size;      /* bytes of the newest block */
} eqs_arena;

/* `bytes` zeroed bytes aligned to 16; NULL (EQS_NO_MEMORY recorded) when memory is short. Valid until
 * eqs_arena_clear. */
void *eqs_arena_alloc(eqs_arena *arena, size_t bytes);

/* Copy of `length` characters with a closing NUL, packed without padding; NULL when memory is short. */
char *eqs_arena_text(eqs_arena *arena, const char *text, size_t length);

/* Gives everything back; the arena is empty and usable again. */
void eqs_arena_clear(eqs_arena *arena);

#endif
