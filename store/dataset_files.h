/* Private to store/: the files of a data set. */
#ifndef EQS_STORE_DATASET_FILES_H
#define EQS_STORE_DATASET_FILES_H

#include "base/status.h"

/* folder/name.gz or folder/name, whichever exists; the caller's. EQS_MISSING_INPUT. */
eqs_status eqs_dataset_file(const char *folder, const char *name, char **path);

#endif
