/* The table of one instruction set and precision; included by kernel_set.h after the functions. */
static const N(eqs_kernel) N(table) = {
    .isa = TEXT(ISA),
    .width = N(WIDTH),
    .rows = ROWS,
    .pack_rows = N(pack_rows),
    .pack_columns = N(pack_columns),
    .product = N(product),
    .update = N(update),
    .add_row = N(add_row),
    .dot = N(dot),
    .distance = N(distance),
    .box_law = N(box_law),
    .box_euler = N(box_euler),
    .restart = N(restart),
    .extrapolate = N(extrapolate),
    .difference = N(difference),
    .mix = N(mix),
};
