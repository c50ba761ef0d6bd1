/* layer: report */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "report/metric.h"

/* The table of metrics is the one place; the documentation must say the same, in the same order. */
static void
every_column_is_documented_as_the_table_says(void **state)
{
    g_autofree char *text = NULL;
    const char *at;

    (void)state;
    assert_true(g_file_get_contents(SOURCE_DIR "/results/README.md", &text, NULL, NULL));
    at = text;
    for (const struct metric *m = metrics; m->name != NULL; m++) {
        g_autofree char *row = g_strdup_printf("| `%s` | %s | %s |\n", m->name, m->unit, m->doc);

        at = strstr(at, row);
        if (at == NULL)
            fail_msg("results/README.md lacks, or has elsewhere: %s", row);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(
        every_column_is_documented_as_the_table_says) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
