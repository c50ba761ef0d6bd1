/* Between the files of scripts: script.c loads, script_ops.c is called, script_calls.c calls. */
#pragma once

#include "kernel/task.h"
#include "script/script.h"

/* What a script is, once it was looked at. Immutable: runs at the same time share it. */
struct script {
    const char *name, *text;
    size_t len;
    const struct field *params; /* of the script itself; offsets as in the private state */
    const char *const *stats;   /* names; NULL-terminated */
    uint64_t present;           /* a bit for each operation that it has */
    uint32_t nr_slots;
    struct sched_ops ops;
};

/* A script in a run: the private state of its policy. */
struct instance {
    struct box_limits limits;
    uint64_t instruction_cost; /* ps */
    struct box *box;           /* from init on */
    struct scx *scx;
    struct task *current; /* that the operation is about: found without a search */
    int depth;            /* operations within operations */
    int refs[SCX_OP_NR];  /* in the registry of the box */
    /* parameters as fields say, then stats; 8 bytes each */
    _Alignas(8) unsigned char slots[];
};

extern const struct field script_fields[]; /* of struct instance: what every script has */

/* Fills in the functions of the operations that the script has, and init and exit in any case. */
void script_set_ops(struct script *s, struct sched_ops *ops);

/* ---- script_run.c ---- */

/* Puts the operation's function on the stack. Then come its arguments, then one of the calls. */
lua_State *script_begin(struct scx *scx, enum scx_op op, struct task *p);
void script_push_task(lua_State *L, const struct task *p); /* NULL: nil */
void script_push_cgroup(lua_State *L, struct scx *scx, const struct task_group *cgrp);
/* Charges what the call cost. False: the policy is told so; else the results are on the stack. */
bool script_call(struct scx *scx, int nr_args, int nr_results);
/* Take the result off; `otherwise`: it failed, or returned nothing. */
int64_t script_call_for_number(struct scx *scx, int nr_args, int64_t otherwise);
bool script_call_for_bool(struct scx *scx, int nr_args);
int script_op_init(struct scx *scx);
void script_op_exit(struct scx *scx, const struct scx_exit_info *info);

/* Global `scx`; the instance is box_of(L)->owner. NULL owner: constants only. */
void script_open_calls(lua_State *L);
/* Global `param`. */
void script_open_params(lua_State *L, const struct script *s, const struct instance *inst);
/* scx.cpumask_... */
void script_open_masks(lua_State *L);
void script_push_mask(lua_State *L, const struct cpumask *m);
const struct cpumask *script_check_mask(lua_State *L, int i);

/* ---- script_read.c ---- */

struct look {
    lua_State *L;
    struct arena *a;
    struct script *s;
    const char *why; /* so far */
};

void script_complain(struct look *k, const char *fmt, ...) SIM_PRINTF(2, 3);
/* In the box, so that running out of memory is an error like others: the table is at index 1, the
 * struct look behind it. */
int script_read(lua_State *L);

struct scx_name {
    const char *name;
    uint64_t value;
};
extern const struct scx_name script_ops_flags[]; /* ENQ_LAST... */

static inline struct instance *
instance_of(lua_State *L)
{
    return box_of(L)->owner;
}
