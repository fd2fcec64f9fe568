/* Result files: HDF5 that is crash-safe, verified before it is read, and the same bytes for the same content.
 *
 * Writing: the file is built in memory, then written whole by eqs_file_replace. It starts with a user block
 * of 512 bytes of ASCII that holds our magic, the format version, the length and a SHA-256 of the file; h5py
 * and h5dump open it as any HDF5 file. Reading: length and digest are verified before libhdf5 sees a byte.
 * Format bounds V110, fixed-length UTF-8 strings, no object times, Fletcher-32 on chunked arrays (all arrays
 * of 256 bytes to 64 MiB; larger ones are contiguous, guarded by the digest). Objects are named by absolute
 * paths, "/training/cost"; groups come into being with their first member. */
#ifndef EQS_STORE_H5FILE_H
#define EQS_STORE_H5FILE_H

#include "base/status.h"
#include "store/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EQS_H5_MAX_RANK = 32, EQS_H5_FORMAT_VERSION = 1 };

/* X(enum, name in listings) */
#define EQS_H5_TYPE_LIST(X)                                                                                  \
    X(EQS_H5_DOUBLE, "float64")                                                                              \
    X(EQS_H5_FLOAT, "float32")                                                                               \
    X(EQS_H5_INT64, "int64")                                                                                 \
    X(EQS_H5_UINT8, "uint8")                                                                                 \
    X(EQS_H5_UINT32, "uint32")                                                                               \
    X(EQS_H5_STRING, "string")                                                                               \
    X(EQS_H5_OTHER, "other")

typedef enum eqs_h5_type {
#define X(name, text) name,
    EQS_H5_TYPE_LIST(X)
#undef X
        EQS_H5_TYPE_COUNT
} eqs_h5_type;

const char *eqs_h5_type_name(eqs_h5_type type);

/* Type and dimensions of a dataset; rank 0 is a scalar. */
typedef struct eqs_h5_shape {
    eqs_h5_type type;
    int rank;
    size_t dim[EQS_H5_MAX_RANK];
    size_t count; /* product of the dimensions; 1 for a scalar */
} eqs_h5_shape;

/* ---- writing ---- */

typedef struct eqs_h5_writer eqs_h5_writer;

/* A new file in memory, with root attributes format = "eqspice" and format_version. *out is the caller's. */
eqs_status eqs_h5_create(eqs_h5_writer **out);

/* Ends a writer, whether it was committed or not; what was not committed is gone. NULL is fine. */
void eqs_h5_writer_destroy(eqs_h5_writer *writer);

/* A group (and those above it); fine when it is there already. */
eqs_status eqs_h5_group(eqs_h5_writer *writer, const char *path);

/* An array of C type `type` (not STRING), row-major, dim[rank]; rank 0: a scalar, dim NULL. Dimensions of 0
 * are allowed. units ("V", "s", "1") and long_name become attributes; neither may be NULL. EQS_INTERNAL when
 * the path exists, is not absolute or ends in '/'. */
eqs_status eqs_h5_write(eqs_h5_writer *writer, const char *path, eqs_h5_type type, const void *data, int rank,
                        const size_t *dim, const char *units, const char *long_name);

/* The same with the compiler checking the type. */
eqs_status eqs_h5_write_double(eqs_h5_writer *writer, const char *path, const double *data, int rank,
                               const size_t *dim, const char *units, const char *long_name);
eqs_status eqs_h5_write_float(eqs_h5_writer *writer, const char *path, const float *data, int rank,
                              const size_t *dim, const char *units, const char *long_name);
eqs_status eqs_h5_write_int64(eqs_h5_writer *writer, const char *path, const int64_t *data, int rank,
                              const size_t *dim, const char *units, const char *long_name);
eqs_status eqs_h5_write_uint8(eqs_h5_writer *writer, const char *path, const uint8_t *data, int rank,
                              const size_t *dim, const char *units, const char *long_name);
eqs_status eqs_h5_write_uint32(eqs_h5_writer *writer, const char *path, const uint32_t *data, int rank,
                               const size_t *dim, const char *units, const char *long_name);

/* A list of n texts (UTF-8), and one text of any length (configuration, netlist). units is "". */
eqs_status eqs_h5_write_strings(eqs_h5_writer *writer, const char *path, const char *const *texts, size_t n,
                                const char *long_name);
eqs_status eqs_h5_write_text(eqs_h5_writer *writer, const char *path, const char *text,
                             const char *long_name);

/* Attributes of a group ("/" is the root) or dataset; a group that is missing is made; an attribute that
 * exists is replaced. A text may be up to 60000 bytes (EQS_INTERNAL beyond; write a dataset then). */
eqs_status eqs_h5_attribute_string(eqs_h5_writer *writer, const char *path, const char *name,
                                   const char *text);
eqs_status eqs_h5_attribute_int(eqs_h5_writer *writer, const char *path, const char *name, int64_t value);
eqs_status eqs_h5_attribute_double(eqs_h5_writer *writer, const char *path, const char *name, double value);

/* /config/text (as given) and group /config/used with one attribute per key: its value in force as YAML text.
 */
eqs_status eqs_h5_write_config(eqs_h5_writer *writer, const eqs_config *config);

/* Closes the file in memory, and puts it at `path` as eqs_file_replace does. The writer is spent afterwards:
 * only eqs_h5_writer_destroy is allowed. EQS_IO names path and size; the old file stays then. */
eqs_status eqs_h5_commit(eqs_h5_writer *writer, const char *path);

/* ---- reading ---- */

typedef struct eqs_h5_reader eqs_h5_reader;

/* Opens a file that eqspice wrote. EQS_MISSING_INPUT; EQS_BAD_DATA when it is no such file, of another format
 * version, truncated or changed in any byte. The whole file is held in memory. *out is the caller's. */
eqs_status eqs_h5_open(const char *path, eqs_h5_reader **out);
void eqs_h5_reader_destroy(eqs_h5_reader *reader);

/* Path of the file; borrowed. */
const char *eqs_h5_path(const eqs_h5_reader *reader);

/* true when a group or dataset of this path exists. */
bool eqs_h5_exists(const eqs_h5_reader *reader, const char *path);

/* EQS_BAD_DATA ("file: path: not there") when there is no such dataset. */
eqs_status eqs_h5_get_shape(const eqs_h5_reader *reader, const char *path, eqs_h5_shape *out);

/* Reads a dataset into out, whose shape must be dim[rank]. DOUBLE accepts every numeric type, INT64 every
 * integer; other types must match. EQS_BAD_DATA names file, object, found and allowed. */
eqs_status eqs_h5_read(const eqs_h5_reader *reader, const char *path, eqs_h5_type type, int rank,
                       const size_t *dim, void *out);

/* Reads a dataset of any shape (same types); *out is the caller's (eqs_free), *shape its shape. */
eqs_status eqs_h5_load(const eqs_h5_reader *reader, const char *path, eqs_h5_type type, eqs_h5_shape *shape,
                       void **out);

/* n texts, in one block: release with a single eqs_free(*texts). A scalar gives n = 1. */
eqs_status eqs_h5_load_strings(const eqs_h5_reader *reader, const char *path, size_t *n, char ***texts);

/* One text (a scalar); the caller's (eqs_free). */
eqs_status eqs_h5_load_text(const eqs_h5_reader *reader, const char *path, char **text);

/* Attributes of a group or dataset. EQS_BAD_DATA when missing or of another type. The text is the caller's.
 */
bool eqs_h5_has_attribute(const eqs_h5_reader *reader, const char *path, const char *name);
eqs_status eqs_h5_read_attribute_string(const eqs_h5_reader *reader, const char *path, const char *name,
                                        char **text);
eqs_status eqs_h5_read_attribute_int(const eqs_h5_reader *reader, const char *path, const char *name,
                                     int64_t *value);
eqs_status eqs_h5_read_attribute_double(const eqs_h5_reader *reader, const char *path, const char *name,
                                        double *value);

/* The configuration that eqs_h5_write_config stored, overrides included; keys that are newer than the file
 * take their defaults. The caller's. */
eqs_status eqs_h5_read_config(const eqs_h5_reader *reader, eqs_config **out);

/* ---- listing ---- */

typedef struct eqs_h5_attribute {
    const char *name, *text; /* text: the value, lists cut after 8 entries and texts after 200 bytes */
} eqs_h5_attribute;

/* One object; texts live during the call. */
typedef struct eqs_h5_object {
    const char *path;
    bool is_group;
    eqs_h5_shape shape;            /* of datasets */
    const char *type_name;         /* "float64", ...; for OTHER what HDF5 calls its class */
    const char *units, *long_name; /* "" when absent */
    size_t n_attributes;           /* units and long_name included */
    const eqs_h5_attribute *attribute;
} eqs_h5_object;

typedef eqs_status (*eqs_h5_visitor)(const eqs_h5_object *object, void *user);

/* Visits all objects, the root first, then by path. Stops at the first status that is not EQS_OK. */
eqs_status eqs_h5_foreach(const eqs_h5_reader *reader, eqs_h5_visitor visit, void *user);

/* The same for any HDF5 file. One that eqspice did not write is read by a child process with limits on time
 * and memory, so that a damaged file that crashes or hangs libhdf5 gives EQS_BAD_DATA. *foreign tells which
 * it was (may be NULL). Not to be called while another thread uses HDF5 (it forks). */
eqs_status eqs_h5_inspect(const char *path, eqs_h5_visitor visit, void *user, bool *foreign);

#endif
