/* A small random resistive network with data, targets and a phase, for tests. */
#ifndef EQS_TESTS_RESISTIVE_CASE_H
#define EQS_TESTS_RESISTIVE_CASE_H

#include "base/random.h"
#include "models/energy.h"
#include "models/field.h"
#include "tests/check.h"

#include <stdlib.h>

typedef struct resistive_case {
    eqs_network *net;
    eqs_energy *energy;
    double *theta, *x, *target;
    eqs_phase phase; /* free */
    eqs_state *state;
} resistive_case;

/* what varies */
typedef struct resistive_shape {
    size_t n_layers;
    size_t units[5];
    size_t n_couplings; /* 0: layered */
    size_t couplings[8][2];
    size_t batch;
    eqs_form form;
    double bias; /* size of the bias currents */
    eqs_resistive_def def;
} resistive_shape;

static inline resistive_shape shape_default(void)
{
    resistive_shape s = {.n_layers = 4,
                         .units = {3, 6, 5, 3},
                         .batch = 4,
                         .form = EQS_FORM_MEMBRANE,
                         .bias = 0.02,
                         .def = eqs_resistive_def_default()};
    s.def.siemens = 1e-4;
    s.def.input_gain = 2.0;
    return s;
}

static inline resistive_case case_create(const resistive_shape *s, uint64_t seed)
{
    resistive_case c = {0};
    static const double low[8] = {0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01}; /* no isolated nodes */
    eqs_network_def def = eqs_network_def_default();
    eqs_resistive_def resistive = s->def;
    resistive.g_min = low;
    def.n_layers = s->n_layers;
    def.units = s->units;
    def.n_couplings = s->n_couplings;
    def.couplings = s->couplings;
    def.form = s->form;
    def.resistive = &resistive;
    assert_ok(eqs_network_create(&def, &c.net));
    assert_ok(eqs_energy_create(c.net, &c.energy));
    c.theta = calloc(c.net->n_parameters, sizeof *c.theta);
    c.x = calloc(s->batch * c.net->layer[0].units, sizeof *c.x);
    c.target = calloc(s->batch * c.net->n_outputs, sizeof *c.target);
    double *data = calloc(s->batch * c.net->n_inputs, sizeof *data);
    eqs_random stream = eqs_random_stream(seed, EQS_RANDOM_TEST, 0, 0);
    eqs_resistive_init(c.net, seed, NULL, c.theta);
    for (size_t i = 0, first = c.net->bias_offset[1]; first + i < c.net->n_parameters; i++)
        c.theta[first + i] = s->bias * (2.0 * eqs_random_uniform(&stream, 1000 + i) - 1.0);
    for (size_t i = 0; i < s->batch * c.net->n_inputs; i++)
        data[i] = eqs_random_uniform(&stream, i);
    eqs_network_sources(c.net, s->batch, data, c.x);
    free(data);
    for (size_t b = 0; b < s->batch; b++)
        c.target[b * c.net->n_outputs + b % c.net->n_outputs] = 1.0;
    assert_ok(eqs_state_create(c.net, s->batch, &c.state));
    memcpy(c.state->s[0], c.x, s->batch * c.net->layer[0].units * sizeof *c.x);
    c.phase = (eqs_phase){.net = c.net, .theta = c.theta, .batch = s->batch, .x = c.x, .target = c.target};
    memcpy(c.phase.beta, c.net->beta, sizeof c.phase.beta);
    return c;
}

static inline void case_destroy(resistive_case *c)
{
    eqs_state_destroy(c->state);
    eqs_energy_destroy(c->energy);
    eqs_network_destroy(c->net);
    free(c->theta);
    free(c->x);
    free(c->target);
}

/* The i-th of a list of shapes that covers laws, layouts, amplifiers, outputs, costs and couplings. */
static inline bool shape_get(size_t i, resistive_shape *s)
{
    static const double gains[2] = {4.0, 2.0};
    *s = shape_default();
    switch (i) {
    case 0:
        return true;
    case 1:
        s->def.diode = EQS_DIODE_SHOCKLEY;
        return true;
    case 2:
        s->def.diode = EQS_DIODE_NGSPICE;
        s->def.amplifier = gains;
        return true;
    case 3:
        s->def.diode = EQS_DIODE_SHOCKLEY;
        s->def.layout = EQS_DIODES_PAIR;
        s->def.diode_bias[0] = -0.2;
        s->def.diode_bias[1] = 0.1;
        s->def.amplifier = gains;
        s->def.back_gain = EQS_BACK_CONSERVING;
        s->def.differential = true;
        return true;
    case 4:
        s->def.diode = EQS_DIODE_NONE;
        s->def.cost = EQS_COST_SOFTMAX;
        s->def.bias_source = 1.0;
        return true;
    case 5:
        s->def.layout = EQS_DIODES_PAIR;
        s->def.diode_bias[0] = -0.1;
        s->def.diode_bias[1] = 0.2;
        s->def.nudge = EQS_NUDGE_CONDUCTANCE;
        return true;
    case 6: /* skip and lateral connections */
        s->def.diode = EQS_DIODE_SHOCKLEY;
        s->n_couplings = 6;
        memcpy(s->couplings, (size_t[6][2]){{0, 1}, {1, 2}, {2, 3}, {1, 3}, {2, 2}, {0, 3}},
               sizeof(size_t[6][2]));
        return true;
    case 7:
        s->n_couplings = 5;
        memcpy(s->couplings, (size_t[5][2]){{0, 1}, {1, 2}, {2, 3}, {1, 3}, {1, 1}}, sizeof(size_t[5][2]));
        return true;
    case 8:
        s->n_layers = 3;
        s->units[2] = 4;
        s->def.diode = EQS_DIODE_SHOCKLEY;
        s->def.amplifier = gains;
        s->def.differential = true;
        s->def.cost = EQS_COST_SOFTMAX;
        return true;
    default:
        return false;
    }
}

#endif
