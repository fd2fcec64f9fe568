#include "store/lock.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct eqs_lock {
    int fd;
    char *name;
};

/* process number that the holder wrote, or 0 */
static long holder(int fd)
{
    char text[24] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    return n > 0 ? strtol(text, NULL, 10) : 0;
}

/* true when the open file is still the one with this name: a holder may have removed it before we locked it
 */
static bool still_there(int fd, const char *name)
{
    struct stat ours, there;
    return fstat(fd, &ours) == 0 && stat(name, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

static eqs_status try_lock(const char *path, const char *name, int *out)
{
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return eqs_fail(EQS_IO, "%s: cannot create '%s': %s", path, name, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int error = errno;
        long pid = holder(fd);
        close(fd);
        if (error != EWOULDBLOCK)
            return eqs_fail(EQS_IO, "%s: cannot lock '%s': %s", path, name, strerror(error));
        return eqs_fail(EQS_LOCKED, "%s: in use by process %ld (lock file '%s')", path, pid, name);
    }
    *out = fd;
    return EQS_OK;
}

static eqs_status acquire(const char *path, eqs_lock *lock)
{
    enum { TRIES = 100 };
    for (int i = 0; i < TRIES; i++) {
        EQS_TRY(try_lock(path, lock->name, &lock->fd));
        if (still_there(lock->fd, lock->name)) {
            char text[24];
            int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
            if (ftruncate(lock->fd, 0) != 0 || pwrite(lock->fd, text, (size_t)n, 0) != n)
                return eqs_fail(EQS_IO, "%s: cannot write '%s': %s", path, lock->name, strerror(errno));
            return EQS_OK;
        }
        close(lock->fd);
        lock->fd = -1;
    }
    return eqs_fail(EQS_LOCKED, "%s: its lock file '%s' keeps changing hands", path, lock->name);
}

eqs_status eqs_lock_acquire(const char *path, eqs_lock **out)
{
    *out = NULL;
    eqs_lock *lock = eqs_alloc(1, sizeof *lock);
    if (lock == NULL)
        return EQS_NO_MEMORY;
    lock->fd = -1;
    lock->name = eqs_format("%s.lock", path);
    eqs_status status = lock->name != NULL ? acquire(path, lock) : EQS_NO_MEMORY;
    if (status != EQS_OK) {
        if (lock->fd >= 0)
            close(lock->fd);
        eqs_free(lock->name);
        eqs_free(lock);
        return status;
    }
    *out = lock;
    return EQS_OK;
}

void eqs_lock_release(eqs_lock *lock)
{
    if (lock == NULL)
        return;
    unlink(
        lock->name); /* while it is ours; whoever waits for it sees that its name is gone and tries again */
    close(lock->fd);
    eqs_free(lock->name);
    eqs_free(lock);
}

long eqs_lock_holder(const char *path)
{
    char *name = eqs_format("%s.lock", path);
    int fd = name != NULL ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    long pid = fd >= 0 ? holder(fd) : 0;
    if (fd >= 0)
        close(fd);
    eqs_free(name);
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM) ? pid : 0;
}
