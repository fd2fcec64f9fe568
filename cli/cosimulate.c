#include "cli/circuit.h"
#include "learning/cosimulation.h"

#include <stdio.h>
#include <string.h>

static void print(const eqs_cosimulation *c, const eqs_cosimulation_report *report)
{
    printf("co-simulation: %zu units and %zu couplings in ngspice (%s), %zu units in CVODE\n",
           c->partition.n_circuit_units, c->partition.n_circuit_couplings,
           c->cell.file == NULL ? "ideal neurons" : c->cell.file->name,
           c->partition.n_units - c->partition.n_circuit_units);
    printf("%-7s %7s %9s %7s %7s %9s %9s %10s %10s\n", "sample", "macro", "ngspice", "CVODE", "windows",
           "mismatch", "gain", "path", "end");
    for (size_t b = 0; b < report->done; b++) {
        const eqs_cosim_result *r = &report->run[b];
        double mismatch = 0.0;
        for (size_t i = 0; i < r->n; i++)
            mismatch = r->mismatch[i] > mismatch ? r->mismatch[i] : mismatch;
        printf("%-7zu %7zu %9zu %7zu %7zu %9.1e %9.2f %10.2e %10.2e\n", b, r->n - 1, r->circuit_steps,
               r->ode_steps, r->windows, mismatch, r->loop_gain, report->path[b], report->end[b]);
    }
    const eqs_cosim_result *first = &report->run[0];
    for (size_t s = 0; report->done > 0 && s < first->n_supplies; s++)
        printf("supply %s delivered %.3g J in sample 0\n", first->supply[s],
               first->energy[(first->n - 1) * first->n_supplies + s]);
    printf("path, end: largest difference of a state from CVODE alone; seconds: co-simulation %.3f, CVODE "
           "%.3f\n",
           report->seconds, report->seconds_ode);
}

static eqs_status judge(const eqs_cosimulation *c, const eqs_cosimulation_report *report, double tolerance,
                        const char *output)
{
    if (report->failure[0] != '\0')
        return eqs_fail(EQS_CHECK_FAILED, "%.700s; what was computed before is in %s", report->failure,
                        output);
    if (c->cell.file == NULL && !(report->max_path <= tolerance))
        return eqs_fail(
            EQS_CHECK_FAILED,
            "co-simulation and CVODE alone disagree by %.3g (tolerance %.3g); all values are in %s",
            report->max_path, tolerance, output);
    return EQS_OK;
}

eqs_status cli_cosimulate(const cli_measurement *measurement, const cli_circuit *own, double tolerance)
{
    const double slack = 10.0; /* of the coupling's tolerance, along the path */
    const eqs_setup *setup = measurement->subject.setup;
    double xi;
    eqs_cosimulation c;
    eqs_cosimulation_report report = {0};
    eqs_state *start = NULL;
    if (own->level != NULL || own->fold == 0)
        return eqs_fail(EQS_USAGE, "--cosim: --%s does not apply; cosimulation.* says what is a circuit",
                        own->level != NULL ? "level" : "full");
    if (strcmp(own->analysis, "tran") != 0)
        return eqs_fail(EQS_USAGE, "--cosim runs in time: --analysis '%s' found, allowed: tran",
                        own->analysis);
    EQS_TRY(cli_phase_xi(&measurement->subject, own->phase, &xi));
    eqs_phase phase = cli_circuit_phase(&measurement->subject, &measurement->samples, xi);
    eqs_status status = eqs_cosimulation_open(measurement->subject.config, setup->net, &c);
    c.options.settled_start = xi != 0.0;
    if (status == EQS_OK)
        status = cli_circuit_start(&measurement->subject, &measurement->samples, xi, &start);
    if (status == EQS_OK)
        status = eqs_cosimulation_measure(&c, setup->energy, &phase, start, &report);
    if (status == EQS_OK)
        status = eqs_cosimulation_write(measurement->writer, setup->net, &c, &report);
    if (status == EQS_OK) {
        if (measurement->common->json)
            cli_print_json(json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:s}", "analysis", "cosimulation",
                                     "phase", own->phase, "samples", (json_int_t)report.samples, "done",
                                     (json_int_t)report.done, "max_path_difference",
                                     cli_json_real(report.max_path), "max_end_difference",
                                     cli_json_real(report.max_end), "failure", report.failure));
        else
            print(&c, &report);
        status = judge(&c, &report, tolerance > 0.0 ? tolerance : slack * c.options.tolerance,
                       measurement->common->output);
    }
    eqs_cosimulation_report_clear(&report);
    eqs_state_destroy(start);
    eqs_cosimulation_clear(&c);
    return status;
}
