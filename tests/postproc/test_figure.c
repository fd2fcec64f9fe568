/* Figures and the gnuplot scripts that draw them. */
#include "base/memory.h"
#include "postproc/gnuplot.h"
#include "tests/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has(const eqs_text *script, const char *part)
{
    return strstr(eqs_text_string(script), part) != NULL;
}

/* a figure of one panel with y = 10^-x at x = 0..n-1 */
static eqs_panel *decades(eqs_figure *figure, const char *title, size_t n)
{
    double *x = eqs_alloc(n, sizeof *x), *y = eqs_alloc(n, sizeof *y);
    assert_non_null(x);
    assert_non_null(y);
    for (size_t i = 0; i < n; i++) {
        x[i] = (double)i;
        y[i] = pow(10.0, -(double)i);
    }
    eqs_figure_title(figure, title);
    eqs_panel *panel = eqs_figure_panel(figure, "panel", "x (s)", "y (V)");
    eqs_figure_curve(figure, panel, "curve", EQS_MARK_LINE, n, x, y, 1);
    assert_false(figure->failed);
    eqs_free(x);
    eqs_free(y);
    return panel;
}

static void texts_cannot_become_commands(void **state)
{
    (void)state;
    eqs_figure figure = {0};
    eqs_text script = {0};
    char mark[] = "/tmp/eqs-plot-XXXXXX";
    int fd = mkstemp(mark);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(unlink(mark), 0);
    char *title = eqs_format("it's `touch %s` \n!touch %s\nsystem(\"touch %s\")", mark, mark, mark);
    decades(&figure, title, 4);
    assert_int_equal(eqs_gnuplot_script(&figure, EQS_PICTURE_SVG, &script), EQS_OK);
    assert_true(has(&script, "'it''s  touch"));
    unsigned char *bytes = NULL;
    size_t size;
    if (eqs_gnuplot_draw(&figure, EQS_PICTURE_SVG, &bytes, &size) == EQS_OK) {
        assert_non_null(strstr((const char *)bytes, "x (s)"));
        assert_int_not_equal(access(mark, F_OK), 0);
    } else {
        assert_non_null(strstr(eqs_error_message(), "gnuplot"));
    }
    eqs_free(bytes);
    eqs_free(title);
    eqs_text_clear(&script);
    eqs_figure_clear(&figure);
}

static void decades_get_a_logarithmic_axis(void **state)
{
    (void)state;
    eqs_figure figure = {0};
    eqs_text script = {0};
    eqs_panel *panel = decades(&figure, "t", 6);
    eqs_figure_scale(panel, 100);
    assert_true(panel->log_y);
    assert_false(panel->log_x); /* x starts at 0 */
    assert_int_equal(eqs_gnuplot_script(&figure, EQS_PICTURE_PNG, &script), EQS_OK);
    assert_true(has(&script, "set logscale y 10"));
    assert_true(has(&script, "pngcairo"));
    eqs_text_clear(&script);
    eqs_figure_clear(&figure);
}

static void long_curves_are_thinned_and_keep_their_ends(void **state)
{
    (void)state;
    eqs_figure figure = {0};
    eqs_panel *panel = decades(&figure, "t", 20001);
    const eqs_curve *curve = &panel->curve[0];
    assert_true(curve->n < 2000);
    assert_true(curve->x[0] == 0.0 && curve->x[curve->n - 1] == 20000.0);
    eqs_figure_clear(&figure);
}

static void a_matrix_of_both_signs_gets_a_two_sided_palette(void **state)
{
    (void)state;
    static const double value[6] = {-1, 0, 2, NAN, 1, -0.5};
    eqs_figure figure = {0};
    eqs_text script = {0};
    eqs_panel *panel = eqs_figure_panel(&figure, "W", "to", "from");
    eqs_figure_image(&figure, panel, 2, 3, value, "S");
    assert_true(panel->image->signed_values);
    assert_int_equal(eqs_gnuplot_script(&figure, EQS_PICTURE_SVG, &script), EQS_OK);
    assert_true(has(&script, "set cbrange [-2:2]"));
    assert_true(has(&script, "NaN 1 -0.5"));
    eqs_text_clear(&script);
    eqs_figure_clear(&figure);
}

static void a_curve_without_values_is_said_to_have_none(void **state)
{
    (void)state;
    static const double none[2] = {NAN, NAN};
    eqs_figure figure = {0};
    eqs_text script = {0};
    eqs_panel *panel = eqs_figure_panel(&figure, "a", "b", "c");
    eqs_figure_curve(&figure, panel, "d", EQS_MARK_LINE, 2, NULL, none, 1);
    eqs_figure_scale(panel, 10);
    assert_int_equal(eqs_gnuplot_script(&figure, EQS_PICTURE_SVG, &script), EQS_OK);
    assert_true(has(&script, "no finite values"));
    eqs_text_clear(&script);
    eqs_figure_clear(&figure);
}

static void every_failing_allocation_is_an_error(void **state)
{
    (void)state;
    static const double value[4] = {1, 2, 3, 4};
    bool done = false;
    for (long k = 1; !done && k < 100; k++) {
        eqs_figure figure = {0};
        eqs_alloc_fail_at(k);
        eqs_figure_title(&figure, "t");
        eqs_panel *panel = eqs_figure_panel(&figure, "a", "b", "c");
        eqs_figure_curve(&figure, panel, "d", EQS_MARK_LINE, 4, NULL, value, 1);
        eqs_figure_band(&figure, panel, "e", 4, value, value, value);
        eqs_figure_image(&figure, panel, 2, 2, value, "f");
        eqs_alloc_fail_at(0);
        done = !figure.failed;
        assert_true(done || k < 30);
        eqs_figure_clear(&figure);
    }
    assert_true(done);
}

static void other_picture_formats_are_refused(void **state)
{
    (void)state;
    eqs_picture_format format;
    assert_int_equal(eqs_picture_format_of("a.svg", &format), EQS_OK);
    assert_int_equal(format, EQS_PICTURE_SVG);
    assert_int_equal(eqs_picture_format_of("b/c.png", &format), EQS_OK);
    assert_int_equal(format, EQS_PICTURE_PNG);
    assert_int_equal(eqs_picture_format_of("a.pdf", &format), EQS_USAGE);
    assert_int_equal(eqs_picture_format_of("svg", &format), EQS_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_cannot_become_commands),
        cmocka_unit_test(decades_get_a_logarithmic_axis),
        cmocka_unit_test(long_curves_are_thinned_and_keep_their_ends),
        cmocka_unit_test(a_matrix_of_both_signs_gets_a_two_sided_palette),
        cmocka_unit_test(a_curve_without_values_is_said_to_have_none),
        cmocka_unit_test(every_failing_allocation_is_an_error),
        cmocka_unit_test(other_picture_formats_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
