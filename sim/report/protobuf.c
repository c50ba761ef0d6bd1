#include "report/protobuf.h"

#include <string.h>

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

/* Seven bits a byte, the lowest first; the top bit says that more follow. */
static void
varint(GByteArray *m, guint64 value)
{
    guint8 bytes[10];
    guint nr = 0;

    do {
        bytes[nr] = (guint8)(value & 0x7f);
        value >>= 7;
        bytes[nr++] |= value != 0 ? 0x80 : 0;
    } while (value != 0);
    g_byte_array_append(m, bytes, nr);
}

static void
tag(GByteArray *m, guint field, guint wire)
{
    varint(m, (guint64)field << 3 | wire);
}

void
pb_int(GByteArray *m, guint field, gint64 value)
{
    tag(m, field, WIRE_VARINT);
    varint(m, (guint64)value);
}

void
pb_bytes(GByteArray *m, guint field, const void *bytes, gsize length)
{
    tag(m, field, WIRE_BYTES);
    varint(m, length);
    g_byte_array_append(m, bytes, (guint)length);
}

void
pb_text(GByteArray *m, guint field, const char *text)
{
    pb_bytes(m, field, text, strlen(text));
}

void
pb_message(GByteArray *m, guint field, const GByteArray *inner)
{
    pb_bytes(m, field, inner->data, inner->len);
}
