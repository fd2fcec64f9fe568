#include "store/idx.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

/* deflate expands by less than this, so a longer promise is a lie and is refused before memory is taken */
enum { MAX_EXPANSION = 1040, UNSIGNED_BYTES = 0x08, READ_SIZE = 1 << 30 };

void eqs_idx_clear(eqs_idx *idx)
{
    eqs_free(idx->bytes);
    *idx = (eqs_idx){0};
}

static eqs_status read_error(gzFile file, const char *path, size_t found, size_t allowed)
{
    int code;
    const char *why = gzerror(file, &code);
    if (code == Z_ERRNO)
        return eqs_fail(EQS_IO, "%s: cannot read: %s", path, strerror(errno));
    if (code != Z_OK && code != Z_STREAM_END)
        return eqs_fail(EQS_BAD_DATA, "%s: damaged gzip data after %zu bytes: %s", path, found, why);
    return eqs_fail(EQS_BAD_DATA, "%s: found %zu bytes, allowed exactly %zu (truncated?)", path, found,
                    allowed);
}

/* reads exactly n bytes; `before` bytes were read already */
static eqs_status read_exactly(gzFile file, const char *path, uint8_t *out, size_t n, size_t before)
{
    for (size_t done = 0; done < n;) {
        size_t part = n - done > READ_SIZE ? READ_SIZE : n - done;
        int got = gzread(file, out + done, (unsigned)part);
        if (got <= 0)
            return read_error(file, path, before + done, before + n);
        done += (size_t)got;
    }
    return EQS_OK;
}

/* magic and dimensions; *size is the number of bytes that follow */
static eqs_status read_header(gzFile file, const char *path, eqs_idx *idx, size_t *size)
{
    uint8_t head[4], dims[4 * EQS_IDX_MAX_RANK];
    EQS_TRY(read_exactly(file, path, head, sizeof head, 0));
    if (head[0] != 0 || head[1] != 0)
        return eqs_fail(EQS_BAD_DATA, "%s: found the first bytes %02x %02x, allowed 00 00 (not an IDX file)",
                        path, head[0], head[1]);
    if (head[2] != UNSIGNED_BYTES)
        return eqs_fail(EQS_BAD_DATA, "%s: found IDX type 0x%02x, allowed 0x08 (unsigned bytes)", path,
                        head[2]);
    if (head[3] < 1 || head[3] > EQS_IDX_MAX_RANK)
        return eqs_fail(EQS_BAD_DATA, "%s: found %d dimensions, allowed 1 to %d", path, head[3],
                        EQS_IDX_MAX_RANK);
    idx->rank = head[3];
    EQS_TRY(read_exactly(file, path, dims, 4 * (size_t)idx->rank, sizeof head));
    *size = 1;
    for (int k = 0; k < idx->rank; k++) {
        const uint8_t *d = dims + 4 * k;
        idx->dim[k] = (size_t)d[0] << 24 | (size_t)d[1] << 16 | (size_t)d[2] << 8 | d[3];
        if (idx->dim[k] == 0)
            return eqs_fail(EQS_BAD_DATA, "%s: found 0 as dimension %d, allowed at least 1", path, k);
        if (__builtin_mul_overflow(*size, idx->dim[k], size))
            return eqs_fail(EQS_BAD_DATA, "%s: the dimensions exceed the address space", path);
    }
    return EQS_OK;
}

static eqs_status read_file(gzFile file, const char *path, size_t file_size, eqs_idx *idx)
{
    size_t size = 0, most;
    EQS_TRY(read_header(file, path, idx, &size));
    if (__builtin_mul_overflow(file_size, gzdirect(file) ? 1 : MAX_EXPANSION, &most) || size > most)
        return eqs_fail(EQS_BAD_DATA,
                        "%s: found a file of %zu bytes, too short for the %zu values of its header", path,
                        file_size, size);
    idx->bytes = eqs_alloc(size, 1);
    if (idx->bytes == NULL)
        return EQS_NO_MEMORY;
    size_t before = 4 + 4 * (size_t)idx->rank;
    EQS_TRY(read_exactly(file, path, idx->bytes, size, before));
    /* one more read sees the end, and lets zlib compare the checksum */
    uint8_t extra;
    int more = gzread(file, &extra, 1);
    if (more > 0)
        return eqs_fail(EQS_BAD_DATA, "%s: found bytes after the %zu that its header tells", path,
                        before + size);
    return more < 0 ? read_error(file, path, before + size, before + size) : EQS_OK;
}

eqs_status eqs_idx_read(const char *path, eqs_idx *out)
{
    *out = (eqs_idx){0};
    struct stat info;
    if (stat(path, &info) != 0)
        return eqs_fail(EQS_MISSING_INPUT, "%s: cannot open: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return eqs_fail(EQS_MISSING_INPUT, "%s: found no regular file, allowed an IDX file", path);
    gzFile file = gzopen(path, "rbe");
    if (file == NULL)
        return eqs_fail(EQS_MISSING_INPUT, "%s: cannot open: %s", path, strerror(errno));
    gzbuffer(file, 128 * 1024);
    eqs_status status = read_file(file, path, (size_t)info.st_size, out);
    /* zlib tells only here that a stream ended before its checksum */
    if (gzclose(file) != Z_OK && status == EQS_OK)
        status = eqs_fail(EQS_BAD_DATA, "%s: the gzip data end before their checksum (truncated?)", path);
    if (status != EQS_OK)
        eqs_idx_clear(out);
    return status;
}
