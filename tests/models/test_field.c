/* Properties of energies and fields that must hold for any network. */
#include "tests/check.h"
#include "tests/random_network.h"

enum { N_NETWORKS = 150 };

static const random_wishes anything = {.form = -1, .activation = -1, .layered = -1, .clamped = -1};

/* a nudged phase of the network, half the time */
static void maybe_nudge(random_network *r, uint64_t seed)
{
    if (seed % 2 == 0)
        eqs_network_nudge(r->net, seed % 4 == 0 ? 0.4 : -0.4, r->phase.beta);
}

/* one-sample field at a random x away from kinks; returns x[n] */
static double *random_point(eqs_field *field, uint64_t seed)
{
    double *x = eqs_alloc(field->n, sizeof *x);
    eqs_random stream = eqs_random_stream(seed, EQS_RANDOM_TEST, 1, 0);
    /* inside every box for the projected form, on both sides of the bounds for the others */
    double width = field->lo != NULL ? 0.4 : 0.83;
    for (size_t i = 0; i < field->n; i++)
        x[i] = 0.07 + width * eqs_random_uniform(&stream, i) + (i % 3 == 0 && field->lo == NULL ? 0.97 : 0.0);
    return x;
}

static void the_force_is_minus_the_gradient_of_the_energy(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= N_NETWORKS; seed++) {
        random_wishes wishes = anything;
        wishes.form = seed % 3 == 0 ? EQS_FORM_PROJECTED : EQS_FORM_GRADIENT;
        wishes.batch = 1;
        random_network r = random_network_create(seed, wishes);
        maybe_nudge(&r, seed);
        eqs_field *field;
        assert_ok(eqs_field_create(r.energy, &r.phase, &field));
        double *x = random_point(field, seed), f[64], h = 1e-5;
        assert_int_equal(field->ops->rhs(field, 0.0, x, f), 0);
        size_t i = 0;
        for (size_t k = eqs_first_free_layer(r.net); k < r.net->n_layers; k++) {
            for (size_t unit = 0; unit < r.net->layer[k].units; unit++, i++) {
                double up, down, at = x[i];
                x[i] = at + h;
                field->ops->energy(field, x, &up);
                x[i] = at - h;
                field->ops->energy(field, x, &down);
                x[i] = at;
                assert_close(f[i] * r.net->layer[k].tau[unit], -(up - down) / (2 * h), 1e-6, 1e-7);
            }
        }
        eqs_free(x);
        eqs_field_destroy(field);
        random_network_destroy(&r);
    }
}

static void membrane_motion_descends_its_energy(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= N_NETWORKS; seed++) {
        random_wishes wishes = anything;
        wishes.form = EQS_FORM_MEMBRANE;
        wishes.batch = 1;
        random_network r = random_network_create(seed, wishes);
        maybe_nudge(&r, seed);
        eqs_field *field;
        assert_ok(eqs_field_create(r.energy, &r.phase, &field));
        double *x = random_point(field, seed), f[64], before, after, h = 1e-6;
        field->ops->rhs(field, 0.0, x, f);
        field->ops->energy(field, x, &before);
        for (size_t i = 0; i < field->n; i++)
            x[i] += h * f[i];
        field->ops->energy(field, x, &after);
        assert_true(after <= before + 1e-12);
        eqs_free(x);
        eqs_field_destroy(field);
        random_network_destroy(&r);
    }
}

static void jacobian_products_match_finite_differences_and_assembled_matrices(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= N_NETWORKS; seed++) {
        random_wishes wishes = anything;
        wishes.batch = 1;
        random_network r = random_network_create(seed, wishes);
        maybe_nudge(&r, seed);
        eqs_field *field;
        assert_ok(eqs_field_create(r.energy, &r.phase, &field));
        size_t n = field->n;
        double *x = random_point(field, seed), h = 1e-6;
        double up[64], down[64], Jv[64], diagonal[64], v[64] = {0};
        double *J = eqs_alloc(n * n, sizeof *J), *values;
        field->ops->prepare(field, x);
        eqs_field_dense(field, J);
        int64_t column_start[65], *row;
        size_t nonzeros = eqs_field_pattern(field, NULL, NULL);
        row = eqs_alloc(nonzeros, sizeof *row);
        values = eqs_alloc(nonzeros, sizeof *values);
        eqs_field_pattern(field, column_start, row);
        eqs_field_values(field, values);
        field->ops->jacobian_diagonal(field, diagonal);
        for (size_t j = 0; j < n; j++) {
            v[j] = 1.0;
            field->ops->prepare(field, x);
            field->ops->jacobian_product(field, v, Jv);
            double at = x[j];
            x[j] = at + h;
            field->ops->rhs(field, 0.0, x, up);
            x[j] = at - h;
            field->ops->rhs(field, 0.0, x, down);
            x[j] = at;
            v[j] = 0.0;
            int64_t e = column_start[j];
            for (size_t i = 0; i < n; i++) {
                assert_close(Jv[i], (up[i] - down[i]) / (2 * h), 1e-6, 1e-7);
                assert_close(J[j * n + i], Jv[i], 1e-13, 1e-14);
                double sparse = 0.0;
                if (e < column_start[j + 1] && row[e] == (int64_t)i)
                    sparse = values[e++];
                assert_close(sparse, Jv[i], 1e-13, 1e-14);
            }
            assert_int_equal(e, column_start[j + 1]);
            assert_close(diagonal[j], Jv[j], 1e-13, 1e-14);
        }
        eqs_free(x);
        eqs_free(J);
        eqs_free(row);
        eqs_free(values);
        eqs_field_destroy(field);
        random_network_destroy(&r);
    }
}

/* F summed over the batch at the state of r */
static double total_energy(random_network *r, double *const *rate)
{
    double F[8], sum = 0.0;
    eqs_point at = {r->phase.batch, r->state->s, rate, NULL};
    eqs_energy_value(r->energy, &r->phase, &at, F);
    for (size_t b = 0; b < r->phase.batch; b++)
        sum += F[b];
    return sum;
}

static void the_parameter_gradient_matches_finite_differences(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        random_network r = random_network_create(seed, anything);
        r.net->regulariser = EQS_REGULARISER_L2;
        eqs_energy_destroy(r.energy);
        assert_ok(eqs_energy_create(r.net, &r.energy));
        r.phase.beta[EQS_BETA_THETA] = 0.3;
        eqs_state *rate;
        assert_ok(eqs_state_create(r.net, r.phase.batch, &rate));
        for (size_t k = 0; k < r.net->n_layers; k++)
            eqs_activity(r.net, k, r.phase.batch * r.net->layer[k].units, r.state->s[k], rate->s[k], NULL);
        double *grad = eqs_alloc(r.net->n_parameters, sizeof *grad), h = 1e-5;
        eqs_point at = {r.phase.batch, r.state->s, rate->s, NULL};
        eqs_energy_gradient(r.energy, &r.phase, &at, 1.0, grad);
        for (size_t c = 0; c < r.net->n_couplings; c++) {
            size_t a = r.net->coupling[c].from, b = r.net->coupling[c].to, n = r.net->layer[b].units;
            double *W = eqs_weights(r.net, r.theta, c), *G = eqs_weights(r.net, grad, c);
            for (size_t i = 0; i < r.net->layer[a].units; i++) {
                for (size_t j = 0; j < n; j++) {
                    if (a == b && j >= i)
                        continue;
                    /* a lateral synapse is one parameter that stands in the matrix twice */
                    double w = W[i * n + j], up, down, *twin = a == b ? &W[j * n + i] : &W[i * n + j];
                    W[i * n + j] = *twin = w + h;
                    up = total_energy(&r, rate->s);
                    W[i * n + j] = *twin = w - h;
                    down = total_energy(&r, rate->s);
                    W[i * n + j] = *twin = w;
                    assert_close(G[i * n + j], (up - down) / (2 * h), 1e-6, 1e-7);
                }
            }
        }
        for (size_t k = 1; k < r.net->n_layers; k++) {
            for (size_t i = 0; i < r.net->layer[k].units; i++) {
                double *b = &eqs_bias(r.net, r.theta, k)[i], value = *b;
                *b = value + h;
                double up = total_energy(&r, rate->s);
                *b = value - h;
                double down = total_energy(&r, rate->s);
                *b = value;
                assert_close(eqs_bias(r.net, grad, k)[i], (up - down) / (2 * h), 1e-6, 1e-7);
            }
        }
        eqs_free(grad);
        eqs_state_destroy(rate);
        random_network_destroy(&r);
    }
}

static void the_cost_is_the_derivative_of_the_energy_along_delta(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        random_network r = random_network_create(seed, anything);
        eqs_point at = {r.phase.batch, r.state->s, r.state->s, NULL};
        double C[8], free_energy[8], nudged[8];
        eqs_energy_cost(r.energy, &r.phase, &at, C);
        eqs_energy_value(r.energy, &r.phase, &at, free_energy);
        eqs_network_nudge(r.net, 0.25, r.phase.beta);
        eqs_energy_value(r.energy, &r.phase, &at, nudged);
        for (size_t b = 0; b < r.phase.batch; b++) {
            assert_close((nudged[b] - free_energy[b]) / 0.25, C[b], 1e-10, 1e-10);
            double sum = 0.0;
            size_t L = r.net->n_layers - 1, n = r.net->layer[L].units;
            for (size_t i = 0; i < n; i++)
                sum += 0.5 * pow(r.state->s[L][b * n + i] - r.target[b * n + i], 2);
            assert_close(C[b], sum, 1e-12, 1e-14);
        }
        random_network_destroy(&r);
    }
}

static void states_survive_the_way_to_the_solver_and_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= N_NETWORKS; seed++) {
        random_network r = random_network_create(seed, anything);
        eqs_field *field;
        eqs_state *back;
        assert_ok(eqs_field_create(r.energy, &r.phase, &field));
        assert_ok(eqs_state_create(r.net, r.phase.batch, &back));
        double *x = eqs_alloc(field->n, sizeof *x);
        for (int settled = 0; settled < 2; settled++) {
            field->ops->from_state(field, r.state, settled, x);
            field->ops->to_state(field, x, back);
            assert_true(eqs_state_difference(r.net, r.state, back, NULL) < 1e-9);
        }
        eqs_free(x);
        eqs_state_destroy(back);
        eqs_field_destroy(field);
        random_network_destroy(&r);
    }
}

static void wrong_networks_are_refused_by_the_field_at_fault(void **state)
{
    (void)state;
    size_t units[] = {3, 2, 1}, none[] = {3, 0, 1}, twice[][2] = {{0, 1}, {1, 0}, {1, 2}},
           input[][2] = {{0, 0}}, missing[][2] = {{0, 1}}, outside[][2] = {{0, 7}};
    eqs_network *net = NULL;
    eqs_network_def def = eqs_network_def_default();
    def.units = units;
    def.n_layers = 1;
    assert_fails(eqs_network_create(&def, &net), EQS_BAD_CONFIG, "network.layers");
    def.n_layers = 3;
    def.units = none;
    assert_fails(eqs_network_create(&def, &net), EQS_BAD_CONFIG, "layer 1 has no units");
    def.units = units;
    def.couplings = (const size_t(*)[2])twice;
    def.n_couplings = 3;
    assert_fails(eqs_network_create(&def, &net), EQS_BAD_CONFIG, "twice");
    def.couplings = (const size_t(*)[2])input;
    def.n_couplings = 1;
    assert_fails(eqs_network_create(&def, &net), EQS_BAD_CONFIG, "input to itself");
    def.couplings = (const size_t(*)[2])missing;
    assert_fails(eqs_network_create(&def, &net), EQS_BAD_CONFIG, "layer 2 is coupled to nothing");
    def.couplings = (const size_t(*)[2])outside;
    assert_fails(eqs_network_create(&def, &net), EQS_BAD_CONFIG, "does not exist");
    def = eqs_network_def_default();
    def.units = units;
    def.n_layers = 3;
    double tau[] = {1, -1, 1};
    def.tau = tau;
    assert_fails(eqs_network_create(&def, &net), EQS_BAD_CONFIG, "dynamics.tau");
    def.tau = NULL;
    def.beta[EQS_BETA_X] = -1.0;
    assert_fails(eqs_network_create(&def, &net), EQS_BAD_CONFIG, "network.beta[0]");
    def.beta[EQS_BETA_X] = INFINITY;
    def.delta[EQS_BETA_X] = 1.0;
    assert_fails(eqs_network_create(&def, &net), EQS_BAD_CONFIG, "network.delta[0]");
    def.delta[EQS_BETA_X] = 0.0;
    def.delta[EQS_BETA_THETA] = 1.0;
    assert_fails(eqs_network_create(&def, &net), EQS_BAD_CONFIG, "regulariser");
    def.delta[EQS_BETA_THETA] = 0.0;
    eqs_activation smooth[] = {eqs_activation_default(EQS_TANH), eqs_activation_default(EQS_TANH),
                               eqs_activation_default(EQS_TANH)};
    def.activation = smooth;
    def.form = EQS_FORM_PROJECTED;
    assert_fails(eqs_network_create(&def, &net), EQS_BAD_CONFIG, "projected needs");
    assert_null(net);
}

/* a circuit in place of tanh may answer with rates beyond its range */
static void the_energy_of_rates_beyond_the_range_of_rho_is_finite_and_rises(void **state)
{
    (void)state;
    const eqs_activation_kind kinds[] = {EQS_SIGMOID, EQS_TANH};
    for (size_t i = 0; i < 2; i++) {
        random_wishes wishes = {
            .form = EQS_FORM_MEMBRANE, .activation = kinds[i], .layered = 1, .clamped = 1, .batch = 1};
        random_network r = random_network_create(3, wishes);
        const double rates[] = {0.9, 1.0, 1.03, 1.06};
        double F[4];
        memset(r.theta, 0, r.net->n_parameters * sizeof *r.theta); /* the leak alone */
        for (size_t j = 0; j < 4; j++) {
            for (size_t k = 1; k < r.net->n_layers; k++)
                for (size_t unit = 0; unit < r.net->layer[k].units; unit++)
                    r.state->s[k][unit] = rates[j];
            eqs_point at = {1, r.state->s, r.state->s, NULL};
            eqs_energy_value(r.energy, &r.phase, &at, &F[j]);
            assert_true(isfinite(F[j]) && (j == 0 || F[j] > F[j - 1]));
        }
        random_network_destroy(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_force_is_minus_the_gradient_of_the_energy),
        cmocka_unit_test(membrane_motion_descends_its_energy),
        cmocka_unit_test(jacobian_products_match_finite_differences_and_assembled_matrices),
        cmocka_unit_test(the_parameter_gradient_matches_finite_differences),
        cmocka_unit_test(the_cost_is_the_derivative_of_the_energy_along_delta),
        cmocka_unit_test(states_survive_the_way_to_the_solver_and_back),
        cmocka_unit_test(the_energy_of_rates_beyond_the_range_of_rho_is_finite_and_rises),
        cmocka_unit_test(wrong_networks_are_refused_by_the_field_at_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
