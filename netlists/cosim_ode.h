/* The ODE side of a transient co-simulation: CVODE on the units that are no circuits, landing on every macro
 * point.
 */
#ifndef EQS_NETLISTS_COSIM_ODE_H
#define EQS_NETLISTS_COSIM_ODE_H

#include "netlists/cosim_history.h"
#include "netlists/cosim_system.h"

typedef struct eqs_cosim_ode eqs_cosim_ode;

/* Called at the start of a stretch and after each internal step: inputs of the circuit a [n_in] and da/dt. */
typedef void (*eqs_cosim_sink)(void *user, double t, const double *a, const double *da);

/* CVODE (Adams, or BDF when the time constants spread more than 1:20) at t = 0 from u0 [n_ode]. The system
 * must outlive it. *out is the caller's. */
eqs_status eqs_cosim_ode_create(const eqs_cosim_system *system, double rtol, double atol, const double *u0,
                                eqs_cosim_ode **out);
void eqs_cosim_ode_destroy(eqs_cosim_ode *ode);

/* Moves to t1 with y(t) the polynomial of `degree` through the history's newest points. EQS_NOT_CONVERGED. */
eqs_status eqs_cosim_ode_advance(eqs_cosim_ode *ode, double t1, const eqs_cosim_history *y, size_t degree,
                                 eqs_cosim_sink sink, void *user);

/* Present potentials [n_ode]. */
const double *eqs_cosim_ode_state(const eqs_cosim_ode *ode);

/* Remembers the present point; and goes back to it (CVODE starts anew there). */
void eqs_cosim_ode_mark(eqs_cosim_ode *ode);
eqs_status eqs_cosim_ode_back(eqs_cosim_ode *ode);

/* Internal steps so far. */
size_t eqs_cosim_ode_steps(const eqs_cosim_ode *ode);

#endif
