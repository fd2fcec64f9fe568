/* Studies: measurements of relaxation and of gradients that answer a question with data, each one command
 * (`eqspice study NAME`) and one group /study/NAME of a result file (docs/study-*.md). */
#ifndef EQS_LEARNING_STUDY_H
#define EQS_LEARNING_STUDY_H

#include "learning/setup.h"
#include "store/h5file.h"

/* What a study works on; all borrowed. */
typedef struct eqs_study_request {
    const eqs_setup *setup; /* network and parameters; the configuration has the study's own keys (study.*) */
    const eqs_dataset *data;  /* of studies that train */
    size_t n;                 /* samples that are measured */
    const double *x, *target; /* as of an eqs_phase: x [n x units of layer 0] by eqs_network_sources */
    int threads;
    void (*note)(void *user, const char *line); /* a line of progress; never NULL */
    void *user;
} eqs_study_request;

typedef struct eqs_study {
    const char *name, *summary;
    /* Measures and writes /study/NAME. EQS_INTERRUPTED when a signal asked to stop; EQS_BAD_CONFIG names the
     * key or the solver that cannot do the network. */
    eqs_status (*run)(const eqs_study_request *request, eqs_h5_writer *writer);
} eqs_study;

/* The i-th study (NULL past the end), and a study by name or NULL. */
const eqs_study *eqs_study_get(size_t i);
const eqs_study *eqs_study_find(const char *name);

/* Names what the network does not allow, with the reason (NULL: the last error's message), in the attribute
 * refused_WHAT of the group /study/NAME, which must be there, and in a note. */
eqs_status eqs_study_refused(const eqs_study_request *request, const char *study, const char *what,
                             const char *why, eqs_h5_writer *writer);

extern const eqs_study eqs_study_settling, eqs_study_spectrum, eqs_study_depth, eqs_study_basins,
    eqs_study_gradient, eqs_study_rules;

#endif
