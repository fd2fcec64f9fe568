#include "learning/study_variant.h"

#include "base/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* a copy of the configuration in force, by way of its text */
static eqs_status copy_config(const eqs_config *config, eqs_config **out)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL)
        return EQS_NO_MEMORY;
    eqs_status status = eqs_config_write_yaml(config, memory);
    if (fclose(memory) != 0 && status == EQS_OK)
        status = EQS_NO_MEMORY;
    if (status == EQS_OK)
        status = eqs_config_parse(text, eqs_config_name(config), out);
    free(text);
    return status;
}

eqs_status eqs_study_variant_create(const eqs_study_request *request, size_t n, const char *const *overrides,
                                    eqs_study_variant *out)
{
    eqs_train_options options;
    *out = (eqs_study_variant){0};
    EQS_TRY(copy_config(request->setup->config, &out->config));
    for (size_t i = 0; i < n; i++)
        EQS_TRY(eqs_config_set(out->config, overrides[i]));
    EQS_TRY(eqs_setup_create(out->config, NULL, &out->setup));
    EQS_TRY(eqs_setup_train_options(out->setup, request->threads, &options));
    return eqs_trainer_create(out->setup->energy, request->data, &options, out->setup->theta, &out->trainer);
}

void eqs_study_variant_clear(eqs_study_variant *variant)
{
    eqs_trainer_destroy(variant->trainer);
    eqs_setup_destroy(variant->setup);
    eqs_config_destroy(variant->config);
    *variant = (eqs_study_variant){0};
}

void eqs_study_variant_refresh(eqs_study_variant *variant)
{
    eqs_trainer_get_parameters(variant->trainer, variant->setup->theta);
}

eqs_status eqs_study_check_stop(void)
{
    return eqs_stop_requested() ? eqs_fail(EQS_INTERRUPTED, "the study was stopped") : EQS_OK;
}
