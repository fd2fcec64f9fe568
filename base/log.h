/* Messages and progress. The library never prints: it hands lines to a handler, which the program sets. */
#ifndef EQS_BASE_LOG_H
#define EQS_BASE_LOG_H

typedef enum eqs_log_level { EQS_LOG_ERROR, EQS_LOG_WARNING, EQS_LOG_INFO, EQS_LOG_DEBUG } eqs_log_level;

/* text has no newline and lives only during the call. May be called from any thread. */
typedef void (*eqs_log_handler)(eqs_log_level level, const char *text, void *user);

/* Sets the handler of the process; NULL drops messages (the default). */
void eqs_log_set_handler(eqs_log_handler handler, void *user);

/* Sends one message to the handler; cut at 1023 bytes. */
void eqs_log(eqs_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
