/* The device-level circuit of a resistive network (models/resistive.h) in one phase for one sample: a
 * resistor per synapse, voltage sources in +x / -x pairs, diodes with their bias sources, bidirectional
 * amplifiers, bias and nudging current sources, node capacitances. SI units; docs/circuits-resistive.md
 * explains every element.
 *
 * Nodes (unit 17 of hidden layer 1; o_ is the output layer):
 *     xp_5 xn_5    sources +gain x_5 and -gain x_5; x_5 when inputs are not doubled; ref the bias source
 *     h1_17        a hidden node: its voltage is the state
 *     f_h1_17      the driving side of the amplifier at h1_17
 *     o_3          an output; op_3 and on_3 the pair of a differential one
 *     low_1 high_1 voltages at which the diodes of layer 1 begin to conduct (0 V: ground)
 *     hold_o_3     transients with stages: the output at the end of the free stage, held on a capacitor
 * Elements: r_h1_17_xp_5 (synapse of g siemens: 1/g ohm; g = 0 is left out), d_low_h1_17 and d_high_h1_17,
 * b_low_ and b_high_ (law shockley: what ngspice's diode lacks in reverse), x_amp_h1_17, i_bias_h1_17,
 * i_nudge_o_3 and g_nudge_o_3, c_h1_17; folded inputs: r_fold_h1_17 and a part of i_bias_h1_17 (Norton;
 * exact).
 *
 * Diode laws. ngspice: the simulator's D model. shockley: that model, plus a source for the difference to
 * is (exp(v/Vn) - 1) below -3 Vn; gmin is set to 1e-18 S. ideal: SPICE has none; it is stood for by a diode
 * of Vn = n kT/q = EQS_IDEAL_VN and is = EQS_IDEAL_IS G0, so a clamped node misses its bound by Vn ln(i/is):
 * 1e-9 V ln(1e9) = 2e-8 V at i = G0 x 1 V. */
#ifndef EQS_NETLISTS_DEVICE_H
#define EQS_NETLISTS_DEVICE_H

#include "models/energy.h"
#include "models/state.h"
#include "netlists/netlist.h"
#include "netlists/worker.h"

#define EQS_IDEAL_VN 1e-9 /* V */
#define EQS_IDEAL_IS 1e-9 /* in units of the unit conductance times 1 V */

/* What amplifiers have beside their gain; all 0: ideal. */
typedef struct eqs_device_amplifier {
    double open_loop;  /* gain of the operational amplifier inside: A becomes A / (1 + A / open_loop) */
    double bandwidth;  /* Hz, one pole */
    double offset;     /* V, at the input */
    double resistance; /* ohm, at the output */
} eqs_device_amplifier;

/* A stage of a transient: until `until` seconds the outputs are nudged with strength beta. */
typedef struct eqs_device_stage {
    double until; /* s, ascending */
    double beta;  /* unit conductances */
} eqs_device_stage;

typedef struct eqs_device_options {
    bool fold;                    /* sources become part of each node's current; default false */
    bool external;                /* folded only: those currents, and one nudging current per output node, are
                                     the program's (eqs_device_currents; eqs_spice_nudge) */
    eqs_analysis_kind analysis;   /* OP (default), TRAN (from the start, or 0 V), or NONE */
    double t_stop, t_max_step;    /* s; t_max_step 0: t_stop / 1000 */
    double capacitance;           /* F of a node with tau = 1; default 1e-12 */
    double reltol, vntol, abstol; /* defaults 1e-6, 1e-9 V, 0: 1e-9 of the unit conductance times 1 V */
    eqs_device_amplifier amplifier;
    /* TRAN: the phase's own nudge, or stages, of which the first is free (beta 0): its outputs are held and
     * nudge the others, all by elements of the circuit */
    size_t n_stages;
    const eqs_device_stage *stage; /* borrowed */
    const char *label;             /* the sample in the header, "test image 3"; borrowed; NULL: its number */
} eqs_device_options;

eqs_device_options eqs_device_options_default(void);

/* Builds the circuit of sample `sample` of the phase's batch. start (NULL: none) is a state of the same
 * batch: the initial condition of a transient, the first guess of an operating point. A nudge of the form
 * `current` is made of phase->free_output. The netlist's first outputs are the free nodes, layers in turn;
 * then the driving sides of amplifiers. *out is the caller's. EQS_BAD_CONFIG: not a resistive network,
 * options that do not go together. EQS_BAD_DATA: conductances below 0, values that are not finite, a nudge
 * without target or free outputs. */
eqs_status eqs_device_build(const eqs_network *net, const eqs_phase *phase, size_t sample,
                            const eqs_state *start, const eqs_device_options *options, eqs_netlist **out);

/* External sources of a circuit built with `external`: the currents of all nodes of layers that couple to
 * layer 0, layers in turn; then one per output node, for nudging. */
size_t eqs_device_n_currents(const eqs_network *net);

/* Their values [A] without nudge at source voltages x [layer 0] of one sample, into amperes [n_currents]. */
void eqs_device_currents(const eqs_network *net, const double *theta, const double *x, double *amperes);

/* The currents [A] of the phase's nudge into the output nodes of a sample, amperes [layer L's units]: 0
 * without a nudge; of the form current from phase->free_output; of the form conductance beta times the
 * target, to which the conductance beta belongs. EQS_BAD_DATA without target or free outputs. */
eqs_status eqs_device_nudge(const eqs_phase *phase, size_t sample, double *amperes);

/* The network's cost and outputs for a sweep; points, sources and targets are the caller's to fill in. */
eqs_spice_nudge eqs_device_nudge_rule(const eqs_network *net);

#endif
