/* Gradients of resistive networks: the exact one against finite differences of the cost in every layer, and
 * EqProp's against the exact one, with diodes, amplifiers, pairs and softmax. */
#include "solver/eqprop_gradient.h"
#include "solver/exact_gradient.h"
#include "solver/gradient_compare.h"
#include "tests/resistive_case.h"

static eqs_relax_options tight(void)
{
    eqs_relax_options o = eqs_relax_options_default();
    o.solver = "newton";
    o.tolerance = 1e-13;
    o.response_tolerance = 1e-9;
    return o;
}

/* free equilibrium; returns the cost summed over samples */
static double settle(const resistive_case *c)
{
    eqs_relax_options o = tight();
    eqs_relax_result result;
    double cost[8], sum = 0.0;
    assert_ok(eqs_relax_run(c->energy, &c->phase, &o, c->state, &result));
    for (size_t b = 0; b < c->phase.batch; b++) {
        if (!(result.residual[b] < 1e-11))
            fail_msg("sample %zu: %s at residual %g, %s", b, eqs_relax_end_name(result.end[b]),
                     result.residual[b], result.failure);
    }
    eqs_relax_result_clear(&result);
    eqs_point at = {c->phase.batch, c->state->s, c->state->s, NULL};
    eqs_energy_cost(c->energy, &c->phase, &at, cost);
    for (size_t b = 0; b < c->phase.batch; b++)
        sum += cost[b];
    return sum;
}

/* Central difference of the cost by parameter p, a lateral resistor's two entries together. */
static double difference(resistive_case *c, size_t p, double h)
{
    size_t twin = p;
    for (size_t m = 0; m < c->net->n_couplings; m++) {
        size_t first = c->net->coupling[m].offset, n = c->net->layer[c->net->coupling[m].from].units;
        if (c->net->coupling[m].from == c->net->coupling[m].to && p >= first && p < first + n * n)
            twin = first + (p - first) % n * n + (p - first) / n;
    }
    double keep = c->theta[p];
    c->theta[p] = c->theta[twin] = keep + h;
    double up = settle(c);
    c->theta[p] = c->theta[twin] = keep - h;
    double down = settle(c);
    c->theta[p] = c->theta[twin] = keep;
    return (up - down) / (2.0 * h);
}

static bool on_a_zero_diagonal(const resistive_case *c, size_t p)
{
    for (size_t m = 0; m < c->net->n_couplings; m++) {
        size_t first = c->net->coupling[m].offset, n = c->net->layer[c->net->coupling[m].from].units;
        if (c->net->coupling[m].from == c->net->coupling[m].to && p >= first && p < first + n * n &&
            (p - first) % n == (p - first) / n)
            return true;
    }
    return false;
}

static void exact_gradient_is_that_of_the_cost_in_every_layer(void **state)
{
    (void)state;
    resistive_shape shape;
    for (size_t n = 0; shape_get(n, &shape); n++) {
        shape.batch = 2;
        resistive_case c = case_create(&shape, 110 + n);
        for (size_t i = 0; i < c.net->bias_offset[1];
             i++) /* away from 0, where steps would leave the range */
            c.theta[i] = on_a_zero_diagonal(&c, i) ? 0.0 : c.theta[i] + 0.02;
        double *grad = calloc(c.net->n_parameters, sizeof *grad);
        eqs_exact_report report;
        settle(&c);
        assert_ok(eqs_exact_gradient(c.energy, &c.phase, c.state, NULL, grad, NULL, &report));
        assert_int_equal(report.not_minima + report.degenerate, 0);
        for (size_t p = 0; p < c.net->n_parameters; p++) {
            double size = 0.0;
            for (size_t i = 0; i < c.net->n_parameters; i++)
                size = fmax(size, fabs(grad[i]));
            if (!on_a_zero_diagonal(&c, p))
                assert_close(grad[p], difference(&c, p, 1e-5), 1e-4, 1e-6 * size);
        }
        free(grad);
        case_destroy(&c);
    }
}

static void centred_eqprop_is_exact_to_second_order_in_the_nudge(void **state)
{
    (void)state;
    resistive_shape shape;
    for (size_t n = 0; shape_get(n, &shape); n++) {
        resistive_case c = case_create(&shape, 130 + n);
        size_t N = c.net->n_parameters;
        double *exact = calloc(2 * N, sizeof *exact), *estimate = exact + N, error[2];
        eqs_relax_options o = tight();
        settle(&c);
        assert_ok(eqs_exact_gradient(c.energy, &c.phase, c.state, NULL, exact, NULL, NULL));
        for (int i = 0; i < 2; i++) {
            double xi = i == 0 ? 2e-3 : 2e-4;
            assert_ok(
                eqs_eqprop_gradient(c.energy, &c.phase, &o, c.state, xi, EQS_EQPROP_CENTRED, estimate, NULL));
            eqs_gradient_agreement a = eqs_gradient_compare(N, estimate, exact);
            error[i] = a.error;
            if (i == 0)
                continue;
            if (!(a.cosine > 0.99999))
                fail_msg("shape %zu: cosine %.9f, error %g", n, a.cosine, a.error);
            /* every layer's block for itself: the factors of the amplifiers are right */
            for (size_t m = 0; m < c.net->n_couplings; m++) {
                const eqs_coupling *k = &c.net->coupling[m];
                a = eqs_gradient_compare(c.net->layer[k->from].units * c.net->layer[k->to].units,
                                         estimate + k->offset, exact + k->offset);
                assert_close(a.norm_ratio, 1.0, 0.0, 1e-3);
                assert_true(a.cosine > 0.99999);
            }
        }
        assert_true(error[1] < 0.05 * error[0] || error[1] < 1e-6);
        free(exact);
        case_destroy(&c);
    }
}

static void naive_contrast_misses_a_squared_for_every_amplifier_above(void **state)
{
    (void)state;
    const double gains[2] = {4.0, 4.0};
    resistive_shape shape = shape_default();
    shape.def.diode = EQS_DIODE_NONE;
    shape.def.amplifier = gains;
    resistive_case c = case_create(&shape, 150);
    double *grad = calloc(c.net->n_parameters, sizeof *grad);
    const double wanted[3] = {256.0, 16.0, 1.0};
    settle(&c);
    assert_ok(eqs_exact_gradient(c.energy, &c.phase, c.state, NULL, grad, NULL, NULL));
    /* 1/(2 beta) ((dV+)^2 - (dV-)^2)/2 without any factor, from the nudged voltages */
    eqs_state *up, *down;
    eqs_relax_options o = tight();
    eqs_relax_result result;
    assert_ok(eqs_state_create(c.net, shape.batch, &up));
    assert_ok(eqs_state_create(c.net, shape.batch, &down));
    eqs_phase nudged = c.phase;
    nudged.free_output = c.state->s[3];
    const double beta = 1e-4;
    for (int sign = 1; sign >= -1; sign -= 2) {
        eqs_state *to = sign > 0 ? up : down;
        nudged.beta[EQS_BETA_Y] = sign * beta;
        eqs_state_copy(c.net, c.state, to);
        assert_ok(eqs_relax_run(c.energy, &nudged, &o, to, &result));
        eqs_relax_result_clear(&result);
    }
    for (size_t m = 0; m < 3; m++) {
        size_t rows = c.net->layer[m].units, columns = c.net->layer[m + 1].units;
        double A = m == 0 ? 1.0 : 4.0, dot = 0.0, own = 0.0;
        for (size_t i = 0; i < rows; i++) {
            for (size_t j = 0; j < columns; j++) {
                double naive = 0.0;
                for (size_t b = 0; b < shape.batch; b++) {
                    double plus = A * up->s[m][b * rows + i] - up->s[m + 1][b * columns + j];
                    double minus = A * down->s[m][b * rows + i] - down->s[m + 1][b * columns + j];
                    naive += (plus - minus) * (plus + minus) / (4.0 * beta);
                }
                dot += naive * grad[c.net->coupling[m].offset + i * columns + j];
                own += naive * naive;
            }
        }
        assert_close(dot / own, wanted[m], 1e-4, 0.0);
    }
    eqs_state_destroy(up);
    eqs_state_destroy(down);
    free(grad);
    case_destroy(&c);
}

static void networks_without_an_energy_are_refused_by_name(void **state)
{
    (void)state;
    const double gains[2] = {4.0, 4.0}, more[6] = {1.0, 1.01, 1.0, 1.0, 1.0, 1.0};
    const double *forward[4] = {NULL, more, NULL, NULL};
    resistive_shape shape = shape_default();
    shape.def.amplifier = gains;
    shape.def.gain_factor = forward;
    resistive_case c = case_create(&shape, 151);
    double *grad = calloc(c.net->n_parameters, sizeof *grad);
    settle(&c); /* an equilibrium exists all the same */
    assert_fails(eqs_exact_gradient(c.energy, &c.phase, c.state, NULL, grad, NULL, NULL), EQS_BAD_CONFIG,
                 "non-reciprocal");
    free(grad);
    case_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_gradient_is_that_of_the_cost_in_every_layer),
        cmocka_unit_test(centred_eqprop_is_exact_to_second_order_in_the_nudge),
        cmocka_unit_test(naive_contrast_misses_a_squared_for_every_amplifier_above),
        cmocka_unit_test(networks_without_an_energy_are_refused_by_name),
    };
    return cmocka_run_group_tests_name("resistive_gradient", tests, NULL, NULL);
}
