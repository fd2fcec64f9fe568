#include "base/memory.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

enum { KEY_DATA = 2000 };

static const struct argp_option options[] = {
    {"data", KEY_DATA, "NAME", 0, "train, validation or test (default test)", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state, void *own)
{
    eqs_dataset_part *part = own;
    if (key != KEY_DATA)
        return ARGP_ERR_UNKNOWN;
    for (int i = 0; i < EQS_DATASET_PARTS; i++) {
        if (strcmp(arg, eqs_dataset_part_name((eqs_dataset_part)i)) == 0) {
            *part = (eqs_dataset_part)i;
            return 0;
        }
    }
    argp_error(state, "--data: '%s' found, allowed: train, validation, test", arg);
    return 0;
}

static void print_confusion(const eqs_dataset *data, const uint32_t *confusion)
{
    printf("confusion (row: true class, column: prediction)\n%12s", "");
    for (size_t j = 0; j < data->classes; j++)
        printf(" %6.6s", data->class_name[j]);
    putchar('\n');
    for (size_t i = 0; i < data->classes; i++) {
        printf("%12.12s", data->class_name[i]);
        for (size_t j = 0; j < data->classes; j++)
            printf(" %6u", confusion[i * data->classes + j]);
        putchar('\n');
    }
}

static eqs_status evaluate(const cli_subject *subject, const cli_common *common, eqs_dataset_part part)
{
    eqs_train_options train;
    eqs_dataset *data = NULL;
    eqs_trainer *trainer = NULL;
    uint32_t *confusion = NULL;
    double error, cost, residual;
    EQS_TRY(eqs_setup_evaluation_options(subject->setup, common->threads, &train));
    train.persistent = false;
    eqs_status status = cli_open_data(subject->config, &data);
    if (status == EQS_OK)
        status = cli_part_check(data, part, "--data", eqs_dataset_part_name(part));
    if (status == EQS_OK)
        status = eqs_trainer_create(subject->setup->energy, data, &train, subject->setup->theta, &trainer);
    if (status == EQS_OK && (confusion = eqs_alloc(data->classes * data->classes, sizeof *confusion)) == NULL)
        status = EQS_NO_MEMORY;
    if (status == EQS_OK)
        status = eqs_trainer_evaluate(trainer, part, &error, &cost, &residual, confusion);
    if (status == EQS_OK && common->json) {
        cli_print_json(json_pack("{s:s, s:I, s:o, s:o, s:o}", "data", eqs_dataset_part_name(part), "samples",
                                 (json_int_t)eqs_dataset_count(data, part), "error", cli_json_real(error),
                                 "cost", cli_json_real(cost), "residual", cli_json_real(residual)));
    } else if (status == EQS_OK) {
        printf("%s: %zu samples, error %.2f %%, cost %.5f, worst residual %.1e\n",
               eqs_dataset_part_name(part), eqs_dataset_count(data, part), 100.0 * error, cost, residual);
        print_confusion(data, confusion);
    }
    eqs_free(confusion);
    eqs_trainer_destroy(trainer);
    eqs_dataset_destroy(data);
    return status;
}

int cli_eval(int argc, char **argv)
{
    static const cli_syntax syntax = {
        .arguments = "CONFIG|RUN.h5",
        .doc = "Errors of a network: every sample relaxes from the zero start.\vExample: eqspice eval run.h5 "
               "--data test",
        .options = options,
        .parse = parse,
        .least = 1,
        .most = 1,
        .uses = CLI_SET | CLI_THREADS | CLI_JSON,
    };
    cli_common common;
    eqs_dataset_part part = EQS_DATASET_TEST;
    const char *word;
    cli_parse(&syntax, argc, argv, &common, &word, &part);
    cli_subject subject = {0};
    eqs_status status = cli_subject_load(word, &common, &subject);
    if (status == EQS_OK)
        status = evaluate(&subject, &common, part);
    cli_subject_clear(&subject);
    cli_common_clear(&common);
    return status == EQS_OK ? 0 : cli_fail(status);
}
