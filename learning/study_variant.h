/* A variation of a study's network: the configuration with overrides, and a trainer on the study's data. */
#ifndef EQS_LEARNING_STUDY_VARIANT_H
#define EQS_LEARNING_STUDY_VARIANT_H

#include "learning/study.h"

typedef struct eqs_study_variant {
    eqs_config *config;
    eqs_setup *setup;
    eqs_trainer *trainer;
} eqs_study_variant;

/* The study's configuration with overrides ("learning.beta=0.2"), initial parameters of its own. Release with
 * eqs_study_variant_clear, also after errors. */
eqs_status eqs_study_variant_create(const eqs_study_request *request, size_t n, const char *const *overrides,
                                    eqs_study_variant *out);
void eqs_study_variant_clear(eqs_study_variant *variant);

/* The present parameters of the trainer into the setup's. */
void eqs_study_variant_refresh(eqs_study_variant *variant);

/* EQS_INTERRUPTED when a signal asked to stop. */
eqs_status eqs_study_check_stop(void);

#endif
