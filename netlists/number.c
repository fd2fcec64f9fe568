#include "netlists/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char *eqs_spice_number(double value, char out[EQS_SPICE_NUMBER])
{
    snprintf(out, EQS_SPICE_NUMBER, "%.15g", value);
    if (strtod(out, NULL) != value)
        snprintf(out, EQS_SPICE_NUMBER, "%.16g", value);
    if (strtod(out, NULL) != value)
        snprintf(out, EQS_SPICE_NUMBER, "%.17g", value);
    return out;
}

double eqs_spice_celsius(double kelvin)
{
    return round((kelvin - 273.15) * 1e9) / 1e9;
}
