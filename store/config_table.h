/* Private to store/: the table of configuration keys, and reading, printing and releasing values by it. */
#ifndef EQS_STORE_CONFIG_TABLE_H
#define EQS_STORE_CONFIG_TABLE_H

#include "store/config.h"
#include "store/text.h"
#include "store/yaml_reader.h"

typedef enum eqs_config_kind {
    EQS_KIND_COUNT, /* uint64_t or size_t */
    EQS_KIND_REAL,
    EQS_KIND_BOOL,
    EQS_KIND_STRING,
    EQS_KIND_WORD, /* an enum: index into words */
    EQS_KIND_REALS,
    EQS_KIND_SIZES,
    EQS_KIND_NAMES,
    EQS_KIND_CHOICE,    /* a word or a number */
    EQS_KIND_COUPLINGS, /* a word or a list of pairs */
    EQS_KIND_COUNT_OF_KINDS
} eqs_config_kind;

enum {
    EQS_KEY_REQUIRED = 1,  /* no default: the table's value is an example */
    EQS_KEY_ABOVE_MIN = 2, /* min itself is not allowed */
    EQS_KEY_INFINITE = 4,  /* .inf is allowed */
    EQS_KEY_EMPTY = 8      /* a list may be empty although least > 0 */
};

typedef struct eqs_config_key {
    const char *name; /* "section.key" */
    eqs_config_kind kind;
    size_t offset;      /* of the field in eqs_config */
    const char *value;  /* default as YAML */
    double min, max;    /* of numbers and of list entries; max INFINITY: no limit */
    size_t least, most; /* entries of a list */
    unsigned flags;
    const char *const *words; /* ended by NULL */
    const char *alias;        /* another spelling of words[alias_of], or NULL */
    unsigned alias_of;
    const char *unit, *meaning;
} eqs_config_key;

extern const eqs_config_key eqs_config_keys[];
extern const size_t eqs_config_n_keys;

/* Sections in the order of the file, ended by NULL; the first, "", holds keys outside sections. */
typedef struct eqs_config_section {
    const char *name, *meaning;
} eqs_config_section;
extern const eqs_config_section eqs_config_sections[];

/* Largest size of a field, for values on the stack. */
typedef union eqs_config_value {
    uint64_t count;
    double real;
    bool yes;
    char *string;
    unsigned word;
    eqs_config_reals reals;
    eqs_config_sizes sizes;
    eqs_config_names names;
    eqs_config_choice choice;
    eqs_config_couplings couplings;
} eqs_config_value;

/* Index of a key by its full name, or SIZE_MAX. */
size_t eqs_config_find(const char *name);

/* true when name is a section; *empty_section when it has no keys yet (hardware). */
bool eqs_config_is_section(const char *name, bool *empty_section);

/* The known key or section nearest to name, by edit distance; static storage. */
const char *eqs_config_nearest(const char *name);

size_t eqs_config_size_of(eqs_config_kind kind);

/* Value of a key out of a node; `source` opens the message. The value is the caller's
 * (eqs_config_value_clear). */
eqs_status eqs_config_value_read(const eqs_config_key *key, const eqs_yaml_node *node, const char *source,
                                 eqs_config_value *out);
/* The default of a key; empty for required keys. */
eqs_status eqs_config_value_default(const eqs_config_key *key, eqs_config_value *out);
void eqs_config_value_clear(const eqs_config_key *key, eqs_config_value *value);
/* Appends the value as YAML flow text. */
void eqs_config_value_print(const eqs_config_key *key, const eqs_config_value *value, eqs_text *text);
/* The field of a configuration as a value (shallow), and back. */
eqs_config_value eqs_config_value_get(const eqs_config_key *key, const eqs_config *config);
void eqs_config_value_put(const eqs_config_key *key, eqs_config_value value, eqs_config *config);
/* Appends what is allowed: "a number in [0, 1]", "one of: a, b". */
void eqs_config_allowed(const eqs_config_key *key, eqs_text *text);

#endif
