#include "store/dataset.h"

#include "base/memory.h"
#include "base/random.h"
#include "store/csv.h"
#include "store/dataset_files.h"
#include "store/idx.h"

#include <string.h>

/* One file of samples: bytes as they are on disk, or numbers (CSV, pooled images). */
typedef struct source {
    size_t n;
    uint8_t *bytes;  /* [n x dim] or NULL */
    double *value;   /* [n x dim] or NULL */
    uint32_t *label; /* [n] */
    uint32_t *order; /* [n] permutation or NULL */
} source;

struct eqs_dataset_data {
    source source[2]; /* training file (or the only one), test file */
    struct {
        size_t source, first, count;
    } part[EQS_DATASET_PARTS];
    char **class_name;
};

const char *eqs_dataset_part_name(eqs_dataset_part part)
{
    static const char *const names[] = {"train", "validation", "test"};
    return (unsigned)part < EQS_DATASET_PARTS ? names[part] : "unknown part";
}

void eqs_dataset_destroy(eqs_dataset *set)
{
    if (set == NULL)
        return;
    struct eqs_dataset_data *data = set->data;
    for (size_t i = 0; data != NULL && i < 2; i++) {
        eqs_free(data->source[i].bytes);
        eqs_free(data->source[i].value);
        eqs_free(data->source[i].label);
        eqs_free(data->source[i].order);
    }
    if (data != NULL)
        for (size_t i = 0; data->class_name != NULL && i < set->classes; i++)
            eqs_free(data->class_name[i]);
    if (data != NULL)
        eqs_free(data->class_name);
    eqs_free(data);
    eqs_free(set->origin);
    eqs_free(set);
}

/* ---- images ---- */

/* overlap of source pixel i [i r, (i+1) r) with target pixel I [I R, (I+1) R), in units of 1/r of a pixel */
static size_t overlap(size_t i, size_t I, size_t R, size_t r)
{
    size_t low = i * r > I * R ? i * r : I * R, high = (i + 1) * r < (I + 1) * R ? (i + 1) * r : (I + 1) * R;
    return high > low ? high - low : 0;
}

void eqs_pool_image(const uint8_t *image, size_t rows, size_t columns, size_t pool_rows, size_t pool_columns,
                    double *out)
{
    for (size_t I = 0; I < pool_rows; I++)
        for (size_t J = 0; J < pool_columns; J++) {
            uint64_t sum = 0; /* exact: integers only until the division */
            for (size_t i = I * rows / pool_rows; i * pool_rows < (I + 1) * rows; i++)
                for (size_t j = J * columns / pool_columns; j * pool_columns < (J + 1) * columns; j++)
                    sum += overlap(i, I, rows, pool_rows) * overlap(j, J, columns, pool_columns) *
                           image[i * columns + j];
            out[I * pool_columns + J] = (double)sum / (double)(rows * columns);
        }
}

static eqs_status check_images(const char *path, const eqs_idx *images, const char *label_path,
                               const eqs_idx *labels)
{
    if (images->rank < 2)
        return eqs_fail(EQS_BAD_DATA, "%s: found %d dimension, allowed at least 2 (samples, values)", path,
                        images->rank);
    if (labels->rank != 1)
        return eqs_fail(EQS_BAD_DATA, "%s: found %d dimensions, allowed 1 (labels)", label_path,
                        labels->rank);
    if (images->dim[0] != labels->dim[0])
        return eqs_fail(EQS_BAD_DATA, "%s: found %zu labels, allowed %zu as samples in %s", label_path,
                        labels->dim[0], images->dim[0], path);
    return EQS_OK;
}

/* pools the images of a source, which afterwards holds numbers */
static eqs_status pool_source(const eqs_config_sizes *pool, size_t rows, size_t columns, source *s)
{
    size_t size = pool->v[0] * pool->v[1];
    s->value = eqs_alloc(s->n, size * sizeof *s->value);
    if (s->value == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < s->n; i++)
        eqs_pool_image(s->bytes + i * rows * columns, rows, columns, pool->v[0], pool->v[1],
                       s->value + i * size);
    eqs_free(s->bytes);
    s->bytes = NULL;
    return EQS_OK;
}

/* takes a pair of IDX files into a source; the first source sets the shape, the next must agree */
static eqs_status take_images(const eqs_config_data *config, const char *path, eqs_idx *images,
                              const eqs_idx *labels, eqs_dataset *set, source *s)
{
    size_t dim = 1;
    for (int k = 1; k < images->rank; k++)
        dim *= images->dim[k];
    size_t rows = images->rank == 3 ? images->dim[1] : 0, columns = images->rank == 3 ? images->dim[2] : 0;
    bool pooled = config->pool.n == 2;
    if (pooled && (config->pool.v[0] > rows || config->pool.v[1] > columns))
        return eqs_fail(EQS_BAD_CONFIG,
                        "data.pool: found [%zu, %zu], allowed no more than the images of %zu x %zu in %s",
                        config->pool.v[0], config->pool.v[1], rows, columns, path);
    if (pooled)
        dim = config->pool.v[0] * config->pool.v[1];
    if (set->dim != 0 && set->dim != dim)
        return eqs_fail(EQS_BAD_DATA, "%s: found samples of %zu values, allowed %zu as in the training file",
                        path, dim, set->dim);
    set->dim = dim;
    set->rows = pooled ? config->pool.v[0] : rows;
    set->columns = pooled ? config->pool.v[1] : columns;
    s->n = images->dim[0];
    s->label = eqs_alloc(s->n, sizeof *s->label);
    if (s->label == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < s->n; i++) {
        s->label[i] = labels->bytes[i];
        if (s->label[i] >= set->classes)
            set->classes = s->label[i] + 1;
    }
    s->bytes = images->bytes;
    images->bytes = NULL;
    return pooled ? pool_source(&config->pool, rows, columns, s) : EQS_OK;
}

static eqs_status read_images(const eqs_config_data *config, const char *image_path, const char *label_path,
                              eqs_dataset *set, source *s)
{
    eqs_idx images, labels;
    EQS_TRY(eqs_idx_read(image_path, &images));
    eqs_status status = eqs_idx_read(label_path, &labels);
    if (status == EQS_OK)
        status = check_images(image_path, &images, label_path, &labels);
    if (status == EQS_OK)
        status = take_images(config, image_path, &images, &labels, set, s);
    eqs_idx_clear(&images);
    eqs_idx_clear(&labels);
    return status;
}

/* one of the two pairs of files of a set in MNIST's layout */
static eqs_status read_pair(const eqs_config_data *config, const char *folder, const char *prefix,
                            eqs_dataset *set, source *s)
{
    char *image_name = eqs_format("%s-images-idx3-ubyte", prefix);
    char *label_name = eqs_format("%s-labels-idx1-ubyte", prefix);
    char *image_path = NULL, *label_path = NULL;
    eqs_status status = image_name != NULL && label_name != NULL ? EQS_OK : EQS_NO_MEMORY;
    if (status == EQS_OK)
        status = eqs_dataset_file(folder, image_name, &image_path);
    if (status == EQS_OK)
        status = eqs_dataset_file(folder, label_name, &label_path);
    if (status == EQS_OK)
        status = read_images(config, image_path, label_path, set, s);
    eqs_free(image_name);
    eqs_free(label_name);
    eqs_free(image_path);
    eqs_free(label_path);
    return status;
}

/* ---- the kinds of sets ---- */

static eqs_status open_named(const eqs_config_data *config, eqs_dataset *set)
{
    EQS_TRY(eqs_dataset_locate(set->name, config->path, &set->origin));
    set->classes = 10;
    EQS_TRY(read_pair(config, set->origin, "train", set, &set->data->source[0]));
    if (config->test > 0)
        EQS_TRY(read_pair(config, set->origin, "t10k", set, &set->data->source[1]));
    return EQS_OK;
}

static eqs_status open_idx(const eqs_config_data *config, eqs_dataset *set)
{
    set->origin = eqs_strdup(config->path);
    if (set->origin == NULL)
        return EQS_NO_MEMORY;
    return read_images(config, config->path, config->labels, set, &set->data->source[0]);
}

static eqs_status open_csv(const eqs_config_data *config, eqs_dataset *set)
{
    set->origin = eqs_strdup(config->path);
    if (set->origin == NULL)
        return EQS_NO_MEMORY;
    eqs_csv csv;
    EQS_TRY(eqs_csv_read(config->path, &csv));
    set->dim = csv.dim;
    set->classes = csv.classes;
    set->data->class_name = csv.class_name;
    set->data->source[0] = (source){.n = csv.n, .value = csv.value, .label = csv.label};
    return EQS_OK;
}

/* names of the classes: the file's, Fashion-MNIST's own, or numbers */
static eqs_status name_classes(eqs_dataset *set)
{
    static const char *const fashion[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                          "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
    struct eqs_dataset_data *data = set->data;
    bool named = strcmp(set->name, "fashion-mnist") == 0 && set->classes == 10;
    if (data->class_name == NULL) {
        data->class_name = eqs_alloc(set->classes, sizeof *data->class_name);
        for (size_t i = 0; data->class_name != NULL && i < set->classes; i++) {
            data->class_name[i] = named ? eqs_strdup(fashion[i]) : eqs_format("%zu", i);
            if (data->class_name[i] == NULL)
                return EQS_NO_MEMORY;
        }
    }
    set->class_name = (const char *const *)data->class_name;
    return data->class_name != NULL ? EQS_OK : EQS_NO_MEMORY;
}

/* ---- parts ---- */

static eqs_status set_parts(const eqs_config_data *config, bool own_test_file, eqs_dataset *set)
{
    struct eqs_dataset_data *data = set->data;
    size_t wanted = config->train + config->validation + (own_test_file ? 0 : config->test);
    if (wanted > data->source[0].n)
        return eqs_fail(EQS_BAD_CONFIG,
                        "data.train, data.validation%s: found %zu samples in all, allowed %zu (in %s)",
                        own_test_file ? "" : ", data.test", wanted, data->source[0].n, set->origin);
    if (own_test_file && config->test > data->source[1].n)
        return eqs_fail(EQS_BAD_CONFIG, "data.test: found %zu samples, allowed %zu (in %s)", config->test,
                        data->source[1].n, set->origin);
    data->part[EQS_DATASET_TRAIN].count = config->train;
    data->part[EQS_DATASET_VALIDATION].first = config->train;
    data->part[EQS_DATASET_VALIDATION].count = config->validation;
    data->part[EQS_DATASET_TEST].count = config->test;
    data->part[EQS_DATASET_TEST].source = own_test_file;
    data->part[EQS_DATASET_TEST].first = own_test_file ? 0 : config->train + config->validation;
    return EQS_OK;
}

static eqs_status shuffle(uint64_t seed, source *s)
{
    s->order = eqs_alloc(s->n, sizeof *s->order);
    if (s->order == NULL)
        return EQS_NO_MEMORY;
    eqs_random stream = eqs_random_stream(seed, EQS_RANDOM_SPLIT, 0, 0);
    eqs_random_permutation(&stream, s->n, s->order);
    return EQS_OK;
}

static eqs_status open_set(const eqs_config_data *config, uint64_t seed, eqs_dataset *set)
{
    bool named = config->set == EQS_DATA_MNIST || config->set == EQS_DATA_FASHION_MNIST;
    if (named)
        EQS_TRY(open_named(config, set));
    else
        EQS_TRY(config->set == EQS_DATA_CSV ? open_csv(config, set) : open_idx(config, set));
    EQS_TRY(set_parts(config, named, set));
    if (config->shuffle_split)
        EQS_TRY(shuffle(seed, &set->data->source[0]));
    set->scale = config->scale.word == EQS_SCALE_NUMBER ? config->scale.value
                 : config->set == EQS_DATA_CSV          ? 1
                                                        : 1 / 255.0;
    set->offset = config->offset;
    return name_classes(set);
}

eqs_status eqs_dataset_open(const eqs_config_data *config, uint64_t seed, eqs_dataset **out)
{
    *out = NULL;
    eqs_dataset *set = eqs_alloc(1, sizeof *set);
    if (set == NULL)
        return EQS_NO_MEMORY;
    set->name = eqs_config_word("data.set", config->set);
    set->data = eqs_alloc(1, sizeof *set->data);
    eqs_status status = set->data != NULL ? open_set(config, seed, set) : EQS_NO_MEMORY;
    if (status != EQS_OK) {
        eqs_dataset_destroy(set);
        return status;
    }
    *out = set;
    return EQS_OK;
}

size_t eqs_dataset_count(const eqs_dataset *set, eqs_dataset_part part)
{
    return set->data->part[part].count;
}

/* ---- samples ---- */

static void convert(const eqs_dataset *set, const source *s, size_t row, double *restrict x)
{
    const double scale = set->scale, offset = set->offset;
    const size_t dim = set->dim;
    if (s->bytes != NULL) {
        const uint8_t *restrict raw = s->bytes + row * dim;
        for (size_t k = 0; k < dim; k++)
            x[k] = scale * raw[k] + offset;
    } else {
        const double *restrict raw = s->value + row * dim;
        for (size_t k = 0; k < dim; k++)
            x[k] = scale * raw[k] + offset;
    }
}

eqs_status eqs_dataset_fetch(const eqs_dataset *set, eqs_dataset_part part, const uint32_t *index, size_t n,
                             double *x, uint32_t *label)
{
    const source *s = &set->data->source[set->data->part[part].source];
    const size_t first = set->data->part[part].first, count = set->data->part[part].count;
    for (size_t i = 0; i < n; i++) {
        size_t at = index != NULL ? index[i] : i;
        if (at >= count)
            return eqs_fail(EQS_BAD_DATA, "sample %zu of part '%s': allowed 0 to %zu (%zu samples)", at,
                            eqs_dataset_part_name(part), count > 0 ? count - 1 : 0, count);
        size_t row = s->order != NULL ? s->order[first + at] : first + at;
        if (x != NULL)
            convert(set, s, row, x + i * set->dim);
        if (label != NULL)
            label[i] = s->label[row];
    }
    return EQS_OK;
}

eqs_status eqs_one_hot(const uint32_t *label, size_t n, size_t width, double *target)
{
    memset(target, 0, n * width * sizeof *target);
    for (size_t i = 0; i < n; i++) {
        if (label[i] >= width)
            return eqs_fail(EQS_BAD_DATA, "label %u: allowed 0 to %zu, the units of the output layer",
                            label[i], width - 1);
        target[i * width + label[i]] = 1;
    }
    return EQS_OK;
}
