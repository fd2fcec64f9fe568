/* Dialects: how a simulator wants a netlist written. One const table per simulator, in the list of dialect.c.
 *
 * What all dialects read alike (R, C, E, F, G, D, linear sources, expressions, .ic, .nodeset, subcircuits) is
 * printed by dialect.c; a table holds the differences. Numbers are %.17g without suffixes. ngspice files are
 * run by the tests; Xyce's and LTspice's follow their documentation and have not been run here. */
#ifndef EQS_NETLISTS_DIALECT_H
#define EQS_NETLISTS_DIALECT_H

#include "netlists/netlist.h"

#include <stdio.h>

typedef struct eqs_dialect {
    const char *name;                 /* "ngspice" */
    const char *summary;              /* one line for listings */
    const char *run;                  /* how a file is run: "ngspice -b FILE" */
    bool braces;                      /* expressions of behavioural sources stand in { } */
    const char *pwl_open, *pwl_close; /* around the points of a PWL source */
    bool external;                    /* knows sources that a program supplies */
    /* directives: tolerances, then the analysis with its output */
    void (*tolerances)(const eqs_tolerances *tolerances, FILE *file);
    void (*analysis)(const eqs_netlist *netlist, FILE *file);
} eqs_dialect;

/* The i-th dialect (NULL past the end): ngspice, xyce, ltspice. */
const eqs_dialect *eqs_dialect_get(size_t i);

/* Dialect by name; EQS_BAD_CONFIG with the list of names when unknown. */
eqs_status eqs_dialect_find(const char *name, const eqs_dialect **out);

/* Checks the netlist and prints it: title, header comment, circuit, directives, ".end". EQS_BAD_DATA when the
 * netlist fails eqs_netlist_check or needs what the dialect lacks; EQS_IO when writing fails. */
eqs_status eqs_netlist_write(const eqs_netlist *netlist, const eqs_dialect *dialect, FILE *file);

/* The same into a file: written beside it and renamed, so that a failure leaves no half file. EQS_IO names
 * the file. */
eqs_status eqs_netlist_write_file(const eqs_netlist *netlist, const eqs_dialect *dialect, const char *path);

/* The deck for ngspice in-process (worker.h): the circuit without control block and analysis, with ".save" of
 * the outputs; and the command that runs the analysis, "tran ...". *text is a new string of the caller's
 * (eqs_free). */
eqs_status eqs_netlist_deck(const eqs_netlist *netlist, char **text, size_t *length);

/* The same deck without ".save": ngspice keeps all voltages and branch currents, "v_x#branch" and
 * "v.x_amp.v_sense#branch" too. */
eqs_status eqs_netlist_deck_of_all(const eqs_netlist *netlist, char **text, size_t *length);

eqs_status eqs_netlist_command(const eqs_netlist *netlist, char *command, size_t size);

/* For dialects: all voltages of the outputs as " v(a) v(b)", lines continued by "+" every few names. */
void eqs_dialect_print_outputs(const eqs_netlist *netlist, FILE *file);

extern const eqs_dialect eqs_dialect_ngspice, eqs_dialect_xyce, eqs_dialect_ltspice;

#endif
