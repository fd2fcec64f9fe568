/* Every model x engine x solver x rule x precision that can train resumes with the same bits: one epoch on
 * two threads, written, resumed on four threads for the second, is byte for byte the file of both epochs on
 * one thread. The matrix is made from the tables of solvers, rules and configuration words, so that what is
 * added there is tested here, or this test fails and says what it lacks. */
#include "tests/learning/small_run.h"

#include "base/run.h"
#include "learning/rule.h"
#include "learning/run_file.h"
#include "solver/relax.h"
#include "store/config_table.h"

enum { EPOCHS = 2, MOST_BLOCKS = 16, MOST_OVERRIDES = 24, MOST_WORDS = 40, MOST_AXES = 8 };

/* small, quick, and within what every solver can do */
static const char *const base[] = {"data.train=10",       "data.validation=4", "data.test=3",
                                   "learning.batch=4",    "learning.epochs=2", "learning.beta=0.4",
                                   "learning.rates=0.05", "network.gain=0.5",  "relaxation.tolerance=1e-5"};
enum { N_BASE = sizeof base / sizeof *base };

/* Words that cannot stand alone: what they need besides (up to 4 overrides), or why they never train. */
static const struct {
    const char *word;
    const char *why_not; /* NULL: trains with the overrides */
    const char *with[4];
} companions[] = {
    {"network.init=file", "needs a file; test_run_file.c starts from one", {NULL}},
    {"relaxation.start=random", "refused: training starts at the last free state or at 0", {NULL}},
    {"learning.engine=ngspice", "resistive, not persistent: test_phases_circuit.c resumes it", {NULL}},
    {"learning.engine=transient", "as ngspice, but slow", {NULL}},
    {"network.model=resistive", NULL, {"learning.engine=ode", "network.g_min=0.01", "relaxation.step=0.05"}},
    {"network.diode=none", NULL, {"network.model=resistive", "learning.engine=ode", "network.g_min=0.01"}},
    {"network.diode=shockley",
     NULL,
     {"network.model=resistive", "learning.engine=ode", "network.g_min=0.01"}},
    {"network.diode=ngspice", NULL, {"network.model=resistive", "learning.engine=ode", "network.g_min=0.01"}},
    {"network.diode_layout=pair",
     NULL,
     {"network.model=resistive", "learning.engine=ode", "network.g_min=0.01", "network.diode_bias=[-1, 1]"}},
    {"network.back_gain=conserving",
     NULL,
     {"network.model=resistive", "learning.engine=ode", "network.g_min=0.01", "network.amplifier=2"}},
    {"network.init=uniform-clipped",
     NULL,
     {"network.model=resistive", "learning.engine=ode", "network.g_min=0.01"}},
    {"learning.cost=softmax", NULL, {"network.model=resistive", "learning.engine=ode", "network.g_min=0.01"}},
    {"learning.nudge_form=conductance",
     NULL,
     {"network.model=resistive", "learning.engine=ode", "network.g_min=0.01", "learning.beta=0.01"}},
    /* unbounded units with strong couplings have no equilibrium */
    {"network.activation=linear", NULL, {"learning.rates=0.01", "network.gain=0.3"}},
    {"learning.rule=recurrent-backprop", NULL, {"learning.nudge=none"}},
    {"learning.rule=exact", NULL, {"learning.nudge=none"}},
    {"learning.rule=contrastive-hebbian", NULL, {"learning.nudge=none"}},
    {"learning.engine=cosimulation", NULL, {"cosimulation.parts=[layer 1]"}},
    {"learning.nudge=none", NULL, {"learning.rule=exact"}},
};
enum { N_COMPANIONS = sizeof companions / sizeof *companions };

/* One dimension of the matrix: a key and all its values, and how often each has trained. */
typedef struct axis {
    const char *key;
    size_t n, trained[MOST_WORDS];
    const char *word[MOST_WORDS];
} axis;

static void axis_add(axis *a, const char *word)
{
    assert_true(a->n < MOST_WORDS);
    a->word[a->n++] = word;
}

/* the words of a key of the configuration table; none when this build has no such key */
static axis axis_of_words(const char *key)
{
    axis a = {.key = key};
    size_t at = eqs_config_find(key);
    for (size_t i = 0; at != SIZE_MAX && eqs_config_keys[at].words != NULL; i++) {
        if (eqs_config_keys[at].words[i] == NULL)
            break;
        axis_add(&a, eqs_config_keys[at].words[i]);
    }
    return a;
}

static axis axis_of_solvers(void)
{
    axis a = {.key = "relaxation.solver"};
    for (size_t i = 0; eqs_solver_get(i) != NULL; i++)
        axis_add(&a, eqs_solver_get(i)->name);
    return a;
}

/* all rules, or those whose phases are all relaxed by the solver of the matrix */
static axis axis_of_rules(bool all)
{
    axis a = {.key = "learning.rule"};
    for (size_t i = 0; eqs_rule_get(i) != NULL; i++) {
        if (all || eqs_rule_get(i)->gradient == NULL)
            axis_add(&a, eqs_rule_get(i)->name);
    }
    return a;
}

static axis axis_of_activations(void)
{
    axis a = {.key = "network.activation"};
#define X(kind, name, formula) axis_add(&a, name);
    EQS_ACTIVATION_LIST(X)
#undef X
    return a;
}

/* ---- one combination ---- */

/* Opens a run or says why it cannot train (EQS_BAD_CONFIG only). */
static eqs_status try_open(size_t n, const char *const *overrides, int threads, small_run *run)
{
    *run = (small_run){.config = small_config(n, overrides)};
    eqs_train_options options;
    eqs_status status = eqs_setup_create(run->config, NULL, &run->setup);
    if (status == EQS_OK)
        status = eqs_setup_train_options(run->setup, threads, &options);
    if (status == EQS_OK)
        status = eqs_dataset_open(&run->config->data, run->config->seed, &run->data);
    if (status == EQS_OK)
        status =
            eqs_trainer_create(run->setup->energy, run->data, &options, run->setup->theta, &run->trainer);
    if (status != EQS_OK)
        small_run_close(run);
    return status;
}

/* Epochs from where the run stands to `end`, each "of one second", so that equal runs give equal bytes. */
static eqs_status train_to(small_run *run, eqs_run *file, unsigned end)
{
    while (eqs_trainer_position(run->trainer)->epoch < end) {
        eqs_epoch_row row;
        double change[MOST_BLOCKS];
        EQS_TRY(eqs_trainer_epoch(run->trainer, NULL, NULL, &row));
        eqs_trainer_change(run->trainer, change);
        EQS_TRY(eqs_run_append(file, &row, 1.0, change));
    }
    return EQS_OK;
}

/* One call of the program: opens, resumes when asked, trains to an epoch, writes. */
static eqs_status train_part(size_t n, const char *const *overrides, int threads, bool resume, unsigned end,
                             const char *path)
{
    small_run run;
    EQS_TRY(try_open(n, overrides, threads, &run));
    eqs_run *file;
    assert_ok(eqs_run_open(path, run.setup, run.trainer, &file));
    if (resume)
        assert_ok(eqs_run_resume(file));
    eqs_status status = train_to(&run, file, end);
    if (status == EQS_OK)
        assert_ok(eqs_run_write(file, end < EPOCHS ? "running" : "complete"));
    eqs_run_close(file);
    small_run_close(&run);
    return status;
}

/* true when it trained; false when it was refused as a configuration. Any other failure fails the test. */
static bool resumes(size_t n, const char *const *overrides)
{
    char whole[300], parts[300];
    snprintf(whole, sizeof whole, "%s", scratch("whole.h5"));
    snprintf(parts, sizeof parts, "%s", scratch("parts.h5"));
    eqs_status status = train_part(n, overrides, 1, false, EPOCHS, whole);
    if (status == EQS_BAD_CONFIG)
        return false;
    if (status == EQS_OK)
        status = train_part(n, overrides, 2, false, 1, parts);
    if (status == EQS_OK)
        status = train_part(n, overrides, 4, true, EPOCHS, parts);
    size_t size[2];
    unsigned char *bytes[2] = {NULL, NULL};
    if (status == EQS_OK) {
        bytes[0] = scratch_read(whole, &size[0]);
        bytes[1] = scratch_read(parts, &size[1]);
    }
    if (status != EQS_OK || size[0] != size[1] || memcmp(bytes[0], bytes[1], size[0]) != 0) {
        for (size_t i = N_BASE; i < n; i++)
            print_error("%s ", overrides[i]);
        fail_msg(": %s", status == EQS_OK ? "the resumed run has other bits" : eqs_error_message());
    }
    free(bytes[0]);
    free(bytes[1]);
    return true;
}

/* ---- the matrix ---- */

/* Overrides of a point of the matrix, with the companions of its words; texts are the caller's. */
static size_t overrides_of(size_t n_axes, const axis *axes, const size_t *at, const char **overrides,
                           char text[][96])
{
    size_t n = N_BASE;
    memcpy(overrides, base, sizeof base);
    for (size_t a = 0; a < n_axes; a++) {
        if (axes[a].n == 0)
            continue;
        snprintf(text[a], sizeof text[a], "%s=%s", axes[a].key, axes[a].word[at[a]]);
        overrides[n++] = text[a];
        for (size_t c = 0; c < N_COMPANIONS; c++) {
            for (size_t i = 0; strcmp(companions[c].word, text[a]) == 0 && i < 4; i++) {
                if (companions[c].with[i] != NULL)
                    overrides[n++] = companions[c].with[i];
            }
            assert_true(n < MOST_OVERRIDES);
        }
    }
    return n;
}

static bool is_excused(const char *key, const char *word)
{
    char text[96];
    snprintf(text, sizeof text, "%s=%s", key, word);
    for (size_t c = 0; c < N_COMPANIONS; c++) {
        if (strcmp(companions[c].word, text) == 0 && companions[c].why_not != NULL)
            return true;
    }
    return false;
}

/* Every word of every axis must have trained somewhere. */
static void check_covered(size_t n_axes, const axis *axes)
{
    for (size_t a = 0; a < n_axes; a++) {
        for (size_t w = 0; w < axes[a].n; w++) {
            if (axes[a].trained[w] == 0 && !is_excused(axes[a].key, axes[a].word[w]))
                fail_msg("%s: %s never trained: give it companions in this file, or say why it cannot (%s)",
                         axes[a].key, axes[a].word[w], eqs_error_message());
        }
    }
}

static void walk_some(size_t n_axes, axis *axes)
{
    size_t at[MOST_AXES] = {0}, points = 0, trained = 0;
    for (bool more = true; more;) {
        const char *overrides[MOST_OVERRIDES];
        char text[MOST_AXES][96];
        size_t n = overrides_of(n_axes, axes, at, overrides, text);
        bool fine = resumes(n, overrides);
        points++;
        trained += fine;
        for (size_t a = 0; a < n_axes; a++)
            axes[a].trained[at[a]] += fine;
        more = false;
        for (size_t a = n_axes; a-- > 0 && !more;) { /* the next point: the last axis turns fastest */
            more = ++at[a] < axes[a].n;
            if (!more)
                at[a] = 0;
        }
    }
    print_message("%zu of %zu combinations train; each resumed with the same bits\n", trained, points);
}

static void walk(size_t n_axes, axis *axes)
{
    walk_some(n_axes, axes);
    check_covered(n_axes, axes);
}

static void every_form_solver_rule_and_precision_resumes_with_the_same_bits(void **state)
{
    (void)state;
    axis axes[] = {axis_of_words("dynamics.form"), axis_of_words("learning.engine"), axis_of_solvers(),
                   axis_of_rules(false), axis_of_words("relaxation.precision")};
    walk(sizeof axes / sizeof *axes, axes);
}

/* with the solvers that do them; every word of their keys is in the test of words */
static void resistive_networks_resume_with_the_same_bits(void **state)
{
    (void)state;
    axis model = {.key = "network.model"};
    axis_add(&model, "resistive");
    axis axes[] = {model, axis_of_words("learning.engine"), axis_of_solvers(),
                   axis_of_words("learning.nudge")};
    walk_some(sizeof axes / sizeof *axes, axes);
    assert_true(axes[0].trained[0] > 0);
}

static void every_nudge_of_every_rule_resumes_with_the_same_bits(void **state)
{
    (void)state;
    axis axes[] = {axis_of_words("learning.engine"), axis_of_words("relaxation.precision"),
                   axis_of_words("learning.nudge"), axis_of_rules(true)};
    walk(sizeof axes / sizeof *axes, axes);
}

static void every_activation_resumes_with_the_same_bits(void **state)
{
    (void)state;
    axis axes[] = {axis_of_activations(), axis_of_words("dynamics.form"), axis_of_words("learning.engine"),
                   axis_of_words("relaxation.precision")};
    walk(sizeof axes / sizeof *axes, axes);
}

/* keys of these sections decide what is computed */
static bool is_physics(const char *name)
{
    static const char *const sections[] = {"network.", "dynamics.", "relaxation.", "learning.", "hardware."};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        if (strncmp(name, sections[i], strlen(sections[i])) == 0)
            return true;
    }
    return false;
}

static void every_word_of_the_configuration_resumes_with_the_same_bits(void **state)
{
    (void)state;
    for (size_t k = 0; k < eqs_config_n_keys; k++) {
        axis one = axis_of_words(eqs_config_keys[k].name);
        if (one.n > 0 && is_physics(one.key))
            walk(1, &one);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_form_solver_rule_and_precision_resumes_with_the_same_bits),
        TEST(resistive_networks_resume_with_the_same_bits),
        TEST(every_nudge_of_every_rule_resumes_with_the_same_bits),
        TEST(every_activation_resumes_with_the_same_bits),
        TEST(every_word_of_the_configuration_resumes_with_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
