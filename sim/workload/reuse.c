/*
 * From what a step says of its working set to the curve of its misses.
 */
#include "workload/run.h"

static struct burst_reuse *
new_reuse(struct thread *t, uint32_t nr, bool all_levels, struct reuse_point **points)
{
    struct arena *a = t->run->k->arena;
    struct burst_reuse *reuse = arena_new_object(a, struct burst_reuse);

    *points = arena_new_array(a, struct reuse_point, nr);
    (*points)[0].miss_q16 = MIX_ALL;
    *reuse = (struct burst_reuse){ .nr = nr, .all_levels = all_levels, .points = *points };
    return reuse;
}

static uint32_t
q16(uint32_t ppm)
{
    return (uint32_t)mul_div_u64(ppm, MIX_ALL, 1000000);
}

const char *
build_reuse(struct thread *t, const struct wmem *mem, uint64_t bytes, bool all_levels,
            struct burst_profile *to)
{
    const struct wreuse *from = &mem->reuse;
    struct reuse_point *points;
    struct wenv env;
    const char *why = NULL;

    if (from->kind == WREUSE_NONE)
        return NULL;
    if (from->kind == WREUSE_TABLE) {
        to->reuse = new_reuse(t, from->nr_points + 1, all_levels, &points);
        for (uint32_t i = 0; i < from->nr_points; i++)
            points[i + 1] =
                (struct reuse_point){ from->points[i].bytes, q16(from->points[i].miss_ppm) };
        return NULL;
    }
    env_of_thread(&env, t);
    if (from->working_set.nr > 0)
        why = wexpr_eval(&from->working_set, &env, &bytes);
    if (why == NULL && (bytes == 0 || bytes >> 50 > 0))
        why = "is no working set from 1B to 1PiB";
    if (why != NULL)
        return why;
    to->reuse = new_reuse(t, 2, all_levels, &points);
    points[1] = (struct reuse_point){ bytes, q16(from->miss_min_ppm) };
    return NULL;
}
