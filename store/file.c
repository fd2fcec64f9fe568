#include "store/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_READ = 64 * 1024, LARGEST_WRITE = 1 << 30 };

/* reads to the end of an open file */
static eqs_status read_all(int fd, const char *path, size_t max_size, size_t expected, unsigned char **bytes,
                           size_t *size)
{
    size_t capacity = expected + 2, n = 0;
    unsigned char *block = eqs_alloc(capacity, 1);
    while (block != NULL) {
        ssize_t got = read(fd, block + n, capacity - 1 - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int error = errno;
            eqs_free(block);
            return eqs_fail(EQS_IO, "%s: cannot read: %s", path, strerror(error));
        }
        if (got == 0)
            break;
        n += (size_t)got;
        if (n > max_size) {
            eqs_free(block);
            return eqs_fail(EQS_BAD_DATA, "%s: found more than %zu bytes, allowed %zu", path, max_size,
                            max_size);
        }
        if (n == capacity - 1) {
            unsigned char *grown = eqs_realloc(block, capacity, 2 * capacity, 1);
            if (grown == NULL)
                break;
            block = grown;
            capacity *= 2;
        }
    }
    if (block == NULL || n == capacity - 1) {
        eqs_free(block);
        return EQS_NO_MEMORY;
    }
    block[n] = '\0';
    *bytes = block;
    *size = n;
    return EQS_OK;
}

eqs_status eqs_file_read(const char *path, size_t max_size, unsigned char **bytes, size_t *size)
{
    *bytes = NULL;
    *size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return eqs_fail(EQS_MISSING_INPUT, "%s: cannot open: %s", path, strerror(errno));
    struct stat info;
    eqs_status status = EQS_OK;
    if (fstat(fd, &info) != 0)
        status = eqs_fail(EQS_IO, "%s: cannot examine: %s", path, strerror(errno));
    else if (S_ISDIR(info.st_mode))
        status = eqs_fail(EQS_MISSING_INPUT, "%s: found a folder, allowed a file", path);
    else if (S_ISREG(info.st_mode) && (size_t)info.st_size > max_size)
        status =
            eqs_fail(EQS_BAD_DATA, "%s: found %zu bytes, allowed %zu", path, (size_t)info.st_size, max_size);
    else
        status = read_all(fd, path, max_size, S_ISREG(info.st_mode) ? (size_t)info.st_size : FIRST_READ,
                          bytes, size);
    close(fd);
    return status;
}

eqs_status eqs_file_write_all(int fd, const char *path, const void *bytes, size_t size)
{
    const char *from = bytes;
    for (size_t done = 0; done < size;) {
        size_t part = size - done > LARGEST_WRITE ? LARGEST_WRITE : size - done;
        ssize_t wrote = write(fd, from + done, part);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return eqs_fail(EQS_IO, "%s: cannot write %zu bytes (%zu written): %s", path, size, done,
                            wrote < 0 ? strerror(errno) : "nothing was accepted");
        done += (size_t)wrote;
    }
    return EQS_OK;
}

/* bytes to a fresh or special file, synced and closed; a special file need not know fsync */
static eqs_status write_and_close(int fd, const char *path, const void *bytes, size_t size)
{
    eqs_status status = eqs_file_write_all(fd, path, bytes, size);
    if (status == EQS_OK && fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
        status = eqs_fail(EQS_IO, "%s: cannot sync %zu bytes to disk: %s", path, size, strerror(errno));
    if (close(fd) != 0 && status == EQS_OK)
        status =
            eqs_fail(EQS_IO, "%s: cannot close after writing %zu bytes: %s", path, size, strerror(errno));
    return status;
}

static eqs_status sync_folder(const char *path)
{
    char *copy = eqs_strdup(path);
    if (copy == NULL)
        return EQS_NO_MEMORY;
    const char *folder = dirname(copy);
    eqs_status status = EQS_OK;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        status = eqs_fail(EQS_IO, "%s: cannot sync the folder '%s': %s", path, folder, strerror(errno));
    if (fd >= 0)
        close(fd);
    eqs_free(copy);
    return status;
}

static eqs_status write_special(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return eqs_fail(EQS_IO, "%s: cannot open to write %zu bytes: %s", path, size, strerror(errno));
    return write_and_close(fd, path, bytes, size);
}

static eqs_status write_and_rename(const char *path, const char *temporary, const void *bytes, size_t size)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    int fd = open(temporary, flags, 0666);
    if (fd < 0 && errno == EEXIST && unlink(temporary) == 0) /* left by a killed run with our number */
        fd = open(temporary, flags, 0666);
    if (fd < 0)
        return eqs_fail(EQS_IO, "%s: cannot create '%s' for %zu bytes: %s", path, temporary, size,
                        strerror(errno));
    eqs_status status = write_and_close(fd, path, bytes, size);
    if (status == EQS_OK && rename(temporary, path) != 0)
        status = eqs_fail(EQS_IO, "%s: cannot rename '%s' to it: %s", path, temporary, strerror(errno));
    if (status != EQS_OK) {
        unlink(temporary);
        return status;
    }
    return sync_folder(path);
}

eqs_status eqs_file_replace(const char *path, const void *bytes, size_t size)
{
    struct stat info;
    bool exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode))
        return eqs_fail(EQS_IO, "%s: found a folder, allowed a file to write %zu bytes", path, size);
    if (exists && !S_ISREG(info.st_mode))
        return write_special(path, bytes, size);
    char *target = exists ? realpath(path, NULL) : NULL;
    const char *name = target != NULL ? target : path;
    char *temporary = eqs_format("%s.tmp.%ld", name, (long)getpid());
    eqs_status status = temporary != NULL ? write_and_rename(name, temporary, bytes, size) : EQS_NO_MEMORY;
    eqs_free(temporary);
    free(target);
    return status;
}
