/* What the fuzz targets share. A target is one function for libFuzzer (clang, cmake -DEQS_FUZZ=ON) and for
 * replay.c, which runs the committed corpus and mutations of it in every test run. */
#ifndef EQS_TESTS_FUZZ_FUZZ_H
#define EQS_TESTS_FUZZ_FUZZ_H

#include "base/status.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must be true of every input; an abort is what libFuzzer and replay report. */
#define fuzz_require(condition)                                                                              \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: not true: %s (%s)\n", __FILE__, __LINE__, #condition,                    \
                    eqs_error_message());                                                                    \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* A refusal has one of the codes that the reader's header promises, and says why. */
static inline void fuzz_require_refusal(eqs_status status, eqs_status promised)
{
    fuzz_require(status == promised || status == EQS_NO_MEMORY);
    fuzz_require(strcmp(eqs_error_message(), "no error") != 0);
}

/* A path to a file in memory with these bytes; valid until fuzz_file_end. */
typedef struct fuzz_file {
    int fd;
    char path[64];
} fuzz_file;

static inline fuzz_file fuzz_file_begin(const uint8_t *data, size_t size)
{
    fuzz_file file = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};
    fuzz_require(file.fd >= 0 && (size == 0 || write(file.fd, data, size) == (ssize_t)size));
    snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.fd);
    return file;
}

static inline void fuzz_file_end(const fuzz_file *file)
{
    close(file->fd);
}

/* The input as a text that ends in a zero; the caller frees. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    fuzz_require(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

#endif
