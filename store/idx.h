/* IDX files (LeCun's MNIST format), plain or gzip: unsigned bytes in 1 to 4 dimensions. */
#ifndef EQS_STORE_IDX_H
#define EQS_STORE_IDX_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum { EQS_IDX_MAX_RANK = 4 };

typedef struct eqs_idx {
    int rank;
    size_t dim[EQS_IDX_MAX_RANK]; /* > 0 */
    uint8_t *bytes;               /* row-major, owned */
} eqs_idx;

/* Reads and checks a file: magic, type (0x08, unsigned bytes), dimensions, and that it holds exactly the
 * bytes which they tell. EQS_MISSING_INPUT, EQS_BAD_DATA, EQS_NO_MEMORY; *out is empty then. */
eqs_status eqs_idx_read(const char *path, eqs_idx *out);
void eqs_idx_clear(eqs_idx *idx);

#endif
