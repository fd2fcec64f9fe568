/* Paper 001's statements on random networks of every topology, activation and form, with a vector beta of
 * input potential, cost and regulariser: Theorem 1 (Eq. 20), Proposition 2 (Eq. 32), and Eq. 49's negative
 * cost. */
#include "tests/check.h"
#include "tests/random_network.h"

#include "solver/exact_gradient.h"
#include "solver/relax.h"

#include <omp.h>

enum { NETWORKS = 1100, LEAST_CHECKED = 1000 };

/* a random network at a fixed point of a random beta, with room for moved parameters */
typedef struct trial {
    random_network r;
    eqs_phase phase;
    eqs_state *fixed_point, *state;
    double *moved, *direction, *grad;
    bool smooth; /* every unit is so far from its kinks that small moves stay on one side */
} trial;

static bool relax(const trial *t, const eqs_phase *phase, eqs_state *state)
{
    eqs_relax_options options = eqs_relax_options_default();
    eqs_relax_result result = {0};
    options.tolerance = 1e-12;
    options.max_steps = 20000;
    assert_ok(eqs_relax_run(t->r.energy, phase, &options, state, &result));
    bool converged = eqs_relax_unconverged(&result) == 0;
    eqs_relax_result_clear(&result);
    return converged;
}

/* false when the network has no equilibrium to be found (unbounded units) or is not smooth there */
static bool trial_create(uint64_t seed, trial *t)
{
    *t = (trial){0};
    t->r = random_network_create(seed, (random_wishes){.form = -1,
                                                       .activation = -1,
                                                       .layered = -1,
                                                       .clamped = -1,
                                                       .batch = 1,
                                                       .regulariser = 1 + seed % 2});
    const eqs_network *net = t->r.net;
    eqs_random stream = eqs_random_stream(seed, EQS_RANDOM_TEST, 9, 0);
    size_t n = net->n_parameters;
    t->phase = t->r.phase;
    t->phase.beta[EQS_BETA_Y] = 0.5 * eqs_random_uniform(&stream, 0);
    t->phase.beta[EQS_BETA_THETA] = 0.1 * eqs_random_uniform(&stream, 1);
    t->moved = eqs_alloc(3 * n, sizeof *t->moved);
    t->direction = t->moved + n;
    t->grad = t->moved + 2 * n;
    assert_ok(eqs_state_create(net, 1, &t->fixed_point));
    assert_ok(eqs_state_create(net, 1, &t->state));
    eqs_state_copy(net, t->r.state, t->fixed_point);
    for (size_t i = 0; i < n; i++)
        t->direction[i] = 2.0 * eqs_random_uniform(&stream, 10 + i) - 1.0;
    /* lateral weights are tied: their direction is symmetric, and 0 on the diagonal */
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t units = net->layer[net->coupling[c].from].units;
        double *D = eqs_weights(net, t->direction, c);
        for (size_t i = 0; net->coupling[c].from == net->coupling[c].to && i < units; i++) {
            D[i * units + i] = 0.0;
            for (size_t j = 0; j < i; j++)
                D[i * units + j] = D[j * units + i];
        }
    }
    for (size_t i = 0; i < n; i++) /* |W| has its own kink */
        t->direction[i] = fabs(t->r.theta[i]) < 1e-3 ? 0.0 : t->direction[i];
    if (!relax(t, &t->phase, t->fixed_point))
        return false;
    eqs_exact_options options = eqs_exact_options_default();
    eqs_exact_report report;
    options.margin = 3e-3;
    return eqs_exact_gradient(t->r.energy, &t->phase, t->fixed_point, &options, t->grad, NULL, &report) ==
               EQS_OK &&
           report.degenerate == 0 && report.not_minima == 0;
}

static void trial_destroy(trial *t)
{
    eqs_state_destroy(t->fixed_point);
    eqs_state_destroy(t->state);
    eqs_free(t->moved);
    random_network_destroy(&t->r);
}

/* dF/dbeta_i at a state: F is linear in beta */
static double cost_of(const trial *t, const eqs_phase *phase, const eqs_state *state, int i)
{
    const eqs_network *net = t->r.net;
    eqs_state *activity;
    double with, without;
    assert_ok(eqs_state_create(net, 1, &activity));
    for (size_t k = 0; k < net->n_layers; k++)
        eqs_activity(net, k, net->layer[k].units, state->s[k], activity->s[k], NULL);
    eqs_point at = {1, state->s, activity->s, NULL};
    eqs_phase unit = *phase;
    for (int j = 0; j < EQS_BETA_COUNT; j++)
        unit.beta[j] = isinf(phase->beta[j]) ? phase->beta[j] : 0.0;
    eqs_energy_value(t->r.energy, &unit, &at, &without);
    unit.beta[i] = 1.0;
    eqs_energy_value(t->r.energy, &unit, &at, &with);
    eqs_state_destroy(activity);
    return with - without;
}

/* dF/dtheta at the fixed point of a phase */
static bool gradient_of(trial *t, const eqs_phase *phase, double *grad)
{
    const eqs_network *net = t->r.net;
    eqs_state *activity;
    eqs_state_copy(net, t->fixed_point, t->state);
    bool found = relax(t, phase, t->state);
    assert_ok(eqs_state_create(net, 1, &activity));
    for (size_t k = 0; k < net->n_layers; k++)
        eqs_activity(net, k, net->layer[k].units, t->state->s[k], activity->s[k], NULL);
    eqs_point at = {1, t->state->s, activity->s, NULL};
    memset(grad, 0, net->n_parameters * sizeof *grad);
    eqs_energy_gradient(t->r.energy, phase, &at, 1.0, grad);
    eqs_state_destroy(activity);
    return found;
}

/* direction . g, a pair of tied weights counted once */
static double along(const trial *t, const double *g)
{
    const eqs_network *net = t->r.net;
    double sum = 0.0;
    for (size_t i = 0; i < net->n_parameters; i++)
        sum += t->direction[i] * g[i];
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t units = net->layer[net->coupling[c].from].units;
        for (size_t i = 0; net->coupling[c].from == net->coupling[c].to && i < units * units; i++)
            sum -= 0.5 * t->direction[net->coupling[c].offset + i] * g[net->coupling[c].offset + i];
    }
    return sum;
}

/* derivatives by the central difference of fourth order */
enum { POINTS = 4 };
static const double step = 1e-4;
static const double place[POINTS] = {1.0, -1.0, 2.0, -2.0};
static const double weight[POINTS] = {8.0 / 12.0, -8.0 / 12.0, -1.0 / 12.0, 1.0 / 12.0};

/* direction . d/dbeta_i dF/dtheta: the right-hand side of Eq. 20 */
static bool right_side(trial *t, int i, double *out)
{
    *out = 0.0;
    for (int p = 0; p < POINTS; p++) {
        eqs_phase phase = t->phase;
        phase.beta[i] += place[p] * step;
        if (!gradient_of(t, &phase, t->grad))
            return false;
        *out += weight[p] / step * along(t, t->grad);
    }
    return true;
}

/* d/dtheta dF/dbeta_i along the direction: the left-hand side */
static bool left_side(trial *t, int i, double *out)
{
    *out = 0.0;
    for (int p = 0; p < POINTS; p++) {
        eqs_phase phase = t->phase;
        phase.theta = t->moved;
        for (size_t j = 0; j < t->r.net->n_parameters; j++)
            t->moved[j] = t->phase.theta[j] + place[p] * step * t->direction[j];
        eqs_state_copy(t->r.net, t->fixed_point, t->state);
        if (!relax(t, &phase, t->state))
            return false;
        *out += weight[p] / step * cost_of(t, &phase, t->state, i);
    }
    return true;
}

static void theorem_1_holds_on_random_networks_for_every_component_of_beta(void **unused)
{
    (void)unused;
    size_t networks = 0, by_component[EQS_BETA_COUNT] = {0};
    size_t singular = 0;
    double worst = 0.0;
    for (uint64_t seed = 1; networks < NETWORKS && seed < 3 * NETWORKS; seed++) {
        trial t;
        bool usable = trial_create(seed, &t);
        for (int i = 0; usable && i < EQS_BETA_COUNT; i++) {
            double left, right;
            if (isinf(t.phase.beta[i]) || !left_side(&t, i, &left) || !right_side(&t, i, &right))
                continue;
            if (fabs(right) > 100.0) { /* nearly singular: differences of this step are no derivatives */
                singular++;
                continue;
            }
            double error = fabs(left - right) / (1.0 + fabs(right));
            if (error > 1e-5)
                print_error("seed %d, beta %d: %.9g and %.9g\n", (int)seed, i, left, right);
            assert_true(error <= 1e-5);
            worst = fmax(worst, error);
            by_component[i]++;
        }
        networks += usable;
        trial_destroy(&t);
    }
    print_message("%d networks, derivatives by beta_x %d, beta_y %d, beta_theta %d, worst difference %.1e\n",
                  (int)networks, (int)by_component[0], (int)by_component[1], (int)by_component[2], worst);
    assert_true(networks >= LEAST_CHECKED && singular < 20);
    assert_true(by_component[EQS_BETA_X] > 100 && by_component[EQS_BETA_Y] >= LEAST_CHECKED &&
                by_component[EQS_BETA_THETA] >= LEAST_CHECKED);
}

static void proposition_2_nudging_in_any_direction_never_raises_its_cost(void **unused)
{
    (void)unused;
    size_t networks = 0, lowered = 0;
    for (uint64_t seed = 10001; networks < NETWORKS && seed < 10001 + 3 * NETWORKS; seed++) {
        trial t;
        bool usable = trial_create(seed, &t);
        eqs_random stream = eqs_random_stream(seed, EQS_RANDOM_TEST, 11, 0);
        double delta[EQS_BETA_COUNT], cost[2] = {0};
        for (int i = 0; i < EQS_BETA_COUNT; i++)
            delta[i] = 2.0 * eqs_random_uniform(&stream, (uint64_t)i) - 1.0;
        for (int side = 0; usable && side < 2; side++) {
            eqs_phase phase = t.phase;
            for (int i = 0; i < EQS_BETA_COUNT; i++)
                phase.beta[i] += (side == 0 ? step : -step) * delta[i];
            eqs_state_copy(t.r.net, t.fixed_point, t.state);
            usable = relax(&t, &phase, t.state);
            for (int i = 0; i < EQS_BETA_COUNT; i++) {
                if (!isinf(t.phase.beta[i]))
                    cost[side] += delta[i] * cost_of(&t, &phase, t.state, i);
            }
        }
        if (usable && !(cost[0] <= cost[1] + 1e-10))
            print_error("seed %d: the cost rises by %.3g\n", (int)seed, cost[0] - cost[1]);
        assert_true(!usable || cost[0] <= cost[1] + 1e-10);
        lowered += usable && cost[0] < cost[1] - 1e-9;
        networks += usable;
        trial_destroy(&t);
    }
    print_message("%d networks, in %d the cost falls\n", (int)networks, (int)lowered);
    assert_true(networks >= LEAST_CHECKED && lowered > 900);
}

int main(void)
{
    omp_set_num_threads(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(theorem_1_holds_on_random_networks_for_every_component_of_beta),
        cmocka_unit_test(proposition_2_nudging_in_any_direction_never_raises_its_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
