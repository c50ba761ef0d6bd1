/*
 * Text put together piece by piece: what a format does, where millions of short texts are made.
 *
 * Each call writes at `at`, never beyond `end` - 1, ends the text with a 0 byte and returns the
 * place of that byte, where the next piece goes. What has no room is left out.
 */
#pragma once

#include <stdint.h>
#include <string.h>

char *text_add(char *at, const char *end, const char *piece);
/* In decimal, as "%lld". */
char *text_add_int(char *at, const char *end, int64_t value);
