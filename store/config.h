/* The configuration of a run: YAML in, plain typed fields out (DESIGN 4).
 *
 * One table (config_table.c) holds for every key its name, type, unit, range, default and meaning; it gives
 * the parser, the commented defaults, the reference page and the list of values in force. Messages read
 * "file:line:column: section.key: found ..., allowed ...". */
#ifndef EQS_STORE_CONFIG_H
#define EQS_STORE_CONFIG_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Lists: n values, owned by the configuration; v is NULL when n is 0. */
typedef struct eqs_config_reals {
    size_t n;
    double *v;
} eqs_config_reals;

typedef struct eqs_config_sizes {
    size_t n;
    size_t *v;
} eqs_config_sizes;

typedef struct eqs_config_names {
    size_t n;
    char **v;
} eqs_config_names;

/* A word, or a number in its place: `word` then is the count of words (see the key's enum). */
typedef struct eqs_config_choice {
    unsigned word;
    double value;
} eqs_config_choice;

typedef enum eqs_data_set { EQS_DATA_MNIST, EQS_DATA_FASHION_MNIST, EQS_DATA_CSV, EQS_DATA_IDX } eqs_data_set;
enum { EQS_SCALE_AUTO, EQS_SCALE_NUMBER }; /* words of data.scale */

typedef struct eqs_config_data {
    eqs_data_set set;
    char *path;                     /* folder, CSV file, or IDX file of images; "" when not given */
    char *labels;                   /* IDX file of labels; "" when not given */
    size_t train, validation, test; /* samples */
    eqs_config_sizes pool;          /* {} or {rows, columns} of the images after averaging */
    eqs_config_choice scale;        /* x = scale * raw + offset; auto: 1/255 for images, 1 for CSV */
    double offset;
    bool shuffle_split; /* cut train | validation from a seeded permutation, not in file order */
} eqs_config_data;

typedef enum eqs_coupling_layout {
    EQS_COUPLINGS_LAYERED,
    EQS_COUPLINGS_FULL,
    EQS_COUPLINGS_LIST
} eqs_coupling_layout;

typedef struct eqs_config_couplings {
    unsigned layout;   /* eqs_coupling_layout */
    size_t n;          /* LIST: pairs */
    size_t (*pair)[2]; /* LIST: from, to; may be passed to eqs_network_def.couplings */
} eqs_config_couplings;

typedef enum eqs_init { EQS_INIT_GLOROT_UNIFORM, EQS_INIT_FILE, EQS_INIT_UNIFORM_CLIPPED } eqs_init;
typedef enum eqs_model { EQS_MODEL_HOPFIELD, EQS_MODEL_RESISTIVE } eqs_model;

typedef struct eqs_config_network {
    eqs_config_sizes layers;     /* units of layers 0..L, at least 2 layers */
    eqs_config_names activation; /* 1 or L names (eqs_activation_from_name) for layers 1..L */
    double slope, shift;
    eqs_config_reals thresholds; /* beta1, beta2 of piecewise-linear */
    eqs_config_couplings couplings;
    eqs_init init;
    char *init_file;
    eqs_config_reals gain;        /* {} = 1, one for all, or one per coupling */
    unsigned regulariser;         /* values of eqs_regulariser (models/network.h) */
    eqs_config_reals beta, delta; /* 3 each: X, Y, theta (models/network.h); beta.v[0] may be infinite */
    /* resistive only (models/resistive.h) */
    unsigned model; /* eqs_model */
    double input_gain, bias_source;
    bool doubled, differential;
    unsigned diode;              /* values of eqs_diode_law */
    unsigned diode_layout;       /* values of eqs_diode_layout */
    eqs_config_reals diode_bias; /* lo, hi */
    double diode_is, diode_n, diode_gmin, temperature;
    eqs_config_reals amplifier;    /* {} = 1, one for all, or one per hidden layer */
    unsigned back_gain;            /* values of eqs_back_gain */
    eqs_config_reals g_min, g_max; /* {} = 0 and no limit, one for all, or one per coupling */
    eqs_config_reals density;      /* {} = 1, one for all, or one per coupling */
} eqs_config_network;

typedef struct eqs_config_dynamics {
    unsigned form;        /* values of eqs_form (models/network.h) */
    eqs_config_reals tau; /* one for all, L (layers 1..L) or L + 1 values */
    double tau_spread;    /* >= 1 */
    char *tau_file;
} eqs_config_dynamics;

typedef enum eqs_start { EQS_START_ZERO, EQS_START_RANDOM } eqs_start;

typedef struct eqs_config_relaxation {
    char *solver;
    double tolerance;
    unsigned precision; /* values of eqs_precision (solver/engine.h) */
    eqs_start start;
    double t_max; /* may be infinite */
    size_t max_steps;
    double step, rtol, atol, max_step;
    unsigned linear_solver;                    /* values of eqs_linear_solver (solver/relax.h) */
    unsigned preconditioner;                   /* values of eqs_preconditioner (solver/relax.h) */
    size_t free_iterations, nudged_iterations; /* 0: until the tolerance */
    double nudged_tolerance;                   /* 0: as tolerance */
    double nudged_relative;                    /* 0: off */
    size_t check_attractor;                    /* training samples per epoch; 0: none */
    double response_tolerance;                 /* resistive: of nudged phases, relative to the response */
} eqs_config_relaxation;

typedef enum eqs_learning_engine {
    EQS_ENGINE_BATCH,
    EQS_ENGINE_ODE,
    EQS_ENGINE_NGSPICE,
    EQS_ENGINE_TRANSIENT,
    EQS_ENGINE_COSIMULATION
} eqs_learning_engine;
typedef enum eqs_nudge {
    EQS_NUDGE_FIXED,
    EQS_NUDGE_RANDOM_SIGN,
    EQS_NUDGE_CENTRED,
    EQS_NUDGE_HIGHER_ORDER,
    EQS_NUDGE_NONE
} eqs_nudge;

typedef struct eqs_config_learning {
    unsigned rule; /* word: a name of eqs_rule_find (learning/rule.h) */
    double beta;   /* not 0 */
    eqs_nudge nudge;
    eqs_config_reals rates;      /* {} (no training), one for all, or one per coupling */
    eqs_config_reals bias_rates; /* {} = as the coupling below, one for all, or L */
    double rate_decay;           /* factor per epoch */
    size_t batch, epochs;
    bool persistent;
    eqs_learning_engine engine;
    double stop_at_train_error; /* fraction; negative: never */
    bool shuffle;
    unsigned cost;       /* values of eqs_cost (models/resistive.h) */
    unsigned nudge_form; /* values of eqs_nudge_form (models/resistive.h) */
} eqs_config_learning;

typedef enum eqs_circuit_level { EQS_LEVEL_AUTO, EQS_LEVEL_BEHAVIOURAL, EQS_LEVEL_DEVICE } eqs_circuit_level;

typedef struct eqs_config_circuit {
    eqs_circuit_level level;
    double capacitance;           /* F */
    double conductance;           /* S */
    double swing;                 /* V */
    double reltol, vntol, abstol; /* 1, V, A */
    double t_stop, t_max_step;    /* unit times; 0: automatic */
    double tolerance;             /* state units; devices: relative to the layer's largest voltage */
    /* devices: what amplifiers have beside their gain; 0: ideal */
    double amplifier_open_loop, amplifier_bandwidth, amplifier_offset, amplifier_resistance;
    /* learning.engine ngspice and transient: processes (0: as threads), samples of a sweep, seconds of a job
     */
    size_t workers, chunk;
    double timeout;
} eqs_config_circuit;

typedef struct eqs_config_study {
    eqs_config_sizes depths, widths;
    eqs_config_reals gains, betas;
    eqs_config_names activations;
    double rate_ratio;
    size_t epochs, starts;
} eqs_config_study;

typedef struct eqs_config_cosimulation {
    eqs_config_names parts; /* netlists/cosim_partition.h */
    char *subcircuit;       /* device or path; "": the ideal neuron */
    eqs_config_names pins, parameters;
    double drive_scale, drive_offset;  /* A or V */
    double rate_scale, rate_offset;    /* V or A */
    double state_scale, state_offset;  /* V */
    double tolerance;                  /* units of rate */
    unsigned extrapolation;            /* degree: constant, linear, quadratic */
    double macro_step, max_macro_step; /* unit times; 0: adaptive */
    size_t circuit_steps;
    unsigned iterate; /* values of eqs_cosim_iterate (netlists/cosim.h) */
    unsigned first;   /* values of eqs_cosim_first */
} eqs_config_cosimulation;

enum { EQS_CHECKPOINT_EPOCH, EQS_CHECKPOINT_NEVER, EQS_CHECKPOINT_SECONDS }; /* words of output.checkpoint */

typedef struct eqs_config_output {
    eqs_config_choice checkpoint; /* value: seconds between checkpoints */
} eqs_config_output;

typedef struct eqs_config_place eqs_config_place;

typedef struct eqs_config {
    uint64_t seed;
    eqs_config_data data;
    eqs_config_network network;
    eqs_config_dynamics dynamics;
    eqs_config_relaxation relaxation;
    eqs_config_learning learning;
    eqs_config_circuit circuit;
    eqs_config_study study;

    eqs_config_cosimulation cosimulation;
    eqs_config_output output;
    /* private */
    char *name, *text;
    eqs_config_place *place; /* of every key: where its value was given */
} eqs_config;

/* Reads a YAML file; every key not in it takes its default, and the whole is checked (eqs_config_check).
 * EQS_MISSING_INPUT when it cannot be read, EQS_BAD_CONFIG with file:line:column. *out is the caller's. */
eqs_status eqs_config_load(const char *path, eqs_config **out);

/* The same from a text; `name` stands for the file in messages. */
eqs_status eqs_config_parse(const char *text, const char *name, eqs_config **out);

/* Overrides one value: "section.key=value", the value as YAML ("network.layers=[784, 10]"). On failure the
 * configuration is unchanged. Does not check keys against each other: call eqs_config_check after the last.
 */
eqs_status eqs_config_set(eqs_config *config, const char *assignment);

/* What one key cannot tell alone: required keys, list lengths against the layers, files that a choice needs.
 */
eqs_status eqs_config_check(const eqs_config *config);

void eqs_config_destroy(eqs_config *config);

/* The text as given (before overrides) and the name of its file; borrowed. */
const char *eqs_config_text(const eqs_config *config);
const char *eqs_config_name(const eqs_config *config);

/* Number of couplings that network.layers and network.couplings describe. */
size_t eqs_config_n_couplings(const eqs_config *config);

/* Expands a list to n values: one value stands for all, an empty list for `when_empty`. `what` names what the
 * n are ("couplings"). EQS_BAD_CONFIG at the key's place when the list has any other length. */
eqs_status eqs_config_expand(const eqs_config *config, const char *key, const eqs_config_reals *list,
                             double when_empty, size_t n, const char *what, double *out);

/* Fails with EQS_BAD_CONFIG at the place where the key's value was given: "file:line:column: key: <format>".
 * For modules that find a value unsuitable later (an unknown solver, an activation that a solver cannot do).
 */
eqs_status eqs_config_fail(const eqs_config *config, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The word of a key with value `word` ("network.regulariser", 2 -> "l2"), or NULL; static storage. */
const char *eqs_config_word(const char *key, unsigned word);

/* One value in force. Texts live during the call. */
typedef struct eqs_config_entry {
    const char *name;     /* "learning.beta" */
    const char *value;    /* YAML flow text: "0.5", "[0.1, 0.05]" */
    const char *standard; /* the default as such a text; of required keys an example */
    const char *unit, *meaning;
    bool is_default;
} eqs_config_entry;

typedef eqs_status (*eqs_config_visitor)(const eqs_config_entry *entry, void *user);

/* Visits every key in the order of the table; stops at the first status that is not EQS_OK and returns it. */
eqs_status eqs_config_foreach(const eqs_config *config, eqs_config_visitor visit, void *user);

/* Writes every value in force as YAML that parses back to the same values. EQS_IO. */
eqs_status eqs_config_write_yaml(const eqs_config *config, FILE *file);

/* Writes a commented YAML file of all keys with their defaults (required keys: an example); it parses.
 * EQS_IO. */
eqs_status eqs_config_write_defaults(FILE *file);

/* Writes the reference of all keys as Markdown tables. EQS_IO. */
eqs_status eqs_config_write_reference(FILE *file);

#endif
