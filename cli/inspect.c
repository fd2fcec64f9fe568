#include "base/memory.h"
#include "cli/cli.h"
#include "cli/inspect_circuit.h"
#include "store/h5file.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

typedef struct inspection {
    bool json, quiet;
    json_t *objects;
} inspection;

static void shape_text(const eqs_h5_shape *shape, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < shape->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%zu", i > 0 ? " x " : "", shape->dim[i]);
}

static eqs_status add_json(const eqs_h5_object *object, json_t *objects)
{
    json_t *entry = json_object(), *dims = json_array();
    json_object_set_new(entry, "path", json_string(object->path));
    json_object_set_new(entry, "kind", json_string(object->is_group ? "group" : "dataset"));
    if (!object->is_group) {
        for (int i = 0; i < object->shape.rank; i++)
            json_array_append_new(dims, json_integer((json_int_t)object->shape.dim[i]));
        json_object_set(entry, "shape", dims);
        json_object_set_new(entry, "type", json_string(object->type_name));
    }
    json_t *attributes = json_object();
    for (size_t i = 0; i < object->n_attributes; i++)
        json_object_set_new(attributes, object->attribute[i].name, json_string(object->attribute[i].text));
    json_object_set_new(entry, "attributes", attributes);
    json_decref(dims);
    return json_array_append_new(objects, entry) == 0 ? EQS_OK
                                                      : eqs_fail(EQS_NO_MEMORY, "no memory for the listing");
}

static eqs_status show(const eqs_h5_object *object, void *user)
{
    inspection *what = user;
    if (what->json)
        return add_json(object, what->objects);
    char shape[256];
    shape_text(&object->shape, shape, sizeof shape);
    if (object->is_group)
        printf("%s\n", object->path);
    else
        printf("%-40s %-8s %-16s %-10s %s\n", object->path, object->type_name, shape, object->units,
               object->long_name);
    for (size_t i = 0; i < object->n_attributes; i++) {
        const eqs_h5_attribute *attribute = &object->attribute[i];
        bool shown = strcmp(attribute->name, "units") == 0 || strcmp(attribute->name, "long_name") == 0;
        if (!shown)
            printf("    %s = %s\n", attribute->name, attribute->text);
    }
    return EQS_OK;
}

/* The curve of a training run, when there is one. */
static eqs_status show_training(const char *path)
{
    eqs_h5_reader *reader;
    EQS_TRY(eqs_h5_open(path, &reader));
    static const char *const columns[] = {"epoch",      "train_error", "validation_error",
                                          "test_error", "residual",    "seconds"};
    enum { N = sizeof columns / sizeof *columns };
    double *value[N] = {0};
    eqs_h5_shape shape = {0};
    eqs_status status = EQS_OK;
    bool there = eqs_h5_exists(reader, "/training/epoch");
    for (size_t c = 0; there && status == EQS_OK && c < N; c++) {
        char name[64];
        snprintf(name, sizeof name, "/training/%s", columns[c]);
        status = eqs_h5_load(reader, name, EQS_H5_DOUBLE, &shape, (void **)&value[c]);
    }
    if (there && status == EQS_OK)
        printf("\n%6s %10s %12s %8s %10s %9s\n", "epoch", "train %", "validation %", "test %", "residual",
               "seconds");
    for (size_t i = 0; there && status == EQS_OK && i < shape.count; i++)
        printf("%6.0f %10.3f %12.2f %8.2f %10.1e %9.2f\n", value[0][i], 100 * value[1][i], 100 * value[2][i],
               100 * value[3][i], value[4][i], value[5][i]);
    for (size_t c = 0; c < N; c++)
        eqs_free(value[c]);
    eqs_h5_reader_destroy(reader);
    return status;
}

int cli_inspect(int argc, char **argv)
{
    static const cli_syntax syntax = {
        .arguments = "FILE.h5|FILE.cir",
        .doc =
            "List what is in a result file and the curve of a training run, or the pins and parameters of a "
            "SPICE subcircuit file.\v"
            "Files that eqspice did not write are read by a limited child process.\n"
            "Example: eqspice inspect run.h5",
        .least = 1,
        .most = 1,
        .uses = CLI_JSON,
    };
    cli_common common;
    const char *path;
    cli_parse(&syntax, argc, argv, &common, &path, NULL);
    inspection what = {.json = common.json, .objects = json_array()};
    bool foreign = false;
    if (cli_is_circuit_file(path)) {
        eqs_status status = cli_inspect_circuit(path, common.json);
        json_decref(what.objects);
        cli_common_clear(&common);
        return status == EQS_OK ? 0 : cli_fail(status);
    }
    eqs_status status = eqs_h5_inspect(path, show, &what, &foreign);
    if (status == EQS_OK && !common.json && !foreign)
        status = show_training(path);
    if (status == EQS_OK && common.json) {
        json_t *all = json_pack("{s:s, s:b, s:O}", "file", path, "foreign", foreign, "objects", what.objects);
        json_dumpf(all, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(all);
    }
    json_decref(what.objects);
    return status == EQS_OK ? 0 : cli_fail(status);
}
