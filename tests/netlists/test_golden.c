/* Golden files: the circuit of a 2-3-2 network in every dialect, as op and as tran, free and nudged. The
 * ngspice files are run by the program ngspice and must give the network's fixed point.
 *
 * After a wanted change of the format: EQS_UPDATE_GOLDEN=1 rewrites the files, and the difference is
 * reviewed. */
#include "tests/netlists/batch.h"
#include "tests/netlists/small_net.h"

#include "netlists/behavioural.h"
#include "netlists/dialect.h"

static const char *const folder = EQS_TEST_FOLDER "/netlists/golden";

/* weights with few digits, so that the files can be read */
static void open_net(small_net *s)
{
    size_t units[3] = {2, 3, 2};
    eqs_network_def def = eqs_network_def_default();
    def.n_layers = 3;
    def.units = units;
    def.tau = (const double[]){1.0, 0.5, 2.0};
    small_net_open(s, &def, 1, 1, 0.5);
    const double theta[6 + 6] = {0.5, -0.25, 0.25, 0.125, 0.5, -0.25, 0.5, -0.25, 0.25, 0.5, -0.5, 0.75};
    const double bias[3] = {0.125, 0.25, 0.125}, out_bias[2] = {0.25, -0.125};
    memcpy(eqs_weights(s->net, s->theta, 0), theta, 6 * sizeof *theta);
    memcpy(eqs_weights(s->net, s->theta, 1), theta + 6, 6 * sizeof *theta);
    memcpy(eqs_bias(s->net, s->theta, 1), bias, sizeof bias);
    memcpy(eqs_bias(s->net, s->theta, 2), out_bias, sizeof out_bias);
    s->x[0] = 0.25;
    s->x[1] = 0.75;
    s->target[0] = 1.0;
    s->target[1] = 0.0;
}

static void phase(small_net *s, int variant, eqs_behavioural_options *options, char *name, size_t size,
                  const char *dialect)
{
    bool tran = variant % 2, nudged = variant / 2;
    s->phase.beta[EQS_BETA_Y] = nudged ? 0.5 : 0.0;
    *options = eqs_behavioural_options_default();
    options->analysis = tran ? EQS_ANALYSIS_TRAN : EQS_ANALYSIS_OP;
    options->t_stop = 60.0;
    options->label = "0 of the golden network";
    snprintf(name, size, "%s/%s_%s_%s.cir", folder, dialect, tran ? "tran" : "op",
             nudged ? "nudged" : "free");
}

/* whole file; the caller's (free); NULL when there is none */
static char *slurp(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    char *text = calloc(1, 1 << 20);
    size_t n = fread(text, 1, (1 << 20) - 1, file);
    text[n] = '\0';
    fclose(file);
    return text;
}

static void the_written_files_are_the_golden_files(void **state)
{
    (void)state;
    small_net s;
    open_net(&s);
    for (size_t d = 0; eqs_dialect_get(d) != NULL; d++) {
        for (int variant = 0; variant < 4; variant++) {
            char path[600], *text;
            size_t length;
            eqs_behavioural_options options;
            eqs_netlist *nl;
            phase(&s, variant, &options, path, sizeof path, eqs_dialect_get(d)->name);
            assert_ok(eqs_behavioural_build(s.energy, &s.phase, 0, NULL, &options, &nl));
            if (getenv("EQS_UPDATE_GOLDEN") != NULL)
                assert_ok(eqs_netlist_write_file(nl, eqs_dialect_get(d), path));
            FILE *file = open_memstream(&text, &length);
            assert_ok(eqs_netlist_write(nl, eqs_dialect_get(d), file));
            fclose(file);
            char *golden = slurp(path);
            if (golden == NULL)
                print_error("there is no %s\n", path);
            assert_non_null(golden);
            assert_string_equal(text, golden);
            free(golden);
            free(text);
            eqs_netlist_destroy(nl);
        }
    }
    small_net_close(&s);
}

static void ngspice_gives_the_fixed_point_of_the_network(void **state)
{
    (void)state;
    if (!have_ngspice())
        skip();
    small_net s;
    open_net(&s);
    eqs_state *exact;
    assert_ok(eqs_state_create(s.net, 1, &exact));
    for (int variant = 0; variant < 4; variant++) {
        char path[600];
        eqs_behavioural_options options;
        bool tran = variant % 2;
        phase(&s, variant, &options, path, sizeof path, "ngspice");
        small_net_relax(&s, 1e-12, exact);
        char *text = run_ngspice(path);
        for (size_t k = 1; k < 3; k++) {
            for (size_t i = 0; i < s.net->layer[k].units; i++) {
                char name[64], rate[64];
                snprintf(name, sizeof name, tran ? "final_%s_%zu" : "v(%s_%zu)", k == 1 ? "h1" : "o", i);
                snprintf(rate, sizeof rate, tran ? "final_r_%s_%zu" : "v(r_%s_%zu)", k == 1 ? "h1" : "o", i);
                double u = printed_value(text, name);
                assert_close(fmin(fmax(u, 0.0), 1.0), exact->s[k][i], 0.0, tran ? 1e-6 : 1e-9);
                assert_close(printed_value(text, rate), exact->s[k][i], 0.0, tran ? 1e-6 : 1e-9);
            }
        }
        free(text);
    }
    eqs_state_destroy(exact);
    small_net_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_written_files_are_the_golden_files),
        cmocka_unit_test(ngspice_gives_the_fixed_point_of_the_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
