/* The device library: subcircuits that come with the program (the files in devices/, each with its equations
 * and ranges). */
#ifndef EQS_NETLISTS_LIBRARY_H
#define EQS_NETLISTS_LIBRARY_H

#include "netlists/subcircuit.h"

typedef struct eqs_device {
    const char *name; /* "opamp-neuron"; NULL ends the table */
    const char *text; /* its subcircuit file */
} eqs_device;

/* Sorted by name, ended by a NULL name. */
extern const eqs_device eqs_devices[];

/* The device of that name, or NULL. */
const eqs_device *eqs_device_find(const char *name);

/* A subcircuit file by the name of a device, or by its path when the word holds a '/' or '.'. Errors: those
 * of eqs_spice_file_load; EQS_MISSING_INPUT with the known names. *out is the caller's. */
eqs_status eqs_device_open(const char *word, eqs_spice_file **out);

#endif
