#include "learning/rule.h"

#include "base/random.h"

#include <string.h>

static eqs_plan eqprop_plan(const eqs_plan_request *request)
{
    double xi = request->beta, B = (double)request->n;
    if (request->nudge == EQS_NUDGE_CENTRED) {
        return (eqs_plan){.n_nudged = 2,
                          .xi = {0.0, xi, -xi},
                          .coefficient = {0.0, 1.0 / (2.0 * xi * B), -1.0 / (2.0 * xi * B)}};
    }
    eqs_random sign = eqs_random_stream(request->seed, EQS_RANDOM_NUDGE_SIGN, request->epoch, 0);
    if (request->nudge == EQS_NUDGE_RANDOM_SIGN && eqs_random_uniform(&sign, request->minibatch) < 0.5)
        xi = -xi;
    return (eqs_plan){.n_nudged = 1, .xi = {0.0, xi}, .coefficient = {-1.0 / (xi * B), 1.0 / (xi * B)}};
}

const eqs_rule eqs_rule_eqprop = {
    .name = "eqprop",
    .summary = "equilibrium propagation (paper 001 Eq. 36): one-sided or centred nudge",
    .plan = eqprop_plan,
};

static const eqs_rule *const rules[] = {&eqs_rule_eqprop};

const eqs_rule *eqs_rule_get(size_t i)
{
    return i < sizeof rules / sizeof *rules ? rules[i] : NULL;
}

const eqs_rule *eqs_rule_find(const char *name)
{
    for (size_t i = 0; eqs_rule_get(i) != NULL; i++) {
        if (strcmp(eqs_rule_get(i)->name, name) == 0)
            return eqs_rule_get(i);
    }
    return NULL;
}
