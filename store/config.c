#include "store/config.h"

#include "base/memory.h"
#include "store/config_table.h"
#include "store/file.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

/* Where the value of a key was given; line 0: nowhere (the default). */
struct eqs_config_place {
    size_t line, column;
    bool override; /* by eqs_config_set */
};

/* ---- life ---- */

void eqs_config_destroy(eqs_config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < eqs_config_n_keys; i++) {
        eqs_config_value value = eqs_config_value_get(&eqs_config_keys[i], config);
        eqs_config_value_clear(&eqs_config_keys[i], &value);
    }
    eqs_free(config->name);
    eqs_free(config->text);
    eqs_free(config->place);
    eqs_free(config);
}

static eqs_status create(const char *text, const char *name, eqs_config **out)
{
    eqs_config *config = eqs_alloc(1, sizeof *config);
    *out = config;
    if (config == NULL)
        return EQS_NO_MEMORY;
    config->name = eqs_strdup(name);
    config->text = eqs_strdup(text);
    config->place = eqs_alloc(eqs_config_n_keys, sizeof *config->place);
    if (config->name == NULL || config->text == NULL || config->place == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < eqs_config_n_keys; i++) {
        eqs_config_value value;
        EQS_TRY(eqs_config_value_default(&eqs_config_keys[i], &value));
        eqs_config_value_put(&eqs_config_keys[i], value, config);
    }
    return EQS_OK;
}

/* ---- values ---- */

static eqs_status assign(eqs_config *config, size_t index, const eqs_yaml_node *node, const char *source)
{
    const eqs_config_key *key = &eqs_config_keys[index];
    eqs_config_value fresh, old = eqs_config_value_get(key, config);
    EQS_TRY(eqs_config_value_read(key, node, source, &fresh));
    eqs_config_value_clear(key, &old);
    eqs_config_value_put(key, fresh, config);
    return EQS_OK;
}

/* "file:line:column: hardware.x: ..." for names that are no keys */
static eqs_status unknown(const char *source, size_t line, size_t column, const char *name)
{
    if (strncmp(name, "hardware.", 9) == 0)
        return eqs_fail(
            EQS_BAD_CONFIG,
            "%s:%zu:%zu: %.100s: no hardware option exists yet, so this mapping must be empty (ideal)",
            source, line, column, name);
    return eqs_fail(EQS_BAD_CONFIG, "%s:%zu:%zu: unknown key '%.100s'; the nearest known is '%s'", source,
                    line, column, name, eqs_config_nearest(name));
}

/* one section's mapping */
static eqs_status apply_section(eqs_config *config, const eqs_yaml_node *section)
{
    if (eqs_yaml_is_null(section))
        return EQS_OK;
    if (section->kind != EQS_YAML_MAPPING)
        return eqs_fail(EQS_BAD_CONFIG, "%s:%zu:%zu: %s: found %s, allowed a mapping of keys to values",
                        config->name, section->line, section->column, section->key,
                        section->kind == EQS_YAML_SCALAR ? "a single value" : "a list");
    for (const eqs_yaml_node *node = section->first; node != NULL; node = node->next) {
        char *name = eqs_format("%s.%s", section->key, node->key);
        if (name == NULL)
            return EQS_NO_MEMORY;
        size_t index = eqs_config_find(name);
        eqs_status status = index == SIZE_MAX ? unknown(config->name, node->key_line, node->key_column, name)
                                              : assign(config, index, node, config->name);
        eqs_free(name);
        EQS_TRY(status);
        config->place[index] = (eqs_config_place){node->line, node->column, false};
    }
    return EQS_OK;
}

static eqs_status apply_document(eqs_config *config, const eqs_yaml_node *root)
{
    if (root == NULL || eqs_yaml_is_null(root))
        return EQS_OK;
    if (root->kind != EQS_YAML_MAPPING)
        return eqs_fail(EQS_BAD_CONFIG, "%s:%zu:%zu: found no mapping, allowed sections with keys",
                        config->name, root->line, root->column);
    for (const eqs_yaml_node *node = root->first; node != NULL; node = node->next) {
        bool empty_section;
        size_t index = strchr(node->key, '.') == NULL ? eqs_config_find(node->key) : SIZE_MAX;
        if (eqs_config_is_section(node->key, &empty_section)) {
            EQS_TRY(apply_section(config, node));
        } else if (index != SIZE_MAX) {
            EQS_TRY(assign(config, index, node, config->name));
            config->place[index] = (eqs_config_place){node->line, node->column, false};
        } else {
            return unknown(config->name, node->key_line, node->key_column, node->key);
        }
    }
    return EQS_OK;
}

eqs_status eqs_config_parse(const char *text, const char *name, eqs_config **out)
{
    *out = NULL;
    eqs_yaml *yaml;
    EQS_TRY(eqs_yaml_read(text, strlen(text), name, &yaml));
    eqs_config *config;
    eqs_status status = create(text, name, &config);
    if (status == EQS_OK)
        status = apply_document(config, eqs_yaml_root(yaml));
    if (status == EQS_OK)
        status = eqs_config_check(config);
    eqs_yaml_destroy(yaml);
    if (status != EQS_OK) {
        eqs_config_destroy(config);
        return status;
    }
    *out = config;
    return EQS_OK;
}

eqs_status eqs_config_load(const char *path, eqs_config **out)
{
    *out = NULL;
    unsigned char *bytes;
    size_t size;
    eqs_status status = eqs_file_read(path, EQS_YAML_MAX_BYTES, &bytes, &size);
    if (status == EQS_BAD_DATA) /* too long */
        return eqs_fail_context(EQS_BAD_CONFIG, "configuration");
    EQS_TRY(eqs_fail_context(status, "configuration"));
    if (memchr(bytes, '\0', size) != NULL)
        status = eqs_fail(EQS_BAD_CONFIG, "%s: found a zero byte, allowed YAML in UTF-8", path);
    else
        status = eqs_config_parse((const char *)bytes, path, out);
    eqs_free(bytes);
    return status;
}

eqs_status eqs_config_set(eqs_config *config, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    if (equals == NULL || equals == assignment)
        return eqs_fail(EQS_BAD_CONFIG, "--set: found '%.100s', allowed section.key=value", assignment);
    char *name = eqs_format("%.*s", (int)(equals - assignment), assignment);
    if (name == NULL)
        return EQS_NO_MEMORY;
    eqs_yaml *yaml = NULL;
    size_t index = eqs_config_find(name);
    eqs_status status = index == SIZE_MAX ? unknown("--set", 1, 1, name)
                                          : eqs_yaml_read(equals + 1, strlen(equals + 1), "--set", &yaml);
    if (status == EQS_OK) {
        static const eqs_yaml_node nothing = {.text = "", .plain = true, .line = 1, .column = 1};
        const eqs_yaml_node *root = eqs_yaml_root(yaml);
        status = assign(config, index, root != NULL ? root : &nothing, "--set");
    }
    if (status == EQS_OK)
        config->place[index].override = true;
    eqs_yaml_destroy(yaml);
    eqs_free(name);
    return status;
}

/* ---- messages at a key's place ---- */

eqs_status eqs_config_fail(const eqs_config *config, const char *key, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    size_t index = eqs_config_find(key);
    const eqs_config_place *place = index != SIZE_MAX ? &config->place[index] : NULL;
    if (place != NULL && place->override)
        return eqs_fail(EQS_BAD_CONFIG, "--set: %s: %s", key, message);
    if (place != NULL && place->line > 0)
        return eqs_fail(EQS_BAD_CONFIG, "%s:%zu:%zu: %s: %s", config->name, place->line, place->column, key,
                        message);
    return eqs_fail(EQS_BAD_CONFIG, "%s: %s: %s", config->name, key, message);
}

/* ---- keys against each other ---- */

size_t eqs_config_n_couplings(const eqs_config *config)
{
    size_t last = config->network.layers.n > 0 ? config->network.layers.n - 1 : 0;
    switch (config->network.couplings.layout) {
    case EQS_COUPLINGS_LAYERED:
        return last;
    case EQS_COUPLINGS_FULL: /* every pair of layers, and each free layer to itself */
        return last * (last + 1) / 2 + last;
    default:
        return config->network.couplings.n;
    }
}

static eqs_status check_length(const eqs_config *config, const char *key, size_t found, size_t n,
                               const char *what)
{
    if (found == 0 || found == 1 || found == n)
        return EQS_OK;
    if (n < 2)
        return eqs_config_fail(config, key, "found %zu values, allowed 1 (for the %s)", found, what);
    return eqs_config_fail(config, key, "found %zu values, allowed 1 or %zu (one for each of the %s)", found,
                           n, what);
}

eqs_status eqs_config_expand(const eqs_config *config, const char *key, const eqs_config_reals *list,
                             double when_empty, size_t n, const char *what, double *out)
{
    EQS_TRY(check_length(config, key, list->n, n, what));
    for (size_t i = 0; i < n; i++)
        out[i] = list->n == 0 ? when_empty : list->v[list->n == 1 ? 0 : i];
    return EQS_OK;
}

static eqs_status check_network(const eqs_config *config)
{
    const eqs_config_network *net = &config->network;
    size_t last = net->layers.n - 1, couplings = eqs_config_n_couplings(config);
    EQS_TRY(check_length(config, "network.activation", net->activation.n, last, "layers 1 to L"));
    EQS_TRY(check_length(config, "network.gain", net->gain.n, couplings, "couplings"));
    for (size_t i = 0; i < net->couplings.n; i++)
        if (net->couplings.pair[i][0] > last || net->couplings.pair[i][1] > last)
            return eqs_config_fail(config, "network.couplings", "found [%zu, %zu], allowed layers 0 to %zu",
                                   net->couplings.pair[i][0], net->couplings.pair[i][1], last);
    if (!(net->thresholds.v[0] < net->thresholds.v[1]))
        return eqs_config_fail(config, "network.thresholds", "found [%g, %g], allowed beta1 < beta2",
                               net->thresholds.v[0], net->thresholds.v[1]);
    if (isinf(net->beta.v[1]) || isinf(net->beta.v[2]))
        return eqs_config_fail(config, "network.beta",
                               "found .inf, allowed only as the first of the three (input)");
    if (net->init == EQS_INIT_FILE && *net->init_file == '\0')
        return eqs_config_fail(config, "network.init_file", "found nothing, needed by init: file");
    size_t n = config->dynamics.tau.n;
    if (n != 1 && n != last && n != last + 1)
        return eqs_config_fail(config, "dynamics.tau",
                               "found %zu values, allowed 1, %zu (layers 1 to L) or %zu (0 to L)", n, last,
                               last + 1);
    return EQS_OK;
}

static eqs_status check_data(const eqs_config *config)
{
    const eqs_config_data *data = &config->data;
    bool file = data->set == EQS_DATA_CSV || data->set == EQS_DATA_IDX;
    if (file && *data->path == '\0')
        return eqs_config_fail(config, "data.path", "found nothing, needed by set: %s",
                               eqs_config_word("data.set", data->set));
    if (data->set == EQS_DATA_IDX && *data->labels == '\0')
        return eqs_config_fail(config, "data.labels", "found nothing, needed by set: idx");
    if (data->set != EQS_DATA_IDX && *data->labels != '\0')
        return eqs_config_fail(config, "data.labels", "found \"%.100s\", allowed only with set: idx",
                               data->labels);
    if (data->set == EQS_DATA_CSV && data->pool.n > 0)
        return eqs_config_fail(config, "data.pool", "found a size, but a CSV file holds no images");
    return EQS_OK;
}

eqs_status eqs_config_check(const eqs_config *config)
{
    if (config->network.layers.n == 0)
        return eqs_fail(EQS_BAD_CONFIG,
                        "%s: network.layers: found nothing, needed (for example [784, 500, 10])",
                        config->name);
    EQS_TRY(check_network(config));
    EQS_TRY(check_data(config));
    size_t last = config->network.layers.n - 1;
    const eqs_config_learning *learning = &config->learning;
    EQS_TRY(check_length(config, "learning.rates", learning->rates.n, eqs_config_n_couplings(config),
                         "couplings"));
    EQS_TRY(check_length(config, "learning.bias_rates", learning->bias_rates.n, last, "layers 1 to L"));
    if (learning->beta == 0)
        return eqs_config_fail(config, "learning.beta", "found 0, allowed any other number");
    return EQS_OK;
}

const char *eqs_config_text(const eqs_config *config)
{
    return config->text;
}

const char *eqs_config_name(const eqs_config *config)
{
    return config->name;
}
