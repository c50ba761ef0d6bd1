/*
 * From a script into the kernel: `scx.NAME(...)` is scx_NAME(scx, ...) of numasim/calls.h. Tasks
 * come in as their pid, groups as their number; whoever names one that is not there has made an
 * error in the script, with its line, which ends the policy like any other.
 */
#include <lauxlib.h>

#include "script/script_impl.h"

#include "embedded.h"

static struct scx *
scx_of(lua_State *L)
{
    struct instance *inst = instance_of(L);

    if (inst == NULL || inst->scx == NULL || inst->depth == 0)
        luaL_error(L, "nothing runs yet: call this in an operation");
    return inst->scx;
}

static struct task *
task_arg(lua_State *L, int i)
{
    struct instance *inst = instance_of(L);
    struct scx *scx = scx_of(L);
    lua_Integer pid = luaL_checkinteger(L, i);
    struct task *p = inst->current;

    if (p == NULL || (lua_Integer)task_pid(p) != pid)
        p = pid > 0 && pid <= INT_MAX ? scx_task_from_pid(scx, (int)pid) : NULL;
    if (p == NULL)
        luaL_argerror(L, i, "there is no such task");
    return p;
}

static int
int_arg(lua_State *L, int i)
{
    lua_Integer v = luaL_checkinteger(L, i);

    return v < INT_MIN || v > INT_MAX ? -1 : (int)v;
}

static int
cpu_arg(lua_State *L, int i)
{
    lua_Integer cpu = luaL_checkinteger(L, i);

    if (cpu < 0 || cpu >= (lua_Integer)scx_nr_cpu_ids(scx_of(L)))
        luaL_argerror(L, i, "there is no such CPU");
    return (int)cpu;
}

static int
node_arg(lua_State *L, int i)
{
    lua_Integer node = luaL_checkinteger(L, i);

    if (node < 0 || node >= (lua_Integer)scx_nr_nodes(scx_of(L)))
        luaL_argerror(L, i, "there is no such node");
    return (int)node;
}

static uint64_t
u64_arg(lua_State *L, int i)
{
    return (uint64_t)luaL_checkinteger(L, i);
}

static uint64_t
u64_opt(lua_State *L, int i)
{
    return (uint64_t)luaL_optinteger(L, i, 0);
}

static int
number(lua_State *L, uint64_t value)
{
    lua_pushinteger(L, (lua_Integer)value);
    return 1;
}

/* Errors of the kernel and "none" are -1 and less: nil and the number itself. */
static int
number_or_nil(lua_State *L, int64_t value)
{
    if (value < 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, value);
    return 1;
}

static int
truth(lua_State *L, bool value)
{
    lua_pushboolean(L, value);
    return 1;
}

static int
task_or_nil(lua_State *L, const struct task *p)
{
    return number_or_nil(L, p == NULL ? -1 : (int64_t)task_pid(p));
}

static int
text_or_nil(lua_State *L, const char *text)
{
    lua_pushstring(L, text);
    return 1;
}

static int
mask(lua_State *L, const struct cpumask *m)
{
    script_push_mask(L, m);
    return 1;
}

/* ---- plain calls: NAME(arguments) -> result ---- */

#define CALL(name, result)                                                                         \
    static int call_##name(lua_State *L)                                                           \
    {                                                                                              \
        struct scx *scx = scx_of(L);                                                               \
        return result;                                                                             \
    }
#define DO(name, statement)                                                                        \
    static int call_##name(lua_State *L)                                                           \
    {                                                                                              \
        struct scx *scx = scx_of(L);                                                               \
        statement;                                                                                 \
        return 0;                                                                                  \
    }

CALL(create_dsq, number(L, (uint64_t)(int64_t)scx_create_dsq(scx, u64_arg(L, 1),
                                                             (int)luaL_optinteger(L, 2, -1))))
DO(destroy_dsq, scx_destroy_dsq(scx, u64_arg(L, 1)))
CALL(dsq_nr_queued, number(L, (uint64_t)(int64_t)scx_dsq_nr_queued(scx, u64_arg(L, 1))))
DO(dsq_insert, scx_dsq_insert(scx, task_arg(L, 1), u64_arg(L, 2), u64_arg(L, 3), u64_opt(L, 4)))
DO(dsq_insert_vtime, scx_dsq_insert_vtime(scx, task_arg(L, 1), u64_arg(L, 2), u64_arg(L, 3),
                                          u64_arg(L, 4), u64_opt(L, 5)))
CALL(dispatch_nr_slots, number(L, scx_dispatch_nr_slots(scx)))
DO(dispatch_cancel, scx_dispatch_cancel(scx))
CALL(dsq_move_to_local, truth(L, scx_dsq_move_to_local(scx, u64_arg(L, 1))))
CALL(reenqueue_local, number(L, scx_reenqueue_local(scx)))
CALL(dsq_peek, task_or_nil(L, scx_dsq_peek(scx, u64_arg(L, 1))))

CALL(queue_new, number(L, (uint64_t)(int64_t)scx_queue_new(scx, (uint32_t)u64_arg(L, 1))))
CALL(queue_push, truth(L, scx_queue_push(scx, int_arg(L, 1), u64_arg(L, 2))))
CALL(queue_len, number(L, scx_queue_len(scx, int_arg(L, 1))))

DO(kick_cpu, scx_kick_cpu(scx, int_arg(L, 1), u64_opt(L, 2)))
CALL(test_and_clear_cpu_idle, truth(L, scx_test_and_clear_cpu_idle(scx, int_arg(L, 1))))
CALL(pick_idle_cpu,
     number_or_nil(L, scx_pick_idle_cpu(scx, script_check_mask(L, 1), u64_opt(L, 2))))
CALL(pick_any_cpu, number_or_nil(L, scx_pick_any_cpu(scx, script_check_mask(L, 1), u64_opt(L, 2))))
CALL(pick_idle_cpu_node, number_or_nil(L, scx_pick_idle_cpu_node(scx, script_check_mask(L, 1),
                                                                 node_arg(L, 2), u64_opt(L, 3))))
CALL(pick_any_cpu_node, number_or_nil(L, scx_pick_any_cpu_node(scx, script_check_mask(L, 1),
                                                               node_arg(L, 2), u64_opt(L, 3))))
CALL(idle_cpumask, mask(L, scx_idle_cpumask(scx)))
CALL(idle_smtmask, mask(L, scx_idle_smtmask(scx)))
CALL(idle_cpumask_node, mask(L, scx_idle_cpumask_node(scx, node_arg(L, 1))))
CALL(idle_smtmask_node, mask(L, scx_idle_smtmask_node(scx, node_arg(L, 1))))
CALL(possible_cpumask, mask(L, scx_possible_cpumask(scx)))
CALL(online_cpumask, mask(L, scx_online_cpumask(scx)))
CALL(node_cpumask, mask(L, scx_node_cpumask(scx, node_arg(L, 1))))
CALL(llc_cpumask, mask(L, scx_llc_cpumask(scx, cpu_arg(L, 1))))
CALL(task_cpumask, mask(L, scx_task_cpumask(scx, task_arg(L, 1))))
CALL(nr_cpu_ids, number(L, scx_nr_cpu_ids(scx)))
CALL(this_cpu, number(L, (uint64_t)(int64_t)scx_this_cpu(scx)))
CALL(cpu_curr, task_or_nil(L, scx_cpu_curr(scx, cpu_arg(L, 1))))
CALL(cpuperf_cap, number(L, scx_cpuperf_cap(scx, cpu_arg(L, 1))))
CALL(cpuperf_cur, number(L, scx_cpuperf_cur(scx, cpu_arg(L, 1))))
DO(cpuperf_set, scx_cpuperf_set(scx, cpu_arg(L, 1), (uint32_t)u64_arg(L, 2)))
CALL(cpu_sibling, number_or_nil(L, scx_cpu_sibling(scx, cpu_arg(L, 1))))
CALL(cpu_llc, number(L, (uint64_t)(int64_t)scx_cpu_llc(scx, cpu_arg(L, 1))))

CALL(nr_nodes, number(L, scx_nr_nodes(scx)))
CALL(cpu_node, number(L, (uint64_t)(int64_t)scx_cpu_node(scx, cpu_arg(L, 1))))
CALL(node_distance, number(L, scx_node_distance(scx, node_arg(L, 1), node_arg(L, 2))))
CALL(nearest_node, number_or_nil(L, scx_nearest_node(scx, node_arg(L, 1), int_arg(L, 2))))
CALL(node_free_pages, number(L, scx_node_free_pages(scx, node_arg(L, 1))))

CALL(task_slice, number(L, scx_task_slice(scx, task_arg(L, 1))))
CALL(task_dsq_vtime, number(L, scx_task_dsq_vtime(scx, task_arg(L, 1))))
DO(task_set_slice, scx_task_set_slice(scx, task_arg(L, 1), u64_arg(L, 2)))
DO(task_set_dsq_vtime, scx_task_set_dsq_vtime(scx, task_arg(L, 1), u64_arg(L, 2)))
DO(task_disallow, scx_task_disallow(scx, task_arg(L, 1)))
CALL(task_weight, number(L, scx_task_weight(scx, task_arg(L, 1))))
CALL(task_queued, truth(L, scx_task_queued(scx, task_arg(L, 1))))
CALL(task_running, truth(L, scx_task_running(scx, task_arg(L, 1))))
CALL(task_cpu, number(L, (uint64_t)(int64_t)scx_task_cpu(scx, task_arg(L, 1))))
CALL(task_comm, text_or_nil(L, scx_task_comm(scx, task_arg(L, 1))))
CALL(task_process, text_or_nil(L, scx_task_process(scx, task_arg(L, 1))))
CALL(task_tgid, number(L, (uint64_t)(int64_t)scx_task_tgid(scx, task_arg(L, 1))))
CALL(task_nice, number(L, (uint64_t)(int64_t)scx_task_nice(scx, task_arg(L, 1))))
CALL(task_policy, number(L, (uint64_t)(int64_t)scx_task_policy(scx, task_arg(L, 1))))
CALL(task_nr_cpus_allowed, number(L, scx_task_nr_cpus_allowed(scx, task_arg(L, 1))))
CALL(task_sum_exec, number(L, scx_task_sum_exec(scx, task_arg(L, 1))))
CALL(task_node, number_or_nil(L, scx_task_node(scx, task_arg(L, 1))))
CALL(task_pages, number(L, scx_task_pages(scx, task_arg(L, 1), node_arg(L, 2))))
CALL(task_faults, number(L, scx_task_faults(scx, task_arg(L, 1), node_arg(L, 2))))
CALL(task_access_share, number(L, scx_task_access_share(scx, task_arg(L, 1), node_arg(L, 2))))
CALL(task_preferred_node, number_or_nil(L, scx_task_preferred_node(scx, task_arg(L, 1))))
CALL(task_hint, text_or_nil(L, scx_task_hint(scx, task_arg(L, 1), luaL_checkstring(L, 2))))

DO(set_nice, scx_set_nice(scx, task_arg(L, 1), int_arg(L, 2)))
DO(request_balance, scx_request_balance(scx, cpu_arg(L, 1)))
CALL(migrate_pages, number(L, scx_migrate_pages(scx, task_arg(L, 1), node_arg(L, 2), node_arg(L, 3),
                                                u64_arg(L, 4))))
CALL(set_mempolicy,
     number(L,
            (uint64_t)(int64_t)scx_set_mempolicy(scx, task_arg(L, 1),
                                                 (enum scx_mempolicy)int_arg(L, 2), u64_opt(L, 3))))

CALL(now, number(L, scx_now(scx)))
CALL(hz, number(L, scx_hz(scx)))
CALL(timers_new, number(L, (uint64_t)(int64_t)scx_timers_new(scx, (uint32_t)u64_arg(L, 1))))
DO(timer_start, scx_timer_start(scx, (uint32_t)u64_arg(L, 1), u64_arg(L, 2)))
DO(timer_cancel, scx_timer_cancel(scx, (uint32_t)u64_arg(L, 1)))
DO(exit, scx_exit(scx, luaL_checkinteger(L, 1), "%s", luaL_optstring(L, 2, "")))
DO(error, scx_error(scx, "%s", luaL_checkstring(L, 1)))
DO(dump, scx_dump(scx, "%s", luaL_checkstring(L, 1)))

/* ---- calls with several results, or with words ---- */

static int
call_select_cpu_dfl(lua_State *L)
{
    bool is_idle = false;
    int cpu = scx_select_cpu_dfl(scx_of(L), task_arg(L, 1), int_arg(L, 2), u64_arg(L, 3), &is_idle);

    lua_pushinteger(L, cpu);
    lua_pushboolean(L, is_idle);
    return 2;
}

static int
call_select_cpu_and(lua_State *L)
{
    return number_or_nil(L,
                         scx_select_cpu_and(scx_of(L), task_arg(L, 1), int_arg(L, 2), u64_arg(L, 3),
                                            script_check_mask(L, 4), u64_opt(L, 5)));
}

static int
queue_get(lua_State *L, bool (*get)(struct scx *scx, int queue, uint64_t *value))
{
    uint64_t value;

    if (!get(scx_of(L), int_arg(L, 1), &value))
        lua_pushnil(L);
    else
        lua_pushinteger(L, (lua_Integer)value);
    return 1;
}

static int
call_queue_pop(lua_State *L)
{
    return queue_get(L, scx_queue_pop);
}

static int
call_queue_peek(lua_State *L)
{
    return queue_get(L, scx_queue_peek);
}

static int
call_task_times(lua_State *L)
{
    struct scx_task_times t;

    scx_task_times(scx_of(L), task_arg(L, 1), &t);
    lua_pushinteger(L, (lua_Integer)t.run);
    lua_pushinteger(L, (lua_Integer)t.wait);
    lua_pushinteger(L, (lua_Integer)t.sleep);
    lua_pushinteger(L, (lua_Integer)t.io);
    lua_pushinteger(L, (lua_Integer)t.nr_switches);
    lua_pushinteger(L, (lua_Integer)t.nr_voluntary);
    lua_pushinteger(L, (lua_Integer)t.nr_wakeups);
    return 7;
}

static int
call_task_cgroup(lua_State *L)
{
    struct scx *scx = scx_of(L);
    struct task_group *cgrp = scx_task_cgroup(scx, task_arg(L, 1));

    return number_or_nil(L, cgrp == NULL ? -1 : (int64_t)scx_cgroup_id(scx, cgrp));
}

/* random(stream), or random(stream, n): below n. */
static int
call_random(lua_State *L)
{
    struct scx *scx = scx_of(L);
    uint32_t stream = (uint32_t)u64_arg(L, 1) & 15;

    if (lua_isnoneornil(L, 2))
        return number(L, scx_random(scx, stream));
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_argcheck(L, n > 0, 2, "must be above 0");
    return number(L, scx_random_below(scx, stream, (uint64_t)n));
}

/* dsq_tasks(dsq [, reverse]): the tasks that wait there, as a list. */
static int
call_dsq_tasks(lua_State *L)
{
    struct scx *scx = scx_of(L);
    uint64_t flags = lua_toboolean(L, 2) ? SCX_DSQ_ITER_REV : 0;
    int n = scx_dsq_nr_queued(scx, u64_arg(L, 1));
    struct scx_dsq_iter it;

    box_charge(L, n > 0 ? 2 * (uint64_t)n : 0);
    lua_createtable(L, n > 0 ? n : 0, 0);
    if (n <= 0 || scx_dsq_iter_new(scx, &it, u64_arg(L, 1), flags) != 0)
        return 1;
    struct task *p;
    /* within the room that was made: nothing may fail before the iterator is closed */
    for (int i = 1; i <= n && (p = scx_dsq_iter_next(scx, &it)) != NULL; i++) {
        lua_pushinteger(L, task_pid(p));
        lua_rawseti(L, -2, i);
    }
    scx_dsq_iter_destroy(scx, &it);
    return 1;
}

/* dsq_move(from, p, to [, slice [, flags]]): p, wherever it stands in the user's DSQ. */
static int
call_dsq_move(lua_State *L)
{
    struct scx *scx = scx_of(L);
    struct task *wanted = task_arg(L, 2), *p;
    uint64_t from = u64_arg(L, 1), to = u64_arg(L, 3), slice = u64_opt(L, 4), flags = u64_opt(L, 5);
    struct scx_dsq_iter it;
    bool moved = false;

    box_charge(L, (uint64_t)SIM_MAX(scx_dsq_nr_queued(scx, from), 0));
    if (scx_dsq_iter_new(scx, &it, from, 0) != 0)
        return truth(L, false);
    while ((p = scx_dsq_iter_next(scx, &it)) != NULL && p != wanted)
        ;
    if (p != NULL) {
        if (slice != 0)
            scx_dsq_move_set_slice(scx, &it, slice);
        moved = scx_dsq_move(scx, &it, p, to, flags);
    }
    scx_dsq_iter_destroy(scx, &it);
    return truth(L, moved);
}

/* A number for the results: stat(name, value), or stat_add(name [, how many]). */
static int
stat_change(lua_State *L, bool add)
{
    struct instance *inst = instance_of(L);
    const struct script *s = scx_adapter(scx_of(L));
    const char *name = luaL_checkstring(L, 1);
    uint64_t value = (uint64_t)luaL_optinteger(L, 2, 1), *slot;
    uint32_t i = 0;

    while (s->stats[i] != NULL && strcmp(s->stats[i], name) != 0)
        i++;
    luaL_argcheck(L, s->stats[i] != NULL, 1, "not in the list `stats` of the script");
    slot =
        (uint64_t *)(void *)&inst->slots[s->ops.stats[i].offset - offsetof(struct instance, slots)];
    *slot = add ? *slot + value : value;
    return 0;
}

static int
call_stat(lua_State *L)
{
    return stat_change(L, false);
}

static int
call_stat_add(lua_State *L)
{
    return stat_change(L, true);
}

/* ---- the table ---- */

#define NAMES(X)                                                                                   \
    X(create_dsq)                                                                                  \
    X(destroy_dsq)                                                                                 \
    X(dsq_nr_queued) X(dsq_insert) X(dsq_insert_vtime) X(dispatch_nr_slots) X(dispatch_cancel) X(  \
        dsq_move_to_local) X(reenqueue_local) X(dsq_peek) X(queue_new) X(queue_push) X(queue_pop)  \
        X(queue_peek) X(queue_len) X(kick_cpu) X(test_and_clear_cpu_idle) X(pick_idle_cpu)         \
            X(pick_any_cpu) X(pick_idle_cpu_node) X(pick_any_cpu_node) X(idle_cpumask)             \
                X(idle_smtmask) X(idle_cpumask_node) X(idle_smtmask_node) X(possible_cpumask) X(   \
                    online_cpumask) X(node_cpumask) X(llc_cpumask) X(task_cpumask) X(nr_cpu_ids)   \
                    X(this_cpu) X(cpu_curr) X(cpuperf_cap) X(cpuperf_cur) X(cpuperf_set) X(        \
                        cpu_sibling) X(cpu_llc) X(nr_nodes) X(cpu_node) X(node_distance)           \
                        X(nearest_node) X(node_free_pages) X(task_slice) X(task_dsq_vtime) X(      \
                            task_set_slice) X(task_set_dsq_vtime) X(task_disallow) X(task_weight)  \
                            X(task_queued) X(task_running) X(task_cpu) X(task_comm)                \
                                X(task_process) X(task_tgid) X(task_nice) X(task_policy)           \
                                    X(task_nr_cpus_allowed) X(task_sum_exec) X(task_node)          \
                                        X(task_pages) X(task_faults) X(task_access_share)          \
                                            X(task_preferred_node) X(task_hint) X(task_times)      \
                                                X(task_cgroup) X(set_nice) X(request_balance)      \
                                                    X(migrate_pages) X(set_mempolicy) X(now) X(hz) \
                                                        X(timers_new) X(timer_start)               \
                                                            X(timer_cancel) X(exit) X(error)       \
                                                                X(dump) X(select_cpu_dfl)          \
                                                                    X(select_cpu_and) X(random)    \
                                                                        X(dsq_tasks) X(dsq_move)   \
                                                                            X(stat) X(stat_add)

static const struct luaL_Reg calls[] = {
#define X(name) { #name, call_##name },
    NAMES(X)
#undef X
        { NULL, NULL }
};

static const struct scx_name constants[] = {
#define X(name) { #name, (uint64_t)SCX_##name },
    X(DSQ_GLOBAL) X(DSQ_LOCAL) X(DSQ_LOCAL_ON) X(SLICE_DFL) X(SLICE_INF) X(ENQ_WAKEUP)
        X(ENQ_RESTORE) X(ENQ_MOVE) X(ENQ_HEAD) X(ENQ_MIGRATED) X(ENQ_INITIAL) X(ENQ_CPU_SELECTED)
            X(ENQ_PREEMPT) X(ENQ_REENQ) X(ENQ_LAST) X(DEQ_SLEEP) X(DEQ_SPECIAL) X(WAKE_FORK)
                X(WAKE_TTWU) X(WAKE_SYNC) X(KICK_IDLE) X(KICK_PREEMPT) X(KICK_WAIT)
                    X(PICK_IDLE_CORE) X(PICK_IDLE_IN_NODE) X(CPU_PREEMPT_RT) X(CPU_PREEMPT_DL)
                        X(CPU_PREEMPT_STOP) X(CPU_PREEMPT_UNKNOWN) X(EXIT_UNREG) X(EXIT_UNREG_BPF)
                            X(EXIT_UNREG_KERN) X(EXIT_ERROR) X(EXIT_ERROR_BPF) X(EXIT_ERROR_STALL)
                                X(MPOL_DEFAULT) X(MPOL_PREFERRED) X(MPOL_BIND) X(MPOL_INTERLEAVE)
                                    X(MPOL_LOCAL) X(MPOL_PREFERRED_MANY) X(MPOL_WEIGHTED_INTERLEAVE)
#undef X
                                        { NULL, 0 }
};

const struct scx_name script_ops_flags[] = {
#define X(name) { #name, SCX_OPS_##name },
    X(KEEP_BUILTIN_IDLE) X(ENQ_LAST) X(ENQ_EXITING) X(SWITCH_PARTIAL) X(ENQ_MIGRATION_DISABLED)
        X(ALLOW_QUEUED_WAKEUP) X(BUILTIN_IDLE_PER_NODE) X(HAS_CGROUP_WEIGHT)
#undef X
            { NULL, 0 }
};

void
script_open_calls(lua_State *L)
{
    lua_newtable(L);
    luaL_setfuncs(L, calls, 0);
    for (const struct scx_name *c = constants; c->name != NULL; c++) {
        lua_pushinteger(L, (lua_Integer)c->value);
        lua_setfield(L, -2, c->name);
    }
    script_open_masks(L);
    lua_setglobal(L, "scx");
    if (luaL_loadbufferx(L, embedded_hooks, sizeof embedded_hooks - 1, "=hooks", "t") != LUA_OK)
        lua_error(L);
    lua_call(L, 0, 0);
}
