/*
 * Messages of protocol buffers, as far as a writer of traces needs them: a message is a byte array
 * to which fields are appended; one inside another is made first and then appended whole. Arrays
 * are emptied and used again, so that nothing is allocated once they have grown.
 */
#pragma once

#include <glib.h>

/* Negative numbers take ten bytes, as int32 and int64 are written. */
void pb_int(GByteArray *m, guint field, gint64 value);
void pb_bytes(GByteArray *m, guint field, const void *bytes, gsize length);
/* Valid UTF-8. */
void pb_text(GByteArray *m, guint field, const char *text);
void pb_message(GByteArray *m, guint field, const GByteArray *inner);
