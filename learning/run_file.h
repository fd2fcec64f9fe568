/* The result file of a training run (DESIGN 5): configuration, parameters, one row per epoch, and a
 * checkpoint from which training goes on bit for bit. The whole file is built in memory and replaced by
 * rename (store/h5file.h), so that a run that dies leaves its last checkpoint. Of several ranks
 * (base/ranks.h) rank 0 locks and writes; all read. */
#ifndef EQS_LEARNING_RUN_FILE_H
#define EQS_LEARNING_RUN_FILE_H

#include "learning/setup.h"
#include "learning/trainer.h"

typedef struct eqs_run eqs_run;

/* Opens a run for writing at `path`: takes the lock (EQS_LOCKED when another process has it). Nothing is
 * written before the first checkpoint. setup and trainer are borrowed. */
eqs_status eqs_run_open(const char *path, const eqs_setup *setup, eqs_trainer *trainer, eqs_run **out);

/* Restores rows, parameters, position and persistent states of the file at the run's path into the trainer.
 * EQS_BAD_CONFIG when it was made with another configuration (the message names the key): only
 * learning.epochs, learning.stop_at_train_error, and output.* may differ. A file made before
 * /training had all its columns goes on: the missing ones are NaN in its rows and, when it was stopped within
 * an epoch, in the row of that epoch (worst residuals: of the rest of it). EQS_BAD_DATA when /checkpoint/sums
 * has not one number per column of the file. */
eqs_status eqs_run_resume(eqs_run *run);

/* Adds the row of an epoch with its wall-clock seconds and the relative update of every block. */
eqs_status eqs_run_append(eqs_run *run, const eqs_epoch_row *row, double seconds, const double *change);

/* Rows so far; the i-th row. */
size_t eqs_run_rows(const eqs_run *run);
const eqs_epoch_row *eqs_run_row(const eqs_run *run, size_t i);
double eqs_run_row_seconds(const eqs_run *run, size_t i);
double eqs_run_seconds(const eqs_run *run); /* sum over rows */

/* Writes the file: `status` is "running", "complete", "interrupted" or "failed: why". */
eqs_status eqs_run_write(eqs_run *run, const char *status);

/* Releases the lock and the memory; writes nothing. */
void eqs_run_close(eqs_run *run);

/* Parameters of a run file into theta [n_parameters]; EQS_BAD_DATA names the array whose shape does not fit.
 */
eqs_status eqs_run_load_parameters(const char *path, const eqs_network *net, double *theta);

/* Configuration of a run file as it was in force (defaults and --set included). *out is the caller's. */
eqs_status eqs_run_load_config(const char *path, eqs_config **out);

#endif
