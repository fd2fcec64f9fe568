/* The part of a setup that only resistive networks have (models/resistive.h). */
#ifndef EQS_LEARNING_SETUP_RESISTIVE_H
#define EQS_LEARNING_SETUP_RESISTIVE_H

#include "models/network.h"
#include "store/config.h"

/* Keys that the model of the configuration does not know must have their defaults: EQS_BAD_CONFIG at the
 * first that has not. */
eqs_status eqs_setup_check_model(const eqs_config *config);

/* Definition from network.* and circuit.conductance; its arrays are in *block, which the caller frees.
 * EQS_BAD_CONFIG where a list has the wrong length. */
eqs_status eqs_setup_resistive(const eqs_config *config, eqs_resistive_def *def, double **block);

/* Conductances from a file or Glorot's range are brought into [g_min, g_max]; those of a file must lie in it
 * already. */
eqs_status eqs_setup_conductances(const eqs_config *config, const eqs_network *net, bool from_file,
                                  double *theta);

#endif
