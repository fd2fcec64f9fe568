#include "netlists/subcircuit_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_line(FILE *out, const eqs_spice_words *w)
{
    static const char *const waves[] = {"pulse", "sin", "exp", "pwl"};
    bool open = false;
    for (size_t i = 0; i < w->n; i++) {
        const eqs_spice_word *word = &w->word[i];
        bool tight = i == 0 || eqs_spice_is(word, "=") || eqs_spice_is(&w->word[i - 1], "=");
        fprintf(out, word->braced ? "%s{%.*s}" : "%s%.*s", tight ? "" : " ", (int)word->length, word->text);
        for (size_t k = 0; i == 3 && (w->word[0].text[0] == 'v' || w->word[0].text[0] == 'i') && k < 4; k++) {
            if (eqs_spice_is(word, waves[k])) {
                open = true;
                fputc('(', out);
            }
        }
    }
    fputs(open ? ")\n" : "\n", out);
}

eqs_status eqs_spice_print(eqs_spice_file *file)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return eqs_fail(EQS_NO_MEMORY, "no memory for the subcircuit file");
    eqs_status status = EQS_OK;
    for (size_t i = 0; i < file->n_lines && status == EQS_OK; i++) {
        eqs_spice_scope scope = eqs_spice_file_scope(file, i);
        eqs_spice_words w;
        status = eqs_spice_split(&scope, &w);
        if (status == EQS_OK && !eqs_spice_is(&w.word[0], ".end"))
            print_line(out, &w);
    }
    if (fclose(out) != 0 && status == EQS_OK)
        status = eqs_fail(EQS_NO_MEMORY, "no memory for the subcircuit file");
    if (status == EQS_OK) {
        file->text = eqs_arena_text(&file->arena, text, size);
        status = file->text == NULL ? EQS_NO_MEMORY : EQS_OK;
    }
    free(text);
    return status;
}
