/*
 * The parts of a workload file: processes, their threads and regions.
 *
 * Read in two passes. The first declares every process, group of threads, region and object, so
 * that a name may be used above the line that introduces it; the second reads what they are made
 * of. A mistake is reported and reading goes on, so that all of a file's mistakes come out in one
 * go.
 */
#include "config/workload_yaml_steps.h"

static const char *const top_keys[] = {
    "version", "name",      "doc",     "parameters", "reference", "distributions", "regions",
    "sync",    "processes", "cgroups", "devices",    "duration",  "hotplug",       NULL
};
static const char *const process_keys[] = { "name", "count",   "tag",    "bind", "regions",
                                            "sync", "threads", "cgroup", NULL };
static const char *const thread_keys[] = {
    "name",   "count",    "nice",       "class",    "slice",  "affinity",   "mempolicy",
    "start",  "stagger",  "background", "tag",      "hint",   "regions",    "program",
    "cgroup", "priority", "runtime",    "deadline", "period", "deferrable", NULL
};
/* What a task of the kernel can have, and none here. */
static const char *const refused[][2] = {
    { "uclamp_min", "utilisation clamping (uclamp)" },
    { "uclamp_max", "utilisation clamping (uclamp)" },
    { "util_min", "utilisation clamping (uclamp)" },
    { "util_max", "utilisation clamping (uclamp)" },
    { "reclaim", "bandwidth reclaiming of deadline tasks (GRUB, SCHED_FLAG_RECLAIM)" },
};
static const char *const region_keys[] = { "name",    "size",    "page_size", "slices", "policy",
                                           "initial", "madvise", "access",    "file",   NULL };

static void
read_slices(struct wload *l, const struct ynode *n, struct wregion *r)
{
    const struct ynode *slices = ynode_get(n, "slices");

    if (slices == NULL)
        return;
    if (r->group >= 0) {
        ynode_error(&l->doc, slices, "a region of each thread has no slices");
        return;
    }
    if (r->process >= 0 && slices->kind == YNODE_SCALAR)
        for (uint32_t g = 0; g < l->w->nr_groups; g++)
            if ((int32_t)l->w->groups[g].process == r->process && l->w->groups[g].name != NULL &&
                strcmp(l->w->groups[g].name, slices->text) == 0) {
                r->slices_of = (int32_t)g;
                return;
            }
    wload_number(l, slices, FIELD_U64, r->process < 0 ? WEXPR_MACHINE : WEXPR_PROCESS, &r->slices);
}

/* Whether it is of a file, and what that excludes. */
static void
read_file_key(struct wload *l, const struct ynode *n, struct wregion *r)
{
    static const char *const ways[] = { "no", "shared", "private", "unmapped", NULL };
    const struct ynode *file = ynode_get(n, "file");

    r->file = (enum wfile)wload_enum_at(l, n, "file", ways, 0);
    if (r->file == WFILE_NONE)
        return;
    if (r->page_size == PAGE_2M)
        ynode_error(&l->doc, ynode_get(n, "page_size"),
                    "pages of files are 4 KiB; leave page_size out");
    if (ynode_get(n, "policy") != NULL)
        ynode_error(&l->doc, ynode_get(n, "policy"),
                    "policies of mappings do not apply to files; give the threads a mempolicy");
    if (r->group >= 0)
        ynode_error(&l->doc, file, "a file belongs to a process, or to all; declare it there");
    if (r->file == WFILE_UNMAPPED && ynode_get(n, "access") != NULL)
        ynode_error(&l->doc, ynode_get(n, "access"),
                    "a file that is not mapped has no access; leave it out");
}

static void
read_region(struct wload *l, const struct ynode *n, struct wregion *r)
{
    static const char *const sizes[] = { "4KiB", "2MiB", NULL };
    static const char *const advices[] = { "none", "hugepage", "nohugepage", NULL };

    if (n->kind != YNODE_MAP)
        return;
    r->at = wload_place(l, n);
    ynode_check_keys(&l->doc, n, NULL, region_keys);
    wload_number_at(l, n, "size", FIELD_SIZE, r->process < 0 ? WEXPR_MACHINE : WEXPR_PROCESS, NULL,
                    &r->size);
    r->page_size = wload_enum_at(l, n, "page_size", sizes, 0) == 1 ? PAGE_2M : PAGE_4K;
    r->advice = (enum thp_advice)wload_enum_at(l, n, "madvise", advices, 0);
    if (r->advice != THP_NO_ADVICE && r->page_size != PAGE_2M)
        ynode_error(&l->doc, ynode_get(n, "madvise"),
                    "its pages are never huge; write page_size: 2MiB beside it");
    read_file_key(l, n, r);
    r->access = (enum waccess)wload_enum_at(l, n, "access", waccess_names, 0);
    read_slices(l, n, r);
    if (ynode_get(n, "policy") != NULL)
        wload_policy(l, ynode_get(n, "policy"), &r->policy);
    r->populated =
        ynode_get(n, "initial") != NULL && wload_policy(l, ynode_get(n, "initial"), &r->initial);
}

static void
read_regions(struct wload *l, const struct ynode *list)
{
    uint32_t next = 0;

    while (next < l->w->nr_regions &&
           (l->w->regions[next].process != l->process || l->w->regions[next].group != l->group))
        next++;
    for (guint i = 0; list != NULL && list->kind == YNODE_SEQ && i < list->nr; i++)
        if (next < l->w->nr_regions)
            read_region(l, list->values[i], &l->w->regions[next++]);
}

bool
wload_nice(struct wload *l, const struct ynode *n, int32_t *nice)
{
    static const struct field field = {
        "nice", FIELD_I32, 0, NULL, "-20", "19", NULL, NULL, false
    };
    char why[256];

    if (ynode_expect(&l->doc, n, YNODE_SCALAR) == NULL)
        return false;
    if (field_set(&field, nice, n->text, l->doc.arena, why, sizeof(why)))
        return true;
    ynode_error(&l->doc, n, "%s", why);
    return false;
}

static void
read_nice(struct wload *l, const struct ynode *n, struct wgroup *g)
{
    if (n == NULL)
        return;
    guint nr = n->kind == YNODE_SEQ ? n->nr : 1;
    int32_t *nice = arena_new_array(l->doc.arena, int32_t, nr);

    if (nr < 1 || nr > WORKLOAD_NICE_MAX) {
        ynode_error(&l->doc, n, "write from 1 to %d nice levels", WORKLOAD_NICE_MAX);
        return;
    }
    for (guint i = 0; i < nr; i++)
        if (!wload_nice(l, n->kind == YNODE_SEQ ? n->values[i] : n, &nice[i]))
            return;
    g->nice = nice;
    g->nr_nice = nr;
}

static void
read_start(struct wload *l, const struct ynode *n, struct wgroup *g)
{
    const struct ynode *stagger = ynode_get(n, "stagger");

    if (!g->by_fork)
        wload_number(l, ynode_get(n, "start"), FIELD_TIME, WEXPR_THREAD, &g->start);
    if (g->by_fork && stagger != NULL)
        ynode_error(&l->doc, stagger, "threads that are forked start when the fork step says");
    else if (stagger != NULL)
        wload_number(l, stagger, FIELD_TIME, WEXPR_THREAD, &g->stagger);
}

/* Keys that nobody knows are errors, and those that ask for what is not modelled say so. */
static void
check_thread_keys(struct wload *l, const struct ynode *n)
{
    const char *keys[G_N_ELEMENTS(thread_keys) + G_N_ELEMENTS(refused)];
    gsize nr = 0;

    while (thread_keys[nr] != NULL) {
        keys[nr] = thread_keys[nr];
        nr++;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        const struct ynode *value = ynode_get(n, refused[i][0]);
        if (value == NULL)
            continue;
        ynode_error(&l->doc, value, "%s is not modelled; leave it out", refused[i][1]);
        keys[nr++] = refused[i][0];
    }
    keys[nr] = NULL;
    ynode_check_keys(&l->doc, n, NULL, keys);
}

static void
read_group(struct wload *l, const struct ynode *n, struct wgroup *g)
{
    const struct ynode *program = ynode_get(n, "program");

    g->at = wload_place(l, n);
    check_thread_keys(l, n);
    g->cgroup = l->w->processes[g->process].cgroup;
    if (ynode_get(n, "cgroup") != NULL)
        g->cgroup = wload_find_cgroup(l, ynode_get(n, "cgroup"));
    wload_number_at(l, n, "count", FIELD_U64, WEXPR_PROCESS, "1", &g->count);
    read_nice(l, ynode_get(n, "nice"), g);
    wload_class(l, n, &g->class);
    if (ynode_get(n, "affinity") != NULL)
        wload_affinity(l, ynode_get(n, "affinity"), &g->affinity);
    if (ynode_get(n, "mempolicy") != NULL)
        wload_policy(l, ynode_get(n, "mempolicy"), &g->mempolicy);
    read_start(l, n, g);
    g->background = wload_bool_at(l, n, "background", false);
    g->deferrable = wload_bool_at(l, n, "deferrable", false);
    g->tag = wload_text_at(l, n, "tag");
    g->hints = wload_hints(l, ynode_get(n, "hint"), &g->nr_hints);
    read_regions(l, ynode_get(n, "regions"));
    if (program == NULL)
        ynode_error(&l->doc, n, "'program' is missing: the list of steps");
    else
        wload_program(l, program, g);
}

static void
read_process(struct wload *l, const struct ynode *n, struct wprocess *p)
{
    const struct ynode *threads = ynode_get(n, "threads");

    if (n->kind != YNODE_MAP)
        return;
    p->at = wload_place(l, n);
    ynode_check_keys(&l->doc, n, NULL, process_keys);
    p->cgroup = -1;
    if (ynode_get(n, "cgroup") != NULL)
        p->cgroup = wload_find_cgroup(l, ynode_get(n, "cgroup"));
    wload_number_at(l, n, "count", FIELD_U64, WEXPR_MACHINE, "1", &p->count);
    p->tag = wload_text_at(l, n, "tag");
    p->bind = (enum wbind)wload_enum_at(l, n, "bind", wbind_names, WBIND_NONE);
    wload_objects(l, ynode_get(n, "sync"));
    read_regions(l, ynode_get(n, "regions"));
    for (uint32_t i = 0; i < p->nr_groups; i++) {
        l->group = (int32_t)(p->first_group + i);
        if (threads->values[i]->kind == YNODE_MAP)
            read_group(l, threads->values[i], &l->w->groups[l->group]);
    }
    l->group = -1;
}

static void
read_reference(struct wload *l, const struct ynode *n)
{
    static const char *const keys[] = { "instruction", NULL };
    const struct ynode *instruction = ynode_get(n, "instruction");
    uint64_t ps = 400;

    if (n != NULL && ynode_expect(&l->doc, n, YNODE_MAP) != NULL)
        ynode_check_keys(&l->doc, n, NULL, keys);
    if (instruction != NULL && ynode_quantity(&l->doc, instruction, FIELD_TIME_PS, &ps) &&
        (ps < 10 || ps > 100000))
        ynode_error(&l->doc, instruction, "out of range; write a time from 0.01ns to 100ns");
    l->w->instruction_ps = (uint32_t)ps;
}

static void
read_duration(struct wload *l, const struct ynode *n)
{
    if (n != NULL && ynode_quantity(&l->doc, n, FIELD_TIME, &l->w->duration) && l->w->duration == 0)
        ynode_error(&l->doc, n, "a run of no length; write a time, as in 10s");
}

void
wload_read(struct wload *l)
{
    const struct ynode *root = l->doc.root, *processes = wload_list_at(l, root, "processes");

    ynode_check_keys(&l->doc, root, NULL, top_keys);
    read_reference(l, ynode_get(root, "reference"));
    read_duration(l, ynode_get(root, "duration"));
    if (processes == NULL || processes->nr == 0) {
        ynode_error(&l->doc, root, "'processes' is missing: a list of at least one");
        return;
    }
    wload_distributions(l, ynode_get(root, "distributions"));
    wload_cgroups(l, ynode_get(root, "cgroups"));
    wload_hotplug(l, root);
    wload_devices(l, root);
    wload_declare(l, processes);
    if (wload_is_enough(l))
        return;
    wload_objects(l, ynode_get(root, "sync"));
    read_regions(l, ynode_get(root, "regions"));
    for (guint i = 0; i < processes->nr && !wload_is_enough(l); i++) {
        l->process = (int32_t)i;
        read_process(l, processes->values[i], &l->w->processes[i]);
    }
}
