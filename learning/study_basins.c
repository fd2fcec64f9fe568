/* Study `basins`: the fixed points of the free phase that random starts reach, by the network's own descent
 * (solver sweep) and by the fast solver (auto): how many there are, how their energies differ, how many
 * starts end where the start of paper 001 does, and whether the prediction depends on it. */
#include "learning/study_settle.h"
#include "learning/study_variant.h"

#include "base/memory.h"
#include "solver/attractor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GROUP "/study/basins"

static const char *const solvers[] = {"sweep", "auto"};

/* What was found with one solver: arrays over samples, and [n x starts] */
typedef struct basins {
    size_t n, starts;
    double *found, *usual, *spread, *other_prediction; /* [n] */
    double *energy, *label;                            /* [n x (1 + starts)], start 0 is paper 001's */
    eqs_state **state;                                 /* [1 + starts] */
} basins;

static void release(basins *b)
{
    for (size_t i = 0; b->state != NULL && i <= b->starts; i++)
        eqs_state_destroy(b->state[i]);
    eqs_free(b->state);
    eqs_free(b->found);
}

static eqs_status allocate(const eqs_network *net, const eqs_phase *phase, size_t starts, basins *b)
{
    size_t n = phase->batch, all = n * (1 + starts);
    *b = (basins){.n = n, .starts = starts};
    b->found = eqs_alloc(4 * n + 2 * all, sizeof *b->found);
    b->state = eqs_alloc(1 + starts, sizeof *b->state);
    if (b->found == NULL || b->state == NULL)
        return EQS_NO_MEMORY;
    b->usual = b->found + n;
    b->spread = b->usual + n;
    b->other_prediction = b->spread + n;
    b->energy = b->other_prediction + n;
    b->label = b->energy + all;
    for (size_t i = 0; i <= starts; i++)
        EQS_TRY(eqs_study_start(net, phase, &b->state[i]));
    return EQS_OK;
}

/* largest |a - b| over the free units of sample b of two states */
static double distance(const eqs_network *net, const eqs_state *a, const eqs_state *b, size_t sample)
{
    double most = 0.0;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        size_t units = net->layer[k].units;
        for (size_t i = sample * units; i < (sample + 1) * units; i++)
            most = fmax(most, fabs(a->s[k][i] - b->s[k][i]));
    }
    return most;
}

static size_t prediction(const eqs_network *net, const eqs_state *state, size_t sample)
{
    size_t n = net->layer[net->n_layers - 1].units, best = 0;
    const double *y = state->s[net->n_layers - 1] + sample * n;
    for (size_t i = 1; i < n; i++)
        best = y[i] > y[best] ? i : best;
    return best;
}

/* Labels the starts of one sample by the fixed point that they reached. */
static void sort_out(const eqs_network *net, basins *b, size_t sample)
{
    size_t all = 1 + b->starts, found = 0, usual = 0, other = 0;
    double *label = b->label + sample * all, *energy = b->energy + sample * all;
    double low = energy[0], high = energy[0];
    for (size_t i = 0; i < all; i++) {
        size_t j = 0;
        while (j < i && distance(net, b->state[i], b->state[j], sample) > EQS_ATTRACTOR_DISTANCE)
            j++;
        label[i] = j < i ? label[j] : (double)found++;
        low = fmin(low, energy[i]);
        high = fmax(high, energy[i]);
        usual += i > 0 && label[i] == 0.0;
        other += i > 0 && prediction(net, b->state[i], sample) != prediction(net, b->state[0], sample);
    }
    b->found[sample] = (double)found;
    b->usual[sample] = (double)usual / (double)b->starts;
    b->spread[sample] = high - low;
    b->other_prediction[sample] = (double)other / (double)b->starts;
}

static eqs_status relax_all(const eqs_study_request *request, const eqs_phase *phase, const char *solver,
                            basins *b, size_t *unconverged)
{
    const eqs_setup *setup = request->setup;
    eqs_relax_options options = eqs_relax_options_default();
    options.solver = solver;
    options.tolerance = 1e-7;
    for (size_t i = 0; i <= b->starts; i++) {
        eqs_relax_result result = {0};
        if (i > 0)
            eqs_state_randomise(setup->net, b->state[i], setup->config->seed, (uint32_t)i);
        EQS_TRY(eqs_relax_run(setup->energy, phase, &options, b->state[i], &result));
        for (size_t sample = 0; sample < b->n; sample++)
            b->energy[sample * (1 + b->starts) + i] = result.energy[sample];
        *unconverged += eqs_relax_unconverged(&result);
        eqs_relax_result_clear(&result);
        EQS_TRY(eqs_study_check_stop());
    }
    return EQS_OK;
}

static eqs_status write_basins(const basins *b, const char *solver, size_t unconverged, eqs_h5_writer *writer)
{
    char path[96], group[64];
    size_t n = b->n, both[2] = {b->n, 1 + b->starts};
    snprintf(group, sizeof group, GROUP "/%s", solver);
    const struct {
        const char *name, *unit, *text;
        const double *value;
        int rank;
    } members[] = {
        {"fixed_points", "1", "different fixed points that the starts reached", b->found, 1},
        {"usual", "1", "fraction of random starts that reach the fixed point of paper 001's start", b->usual,
         1},
        {"energy_spread", "1", "highest minus lowest energy of the fixed points", b->spread, 1},
        {"other_prediction", "1", "fraction of random starts that predict another class", b->other_prediction,
         1},
        {"energy", "1", "energy at the end of every start; the first is paper 001's", b->energy, 2},
        {"fixed_point", "1", "number of the fixed point that every start reached", b->label, 2},
    };
    double *sample = eqs_alloc(n, sizeof *sample);
    if (sample == NULL)
        return EQS_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        sample[i] = (double)i;
    snprintf(path, sizeof path, "%s/sample", group);
    eqs_status status = eqs_h5_write_double(writer, path, sample, 1, &n, "1", "sample");
    eqs_free(sample);
    for (size_t i = 0; status == EQS_OK && i < sizeof members / sizeof *members; i++) {
        snprintf(path, sizeof path, "%s/%s", group, members[i].name);
        status = eqs_h5_write_double(writer, path, members[i].value, members[i].rank, both, members[i].unit,
                                     members[i].text);
    }
    EQS_TRY(status);
    EQS_TRY(eqs_h5_attribute_string(writer, group, "axes", "sample"));
    return eqs_h5_attribute_int(writer, group, "unconverged", (int64_t)unconverged);
}

static eqs_status run(const eqs_study_request *request, eqs_h5_writer *writer)
{
    const eqs_setup *setup = request->setup;
    eqs_phase phase = eqs_study_phase(setup->net, setup->theta, request, 0.0);
    for (size_t i = 0; i < sizeof solvers / sizeof *solvers; i++) {
        basins b = {0};
        size_t unconverged = 0;
        char line[96];
        snprintf(line, sizeof line, "basins: %zu starts by %s", setup->config->study.starts, solvers[i]);
        request->note(request->user, line);
        eqs_status status = allocate(setup->net, &phase, setup->config->study.starts, &b);
        if (status == EQS_OK)
            status = relax_all(request, &phase, solvers[i], &b, &unconverged);
        for (size_t sample = 0; status == EQS_OK && sample < b.n; sample++)
            sort_out(setup->net, &b, sample);
        if (status == EQS_OK)
            status = write_basins(&b, solvers[i], unconverged, writer);
        release(&b);
        EQS_TRY(status);
    }
    return EQS_OK;
}

const eqs_study eqs_study_basins = {
    .name = "basins",
    .summary = "fixed points that random starts reach, their energies and predictions",
    .run = run,
};
