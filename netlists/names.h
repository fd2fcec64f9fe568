/* Interned names: text <-> index, in constant time. Nodes and elements of a netlist are known by their index;
 * the text is stored once. */
#ifndef EQS_NETLISTS_NAMES_H
#define EQS_NETLISTS_NAMES_H

#include "base/status.h"
#include "netlists/arena.h"

#include <stdbool.h>
#include <stdint.h>

/* An empty table is all zeros. */
typedef struct eqs_names {
    size_t n, capacity;
    const char **text; /* [n], in the arena */
    size_t n_slots;    /* power of two */
    uint32_t *slot;    /* open addressing: index + 1, 0 is empty */
    uint32_t *hash;    /* [n_slots] of the text in the slot */
} eqs_names;

/* Index of a name, added when new; *is_new (may be NULL) says which. EQS_NO_MEMORY. */
eqs_status eqs_names_add(eqs_names *names, eqs_arena *arena, const char *text, uint32_t *index, bool *is_new);

/* Index of a name into *index; false when unknown. */
bool eqs_names_find(const eqs_names *names, const char *text, uint32_t *index);

/* Frees the tables (not the arena that holds the texts). */
void eqs_names_clear(eqs_names *names);

#endif
