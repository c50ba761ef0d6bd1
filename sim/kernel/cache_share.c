/*
 * The shares of a cache.
 *
 * A cache replaces lines at random among all, so in the long run what a set has of it is in
 * proportion to the lines that are brought in for it:
 *
 *     s_i = f T_i(s_i),  s_i <= W_i,  sum of s_i = C
 *     T_i(s) = sum over its users of n r m(s) / (cpu + r ((before - m(s)) hit + m(s) miss))
 *
 * T falls with s, so for a given f each equation has one solution, which rises with f: the f that
 * fills the cache is unique, and does not depend on where a search begins. It is found by Newton
 * steps inside of a bracket, for each set and for f. When all sets fit, each has all of it.
 *
 * A user without a set of its own streams: nothing of it is used again, yet its lines take room.
 *
 * Latencies are those without load, so that shares depend on who runs and on nothing else.
 */
#include "kernel/cache_share.h"

enum { SET_ROUNDS = 24, FILL_ROUNDS = 48 };
#define CLOSE_ENOUGH 1e-6

double
reuse_miss(const struct burst_reuse *reuse, double bytes, double *slope)
{
    uint32_t i = 1;

    *slope = 0;
    if (reuse == NULL)
        return 1;
    while (i < reuse->nr && bytes >= (double)reuse->points[i].bytes)
        i++;
    const struct reuse_point *a = &reuse->points[i - 1];
    if (i == reuse->nr)
        return a->miss_q16 / 65536.0;
    const struct reuse_point *b = &reuse->points[i];
    *slope = ((double)b->miss_q16 - a->miss_q16) / 65536.0 / (double)(b->bytes - a->bytes);
    return a->miss_q16 / 65536.0 + (bytes - (double)a->bytes) * *slope;
}

static double
ratio_at(const struct cache_user *u, double bytes, double *slope)
{
    double m = reuse_miss(u->reuse, bytes, slope);

    if (m <= u->before)
        return m;
    *slope = 0;
    return u->before;
}

/* Misses of all users of a set in a ns, and how that changes by byte. */
static double
traffic(const struct cache_user *users, uint32_t set, double bytes, double *change)
{
    const struct cache_user *u = &users[set];
    double sum = 0;

    *change = 0;
    for (;;) {
        double slope;
        double m = ratio_at(u, bytes, &slope), fixed = u->cpu + u->refs * u->before * u->hit;
        double tau = fixed + u->refs * m * (u->miss - u->hit);
        sum += u->nr * u->refs * m / tau;
        *change += u->nr * u->refs * fixed / (tau * tau) * slope;
        if (u->next == 0)
            return sum;
        u = &users[u->next];
    }
}

/* The bytes of a set at this f; *rise: by how much they grow with it. */
static double
set_bytes(const struct cache_user *users, uint32_t set, double f, double *rise)
{
    double most = users[set].most, low = 0, high = most > 0 ? most : 1e300, change;
    double s = SIM_MIN(users[set].bytes, high), t = traffic(users, set, high, &change);

    *rise = 0;
    if (most > 0 && f * t >= most)
        return most;
    for (int i = 0; i < SET_ROUNDS; i++) {
        t = traffic(users, set, s, &change);
        double over = s - f * t, next = s - over / (1 - f * change);

        *rise = t / (1 - f * change);
        if (next - s <= CLOSE_ENOUGH * s && s - next <= CLOSE_ENOUGH * s)
            return SIM_CLAMP(next, low, high);
        if (over > 0)
            high = s;
        else
            low = s;
        if (next <= low || next >= high)
            next = high < 1e300 ? (low + high) / 2 : f * t;
        s = next;
    }
    return s;
}

/* Bytes of all sets at this f, which are noted; *rise likewise. */
static double
all_bytes(struct cache_user *users, uint32_t nr, double f, double *rise)
{
    double sum = 0, one;

    *rise = 0;
    for (uint32_t i = 0; i < nr; i++) {
        if (users[i].set != i)
            continue;
        users[i].bytes = set_bytes(users, i, f, &one);
        sum += users[i].bytes;
        *rise += one;
    }
    return sum;
}

static void
share_by_traffic(struct cache_user *users, uint32_t nr, double bytes)
{
    double low = 0, high = 0, all = 0, change, rise;

    for (uint32_t i = 0; i < nr; i++)
        if (users[i].set == i)
            all += traffic(users, i, 0, &change);
    double f = bytes / all;
    for (int i = 0; i < FILL_ROUNDS; i++) {
        double sum = all_bytes(users, nr, f, &rise), next;

        if (sum - bytes < CLOSE_ENOUGH * bytes && bytes - sum < CLOSE_ENOUGH * bytes)
            return;
        if (sum > bytes)
            high = f;
        else
            low = f;
        next = rise > 0 ? f + (bytes - sum) / rise : 2 * f;
        if (next <= low || (high > 0 && next >= high))
            next = high > 0 ? (low + high) / 2 : 2 * low;
        f = next;
    }
}

/* Sets that an equal part has room for have it, and the rest is divided anew. */
static void
share_equally(struct cache_user *users, uint32_t nr, double bytes)
{
    double left, heads;
    bool again;

    do {
        again = false;
        left = bytes;
        heads = 0;
        for (uint32_t i = 0; i < nr; i++) {
            left -= users[i].full ? users[i].most : 0;
            heads += users[i].full ? 0 : users[i].heads;
        }
        for (uint32_t i = 0; i < nr; i++) {
            struct cache_user *u = &users[i];

            if (u->heads == 0 || u->full || u->most == 0 || left * u->heads < u->most * heads)
                continue;
            u->full = again = true;
        }
    } while (again);
    for (uint32_t i = 0; i < nr; i++)
        users[i].bytes = users[i].full        ? users[i].most
                         : users[i].heads > 0 ? left * users[i].heads / heads
                                              : 0;
}

/* Who has the same set as whom; the bytes of all sets. */
static double
find_sets(struct cache_user *users, uint32_t nr, bool *streams)
{
    double all = 0;

    *streams = false;
    for (uint32_t i = 0; i < nr; i++) {
        struct cache_user *u = &users[i];
        uint32_t j = i;

        for (uint32_t h = 0; h < i && u->reuse != NULL && j == i; h++)
            if (users[h].set == h && users[h].reuse != NULL && users[h].region == u->region &&
                users[h].slice == u->slice)
                j = h;
        u->set = j;
        u->next = 0;
        if (j != i)
            users[users[j].last].next = i;
        users[j].last = i;
        u->full = false;
        u->heads = 0;
        u->bytes = 0;
        u->most = u->reuse != NULL ? (double)reuse_bytes(u->reuse) : 0;
        users[j].heads += u->nr;
        if (j != i && u->most > users[j].most) {
            all += u->most - users[j].most;
            users[j].most = u->most;
        }
        all += j == i ? u->most : 0;
        *streams |= u->reuse == NULL;
    }
    return all;
}

void
cache_share(struct cache_user *users, uint32_t nr, double bytes, enum llc_sharing how)
{
    bool streams;
    double all = find_sets(users, nr, &streams), slope;

    if (how == LLC_SHARING_OFF || (!streams && all <= bytes))
        for (uint32_t i = 0; i < nr; i++)
            users[i].bytes = users[i].most > 0 ? SIM_MIN(users[i].most, bytes) : 0;
    else if (how == LLC_SHARING_EQUAL)
        share_equally(users, nr, bytes);
    else
        share_by_traffic(users, nr, bytes);
    for (uint32_t i = 0; i < nr; i++) {
        struct cache_user *u = &users[i];

        if (u->set != i)
            u->bytes = users[u->set].bytes;
        u->ratio = ratio_at(u, u->bytes, &slope);
    }
}
