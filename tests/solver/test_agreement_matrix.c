/* One network, one fixed point: every equilibrium solver x activation x topology x phase against CVODE run to
 * a tight residual from the same start; and where a network has several fixed points, whoever ends in another
 * one than CVODE is named by solver/attractor.h. */
#include "tests/solver/solver_case.h"

#include "solver/attractor.h"

enum { BATCH = 3, PHASES = 3 };

static const char *const solvers[] = {"sweep", "nesterov", "anderson", "newton", "auto", "kinsol", "euler"};
static const case_topology topologies[] = {LAYERED, SKIP, LATERAL, FULL};
static const double nudges[PHASES] = {0.0, 0.5, -0.3};

enum {
    N_SOLVERS = sizeof solvers / sizeof *solvers,
    MATRIX_TOPOLOGIES = sizeof topologies / sizeof *topologies
};

/* what CVODE is run with where it is the judge */
static eqs_relax_options reference_options(double tolerance)
{
    eqs_relax_options options = case_options("cvode-bdf", tolerance);
    options.rtol = 1e-8;
    options.atol = 1e-11;
    options.t_max = 1e6;
    options.max_steps = 10000000;
    return options;
}

static eqs_relax_options solver_options(const char *solver, double tolerance)
{
    eqs_relax_options options = case_options(solver, tolerance);
    options.t_max = 1e6;
    options.max_steps = 5000;
    options.step = 0.3;
    return options;
}

static eqs_state *copy_of(const test_case *c, const eqs_state *from)
{
    eqs_state *state;
    assert_ok(eqs_state_create(c->net, from->batch, &state));
    eqs_state_copy(c->net, from, state);
    return state;
}

/* all solvers from c->state, which ends as CVODE's fixed point */
static void compare_phase(test_case *c, size_t phase, const char *what)
{
    eqs_state *start = copy_of(c, c->state), *expected;
    eqs_network_nudge(c->net, nudges[phase], c->phase.beta);
    eqs_relax_options options = reference_options(1e-10);
    options.settled_start = phase > 0;
    case_relax(c, &options);
    expected = copy_of(c, c->state);
    for (size_t i = 0; i < N_SOLVERS; i++) {
        options = solver_options(solvers[i], 1e-10);
        eqs_state_copy(c->net, start, c->state);
        case_relax(c, &options);
        double difference = eqs_state_difference(c->net, c->state, expected, NULL);
        if (!(difference < 1e-8))
            print_error("%s: %s, nudge %g: %g from CVODE's fixed point\n", what, solvers[i], nudges[phase],
                        difference);
        assert_true(difference < 1e-8);
    }
    if (phase == 0)
        eqs_state_copy(c->net, expected, c->state);
    else
        eqs_state_copy(c->net, start, c->state); /* the other nudged phase starts from the free state too */
    eqs_state_destroy(start);
    eqs_state_destroy(expected);
}

static void compare_form(eqs_form form)
{
    for (size_t t = 0; t < MATRIX_TOPOLOGIES; t++) {
        for (int kind = 0; kind < EQS_ACTIVATION_COUNT; kind++) {
            if (!case_continuous(form, (eqs_activation_kind)kind))
                continue;
            char what[80];
            snprintf(what, sizeof what, "form %d, topology %d, rho %d", (int)form, (int)topologies[t], kind);
            test_case c = case_create((case_def){.topology = topologies[t],
                                                 .activation = (eqs_activation_kind)kind,
                                                 .form = form,
                                                 .gain = 0.3, /* weak: one fixed point, whatever the path */
                                                 .batch = BATCH});
            for (size_t phase = 0; phase < PHASES; phase++)
                compare_phase(&c, phase, what);
            case_destroy(&c);
        }
    }
}

static void every_solver_ends_where_the_membrane_flow_ends(void **unused)
{
    (void)unused;
    compare_form(EQS_FORM_MEMBRANE);
}

static void every_solver_ends_where_the_projected_flow_ends(void **unused)
{
    (void)unused;
    compare_form(EQS_FORM_PROJECTED);
}

static void every_solver_ends_where_the_gradient_flow_ends(void **unused)
{
    (void)unused;
    compare_form(EQS_FORM_GRADIENT);
}

/* Largest difference of a sample's states. */
static double sample_distance(const test_case *c, const eqs_state *a, const eqs_state *b, size_t sample)
{
    double largest = 0.0;
    for (size_t k = eqs_first_free_layer(c->net); k < c->net->n_layers; k++)
        for (size_t i = sample * case_units[k]; i < (sample + 1) * case_units[k]; i++)
            largest = fmax(largest, fabs(a->s[k][i] - b->s[k][i]));
    return largest;
}

/* samples of all networks by what became of them */
typedef struct tally {
    size_t same, elsewhere, not_arrived;
} tally;

/* One solver from `start`: a sample has arrived in CVODE's fixed point, or the check names it, or the result
 * says that it has not arrived. */
static void try_solver(test_case *c, const char *solver, const eqs_state *start, const eqs_state *expected,
                       tally *sum)
{
    uint8_t elsewhere[BATCH];
    size_t said, differ = 0;
    eqs_relax_options options = solver_options(solver, 1e-9), reference = reference_options(1e-9);
    eqs_relax_result result;
    eqs_state_copy(c->net, start, c->state);
    assert_ok(eqs_relax_run(c->energy, &c->phase, &options, c->state, &result));
    assert_ok(eqs_attractor_check(c->energy, &c->phase, &reference, EQS_ATTRACTOR_DISTANCE, start, c->state,
                                  elsewhere, &said));
    for (size_t b = 0; b < BATCH; b++) {
        double distance = sample_distance(c, c->state, expected, b);
        differ += elsewhere[b];
        if (result.end[b] != EQS_RELAX_CONVERGED) {
            /* Newton's method and mixing may find no way where others do; those must arrive */
            assert_true(strcmp(solver, "kinsol") == 0 || strcmp(solver, "anderson") == 0);
            assert_true(result.residual[b] > 1e-9);
            sum->not_arrived++;
            continue;
        }
        /* the same fixed point or a clearly different one: nothing in between */
        assert_true(distance < 1e-6 || distance > 1e-2);
        assert_int_equal(elsewhere[b], distance > 1e-2);
        sum->elsewhere += elsewhere[b];
        sum->same += !elsewhere[b];
    }
    assert_int_equal(said, differ);
    eqs_relax_result_clear(&result);
}

/* strong couplings, random starts: several fixed points in most of these networks */
static void who_ends_in_another_fixed_point_is_named(void **unused)
{
    (void)unused;
    static const eqs_activation_kind bounded[] = {EQS_HARD_SIGMOID, EQS_PIECEWISE_LINEAR, EQS_SIGMOID,
                                                  EQS_TANH};
    tally sum[N_SOLVERS] = {0};
    size_t elsewhere = 0;
    for (size_t t = 0; t < MATRIX_TOPOLOGIES; t++) {
        for (size_t kind = 0; kind < sizeof bounded / sizeof *bounded; kind++) {
            test_case c = case_create((case_def){.topology = topologies[t],
                                                 .activation = bounded[kind],
                                                 .form = EQS_FORM_MEMBRANE,
                                                 .gain = 2.5,
                                                 .batch = BATCH});
            eqs_state_randomise(c.net, c.state, 3, (uint32_t)kind);
            eqs_state *start = copy_of(&c, c.state), *expected;
            eqs_relax_options options = reference_options(1e-9);
            case_relax(&c, &options);
            expected = copy_of(&c, c.state);
            for (size_t i = 0; i < N_SOLVERS; i++)
                try_solver(&c, solvers[i], start, expected, &sum[i]);
            eqs_state_destroy(start);
            eqs_state_destroy(expected);
            case_destroy(&c);
        }
    }
    for (size_t i = 0; i < N_SOLVERS; i++) {
        print_message("%-9s CVODE's fixed point %zu, another %zu, not arrived %zu\n", solvers[i], sum[i].same,
                      sum[i].elsewhere, sum[i].not_arrived);
        elsewhere += sum[i].elsewhere;
        assert_true(sum[i].same > 0);
    }
    assert_true(elsewhere > 0);                        /* otherwise nothing has been tried */
    assert_int_equal(sum[N_SOLVERS - 1].elsewhere, 0); /* euler, in small steps, follows the flow */
}

static void a_reference_that_does_not_arrive_is_an_error(void **unused)
{
    (void)unused;
    test_case c = case_create((case_def){.form = EQS_FORM_MEMBRANE, .batch = BATCH});
    eqs_relax_options options = solver_options("sweep", 1e-12);
    uint8_t elsewhere[BATCH];
    size_t count;
    options.max_steps = 1;
    assert_int_equal(eqs_attractor_check(c.energy, &c.phase, &options, EQS_ATTRACTOR_DISTANCE, c.state,
                                         c.state, elsewhere, &count),
                     EQS_NOT_CONVERGED);
    assert_non_null(strstr(eqs_error_message(), "sweep: 3 of 3 samples did not arrive"));
    case_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_solver_ends_where_the_membrane_flow_ends),
        cmocka_unit_test(every_solver_ends_where_the_projected_flow_ends),
        cmocka_unit_test(every_solver_ends_where_the_gradient_flow_ends),
        cmocka_unit_test(who_ends_in_another_fixed_point_is_named),
        cmocka_unit_test(a_reference_that_does_not_arrive_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
