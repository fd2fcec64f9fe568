#include "netlists/expression.h"
#include "netlists/number.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEEPEST = 200,
    LONGEST = 4000
}; /* nesting and characters allowed, so that no text exhausts the stack */

static const struct {
    const char *name;
    eqs_operation operation;
    int arguments;
} functions[] = {
    {"tanh", EQS_CALL_TANH, 1}, {"exp", EQS_CALL_EXP, 1}, {"ln", EQS_CALL_LN, 1},
    {"abs", EQS_CALL_ABS, 1},   {"min", EQS_CALL_MIN, 2}, {"max", EQS_CALL_MAX, 2},
};
enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

typedef struct parser {
    eqs_netlist *netlist;
    const char *text, *at;
    int depth;
} parser;

static eqs_status parse_sum(parser *p, const eqs_expression **out);

static eqs_status complain(const parser *p, const char *what)
{
    return eqs_fail(EQS_BAD_DATA, "expression '%.200s', column %zu: %s", p->text,
                    (size_t)(p->at - p->text) + 1, what);
}

static void skip_blanks(parser *p)
{
    while (*p->at == ' ')
        p->at++;
}

static bool accept(parser *p, char c)
{
    skip_blanks(p);
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static eqs_status make(parser *p, eqs_operation operation, const eqs_expression *a, const eqs_expression *b,
                       eqs_expression **out)
{
    *out = eqs_arena_alloc(&p->netlist->arena, sizeof **out);
    if (*out == NULL)
        return EQS_NO_MEMORY;
    **out = (eqs_expression){.operation = operation, .a = a, .b = b};
    return EQS_OK;
}

static eqs_status parse_number(parser *p, const eqs_expression **out)
{
    size_t length = strspn(p->at, "0123456789.");
    if ((p->at[length] == 'e' || p->at[length] == 'E') && length > 0) {
        size_t sign = p->at[length + 1] == '+' || p->at[length + 1] == '-' ? 1 : 0;
        size_t digits = strspn(p->at + length + 1 + sign, "0123456789");
        length += digits == 0 ? 0 : 1 + sign + digits;
    }
    char *end;
    double value = strtod(p->at, &end);
    if (end != p->at + length)
        return complain(p, "this is no number");
    if (!isfinite(value))
        return complain(p, "number out of range");
    if (isalpha((unsigned char)*end) || *end == '_')
        return complain(p, "a number has no suffix here: write 1e3, not 1k");
    eqs_expression *e;
    EQS_TRY(make(p, EQS_NUMBER, NULL, NULL, &e));
    e->number = value;
    p->at = end;
    *out = e;
    return EQS_OK;
}

/* "v(node)", after the "v" */
static eqs_status parse_voltage(parser *p, const eqs_expression **out)
{
    if (!accept(p, '('))
        return complain(p, "v must be followed by (node)");
    skip_blanks(p);
    size_t length = strspn(p->at, "abcdefghijklmnopqrstuvwxyz0123456789_");
    char name[EQS_NETLIST_NAME + 1];
    if (length == 0 || length >= sizeof name)
        return complain(p, "a node name [a-z][a-z0-9_]* is wanted");
    memcpy(name, p->at, length);
    name[length] = '\0';
    eqs_expression *e;
    EQS_TRY(make(p, EQS_NODE_VOLTAGE, NULL, NULL, &e));
    EQS_TRY(eqs_netlist_node(p->netlist, name, &e->node));
    p->at += length;
    *out = e;
    return accept(p, ')') ? EQS_OK : complain(p, "')' is wanted");
}

static eqs_status parse_call(parser *p, const eqs_expression **out)
{
    size_t length = strspn(p->at, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (length == 1 && *p->at == 'v') {
        p->at++;
        return parse_voltage(p, out);
    }
    size_t f = 0;
    while (f < N_FUNCTIONS &&
           (strlen(functions[f].name) != length || strncmp(functions[f].name, p->at, length) != 0))
        f++;
    if (f == N_FUNCTIONS)
        return complain(p, "unknown word; allowed: v(node), tanh, exp, ln, abs, min, max");
    p->at += length;
    if (!accept(p, '('))
        return complain(p, "a function must be followed by '('");
    const eqs_expression *a, *b = NULL;
    EQS_TRY(parse_sum(p, &a));
    if (functions[f].arguments == 2) {
        if (!accept(p, ','))
            return complain(p, "a second argument is wanted");
        EQS_TRY(parse_sum(p, &b));
    }
    if (!accept(p, ')'))
        return complain(p, "')' is wanted");
    eqs_expression *e;
    EQS_TRY(make(p, functions[f].operation, a, b, &e));
    *out = e;
    return EQS_OK;
}

static eqs_status parse_factor(parser *p, const eqs_expression **out)
{
    if (accept(p, '-')) {
        const eqs_expression *a;
        if (++p->depth > DEEPEST)
            return complain(p, "nested too deeply");
        EQS_TRY(parse_factor(p, &a));
        p->depth--;
        eqs_expression *e;
        EQS_TRY(make(p, EQS_NEGATE, a, NULL, &e));
        *out = e;
        return EQS_OK;
    }
    if (accept(p, '(')) {
        EQS_TRY(parse_sum(p, out));
        return accept(p, ')') ? EQS_OK : complain(p, "')' is wanted");
    }
    if (isdigit((unsigned char)*p->at) || *p->at == '.')
        return parse_number(p, out);
    if (islower((unsigned char)*p->at))
        return parse_call(p, out);
    return complain(p, *p->at == '\0' ? "unexpected end" : "unexpected character");
}

static eqs_status parse_product(parser *p, const eqs_expression **out)
{
    EQS_TRY(parse_factor(p, out));
    for (;;) {
        bool times = accept(p, '*');
        if (!times && !accept(p, '/'))
            return EQS_OK;
        const eqs_expression *b;
        EQS_TRY(parse_factor(p, &b));
        eqs_expression *e;
        EQS_TRY(make(p, times ? EQS_MULTIPLY : EQS_DIVIDE, *out, b, &e));
        *out = e;
    }
}

static eqs_status parse_sum(parser *p, const eqs_expression **out)
{
    if (++p->depth > DEEPEST)
        return complain(p, "nested too deeply");
    EQS_TRY(parse_product(p, out));
    for (;;) {
        bool plus = accept(p, '+');
        if (!plus && !accept(p, '-'))
            break;
        const eqs_expression *b;
        EQS_TRY(parse_product(p, &b));
        eqs_expression *e;
        EQS_TRY(make(p, plus ? EQS_ADD : EQS_SUBTRACT, *out, b, &e));
        *out = e;
    }
    p->depth--;
    return EQS_OK;
}

eqs_status eqs_expression_parse(eqs_netlist *netlist, const char *text, const eqs_expression **out)
{
    parser p = {netlist, text, text, 0};
    if (strlen(text) > LONGEST)
        return eqs_fail(EQS_BAD_DATA, "expression '%.40s...' is longer than %d characters", text, LONGEST);
    EQS_TRY(parse_sum(&p, out));
    skip_blanks(&p);
    return *p.at == '\0' ? EQS_OK : complain(&p, "unexpected text after the expression");
}

/* how tightly the printed form binds: 1 sums, 2 products, 3 all else (a minus sign brings its parentheses) */
static int binding(const eqs_expression *e)
{
    switch (e->operation) {
    case EQS_ADD:
    case EQS_SUBTRACT:
        return 1;
    case EQS_MULTIPLY:
    case EQS_DIVIDE:
        return 2;
    default:
        return 3;
    }
}

static void print_operand(const eqs_netlist *netlist, const eqs_expression *e, int at_least, FILE *file)
{
    bool wrap = binding(e) < at_least;
    if (wrap)
        fputc('(', file);
    eqs_expression_print(netlist, e, file);
    if (wrap)
        fputc(')', file);
}

static void print_call(const eqs_netlist *netlist, const eqs_expression *e, FILE *file)
{
    size_t f = 0;
    while (functions[f].operation != e->operation)
        f++;
    fprintf(file, "%s(", functions[f].name);
    eqs_expression_print(netlist, e->a, file);
    if (e->b != NULL) {
        fputc(',', file);
        eqs_expression_print(netlist, e->b, file);
    }
    fputc(')', file);
}

void eqs_expression_print(const eqs_netlist *netlist, const eqs_expression *e, FILE *file)
{
    switch (e->operation) {
    case EQS_NUMBER:
        fprintf(file, "%s", NUMBER(e->number));
        return;
    case EQS_NODE_VOLTAGE:
        fprintf(file, "v(%s)", eqs_netlist_node_name(netlist, e->node));
        return;
    case EQS_NEGATE: /* in parentheses always: a*-b and a--b are read differently here and there */
        fputs("(-", file);
        print_operand(netlist, e->a, 3, file);
        fputc(')', file);
        return;
    case EQS_ADD:
    case EQS_SUBTRACT:
    case EQS_MULTIPLY:
    case EQS_DIVIDE: {
        int own = binding(e);
        print_operand(netlist, e->a, own, file);
        fputc(" +-*/"[1 + (e->operation - EQS_ADD)], file);
        print_operand(netlist, e->b, own + 1, file);
        return;
    }
    default:
        print_call(netlist, e, file);
    }
}

double eqs_expression_evaluate(const eqs_expression *e, const double *volts)
{
    double a = e->a == NULL ? 0.0 : eqs_expression_evaluate(e->a, volts);
    double b = e->b == NULL ? 0.0 : eqs_expression_evaluate(e->b, volts);
    switch (e->operation) {
    case EQS_NUMBER:
        return e->number;
    case EQS_NODE_VOLTAGE:
        return volts[e->node];
    case EQS_NEGATE:
        return -a;
    case EQS_ADD:
        return a + b;
    case EQS_SUBTRACT:
        return a - b;
    case EQS_MULTIPLY:
        return a * b;
    case EQS_DIVIDE:
        return a / b;
    case EQS_CALL_TANH:
        return tanh(a);
    case EQS_CALL_EXP:
        return exp(a);
    case EQS_CALL_LN:
        return log(a);
    case EQS_CALL_ABS:
        return fabs(a);
    case EQS_CALL_MIN:
        return fmin(a, b);
    case EQS_CALL_MAX:
        return fmax(a, b);
    }
    return NAN;
}

void eqs_expression_nodes(const eqs_expression *e, void (*visit)(eqs_node node, void *user), void *user)
{
    if (e->operation == EQS_NODE_VOLTAGE)
        visit(e->node, user);
    if (e->a != NULL)
        eqs_expression_nodes(e->a, visit, user);
    if (e->b != NULL)
        eqs_expression_nodes(e->b, visit, user);
}
