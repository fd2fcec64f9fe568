/* Strict YAML into a small tree with positions, by libyaml. Refused with file:line:column: anchors, aliases,
 * tags, several documents, duplicate keys, keys that are not plain names, NUL bytes, texts above 1 MiB,
 * nesting above 16, more than 1000 keys in one mapping. */
#ifndef EQS_STORE_YAML_READER_H
#define EQS_STORE_YAML_READER_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

enum { EQS_YAML_MAX_BYTES = 1 << 20, EQS_YAML_MAX_DEPTH = 16, EQS_YAML_MAX_KEYS = 1000 };

typedef enum eqs_yaml_kind { EQS_YAML_SCALAR, EQS_YAML_SEQUENCE, EQS_YAML_MAPPING } eqs_yaml_kind;

typedef struct eqs_yaml_node {
    eqs_yaml_kind kind;
    const char *text;            /* scalars: the value, UTF-8 */
    bool plain;                  /* scalars: written without quotes */
    const char *key;             /* entries of a mapping: their key, else NULL */
    size_t line, column;         /* of the value, from 1 */
    size_t key_line, key_column; /* of the key, from 1 */
    size_t n_children;
    struct eqs_yaml_node *first, *next; /* children in file order; next sibling */
} eqs_yaml_node;

typedef struct eqs_yaml eqs_yaml;

/* Parses `length` bytes; `name` opens the messages. EQS_BAD_CONFIG, EQS_NO_MEMORY. *out is the caller's. */
eqs_status eqs_yaml_read(const char *text, size_t length, const char *name, eqs_yaml **out);
void eqs_yaml_destroy(eqs_yaml *yaml);

/* The only document's node; NULL when the text holds none. Borrowed. */
const eqs_yaml_node *eqs_yaml_root(const eqs_yaml *yaml);

/* true for a scalar that YAML reads as null: nothing, ~ or null, unquoted */
bool eqs_yaml_is_null(const eqs_yaml_node *node);

#endif
