#include "base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static eqs_log_handler current_handler;
static void *current_user;

void eqs_log_set_handler(eqs_log_handler handler, void *user)
{
    current_handler = handler;
    current_user = user;
}

void eqs_log(eqs_log_level level, const char *format, ...)
{
    if (current_handler == NULL)
        return;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    current_handler(level, text, current_user);
}
