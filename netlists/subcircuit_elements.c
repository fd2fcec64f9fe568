#include "netlists/subcircuit_internal.h"

#include <math.h>
#include <string.h>

typedef enum value_kind {
    VALUE_NONE,
    VALUE_POSITIVE, /* resistance, capacitance, inductance */
    VALUE_SOURCE,   /* V, I: a number or a waveform */
    VALUE_GAIN,     /* E, G, F, H */
    VALUE_FREE      /* B: an expression of anything */
} value_kind;

typedef struct rule {
    char letter;
    const char *what;
    size_t nodes;
    value_kind value;
    const char *const *types; /* of its model, ended by NULL; NULL: it has none */
    const char *const *named; /* parameters, ended by NULL; NULL: none */
} rule;

static const char *const initial[] = {"ic", NULL};
static const char *const diode_named[] = {"area", "ic", NULL};
static const char *const area_named[] = {"area", NULL};
static const char *const mos_named[] = {"w", "l", "ad", "as", "pd", "ps", "nrd", "nrs", "m", NULL};
static const char *const diode_types[] = {"d", NULL};
static const char *const mos_types[] = {"nmos", "pmos", NULL};
static const char *const bipolar_types[] = {"npn", "pnp", NULL};
static const char *const jfet_types[] = {"njf", "pjf", NULL};
static const char *const switch_types[] = {"sw", NULL};

static const rule rules[] = {
    {'r', "resistor", 2, VALUE_POSITIVE, NULL, NULL},
    {'c', "capacitor", 2, VALUE_POSITIVE, NULL, initial},
    {'l', "inductor", 2, VALUE_POSITIVE, NULL, initial},
    {'d', "diode", 2, VALUE_NONE, diode_types, diode_named},
    {'q', "bipolar transistor", 3, VALUE_NONE, bipolar_types, area_named},
    {'m', "MOS transistor", 4, VALUE_NONE, mos_types, mos_named},
    {'j', "JFET", 3, VALUE_NONE, jfet_types, area_named},
    {'s', "switch", 4, VALUE_NONE, switch_types, NULL},
    {'v', "voltage source", 2, VALUE_SOURCE, NULL, NULL},
    {'i', "current source", 2, VALUE_SOURCE, NULL, NULL},
    {'e', "controlled voltage source", 4, VALUE_GAIN, NULL, NULL},
    {'g', "controlled current source", 4, VALUE_GAIN, NULL, NULL},
    {'f', "current-controlled current source", 2, VALUE_GAIN, NULL, NULL},
    {'h', "current-controlled voltage source", 2, VALUE_GAIN, NULL, NULL},
    {'b', "behavioural source", 2, VALUE_FREE, NULL, NULL},
};

static const rule *find_rule(char letter)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].letter == letter)
            return &rules[i];
    }
    return NULL;
}

static bool among(const char *const *list, const char *text, size_t length)
{
    for (; list != NULL && *list != NULL; list++) {
        if (strlen(*list) == length && memcmp(*list, text, length) == 0)
            return true;
    }
    return false;
}

/* words before the first "name=" */
static size_t plain_words(const eqs_spice_word *word, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++) {
        if (eqs_spice_is(&word[i], "="))
            return i == 0 ? 0 : i - 1;
    }
    return n_words;
}

eqs_status eqs_spice_element_nodes(const eqs_spice_scope *scope, const eqs_spice_word *word, size_t n_words,
                                   size_t *n)
{
    const rule *r = find_rule(word[0].text[0]);
    if (word[0].braced || !eqs_spice_identifier(word[0].text, word[0].length, false))
        return eqs_spice_fail(scope, "'%.*s' is no name of an element (letters, digits and '_')",
                              (int)(word[0].length < 100 ? word[0].length : 100), word[0].text);
    if (word[0].text[0] == 'x') {
        size_t plain = plain_words(word, n_words);
        if (plain < 3)
            return eqs_spice_fail(scope, "'%.*s': an instance has nodes and then a subcircuit",
                                  (int)word[0].length, word[0].text);
        *n = plain - 2;
    } else if (r == NULL) {
        return eqs_spice_fail(scope,
                              "element '%.*s' is not allowed; allowed: R C L D Q M J S V I E G F H B X",
                              (int)word[0].length, word[0].text);
    } else {
        bool by_value =
            (r->letter == 'e' || r->letter == 'g') && n_words > 3 && eqs_spice_is(&word[3], "value");
        *n = by_value ? 2 : r->nodes;
    }
    if (n_words < *n + 2)
        return eqs_spice_fail(scope, "'%.*s': too few words: %zu nodes and a value or model are needed",
                              (int)word[0].length, word[0].text, *n);
    for (size_t i = 1; i <= *n; i++) {
        if (word[i].braced || !eqs_spice_identifier(word[i].text, word[i].length, true))
            return eqs_spice_fail(scope,
                                  "'%.*s': node '%.*s' is not allowed (letters, digits and '_'; ground is 0)",
                                  (int)word[0].length, word[0].text,
                                  (int)(word[i].length < 100 ? word[i].length : 100), word[i].text);
    }
    return EQS_OK;
}

eqs_status eqs_spice_value(const eqs_spice_scope *scope, const eqs_spice_word *word, const char *what,
                           double *value)
{
    char text[64];
    if (word->length == SIZE_MAX)
        return eqs_spice_fail(scope, "%s: a brace or quote is not closed", what);
    if (word->braced)
        return eqs_spice_expression(scope, word->text, word->length, NULL, value);
    if (word->length < sizeof text) {
        memcpy(text, word->text, word->length);
        text[word->length] = '\0';
        if (eqs_spice_read_number(text, value))
            return EQS_OK;
    }
    return eqs_spice_fail(scope,
                          "%s: '%.*s' is no number; a parameter or expression stands in braces: {%.*s}", what,
                          (int)(word->length < 100 ? word->length : 100), word->text,
                          (int)(word->length < 100 ? word->length : 100), word->text);
}

/* "name = value" pairs in word[0..n) */
static eqs_status check_named(const eqs_spice_scope *scope, const char *what, const char *const *allowed,
                              const eqs_spice_word *word, size_t n)
{
    for (size_t i = 0; i < n; i += 3) {
        double value;
        if (i + 2 >= n || !eqs_spice_is(&word[i + 1], "="))
            return eqs_spice_fail(scope, "%s: '%.*s' is not understood here (name=value was expected)", what,
                                  (int)(word[i].length < 100 ? word[i].length : 100), word[i].text);
        if (!among(allowed, word[i].text, word[i].length))
            return eqs_spice_fail(scope, "%s has no parameter '%.*s' that is allowed here", what,
                                  (int)(word[i].length < 100 ? word[i].length : 100), word[i].text);
        EQS_TRY(eqs_spice_value(scope, &word[i + 2], what, &value));
    }
    return EQS_OK;
}

static eqs_status check_source(const eqs_spice_scope *scope, const eqs_spice_word *word, size_t n)
{
    static const struct {
        const char *name;
        size_t least, most;
    } waves[] = {{"pulse", 2, 7}, {"sin", 3, 5}, {"exp", 2, 6}, {"pwl", 2, 200}};
    double value, last = -INFINITY;
    size_t i = 0;
    if (n > 1 && eqs_spice_is(&word[0], "dc"))
        i = 1;
    for (size_t w = 0; i == 0 && w < sizeof waves / sizeof *waves; w++) {
        if (!eqs_spice_is(&word[0], waves[w].name))
            continue;
        bool odd = waves[w].most == 200 && (n - 1) % 2 != 0;
        if (n - 1 < waves[w].least || n - 1 > waves[w].most || odd)
            return eqs_spice_fail(scope, "%s: found %zu values, allowed: %zu to %zu%s", waves[w].name, n - 1,
                                  waves[w].least, waves[w].most, odd ? ", in pairs" : "");
        for (i = 1; i < n; i++) {
            EQS_TRY(eqs_spice_value(scope, &word[i], waves[w].name, &value));
            if (waves[w].most == 200 && i % 2 == 1 && value <= last)
                return eqs_spice_fail(scope, "pwl: times must ascend");
            last = i % 2 == 1 ? value : last;
        }
        return EQS_OK;
    }
    if (n != i + 1)
        return eqs_spice_fail(scope, "a source has one value, or pulse(), sin(), exp() or pwl()");
    return eqs_spice_value(scope, &word[i], "source", &value);
}

/* "v = {...}" of B, "value = {...}" of E and G: at most one brace pair */
static eqs_status check_free(const eqs_spice_scope *scope, const eqs_spice_word *word, size_t n,
                             const char *first, const char *second)
{
    bool constant;
    double value;
    if (n != 3 || !eqs_spice_is(&word[1], "=") || !word[2].braced || word[2].length == SIZE_MAX ||
        !(eqs_spice_is(&word[0], first) || eqs_spice_is(&word[0], second)))
        return eqs_spice_fail(scope, "%s={expression} was expected", first);
    return eqs_spice_expression(scope, word[2].text, word[2].length, &constant, &value);
}

static eqs_status check_gain(const eqs_spice_scope *scope, const rule *r, const eqs_spice_word *word,
                             size_t n)
{
    double value;
    uint32_t index;
    bool by_current = r->letter == 'f' || r->letter == 'h';
    if (!by_current && n > 0 && eqs_spice_is(&word[0], "value"))
        return check_free(scope, word, n, "value", "value");
    if (n != (by_current ? 2u : 1u))
        return eqs_spice_fail(scope, "a %s ends with %s", r->what,
                              by_current ? "a voltage source and a gain" : "a gain");
    if (by_current) {
        char name[65];
        bool fits = !word[0].braced && word[0].length < sizeof name;
        if (fits) {
            memcpy(name, word[0].text, word[0].length);
            name[word[0].length] = '\0';
        }
        if (!fits || !eqs_names_find(scope->vsources, name, &index))
            return eqs_spice_fail(scope, "there is no voltage source '%.*s' in this subcircuit",
                                  (int)(word[0].length < 64 ? word[0].length : 64), word[0].text);
    }
    return eqs_spice_value(scope, &word[n - 1], "gain", &value);
}

static eqs_status check_model_use(const eqs_spice_scope *scope, const rule *r, const eqs_spice_models *models,
                                  const eqs_spice_word *word)
{
    for (size_t i = 0; i < models->n; i++) {
        if (!eqs_spice_is(word, models->name[i]))
            continue;
        if (among(r->types, models->type[i], strlen(models->type[i])))
            return EQS_OK;
        return eqs_spice_fail(scope, "model '%s' is of type %s, which is no model of a %s", models->name[i],
                              models->type[i], r->what);
    }
    return eqs_spice_fail(scope, "model '%.*s' of this %s is not defined",
                          (int)(word->length < 64 ? word->length : 64), word->text, r->what);
}

/* nodes, name and parameters of an instance; only subcircuits before this one count */
static eqs_status check_instance(const eqs_spice_scope *scope, const eqs_spice_word *word, size_t n_words,
                                 size_t n_earlier)
{
    size_t plain = plain_words(word, n_words);
    const eqs_spice_word *name = &word[plain - 1];
    for (size_t s = 0; s < n_earlier; s++) {
        const eqs_spice_subcircuit *sub = &scope->file->subcircuit[s];
        const char *allowed[EQS_SPICE_PARAMETERS + 1] = {NULL};
        if (!eqs_spice_is(name, sub->name))
            continue;
        if (plain - 2 != sub->n_pins)
            return eqs_spice_fail(scope, "'%s' has %zu pins, found %zu nodes", sub->name, sub->n_pins,
                                  plain - 2);
        for (size_t i = 0; i < sub->n_parameters; i++)
            allowed[i] = sub->parameter[i].name;
        return check_named(scope, sub->name, allowed, word + plain, n_words - plain);
    }
    return eqs_spice_fail(scope, "subcircuit '%.*s' is not defined before this line",
                          (int)(name->length < 64 ? name->length : 64), name->text);
}

eqs_status eqs_spice_element_check(const eqs_spice_scope *scope, const eqs_spice_models *models,
                                   const eqs_spice_word *word, size_t n_words, size_t n_earlier)
{
    size_t nodes;
    double value;
    EQS_TRY(eqs_spice_element_nodes(scope, word, n_words, &nodes));
    const rule *r = find_rule(word[0].text[0]);
    const eqs_spice_word *rest = word + nodes + 1;
    size_t n = n_words - nodes - 1;
    if (r == NULL)
        return check_instance(scope, word, n_words, n_earlier);
    switch (r->value) {
    case VALUE_SOURCE:
        return check_source(scope, rest, n);
    case VALUE_GAIN:
        return check_gain(scope, r, rest, n);
    case VALUE_FREE:
        return check_free(scope, rest, n, "v", "i");
    case VALUE_POSITIVE:
        EQS_TRY(eqs_spice_value(scope, &rest[0], r->what, &value));
        if (!(value > 0.0))
            return eqs_spice_fail(scope, "%s '%.*s': %g found, allowed: > 0", r->what, (int)word[0].length,
                                  word[0].text, value);
        break;
    default:
        EQS_TRY(check_model_use(scope, r, models, &rest[0]));
    }
    return check_named(scope, r->what, r->named, rest + 1, n - 1);
}

eqs_status eqs_spice_model_check(const eqs_spice_scope *scope, const eqs_spice_word *word, size_t n_words)
{
    static const char *const types[] = {"d", "nmos", "pmos", "npn", "pnp", "njf", "pjf", "sw", NULL};
    if (n_words < 3 || !eqs_spice_identifier(word[1].text, word[1].length, false))
        return eqs_spice_fail(scope, ".model NAME TYPE (name=value ...) was expected");
    if (!among(types, word[2].text, word[2].length))
        return eqs_spice_fail(
            scope, "model type '%.*s' is not allowed; allowed: d, nmos, pmos, npn, pnp, njf, pjf, sw",
            (int)(word[2].length < 64 ? word[2].length : 64), word[2].text);
    for (size_t i = 3; i < n_words; i += 3) {
        double value;
        if (i + 2 >= n_words || !eqs_spice_is(&word[i + 1], "=") ||
            !eqs_spice_identifier(word[i].text, word[i].length, true))
            return eqs_spice_fail(scope, ".model: '%.*s' is not understood (name=value was expected)",
                                  (int)(word[i].length < 64 ? word[i].length : 64), word[i].text);
        EQS_TRY(eqs_spice_value(scope, &word[i + 2], ".model", &value));
        if (eqs_spice_is(&word[i], "level") && word[2].length > 1 && word[2].text[1] == 'm' && value != 1.0)
            return eqs_spice_fail(
                scope, ".model: level %g found, allowed for MOS: 1 (larger models are not checked)", value);
    }
    return EQS_OK;
}
