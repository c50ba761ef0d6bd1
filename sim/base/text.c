#include "base/text.h"

static char *
add_bytes(char *at, const char *end, const char *bytes, size_t len)
{
    size_t room = (size_t)(end - at) - 1;

    if (len > room)
        len = room;
    memcpy(at, bytes, len);
    at[len] = '\0';
    return at + len;
}

char *
text_add(char *at, const char *end, const char *piece)
{
    return add_bytes(at, end, piece, strlen(piece));
}

char *
text_add_int(char *at, const char *end, int64_t value)
{
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char digits[20];
    size_t first = sizeof(digits);

    do {
        digits[--first] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0)
        at = add_bytes(at, end, "-", 1);
    return add_bytes(at, end, digits + first, sizeof(digits) - first);
}
