#include "netlists/names.h"

#include "base/memory.h"

#include <string.h>

enum { FIRST_CAPACITY = 64 };

/* FNV-1a */
static uint32_t hash_of(const char *text)
{
    uint32_t h = 2166136261u;
    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * 16777619u;
    return h;
}

/* slot that holds `text`, or the empty slot where it belongs */
static size_t locate(const eqs_names *names, const char *text, uint32_t hash)
{
    size_t at = hash & (names->n_slots - 1);
    while (names->slot[at] != 0 &&
           (names->hash[at] != hash || strcmp(names->text[names->slot[at] - 1], text) != 0))
        at = (at + 1) & (names->n_slots - 1);
    return at;
}

/* room for twice as many names; slots stay at most half full */
static eqs_status grow(eqs_names *names)
{
    size_t capacity = names->capacity == 0 ? FIRST_CAPACITY : 2 * names->capacity;
    size_t n_slots = 2 * capacity;
    uint32_t *slot = eqs_alloc(n_slots, sizeof *slot);
    uint32_t *hash = eqs_alloc(n_slots, sizeof *hash);
    const char **text =
        slot == NULL || hash == NULL ? NULL : eqs_realloc(names->text, names->n, capacity, sizeof *text);
    if (text == NULL) {
        eqs_free(slot);
        eqs_free(hash);
        return EQS_NO_MEMORY;
    }
    for (size_t old = 0; old < names->n_slots; old++) {
        if (names->slot[old] == 0)
            continue;
        size_t at = names->hash[old] & (n_slots - 1);
        while (slot[at] != 0)
            at = (at + 1) & (n_slots - 1);
        slot[at] = names->slot[old];
        hash[at] = names->hash[old];
    }
    eqs_free(names->slot);
    eqs_free(names->hash);
    *names = (eqs_names){names->n, capacity, text, n_slots, slot, hash};
    return EQS_OK;
}

eqs_status eqs_names_add(eqs_names *names, eqs_arena *arena, const char *text, uint32_t *index, bool *is_new)
{
    if (names->n == names->capacity)
        EQS_TRY(grow(names));
    uint32_t hash = hash_of(text);
    size_t at = locate(names, text, hash);
    bool added = names->slot[at] == 0;
    if (added) {
        if (names->n >= UINT32_MAX - 1)
            return eqs_fail(EQS_NO_MEMORY, "more than %u names in one netlist", UINT32_MAX - 1);
        const char *copy = eqs_arena_text(arena, text, strlen(text));
        if (copy == NULL)
            return EQS_NO_MEMORY;
        names->text[names->n++] = copy;
        names->slot[at] = (uint32_t)names->n;
        names->hash[at] = hash;
    }
    *index = names->slot[at] - 1;
    if (is_new != NULL)
        *is_new = added;
    return EQS_OK;
}

bool eqs_names_find(const eqs_names *names, const char *text, uint32_t *index)
{
    if (names->n_slots == 0)
        return false;
    size_t at = locate(names, text, hash_of(text));
    if (names->slot[at] == 0)
        return false;
    *index = names->slot[at] - 1;
    return true;
}

void eqs_names_clear(eqs_names *names)
{
    eqs_free(names->text);
    eqs_free(names->slot);
    eqs_free(names->hash);
    *names = (eqs_names){0};
}
