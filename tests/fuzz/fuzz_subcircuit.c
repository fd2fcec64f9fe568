/* Subcircuits of the user: what is printed for ngspice passes the same checks again and stays the same. */
#include "tests/fuzz/fuzz.h"

#include "netlists/subcircuit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    eqs_spice_file *file, *again;
    eqs_status status = eqs_spice_file_parse((const char *)data, size, "fuzz.sub", &file);
    if (status != EQS_OK) {
        fuzz_require_refusal(status, EQS_BAD_DATA);
        return 0;
    }
    fuzz_require(file->n_subcircuits > 0 && eqs_spice_file_top(file)->n_pins <= EQS_SPICE_PINS);
    fuzz_require(eqs_spice_file_parse(file->text, strlen(file->text), "again.sub", &again) == EQS_OK);
    fuzz_require(strcmp(file->text, again->text) == 0);
    eqs_spice_file_destroy(again);
    eqs_spice_file_destroy(file);
    return 0;
}
