/* Configuration: what is read, what is written, what is refused and how the message reads. */
#include "base/memory.h"
#include "base/random.h"
#include "models/network.h"
#include "solver/engine.h"
#include "store/config.h"
#include "tests/store/scratch.h"

static const char paper_001[] =
    "# paper 001, Table 2 row 1, Fig. 5 top left: 784-500-10 on MNIST\n"
    "seed: 1\n"
    "data:       {set: mnist, train: 50000, validation: 10000, test: 10000}   # path, pool, scale, offset\n"
    "network:    {layers: [784, 500, 10], activation: hard-sigmoid, init: glorot-uniform, gain: [1.0, 1.0]}\n"
    "dynamics:   {form: membrane, tau: 1.0}\n"
    "relaxation: {solver: auto, tolerance: 1e-4, precision: single}\n"
    "learning:   {rule: eqprop, beta: 0.5, nudge: random-sign, rates: [0.1, 0.05], batch: 20, epochs: 25,\n"
    "             persistent: true}\n"
    "circuit:    {level: behavioural, capacitance: 1e-12, conductance: 1e-6, swing: 1.0}   # F, S, V\n"
    "hardware:   {}\n"
    "output:     {checkpoint: epoch}\n";

#define TINY "network: {layers: [2, 3, 1]}\n"

static eqs_config *parsed(const char *text)
{
    eqs_config *config = NULL;
    assert_ok(eqs_config_parse(text, "test.yaml", &config));
    return config;
}

/* the whole text is refused with a message that contains `message` */
static void refused(const char *text, const char *message)
{
    eqs_config *config = NULL;
    assert_fails(eqs_config_parse(text, "t.yaml", &config), EQS_BAD_CONFIG, message);
    assert_null(config);
}

/* one line after a valid network is refused */
static void refused_line(const char *line, const char *message)
{
    char text[1024];
    snprintf(text, sizeof text, TINY "%s\n", line);
    refused(text, message);
}

static void the_example_of_the_design_parses(void **state)
{
    (void)state;
    eqs_config *c = parsed(paper_001);
    assert_int_equal(c->seed, 1);
    assert_int_equal(c->data.set, EQS_DATA_MNIST);
    assert_int_equal(c->network.layers.n, 3);
    assert_int_equal(c->network.layers.v[1], 500);
    assert_string_equal(c->network.activation.v[0], "hard-sigmoid");
    assert_int_equal(c->network.gain.n, 2);
    assert_string_equal(c->relaxation.solver, "auto");
    assert_true(c->relaxation.tolerance == 1e-4);
    assert_int_equal(c->learning.nudge, EQS_NUDGE_RANDOM_SIGN);
    assert_true(c->learning.rates.v[1] == 0.05);
    assert_true(c->learning.persistent);
    assert_int_equal(c->output.checkpoint.word, EQS_CHECKPOINT_EPOCH);
    assert_string_equal(eqs_config_text(c), paper_001);
    eqs_config_destroy(c);
}

static void keys_not_given_take_their_defaults(void **state)
{
    (void)state;
    eqs_config *c = parsed(TINY);
    assert_int_equal(c->data.set, EQS_DATA_FASHION_MNIST);
    assert_int_equal(c->data.train, 50000);
    assert_int_equal(c->data.scale.word, EQS_SCALE_AUTO);
    assert_int_equal(c->data.pool.n, 0);
    assert_true(isinf(c->network.beta.v[0]) && c->network.beta.v[1] == 0);
    assert_true(c->network.thresholds.v[0] == -0.5);
    assert_int_equal(c->network.couplings.layout, EQS_COUPLINGS_LAYERED);
    assert_true(c->relaxation.t_max == 1e4 && c->relaxation.max_steps == 100000 &&
                c->relaxation.max_step == 100);
    assert_true(c->learning.stop_at_train_error == -1);
    assert_true(c->circuit.abstol == 1e-15);
    eqs_config_destroy(c);
}

/* words whose values are enums of modules above store/ */
static void words_stand_in_the_order_of_the_enums_they_mean(void **state)
{
    (void)state;
    assert_string_equal(eqs_config_word("network.regulariser", EQS_REGULARISER_NONE), "none");
    assert_string_equal(eqs_config_word("network.regulariser", EQS_REGULARISER_L1), "l1");
    assert_string_equal(eqs_config_word("network.regulariser", EQS_REGULARISER_L2), "l2");
    assert_string_equal(eqs_config_word("dynamics.form", EQS_FORM_GRADIENT), "gradient");
    assert_string_equal(eqs_config_word("dynamics.form", EQS_FORM_PROJECTED), "projected");
    assert_string_equal(eqs_config_word("dynamics.form", EQS_FORM_MEMBRANE), "membrane");
    assert_string_equal(eqs_config_word("relaxation.precision", EQS_SINGLE), "single");
    assert_string_equal(eqs_config_word("relaxation.precision", EQS_DOUBLE), "double");
    assert_string_equal(eqs_config_word("relaxation.linear_solver", EQS_LINEAR_AUTO), "auto");
    assert_string_equal(eqs_config_word("relaxation.linear_solver", EQS_LINEAR_DENSE), "dense");
    assert_string_equal(eqs_config_word("relaxation.linear_solver", EQS_LINEAR_KLU), "klu");
    assert_string_equal(eqs_config_word("relaxation.linear_solver", EQS_LINEAR_KRYLOV), "krylov");
    assert_string_equal(eqs_config_word("relaxation.preconditioner", EQS_PRECONDITIONER_NONE), "none");
    assert_string_equal(eqs_config_word("relaxation.preconditioner", EQS_PRECONDITIONER_DIAGONAL),
                        "diagonal");
    assert_string_equal(eqs_config_word("data.set", EQS_DATA_IDX), "idx");
    assert_string_equal(eqs_config_word("learning.nudge", EQS_NUDGE_CENTRED), "centred");
    assert_string_equal(eqs_config_word("learning.engine", EQS_ENGINE_ODE), "ode");
    assert_string_equal(eqs_config_word("circuit.level", EQS_LEVEL_DEVICE), "device");
    assert_string_equal(eqs_config_word("network.couplings", EQS_COUPLINGS_FULL), "full");
    assert_string_equal(eqs_config_word("output.checkpoint", EQS_CHECKPOINT_NEVER), "never");
    assert_string_equal(eqs_config_word("learning.nudge", EQS_NUDGE_NONE), "none");
    assert_string_equal(eqs_config_word("learning.rule", 3), "exact");
    assert_null(eqs_config_word("learning.nudge", EQS_NUDGE_NONE + 1));
    assert_null(eqs_config_word("learning.beta", 0));
}

static void every_form_of_a_value_is_read(void **state)
{
    (void)state;
    eqs_config *c = parsed(
        "seed: 18446744073709551615\n"
        "network: {layers: [2, 3, 1], activation: [tanh, linear], couplings: [[0, 1], [1, 2], [0, 2]],\n"
        "          gain: 2, beta: [.inf, 0, 1e-3]}\n"
        "data: {scale: 0.5, pool: [7, 9], path: \"a \\\"b\\\"\"}\n"
        "dynamics: {tau: [1, 2, 3]}\n"
        "relaxation: {t_max: .inf}\n"
        "learning: {nudge: centered}\n"
        "output: {checkpoint: 30.5}\n"
        "hardware:\n");
    assert_true(c->seed == UINT64_MAX);
    assert_string_equal(c->network.activation.v[1], "linear");
    assert_int_equal(c->network.couplings.layout, EQS_COUPLINGS_LIST);
    assert_int_equal(c->network.couplings.pair[2][1], 2);
    assert_int_equal(eqs_config_n_couplings(c), 3);
    assert_int_equal(c->data.scale.word, EQS_SCALE_NUMBER);
    assert_true(c->data.scale.value == 0.5 && c->data.pool.v[1] == 9);
    assert_string_equal(c->data.path, "a \"b\"");
    assert_true(isinf(c->relaxation.t_max));
    assert_int_equal(c->learning.nudge, EQS_NUDGE_CENTRED);
    assert_int_equal(c->output.checkpoint.word, EQS_CHECKPOINT_SECONDS);
    assert_true(c->output.checkpoint.value == 30.5);
    eqs_config_destroy(c);
}

static void an_unknown_key_names_the_nearest_known_one(void **state)
{
    (void)state;
    refused_line("learning: {bta: 1}",
                 "t.yaml:2:12: unknown key 'learning.bta'; the nearest known is 'learning.beta'");
    refused_line("lerning: {beta: 1}", "the nearest known is 'learning'");
    refused_line("epochs: 3", "the nearest known is 'learning.epochs'");
    refused_line("learning.beta: 1", "unknown key 'learning.beta'");
    refused_line("circuit: {tau: 1}", "the nearest known is 'dynamics.tau'");
}

static void a_wrong_value_is_refused_with_its_place_and_what_is_allowed(void **state)
{
    (void)state;
    refused_line("learning: {beta: abc}", "t.yaml:2:18: learning.beta: found 'abc', allowed: a number");
    refused_line("learning: {beta: \"1\"}", "found \"1\", allowed: a number");
    refused_line("learning: {beta: [1]}", "found a list of 1");
    refused_line("learning: {beta: {a: 1}}", "found a mapping");
    refused_line("learning: {beta: }", "found nothing");
    refused_line("learning: {beta: .nan}", "found '.nan'");
    refused_line("learning: {beta: .inf}", "found '.inf'");
    refused_line("learning: {beta: 1e999}", "found '1e999'");
    refused_line("learning: {beta: 0x10}", "found '0x10'");
    refused_line("learning: {beta: 0}", "t.yaml:2:18: learning.beta: found 0");
    refused_line("learning: {persistent: 1}", "allowed: true or false");
    refused_line("learning: {persistent: yes}", "allowed: true or false");
    refused_line("learning: {batch: 0}",
                 "learning.batch: found '0', allowed: an integer from 1 to 4294967295");
    refused_line("learning: {batch: 2.5}", "found '2.5'");
    refused_line("learning: {batch: -3}", "found '-3'");
    refused_line("seed: 18446744073709551616", "seed: found '18446744073709551616'");
    refused_line("learning: {nudge: both}", "allowed: fixed, random-sign, centred");
    refused_line("learning: {rates: [0.1, x]}", "t.yaml:2:25: learning.rates: found 'x'");
    refused_line("learning: {rates: [0.1, -1]}", "found '-1'");
    refused_line("data: {pool: [1]}", "found a list of 1, allowed: [] or a list of 2 integers");
    refused_line("data: {pool: 7}", "found '7'");
    refused_line("relaxation: {tolerance: 0}", "a number > 0");
    refused_line("relaxation: {t_max: -.inf}", "or .inf");
    refused_line("output: {checkpoint: often}", "allowed: epoch, never, or a number > 0");
    refused_line("learning: 3", "learning: found a single value, allowed a mapping");
    refused_line("learning: [3]", "found a list, allowed a mapping");
    refused_line("hardware: {noise: 1}", "hardware.noise: no hardware option exists yet");
    refused("network: {layers: [3]}", "found a list of 1, allowed: a list of at least 2 integers");
    refused("network: {layers: [3, 0]}", "found '0'");
    refused("network: {layers: [3, 1], couplings: [[0, 1, 2]]}",
            "allowed: layered, full, or a list of pairs");
    refused("- 1\n", "found no mapping");
}

static void keys_are_checked_against_each_other(void **state)
{
    (void)state;
    refused("seed: 2\n", "network.layers: found nothing");
    refused("", "network.layers: found nothing");
    refused_line("learning: {rates: [1, 2, 3]}",
                 "t.yaml:2:19: learning.rates: found 3 values, allowed 1 or 2");
    refused_line("learning: {bias_rates: [1, 2, 3]}", "found 3 values, allowed 1 or 2");
    refused_line("dynamics: {tau: [1, 1, 1, 1]}", "found 4 values, allowed 1, 2 (layers 1 to L) or 3");
    refused_line("data: {set: csv}", "data.path: found nothing, needed by set: csv");
    refused_line("data: {set: idx, path: a}", "data.labels: found nothing");
    refused_line("data: {labels: a}", "allowed only with set: idx");
    refused_line("data: {set: csv, path: a, pool: [2, 2]}", "holds no images");
    refused("network: {layers: [2, 3, 1], activation: [tanh, tanh, tanh]}", "found 3 values, allowed 1 or 2");
    refused("network: {layers: [2, 1], couplings: [[0, 2]]}", "found [0, 2], allowed layers 0 to 1");
    refused("network: {layers: [2, 1], thresholds: [1, 0]}", "allowed beta1 < beta2");
    refused("network: {layers: [2, 1], beta: [0, .inf, 0]}", "only as the first");
    refused("network: {layers: [2, 1], init: file}", "needed by init: file");
    eqs_config *c =
        parsed("network: {layers: [2, 3, 1], couplings: full}\nlearning: {rates: [1, 2, 3, 4, 5]}");
    assert_int_equal(eqs_config_n_couplings(c), 5);
    eqs_config_destroy(c);
}

static void yaml_beyond_plain_mappings_is_refused(void **state)
{
    (void)state;
    refused_line("learning: {beta: &a 1}", "t.yaml:2:18: anchors");
    refused_line("learning: {beta: *a}", "aliases");
    refused_line("learning: {beta: !!int 1}", "tags");
    refused_line("learning: {beta: 1, beta: 2}", "t.yaml:2:21: key 'beta' is given twice (first in line 2)");
    refused(TINY TINY, "key 'network' is given twice (first in line 1)");
    refused_line("---\nseed: 1", "second document");
    refused_line("? [a]\n: 1", "a key must be a plain name");
    refused_line("learning: {beta: 1", "YAML syntax");
    refused_line("learning: {beta: \"a\\0b\"}", "zero byte");
    refused_line("learning: {rates: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}", "deeper than 16");
    refused("\x80", "YAML syntax");
}

static void large_and_deep_texts_are_refused_quickly(void **state)
{
    (void)state;
    size_t size = (1 << 20) + 2;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, '#', size - 1);
    text[size - 1] = '\0';
    refused(text, "found 1048577 bytes, allowed 1048576");
    memset(text, '[', size - 2);
    text[size - 2] = '\0';
    refused(text, "deeper than 16");
    /* a mapping with as many keys as fit */
    size_t n = 0;
    for (int i = 0; n + 16 < size; i++)
        n += (size_t)sprintf(text + n, "k%x:\n", (unsigned)i);
    refused(text, "more than 1000 keys");
    free(text);
}

static void an_override_replaces_one_value(void **state)
{
    (void)state;
    eqs_config *c = parsed(paper_001);
    assert_ok(eqs_config_set(c, "learning.beta=-0.25"));
    assert_ok(eqs_config_set(c, "network.layers=[784, 10]"));
    assert_ok(eqs_config_set(c, "data.path=/tmp/a=b"));
    assert_ok(eqs_config_set(c, "seed=7"));
    assert_true(c->learning.beta == -0.25);
    assert_int_equal(c->network.layers.n, 2);
    assert_string_equal(c->data.path, "/tmp/a=b");
    assert_int_equal(c->seed, 7);
    assert_fails(eqs_config_check(c), EQS_BAD_CONFIG, "network.gain: found 2 values, allowed 1");
    assert_ok(eqs_config_set(c, "network.gain=[]"));
    assert_fails(eqs_config_check(c), EQS_BAD_CONFIG,
                 "test.yaml:7:66: learning.rates: found 2 values, allowed 1 (for the couplings)");
    assert_ok(eqs_config_set(c, "learning.rates=0.1"));
    assert_ok(eqs_config_check(c));
    eqs_config_destroy(c);
}

static void a_wrong_override_changes_nothing(void **state)
{
    (void)state;
    eqs_config *c = parsed(paper_001);
    assert_fails(eqs_config_set(c, "learning.beta=x"), EQS_BAD_CONFIG, "--set:1:1: learning.beta: found 'x'");
    assert_fails(eqs_config_set(c, "learning.beta="), EQS_BAD_CONFIG, "found nothing");
    assert_fails(eqs_config_set(c, "learning.beta"), EQS_BAD_CONFIG, "allowed section.key=value");
    assert_fails(eqs_config_set(c, "=1"), EQS_BAD_CONFIG, "allowed section.key=value");
    assert_fails(eqs_config_set(c, "learning.bet=1"), EQS_BAD_CONFIG, "the nearest known is 'learning.beta'");
    assert_fails(eqs_config_set(c, "hardware.a=1"), EQS_BAD_CONFIG, "no hardware option");
    assert_fails(eqs_config_set(c, "network.layers=[1, 2"), EQS_BAD_CONFIG, "YAML syntax");
    assert_fails(eqs_config_set(c, "network.layers=[5, x]"), EQS_BAD_CONFIG, "found 'x'");
    assert_true(c->learning.beta == 0.5);
    assert_int_equal(c->network.layers.n, 3);
    assert_ok(eqs_config_check(c));
    eqs_config_destroy(c);
}

static void a_module_can_refuse_a_value_at_its_place(void **state)
{
    (void)state;
    eqs_config *c = parsed(paper_001);
    assert_fails(eqs_config_fail(c, "relaxation.solver", "found '%s'", "magic"), EQS_BAD_CONFIG,
                 "test.yaml:6:22: relaxation.solver: found 'magic'");
    assert_fails(eqs_config_fail(c, "circuit.vntol", "no"), EQS_BAD_CONFIG, "test.yaml: circuit.vntol: no");
    assert_ok(eqs_config_set(c, "relaxation.solver=euler"));
    assert_fails(eqs_config_fail(c, "relaxation.solver", "no"), EQS_BAD_CONFIG,
                 "--set: relaxation.solver: no");
    double rates[2];
    assert_ok(eqs_config_expand(c, "learning.rates", &c->learning.rates, 0, 2, "couplings", rates));
    assert_true(rates[0] == 0.1 && rates[1] == 0.05);
    assert_ok(eqs_config_expand(c, "learning.bias_rates", &c->learning.bias_rates, 3, 2, "layers", rates));
    assert_true(rates[0] == 3 && rates[1] == 3);
    assert_fails(eqs_config_expand(c, "learning.rates", &c->learning.rates, 0, 3, "couplings", rates),
                 EQS_BAD_CONFIG, "found 2 values, allowed 1 or 3 (one for each of the couplings)");
    eqs_config_destroy(c);
}

typedef eqs_status (*writer)(FILE *file);

static char *written(const eqs_config *config, writer write)
{
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    assert_ok(config != NULL ? eqs_config_write_yaml(config, file) : write(file));
    fclose(file);
    return text;
}

static eqs_status count_entry(const eqs_config_entry *entry, void *user)
{
    size_t *counts = user;
    counts[0]++;
    counts[1] += !entry->is_default;
    assert_true(*entry->meaning != '\0');
    return EQS_OK;
}

static void values_in_force_parse_back_to_themselves(void **state)
{
    (void)state;
    eqs_config *c =
        parsed("network: {layers: [2, 3, 1], couplings: [[0, 1], [1, 2]], activation: [tanh, \"a b\"]}\n"
               "data: {path: \"x\\ty\\\"\\\\ \\u00e9\", labels: \"\", scale: 0.1}\n"
               "learning: {rates: [0.1, 0.30000000000000004], beta: 1e-7, epochs: 0}\n"
               "relaxation: {t_max: .inf, solver: \"true\"}\noutput: {checkpoint: 5e-324}\n");
    char *first = written(c, NULL);
    eqs_config *again = parsed(first);
    char *second = written(again, NULL);
    assert_string_equal(first, second);
    assert_string_equal(c->data.path, again->data.path);
    assert_true(again->learning.rates.v[1] == 0.30000000000000004 &&
                again->output.checkpoint.value == 5e-324);
    assert_non_null(strstr(first, "beta: 1.0e-07\n")); /* a number for YAML 1.1 readers too */
    free(first);
    free(second);
    eqs_config_destroy(c);
    eqs_config_destroy(again);
}

static void the_commented_defaults_parse_and_are_the_defaults(void **state)
{
    (void)state;
    char *text = written(NULL, eqs_config_write_defaults);
    eqs_config *c = parsed(text);
    size_t counts[2] = {0};
    assert_ok(eqs_config_foreach(c, count_entry, counts));
    assert_true(counts[0] > 50);
    assert_int_equal(counts[1], 1); /* network.layers has no default */
    free(text);
    eqs_config_destroy(c);
}

static eqs_status must_be_in_reference(const eqs_config_entry *entry, void *user)
{
    char cell[64];
    const char *dot = strchr(entry->name, '.');
    snprintf(cell, sizeof cell, "| `%s` |", dot != NULL ? dot + 1 : entry->name);
    assert_non_null(strstr(user, cell));
    return EQS_OK;
}

static void the_reference_has_a_row_for_every_key(void **state)
{
    (void)state;
    char *text = written(NULL, eqs_config_write_reference);
    eqs_config *c = parsed(TINY);
    assert_ok(eqs_config_foreach(c, must_be_in_reference, text));
    assert_non_null(strstr(text, "## `hardware`"));
    free(text);
    eqs_config_destroy(c);
}

static void writing_to_a_full_disk_is_an_error(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_fails(eqs_config_write_defaults(full), EQS_IO, "No space left");
    fclose(full);
}

static void files_are_loaded_with_their_name_in_messages(void **state)
{
    (void)state;
    eqs_config *c;
    const char *path = scratch_text("good.yaml", paper_001);
    assert_ok(eqs_config_load(path, &c));
    assert_string_equal(eqs_config_name(c), path);
    eqs_config_destroy(c);
    assert_fails(eqs_config_load(scratch("none.yaml"), &c), EQS_MISSING_INPUT,
                 "none.yaml: cannot open: No such file");
    assert_fails(eqs_config_load(scratch_folder, &c), EQS_MISSING_INPUT, "found a folder");
    assert_fails(eqs_config_load(scratch_text("bad.yaml", TINY "a: 1"), &c), EQS_BAD_CONFIG,
                 "bad.yaml:2:1: unknown");
    assert_fails(eqs_config_load(scratch_write("zero.yaml", "a\0b", 3), &c), EQS_BAD_CONFIG, "zero byte");
    char *big = calloc(1, 1 << 21);
    assert_fails(eqs_config_load(scratch_write("big.yaml", big, 1 << 21), &c), EQS_BAD_CONFIG,
                 "allowed 1048576");
    free(big);
}

static void random_damage_is_refused_or_read_but_never_crashes(void **state)
{
    (void)state;
    eqs_random random = eqs_random_stream(3, EQS_RANDOM_TEST, 0, 0);
    static const char spice[] = "{}[]:,&*!|>'\"%@`#-? \n\t\\0.9eE~\x80";
    size_t refusals = 0;
    uint64_t at = 0;
    for (int round = 0; round < 4000; round++) {
        char text[sizeof paper_001 + 8];
        memcpy(text, paper_001, sizeof paper_001);
        int changes = 1 + (int)(eqs_random_u32(&random, at++) % 4);
        for (int k = 0; k < changes; k++) {
            size_t where = eqs_random_u32(&random, at++) % (sizeof paper_001 - 1);
            text[where] = spice[eqs_random_u32(&random, at++) % (sizeof spice - 1)];
        }
        if (round % 10 == 0)
            text[eqs_random_u32(&random, at++) % (sizeof paper_001 - 1)] = '\0';
        eqs_config *c = NULL;
        eqs_status status = eqs_config_parse(text, "fuzz", &c);
        assert_true(status == EQS_OK || status == EQS_BAD_CONFIG);
        refusals += status != EQS_OK;
        assert_true((status == EQS_OK) == (c != NULL));
        eqs_config_destroy(c);
    }
    assert_true(refusals > 1000 && refusals < 4000);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    eqs_config *c = NULL;
    long k = 1;
    for (; k < 10000; k++) {
        eqs_alloc_fail_at(k);
        eqs_status status = eqs_config_parse(paper_001, "test", &c);
        eqs_alloc_fail_at(0);
        if (status == EQS_OK)
            break;
        assert_int_equal(status, EQS_NO_MEMORY);
        assert_null(c);
    }
    assert_true(k > 100 && k < 10000);
    for (k = 1; k < 100; k++) {
        eqs_alloc_fail_at(k);
        eqs_status status = eqs_config_set(c, "network.activation=[tanh, linear]");
        eqs_alloc_fail_at(0);
        if (status == EQS_OK)
            break;
        assert_int_equal(status, EQS_NO_MEMORY);
        assert_int_equal(c->network.activation.n, 1);
    }
    assert_true(k > 3 && k < 100);
    eqs_config_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_design_parses),
        cmocka_unit_test(keys_not_given_take_their_defaults),
        cmocka_unit_test(words_stand_in_the_order_of_the_enums_they_mean),
        cmocka_unit_test(every_form_of_a_value_is_read),
        cmocka_unit_test(an_unknown_key_names_the_nearest_known_one),
        cmocka_unit_test(a_wrong_value_is_refused_with_its_place_and_what_is_allowed),
        cmocka_unit_test(keys_are_checked_against_each_other),
        cmocka_unit_test(yaml_beyond_plain_mappings_is_refused),
        cmocka_unit_test(large_and_deep_texts_are_refused_quickly),
        cmocka_unit_test(an_override_replaces_one_value),
        cmocka_unit_test(a_wrong_override_changes_nothing),
        cmocka_unit_test(a_module_can_refuse_a_value_at_its_place),
        cmocka_unit_test(values_in_force_parse_back_to_themselves),
        cmocka_unit_test(the_commented_defaults_parse_and_are_the_defaults),
        cmocka_unit_test(the_reference_has_a_row_for_every_key),
        cmocka_unit_test(writing_to_a_full_disk_is_an_error),
        cmocka_unit_test(files_are_loaded_with_their_name_in_messages),
        cmocka_unit_test(random_damage_is_refused_or_read_but_never_crashes),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
