/* Whole files in and out: every call checked, replaced only when complete (notes: kill -9 and full disks). */
#ifndef EQS_STORE_FILE_H
#define EQS_STORE_FILE_H

#include "base/status.h"

#include <stddef.h>

/* Reads a regular file or a pipe into *bytes (with a zero byte after its end), the caller's (eqs_free).
 * EQS_MISSING_INPUT when it cannot be opened or is a folder, EQS_BAD_DATA when longer than max_size, EQS_IO.
 */
eqs_status eqs_file_read(const char *path, size_t max_size, unsigned char **bytes, size_t *size);

/* Writes all bytes to an open file; EQS_IO names `path`, the size and the system's reason. */
eqs_status eqs_file_write_all(int fd, const char *path, const void *bytes, size_t size);

/* Replaces the file at `path`: writes path.tmp.PID beside it, fsync, rename, fsync of the folder. A reader
 * sees the old file or the new one, never a part; on failure the old file is untouched. A symbolic link's
 * target is replaced, not the link. Devices and pipes are written directly. EQS_IO with path and size. */
eqs_status eqs_file_replace(const char *path, const void *bytes, size_t size);

#endif
