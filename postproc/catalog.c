#include "postproc/catalog.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static eqs_status copy_object(const eqs_h5_object *from, eqs_catalog_object *to)
{
    *to = (eqs_catalog_object){.path = eqs_strdup(from->path),
                               .is_group = from->is_group,
                               .shape = from->shape,
                               .units = eqs_strdup(from->units),
                               .long_name = eqs_strdup(from->long_name),
                               .attribute = eqs_alloc(from->n_attributes, sizeof *to->attribute)};
    if (to->path == NULL || to->units == NULL || to->long_name == NULL || to->attribute == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < from->n_attributes; i++) {
        eqs_catalog_attribute *attribute = &to->attribute[to->n_attributes++];
        attribute->name = eqs_strdup(from->attribute[i].name);
        attribute->text = eqs_strdup(from->attribute[i].text);
        if (attribute->name == NULL || attribute->text == NULL)
            return EQS_NO_MEMORY;
    }
    return EQS_OK;
}

static eqs_status add_object(const eqs_h5_object *object, void *user)
{
    eqs_catalog *catalog = user;
    eqs_catalog_object *grown =
        eqs_realloc(catalog->object, catalog->n, catalog->n + 1, sizeof *catalog->object);
    if (grown == NULL)
        return EQS_NO_MEMORY;
    catalog->object = grown;
    return copy_object(object, &catalog->object[catalog->n++]);
}

eqs_status eqs_catalog_open(const char *path, eqs_catalog *out)
{
    *out = (eqs_catalog){0};
    EQS_TRY(eqs_h5_open(path, &out->reader));
    return eqs_h5_foreach(out->reader, add_object, out);
}

void eqs_catalog_close(eqs_catalog *catalog)
{
    for (size_t i = 0; i < catalog->n; i++) {
        eqs_catalog_object *object = &catalog->object[i];
        for (size_t k = 0; k < object->n_attributes; k++) {
            eqs_free(object->attribute[k].name);
            eqs_free(object->attribute[k].text);
        }
        eqs_free(object->attribute);
        eqs_free(object->path);
        eqs_free(object->units);
        eqs_free(object->long_name);
    }
    eqs_free(catalog->object);
    eqs_h5_reader_destroy(catalog->reader);
    *catalog = (eqs_catalog){0};
}

const eqs_catalog_object *eqs_catalog_find(const eqs_catalog *catalog, const char *path)
{
    for (size_t i = 0; i < catalog->n; i++) {
        if (strcmp(catalog->object[i].path, path) == 0)
            return &catalog->object[i];
    }
    return NULL;
}

bool eqs_catalog_is_numbers(const eqs_catalog_object *object)
{
    return !object->is_group && object->shape.type != EQS_H5_STRING && object->shape.type != EQS_H5_OTHER;
}

const eqs_catalog_object *eqs_catalog_numbers(const eqs_catalog *catalog, const char *path)
{
    const eqs_catalog_object *object = eqs_catalog_find(catalog, path);
    return object != NULL && eqs_catalog_is_numbers(object) ? object : NULL;
}

const char *eqs_catalog_attribute_text(const eqs_catalog_object *object, const char *name)
{
    for (size_t i = 0; object != NULL && i < object->n_attributes; i++) {
        if (strcmp(object->attribute[i].name, name) == 0)
            return object->attribute[i].text;
    }
    return NULL;
}

const char *eqs_catalog_member(const eqs_catalog_object *object, const char *group)
{
    size_t length = strcmp(group, "/") == 0 ? 0 : strlen(group);
    if (strncmp(object->path, group, length) != 0 || object->path[length] != '/')
        return NULL;
    const char *name = object->path + length + 1;
    return *name != '\0' && strchr(name, '/') == NULL ? name : NULL;
}

const char *eqs_catalog_name(const eqs_catalog_object *object)
{
    const char *slash = strrchr(object->path, '/');
    return slash != NULL ? slash + 1 : object->path;
}

eqs_status eqs_catalog_values(const eqs_catalog *catalog, const eqs_catalog_object *object, double **out)
{
    eqs_h5_shape shape;
    void *values = NULL;
    EQS_TRY(eqs_h5_load(catalog->reader, object->path, EQS_H5_DOUBLE, &shape, &values));
    *out = values;
    return EQS_OK;
}

void eqs_catalog_names_add(eqs_catalog_names *names, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char **grown = names->failed ? NULL : eqs_realloc(names->name, names->n, names->n + 1, sizeof *grown);
    if (grown != NULL) {
        names->name = grown;
        grown[names->n] = eqs_strdup(text);
    }
    if (grown == NULL || grown[names->n] == NULL)
        names->failed = true;
    else
        names->n++;
}

bool eqs_catalog_names_has(const eqs_catalog_names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->name[i], name) == 0)
            return true;
    }
    return false;
}

void eqs_catalog_names_clear(eqs_catalog_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        eqs_free(names->name[i]);
    eqs_free(names->name);
    *names = (eqs_catalog_names){0};
}
