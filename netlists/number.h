/* Numbers as netlists print them. */
#ifndef EQS_NETLISTS_NUMBER_H
#define EQS_NETLISTS_NUMBER_H

enum { EQS_SPICE_NUMBER = 32 };

/* The shortest of %.15g, %.16g and %.17g that reads back as the same double, without metric suffix, into out;
 * returns out. */
const char *eqs_spice_number(double value, char out[EQS_SPICE_NUMBER]);

/* The same as an argument of printf: the text lives to the end of the enclosing block. */
#define NUMBER(value) eqs_spice_number((value), (char[EQS_SPICE_NUMBER]){0})

/* Kelvin as the degrees Celsius of ".options temp", rounded to what a simulator can mean: 26.85, not
 * 26.850000000000023. */
#define CELSIUS(kelvin) NUMBER(eqs_spice_celsius(kelvin))
double eqs_spice_celsius(double kelvin);

#endif
