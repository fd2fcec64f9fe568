/* What a relaxation leaves behind: outcomes per sample, and recorded trajectories. */
#include "base/memory.h"
#include "solver/relax.h"

#include <math.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

eqs_status eqs_relax_result_init(const eqs_energy *energy, const eqs_relax_options *options, size_t batch,
                                 eqs_relax_result *result)
{
    result->batch = batch;
    result->end = eqs_alloc(batch, sizeof *result->end);
    result->residual = eqs_alloc(batch, sizeof *result->residual);
    result->time = eqs_alloc(batch, sizeof *result->time);
    result->energy = eqs_alloc(batch, sizeof *result->energy);
    result->steps = eqs_alloc(batch, sizeof *result->steps);
    bool record = options->record != EQS_RECORD_NONE;
    if (record)
        result->trajectory = eqs_alloc(batch, sizeof *result->trajectory);
    if (result->end == NULL || result->residual == NULL || result->time == NULL || result->energy == NULL ||
        result->steps == NULL || (record && result->trajectory == NULL)) {
        eqs_relax_result_clear(result);
        return EQS_NO_MEMORY;
    }
    for (size_t b = 0; b < batch; b++) {
        result->residual[b] = NAN;
        result->energy[b] = NAN;
        if (record)
            result->trajectory[b].n_state = eqs_network_state_size(energy->net);
    }
    return EQS_OK;
}

void eqs_relax_result_clear(eqs_relax_result *result)
{
    for (size_t b = 0; result->trajectory != NULL && b < result->batch; b++) {
        eqs_trajectory *trajectory = &result->trajectory[b];
        eqs_free(trajectory->time);
        eqs_free(trajectory->energy);
        eqs_free(trajectory->residual);
        eqs_free(trajectory->state);
    }
    eqs_free(result->trajectory);
    eqs_free(result->end);
    eqs_free(result->residual);
    eqs_free(result->time);
    eqs_free(result->energy);
    eqs_free(result->steps);
    memset(result, 0, sizeof *result);
}

size_t eqs_relax_unconverged(const eqs_relax_result *result)
{
    size_t n = 0;
    for (size_t b = 0; b < result->batch; b++)
        n += result->end[b] != EQS_RELAX_CONVERGED;
    return n;
}

/* Makes room in one array; the old block stays valid when memory is short. */
static bool grow(double **block, size_t old_count, size_t new_count)
{
    double *grown = eqs_realloc(*block, old_count, new_count, sizeof **block);
    if (grown == NULL)
        return false;
    *block = grown;
    return true;
}

static eqs_status reserve(eqs_trajectory *t)
{
    if (t->n < t->capacity)
        return EQS_OK;
    size_t capacity = t->capacity == 0 ? FIRST_CAPACITY : 2 * t->capacity;
    if (!grow(&t->time, t->n, capacity) || !grow(&t->energy, t->n, capacity) ||
        !grow(&t->residual, t->n, capacity) || !grow(&t->state, t->n * t->n_state, capacity * t->n_state))
        return EQS_NO_MEMORY;
    t->capacity = capacity;
    return EQS_OK;
}

eqs_status eqs_trajectory_append(eqs_trajectory *trajectory, double time, double energy, double residual,
                                 const double *s)
{
    EQS_TRY(reserve(trajectory));
    size_t n = trajectory->n++;
    trajectory->time[n] = time;
    trajectory->energy[n] = energy;
    trajectory->residual[n] = residual;
    memcpy(trajectory->state + n * trajectory->n_state, s, trajectory->n_state * sizeof *s);
    return EQS_OK;
}

double eqs_trajectory_settling(const eqs_trajectory *t, double share)
{
    if (t->n == 0)
        return NAN;
    const double *final = t->state + (t->n - 1) * t->n_state;
    double largest = 0.0;
    for (size_t i = 0; i < t->n_state; i++)
        largest = fmax(largest, fabs(final[i]));
    for (size_t point = t->n - 1; point-- > 0;) {
        const double *s = t->state + point * t->n_state;
        for (size_t i = 0; i < t->n_state; i++) {
            if (!(fabs(s[i] - final[i]) <= share * largest))
                return t->time[point + 1];
        }
    }
    return t->time[0];
}

void eqs_relax_settling(const eqs_relax_result *result, double share, double *mean, double *largest)
{
    *mean = *largest = NAN;
    for (size_t b = 0; result->trajectory != NULL && b < result->batch; b++) {
        double time = eqs_trajectory_settling(&result->trajectory[b], share);
        *mean = (b == 0 ? 0.0 : *mean) + time / (double)result->batch;
        *largest = b == 0 ? time : fmax(*largest, time);
    }
}
