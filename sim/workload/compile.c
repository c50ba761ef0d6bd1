/*
 * From names and expressions to what a step needs on this machine: node sets, CPU sets, and the
 * profiles of bursts.
 *
 * The arithmetic of bursts. Work is in ns at nominal speed with every access a hit. A compute step
 * of n instructions works n times the reference core's time for one; MPKI misses in 1000 of them
 * spread evenly. A stream step works so long for each line of 64 bytes, and misses once a line.
 */
#include "workload/run.h"

void
env_of_thread(struct wenv *env, const struct thread *t)
{
    const struct instance *in = t->crew->instance;

    *env = t->run->env;
    env->v[WVAR_PROCESSES] = in->nr_copies;
    env->v[WVAR_PROCESS] = in->number;
    env->v[WVAR_THREADS] = t->crew->nr;
    env->v[WVAR_THREAD] = t->number;
    env->v[WVAR_LOOP] = t->depth > 0 ? t->levels[t->depth - 1].round : 0;
}

void
resolve_policy(const struct workload_run *r, const struct wpolicy *from, struct mempolicy *to)
{
    const struct machine *m = r->k->machine;

    *to = (struct mempolicy){ .mode = from->mode,
                              .numa_balancing = from->numa_balancing,
                              .static_nodes = from->static_nodes,
                              .relative_nodes = from->relative_nodes,
                              .has_home = from->has_home };
    if (from->has_home)
        to->home = machine_node_by_os(m, from->home);
    if (from->all_nodes)
        to->nodes = machine_memory_nodes(m);
    if (from->random_node)
        to->nodes = r->forced.nodes;
    for (uint32_t i = 0; i < from->nr_nodes; i++)
        to->nodes |= NODE_BIT(machine_node_by_os(m, from->nodes[i]));
    to->user_nodes = to->nodes;
    for (uint32_t i = 0; from->weights != NULL && i < from->nr_nodes; i++)
        to->weights[machine_node_by_os(m, from->nodes[i])] = (uint8_t)from->weights[i];
}

const struct cpumask *
resolve_affinity(struct workload_run *r, const struct waffinity *from)
{
    const struct machine *m = r->k->machine;

    if (from->kind == WAFFINITY_ALL)
        return m->online;
    return resolve_cpus(r, from, r->k->hotplug != NULL ? m->present : m->online);
}

const struct cpumask *
resolve_cpus(struct workload_run *r, const struct waffinity *from, const struct cpumask *of)
{
    const struct machine *m = r->k->machine;
    struct cpumask *cpus = cpumask_new(r->k->arena, m->nr_cpus);

    for_each_cpu (cpu, of) {
        uint32_t n =
            from->kind == WAFFINITY_CPUS ? (uint32_t)cpu : m->nodes[m->cpus[cpu].node].os_index;
        if (n < from->set->nr_words * 64 && cpumask_test(from->set, n))
            cpumask_set(cpus, (uint32_t)cpu);
    }
    return cpus;
}

/* ---- bursts ---- */

static bool
depends_on_thread(const struct wexpr *e)
{
    for (uint32_t i = 0; i < e->nr; i++)
        if (e->ops[i].code == WEXPR_VAR && e->ops[i].value >= WVAR_THREADS)
            return true;
    return false;
}

static bool
step_differs(const struct workload *w, const struct wstep *s)
{
    for (uint32_t i = 0; s->mem != NULL && i < s->mem->nr_uses; i++) {
        const struct wuse *u = &s->mem->uses[i];
        if (u->slice == WSLICE_OWN || u->slice == WSLICE_NEIGHBOURS ||
            w->regions[u->region].group >= 0 || depends_on_thread(&u->number))
            return true;
    }
    return depends_on_thread(&s->amount);
}

const char *
build_use(const struct thread *t, const struct wuse *u, struct burst_use *to)
{
    const struct wregion *spec = &t->run->w->regions[u->region];
    struct region *r = t->crew->instance->regions[u->region][spec->group >= 0 ? t->number : 0];
    struct wenv env;
    uint64_t slice = REGION_WHOLE;
    const char *why = NULL;

    env_of_thread(&env, t);
    if (u->slice == WSLICE_OWN || u->slice == WSLICE_NEIGHBOURS)
        slice = t->number % r->nr_slices;
    else if (u->slice == WSLICE_NUMBER)
        why = wexpr_eval(&u->number, &env, &slice);
    if (why == NULL && u->slice == WSLICE_NUMBER && slice >= r->nr_slices)
        why = "is not the number of a slice";
    *to = (struct burst_use){
        r,          (uint32_t)slice, u->weight,
        u->pattern, u->shape,        (uint32_t)mul_div_u64(u->shared_ppm, MIX_ALL, 1000000),
    };
    return why;
}

/* Accesses to the slices beside: a thread at an edge keeps the share of the one that is missing. */
static uint32_t
add_neighbours(const struct wuse *u, struct burst_use *own)
{
    uint32_t share = (uint32_t)(u->share_ppm / 1000), n = 1;

    own->weight = u->weight * 1000;
    if (own->slice > 0) {
        own[n] = *own;
        own[n].slice = own->slice - 1;
        own[n++].weight = u->weight * share / 2;
    }
    if (own->slice + 1 < own->region->nr_slices) {
        own[n] = *own;
        own[n].slice = own->slice + 1;
        own[n++].weight = u->weight * share / 2;
    }
    own->weight -= (n - 1) * (u->weight * share / 2);
    return n;
}

/* The uses of a step, and how many bytes "all of it" is. */
static const char *
build_uses(struct thread *t, const struct wmem *mem, struct burst_profile *to, uint64_t *bytes)
{
    struct burst_use *uses =
        arena_new_array(t->run->k->arena, struct burst_use, 3 * (size_t)mem->nr_uses);
    bool scaled = false;
    uint32_t n = 0;

    for (uint32_t i = 0; i < mem->nr_uses; i++)
        scaled |= mem->uses[i].slice == WSLICE_NEIGHBOURS;
    *bytes = 0;
    for (uint32_t i = 0; i < mem->nr_uses; i++) {
        const struct wuse *u = &mem->uses[i];
        const char *why = build_use(t, u, &uses[n]);

        if (why != NULL)
            return why;
        *bytes += region_slice_pages(uses[n].region, uses[n].slice) * PAGE_4K;
        if (scaled)
            uses[n].weight *= 1000;
        n += u->slice == WSLICE_NEIGHBOURS ? add_neighbours(u, &uses[n]) : 1;
    }
    to->nr_uses = n;
    to->uses = uses;
    for (uint32_t i = 0; i < n; i++)
        to->shares |= uses[i].shared_q16 > 0;
    return n <= BURST_USES_MAX ? NULL : "comes to more than 8 slices";
}

static uint32_t
per_ns_q20(uint64_t ppm, uint64_t ps)
{
    uint64_t q20 = mul_div_u64(ppm, 1000 << 20, 1000000 * SIM_MAX(ps, (uint64_t)1));

    return (uint32_t)SIM_MIN(q20, (uint64_t)UINT32_MAX);
}

uint64_t
stream_work(const struct workload_run *r, const struct burst *b, uint64_t bytes)
{
    uint64_t line = r->k->machine->cache.line_bytes;

    return mul_div_u64(div_round_up_u64(bytes, line > 0 ? line : 64), b->line_ps, 1000);
}

static const char *
build_burst(struct thread *t, const struct wstep *s, struct burst *b)
{
    struct workload_run *r = t->run;
    const struct wmem *mem = s->mem;
    uint64_t bytes;
    struct wenv env;
    const char *why;

    b->profile = (struct burst_profile){
        .mlp_q8 = (uint32_t)SIM_MAX(mul_div_u64(mem->mlp_ppm, 256, 1000000), (uint64_t)256),
        .write_q8 = (uint32_t)mul_div_u64(mem->write_ppm, 256, 1000000),
    };
    why = build_uses(t, mem, &b->profile, &bytes);
    if (why == NULL)
        why = build_reuse(t, mem, bytes, s->kind != WSTEP_COMPUTE, &b->profile);
    if (why != NULL)
        return why;
    if (s->kind == WSTEP_COMPUTE) {
        b->profile.misses_q20 = per_ns_q20(mem->mpki_ppm / 1000, r->w->instruction_ps);
    } else {
        env_of_thread(&env, t);
        if (s->amount.nr > 0 && (why = wexpr_eval(&s->amount, &env, &bytes)) != NULL)
            return why;
        b->line_ps = mem->line_ps;
        b->work = stream_work(r, b, bytes);
        b->profile.misses_q20 = per_ns_q20(1000000, mem->line_ps);
    }
    b->has_misses = mem->nr_uses > 0 && b->profile.misses_q20 > 0;
    return NULL;
}

static const char *
build_bursts(struct crew *c, uint32_t nr_bursts, bool differ)
{
    const struct wgroup *g = c->spec;

    for (uint32_t i = 0; i < c->nr && nr_bursts > 0; i++) {
        struct thread *t = &c->threads[i];
        struct burst *b;

        t->bursts = c->threads[0].bursts;
        if (i > 0 && !differ)
            continue;
        b = t->bursts = arena_new_array(t->run->k->arena, struct burst, nr_bursts);
        for (uint32_t s = 0; s < g->nr_steps; s++) {
            const char *why = g->steps[s].mem != NULL ? build_burst(t, &g->steps[s], b++) : NULL;
            if (why != NULL)
                return arena_printf(t->run->k->arena, "%s:%u: a number of step %s of %s %s",
                                    t->run->w->file, g->steps[s].line,
                                    wstep_names[g->steps[s].kind], t->attr.name, why);
        }
    }
    return NULL;
}

static uint32_t
build_aux(struct workload_run *r, const struct wgroup *g, struct step_aux *aux)
{
    uint32_t nr_bursts = 0;

    for (uint32_t i = 0; i < g->nr_steps; i++) {
        const struct wstep *s = &g->steps[i];

        if (s->mem != NULL)
            aux[i].burst = nr_bursts++;
        if (s->affinity != NULL)
            aux[i].cpus = resolve_affinity_in(r, s->affinity, g->cgroup);
        if (s->policy != NULL) {
            struct mempolicy *policy = arena_new_object(r->k->arena, struct mempolicy);
            resolve_policy(r, s->policy, policy);
            aux[i].policy = policy;
        }
    }
    return nr_bursts;
}

const char *
build_steps(struct workload_run *r)
{
    const struct workload *w = r->w;
    const char *why = NULL;

    r->aux = arena_new_array(r->k->arena, struct step_aux *, w->nr_groups);
    for (uint32_t gi = 0; gi < w->nr_groups && why == NULL; gi++) {
        const struct wgroup *g = &w->groups[gi];
        bool differ = false;

        r->aux[gi] = arena_new_array(r->k->arena, struct step_aux, g->nr_steps);
        uint32_t nr_bursts = build_aux(r, g, r->aux[gi]);
        for (uint32_t i = 0; i < g->nr_steps; i++)
            differ |= step_differs(w, &g->steps[i]);
        for (uint32_t i = 0; i < r->nr_instances && why == NULL; i++)
            if (r->instances[i].spec == &w->processes[g->process])
                why = build_bursts(&r->instances[i].crews[gi - r->instances[i].spec->first_group],
                                   nr_bursts, differ);
    }
    return why;
}
