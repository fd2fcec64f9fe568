#include "postproc/plot.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "postproc/gnuplot.h"
#include "store/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_COLUMNS = 5000 };

typedef struct plot_command {
    size_t columns;
} plot_command;

static const struct argp_option options[] = {
    {"columns", KEY_COLUMNS, "N", 0, "Panels side by side (default 1, from 4 panels on 2)", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state, void *own)
{
    plot_command *o = own;
    char *end;
    if (key != KEY_COLUMNS)
        return ARGP_ERR_UNKNOWN;
    long value = strtol(arg, &end, 10);
    if (*end != '\0' || value < 1 || value > 16)
        argp_error(state, "--columns: '%s' found, allowed: 1 to 16", arg);
    o->columns = (size_t)value;
    return 0;
}

/* what can be drawn, one line a plot; its parts behind it */
static void print_list(const eqs_catalog *catalog, const eqs_plot *best)
{
    for (size_t i = 0; eqs_plot_get(i) != NULL; i++) {
        const eqs_plot *plot = eqs_plot_get(i);
        eqs_catalog_names parts = {0};
        plot->parts(catalog, &parts);
        if (parts.n > 0)
            printf("%c %-12s %s\n", plot == best ? '*' : ' ', plot->name, plot->summary);
        int width = 0;
        for (size_t k = 0; k < parts.n; k++) {
            if (parts.name[k][0] == '\0' || (parts.n == 1 && k == 0))
                continue;
            int length = (int)(strlen(plot->name) + strlen(parts.name[k])) + 3;
            if (width == 0 || width + length > 100)
                width = printf("%s               ", width > 0 ? "\n" : "") - 1;
            width += printf("%s:%s  ", plot->name, parts.name[k]);
        }
        if (width > 0)
            putchar('\n');
        eqs_catalog_names_clear(&parts);
    }
}

/* run.h5 -> run.svg in the current folder; the caller's */
static char *default_output(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    const char *end = strrchr(name, '.');
    return eqs_format("%.*s.svg", (int)(end != NULL ? end - name : (long)strlen(name)), name);
}

static eqs_status draw(const eqs_catalog *catalog, const char *what, const char *output, size_t columns)
{
    eqs_picture_format format;
    eqs_figure figure;
    unsigned char *bytes = NULL;
    size_t size;
    EQS_TRY(eqs_picture_format_of(output, &format));
    EQS_TRY(eqs_plot_build(catalog, what, &figure));
    figure.columns = columns;
    eqs_status status = eqs_gnuplot_draw(&figure, format, &bytes, &size);
    if (status == EQS_OK)
        status = eqs_file_replace(output, bytes, size);
    eqs_free(bytes);
    eqs_figure_clear(&figure);
    return status;
}

static eqs_status run(const char *path, const char *what, const cli_common *common, size_t columns)
{
    eqs_catalog catalog;
    eqs_status status = eqs_catalog_open(path, &catalog);
    const eqs_plot *best = status == EQS_OK ? eqs_plot_default(&catalog) : NULL;
    if (status == EQS_OK && best == NULL)
        status = eqs_fail(EQS_BAD_DATA, "%s: there is nothing in it that can be drawn", path);
    char *own = status == EQS_OK && common->output == NULL ? default_output(path) : NULL;
    const char *output = common->output != NULL ? common->output : own;
    if (status == EQS_OK && output == NULL)
        status = EQS_NO_MEMORY;
    if (status == EQS_OK && what == NULL && !common->quiet)
        print_list(&catalog, best);
    if (status == EQS_OK)
        status = draw(&catalog, what != NULL ? what : best->name, output, columns);
    if (status == EQS_OK)
        cli_note(common, "%s drawn to %s", what != NULL ? what : best->name, output);
    eqs_free(own);
    eqs_catalog_close(&catalog);
    return status;
}

int cli_plot(int argc, char **argv)
{
    static const cli_syntax syntax = {
        .arguments = "FILE.h5 [WHAT]",
        .doc =
            "Draw what is in a result file, as SVG or PNG (by gnuplot).\v"
            "Without WHAT it lists what can be drawn and draws the most useful (marked *). WHAT is NAME or "
            "NAME:PART. Without -o the picture is the file's name with .svg, in the current folder.\n"
            "Examples:\n  eqspice plot run.h5\n  eqspice plot run.h5 weights:W_1 -o weights.png",
        .options = options,
        .parse = parse,
        .least = 1,
        .most = 2,
        .uses = CLI_OUTPUT,
    };
    cli_common common;
    plot_command own = {0};
    const char *words[2];
    cli_parse(&syntax, argc, argv, &common, words, &own);
    eqs_status status = run(words[0], words[1], &common, own.columns);
    cli_common_clear(&common);
    return status == EQS_OK ? 0 : cli_fail(status);
}
