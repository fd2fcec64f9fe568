/* Types and errors of libhdf5 in our terms. */
#include "store/h5private.h"

#include <string.h>

const char *eqs_h5_type_name(eqs_h5_type type)
{
    static const char *const names[] = {
#define X(name, text) text,
        EQS_H5_TYPE_LIST(X)
#undef X
    };
    return (unsigned)type < EQS_H5_TYPE_COUNT ? names[type] : "unknown";
}

void eqs_h5_quiet(void)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static herr_t keep_reason(unsigned n, const H5E_error2_t *error, void *user)
{
    (void)n;
    char *reason = user;
    if (error->desc != NULL)
        snprintf(reason, 128, "%s", error->desc);
    return 0;
}

eqs_status eqs_h5_fail(eqs_status status, const char *file, const char *object, const char *what)
{
    char reason[128] = "no reason given"; /* walking downward, the last entry is the innermost */
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_reason, reason);
    H5Eclear2(H5E_DEFAULT);
    return eqs_fail(status, "%s: %s%s%s (libhdf5: %s)", file, object, *object != '\0' ? ": " : "", what,
                    reason);
}

hid_t eqs_h5_memory_type(eqs_h5_type type)
{
    switch (type) {
    case EQS_H5_DOUBLE:
        return H5T_NATIVE_DOUBLE;
    case EQS_H5_FLOAT:
        return H5T_NATIVE_FLOAT;
    case EQS_H5_INT64:
        return H5T_NATIVE_INT64;
    case EQS_H5_UINT8:
        return H5T_NATIVE_UINT8;
    default:
        return H5T_NATIVE_UINT32;
    }
}

/* little-endian whatever the machine, so that files are the same everywhere */
hid_t eqs_h5_file_type(eqs_h5_type type)
{
    switch (type) {
    case EQS_H5_DOUBLE:
        return H5T_IEEE_F64LE;
    case EQS_H5_FLOAT:
        return H5T_IEEE_F32LE;
    case EQS_H5_INT64:
        return H5T_STD_I64LE;
    case EQS_H5_UINT8:
        return H5T_STD_U8LE;
    default:
        return H5T_STD_U32LE;
    }
}

eqs_h5_type eqs_h5_type_of(hid_t type)
{
    size_t size = H5Tget_size(type);
    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        return size == 8 ? EQS_H5_DOUBLE : size == 4 ? EQS_H5_FLOAT : EQS_H5_OTHER;
    case H5T_INTEGER:
        if (H5Tget_sign(type) == H5T_SGN_NONE)
            return size == 1 ? EQS_H5_UINT8 : size == 4 ? EQS_H5_UINT32 : EQS_H5_OTHER;
        return size == 8 ? EQS_H5_INT64 : EQS_H5_OTHER;
    case H5T_STRING:
        return EQS_H5_STRING;
    default:
        return EQS_H5_OTHER;
    }
}
