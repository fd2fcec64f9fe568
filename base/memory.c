#include "base/memory.h"

#include "base/status.h"

#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { ALIGNMENT = 64 };

static atomic_long countdown;

void eqs_alloc_fail_at(long k)
{
    atomic_store(&countdown, k);
}

/* true when fault injection wants this allocation to fail */
static int injected_failure(void)
{
    if (atomic_load_explicit(&countdown, memory_order_relaxed) <= 0)
        return 0;
    return atomic_fetch_sub(&countdown, 1) == 1;
}

void *eqs_alloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - ALIGNMENT) {
        eqs_fail(EQS_NO_MEMORY, "%zu elements of %zu bytes exceed the address space", count, size);
        return NULL;
    }
    size_t rounded = bytes == 0 ? ALIGNMENT : (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *block = injected_failure() ? NULL : aligned_alloc(ALIGNMENT, rounded);
    if (block == NULL) {
        eqs_fail(EQS_NO_MEMORY, "no memory for %zu bytes", bytes);
        return NULL;
    }
    memset(block, 0, rounded);
    return block;
}

void *eqs_realloc(void *block, size_t old_count, size_t new_count, size_t size)
{
    void *grown = eqs_alloc(new_count, size);
    if (grown == NULL)
        return NULL;
    if (block != NULL)
        memcpy(grown, block, (old_count < new_count ? old_count : new_count) * size);
    eqs_free(block);
    return grown;
}

char *eqs_strdup(const char *text)
{
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = eqs_alloc(size, 1);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

char *eqs_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : eqs_alloc((size_t)length + 1, 1);
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

/* the number behind `name` in a file of the kernel's, times `unit`; INFINITY when it is not there ("max") */
static double read_number(const char *path, const char *name, double unit)
{
    char line[256];
    double value = INFINITY;
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        size_t length = strlen(name);
        unsigned long long number;
        if (strncmp(line, name, length) == 0 && sscanf(line + length, "%llu", &number) == 1) {
            value = unit * (double)number;
            break;
        }
    }
    if (file != NULL)
        fclose(file);
    return value;
}

double eqs_memory_available(void)
{
    double least = read_number("/proc/meminfo", "MemAvailable:", 1024.0);
    double allowed = read_number("/sys/fs/cgroup/memory.max", "", 1.0);
    double used = read_number("/sys/fs/cgroup/memory.current", "", 1.0);
    /* what the group's files hold in the page cache is given up when memory is short */
    double cache = read_number("/sys/fs/cgroup/memory.stat", "file ", 1.0);
    if (isfinite(allowed) && isfinite(used))
        least = fmin(least, allowed - used + (isfinite(cache) ? cache : 0.0));
    struct rlimit limit;
    double pages = read_number("/proc/self/statm", "", (double)sysconf(_SC_PAGESIZE));
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && isfinite(pages))
        least = fmin(least, (double)limit.rlim_cur - pages);
    return isfinite(least) ? fmax(least, 1.0) : 0.0;
}

void eqs_free(void *block)
{
    free(block);
}
