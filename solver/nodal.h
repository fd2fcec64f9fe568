/* Equilibria of resistive networks in double precision, for any couplings, diodes, amplifiers and costs: the
 * reference solvers behind `auto`, `sweep` and `newton` (solver/relax.h).
 *
 * Seen from a node, the rest of the network is a current s at a conductance a, and its voltage the root of
 * one scalar equation (solver/node_law.h). sweep solves layer after layer, nodes of a lateral layer one after
 * the other: block coordinate descent, which contracts by the ratio of the coupling conductances. newton
 * takes the fixed-point equation z = law(s(z)), with the other colour's nodes eliminated in closed form where
 * layers have two colours (solver/engine_plan.h; what is left are the outputs of a network with one hidden
 * layer, LU), and with all nodes and a sparse LU (KLU) elsewhere; its Jacobian is bounded, since the law is
 * applied after the step. auto sweeps, and goes over to newton when sweeps contract by less than 0.3.
 *
 * A sample ends when Kirchhoff's current law holds at every node to options->tolerance (with ideal diodes: to
 * the box's projection), and, in a nudged phase from the free state (settled_start), when in addition every
 * node's residual over its conductance is at most options->response_tolerance of its layer's largest
 * response. */
#ifndef EQS_SOLVER_NODAL_H
#define EQS_SOLVER_NODAL_H

#include "solver/relax.h"

typedef enum eqs_nodal_method { EQS_NODAL_AUTO, EQS_NODAL_SWEEP, EQS_NODAL_NEWTON } eqs_nodal_method;

/* The body of eqs_solver.run for a resistive network. */
eqs_status eqs_nodal_run(eqs_nodal_method method, const eqs_energy *energy, const eqs_phase *phase,
                         const eqs_relax_options *options, eqs_state *state, eqs_relax_result *result);

/* The largest current that rounding leaves at a node of conductance a in a network of voltages up to V: what
 * tolerances on a response need not ask to undo. */
static inline double eqs_nodal_rounding(double a, double V)
{
    return 2e-15 * a * V;
}

/* Raises *tolerance to what rounding lets a residual reach: the currents of a resistive network are sums of
 * terms of size a V. Other networks: left as it is. EQS_NO_MEMORY. */
eqs_status eqs_nodal_reachable(const eqs_network *net, const eqs_phase *phase, double *tolerance);

/* Certificate of given states, evaluated from the energy's terms and not from a solver's sums:
 * residual[batch] = largest |current| into a node, 0 where an ideal diode takes it, in units of G0 x 1 V.
 * response[batch], unless NULL, = largest over nodes of |current| / (conductance with diodes) over the
 * largest |v - v_free| of the node's layer: the error of the voltages relative to the response, without
 * currents that are rounding. NaN where a
 * residual is not a number; response is INFINITY when a layer does not respond at all but has a residual. */
eqs_status eqs_nodal_certificate(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *state,
                                 const eqs_state *free_state, double *residual, double *response);

#endif
