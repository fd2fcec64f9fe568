#include "learning/gradcheck.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/run.h"
#include "solver/nodal.h"

#include <math.h>
#include <string.h>

static const double default_betas[] = {0.1, 0.03, 0.01, 0.003, 0.001, 0.0003};

eqs_gradcheck_options eqs_gradcheck_options_default(void)
{
    return (eqs_gradcheck_options){.solver = "auto",
                                   .tolerance = 1e-12,
                                   .n_beta = sizeof default_betas / sizeof *default_betas,
                                   .beta = default_betas,
                                   .finite_parameters = 400,
                                   .finite_step = 1e-5,
                                   .seed = 1};
}

static eqs_relax_options relax_options(const eqs_gradcheck_options *options)
{
    eqs_relax_options relax = eqs_relax_options_default();
    relax.solver = options->solver;
    relax.tolerance = options->tolerance;
    relax.rtol = 1e-10;
    relax.atol = 1e-13;
    relax.response_tolerance = 1e-9;
    return relax;
}

static eqs_status check_stop(void)
{
    return eqs_stop_requested() ? eqs_fail(EQS_INTERRUPTED, "the gradient check was stopped") : EQS_OK;
}

static eqs_status relax_free(const eqs_setup *setup, const eqs_phase *phase, const eqs_relax_options *relax,
                             eqs_state *state)
{
    eqs_relax_result result = {0};
    EQS_TRY(eqs_relax_run(setup->energy, phase, relax, state, &result));
    size_t bad = eqs_relax_unconverged(&result);
    eqs_relax_result_clear(&result);
    return bad == 0 ? EQS_OK
                    : eqs_fail(EQS_NOT_CONVERGED, "%zu free phases did not reach the residual %.1e", bad,
                               relax->tolerance);
}

/* slope of log error over log beta, over errors above the floor that tolerance / beta sets */
static double fitted_order(size_t n, const double *beta, const eqs_gradcheck_row *row, double tolerance)
{
    double sx = 0, sy = 0, sxx = 0, sxy = 0, m = 0;
    for (size_t i = 0; i < n; i++) {
        double error = row[i].all.error;
        if (!(error > 100.0 * tolerance / beta[i]) || !(error > 1e-9))
            continue;
        double x = log(beta[i]), y = log(error);
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
        m += 1;
    }
    return m < 3 ? NAN : (m * sxy - sx * sy) / (m * sxx - sx * sx);
}

static eqs_status estimate_all(const eqs_setup *setup, const eqs_phase *phase,
                               const eqs_gradcheck_options *options, const eqs_state *fixed_point,
                               double *estimate, eqs_gradcheck *out)
{
    const eqs_network *net = setup->net;
    eqs_relax_options relax = relax_options(options);
    for (int mode = 0; mode < 2; mode++) {
        for (size_t i = 0; i < options->n_beta; i++) {
            eqs_gradcheck_row *row = &out->row[mode][i];
            EQS_TRY(check_stop());
            EQS_TRY(eqs_eqprop_gradient(setup->energy, phase, &relax, fixed_point, options->beta[i],
                                        (eqs_eqprop_mode)mode, estimate, NULL));
            for (size_t p = 0; p < net->n_parameters; p++)
                estimate[p] /= (double)phase->batch;
            row->all = eqs_gradient_compare(net->n_parameters, estimate, out->gradient);
            for (size_t b = 0; b < out->n_blocks; b++) {
                size_t at = out->name[b].offset;
                row->block[b] = eqs_gradient_compare(out->name[b].count, estimate + at, out->gradient + at);
            }
        }
        out->order[mode] = fitted_order(options->n_beta, options->beta, out->row[mode], options->tolerance);
    }
    return EQS_OK;
}

/* mean cost at the free fixed point for the parameters of `phase`, from `start` */
static eqs_status objective(const eqs_setup *setup, const eqs_phase *phase, const eqs_relax_options *relax,
                            const eqs_state *start, eqs_state *state, double *cost, double *J)
{
    eqs_state_copy(setup->net, start, state);
    EQS_TRY(relax_free(setup, phase, relax, state));
    eqs_point at = {phase->batch, state->s, state->s, NULL};
    eqs_energy_cost(setup->energy, phase, &at, cost);
    *J = 0.0;
    for (size_t b = 0; b < phase->batch; b++)
        *J += cost[b] / (double)phase->batch;
    return EQS_OK;
}

/* the entry of theta that mirrors p in a lateral coupling, p itself elsewhere; false on its zero diagonal */
static bool twin_of(const eqs_network *net, size_t p, size_t *twin)
{
    *twin = p;
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t n = net->layer[net->coupling[c].from].units, first = net->coupling[c].offset;
        if (net->coupling[c].from != net->coupling[c].to || p < first || p >= first + n * n)
            continue;
        size_t i = (p - first) / n, j = (p - first) % n;
        *twin = first + j * n + i;
        return i != j;
    }
    return true;
}

static eqs_status check_finite(const eqs_setup *setup, const eqs_phase *phase,
                               const eqs_gradcheck_options *options, const eqs_state *fixed_point,
                               double *theta, uint32_t *order, double *exact, double *finite, double *cost,
                               eqs_state *state, eqs_gradcheck *out)
{
    const eqs_network *net = setup->net;
    eqs_relax_options relax = relax_options(options);
    eqs_random stream = eqs_random_stream(options->seed, EQS_RANDOM_TEST, 7, 0);
    eqs_random_permutation(&stream, net->n_parameters, order);
    eqs_phase moved = *phase;
    moved.theta = theta;
    memcpy(theta, phase->theta, net->n_parameters * sizeof *theta);
    for (size_t i = 0; i < net->n_parameters && out->finite_checked < options->finite_parameters; i++) {
        size_t p = order[i], twin;
        if (!twin_of(net, p, &twin))
            continue;
        double value = theta[p], up, down;
        EQS_TRY(check_stop());
        theta[p] = theta[twin] = value + options->finite_step;
        EQS_TRY(objective(setup, &moved, &relax, fixed_point, state, cost, &up));
        theta[p] = theta[twin] = value - options->finite_step;
        EQS_TRY(objective(setup, &moved, &relax, fixed_point, state, cost, &down));
        theta[p] = theta[twin] = value;
        exact[out->finite_checked] = out->gradient[p];
        finite[out->finite_checked] = (up - down) / (2.0 * options->finite_step);
        out->finite_worst =
            fmax(out->finite_worst, fabs(exact[out->finite_checked] - finite[out->finite_checked]));
        out->finite_checked++;
    }
    out->finite = eqs_gradient_compare(out->finite_checked, exact, finite);
    return EQS_OK;
}

static eqs_status run_finite(const eqs_setup *setup, const eqs_phase *phase,
                             const eqs_gradcheck_options *options, const eqs_state *fixed_point,
                             eqs_gradcheck *out)
{
    size_t n = setup->net->n_parameters, m = options->finite_parameters;
    double *theta = eqs_alloc(n, sizeof *theta), *exact = eqs_alloc(m, sizeof *exact);
    double *finite = eqs_alloc(m, sizeof *finite), *cost = eqs_alloc(phase->batch, sizeof *cost);
    uint32_t *order = eqs_alloc(n, sizeof *order);
    eqs_state *state = NULL;
    eqs_status status = theta == NULL || exact == NULL || finite == NULL || cost == NULL || order == NULL
                            ? EQS_NO_MEMORY
                            : eqs_state_create(setup->net, phase->batch, &state);
    if (status == EQS_OK)
        status =
            check_finite(setup, phase, options, fixed_point, theta, order, exact, finite, cost, state, out);
    eqs_free(theta);
    eqs_free(exact);
    eqs_free(finite);
    eqs_free(cost);
    eqs_free(order);
    eqs_state_destroy(state);
    return status;
}

static eqs_status allocate(const eqs_setup *setup, const eqs_gradcheck_options *options, eqs_gradcheck *out)
{
    out->n_beta = options->n_beta;
    out->n_blocks = eqs_parameter_blocks(setup->net);
    out->beta = eqs_alloc(out->n_beta, sizeof *out->beta);
    out->name = eqs_alloc(out->n_blocks, sizeof *out->name);
    out->gradient = eqs_alloc(setup->net->n_parameters, sizeof *out->gradient);
    if (out->beta == NULL || out->name == NULL || out->gradient == NULL)
        return EQS_NO_MEMORY;
    memcpy(out->beta, options->beta, out->n_beta * sizeof *out->beta);
    for (size_t b = 0; b < out->n_blocks; b++)
        out->name[b] = eqs_parameter_block_get(setup->net, b);
    for (int mode = 0; mode < 2; mode++) {
        out->row[mode] = eqs_alloc(out->n_beta, sizeof **out->row);
        if (out->row[mode] == NULL)
            return EQS_NO_MEMORY;
        for (size_t i = 0; i < out->n_beta; i++) {
            out->row[mode][i].block = eqs_alloc(out->n_blocks, sizeof *out->row[mode][i].block);
            if (out->row[mode][i].block == NULL)
                return EQS_NO_MEMORY;
        }
    }
    return EQS_OK;
}

/* the exact gradient (sum over samples) and the largest response to a nudge */
static eqs_status exact(const eqs_setup *setup, const eqs_phase *phase, const eqs_state *fixed_point,
                        eqs_gradcheck *out)
{
    size_t n = phase->batch * eqs_network_state_size(setup->net);
    double *lambda = eqs_alloc(n, sizeof *lambda);
    if (lambda == NULL)
        return EQS_NO_MEMORY;
    eqs_status status =
        eqs_exact_gradient(setup->energy, phase, fixed_point, NULL, out->gradient, lambda, &out->exact);
    for (size_t i = 0; status == EQS_OK && i < n; i++)
        out->response = fmax(out->response, fabs(lambda[i]));
    eqs_free(lambda);
    return status;
}

static eqs_status run(const eqs_setup *setup, const eqs_phase *phase, const eqs_gradcheck_options *options,
                      eqs_state *state, double *estimate, eqs_gradcheck *out)
{
    const eqs_network *net = setup->net;
    eqs_relax_options relax = relax_options(options);
    memcpy(state->s[0], phase->x, phase->batch * net->layer[0].units * sizeof *phase->x);
    eqs_state_fill(net, state, 0.0);
    EQS_TRY(relax_free(setup, phase, &relax, state));
    EQS_TRY(exact(setup, phase, state, out));
    for (size_t p = 0; p < net->n_parameters; p++)
        out->gradient[p] /= (double)phase->batch;
    EQS_TRY(estimate_all(setup, phase, options, state, estimate, out));
    return options->finite_parameters == 0 ? EQS_OK : run_finite(setup, phase, options, state, out);
}

eqs_status eqs_gradcheck_run(const eqs_setup *setup, const eqs_phase *phase,
                             const eqs_gradcheck_options *options, eqs_gradcheck *out)
{
    *out = (eqs_gradcheck){0};
    eqs_gradcheck_options own = *options;
    eqs_state *state = NULL;
    double *estimate = eqs_alloc(setup->net->n_parameters, sizeof *estimate);
    eqs_status status = estimate == NULL ? EQS_NO_MEMORY : allocate(setup, options, out);
    if (status == EQS_OK)
        status = eqs_nodal_reachable(setup->net, phase, &own.tolerance);
    if (status == EQS_OK)
        status = eqs_state_create(setup->net, phase->batch, &state);
    if (status == EQS_OK)
        status = run(setup, phase, &own, state, estimate, out);
    eqs_state_destroy(state);
    eqs_free(estimate);
    return status;
}

void eqs_gradcheck_clear(eqs_gradcheck *check)
{
    for (int mode = 0; mode < 2; mode++) {
        for (size_t i = 0; check->row[mode] != NULL && i < check->n_beta; i++)
            eqs_free(check->row[mode][i].block);
        eqs_free(check->row[mode]);
    }
    eqs_free(check->beta);
    eqs_free(check->name);
    eqs_free(check->gradient);
    *check = (eqs_gradcheck){0};
}

/* One measure of all rows as [2 x n_beta x (1 + n_blocks)]; `offset` of the measure in
 * eqs_gradient_agreement. */
static eqs_status write_measure(eqs_h5_writer *writer, const eqs_gradcheck *check, const char *path,
                                size_t offset, const char *text)
{
    size_t dim[3] = {2, check->n_beta, 1 + check->n_blocks};
    double *value = eqs_alloc(dim[0] * dim[1] * dim[2], sizeof *value), *next = value;
    if (value == NULL)
        return EQS_NO_MEMORY;
    for (int mode = 0; mode < 2; mode++) {
        for (size_t i = 0; i < check->n_beta; i++) {
            const eqs_gradcheck_row *row = &check->row[mode][i];
            memcpy(next++, (const char *)&row->all + offset, sizeof *value);
            for (size_t b = 0; b < check->n_blocks; b++)
                memcpy(next++, (const char *)&row->block[b] + offset, sizeof *value);
        }
    }
    eqs_status status = eqs_h5_write_double(writer, path, value, 3, dim, "1", text);
    eqs_free(value);
    return status;
}

eqs_status eqs_gradcheck_write(eqs_h5_writer *writer, const eqs_gradcheck *check)
{
    const char *group = "/study/gradcheck";
    EQS_TRY(eqs_h5_write_double(writer, "/study/gradcheck/beta", check->beta, 1, &check->n_beta, "1",
                                "nudging strength xi of paper 001 Eq. 10"));
    EQS_TRY(write_measure(
        writer, check, "/study/gradcheck/cosine", offsetof(eqs_gradient_agreement, cosine),
        "cosine of the angle to the exact gradient [one-sided, centred] x beta x [all, blocks]"));
    EQS_TRY(write_measure(writer, check, "/study/gradcheck/norm_ratio",
                          offsetof(eqs_gradient_agreement, norm_ratio),
                          "|estimate| / |exact| [one-sided, centred] x beta x [all, blocks]"));
    EQS_TRY(write_measure(writer, check, "/study/gradcheck/error", offsetof(eqs_gradient_agreement, error),
                          "|estimate - exact| / |exact| [one-sided, centred] x beta x [all, blocks]"));
    size_t two = 2;
    EQS_TRY(eqs_h5_write_double(writer, "/study/gradcheck/order", check->order, 1, &two, "1",
                                "fitted order of the error in beta: one-sided, centred"));
    const char **name = eqs_alloc(check->n_blocks, sizeof *name);
    if (name == NULL)
        return EQS_NO_MEMORY;
    for (size_t b = 0; b < check->n_blocks; b++)
        name[b] = check->name[b].name;
    eqs_status status =
        eqs_h5_write_strings(writer, "/study/gradcheck/block", name, check->n_blocks, "blocks of parameters");
    eqs_free(name);
    EQS_TRY(status);
    EQS_TRY(eqs_h5_attribute_int(writer, group, "degenerate_units", (int64_t)check->exact.degenerate));
    EQS_TRY(eqs_h5_attribute_int(writer, group, "not_minima", (int64_t)check->exact.not_minima));
    EQS_TRY(eqs_h5_attribute_int(writer, group, "finite_parameters", (int64_t)check->finite_checked));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "finite_cosine", check->finite.cosine));
    EQS_TRY(eqs_h5_attribute_double(writer, group, "response_per_beta", check->response));
    return eqs_h5_attribute_double(writer, group, "finite_worst", check->finite_worst);
}
