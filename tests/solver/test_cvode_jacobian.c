/* The derivatives that the integrators rest on: every form, activation and topology. */
#include "tests/solver/solver_case.h"

#include "models/field.h"

/* A field of one sample at a random point away from kinks, with scratch vectors. */
typedef struct probe {
    test_case c;
    eqs_field *field;
    size_t n;
    double *x, *v, *Jv, *f[2], *dense;
} probe;

/* in place: the field borrows the phase inside */
static void probe_create(probe *p, case_def def)
{
    p->c = case_create(def);
    assert_ok(eqs_field_create(p->c.energy, &p->c.phase, &p->field));
    p->n = p->field->n;
    p->x = eqs_alloc(5 * p->n + p->n * p->n, sizeof *p->x);
    p->v = p->x + p->n;
    p->Jv = p->v + p->n;
    p->f[0] = p->Jv + p->n;
    p->f[1] = p->f[0] + p->n;
    p->dense = p->f[1] + p->n;
    eqs_random stream = eqs_random_stream(3, EQS_RANDOM_TEST, 50, 0);
    bool beyond = def.form == EQS_FORM_MEMBRANE; /* potentials may be saturated */
    for (size_t i = 0; i < p->n; i++) {
        p->x[i] = (beyond ? 2.0 : 0.4) * eqs_random_uniform(&stream, i) - (beyond ? 0.5 : -0.05);
        p->v[i] = eqs_random_uniform(&stream, 500 + i) - 0.5;
    }
}

static void probe_destroy(probe *p)
{
    eqs_free(p->x);
    eqs_field_destroy(p->field);
    case_destroy(&p->c);
}

/* calls `check` for every form, activation and topology that exists */
static void for_all(void (*check)(probe *p))
{
    for (int form = 0; form < 3; form++) {
        for (int kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
            for (int topology = 0; topology < N_TOPOLOGIES; topology++) {
                if (!case_allowed((eqs_form)form, (eqs_activation_kind)kind))
                    continue;
                probe p;
                probe_create(&p, (case_def){.form = (eqs_form)form,
                                            .activation = (eqs_activation_kind)kind,
                                            .topology = (case_topology)topology,
                                            .tau_spread = 1000.0});
                p.c.phase.beta[EQS_BETA_Y] = 0.4;
                eqs_field_reload(p.field);
                check(&p);
                probe_destroy(&p);
            }
        }
    }
}

static void check_product(probe *p)
{
    const double h = 1e-6;
    p->field->ops->prepare(p->field, p->x);
    p->field->ops->jacobian_product(p->field, p->v, p->Jv);
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < p->n; i++)
            p->dense[i] = p->x[i] + (side == 0 ? h : -h) * p->v[i];
        assert_int_equal(p->field->ops->rhs(p->field, 0.0, p->dense, p->f[side]), 0);
    }
    for (size_t i = 0; i < p->n; i++)
        assert_close(p->Jv[i], (p->f[0][i] - p->f[1][i]) / (2.0 * h), 1e-6, 1e-5);
}

static void the_jacobian_product_is_the_derivative_of_f(void **unused)
{
    (void)unused;
    for_all(check_product);
}

static void check_dense(probe *p)
{
    p->field->ops->prepare(p->field, p->x);
    p->field->ops->jacobian_product(p->field, p->v, p->Jv);
    eqs_field_dense(p->field, p->dense);
    p->field->ops->jacobian_diagonal(p->field, p->f[1]);
    for (size_t i = 0; i < p->n; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < p->n; j++)
            sum += p->dense[j * p->n + i] * p->v[j];
        assert_close(p->Jv[i], sum, 1e-13, 1e-12);
        assert_true(p->f[1][i] == p->dense[i * p->n + i]);
    }
}

static void the_dense_jacobian_and_its_diagonal_give_the_product(void **unused)
{
    (void)unused;
    for_all(check_dense);
}

static void check_sparse(probe *p)
{
    int64_t *start = eqs_alloc(p->n + 1, sizeof *start);
    size_t entries = eqs_field_pattern(p->field, NULL, NULL);
    int64_t *row = eqs_alloc(entries, sizeof *row);
    double *value = eqs_alloc(entries, sizeof *value);
    assert_int_equal(eqs_field_pattern(p->field, start, row), entries);
    p->field->ops->prepare(p->field, p->x);
    eqs_field_dense(p->field, p->dense);
    eqs_field_values(p->field, value);
    assert_int_equal(start[p->n], entries);
    for (size_t column = 0; column < p->n; column++) {
        int64_t next = start[column];
        for (size_t i = 0; i < p->n; i++) { /* what the pattern lacks is zero, what it has is equal */
            bool stored = next < start[column + 1] && row[next] == (int64_t)i;
            assert_true(stored || i != column);
            assert_true(p->dense[column * p->n + i] == (stored ? value[next] : 0.0));
            next += stored;
        }
        assert_int_equal(next, start[column + 1]);
    }
    eqs_free(start);
    eqs_free(row);
    eqs_free(value);
}

static void the_sparse_jacobian_is_the_dense_one(void **unused)
{
    (void)unused;
    for_all(check_sparse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_jacobian_product_is_the_derivative_of_f),
        cmocka_unit_test(the_dense_jacobian_and_its_diagonal_give_the_product),
        cmocka_unit_test(the_sparse_jacobian_is_the_dense_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
