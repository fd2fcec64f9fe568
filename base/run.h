/* What a long computation asks the outside world: what time it is, and whether it should stop. */
#ifndef EQS_BASE_RUN_H
#define EQS_BASE_RUN_H

/* Seconds of a monotonic clock. */
double eqs_clock(void);

/* CPU seconds used by this process. */
double eqs_cpu_clock(void);

/* Installs handlers: the first SIGINT/SIGTERM asks to stop (eqs_stop_requested), the second ends the process
 * at once with exit code 128 + signal; SIGUSR1 asks for a checkpoint. SIGPIPE and SIGXFSZ are ignored, so
 * that writes report errors instead. */
void eqs_signals_install(void);

/* The signal that asked to stop, or 0. Long loops poll it once a minibatch. */
int eqs_stop_requested(void);

/* Sets or clears (0) the stop request; for tests and wall-time limits. */
void eqs_stop_request(int signal_number);

/* True once after each SIGUSR1. */
int eqs_checkpoint_requested(void);

#endif
