#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 1024 };

static _Thread_local char message[MESSAGE_SIZE];

static const struct {
    const char *name, *text;
    int exit_code;
} table[] = {
#define X(name, code, text) {#name, text, code},
    EQS_STATUS_LIST(X)
#undef X
};

int eqs_status_exit_code(eqs_status status)
{
    return (unsigned)status < EQS_STATUS_COUNT ? table[status].exit_code : table[EQS_INTERNAL].exit_code;
}

const char *eqs_status_name(eqs_status status)
{
    return (unsigned)status < EQS_STATUS_COUNT ? table[status].name : "unknown status";
}

const char *eqs_status_text(eqs_status status)
{
    return (unsigned)status < EQS_STATUS_COUNT ? table[status].text : "unknown status";
}

eqs_status eqs_fail(eqs_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return status;
}

eqs_status eqs_fail_context(eqs_status status, const char *format, ...)
{
    if (status == EQS_OK)
        return status;
    char context[MESSAGE_SIZE], joined[2 * MESSAGE_SIZE + 2];
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof context, format, args);
    va_end(args);
    snprintf(joined, sizeof joined, "%s: %s", context, message);
    joined[MESSAGE_SIZE - 1] = '\0';
    memcpy(message, joined, MESSAGE_SIZE);
    return status;
}

const char *eqs_error_message(void)
{
    return message[0] != '\0' ? message : "no error";
}
