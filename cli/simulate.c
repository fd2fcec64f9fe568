#include "base/memory.h"
#include "cli/circuit.h"
#include "learning/agreement.h"
#include "learning/result_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_TOLERANCE = 4000, KEY_COSIM };

typedef struct simulate_command {
    cli_circuit circuit;
    double tolerance; /* 0: circuit.tolerance for op, 1e-3 for tran */
    bool cosim;
} simulate_command;

static const struct argp_option options[] = {
    CLI_CIRCUIT_OPTIONS,
    {"tolerance", KEY_TOLERANCE, "X", 0,
     "Agreement tolerance in units of state; devices: relative (default circuit.tolerance for op, 1e-3 for "
     "tran)",
     1},
    {"cosim", KEY_COSIM, 0, 0, "Only cosimulation.parts in ngspice, the rest in CVODE, in lock-step", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state, void *own)
{
    simulate_command *o = own;
    char *end;
    if (key == KEY_COSIM) {
        o->cosim = true;
        return 0;
    }
    if (key != KEY_TOLERANCE)
        return cli_circuit_parse(key, arg, &o->circuit);
    o->tolerance = strtod(arg, &end);
    if (*end != '\0' || !(o->tolerance > 0.0))
        argp_error(state, "--tolerance: '%s' found, allowed: a number > 0", arg);
    return 0;
}

static void print_op(const eqs_network *net, const eqs_agreement *a, double tolerance)
{
    bool devices = net->resistive != NULL;
    double unit = devices ? net->resistive->siemens : 1.0;
    printf("largest difference of a %s, by layer (op, %zu samples; tolerance %.0e)\n",
           devices ? "node voltage, relative to the largest of its layer" : "state", a->samples, tolerance);
    printf("%-8s %6s %22s %22s %22s\n", "layer", "units", "CVODE - equilibrium", "ngspice - CVODE",
           "ngspice - equilibrium");
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++)
        printf("%-8zu %6zu %22.2e %22.2e %22.2e\n", k, net->layer[k].units, a->layer[k].ode_equilibrium,
               a->layer[k].circuit_ode, a->layer[k].circuit_equilibrium);
    printf("residual %s: CVODE %.1e  equilibrium %.1e  ngspice %.1e\n",
           devices ? "of Kirchhoff's current law [A]" : "max|P(dF/ds)|", unit * a->residual_ode,
           unit * a->residual_equilibrium, unit * a->residual_circuit);
    if (a->by_transient > 0)
        printf("%zu samples have several fixed points, and ngspice's Newton iteration found another than the "
               "flow "
               "does: they were started from the end of a transient\n",
               a->by_transient);
    printf("seconds: CVODE %.3f  equilibrium %.3f  ngspice %.3f\n", a->seconds_ode, a->seconds_equilibrium,
           a->seconds_circuit);
}

static void print_tran(const eqs_agreement *a, double unit_time, double tolerance)
{
    printf("transient, %zu samples, tolerance %.0e; one unit of time is %.3g s in the circuit\n", a->samples,
           tolerance, unit_time);
    printf("largest difference of a state, ngspice - CVODE: along the trajectory %.2e, at its end %.2e\n",
           a->max_difference, a->end_difference);
    printf("ngspice points %zu; seconds: CVODE %.3f  ngspice %.3f\n", a->points, a->seconds_ode,
           a->seconds_circuit);
}

/* mean over the samples, and the slowest */
static void print_stages(const eqs_agreement *a)
{
    for (size_t s = 0; a->stage != NULL && s < a->n_stages; s++) {
        double mean[3] = {0.0}, worst[2] = {0.0};
        for (size_t b = 0; b < a->samples; b++) {
            const eqs_device_stage_result *r = &a->stage[b * a->n_stages + s];
            for (size_t l = 0; l < 2; l++) {
                mean[l] += r->settled[l] / (double)a->samples;
                worst[l] = fmax(worst[l], r->settled[l]);
            }
            mean[2] += r->energy / (double)a->samples;
        }
        printf(
            "%s stage of %.3g s: settled to 1e-3 in %.3g s (slowest %.3g), to 1e-6 in %.3g s (slowest %.3g); "
            "supplies deliver %.3g J\n",
            s == 0 ? "free" : "nudged", a->stage[s].seconds, mean[0], worst[0], mean[1], worst[1], mean[2]);
    }
}

static eqs_status run(const cli_measurement *measurement, const simulate_command *own)
{
    const cli_subject *subject = &measurement->subject;
    const cli_samples *samples = &measurement->samples;
    const cli_common *common = measurement->common;
    eqs_h5_writer *writer = measurement->writer;
    const eqs_setup *setup = subject->setup;
    eqs_circuit_options circuit;
    double xi;
    EQS_TRY(cli_phase_xi(subject, own->circuit.phase, &xi));
    EQS_TRY(cli_circuit_options(subject, &own->circuit, true, &circuit));
    bool tran = circuit.circuit.analysis == EQS_ANALYSIS_TRAN;
    double tolerance = own->tolerance > 0.0 ? own->tolerance
                       : tran               ? 1e-3
                                            : subject->config->circuit.tolerance;
    circuit.circuit.settled_start = xi != 0.0;
    eqs_phase phase = cli_circuit_phase(subject, samples, xi);
    eqs_state *start;
    EQS_TRY(cli_circuit_start(subject, samples, xi, &start));
    phase.free_output = start->s[setup->net->n_layers - 1];
    eqs_agreement agreement;
    eqs_status status = eqs_agreement_measure(setup->energy, &phase, start, &circuit, &agreement);
    if (status == EQS_OK)
        status = eqs_agreement_write(writer, setup->net, &phase, &circuit, &agreement);
    if (status == EQS_OK) {
        if (common->json)
            cli_print_json(json_pack("{s:s, s:s, s:I, s:o, s:o, s:b}", "analysis", own->circuit.analysis,
                                     "phase", own->circuit.phase, "samples", (json_int_t)agreement.samples,
                                     "max_difference", cli_json_real(agreement.max_difference), "tolerance",
                                     cli_json_real(tolerance), "agree",
                                     agreement.max_difference <= tolerance));
        else if (tran)
            print_tran(&agreement, eqs_circuit_unit_time(&circuit.circuit.units), tolerance);
        else
            print_op(setup->net, &agreement, tolerance);
        if (!common->json)
            print_stages(&agreement);
        if (!(agreement.max_difference <= tolerance))
            status = eqs_fail(
                EQS_CHECK_FAILED,
                "circuit, ODE and equilibrium disagree by %.3g (tolerance %.3g), worst in sample %zu, layer "
                "%zu, unit %zu; all values are in %s",
                agreement.max_difference, tolerance, agreement.worst[0], agreement.worst[1],
                agreement.worst[2], common->output);
    }
    eqs_agreement_clear(&agreement);
    eqs_state_destroy(start);
    return status;
}

int cli_simulate(int argc, char **argv)
{
    static const cli_syntax syntax = {
        .arguments = "CONFIG|RUN.h5",
        .doc =
            "Run samples as circuits in ngspice and compare every unit with CVODE and with the equilibrium "
            "solver.\v"
            "Clamped inputs are folded unless --full. --cosim: docs/cosimulation.md. Exit code 1 when they "
            "disagree beyond the tolerance.\n"
            "Example: eqspice simulate run.h5 --samples 0:16 --phase nudged -o circuit.h5",
        .options = options,
        .parse = parse,
        .least = 1,
        .most = 1,
        .uses = CLI_OUTPUT | CLI_SET | CLI_THREADS | CLI_JSON,
        .needs_output = true,
    };
    cli_common common;
    simulate_command own = {.circuit = {.samples = "0:16", .phase = "free", .fold = -1}};
    const char *word;
    cli_parse(&syntax, argc, argv, &common, &word, &own);
    if (own.circuit.analysis == NULL)
        own.circuit.analysis = own.cosim ? "tran" : "op";
    cli_measurement measurement;
    eqs_status status = cli_measurement_open(word, own.circuit.samples, "circuit", &common, &measurement);
    if (status == EQS_OK)
        status =
            own.cosim ? cli_cosimulate(&measurement, &own.circuit, own.tolerance) : run(&measurement, &own);
    int code = cli_measurement_close(&measurement, status);
    cli_common_clear(&common);
    return code;
}
