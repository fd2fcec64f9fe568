#include "netlists/cosim_system.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/* Where each unit of the free layers went: index among the ODE's units, or n_ode + index among the circuits'.
 */
static size_t *places(const eqs_cosim_system *sys)
{
    size_t *place = eqs_alloc(sys->partition->n_units, sizeof *place), o = 0, c = 0;
    for (size_t i = 0; place != NULL && i < sys->partition->n_units; i++)
        place[i] = sys->partition->unit[i] ? sys->n_ode + c++ : o++;
    return place;
}

static size_t first_unit(const eqs_network *net, size_t layer)
{
    size_t first = 0;
    for (size_t k = 1; k < layer; k++)
        first += net->layer[k].units;
    return first;
}

static void set_units(eqs_cosim_system *sys)
{
    const eqs_network *net = sys->energy->net;
    size_t o = 0, c = 0, flat = 0;
    for (size_t k = 1; k < net->n_layers; k++) {
        for (size_t i = 0; i < net->layer[k].units; i++, flat++) {
            eqs_cosim_unit *unit = sys->partition->unit[flat] ? &sys->circuit[c++] : &sys->ode[o++];
            *unit = (eqs_cosim_unit){.layer = k,
                                     .index = i,
                                     .rho = &net->layer[k].activation,
                                     .tau = net->layer[k].tau[i],
                                     .rate_state = eqs_state_is_rate(net, k)};
        }
    }
}

/* weight w of the drive of unit `to` from the rate of unit `from` (places) */
static void add_weight(eqs_cosim_system *sys, size_t to, size_t from, double w)
{
    size_t n = sys->n_ode;
    if (to < n && from < n)
        sys->A_OO[to * n + from] += w;
    else if (to < n)
        sys->A_Oy[to * sys->n_out + from - n] += w;
    else if (from < n)
        sys->B[(to - n) * n + from] += w;
    else
        sys->C[(to - n) * sys->n_circuit + from - n] += w;
}

/* an end of a coupling that is a circuit: port `port` takes the unit's rate and returns a drive */
static void add_port(eqs_cosim_system *sys, size_t port, size_t unit)
{
    sys->port_of[port - sys->n_circuit] = unit;
    sys->B[port * sys->n_ode + unit] = 1.0;
    sys->A_Oy[unit * sys->n_out + port] = 1.0;
}

static void set_couplings(eqs_cosim_system *sys, const size_t *place)
{
    const eqs_network *net = sys->energy->net;
    size_t port = sys->n_circuit;
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t from = net->coupling[c].from, to = net->coupling[c].to;
        size_t n = net->layer[from].units, m = net->layer[to].units;
        const double *W = eqs_weights_const(net, sys->phase.theta, c);
        if (from == 0)
            continue;
        size_t first = first_unit(net, from), second = first_unit(net, to);
        if (sys->partition->coupling[c]) {
            for (size_t i = 0; i < n; i++)
                add_port(sys, port++, place[first + i]);
            for (size_t j = 0; from != to && j < m; j++)
                add_port(sys, port++, place[second + j]);
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < m; j++) {
                double w = W[i * m + j];
                if (w == 0.0)
                    continue;
                add_weight(sys, place[second + j], place[first + i], w);
                if (from != to)
                    add_weight(sys, place[first + i], place[second + j], w);
            }
        }
    }
}

/* drive of a unit from the clamped input and its bias */
static double fixed_drive(const eqs_cosim_system *sys, const eqs_cosim_unit *unit)
{
    const eqs_network *net = sys->energy->net;
    double sum = eqs_bias_const(net, sys->phase.theta, unit->layer)[unit->index];
    for (size_t c = 0; c < net->n_couplings; c++) {
        if (net->coupling[c].from != 0 || net->coupling[c].to != unit->layer)
            continue;
        const double *W = eqs_weights_const(net, sys->phase.theta, c);
        size_t m = net->layer[unit->layer].units;
        for (size_t i = 0; i < net->layer[0].units; i++)
            sum += W[i * m + unit->index] * eqs_rho(&net->layer[0].activation, sys->phase.x[i]);
    }
    return sum;
}

static void set_nudge(eqs_cosim_system *sys, eqs_cosim_unit *unit)
{
    bool output = unit->layer + 1 == sys->energy->net->n_layers;
    unit->stiffness = output ? sys->phase.beta[EQS_BETA_Y] : 0.0;
    unit->pull = unit->stiffness == 0.0 ? 0.0 : unit->stiffness * sys->phase.target[unit->index];
}

void eqs_cosim_system_load(eqs_cosim_system *sys, const eqs_phase *phase, size_t sample)
{
    const eqs_network *net = phase->net;
    sys->phase = *phase;
    sys->phase.batch = 1;
    sys->phase.x = phase->x + sample * net->layer[0].units;
    if (phase->target != NULL)
        sys->phase.target = phase->target + sample * net->layer[net->n_layers - 1].units;
    for (size_t i = 0; i < sys->n_ode; i++) {
        set_nudge(sys, &sys->ode[i]);
        sys->d_O[i] = fixed_drive(sys, &sys->ode[i]);
    }
    for (size_t i = 0; i < sys->n_circuit; i++) {
        eqs_cosim_unit *unit = &sys->circuit[i];
        set_nudge(sys, unit);
        /* the circuit nudges with -beta rho; s = rho + offset */
        sys->b[i] =
            fixed_drive(sys, unit) + unit->pull - unit->stiffness * eqs_cosim_circuit_state(unit, 0.0);
    }
}

eqs_status eqs_cosim_system_build(const eqs_energy *energy, const eqs_phase *phase, size_t sample,
                                  const eqs_cosim_partition *partition, eqs_cosim_system *out)
{
    const eqs_network *net = energy->net;
    size_t ports = 0;
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t from = net->coupling[c].from, to = net->coupling[c].to;
        if (partition->coupling[c])
            ports += net->layer[from].units + (from == to ? 0 : net->layer[to].units);
    }
    size_t n_circuit = partition->n_circuit_units, n_ode = partition->n_units - n_circuit,
           n = n_circuit + ports;
    *out = (eqs_cosim_system){.energy = energy,
                              .partition = partition,
                              .n_ode = n_ode,
                              .n_circuit = n_circuit,
                              .n_in = n,
                              .n_out = n,
                              .phase = *phase,
                              .ode = eqs_alloc(n_ode, sizeof *out->ode),
                              .circuit = eqs_alloc(n_circuit, sizeof *out->circuit),
                              .A_OO = eqs_alloc(n_ode * n_ode, sizeof *out->A_OO),
                              .A_Oy = eqs_alloc(n_ode * n, sizeof *out->A_Oy),
                              .d_O = eqs_alloc(n_ode, sizeof *out->d_O),
                              .B = eqs_alloc(n * n_ode, sizeof *out->B),
                              .b = eqs_alloc(n, sizeof *out->b),
                              .C = eqs_alloc(n_circuit * n_circuit, sizeof *out->C),
                              .port_of = eqs_alloc(ports, sizeof *out->port_of)};
    size_t *place = places(out);
    if (out->ode == NULL || out->circuit == NULL || out->A_OO == NULL || out->A_Oy == NULL ||
        out->d_O == NULL || out->B == NULL || out->b == NULL || out->C == NULL || out->port_of == NULL ||
        place == NULL) {
        eqs_free(place);
        return EQS_NO_MEMORY;
    }
    set_units(out);
    set_couplings(out, place);
    eqs_cosim_system_load(out, phase, sample);
    eqs_free(place);
    return EQS_OK;
}

void eqs_cosim_system_clear(eqs_cosim_system *system)
{
    eqs_free(system->ode);
    eqs_free(system->circuit);
    eqs_free(system->A_OO);
    eqs_free(system->A_Oy);
    eqs_free(system->d_O);
    eqs_free(system->B);
    eqs_free(system->b);
    eqs_free(system->C);
    eqs_free(system->port_of);
    *system = (eqs_cosim_system){0};
}

void eqs_cosim_rates(const eqs_cosim_system *sys, const double *u, double *r, double *s)
{
    for (size_t i = 0; i < sys->n_ode; i++) {
        const eqs_cosim_unit *unit = &sys->ode[i];
        double rate = eqs_rho(unit->rho, u[i]);
        if (r != NULL)
            r[i] = rate;
        if (s != NULL)
            s[i] = eqs_cosim_circuit_state(unit, rate);
    }
}

/* out[n] += M x, M [n x m] */
static void add_product(size_t n, size_t m, const double *restrict M, const double *restrict x,
                        double *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < m; j++)
            sum += M[i * m + j] * x[j];
        out[i] += sum;
    }
}

void eqs_cosim_flow(const eqs_cosim_system *sys, const double *u, const double *y, double *f, double *scratch)
{
    size_t n = sys->n_ode;
    double *r = scratch, *s = scratch + n;
    eqs_cosim_rates(sys, u, r, s);
    memcpy(f, sys->d_O, n * sizeof *f);
    add_product(n, n, sys->A_OO, r, f);
    add_product(n, sys->n_out, sys->A_Oy, y, f);
    for (size_t i = 0; i < n; i++) {
        const eqs_cosim_unit *unit = &sys->ode[i];
        f[i] = (f[i] + unit->pull - unit->stiffness * s[i] - u[i]) / unit->tau;
    }
}

void eqs_cosim_inputs(const eqs_cosim_system *sys, const double *r, const double *dr, double *a, double *da)
{
    memcpy(a, sys->b, sys->n_in * sizeof *a);
    add_product(sys->n_in, sys->n_ode, sys->B, r, a);
    if (da == NULL)
        return;
    memset(da, 0, sys->n_in * sizeof *da);
    add_product(sys->n_in, sys->n_ode, sys->B, dr, da);
}

double eqs_cosim_circuit_state(const eqs_cosim_unit *unit, double r)
{
    return unit->rate_state ? r : r + unit->rho->offset;
}
