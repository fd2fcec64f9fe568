/* Inside solver/nodal*.c: the equations of a resistive network, for all samples of a call and for one. */
#ifndef EQS_SOLVER_NODAL_INTERNAL_H
#define EQS_SOLVER_NODAL_INTERNAL_H

#include "solver/engine_plan.h"
#include "solver/nodal.h"

/* What all samples share. Free nodes are numbered layer after layer: node start[k] + i. Currents here are
 * Kirchhoff's, not scaled by the layers' weights. */
typedef struct eqs_nodal {
    const eqs_energy *energy;
    const eqs_phase *phase;
    const eqs_network *net;
    eqs_plan *plan; /* colours */
    size_t n, *start;
    double *a;      /* [n] conductance that a node sees, with the nudge's when that is a conductance */
    double *source; /* [batch] largest source voltage */
    double *fixed;  /* [batch x n] currents from sources, biases and the nudge */
    /* newton. Two colours: z are the nodes of colour 1, h those of colour 0; else z are all nodes */
    size_t n_z, n_h;
    size_t *z, *h;       /* their numbers */
    double *from_z;      /* [n_h x n_z] d s_h / d z; two colours only */
    double *to_z;        /* [n_h x n_z] transpose of d s_z / d h; two colours only */
    size_t n_couplings;  /* entries of the sparse d s / d v; else only */
    int *column, *row;   /* [n_z + 1], [entries + n_z]: I - diag(dv/ds) ds/dv, full diagonal */
    double *coefficient; /* [entries + n_z] of d s / d v */
} eqs_nodal;

eqs_status eqs_nodal_create(const eqs_energy *energy, const eqs_phase *phase, bool newton, eqs_nodal **out);
void eqs_nodal_destroy(eqs_nodal *nodal);

/* The matrices of newton; part of eqs_nodal_create. */
eqs_status eqs_nodal_couple(eqs_nodal *nodal);

/* One sample's voltages [n] and scratch. */
typedef struct eqs_nodal_sample {
    const eqs_nodal *nodal;
    size_t sample;
    double *v, *v_free; /* [n]; v_free: where the phase started */
    double *s, *slope;  /* [n] current at v = 0 and dv/ds of the last pass */
    double *next, *trial, *step;
    double *J, *scaled; /* dense newton */
    int *pivot;
    void *sparse; /* KLU */
} eqs_nodal_sample;

eqs_status eqs_nodal_sample_create(const eqs_nodal *nodal, bool newton, eqs_nodal_sample **out);
void eqs_nodal_sample_destroy(eqs_nodal_sample *sample);

/* s of the nodes of layer k from the voltages v; lateral resistors included. */
void eqs_nodal_drive(const eqs_nodal_sample *sample, size_t k, const double *v, double *s);

/* One sweep over all layers in the plan's order, in place; false when a node has no finite voltage. */
bool eqs_nodal_sweep(eqs_nodal_sample *sample);

/* Residual of the whole state; *relative is that of the response (models of both in nodal.h). */
double eqs_nodal_residual(eqs_nodal_sample *sample, double *relative);

/* Steps of newton, in place, until the fixed-point equation is closer, which takes one but far from the end;
 * returns how many. *closer is false, and v as before, when it never was. */
size_t eqs_nodal_newton(eqs_nodal_sample *sample, bool *closer);
eqs_status eqs_nodal_newton_create(eqs_nodal_sample *sample);
void eqs_nodal_newton_destroy(eqs_nodal_sample *sample);

#endif
