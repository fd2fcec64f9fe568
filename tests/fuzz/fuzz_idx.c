/* IDX files, plain and gzip: what is accepted has the bytes that its header tells. */
#include "tests/fuzz/fuzz.h"

#include "store/idx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_file file = fuzz_file_begin(data, size);
    eqs_idx idx;
    eqs_status status = eqs_idx_read(file.path, &idx);
    if (status != EQS_OK) {
        fuzz_require_refusal(status, EQS_BAD_DATA);
        fuzz_require(idx.bytes == NULL);
    } else {
        size_t n = 1, sum = 0;
        for (int k = 0; k < idx.rank; k++)
            n *= idx.dim[k];
        for (size_t i = 0; i < n; i++) /* the sanitizer sees a block that is too short */
            sum += idx.bytes[i];
        fuzz_require(n > 0 && sum <= 255 * n);
    }
    eqs_idx_clear(&idx);
    fuzz_file_end(&file);
    return 0;
}
