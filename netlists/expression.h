/* Expressions of behavioural sources, in a small language that every SPICE dialect reads alike (measured
 * traps: powers, limit(), if() and table() differ or fail in silence, so they do not exist here):
 *
 *     sum     = product {("+" | "-") product}
 *     product = factor {("*" | "/") factor}
 *     factor  = ["-"] (number | "v(" node ")" | function "(" sum {"," sum} ")" | "(" sum ")")
 *
 * Functions: tanh, exp, ln, abs of one argument, min, max of two. Numbers are plain decimal, without
 * suffixes. */
#ifndef EQS_NETLISTS_EXPRESSION_H
#define EQS_NETLISTS_EXPRESSION_H

#include "netlists/netlist.h"

#include <stdio.h>

typedef enum eqs_operation {
    EQS_NUMBER,
    EQS_NODE_VOLTAGE,
    EQS_NEGATE,
    EQS_ADD,
    EQS_SUBTRACT,
    EQS_MULTIPLY,
    EQS_DIVIDE,
    EQS_CALL_TANH,
    EQS_CALL_EXP,
    EQS_CALL_LN,
    EQS_CALL_ABS,
    EQS_CALL_MIN,
    EQS_CALL_MAX
} eqs_operation;

struct eqs_expression {
    eqs_operation operation;
    eqs_node node;               /* EQS_NODE_VOLTAGE */
    double number;               /* EQS_NUMBER, >= 0 and finite */
    const eqs_expression *a, *b; /* operands; NULL where there is none */
};

/* Parses a text; nodes are made when new. The tree lives in the netlist's arena. EQS_BAD_DATA with the column
 * of the fault. */
eqs_status eqs_expression_parse(eqs_netlist *netlist, const char *text, const eqs_expression **out);

/* Prints with the fewest parentheses; numbers as %.17g. What is printed parses to the same tree. */
void eqs_expression_print(const eqs_netlist *netlist, const eqs_expression *expression, FILE *file);

/* Value at node voltages volts[] (indexed by node, ground included). */
double eqs_expression_evaluate(const eqs_expression *expression, const double *volts);

/* Calls visit for every node read, with repetitions. */
void eqs_expression_nodes(const eqs_expression *expression, void (*visit)(eqs_node node, void *user),
                          void *user);

#endif
