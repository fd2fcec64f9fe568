/* Co-simulation from a configuration: options, a run of several samples against CVODE, and its result file.
 */
#ifndef EQS_LEARNING_COSIMULATION_H
#define EQS_LEARNING_COSIMULATION_H

#include "netlists/cosim.h"
#include "store/config.h"
#include "store/h5file.h"

/* What cosimulation.* and circuit.* say, read and checked against a network. Release with
 * eqs_cosimulation_clear, also after errors; the configuration must outlive it. */
typedef struct eqs_cosimulation {
    eqs_cosim_partition partition;
    eqs_cosim_cell cell;
    eqs_cosim_options options;
} eqs_cosimulation;

/* EQS_BAD_CONFIG with file, line and key; errors of the subcircuit file with its own. */
eqs_status eqs_cosimulation_open(const eqs_config *config, const eqs_network *net, eqs_cosimulation *out);
void eqs_cosimulation_clear(eqs_cosimulation *cosimulation);

/* All samples of a phase. */
typedef struct eqs_cosimulation_report {
    size_t samples, done;  /* done: without an error */
    eqs_cosim_result *run; /* [samples]; of a failed one what came before the failure */
    double *path, *end;    /* [samples] largest |state - CVODE's| along the run, and at its end */
    eqs_state *state;      /* [samples] last states */
    double max_path, max_end;
    double seconds, seconds_ode; /* wall-clock of the co-simulations and of CVODE alone */
    char failure[1024];          /* message of the first sample that failed, or "" */
} eqs_cosimulation_report;

/* Co-simulates every sample of the phase from `start`, and integrates the same with CVODE alone at rtol 1e-9.
 * A run that fails ends the measurement but is no error: `failure` says why, and the runs so far are kept.
 * EQS_INTERRUPTED and errors of CVODE alone are returned. Release with eqs_cosimulation_report_clear, also
 * after errors. */
eqs_status eqs_cosimulation_measure(const eqs_cosimulation *cosimulation, const eqs_energy *energy,
                                    const eqs_phase *phase, const eqs_state *start,
                                    eqs_cosimulation_report *out);

/* Writes /circuit/cosimulation {state_k, difference, sample_N/{time, step, mismatch, iterations, state_k,
 * input, output, energy}, netlist}. */
eqs_status eqs_cosimulation_write(eqs_h5_writer *writer, const eqs_network *net,
                                  const eqs_cosimulation *cosimulation,
                                  const eqs_cosimulation_report *report);

void eqs_cosimulation_report_clear(eqs_cosimulation_report *report);

#endif
