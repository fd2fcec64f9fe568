/* What a measurement was made on, as comment lines above its CSV. */
#ifndef EQS_BENCH_MACHINE_H
#define EQS_BENCH_MACHINE_H

#include <stddef.h>
#include <stdio.h>

/* Writes lines that begin with "# ": program and its arguments, revision and compiler, processor, cores,
 * load, BLAS and kernel in use, date (UTC). */
void bench_print_machine(FILE *file, int argc, char **argv);

/* GFLOP/s (2 n^3 per product, CPU time) of the fastest of `products` sgemm products of n x n matrices by
 * OpenBLAS on one thread; NaN when memory is short. */
double bench_sgemm_peak(size_t n, size_t products);

#endif
