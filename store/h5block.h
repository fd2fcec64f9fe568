/* Private to store/: the user block in front of a result file, and its digest. */
#ifndef EQS_STORE_H5BLOCK_H
#define EQS_STORE_H5BLOCK_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

enum { EQS_H5_BLOCK_SIZE = 512 };

/* Fills the first 512 bytes of a file of `size` bytes: ASCII lines with magic, format version, length and the
 * SHA-256 of the whole file with the digits of the digest taken as zeros. EQS_INTERNAL when libcrypto fails.
 */
eqs_status eqs_h5_block_write(unsigned char *file, size_t size);

/* EQS_OK when the file begins with our block and every byte is as it was written. EQS_BAD_DATA says what is
 * wrong: no such file, another format version, length, digest. */
eqs_status eqs_h5_block_check(const char *path, const unsigned char *file, size_t size);

/* true when the file begins with our magic. */
bool eqs_h5_block_present(const unsigned char *file, size_t size);

#endif
