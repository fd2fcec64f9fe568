#include "postproc/gnuplot.h"

#include "base/memory.h"
#include "store/file.h"
#include "store/text.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LARGEST_PICTURE = 256 << 20, LONGEST_MESSAGE = 400 };

eqs_status eqs_picture_format_of(const char *path, eqs_picture_format *out)
{
    const char *end = strrchr(path, '.');
    if (end != NULL && strcmp(end, ".svg") == 0)
        *out = EQS_PICTURE_SVG;
    else if (end != NULL && strcmp(end, ".png") == 0)
        *out = EQS_PICTURE_PNG;
    else
        return eqs_fail(EQS_USAGE, "%s: the name of a picture ends in .svg or .png", path);
    return EQS_OK;
}

/* The three files of the child: script, picture, messages; in memory, so that no pipe can fill up. */
typedef struct exchange {
    int script, picture, messages;
} exchange;

static void close_exchange(const exchange *files)
{
    const int fds[] = {files->script, files->picture, files->messages};
    for (size_t i = 0; i < 3; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
}

static eqs_status open_exchange(const eqs_text *script, exchange *files)
{
    *files = (exchange){memfd_create("script", MFD_CLOEXEC), memfd_create("picture", MFD_CLOEXEC),
                        memfd_create("messages", MFD_CLOEXEC)};
    if (files->script < 0 || files->picture < 0 || files->messages < 0)
        return eqs_fail(EQS_IO, "no memory file for gnuplot: %s", strerror(errno));
    EQS_TRY(eqs_file_write_all(files->script, "gnuplot's script", eqs_text_string(script), script->length));
    if (lseek(files->script, 0, SEEK_SET) < 0)
        return eqs_fail(EQS_IO, "gnuplot's script: %s", strerror(errno));
    return EQS_OK;
}

static eqs_status start(const exchange *files, pid_t *child)
{
    static const char *const words[] = {"gnuplot", "--default-settings", "-", NULL};
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return eqs_fail(EQS_NO_MEMORY, "no memory to start gnuplot");
    posix_spawn_file_actions_adddup2(&actions, files->script, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, files->picture, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, files->messages, STDERR_FILENO);
    int error = posix_spawnp(child, words[0], &actions, NULL, (char *const *)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error == ENOENT)
        return eqs_fail(
            EQS_MISSING_INPUT,
            "gnuplot draws the pictures, and it is not installed (Debian: apt install gnuplot-nox)");
    return error == 0 ? EQS_OK : eqs_fail(EQS_IO, "gnuplot does not start: %s", strerror(error));
}

/* what the child wrote; zero-terminated, the caller's */
static eqs_status take(int fd, size_t most, unsigned char **bytes, size_t *size)
{
    off_t end = lseek(fd, 0, SEEK_END);
    if (end < 0 || (size_t)end > most)
        return eqs_fail(EQS_IO, "gnuplot wrote %lld bytes, at most %zu are taken", (long long)end, most);
    *bytes = eqs_alloc((size_t)end + 1, 1);
    if (*bytes == NULL)
        return EQS_NO_MEMORY;
    for (*size = 0; *size < (size_t)end;) {
        ssize_t got = pread(fd, *bytes + *size, (size_t)end - *size, (off_t)*size);
        if (got <= 0) {
            eqs_free(*bytes);
            return eqs_fail(EQS_IO, "reading gnuplot's answer: %s", strerror(errno));
        }
        *size += (size_t)got;
    }
    return EQS_OK;
}

static eqs_status explain(int fd, int code)
{
    unsigned char *message;
    size_t size;
    EQS_TRY(take(fd, LARGEST_PICTURE, &message, &size));
    for (size_t i = 0; i < size; i++)
        message[i] = message[i] < 0x20 ? ' ' : message[i];
    eqs_fail(EQS_INTERNAL, "gnuplot ended with code %d and without a picture: %.*s", code, LONGEST_MESSAGE,
             (const char *)message);
    eqs_free(message);
    return EQS_INTERNAL;
}

static eqs_status run(const exchange *files, unsigned char **bytes, size_t *size)
{
    pid_t child;
    int state = 0;
    EQS_TRY(start(files, &child));
    while (waitpid(child, &state, 0) < 0) {
        if (errno != EINTR)
            return eqs_fail(EQS_IO, "waiting for gnuplot: %s", strerror(errno));
    }
    int code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    if (code != 0 || lseek(files->picture, 0, SEEK_END) <= 0)
        return explain(files->messages, code);
    return take(files->picture, LARGEST_PICTURE, bytes, size);
}

/* Viewers blur images that they enlarge, unless told that the pixels are the data. */
static eqs_status keep_pixels_sharp(unsigned char **bytes, size_t *size)
{
    static const char tag[] = "<image ", style[] = "style='image-rendering:pixelated' ";
    const char *from = (const char *)*bytes;
    eqs_text text = {0};
    for (const char *at; (at = strstr(from, tag)) != NULL; from = at + strlen(tag))
        eqs_text_add(&text, "%.*s%s%s", (int)(at - from), from, tag, style);
    if (text.length == 0)
        return EQS_OK;
    eqs_text_add(&text, "%s", from);
    eqs_free(*bytes);
    *bytes = text.failed ? NULL : eqs_alloc(text.length + 1, 1);
    if (*bytes != NULL) {
        memcpy(*bytes, text.data, text.length);
        *size = text.length;
    }
    eqs_text_clear(&text);
    return *bytes != NULL ? EQS_OK : EQS_NO_MEMORY;
}

eqs_status eqs_gnuplot_draw(const eqs_figure *figure, eqs_picture_format format, unsigned char **bytes,
                            size_t *size)
{
    eqs_text script = {0};
    exchange files = {-1, -1, -1};
    eqs_status status = eqs_gnuplot_script(figure, format, &script);
    if (status == EQS_OK)
        status = open_exchange(&script, &files);
    if (status == EQS_OK)
        status = run(&files, bytes, size);
    if (status == EQS_OK && format == EQS_PICTURE_SVG)
        status = keep_pixels_sharp(bytes, size);
    close_exchange(&files);
    eqs_text_clear(&script);
    return status;
}
