#include "learning/study.h"

#include <stdio.h>
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

eqs_status eqs_study_refused(const eqs_study_request *request, const char *study, const char *what,
                             const char *why, eqs_h5_writer *writer)
{
    char reason[384], line[512], group[64];
    snprintf(reason, sizeof reason, "%s", why != NULL ? why : eqs_error_message());
    snprintf(line, sizeof line, "%s: without %s: %s", study, what, reason);
    request->note(request->user, line);
    snprintf(group, sizeof group, "/study/%s", study);
    snprintf(line, sizeof line, "refused_%s", what);
    return eqs_h5_attribute_string(writer, group, line, reason);
}
