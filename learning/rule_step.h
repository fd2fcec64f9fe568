/* One update by a rule that computes a gradient from the free state (learning/rule.h): the memory it needs
 * and the step theta -= rate * gradient. */
#ifndef EQS_LEARNING_RULE_STEP_H
#define EQS_LEARNING_RULE_STEP_H

#include "learning/phases.h"
#include "learning/rule.h"

typedef struct eqs_rule_step eqs_rule_step;

/* For minibatches of at most options->batch samples. The energy and strings of the options are borrowed; *out
 * is the caller's. EQS_NO_MEMORY. */
eqs_status eqs_rule_step_create(const eqs_energy *energy, const eqs_phases_options *options,
                                eqs_rule_step **out);
void eqs_rule_step_destroy(eqs_rule_step *step);

/* The rule's gradient at the free states (slot 0) of the n loaded samples x, target; learning.rule has one
 * (rule->gradient). Owned by the step, valid until its next call. */
eqs_status eqs_rule_step_gradient(eqs_rule_step *step, const eqs_rule *rule, const eqs_phases *phases,
                                  size_t n, const double *x, const double *target, const eqs_plan *plan,
                                  const double **grad, eqs_rule_outcome *outcome);

/* Moves the parameters of the phases by -rate * gradient of the last call; rate, change and norm by blocks as
 * in eqs_engine_update. */
void eqs_rule_step_apply(eqs_rule_step *step, eqs_phases *phases, const double *rate, double *change,
                         double *norm);

/* theta -= rate * grad block by block, conductances clipped to [g_min, g_max]; change and norm (or NULL)
 * receive ||d theta||^2 and, from before,
 * ||theta||^2 of every block. */
void eqs_rule_descend(const eqs_network *net, const double *rate, const double *grad, double *theta,
                      double *change, double *norm);

#endif
