// The workloads of hold_engine.c over the containers that others build event queues from:
// std::priority_queue, std::multimap and GLib's GTree.
//
//   bench_containers pq|multimap|gtree exp|sched N [WINDOWS]
//
// Prints the line that hold_engine.c prints. A priority queue cannot move an entry, so it leaves
// the old one behind and skips it later: `stale` counts those.
#include "common.h"
#include <glib.h>
#include <map>
#include <queue>
#include <vector>
struct ev {
    u64 t;
    u32 seq, id;
};
static inline bool
lt(const ev &a, const ev &b)
{
    return a.t < b.t || (a.t == b.t && a.seq < b.seq);
}
struct More {
    bool
    operator()(const ev &a, const ev &b) const
    {
        return lt(b, a);
    }
};

struct PQ {
    static const bool addr = false;
    std::priority_queue<ev, std::vector<ev>, More> q;
    void
    init(u32)
    {
    }
    void
    push(ev e)
    {
        q.push(e);
    }
    ev
    pop()
    {
        ev e = q.top();
        q.pop();
        return e;
    }
    void
    update(ev)
    {
    }
};
struct MM {
    static const bool addr = true;
    std::multimap<u64, ev> m;
    std::vector<std::multimap<u64, ev>::iterator> it;
    void
    init(u32 n)
    {
        it.resize(n);
    }
    void
    push(ev e)
    {
        it[e.id] = m.emplace(e.t, e);
    }
    ev
    pop()
    {
        auto i = m.begin();
        ev e = i->second;
        m.erase(i);
        return e;
    }
    void
    update(ev e)
    {
        m.erase(it[e.id]);
        push(e);
    }
};
static gint
gcmp(gconstpointer a, gconstpointer b, gpointer)
{
    const ev *x = (const ev *)a, *y = (const ev *)b;
    return lt(*x, *y) ? -1 : lt(*y, *x) ? 1 : 0;
}
struct GT {
    static const bool addr = true;
    GTree *t;
    std::vector<ev> e;
    void
    init(u32 n)
    {
        e.resize(n);
        t = g_tree_new_full(gcmp, 0, 0, 0);
    }
    void
    push(ev v)
    {
        e[v.id] = v;
        g_tree_insert(t, &e[v.id], &e[v.id]);
    }
    ev
    pop()
    {
        ev *p = (ev *)g_tree_node_key(g_tree_node_first(t));
        ev v = *p;
        g_tree_remove(t, p);
        return v;
    }
    void
    update(ev v)
    {
        g_tree_remove(t, &e[v.id]);
        push(v);
    }
};

static u32 seqn;
static u64 hash;
static u64 *dl;
static u64 rearms, stale;
static inline void
hsh(u64 t)
{
    hash = (hash ^ t) * 0x9e3779b97f4a7c15ULL;
}
static inline u64
wake_inc()
{
    return 20000 + (d_inc() >> 1);
}
static inline u64
slice_inc()
{
    return 750000 + ((rng() >> 32) * 2250000 >> 32);
}
template <class Q>
__attribute__((noinline)) void
do_hold(Q &q, u64 h)
{
    while (h--) {
        ev e = q.pop();
        hsh(e.t);
        q.push({ e.t + 1 + d_inc(), seqn++, e.id });
    }
}
template <class Q>
__attribute__((noinline)) void
do_sched(Q &q, u64 h)
{
    while (h--) {
        ev e;
        for (;;) {
            e = q.pop();
            if (Q::addr || dl[e.id] == e.t)
                break;
            stale++;
        }
        u64 t = e.t;
        u32 id = e.id;
        hsh(t);
        u64 n;
        switch (id & 3) {
        case 0:
            n = t + 4000000;
            break;
        case 1:
            n = t + slice_inc();
            break;
        default: {
            u32 s = (id & ~3u) | 1;
            u64 d = t + slice_inc();
            rearms++;
            dl[s] = d;
            if (Q::addr)
                q.update({ d, seqn++, s });
            else
                q.push({ d, seqn++, s });
            n = t + wake_inc();
        }
        }
        dl[id] = n;
        q.push({ n, seqn++, id });
    }
}
template <class Q>
void
run(const char *name, const char *w, u32 n, int reps)
{
    static Q q;
    q.init(n);
    int d = -1;
    bool sched = false;
    for (int i = 0; i < D_N; i++)
        if (!strcmp(w, d_name[i]))
            d = i;
    if (d < 0) {
        d = D_EXP;
        sched = true;
    }
    d_init(d);
    dl = (u64 *)big(8ul * n);
    if (!sched)
        for (u32 i = 0; i < n; i++)
            q.push({ 1 + d_inc(), seqn++, i });
    else
        for (u32 i = 0; i < n; i++) {
            u64 t = (i & 3) == 0   ? 1 + (rng() >> 32) * 4000000 / (1ull << 32)
                    : (i & 3) == 1 ? slice_inc()
                                   : wake_inc();
            dl[i] = t;
            q.push({ t, seqn++, i });
        }
    u64 warm = n * 6ull > 400000 ? n * 6ull : 400000, H = n > 200000 ? 1000000 : 500000;
    if (getenv("H"))
        H = strtoull(getenv("H"), 0, 10);
    if (getenv("WARM"))
        warm = strtoull(getenv("WARM"), 0, 10);
    auto f = sched ? do_sched<Q> : do_hold<Q>;
    f(q, warm);
    u64 ck = hash;
    double r[256];
    rearms = stale = 0;
    for (int i = 0; i < reps; i++) {
        double t0 = cpu_s();
        f(q, H);
        r[i] = (cpu_s() - t0) / (double)H * 1e9;
    }
    qsort(r, (size_t)reps, sizeof *r, cmp_d);
    printf("%-14s %-6s %-8s %8u %8.2f %8.2f %016llx rearm/ev %.2f stale/ev %.2f\n", name,
           Q::addr ? "update" : "lazy", w, n, r[0], r[reps / 2], (unsigned long long)ck,
           (double)rearms / (double)H / reps, (double)stale / (double)H / reps);
}
int
main(int ac, char **av)
{
    if (ac < 4)
        return 1;
    const char *q = av[1], *w = av[2];
    u32 n = (u32)atoi(av[3]);
    int r = ac > 4 ? atoi(av[4]) : 5;
    pin(getenv("CORE") ? atoi(getenv("CORE")) : 1);
    rng_seed(42);
    if (!strcmp(q, "pq"))
        run<PQ>("std::priority_queue", w, n, r);
    else if (!strcmp(q, "multimap"))
        run<MM>("std::multimap", w, n, r);
    else if (!strcmp(q, "gtree"))
        run<GT>("GTree", w, n, r);
    return 0;
}
