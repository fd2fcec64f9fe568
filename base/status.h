/* Status codes and the error message of the calling thread.
 *
 * Every function that can fail returns an eqs_status; the sentence for the user (file, line, field, what was
 * found, what is allowed) is kept per thread and read with eqs_error_message(). Nothing below cli/ prints,
 * exits or aborts. */
#ifndef EQS_BASE_STATUS_H
#define EQS_BASE_STATUS_H

/* X(name, exit code of the program, text). Exit codes follow sysexits.h; 1 is "a check failed". */
#define EQS_STATUS_LIST(X)                                                                                   \
    X(EQS_OK, 0, "success")                                                                                  \
    X(EQS_CHECK_FAILED, 1, "a check failed")                                                                 \
    X(EQS_NOT_CONVERGED, 1, "a relaxation did not converge")                                                 \
    X(EQS_USAGE, 64, "wrong use of the command line")                                                        \
    X(EQS_BAD_DATA, 65, "damaged or unsuitable data")                                                        \
    X(EQS_MISSING_INPUT, 66, "an input file is missing or unreadable")                                       \
    X(EQS_INTERNAL, 70, "internal error")                                                                    \
    X(EQS_NO_MEMORY, 71, "out of memory")                                                                    \
    X(EQS_IO, 74, "input/output error")                                                                      \
    X(EQS_LOCKED, 75, "the file is in use by another run")                                                   \
    X(EQS_BAD_CONFIG, 78, "bad configuration")                                                               \
    X(EQS_INTERRUPTED, 130, "interrupted by a signal")

typedef enum eqs_status {
#define X(name, code, text) name,
    EQS_STATUS_LIST(X)
#undef X
        EQS_STATUS_COUNT
} eqs_status;

/* Exit code of the program for a status (0 for EQS_OK). */
int eqs_status_exit_code(eqs_status status);

/* Name of the code as written in C ("EQS_BAD_DATA"); static storage. */
const char *eqs_status_name(eqs_status status);

/* One-line text of a code; static storage. */
const char *eqs_status_text(eqs_status status);

/* Records a message for this thread and returns `status`, so that `return eqs_fail(...)` reads well.
 * Messages are cut at 1023 bytes. */
eqs_status eqs_fail(eqs_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the message of this thread and returns `status`; for callers that know the file or
 * the field. Does nothing to the message when status is EQS_OK. */
eqs_status eqs_fail_context(eqs_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Message of the last failure in this thread; never NULL; valid until the next failure in this thread. */
const char *eqs_error_message(void);

/* Hands the first error on: `EQS_TRY(f(x));` returns f's status from the caller when it is not EQS_OK. */
#define EQS_TRY(call)                                                                                        \
    do {                                                                                                     \
        eqs_status eqs_try_status_ = (call);                                                                 \
        if (eqs_try_status_ != EQS_OK)                                                                       \
            return eqs_try_status_;                                                                          \
    } while (0)

#endif
