/* Listings of HDF5 files: objects, shapes, attributes. Works on files of others too, so nothing is trusted:
 * what cannot be read is left out or shown as "?". */
#include "base/memory.h"
#include "store/h5private.h"
#include "store/text.h"

#include <string.h>

enum { SHOWN_ITEMS = 8, SHOWN_BYTES = 200, MAX_ATTRIBUTES = 1000, MAX_ITEM = 1 << 20 };

typedef struct listing {
    hid_t file;
    const char *file_name;
    eqs_h5_visitor visit;
    void *user;
    eqs_status status;
} listing;

typedef struct attribute_list {
    eqs_h5_attribute *item; /* owned texts */
    size_t n, capacity;
    eqs_status status;
} attribute_list;

/* ---- values of attributes as text ---- */

/* a text without control characters, cut */
static void add_cut(const char *from, size_t length, eqs_text *text)
{
    size_t n = strnlen(from, length), shown = n < SHOWN_BYTES ? n : SHOWN_BYTES;
    for (size_t i = 0; i < shown; i++)
        eqs_text_add(text, "%c", (unsigned char)from[i] < 0x20 ? ' ' : from[i]);
    eqs_text_add(text, n > shown ? "..." : "");
}

static void add_variable_strings(hid_t attribute, hid_t type, hid_t space, size_t n, eqs_text *text)
{
    char **texts = eqs_alloc(n, sizeof *texts);
    if (texts != NULL && H5Aread(attribute, type, texts) >= 0) {
        for (size_t i = 0; i < n && i < SHOWN_ITEMS; i++) {
            eqs_text_add(text, i > 0 ? ", " : "");
            add_cut(texts[i] != NULL ? texts[i] : "", MAX_ITEM, text);
        }
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts);
    } else {
        eqs_text_add(text, "?");
    }
    eqs_free(texts);
}

static void add_fixed_strings(hid_t attribute, hid_t type, size_t n, eqs_text *text)
{
    size_t width = H5Tget_size(type);
    char *block = eqs_alloc(n, width);
    if (block != NULL && H5Aread(attribute, type, block) >= 0)
        for (size_t i = 0; i < n && i < SHOWN_ITEMS; i++) {
            eqs_text_add(text, i > 0 ? ", " : "");
            add_cut(block + i * width, width, text);
        }
    else
        eqs_text_add(text, "?");
    eqs_free(block);
}

static void add_numbers(hid_t attribute, hid_t type, size_t n, eqs_text *text)
{
    bool integer = H5Tget_class(type) == H5T_INTEGER;
    union {
        double real;
        int64_t integer;
    } *value = eqs_alloc(n, sizeof *value);
    if (value != NULL && H5Aread(attribute, integer ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE, value) >= 0)
        for (size_t i = 0; i < n && i < SHOWN_ITEMS; i++) {
            char number[EQS_NUMBER_SIZE];
            eqs_number_format(value[i].real, number);
            eqs_text_add(text, i > 0 ? ", " : "");
            if (integer)
                eqs_text_add(text, "%lld", (long long)value[i].integer);
            else
                eqs_text_add(text, "%s", number);
        }
    else
        eqs_text_add(text, "?");
    eqs_free(value);
}

static void add_value(hid_t attribute, eqs_text *text)
{
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    hssize_t points = H5Sget_simple_extent_npoints(space);
    H5T_class_t class = H5Tget_class(type);
    size_t width = H5Tget_size(type), total;
    bool small = points > 0 && width > 0 && !__builtin_mul_overflow((size_t)points, width, &total) &&
                 total <= MAX_ITEM;
    if (!small)
        eqs_text_add(text, points == 0 ? "" : "?");
    else if (class == H5T_STRING && H5Tis_variable_str(type) > 0)
        add_variable_strings(attribute, type, space, (size_t)points, text);
    else if (class == H5T_STRING)
        add_fixed_strings(attribute, type, (size_t)points, text);
    else if (class == H5T_INTEGER || class == H5T_FLOAT)
        add_numbers(attribute, type, (size_t)points, text);
    else
        eqs_text_add(text, "?");
    if (small && points > SHOWN_ITEMS)
        eqs_text_add(text, ", ... (%lld)", (long long)points);
    H5Sclose(space);
    H5Tclose(type);
}

/* ---- attributes of an object ---- */

static eqs_status append(attribute_list *list, const char *name, const char *text)
{
    if (list->n == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
        void *grown = eqs_realloc(list->item, list->capacity, capacity, sizeof *list->item);
        if (grown == NULL)
            return EQS_NO_MEMORY;
        list->item = grown;
        list->capacity = capacity;
    }
    eqs_h5_attribute *item = &list->item[list->n++];
    item->name = eqs_strdup(name);
    item->text = eqs_strdup(text);
    return item->name != NULL && item->text != NULL ? EQS_OK : EQS_NO_MEMORY;
}

static herr_t take_attribute(hid_t object, const char *name, const H5A_info_t *info, void *user)
{
    (void)info;
    attribute_list *list = user;
    eqs_text text = {0};
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute >= 0)
        add_value(attribute, &text);
    else
        eqs_text_add(&text, "?");
    H5Aclose(attribute);
    list->status = text.failed ? EQS_NO_MEMORY : append(list, name, eqs_text_string(&text));
    eqs_text_clear(&text);
    return list->status == EQS_OK && list->n < MAX_ATTRIBUTES ? 0 : 1;
}

static void clear_attributes(attribute_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        eqs_free((char *)list->item[i].name);
        eqs_free((char *)list->item[i].text);
    }
    eqs_free(list->item);
}

static const char *attribute_text(const attribute_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->item[i].name, name) == 0)
            return list->item[i].text;
    return "";
}

/* ---- objects ---- */

static const char *class_name(hid_t type)
{
    static const char *const names[] = {"integer",  "float",           "time",     "string",
                                        "bitfield", "opaque",          "compound", "reference",
                                        "enum",     "variable-length", "array"};
    eqs_h5_type ours = eqs_h5_type_of(type);
    int class = (int)H5Tget_class(type);
    if (ours != EQS_H5_OTHER)
        return eqs_h5_type_name(ours);
    return class >= 0 && class < (int)(sizeof names / sizeof *names) ? names[class] : "unknown";
}

/* shape and type of a dataset; false when libhdf5 cannot tell */
static bool describe(hid_t dataset, eqs_h5_object *object)
{
    hsize_t dim[EQS_H5_MAX_RANK];
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    int rank = H5Sget_simple_extent_ndims(space);
    bool fine =
        type >= 0 && rank >= 0 && rank <= EQS_H5_MAX_RANK && H5Sget_simple_extent_dims(space, dim, NULL) >= 0;
    if (fine) {
        object->shape = (eqs_h5_shape){.type = eqs_h5_type_of(type), .rank = rank, .count = 1};
        object->type_name = class_name(type);
        for (int k = 0; k < rank; k++) {
            object->shape.dim[k] = dim[k];
            if (__builtin_mul_overflow(object->shape.count, dim[k], &object->shape.count))
                fine = false;
        }
    }
    H5Sclose(space);
    H5Tclose(type);
    return fine;
}

static eqs_status visit_object(const listing *l, const char *path, H5O_type_t kind)
{
    hid_t object = H5Oopen(l->file, path, H5P_DEFAULT);
    eqs_h5_object out = {.path = path, .is_group = kind == H5O_TYPE_GROUP, .type_name = ""};
    if (object < 0 || (kind == H5O_TYPE_DATASET && !describe(object, &out))) {
        H5Oclose(object);
        return eqs_h5_fail(EQS_BAD_DATA, l->file_name, path, "cannot be read");
    }
    attribute_list list = {0};
    hsize_t index = 0;
    herr_t result = H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &index, take_attribute, &list);
    eqs_status status = list.status;
    if (result < 0 && status == EQS_OK)
        status = eqs_h5_fail(EQS_BAD_DATA, l->file_name, path, "has attributes that cannot be read");
    if (status == EQS_OK) {
        out.units = attribute_text(&list, "units");
        out.long_name = attribute_text(&list, "long_name");
        out.n_attributes = list.n;
        out.attribute = list.item;
        status = l->visit(&out, l->user);
    }
    clear_attributes(&list);
    H5Oclose(object);
    return status;
}

static herr_t visit_one(hid_t root, const char *name, const H5O_info_t *info, void *user)
{
    (void)root;
    listing *l = user;
    if (info->type != H5O_TYPE_GROUP && info->type != H5O_TYPE_DATASET)
        return 0;
    bool is_root = strcmp(name, ".") == 0;
    char *path = eqs_format("/%s", is_root ? "" : name);
    l->status = path != NULL ? visit_object(l, path, info->type) : EQS_NO_MEMORY;
    eqs_free(path);
    return l->status == EQS_OK ? 0 : 1;
}

eqs_status eqs_h5_visit_file(hid_t file, const char *file_name, eqs_h5_visitor visit, void *user)
{
    listing l = {file, file_name, visit, user, EQS_OK};
    herr_t result = H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, visit_one, &l, H5O_INFO_BASIC);
    if (result < 0 && l.status == EQS_OK)
        return eqs_h5_fail(EQS_BAD_DATA, file_name, "", "its objects cannot be listed");
    return l.status;
}
