/* The training loop: minibatches through the phases of a rule, persistent states, evaluation, and everything
 * that a checkpoint must hold so that a resumed run has the same bits. */
#ifndef EQS_LEARNING_TRAINER_H
#define EQS_LEARNING_TRAINER_H

#include "learning/phases.h"
#include "learning/rule.h"
#include "store/dataset.h"

typedef struct eqs_train_options {
    const eqs_rule *rule;
    eqs_nudge nudge;
    double beta;
    const double
        *rate;         /* [n_couplings + L] learning rates: couplings, then biases of layers 1..L; borrowed */
    double rate_decay; /* factor on them after each epoch */
    size_t batch;
    uint64_t seed;
    bool persistent; /* each sample starts from its own last free state (paper 001 sec. 5.2) */
    bool shuffle;    /* a new order of samples each epoch; else the data's order */
    size_t
        check_attractor; /* so many training samples, spread over the epoch, are relaxed once more after it,
                            by plain sweeps, to see whether the solver keeps to the basin of their start */
    eqs_phases_options phases;
} eqs_train_options;

/* X(field, unit, long name): one row of /training per epoch, all double. Sums while an epoch runs. */
#define EQS_EPOCH_LIST(X)                                                                                    \
    X(epoch, "1", "epoch, from 1")                                                                           \
    X(train_error, "1", "fraction of training samples misclassified during the epoch (before their update)") \
    X(validation_error, "1", "fraction of validation samples misclassified after the epoch")                 \
    X(test_error, "1", "fraction of test samples misclassified after the epoch")                             \
    X(cost, "1", "mean cost of the training samples at the free fixed point (paper 001 Eq. 8)")              \
    X(energy, "1", "mean energy of the training samples at the free fixed point")                            \
    X(residual, "1", "worst projected residual of the free phases of the epoch")                             \
    X(residual_nudged, "1", "worst projected residual of the nudged phases of the epoch")                    \
    X(sweeps_free, "1", "mean sweeps, steps or iterations of a sample's free phase")                         \
    X(sweeps_nudged, "1", "mean sweeps, steps or iterations of a sample's nudged phase")                     \
    X(residual_response, "1",                                                                                \
      "worst residual / max|s_beta - s_free| of a sample's nudged phase, where that is below 1")             \
    X(unresolved, "1",                                                                                       \
      "fraction of nudged phases whose response max|s_beta - s_free| is below their residual")               \
    X(other_attractor, "1",                                                                                  \
      "fraction of the checked training samples that sweeps bring elsewhere; NaN: none checked")             \
    X(unconverged, "1", "phases of samples that ended above the tolerance")                                  \
    X(settling_free, "s", "engine transient: mean time in which a free phase settled to 1e-3")               \
    X(settling_free_fine, "s", "engine transient: to 1e-6")                                                  \
    X(settling_nudged, "s", "engine transient: mean time in which a nudged phase settled to 1e-3")           \
    X(settling_nudged_fine, "s", "engine transient: to 1e-6")                                                \
    X(supply_energy, "J",                                                                                    \
      "engine transient: mean energy of all supplies in a sample's free and nudged phases")

typedef struct eqs_epoch_row {
#define X(name, unit, text) double name;
    EQS_EPOCH_LIST(X)
#undef X
} eqs_epoch_row;

typedef struct eqs_trainer eqs_trainer;

/* Where a run stands; with the parameters, the persistent states and eqs_trainer_measured it is the whole
 * state of a trainer. */
typedef struct eqs_train_position {
    uint32_t epoch;     /* complete epochs */
    uint32_t minibatch; /* complete minibatches of the epoch that is under way: of the training, then the
                           validation, then the test samples, then those whose attractor is checked */
    eqs_epoch_row sums; /* of that epoch */
} eqs_train_position;

/* Creates a trainer at epoch 0 with parameters theta (copied). energy, data and the options' pointers are
 * borrowed. EQS_BAD_CONFIG when data and network do not fit together (sizes, classes). */
eqs_status eqs_trainer_create(const eqs_energy *energy, const eqs_dataset *data,
                              const eqs_train_options *options, const double *theta, eqs_trainer **out);
void eqs_trainer_destroy(eqs_trainer *trainer);

/* Called after each minibatch; `done` and `all` count samples of the epoch, `sums` as in the position. */
typedef void (*eqs_train_progress)(const eqs_train_position *position, size_t done, size_t all, void *user);

/* Runs minibatches to the end of the current epoch, then evaluates validation and test data; *row receives
 * the epoch's row. EQS_INTERRUPTED when a signal or eqs_stop_request asked to stop: the position tells where;
 * a minibatch that was stopped midway has left no trace, and the next call does it again.
 * EQS_NOT_CONVERGED when a state is not finite (the message says where). */
eqs_status eqs_trainer_epoch(eqs_trainer *trainer, eqs_train_progress progress, void *user,
                             eqs_epoch_row *row);

/* Fraction of misclassified samples of a part of the data (NaN when it has none); cost, residual and
 * confusion [classes x classes] (row = true class) are filled where not NULL. Warm starts from the part's own
 * persistent states when the trainer is persistent. */
eqs_status eqs_trainer_evaluate(eqs_trainer *trainer, eqs_dataset_part part, double *error, double *cost,
                                double *residual, uint32_t *confusion);

/* Relative size of a late update of every block: |d theta| / |theta| (paper 001 sec. 5.2); [n_couplings + L].
 * NaN before the first update. Every 50th minibatch of an epoch is measured. */
void eqs_trainer_change(const eqs_trainer *trainer, double *change);

/* What eqs_trainer_change is computed from, n = 2 (n_couplings + L) numbers, for checkpoints; borrowed. */
double *eqs_trainer_measured(eqs_trainer *trainer, size_t *n);

/* Parameters in and out, [n_parameters]. */
void eqs_trainer_get_parameters(const eqs_trainer *trainer, double *theta);
void eqs_trainer_set_parameters(eqs_trainer *trainer, const double *theta);

/* Position, and the persistent states of a part: `bytes` each of `count` samples, NULL when there are none.
 */
eqs_train_position *eqs_trainer_position(eqs_trainer *trainer);
void *eqs_trainer_states(eqs_trainer *trainer, eqs_dataset_part part, size_t *count, size_t *bytes);

#endif
