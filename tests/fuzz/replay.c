/*
 * Fuzz targets without a fuzzer: every file of the folders given, as it is and then damaged a few
 * times, always in the same way. It finds little that libFuzzer would not, but it runs everywhere
 * and takes seconds, so that a target that breaks is seen in the ordinary tests.
 */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SMALL = 8192, LARGEST = 1 << 20 };

static uint64_t
next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static void
damage(GByteArray *bytes, uint64_t *state)
{
    static const char spice[] = ":-[]{}*&!\"'#\t\n,0919<>/=\\\377";
    guint at = bytes->len == 0 ? 0 : (guint)(next_random(state) % bytes->len);
    guint length = (guint)(next_random(state) % 16 + 1);

    if (bytes->len == 0)
        return;
    switch (next_random(state) % 4) {
    case 0:
        bytes->data[at] = (guint8)spice[next_random(state) % (sizeof(spice) - 1)];
        break;
    case 1:
        g_byte_array_remove_range(bytes, at, MIN(length, bytes->len - at));
        break;
    case 2:
        g_byte_array_set_size(bytes, at);
        break;
    default: {
        g_autofree guint8 *copy = g_memdup2(bytes->data + at, MIN(length, bytes->len - at));
        g_byte_array_append(bytes, copy, MIN(length, bytes->len - at));
    }
    }
}

static void
run_file(const char *path)
{
    g_autofree char *text = NULL;
    uint64_t state = g_str_hash(path) + 1;
    gsize size;

    if (!g_file_get_contents(path, &text, &size, NULL) || size > LARGEST)
        return;
    LLVMFuzzerTestOneInput((const uint8_t *)text, size);
    for (int i = 0; i < (size <= SMALL ? 20 : 2); i++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_byte_array_append(bytes, (const guint8 *)text, (guint)size);
        for (int j = 0; j <= i / 4; j++)
            damage(bytes, &state);
        LLVMFuzzerTestOneInput(bytes->data == NULL ? (const uint8_t *)"" : bytes->data, bytes->len);
    }
}

int
main(int argc, char **argv)
{
    guint nr = 0;

    for (int i = 1; i < argc; i++) {
        g_autoptr(GDir) dir = g_dir_open(argv[i], 0, NULL);
        const char *name;
        if (dir == NULL)
            printf("skipped: %s is absent\n", argv[i]);
        while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
            g_autofree char *path = g_build_filename(argv[i], name, NULL);
            run_file(path);
            nr++;
        }
    }
    printf("%u files\n", nr);
    return nr == 0;
}
