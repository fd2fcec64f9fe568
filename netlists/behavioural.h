/* The behavioural circuit of a network in one phase for one sample: a leaky integrator per unit, one VCCS per
 * synapse and direction, one small behavioural source per neuron for rho (DESIGN 7).
 *
 * Units. A state s is drawn as the voltage swing * s, a coupling weight w as the transconductance G w, the
 * leak as a conductance G, a time constant tau as a capacitance C tau: Kirchhoff's current law at a unit's
 * node is then the network's ODE times G * swing, with time in units of C / G seconds.
 *
 * Nodes (unit 17 of hidden layer 1; x_ is the input layer, o_ the output layer):
 *     h1_17    the dynamical variable: the potential u (membrane), the state s (gradient)
 *     r_h1_17  its activity rho, set by b_rho_h1_17; left out where rho is linear, or the input's activity is
 * x d_h1_17  gradient form with a smooth rho: the drive -dF/dr, gathered on a conductance G Elements:
 * c_h1_17, r_leak_h1_17, b_rho_h1_17, i_bias_h1_17, g_h1_17_x_5 (synapse into h1_17 from x_5; weights that
 * are exactly 0 are left out), g_nudge_o_3 and i_nudge_o_3 (the current G beta (v - s), v the target), v_x_5
 * (clamped input); gradient form: r_load_h1_17 (of node d), b_force_h1_17 (G rho'(s) v(d)).
 *
 * Forms (models/network.h). membrane: C tau du/dt = G (-u + W r + b + beta (v - s)), s = clip(u) for a
 * clipped rho (r = s - offset), s = V = r for a smooth one. gradient, smooth or linear rho: C tau ds/dt = G
 * (-s + rho'(s) d + beta (v - s)), paper 001 Eq. 41. projected: the membrane circuit, which has the same
 * fixed points; for an operating point only. Free input layers (finite beta_x), lateral and skip couplings
 * are drawn alike. */
#ifndef EQS_NETLISTS_BEHAVIOURAL_H
#define EQS_NETLISTS_BEHAVIOURAL_H

#include "models/energy.h"
#include "models/state.h"
#include "netlists/circuit_units.h"
#include "netlists/netlist.h"

typedef struct eqs_behavioural_options {
    eqs_circuit_units units;
    bool fold;     /* clamped inputs become part of each unit's bias current (Norton); exact; default false */
    bool external; /* bias and nudging currents are supplied by the program, for sweeps over samples (needs
                      fold when the input is clamped); their values: eqs_behavioural_currents */
    eqs_analysis_kind analysis; /* EQS_ANALYSIS_OP (default), EQS_ANALYSIS_TRAN, or EQS_ANALYSIS_NONE */
    double t_stop;              /* tran, in unit times; default 30 */
    double t_max_step;          /* tran, longest step in unit times; default 0.02 */
    double reltol;              /* default 1e-6 */
    double vntol;               /* V; 0 (default): 1e-9 swing */
    double abstol;              /* A; 0 (default): 1e-9 G swing */
    bool settled_start; /* the start is a fixed point (of a nearby phase): from_state in models/field.h */
    const char *label;  /* the sample in the header, "test image 3"; borrowed; default NULL: its number */
} eqs_behavioural_options;

eqs_behavioural_options eqs_behavioural_options_default(void);

/* Builds the circuit of sample `sample` of the phase's batch. start (NULL: none) is a state of the same
 * batch: the initial condition of a transient (without one every node starts at 0 V), the first guess of an
 * operating point. The netlist's outputs are the state nodes, free layers in turn; the output layer is
 * measured. *out is the caller's. EQS_BAD_CONFIG: units, an energy term that has no circuit, a form that has
 * no continuous circuit for this rho, tran in projected form. EQS_BAD_DATA: values that are not finite (the
 * element is named), a nudged phase without target. */
eqs_status eqs_behavioural_build(const eqs_energy *energy, const eqs_phase *phase, size_t sample,
                                 const eqs_state *start, const eqs_behavioural_options *options,
                                 eqs_netlist **out);

/* States [n_state] of the voltages of the outputs (free layers in turn): s = volts / swing + offset of rho.
 */
void eqs_behavioural_states(const eqs_network *net, const eqs_circuit_units *units, const double *volts,
                            double *state);

/* Number of external sources of a circuit built with `external`, and their currents [A] for a sample in the
 * order of the netlist: per free layer the bias currents (layers 1..L), then the nudging currents (layers
 * with beta != 0). `amperes` [count]. EQS_NO_MEMORY. */
size_t eqs_behavioural_n_currents(const eqs_phase *phase);
eqs_status eqs_behavioural_currents(const eqs_energy *energy, const eqs_phase *phase, size_t sample,
                                    const eqs_circuit_units *units, double *amperes);

#endif
