/* Configurations: what is accepted can be written and means the same when it is read again. */
#include "tests/fuzz/fuzz.h"

#include "store/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), *written = NULL, *again = NULL;
    size_t length;
    eqs_config *config, *second;
    eqs_status status = eqs_config_parse(text, "fuzz.yaml", &config);
    if (status != EQS_OK) {
        fuzz_require_refusal(status, EQS_BAD_CONFIG);
    } else {
        FILE *file = open_memstream(&written, &length);
        fuzz_require(file != NULL && eqs_config_write_yaml(config, file) == EQS_OK && fclose(file) == 0);
        fuzz_require(eqs_config_parse(written, "again.yaml", &second) == EQS_OK);
        file = open_memstream(&again, &length);
        fuzz_require(file != NULL && eqs_config_write_yaml(second, file) == EQS_OK && fclose(file) == 0);
        fuzz_require(strcmp(written, again) == 0);
        eqs_config_destroy(second);
        eqs_config_destroy(config);
    }
    free(written);
    free(again);
    free(text);
    return 0;
}
