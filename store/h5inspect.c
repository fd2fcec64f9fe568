/* Listing any HDF5 file: ours directly, those of others through a child process that may crash. The child
 * sends one JSON object per line. */
#include "base/memory.h"
#include "store/h5block.h"
#include "store/h5private.h"
#include "store/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

static const eqs_sandbox_limits limits = {
    .seconds = 20, .memory_bytes = (size_t)2 << 30, .output_bytes = 64 << 20};

/* jansson wants UTF-8; other bytes become '?' */
static json_t *json_text(const char *text)
{
    json_t *exact = json_string(text);
    if (exact != NULL)
        return exact;
    char *copy = eqs_strdup(text);
    if (copy == NULL)
        return NULL;
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    json_t *ascii = json_string(copy);
    eqs_free(copy);
    return ascii;
}

/* ---- the child's side ---- */

static eqs_status send_object(const eqs_h5_object *object, void *user)
{
    eqs_text *output = user;
    json_t *dims = json_array(), *attributes = json_array();
    for (int k = 0; k < object->shape.rank; k++)
        json_array_append_new(dims, json_integer((json_int_t)object->shape.dim[k]));
    for (size_t i = 0; i < object->n_attributes; i++) {
        json_array_append_new(attributes, json_text(object->attribute[i].name));
        json_array_append_new(attributes, json_text(object->attribute[i].text));
    }
    json_t *line = json_pack("{s:o, s:b, s:i, s:s, s:o, s:o, s:o, s:o}", "path", json_text(object->path),
                             "group", object->is_group, "type", (int)object->shape.type, "name",
                             object->type_name, "dims", dims, "attributes", attributes, "units",
                             json_text(object->units), "long_name", json_text(object->long_name));
    char *text = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;
    if (text != NULL)
        eqs_text_add(output, "%s\n", text);
    free(text);
    json_decref(line);
    return text != NULL && !output->failed ? EQS_OK : EQS_NO_MEMORY;
}

static eqs_status list_foreign(void *user, eqs_text *output)
{
    const char *path = user;
    eqs_h5_quiet();
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0)
        return eqs_h5_fail(EQS_BAD_DATA, path, "", "is no HDF5 file, or a damaged one");
    return eqs_h5_visit_file(file, path, send_object, output);
    /* the file is left open: the process ends, and closing a damaged file can crash */
}

/* ---- the parent's side ---- */

static eqs_status receive_object(const json_t *line, eqs_h5_visitor visit, void *user)
{
    eqs_h5_object object = {.shape.count = 1};
    json_t *dims, *attributes;
    int group, type;
    if (json_unpack((json_t *)line, "{s:s, s:b, s:i, s:s, s:o, s:o, s:s, s:s}", "path", &object.path, "group",
                    &group, "type", &type, "name", &object.type_name, "dims", &dims, "attributes",
                    &attributes, "units", &object.units, "long_name", &object.long_name) != 0)
        return eqs_fail(EQS_BAD_DATA, "the reading process gave a broken answer");
    object.is_group = group;
    object.shape.type = (eqs_h5_type)type;
    object.shape.rank = (int)json_array_size(dims);
    for (int k = 0; k < object.shape.rank && k < EQS_H5_MAX_RANK; k++) {
        object.shape.dim[k] = (size_t)json_integer_value(json_array_get(dims, (size_t)k));
        object.shape.count *= object.shape.dim[k];
    }
    object.n_attributes = json_array_size(attributes) / 2;
    eqs_h5_attribute *list = eqs_alloc(object.n_attributes, sizeof *list);
    if (list == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < object.n_attributes; i++)
        list[i] = (eqs_h5_attribute){json_string_value(json_array_get(attributes, 2 * i)),
                                     json_string_value(json_array_get(attributes, 2 * i + 1))};
    object.attribute = list;
    eqs_status status = visit(&object, user);
    eqs_free(list);
    return status;
}

static eqs_status inspect_foreign(const char *path, eqs_h5_visitor visit, void *user)
{
    eqs_text output;
    eqs_status status = eqs_sandbox_run(&limits, list_foreign, (void *)path, &output);
    if (status != EQS_OK)
        return strncmp(eqs_error_message(), path, strlen(path)) == 0 ? status
                                                                     : eqs_fail_context(status, "%s", path);
    char *at = output.data;
    while (status == EQS_OK && at != NULL && *at != '\0') {
        char *end = strchr(at, '\n');
        json_t *line = end != NULL ? json_loadb(at, (size_t)(end - at), 0, NULL) : NULL;
        status = line != NULL ? receive_object(line, visit, user)
                              : eqs_fail(EQS_BAD_DATA, "%s: the reading process gave a broken answer", path);
        json_decref(line);
        at = end != NULL ? end + 1 : NULL;
    }
    eqs_text_clear(&output);
    return status;
}

eqs_status eqs_h5_inspect(const char *path, eqs_h5_visitor visit, void *user, bool *foreign)
{
    unsigned char head[EQS_H5_BLOCK_SIZE];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return eqs_fail(EQS_MISSING_INPUT, "%s: cannot open: %s", path, strerror(errno));
    ssize_t n = read(fd, head, sizeof head);
    close(fd);
    if (n < 0)
        return eqs_fail(EQS_MISSING_INPUT, "%s: cannot read: %s", path, strerror(errno));
    bool ours = eqs_h5_block_present(head, (size_t)n);
    if (foreign != NULL)
        *foreign = !ours;
    if (!ours)
        return inspect_foreign(path, visit, user);
    eqs_h5_reader *reader;
    EQS_TRY(eqs_h5_open(path, &reader));
    eqs_status status = eqs_h5_foreach(reader, visit, user);
    eqs_h5_reader_destroy(reader);
    return status;
}
