#include "solver/engine_plan.h"

#include "base/memory.h"

static size_t round_up(size_t n, size_t width)
{
    return (n + width - 1) / width * width;
}

/* Describes layer k: size, law, couplings. */
static eqs_status describe(eqs_plan *plan, size_t k, size_t width)
{
    const eqs_network *net = plan->net;
    eqs_plan_layer *layer = &plan->layer[k];
    layer->n = net->layer[k].units;
    layer->ld = round_up(layer->n, width);
    layer->activation = net->layer[k].activation;
    layer->input_coupling = layer->self_coupling = SIZE_MAX;
    if (k < plan->first)
        return EQS_OK;
    if (eqs_activation_is_clipped(&layer->activation))
        layer->kind = EQS_UNIT_BOX;
    else
        layer->kind = eqs_state_is_rate(net, k) ? EQS_UNIT_RATE : EQS_UNIT_SMOOTH;
    layer->link = eqs_alloc(net->n_couplings, sizeof *layer->link);
    if (layer->link == NULL)
        return EQS_NO_MEMORY;
    for (size_t c = 0; c < net->n_couplings; c++) {
        size_t from = net->coupling[c].from, to = net->coupling[c].to;
        if (from == to && from == k) {
            layer->lateral = true;
            layer->self_coupling = c;
        } else if (to == k && from < plan->first) {
            layer->input_coupling = c;
        } else if (to == k || from == k) {
            layer->link[layer->n_links++] = (eqs_plan_link){c, to == k ? from : to, to == k};
        }
    }
    return EQS_OK;
}

/* Colours every part of the graph with 0 and 1; false when an odd cycle or a lateral coupling forbids it. */
static bool two_colours(eqs_plan *plan)
{
    bool changed = true;
    for (size_t k = plan->first; k < plan->n_layers; k++)
        plan->layer[k].colour = SIZE_MAX;
    for (size_t start = plan->first; start < plan->n_layers; start++) {
        if (plan->layer[start].lateral)
            return false;
        if (plan->layer[start].colour != SIZE_MAX)
            continue;
        plan->layer[start].colour = 0;
        for (changed = true; changed;) {
            changed = false;
            for (size_t k = plan->first; k < plan->n_layers; k++) {
                const eqs_plan_layer *layer = &plan->layer[k];
                for (size_t i = 0; layer->colour != SIZE_MAX && i < layer->n_links; i++) {
                    eqs_plan_layer *other = &plan->layer[layer->link[i].other];
                    if (other->colour == layer->colour)
                        return false;
                    changed |= other->colour == SIZE_MAX;
                    other->colour = 1 - layer->colour;
                }
            }
        }
    }
    return true;
}

/* Greedy colouring in the order of the layers: the smallest colour that no coupled layer has. */
static size_t greedy_colours(eqs_plan *plan)
{
    size_t n = 0;
    for (size_t k = plan->first; k < plan->n_layers; k++) {
        eqs_plan_layer *layer = &plan->layer[k];
        bool taken = true;
        for (layer->colour = 0; taken; layer->colour += taken) {
            taken = false;
            for (size_t i = 0; i < layer->n_links; i++)
                taken |=
                    layer->link[i].other < k && plan->layer[layer->link[i].other].colour == layer->colour;
        }
        n = layer->colour + 1 > n ? layer->colour + 1 : n;
    }
    return n;
}

/* Padded length of all layers of one colour. */
static size_t colour_length(const eqs_plan *plan, size_t colour)
{
    size_t sum = 0;
    for (size_t k = plan->first; k < plan->n_layers; k++)
        sum += plan->layer[k].colour == colour ? plan->layer[k].ld : 0;
    return sum;
}

static void colour(eqs_plan *plan)
{
    plan->exact = two_colours(plan) && colour_length(plan, 1) > 0;
    plan->n_colours = plan->exact ? 2 : greedy_colours(plan);
    /* z is the smaller half: less to accelerate, and elimination of the larger half costs nothing */
    bool swap = plan->exact && colour_length(plan, 1) > colour_length(plan, 0);
    for (size_t k = plan->first; swap && k < plan->n_layers; k++)
        plan->layer[k].colour = 1 - plan->layer[k].colour;
}

/* Places of the layers in a row, colour by colour. */
static void place(eqs_plan *plan)
{
    size_t n = 0;
    plan->plain = true;
    for (size_t c = 0; c < plan->n_colours; c++) {
        plan->colour_start[c] = n;
        for (size_t k = plan->first; k < plan->n_layers; k++) {
            eqs_plan_layer *layer = &plan->layer[k];
            if (layer->colour != c)
                continue;
            plan->order[n++] = k;
            layer->offset = plan->ld;
            plan->ld += layer->ld;
            plan->plain &= layer->kind == EQS_UNIT_BOX && layer->activation.offset == 0.0;
        }
    }
    plan->colour_start[plan->n_colours] = n;
    plan->n_z = plan->exact ? colour_length(plan, 1) : plan->ld;
}

eqs_status eqs_plan_create(const eqs_network *net, size_t width, eqs_plan **out)
{
    eqs_plan *plan = eqs_alloc(1, sizeof *plan);
    if (plan == NULL)
        return EQS_NO_MEMORY;
    plan->net = net;
    plan->n_layers = net->n_layers;
    plan->first = eqs_first_free_layer(net);
    plan->layer = eqs_alloc(net->n_layers, sizeof *plan->layer);
    plan->order = eqs_alloc(net->n_layers, sizeof *plan->order);
    plan->colour_start = eqs_alloc(net->n_layers + 1, sizeof *plan->colour_start);
    eqs_status status = EQS_OK;
    if (plan->layer == NULL || plan->order == NULL || plan->colour_start == NULL)
        status = EQS_NO_MEMORY;
    for (size_t k = 0; k < net->n_layers && status == EQS_OK; k++)
        status = describe(plan, k, width);
    if (status != EQS_OK) {
        eqs_plan_destroy(plan);
        return status;
    }
    colour(plan);
    place(plan);
    *out = plan;
    return EQS_OK;
}

void eqs_plan_destroy(eqs_plan *plan)
{
    if (plan == NULL)
        return;
    for (size_t k = 0; plan->layer != NULL && k < plan->n_layers; k++)
        eqs_free(plan->layer[k].link);
    eqs_free(plan->layer);
    eqs_free(plan->order);
    eqs_free(plan->colour_start);
    eqs_free(plan);
}
