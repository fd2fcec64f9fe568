#include "netlists/number.h"

#include <stdio.h>
#include <stdlib.h>

const char *eqs_spice_number(double value, char out[EQS_SPICE_NUMBER])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, EQS_SPICE_NUMBER, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    return out;
}
