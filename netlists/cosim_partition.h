/* Which parts of a network are circuits in a co-simulation, and how a unit's subcircuit is wired to it.
 *
 * Words of a partition, as in the configuration's cosimulation.parts:
 *     "layer K"                 every unit of layer K
 *     "units K FROM:TO[:STEP]"  units FROM, FROM+STEP, ... below TO of layer K
 *     "coupling A B"            the synapses between two free layers whose units are no circuits
 * and of the wiring (cosimulation.pins), "PIN=ROLE" with roles
 *     current    current into the pin:    i = drive_scale d + drive_offset    (d: the unit's whole drive);
 * its voltage is the state unless another pin is voltage    voltage at the pin:      v = drive_scale d +
 * drive_offset rate       voltage is sensed:       rho = (v - rate_offset) / rate_scale rate-current  current
 * out of the pin, held at 0 V, is sensed:  rho = (i - rate_offset) / rate_scale state      voltage is sensed:
 * u = (v - state_offset) / state_scale; sets the start, too ground     0 V 2.5        a supply of so many
 * volts, whose energy is measured */
#ifndef EQS_NETLISTS_COSIM_PARTITION_H
#define EQS_NETLISTS_COSIM_PARTITION_H

#include "models/network.h"
#include "netlists/library.h"

/* Flat index of a unit: free layers 1..L in turn. */
typedef struct eqs_cosim_partition {
    size_t n_units;
    bool *unit;     /* [n_units] is a circuit */
    bool *coupling; /* [n_couplings] is a circuit */
    size_t n_circuit_units, n_circuit_couplings;
} eqs_cosim_partition;

/* Reads the words. EQS_BAD_CONFIG names the word: unknown, out of range, twice, a coupling that the network
 * does not have, of the clamped input, or whose units are circuits; no part at all. Release with
 * eqs_cosim_partition_clear, also after errors. */
eqs_status eqs_cosim_partition_read(const eqs_network *net, size_t n, const char *const *words,
                                    eqs_cosim_partition *out);
void eqs_cosim_partition_clear(eqs_cosim_partition *partition);

typedef enum eqs_cosim_role {
    EQS_COSIM_CURRENT,
    EQS_COSIM_VOLTAGE,
    EQS_COSIM_RATE,
    EQS_COSIM_RATE_CURRENT,
    EQS_COSIM_STATE,
    EQS_COSIM_GROUND,
    EQS_COSIM_SUPPLY
} eqs_cosim_role;

/* The user's part of a co-simulation. Words and texts are borrowed. */
typedef struct eqs_cosim_wiring {
    const char *subcircuit; /* device or path (eqs_device_open); "": the ideal leaky integrator */
    size_t n_pins, n_parameters;
    const char *const *pins;          /* [n_pins] "PIN=ROLE" */
    const char *const *parameters;    /* [n_parameters] "NAME=VALUE" */
    double drive_scale, drive_offset; /* A or V */
    double rate_scale, rate_offset;   /* V or A */
    double state_scale, state_offset; /* V */
} eqs_cosim_wiring;

/* The wiring read and checked against its subcircuit file. */
typedef struct eqs_cosim_cell {
    eqs_spice_file *file; /* NULL: ideal */
    eqs_cosim_wiring wiring;
    eqs_cosim_role role[EQS_SPICE_PINS];
    double volts[EQS_SPICE_PINS]; /* of supplies */
    double parameter[EQS_SPICE_PARAMETERS];
    size_t drive, rate, state; /* pins; state SIZE_MAX: none */
} eqs_cosim_cell;

/* Opens and checks: every pin has one role, exactly one drives and one gives the rate, parameters exist and
 * have fine values, scales are not 0. EQS_BAD_CONFIG names pin or parameter; errors of eqs_device_open.
 * Release with eqs_cosim_cell_clear, also after errors. */
eqs_status eqs_cosim_cell_open(const eqs_cosim_wiring *wiring, eqs_cosim_cell *out);
void eqs_cosim_cell_clear(eqs_cosim_cell *cell);

#endif
