#include "netlists/subcircuit_internal.h"

#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ".subckt name pins... [params:] name=value ..." */
static eqs_status read_header(eqs_spice_file *file, size_t line)
{
    eqs_spice_scope scope = eqs_spice_file_scope(file, line);
    eqs_spice_words w;
    EQS_TRY(eqs_spice_split(&scope, &w));
    if (file->n_subcircuits == EQS_SPICE_SUBCIRCUITS)
        return eqs_spice_fail(&scope, "more than %d subcircuits", EQS_SPICE_SUBCIRCUITS);
    if (w.n < 3 || !eqs_spice_identifier(w.word[1].text, w.word[1].length, false))
        return eqs_spice_fail(&scope, ".subckt NAME PIN ... [name=value ...] was expected");
    eqs_spice_subcircuit *sub = &file->subcircuit[file->n_subcircuits];
    *sub = (eqs_spice_subcircuit){.name = eqs_spice_keep(&file->arena, &w.word[1]),
                                  .line = file->line[line].number};
    for (size_t i = 0; i < file->n_subcircuits; i++) {
        if (sub->name != NULL && strcmp(file->subcircuit[i].name, sub->name) == 0)
            return eqs_spice_fail(&scope, "subcircuit '%s' is defined twice", sub->name);
    }
    size_t i = 2;
    for (; i < w.n && !(i + 1 < w.n && eqs_spice_is(&w.word[i + 1], "=")) &&
           !eqs_spice_is(&w.word[i], "params:");
         i++) {
        if (sub->n_pins == EQS_SPICE_PINS)
            return eqs_spice_fail(&scope, "more than %d pins", EQS_SPICE_PINS);
        if (w.word[i].braced || !eqs_spice_identifier(w.word[i].text, w.word[i].length, true) ||
            eqs_spice_is(&w.word[i], "0"))
            return eqs_spice_fail(&scope, "'%.*s' is no name of a pin (letters, digits and '_')",
                                  (int)(w.word[i].length < 64 ? w.word[i].length : 64), w.word[i].text);
        const char *name = eqs_spice_keep(&file->arena, &w.word[i]);
        if (name == NULL || sub->name == NULL)
            return EQS_NO_MEMORY;
        if (eqs_spice_pin_find(sub, name) != SIZE_MAX)
            return eqs_spice_fail(&scope, "pin '%s' is there twice", name);
        sub->pin[sub->n_pins++] = (eqs_spice_pin){name, ""};
    }
    if (sub->n_pins == 0)
        return eqs_spice_fail(&scope, "subcircuit '%s' has no pins", sub->name);
    for (i += i < w.n && eqs_spice_is(&w.word[i], "params:"); i < w.n; i += 3) {
        double value;
        if (i + 2 >= w.n || !eqs_spice_is(&w.word[i + 1], "=") || w.word[i + 2].braced)
            return eqs_spice_fail(
                &scope, "name=number was expected; what follows from other parameters stands in .param");
        if (sub->n_parameters == EQS_SPICE_PARAMETERS)
            return eqs_spice_fail(&scope, "more than %d parameters", EQS_SPICE_PARAMETERS);
        EQS_TRY(eqs_spice_value(&scope, &w.word[i + 2], "parameter", &value));
        const char *name = eqs_spice_keep(&file->arena, &w.word[i]);
        if (name == NULL)
            return EQS_NO_MEMORY;
        sub->parameter[sub->n_parameters++] = (eqs_spice_parameter){name, "", value};
    }
    file->n_subcircuits++;
    return EQS_OK;
}

static eqs_status read_structure(eqs_spice_file *file)
{
    bool inside = false;
    file->subcircuit = eqs_arena_alloc(&file->arena, EQS_SPICE_SUBCIRCUITS * sizeof *file->subcircuit);
    if (file->subcircuit == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < file->n_lines; i++) {
        eqs_spice_scope scope = eqs_spice_file_scope(file, i);
        eqs_spice_words w;
        EQS_TRY(eqs_spice_split(&scope, &w));
        const eqs_spice_word *first = &w.word[0];
        if (eqs_spice_is(first, ".subckt")) {
            size_t last;
            EQS_TRY(eqs_spice_find_end(file, i, &last));
            EQS_TRY(read_header(file, i));
            inside = true;
        } else if (eqs_spice_is(first, ".ends")) {
            if (!inside || w.n > 2 ||
                (w.n == 2 && !eqs_spice_is(&w.word[1], file->subcircuit[file->n_subcircuits - 1].name)))
                return eqs_spice_fail(&scope, ".ends closes no .subckt of that name");
            inside = false;
        } else if (!inside && eqs_spice_is(first, ".model")) {
            EQS_TRY(eqs_spice_model_check(&scope, w.word, w.n));
        } else if (!inside && !(eqs_spice_is(first, ".end") && i + 1 == file->n_lines)) {
            return eqs_spice_fail(
                &scope, "'%.*s' is not allowed outside a subcircuit; allowed: .subckt, .model, comments",
                (int)(first->length < 64 ? first->length : 64), first->text);
        }
    }
    if (file->n_subcircuits == 0)
        return eqs_fail(EQS_BAD_DATA, "%s: there is no .subckt in the file", file->name);
    return EQS_OK;
}

/* "pin NAME: text" and "param NAME: text" of the comments, to the offered subcircuit */
static void read_notes(eqs_spice_file *file, size_t n_notes, char **notes)
{
    eqs_spice_subcircuit *top = &file->subcircuit[file->n_subcircuits - 1];
    for (size_t i = 0; i < n_notes; i++) {
        char name[65];
        const char *start = strchr(notes[i], ' ') + 1, *colon = strchr(start, ':');
        size_t length = colon == NULL ? 0 : (size_t)(colon - start);
        if (length == 0 || length >= sizeof name)
            continue;
        for (size_t c = 0; c <= length; c++)
            name[c] =
                c == length ? '\0' : (char)(start[c] >= 'A' && start[c] <= 'Z' ? start[c] + 32 : start[c]);
        const char *meaning = colon + 1 + strspn(colon + 1, " ");
        size_t pin = eqs_spice_pin_find(top, name), parameter = eqs_spice_parameter_find(top, name);
        if ((notes[i][1] | 32) == 'i' && pin != SIZE_MAX)
            top->pin[pin].meaning = meaning;
        else if ((notes[i][1] | 32) == 'a' && parameter != SIZE_MAX)
            top->parameter[parameter].meaning = meaning;
    }
}

static eqs_status parse(eqs_spice_file *file, const char *text, size_t length, const char *name)
{
    size_t n_notes;
    char **notes;
    file->summary = "";
    file->name = eqs_arena_text(&file->arena, name, strlen(name));
    if (file->name == NULL)
        return EQS_NO_MEMORY;
    if (length > EQS_SPICE_FILE_BYTES)
        return eqs_fail(EQS_BAD_DATA, "%s: the file is longer than %d bytes", name, EQS_SPICE_FILE_BYTES);
    EQS_TRY(eqs_spice_lines(file, text, length, &n_notes, &notes));
    EQS_TRY(read_structure(file));
    read_notes(file, n_notes, notes);
    for (size_t i = 0; i < file->n_subcircuits; i++)
        EQS_TRY(eqs_spice_check_body(file, i, NULL, &file->subcircuit[i].n_elements));
    return eqs_spice_print(file);
}

eqs_status eqs_spice_file_parse(const char *text, size_t length, const char *name, eqs_spice_file **out)
{
    eqs_spice_file *file = eqs_alloc(1, sizeof *file);
    if (file == NULL)
        return EQS_NO_MEMORY;
    eqs_status status = parse(file, text, length, name);
    if (status != EQS_OK) {
        eqs_spice_file_destroy(file);
        return status;
    }
    *out = file;
    return EQS_OK;
}

eqs_status eqs_spice_file_load(const char *path, eqs_spice_file **out)
{
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return eqs_fail(EQS_MISSING_INPUT, "%s: %s", path, strerror(errno));
    char *text = eqs_alloc(EQS_SPICE_FILE_BYTES + 2, 1);
    eqs_status status = text == NULL ? EQS_NO_MEMORY : EQS_OK;
    size_t length = text == NULL ? 0 : fread(text, 1, EQS_SPICE_FILE_BYTES + 1, in);
    if (status == EQS_OK && ferror(in))
        status = eqs_fail(EQS_MISSING_INPUT, "%s: %s", path, strerror(errno));
    fclose(in);
    if (status == EQS_OK)
        status = eqs_spice_file_parse(text, length, path, out);
    eqs_free(text);
    return status;
}

void eqs_spice_file_destroy(eqs_spice_file *file)
{
    if (file == NULL)
        return;
    eqs_arena_clear(&file->arena);
    eqs_free(file);
}

const eqs_spice_subcircuit *eqs_spice_file_top(const eqs_spice_file *file)
{
    return &file->subcircuit[file->n_subcircuits - 1];
}

size_t eqs_spice_pin_find(const eqs_spice_subcircuit *sub, const char *name)
{
    for (size_t i = 0; i < sub->n_pins; i++) {
        if (strcmp(sub->pin[i].name, name) == 0)
            return i;
    }
    return SIZE_MAX;
}

size_t eqs_spice_parameter_find(const eqs_spice_subcircuit *sub, const char *name)
{
    for (size_t i = 0; i < sub->n_parameters; i++) {
        if (strcmp(sub->parameter[i].name, name) == 0)
            return i;
    }
    return SIZE_MAX;
}

eqs_status eqs_spice_file_check_values(const eqs_spice_file *file, const double *value)
{
    return eqs_spice_check_body(file, file->n_subcircuits - 1, value, NULL);
}
