/* Assembled Jacobians of a field of one sample: dense, and in compressed columns for KLU. */
#include "models/field.h"

#include "models/field_factors.h"

/* first variable of layer k in x */
static size_t layer_start(const eqs_energy *energy, size_t k)
{
    size_t at = 0;
    for (size_t j = eqs_first_free_layer(energy->net); j < k; j++)
        at += energy->net->layer[j].units;
    return at;
}

/* layer of variable `at`, and the variable's number in it */
static size_t find_layer(const eqs_energy *energy, size_t *at)
{
    size_t k = eqs_first_free_layer(energy->net);
    while (*at >= energy->net->layer[k].units)
        *at -= energy->net->layer[k++].units;
    return k;
}

/* the block that joins two layers, or false */
static bool find_block(const eqs_field_factors *f, size_t row_layer, size_t column_layer, eqs_block *out)
{
    for (size_t t = 0; t < f->energy->n_terms; t++) {
        const eqs_term *term = &f->energy->term[t];
        if (term->class->block == NULL || !term->class->block(term, f->phase, out))
            continue;
        if ((out->from == row_layer && out->to == column_layer) ||
            (out->to == row_layer && out->from == column_layer))
            return true;
    }
    return false;
}

size_t eqs_field_pattern(eqs_field *field, int64_t *column_start, int64_t *row)
{
    eqs_field_factors f = eqs_field_get_factors(field);
    const eqs_network *net = f.energy->net;
    size_t n = 0;
    for (size_t column = 0; column < field->n_sample; column++) {
        if (column_start != NULL)
            column_start[column] = (int64_t)n;
        size_t j = column, column_layer = find_layer(f.energy, &j);
        for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
            eqs_block block;
            size_t start = layer_start(f.energy, k);
            bool coupled = find_block(&f, k, column_layer, &block);
            for (size_t i = 0; i < net->layer[k].units; i++) {
                if (!coupled && start + i != column)
                    continue;
                if (row != NULL)
                    row[n] = (int64_t)(start + i);
                n++;
            }
        }
    }
    if (column_start != NULL)
        column_start[field->n_sample] = (int64_t)n;
    field->n_nonzeros = n;
    return n;
}

/* entry of D between variable i of layer k and variable j of the block's other layer */
static double block_entry(const eqs_network *net, const eqs_block *block, size_t k, size_t i, size_t j)
{
    size_t columns = net->layer[block->to].units;
    if (block->to == k)
        return (block->up == NULL ? 1.0 : block->up[j]) * block->W[j * columns + i];
    return (block->down == NULL ? 1.0 : block->down[i]) * block->W[i * columns + j];
}

/* Writes the column of one variable: value of row i of layer k at out(k, i). `stride` rows per column. */
static void fill_column(const eqs_field_factors *f, size_t column, bool dense, double *out)
{
    const eqs_network *net = f->energy->net;
    size_t j = column, column_layer = find_layer(f->energy, &j), n = 0;
    for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
        eqs_block block;
        bool coupled = find_block(f, k, column_layer, &block);
        size_t start = layer_start(f->energy, k);
        for (size_t i = 0; i < net->layer[k].units; i++) {
            double value =
                coupled ? f->left[k][i] * block_entry(net, &block, k, i, j) * f->right[column_layer][j] : 0.0;
            bool diagonal = start + i == column;
            if (diagonal)
                value += f->diagonal[k][i];
            value *= f->rate[start + i];
            if (dense)
                out[start + i] = value;
            else if (coupled || diagonal)
                out[n++] = value;
        }
    }
}

void eqs_field_values(eqs_field *field, double *value)
{
    eqs_field_factors f = eqs_field_get_factors(field);
    const eqs_network *net = f.energy->net;
    for (size_t column = 0; column < field->n_sample; column++) {
        fill_column(&f, column, false, value);
        size_t j = column, column_layer = find_layer(f.energy, &j);
        for (size_t k = eqs_first_free_layer(net); k < net->n_layers; k++) {
            eqs_block block;
            if (find_block(&f, k, column_layer, &block))
                value += net->layer[k].units;
            else if (k == column_layer)
                value += 1;
        }
    }
}

void eqs_field_dense(eqs_field *field, double *J)
{
    eqs_field_factors f = eqs_field_get_factors(field);
    for (size_t column = 0; column < field->n_sample; column++)
        fill_column(&f, column, true, J + column * field->n_sample);
}
