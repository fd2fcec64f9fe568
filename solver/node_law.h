/* The scalar equation of one node: a v = s + i_lower(lo - v) - i_upper(v - hi), which has one root since both
 * sides are monotone. a is the conductance that the node sees, s the current that flows into it at v = 0. */
#ifndef EQS_SOLVER_NODE_LAW_H
#define EQS_SOLVER_NODE_LAW_H

#include "models/network.h"

/* Wright's omega on the reals: omega + ln omega = z; two steps of Fritsch, Shafer and Crowley (1973) from a
 * start within 10 %, relative error below 1e-15. */
double eqs_wright_omega(double z);

/* An element between the node and ground: the current i(v) that it draws and its slope i'(v) >= 0. */
typedef struct eqs_element {
    double (*current)(const void *device, double v);
    double (*slope)(const void *device, double v);
    const void *device;
} eqs_element;

/* Root of a v + i(v) = s for any monotone element by Newton's method, bisected where it leaves its bracket;
 * `guess` is a start. a >= 0. NaN when there is no finite root. */
double eqs_node_solve_element(const eqs_element *element, double a, double s, double guess);

/* Root for unit i of layer k of a resistive network, whose law is one of models/diode.h: a clip for ideal
 * diodes, omega in closed form for one Shockley diode, else eqs_node_solve_element. guess: only used by the
 * latter. A node without any conductance and current is at its box's nearest point to 0; NaN when there is no
 * finite root. *slope, unless NULL, receives dv/ds: 1/(a + i'), 0 where an ideal diode holds the node. */
double eqs_node_solve(const eqs_network *net, size_t k, size_t i, double a, double s, double guess,
                      double *slope);

#endif
