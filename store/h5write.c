/* Result files, writing half: a file in memory that becomes one on disk at once. */
#include "base/memory.h"
#include "store/file.h"
#include "store/h5block.h"
#include "store/h5private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROWTH = 1 << 20,      /* bytes by which libhdf5 grows the image */
    CHUNKED_FROM = 256,    /* bytes; smaller arrays are contiguous: the checksum would outweigh them */
    CHUNKED_TO = 64 << 20, /* bytes; larger arrays are contiguous for speed */
    CHUNK_BYTES = 1 << 20,
    MAX_ATTRIBUTE = 60000 /* HDF5 keeps attributes below 64 KiB */
};

/* The memory in which libhdf5 builds the file. It is handed over when the file is closed. It comes from the C
 * library, not eqs_alloc: libhdf5 zeroes what it grows, and blocks of 300 MB should move by remapping. */
typedef struct image {
    void *bytes;
    size_t size;
} image;

struct eqs_h5_writer {
    hid_t file; /* < 0 once spent */
    image image;
};

static const char *const where = "result file in memory";

static void *image_malloc(size_t size, H5FD_file_image_op_t op, void *user)
{
    (void)op;
    (void)user;
    return malloc(size);
}

static void *image_realloc(void *block, size_t size, H5FD_file_image_op_t op, void *user)
{
    (void)op;
    image *im = user;
    void *grown = realloc(block, size);
    if (grown != NULL)
        *im = (image){grown, size};
    return grown;
}

/* keeps the bytes alive when libhdf5 closes the file */
static herr_t image_free(void *block, H5FD_file_image_op_t op, void *user)
{
    image *im = user;
    if (op != H5FD_FILE_IMAGE_OP_FILE_CLOSE || block != im->bytes)
        free(block);
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

static bool set_access(hid_t access, image *im)
{
    H5FD_file_image_callbacks_t callbacks = {.image_malloc = image_malloc,
                                             .image_memcpy = NULL,
                                             .image_realloc = image_realloc,
                                             .image_free = image_free,
                                             .udata_copy = same_user,
                                             .udata_free = keep_user,
                                             .udata = im};
    return H5Pset_fapl_core(access, GROWTH, 0) >= 0 && H5Pset_file_image_callbacks(access, &callbacks) >= 0 &&
           H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0;
}

static eqs_status create_file(eqs_h5_writer *w)
{
    char name[48]; /* libhdf5 tells files in memory apart by their names */
    snprintf(name, sizeof name, "eqspice-writer-%p", (void *)w);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    if (access >= 0 && creation >= 0 && set_access(access, &w->image) &&
        H5Pset_userblock(creation, EQS_H5_BLOCK_SIZE) >= 0 && H5Pset_obj_track_times(creation, 0) >= 0)
        w->file = H5Fcreate(name, H5F_ACC_TRUNC, creation, access);
    eqs_status status = w->file >= 0 ? EQS_OK : eqs_h5_fail(EQS_INTERNAL, where, "", "cannot be created");
    H5Pclose(access);
    H5Pclose(creation);
    return status;
}

eqs_status eqs_h5_create(eqs_h5_writer **out)
{
    *out = NULL;
    eqs_h5_quiet();
    eqs_h5_writer *w = eqs_alloc(1, sizeof *w);
    if (w == NULL)
        return EQS_NO_MEMORY;
    w->file = -1;
    eqs_status status = create_file(w);
    if (status == EQS_OK)
        status = eqs_h5_attribute_string(w, "/", "format", "eqspice");
    if (status == EQS_OK)
        status = eqs_h5_attribute_int(w, "/", "format_version", EQS_H5_FORMAT_VERSION);
    if (status != EQS_OK) {
        eqs_h5_writer_destroy(w);
        return status;
    }
    *out = w;
    return EQS_OK;
}

void eqs_h5_writer_destroy(eqs_h5_writer *writer)
{
    if (writer == NULL)
        return;
    eqs_h5_quiet();
    if (writer->file >= 0)
        H5Fclose(writer->file);
    free(writer->image.bytes);
    eqs_free(writer);
}

/* ---- paths ---- */

static eqs_status check_path(const eqs_h5_writer *w, const char *path)
{
    size_t n = strlen(path);
    if (w->file < 0)
        return eqs_fail(EQS_INTERNAL, "%s: %s: the writer was committed already", where, path);
    if (*path != '/' || (n > 1 && path[n - 1] == '/') || strstr(path, "//") != NULL)
        return eqs_fail(EQS_INTERNAL, "%s: found the path '%s', allowed '/group/name'", where, path);
    return EQS_OK;
}

/* one group without times; its parent exists */
static eqs_status make_group(eqs_h5_writer *w, const char *path)
{
    if (H5Lexists(w->file, path, H5P_DEFAULT) > 0)
        return EQS_OK;
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE), group = -1;
    if (creation >= 0 && H5Pset_obj_track_times(creation, 0) >= 0)
        group = H5Gcreate2(w->file, path, H5P_DEFAULT, creation, H5P_DEFAULT);
    eqs_status status =
        group >= 0 && H5Gclose(group) >= 0 ? EQS_OK : eqs_h5_fail(EQS_INTERNAL, where, path, "no group");
    H5Pclose(creation);
    return status;
}

/* all groups of a path; with `whole` its last part too */
static eqs_status make_groups(eqs_h5_writer *w, const char *path, bool whole)
{
    char *part = eqs_strdup(path);
    if (part == NULL)
        return EQS_NO_MEMORY;
    eqs_status status = EQS_OK;
    for (char *slash = strchr(part + 1, '/'); slash != NULL && status == EQS_OK;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        status = make_group(w, part);
        *slash = '/';
    }
    if (status == EQS_OK && whole && part[1] != '\0')
        status = make_group(w, part);
    eqs_free(part);
    return status;
}

eqs_status eqs_h5_group(eqs_h5_writer *writer, const char *path)
{
    eqs_h5_quiet();
    EQS_TRY(check_path(writer, path));
    return make_groups(writer, path, true);
}

/* ---- attributes ---- */

static eqs_status write_attribute(eqs_h5_writer *w, const char *path, const char *name, hid_t file_type,
                                  hid_t memory_type, const void *value)
{
    EQS_TRY(check_path(w, path));
    bool root = path[1] == '\0';
    if (!root && H5Lexists(w->file, path, H5P_DEFAULT) <= 0)
        EQS_TRY(make_groups(w, path, true));
    hid_t object = H5Oopen(w->file, path, H5P_DEFAULT), space = H5Screate(H5S_SCALAR), attribute = -1;
    if (object >= 0 && H5Aexists(object, name) > 0)
        H5Adelete(object, name);
    if (object >= 0 && space >= 0)
        attribute = H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool fine = attribute >= 0 && H5Awrite(attribute, memory_type, value) >= 0;
    eqs_status status = fine ? EQS_OK : eqs_h5_fail(EQS_INTERNAL, where, path, "cannot write an attribute");
    H5Aclose(attribute);
    H5Sclose(space);
    H5Oclose(object);
    return status;
}

/* a fixed-length UTF-8 type; the caller closes it */
static hid_t string_type(size_t length)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0 || H5Tset_size(type, length > 0 ? length : 1) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0 ||
        H5Tset_strpad(type, H5T_STR_NULLPAD) < 0) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

eqs_status eqs_h5_attribute_string(eqs_h5_writer *writer, const char *path, const char *name,
                                   const char *text)
{
    eqs_h5_quiet();
    size_t length = strlen(text);
    if (length > MAX_ATTRIBUTE)
        return eqs_fail(EQS_INTERNAL, "%s: %s: attribute %s: found %zu bytes, allowed %d", where, path, name,
                        length, MAX_ATTRIBUTE);
    hid_t type = string_type(length);
    if (type < 0)
        return eqs_h5_fail(EQS_INTERNAL, where, path, "no string type");
    eqs_status status = write_attribute(writer, path, name, type, type, text);
    H5Tclose(type);
    return status;
}

eqs_status eqs_h5_attribute_int(eqs_h5_writer *writer, const char *path, const char *name, int64_t value)
{
    eqs_h5_quiet();
    return write_attribute(writer, path, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}

eqs_status eqs_h5_attribute_double(eqs_h5_writer *writer, const char *path, const char *name, double value)
{
    eqs_h5_quiet();
    return write_attribute(writer, path, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}

/* ---- datasets ---- */

/* Whole rows to a chunk, as many as fit CHUNK_BYTES; a row longer than that is cut along the next dimension.
 */
static void choose_chunk(int rank, const hsize_t *dim, size_t item, hsize_t *chunk)
{
    size_t room = CHUNK_BYTES / item;
    for (int k = rank - 1; k >= 0; k--) {
        chunk[k] = dim[k] < room ? dim[k] : room > 0 ? room : 1;
        room = chunk[k] == dim[k] ? room / chunk[k] : 0;
    }
}

static bool set_layout(hid_t creation, int rank, const hsize_t *dim, size_t item, size_t bytes)
{
    if (H5Pset_obj_track_times(creation, 0) < 0)
        return false;
    if (rank == 0 || bytes < CHUNKED_FROM || bytes > CHUNKED_TO)
        return H5Pset_layout(creation, H5D_CONTIGUOUS) >= 0;
    hsize_t chunk[EQS_H5_MAX_RANK];
    choose_chunk(rank, dim, item, chunk);
    return H5Pset_chunk(creation, rank, chunk) >= 0 && H5Pset_fletcher32(creation) >= 0;
}

/* what the types and dimensions say about the size; refuses what cannot be */
static eqs_status measure(const char *path, int rank, const size_t *dim, size_t item, hsize_t *out,
                          size_t *bytes)
{
    if (rank < 0 || rank > EQS_H5_MAX_RANK)
        return eqs_fail(EQS_INTERNAL, "%s: %s: found rank %d, allowed 0 to %d", where, path, rank,
                        EQS_H5_MAX_RANK);
    *bytes = item;
    for (int k = 0; k < rank; k++) {
        out[k] = dim[k];
        if (__builtin_mul_overflow(*bytes, dim[k], bytes))
            return eqs_fail(EQS_INTERNAL, "%s: %s: its size exceeds the address space", where, path);
    }
    return EQS_OK;
}

static eqs_status write_array(eqs_h5_writer *w, const char *path, hid_t file_type, hid_t memory_type,
                              const void *data, int rank, const size_t *dim, const char *units,
                              const char *long_name)
{
    EQS_TRY(check_path(w, path));
    hsize_t extent[EQS_H5_MAX_RANK];
    size_t bytes = 0, item = H5Tget_size(file_type);
    EQS_TRY(measure(path, rank, dim, item, extent, &bytes));
    EQS_TRY(make_groups(w, path, false));
    if (H5Lexists(w->file, path, H5P_DEFAULT) > 0)
        return eqs_fail(EQS_INTERNAL, "%s: %s: written twice", where, path);
    hid_t space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, extent, NULL);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), dataset = -1;
    if (space >= 0 && creation >= 0 && set_layout(creation, rank, extent, item, bytes))
        dataset = H5Dcreate2(w->file, path, file_type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    bool fine = dataset >= 0 &&
                (bytes == 0 || H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    eqs_status status = fine ? EQS_OK : eqs_h5_fail(EQS_INTERNAL, where, path, "cannot be written");
    if (dataset >= 0 && H5Dclose(dataset) < 0 && status == EQS_OK)
        status = eqs_h5_fail(EQS_INTERNAL, where, path, "cannot be closed");
    H5Pclose(creation);
    H5Sclose(space);
    EQS_TRY(status);
    EQS_TRY(eqs_h5_attribute_string(w, path, "units", units));
    return eqs_h5_attribute_string(w, path, "long_name", long_name);
}

eqs_status eqs_h5_write(eqs_h5_writer *writer, const char *path, eqs_h5_type type, const void *data, int rank,
                        const size_t *dim, const char *units, const char *long_name)
{
    eqs_h5_quiet();
    if ((unsigned)type >= EQS_H5_STRING)
        return eqs_fail(EQS_INTERNAL, "%s: %s: found type %s, allowed a numeric one", where, path,
                        eqs_h5_type_name(type));
    return write_array(writer, path, eqs_h5_file_type(type), eqs_h5_memory_type(type), data, rank, dim, units,
                       long_name);
}

eqs_status eqs_h5_write_double(eqs_h5_writer *writer, const char *path, const double *data, int rank,
                               const size_t *dim, const char *units, const char *long_name)
{
    return eqs_h5_write(writer, path, EQS_H5_DOUBLE, data, rank, dim, units, long_name);
}

eqs_status eqs_h5_write_float(eqs_h5_writer *writer, const char *path, const float *data, int rank,
                              const size_t *dim, const char *units, const char *long_name)
{
    return eqs_h5_write(writer, path, EQS_H5_FLOAT, data, rank, dim, units, long_name);
}

eqs_status eqs_h5_write_int64(eqs_h5_writer *writer, const char *path, const int64_t *data, int rank,
                              const size_t *dim, const char *units, const char *long_name)
{
    return eqs_h5_write(writer, path, EQS_H5_INT64, data, rank, dim, units, long_name);
}

eqs_status eqs_h5_write_uint8(eqs_h5_writer *writer, const char *path, const uint8_t *data, int rank,
                              const size_t *dim, const char *units, const char *long_name)
{
    return eqs_h5_write(writer, path, EQS_H5_UINT8, data, rank, dim, units, long_name);
}

eqs_status eqs_h5_write_uint32(eqs_h5_writer *writer, const char *path, const uint32_t *data, int rank,
                               const size_t *dim, const char *units, const char *long_name)
{
    return eqs_h5_write(writer, path, EQS_H5_UINT32, data, rank, dim, units, long_name);
}

static eqs_status write_strings(eqs_h5_writer *w, const char *path, const char *const *texts, int rank,
                                size_t n, const char *long_name)
{
    size_t longest = 1, total;
    for (size_t i = 0; i < n; i++)
        longest = strlen(texts[i]) > longest ? strlen(texts[i]) : longest;
    if (__builtin_mul_overflow(n, longest, &total))
        return eqs_fail(EQS_INTERNAL, "%s: %s: its size exceeds the address space", where, path);
    char *block = eqs_alloc(total, 1);
    hid_t type = string_type(longest);
    eqs_status status = block == NULL ? EQS_NO_MEMORY
                        : type < 0    ? eqs_h5_fail(EQS_INTERNAL, where, path, "no string type")
                                      : EQS_OK;
    for (size_t i = 0; status == EQS_OK && i < n; i++)
        memcpy(block + i * longest, texts[i], strlen(texts[i]));
    if (status == EQS_OK)
        status = write_array(w, path, type, type, block, rank, &n, "", long_name);
    H5Tclose(type);
    eqs_free(block);
    return status;
}

eqs_status eqs_h5_write_strings(eqs_h5_writer *writer, const char *path, const char *const *texts, size_t n,
                                const char *long_name)
{
    eqs_h5_quiet();
    return write_strings(writer, path, texts, 1, n, long_name);
}

eqs_status eqs_h5_write_text(eqs_h5_writer *writer, const char *path, const char *text, const char *long_name)
{
    eqs_h5_quiet();
    return write_strings(writer, path, &text, 0, 1, long_name);
}

/* ---- to disk ---- */

/* End of the file as its superblock tells (HDF5 file format, superblock versions 2 and 3: an address of 8
 * bytes at offset 28); the image behind it is spare room. 0 when the superblock is not as expected. */
static size_t end_of_file(const image *im)
{
    static const unsigned char signature[] = "\x89HDF\r\n\x1a\n";
    const unsigned char *block = (const unsigned char *)im->bytes + EQS_H5_BLOCK_SIZE;
    if (im->bytes == NULL || im->size < EQS_H5_BLOCK_SIZE + 48 || memcmp(block, signature, 8) != 0 ||
        (block[8] != 2 && block[8] != 3) || block[9] != 8)
        return 0;
    uint64_t end = 0;
    for (int i = 7; i >= 0; i--)
        end = end << 8 | block[28 + i];
    return end > EQS_H5_BLOCK_SIZE && end <= im->size ? end : 0;
}

eqs_status eqs_h5_commit(eqs_h5_writer *writer, const char *path)
{
    eqs_h5_quiet();
    if (writer->file < 0)
        return eqs_fail(EQS_INTERNAL, "%s: the writer was committed already", path);
    herr_t closed = H5Fclose(writer->file);
    writer->file = -1;
    size_t size = end_of_file(&writer->image);
    if (closed < 0 || size == 0)
        return eqs_h5_fail(EQS_INTERNAL, path, "", "the file in memory cannot be completed");
    EQS_TRY(eqs_h5_block_write(writer->image.bytes, size));
    return eqs_file_replace(path, writer->image.bytes, size);
}
