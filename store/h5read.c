/* Result files, reading half: verified in memory, then opened there by libhdf5. */
#include "base/memory.h"
#include "store/file.h"
#include "store/h5block.h"
#include "store/h5private.h"
#include "store/text.h"

#include <string.h>

struct eqs_h5_reader {
    hid_t file;
    unsigned char *bytes;
    size_t size;
    char *path;
};

/* libhdf5 is lent our bytes instead of copying them: it asks for memory and gets what it would copy */
static void *lend(size_t size, H5FD_file_image_op_t op, void *user)
{
    (void)op;
    eqs_h5_reader *r = user;
    return size <= r->size ? r->bytes : NULL;
}

static void *no_copy(void *to, const void *from, size_t size, H5FD_file_image_op_t op, void *user)
{
    (void)op;
    (void)user;
    return to == from ? to : memcpy(to, from, size);
}

static void *no_realloc(void *block, size_t size, H5FD_file_image_op_t op, void *user)
{
    (void)op;
    eqs_h5_reader *r = user;
    return size <= r->size ? block : NULL;
}

static herr_t no_free(void *block, H5FD_file_image_op_t op, void *user)
{
    (void)block;
    (void)op;
    (void)user;
    return 0;
}

static void *same_user(void *user)
{
    return user;
}

static herr_t keep_user(void *user)
{
    (void)user;
    return 0;
}

static eqs_status open_image(eqs_h5_reader *r)
{
    char name[48]; /* libhdf5 tells files in memory apart by their names */
    snprintf(name, sizeof name, "eqspice-reader-%p", (void *)r);
    H5FD_file_image_callbacks_t callbacks = {lend, no_copy, no_realloc, no_free, same_user, keep_user, r};
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && H5Pset_fapl_core(access, 1 << 16, 0) >= 0 &&
        H5Pset_file_image_callbacks(access, &callbacks) >= 0 &&
        H5Pset_file_image(access, r->bytes, r->size) >= 0)
        r->file = H5Fopen(name, H5F_ACC_RDONLY, access);
    eqs_status status = r->file >= 0 ? EQS_OK : eqs_h5_fail(EQS_BAD_DATA, r->path, "", "cannot be opened");
    H5Pclose(access);
    return status;
}

eqs_status eqs_h5_open(const char *path, eqs_h5_reader **out)
{
    *out = NULL;
    eqs_h5_quiet();
    eqs_h5_reader *r = eqs_alloc(1, sizeof *r);
    if (r == NULL)
        return EQS_NO_MEMORY;
    r->file = -1;
    r->path = eqs_strdup(path);
    eqs_status status =
        r->path != NULL ? eqs_file_read(path, SIZE_MAX / 4, &r->bytes, &r->size) : EQS_NO_MEMORY;
    if (status == EQS_OK)
        status = eqs_h5_block_check(path, r->bytes, r->size);
    if (status == EQS_OK)
        status = open_image(r);
    if (status != EQS_OK) {
        eqs_h5_reader_destroy(r);
        return status;
    }
    *out = r;
    return EQS_OK;
}

void eqs_h5_reader_destroy(eqs_h5_reader *reader)
{
    if (reader == NULL)
        return;
    eqs_h5_quiet();
    if (reader->file >= 0)
        H5Fclose(reader->file);
    eqs_free(reader->bytes);
    eqs_free(reader->path);
    eqs_free(reader);
}

const char *eqs_h5_path(const eqs_h5_reader *reader)
{
    return reader->path;
}

/* ---- objects ---- */

/* H5Lexists fails, without harm, when a part above does not exist */
bool eqs_h5_exists(const eqs_h5_reader *reader, const char *path)
{
    eqs_h5_quiet();
    return *path == '/' && (path[1] == '\0' || H5Lexists(reader->file, path, H5P_DEFAULT) > 0);
}

static eqs_status missing(const eqs_h5_reader *r, const char *path)
{
    return eqs_fail(EQS_BAD_DATA, "%s: %s: not there", r->path, path);
}

static eqs_status open_dataset(const eqs_h5_reader *r, const char *path, hid_t *out)
{
    if (!eqs_h5_exists(r, path))
        return missing(r, path);
    *out = H5Dopen2(r->file, path, H5P_DEFAULT);
    return *out >= 0 ? EQS_OK : eqs_h5_fail(EQS_BAD_DATA, r->path, path, "is no dataset");
}

static eqs_status shape_of(const eqs_h5_reader *r, const char *path, hid_t dataset, eqs_h5_shape *out)
{
    hsize_t dim[EQS_H5_MAX_RANK];
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    *out = (eqs_h5_shape){.rank = H5Sget_simple_extent_ndims(space), .type = EQS_H5_OTHER, .count = 1};
    bool fine = type >= 0 && out->rank >= 0 && out->rank <= EQS_H5_MAX_RANK &&
                H5Sget_simple_extent_dims(space, dim, NULL) >= 0;
    if (fine)
        out->type = eqs_h5_type_of(type);
    for (int k = 0; fine && k < out->rank; k++) {
        out->dim[k] = dim[k];
        fine = !__builtin_mul_overflow(out->count, out->dim[k], &out->count);
    }
    H5Sclose(space);
    H5Tclose(type);
    return fine ? EQS_OK : eqs_h5_fail(EQS_BAD_DATA, r->path, path, "has no readable shape");
}

eqs_status eqs_h5_get_shape(const eqs_h5_reader *reader, const char *path, eqs_h5_shape *out)
{
    eqs_h5_quiet();
    hid_t dataset = -1;
    EQS_TRY(open_dataset(reader, path, &dataset));
    eqs_status status = shape_of(reader, path, dataset, out);
    H5Dclose(dataset);
    return status;
}

/* whether a stored type may be read as `wanted`: without loss, but for wide integers as doubles */
static bool accepts(eqs_h5_type wanted, eqs_h5_type stored)
{
    if (wanted == EQS_H5_DOUBLE)
        return stored < EQS_H5_STRING;
    if (wanted == EQS_H5_INT64)
        return stored == EQS_H5_INT64 || stored == EQS_H5_UINT8 || stored == EQS_H5_UINT32;
    return stored == wanted;
}

static eqs_status check_type(const eqs_h5_reader *r, const char *path, eqs_h5_type wanted, eqs_h5_type stored)
{
    if (wanted < EQS_H5_OTHER && accepts(wanted, stored))
        return EQS_OK;
    return eqs_fail(EQS_BAD_DATA, "%s: %s: found type %s, allowed %s", r->path, path,
                    eqs_h5_type_name(stored), eqs_h5_type_name(wanted));
}

static void print_shape(int rank, const size_t *dim, eqs_text *text)
{
    eqs_text_add(text, "[");
    for (int k = 0; k < rank; k++)
        eqs_text_add(text, "%s%zu", k > 0 ? " x " : "", dim[k]);
    eqs_text_add(text, "]");
}

static eqs_status check_shape(const eqs_h5_reader *r, const char *path, const eqs_h5_shape *found, int rank,
                              const size_t *dim)
{
    bool same = found->rank == rank;
    for (int k = 0; same && k < rank; k++)
        same = found->dim[k] == dim[k];
    if (same)
        return EQS_OK;
    eqs_text text = {0};
    eqs_text_add(&text, "found shape ");
    print_shape(found->rank, found->dim, &text);
    eqs_text_add(&text, ", allowed ");
    print_shape(rank, dim, &text);
    eqs_status status = text.failed
                            ? EQS_NO_MEMORY
                            : eqs_fail(EQS_BAD_DATA, "%s: %s: %s", r->path, path, eqs_text_string(&text));
    eqs_text_clear(&text);
    return status;
}

static eqs_status read_numbers(const eqs_h5_reader *r, const char *path, hid_t dataset, eqs_h5_type type,
                               void *out)
{
    if (H5Dread(dataset, eqs_h5_memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0)
        return EQS_OK;
    return eqs_h5_fail(EQS_BAD_DATA, r->path, path, "cannot be read");
}

eqs_status eqs_h5_read(const eqs_h5_reader *reader, const char *path, eqs_h5_type type, int rank,
                       const size_t *dim, void *out)
{
    eqs_h5_quiet();
    if ((unsigned)type >= EQS_H5_STRING)
        return eqs_fail(EQS_INTERNAL, "%s: %s: asked for type %s, allowed a numeric one", reader->path, path,
                        eqs_h5_type_name(type));
    hid_t dataset = -1;
    eqs_h5_shape shape;
    EQS_TRY(open_dataset(reader, path, &dataset));
    eqs_status status = shape_of(reader, path, dataset, &shape);
    if (status == EQS_OK)
        status = check_type(reader, path, type, shape.type);
    if (status == EQS_OK)
        status = check_shape(reader, path, &shape, rank, dim);
    if (status == EQS_OK && shape.count > 0)
        status = read_numbers(reader, path, dataset, type, out);
    H5Dclose(dataset);
    return status;
}

static size_t item_size(eqs_h5_type type)
{
    return H5Tget_size(eqs_h5_memory_type(type));
}

eqs_status eqs_h5_load(const eqs_h5_reader *reader, const char *path, eqs_h5_type type, eqs_h5_shape *shape,
                       void **out)
{
    *out = NULL;
    EQS_TRY(eqs_h5_get_shape(reader, path, shape));
    EQS_TRY(check_type(reader, path, type, shape->type));
    void *block = (unsigned)type < EQS_H5_STRING ? eqs_alloc(shape->count, item_size(type)) : NULL;
    if (block == NULL && (unsigned)type < EQS_H5_STRING)
        return EQS_NO_MEMORY;
    eqs_status status = eqs_h5_read(reader, path, type, shape->rank, shape->dim, block);
    if (status != EQS_OK) {
        eqs_free(block);
        return status;
    }
    *out = block;
    return EQS_OK;
}

/* ---- texts ---- */

/* fixed-length texts of a dataset or attribute, [n x width], zero-padded */
static eqs_status load_padded(const eqs_h5_reader *r, const char *path, hid_t dataset, hid_t type, size_t n,
                              char **padded, size_t *width)
{
    *width = H5Tget_size(type);
    if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 || *width == 0)
        return eqs_fail(EQS_BAD_DATA, "%s: %s: found another type, allowed texts of fixed length", r->path,
                        path);
    *padded = eqs_alloc(n, *width);
    if (*padded == NULL)
        return EQS_NO_MEMORY;
    if (n == 0 || H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *padded) >= 0)
        return EQS_OK;
    eqs_free(*padded);
    *padded = NULL;
    return eqs_h5_fail(EQS_BAD_DATA, r->path, path, "cannot be read");
}

/* pointers, then the texts they point to, in one block */
static char **unpad(const char *padded, size_t n, size_t width)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, width + 1 + sizeof(char *), &bytes))
        return NULL;
    char **texts = eqs_alloc(bytes, 1);
    if (texts == NULL)
        return NULL;
    char *at = (char *)(texts + n);
    for (size_t i = 0; i < n; i++, at += width + 1) {
        texts[i] = at;
        memcpy(at, padded + i * width, width);
    }
    return texts;
}

eqs_status eqs_h5_load_strings(const eqs_h5_reader *reader, const char *path, size_t *n, char ***texts)
{
    *n = 0;
    *texts = NULL;
    eqs_h5_shape shape;
    EQS_TRY(eqs_h5_get_shape(reader, path, &shape));
    EQS_TRY(check_type(reader, path, EQS_H5_STRING, shape.type));
    hid_t dataset = -1;
    EQS_TRY(open_dataset(reader, path, &dataset));
    hid_t type = H5Dget_type(dataset);
    char *padded = NULL;
    size_t width = 0;
    eqs_status status = load_padded(reader, path, dataset, type, shape.count, &padded, &width);
    if (status == EQS_OK) {
        *texts = unpad(padded, shape.count, width);
        *n = *texts != NULL ? shape.count : 0;
        status = *texts != NULL ? EQS_OK : EQS_NO_MEMORY;
    }
    eqs_free(padded);
    H5Tclose(type);
    H5Dclose(dataset);
    return status;
}

eqs_status eqs_h5_load_text(const eqs_h5_reader *reader, const char *path, char **text)
{
    size_t n;
    char **texts;
    *text = NULL;
    EQS_TRY(eqs_h5_load_strings(reader, path, &n, &texts));
    eqs_status status =
        n == 1 ? EQS_OK : eqs_fail(EQS_BAD_DATA, "%s: %s: found %zu texts, allowed 1", reader->path, path, n);
    if (status == EQS_OK && (*text = eqs_strdup(texts[0])) == NULL)
        status = EQS_NO_MEMORY;
    eqs_free(texts);
    return status;
}

/* ---- attributes ---- */

bool eqs_h5_has_attribute(const eqs_h5_reader *reader, const char *path, const char *name)
{
    eqs_h5_quiet();
    return eqs_h5_exists(reader, path) && H5Aexists_by_name(reader->file, path, name, H5P_DEFAULT) > 0;
}

/* opens a scalar attribute and its type; both are the caller's */
static eqs_status open_attribute(const eqs_h5_reader *r, const char *path, const char *name, hid_t *attribute,
                                 hid_t *type)
{
    *attribute = *type = -1;
    if (!eqs_h5_has_attribute(r, path, name))
        return eqs_fail(EQS_BAD_DATA, "%s: %s: attribute '%s' is not there", r->path, path, name);
    *attribute = H5Aopen_by_name(r->file, path, name, H5P_DEFAULT, H5P_DEFAULT);
    *type = H5Aget_type(*attribute);
    hid_t space = H5Aget_space(*attribute);
    bool scalar = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
    H5Sclose(space);
    if (*attribute >= 0 && *type >= 0 && scalar)
        return EQS_OK;
    H5Tclose(*type);
    H5Aclose(*attribute);
    return eqs_h5_fail(EQS_BAD_DATA, r->path, path, "has an attribute that is no scalar");
}

static eqs_status read_attribute(const eqs_h5_reader *r, const char *path, const char *name,
                                 eqs_h5_type wanted, void *out)
{
    hid_t attribute, type;
    eqs_h5_quiet();
    EQS_TRY(open_attribute(r, path, name, &attribute, &type));
    eqs_h5_type stored = eqs_h5_type_of(type);
    eqs_status status = EQS_OK;
    if (!accepts(wanted, stored))
        status = eqs_fail(EQS_BAD_DATA, "%s: %s: attribute '%s': found type %s, allowed %s", r->path, path,
                          name, eqs_h5_type_name(stored), eqs_h5_type_name(wanted));
    else if (H5Aread(attribute, eqs_h5_memory_type(wanted), out) < 0)
        status = eqs_h5_fail(EQS_BAD_DATA, r->path, path, "has an attribute that cannot be read");
    H5Tclose(type);
    H5Aclose(attribute);
    return status;
}

eqs_status eqs_h5_read_attribute_int(const eqs_h5_reader *reader, const char *path, const char *name,
                                     int64_t *value)
{
    return read_attribute(reader, path, name, EQS_H5_INT64, value);
}

eqs_status eqs_h5_read_attribute_double(const eqs_h5_reader *reader, const char *path, const char *name,
                                        double *value)
{
    return read_attribute(reader, path, name, EQS_H5_DOUBLE, value);
}

eqs_status eqs_h5_read_attribute_string(const eqs_h5_reader *reader, const char *path, const char *name,
                                        char **text)
{
    hid_t attribute, type;
    *text = NULL;
    eqs_h5_quiet();
    EQS_TRY(open_attribute(reader, path, name, &attribute, &type));
    eqs_status status = EQS_OK;
    if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0)
        status = eqs_fail(EQS_BAD_DATA, "%s: %s: attribute '%s': found type %s, allowed a text", reader->path,
                          path, name, eqs_h5_type_name(eqs_h5_type_of(type)));
    else if ((*text = eqs_alloc(H5Tget_size(type) + 1, 1)) == NULL)
        status = EQS_NO_MEMORY;
    else if (H5Aread(attribute, type, *text) < 0)
        status = eqs_h5_fail(EQS_BAD_DATA, reader->path, path, "has an attribute that cannot be read");
    if (status != EQS_OK) {
        eqs_free(*text);
        *text = NULL;
    }
    H5Tclose(type);
    H5Aclose(attribute);
    return status;
}

eqs_status eqs_h5_foreach(const eqs_h5_reader *reader, eqs_h5_visitor visit, void *user)
{
    eqs_h5_quiet();
    return eqs_h5_visit_file(reader->file, reader->path, visit, user);
}
