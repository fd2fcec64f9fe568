/* One phase three times: as an ODE (CVODE), as an equilibrium, and as a circuit (ngspice); and how far the
 * three differ, node by node. */
#ifndef EQS_LEARNING_AGREEMENT_H
#define EQS_LEARNING_AGREEMENT_H

#include "netlists/device_transient.h"
#include "netlists/simulate.h"
#include "solver/relax.h"
#include "store/h5file.h"

/* Largest |difference| over the samples and units of a layer, in units of state; of a resistive network
 * relative to the layer's largest voltage in the sample (tran: at the end). */
typedef struct eqs_layer_agreement {
    double ode_equilibrium, circuit_ode, circuit_equilibrium;
} eqs_layer_agreement;

typedef struct eqs_agreement {
    size_t samples;
    eqs_layer_agreement *layer; /* [n_layers]; op */
    double *difference;         /* [samples] largest of a sample's differences */
    double max_difference;      /* over everything; tran: along the trajectories */
    double end_difference;      /* tran: at the end of the trajectories */
    size_t worst[3];            /* sample, layer, unit of max_difference */
    double residual_ode, residual_equilibrium, residual_circuit; /* worst certificates */
    double seconds_ode, seconds_equilibrium, seconds_circuit;
    size_t by_transient; /* op: samples whose first operating point was another fixed point than the ODE's;
                            they were run again from the end of a transient, which follows the flow */
    size_t points;       /* tran: points of ngspice in all samples */
    eqs_state *ode, *equilibrium, *circuit;
    double *circuit_residual; /* [samples] */
    eqs_relax_result ode_result, equilibrium_result;
    eqs_circuit_trajectory *trajectory; /* [samples]; tran */
    eqs_relax_result *ode_trajectory;   /* [samples]; tran: CVODE's at the same times */
    /* tran of a resistive network: the free stage and, in a nudged phase, the nudged one of each sample
     * (netlists/device_transient.h); [samples x n_stages], NULL otherwise */
    size_t n_stages;
    eqs_device_stage_result *stage;
    char *netlist;    /* of the first sample, ngspice dialect */
    char ngspice[64]; /* version */
} eqs_agreement;

/* Runs all three from `start`. op: the fixed points. tran: ngspice's transient against CVODE's trajectory at
 * ngspice's own time points, to the circuit's t_stop. CVODE runs at rtol 1e-9, the equilibrium solver to
 * 1e-10 (the floor of the comparison). Release with eqs_agreement_clear, also after errors. EQS_NOT_CONVERGED
 * when one of the three does not arrive. */
eqs_status eqs_agreement_measure(const eqs_energy *energy, const eqs_phase *phase, const eqs_state *start,
                                 const eqs_circuit_options *options, eqs_agreement *out);

/* Writes /circuit/op or /circuit/tran {state_k, residual, difference, max_difference, netlist, ...},
 * /relaxation/cvode and (op) /relaxation/equilibrium; tran: both trajectories at the same times. */
eqs_status eqs_agreement_write(eqs_h5_writer *writer, const eqs_network *net, const eqs_phase *phase,
                               const eqs_circuit_options *options, const eqs_agreement *agreement);

void eqs_agreement_clear(eqs_agreement *agreement);

#endif
