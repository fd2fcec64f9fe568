/* The circuit of a co-simulation as a deck for ngspice.
 *
 * Of each circuit unit I of layer K: node uK_I its membrane or driven pin, rK_I its rate in volts (swing *
 * rho); external source i_aN: input N. An ideal unit is a capacitor, a leak and a B source for rho, into
 * whose membrane the currents flow; a unit with a subcircuit collects the same currents in node aK_I (1 /
 * conductance to ground) and drives the pin of xK_I from there. A synapse between circuit units is a VCCS
 * from the rate of one. The nudge of a circuit output is a VCCS -beta from its rate; its constant part comes
 * with the input. Of a coupling: node qN holds the rate of end N (external source v_aN), node pN its drive
 * (swing * drive). */
#ifndef EQS_NETLISTS_COSIM_DECK_H
#define EQS_NETLISTS_COSIM_DECK_H

#include "netlists/circuit_units.h"
#include "netlists/cosim_system.h"

typedef struct eqs_cosim_deck_options {
    eqs_circuit_units units;
    double reltol, vntol, abstol;
    bool sweep; /* for a dc sweep of v_sweep instead of a transient */
} eqs_cosim_deck_options;

typedef struct eqs_cosim_deck {
    char *text; /* ends with .end */
    size_t length;
    size_t n_in, n_out, n_states, n_supplies;
    /* vectors to ask for: [n_out] voltages swing * y, [n_states] potentials of the circuit units (0 or all),
     * then [n_supplies] currents of the supplies */
    const char **wanted;
    const char **external; /* [n_in] sources: current conductance * swing * a, or voltage swing * a */
    double *gain;          /* [n_in] amperes or volts per unit of a */
    double state_scale, state_offset; /* u = (v - state_offset) / state_scale */
    const char **supply;              /* [n_supplies] their pins */
    double *supply_volts;             /* [n_supplies] */
    eqs_arena arena;
} eqs_cosim_deck;

/* Writes the deck; u0 [n_circuit] (NULL: none) are potentials at the start, for circuits whose state is
 * known. EQS_NO_MEMORY. Release with eqs_cosim_deck_clear, also after errors. */
eqs_status eqs_cosim_deck_write(const eqs_cosim_system *system, const eqs_cosim_cell *cell,
                                const eqs_cosim_deck_options *options, const double *u0, eqs_cosim_deck *out);
void eqs_cosim_deck_clear(eqs_cosim_deck *deck);

#endif
