#include "netlists/arena.h"

#include "base/memory.h"

#include <string.h>

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20, ALIGNMENT = 16 };

struct eqs_arena_block {
    struct eqs_arena_block *next;
    char pad[ALIGNMENT - sizeof(void *)];
    char bytes[];
};

static void *take(eqs_arena *arena, size_t bytes, size_t alignment)
{
    size_t start = (arena->used + alignment - 1) / alignment * alignment;
    if (arena->block == NULL || start > arena->size || bytes > arena->size - start) {
        size_t size = arena->size == 0 ? FIRST_BLOCK : 2 * arena->size;
        if (size > LARGEST_BLOCK)
            size = LARGEST_BLOCK;
        if (size < bytes)
            size = bytes;
        eqs_arena_block *block = eqs_alloc(1, sizeof *block + size);
        if (block == NULL)
            return NULL;
        block->next = arena->block;
        *arena = (eqs_arena){block, 0, size};
        start = 0;
    }
    arena->used = start + bytes;
    return arena->block->bytes + start;
}

void *eqs_arena_alloc(eqs_arena *arena, size_t bytes)
{
    return take(arena, bytes, ALIGNMENT);
}

char *eqs_arena_text(eqs_arena *arena, const char *text, size_t length)
{
    char *copy = take(arena, length + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, length); /* blocks are zeroed, so the closing NUL is there */
    return copy;
}

void eqs_arena_clear(eqs_arena *arena)
{
    while (arena->block != NULL) {
        eqs_arena_block *next = arena->block->next;
        eqs_free(arena->block);
        arena->block = next;
    }
    *arena = (eqs_arena){0};
}
