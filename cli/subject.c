/* What CONFIG|RUN.h5, --samples and --phase mean. */
#include "cli/cli.h"

#include "base/memory.h"
#include "learning/result_file.h"
#include "learning/run_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool cli_is_run_file(const char *path)
{
    static const char hdf5[] = "\x89HDF\r\n\x1a\n";
    char head[8] = {0};
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    size_t n = fread(head, 1, sizeof head, file);
    fclose(file);
    const char *end = strrchr(path, '.');
    return n > 0 && (memcmp(head, "eqspice", 7) == 0 || memcmp(head, hdf5, sizeof head) == 0 ||
                     (end != NULL && strcmp(end, ".h5") == 0));
}

void cli_footprint(const cli_common *common, const eqs_config *config, eqs_footprint *out)
{
    eqs_footprint_estimate(config, common->training ? EQS_FOOTPRINT_TRAINING : EQS_FOOTPRINT_MEASUREMENT,
                           common->threads, out);
}

/* Refuses what does not fit into memory. Lists that are wrong are for the setup to name. */
static eqs_status check_memory(const cli_common *common, const eqs_config *config)
{
    eqs_footprint need;
    if (common->no_memory_check || config->network.layers.n < 2 || eqs_config_check(config) != EQS_OK)
        return EQS_OK;
    cli_footprint(common, config, &need);
    eqs_status status = eqs_footprint_check(&need, eqs_memory_available());
    if (status == EQS_OK)
        return status;
    char why[1024];
    snprintf(why, sizeof why, "%s", eqs_error_message());
    return eqs_fail(status, "%s: %s; --no-memory-check starts it nevertheless", eqs_config_name(config), why);
}

eqs_status cli_subject_load(const char *word, const cli_common *common, cli_subject *out)
{
    *out = (cli_subject){.trained = cli_is_run_file(word)};
    eqs_status status;
    if (out->trained) {
        status = eqs_run_load_config(word, &out->config);
    } else {
        char *path;
        EQS_TRY(cli_find_config(word, &path));
        status = eqs_config_load(path, &out->config);
        eqs_free(path);
    }
    for (size_t i = 0; status == EQS_OK && i < common->n_set; i++)
        status = eqs_config_set(out->config, common->set[i]);
    if (status == EQS_OK)
        status = check_memory(common, out->config);
    if (status == EQS_OK)
        status = eqs_setup_create(out->config, out->trained ? word : NULL, &out->setup);
    if (status != EQS_OK)
        cli_subject_clear(out);
    return status;
}

void cli_subject_clear(cli_subject *subject)
{
    eqs_setup_destroy(subject->setup);
    eqs_config_destroy(subject->config);
    *subject = (cli_subject){0};
}

/* Part of the data set by an optional prefix "train:", "validation:", "test:"; moves *text behind it. */
static eqs_dataset_part read_part(const char **text)
{
    for (int part = 0; part < EQS_DATASET_PARTS; part++) {
        const char *name = eqs_dataset_part_name((eqs_dataset_part)part);
        size_t length = strlen(name);
        if (strncmp(*text, name, length) == 0 && (*text)[length] == ':') {
            *text += length + 1;
            return (eqs_dataset_part)part;
        }
    }
    return EQS_DATASET_TEST;
}

eqs_status cli_part_check(const eqs_dataset *data, eqs_dataset_part part, const char *option,
                          const char *found)
{
    char parts[120] = "";
    if (eqs_dataset_count(data, part) > 0)
        return EQS_OK;
    for (int p = 0; p < EQS_DATASET_PARTS; p++) {
        size_t count = eqs_dataset_count(data, (eqs_dataset_part)p), at = strlen(parts);
        if (count > 0)
            snprintf(parts + at, sizeof parts - at, "%s%s (%zu)", at > 0 ? ", " : "",
                     eqs_dataset_part_name((eqs_dataset_part)p), count);
    }
    return eqs_fail(EQS_USAGE, "%s: '%s' found, but part %s of %s has no samples; parts that have: %s",
                    option, found, eqs_dataset_part_name(part), data->name, parts);
}

static eqs_status bad_samples(const char *text, size_t count)
{
    return eqs_fail(EQS_USAGE,
                    "--samples: '%s' found, allowed: FIRST:END (END excluded) or I,J,K below %zu, with "
                    "train:, validation: or test: (the default) before it",
                    text, count);
}

/* Indices of "3", "0:16", "1,5,7" below count. */
static eqs_status read_indices(const char *whole, const char *text, size_t count, cli_samples *out)
{
    char *end;
    unsigned long long first = strtoull(text, &end, 10);
    if (end == text)
        return bad_samples(whole, count);
    if (*end == ':') {
        const char *second = end + 1;
        unsigned long long last = strtoull(second, &end, 10);
        if (end == second || *end != '\0' || last <= first || last > count)
            return bad_samples(whole, count);
        out->n = (size_t)(last - first);
        out->index = eqs_alloc(out->n, sizeof *out->index);
        for (size_t i = 0; out->index != NULL && i < out->n; i++)
            out->index[i] = (uint32_t)(first + i);
        return out->index != NULL ? EQS_OK : EQS_NO_MEMORY;
    }
    size_t n = 1;
    for (const char *c = text; *c != '\0'; c++)
        n += *c == ',';
    out->index = eqs_alloc(n, sizeof *out->index);
    if (out->index == NULL)
        return EQS_NO_MEMORY;
    for (const char *next = text;; next = end + 1) {
        unsigned long long value = strtoull(next, &end, 10);
        if (end == next || value >= count || (*end != ',' && *end != '\0'))
            return bad_samples(whole, count);
        out->index[out->n++] = (uint32_t)value;
        if (*end == '\0')
            return EQS_OK;
    }
}

static eqs_status fetch(const cli_subject *subject, cli_samples *out)
{
    const eqs_network *net = subject->setup->net;
    size_t n_in = net->n_inputs, n_out = net->n_outputs;
    if (out->data->dim != n_in)
        return eqs_fail(EQS_BAD_CONFIG,
                        "network.layers: the input layer has %zu units, but a sample of %s has %zu "
                        "values",
                        n_in, out->data->name, out->data->dim);
    double *data = eqs_alloc(out->n * n_in, sizeof *data);
    out->x = eqs_alloc(out->n * net->layer[0].units, sizeof *out->x);
    out->target = eqs_alloc(out->n * n_out, sizeof *out->target);
    out->label = eqs_alloc(out->n, sizeof *out->label);
    eqs_status status = EQS_NO_MEMORY;
    if (data != NULL && out->x != NULL && out->target != NULL && out->label != NULL)
        status = eqs_dataset_fetch(out->data, out->part, out->index, out->n, data, out->label);
    if (status == EQS_OK) {
        eqs_network_sources(net, out->n, data, out->x);
        status = eqs_one_hot(out->label, out->n, n_out, out->target);
    }
    eqs_free(data);
    return status;
}

eqs_status cli_samples_load(const cli_subject *subject, const char *text, cli_samples *out)
{
    *out = (cli_samples){0};
    const char *indices = text;
    out->part = read_part(&indices);
    eqs_status status = cli_open_data(subject->config, &out->data);
    if (status == EQS_OK)
        status = cli_part_check(out->data, out->part, "--samples", text);
    if (status == EQS_OK)
        status = read_indices(text, indices, eqs_dataset_count(out->data, out->part), out);
    if (status == EQS_OK)
        status = fetch(subject, out);
    if (status != EQS_OK)
        cli_samples_clear(out);
    return status;
}

void cli_samples_clear(cli_samples *samples)
{
    eqs_free(samples->index);
    eqs_free(samples->x);
    eqs_free(samples->target);
    eqs_free(samples->label);
    eqs_dataset_destroy(samples->data);
    *samples = (cli_samples){0};
}

eqs_status cli_phase_xi(const cli_subject *subject, const char *word, double *xi)
{
    double beta = fabs(subject->config->learning.beta);
    if (strcmp(word, "free") == 0)
        *xi = 0.0;
    else if (strcmp(word, "nudged") == 0 || strcmp(word, "nudged+") == 0)
        *xi = beta;
    else if (strcmp(word, "nudged-") == 0)
        *xi = -beta;
    else
        return eqs_fail(EQS_USAGE,
                        "--phase: '%s' found, allowed: free, nudged (beta = learning.beta), nudged-", word);
    return EQS_OK;
}

eqs_status cli_check_solver(const char *name)
{
    if (name == NULL || eqs_solver_find(name) != NULL)
        return EQS_OK;
    return eqs_fail(EQS_USAGE, "--solver: '%s' found; `eqspice list solvers` shows what is allowed", name);
}

eqs_status cli_measurement_open(const char *word, const char *samples, const char *group,
                                const cli_common *common, cli_measurement *out)
{
    *out = (cli_measurement){.common = common};
    EQS_TRY(cli_subject_load(word, common, &out->subject));
    EQS_TRY(cli_samples_load(&out->subject, samples, &out->samples));
    EQS_TRY(eqs_h5_create(&out->writer));
    const eqs_setup *setup = out->subject.setup;
    EQS_TRY(eqs_result_header(out->writer, setup, setup->theta, false, "complete", group));
    return eqs_result_samples(out->writer, out->samples.part, out->samples.n, out->samples.index,
                              out->samples.label);
}

/* Writes the file and returns `status` with its message, or why the file was not written. */
static eqs_status commit(const cli_measurement *measurement, eqs_status status)
{
    char why[512];
    snprintf(why, sizeof why, "%s", eqs_error_message());
    EQS_TRY(eqs_h5_commit(measurement->writer, measurement->common->output));
    return status == EQS_OK ? EQS_OK : eqs_fail(status, "%s", why);
}

int cli_measurement_close(cli_measurement *measurement, eqs_status status)
{
    if (status == EQS_OK || status == EQS_CHECK_FAILED)
        status = commit(measurement, status);
    eqs_h5_writer_destroy(measurement->writer);
    cli_samples_clear(&measurement->samples);
    cli_subject_clear(&measurement->subject);
    return status == EQS_OK ? 0 : cli_fail(status);
}
