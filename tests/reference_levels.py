"""levels: what awareness of NUMA is worth: none of it, by hand, and learnt while running.
"""
import os

from reference_plot import Picture
from reference_table import Run, Table, median

TEXT = """
autonumabench on machines of 2, 4 and 8 nodes at three levels: **topology** knows the machine and not who uses which memory (first
touch, and nothing moves to it), **static** is bound by hand before the run (the benchmark's HARD_BIND), **dynamic** learns while it runs
(AutoNUMA, `autonuma`). All memory begins on one node, that of the main thread or a random one.

![local share over time](levels-local.svg)

![elapsed time, pages and tasks moved](levels-cost.svg)

What to see. Static is the best there can be: all accesses are local from the first touch on. Without balancing the share of local
accesses stays at about one in as many as there are nodes, and the one controller that has all memory is what everybody waits for. AutoNUMA sees nothing for
a second (the scan delay), then marks memory piece by piece; pages of `numa02`, which each have one user, go to that user, and the share
rises with each pass. In `numa01_THREADLOCAL` the same happens, after a first zeroing by all threads that makes every page look
shared. In `numa01` each page has as many users as a process has threads: no place is right for all of them, and what can be won is that a process
and its memory come together, which on more nodes than processes is little.

The rows are the order that the benchmark is read by (HARD_BIND <= balanced <= not balanced in elapsed time) and the shares of local accesses, of
the median of %d seeds. The best tenth is that of ten equal parts of a run with the largest share: in the last one only those threads still run that
were slow because their memory was far.
"""
KNOWN = {
    ("numa02, eight-node", "local in the best tenth, dynamic, %"):
        "the run is over in 5 s, before the third pass of the scan has come to all pages",
}
MACHINES = [("two-node", 2), ("four-node", 4), ("eight-node", 8)]
WORKLOADS = ["numa02", "numa01_THREADLOCAL", "numa01"]
LEVELS = [("topology", "", "topology"), ("static", "_HARD_BIND", "static:workload"), ("dynamic", "", "autonuma")]


class Level:
    """One run: its totals, and its share of local accesses over time."""

    def __init__(self, numasim, machine, workload, policy, seed):
        with Run(numasim, machine, workload, seed=seed, policy=policy) as run:
            total = run.csv("summary.csv")[0]
            series = [r for r in run.csv("timeseries.csv")
                      if r["scope"] == "run" and r["metric"] == "local_access_ratio"]
        self.elapsed = int(total["elapsed_ns"]) / 1e9
        self.local = float(total["local_access_ratio"])
        self.pages = int(total["numa_pages_migrated"])
        self.tasks = int(total["task_migrations_cross_node"])
        self.points = [(int(r["time_ns"]) / 1e9, 100 * float(r["value"])) for r in series]
        self.best = max(self.tenth(i) for i in range(10))

    def tenth(self, i):
        part = [y for x, y in self.points if i <= 10 * x / self.elapsed < i + 1]
        return sum(part) / len(part) if part else 0


def middle(runs, what):
    return median([getattr(r, what) for r in runs])


def judge(table, case, nodes, workload, runs):
    topology, static, dynamic = (runs[level] for level, _, _ in LEVELS)
    ratio = middle(static, "elapsed") / middle(dynamic, "elapsed")
    table.add(case, "elapsed, static / dynamic", "at most 1", ratio, 0, 1, "the order of the benchmark")
    ratio = middle(dynamic, "elapsed") / middle(topology, "elapsed")
    table.add(case, "elapsed, dynamic / topology", "at most 1", ratio, 0, 1, "the order of the benchmark")
    early = "up to twice as much: threads beside the memory are done early, and others come to their CPUs"
    if workload == "numa01":  # its threads share all memory of their process, on half of the nodes
        table.add(case, "local, static, %", "2 / nodes or more", [100 * r.local for r in static], min(180 / nodes, 99),
                  min(400 / nodes, 100), early)
    else:
        table.add(case, "local in the best tenth, static, %", "all", [r.best for r in static], 99, 100, "bound")
    table.add(case, "local, topology, %", "1 / nodes or more", [100 * r.local for r in topology], 90 / nodes, 200 / nodes,
              early)
    if workload == "numa02":
        table.add(case, "local in the best tenth, dynamic, %", "at least 95", [r.best for r in dynamic], 95, 100,
                  "workloads.md 2")


def cell(runs):
    return "%.1f s, %.0f %%, %d, %d" % (middle(runs, "elapsed"), middle(runs, "best"), middle(runs, "pages"),
                                        middle(runs, "tasks"))


def locality(results):
    picture = Picture("Share of local memory accesses over simulated time", len(MACHINES), len(WORKLOADS),
                      [level for level, _, _ in LEVELS])
    for row, workload in enumerate(WORKLOADS):
        for column, (machine, _) in enumerate(MACHINES):
            runs = [results[workload, machine][level][0] for level, _, _ in LEVELS]
            picture.lines(column, row, "%s on %s" % (workload, machine), [r.points for r in runs],
                          max(r.elapsed for r in runs), "seconds", 100, "%")
    return picture.svg()


def costs(results):
    picture = Picture("What it took", len(MACHINES), len(WORKLOADS), [level for level, _, _ in LEVELS])
    for row, workload in enumerate(WORKLOADS):
        kinds = [("elapsed", "elapsed time", "s"), ("pages", "pages moved", ""), ("tasks", "tasks moved between nodes", "")]
        for column, (what, title, unit) in enumerate(kinds):
            groups = [(machine, [middle(results[workload, machine][level], what) for level, _, _ in LEVELS])
                      for machine, _ in MACHINES]
            most = max(max(values) for _, values in groups) or 1
            picture.bars(column, row, "%s: %s" % (workload, title), groups, most, unit)
    return picture.svg()


class Levels(Table):
    """The pictures stand beside the table."""

    pictures = {}

    def write(self, folder):
        super().write(folder)
        for name, text in self.pictures.items():
            with open(os.path.join(folder, name), "w", newline="\n") as f:
                f.write(text)


def build(numasim, shared, only=(), seeds=3):
    table = Levels("levels", "Three levels of NUMA awareness", TEXT % seeds, KNOWN)
    results = {}
    for workload in WORKLOADS:
        for machine, nodes in MACHINES:
            case = "%s, %s" % (workload, machine)
            if only and not any(case.startswith(o) for o in only):
                continue
            runs = {level: [Level(numasim, machine, workload + suffix, policy, seed + 1) for seed in range(seeds)]
                    for level, suffix, policy in LEVELS}
            results[workload, machine] = runs
            judge(table, case, nodes, workload, runs)
    table.after = "\n".join(
        ["Elapsed time, share of local accesses in the best tenth, pages moved, tasks moved between nodes (median):", "",
         "| workload, machine | " + " | ".join(level for level, _, _ in LEVELS) + " |", "|---" * 4 + "|"]
        + ["| %s, %s | %s |" % (*key, " | ".join(cell(runs[level]) for level, _, _ in LEVELS))
           for key, runs in results.items()])
    if not only:
        table.pictures = {"levels-local.svg": locality(results), "levels-cost.svg": costs(results)}
    return table
