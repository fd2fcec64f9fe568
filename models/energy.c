#include "models/energy.h"

#include "base/memory.h"
#include "models/dense.h"
#include "models/terms/terms.h"

#include <string.h>

static const eqs_term_class *const builtin[] = {
    &eqs_term_leak,        &eqs_term_membrane_leak, &eqs_term_coupling, &eqs_term_bias,        &eqs_term_cost,
    &eqs_term_regulariser, &eqs_term_conductance,   &eqs_term_diode,    &eqs_term_output_cost,
};

const eqs_term_class *eqs_term_builtin(size_t i)
{
    return i < sizeof builtin / sizeof *builtin ? builtin[i] : NULL;
}

bool eqs_state_is_rate(const eqs_network *net, size_t k)
{
    return net->form == EQS_FORM_MEMBRANE && !eqs_activation_is_clipped(&net->layer[k].activation);
}

static void add(eqs_energy *energy, const eqs_term_class *class, size_t layer, size_t coupling,
                eqs_beta_index beta)
{
    energy->term[energy->n_terms++] =
        (eqs_term){.class = class, .layer = layer, .coupling = coupling, .beta = beta};
}

/* the co-content of a resistive network, whose input is clamped */
static void add_resistive(eqs_energy *energy)
{
    const eqs_network *net = energy->net;
    for (size_t c = 0; c < net->n_couplings; c++)
        add(energy, &eqs_term_conductance, 0, c, EQS_BETA_COUNT);
    for (size_t k = 1; k < net->n_layers; k++) {
        add(energy, &eqs_term_bias, k, 0, EQS_BETA_COUNT);
        if (net->resistive->layer[k].law >= EQS_DIODE_SHOCKLEY)
            add(energy, &eqs_term_diode, k, 0, EQS_BETA_COUNT);
    }
    add(energy, &eqs_term_output_cost, net->n_layers - 1, 0, EQS_BETA_Y);
}

static void add_hopfield(eqs_energy *energy)
{
    const eqs_network *net = energy->net;
    size_t first = eqs_first_free_layer(net);
    for (size_t k = first; k < net->n_layers; k++)
        add(energy, eqs_state_is_rate(net, k) ? &eqs_term_membrane_leak : &eqs_term_leak, k, 0,
            EQS_BETA_COUNT);
    for (size_t c = 0; c < net->n_couplings; c++)
        add(energy, &eqs_term_coupling, 0, c, EQS_BETA_COUNT);
    for (size_t k = 1; k < net->n_layers; k++)
        add(energy, &eqs_term_bias, k, 0, EQS_BETA_COUNT);
    if (first == 0)
        add(energy, &eqs_term_cost, 0, 0, EQS_BETA_X);
    add(energy, &eqs_term_cost, net->n_layers - 1, 0, EQS_BETA_Y);
    for (size_t c = 0; net->regulariser != EQS_REGULARISER_NONE && c < net->n_couplings; c++)
        add(energy, &eqs_term_regulariser, 0, c, EQS_BETA_THETA);
}

eqs_status eqs_energy_create(const eqs_network *net, eqs_energy **out)
{
    eqs_dense_init();
    size_t most = 2 * net->n_layers + 2 * net->n_couplings + 2;
    eqs_energy *energy = eqs_alloc(1, sizeof *energy);
    eqs_term *term = eqs_alloc(most, sizeof *term);
    if (energy == NULL || term == NULL) {
        eqs_free(energy);
        eqs_free(term);
        return EQS_NO_MEMORY;
    }
    energy->net = net;
    energy->term = term;
    if (net->resistive != NULL)
        add_resistive(energy);
    else
        add_hopfield(energy);
    *out = energy;
    return EQS_OK;
}

eqs_phase eqs_phase_rows(const eqs_phase *phase, size_t first, size_t n)
{
    eqs_phase rows = *phase;
    const eqs_network *net = phase->net;
    rows.batch = n;
    if (phase->x != NULL)
        rows.x += first * net->layer[0].units;
    if (phase->target != NULL)
        rows.target += first * net->n_outputs;
    if (phase->free_output != NULL)
        rows.free_output += first * net->layer[net->n_layers - 1].units;
    return rows;
}

void eqs_energy_destroy(eqs_energy *energy)
{
    if (energy == NULL)
        return;
    eqs_free(energy->term);
    eqs_free(energy);
}

void eqs_activity(const eqs_network *net, size_t k, size_t n, const double *s, double *r, double *dr)
{
    const eqs_activation *a = &net->layer[k].activation;
    bool rate = eqs_state_is_rate(net, k);
    for (size_t i = 0; i < n; i++)
        r[i] = rate ? s[i] : eqs_rho(a, s[i]);
    for (size_t i = 0; dr != NULL && i < n; i++)
        dr[i] = rate ? 1.0 : eqs_rho_derivative(a, s[i]);
}

void eqs_energy_value(const eqs_energy *energy, const eqs_phase *phase, const eqs_point *at, double *F)
{
    memset(F, 0, at->batch * sizeof *F);
    for (size_t t = 0; t < energy->n_terms; t++)
        energy->term[t].class->energy(&energy->term[t], phase, at, F);
}

void eqs_energy_cost(const eqs_energy *energy, const eqs_phase *phase, const eqs_point *at, double *C)
{
    /* F is linear in beta, so delta . dF/dbeta is the sum of the beta terms with delta in beta's place */
    eqs_phase direction = *phase;
    memcpy(direction.beta, energy->net->delta, sizeof direction.beta);
    direction.free_output = NULL; /* the cost itself, not the work of a nudge */
    memset(C, 0, at->batch * sizeof *C);
    for (size_t t = 0; t < energy->n_terms; t++) {
        if (energy->term[t].beta != EQS_BETA_COUNT)
            energy->term[t].class->energy(&energy->term[t], &direction, at, C);
    }
}

static void clear(const eqs_energy *energy, size_t batch, double *const *out)
{
    for (size_t k = 0; k < energy->net->n_layers; k++) {
        if (out[k] != NULL)
            memset(out[k], 0, batch * energy->net->layer[k].units * sizeof(double));
    }
}

void eqs_energy_drive(const eqs_energy *energy, const eqs_phase *phase, const eqs_point *at,
                      double *const *drive)
{
    clear(energy, at->batch, drive);
    for (size_t t = 0; t < energy->n_terms; t++) {
        if (energy->term[t].class->drive != NULL)
            energy->term[t].class->drive(&energy->term[t], phase, at, drive);
    }
}

void eqs_energy_force(const eqs_energy *energy, const eqs_phase *phase, const eqs_point *at,
                      double *const *force)
{
    clear(energy, at->batch, force);
    for (size_t t = 0; t < energy->n_terms; t++) {
        if (energy->term[t].class->force != NULL)
            energy->term[t].class->force(&energy->term[t], phase, at, force);
    }
}

void eqs_energy_curvature(const eqs_energy *energy, const eqs_phase *phase, const eqs_point *at,
                          double *const *curvature)
{
    clear(energy, at->batch, curvature);
    for (size_t t = 0; t < energy->n_terms; t++) {
        if (energy->term[t].class->curvature != NULL)
            energy->term[t].class->curvature(&energy->term[t], phase, at, curvature);
    }
}

void eqs_energy_drive_product(const eqs_energy *energy, const eqs_phase *phase, size_t batch,
                              double *const *p, double *const *out)
{
    clear(energy, batch, out);
    for (size_t t = 0; t < energy->n_terms; t++) {
        if (energy->term[t].class->drive_product != NULL)
            energy->term[t].class->drive_product(&energy->term[t], phase, batch, p, out);
    }
}

void eqs_energy_gradient(const eqs_energy *energy, const eqs_phase *phase, const eqs_point *at, double weight,
                         double *grad)
{
    for (size_t t = 0; t < energy->n_terms; t++) {
        if (energy->term[t].class->gradient != NULL)
            energy->term[t].class->gradient(&energy->term[t], phase, at, weight, grad);
    }
}

void eqs_energy_decay(const eqs_energy *energy, const eqs_phase *phase, double decay, double *grad)
{
    eqs_phase one = *phase;
    one.beta[EQS_BETA_THETA] = decay;
    eqs_point nowhere = {.batch = 1};
    for (size_t t = 0; decay != 0.0 && t < energy->n_terms; t++) {
        const eqs_term *term = &energy->term[t];
        if (term->beta == EQS_BETA_THETA && term->class->gradient != NULL)
            term->class->gradient(term, &one, &nowhere, 1.0, grad);
    }
}

eqs_unit_law eqs_energy_law(const eqs_energy *energy, const eqs_phase *phase, size_t k)
{
    eqs_unit_law law = {0.0};
    for (size_t t = 0; t < energy->n_terms; t++) {
        if (energy->term[t].class->law != NULL)
            energy->term[t].class->law(&energy->term[t], phase, k, &law);
    }
    return law;
}
