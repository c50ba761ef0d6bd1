/* layer: cli */
/* The log of a sweep: what is read back, and what cannot be. */
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/points_log.h"

static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static void
a_record_that_has_gone_from_the_disk_is_an_error(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("numasim-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "points.log", NULL);
    g_autoptr(GError) error = NULL;
    (void)state;

    struct points_log *log = points_log_open(dir, true, &error);
    assert_non_null(log);
    assert_true(points_log_add(log, key, "done", 0, "all of it", 9, &error));
    const struct point_record *r = points_log_find(log, key);
    g_autofree char *text = points_log_payload(log, r, &error);
    assert_string_equal(text, "all of it");

    assert_int_equal(truncate(path, 100), 0);
    assert_null(points_log_payload(log, r, &error));
    assert_non_null(error);
    assert_non_null(strstr(error->message, "points.log: cannot be read"));
    points_log_close(log);
    g_unlink(path);
    g_rmdir(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_that_has_gone_from_the_disk_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
