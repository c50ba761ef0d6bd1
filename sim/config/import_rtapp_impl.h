/*
 * What the parts of the rt-app importer share. import_rtapp_token.c and _read.c: the file as a
 * tree; import_rtapp.c: the file as a whole; _survey.c and _task.c: tasks and phases, first and
 * second pass; _event.c and _meet.c: the events, one function each; _make.c: the tree that the
 * workload loader reads.
 */
#pragma once

#include <inttypes.h>

#include "config/import_rtapp.h"
#include "config/yaml_tree.h"

enum {
    RTAPP_DEPTH_MAX = 16,
    RTAPP_NODES_MAX = 500000,
    RTAPP_TEXT_MAX = 1000,  /* of a key or value */
    RTAPP_KEYS_MAX = 10000, /* of one object: some are looked up in its list again and again */
    RTAPP_TASKS_MAX = 1000,
    RTAPP_OBJECTS_MAX = 2000,
    RTAPP_FORKS_MAX = 1024,  /* rt-app's own limit for each forked task */
    RTAPP_UNKNOWN_SHOWN = 10 /* unknown keys that are named; all are counted */
};

/* One entry of "tasks". */
struct rtapp_task {
    const struct ynode *key, *map;
    const char *name;               /* as events write it */
    const char *group, *fork_group; /* of the workload; NULL: there is none */
    uint64_t instances;
    int64_t loop;               /* -1: forever */
    uint64_t nr_forks;          /* how often it may be forked, at most RTAPP_FORKS_MAX */
    const char *own_timer;      /* the unique timer that is the thread's own; the first one */
    uint64_t buffer;            /* bytes that its events use of the buffer; 0: none */
    uint64_t rounds;            /* of the phase that is surveyed, for all instances; saturated */
    const struct ynode *phases; /* NULL: the task's map holds the events */
    bool moves, binds;          /* phases have their own CPUs; their own nodes */
};

struct rtapp {
    struct yaml_doc in;  /* the file */
    struct yaml_doc out; /* the workload */
    struct ynode *sync, *threads;
    GHashTable *taken;        /* names of the workload */
    GHashTable *objects;      /* "mutex X" > its name in the workload */
    GHashTable *mutexes;      /* of conditions: name > name of the mutex */
    GHashTable *participants; /* of barriers: name > GUINT */
    GHashTable *absolute;     /* timers that are absolute wherever they stand */
    GHashTable *unknown;      /* keys */
    GPtrArray *unknown_shown; /* "frag (line 9)" */
    GPtrArray *idle_keys;     /* keys that mean nothing here, as they were met */
    guint nr_unknown;
    GArray *tasks; /* struct rtapp_task */
    uint64_t buffer_max;
    int64_t duration; /* s; below 1: none */
    bool device_is_null, has_io;
    bool pi; /* pi_enabled */
    const char *default_class;
};

/* ---- reading ---- */

/* The file as a tree: maps keep their order and duplicate keys, a key without a value has an empty
 * one. False: messages are in diag. */
bool rtapp_read(struct yaml_doc *doc, const char *path, const char *text, gsize len);

/* ---- what a file says ---- */

/* The value of an attribute, which may stand once; NULL: absent. */
const struct ynode *rtapp_get(struct rtapp *r, const struct ynode *map, const char *key);
bool rtapp_number(struct rtapp *r, const struct ynode *n, int64_t min, int64_t max, int64_t *value);
/* The attribute, or `def`; false with an error. */
bool rtapp_number_at(struct rtapp *r, const struct ynode *map, const char *key, int64_t min,
                     int64_t max, int64_t def, int64_t *value);
/* A string with something in it; NULL with an error. */
const char *rtapp_text(struct rtapp *r, const struct ynode *n);
void rtapp_not_yet(struct rtapp *r, const struct ynode *n, const char *what);
void rtapp_unknown(struct rtapp *r, const struct ynode *key);
/* A known key that says nothing about the workload. */
void rtapp_idle(struct rtapp *r, const struct ynode *key);
void rtapp_note(struct rtapp *r, const struct ynode *n, const char *fmt, ...) SIM_PRINTF(3, 4);

/* ---- making ---- */

struct ynode *make_map(struct rtapp *r, const struct ynode *at);
struct ynode *make_list(struct rtapp *r, const struct ynode *at);
struct ynode *make_text(struct rtapp *r, const struct ynode *at, const char *fmt, ...)
    SIM_PRINTF(3, 4);
void make_put(struct rtapp *r, struct ynode *map, const char *key, struct ynode *value);
void make_push(struct rtapp *r, struct ynode *list, struct ynode *item);
/* {verb: value} at the end of a program. */
void make_step(struct rtapp *r, struct ynode *program, const char *verb, struct ynode *value);
/* Appends a loop, and returns its body. rounds -1: forever. */
struct ynode *make_loop(struct rtapp *r, struct ynode *program, const struct ynode *at,
                        int64_t rounds);
/* A name that the workload may have, and has not yet. */
const char *make_name(struct rtapp *r, const char *wanted);
/* The name of the thing to meet at, declared when it is first asked for. `size`: of a barrier, or
 * how many timers; 0: none. */
const char *make_object(struct rtapp *r, const struct ynode *at, const char *kind, const char *name,
                        uint64_t size);
const char *make_condition(struct rtapp *r, const struct ynode *at, const char *name);

/* ---- tasks and events ---- */

/* First pass, if it finds no fault the second one: all tasks of a map. */
void rtapp_survey_tasks(struct rtapp *r, const struct ynode *map);
void rtapp_write_tasks(struct rtapp *r);
/* The nodes that memory is bound to; NULL: none. */
const struct ynode *rtapp_nodes(struct rtapp *r, const struct ynode *map);
/* -1: forever. `def` where there is none. */
int64_t rtapp_loop(struct rtapp *r, const struct ynode *map, int64_t def);
/* The class for a policy; NULL: a real-time one. False with an error: not known. */
struct rtapp_class_values {
    const char *class;
    bool has_priority;
    int64_t priority;                  /* or the nice level */
    int64_t runtime, deadline, period; /* us */
};
/* Of a task, or of a phase (`map`) of it; false with an error. */
bool rtapp_class_read(struct rtapp *r, const struct ynode *task, const struct ynode *map,
                      struct rtapp_class_values *v);
void rtapp_class_write(struct rtapp *r, const struct ynode *at, const struct rtapp_class_values *v,
                       struct ynode *map);
/* It says something of its class. */
bool rtapp_has_class(struct rtapp *r, const struct ynode *map);
bool rtapp_policy(struct rtapp *r, const struct ynode *n, const char **class);

/* Whether the key names an event. */
bool rtapp_is_event(const char *key);
/* First pass: what an event says about others. */
void rtapp_survey_event(struct rtapp *r, struct rtapp_task *t, const struct ynode *key,
                        const struct ynode *value);
void rtapp_event(struct rtapp *r, struct rtapp_task *t, const struct ynode *key,
                 const struct ynode *value, struct ynode *program);
