/* The block in front of a result file: whatever it says, the file is read only when its digest is right. The
 * second half of the target gives the input a right digest and breaks one byte. */
#include "tests/fuzz/fuzz.h"

#include "store/h5block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    eqs_status status = eqs_h5_block_check("fuzz.h5", data, size);
    if (status != EQS_OK)
        fuzz_require_refusal(status, EQS_BAD_DATA);
    if (size <= EQS_H5_BLOCK_SIZE)
        return 0;
    uint8_t *file = malloc(size);
    fuzz_require(file != NULL);
    memcpy(file, data, size);
    fuzz_require(eqs_h5_block_write(file, size) == EQS_OK);
    fuzz_require(eqs_h5_block_check("fuzz.h5", file, size) == EQS_OK);
    size_t at = (data[0] | (size_t)data[size - 1] << 8) % size;
    file[at] ^= (uint8_t)(1 + data[size / 2] % 255);
    fuzz_require(eqs_h5_block_check("fuzz.h5", file, size) == EQS_BAD_DATA);
    free(file);
    return 0;
}
