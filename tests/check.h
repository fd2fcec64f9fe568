/* What every test program includes: cmocka with its required headers, and comparisons of doubles. */
#ifndef EQS_TESTS_CHECK_H
#define EQS_TESTS_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"

/* |a - b| <= atol + rtol |b|, with the values printed when it does not hold */
#define assert_close(a, b, rtol, atol) check_close((a), (b), (rtol), (atol), #a " ~ " #b, __FILE__, __LINE__)

static inline void check_close(double a, double b, double rtol, double atol, const char *what,
                               const char *file, int line)
{
    if (fabs(a - b) <= atol + rtol * fabs(b))
        return;
    print_error("%s: %.17g and %.17g differ by %.3g\n", what, a, b, fabs(a - b));
    _fail(file, line);
}

/* the call succeeds; its message is printed when it does not */
#define assert_ok(call) check_status((call), EQS_OK, #call, __FILE__, __LINE__)

/* the call fails with this status and a message that contains `text` */
#define assert_fails(call, status, text)                                                                     \
    do {                                                                                                     \
        check_status((call), (status), #call, __FILE__, __LINE__);                                           \
        if (strstr(eqs_error_message(), (text)) == NULL) {                                                   \
            print_error("message '%s' lacks '%s'\n", eqs_error_message(), (text));                           \
            _fail(__FILE__, __LINE__);                                                                       \
        }                                                                                                    \
    } while (0)

static inline void check_status(eqs_status got, eqs_status wanted, const char *what, const char *file,
                                int line)
{
    if (got == wanted)
        return;
    print_error("%s: %s (%s), wanted %s\n", what, eqs_status_name(got),
                got == EQS_OK ? "" : eqs_error_message(), eqs_status_name(wanted));
    _fail(file, line);
}

#endif
