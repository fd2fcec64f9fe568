#include "netlists/library.h"

#include <stdio.h>
#include <string.h>

const eqs_device *eqs_device_find(const char *name)
{
    for (const eqs_device *device = eqs_devices; device->name != NULL; device++) {
        if (strcmp(device->name, name) == 0)
            return device;
    }
    return NULL;
}

eqs_status eqs_device_open(const char *word, eqs_spice_file **out)
{
    char names[700] = "";
    size_t used = 0;
    const eqs_device *device = eqs_device_find(word);
    if (device != NULL)
        return eqs_spice_file_parse(device->text, strlen(device->text), device->name, out);
    if (strpbrk(word, "/.") != NULL)
        return eqs_spice_file_load(word, out);
    for (device = eqs_devices; device->name != NULL && used < sizeof names; device++)
        used +=
            (size_t)snprintf(names + used, sizeof names - used, "%s%s", used == 0 ? "" : ", ", device->name);
    return eqs_fail(EQS_MISSING_INPUT,
                    "device '%.100s' is unknown; known: %s; or the path of a subcircuit file", word, names);
}
