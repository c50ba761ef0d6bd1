"""The quantities that the oracle derives from its events, by the same definitions, from either side.

Times are ms since t=0. Events are (time, "new", thread, CPU) and (time, "migrate", thread, from, to);
those of a recording come from its file, those of a simulation from the text of its trace.
"""
import statistics


def events_of_trace(path, t0_ms, until_ms, since_ms=0.0):
    """Events of the threads t0, t1, ..., where they were at t=0, and their CPU time and turns since since_ms."""
    cpu, events, run, turns, since = {}, [], {}, {}, {}

    def stop(c, now):
        if c in since:
            who, start = since.pop(c)
            run[who] = run.get(who, 0.0) + max(0.0, now - max(start, since_ms))

    now = 0.0
    with open(path) as f:
        for line in f:
            mark = line.find(": sched_")
            if line.startswith("#") or mark < 0:
                continue
            stamp = line.rfind(" ", 0, mark)
            now = float(line[stamp:mark]) * 1000 - t0_ms
            if now > until_ms:
                break
            kind, rest = line[mark + 2:].split(": ", 1)
            word = dict(w.split("=", 1) for w in rest.split() if "=" in w)
            if kind == "sched_switch":
                c = int(line[line.rfind("[", 0, stamp) + 1:line.rfind("]", 0, stamp)])
                stop(c, now)
                who = thread(word["next_comm"])
                if who is not None:
                    since[c] = (who, now)
                    turns[who] = turns.get(who, 0) + (now >= since_ms)
                    cpu[who] = cpu.get(who, c)
            elif kind in ("sched_wakeup_new", "sched_migrate_task"):
                who = thread(word["comm"])
                if who is None:
                    continue
                if kind == "sched_wakeup_new":
                    to = int(word["target_cpu"])
                    if now >= 0:
                        events.append((now, "new", who, to))
                    cpu[who] = to
                else:
                    to = int(word["dest_cpu"])
                    if now >= 0:
                        events.append((now, "migrate", who, int(word["orig_cpu"]), to))
                    else:
                        cpu[who] = to
    for c in list(since):
        stop(c, min(now, until_ms) if now > until_ms else until_ms)
    n = max(cpu) + 1
    return events, cpu, [run.get(i, 0.0) for i in range(n)], [turns.get(i, 0) for i in range(n)]


def thread(comm):
    name = comm.rsplit("/", 1)[-1]
    return int(name[1:]) if name[:1] == "t" and name[1:].isdigit() else None


def timeline(start, events, nr_cpus):
    """Tasks per CPU: at t=0 (new tasks where they were placed), and after each migration."""
    counts = [0] * nr_cpus
    for c in start.values():
        counts[c] += 1
    states = [(0.0, list(counts))]
    for e in events:
        if e[1] == "migrate":
            counts[e[3]] -= 1
            counts[e[4]] += 1
            states.append((e[0], list(counts)))
    return states


def first(states, holds):
    return next((t for t, counts in states if holds(counts)), None)


def even(counts):
    return max(counts) - min(counts) <= (0 if sum(counts) % len(counts) == 0 else 1)


def derive(events, start, exec_ms, nodes, groups=()):
    """`nodes` has the CPUs of each."""
    node_of = {c: n for n, cpus in enumerate(nodes) for c in cpus}
    moves = [e for e in events if e[1] == "migrate"]
    new = [e for e in events if e[1] == "new"]
    if new:
        start = {e[2]: e[3] for e in new}
    states = timeline(start, events, len(node_of))
    total = sum(exec_ms)
    d = {"migrations": len(moves),
         "migrations_cross_node": sum(node_of[e[3]] != node_of[e[4]] for e in moves),
         "t_first_migration_ms": moves[0][0] if moves else None,
         "t_all_cpus_busy_ms": first(states, lambda c: sum(x > 0 for x in c) == min(len(c), sum(c))),
         "t_nodes_even_ms": first(states, lambda c: even([sum(c[i] for i in cpus) for cpus in nodes])),
         "t_cpus_even_ms": first(states, even),
         "exec_share": [x / total for x in exec_ms],
         "exec_cv": statistics.pstdev(exec_ms) / statistics.mean(exec_ms)}
    if groups:
        edges = [sum(groups[:i]) for i in range(len(groups) + 1)]
        d["cgroup_share"] = [sum(exec_ms[a:b]) / total for a, b in zip(edges, edges[1:])]
    if new:
        d["fork_order_cpu"] = [e[3] for e in new]
        d["fork_order_node"] = [node_of[e[3]] for e in new]
        d["fork_node_counts"] = [d["fork_order_node"].count(n) for n in range(len(nodes))]
    return d


def of_recording(rep, nodes, groups):
    """The oracle's own derivation, repeated: shows that ours means the same."""
    first_sample, last = rep["samples"][0], rep["samples"][-1]
    exec_ms = [b - a for a, b in zip(first_sample["exec_ms"], last["exec_ms"])]
    return derive([tuple(e) for e in rep["events"]], dict(enumerate(first_sample["cpu"])), exec_ms,
                  nodes, groups)
