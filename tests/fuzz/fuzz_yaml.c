/* Any bytes are a tree or a message; in a tree every node is the child of its parent, within
 * limits. */
#include "config/yaml_tree.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_node(const struct yaml_doc *doc, const struct ynode *n, const struct ynode *parent, int depth)
{
    if (n->parent != parent || n->line == 0 || n->column == 0 || depth > YAML_DEPTH_MAX + 1)
        abort();
    if (n->kind == YNODE_SCALAR) {
        struct cpumask *set = cpumask_new(doc->arena, 64);
        uint64_t value;
        ynode_cpulist(doc, n, set);
        ynode_quantity(doc, n, FIELD_SIZE, &value);
        return;
    }
    for (guint i = 0; i < n->nr; i++) {
        check_node(doc, n->values[i], n, depth + 1);
        if (n->kind == YNODE_MAP && ynode_get(n, n->keys[i]->text) != n->values[i])
            abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct yaml_doc doc;
    struct diag d;

    diag_init(&d);
    if (yaml_load_text(&doc, "fuzz", (const char *)data, size, a, &d))
        check_node(&doc, doc.root, NULL, 1);
    else if (!diag_failed(&d))
        abort();
    g_autofree char *messages = diag_text(&d);
    if (!g_utf8_validate(messages, -1, NULL))
        abort();
    diag_clear(&d);
    arena_free(a);
    return 0;
}
