/* The gradient of equilibrium propagation against the exact one (paper 001 Theorem 1), on smooth networks,
 * where the error has the order in beta that theory gives. */
#include "tests/learning/small_run.h"

#include "base/run.h"
#include "learning/gradcheck.h"

enum { SAMPLES = 4 };

/* runs a check on a trained little network */
static void check(size_t n, const char *const *overrides, const eqs_gradcheck_options *options,
                  eqs_gradcheck *out)
{
    small_run run = small_run_open(n, overrides, 1);
    for (int epoch = 0; epoch < 2; epoch++)
        small_epoch(&run);
    eqs_trainer_get_parameters(run.trainer, run.setup->theta);
    const eqs_network *net = run.setup->net;
    uint32_t label[SAMPLES];
    double *x = small_samples(&run, EQS_DATASET_TEST, SAMPLES, label), target[SAMPLES * BLOB_CLASSES];
    assert_ok(eqs_one_hot(label, SAMPLES, BLOB_CLASSES, target));
    eqs_phase phase = {.net = net, .theta = run.setup->theta, .batch = SAMPLES, .x = x, .target = target};
    memcpy(phase.beta, net->beta, sizeof phase.beta);
    assert_ok(eqs_gradcheck_run(run.setup, &phase, options, out));
    eqs_free(x);
    small_run_close(&run);
}

static const char *const smooth[][4] = {
    {"network.activation=tanh", "dynamics.form=membrane", "learning.rates=0.1", "network.gain=0.6"},
    {"network.activation=tanh", "dynamics.form=gradient", "learning.rates=0.1", "network.gain=0.6"},
    {"network.activation=sigmoid", "dynamics.form=membrane", "learning.rates=0.1", "network.slope=2"},
    {"network.activation=sigmoid", "dynamics.form=gradient", "learning.rates=0.1", "network.slope=2"},
    {"network.activation=softplus", "dynamics.form=gradient", "learning.rates=0.05", "network.gain=0.4"},
    {"network.activation=sigmoid", "dynamics.form=membrane", "learning.rates=0.05", "network.couplings=full"},
};

static void the_estimate_tends_to_the_exact_gradient_with_the_order_of_theory(void **state)
{
    (void)state;
    eqs_gradcheck_options options = eqs_gradcheck_options_default();
    options.finite_parameters = 0;
    for (size_t i = 0; i < sizeof smooth / sizeof *smooth; i++) {
        eqs_gradcheck result;
        check(4, smooth[i], &options, &result);
        assert_int_equal(result.n_beta, 6);
        assert_true(result.exact.residual <= 1e-11 && result.exact.not_minima == 0);
        assert_close(result.order[EQS_EQPROP_ONE_SIDED], 1.0, 0, 0.2);
        assert_close(result.order[EQS_EQPROP_CENTRED], 2.0, 0, 0.25);
        size_t at = 4; /* beta = 1e-3 */
        assert_true(result.beta[at] == 1e-3);
        const eqs_gradcheck_row *centred = &result.row[EQS_EQPROP_CENTRED][at];
        assert_true(centred->all.cosine >= 0.9999);
        assert_close(centred->all.norm_ratio, 1.0, 1e-4, 0);
        for (size_t b = 0; b < result.n_blocks; b++)
            assert_true(centred->block[b].cosine >= 0.9999);
        for (size_t k = 0; k < result.n_beta; k++)
            assert_true(result.row[1][k].all.error < result.row[0][k].all.error);
        eqs_gradcheck_clear(&result);
    }
}

static void the_exact_gradient_is_that_of_finite_differences(void **state)
{
    (void)state;
    eqs_gradcheck_options options = eqs_gradcheck_options_default();
    options.n_beta = 1;
    options.finite_parameters = 60;
    for (size_t i = 0; i < sizeof smooth / sizeof *smooth; i++) {
        eqs_gradcheck result;
        check(4, smooth[i], &options, &result);
        assert_int_equal(result.finite_checked, 60);
        assert_true(result.finite.cosine >= 1.0 - 1e-9);
        assert_close(result.finite.norm_ratio, 1.0, 1e-5, 0);
        assert_true(result.finite_worst < 1e-7);
        eqs_gradcheck_clear(&result);
    }
}

static void the_hard_sigmoid_passes_with_every_solver(void **state)
{
    (void)state;
    static const char *const solvers[] = {"auto", "newton", "kinsol"};
    static const char *const overrides[] = {"network.gain=0.4", "learning.rates=0.05"};
    eqs_gradcheck first = {0};
    for (size_t i = 0; i < 3; i++) {
        eqs_gradcheck_options options = eqs_gradcheck_options_default();
        options.solver = solvers[i];
        options.finite_parameters = 30;
        eqs_gradcheck result;
        check(2, overrides, &options, &result);
        assert_true(result.row[EQS_EQPROP_CENTRED][4].all.cosine >= 0.9999);
        assert_true(result.exact.moving > 0 && result.exact.degenerate == 0);
        if (i == 0) {
            first = result;
            continue;
        }
        assert_true(largest_difference(83, first.gradient, result.gradient) < 1e-10);
        eqs_gradcheck_clear(&result);
    }
    eqs_gradcheck_clear(&first);
}

static void an_order_that_cannot_be_fitted_is_not_a_number(void **state)
{
    (void)state;
    static const double two[] = {0.01, 0.001};
    eqs_gradcheck_options options = eqs_gradcheck_options_default();
    options.n_beta = 2;
    options.beta = two;
    options.finite_parameters = 0;
    eqs_gradcheck result;
    check(4, smooth[0], &options, &result);
    assert_true(isnan(result.order[0]) && isnan(result.order[1]));
    eqs_gradcheck_clear(&result);
}

static void the_check_stops_when_asked(void **state)
{
    (void)state;
    small_run run = SMALL_RUN();
    double x[BLOB_DIM] = {0.5, 0.25}, target[BLOB_CLASSES] = {1.0};
    eqs_phase phase = {
        .net = run.setup->net, .theta = run.setup->theta, .batch = 1, .x = x, .target = target};
    memcpy(phase.beta, phase.net->beta, sizeof phase.beta);
    eqs_gradcheck_options options = eqs_gradcheck_options_default();
    eqs_gradcheck result;
    eqs_stop_request(2);
    eqs_status status = eqs_gradcheck_run(run.setup, &phase, &options, &result);
    eqs_stop_request(0);
    assert_fails(status, EQS_INTERRUPTED, "stopped");
    eqs_gradcheck_clear(&result);
    small_run_close(&run);
}

static void the_study_is_written_with_its_blocks(void **state)
{
    (void)state;
    eqs_gradcheck_options options = eqs_gradcheck_options_default();
    options.finite_parameters = 5;
    eqs_gradcheck result;
    check(4, smooth[0], &options, &result);
    eqs_h5_writer *writer;
    eqs_h5_reader *reader;
    assert_ok(eqs_h5_create(&writer));
    assert_ok(eqs_gradcheck_write(writer, &result));
    assert_ok(eqs_h5_commit(writer, scratch("check.h5")));
    eqs_h5_writer_destroy(writer);
    assert_ok(eqs_h5_open(scratch("check.h5"), &reader));
    double cosine[2][6][5], beta[6];
    size_t dim[3] = {2, 6, 5}, six = 6, n;
    assert_ok(eqs_h5_read(reader, "/study/gradcheck/cosine", EQS_H5_DOUBLE, 3, dim, cosine));
    assert_ok(eqs_h5_read(reader, "/study/gradcheck/beta", EQS_H5_DOUBLE, 1, &six, beta));
    for (size_t i = 0; i < 6; i++) {
        assert_true(beta[i] == result.beta[i]);
        assert_true(cosine[1][i][0] == result.row[1][i].all.cosine);
        assert_true(cosine[0][i][4] == result.row[0][i].block[3].cosine);
    }
    char **blocks;
    assert_ok(eqs_h5_load_strings(reader, "/study/gradcheck/block", &n, &blocks));
    assert_int_equal(n, 4);
    assert_string_equal(blocks[1], "W_2");
    eqs_free(blocks);
    eqs_h5_reader_destroy(reader);
    eqs_gradcheck_clear(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_estimate_tends_to_the_exact_gradient_with_the_order_of_theory),
        cmocka_unit_test(the_exact_gradient_is_that_of_finite_differences),
        cmocka_unit_test(the_hard_sigmoid_passes_with_every_solver),
        cmocka_unit_test(an_order_that_cannot_be_fitted_is_not_a_number),
        cmocka_unit_test(the_check_stops_when_asked),
        cmocka_unit_test(the_study_is_written_with_its_blocks),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
