/* The studies on a small task: what they write is there, and true where a closed statement exists. */
#include "tests/learning/small_run.h"

#include "learning/study_settle.h"
#include "learning/study_variant.h"

enum { SAMPLES = 6 };

static void keep_quiet(void *user, const char *line)
{
    (void)user;
    assert_true(strlen(line) > 5);
}

/* runs a study with overrides and opens what it wrote */
static eqs_h5_reader *studied(const char *name, size_t n, const char *const *overrides)
{
    small_run run = small_run_open(n, overrides, 1);
    uint32_t label[SAMPLES];
    double *data = small_samples(&run, EQS_DATASET_TEST, SAMPLES, label), target[SAMPLES * BLOB_CLASSES];
    double *x = eqs_alloc(SAMPLES * run.setup->net->layer[0].units, sizeof *x);
    assert_non_null(x);
    eqs_network_sources(run.setup->net, SAMPLES, data, x);
    assert_ok(eqs_one_hot(label, SAMPLES, BLOB_CLASSES, target));
    eqs_study_request request = {.setup = run.setup,
                                 .data = run.data,
                                 .n = SAMPLES,
                                 .x = x,
                                 .target = target,
                                 .threads = 1,
                                 .note = keep_quiet};
    eqs_h5_writer *writer;
    eqs_h5_reader *reader;
    const char *path = scratch("study.h5");
    assert_ok(eqs_h5_create(&writer));
    assert_non_null(eqs_study_find(name));
    assert_ok(eqs_study_find(name)->run(&request, writer));
    assert_ok(eqs_h5_commit(writer, path));
    eqs_h5_writer_destroy(writer);
    assert_ok(eqs_h5_open(path, &reader));
    eqs_free(data);
    eqs_free(x);
    small_run_close(&run);
    return reader;
}

#define STUDY(name, ...)                                                                                     \
    studied(name, sizeof((const char *[]){NULL, __VA_ARGS__}) / sizeof(char *),                              \
            (const char *[]){NULL, __VA_ARGS__})

/* a dataset of the study; the caller frees */
static double *values(const eqs_h5_reader *reader, const char *path, size_t *count)
{
    eqs_h5_shape shape;
    void *value;
    assert_ok(eqs_h5_load(reader, path, EQS_H5_DOUBLE, &shape, &value));
    *count = shape.count;
    return value;
}

static void settling_takes_longer_to_tighter_tolerances_and_euler_follows_the_ode(void **state)
{
    (void)state;
    eqs_h5_reader *reader = STUDY("settling", "network.gain=0.5");
    static const char *const names[] = {"time_samples", "euler_samples", "sweep_samples", "auto_samples",
                                        "newton_samples"};
    double *value[5];
    for (size_t i = 0; i < 5; i++) {
        char path[64];
        size_t count;
        snprintf(path, sizeof path, "/study/settling/%s", names[i]);
        value[i] = values(reader, path, &count);
        assert_int_equal(count, SAMPLES * EQS_SETTLE_TOLERANCES);
        for (size_t j = 1; i < 3 && j < count; j++)
            assert_true(j % EQS_SETTLE_TOLERANCES == 0 || value[i][j] >= value[i][j - 1]);
    }
    for (size_t b = 0; b < SAMPLES; b++) {
        size_t at = b * EQS_SETTLE_TOLERANCES + 5;
        /* 1e-6: iterations of 0.5 unit times; a step of 0.5 is no exact integration */
        assert_close(0.5 * value[1][at], value[0][at], 0.4, 1.0);
        assert_true(value[2][at] < value[1][at] && value[3][at] <= value[2][at] + 2.0);
    }
    for (size_t i = 0; i < 5; i++)
        eqs_free(value[i]);
    eqs_h5_reader_destroy(reader);
}

static void the_slowest_mode_predicts_the_tail_of_the_relaxation(void **state)
{
    (void)state;
    static const char *const forms[][2] = {{"network.activation=hard-sigmoid", "dynamics.form=membrane"},
                                           {"network.activation=tanh", "dynamics.form=gradient"},
                                           {"network.activation=sigmoid", "dynamics.form=membrane"}};
    for (size_t i = 0; i < 3; i++) {
        eqs_h5_reader *reader = STUDY("spectrum", "network.gain=0.6", forms[i][0], forms[i][1]);
        size_t n;
        double *measured = values(reader, "/study/spectrum/tail_measured", &n);
        double *predicted = values(reader, "/study/spectrum/tail_predicted", &n);
        double *decay = values(reader, "/study/spectrum/decay", &n);
        double *slowest = values(reader, "/study/spectrum/slowest", &n);
        assert_int_equal(n, SAMPLES);
        for (size_t b = 0; b < n; b++) {
            assert_close(measured[b], predicted[b], 0.35, 0.0);
            assert_close(decay[b], slowest[b], 0.2, 0.0);
        }
        eqs_free(measured);
        eqs_free(predicted);
        eqs_free(decay);
        eqs_free(slowest);
        eqs_h5_reader_destroy(reader);
    }
}

/* a strong coupling of two layers that hold each other up or down has two fixed points, a weak one has one */
static void strong_couplings_have_several_basins_and_weak_ones_one(void **state)
{
    (void)state;
    static const char *const gains[] = {"network.gain=0.3", "network.gain=6"};
    for (size_t i = 0; i < 2; i++) {
        eqs_h5_reader *reader = STUDY("basins", gains[i], "study.starts=8");
        size_t n, several = 0;
        double *found = values(reader, "/study/basins/sweep/fixed_points", &n);
        double *usual = values(reader, "/study/basins/sweep/usual", &n);
        for (size_t b = 0; b < n; b++) {
            several += found[b] > 1.0;
            assert_true((found[b] == 1.0) == (usual[b] == 1.0));
        }
        assert_int_equal(several > 0, i == 1);
        eqs_free(found);
        eqs_free(usual);
        eqs_h5_reader_destroy(reader);
    }
}

static void errors_of_the_gradient_fall_with_beta_at_their_order(void **state)
{
    (void)state;
    eqs_h5_reader *reader = STUDY("gradient", "network.activation=tanh", "dynamics.form=gradient",
                                  "network.gain=0.5", "study.epochs=1", "learning.beta=0.1");
    size_t n, blocks = 1 + 4;
    double *one = values(reader, "/study/gradient/beta/error_one_sided", &n);
    double *two = values(reader, "/study/gradient/beta/error_centred", &n);
    double *four = values(reader, "/study/gradient/beta/error_higher_order", &n);
    /* at beta 0.1 and 0.01, all blocks together */
    assert_close(log10(one[5 * blocks] / one[2 * blocks]), 1.0, 0.0, 0.1);
    assert_close(log10(two[5 * blocks] / two[2 * blocks]), 2.0, 0.0, 0.1);
    assert_true(four[5 * blocks] < 0.05 * two[5 * blocks]);
    double *truncated = values(reader, "/study/gradient/iterations/error_centred", &n);
    assert_true(truncated[0] > 10.0 * truncated[(n / blocks - 1) * blocks]);
    assert_true(truncated[(n / blocks - 1) * blocks] < 2.0 * two[5 * blocks]);
    eqs_free(one);
    eqs_free(two);
    eqs_free(four);
    eqs_free(truncated);
    eqs_h5_reader_destroy(reader);
}

static void every_rule_is_in_the_table_and_the_costate_is_exact(void **state)
{
    (void)state;
    eqs_h5_reader *reader =
        STUDY("rules", "network.activation=tanh", "dynamics.form=gradient", "network.gain=0.5",
              "study.epochs=2", "learning.beta=0.1", "relaxation.rtol=1e-6", "relaxation.atol=1e-9");
    size_t n, rules, blocks = 1 + 4;
    char **name;
    double *cosine = values(reader, "/study/rules/cosine", &n), *cost;
    assert_ok(eqs_h5_load_strings(reader, "/study/rules/rule", &rules, &name));
    cost = values(reader, "/study/rules/cost", &n);
    assert_int_equal(n, 2 * rules);
    for (size_t r = 0; r < rules; r++) {
        bool exact = strcmp(name[r], "exact") == 0 || strcmp(name[r], "recurrent-backprop") == 0;
        assert_true(cosine[r * blocks] > (exact ? 1.0 - 1e-9 : 0.8));
        assert_true(cost[rules + r] < cost[r]);
    }
    eqs_free(name);
    eqs_free(cosine);
    eqs_free(cost);
    eqs_h5_reader_destroy(reader);
}

#define RESISTIVE                                                                                            \
    "network.model=resistive", "network.input_gain=20", "network.init=uniform-clipped",                      \
        "learning.nudge=centred", "learning.nudge_form=conductance", "learning.persistent=false",            \
        "learning.rates=0.01", "learning.beta=0.01", "relaxation.response_tolerance=1e-7", "study.epochs=2"

/* half the conductances start at 0, where an update cannot lower them: the comparison is of gradients */
static void resistive_networks_compare_the_rules_that_they_allow(void **state)
{
    (void)state;
    static const char *const allowed[] = {"eqprop, fixed", "eqprop, random sign", "eqprop, centred", "exact"};
    static const char *const without[] = {"eqprop_higher-order", "truncated_centred", "stdp_centred",
                                          "contrastive-hebbian_none", "recurrent-backprop_none"};
    eqs_h5_reader *reader = STUDY("rules", RESISTIVE);
    size_t n, rules, blocks = 1 + 4;
    char **name, attribute[64], *why;
    double *cosine = values(reader, "/study/rules/cosine", &n), *ratio, *cost;
    ratio = values(reader, "/study/rules/norm_ratio", &n);
    assert_ok(eqs_h5_load_strings(reader, "/study/rules/rule", &rules, &name));
    assert_int_equal(rules, 4);
    assert_int_equal(n, rules * blocks);
    cost = values(reader, "/study/rules/cost", &n);
    assert_int_equal(n, 2 * rules);
    for (size_t r = 0; r < rules; r++) {
        assert_string_equal(name[r], allowed[r]);
        assert_true(cosine[r * blocks] > (r == 3 ? 1.0 - 1e-9 : 0.99));
        assert_close(ratio[r * blocks], 1.0, r == 3 ? 1e-6 : 0.1, 0.0);
        assert_true(cost[rules + r] < cost[r]);
    }
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        snprintf(attribute, sizeof attribute, "refused_%s", without[i]);
        assert_ok(eqs_h5_read_attribute_string(reader, "/study/rules", attribute, &why));
        assert_non_null(strstr(why, "allowed: "));
        eqs_free(why);
    }
    eqs_free(name);
    eqs_free(cosine);
    eqs_free(ratio);
    eqs_free(cost);
    eqs_h5_reader_destroy(reader);
}

static void the_study_of_gradients_refuses_resistive_networks_and_says_who_does_them(void **state)
{
    (void)state;
    small_run run = SMALL_RUN(RESISTIVE);
    eqs_study_request request = {.setup = run.setup, .data = run.data, .threads = 1, .note = keep_quiet};
    assert_fails(eqs_study_find("gradient")->run(&request, NULL), EQS_BAD_CONFIG,
                 "network.model: found resistive; study gradient compares Hopfield networks (allowed: "
                 "hopfield; `eqspice gradcheck` does both)");
    small_run_close(&run);
}

static void samples_of_resistive_networks_keep_their_own_sources(void **state)
{
    (void)state;
    small_run run = SMALL_RUN(RESISTIVE);
    const eqs_network *net = run.setup->net;
    const size_t units = net->layer[0].units;
    double x[2 * 2 * BLOB_DIM];
    assert_int_equal(2 * units, sizeof x / sizeof *x);
    for (size_t i = 0; i < 2 * units; i++)
        x[i] = (double)i;
    eqs_study_request request = {.setup = run.setup, .n = 2, .x = x};
    eqs_phase phase = eqs_study_phase(net, run.setup->theta, &request, 0.0), one;
    eqs_state *start, *row;
    assert_ok(eqs_study_start(net, &phase, &start));
    assert_ok(eqs_state_create(net, 1, &row));
    assert_memory_equal(start->s[0], x, sizeof x);
    eqs_study_sample(&phase, start, 1, &one, row);
    assert_memory_equal(row->s[0], one.x, units * sizeof *x);
    assert_memory_equal(one.x, x + units, units * sizeof *x);
    eqs_state_destroy(start);
    eqs_state_destroy(row);
    small_run_close(&run);
}

static void depth_measures_every_variant_at_every_stage(void **state)
{
    (void)state;
    eqs_h5_reader *reader =
        STUDY("depth", "study.depths=[1, 3]", "study.gains=[0.5, 0.8]", "study.widths=[5]",
              "study.betas=[0.1]", "study.activations=[tanh]", "study.epochs=2", "network.gain=0.5");
    static const char *const variants[] = {"gain_0.5", "gain_0.8", "width_5", "beta_0.1", "activation_tanh"};
    static const char *const stages[] = {"before", "during", "after"};
    for (size_t v = 0; v < 5; v++) {
        for (size_t s = 0; s < 3; s++) {
            char path[96];
            size_t n;
            snprintf(path, sizeof path, "/study/depth/%s/iterations_%s", variants[v], stages[s]);
            double *iterations = values(reader, path, &n);
            assert_int_equal(n, 2 * 6 * 5);
            /* median to 1e-3: more layers take longer */
            assert_true(iterations[2 * 5 + 2] > 3.0);
            assert_true(s > 0 || iterations[30 + 2 * 5 + 2] > iterations[2 * 5 + 2]);
            eqs_free(iterations);
        }
    }
    eqs_h5_reader_destroy(reader);
}

/* node voltages of a crossbar with Shockley diodes, in seconds */
static void resistive_networks_settle_in_seconds_as_their_slowest_mode_says(void **state)
{
    (void)state;
    static const char *const resistive[] = {"network.model=resistive", "network.diode=shockley",
                                            "dynamics.form=gradient",  "relaxation.tolerance=1e-7",
                                            "network.g_min=0.05",      "network.doubled=false"};
    size_t n, m;
    eqs_h5_reader *reader = studied("settling", 6, resistive);
    double *time = values(reader, "/study/settling/time", &n);
    double *seconds = values(reader, "/study/settling/seconds", &m);
    double *sweeps = values(reader, "/study/settling/auto", &m);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++) {
        assert_true(time[i] >= 0.0 && sweeps[i] >= 0.0);
        assert_close(seconds[i], 1e-12 / 1e-6 * time[i], 1e-12, 0); /* the default C and G */
    }
    assert_true(time[n - 1] > 1.0 && sweeps[n - 1] >= 1.0);
    assert_true(eqs_h5_has_attribute(reader, "/study/settling", "refused_euler"));
    eqs_free(time);
    eqs_free(seconds);
    eqs_free(sweeps);
    eqs_h5_reader_destroy(reader);
    reader = studied("spectrum", 6, resistive);
    double *decay = values(reader, "/study/spectrum/decay", &n);
    double *slowest = values(reader, "/study/spectrum/slowest", &n);
    for (size_t b = 0; b < n; b++)
        assert_close(decay[b], slowest[b], 0.15, 0.0);
    eqs_free(decay);
    eqs_free(slowest);
    eqs_h5_reader_destroy(reader);
}

static void studies_have_names_and_summaries(void **state)
{
    (void)state;
    assert_null(eqs_study_find("nothing"));
    for (size_t i = 0; eqs_study_get(i) != NULL; i++) {
        assert_ptr_equal(eqs_study_find(eqs_study_get(i)->name), eqs_study_get(i));
        assert_true(strlen(eqs_study_get(i)->summary) > 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settling_takes_longer_to_tighter_tolerances_and_euler_follows_the_ode),
        cmocka_unit_test(the_slowest_mode_predicts_the_tail_of_the_relaxation),
        cmocka_unit_test(strong_couplings_have_several_basins_and_weak_ones_one),
        cmocka_unit_test(errors_of_the_gradient_fall_with_beta_at_their_order),
        cmocka_unit_test(every_rule_is_in_the_table_and_the_costate_is_exact),
        cmocka_unit_test(resistive_networks_compare_the_rules_that_they_allow),
        cmocka_unit_test(the_study_of_gradients_refuses_resistive_networks_and_says_who_does_them),
        cmocka_unit_test(samples_of_resistive_networks_keep_their_own_sources),
        cmocka_unit_test(depth_measures_every_variant_at_every_stage),
        cmocka_unit_test(resistive_networks_settle_in_seconds_as_their_slowest_mode_says),
        cmocka_unit_test(studies_have_names_and_summaries),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
