#include "solver/sample.h"

#include "base/log.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* synapses times samples below which waking threads costs more than they save */
enum { SMALL = 1000 };

/* what the threads of one call share */
typedef struct batch_job {
    const eqs_sample_solver *how;
    const eqs_energy *energy;
    const eqs_phase *phase;
    const eqs_relax_options *options;
    eqs_state *state;
    eqs_relax_result *result;
    size_t first_failed; /* sample whose reason is in result->failure */
    eqs_status status;   /* of the first call that could not be done at all */
    char message[1024];
} batch_job;

static void destroy_sample(eqs_sample *sample)
{
    eqs_field_destroy(sample->field);
    eqs_state_destroy(sample->state);
    eqs_free(sample->tau);
}

static eqs_status create_sample(const eqs_energy *energy, const eqs_phase *phase, eqs_sample *sample)
{
    const eqs_network *net = energy->net;
    *sample = (eqs_sample){.phase = *phase, .n = eqs_network_state_size(net)};
    sample->phase.batch = 1;
    sample->tau = eqs_alloc(3 * sample->n, sizeof *sample->tau);
    if (sample->tau == NULL)
        return EQS_NO_MEMORY;
    sample->lo = sample->tau + sample->n;
    sample->hi = sample->lo + sample->n;
    for (size_t k = eqs_first_free_layer(net), at = 0; k < net->n_layers; k++) {
        const eqs_layer *layer = &net->layer[k];
        for (size_t i = 0; i < layer->units; i++, at++) {
            sample->tau[at] = layer->tau[i];
            sample->tau_max = fmax(sample->tau_max, layer->tau[i]);
            sample->lo[at] = layer->lo[i];
            sample->hi[at] = layer->hi[i];
        }
    }
    EQS_TRY(eqs_state_create(net, 1, &sample->state));
    return eqs_field_create(energy, &sample->phase, &sample->field);
}

/* points the sample at row b of the phase and copies its state in */
static void load(eqs_sample *sample, const batch_job *job, size_t b)
{
    const eqs_network *net = job->energy->net;
    sample->index = b;
    sample->phase = eqs_phase_rows(job->phase, b, 1);
    for (size_t k = 0; k < net->n_layers; k++)
        memcpy(sample->state->s[k], job->state->s[k] + b * net->layer[k].units,
               net->layer[k].units * sizeof(double));
    eqs_field_reload(sample->field);
}

static void store(const eqs_sample *sample, batch_job *job, size_t b)
{
    const eqs_network *net = job->energy->net;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++)
        memcpy(job->state->s[k] + b * net->layer[k].units, sample->state->s[k],
               net->layer[k].units * sizeof(double));
}

static void note_status(batch_job *job, eqs_status status)
{
#pragma omp critical(eqs_sample)
    {
        if (job->status == EQS_OK) {
            job->status = status;
            snprintf(job->message, sizeof job->message, "%s", eqs_error_message());
        }
    }
}

static void note_outcome(batch_job *job, size_t b, const eqs_sample_outcome *outcome)
{
    eqs_relax_result *result = job->result;
    result->end[b] = outcome->end;
    result->residual[b] = outcome->residual;
    result->time[b] = outcome->time;
    result->energy[b] = outcome->energy;
    result->steps[b] = outcome->steps;
    if (outcome->end != EQS_RELAX_FAILED)
        return;
    eqs_log(EQS_LOG_WARNING, "relaxation of sample %zu failed: %s", b, outcome->failure);
#pragma omp critical(eqs_sample)
    {
        if (b < job->first_failed) {
            job->first_failed = b;
            snprintf(result->failure, sizeof result->failure, "%s", outcome->failure);
        }
    }
}

/* One thread's share: its own field, state and worker. Every thread must reach the loop, whatever failed. */
static void work_through(batch_job *job)
{
    eqs_sample sample;
    void *worker = NULL;
    eqs_relax_statistics work = {0};
    eqs_status status = create_sample(job->energy, job->phase, &sample);
    if (status == EQS_OK)
        status = job->how->create(&sample, job->options, &worker);
    if (status != EQS_OK)
        note_status(job, status);
#pragma omp for schedule(dynamic)
    for (size_t b = 0; b < job->phase->batch; b++) {
        if (status != EQS_OK)
            continue;
        eqs_sample_outcome outcome = {.end = EQS_RELAX_FAILED, .residual = NAN, .energy = NAN};
        load(&sample, job, b);
        status = job->how->relax(worker, job->result->trajectory == NULL ? NULL : &job->result->trajectory[b],
                                 &outcome, &work);
        if (status != EQS_OK) {
            note_status(job, status);
            continue;
        }
        store(&sample, job, b);
        note_outcome(job, b, &outcome);
    }
#pragma omp critical(eqs_sample)
    eqs_relax_statistics_add(&job->result->statistics, &work);
    job->how->destroy(worker);
    destroy_sample(&sample);
}

eqs_status eqs_relax_samples(const eqs_sample_solver *how, const eqs_energy *energy, const eqs_phase *phase,
                             const eqs_relax_options *options, eqs_state *state, eqs_relax_result *result)
{
    EQS_TRY(eqs_relax_result_init(energy, options, phase->batch, result));
    batch_job job = {
        how, energy, phase, options, state, result, .first_failed = phase->batch, .status = EQS_OK};
#pragma omp parallel if (phase->batch > 1 && phase->batch * energy->net->n_parameters > SMALL)
    work_through(&job);
    return job.status == EQS_OK ? EQS_OK : eqs_fail(job.status, "%s", job.message);
}

double *eqs_sample_flat(const eqs_sample *sample)
{
    /* the layers of a state of one sample stand one after the other */
    return sample->state->s[eqs_first_free_layer(sample->phase.net)];
}

eqs_status eqs_sample_record(eqs_sample *sample, eqs_trajectory *trajectory, double time, double residual,
                             const double *x)
{
    eqs_field *field = sample->field;
    double energy = NAN;
    if (field->ops->energy != NULL)
        field->ops->energy(field, x, &energy);
    field->ops->to_state(field, x, sample->state);
    return eqs_trajectory_append(trajectory, time, energy, residual, eqs_sample_flat(sample));
}

void eqs_relax_statistics_add(eqs_relax_statistics *sum, const eqs_relax_statistics *work)
{
#define X(name, text) sum->name += work->name;
    EQS_RELAX_STATISTICS_LIST(X)
#undef X
}
