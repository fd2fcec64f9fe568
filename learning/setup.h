/* From a configuration to the objects of a run: network, energy, parameters, options. */
#ifndef EQS_LEARNING_SETUP_H
#define EQS_LEARNING_SETUP_H

#include "learning/trainer.h"
#include "store/config.h"

typedef struct eqs_setup {
    const eqs_config *config; /* borrowed */
    eqs_network *net;
    eqs_energy *energy;
    double *theta;                         /* [n_parameters]: initial (or loaded) parameters */
    struct eqs_cosimulation *cosimulation; /* learning.engine: cosimulation, else NULL */
    double *rate;                          /* [n_couplings + L] */
    eqs_relax_options relax;               /* of relaxation.*; strings borrowed from the configuration */
} eqs_setup;

/* Builds network, energy, parameters (those of the run file `parameters`, or when it is NULL initial ones:
 * Glorot-uniform, or read from network.init_file), learning rates and relaxation options. EQS_BAD_CONFIG
 * names file, line and key. The configuration must outlive the setup. */
eqs_status eqs_setup_create(const eqs_config *config, const char *parameters, eqs_setup **out);
void eqs_setup_destroy(eqs_setup *setup);

/* Options of a trainer for this setup; `threads` >= 1. Pointers are borrowed from the setup. */
eqs_status eqs_setup_evaluation_options(const eqs_setup *setup, int threads, eqs_train_options *out);

/* The same for training, which needs learning rates, the zero start, and nudged phases that have an
 * equilibrium (EQS_BAD_CONFIG names the key otherwise). */
eqs_status eqs_setup_train_options(const eqs_setup *setup, int threads, eqs_train_options *out);

#endif
