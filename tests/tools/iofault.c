/* Makes the k-th file operation of a program fail: preloaded (LD_PRELOAD) into the program under test by
 * tests/cli/test_faults.py, so that every failing write, fsync, rename, open and close is met once. Asked for
 * by the environment:
 *
 * - IOFAULT=operation:k:errno[:always]: operation is open, write, fsync, rename or close; k counts from 1;
 *   errno is a number; always: all later ones too (a disk that stays full).
 * - IOFAULT_FOLDER=path: only files in this folder (its absolute path) count.
 * - IOFAULT_COUNT=path: at the end, the number of operations seen is written there.
 *
 * A write that fails writes half of its bytes first, and the next one gives the error, as a full disk does.
 * Only calls that the program makes itself are met; the C library's own streams do not pass here. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN, WRITE, FSYNC, RENAME, CLOSE, OPERATIONS, MOST_FILES = 1024 };

static const char *const names[OPERATIONS] = {"open", "write", "fsync", "rename", "close"};
static long seen[OPERATIONS];
static bool watched[MOST_FILES]; /* descriptors of files in the folder */
static int pending[MOST_FILES];  /* the error of a write that has written half, for the next one */

/* true for names in IOFAULT_FOLDER, also relative to it */
static bool is_ours(const char *path)
{
    const char *folder = getenv("IOFAULT_FOLDER");
    char full[2 * PATH_MAX];
    if (folder == NULL || path == NULL)
        return false;
    if (path[0] == '/') {
        snprintf(full, sizeof full, "%s", path);
    } else {
        char here[PATH_MAX];
        if (getcwd(here, sizeof here) == NULL)
            return false;
        snprintf(full, sizeof full, "%s/%s", here, path);
    }
    /* libhdf5 looks whether its files in memory exist on disk, and goes on when they do not */
    bool in_memory = strstr(full, "/eqspice-reader-") != NULL || strstr(full, "/eqspice-writer-") != NULL;
    return !in_memory && strncmp(full, folder, strlen(folder)) == 0;
}

/* counts an operation; true when it is to fail, with errno set */
static bool fails(int operation)
{
    char name[16] = "", always[16] = "";
    long k = 0, number = 0;
    const char *what = getenv("IOFAULT");
    seen[operation]++;
    if (what == NULL || sscanf(what, "%15[a-z]:%ld:%ld:%15s", name, &k, &number, always) < 3 ||
        strcmp(name, names[operation]) != 0)
        return false;
    if (seen[operation] != k && (always[0] == '\0' || seen[operation] < k))
        return false;
    errno = (int)number;
    return true;
}

/* the function that this file stands before */
static void *next(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL)
        _exit(99);
    return function;
}

static int open_file(const char *function, const char *path, int flags, mode_t mode)
{
    bool ours = is_ours(path) && (flags & O_DIRECTORY) == 0;
    if (ours && fails(OPEN))
        return -1;
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))next(function);
    int fd = real(path, flags, mode);
    if (fd >= 0 && fd < MOST_FILES)
        watched[fd] = is_ours(path);
    return fd;
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_file("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_file("open64", path, flags, mode);
}

static bool is_watched(int fd)
{
    return fd >= 0 && fd < MOST_FILES && watched[fd];
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    ssize_t (*real)(int, const void *, size_t) = (ssize_t(*)(int, const void *, size_t))next("write");
    if (!is_watched(fd))
        return real(fd, bytes, size);
    if (pending[fd] != 0) {
        errno = pending[fd];
        pending[fd] = 0;
        return -1;
    }
    if (!fails(WRITE))
        return real(fd, bytes, size);
    if (size < 2)
        return -1;
    pending[fd] = errno;
    return real(fd, bytes, size / 2);
}

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))next("fsync");
    return is_watched(fd) && fails(FSYNC) ? -1 : real(fd);
}

int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *) = (int (*)(const char *, const char *))next("rename");
    return is_ours(to) && fails(RENAME) ? -1 : real(from, to);
}

int close(int fd)
{
    int (*real)(int) = (int (*)(int))next("close");
    bool ours = is_watched(fd);
    if (fd >= 0 && fd < MOST_FILES)
        watched[fd] = false;
    int result = real(fd); /* as the kernel does: a close that fails has closed */
    return ours && fails(CLOSE) ? -1 : result;
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("IOFAULT_COUNT");
    if (path == NULL)
        return;
    FILE *file = fopen(path, "w");
    for (int i = 0; file != NULL && i < OPERATIONS; i++)
        fprintf(file, "%s %ld\n", names[i], seen[i]);
    if (file != NULL)
        fclose(file);
}
