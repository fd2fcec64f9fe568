/* Growing text, and numbers as text in the C locale whatever the locale of the process. */
#ifndef EQS_STORE_TEXT_H
#define EQS_STORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text that grows by eqs_text_add; zero-initialise, release with eqs_text_clear. When memory is short it
 * sets `failed` (the message is that of eqs_alloc) and ignores what follows, so that one test at the end
 * suffices. */
typedef struct eqs_text {
    char *data; /* NULL while empty */
    size_t length, capacity;
    bool failed;
} eqs_text;

void eqs_text_add(eqs_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void eqs_text_clear(eqs_text *text);

/* The text so far, never NULL; borrowed. */
const char *eqs_text_string(const eqs_text *text);

/* A number in YAML's core schema: decimal, or [+-].inf, .nan. False for anything else and on overflow. */
bool eqs_number_real(const char *text, double *out);

/* A non-negative decimal integer below 2^64. */
bool eqs_number_count(const char *text, uint64_t *out);

/* The shortest of %.15g, %.16g, %.17g that reads back as the same double, with a point before an exponent
 * (YAML 1.1 wants it); .inf, -.inf, .nan as in YAML. */
enum { EQS_NUMBER_SIZE = 32 };
void eqs_number_format(double value, char out[EQS_NUMBER_SIZE]);

#endif
