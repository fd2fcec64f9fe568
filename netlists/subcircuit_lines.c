#include "netlists/subcircuit_internal.h"

#include "base/memory.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

eqs_status eqs_spice_fail(const eqs_spice_scope *scope, const char *format, ...)
{
    char text[800];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return eqs_fail(EQS_BAD_DATA, "%s:%zu: %s", scope->file->name, scope->line->number, text);
}

/* end of what a line says: before "; ..." and "$ ...", without blanks at the end */
static size_t content_length(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool dollar = line[i] == '$' && (i == 0 || isspace((unsigned char)line[i - 1])) &&
                      (i + 1 == length || isspace((unsigned char)line[i + 1]));
        if (line[i] == ';' || dollar) {
            length = i;
            break;
        }
    }
    while (length > 0 && isspace((unsigned char)line[length - 1]))
        length--;
    return length;
}

/* "* text" -> "text", into the arena */
static char *comment_text(eqs_spice_file *file, const char *line, size_t length)
{
    while (length > 0 && (*line == '*' || isspace((unsigned char)*line))) {
        line++;
        length--;
    }
    while (length > 0 && isspace((unsigned char)line[length - 1]))
        length--;
    return eqs_arena_text(&file->arena, line, length);
}

static eqs_status add_comment(eqs_spice_file *file, const char *line, size_t length, size_t *n_notes,
                              char **notes)
{
    char *text = comment_text(file, line, length);
    if (text == NULL)
        return EQS_NO_MEMORY;
    bool note = strncasecmp(text, "pin ", 4) == 0 || strncasecmp(text, "param ", 6) == 0;
    if (note)
        notes[(*n_notes)++] = text;
    else if (file->summary[0] == '\0')
        file->summary = text;
    return EQS_OK;
}

/* the line after those that are there already, or one more piece of the last */
static eqs_status add_content(eqs_spice_file *file, size_t number, const char *line, size_t length)
{
    bool more = *line == '+';
    eqs_spice_scope here = {.file = file, .line = &(eqs_spice_line){number, NULL}};
    if (more && file->n_lines == 0)
        return eqs_spice_fail(&here, "'+' continues a line, but there is none before it");
    const char *before = more ? file->line[file->n_lines - 1].text : "";
    size_t n = strlen(before);
    if (n + length + 1 > EQS_SPICE_LINE_BYTES)
        return eqs_spice_fail(&here, "the line is longer than %d characters", EQS_SPICE_LINE_BYTES);
    char *text = eqs_arena_alloc(&file->arena, n + length + 2);
    if (text == NULL)
        return EQS_NO_MEMORY;
    memcpy(text, before, n);
    for (size_t i = 0; i < length; i++)
        text[n + i] = i == 0 && more ? ' ' : (char)tolower((unsigned char)line[i]);
    if (more)
        file->line[file->n_lines - 1].text = text;
    else
        file->line[file->n_lines++] = (eqs_spice_line){number, text};
    return EQS_OK;
}

eqs_status eqs_spice_lines(eqs_spice_file *file, const char *text, size_t length, size_t *n_notes,
                           char ***notes)
{
    size_t n = 1, number = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        n += c == '\n';
        if (c == '\0' || (c < ' ' && !isspace(c)))
            return eqs_fail(EQS_BAD_DATA, "%s:%zu: there is a control character (byte %u) in the line",
                            file->name, n, c);
    }
    file->line = eqs_arena_alloc(&file->arena, n * sizeof *file->line);
    *notes = eqs_arena_alloc(&file->arena, n * sizeof **notes);
    *n_notes = 0;
    if (file->line == NULL || *notes == NULL)
        return EQS_NO_MEMORY;
    for (const char *at = text, *stop = text + length; at < stop;) {
        const char *end = memchr(at, '\n', (size_t)(stop - at));
        size_t size = (size_t)((end != NULL ? end : stop) - at);
        const char *line = at;
        number++;
        at += size + 1;
        while (size > 0 && isspace((unsigned char)*line)) {
            line++;
            size--;
        }
        if (size > 0 && *line == '*') {
            EQS_TRY(add_comment(file, line, size, n_notes, *notes));
            continue;
        }
        size = content_length(line, size);
        if (size > 0)
            EQS_TRY(add_content(file, number, line, size));
    }
    return EQS_OK;
}

bool eqs_spice_next(const char **at, eqs_spice_word *word)
{
    const char *c = *at;
    while (*c != '\0' && (isspace((unsigned char)*c) || strchr(",()", *c) != NULL))
        c++;
    *word = (eqs_spice_word){c, 0, false};
    if (*c == '\0')
        return false;
    if (*c == '{' || *c == '\'') {
        const char *end = strchr(c + 1, *c == '{' ? '}' : '\'');
        *word = (eqs_spice_word){c + 1, end == NULL ? SIZE_MAX : (size_t)(end - c - 1), true};
        *at = end == NULL ? c + strlen(c) : end + 1;
        return true;
    }
    size_t n = *c == '=' ? 1 : strcspn(c, " \t\r\f\v,()={'");
    *word = (eqs_spice_word){c, n, false};
    *at = c + n;
    return true;
}

bool eqs_spice_identifier(const char *text, size_t length, bool node)
{
    enum { LONGEST = 64 };
    static const char *const reserved[] = {"temper", "gnd", "hertz", "time", "pi", "e", "i", "v"};
    if (length == 0 || length > LONGEST || (!node && isdigit((unsigned char)*text)))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!(isalnum((unsigned char)text[i]) || text[i] == '_'))
            return false;
    }
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        bool same = strlen(reserved[i]) == length && memcmp(reserved[i], text, length) == 0;
        if (same && (i < 2 || !node))
            return false;
    }
    return true;
}

eqs_status eqs_spice_split(const eqs_spice_scope *scope, eqs_spice_words *out)
{
    const char *at = scope->line->text;
    out->n = 0;
    for (eqs_spice_word w; eqs_spice_next(&at, &w);) {
        if (w.length == SIZE_MAX)
            return eqs_spice_fail(scope, "a brace or quote is not closed");
        if (out->n == EQS_SPICE_WORDS)
            return eqs_spice_fail(scope, "more than %d words in a line", EQS_SPICE_WORDS);
        out->word[out->n++] = w;
    }
    if (out->n == 0)
        return eqs_spice_fail(scope, "there is nothing but separators in the line");
    return EQS_OK;
}

eqs_spice_scope eqs_spice_file_scope(const eqs_spice_file *file, size_t line)
{
    return (eqs_spice_scope){.file = file, .line = &file->line[line]};
}
