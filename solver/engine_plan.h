/* How the batch engine sees a network: the order of its sweeps and the places of layers in a row of state.
 *
 * Free layers are coloured so that layers of one colour are not coupled to each other: with the other colours
 * fixed they are updated together. When two colours suffice and no layer is coupled to itself (every layered
 * network), colour 0 is an exact function of colour 1, z: the equilibrium is a fixed point problem in z
 * alone, and the change that a sweep wants to make to z is the residual of the whole state at no extra cost.
 */
#ifndef EQS_SOLVER_ENGINE_PLAN_H
#define EQS_SOLVER_ENGINE_PLAN_H

#include "models/energy.h"

/* The scalar law of a layer's units (models/energy.h) and the variable that the engine keeps for a unit.
 * BOX:    clipped-linear rho; keeps s in [lo, hi];  r = s - offset
 * RATE:   smooth membrane;    keeps u = rho^-1(V); r = rho(u)
 * SMOOTH: smooth gradient form; keeps s;           r = rho(s) */
typedef enum eqs_unit_kind { EQS_UNIT_BOX, EQS_UNIT_RATE, EQS_UNIT_SMOOTH } eqs_unit_kind;

/* One coupling as seen from a layer: drive += r_other W (forward: the layer is W's `to`) or r_other W'. */
typedef struct eqs_plan_link {
    size_t coupling, other;
    bool forward;
} eqs_plan_link;

typedef struct eqs_plan_layer {
    size_t n;      /* units */
    size_t ld;     /* n rounded up to whole panels */
    size_t offset; /* of the layer in a row of state */
    size_t colour;
    eqs_unit_kind kind;
    bool lateral;          /* coupled to itself */
    size_t n_links;        /* to other free layers */
    eqs_plan_link *link;   /* owned */
    size_t input_coupling; /* to the clamped input, or SIZE_MAX */
    size_t self_coupling;  /* to itself, or SIZE_MAX */
    eqs_activation activation;
} eqs_plan_layer;

typedef struct eqs_plan {
    const eqs_network *net; /* borrowed */
    size_t n_layers, first; /* first free layer */
    eqs_plan_layer *layer;  /* [n_layers]; entries below `first` have n and ld only */
    size_t *order;          /* free layers, colour by colour */
    size_t n_colours;
    size_t *colour_start; /* [n_colours + 1] into order */
    size_t ld;            /* length of a row of state: all free layers, in `order` */
    bool exact;           /* two colours, no lateral coupling: colour 0 is a function of z */
    size_t n_z;           /* length of z, the tail of a row that sweeps iterate on */
    bool plain;           /* every free layer has r == s */
} eqs_plan;

/* Plan of a network for panels of `width` columns; *out is the caller's. EQS_NO_MEMORY. */
eqs_status eqs_plan_create(const eqs_network *net, size_t width, eqs_plan **out);
void eqs_plan_destroy(eqs_plan *plan);

#endif
