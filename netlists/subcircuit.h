/* A user's own SPICE subcircuit, read and checked before ngspice sees any of it.
 *
 * ngspice 39 answers many mistakes with silence, a wrong value or the end of the process (an unknown
 * parameter, limit(), "=" in a node name, a node called temper). So a file may hold only what is listed here,
 * every name that it uses must exist, and every value must be a number or an expression that can be computed.
 * Messages read "file:line: ...".
 *
 * A file holds comments ("*", "; ...", "$ ..."), .model lines, subcircuits, and nothing else; it is read
 * without regard to case; "+" continues a line. Within a subcircuit: .param and .model lines, and R C L n+ n-
 * value [ic=]            D n+ n- model [area= ic=]        Q c b e model [area=] M d g s b model [w= l= ad=
 * as= pd= ps= nrd= nrs= m=]                J d g s model [area=] V I n+ n- [dc] value | pulse() | sin() |
 * exp() | pwl()              S n+ n- c+ c- model E G n+ n- c+ c- gain | n+ n- value={...} F H n+ n- vsource
 * gain B n+ n- v={...} | i={...}                                           X nodes subcircuit [name=value]
 * with values as numbers with SPICE's suffixes, or {expressions} of parameters (subcircuit_internal.h).
 * Models: d, nmos, pmos, npn, pnp, njf, pjf, sw. An X may name a subcircuit that stands before it. The last
 * subcircuit of a file is the one that the file offers; "* pin NAME: text" and "* param NAME: text" describe
 * its pins and parameters, and the first comment line the file. */
#ifndef EQS_NETLISTS_SUBCIRCUIT_H
#define EQS_NETLISTS_SUBCIRCUIT_H

#include "base/status.h"
#include "netlists/arena.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    EQS_SPICE_FILE_BYTES = 1 << 20, /* longest file */
    EQS_SPICE_LINE_BYTES = 4000,    /* longest line, continuations included */
    EQS_SPICE_PINS = 64,
    EQS_SPICE_PARAMETERS = 64, /* of one subcircuit, .param lines included */
    EQS_SPICE_SUBCIRCUITS = 32,
    EQS_SPICE_DEPTH = 64, /* of parentheses and operators in an expression */
};

/* Texts are lower case and belong to the file. */
typedef struct eqs_spice_pin {
    const char *name, *meaning; /* meaning "" when the file has none */
} eqs_spice_pin;

typedef struct eqs_spice_parameter {
    const char *name, *meaning;
    double value; /* default */
} eqs_spice_parameter;

typedef struct eqs_spice_subcircuit {
    const char *name;
    size_t line; /* of its .subckt */
    size_t n_pins, n_parameters, n_elements;
    eqs_spice_pin pin[EQS_SPICE_PINS];
    eqs_spice_parameter parameter[EQS_SPICE_PARAMETERS];
} eqs_spice_subcircuit;

typedef struct eqs_spice_file {
    const char *name;    /* for messages */
    const char *summary; /* first comment line, or "" */
    size_t n_subcircuits;
    eqs_spice_subcircuit *subcircuit; /* [n_subcircuits]; the last is the one that the file offers */
    const char *text;                 /* the checked definitions, one line each, ready for a deck */
    size_t n_lines;
    struct eqs_spice_line *line; /* private */
    eqs_arena arena;
} eqs_spice_file;

/* Reads and checks a file. EQS_MISSING_INPUT when it cannot be read, EQS_BAD_DATA with file and line for
 * anything that is not allowed. *out is the caller's. */
eqs_status eqs_spice_file_load(const char *path, eqs_spice_file **out);

/* The same from `length` bytes of text; `name` stands for the file in messages. */
eqs_status eqs_spice_file_parse(const char *text, size_t length, const char *name, eqs_spice_file **out);

void eqs_spice_file_destroy(eqs_spice_file *file);

/* The subcircuit that the file offers; borrowed. */
const eqs_spice_subcircuit *eqs_spice_file_top(const eqs_spice_file *file);

/* Index of a pin or parameter of a subcircuit by its name (lower case), or SIZE_MAX. */
size_t eqs_spice_pin_find(const eqs_spice_subcircuit *subcircuit, const char *name);
size_t eqs_spice_parameter_find(const eqs_spice_subcircuit *subcircuit, const char *name);

/* Checks the offered subcircuit again with other values of its parameters, value [n_parameters]: a resistance
 * may have become 0, a logarithm's argument negative. EQS_BAD_DATA. */
eqs_status eqs_spice_file_check_values(const eqs_spice_file *file, const double *value);

/* A number with SPICE's suffix (t g meg k m u n p f) and unit letters: "10k", "2.5pF", "1e-6". False for
 * anything else. */
bool eqs_spice_read_number(const char *text, double *out);

#endif
