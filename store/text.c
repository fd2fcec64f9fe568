#include "store/text.h"

#include "base/memory.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* makes room for `extra` more bytes and the final zero */
static bool reserve(eqs_text *text, size_t extra)
{
    size_t need = text->length + extra + 1;
    if (need <= text->capacity)
        return true;
    size_t capacity = text->capacity < 128 ? 256 : 2 * text->capacity;
    if (capacity < need)
        capacity = need;
    char *grown = eqs_realloc(text->data, text->capacity, capacity, 1);
    if (grown == NULL) {
        text->failed = true;
        return false;
    }
    text->data = grown;
    text->capacity = capacity;
    return true;
}

void eqs_text_add(eqs_text *text, const char *format, ...)
{
    if (text->failed)
        return;
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length >= 0 && reserve(text, (size_t)length)) {
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

void eqs_text_clear(eqs_text *text)
{
    eqs_free(text->data);
    *text = (eqs_text){0};
}

const char *eqs_text_string(const eqs_text *text)
{
    return text->data != NULL ? text->data : "";
}

static size_t digits(const char *text)
{
    size_t n = 0;
    while (text[n] >= '0' && text[n] <= '9')
        n++;
    return n;
}

/* true when text is a decimal number with optional fraction and exponent, and nothing else */
static bool is_decimal(const char *text)
{
    text += *text == '-' || *text == '+';
    size_t whole = digits(text), fraction = 0;
    text += whole;
    if (*text == '.') {
        fraction = digits(++text);
        text += fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        size_t exponent = digits(text);
        if (exponent == 0)
            return false;
        text += exponent;
    }
    return *text == '\0';
}

static bool is_special(const char *text, const char *lower, const char *title, const char *upper)
{
    return strcmp(text, lower) == 0 || strcmp(text, title) == 0 || strcmp(text, upper) == 0;
}

bool eqs_number_real(const char *text, double *out)
{
    if (!is_decimal(text)) {
        const char *bare = text + (*text == '-' || *text == '+');
        if (is_special(bare, ".inf", ".Inf", ".INF"))
            *out = *text == '-' ? -INFINITY : INFINITY;
        else if (is_special(text, ".nan", ".NaN", ".NAN"))
            *out = NAN;
        else
            return false;
        return true;
    }
    /* glibc hands out its static C locale here: nothing is allocated */
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0)
        return false;
    *out = strtod_l(text, NULL, c_locale);
    freelocale(c_locale);
    return isfinite(*out);
}

bool eqs_number_count(const char *text, uint64_t *out)
{
    if (digits(text) == 0 || text[digits(text)] != '\0')
        return false;
    errno = 0;
    *out = strtoull(text, NULL, 10);
    return errno == 0;
}

/* "1e-06" to "1.0e-06": YAML 1.1 readers (PyYAML) take a number without a point for a text */
static void add_point(char *number)
{
    char *exponent = strchr(number, 'e');
    if (exponent == NULL || strchr(number, '.') != NULL)
        return;
    memmove(exponent + 2, exponent, strlen(exponent) + 1);
    exponent[0] = '.';
    exponent[1] = '0';
}

void eqs_number_format(double value, char out[EQS_NUMBER_SIZE])
{
    char number[EQS_NUMBER_SIZE] = "";
    if (!isfinite(value)) {
        strcpy(out, isnan(value) ? ".nan" : value < 0 ? "-.inf" : ".inf");
        return;
    }
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0), old = (locale_t)0;
    if (c_locale != (locale_t)0)
        old = uselocale(c_locale);
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(number, sizeof number - 2, "%.*g", precision, value);
        if (strtod(number, NULL) == value)
            break;
    }
    if (c_locale != (locale_t)0) {
        uselocale(old);
        freelocale(c_locale);
    }
    add_point(number);
    memcpy(out, number, sizeof number);
}
