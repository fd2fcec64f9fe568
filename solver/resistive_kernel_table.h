/* The table of one instruction set and precision; included by resistive_kernel_set.h after the functions. */
static const N(eqs_resistive_kernel) N(table) = {
    .isa = TEXT(ISA),
    .pass = N(pass),
    .dots = N(dots),
    .spread = N(spread),
    .pack = N(pack),
    .product = N(product),
    .matrix = N(matrix),
    .small = N(small),
    .ideal = N(ideal),
    .ideal_response = N(ideal_response),
    .shockley = N(shockley),
    .shockley_response = N(shockley_response),
};
