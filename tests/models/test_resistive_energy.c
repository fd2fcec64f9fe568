/* The co-content of resistive networks: forces are its derivatives, the Jacobian is theirs, and forces are
 * Kirchhoff's currents written out device by device. */
#include "tests/resistive_case.h"

/* voltages inside every box, so that projections do nothing */
static void inside(const resistive_case *c, uint64_t seed)
{
    eqs_state_randomise(c->net, c->state, seed, 0);
    for (size_t k = 1; k < c->net->n_layers; k++) {
        for (size_t i = 0; i < c->state->batch * c->net->layer[k].units; i++) {
            double lo = c->net->layer[k].lo[i % c->net->layer[k].units];
            double hi = c->net->layer[k].hi[i % c->net->layer[k].units];
            double *v = &c->state->s[k][i];
            *v = isfinite(lo) && isfinite(hi) ? lo + 0.5 * (*v - lo) + 1e-3
                 : isfinite(lo)               ? lo + 0.1 + *v - lo
                 : isfinite(hi)               ? hi - 0.1 - (hi - *v)
                                              : 0.3 * *v;
        }
    }
}

static void forces(const resistive_case *c, const eqs_phase *phase, double *const *force)
{
    eqs_state *drive;
    assert_ok(eqs_state_create(c->net, c->state->batch, &drive));
    double *input = drive->s[0], *own = force[0];
    eqs_point at = {c->state->batch, c->state->s, c->state->s, NULL};
    drive->s[0] = NULL;
    ((double **)force)[0] = NULL;
    eqs_energy_drive(c->energy, phase, &at, drive->s);
    eqs_energy_force(c->energy, phase, &at, force);
    for (size_t k = 1; k < c->net->n_layers; k++) {
        for (size_t i = 0; i < c->state->batch * c->net->layer[k].units; i++)
            force[k][i] += drive->s[k][i];
    }
    drive->s[0] = input;
    ((double **)force)[0] = own;
    eqs_state_destroy(drive);
}

/* nudged as far as the network can be, from made-up free outputs */
static eqs_phase nudged(const resistive_case *c, double beta, const double *free_output)
{
    eqs_phase phase = c->phase;
    phase.beta[EQS_BETA_Y] = beta;
    phase.free_output = free_output;
    return phase;
}

static void forces_are_the_derivatives_of_the_energy(void **state)
{
    (void)state;
    resistive_shape s;
    for (size_t n = 0; shape_get(n, &s); n++) {
        resistive_case c = case_create(&s, 10 + n);
        eqs_state *force;
        assert_ok(eqs_state_create(c.net, s.batch, &force));
        inside(&c, n);
        double output[64];
        for (size_t i = 0; i < 64; i++)
            output[i] = 0.1 * sin((double)i);
        for (int mode = 0; mode < 3; mode++) {
            bool live = mode == 2 && s.def.nudge == EQS_NUDGE_CURRENT; /* the cost itself */
            eqs_phase phase = mode == 0 ? c.phase : nudged(&c, 0.3, live ? NULL : output);
            forces(&c, &phase, force->s);
            eqs_point at = {s.batch, c.state->s, c.state->s, NULL};
            double up[8], down[8], h = 1e-5;
            for (size_t k = 1; k < c.net->n_layers; k++) {
                for (size_t i = 0; i < s.batch * c.net->layer[k].units; i++) {
                    double *v = &c.state->s[k][i], keep = *v;
                    size_t b = i / c.net->layer[k].units;
                    *v = keep + h;
                    eqs_energy_value(c.energy, &phase, &at, up);
                    *v = keep - h;
                    eqs_energy_value(c.energy, &phase, &at, down);
                    *v = keep;
                    double wanted = -(up[b] - down[b]) / (2.0 * h);
                    assert_close(force->s[k][i], wanted, 1e-5, 2e-7 * c.net->layer[k].weight);
                }
            }
        }
        eqs_state_destroy(force);
        case_destroy(&c);
    }
}

static double current_between(double g, double from, double to)
{
    return g * (from - to);
}

static void forces_are_weighted_kirchhoff_currents(void **state)
{
    (void)state;
    resistive_shape s;
    for (size_t n = 0; shape_get(n, &s); n++) {
        resistive_case c = case_create(&s, 20 + n);
        eqs_state *force;
        assert_ok(eqs_state_create(c.net, s.batch, &force));
        inside(&c, 3 + n);
        forces(&c, &c.phase, force->s);
        const eqs_resistive *r = c.net->resistive;
        for (size_t k = 1; k < c.net->n_layers; k++) {
            for (size_t j = 0; j < c.net->layer[k].units; j++) {
                double *const *v = c.state->s, own = v[k][j], sum = eqs_bias(c.net, c.theta, k)[j];
                for (size_t m = 0; m < c.net->n_couplings; m++) {
                    size_t a = c.net->coupling[m].from, b = c.net->coupling[m].to;
                    size_t rows = c.net->layer[a].units, columns = c.net->layer[b].units;
                    const double *g = eqs_weights(c.net, c.theta, m);
                    for (size_t i = 0; b == k && a != k && i < rows; i++)
                        sum += current_between(g[i * columns + j], r->layer[a].gain[i] * v[a][i], own);
                    for (size_t i = 0; a == k && b != k && i < columns; i++)
                        sum += r->layer[k].back[j] *
                               current_between(g[j * columns + i], v[b][i], r->layer[k].gain[j] * own);
                    for (size_t i = 0; a == k && b == k && i < rows; i++)
                        sum += current_between(g[i * columns + j], v[k][i], own);
                }
                eqs_diode diode = eqs_resistive_diode(c.net, k, j);
                if (isfinite(r->layer[k].lo[j]))
                    sum += eqs_diode_current(&diode, r->layer[k].lo[j] - own);
                if (isfinite(r->layer[k].hi[j]))
                    sum -= eqs_diode_current(&diode, own - r->layer[k].hi[j]);
                assert_close(force->s[k][j] / c.net->layer[k].weight, sum, 1e-11, 1e-12);
            }
        }
        eqs_state_destroy(force);
        case_destroy(&c);
    }
}

static void field_is_the_force_over_capacitance_and_its_jacobian_fits(void **state)
{
    (void)state;
    resistive_shape s;
    for (size_t n = 0; shape_get(n, &s); n++) {
        s.batch = 1;
        resistive_case c = case_create(&s, 30 + n);
        eqs_state *force;
        eqs_field *field;
        assert_ok(eqs_state_create(c.net, 1, &force));
        inside(&c, 5 + n);
        assert_ok(eqs_field_create(c.energy, &c.phase, &field));
        size_t N = field->n;
        double *x = calloc(7 * N, sizeof *x), *f = x + N, *up = x + 2 * N, *down = x + 3 * N;
        double *J = calloc(N * N, sizeof *J), *e = x + 4 * N, *Je = x + 5 * N, *diagonal = x + 6 * N;
        field->ops->from_state(field, c.state, false, x);
        assert_int_equal(field->ops->rhs(field, 0.0, x, f), 0);
        forces(&c, &c.phase, force->s);
        for (size_t i = 0, k = 1; k < c.net->n_layers; k++) {
            for (size_t j = 0; j < c.net->layer[k].units; j++, i++)
                assert_close(f[i], force->s[k][j] / c.net->layer[k].weight, 1e-12, 1e-13);
        }
        field->ops->prepare(field, x);
        eqs_field_dense(field, J);
        field->ops->jacobian_diagonal(field, diagonal);
        const double h = 1e-6;
        for (size_t j = 0; j < N; j++) {
            double keep = x[j];
            x[j] = keep + h;
            field->ops->rhs(field, 0.0, x, up);
            x[j] = keep - h;
            field->ops->rhs(field, 0.0, x, down);
            x[j] = keep;
            memset(e, 0, N * sizeof *e);
            e[j] = 1.0;
            field->ops->prepare(field, x);
            field->ops->jacobian_product(field, e, Je);
            assert_close(diagonal[j], J[j * N + j], 1e-14, 0.0);
            for (size_t i = 0; i < N; i++) {
                assert_close(J[j * N + i], (up[i] - down[i]) / (2.0 * h), 1e-5, 1e-6);
                assert_close(Je[i], J[j * N + i], 1e-12, 1e-13);
            }
        }
        free(x);
        free(J);
        eqs_field_destroy(field);
        eqs_state_destroy(force);
        case_destroy(&c);
    }
}

static void parameter_gradient_is_the_derivative_of_the_energy(void **state)
{
    (void)state;
    resistive_shape s;
    for (size_t n = 0; shape_get(n, &s); n++) {
        resistive_case c = case_create(&s, 40 + n);
        double *grad = calloc(c.net->n_parameters, sizeof *grad), F[8];
        inside(&c, 7 + n);
        eqs_point at = {s.batch, c.state->s, c.state->s, NULL};
        eqs_energy_gradient(c.energy, &c.phase, &at, 1.0, grad);
        for (size_t p = 0; p < c.net->n_parameters; p++) {
            const double h = 1e-3; /* F is linear in theta */
            bool lateral = false;
            for (size_t m = 0; m < c.net->n_couplings; m++) {
                size_t first = c.net->coupling[m].offset, a = c.net->coupling[m].from;
                size_t units = c.net->layer[a].units;
                lateral = lateral || (a == c.net->coupling[m].to && p >= first && p < first + units * units);
            }
            if (lateral) /* one entry of a pair is half of the resistor */
                continue;
            double keep = c.theta[p], sum = 0.0;
            c.theta[p] = keep + h;
            eqs_energy_value(c.energy, &c.phase, &at, F);
            for (size_t b = 0; b < s.batch; b++)
                sum += F[b];
            c.theta[p] = keep - h;
            eqs_energy_value(c.energy, &c.phase, &at, F);
            for (size_t b = 0; b < s.batch; b++)
                sum -= F[b];
            c.theta[p] = keep;
            assert_close(grad[p], sum / (2.0 * h), 1e-7, 1e-8 * c.net->layer[1].weight);
        }
        free(grad);
        case_destroy(&c);
    }
}

static void uneven_amplifiers_still_obey_kirchhoff(void **state)
{
    (void)state;
    const double gains[2] = {4.0, 4.0}, more[6] = {1.0, 1.1, 0.9, 1.0, 1.2, 1.0};
    const double *forward[4] = {NULL, more, NULL, NULL};
    resistive_shape s = shape_default();
    s.def.amplifier = gains;
    s.def.gain_factor = forward;
    s.batch = 1;
    resistive_case c = case_create(&s, 50);
    assert_false(c.net->resistive->reciprocal);
    inside(&c, 1);
    eqs_field *field;
    assert_ok(eqs_field_create(c.energy, &c.phase, &field));
    double x[14], f[14], J[14 * 14];
    field->ops->from_state(field, c.state, false, x);
    field->ops->rhs(field, 0.0, x, f);
    const double *g = eqs_weights(c.net, c.theta, 1);
    const double A = 4.0 * 1.1, kappa = 0.25; /* of node 1 of layer 1 */
    double below = 0.0, above = 0.0, own = c.state->s[1][1];
    for (size_t i = 0; i < 6; i++)
        below += c.theta[i * 6 + 1] * (c.x[i] - own);
    for (size_t j = 0; j < 5; j++)
        above += g[5 + j] * (A * own - c.state->s[2][j]);
    assert_close(f[1], below - kappa * above + eqs_bias(c.net, c.theta, 1)[1], 1e-12, 1e-13);
    field->ops->prepare(field, x);
    eqs_field_dense(field, J);
    assert_close(J[6 * 14 + 1], kappa * g[5], 1e-12, 1e-15); /* d f_1 / d v of node 0 of layer 2 */
    assert_close(J[1 * 14 + 6], A * g[5], 1e-12, 1e-15);
    eqs_field_destroy(field);
    case_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forces_are_the_derivatives_of_the_energy),
        cmocka_unit_test(forces_are_weighted_kirchhoff_currents),
        cmocka_unit_test(field_is_the_force_over_capacitance_and_its_jacobian_fits),
        cmocka_unit_test(parameter_gradient_is_the_derivative_of_the_energy),
        cmocka_unit_test(uneven_amplifiers_still_obey_kirchhoff),
    };
    return cmocka_run_group_tests_name("resistive_energy", tests, NULL, NULL);
}
