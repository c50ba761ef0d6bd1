/*
 * From the description to the kernel's processes, regions and tasks. Everything is made here, also
 * the threads that are forked later, so that a placement policy sees them all before the start.
 *
 * workload_limits() has looked at every count; an expression that fails here for one thread only
 * (`10 - thread`) is refused all the same.
 */
#include "kernel/group.h"
#include "kernel/mempolicy.h"
#include "workload/run.h"

const char *const wobject_names[WOBJECT_NR + 1] = {
    [WOBJECT_LOCK] = "lock",           [WOBJECT_BARRIER] = "barrier",
    [WOBJECT_CONDITION] = "condition", [WOBJECT_SEMAPHORE] = "semaphore",
    [WOBJECT_CHANNEL] = "channel",     [WOBJECT_QUEUE] = "queue",
    [WOBJECT_TIMER] = "timer",
};

static uint64_t
count_of(const struct wexpr *e, const struct wenv *env)
{
    uint64_t n = 1;

    if (e->nr > 0)
        wexpr_eval(e, env, &n);
    return n;
}

static struct wenv
env_of_instance(const struct workload_run *r, const struct instance *in)
{
    struct wenv env = r->env;

    env.v[WVAR_PROCESSES] = in->nr_copies;
    env.v[WVAR_PROCESS] = in->number;
    return env;
}

/* ---- the node that first_touch: one_node forces pages onto ---- */

static void
draw_node(struct workload_run *r)
{
    nodemask memory = machine_memory_nodes(r->k->machine);
    nodemask both = memory & machine_cpu_nodes(r->k->machine);
    nodemask from = both ? both : memory;
    struct rng rng;

    rng_init(&rng, r->k->seed, "first touch node", 0);
    uint64_t skip = rng_below(&rng, (uint64_t)__builtin_popcountll(from));
    while (skip-- > 0)
        from &= from - 1;
    r->forced = (struct mempolicy){ .mode = MPOL_BIND, .nodes = from & -from };
}

/* ---- regions ---- */

/* What the cpuset of the process's first threads allows: who maps the regions. */
static nodemask
mems_of(const struct workload_run *r, const struct instance *in)
{
    int32_t cgroup = in->spec->nr_groups > 0 ? r->w->groups[in->spec->first_group].cgroup : -1;

    return cgroup >= 0 ? r->cgroups[cgroup]->mems : r->k->groups[0]->mems;
}

static struct region *
build_region(struct workload_run *r, const struct instance *in, const struct wregion *spec,
             int32_t owner)
{
    struct wenv env = env_of_instance(r, in);
    const struct crew *slicing =
        spec->slices_of >= 0 ? &in->crews[(uint32_t)spec->slices_of - in->spec->first_group] : NULL;
    enum region_sharing sharing = spec->process < 0  ? REGION_GLOBAL
                                  : spec->group >= 0 ? REGION_PRIVATE
                                                     : REGION_SHARED;
    struct region_attr attr = {
        .name = spec->name,
        .bytes = count_of(&spec->size, &env),
        .page_size = spec->page_size,
        .sharing = sharing,
        .owner = owner,
        .advice = spec->advice,
        .kind = spec->file != WFILE_NONE ? VMA_FILE : VMA_ANON,
        .map_private = spec->file == WFILE_PRIVATE,
        .unmapped = spec->file == WFILE_UNMAPPED,
        .may_get_huge = spec->advised,
        .no_access = spec->access == WACCESS_NONE,
        .read_only = spec->access != WACCESS_READ_WRITE,
        .exec = spec->access == WACCESS_READ_EXEC,
        .nr_slices = slicing != NULL ? slicing->nr : (uint32_t)count_of(&spec->slices, &env),
    };
    struct mempolicy initial;

    attr.nr_slices =
        (uint32_t)SIM_MIN((uint64_t)attr.nr_slices, div_round_up_u64(attr.bytes, attr.page_size));
    resolve_policy(r, &spec->policy, &attr.policy);
    if (!mempolicy_apply(&attr.policy, mems_of(r, in))) {
        kernel_note(r->k, "%s: the cpuset allows none of the nodes of its policy (EINVAL)",
                    spec->name);
        attr.policy = (struct mempolicy){ .mode = MPOL_DEFAULT };
    }
    struct region *region = region_new(r->k, in->process->mm, &attr);
    if (spec->populated) {
        resolve_policy(r, &spec->initial, &initial);
        region_populate(r->k, region, 0, region->nr_pages, &initial,
                        __builtin_ctzll(machine_memory_nodes(r->k->machine)));
    }
    return region;
}

static void
build_regions(struct workload_run *r, struct instance *in)
{
    const struct workload *w = r->w;

    in->regions = arena_new_array(r->k->arena, struct region **, w->nr_regions);
    for (uint32_t i = 0; i < w->nr_regions; i++) {
        const struct wregion *spec = &w->regions[i];
        bool here = spec->process >= 0 && &w->processes[spec->process] == in->spec;

        if (spec->process < 0 && in != &r->instances[0]) {
            in->regions[i] = r->instances[0].regions[i];
        } else if (spec->process < 0 || (here && spec->group < 0)) {
            in->regions[i] = arena_new_object(r->k->arena, struct region *);
            in->regions[i][0] = build_region(r, in, spec, -1);
        } else if (here) {
            const struct crew *c = &in->crews[(uint32_t)spec->group - in->spec->first_group];
            in->regions[i] = arena_new_array(r->k->arena, struct region *, c->nr);
            for (uint32_t j = 0; j < c->nr; j++)
                in->regions[i][j] =
                    build_region(r, in, spec, (int32_t)(c->threads[j].index - in->first_index));
        }
    }
}

/* ---- objects ---- */

static const char *
build_meeting(struct workload_run *r, struct instance *in, const struct wobject *spec,
              struct meeting *m, uint64_t index)
{
    struct wenv env = env_of_instance(r, in);
    const char *why = NULL;

    m->spec = spec;
    list_init(&m->waiters);
    list_init(&m->held);
    list_init(&m->senders);
    if (spec->size.nr > 0)
        why = wexpr_eval(&spec->size, &env, &m->size);
    if (spec->kind == WOBJECT_SEMAPHORE)
        m->value = m->size;
    if (spec->kind == WOBJECT_CONDITION) {
        uint64_t nr = in->nr_meetings[spec->lock];
        m->lock = &in->meetings[spec->lock][index < nr ? index : 0];
    }
    if (why == NULL && spec->kind == WOBJECT_QUEUE) {
        m->source = &r->sources[r->nr_sources++];
        why = source_init(m->source, r, m, in->process);
    }
    return why;
}

static const char *
build_meetings(struct workload_run *r, struct instance *in)
{
    const struct workload *w = r->w;
    struct wenv env = env_of_instance(r, in);

    in->meetings = arena_new_array(r->k->arena, struct meeting *, w->nr_objects);
    in->nr_meetings = arena_new_array(r->k->arena, uint64_t, w->nr_objects);
    for (uint32_t i = 0; i < w->nr_objects; i++) {
        const struct wobject *spec = &w->objects[i];

        if (spec->process >= 0 && &w->processes[spec->process] != in->spec)
            continue;
        if (spec->process < 0 && in != &r->instances[0]) {
            in->meetings[i] = r->instances[0].meetings[i];
            in->nr_meetings[i] = r->instances[0].nr_meetings[i];
            continue;
        }
        in->nr_meetings[i] = count_of(&spec->count, &env);
        in->meetings[i] = arena_new_array(r->k->arena, struct meeting, in->nr_meetings[i]);
        for (uint64_t j = 0; j < in->nr_meetings[i]; j++) {
            const char *why = build_meeting(r, in, spec, &in->meetings[i][j], j);
            if (why != NULL)
                return arena_printf(r->k->arena, "%s: %s %s %s", r->w->file,
                                    wobject_names[spec->kind], spec->name, why);
        }
    }
    return NULL;
}

/* ---- threads ---- */

static const char *
name_of(const struct workload_run *r, const struct instance *in, const struct crew *c, uint32_t i)
{
    struct arena *a = r->k->arena;

    if (c->nr == 1)
        return arena_printf(a, "%s/%s", in->process->name, c->spec->name);
    return arena_printf(a, "%s/%s-%u", in->process->name, c->spec->name, i);
}

static void
build_thread(struct workload_run *r, struct crew *c, uint32_t i)
{
    struct thread *t = &c->threads[i];
    const struct wgroup *g = c->spec;

    t->crew = c;
    t->run = r;
    t->number = i;
    t->index = r->nr_threads;
    r->threads[r->nr_threads++] = t;
    list_init(&t->node);
    list_init(&t->pi_held);
    list_init(&t->replies);
    rng_init(&t->rng, r->k->seed, "durations", t->index);
    resolve_policy(r, &g->mempolicy, &t->policy);
    t->attr = (struct task_attr){
        .name = name_of(r, c->instance, c, i),
        .tag = g->tag != NULL ? g->tag : c->instance->spec->tag,
        .nice = g->nr_nice > 0 ? g->nice[i % g->nr_nice] : 0,
        .policy = g->class.policy,
        .slice_ns = g->class.slice_ns,
        .rt_priority = g->class.rt_priority,
        .dl_runtime = g->class.dl_runtime,
        .dl_deadline = g->class.dl_deadline,
        .dl_period = g->class.dl_period,
        .group = g->cgroup >= 0 ? r->cgroups[g->cgroup] : c->instance->autogroup,
        .allowed = resolve_affinity_in(r, &g->affinity, g->cgroup),
        .ops = &program_ops,
        .prog = t,
    };
    t->task = task_new(r->k, c->instance->process, &t->attr);
}

static void
build_crews(struct workload_run *r, struct instance *in)
{
    struct wenv env = env_of_instance(r, in);

    in->first_index = r->nr_threads;
    in->crews = arena_new_array(r->k->arena, struct crew, in->spec->nr_groups);
    for (uint32_t i = 0; i < in->spec->nr_groups; i++) {
        struct crew *c = &in->crews[i];

        c->spec = &r->w->groups[in->spec->first_group + i];
        c->instance = in;
        c->nr = (uint32_t)count_of(&c->spec->count, &env);
        list_init(&c->waiters);
        c->threads = arena_new_array(r->k->arena, struct thread, c->nr);
        build_request_kinds(r, c);
        for (uint32_t j = 0; j < c->nr; j++)
            build_thread(r, c, j);
    }
}

static void
build_instances(struct workload_run *r)
{
    const struct workload *w = r->w;
    uint64_t n = 0;

    for (uint32_t i = 0; i < w->nr_processes; i++)
        n += count_of(&w->processes[i].count, &r->env);
    r->instances = arena_new_array(r->k->arena, struct instance, n);
    for (uint32_t i = 0; i < w->nr_processes; i++) {
        uint32_t copies = (uint32_t)count_of(&w->processes[i].count, &r->env);

        for (uint32_t j = 0; j < copies; j++) {
            struct instance *in = &r->instances[r->nr_instances++];
            const char *name = w->processes[i].name;

            in->spec = &w->processes[i];
            in->number = j;
            in->nr_copies = copies;
            if (copies > 1)
                name = arena_printf(r->k->arena, "%s-%u", name, j);
            in->process = process_new(r->k, name, in->spec->tag);
            if (r->k->params.sched.autogroup == AUTOGROUP_ON)
                in->autogroup = build_autogroup(r->k, in->process->id + 1);
            build_crews(r, in);
        }
    }
}

static const char *
build_chances(struct workload_run *r)
{
    r->chances = arena_new_array(r->k->arena, struct chance, r->w->nr_dists);
    for (uint32_t i = 0; i < r->w->nr_dists; i++) {
        const struct wdist *d = &r->w->dists[i];
        const char *why = chance_init(&r->chances[i], d, &r->env);

        if (why != NULL)
            return arena_printf(r->k->arena, "%s: %s %s %s", r->w->file,
                                d->name ? "distribution" : "a duration", d->name ? d->name : "",
                                why);
    }
    return NULL;
}

struct workload_run *
workload_build(struct kernel *k, const struct workload *w, const char **why)
{
    struct workload_run *r = arena_new_object(k->arena, struct workload_run);
    struct kernel_limits limits = { 0 };

    r->k = k;
    r->w = w;
    r->irq_cpu = -1;
    list_init(&r->free_signals);
    wenv_init(&r->env, k->machine);
    *why = workload_limits(w, k->machine, &limits);
    if (*why != NULL || (*why = build_chances(r)) != NULL)
        return NULL;
    build_devices(r);
    if (w->replay != NULL) {
        r->replay = replay_build(k, w->replay);
        return r;
    }
    draw_node(r);
    if ((*why = build_cgroups(r)) != NULL)
        return NULL;
    build_hotplug(r);
    r->threads = arena_new_array(k->arena, struct thread *, limits.max_tasks);
    r->sources = arena_new_array(k->arena, struct source, limits.nr_sources);
    build_instances(r);
    for (uint32_t i = 0; i < r->nr_instances && *why == NULL; i++) {
        build_regions(r, &r->instances[i]);
        *why = build_meetings(r, &r->instances[i]);
    }
    if (*why == NULL)
        *why = build_steps(r);
    if (*why == NULL)
        bind_instances(r);
    return *why == NULL ? r : NULL;
}
