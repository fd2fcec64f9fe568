#include "learning/study.h"

#include <string.h>

static const eqs_study *const studies[] = {&eqs_study_settling, &eqs_study_spectrum, &eqs_study_depth,
                                           &eqs_study_basins,   &eqs_study_gradient, &eqs_study_rules};

const eqs_study *eqs_study_get(size_t i)
{
    return i < sizeof studies / sizeof *studies ? studies[i] : NULL;
}

const eqs_study *eqs_study_find(const char *name)
{
    for (size_t i = 0; eqs_study_get(i) != NULL; i++) {
        if (strcmp(eqs_study_get(i)->name, name) == 0)
            return eqs_study_get(i);
    }
    return NULL;
}
