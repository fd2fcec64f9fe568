/* What the table of keys writes: values in force, commented defaults, the reference page. */
#include "store/config_table.h"

#include <errno.h>
#include <string.h>

/* the default of a key as text, as the printer writes it; required keys: the example */
static eqs_status print_default(const eqs_config_key *key, eqs_text *text)
{
    eqs_config_value value;
    eqs_config_key plain = *key;
    plain.flags &= ~(unsigned)EQS_KEY_REQUIRED;
    EQS_TRY(eqs_config_value_default(&plain, &value));
    eqs_config_value_print(key, &value, text);
    eqs_config_value_clear(key, &value);
    return text->failed ? EQS_NO_MEMORY : EQS_OK;
}

static eqs_status visit_key(const eqs_config *config, const eqs_config_key *key, eqs_config_visitor visit,
                            void *user)
{
    eqs_text value = {0}, standard = {0};
    eqs_config_value now = eqs_config_value_get(key, config);
    eqs_config_value_print(key, &now, &value);
    eqs_status status = value.failed ? EQS_NO_MEMORY : print_default(key, &standard);
    if (status == EQS_OK) {
        bool same = strcmp(eqs_text_string(&value), eqs_text_string(&standard)) == 0;
        eqs_config_entry entry = {key->name,
                                  eqs_text_string(&value),
                                  eqs_text_string(&standard),
                                  key->unit,
                                  key->meaning,
                                  same && !(key->flags & EQS_KEY_REQUIRED)};
        status = visit(&entry, user);
    }
    eqs_text_clear(&value);
    eqs_text_clear(&standard);
    return status;
}

eqs_status eqs_config_foreach(const eqs_config *config, eqs_config_visitor visit, void *user)
{
    for (size_t i = 0; i < eqs_config_n_keys; i++)
        EQS_TRY(visit_key(config, &eqs_config_keys[i], visit, user));
    return EQS_OK;
}

/* section of a key name: its length, 0 for keys outside sections */
static size_t section_length(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot != NULL ? (size_t)(dot - name) : 0;
}

static bool in_section(const eqs_config_key *key, const char *section)
{
    size_t n = section_length(key->name);
    return n == strlen(section) && strncmp(key->name, section, n) == 0;
}

static const char *short_name(const eqs_config_key *key)
{
    size_t n = section_length(key->name);
    return n > 0 ? key->name + n + 1 : key->name;
}

/* text to a file, with the text released */
static eqs_status put_text(eqs_text *text, FILE *file)
{
    eqs_status status = EQS_OK;
    if (text->failed)
        status = EQS_NO_MEMORY;
    else if (fputs(eqs_text_string(text), file) == EOF || fflush(file) != 0)
        status =
            eqs_fail(EQS_IO, "cannot write %zu bytes of configuration: %s", text->length, strerror(errno));
    eqs_text_clear(text);
    return status;
}

typedef struct yaml_writer {
    eqs_text text;
    const char *section; /* name of the last key; its section stands open */
} yaml_writer;

static eqs_status write_entry(const eqs_config_entry *entry, void *user)
{
    yaml_writer *w = user;
    size_t n = section_length(entry->name), open = section_length(w->section);
    if (n > 0 && (n != open || strncmp(entry->name, w->section, n) != 0))
        eqs_text_add(&w->text, "%.*s:\n", (int)n, entry->name);
    eqs_text_add(&w->text, "%s%s: %s\n", n > 0 ? "  " : "", n > 0 ? entry->name + n + 1 : entry->name,
                 entry->value);
    w->section = entry->name;
    return w->text.failed ? EQS_NO_MEMORY : EQS_OK;
}

eqs_status eqs_config_write_yaml(const eqs_config *config, FILE *file)
{
    yaml_writer w = {{0}, ""};
    eqs_status status = eqs_config_foreach(config, write_entry, &w);
    if (status != EQS_OK) {
        eqs_text_clear(&w.text);
        return status;
    }
    return put_text(&w.text, file);
}

static eqs_status add_default(const eqs_config_key *key, const char *indent, eqs_text *text)
{
    eqs_text_add(text, "%s# %s\n%s#   allowed: ", indent, key->meaning, indent);
    eqs_config_allowed(key, text);
    if (*key->unit != '\0')
        eqs_text_add(text, "; unit: %s", key->unit);
    if (key->flags & EQS_KEY_REQUIRED)
        eqs_text_add(text, "; no default: must be given");
    eqs_text_add(text, "\n%s%s: ", indent, short_name(key));
    EQS_TRY(print_default(key, text));
    eqs_text_add(text, "\n");
    return EQS_OK;
}

eqs_status eqs_config_write_defaults(FILE *file)
{
    eqs_text text = {0};
    eqs_text_add(&text, "# Every key of a configuration with its default.\n");
    for (const eqs_config_section *s = eqs_config_sections; s->name != NULL; s++) {
        bool top = *s->name == '\0', any = false;
        eqs_text_add(&text, top ? "\n" : "\n# %s\n%s:", s->meaning, s->name);
        for (size_t i = 0; i < eqs_config_n_keys; i++) {
            if (!in_section(&eqs_config_keys[i], s->name))
                continue;
            eqs_text_add(&text, top || any ? "" : "\n");
            any = true;
            eqs_status status = add_default(&eqs_config_keys[i], top ? "" : "  ", &text);
            if (status != EQS_OK) {
                eqs_text_clear(&text);
                return status;
            }
        }
        eqs_text_add(&text, any ? "" : " {}\n");
    }
    return put_text(&text, file);
}

/* one cell of a Markdown table, with '|' escaped */
static void add_cell(const char *cell, eqs_text *text)
{
    eqs_text_add(text, " ");
    for (; *cell != '\0'; cell++)
        eqs_text_add(text, *cell == '|' ? "\\%c" : "%c", *cell);
    eqs_text_add(text, " |");
}

static eqs_status add_row(const eqs_config_key *key, eqs_text *text)
{
    eqs_text allowed = {0}, standard = {0};
    eqs_config_allowed(key, &allowed);
    eqs_status status = allowed.failed ? EQS_NO_MEMORY : print_default(key, &standard);
    if (status == EQS_OK) {
        eqs_text_add(text, "| `%s` |", short_name(key));
        add_cell(eqs_text_string(&allowed), text);
        add_cell(key->unit, text);
        eqs_text_add(text, key->flags & EQS_KEY_REQUIRED ? " must be given |" : " `%s` |",
                     eqs_text_string(&standard));
        add_cell(key->meaning, text);
        eqs_text_add(text, "\n");
    }
    eqs_text_clear(&allowed);
    eqs_text_clear(&standard);
    return status;
}

eqs_status eqs_config_write_reference(FILE *file)
{
    eqs_text text = {0};
    for (const eqs_config_section *s = eqs_config_sections; s->name != NULL; s++) {
        bool any = false;
        eqs_text_add(&text, *s->name == '\0' ? "## Top level\n\nOf %s%s.\n" : "\n## `%s`\n\n%s.\n",
                     *s->name == '\0' ? s->meaning : s->name, *s->name == '\0' ? "" : s->meaning);
        for (size_t i = 0; i < eqs_config_n_keys; i++) {
            if (!in_section(&eqs_config_keys[i], s->name))
                continue;
            if (!any)
                eqs_text_add(
                    &text,
                    "\n| key | allowed | unit | default | meaning |\n| --- | --- | --- | --- | --- |\n");
            any = true;
            eqs_status status = add_row(&eqs_config_keys[i], &text);
            if (status != EQS_OK) {
                eqs_text_clear(&text);
                return status;
            }
        }
    }
    return put_text(&text, file);
}
