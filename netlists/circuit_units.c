#include "netlists/circuit_units.h"

#include <math.h>
#include <stddef.h>

eqs_circuit_units eqs_circuit_units_default(void)
{
    return (eqs_circuit_units){.capacitance = 1e-12, .conductance = 1e-6, .swing = 1.0};
}

eqs_status eqs_circuit_units_check(const eqs_circuit_units *units)
{
    const struct {
        const char *name, *unit;
        double value;
    } all[] = {{"capacitance", "F", units->capacitance},
               {"conductance", "S", units->conductance},
               {"swing", "V", units->swing}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!isfinite(all[i].value) || !(all[i].value > 0.0))
            return eqs_fail(EQS_BAD_CONFIG, "circuit.%s is %g %s; it must be positive", all[i].name,
                            all[i].value, all[i].unit);
    }
    return EQS_OK;
}

double eqs_circuit_unit_time(const eqs_circuit_units *units)
{
    return units->capacitance / units->conductance;
}
