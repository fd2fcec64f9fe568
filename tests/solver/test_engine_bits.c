/* Bits of the batch engine: a sample's result is its own, whatever else is in the minibatch, in which row it
 * stands and how many threads work. */
#include "tests/solver/solver_case.h"

#include "solver/engine.h"

enum { BATCH = 13, LAYERS = 4 };

/* wide enough for several panels and blocks, with remainders in both */
static const size_t units[LAYERS] = {37, 61, 53, 11};

typedef struct net_case {
    eqs_network *net;
    eqs_energy *energy;
    double *theta, *x, *target;
} net_case;

static net_case wide_case(bool full, eqs_activation_kind kind)
{
    net_case c = {0};
    eqs_activation activation[LAYERS];
    size_t couplings[LAYERS * LAYERS][2];
    for (size_t k = 0; k < LAYERS; k++)
        activation[k] = eqs_activation_default(k == 0 ? EQS_HARD_SIGMOID : kind);
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = LAYERS;
    def.units = units;
    def.activation = activation;
    if (full) {
        def.n_couplings = eqs_couplings_full(LAYERS, couplings);
        def.couplings = (const size_t(*)[2])couplings;
    }
    assert_ok(eqs_network_create(&def, &c.net));
    assert_ok(eqs_energy_create(c.net, &c.energy));
    c.theta = eqs_alloc(c.net->n_parameters, sizeof *c.theta);
    c.x = eqs_alloc(BATCH * units[0], sizeof *c.x);
    c.target = eqs_alloc(BATCH * units[LAYERS - 1], sizeof *c.target);
    double gain[LAYERS * LAYERS];
    for (size_t i = 0; i < c.net->n_couplings; i++)
        gain[i] = full ? 0.3 : 0.8;
    eqs_parameters_glorot(c.net, 3, gain, c.theta);
    eqs_random stream = eqs_random_stream(9, EQS_RANDOM_TEST, 0, 0);
    /* sparse data, as images are: zeros are skipped, in blocks that depend on the batch */
    for (size_t i = 0; i < BATCH * units[0]; i++)
        c.x[i] = fmax(0.0, 2.0 * eqs_random_uniform(&stream, i) - 1.0);
    for (size_t i = 0; i < BATCH; i++)
        c.target[i * units[LAYERS - 1] + i % units[LAYERS - 1]] = 1.0;
    return c;
}

static void wide_destroy(net_case *c)
{
    eqs_energy_destroy(c->energy);
    eqs_network_destroy(c->net);
    eqs_free(c->theta);
    eqs_free(c->x);
    eqs_free(c->target);
}

static eqs_engine *engine_of(const net_case *c, eqs_precision precision, const char *solver, int threads)
{
    eqs_engine *engine;
    eqs_engine_options options = eqs_engine_options_default();
    options.precision = precision;
    options.batch = BATCH;
    options.solver = solver;
    options.threads = threads;
    assert_ok(eqs_engine_create(c->energy, &options, &engine));
    eqs_engine_set_parameters(engine, c->theta);
    return engine;
}

/* free and nudged phase of the rows in `order`; every row's bytes go to its own place in `out` */
static void run(const net_case *c, eqs_engine *engine, size_t n, const size_t *order, unsigned char *out,
                uint32_t *sweeps)
{
    double x[BATCH * 37], target[BATCH * 11], beta[EQS_BETA_COUNT];
    size_t bytes = eqs_engine_state_bytes(engine);
    for (size_t i = 0; i < n; i++) {
        memcpy(x + i * units[0], c->x + order[i] * units[0], units[0] * sizeof *x);
        memcpy(target + i * 11, c->target + order[i] * 11, 11 * sizeof *target);
    }
    eqs_engine_load(engine, n, x, target);
    eqs_engine_reset(engine, 0);
    for (size_t slot = 0; slot < 2; slot++) {
        eqs_engine_outcome outcome;
        eqs_network_nudge(c->net, slot == 0 ? 0.0 : 0.5, beta);
        eqs_engine_relax how = {.tolerance = 1e-5, .max_sweeps = 5000, .step = 0.3};
        memcpy(how.beta, beta, sizeof beta);
        if (slot > 0)
            eqs_engine_copy(engine, 0, slot);
        eqs_engine_relax_slot(engine, slot, &how, &outcome);
        if (outcome.unconverged > 0)
            print_error("%zu of %zu unconverged in slot %zu: residual %g\n", outcome.unconverged, n, slot,
                        outcome.max_residual);
        assert_int_equal(outcome.unconverged, 0);
        for (size_t i = 0; i < n; i++) {
            eqs_engine_take_state(engine, slot, i, out + (slot * BATCH + order[i]) * bytes);
            sweeps[slot * BATCH + order[i]] = outcome.sweeps[i];
        }
    }
}

static const struct {
    bool full;
    eqs_activation_kind kind;
    const char *solver;
} cases[] = {
    {false, EQS_HARD_SIGMOID, "auto"},  {false, EQS_HARD_SIGMOID, "nesterov"},
    {false, EQS_HARD_SIGMOID, "euler"}, {false, EQS_PIECEWISE_LINEAR, "auto"},
    {false, EQS_SIGMOID, "sweep"},      {true, EQS_HARD_SIGMOID, "auto"},
    {true, EQS_TANH, "nesterov"},       {false, EQS_HARD_SIGMOID, "newton"},
    {true, EQS_HARD_SIGMOID, "newton"},
};

/* the reference of all tests here: the whole minibatch on one thread */
static unsigned char *reference(const net_case *c, eqs_precision precision, const char *solver,
                                uint32_t *sweeps, size_t *bytes)
{
    size_t order[BATCH];
    eqs_engine *engine = engine_of(c, precision, solver, 1);
    *bytes = eqs_engine_state_bytes(engine);
    unsigned char *out = eqs_alloc(2 * BATCH, *bytes);
    for (size_t i = 0; i < BATCH; i++)
        order[i] = i;
    run(c, engine, BATCH, order, out, sweeps);
    eqs_engine_destroy(engine);
    return out;
}

static void a_sample_alone_gets_the_bits_it_gets_in_a_minibatch(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        eqs_precision precision = i % 2 == 0 ? EQS_SINGLE : EQS_DOUBLE;
        net_case c = wide_case(cases[i / 2].full, cases[i / 2].kind);
        uint32_t sweeps[2 * BATCH], alone_sweeps[2 * BATCH];
        size_t bytes;
        unsigned char *out = reference(&c, precision, cases[i / 2].solver, sweeps, &bytes);
        unsigned char *alone = eqs_alloc(2 * BATCH, bytes);
        eqs_engine *engine = engine_of(&c, precision, cases[i / 2].solver, 1);
        for (size_t row = 0; row < BATCH; row++)
            run(&c, engine, 1, &row, alone, alone_sweeps);
        assert_memory_equal(alone, out, 2 * BATCH * bytes);
        assert_memory_equal(alone_sweeps, sweeps, sizeof sweeps);
        /* in groups of 5, in another order */
        memset(alone, 0, 2 * BATCH * bytes);
        for (size_t first = 0; first < BATCH; first += 5) {
            size_t order[5], n = BATCH - first < 5 ? BATCH - first : 5;
            for (size_t j = 0; j < n; j++)
                order[j] = BATCH - 1 - first - j;
            run(&c, engine, n, order, alone, alone_sweeps);
        }
        assert_memory_equal(alone, out, 2 * BATCH * bytes);
        eqs_engine_destroy(engine);
        eqs_free(alone);
        eqs_free(out);
        wide_destroy(&c);
    }
}

static void threads_do_not_change_a_bit_of_states_and_weights(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        eqs_precision precision = i % 2 == 0 ? EQS_SINGLE : EQS_DOUBLE;
        net_case c = wide_case(cases[i / 2].full, cases[i / 2].kind);
        size_t order[BATCH], n_rates = c.net->n_couplings + LAYERS - 1;
        double *theta[3], rate[LAYERS * LAYERS], change[3][LAYERS * LAYERS], norm[3][LAYERS * LAYERS];
        const double coefficient[EQS_ENGINE_SLOTS] = {-0.3, 0.3};
        unsigned char *out[3];
        size_t bytes = 0;
        for (size_t row = 0; row < BATCH; row++)
            order[row] = (row * 5 + 2) % BATCH;
        for (size_t b = 0; b < n_rates; b++)
            rate[b] = 0.1 + 0.01 * (double)b;
        for (int threads = 1; threads <= 3; threads++) {
            uint32_t sweeps[2 * BATCH];
            eqs_engine *engine = engine_of(&c, precision, cases[i / 2].solver, threads);
            bytes = eqs_engine_state_bytes(engine);
            out[threads - 1] = eqs_alloc(2 * BATCH, bytes);
            theta[threads - 1] = eqs_alloc(c.net->n_parameters, sizeof(double));
            run(&c, engine, BATCH, order, out[threads - 1], sweeps);
            eqs_engine_update(engine, rate, coefficient, 0.0, change[threads - 1], norm[threads - 1]);
            run(&c, engine, BATCH, order, out[threads - 1], sweeps);
            eqs_engine_update(engine, rate, coefficient, 0.0, NULL, NULL);
            eqs_engine_get_parameters(engine, theta[threads - 1]);
            eqs_engine_destroy(engine);
        }
        for (int t = 1; t < 3; t++) {
            assert_memory_equal(out[t], out[0], 2 * BATCH * bytes);
            assert_memory_equal(theta[t], theta[0], c.net->n_parameters * sizeof(double));
            assert_memory_equal(change[t], change[0], n_rates * sizeof(double));
            assert_memory_equal(norm[t], norm[0], n_rates * sizeof(double));
        }
        for (int t = 0; t < 3; t++) {
            eqs_free(out[t]);
            eqs_free(theta[t]);
        }
        wide_destroy(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_alone_gets_the_bits_it_gets_in_a_minibatch),
        cmocka_unit_test(threads_do_not_change_a_bit_of_states_and_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
