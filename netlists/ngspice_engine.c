#include "netlists/ngspice_engine.h"

#include "base/memory.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <ngspice/sharedspice.h>

enum { FIRST_ROWS = 16 };
static const uint32_t NOT_WANTED = UINT32_MAX;

/* --- what ngspice says --- */

/* keeps a complaint: the first ones explain, later ones follow from them */
static void note(eqs_ngspice *e, const char *line)
{
    size_t used = strlen(e->text);
    if (strstr(e->text, line) != NULL || used + 4 >= sizeof e->text)
        return;
    snprintf(e->text + used, sizeof e->text - used, "%s%s", used == 0 ? "" : "; ", line);
}

static bool has(const char *line, const char *word)
{
    return strcasestr(line, word) != NULL;
}

/* "stdout Trying gmin = 1e-3 Warning: ..." -> "Warning: ...": progress is written in front of what follows it
 */
static const char *plain_text(const char *line)
{
    const char *blank = strchr(line, ' ');
    if (strncmp(line, "std", 3) == 0 && blank != NULL)
        line = blank + 1;
    if (has(line, "Trying gmin")) {
        const char *warning = strstr(line, "Warning:"), *error = strstr(line, "Error:");
        line = warning != NULL ? warning : error != NULL ? error : line;
    }
    return line + strspn(line, " ");
}

/* lines worth quoting when a job fails */
static bool explains(const eqs_ngspice *e, const char *text)
{
    static const char *const words[] = {"singular matrix", "unknown", "undefined", "can't find",
                                        "error",           "unable",  "no such"};
    if (has(text, "out of range")) /* one for every iteration */
        return !has(e->text, "out of range");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (has(text, words[i]))
            return true;
    }
    return false;
}

/* Sorts ngspice's lines. "stderr" alone means nothing: notes of success arrive there, too. */
static int on_text(char *line, int id, void *user)
{
    (void)id;
    eqs_ngspice *e = user;
    const char *text = plain_text(line);
    if (e->version[0] == '\0' && strncmp(text, "ngspice-", 8) == 0)
        snprintf(e->version, sizeof e->version, "%.*s", (int)strcspn(text, " \t"), text);
    if (strncmp(text, "Circuit:", 8) == 0) /* the title, whatever its words */
        return 0;
    if (has(line, "gmin step") || has(line, "Trying gmin"))
        e->gmin_stepping = true;
    if (has(text, "source stepping"))
        e->source_stepping = true;
    if (has(text, "Transient op finished"))
        e->pseudo = true;
    bool abort = has(text, "aborted") || has(text, "Timestep too small");
    bool refuse = has(text, "not parsed") || has(text, "aren't any circuits") ||
                  has(text, "resistance to low") || (e->loading && strncasecmp(text, "error", 5) == 0);
    e->aborted = e->aborted || abort;
    e->refused = e->refused || refuse;
    if (abort || refuse || e->follow > 0 || explains(e, text))
        note(e, text);
    /* "Error on line 4 or its substitute:" is followed by the line and the reason */
    e->follow = has(text, "Error on line") ? 2 : e->follow > 0 ? e->follow - 1 : 0;
    return 0;
}

static int on_exit(int status, NG_BOOL immediate, NG_BOOL quit, int id, void *user)
{
    (void)status, (void)immediate, (void)quit, (void)id;
    ((eqs_ngspice *)user)->exited = true;
    return 0;
}

/* --- data --- */

/* "V(o_3)" or "o_3" -> "o_3" */
static void plain_name(const char *name, char *out, size_t size)
{
    size_t n = strlen(name);
    if (n > 3 && tolower((unsigned char)name[0]) == 'v' && name[1] == '(' && name[n - 1] == ')') {
        name += 2;
        n -= 3;
    }
    n = n < size - 1 ? n : size - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)tolower((unsigned char)name[i]);
    out[n] = '\0';
}

/* Which column each vector of the plot goes to. */
static bool map_vectors(eqs_ngspice *e, const vecvaluesall *all)
{
    size_t n = (size_t)all->veccount, found = 0;
    bool everything = e->job->n_wanted == 0;
    e->column = eqs_alloc(n, sizeof *e->column);
    if (e->column == NULL)
        return false;
    e->n_vectors = n;
    for (size_t i = 0; i < n; i++) {
        char name[256];
        uint32_t index;
        plain_name(all->vecsa[i]->name, name, sizeof name);
        e->column[i] = NOT_WANTED;
        if (all->vecsa[i]->is_scale && (strcmp(name, "time") == 0 || strstr(name, "-sweep") != NULL)) {
            e->column[i] = 0;
        } else if (everything) {
            if (eqs_names_add(&e->wanted, &e->arena, name, &index, NULL) != EQS_OK)
                return false;
            e->column[i] = index + 1;
        } else if (eqs_names_find(&e->wanted, name, &index)) {
            e->column[i] = index + 1;
            found++;
        }
    }
    e->n_columns = e->wanted.n;
    e->missing = everything ? 0 : e->wanted.n - found;
    return true;
}

/* names the first wanted vector that the plot lacks */
static void name_missing(eqs_ngspice *e)
{
    for (size_t w = 0; w < e->wanted.n; w++) {
        bool found = false;
        for (size_t i = 0; i < e->n_vectors && !found; i++)
            found = e->column[i] == w + 1;
        if (!found) {
            snprintf(e->text, sizeof e->text, "no vector '%.200s'", e->wanted.text[w]);
            return;
        }
    }
}

static size_t nudged_nodes(const eqs_spice_nudge *nudge)
{
    return nudge->differential ? 2 * nudge->n_outputs : nudge->n_outputs;
}

/* The nudging currents of the point that follows the rows so far. */
static void prepare_nudge(eqs_ngspice *e)
{
    const eqs_spice_nudge *nudge = e->job->nudge;
    if (nudge == NULL)
        return;
    size_t group = e->n_rows / nudge->n_points, point = e->n_rows % nudge->n_points;
    if (point == 0) {
        memset(e->nudge, 0, nudged_nodes(nudge) * sizeof *e->nudge);
        return;
    }
    const double *free_row = e->rows + group * nudge->n_points * (1 + e->n_columns);
    if (group < e->job->n_points / nudge->n_points)
        eqs_spice_nudge_currents(nudge, nudge->beta[point], free_row + 1 + nudge->first_wanted,
                                 nudge->target + group * nudge->n_outputs, e->nudge);
}

/* one accepted point */
static int on_data(pvecvaluesall all, int n, int id, void *user)
{
    (void)n, (void)id;
    eqs_ngspice *e = user;
    if (e->job == NULL || e->no_memory)
        return 0;
    if (e->column == NULL && !map_vectors(e, all)) {
        e->no_memory = true;
        return 0;
    }
    size_t width = 1 + e->n_columns;
    if (e->n_rows == e->row_capacity) {
        size_t more = e->row_capacity == 0 ? FIRST_ROWS : 2 * e->row_capacity;
        double *grown = eqs_realloc(e->rows, e->n_rows * width, more * width, sizeof *grown);
        if (grown == NULL) {
            e->no_memory = true;
            return 0;
        }
        e->rows = grown;
        e->row_capacity = more;
    }
    double *row = e->rows + e->n_rows++ * width;
    size_t count = (size_t)all->veccount < e->n_vectors ? (size_t)all->veccount : e->n_vectors;
    for (size_t i = 0; i < count; i++) {
        if (e->column[i] != NOT_WANTED)
            row[e->column[i]] = all->vecsa[i]->creal;
    }
    prepare_nudge(e);
    if (e->hooks != NULL) {
        e->n_rows = 0;
        e->hooks->point(e->hooks_user, row[0], row + 1);
    }
    return 0;
}

/* The beginning of a time step (where 0): the hook may shorten it. Nothing is ever redone. */
static int on_step(double t, double *dt, double old, int redo, int id, int where, void *user)
{
    (void)old, (void)redo, (void)id;
    eqs_ngspice *e = user;
    if (where == 0 && e->hooks != NULL && e->hooks->step != NULL)
        e->hooks->step(e->hooks_user, t, dt);
    return 0;
}

static int on_plot(pvecinfoall plot, int id, void *user)
{
    (void)plot, (void)id, (void)user; /* must exist: without it ngspice sends no data */
    return 0;
}

/* Value of an external source at the point that is being solved. */
static int on_source(double *value, double time, char *name, int id, void *user)
{
    (void)id;
    eqs_ngspice *e = user;
    const eqs_spice_job *job = e->job;
    *value = 0.0;
    if (job == NULL || job->n_external == 0)
        return 0;
    uint32_t at = e->next_external;
    if (at >= job->n_external || strcmp(e->external.text[at], name) != 0) {
        if (!eqs_names_find(&e->external, name, &at))
            return 0;
    }
    e->next_external = at + 1 < job->n_external ? at + 1 : 0;
    if (e->hooks != NULL) {
        *value = e->hooks->source(e->hooks_user, at, time);
        return 0;
    }
    size_t point = e->n_rows < job->n_points ? e->n_rows : job->n_points - 1;
    const eqs_spice_nudge *nudge = job->nudge;
    size_t row = nudge == NULL ? point : point / nudge->n_points;
    *value = job->supply[row * job->n_external + at];
    if (nudge != NULL && at >= nudge->first_source && at - nudge->first_source < nudged_nodes(nudge))
        *value += e->nudge[at - nudge->first_source];
    return 0;
}

void eqs_spice_nudge_currents(const eqs_spice_nudge *nudge, double beta, const double *volts,
                              const double *target, double *amperes)
{
    size_t step = nudge->differential ? 2 : 1;
    double sum = 0.0, largest = -INFINITY;
    for (size_t k = 0; k < nudge->n_outputs; k++) {
        double p = nudge->differential ? volts[2 * k] - volts[2 * k + 1] : volts[k];
        amperes[step * k] = p;
        largest = fmax(largest, p);
    }
    for (size_t k = 0; nudge->cost == EQS_SPICE_CROSS_ENTROPY && k < nudge->n_outputs; k++) {
        amperes[step * k] = exp(nudge->scale * (amperes[step * k] - largest));
        sum += amperes[step * k];
    }
    for (size_t k = 0; k < nudge->n_outputs; k++) {
        double p = amperes[step * k];
        if (nudge->cost == EQS_SPICE_CROSS_ENTROPY)
            p /= sum;
        amperes[step * k] = beta * (target[k] - p);
        if (nudge->differential)
            amperes[2 * k + 1] = -amperes[2 * k];
    }
}

/* --- running --- */

static void command(const char *text)
{
    char copy[512];
    snprintf(copy, sizeof copy, "%s", text);
    ngSpice_Command(copy);
}

eqs_status eqs_ngspice_open(eqs_ngspice *e)
{
    *e = (eqs_ngspice){0};
    int ident = 0;
    if (ngSpice_Init(on_text, NULL, on_exit, on_data, on_plot, NULL, e) != 0 || e->exited ||
        ngSpice_Init_Sync(on_source, on_source, NULL, &ident, NULL) != 0)
        return eqs_fail(EQS_INTERNAL, "libngspice does not start: %.400s", e->text);
    command("version -s");
    if (e->version[0] == '\0')
        snprintf(e->version, sizeof e->version, "ngspice-%s", NGSPICE_PACKAGE_VERSION);
    return EQS_OK;
}

void eqs_ngspice_follow(eqs_ngspice *e, const eqs_ngspice_hooks *hooks, void *user)
{
    int ident = 0;
    e->hooks = hooks;
    e->hooks_user = user;
    ngSpice_Init_Sync(on_source, on_source, hooks != NULL && hooks->step != NULL ? on_step : NULL, &ident,
                      NULL);
}

void eqs_ngspice_forget(eqs_ngspice *e)
{
    if (!e->exited) {
        command("destroy all");
        command("remcirc");
        ngSpice_Command(NULL); /* without it every command leaks its log entry */
    }
    eqs_names_clear(&e->wanted);
    eqs_names_clear(&e->external);
    eqs_arena_clear(&e->arena);
    eqs_free(e->rows);
    eqs_free(e->column);
    eqs_free(e->nudge);
    eqs_ngspice kept = {.exited = e->exited, .hooks = e->hooks, .hooks_user = e->hooks_user};
    memcpy(kept.version, e->version, sizeof kept.version);
    *e = kept;
}

/* Cuts the deck into the lines that ngSpice_Circ wants: changes `deck`; *lines is the caller's. */
static eqs_status split(char *deck, char ***lines)
{
    size_t n = 0;
    for (const char *c = deck; *c != '\0'; c++)
        n += *c == '\n';
    *lines = eqs_alloc(n + 2, sizeof **lines);
    if (*lines == NULL)
        return EQS_NO_MEMORY;
    n = 0;
    for (char *line = deck; *line != '\0';) {
        char *end = strchr(line, '\n');
        (*lines)[n++] = line;
        if (end == NULL)
            break;
        *end = '\0';
        line = end + 1;
    }
    return EQS_OK;
}

/* true when the deck is loaded */
static bool load(eqs_ngspice *e, const eqs_spice_job *job)
{
    char *copy = eqs_alloc(job->deck_length + 1, 1), **lines = NULL;
    if (copy != NULL)
        memcpy(copy, job->deck, job->deck_length);
    bool fine = copy != NULL && split(copy, &lines) == EQS_OK;
    e->no_memory = !fine;
    e->loading = true;
    if (fine)
        fine = ngSpice_Circ(lines) == 0 && !e->exited && !e->refused;
    e->loading = false;
    eqs_free(lines);
    eqs_free(copy);
    return fine;
}

static bool intern(eqs_ngspice *e, eqs_names *names, size_t n, const char *const *text)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t index;
        bool is_new;
        if (eqs_names_add(names, &e->arena, text[i], &index, &is_new) != EQS_OK || !is_new)
            return false;
    }
    return true;
}

/* ngspice cuts what overflows: 1/0 is 1e32, exp(1000) 1e99 */
static bool all_finite(const eqs_ngspice *e)
{
    const double overflow = 1e28;
    for (size_t i = 0; i < e->n_rows * (1 + e->n_columns); i++) {
        if (!(fabs(e->rows[i]) < overflow))
            return false;
    }
    return true;
}

eqs_spice_end eqs_ngspice_run(eqs_ngspice *e, const eqs_spice_job *job)
{
    e->job = job;
    if (!intern(e, &e->wanted, job->n_wanted, job->wanted) ||
        !intern(e, &e->external, job->n_external, job->external)) {
        note(e, "a name is wanted twice, or memory is short");
        return EQS_SPICE_NO_MEMORY;
    }
    e->n_columns = job->n_wanted;
    if (job->nudge != NULL && (e->nudge = eqs_alloc(nudged_nodes(job->nudge), sizeof *e->nudge)) == NULL)
        return EQS_SPICE_NO_MEMORY;
    bool loaded = load(e, job);
    if (e->no_memory)
        return EQS_SPICE_NO_MEMORY;
    if (!loaded)
        return e->exited ? EQS_SPICE_EXITED : EQS_SPICE_REFUSED;
    e->gmin_stepping = e->source_stepping = false;
    command(job->command);
    if (e->exited)
        return EQS_SPICE_EXITED;
    if (e->no_memory)
        return EQS_SPICE_NO_MEMORY;
    if (e->aborted)
        return EQS_SPICE_ABORTED;
    if (e->refused)
        return EQS_SPICE_REFUSED;
    if (e->pseudo)
        return EQS_SPICE_PSEUDO;
    if (e->n_rows == 0 || (job->n_points > 0 && e->n_rows != job->n_points))
        return EQS_SPICE_INCOMPLETE;
    if (e->missing > 0) {
        name_missing(e);
        return EQS_SPICE_MISSING;
    }
    return all_finite(e) ? EQS_SPICE_DONE : EQS_SPICE_NOT_FINITE;
}
