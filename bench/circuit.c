/* How fast ngspice solves resistive networks, per pattern: an operating point of the full circuit, one of the
 * circuit with folded sources, sweeps over minibatches (the training loop's jobs: netlists/device_pool.h);
 * free phases, and free and nudged ones with a circuit rebuilt for every minibatch. Beside them the fast
 * engine (solver/resistive_engine.h), every phase certified: single precision to 1e-3 (free, unit
 * conductances x 1 V) and 1e-3 of the response (nudged), double to 1e-9 and 1e-6. `ratio` is the rate of the
 * engine in single precision, for the same phases, over that of the row.
 *
 * The engine has Shockley diodes, or ideal ones where it knows no others. Random conductances
 * (uniform-clipped, half of them 0), Shockley diodes as ngspice has them (is 1e-6 A, n 2), unit conductance
 * 1e-4 S, input gain 100 V, random inputs of which four fifths are 0. Times are wall-clock, of whole calls:
 * writing the deck, loading it, solving, handing the voltages back. Each measurement runs for at least
 * --seconds, or once when once takes longer. Operating points of full circuits beyond --most resistors are
 * left out: ngspice 39 orders its matrix afresh for each, 36-45 s at 784-500-10 with single sources. CSV on
 * stdout. */
#include "base/memory.h"
#include "base/random.h"
#include "base/run.h"
#include "bench/common/machine.h"
#include "netlists/device_pool.h"
#include "netlists/dialect.h"
#include "solver/resistive_engine.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_QUICK = 1000, KEY_MOST, N_LAYERS = 3, BATCH = 32 };

typedef struct circuit_options {
    double seconds;
    size_t most;
    size_t workers;
    bool quick;
} circuit_options;

static const struct argp_option options[] = {
    {"seconds", 's', "S", 0, "Least duration of a measurement (default 2)", 0},
    {"most", KEY_MOST, "N", 0, "Largest full circuit, in resistors (default 100000)", 0},
    {"workers", 'w', "N", 0, "ngspice processes of the sweeps (default 1)", 0},
    {"quick", KEY_QUICK, 0, 0, "A smoke run: the smallest network, once each", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    circuit_options *o = state->input;
    char *end;
    double value = arg != NULL ? strtod(arg, &end) : 0.0;
    if (arg != NULL && (*end != '\0' || !(value > 0.0) || value > 1e9))
        argp_error(state, "'%s' found, allowed: a number > 0", arg);
    switch (key) {
    case 's':
        o->seconds = value;
        return 0;
    case KEY_MOST:
        o->most = (size_t)value;
        return 0;
    case 'w':
        o->workers = (size_t)value;
        return 0;
    case KEY_QUICK:
        o->quick = true;
        o->seconds = 1e-3;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* a network with a minibatch of data */
typedef struct subject {
    eqs_network *net;
    double *theta, *x, *target, *volts;
    char name[64];
    size_t resistors;
    double rate[2]; /* of the engine in single precision: free phases; free and nudged ones */
} subject;

static eqs_status make_network(const size_t *units, eqs_diode_law law, eqs_network **out)
{
    eqs_resistive_def def = eqs_resistive_def_default();
    eqs_network_def network = eqs_network_def_default();
    def.siemens = 1e-4;
    def.input_gain = 100.0;
    def.diode = law;
    network.n_layers = N_LAYERS;
    network.units = units;
    network.resistive = &def;
    return eqs_network_create(&network, out);
}

static eqs_status open_subject(const size_t *units, subject *s)
{
    *s = (subject){0};
    snprintf(s->name, sizeof s->name, "%zu-%zu-%zu", units[0], units[1], units[2]);
    EQS_TRY(make_network(units, EQS_DIODE_NGSPICE, &s->net));
    s->theta = eqs_alloc(s->net->n_parameters, sizeof *s->theta);
    s->x = eqs_alloc(BATCH * s->net->layer[0].units, sizeof *s->x);
    s->target = eqs_alloc(BATCH * s->net->n_outputs, sizeof *s->target);
    s->volts = eqs_alloc(2 * BATCH * eqs_network_state_size(s->net), sizeof *s->volts);
    double *data = eqs_alloc(BATCH * units[0], sizeof *data);
    if (s->theta == NULL || s->x == NULL || s->target == NULL || s->volts == NULL || data == NULL)
        return EQS_NO_MEMORY;
    eqs_resistive_init(s->net, 1, NULL, s->theta);
    eqs_random stream = eqs_random_stream(1, EQS_RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < BATCH * units[0]; i++)
        data[i] = fmax(0.0, 5.0 * eqs_random_uniform(&stream, i) - 4.0);
    eqs_network_sources(s->net, BATCH, data, s->x);
    eqs_free(data);
    for (size_t b = 0; b < BATCH; b++)
        s->target[b * s->net->n_outputs + b % s->net->n_outputs] = 1.0;
    for (size_t i = 0; i < s->net->n_parameters; i++)
        s->resistors += s->theta[i] != 0.0;
    return EQS_OK;
}

static void close_subject(subject *s)
{
    eqs_network_destroy(s->net);
    eqs_free(s->theta);
    eqs_free(s->x);
    eqs_free(s->target);
    eqs_free(s->volts);
}

/* phases: 1 free, 2 free and nudged */
static void print(const subject *s, const char *method, size_t phases, size_t patterns, double seconds,
                  const char *remark)
{
    double rate = (double)patterns / seconds;
    printf("%s,%zu,%s,%zu,", s->name, s->resistors, method, phases);
    if (patterns > 0)
        printf("%zu,%.4g,%.6g,%.4g,%s\n", patterns, seconds, rate, s->rate[phases - 1] / rate, remark);
    else
        printf(",,,,%s\n", remark);
    fflush(stdout);
}

/* minibatches by the fast engine */
static eqs_status engine(subject *s, const size_t *units, eqs_precision precision, size_t phases,
                         const circuit_options *o)
{
    const bool single = precision == EQS_SINGLE;
    const double beta[] = {0.1};
    eqs_network *net;
    eqs_resistive_engine *e;
    eqs_resistive_outcome free_phase, nudged = {0};
    eqs_resistive_options how = {.precision = precision, .batch = BATCH, .threads = 1};
    EQS_TRY(make_network(units, EQS_DIODE_SHOCKLEY, &net));
    eqs_diode_law law = eqs_resistive_engine_refuses(net) == NULL ? EQS_DIODE_SHOCKLEY : EQS_DIODE_IDEAL;
    if (law == EQS_DIODE_IDEAL) {
        eqs_network_destroy(net);
        EQS_TRY(make_network(units, law, &net));
    }
    eqs_status status = eqs_resistive_engine_create(net, &how, &e);
    size_t n = 0, unconverged = 0;
    double begin = eqs_clock();
    if (status == EQS_OK)
        eqs_resistive_engine_set_parameters(e, s->theta);
    for (; status == EQS_OK && (n == 0 || eqs_clock() - begin < o->seconds); n++) {
        eqs_resistive_engine_load(e, BATCH, s->x, s->target);
        eqs_resistive_engine_reset(e);
        eqs_resistive_engine_relax_free(e, single ? 1e-3 : 1e-9, 1000, &free_phase);
        if (phases == 2)
            status = eqs_resistive_engine_relax_nudged(e, 1, beta, single ? 1e-3 : 1e-6, 1000, &nudged);
        unconverged += free_phase.unconverged + nudged.unconverged;
    }
    double seconds = eqs_clock() - begin;
    if (status == EQS_OK) {
        char remark[80];
        if (single)
            s->rate[phases - 1] = (double)(n * BATCH) / seconds;
        snprintf(remark, sizeof remark, "%s diodes; %zu above the tolerance", eqs_diode_law_name(law),
                 unconverged);
        print(s, single ? "engine single" : "engine double", phases, n * BATCH, seconds, remark);
        eqs_resistive_engine_destroy(e);
    }
    eqs_network_destroy(net);
    return status;
}

static eqs_status engines(subject *s, const size_t *units, const circuit_options *o)
{
    for (size_t phases = 1; phases <= 2; phases++) {
        EQS_TRY(engine(s, units, EQS_SINGLE, phases, o));
        EQS_TRY(engine(s, units, EQS_DOUBLE, phases, o));
    }
    return EQS_OK;
}

/* One operating point after the other, each a circuit of its own. */
static eqs_status operating_points(const subject *s, eqs_worker *worker, bool fold, const circuit_options *o)
{
    if (!fold && s->resistors > o->most) {
        print(s, "op full", 1, 0, 0.0, "left out: see --most");
        return EQS_OK;
    }
    eqs_device_options device = eqs_device_options_default();
    eqs_phase phase = {.net = s->net, .theta = s->theta, .batch = BATCH, .x = s->x};
    memcpy(phase.beta, s->net->beta, sizeof phase.beta);
    device.fold = fold;
    double begin = eqs_clock();
    size_t n = 0;
    for (; n == 0 || eqs_clock() - begin < o->seconds; n++) {
        eqs_netlist *netlist;
        char *deck = NULL;
        size_t length;
        const char *wanted = "o_0";
        eqs_spice_result result = {0};
        EQS_TRY(eqs_device_build(s->net, &phase, n % BATCH, NULL, &device, &netlist));
        eqs_status status = eqs_netlist_deck(netlist, &deck, &length);
        if (status == EQS_OK) {
            eqs_spice_job job = {.deck = deck,
                                 .deck_length = length,
                                 .command = "op",
                                 .n_wanted = 1,
                                 .wanted = &wanted,
                                 .n_points = 1};
            status = eqs_worker_run(worker, &job, &result);
        }
        eqs_spice_result_clear(&result);
        eqs_free(deck);
        eqs_netlist_destroy(netlist);
        EQS_TRY(status);
    }
    print(s, fold ? "op folded" : "op full", 1, n, eqs_clock() - begin, "");
    return EQS_OK;
}

/* minibatches, each with a circuit of its own: the training loop without its update */
static eqs_status sweeps(const subject *s, eqs_device_pool *pool, size_t n_points, const circuit_options *o)
{
    const double beta[] = {0.0, 0.1};
    double begin = eqs_clock();
    size_t n = 0;
    for (; n == 0 || eqs_clock() - begin < o->seconds; n++)
        EQS_TRY(eqs_device_pool_run(pool, s->theta, BATCH, s->x, s->target, n_points, beta, s->volts));
    print(s, "sweep", n_points, n * BATCH, eqs_clock() - begin, "");
    return EQS_OK;
}

static eqs_status measure(const size_t *units, const circuit_options *o)
{
    subject s;
    eqs_worker *worker = NULL;
    eqs_device_pool *pool = NULL;
    eqs_worker_options limits = eqs_worker_options_default();
    eqs_device_pool_options pool_options = eqs_device_pool_options_default();
    limits.timeout = 600.0;
    pool_options.workers = o->workers;
    pool_options.chunk = (BATCH + o->workers - 1) / o->workers;
    eqs_status status = open_subject(units, &s);
    if (status == EQS_OK)
        status = engines(&s, units, o);
    if (status == EQS_OK)
        status = eqs_worker_create(&limits, &worker);
    if (status == EQS_OK)
        status = operating_points(&s, worker, false, o);
    if (status == EQS_OK)
        status = operating_points(&s, worker, true, o);
    eqs_worker_destroy(worker);
    if (status == EQS_OK)
        status = eqs_device_pool_create(s.net, &pool_options, &pool);
    if (status == EQS_OK)
        status = sweeps(&s, pool, 1, o);
    if (status == EQS_OK)
        status = sweeps(&s, pool, 2, o);
    eqs_device_pool_destroy(pool);
    close_subject(&s);
    return status;
}

int main(int argc, char **argv)
{
    static const size_t sizes[][N_LAYERS] = {
        {64, 64, 10}, {196, 64, 10}, {784, 100, 10}, {784, 500, 10}, {784, 1024, 10}};
    static const struct argp argp = {options, parse, NULL, "Speed of ngspice on resistive networks.",
                                     0,       0,     0};
    circuit_options o = {.seconds = 2.0, .most = 100000, .workers = 1};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    bench_print_machine(stdout, argc, argv);
    puts("network,resistors,method,phases,patterns,seconds,patterns_per_second,ratio,remark");
    size_t n = o.quick ? 1 : sizeof sizes / sizeof *sizes;
    for (size_t i = 0; i < n; i++) {
        if (measure(sizes[i], &o) != EQS_OK) {
            fprintf(stderr, "bench_circuit: %s\n", eqs_error_message());
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
