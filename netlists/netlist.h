/* The netlist tree: one circuit, free of any simulator's dialect (DESIGN 7). Dialects print it (dialect.h).
 *
 * The builder refuses what simulators would misread in silence, so that what is printed is what was meant:
 * names that are no names, duplicate elements, values that are not finite, R <= 0. Every failing call returns
 * EQS_BAD_DATA with a message that names the element; memory shortage is EQS_NO_MEMORY. After a failed call
 * the netlist is still valid and can be destroyed, not completed.
 *
 * Names are [a-z][a-z0-9_]*, at most EQS_NETLIST_NAME characters, no keyword of a simulator ("gnd", "temper",
 * "time", ...). Elements are named without their SPICE letter: resistor "leak" is printed r_leak, a capacitor
 * may be called "leak" too (c_leak). Elements keep the order in which they were added. Numbers are SI units.
 */
#ifndef EQS_NETLISTS_NETLIST_H
#define EQS_NETLISTS_NETLIST_H

#include "base/status.h"
#include "netlists/arena.h"
#include "netlists/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EQS_NETLIST_NAME = 100 };

/* A node is its index in the netlist; 0 is ground. */
typedef uint32_t eqs_node;
enum { EQS_GROUND = 0 };

/* X(enum, SPICE letter, word in messages, terminals); the first two terminals carry current, further ones
 * sense */
#define EQS_ELEMENT_LIST(X)                                                                                  \
    X(EQS_RESISTOR, 'r', "resistor", 2)                                                                      \
    X(EQS_CAPACITOR, 'c', "capacitor", 2)                                                                    \
    X(EQS_VOLTAGE_SOURCE, 'v', "voltage source", 2)                                                          \
    X(EQS_CURRENT_SOURCE, 'i', "current source", 2)                                                          \
    X(EQS_VCVS, 'e', "voltage-controlled voltage source", 4)                                                 \
    X(EQS_CCCS, 'f', "current-controlled current source", 2)                                                 \
    X(EQS_VCCS, 'g', "voltage-controlled current source", 4)                                                 \
    X(EQS_BEHAVIOURAL_VOLTAGE, 'b', "behavioural voltage source", 2)                                         \
    X(EQS_BEHAVIOURAL_CURRENT, 'b', "behavioural current source", 2)                                         \
    X(EQS_DIODE, 'd', "diode", 2)                                                                            \
    X(EQS_INSTANCE, 'x', "subcircuit instance", 0)

typedef enum eqs_element_kind {
#define X(name, letter, word, terminals) name,
    EQS_ELEMENT_LIST(X)
#undef X
        EQS_ELEMENT_KIND_COUNT
} eqs_element_kind;

typedef struct eqs_netlist eqs_netlist;
typedef struct eqs_expression eqs_expression; /* expression.h */

/* What an independent source delivers, in volts or amperes. */
typedef enum eqs_waveform_kind {
    EQS_WAVEFORM_DC,
    EQS_WAVEFORM_PWL,     /* straight lines between points, held after the last */
    EQS_WAVEFORM_EXTERNAL /* supplied by the program at every evaluation; ngspice in-process only */
} eqs_waveform_kind;

typedef struct eqs_waveform {
    eqs_waveform_kind kind;
    double dc;
    size_t n_points;
    const double *time, *value; /* [n_points] times ascending from >= 0; borrowed when given to the builder */
} eqs_waveform;

static inline eqs_waveform eqs_waveform_dc(double value)
{
    return (eqs_waveform){EQS_WAVEFORM_DC, value, 0, NULL, NULL};
}
static inline eqs_waveform eqs_waveform_external(void)
{
    return (eqs_waveform){EQS_WAVEFORM_EXTERNAL, 0.0, 0, NULL, NULL};
}

/* Diode i = is (exp(v / (n kT/q)) - 1) with series resistance rs and zero-bias junction capacitance cjo. */
typedef struct eqs_diode_model {
    const char *name;
    double is, n, rs, cjo; /* A, -, ohm, F */
    struct eqs_diode_model *next;
} eqs_diode_model;

typedef struct eqs_subcircuit {
    const char *name;
    size_t n_ports;
    const eqs_node *port; /* nodes of the body */
    eqs_netlist *body;    /* owned by the netlist that defines the subcircuit */
    size_t order;         /* 0 the first defined: a body may only use earlier ones */
    struct eqs_subcircuit *next;
} eqs_subcircuit;

typedef struct eqs_element {
    const char *name; /* with its SPICE letter: "g_h1_17_x_5" */
    eqs_element_kind kind;
    eqs_node node[4]; /* in SPICE's order; current flows from node[0] through the element to node[1] */
    double value;     /* ohm, farad, gain, transconductance; 0 for others */
    union {
        double initial;                   /* capacitor: volts at t = 0, NaN: none given */
        const eqs_waveform *waveform;     /* independent sources */
        const char *control;              /* CCCS: name of the voltage source whose current controls it */
        const eqs_expression *expression; /* behavioural sources */
        const eqs_diode_model *model;
        const struct eqs_instance *instance;
    } detail;
} eqs_element;

typedef struct eqs_instance {
    const eqs_subcircuit *subcircuit;
    const eqs_node *node; /* [n_ports] */
} eqs_instance;

/* Tolerances and limits of the simulator; 0 leaves the simulator's own default. */
typedef struct eqs_tolerances {
    double reltol;            /* relative, of voltages and currents */
    double vntol;             /* V */
    double abstol;            /* A */
    double chgtol;            /* C */
    double pivtol;            /* S, smallest pivot of the matrix */
    double gmin;              /* S, in parallel with every junction */
    double temperature;       /* K, of the circuit and of its models' parameters */
    unsigned dc_iterations;   /* Newton iterations allowed for an operating point */
    unsigned tran_iterations; /* Newton iterations allowed per time step */
} eqs_tolerances;

typedef enum eqs_analysis_kind {
    EQS_ANALYSIS_NONE,
    EQS_ANALYSIS_OP,
    EQS_ANALYSIS_TRAN,
    EQS_ANALYSIS_DC
} eqs_analysis_kind;

typedef struct eqs_analysis {
    eqs_analysis_kind kind;
    double t_first, t_stop, t_max_step; /* tran, in seconds: first step, end, longest step */
    bool use_initial;                   /* tran: start from initial conditions, not from an operating point */
    const char *source;                 /* dc: the voltage or current source that is swept, "v_x" */
    double from, to, step;              /* dc */
} eqs_analysis;

typedef struct eqs_node_value {
    eqs_node node;
    double value; /* V */
} eqs_node_value;

typedef struct eqs_output {
    eqs_node node;
    bool measured; /* tran: extremes are measured too, beside the final value */
} eqs_output;

/* Read-only outside netlist.c; subcircuit bodies use nodes, elements and parent only. */
struct eqs_netlist {
    const char *title;
    eqs_arena arena;
    eqs_names node_names;    /* entry 0 is "0", the ground */
    eqs_names element_names; /* index = index of the element */
    size_t n_elements, element_capacity;
    eqs_element *element;
    size_t n_comments, comment_capacity;
    const char **comment; /* lines of the header */
    eqs_diode_model *model, **last_model;
    eqs_subcircuit *subcircuit, **last_subcircuit;
    size_t n_initial, initial_capacity;
    eqs_node_value *initial; /* node voltages at t = 0 */
    size_t n_guesses, guess_capacity;
    eqs_node_value *guess; /* where Newton starts for an operating point */
    size_t n_outputs, output_capacity;
    eqs_output *output;
    eqs_tolerances tolerances;
    eqs_analysis analysis;
    const eqs_netlist *parent; /* of a subcircuit's body; NULL at the top */
    size_t order;              /* of a body: its subcircuit's order */
};

/* An empty netlist; the title is its first line. *out is the caller's. */
eqs_status eqs_netlist_create(const char *title, eqs_netlist **out);
void eqs_netlist_destroy(eqs_netlist *netlist);

/* Adds a line to the header comment, cut at 500 characters; control characters become spaces. */
eqs_status eqs_netlist_comment(eqs_netlist *netlist, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The node of that name, made when new. */
eqs_status eqs_netlist_node(eqs_netlist *netlist, const char *name, eqs_node *out);

/* Name of a node, borrowed; "0" for ground. */
static inline const char *eqs_netlist_node_name(const eqs_netlist *netlist, eqs_node node)
{
    return netlist->node_names.text[node];
}

/* Elements between nodes p and n; positive current flows from p through the element to n. */
eqs_status eqs_netlist_resistor(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n, double ohm);
/* initial: volts across it at t = 0, NaN for none */
eqs_status eqs_netlist_capacitor(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n, double farad,
                                 double initial);
eqs_status eqs_netlist_voltage(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n,
                               const eqs_waveform *waveform);
eqs_status eqs_netlist_current(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n,
                               const eqs_waveform *waveform);
/* v(p, n) = gain v(cp, cn) */
eqs_status eqs_netlist_vcvs(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n, eqs_node cp,
                            eqs_node cn, double gain);
/* i(p to n) = gain i(control), control a voltage source named without its letter */
eqs_status eqs_netlist_cccs(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n,
                            const char *control, double gain);
/* i(p to n) = siemens v(cp, cn) */
eqs_status eqs_netlist_vccs(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n, eqs_node cp,
                            eqs_node cn, double siemens);
/* v(p, n) or i(p to n) = the expression (expression.h) */
eqs_status eqs_netlist_behavioural_voltage(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n,
                                           const char *expression);
eqs_status eqs_netlist_behavioural_current(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n,
                                           const char *expression);
/* anode p, cathode n; the model belongs to this netlist, or for a subcircuit's body to its parent */
eqs_status eqs_netlist_diode(eqs_netlist *netlist, const char *name, eqs_node p, eqs_node n,
                             const eqs_diode_model *model);

/* A diode model: is > 0, n > 0, rs >= 0, cjo >= 0. *out belongs to the netlist. */
eqs_status eqs_netlist_diode_model(eqs_netlist *netlist, const char *name, double is, double n, double rs,
                                   double cjo, const eqs_diode_model **out);

/* Defines a subcircuit with named ports; elements are added to (*out)->body, whose nodes are its own. Bodies
 * hold no definitions, directives or outputs. *out belongs to the netlist. */
eqs_status eqs_netlist_subcircuit(eqs_netlist *netlist, const char *name, size_t n_ports,
                                  const char *const *ports, eqs_subcircuit **out);

/* An instance of a subcircuit, node [n_ports] in the order of its ports. */
eqs_status eqs_netlist_instance(eqs_netlist *netlist, const char *name, const eqs_subcircuit *subcircuit,
                                const eqs_node *node);

/* Directives. */
eqs_status eqs_netlist_tolerances(eqs_netlist *netlist, const eqs_tolerances *tolerances);
eqs_status eqs_netlist_initial(eqs_netlist *netlist, eqs_node node, double volts);
eqs_status eqs_netlist_guess(eqs_netlist *netlist, eqs_node node, double volts);
eqs_status eqs_netlist_output(eqs_netlist *netlist, eqs_node node, bool measured);
eqs_status eqs_netlist_op(eqs_netlist *netlist);
eqs_status eqs_netlist_tran(eqs_netlist *netlist, double t_first, double t_stop, double t_max_step,
                            bool use_initial);
/* sweeps the independent source named "v_..." or "i_..." (with its letter) from..to by step */
eqs_status eqs_netlist_dc(eqs_netlist *netlist, const char *source, double from, double to, double step);

/* What can only be judged on the whole: there are elements and an analysis, every node that is read or
 * printed also carries current somewhere, controlling and swept sources exist. EQS_BAD_DATA. */
eqs_status eqs_netlist_check(const eqs_netlist *netlist);

/* SPICE letter, word for messages and number of terminals of a kind (0: an instance's ports). */
char eqs_element_letter(eqs_element_kind kind);
const char *eqs_element_word(eqs_element_kind kind);
size_t eqs_element_terminals(eqs_element_kind kind);

#endif
