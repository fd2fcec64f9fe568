/* Private to store/: what the writing and reading halves of h5file.h share. */
#ifndef EQS_STORE_H5PRIVATE_H
#define EQS_STORE_H5PRIVATE_H

#include "store/h5file.h"

#include <hdf5.h>

/* Switches off libhdf5's printing in this thread; called first by every function that enters libhdf5. */
void eqs_h5_quiet(void);

/* Fails with "file: object: what (libhdf5: its innermost reason)". object may be "". */
eqs_status eqs_h5_fail(eqs_status status, const char *file, const char *object, const char *what);

/* Type of memory and of a file for our own types (not STRING, OTHER); borrowed from libhdf5. */
hid_t eqs_h5_memory_type(eqs_h5_type type);
hid_t eqs_h5_file_type(eqs_h5_type type);

/* Which of our types a stored type is; EQS_H5_OTHER when none. */
eqs_h5_type eqs_h5_type_of(hid_t type);

/* Visits all objects of an open file; `file_name` is for messages. */
eqs_status eqs_h5_visit_file(hid_t file, const char *file_name, eqs_h5_visitor visit, void *user);

#endif
