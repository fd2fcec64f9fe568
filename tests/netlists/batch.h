/* Running a netlist file with the program ngspice in batch mode and reading the numbers that it prints. */
#ifndef EQS_TESTS_NETLISTS_BATCH_H
#define EQS_TESTS_NETLISTS_BATCH_H

#include "tests/check.h"

#include <stdbool.h>
#include <stdlib.h>

static inline bool have_ngspice(void)
{
    if (system("ngspice --version >/dev/null 2>&1") == 0)
        return true;
    print_message("skipped: the program ngspice is not installed\n");
    return false;
}

/* Output of `ngspice -b path`, the caller's (free). The exit code must be 0. */
static inline char *run_ngspice(const char *path)
{
    char command[4200];
    snprintf(command, sizeof command, "ngspice -b '%s' 2>&1", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t size = 1 << 16, used = 0, n;
    char *text = malloc(size);
    while ((n = fread(text + used, 1, size - used - 1, pipe)) > 0) {
        used += n;
        if (used + 1 == size)
            text = realloc(text, size *= 2);
    }
    text[used] = '\0';
    int status = pclose(pipe);
    if (status != 0)
        print_error("%s\n", text);
    assert_int_equal(status, 0);
    return text;
}

/* The number printed as "name = 1.23e-01" (or "name   =  1.23"); NaN when it is not there. */
static inline double printed_value(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, n) != 0)
            continue;
        const char *rest = line + n + strspn(line + n, " ");
        if (*rest == '=')
            return strtod(rest + 1, NULL);
        line = rest - 1;
    }
    return NAN;
}

#endif
