/* Learning rules: which phases a minibatch goes through, and how their fixed points make a gradient. */
#ifndef EQS_LEARNING_RULE_H
#define EQS_LEARNING_RULE_H

#include "solver/engine.h"
#include "store/config.h"

/* How the nudge is chosen is eqs_nudge of store/config.h: fixed beta; a random sign for every minibatch
 * (paper 001 sec. 2.3; the authors' code); centred, the symmetric difference, whose bias is of second order
 * in beta; higher-order, two centred pairs and a bias of fourth order; or none. */

/* One minibatch's plan: phases 1..n_nudged at beta + xi delta, and the weight of every slot's r_a' r_b in the
 * update theta += rate * sum of coefficient * r_a' r_b. */
typedef struct eqs_plan {
    size_t n_nudged;
    double xi[EQS_ENGINE_SLOTS];          /* of slots 1..n_nudged; xi[0] = 0; INFINITY: outputs clamped */
    double coefficient[EQS_ENGINE_SLOTS]; /* slot 0 .. n_nudged */
} eqs_plan;

/* What a plan depends on. */
typedef struct eqs_plan_request {
    eqs_nudge nudge;
    double beta; /* xi of paper 001 Eq. 10 */
    size_t n;    /* samples in the minibatch */
    uint64_t seed;
    uint32_t epoch, minibatch;
} eqs_plan_request;

/* What a rule's own second phase, if it has one, is computed from; all borrowed. */
typedef struct eqs_rule_request {
    const eqs_energy *energy;
    const eqs_phase *phase;       /* the free phase of the minibatch, with targets */
    const eqs_state *fixed_point; /* its states, at least phase->batch rows */
    const eqs_plan *plan;         /* of rules with nudges */
    eqs_relax_options relax;      /* tolerance and limits are those of the second phase */
    size_t iterations;            /* > 0: exactly so many */
} eqs_rule_request;

/* Outcome of a second phase, summed over samples. */
typedef struct eqs_rule_outcome {
    double residual;    /* the worst; of a costate relative to dC/ds */
    double iterations;  /* sum over samples */
    size_t unconverged; /* samples above the tolerance */
} eqs_rule_outcome;

/* Rules are of two kinds. Contrastive ones have a `plan` alone: their phases are relaxed like the free one,
 * and the update is a weighted sum of r_a' r_b. The others compute a `gradient` from the free state by a
 * second phase of their own kind. */
typedef struct eqs_rule {
    const char *name;
    const char *summary;
    eqs_plan (*plan)(const eqs_plan_request *request); /* NULL: no nudge, learning.nudge must be none */
    /* grad[n_parameters] = mean over the samples of dJ/dtheta, as the rule sees it (overwritten) */
    eqs_status (*gradient)(const eqs_rule_request *request, double *grad, eqs_rule_outcome *outcome);
    bool nudges;    /* uses learning.nudge and learning.beta */
    bool truncates; /* its nudged phases are a fixed number of Euler iterations, N/epsilon unless given */
    bool iterates;  /* its second phase can run for relaxation.nudged_iterations */
    bool tolerates; /* its second phase has a tolerance */
} eqs_rule;

/* Equilibrium propagation: one-sided 1/(xi B) (r^xi r^xi - r^0 r^0), paper 001 Eqs. 11, 36, 50; centred
 * 1/(2 xi B) (r^+ r^+ - r^- r^-); or from two centred pairs, xi and xi/2 (solver/eqprop_gradient.h). */
extern const eqs_rule eqs_rule_eqprop;

/* Equilibrium propagation with truncated nudged phases: N/epsilon Euler iterations, N the number of layers
 * above the input (paper 001 sec. 5.1), or relaxation.nudged_iterations. The free phase is certified. */
extern const eqs_rule eqs_rule_truncated;

/* Recurrent back-propagation (Almeida 1987, Pineda 1987; paper 001 sec. 4.2, Eqs. 62-65): the costate lambda
 * by relaxation of the linearised network. */
extern const eqs_rule eqs_rule_recurrent_backprop;

/* The same lambda by a linear solve: the exact gradient. */
extern const eqs_rule eqs_rule_exact;

/* Contrastive Hebbian learning (Movellan 1990; paper 001 sec. 4.1): r^+ r^+ - r^0 r^0 with the outputs
 * clamped to their targets in the second phase; descends the contrastive cost of Eq. 49. */
extern const eqs_rule eqs_rule_contrastive_hebbian;

/* Spike-timing dependent plasticity: dW/dt = d(rho rho)/dt integrated along the nudged phases (Eqs. 45-47).
 */
extern const eqs_rule eqs_rule_stdp;

/* Rule by name or NULL; the i-th rule or NULL past the end. */
const eqs_rule *eqs_rule_find(const char *name);
const eqs_rule *eqs_rule_get(size_t i);

#endif
