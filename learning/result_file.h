/* What every result file holds (DESIGN 5): which code, which configuration, which network, which parameters;
 * and the layout of relaxations. All datasets carry units and a long name. */
#ifndef EQS_LEARNING_RESULT_FILE_H
#define EQS_LEARNING_RESULT_FILE_H

#include "learning/setup.h"
#include "store/h5file.h"

/* Root attributes status and default (NXdata style), /code, /config, /network, /parameters (theta as W_k
 * [n_(k-1) x n_k] and b_k [n_k], float32 when `single`). */
eqs_status eqs_result_header(eqs_h5_writer *writer, const eqs_setup *setup, const double *theta, bool single,
                             const char *status, const char *default_group);

/* Which samples a result is about: /samples/{index, label}, attribute part. */
eqs_status eqs_result_samples(eqs_h5_writer *writer, eqs_dataset_part part, size_t n, const uint32_t *index,
                              const uint32_t *label);

/* States of the free layers as GROUP/state_k [n x n_k]. */
eqs_status eqs_result_states(eqs_h5_writer *writer, const char *group, const eqs_network *net,
                             const eqs_state *state);

/* One relaxation: GROUP/{state_k, residual, time, energy, end}, the statistics as attributes, and for
 * recorded samples GROUP/trajectory (one sample) or GROUP/trajectory_<i> with {time, energy, residual,
 * state_k}. */
eqs_status eqs_result_relaxation(eqs_h5_writer *writer, const char *group, const eqs_network *net,
                                 const double beta[EQS_BETA_COUNT], const eqs_state *state,
                                 const eqs_relax_result *result);

/* A recorded trajectory as GROUP/{time, energy, residual, state_k}. */
eqs_status eqs_result_trajectory(eqs_h5_writer *writer, const char *group, const eqs_network *net,
                                 const eqs_trajectory *trajectory);

#endif
