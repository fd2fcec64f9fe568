#include "netlists/subcircuit_internal.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* value of a part, and whether it depends on parameters alone */
typedef struct part {
    double value;
    bool constant;
} part;

typedef struct parser {
    const eqs_spice_scope *scope;
    const char *begin, *at, *end;
    size_t depth;
} parser;

static eqs_status parse_choice(parser *p, part *out);

static double step(double x)
{
    return x > 0.0 ? 1.0 : 0.0;
}

static double sign(double x)
{
    return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0;
}

static double ramp(double x)
{
    return x > 0.0 ? x : 0.0;
}

static double signed_power(double x, double y)
{
    return sign(x) * pow(fabs(x), y);
}

static const struct {
    const char *name;
    size_t arguments;
    double (*one)(double);
    double (*two)(double, double);
} functions[] = {
    {"tanh", 1, tanh, NULL},  {"sinh", 1, sinh, NULL}, {"cosh", 1, cosh, NULL},
    {"exp", 1, exp, NULL},    {"ln", 1, log, NULL},    {"sqrt", 1, sqrt, NULL},
    {"abs", 1, fabs, NULL},   {"sin", 1, sin, NULL},   {"cos", 1, cos, NULL},
    {"atan", 1, atan, NULL},  {"sgn", 1, sign, NULL},  {"u", 1, step, NULL},
    {"min", 2, NULL, fmin},   {"max", 2, NULL, fmax},  {"pwr", 2, NULL, signed_power},
    {"uramp", 1, ramp, NULL},
};

/* why a function that people try is not here */
static const char *const traps[][2] = {
    {"limit", "returns 0 for every argument; write min(max(x,lo),hi)"},
    {"pow", "is |x|^y; write pwr(x,y) for sgn(x) |x|^y, or x*x"},
    {"if", "is unknown to it; write c ? a : b"},
    {"table", "is unknown to it"},
    {"log", "means another logarithm in each simulator; write ln(x)"},
};

static void blanks(parser *p)
{
    while (p->at < p->end && isspace((unsigned char)*p->at))
        p->at++;
}

/* how much of a text a message quotes */
static int shown(const char *begin, const char *end)
{
    enum { QUOTE = 200 };
    return end - begin < QUOTE ? (int)(end - begin) : QUOTE;
}

static eqs_status fault(const parser *p, const char *what)
{
    return eqs_spice_fail(p->scope, "expression '%.*s', column %td: %s", shown(p->begin, p->end), p->begin,
                          p->at - p->begin + 1, what);
}

/* takes an operator when it is next; "<" does not take the beginning of "<=" */
static bool take(parser *p, const char *op)
{
    size_t n = strlen(op);
    blanks(p);
    if ((size_t)(p->end - p->at) < n || memcmp(p->at, op, n) != 0)
        return false;
    if (n == 1 && strchr("<>!=", *op) != NULL && p->at + 1 < p->end && p->at[1] == '=')
        return false;
    p->at += n;
    return true;
}

static eqs_status deeper(parser *p)
{
    return ++p->depth > EQS_SPICE_DEPTH ? fault(p, "nested too deeply") : EQS_OK;
}

static eqs_status parse_name(parser *p, const char **name, size_t *length)
{
    blanks(p);
    *name = p->at;
    while (p->at < p->end && (isalnum((unsigned char)*p->at) || *p->at == '_'))
        p->at++;
    *length = (size_t)(p->at - *name);
    return *length > 0 ? EQS_OK : fault(p, "a name was expected");
}

static eqs_status known(const parser *p, const eqs_names *names, const char *what, const char *name,
                        size_t length)
{
    char text[128];
    uint32_t index;
    if (names != NULL && length < sizeof text) {
        memcpy(text, name, length);
        text[length] = '\0';
        if (eqs_names_find(names, text, &index) || (what[0] == 'n' && strcmp(text, "0") == 0))
            return EQS_OK;
    }
    return eqs_spice_fail(p->scope, "expression '%.*s': there is no %s '%.*s' %s", shown(p->begin, p->end),
                          p->begin, what, shown(name, name + length), name,
                          names != NULL ? "in this subcircuit" : "outside subcircuits");
}

/* "node[,node])" or "vsource)" */
static eqs_status parse_probe(parser *p, bool voltage, part *out)
{
    const char *name;
    size_t length;
    for (size_t i = 0;; i++) {
        EQS_TRY(parse_name(p, &name, &length));
        EQS_TRY(known(p, voltage ? p->scope->nodes : p->scope->vsources, voltage ? "node" : "voltage source",
                      name, length));
        if (!(voltage && i == 0 && take(p, ",")))
            break;
    }
    *out = (part){0.0, false};
    return take(p, ")") ? EQS_OK : fault(p, "')' was expected");
}

static eqs_status parse_call(parser *p, const char *name, size_t length, part *out)
{
    if (length == 1 && (*name == 'v' || *name == 'i'))
        return parse_probe(p, *name == 'v', out);
    for (size_t i = 0; i < sizeof traps / sizeof *traps; i++) {
        if (strlen(traps[i][0]) == length && memcmp(traps[i][0], name, length) == 0)
            return eqs_spice_fail(p->scope, "%s() in ngspice %s", traps[i][0], traps[i][1]);
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (strlen(functions[i].name) != length || memcmp(functions[i].name, name, length) != 0)
            continue;
        part a, b = {0.0, true};
        EQS_TRY(parse_choice(p, &a));
        if (functions[i].arguments == 2) {
            if (!take(p, ","))
                return fault(p, "a second argument was expected");
            EQS_TRY(parse_choice(p, &b));
        }
        out->constant = a.constant && b.constant;
        out->value =
            functions[i].one != NULL ? functions[i].one(a.value) : functions[i].two(a.value, b.value);
        return take(p, ")") ? EQS_OK : fault(p, "')' was expected");
    }
    return eqs_spice_fail(
        p->scope,
        "function '%.*s' is not allowed; allowed: v, i, tanh, sinh, cosh, exp, ln, sqrt, abs, "
        "sin, cos, atan, sgn, u, uramp, min, max, pwr",
        shown(name, name + length), name);
}

/* a number keeps its suffix, as SPICE reads it */
static eqs_status parse_number(parser *p, part *out)
{
    char text[64];
    size_t n = 0;
    while (p->at < p->end && n + 1 < sizeof text) {
        char c = *p->at;
        bool exponent_sign = (c == '+' || c == '-') && n > 0 && text[n - 1] == 'e';
        if (!(isalnum((unsigned char)c) || c == '.' || exponent_sign))
            break;
        text[n++] = c;
        p->at++;
    }
    text[n] = '\0';
    out->constant = true;
    return eqs_spice_read_number(text, &out->value) ? EQS_OK : fault(p, "this is no number");
}

static eqs_status parse_primary(parser *p, part *out)
{
    blanks(p);
    if (p->at == p->end)
        return fault(p, "a value was expected");
    if (take(p, "(")) {
        EQS_TRY(deeper(p));
        EQS_TRY(parse_choice(p, out));
        p->depth--;
        return take(p, ")") ? EQS_OK : fault(p, "')' was expected");
    }
    if (isdigit((unsigned char)*p->at) || *p->at == '.')
        return parse_number(p, out);
    const char *name;
    size_t length;
    EQS_TRY(parse_name(p, &name, &length));
    if (take(p, "(")) {
        EQS_TRY(deeper(p));
        EQS_TRY(parse_call(p, name, length, out));
        p->depth--;
        return EQS_OK;
    }
    if (length == 4 && memcmp(name, "time", 4) == 0) {
        *out = (part){0.0, false};
        return EQS_OK;
    }
    for (size_t i = 0; i < p->scope->n_parameters; i++) {
        const char *parameter = p->scope->parameter[i];
        if (strlen(parameter) == length && memcmp(parameter, name, length) == 0) {
            *out = (part){p->scope->value[i], true};
            return EQS_OK;
        }
    }
    return eqs_spice_fail(p->scope,
                          "expression '%.*s': parameter '%.*s' is not defined (a node's voltage is v(%.*s))",
                          shown(p->begin, p->end), p->begin, shown(name, name + length), name,
                          shown(name, name + length), name);
}

static eqs_status parse_unary(parser *p, part *out)
{
    blanks(p);
    bool minus = take(p, "-"), not = !minus && take(p, "!"), plus = !minus && !not &&take(p, "+");
    if (!(minus || plus || not ))
        return parse_primary(p, out);
    EQS_TRY(deeper(p));
    EQS_TRY(parse_unary(p, out));
    p->depth--;
    out->value = minus ? -out->value : not ? (double)(out->value == 0.0) : out->value;
    return EQS_OK;
}

static eqs_status parse_product(parser *p, part *out)
{
    EQS_TRY(parse_unary(p, out));
    for (;;) {
        part b;
        blanks(p);
        if (p->at + 1 < p->end && p->at[0] == '*' && p->at[1] == '*')
            return fault(p, "'**' is |x|**y in ngspice; write pwr(x,y) or x*x");
        bool times = take(p, "*");
        if (!times && !take(p, "/"))
            break;
        EQS_TRY(parse_unary(p, &b));
        out->value = times ? out->value * b.value : out->value / b.value;
        out->constant = out->constant && b.constant;
    }
    return p->at < p->end && *p->at == '^' ? fault(p, "'^' is |x|^y in ngspice; write pwr(x,y) or x*x")
                                           : EQS_OK;
}

static eqs_status parse_sum(parser *p, part *out)
{
    EQS_TRY(parse_product(p, out));
    for (;;) {
        part b;
        bool plus = take(p, "+");
        if (!plus && !take(p, "-"))
            return EQS_OK;
        EQS_TRY(parse_product(p, &b));
        out->value = plus ? out->value + b.value : out->value - b.value;
        out->constant = out->constant && b.constant;
    }
}

static eqs_status parse_relation(parser *p, part *out)
{
    static const char *const operators[] = {"<=", ">=", "==", "!=", "<", ">"};
    EQS_TRY(parse_sum(p, out));
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        part b;
        if (!take(p, operators[i]))
            continue;
        EQS_TRY(parse_sum(p, &b));
        const bool holds[] = {out->value <= b.value, out->value >= b.value, out->value == b.value,
                              out->value != b.value, out->value<b.value, out->value> b.value};
        *out = (part){holds[i], out->constant && b.constant};
        return EQS_OK;
    }
    return EQS_OK;
}

static eqs_status parse_logic(parser *p, bool any, part *out)
{
    EQS_TRY(any ? parse_logic(p, false, out) : parse_relation(p, out));
    while (take(p, any ? "||" : "&&")) {
        part b;
        EQS_TRY(any ? parse_logic(p, false, &b) : parse_relation(p, &b));
        bool x = out->value != 0.0, y = b.value != 0.0;
        *out = (part){any ? x || y : x && y, out->constant && b.constant};
    }
    return EQS_OK;
}

static eqs_status parse_choice(parser *p, part *out)
{
    part a, b;
    EQS_TRY(parse_logic(p, true, out));
    if (!take(p, "?"))
        return EQS_OK;
    EQS_TRY(deeper(p));
    EQS_TRY(parse_choice(p, &a));
    if (!take(p, ":"))
        return fault(p, "':' was expected");
    EQS_TRY(parse_choice(p, &b));
    p->depth--;
    *out = (part){out->value != 0.0 ? a.value : b.value, out->constant && a.constant && b.constant};
    return EQS_OK;
}

eqs_status eqs_spice_expression(const eqs_spice_scope *scope, const char *text, size_t length, bool *constant,
                                double *value)
{
    parser p = {.scope = scope, .begin = text, .at = text, .end = text + length};
    part result;
    EQS_TRY(parse_choice(&p, &result));
    blanks(&p);
    if (p.at != p.end)
        return fault(&p, "an operator was expected");
    if (constant == NULL && !result.constant)
        return eqs_spice_fail(
            scope, "expression '%.*s' depends on voltages, currents or time; only a B, E or G source may",
            shown(text, text + length), text);
    if (result.constant && !isfinite(result.value))
        return eqs_spice_fail(scope, "expression '%.*s' is %g; it must be finite", shown(text, text + length),
                              text, result.value);
    if (constant != NULL)
        *constant = result.constant;
    if (value != NULL)
        *value = result.value;
    return EQS_OK;
}

bool eqs_spice_read_number(const char *text, double *out)
{
    static const struct {
        const char *suffix;
        double factor;
    } suffixes[] = {{"meg", 1e6}, {"t", 1e12}, {"g", 1e9},   {"k", 1e3},  {"m", 1e-3},
                    {"u", 1e-6},  {"n", 1e-9}, {"p", 1e-12}, {"f", 1e-15}};
    char *end;
    const char *digits = text + (*text == '+' || *text == '-');
    if (!(isdigit((unsigned char)digits[0]) || (digits[0] == '.' && isdigit((unsigned char)digits[1]))) ||
        (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) || strlen(text) > 60)
        return false;
    double value = strtod(text, &end);
    if (strncasecmp(end, "mil", 3) == 0)
        return false; /* 25.4e-6 in SPICE */
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t n = strlen(suffixes[i].suffix);
        if (strncasecmp(end, suffixes[i].suffix, n) == 0) {
            value *= suffixes[i].factor;
            end += n;
            break;
        }
    }
    while (isalpha((unsigned char)*end))
        end++;
    *out = value;
    return *end == '\0' && isfinite(value);
}
