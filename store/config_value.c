/* Values of configuration keys: out of a YAML node, into text, and what is allowed. */
#include "base/memory.h"
#include "store/config_table.h"

#include <math.h>
#include <string.h>

static const size_t sizes_of_kinds[EQS_KIND_COUNT_OF_KINDS] = {
    [EQS_KIND_COUNT] = sizeof(uint64_t),
    [EQS_KIND_REAL] = sizeof(double),
    [EQS_KIND_BOOL] = sizeof(bool),
    [EQS_KIND_STRING] = sizeof(char *),
    [EQS_KIND_WORD] = sizeof(unsigned),
    [EQS_KIND_REALS] = sizeof(eqs_config_reals),
    [EQS_KIND_SIZES] = sizeof(eqs_config_sizes),
    [EQS_KIND_NAMES] = sizeof(eqs_config_names),
    [EQS_KIND_CHOICE] = sizeof(eqs_config_choice),
    [EQS_KIND_COUPLINGS] = sizeof(eqs_config_couplings),
};

size_t eqs_config_size_of(eqs_config_kind kind)
{
    return sizes_of_kinds[kind];
}

eqs_config_value eqs_config_value_get(const eqs_config_key *key, const eqs_config *config)
{
    eqs_config_value value = {0};
    memcpy(&value, (const char *)config + key->offset, sizes_of_kinds[key->kind]);
    return value;
}

void eqs_config_value_put(const eqs_config_key *key, eqs_config_value value, eqs_config *config)
{
    memcpy((char *)config + key->offset, &value, sizes_of_kinds[key->kind]);
}

void eqs_config_value_clear(const eqs_config_key *key, eqs_config_value *value)
{
    switch (key->kind) {
    case EQS_KIND_STRING:
        eqs_free(value->string);
        break;
    case EQS_KIND_REALS:
        eqs_free(value->reals.v);
        break;
    case EQS_KIND_SIZES:
        eqs_free(value->sizes.v);
        break;
    case EQS_KIND_NAMES:
        for (size_t i = 0; i < value->names.n; i++)
            eqs_free(value->names.v[i]);
        eqs_free(value->names.v);
        break;
    case EQS_KIND_COUPLINGS:
        eqs_free(value->couplings.pair);
        break;
    default:
        break;
    }
    *value = (eqs_config_value){0};
}

/* ---- words ---- */

static bool find_word(const eqs_config_key *key, const char *text, unsigned *out)
{
    for (unsigned i = 0; key->words[i] != NULL; i++)
        if (strcmp(key->words[i], text) == 0) {
            *out = i;
            return true;
        }
    *out = key->alias_of;
    return key->alias != NULL && strcmp(key->alias, text) == 0;
}

/* number of words, which is also the value that stands for "no word" in choices */
static unsigned n_words(const eqs_config_key *key)
{
    unsigned n = 0;
    while (key->words[n] != NULL)
        n++;
    return n;
}

const char *eqs_config_word(const char *key, unsigned word)
{
    size_t i = eqs_config_find(key);
    bool known = i != SIZE_MAX && eqs_config_keys[i].words != NULL && word < n_words(&eqs_config_keys[i]);
    return known ? eqs_config_keys[i].words[word] : NULL;
}

/* ---- what is allowed ---- */

static void print_number(double value, eqs_text *text)
{
    char number[EQS_NUMBER_SIZE];
    eqs_number_format(value, number);
    eqs_text_add(text, "%s", number);
}

static void print_range(const eqs_config_key *key, eqs_text *text)
{
    bool above = key->flags & EQS_KEY_ABOVE_MIN;
    if (isfinite(key->min) && isfinite(key->max)) {
        eqs_text_add(text, above ? " above " : " from ");
        print_number(key->min, text);
        eqs_text_add(text, " to ");
        print_number(key->max, text);
    } else if (isfinite(key->min)) {
        eqs_text_add(text, above ? " > " : " >= ");
        print_number(key->min, text);
    }
    if (key->flags & EQS_KEY_INFINITE)
        eqs_text_add(text, " or .inf");
}

static void print_list(const eqs_config_key *key, const char *what, eqs_text *text)
{
    if (key->flags & EQS_KEY_EMPTY || key->least == 0)
        eqs_text_add(text, "[] or ");
    eqs_text_add(text, "a list of ");
    if (key->least == key->most)
        eqs_text_add(text, "%zu %s", key->least, what);
    else
        eqs_text_add(text, "%s%zu %s", key->least > 1 ? "at least " : "up to ",
                     key->least > 1 ? key->least : key->most, what);
}

void eqs_config_allowed(const eqs_config_key *key, eqs_text *text)
{
    if (key->words != NULL) {
        for (unsigned i = 0; key->words[i] != NULL; i++)
            eqs_text_add(text, "%s%s", i > 0 ? ", " : "", key->words[i]);
        eqs_text_add(text, key->kind == EQS_KIND_WORD ? "" : ", or ");
    }
    switch (key->kind) {
    case EQS_KIND_COUNT:
        eqs_text_add(text, "an integer");
        print_range(key, text);
        break;
    case EQS_KIND_REAL:
    case EQS_KIND_CHOICE:
        eqs_text_add(text, "a number");
        print_range(key, text);
        break;
    case EQS_KIND_BOOL:
        eqs_text_add(text, "true or false");
        break;
    case EQS_KIND_STRING:
        eqs_text_add(text, "a text");
        break;
    case EQS_KIND_REALS:
        eqs_text_add(text, key->least < 2 && key->most > 1 ? "a number or " : "");
        print_list(key, "numbers", text);
        print_range(key, text);
        break;
    case EQS_KIND_SIZES:
        print_list(key, "integers", text);
        print_range(key, text);
        break;
    case EQS_KIND_NAMES:
        eqs_text_add(text, "a name or ");
        print_list(key, "names", text);
        break;
    case EQS_KIND_COUPLINGS:
        eqs_text_add(text, "a list of pairs [from, to] of layers");
        break;
    default:
        break;
    }
}

/* ---- reading ---- */

static void print_found(const eqs_yaml_node *node, eqs_text *text)
{
    if (eqs_yaml_is_null(node))
        eqs_text_add(text, "nothing");
    else if (node->kind == EQS_YAML_SCALAR)
        eqs_text_add(text, "%s%.60s%s", node->plain ? "'" : "\"", node->text, node->plain ? "'" : "\"");
    else if (node->kind == EQS_YAML_SEQUENCE)
        eqs_text_add(text, "a list of %zu", node->n_children);
    else
        eqs_text_add(text, "a mapping");
}

static eqs_status refuse(const eqs_config_key *key, const eqs_yaml_node *node, const char *source)
{
    eqs_text found = {0}, allowed = {0};
    print_found(node, &found);
    eqs_config_allowed(key, &allowed);
    eqs_status status = EQS_NO_MEMORY;
    if (!found.failed && !allowed.failed)
        status = eqs_fail(EQS_BAD_CONFIG, "%s:%zu:%zu: %s: found %s, allowed: %s", source, node->line,
                          node->column, key->name, eqs_text_string(&found), eqs_text_string(&allowed));
    eqs_text_clear(&found);
    eqs_text_clear(&allowed);
    return status;
}

static bool in_range(const eqs_config_key *key, double value)
{
    if (isnan(value) || (isinf(value) && !(value > 0 && key->flags & EQS_KEY_INFINITE)))
        return false;
    return (key->flags & EQS_KEY_ABOVE_MIN ? value > key->min : value >= key->min) && value <= key->max;
}

static bool real_of(const eqs_config_key *key, const eqs_yaml_node *node, double *out)
{
    return node->kind == EQS_YAML_SCALAR && node->plain && eqs_number_real(node->text, out) &&
           in_range(key, *out);
}

static bool count_of(const eqs_config_key *key, const eqs_yaml_node *node, uint64_t *out)
{
    return node->kind == EQS_YAML_SCALAR && node->plain && eqs_number_count(node->text, out) &&
           in_range(key, (double)*out);
}

static bool bool_of(const eqs_yaml_node *node, bool *out)
{
    static const char *const words[] = {"false", "False", "FALSE", "true", "True", "TRUE"};
    for (size_t i = 0; i < 6 && node->kind == EQS_YAML_SCALAR && node->plain; i++)
        if (strcmp(node->text, words[i]) == 0) {
            *out = i >= 3;
            return true;
        }
    return false;
}

static bool is_text(const eqs_yaml_node *node)
{
    return node->kind == EQS_YAML_SCALAR && !eqs_yaml_is_null(node);
}

static bool allowed_length(const eqs_config_key *key, size_t n)
{
    return (n == 0 && key->flags & EQS_KEY_EMPTY) || (n >= key->least && n <= key->most);
}

/* Lists: a scalar stands for a list of one where one entry is allowed. */
static eqs_status read_list(const eqs_config_key *key, const eqs_yaml_node *node, const char *source,
                            eqs_config_value *out)
{
    bool single = node->kind == EQS_YAML_SCALAR && key->least <= 1 && !eqs_yaml_is_null(node);
    size_t n = single ? 1 : node->n_children;
    if ((!single && node->kind != EQS_YAML_SEQUENCE) || !allowed_length(key, n))
        return refuse(key, node, source);
    if (n == 0)
        return EQS_OK;
    size_t size = key->kind == EQS_KIND_REALS   ? sizeof(double)
                  : key->kind == EQS_KIND_SIZES ? sizeof(size_t)
                                                : sizeof(char *);
    void *items = eqs_alloc(n, size);
    if (items == NULL)
        return EQS_NO_MEMORY;
    /* n and v stand at the same place in the three kinds of lists */
    if (key->kind == EQS_KIND_REALS)
        out->reals = (eqs_config_reals){n, items};
    else if (key->kind == EQS_KIND_SIZES)
        out->sizes = (eqs_config_sizes){n, items};
    else
        out->names = (eqs_config_names){n, items};
    const eqs_yaml_node *item = single ? node : node->first;
    for (size_t i = 0; i < n; i++, item = item->next) {
        bool fine = key->kind == EQS_KIND_REALS   ? real_of(key, item, out->reals.v + i)
                    : key->kind == EQS_KIND_SIZES ? count_of(key, item, (uint64_t *)(out->sizes.v + i))
                                                  : is_text(item);
        if (!fine)
            return refuse(key, item, source);
        if (key->kind == EQS_KIND_NAMES && (out->names.v[i] = eqs_strdup(item->text)) == NULL)
            return EQS_NO_MEMORY;
    }
    return EQS_OK;
}

static eqs_status read_couplings(const eqs_config_key *key, const eqs_yaml_node *node, const char *source,
                                 eqs_config_couplings *out)
{
    if (node->kind == EQS_YAML_SCALAR)
        return find_word(key, node->text, &out->layout) ? EQS_OK : refuse(key, node, source);
    if (node->kind != EQS_YAML_SEQUENCE || !allowed_length(key, node->n_children))
        return refuse(key, node, source);
    out->layout = n_words(key);
    out->pair = eqs_alloc(node->n_children, sizeof *out->pair);
    if (out->pair == NULL)
        return EQS_NO_MEMORY;
    out->n = node->n_children;
    size_t i = 0;
    for (const eqs_yaml_node *pair = node->first; pair != NULL; pair = pair->next, i++) {
        uint64_t from, to;
        if (pair->kind != EQS_YAML_SEQUENCE || pair->n_children != 2 || !count_of(key, pair->first, &from) ||
            !count_of(key, pair->first->next, &to))
            return refuse(key, pair, source);
        out->pair[i][0] = from;
        out->pair[i][1] = to;
    }
    return EQS_OK;
}

static eqs_status read_value(const eqs_config_key *key, const eqs_yaml_node *node, const char *source,
                             eqs_config_value *out)
{
    bool fine = false;
    switch (key->kind) {
    case EQS_KIND_COUNT:
        fine = count_of(key, node, &out->count);
        break;
    case EQS_KIND_REAL:
        fine = real_of(key, node, &out->real);
        break;
    case EQS_KIND_BOOL:
        fine = bool_of(node, &out->yes);
        break;
    case EQS_KIND_STRING:
        if (!is_text(node))
            break;
        out->string = eqs_strdup(node->text);
        return out->string != NULL ? EQS_OK : EQS_NO_MEMORY;
    case EQS_KIND_WORD:
        fine = node->kind == EQS_YAML_SCALAR && find_word(key, node->text, &out->word);
        break;
    case EQS_KIND_CHOICE:
        fine = node->kind == EQS_YAML_SCALAR && find_word(key, node->text, &out->choice.word);
        if (!fine) {
            out->choice.word = n_words(key);
            fine = real_of(key, node, &out->choice.value);
        }
        break;
    case EQS_KIND_COUPLINGS:
        return read_couplings(key, node, source, &out->couplings);
    default:
        return read_list(key, node, source, out);
    }
    return fine ? EQS_OK : refuse(key, node, source);
}

eqs_status eqs_config_value_read(const eqs_config_key *key, const eqs_yaml_node *node, const char *source,
                                 eqs_config_value *out)
{
    *out = (eqs_config_value){0};
    eqs_status status = read_value(key, node, source, out);
    if (status != EQS_OK)
        eqs_config_value_clear(key, out);
    return status;
}

eqs_status eqs_config_value_default(const eqs_config_key *key, eqs_config_value *out)
{
    *out = (eqs_config_value){0};
    if (key->flags & EQS_KEY_REQUIRED)
        return EQS_OK;
    eqs_yaml *yaml;
    EQS_TRY(eqs_yaml_read(key->value, strlen(key->value), "default", &yaml));
    eqs_status status = eqs_config_value_read(key, eqs_yaml_root(yaml), "default", out);
    eqs_yaml_destroy(yaml);
    return status;
}

/* ---- printing ---- */

/* a double-quoted YAML scalar */
static void print_string(const char *string, eqs_text *text)
{
    eqs_text_add(text, "\"");
    for (const char *c = string; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            eqs_text_add(text, "\\%c", *c);
        else if ((unsigned char)*c < 0x20 || *c == 0x7f)
            eqs_text_add(text, "\\x%02x", (unsigned char)*c);
        else
            eqs_text_add(text, "%c", *c);
    }
    eqs_text_add(text, "\"");
}

/* Plain when every YAML reader takes it for this text; the words below are booleans or nulls to some. */
static void print_name(const char *name, eqs_text *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    static const char *const taken[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
    bool safe = *name >= 'a' && *name <= 'z' && name[strspn(name, plain)] == '\0';
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        safe = safe && strcmp(name, taken[i]) != 0;
    if (safe)
        eqs_text_add(text, "%s", name);
    else
        print_string(name, text);
}

static void print_couplings(const eqs_config_key *key, const eqs_config_couplings *couplings, eqs_text *text)
{
    if (couplings->layout < n_words(key)) {
        eqs_text_add(text, "%s", key->words[couplings->layout]);
        return;
    }
    for (size_t i = 0; i < couplings->n; i++)
        eqs_text_add(text, "%s[%zu, %zu]", i > 0 ? ", " : "[", couplings->pair[i][0], couplings->pair[i][1]);
    eqs_text_add(text, "]");
}

void eqs_config_value_print(const eqs_config_key *key, const eqs_config_value *value, eqs_text *text)
{
    switch (key->kind) {
    case EQS_KIND_COUNT:
        eqs_text_add(text, "%llu", (unsigned long long)value->count);
        break;
    case EQS_KIND_REAL:
        print_number(value->real, text);
        break;
    case EQS_KIND_BOOL:
        eqs_text_add(text, value->yes ? "true" : "false");
        break;
    case EQS_KIND_STRING:
        print_name(value->string != NULL ? value->string : "", text);
        break;
    case EQS_KIND_WORD:
        eqs_text_add(text, "%s", key->words[value->word]);
        break;
    case EQS_KIND_CHOICE:
        if (value->choice.word < n_words(key))
            eqs_text_add(text, "%s", key->words[value->choice.word]);
        else
            print_number(value->choice.value, text);
        break;
    case EQS_KIND_COUPLINGS:
        print_couplings(key, &value->couplings, text);
        break;
    case EQS_KIND_REALS:
        for (size_t i = 0; i < value->reals.n; i++) {
            eqs_text_add(text, i > 0 ? ", " : "[");
            print_number(value->reals.v[i], text);
        }
        eqs_text_add(text, value->reals.n > 0 ? "]" : "[]");
        break;
    case EQS_KIND_SIZES:
        for (size_t i = 0; i < value->sizes.n; i++)
            eqs_text_add(text, "%s%zu", i > 0 ? ", " : "[", value->sizes.v[i]);
        eqs_text_add(text, value->sizes.n > 0 ? "]" : "[]");
        break;
    case EQS_KIND_NAMES:
        for (size_t i = 0; i < value->names.n; i++) {
            eqs_text_add(text, i > 0 ? ", " : "[");
            print_name(value->names.v[i], text);
        }
        eqs_text_add(text, value->names.n > 0 ? "]" : "[]");
        break;
    default:
        break;
    }
}
