/* Inspection of a SPICE subcircuit file. */
#ifndef EQS_CLI_INSPECT_CIRCUIT_H
#define EQS_CLI_INSPECT_CIRCUIT_H

#include "base/status.h"

#include <stdbool.h>

/* true when the path names a SPICE file: it ends in .cir, .sub, .sp, .spi or .ckt */
bool cli_is_circuit_file(const char *path);

/* Reads and checks the file and prints its pins and parameters. */
eqs_status cli_inspect_circuit(const char *path, bool json);

#endif
