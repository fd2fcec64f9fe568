/* Training by ngspice: the voltages, updates and parameters of the equilibrium solver; the same bits for any
 * number of workers and after resuming; as one transient a sample, with settling
 * times and energy. */
#include "tests/learning/small_run.h"

#include "learning/run_file.h"
#include "models/resistive.h"

/* Shockley diodes as ngspice has them; a dozen samples */
#define CASE                                                                                                 \
    "network.model=resistive", "network.diode=ngspice", "network.diode_is=1e-9", "network.diode_n=1",        \
        "network.input_gain=5", "network.g_min=0.01", "circuit.conductance=1e-4",                            \
        "learning.persistent=false", "learning.nudge=centred", "learning.rates=[0.05]",                      \
        "relaxation.tolerance=1e-9", "data.train=14", "data.validation=0", "data.test=5"
#define TIGHT "circuit.reltol=1e-9", "circuit.vntol=1e-13"

/* two epochs; what the second one's row and the parameters are then */
static double *train(small_run *run, eqs_epoch_row *row)
{
    small_epoch(run);
    *row = small_epoch(run);
    return small_theta(run);
}

static void ngspice_trains_to_the_parameters_of_the_equilibrium_solver(void **state)
{
    (void)state;
    static const char *const variants[] = {"learning.cost=squared",       "learning.cost=softmax",
                                           "network.differential=true",   "network.amplifier=[3]",
                                           "learning.nudge=higher-order", "learning.nudge=fixed"};
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        small_run solver = SMALL_RUN(CASE, variants[v], "learning.engine=ode");
        small_run circuit =
            SMALL_RUN(CASE, TIGHT, variants[v], "relaxation.tolerance=1e-6", "learning.engine=ngspice");
        size_t n = solver.setup->net->n_parameters;
        double *start = eqs_alloc(n, sizeof *start);
        memcpy(start, solver.setup->theta, n * sizeof *start);
        eqs_epoch_row a, b;
        double *theta = train(&solver, &a), *measured = train(&circuit, &b);
        double moved = largest_difference(n, theta, start), apart = largest_difference(n, theta, measured);
        if (!(apart <= 1e-5 * moved))
            print_error("%s: parameters moved by %.3g and differ by %.3g\n", variants[v], moved, apart);
        assert_true(apart <= 1e-5 * moved && moved > 1e-3);
        assert_close(b.cost, a.cost, 1e-6, 0.0);
        assert_close(b.energy, a.energy, 1e-6, 0.0);
        if (!(b.residual < 1e-6 && b.residual_nudged < 1e-6))
            print_error("%s: residuals %.3g and %.3g\n", variants[v], b.residual, b.residual_nudged);
        assert_true(b.residual < 1e-6 && b.residual_nudged < 1e-6 && b.unconverged == 0.0);
        assert_true(isnan(b.settling_free) && isnan(b.supply_energy));
        eqs_free(start);
        eqs_free(theta);
        eqs_free(measured);
        small_run_close(&solver);
        small_run_close(&circuit);
    }
}

static void a_transient_a_sample_trains_to_the_same_parameters(void **state)
{
    (void)state;
    small_run solver = SMALL_RUN(CASE, "data.train=4", "data.test=1", "learning.engine=ode");
    small_run circuit = SMALL_RUN(CASE, "data.train=4", "data.test=1", "learning.engine=transient");
    size_t n = solver.setup->net->n_parameters;
    eqs_epoch_row a, b;
    double *start = eqs_alloc(n, sizeof *start);
    memcpy(start, solver.setup->theta, n * sizeof *start);
    double *theta = train(&solver, &a), *measured = train(&circuit, &b);
    double moved = largest_difference(n, theta, start);
    assert_true(largest_difference(n, theta, measured) <= 1e-3 * moved);
    assert_close(b.cost, a.cost, 1e-5, 0.0);
    /* 1 pF and some 1e-4 S: tens of nanoseconds */
    assert_true(b.settling_free > 1e-9 && b.settling_free < b.settling_free_fine &&
                b.settling_free_fine < 1e-6);
    assert_true(b.settling_nudged > 1e-9 && b.settling_nudged < b.settling_nudged_fine);
    assert_true(b.supply_energy > 0.0);
    eqs_free(start);
    eqs_free(theta);
    eqs_free(measured);
    small_run_close(&solver);
    small_run_close(&circuit);
}

static void workers_do_not_change_the_bits(void **state)
{
    (void)state;
    small_run one = SMALL_RUN(CASE, "learning.engine=ngspice", "circuit.chunk=3", "circuit.workers=1");
    small_run three = SMALL_RUN(CASE, "learning.engine=ngspice", "circuit.chunk=3", "circuit.workers=3");
    eqs_epoch_row a, b;
    double *x = train(&one, &a), *y = train(&three, &b);
    assert_memory_equal(x, y, one.setup->net->n_parameters * sizeof *x);
    assert_memory_equal(&a, &b, sizeof a);
    eqs_free(x);
    eqs_free(y);
    small_run_close(&one);
    small_run_close(&three);
}

/* one epoch, written, resumed for the second: the parameters of both at once */
static void a_resumed_run_has_the_same_bits(void **state)
{
    (void)state;
    small_run whole = SMALL_RUN(CASE, "learning.engine=ngspice");
    eqs_epoch_row row;
    double *x = train(&whole, &row), change[8];
    char path[300];
    snprintf(path, sizeof path, "%s", scratch("part.h5"));
    for (int part = 0; part < 2; part++) {
        small_run run = SMALL_RUN(CASE, "learning.engine=ngspice");
        eqs_run *file;
        assert_ok(eqs_run_open(path, run.setup, run.trainer, &file));
        if (part == 1)
            assert_ok(eqs_run_resume(file));
        row = small_epoch(&run);
        eqs_trainer_change(run.trainer, change);
        assert_ok(eqs_run_append(file, &row, 1.0, change));
        assert_ok(eqs_run_write(file, part == 0 ? "running" : "complete"));
        if (part == 1) {
            double *y = small_theta(&run);
            assert_memory_equal(x, y, run.setup->net->n_parameters * sizeof *x);
            eqs_free(y);
        }
        eqs_run_close(file);
        small_run_close(&run);
    }
    eqs_free(x);
    small_run_close(&whole);
}

/* Nudged phases that nobody announced are measured one by one. */
static void an_unannounced_nudge_is_measured_too(void **state)
{
    (void)state;
    small_run run = SMALL_RUN(CASE, TIGHT, "learning.engine=ngspice");
    eqs_train_options options;
    eqs_phases *phases;
    assert_ok(eqs_setup_train_options(run.setup, 1, &options));
    assert_ok(eqs_phases_create(run.setup->energy, &options.phases, &phases));
    phases->ops->set_parameters(phases, run.setup->theta);
    const eqs_network *net = run.setup->net;
    double x[12 * 2], target[3 * 2] = {1.0, 0.0, 0.0, 0.0, 1.0, 0.0}, data[6 * 2], y[4][3 * 2];
    for (size_t i = 0; i < 12; i++)
        data[i] = 0.1 * (double)i;
    eqs_network_sources(net, 2, data, x);
    for (int announced = 0; announced < 2; announced++) {
        eqs_phase_outcome outcome;
        const double strengths[] = {0.3, -0.3};
        phases->ops->load(phases, 2, x, target);
        phases->ops->reset(phases);
        if (announced == 1)
            phases->ops->plan(phases, 2, strengths);
        assert_ok(phases->ops->relax(phases, 0, net->beta, &outcome));
        for (size_t slot = 1; slot <= 2; slot++) {
            double beta[EQS_BETA_COUNT];
            eqs_network_nudge(net, strengths[slot - 1], beta);
            assert_ok(phases->ops->relax(phases, slot, beta, &outcome));
            phases->ops->output(phases, slot, y[2 * announced + (int)slot - 1]);
        }
    }
    for (size_t i = 0; i < 6; i++) {
        assert_close(y[0][i], y[2][i], 1e-9, 1e-12);
        assert_close(y[1][i], y[3][i], 1e-9, 1e-12);
        assert_true(fabs(y[0][i] - y[1][i]) > 1e-4);
    }
    phases->ops->destroy(phases);
    small_run_close(&run);
}

static void refused(const char *override, const char *message)
{
    const char *overrides[] = {CASE, "learning.engine=ngspice", override};
    small_run run = {.config = small_config(sizeof overrides / sizeof *overrides, overrides)};
    eqs_train_options options;
    eqs_status status = eqs_setup_create(run.config, NULL, &run.setup);
    if (status == EQS_OK)
        status = eqs_setup_train_options(run.setup, 1, &options);
    if (status == EQS_OK)
        status = eqs_dataset_open(&run.config->data, run.config->seed, &run.data);
    if (status == EQS_OK)
        status = eqs_trainer_create(run.setup->energy, run.data, &options, run.setup->theta, &run.trainer);
    assert_int_equal(status, EQS_BAD_CONFIG);
    if (strstr(eqs_error_message(), message) == NULL)
        print_error("%s: %s\n", override, eqs_error_message());
    assert_non_null(strstr(eqs_error_message(), message));
    small_run_close(&run);
}

static void what_ngspice_cannot_honour_is_refused(void **state)
{
    (void)state;
    refused("learning.persistent=true", "learning.persistent");
    refused("relaxation.solver=newton", "relaxation.solver");
    refused("learning.nudge_form=conductance", "nudge_form");
    refused("learning.rule=truncated", "learning.rule");
    refused("network.delta=[0, 1, 0.1]", "delta");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ngspice_trains_to_the_parameters_of_the_equilibrium_solver),
        TEST(a_transient_a_sample_trains_to_the_same_parameters),
        TEST(workers_do_not_change_the_bits),
        TEST(a_resumed_run_has_the_same_bits),
        TEST(an_unannounced_nudge_is_measured_too),
        TEST(what_ngspice_cannot_honour_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
