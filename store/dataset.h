/* Data sets: labelled samples in three parts, as numbers for layer 0 and one-hot targets for layer L.
 *
 * mnist and fashion-mnist: the official training file gives the parts train (its first data.train samples)
 * and validation (those that follow), the official test file gives test. CSV and IDX files: one file is cut
 * into train, validation and test in this order. With data.shuffle_split the training file (the one file) is
 * permuted by the seed before it is cut. Values: x = scale * raw + offset. */
#ifndef EQS_STORE_DATASET_H
#define EQS_STORE_DATASET_H

#include "store/config.h"

typedef enum eqs_dataset_part {
    EQS_DATASET_TRAIN,
    EQS_DATASET_VALIDATION,
    EQS_DATASET_TEST,
    EQS_DATASET_PARTS
} eqs_dataset_part;

/* Read-only for users; all memory is owned by the set. */
typedef struct eqs_dataset {
    const char *name; /* "mnist", ..., "csv", "idx"; static storage */
    char *origin;     /* folder or file that it was read from */
    size_t dim;       /* numbers in a sample */
    size_t classes;
    size_t rows, columns;          /* of images after pooling; 0 when samples are no images */
    const char *const *class_name; /* [classes] */
    double scale, offset;          /* in force */
    struct eqs_dataset_data *data; /* private */
} eqs_dataset;

/* Opens the set that the configuration describes. EQS_MISSING_INPUT says where a named set was looked for and
 * where to get it; EQS_BAD_DATA for damaged files; EQS_BAD_CONFIG for parts larger than the files, or a pool
 * that does not fit. *out is the caller's. */
eqs_status eqs_dataset_open(const eqs_config_data *config, uint64_t seed, eqs_dataset **out);
void eqs_dataset_destroy(eqs_dataset *set);

/* Samples in a part. */
size_t eqs_dataset_count(const eqs_dataset *set, eqs_dataset_part part);

/* Samples index[0..n-1] of a part (index NULL: the first n): x [n x dim], label [n]; either may be NULL.
 * EQS_BAD_DATA names an index that is too large. Safe to call from several threads. */
eqs_status eqs_dataset_fetch(const eqs_dataset *set, eqs_dataset_part part, const uint32_t *index, size_t n,
                             double *x, uint32_t *label);

/* target [n x width]: 1 at the label, else 0. EQS_BAD_DATA when a label is not below width. */
eqs_status eqs_one_hot(const uint32_t *label, size_t n, size_t width, double *target);

/* "train", "validation", "test". */
const char *eqs_dataset_part_name(eqs_dataset_part part);

/* Folder of a named set ("mnist", "fashion-mnist"), found in path when it is not empty, else in
 * $EQSPICE_DATA,
 * ../shared/data, /usr/share/datasets, each also with the set's name as sub-folder. The caller's (eqs_free).
 * EQS_MISSING_INPUT with all places and where to get the set. */
eqs_status eqs_dataset_locate(const char *name, const char *path, char **folder);

/* Average by area of an image [rows x columns] over a grid [pool_rows x pool_columns], no larger: exact for
 * divisors and not. Equals the mean of the light that falls on each larger pixel. */
void eqs_pool_image(const uint8_t *image, size_t rows, size_t columns, size_t pool_rows, size_t pool_columns,
                    double *out);

#endif
