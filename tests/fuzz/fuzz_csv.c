/* CSV files: what is accepted is finite, and every label is a class. */
#include "tests/fuzz/fuzz.h"

#include "base/memory.h"
#include "store/csv.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_file file = fuzz_file_begin(data, size);
    eqs_csv csv;
    eqs_status status = eqs_csv_read(file.path, &csv);
    if (status != EQS_OK)
        fuzz_require_refusal(status, EQS_BAD_DATA);
    for (size_t i = 0; i < csv.n; i++)
        fuzz_require(csv.label[i] < csv.classes);
    for (size_t i = 0; i < csv.n * csv.dim; i++)
        fuzz_require(isfinite(csv.value[i]));
    fuzz_require(status == EQS_OK ? csv.n > 0 && csv.dim > 0 : csv.n == 0 && csv.value == NULL);
    eqs_csv_clear(&csv);
    size_t rows, *length;
    double *value;
    status = eqs_csv_read_rows(file.path, &rows, &length, &value);
    if (status != EQS_OK)
        fuzz_require_refusal(status, EQS_BAD_DATA);
    for (size_t i = 0, at = 0; status == EQS_OK && i < rows; at += length[i++]) {
        for (size_t k = 0; k < length[i]; k++)
            fuzz_require(isfinite(value[at + k]));
    }
    if (status == EQS_OK) {
        eqs_free(length);
        eqs_free(value);
    }
    fuzz_file_end(&file);
    return 0;
}
