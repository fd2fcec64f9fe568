/* One writer per run file: an advisory lock on NAME.lock that ends with the process, however it ends. */
#ifndef EQS_STORE_LOCK_H
#define EQS_STORE_LOCK_H

#include "base/status.h"

typedef struct eqs_lock eqs_lock;

/* Locks path + ".lock". EQS_LOCKED names the holder's process; EQS_IO. *out is the caller's. Child processes
 * that outlive the caller keep the lock. */
eqs_status eqs_lock_acquire(const char *path, eqs_lock **out);

/* Removes the lock file and unlocks; NULL is fine. */
void eqs_lock_release(eqs_lock *lock);

/* Process that writes the run at `path` at present, by its lock file and still alive, or 0. Only looks. */
long eqs_lock_holder(const char *path);

#endif
