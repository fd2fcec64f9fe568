/* Shared by the files that draw the behavioural circuit; not for others. */
#ifndef EQS_NETLISTS_BEHAVIOURAL_BUILDER_H
#define EQS_NETLISTS_BEHAVIOURAL_BUILDER_H

#include "netlists/behavioural.h"

/* What the parts of the circuit need while it is built. Nodes are indexed [layer][unit]. */
typedef struct eqs_behavioural_builder {
    const eqs_energy *energy;
    const eqs_phase *phase;
    const eqs_network *net;
    const eqs_behavioural_options *options;
    size_t sample, first;
    eqs_netlist *netlist;
    eqs_node *nodes;  /* the memory behind the three tables */
    eqs_node **unit;  /* u or s */
    eqs_node **rate;  /* r; the unit's own node where rho is the identity */
    eqs_node **drive; /* where synapses deliver: the unit's node or d */
    double *bias;     /* [all units] constant currents, in units of G * swing */
    double *start;    /* [n_state] dynamical variables at the start, or NULL */
} eqs_behavioural_builder;

/* Memory of the tables and of the bias currents; release with eqs_behavioural_release. EQS_NO_MEMORY. */
eqs_status eqs_behavioural_allocate(eqs_behavioural_builder *b);
void eqs_behavioural_release(eqs_behavioural_builder *b);

/* Activity of the clamped input of the builder's sample into r [n_0]. */
void eqs_behavioural_input_activity(const eqs_behavioural_builder *b, double *r);

/* Bias currents of all units in units of G * swing into b->bias: b_k, and when folded the clamped input's r_0
 * W. */
eqs_status eqs_behavioural_gather_bias(eqs_behavioural_builder *b, bool fold);

/* The part of b->bias that belongs to layer k. */
const double *eqs_behavioural_bias(const eqs_behavioural_builder *b, size_t k);

/* beta of the quadratic potential on a layer and what it pulls to (NULL: the layer has none). */
double eqs_behavioural_nudge(const eqs_phase *phase, size_t k, const double **wanted);

/* Amperes that nudging adds to unit i besides its conductance: G swing beta (v - offset), offset that between
 * the state and the voltage that nudging senses. */
double eqs_behavioural_nudge_current(const eqs_behavioural_builder *b, size_t k, size_t i, double beta,
                                     const double *wanted);

/* The netlist with its title and header comment into b->netlist. */
eqs_status eqs_behavioural_header(eqs_behavioural_builder *b);

#endif
