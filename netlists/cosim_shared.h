/* Between the two sides of a transient co-simulation: what is in the shared memory. */
#ifndef EQS_NETLISTS_COSIM_SHARED_H
#define EQS_NETLISTS_COSIM_SHARED_H

#include "netlists/cosim_process.h"

#include <sys/types.h>

typedef enum eqs_cosim_command {
    EQS_COSIM_ADVANCE,
    EQS_COSIM_MARK,
    EQS_COSIM_BACK,
    EQS_COSIM_KEEP
} eqs_cosim_command;

enum { EQS_COSIM_TEXT = 512 };

typedef struct eqs_cosim_shared {
    eqs_cosim_command command;
    pid_t pid;  /* that computes */
    int end;    /* of the run, an eqs_spice_end; EQS_SPICE_DONE while it runs */
    int signal; /* that killed a process, else 0 */
    double t;   /* present macro point */
    eqs_cosim_stretch stretch;
    double *output; /* [n_out + n_supplies] */
    double *energy; /* [n_supplies] J */
    eqs_cosim_counts counts;
    char text[EQS_COSIM_TEXT];
} eqs_cosim_shared;

/* The process of the circuit: never returns. Everything is borrowed from the parent before the fork. */
_Noreturn void eqs_cosim_serve(int socket, const eqs_cosim_job *job, eqs_cosim_shared *shared);

#endif
