/* The configuration in a result file: the text as given, and every value in force. */
#include "base/memory.h"
#include "store/config_table.h"
#include "store/h5file.h"

#include <string.h>

static eqs_status write_value(const eqs_config_entry *entry, void *user)
{
    return eqs_h5_attribute_string(user, "/config/used", entry->name, entry->value);
}

eqs_status eqs_h5_write_config(eqs_h5_writer *writer, const eqs_config *config)
{
    EQS_TRY(eqs_h5_write_text(writer, "/config/text", eqs_config_text(config), "configuration as given"));
    EQS_TRY(eqs_h5_attribute_string(writer, "/config/text", "file", eqs_config_name(config)));
    EQS_TRY(eqs_h5_group(writer, "/config/used"));
    return eqs_config_foreach(config, write_value, writer);
}

/* YAML "section: {key: value}" lines would be read back alike, but overrides are one key each and need no
 * text */
static eqs_status read_value(const eqs_h5_reader *reader, const char *name, eqs_text *yaml)
{
    if (!eqs_h5_has_attribute(reader, "/config/used", name))
        return EQS_OK;
    char *value;
    EQS_TRY(eqs_h5_read_attribute_string(reader, "/config/used", name, &value));
    const char *dot = strchr(name, '.');
    eqs_text_add(yaml, dot != NULL ? "  %s: %s\n" : "%s: %s\n", dot != NULL ? dot + 1 : name, value);
    eqs_free(value);
    return yaml->failed ? EQS_NO_MEMORY : EQS_OK;
}

static bool in_section(const char *name, const char *section)
{
    size_t n = strlen(section);
    return n == 0 ? strchr(name, '.') == NULL : strncmp(name, section, n) == 0 && name[n] == '.';
}

eqs_status eqs_h5_read_config(const eqs_h5_reader *reader, eqs_config **out)
{
    *out = NULL;
    char *given, *source;
    eqs_text yaml = {0};
    EQS_TRY(eqs_h5_load_text(reader, "/config/text", &given));
    eqs_status status = EQS_OK;
    for (const eqs_config_section *s = eqs_config_sections; s->name != NULL && status == EQS_OK; s++) {
        if (*s->name != '\0')
            eqs_text_add(&yaml, "%s:\n", s->name);
        for (size_t i = 0; i < eqs_config_n_keys && status == EQS_OK; i++)
            if (in_section(eqs_config_keys[i].name, s->name))
                status = read_value(reader, eqs_config_keys[i].name, &yaml);
    }
    source = status == EQS_OK ? eqs_format("%s:/config/used", eqs_h5_path(reader)) : NULL;
    if (status == EQS_OK)
        status = source != NULL && !yaml.failed ? eqs_config_parse(eqs_text_string(&yaml), source, out)
                                                : EQS_NO_MEMORY;
    if (status == EQS_OK) {
        eqs_free((*out)->text); /* the text as given is the file's, not the one made here */
        (*out)->text = given;
        given = NULL;
    }
    eqs_free(given);
    eqs_free(source);
    eqs_text_clear(&yaml);
    return status;
}
