/*
 * JSON with places: json-glib's tree, and where in the file each value stood, for messages.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "config/diag.h"

struct json_doc {
    const char *file;
    struct diag *diag;
    JsonParser *parser;
    GHashTable *places; /* JsonNode * > line and column of its end */
    JsonObject *root;
};

/* False: messages are in diag. json_doc_clear() in both cases. */
bool json_doc_load(struct json_doc *doc, const char *file, const char *text, gsize len,
                   struct diag *d);
void json_doc_clear(struct json_doc *doc);

/* An error at a node; NULL: at the file. */
void json_doc_error(const struct json_doc *doc, JsonNode *at, const char *path, const char *fmt,
                    ...) SIM_PRINTF(4, 5);

/*
 * A member of `object` that must be there: NULL with an error otherwise. `path` names the object
 * ("cpus[3]"), NULL for the root.
 */
JsonArray *json_doc_array(const struct json_doc *doc, JsonObject *object, const char *path,
                          const char *name);
const char *json_doc_string(const struct json_doc *doc, JsonObject *object, const char *path,
                            const char *name);
bool json_doc_int(const struct json_doc *doc, JsonObject *object, const char *path,
                  const char *name, gint64 min, gint64 max, gint64 *value);
/* The same for one that may be missing or null: *value then stays. False only with an error. */
bool json_doc_maybe_int(const struct json_doc *doc, JsonObject *object, const char *path,
                        const char *name, gint64 min, gint64 max, gint64 *value);
/* An element that must be an object; NULL with an error. */
JsonObject *json_doc_element(const struct json_doc *doc, JsonArray *array, guint index,
                             const char *path);
