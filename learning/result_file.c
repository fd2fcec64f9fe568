#include "learning/result_file.h"

#include "base/memory.h"
#include "base/version.h"
#include "learning/result_units.h"
#include "solver/gradient_compare.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sundials/sundials_version.h>

enum { PATH_SIZE = 160 };

static eqs_status write_code(eqs_h5_writer *writer)
{
    char sundials[32] = "unknown";
    SUNDIALSGetVersion(sundials, sizeof sundials);
    const char *const fields[][2] = {
        {"program", "eqspice"},
        {"version", eqs_version()},
        {"revision", eqs_revision()},
        {"compiler", eqs_compiler()},
        {"flags", eqs_build_flags()},
        {"sundials", sundials},
        {"openblas", openblas_get_config()},
        {"blas_kernel", openblas_get_corename()},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        EQS_TRY(eqs_h5_attribute_string(writer, "/code", fields[i][0], fields[i][1]));
    return EQS_OK;
}

static eqs_status write_network(eqs_h5_writer *writer, const eqs_network *net)
{
    size_t L = net->n_layers, C = net->n_couplings;
    double *units = eqs_alloc(L, sizeof *units);
    uint32_t *pairs = eqs_alloc(2 * C, sizeof *pairs);
    const char **activation = eqs_alloc(L, sizeof *activation);
    eqs_status status = units == NULL || pairs == NULL || activation == NULL ? EQS_NO_MEMORY : EQS_OK;
    if (status == EQS_OK) {
        for (size_t k = 0; k < L; k++) {
            units[k] = (double)net->layer[k].units;
            activation[k] = eqs_activation_name(net->layer[k].activation.kind);
        }
        for (size_t c = 0; c < C; c++) {
            pairs[2 * c] = (uint32_t)net->coupling[c].from;
            pairs[2 * c + 1] = (uint32_t)net->coupling[c].to;
        }
        size_t dim[2] = {C, 2};
        status = eqs_h5_write_double(writer, "/network/units", units, 1, &L, "1", "units of layers 0 to L");
        if (status == EQS_OK)
            status = eqs_h5_write_uint32(writer, "/network/couplings", pairs, 2, dim, "1", "coupled layers");
        if (status == EQS_OK)
            status = eqs_h5_write_strings(writer, "/network/activation", activation, L,
                                          "activation of layers 0 to L");
        if (status == EQS_OK)
            status = eqs_h5_attribute_string(writer, "/network", "form", eqs_form_name(net->form));
    }
    eqs_free(units);
    eqs_free(pairs);
    eqs_free(activation);
    for (size_t k = 0; status == EQS_OK && k < L; k++) {
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "/network/tau_%zu", k);
        status = eqs_h5_write_double(writer, path, net->layer[k].tau, 1, &net->layer[k].units, "unit time",
                                     "time constants of the layer's units");
    }
    return status;
}

static eqs_status write_parameters(eqs_h5_writer *writer, const eqs_network *net, const double *theta,
                                   bool single)
{
    eqs_result_units units = eqs_result_units_of(net);
    float *rounded = NULL;
    if (single) {
        rounded = eqs_alloc(net->n_parameters, sizeof *rounded);
        if (rounded == NULL)
            return EQS_NO_MEMORY;
        for (size_t i = 0; i < net->n_parameters; i++)
            rounded[i] = (float)theta[i];
    }
    eqs_status status = EQS_OK;
    for (size_t i = 0; status == EQS_OK && i < eqs_parameter_blocks(net); i++) {
        eqs_parameter_block block = eqs_parameter_block_get(net, i);
        bool weights = i < net->n_couplings;
        size_t dim[2] = {block.count, 1};
        if (weights) {
            dim[0] = net->layer[net->coupling[i].from].units;
            dim[1] = net->layer[net->coupling[i].to].units;
        }
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "/parameters/%s", block.name);
        status = eqs_h5_write(writer, path, single ? EQS_H5_FLOAT : EQS_H5_DOUBLE,
                              single ? (const void *)(rounded + block.offset) : theta + block.offset,
                              weights ? 2 : 1, dim, weights ? units.weight : units.residual,
                              weights ? units.weight_text : units.bias_text);
    }
    eqs_free(rounded);
    return status;
}

eqs_status eqs_result_header(eqs_h5_writer *writer, const eqs_setup *setup, const double *theta, bool single,
                             const char *status, const char *default_group)
{
    EQS_TRY(eqs_h5_attribute_string(writer, "/", "status", status));
    EQS_TRY(eqs_h5_attribute_string(writer, "/", "default", default_group));
    EQS_TRY(write_code(writer));
    EQS_TRY(eqs_h5_write_config(writer, setup->config));
    EQS_TRY(write_network(writer, setup->net));
    return write_parameters(writer, setup->net, theta, single);
}

eqs_status eqs_result_samples(eqs_h5_writer *writer, eqs_dataset_part part, size_t n, const uint32_t *index,
                              const uint32_t *label)
{
    EQS_TRY(eqs_h5_write_uint32(writer, "/samples/index", index, 1, &n, "1",
                                "index in its part of the data set"));
    EQS_TRY(eqs_h5_write_uint32(writer, "/samples/label", label, 1, &n, "1", "class of the sample"));
    return eqs_h5_attribute_string(writer, "/samples", "part", eqs_dataset_part_name(part));
}

eqs_status eqs_result_states(eqs_h5_writer *writer, const char *group, const eqs_network *net,
                             const eqs_state *state)
{
    eqs_result_units unit = eqs_result_units_of(net);
    char text[PATH_SIZE];
    snprintf(text, sizeof text, "%s of the layer's units", unit.state_text);
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        char path[PATH_SIZE];
        size_t dim[2] = {state->batch, net->layer[k].units};
        snprintf(path, sizeof path, "%s/state_%zu", group, k);
        EQS_TRY(eqs_h5_write_double(writer, path, state->s[k], 2, dim, unit.state, text));
    }
    return EQS_OK;
}

eqs_status eqs_result_trajectory(eqs_h5_writer *writer, const char *group, const eqs_network *net,
                                 const eqs_trajectory *trajectory)
{
    size_t n = trajectory->n;
    eqs_result_units unit = eqs_result_units_of(net);
    const struct {
        const char *name, *unit, *text;
        const double *value;
    } series[] = {
        {"time", "unit time", "time since the start of the phase", trajectory->time},
        {"energy", unit.energy, unit.energy_text, trajectory->energy},
        {"residual", unit.residual, unit.residual_text, trajectory->residual},
    };
    char path[PATH_SIZE], text[PATH_SIZE];
    for (size_t i = 0; i < sizeof series / sizeof *series; i++) {
        snprintf(path, sizeof path, "%s/%s", group, series[i].name);
        EQS_TRY(eqs_h5_write_double(writer, path, series[i].value, 1, &n, series[i].unit, series[i].text));
    }
    /* points hold all layers in turn: cut them into one matrix per layer */
    double *matrix = eqs_alloc(n * trajectory->n_state, sizeof *matrix);
    if (matrix == NULL)
        return EQS_NO_MEMORY;
    eqs_status status = EQS_OK;
    size_t first = 0;
    snprintf(text, sizeof text, "%s along the trajectory", unit.state_text);
    for (size_t k = eqs_first_free_layer(net); status == EQS_OK && k < net->n_layers; k++) {
        size_t units = net->layer[k].units, dim[2] = {n, units};
        for (size_t i = 0; i < n; i++)
            memcpy(matrix + i * units, trajectory->state + i * trajectory->n_state + first,
                   units * sizeof *matrix);
        snprintf(path, sizeof path, "%s/state_%zu", group, k);
        status = eqs_h5_write_double(writer, path, matrix, 2, dim, unit.state, text);
        first += units;
    }
    eqs_free(matrix);
    EQS_TRY(status);
    EQS_TRY(eqs_h5_attribute_string(writer, group, "signal", "residual"));
    return eqs_h5_attribute_string(writer, group, "axes", "time");
}

eqs_status eqs_result_relaxation(eqs_h5_writer *writer, const char *group, const eqs_network *net,
                                 const double beta[EQS_BETA_COUNT], const eqs_state *state,
                                 const eqs_relax_result *result)
{
    size_t n = result->batch;
    eqs_result_units unit = eqs_result_units_of(net);
    char path[PATH_SIZE], residual_text[PATH_SIZE], energy_text[PATH_SIZE];
    snprintf(residual_text, sizeof residual_text, "%s; at the end: the certificate", unit.residual_text);
    snprintf(energy_text, sizeof energy_text, "%s at the end", unit.energy_text);
    const struct {
        const char *name, *unit, *text;
        const double *value;
    } series[] = {
        {"residual", unit.residual, residual_text, result->residual},
        {"time", "unit time", "time followed (0 for solvers that follow no time)", result->time},
        {"energy", unit.energy, energy_text, result->energy},
    };
    EQS_TRY(eqs_result_states(writer, group, net, state));
    for (size_t i = 0; i < sizeof series / sizeof *series; i++) {
        snprintf(path, sizeof path, "%s/%s", group, series[i].name);
        EQS_TRY(eqs_h5_write_double(writer, path, series[i].value, 1, &n, series[i].unit, series[i].text));
    }
    const char **end = eqs_alloc(n, sizeof *end);
    if (end == NULL)
        return EQS_NO_MEMORY;
    for (size_t b = 0; b < n; b++)
        end[b] = eqs_relax_end_name(result->end[b]);
    snprintf(path, sizeof path, "%s/end", group);
    eqs_status status = eqs_h5_write_strings(writer, path, end, n, "why the relaxation ended");
    eqs_free(end);
    EQS_TRY(status);
    EQS_TRY(eqs_h5_attribute_string(writer, group, "solver", result->solver));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "beta_x", beta[EQS_BETA_X]));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "beta_y", beta[EQS_BETA_Y]));
    for (int digits = 3; result->trajectory != NULL && digits <= 6; digits += 3) {
        double mean, largest;
        eqs_relax_settling(result, pow(10.0, -digits), &mean, &largest);
        snprintf(path, sizeof path, "settling_1e-%d", digits);
        EQS_TRY(eqs_h5_attribute_double(writer, group, path, mean));
        snprintf(path, sizeof path, "settling_1e-%d_largest", digits);
        EQS_TRY(eqs_h5_attribute_double(writer, group, path, largest));
    }
#define X(name, text) EQS_TRY(eqs_h5_attribute_int(writer, group, #name, result->statistics.name));
    EQS_RELAX_STATISTICS_LIST(X)
#undef X
    for (size_t b = 0; result->trajectory != NULL && b < n; b++) {
        if (n == 1)
            snprintf(path, sizeof path, "%s/trajectory", group);
        else
            snprintf(path, sizeof path, "%s/trajectory_%zu", group, b);
        EQS_TRY(eqs_result_trajectory(writer, path, net, &result->trajectory[b]));
    }
    return EQS_OK;
}
