/* Learning rules: which phases a minibatch goes through, and how their fixed points make a gradient. */
#ifndef EQS_LEARNING_RULE_H
#define EQS_LEARNING_RULE_H

#include "solver/engine.h"
#include "store/config.h"

/* How the nudge is chosen is eqs_nudge of store/config.h: fixed beta; a random sign for every minibatch
 * (paper 001 sec. 2.3; the authors' code); or centred, the symmetric difference, whose bias is of second
 * order in beta. */

/* One minibatch's plan: phases 1..n_nudged at beta + xi delta, and the weight of every slot's r_a' r_b in the
 * update theta += rate * sum of coefficient * r_a' r_b. */
typedef struct eqs_plan {
    size_t n_nudged;
    double xi[EQS_ENGINE_SLOTS];          /* of slots 1..n_nudged; xi[0] = 0 */
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

typedef struct eqs_rule {
    const char *name;
    const char *summary;
    eqs_plan (*plan)(const eqs_plan_request *request);
} eqs_rule;

/* Equilibrium propagation: one-sided 1/(xi B) (r^xi r^xi - r^0 r^0), paper 001 Eqs. 11, 36, 50, or centred
 * 1/(2 xi B) (r^+ r^+ - r^- r^-). */
extern const eqs_rule eqs_rule_eqprop;

/* Rule by name or NULL; the i-th rule or NULL past the end. */
const eqs_rule *eqs_rule_find(const char *name);
const eqs_rule *eqs_rule_get(size_t i);

#endif
