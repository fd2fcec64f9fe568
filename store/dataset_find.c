/* Where named data sets are looked for. */
#include "base/memory.h"
#include "store/dataset.h"
#include "store/dataset_files.h"
#include "store/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name, *source;
} sets[] = {
    {"mnist", "the four IDX files of its publication (train-images-idx3-ubyte, train-labels-idx1-ubyte, "
              "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, plain or .gz) in a folder named mnist"},
    {"fashion-mnist", "Debian package dataset-fashion-mnist"},
};

eqs_status eqs_dataset_file(const char *folder, const char *name, char **path)
{
    static const char *const endings[] = {".gz", ""};
    for (size_t i = 0; i < 2; i++) {
        *path = eqs_format("%s/%s%s", folder, name, endings[i]);
        if (*path == NULL)
            return EQS_NO_MEMORY;
        if (access(*path, F_OK) == 0)
            return EQS_OK;
        eqs_free(*path);
    }
    *path = NULL;
    return eqs_fail(EQS_MISSING_INPUT, "%s/%s: found neither this file nor %s.gz", folder, name, name);
}

/* EQS_OK when the folder holds the training images of a set */
static eqs_status look_in(const char *folder, char **found, eqs_text *looked)
{
    char *path;
    eqs_text_add(looked, "%s%s", looked->length > 0 ? ", " : "", folder);
    eqs_status status = eqs_dataset_file(folder, "train-images-idx3-ubyte", &path);
    if (status != EQS_OK)
        return status;
    eqs_free(path);
    *found = eqs_strdup(folder);
    return *found != NULL ? EQS_OK : EQS_NO_MEMORY;
}

/* one place: its sub-folder with the set's name, then the place itself */
static eqs_status look_at(const char *place, const char *name, char **found, eqs_text *looked)
{
    char *inside = eqs_format("%s/%s", place, name);
    if (inside == NULL)
        return EQS_NO_MEMORY;
    eqs_status status = look_in(inside, found, looked);
    eqs_free(inside);
    return status == EQS_MISSING_INPUT ? look_in(place, found, looked) : status;
}

eqs_status eqs_dataset_locate(const char *name, const char *path, char **folder)
{
    *folder = NULL;
    const char *source = "";
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (strcmp(sets[i].name, name) == 0)
            source = sets[i].source;
    const char *environment = getenv("EQSPICE_DATA");
    /* a path that was asked for is not silently replaced by another place */
    const bool given = path != NULL && *path != '\0';
    const char *places[] = {given ? path : environment, "../shared/data", "/usr/share/datasets"};
    eqs_text looked = {0};
    eqs_status status = EQS_MISSING_INPUT;
    for (size_t i = 0; i < (given ? 1 : 3) && status == EQS_MISSING_INPUT; i++)
        if (places[i] != NULL && *places[i] != '\0')
            status = look_at(places[i], name, folder, &looked);
    if (status == EQS_MISSING_INPUT && !looked.failed)
        status = eqs_fail(EQS_MISSING_INPUT, "data set '%s' not found; looked in %s%s. Get it: %s", name,
                          eqs_text_string(&looked),
                          given || environment != NULL ? "" : " ($EQSPICE_DATA is not set)", source);
    eqs_text_clear(&looked);
    return status;
}
