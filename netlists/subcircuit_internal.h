/* Inside the reader of subcircuit files: lines, scopes and expressions.
 *
 *     expression = or ["?" expression ":" expression]       or   = and {"||" and}
 *     and        = relation {"&&" relation}                 relation = sum [("<"|">"|"<="|">="|"=="|"!=")
 * sum] sum        = product {("+"|"-") product}              product  = unary {("*"|"/") unary} unary      =
 * ("-"|"+"|"!") unary | primary primary    = number | parameter | "time" | "v(" node ["," node] ")" | "i("
 * vsource ")" | function "(" expression {"," expression} ")" | "(" expression ")"
 *
 * Absent on purpose: "^", "**", pow (|x|^y without a word for negative x), limit (0 for every x), if and
 * table (errors at load). */
#ifndef EQS_NETLISTS_SUBCIRCUIT_INTERNAL_H
#define EQS_NETLISTS_SUBCIRCUIT_INTERNAL_H

#include "netlists/names.h"
#include "netlists/subcircuit.h"

/* A line with its continuations joined, lower case, without comments. */
typedef struct eqs_spice_line {
    size_t number; /* of its first line in the file, from 1 */
    char *text;
} eqs_spice_line;

/* What a subcircuit's names mean while it is checked. */
typedef struct eqs_spice_scope {
    const eqs_spice_file *file;
    const eqs_spice_line *line;        /* that is being read */
    const eqs_names *nodes, *vsources; /* NULL outside subcircuits */
    size_t n_parameters;               /* seen so far */
    const char *const *parameter;
    const double *value;
} eqs_spice_scope;

/* EQS_BAD_DATA with "file:line: " before the message. */
eqs_status eqs_spice_fail(const eqs_spice_scope *scope, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Checks an expression (without its braces). *constant (NULL: must be constant) tells whether it depends on
 * parameters alone; *value receives its value then, which must be finite. */
eqs_status eqs_spice_expression(const eqs_spice_scope *scope, const char *text, size_t length, bool *constant,
                                double *value);

/* Cuts a text into the file's lines; collects comment lines into the summary and `notes` (lines "pin a: b"
 * and "param a: b", in the file's arena). */
eqs_status eqs_spice_lines(eqs_spice_file *file, const char *text, size_t length, size_t *n_notes,
                           char ***notes);

/* One word of a line. Braced words keep their braces off: `braced` tells. */
typedef struct eqs_spice_word {
    const char *text;
    size_t length;
    bool braced;
} eqs_spice_word;

/* The next word at *at, which moves on: "=" is a word of its own; blanks, commas and parentheses separate;
 * {...} and '...' are one word. False at the end. EQS_BAD_DATA is left to the caller: an unclosed brace gives
 * length SIZE_MAX. */
bool eqs_spice_next(const char **at, eqs_spice_word *word);

/* true for [a-z_][a-z0-9_]* (digits first are fine for nodes) that is no word that ngspice reads its own way.
 */
bool eqs_spice_identifier(const char *text, size_t length, bool node);

/* One element line, its names already known to be in the scope; model_type(name) gives the type of a model or
 * NULL. */
typedef struct eqs_spice_models {
    size_t n;
    const char *const *name;
    const char *const *type;
} eqs_spice_models;

/* Nodes of an element line: the words [1, *n]; EQS_BAD_DATA for an element that is not allowed or has too few
 * words. The words of a line are word[n_words], word[0] its name. */
eqs_status eqs_spice_element_nodes(const eqs_spice_scope *scope, const eqs_spice_word *word, size_t n_words,
                                   size_t *n);

/* Checks the rest of an element: model, values, expressions, named parameters. */
eqs_status eqs_spice_element_check(const eqs_spice_scope *scope, const eqs_spice_models *models,
                                   const eqs_spice_word *word, size_t n_words, size_t n_earlier);

/* A value word: a number, or a braced expression of parameters. */
eqs_status eqs_spice_value(const eqs_spice_scope *scope, const eqs_spice_word *word, const char *what,
                           double *value);

/* A .model line: *name and *type are indices into word. */
eqs_status eqs_spice_model_check(const eqs_spice_scope *scope, const eqs_spice_word *word, size_t n_words);

/* The words of one line. */
enum { EQS_SPICE_WORDS = 512 };

typedef struct eqs_spice_words {
    size_t n; /* > 0 */
    eqs_spice_word word[EQS_SPICE_WORDS];
} eqs_spice_words;

/* Cuts the scope's line into words. EQS_BAD_DATA for open braces and lines of separators. */
eqs_status eqs_spice_split(const eqs_spice_scope *scope, eqs_spice_words *out);

/* The scope of a line outside subcircuits. */
eqs_spice_scope eqs_spice_file_scope(const eqs_spice_file *file, size_t line);

/* The line of .ends that closes the .subckt in line `first`. */
eqs_status eqs_spice_find_end(const eqs_spice_file *file, size_t first, size_t *last);

/* Checks subcircuit `index` with values of its parameters (NULL: its defaults); n_elements (may be NULL)
 * receives how many elements it has. */
eqs_status eqs_spice_check_body(const eqs_spice_file *file, size_t index, const double *value,
                                size_t *n_elements);

/* The lines again, word by word, into file->text: ngspice reads what was checked and nothing else. */
eqs_status eqs_spice_print(eqs_spice_file *file);

/* A word as a text of its own in an arena, or NULL. */
static inline const char *eqs_spice_keep(eqs_arena *arena, const eqs_spice_word *word)
{
    return eqs_arena_text(arena, word->text, word->length);
}

static inline bool eqs_spice_is(const eqs_spice_word *word, const char *text)
{
    return !word->braced && __builtin_strlen(text) == word->length &&
           __builtin_memcmp(word->text, text, word->length) == 0;
}

#endif
