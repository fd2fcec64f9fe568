/* The table of configuration keys: add a field to store/config.h and a line here, nothing else. */
#include "store/config_table.h"

#include <math.h>
#include <string.h>

/* The kind follows from the field's type, so that table and struct cannot drift apart. */
#define CONFIG ((eqs_config *)0)
#define KIND_OF(field)                                                                                       \
    _Generic(CONFIG->field,                                                                                  \
             unsigned long: EQS_KIND_COUNT,                                                                  \
             unsigned long long: EQS_KIND_COUNT,                                                             \
             double: EQS_KIND_REAL,                                                                          \
             bool: EQS_KIND_BOOL,                                                                            \
             char *: EQS_KIND_STRING,                                                                        \
             unsigned: EQS_KIND_WORD,                                                                        \
             eqs_config_reals: EQS_KIND_REALS,                                                               \
             eqs_config_sizes: EQS_KIND_SIZES,                                                               \
             eqs_config_names: EQS_KIND_NAMES,                                                               \
             eqs_config_choice: EQS_KIND_CHOICE,                                                             \
             eqs_config_couplings: EQS_KIND_COUPLINGS)
#define TOP(field) .name = #field, .kind = KIND_OF(field), .offset = offsetof(eqs_config, field)
#define KEY(section, field)                                                                                  \
    .name = #section "." #field, .kind = KIND_OF(section.field), .offset = offsetof(eqs_config, section.field)
#define ANY .min = -INFINITY, .max = INFINITY
#define POSITIVE .min = 0, .max = INFINITY, .flags = EQS_KEY_ABOVE_MIN
#define FROM(low) .min = (low), .max = INFINITY
#define WORDS(...)                                                                                           \
    (const char *const[])                                                                                    \
    {                                                                                                        \
        __VA_ARGS__, NULL                                                                                    \
    }
#define LIST(low, high) .least = (low), .most = (high)

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "counts are 64 bits wide");

enum { MAX_LAYERS = 1000, MAX_COUPLINGS = MAX_LAYERS * (MAX_LAYERS + 1) / 2 };
#define MAX_UNITS 1e7
#define MAX_SAMPLES 4294967295.0

const eqs_config_section eqs_config_sections[] = {
    {"", "the whole run"},
    {"data", "which samples, and how they become numbers"},
    {"network", "layers, activations, couplings and parameters"},
    {"dynamics", "how states move in time"},
    {"relaxation", "how a phase is brought to its fixed point"},
    {"learning", "the learning rule"},
    {"circuit", "the map to volts, siemens, farads and seconds, and the circuit simulation"},
    {"cosimulation", "which parts of the network are circuits beside an ODE, and how they are wired"},
    {"hardware", "deviations of real devices; no option exists yet, so it must be empty (ideal)"},
    {"study", "what `eqspice study` varies"},
    {"output", "what is written, and when"},
    {NULL, NULL},
};

const eqs_config_key eqs_config_keys[] = {
    {TOP(seed), .value = "1", FROM(0), .unit = "1",
     .meaning =
         "seed of all random numbers: parameters, order of samples, signs of nudges, device deviations"},

    {KEY(data, set), .value = "fashion-mnist", .words = WORDS("mnist", "fashion-mnist", "csv", "idx"),
     .unit = "",
     .meaning = "two sets by name, looked for in path when given, else in $EQSPICE_DATA, ../shared/data and "
                "/usr/share/datasets; or the file path"},
    {KEY(data, path), .value = "\"\"", .unit = "",
     .meaning = "folder of the named set, the CSV file, or the IDX file of samples"},
    {KEY(data, labels), .value = "\"\"", .unit = "", .meaning = "IDX file of labels (set: idx)"},
    {KEY(data, train), .value = "50000", .min = 1, .max = MAX_SAMPLES, .unit = "samples",
     .meaning = "samples to learn from: the first of the training file"},
    {KEY(data, validation), .value = "10000", .min = 0, .max = MAX_SAMPLES, .unit = "samples",
     .meaning = "samples that follow those to learn from"},
    {KEY(data, test), .value = "10000", .min = 0, .max = MAX_SAMPLES, .unit = "samples",
     .meaning = "samples of the test file (CSV, IDX: that follow those for validation)"},
    {KEY(data, pool), .value = "[]", .min = 1, .max = MAX_UNITS, LIST(2, 2), .flags = EQS_KEY_EMPTY,
     .unit = "pixels", .meaning = "rows and columns of the image after averaging by area; empty: as it is"},
    {KEY(data, scale), .value = "auto", ANY, .words = WORDS("auto"), .unit = "1",
     .meaning = "x = scale * raw + offset; auto: 1/255 for images, 1 for CSV"},
    {KEY(data, offset), .value = "0", ANY, .unit = "1", .meaning = "see scale"},
    {KEY(data, shuffle_split), .value = "false", .unit = "",
     .meaning = "split after a permutation drawn from the seed (true) or in file order (false)"},

    {KEY(network, model), .value = "hopfield", .words = WORDS("hopfield", "resistive"), .unit = "",
     .meaning = "Hopfield energy of paper 001, or a resistive network (docs/resistive.md)"},
    {KEY(network, layers), .value = "[784, 500, 10]", .min = 1, .max = MAX_UNITS, LIST(2, MAX_LAYERS),
     .flags = EQS_KEY_REQUIRED, .unit = "units", .meaning = "sizes of layers 0 (input) to L (output)"},
    {KEY(network, activation), .value = "hard-sigmoid", LIST(1, MAX_LAYERS), .unit = "",
     .meaning = "activation rho: one name for all, or one for each of layers 1 to L"},
    {KEY(network, slope), .value = "1", POSITIVE, .unit = "1", .meaning = "slope of a smooth activation"},
    {KEY(network, shift), .value = "0", ANY, .unit = "1", .meaning = "shift of a smooth activation"},
    {KEY(network, thresholds), .value = "[-0.5, 0.5]", ANY, LIST(2, 2), .unit = "1",
     .meaning = "beta1 and beta2 of piecewise-linear (paper 002 Eq. 18)"},
    {KEY(network, couplings), .value = "layered", .min = 0, .max = MAX_LAYERS - 1, LIST(1, MAX_COUPLINGS),
     .words = WORDS("layered", "full"), .unit = "layers",
     .meaning =
         "which layers are joined: neighbours, all (and each free layer to itself), or pairs [from, to]"},
    {KEY(network, init), .value = "glorot-uniform",
     .words = WORDS("glorot-uniform", "file", "uniform-clipped"), .unit = "",
     .meaning = "starting weights (Glorot and Bengio 2010; biases 0), or all parameters from init_file; "
                "uniform-clipped: U(-s, s), s = gain / sqrt(fan-in), clipped to [g_min, g_max] (resistive)"},
    {KEY(network, init_file), .value = "\"\"", .unit = "",
     .meaning = "result file with the starting parameters (init: file)"},
    {KEY(network, gain), .value = "[]", FROM(0), LIST(0, MAX_COUPLINGS), .unit = "1",
     .meaning = "factor on the starting weights, one for all or one per coupling; empty: 1"},
    {KEY(network, regulariser), .value = "none", .words = WORDS("none", "l1", "l2"), .unit = "",
     .meaning = "Omega(theta), weighted by beta[2] and delta[2] (paper 001 sec. 2.2)"},
    {KEY(network, beta), .value = "[.inf, 0, 0]", ANY, LIST(3, 3), .flags = EQS_KEY_INFINITE, .unit = "1",
     .meaning = "beta of the free phase: input, output, parameters; .inf clamps the input"},
    {KEY(network, delta), .value = "[0, 1, 0]", ANY, LIST(3, 3), .unit = "1",
     .meaning = "direction of the nudge: beta + xi delta (paper 001 Eq. 10)"},
    {KEY(network, input_gain), .value = "1", POSITIVE, .unit = "V",
     .meaning = "resistive: voltage of the sources for a data value of 1"},
    {KEY(network, doubled), .value = "true", .unit = "",
     .meaning = "resistive: every input is a source +x and a source -x"},
    {KEY(network, bias_source), .value = "0", ANY, .unit = "V",
     .meaning = "resistive: one more source of this voltage; 0: none"},
    {KEY(network, differential), .value = "false", .unit = "",
     .meaning = "resistive: outputs are differences of node pairs"},
    {KEY(network, diode), .value = "ideal", .words = WORDS("none", "ideal", "shockley", "ngspice"),
     .unit = "",
     .meaning = "resistive: law of the hidden nodes' diodes; ngspice: with its reverse branch and gmin"},
    {KEY(network, diode_layout), .value = "halves", .words = WORDS("halves", "pair"), .unit = "",
     .meaning =
         "resistive: first half of a layer with the lower diode, second with the upper; or both at all"},
    {KEY(network, diode_bias), .value = "[0, 0]", ANY, LIST(2, 2), .unit = "V",
     .meaning = "resistive: below the first voltage the lower diode conducts, above the second the upper"},
    {KEY(network, diode_is), .value = "1e-6", POSITIVE, .unit = "A",
     .meaning = "resistive: saturation current"},
    {KEY(network, diode_n), .value = "2", POSITIVE, .unit = "1",
     .meaning = "resistive: emission coefficient"},
    {KEY(network, diode_gmin), .value = "1e-12", FROM(0), .unit = "S",
     .meaning = "resistive: conductance in parallel with every diode of the law ngspice"},
    {KEY(network, temperature), .value = "300.15", POSITIVE, .unit = "K",
     .meaning = "resistive: of the diodes"},
    {KEY(network, amplifier), .value = "[]", POSITIVE, LIST(0, MAX_LAYERS), .unit = "1",
     .meaning = "resistive: gain A of the hidden nodes' amplifiers, one for all or one per hidden layer; "
                "empty: 1"},
    {KEY(network, back_gain), .value = "inverse", .words = WORDS("inverse", "conserving"), .unit = "",
     .meaning = "resistive: the amplifiers feed back their output current times 1/A, or times A (which "
                "conserves power)"},
    {KEY(network, density), .value = "[]", .min = 0, .max = 1, LIST(0, MAX_COUPLINGS),
     .flags = EQS_KEY_ABOVE_MIN | EQS_KEY_EMPTY, .unit = "1",
     .meaning =
         "init uniform-clipped: share of the conductances that are kept, divided by it; the others start "
         "at g_min; one for all or one per coupling; empty: 1. Deep networks learn sooner when few are"},
    {KEY(network, g_min), .value = "[]", FROM(0), LIST(0, MAX_COUPLINGS), .unit = "circuit.conductance",
     .meaning = "resistive: lowest conductance, one for all or one per coupling; empty: 0"},
    {KEY(network, g_max), .value = "[]", FROM(0), LIST(0, MAX_COUPLINGS), .flags = EQS_KEY_INFINITE,
     .unit = "circuit.conductance",
     .meaning = "resistive: highest conductance, one for all or one per coupling; empty: no limit"},

    {KEY(dynamics, form), .value = "membrane", .words = WORDS("gradient", "projected", "membrane"),
     .unit = "",
     .meaning =
         "paper 001 Eq. 41; the same projected on the box; C du/dt = -u + W rho(u) + b (Hopfield 1984)"},
    {KEY(dynamics, tau), .value = "[1]", POSITIVE, LIST(1, MAX_LAYERS), .unit = "unit time",
     .meaning = "time constants: one for all, or one for each of layers 1 to L, or 0 to L"},
    {KEY(dynamics, tau_spread), .value = "1", FROM(1), .unit = "1",
     .meaning = "each unit's time constant is drawn log-uniformly from [tau / tau_spread, tau]"},
    {KEY(dynamics, tau_file), .value = "\"\"", .unit = "",
     .meaning = "CSV file of time constants, one row per layer 1 to L, instead of tau and tau_spread"},

    {KEY(relaxation, solver), .value = "auto", .unit = "",
     .meaning = "euler, cvode-bdf, cvode-adams, sweep, nesterov, anderson, newton, kinsol, auto"},
    {KEY(relaxation, tolerance), .value = "1e-4", POSITIVE, .unit = "1",
     .meaning = "largest projected residual max|P(dF/ds)| of an equilibrium"},
    {KEY(relaxation, precision), .value = "single", .words = WORDS("single", "double"), .unit = "",
     .meaning = "arithmetic of the batch engine; trajectories are always in double precision"},
    {KEY(relaxation, start), .value = "zero", .words = WORDS("zero", "random"), .unit = "",
     .meaning = "state in which a sample's first relaxation starts"},
    {KEY(relaxation, t_max), .value = "1e4", .min = 0, .max = INFINITY,
     .flags = EQS_KEY_ABOVE_MIN | EQS_KEY_INFINITE, .unit = "unit time", .meaning = "time limit; .inf: none"},
    {KEY(relaxation, max_steps), .value = "100000", FROM(1), .unit = "steps",
     .meaning = "limit on steps, iterations or sweeps per sample"},
    {KEY(relaxation, step), .value = "0.5", POSITIVE, .unit = "unit time",
     .meaning = "euler: epsilon of paper 001 Eq. 54"},
    {KEY(relaxation, rtol), .value = "1e-6", .min = 0, .max = 1, .flags = EQS_KEY_ABOVE_MIN, .unit = "1",
     .meaning = "CVODE: relative local error"},
    {KEY(relaxation, atol), .value = "1e-9", POSITIVE, .unit = "1", .meaning = "CVODE: absolute local error"},
    {KEY(relaxation, max_step), .value = "100", POSITIVE, .unit = "largest tau",
     .meaning = "CVODE: longest step"},
    {KEY(relaxation, linear_solver), .value = "auto", .words = WORDS("auto", "dense", "klu", "krylov"),
     .unit = "", .meaning = "CVODE BDF and KINSOL: auto is dense up to 64 unknowns, else krylov"},
    {KEY(relaxation, preconditioner), .value = "diagonal", .words = WORDS("none", "diagonal", "schur"),
     .unit = "",
     .meaning = "of krylov; schur: exact for networks whose layers have two colours, as layered ones"},
    {KEY(relaxation, free_iterations), .value = "0", FROM(0), .unit = "iterations",
     .meaning = "euler: exactly so many in the free phase, as paper 001 does; 0: until the tolerance"},
    {KEY(relaxation, nudged_iterations), .value = "0", FROM(0), .unit = "iterations",
     .meaning = "euler: exactly so many in a nudged phase; 0: until the tolerance"},
    {KEY(relaxation, nudged_tolerance), .value = "0", FROM(0), .unit = "1",
     .meaning = "tolerance of nudged phases; 0: as tolerance"},
    {KEY(relaxation, nudged_relative), .value = "0", FROM(0), .unit = "1",
     .meaning = "residual of nudged phases at most this times the sample's response max|s_beta - s_free|, "
                "too; 0: off"},
    {KEY(relaxation, check_attractor), .value = "0", FROM(0), .unit = "samples",
     .meaning =
         "training samples relaxed again by sweeps after each epoch, to see which fixed point is reached"},
    {KEY(relaxation, response_tolerance), .value = "1e-3", POSITIVE, .unit = "1",
     .meaning =
         "resistive: nudged phases end when every node's residual, divided by its conductance, is below "
         "this share of its layer's largest response to the nudge"},

    {KEY(learning, rule), .value = "eqprop",
     .words = WORDS("eqprop", "truncated", "recurrent-backprop", "exact", "contrastive-hebbian", "stdp"),
     .unit = "", .meaning = "the learning rule; `eqspice list rules` says what each is"},
    {KEY(learning, beta), .value = "0.5", ANY, .unit = "1",
     .meaning = "strength xi of the nudge; not 0; no meaning with nudge: none"},
    {KEY(learning, nudge), .value = "random-sign",
     .words = WORDS("fixed", "random-sign", "centred", "higher-order", "none"), .alias = "centered",
     .alias_of = 2, .unit = "",
     .meaning = "+beta; a random sign per minibatch; both signs and their difference; two such pairs (beta, "
                "beta/2) whose errors of second order cancel; none, for rules without a nudge (exact, "
                "recurrent-backprop, contrastive-hebbian)"},
    {KEY(learning, rates), .value = "[]", FROM(0), LIST(0, MAX_COUPLINGS), .unit = "1",
     .meaning = "learning rates, one for all or one per coupling; needed for training"},
    {KEY(learning, bias_rates), .value = "[]", FROM(0), LIST(0, MAX_LAYERS), .unit = "1",
     .meaning =
         "learning rates of the biases, one for all or one for each of layers 1 to L; empty: as the rates "
         "of the coupling below"},
    {KEY(learning, rate_decay), .value = "1", .min = 0, .max = 1, .flags = EQS_KEY_ABOVE_MIN, .unit = "1",
     .meaning = "all learning rates are multiplied by this after each epoch"},
    {KEY(learning, batch), .value = "20", .min = 1, .max = MAX_SAMPLES, .unit = "samples",
     .meaning = "samples in a minibatch"},
    {KEY(learning, epochs), .value = "25", FROM(0), .unit = "epochs",
     .meaning = "passes through the training samples"},
    {KEY(learning, persistent), .value = "true", .unit = "",
     .meaning = "start each sample's free phase from its state one epoch before (paper 001 sec. 5.2)"},
    {KEY(learning, engine), .value = "batch",
     .words = WORDS("batch", "ode", "ngspice", "transient", "cosimulation"), .unit = "",
     .meaning =
         "phases by the batch engine; one after the other by relaxation.solver in double precision "
         "(cvode: the ODE); resistive: measured in ngspice, as points of a sweep or as one transient a "
         "sample; steady states with cosimulation.parts in ngspice"},
    {KEY(learning, cost), .value = "squared", .words = WORDS("squared", "softmax"), .unit = "",
     .meaning = "1/2 |y - target|^2; resistive only: softmax cross-entropy, of voltages in units of 1 V"},
    {KEY(learning, nudge_form), .value = "current", .words = WORDS("current", "conductance"), .unit = "",
     .meaning = "resistive: nudge by constant currents beta (target - y) from the free outputs, or by a "
                "conductance beta to the target"},
    {KEY(learning, stop_at_train_error), .value = "-1", .min = -1, .max = 1, .unit = "fraction",
     .meaning = "stop when the training error of an epoch is not above this; negative: never"},
    {KEY(learning, shuffle), .value = "false", .unit = "",
     .meaning = "new order of the samples in each epoch"},

    {KEY(circuit, level), .value = "auto", .words = WORDS("auto", "behavioural", "device"),
     .alias = "behavioral", .alias_of = 1, .unit = "",
     .meaning =
         "ideal sources (Hopfield), or devices: crossbars, amplifiers, diodes (resistive); auto: by the "
         "model"},
    {KEY(circuit, capacitance), .value = "1e-12", POSITIVE, .unit = "F",
     .meaning = "of a neuron's node with tau = 1; the unit time is capacitance / conductance"},
    {KEY(circuit, conductance), .value = "1e-6", POSITIVE, .unit = "S", .meaning = "of weight 1"},
    {KEY(circuit, swing), .value = "1", POSITIVE, .unit = "V", .meaning = "voltage of state 1"},
    {KEY(circuit, reltol), .value = "1e-6", .min = 0, .max = 1, .flags = EQS_KEY_ABOVE_MIN, .unit = "1",
     .meaning = "relative tolerance of the circuit simulator"},
    {KEY(circuit, vntol), .value = "1e-9", POSITIVE, .unit = "V",
     .meaning = "its absolute tolerance of voltages"},
    {KEY(circuit, abstol), .value = "1e-15", POSITIVE, .unit = "A",
     .meaning = "its absolute tolerance of currents"},
    {KEY(circuit, t_stop), .value = "0", FROM(0), .unit = "unit time",
     .meaning = "length of a transient; 0: automatic"},
    {KEY(circuit, t_max_step), .value = "0", FROM(0), .unit = "unit time",
     .meaning = "longest step of a transient; 0: automatic"},
    {KEY(circuit, tolerance), .value = "1e-6", POSITIVE, .unit = "state",
     .meaning = "largest deviation between circuit, ODE and equilibrium that counts as agreement; devices: "
                "relative to the largest voltage of the node's layer"},
    {KEY(circuit, amplifier_open_loop), .value = "0", FROM(0), .unit = "1",
     .meaning = "devices: open-loop gain inside the amplifiers; 0: infinite"},
    {KEY(circuit, amplifier_bandwidth), .value = "0", FROM(0), .unit = "Hz",
     .meaning = "devices: one pole in the amplifiers; 0: none"},
    {KEY(circuit, amplifier_offset), .value = "0", ANY, .unit = "V",
     .meaning = "devices: offset at the amplifiers' inputs"},
    {KEY(circuit, amplifier_resistance), .value = "0", FROM(0), .unit = "ohm",
     .meaning = "devices: output resistance of the amplifiers"},
    {KEY(circuit, workers), .value = "0", .min = 0, .max = 1000, .unit = "processes",
     .meaning = "ngspice processes that share a minibatch; 0: as many as threads"},
    {KEY(circuit, chunk), .value = "32", FROM(1), .unit = "samples",
     .meaning =
         "samples that ngspice solves in one sweep; results depend on it (in their last digits), but not on "
         "workers"},
    {KEY(circuit, timeout), .value = "120", POSITIVE, .unit = "s",
     .meaning = "wall-clock time of one job of ngspice, after which its process is replaced"},

    {KEY(study, depths), .value = "[1, 2, 3]", .min = 1, .max = MAX_LAYERS, LIST(1, 64), .unit = "layers",
     .meaning = "study depth: numbers of hidden layers"},
    {KEY(study, gains), .value = "[1, 0.5]", POSITIVE, LIST(1, 64), .unit = "1",
     .meaning = "study depth: scales of the initial weights above the first hidden layer (that of the "
                "input's is 1); the first is "
                "that of the variants below"},
    {KEY(study, widths), .value = "[]", .min = 1, .max = MAX_UNITS, LIST(0, 64), .flags = EQS_KEY_EMPTY,
     .unit = "units", .meaning = "study depth: other widths of the hidden layers than that of layer 1"},
    {KEY(study, activations), .value = "[]", LIST(0, 64), .flags = EQS_KEY_EMPTY, .unit = "",
     .meaning = "study depth: other activations than that of the network"},
    {KEY(study, betas), .value = "[]", ANY, LIST(0, 64), .flags = EQS_KEY_EMPTY, .unit = "1",
     .meaning = "study depth: other nudges than learning.beta"},
    {KEY(study, rate_ratio), .value = "0.5", POSITIVE, .unit = "1",
     .meaning = "study depth: learning rate of a coupling over that of the coupling below; the lowest has "
                "the first of "
                "learning.rates"},
    {KEY(study, epochs), .value = "3", FROM(1), .unit = "epochs",
     .meaning = "studies depth, gradient and rules: epochs of training"},
    {KEY(study, starts), .value = "16", .min = 1, .max = 100000, .unit = "starts",
     .meaning = "study basins: random starts of every sample"},

    {KEY(cosimulation, parts), .value = "[]", LIST(0, MAX_LAYERS), .unit = "",
     .meaning = "parts that are circuits: 'layer K', 'units K FROM:TO[:STEP]', 'coupling A B'"},
    {KEY(cosimulation, subcircuit), .value = "\"\"", .unit = "",
     .meaning =
         "of a unit: a device (`eqspice list devices`) or a SPICE file; empty: the ideal leaky integrator"},
    {KEY(cosimulation, pins), .value = "[]", LIST(0, 64), .unit = "",
     .meaning =
         "PIN=ROLE of each pin: current, voltage, rate, rate-current, state, ground, or a supply's volts"},
    {KEY(cosimulation, parameters), .value = "[]", LIST(0, 64), .unit = "",
     .meaning = "NAME=VALUE of the subcircuit's parameters"},
    {KEY(cosimulation, drive_scale), .value = "1e-6", ANY, .unit = "A or V",
     .meaning = "driven pin: drive_scale * drive + drive_offset"},
    {KEY(cosimulation, drive_offset), .value = "0", ANY, .unit = "A or V", .meaning = "see drive_scale"},
    {KEY(cosimulation, rate_scale), .value = "1", ANY, .unit = "V or A",
     .meaning = "rate: (sensed - rate_offset) / rate_scale"},
    {KEY(cosimulation, rate_offset), .value = "0", ANY, .unit = "V or A", .meaning = "see rate_scale"},
    {KEY(cosimulation, state_scale), .value = "1", ANY, .unit = "V",
     .meaning = "potential: (membrane's voltage - state_offset) / state_scale"},
    {KEY(cosimulation, state_offset), .value = "0", ANY, .unit = "V", .meaning = "see state_scale"},
    {KEY(cosimulation, tolerance), .value = "1e-4", POSITIVE, .unit = "rate",
     .meaning = "how far extrapolated signals may miss the next macro point"},
    {KEY(cosimulation, extrapolation), .value = "linear", .words = WORDS("constant", "linear", "quadratic"),
     .unit = "", .meaning = "of the slower side's signals between macro points"},
    {KEY(cosimulation, macro_step), .value = "0", FROM(0), .unit = "unit time",
     .meaning = "distance of macro points; 0: adaptive, by the tolerance"},
    {KEY(cosimulation, max_macro_step), .value = "0.5", POSITIVE, .unit = "unit time",
     .meaning = "longest adaptive macro step"},
    {KEY(cosimulation, circuit_steps), .value = "2", FROM(1), .unit = "steps",
     .meaning = "least time steps of the circuit in a macro step"},
    {KEY(cosimulation, iterate), .value = "auto", .words = WORDS("auto", "never", "always"), .unit = "",
     .meaning =
         "repeat windows until both sides agree: where mismatch or loop gain ask for it, never, always"},
    {KEY(cosimulation, first), .value = "auto", .words = WORDS("auto", "ode", "circuit"), .unit = "",
     .meaning = "side that goes first in a macro step; auto: the faster"},

    {KEY(output, checkpoint), .value = "epoch", .min = 0, .max = INFINITY, .flags = EQS_KEY_ABOVE_MIN,
     .words = WORDS("epoch", "never"), .unit = "s",
     .meaning = "after each epoch, never, or so many seconds after the last"},
};

const size_t eqs_config_n_keys = sizeof eqs_config_keys / sizeof *eqs_config_keys;

size_t eqs_config_find(const char *name)
{
    for (size_t i = 0; i < eqs_config_n_keys; i++)
        if (strcmp(eqs_config_keys[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

bool eqs_config_is_section(const char *name, bool *empty_section)
{
    size_t length = strlen(name);
    *empty_section = true;
    for (size_t i = 0; i < eqs_config_n_keys; i++)
        if (strncmp(eqs_config_keys[i].name, name, length) == 0 && eqs_config_keys[i].name[length] == '.')
            *empty_section = false;
    for (const eqs_config_section *s = eqs_config_sections; s->name != NULL; s++)
        if (*name != '\0' && strcmp(s->name, name) == 0)
            return true;
    return false;
}

/* Levenshtein's distance of two texts, each cut at 64 bytes */
static size_t distance(const char *a, const char *b)
{
    enum { CUT = 64 };
    size_t row[CUT + 1], n = strnlen(a, CUT), m = strnlen(b, CUT);
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[m];
}

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL ? dot + 1 : name;
}

/* how far a candidate is from a name: the same key in another section counts as near */
static size_t distance_of_names(const char *name, const char *candidate)
{
    size_t d = 2 * distance(name, candidate);
    return strcmp(last_part(name), last_part(candidate)) == 0 && d > 3 ? 3 : d;
}

const char *eqs_config_nearest(const char *name)
{
    const char *best = "";
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < eqs_config_n_keys; i++) {
        size_t d = distance_of_names(name, eqs_config_keys[i].name);
        if (d < least) {
            least = d;
            best = eqs_config_keys[i].name;
        }
    }
    for (const eqs_config_section *s = eqs_config_sections + 1; s->name != NULL; s++) {
        size_t d = strchr(name, '.') == NULL ? 2 * distance(name, s->name) : SIZE_MAX;
        if (d < least) {
            least = d;
            best = s->name;
        }
    }
    return best;
}
