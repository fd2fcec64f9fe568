#include "postproc/report.h"
#include "cli/cli.h"
#include "store/file.h"

static eqs_status run(const char *path, const char *output)
{
    eqs_catalog catalog;
    eqs_text html = {0};
    eqs_status status = eqs_catalog_open(path, &catalog);
    if (status == EQS_OK)
        status = eqs_report_write(&catalog, &html);
    if (status == EQS_OK)
        status = eqs_file_replace(output, html.data, html.length);
    eqs_text_clear(&html);
    eqs_catalog_close(&catalog);
    return status;
}

int cli_report(int argc, char **argv)
{
    static const cli_syntax syntax = {
        .arguments = "FILE.h5",
        .doc = "Write a web page about a result file: what was run, settings, curves, certificate, "
               "agreement, how to "
               "reproduce it.\v"
               "The page is one file that needs no network. gnuplot draws its pictures.\n"
               "Example: eqspice report run.h5 -o report.html",
        .least = 1,
        .most = 1,
        .uses = CLI_OUTPUT,
        .needs_output = true,
    };
    cli_common common;
    const char *path;
    cli_parse(&syntax, argc, argv, &common, &path, NULL);
    eqs_status status = run(path, common.output);
    if (status == EQS_OK)
        cli_note(&common, "report written to %s", common.output);
    cli_common_clear(&common);
    return status == EQS_OK ? 0 : cli_fail(status);
}
