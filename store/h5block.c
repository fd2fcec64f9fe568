#include "store/h5block.h"

#include "store/h5file.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static const char magic[] = "eqspice result file\n";

enum { DIGEST_BYTES = 32, DIGEST_DIGITS = 2 * DIGEST_BYTES };

/* Lays the block out with the digest as zeros; returns where its digits stand. */
static size_t lay_out(char block[EQS_H5_BLOCK_SIZE], int version, size_t size)
{
    memset(block, ' ', EQS_H5_BLOCK_SIZE);
    int n = snprintf(block, EQS_H5_BLOCK_SIZE, "%sformat_version %d\nlength %020zu\nsha256 ", magic, version,
                     size);
    size_t at = (size_t)n;
    memset(block + at, '0', DIGEST_DIGITS);
    static const char note[] =
        "\nHDF5 with a user block of 512 bytes: h5py, h5dump and others open it as it is.\n"
        "The digest is that of the whole file with its own digits as zeros.\n";
    memcpy(block + at + DIGEST_DIGITS, note, sizeof note - 1);
    block[at + DIGEST_DIGITS + sizeof note - 1] = ' ';
    block[EQS_H5_BLOCK_SIZE - 1] = '\n';
    return at;
}

/* digits of the SHA-256 of block, then the rest of the file */
static bool digest(const char *block, const unsigned char *file, size_t size, char digits[DIGEST_DIGITS + 1])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool fine = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(context, block, EQS_H5_BLOCK_SIZE) == 1 &&
                EVP_DigestUpdate(context, file + EQS_H5_BLOCK_SIZE, size - EQS_H5_BLOCK_SIZE) == 1 &&
                EVP_DigestFinal_ex(context, hash, &length) == 1 && length == DIGEST_BYTES;
    EVP_MD_CTX_free(context);
    for (size_t i = 0; fine && i < DIGEST_BYTES; i++)
        snprintf(digits + 2 * i, 3, "%02x", hash[i]);
    return fine;
}

eqs_status eqs_h5_block_write(unsigned char *file, size_t size)
{
    char block[EQS_H5_BLOCK_SIZE], digits[DIGEST_DIGITS + 1];
    size_t at = lay_out(block, EQS_H5_FORMAT_VERSION, size);
    if (!digest(block, file, size, digits))
        return eqs_fail(EQS_INTERNAL, "libcrypto gave no SHA-256 of %zu bytes", size);
    memcpy(block + at, digits, DIGEST_DIGITS);
    memcpy(file, block, EQS_H5_BLOCK_SIZE);
    return EQS_OK;
}

bool eqs_h5_block_present(const unsigned char *file, size_t size)
{
    return size >= EQS_H5_BLOCK_SIZE && memcmp(file, magic, sizeof magic - 1) == 0;
}

eqs_status eqs_h5_block_check(const char *path, const unsigned char *file, size_t size)
{
    if (!eqs_h5_block_present(file, size))
        return eqs_fail(EQS_BAD_DATA,
                        "%s: not a result file of eqspice (found %zu bytes without its first line)", path,
                        size);
    char block[EQS_H5_BLOCK_SIZE + 1], expected[EQS_H5_BLOCK_SIZE], digits[DIGEST_DIGITS + 1];
    memcpy(block, file, EQS_H5_BLOCK_SIZE);
    block[EQS_H5_BLOCK_SIZE] = '\0';
    int version = 0;
    size_t length = 0;
    if (sscanf(block + sizeof magic - 1, "format_version %d\nlength %zu\n", &version, &length) != 2)
        return eqs_fail(EQS_BAD_DATA, "%s: its first 512 bytes are damaged", path);
    if (version != EQS_H5_FORMAT_VERSION)
        return eqs_fail(EQS_BAD_DATA, "%s: found format version %d, allowed %d", path, version,
                        EQS_H5_FORMAT_VERSION);
    if (length != size)
        return eqs_fail(EQS_BAD_DATA, "%s: found %zu bytes, allowed %zu (truncated or damaged)", path, size,
                        length);
    size_t at = lay_out(expected, version, size);
    if (!digest(expected, file, size, digits))
        return eqs_fail(EQS_INTERNAL, "%s: libcrypto gave no SHA-256", path);
    memcpy(expected + at, digits, DIGEST_DIGITS);
    if (memcmp(expected, file, EQS_H5_BLOCK_SIZE) != 0)
        return eqs_fail(EQS_BAD_DATA,
                        "%s: its SHA-256 differs from the one it was written with: the file is damaged",
                        path);
    return EQS_OK;
}
