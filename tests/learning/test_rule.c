/* Plans of a minibatch: which phases, and with which weights their activities enter the update. */
#include "learning/rule.h"
#include "tests/check.h"

static eqs_plan plan_of(eqs_nudge nudge, double beta, size_t n, uint64_t seed, uint32_t epoch,
                        uint32_t minibatch)
{
    eqs_plan_request request = {
        .nudge = nudge, .beta = beta, .n = n, .seed = seed, .epoch = epoch, .minibatch = minibatch};
    return eqs_rule_eqprop.plan(&request);
}

static void a_fixed_nudge_is_one_sided_with_its_own_sign(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        eqs_plan plan = plan_of(EQS_NUDGE_FIXED, sign * 0.25, 8, 1, 2, 3);
        assert_int_equal(plan.n_nudged, 1);
        assert_true(plan.xi[0] == 0.0 && plan.xi[1] == sign * 0.25);
        assert_true(plan.coefficient[0] == -sign * 0.5 && plan.coefficient[1] == sign * 0.5);
        assert_true(plan.coefficient[2] == 0.0 && plan.coefficient[3] == 0.0);
    }
}

static void a_centred_nudge_is_a_symmetric_difference(void **state)
{
    (void)state;
    eqs_plan plan = plan_of(EQS_NUDGE_CENTRED, 0.25, 4, 1, 2, 3);
    assert_int_equal(plan.n_nudged, 2);
    assert_true(plan.xi[0] == 0.0 && plan.xi[1] == 0.25 && plan.xi[2] == -0.25);
    assert_true(plan.coefficient[0] == 0.0 && plan.coefficient[1] == 0.5 && plan.coefficient[2] == -0.5);
    assert_true(plan.coefficient[3] == 0.0);
}

static void a_random_sign_is_plus_or_minus_beta_equally_often(void **state)
{
    (void)state;
    int plus = 0;
    enum { N = 2000 };
    for (uint32_t i = 0; i < N; i++) {
        eqs_plan plan = plan_of(EQS_NUDGE_RANDOM_SIGN, 0.5, 20, 1, i / 100, i % 100);
        assert_true(fabs(plan.xi[1]) == 0.5);
        assert_close(plan.coefficient[1], 1.0 / (plan.xi[1] * 20.0), 1e-15, 0);
        assert_true(plan.coefficient[0] == -plan.coefficient[1]);
        plus += plan.xi[1] > 0.0;
    }
    assert_in_range(plus, N / 2 - 112, N / 2 + 112); /* five standard deviations */
}

/* signs of 64 minibatches of an epoch as bits */
static uint64_t signs(eqs_nudge nudge, double beta, size_t n, uint64_t seed, uint32_t epoch)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < 64; i++)
        bits |= (uint64_t)(plan_of(nudge, beta, n, seed, epoch, i).xi[1] * beta > 0.0) << i;
    return bits;
}

static void a_random_sign_depends_on_seed_epoch_and_minibatch_alone(void **state)
{
    (void)state;
    uint64_t first = signs(EQS_NUDGE_RANDOM_SIGN, 0.5, 20, 1, 0);
    assert_true(first == signs(EQS_NUDGE_RANDOM_SIGN, 0.5, 20, 1, 0));
    assert_true(first == signs(EQS_NUDGE_RANDOM_SIGN, 0.1, 7, 1, 0));
    assert_true(first == signs(EQS_NUDGE_RANDOM_SIGN, -0.1, 7, 1, 0));
    assert_true(first != signs(EQS_NUDGE_RANDOM_SIGN, 0.5, 20, 2, 0));
    assert_true(first != signs(EQS_NUDGE_RANDOM_SIGN, 0.5, 20, 1, 1));
    assert_true(first != 0 && first != UINT64_MAX);
}

static void states_that_a_nudge_does_not_move_give_no_update(void **state)
{
    (void)state;
    for (int nudge = EQS_NUDGE_FIXED; nudge <= EQS_NUDGE_CENTRED; nudge++) {
        eqs_plan plan = plan_of((eqs_nudge)nudge, 0.3, 11, 1, 0, 0);
        double sum = 0.0;
        for (size_t slot = 0; slot < EQS_ENGINE_SLOTS; slot++)
            sum += plan.coefficient[slot];
        assert_true(sum == 0.0);
    }
}

static void rules_are_found_by_name(void **state)
{
    (void)state;
    assert_non_null(eqs_rule_get(0));
    for (size_t i = 0; eqs_rule_get(i) != NULL; i++) {
        assert_ptr_equal(eqs_rule_find(eqs_rule_get(i)->name), eqs_rule_get(i));
        assert_true(strlen(eqs_rule_get(i)->summary) > 10);
    }
    assert_ptr_equal(eqs_rule_find("eqprop"), &eqs_rule_eqprop);
    assert_null(eqs_rule_find("eqpro"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fixed_nudge_is_one_sided_with_its_own_sign),
        cmocka_unit_test(a_centred_nudge_is_a_symmetric_difference),
        cmocka_unit_test(a_random_sign_is_plus_or_minus_beta_equally_often),
        cmocka_unit_test(a_random_sign_depends_on_seed_epoch_and_minibatch_alone),
        cmocka_unit_test(states_that_a_nudge_does_not_move_give_no_update),
        cmocka_unit_test(rules_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
