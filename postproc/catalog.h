/* What a result file holds, as a table that plots and reports ask: objects by path with shape, unit and long
 * name, and values as double. Works on any file that eqspice wrote, whatever wrote it. */
#ifndef EQS_POSTPROC_CATALOG_H
#define EQS_POSTPROC_CATALOG_H

#include "base/status.h"
#include "store/h5file.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct eqs_catalog_attribute {
    char *name, *text; /* text cut after 200 bytes, as in listings */
} eqs_catalog_attribute;

typedef struct eqs_catalog_object {
    char *path;
    bool is_group;
    eqs_h5_shape shape; /* of datasets */
    char *units, *long_name;
    size_t n_attributes;
    eqs_catalog_attribute *attribute;
} eqs_catalog_object;

typedef struct eqs_catalog {
    eqs_h5_reader *reader;
    size_t n;
    eqs_catalog_object *object; /* by path, the root first */
} eqs_catalog;

/* Opens and lists a file (errors of eqs_h5_open). Release with eqs_catalog_close, also after errors. */
eqs_status eqs_catalog_open(const char *path, eqs_catalog *out);
void eqs_catalog_close(eqs_catalog *catalog);

/* The object at a path, or NULL; and the same for a dataset of numbers. */
const eqs_catalog_object *eqs_catalog_find(const eqs_catalog *catalog, const char *path);
const eqs_catalog_object *eqs_catalog_numbers(const eqs_catalog *catalog, const char *path);

/* true for datasets of numbers. */
bool eqs_catalog_is_numbers(const eqs_catalog_object *object);

/* Text of an attribute, or NULL when there is none; borrowed. */
const char *eqs_catalog_attribute_text(const eqs_catalog_object *object, const char *name);

/* Whether `object` is a direct member of `group` ("/study/depth"); its name then (borrowed), else NULL. */
const char *eqs_catalog_member(const eqs_catalog_object *object, const char *group);

/* Name of an object: its path behind the last '/'. */
const char *eqs_catalog_name(const eqs_catalog_object *object);

/* All values of a dataset of numbers, row-major; the caller's (eqs_free). */
eqs_status eqs_catalog_values(const eqs_catalog *catalog, const eqs_catalog_object *object, double **out);

/* A growing list of names; zero-initialise. When memory is short `failed` is set (message of eqs_alloc). */
typedef struct eqs_catalog_names {
    size_t n;
    char **name;
    bool failed;
} eqs_catalog_names;

void eqs_catalog_names_add(eqs_catalog_names *names, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool eqs_catalog_names_has(const eqs_catalog_names *names, const char *name);
void eqs_catalog_names_clear(eqs_catalog_names *names);

#endif
