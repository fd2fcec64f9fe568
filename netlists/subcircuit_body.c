#include "netlists/subcircuit_internal.h"

#include "base/memory.h"

#include <string.h>

enum { MODELS = 64 };

/* The names of one subcircuit while it is checked. */
typedef struct body {
    eqs_spice_scope scope;
    const eqs_spice_subcircuit *sub;
    size_t first, last;     /* lines between .subckt and .ends */
    const double *override; /* [sub->n_parameters] or NULL: the defaults */
    eqs_names nodes, vsources, elements;
    eqs_arena arena;
    const char *parameter[EQS_SPICE_PARAMETERS];
    double value[EQS_SPICE_PARAMETERS];
    eqs_spice_models models;
    const char *model_name[MODELS], *model_type[MODELS];
} body;

/* --- names of a body --- */

static eqs_status add_parameter(body *b, const eqs_spice_word *word, double value)
{
    size_t n = b->scope.n_parameters;
    if (n == EQS_SPICE_PARAMETERS)
        return eqs_spice_fail(&b->scope, "more than %d parameters", EQS_SPICE_PARAMETERS);
    if (!eqs_spice_identifier(word->text, word->length, false))
        return eqs_spice_fail(&b->scope, "'%.*s' is no name of a parameter",
                              (int)(word->length < 64 ? word->length : 64), word->text);
    for (size_t i = 0; i < n; i++) {
        if (eqs_spice_is(word, b->parameter[i]))
            return eqs_spice_fail(&b->scope, "parameter '%s' is defined twice", b->parameter[i]);
    }
    b->parameter[n] = eqs_spice_keep(&b->arena, word);
    b->value[n] = value;
    b->scope.n_parameters = n + 1;
    return b->parameter[n] == NULL ? EQS_NO_MEMORY : EQS_OK;
}

/* .param a={...} b=2: may use those before it */
static eqs_status read_param_line(body *b, const eqs_spice_words *w)
{
    if (w->n < 4 || (w->n - 1) % 3 != 0)
        return eqs_spice_fail(&b->scope, ".param name=value was expected");
    for (size_t i = 1; i < w->n; i += 3) {
        double value;
        if (!eqs_spice_is(&w->word[i + 1], "="))
            return eqs_spice_fail(&b->scope, ".param name=value was expected");
        EQS_TRY(eqs_spice_value(&b->scope, &w->word[i + 2], ".param", &value));
        EQS_TRY(add_parameter(b, &w->word[i], value));
    }
    return EQS_OK;
}

static eqs_status add_model(body *b, const eqs_spice_words *w)
{
    size_t n = b->models.n;
    if (w->n < 3)
        return eqs_spice_fail(&b->scope, ".model NAME TYPE (name=value ...) was expected");
    if (n == MODELS)
        return eqs_spice_fail(&b->scope, "more than %d models", MODELS);
    for (size_t i = 0; i < n; i++) {
        if (eqs_spice_is(&w->word[1], b->model_name[i]))
            return eqs_spice_fail(&b->scope, "model '%s' is defined twice", b->model_name[i]);
    }
    b->model_name[n] = eqs_spice_keep(&b->arena, &w->word[1]);
    b->model_type[n] = eqs_spice_keep(&b->arena, &w->word[2]);
    b->models.n = n + 1;
    return b->model_name[n] == NULL || b->model_type[n] == NULL ? EQS_NO_MEMORY : EQS_OK;
}

static eqs_status add_name(body *b, eqs_names *names, const eqs_spice_word *word, bool *is_new)
{
    uint32_t index;
    const char *text = eqs_spice_keep(&b->arena, word);
    if (text == NULL)
        return EQS_NO_MEMORY;
    return eqs_names_add(names, &b->arena, text, &index, is_new);
}

static eqs_status add_element(body *b, const eqs_spice_words *w)
{
    size_t nodes;
    bool is_new;
    EQS_TRY(eqs_spice_element_nodes(&b->scope, w->word, w->n, &nodes));
    EQS_TRY(add_name(b, &b->elements, &w->word[0], &is_new));
    if (!is_new)
        return eqs_spice_fail(&b->scope, "element '%.*s' is there twice", (int)w->word[0].length,
                              w->word[0].text);
    for (size_t i = 1; i <= nodes; i++)
        EQS_TRY(add_name(b, &b->nodes, &w->word[i], NULL));
    return w->word[0].text[0] == 'v' ? add_name(b, &b->vsources, &w->word[0], NULL) : EQS_OK;
}

/* --- a body in two passes: first its names, then what it says with them --- */

static eqs_status collect(body *b)
{
    eqs_spice_words w;
    for (size_t i = 0; i < b->scope.file->n_lines; i++) {
        bool inside = i > b->first && i < b->last;
        b->scope.line = &b->scope.file->line[i];
        EQS_TRY(eqs_spice_split(&b->scope, &w));
        if (eqs_spice_is(&w.word[0], ".subckt") && !inside) { /* models of other bodies are theirs */
            while (i + 1 < b->scope.file->n_lines && strncmp(b->scope.file->line[i].text, ".ends", 5) != 0 &&
                   i != b->first)
                i++;
        } else if (eqs_spice_is(&w.word[0], ".model")) {
            EQS_TRY(add_model(b, &w));
        } else if (inside && *w.word[0].text != '.') {
            EQS_TRY(add_element(b, &w));
        }
    }
    return EQS_OK;
}

static eqs_status check_lines(body *b)
{
    eqs_spice_words w;
    size_t n_earlier = (size_t)(b->sub - b->scope.file->subcircuit);
    for (size_t i = b->first + 1; i < b->last; i++) { /* parameters first: they hold in the whole body */
        b->scope.line = &b->scope.file->line[i];
        EQS_TRY(eqs_spice_split(&b->scope, &w));
        if (eqs_spice_is(&w.word[0], ".param"))
            EQS_TRY(read_param_line(b, &w));
    }
    for (size_t i = b->first + 1; i < b->last; i++) {
        b->scope.line = &b->scope.file->line[i];
        EQS_TRY(eqs_spice_split(&b->scope, &w));
        if (eqs_spice_is(&w.word[0], ".model"))
            EQS_TRY(eqs_spice_model_check(&b->scope, w.word, w.n));
        else if (*w.word[0].text != '.')
            EQS_TRY(eqs_spice_element_check(&b->scope, &b->models, w.word, w.n, n_earlier));
        else if (!eqs_spice_is(&w.word[0], ".param"))
            return eqs_spice_fail(&b->scope,
                                  "directive '%.*s' is not allowed in a subcircuit; allowed: .model, .param",
                                  (int)(w.word[0].length < 64 ? w.word[0].length : 64), w.word[0].text);
    }
    return EQS_OK;
}

static eqs_status check_body(body *b)
{
    const eqs_spice_subcircuit *sub = b->sub;
    b->scope.nodes = &b->nodes;
    b->scope.vsources = &b->vsources;
    b->scope.parameter = b->parameter;
    b->scope.value = b->value;
    b->models = (eqs_spice_models){0, b->model_name, b->model_type};
    b->scope.line = &b->scope.file->line[b->first];
    for (size_t i = 0; i < sub->n_parameters; i++) {
        eqs_spice_word name = {sub->parameter[i].name, strlen(sub->parameter[i].name), false};
        EQS_TRY(add_parameter(b, &name, b->override != NULL ? b->override[i] : sub->parameter[i].value));
    }
    EQS_TRY(collect(b));
    b->scope.line = &b->scope.file->line[b->first];
    if (b->elements.n == 0)
        return eqs_spice_fail(&b->scope, "subcircuit '%s' has no elements", sub->name);
    for (size_t i = 0; i < sub->n_pins; i++) {
        uint32_t index;
        if (!eqs_names_find(&b->nodes, sub->pin[i].name, &index))
            return eqs_spice_fail(&b->scope, "pin '%s' of subcircuit '%s' is connected to nothing",
                                  sub->pin[i].name, sub->name);
    }
    return check_lines(b);
}

/* true when the line's first word is this directive, whole: ".endsx" is no ".ends" */
static bool begins_with(const eqs_spice_line *line, const char *directive)
{
    const char *at = line->text;
    eqs_spice_word word;
    return eqs_spice_next(&at, &word) && word.length != SIZE_MAX && eqs_spice_is(&word, directive);
}

/* the line of .ends that closes the .subckt in line `first` */
eqs_status eqs_spice_find_end(const eqs_spice_file *file, size_t first, size_t *last)
{
    eqs_spice_scope scope = eqs_spice_file_scope(file, first);
    for (*last = first + 1; *last < file->n_lines; (*last)++) {
        if (begins_with(&file->line[*last], ".ends"))
            return EQS_OK;
        if (begins_with(&file->line[*last], ".subckt"))
            break;
    }
    return eqs_spice_fail(&scope, ".subckt without .ends (definitions do not nest)");
}

eqs_status eqs_spice_check_body(const eqs_spice_file *file, size_t index, const double *value,
                                size_t *n_elements)
{
    size_t first = 0;
    while (file->line[first].number != file->subcircuit[index].line)
        first++;
    body *b = eqs_alloc(1, sizeof *b);
    if (b == NULL)
        return EQS_NO_MEMORY;
    b->scope.file = file;
    b->sub = &file->subcircuit[index];
    b->first = first;
    b->override = value;
    eqs_status status = eqs_spice_find_end(file, first, &b->last);
    if (status == EQS_OK)
        status = check_body(b);
    if (n_elements != NULL)
        *n_elements = b->elements.n;
    eqs_names_clear(&b->nodes);
    eqs_names_clear(&b->vsources);
    eqs_names_clear(&b->elements);
    eqs_arena_clear(&b->arena);
    eqs_free(b);
    return status;
}
