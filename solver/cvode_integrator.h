/* Inside solver/: one CVODE integrator on the field of one sample. */
#ifndef EQS_SOLVER_CVODE_INTEGRATOR_H
#define EQS_SOLVER_CVODE_INTEGRATOR_H

#include "solver/sample.h"

#include <nvector/nvector_serial.h>
#include <sundials/sundials_linearsolver.h>
#include <sundials/sundials_matrix.h>
#include <sundials/sundials_nonlinearsolver.h>

typedef struct eqs_schur eqs_schur; /* solver/cvode_schur.h */

typedef struct eqs_integrator {
    eqs_sample *sample; /* borrowed */
    eqs_field *field;   /* what is integrated: the sample's field, or `own` */
    const eqs_relax_options *options;
    int method; /* CV_BDF or CV_ADAMS */
    SUNContext context;
    void *cvode;
    N_Vector y;          /* the variables x of the field */
    N_Vector dense;      /* dense output */
    N_Vector quadrature; /* integrals along the trajectory, or NULL */
    double *activity;    /* [3 n] r, r' and dr/dt for their integrands */
    SUNNonlinearSolver nonlinear;
    SUNLinearSolver linear;
    SUNMatrix matrix;
    eqs_linear_solver kind;      /* in force, never AUTO; unused by Adams */
    int64_t *column_start, *row; /* KLU, Schur: pattern of df/dx */
    double *value;               /* Schur: its values */
    eqs_schur *schur;            /* Krylov with the Schur preconditioner, else NULL */
    double *diagonal, *inverse;  /* [n] Krylov: diag(df/dx), and 1 / (1 - gamma diag) */
    bool started;                /* CVODE has stepped since its last (re)start */
    /* projected form only, see cvode_flow.c */
    bool boxed;
    eqs_network as_membrane; /* the network in membrane form; its arrays are borrowed */
    eqs_energy *own_energy;
    eqs_field *own;
    const double *lo, *hi; /* [n] the box; borrowed from the sample */
    double *held;          /* [n] the side at which a unit is held: -1, 1, or 0 when it is free */
    double *force;         /* [n] scratch */
    int *event;            /* [n] scratch */
    char message[128];     /* CVODE's last error */
} eqs_integrator;

/* Chooses what is integrated; call first. */
eqs_status eqs_integrator_create_flow(eqs_integrator *integrator);
void eqs_integrator_destroy_flow(eqs_integrator *integrator);

/* Has CVODE look for the events of the projected form; call after CVodeInit. */
eqs_status eqs_integrator_watch_events(eqs_integrator *integrator);

/* x of sample->state into x[n], for a sample whose data has changed. */
void eqs_integrator_start(eqs_integrator *integrator, double *x);

/* Projected form, after a step that returned `flag`: holds the units that met a bound and frees those that
 * are pulled off theirs. true when something changed, so that CVODE must restart from y. */
bool eqs_integrator_meet_event(eqs_integrator *integrator, int flag);

/* Puts held units exactly on their bounds, where rounding in a step may have moved them off. */
void eqs_integrator_snap(const eqs_integrator *integrator, double *x);

/* f = dx/dt; nonzero when it is not finite. */
int eqs_integrator_flow(eqs_integrator *integrator, double t, const double *x, double *f);

/* The linearisation of the flow at the x of field->ops->prepare: product with v, diagonal, values of the
 * sparse pattern, dense matrix. */
void eqs_integrator_product(eqs_integrator *integrator, const double *v, double *Jv);
void eqs_integrator_diagonal(eqs_integrator *integrator, double *diagonal);
void eqs_integrator_values(eqs_integrator *integrator, double *value);
void eqs_integrator_dense(eqs_integrator *integrator, double *J);

/* Attaches the linear solver of options to a BDF integrator, with its analytic Jacobian. */
eqs_status eqs_integrator_attach_linear(eqs_integrator *integrator);

/* Adds what the linear solver did since CVODE's last start. */
void eqs_integrator_count_linear(const eqs_integrator *integrator, eqs_relax_statistics *work);

#endif
