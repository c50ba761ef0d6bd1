"""convergence: cases of perf bench numa, which ask how long until threads and memory have come together.
"""
from collections import defaultdict

from reference_table import Run, Table

TEXT = """
Cases of `perf bench numa` (`workloads/perf-bench-numa`): processes x threads, and all memory begins on the node of CPU 0. A case has converged
when every process has all its threads on one node, and stays so; here, in addition, from then on 95 %% of the accesses are local.
The benchmark's own runs with Linux take of the order of 10 s for it (`../shared/corpus/numa-guest`: 5 to 14 s); nothing can move before the
scan delay of a second, pages that end elsewhere have moved once at least, and three times the memory is more than any recorded run moved. Medians of %d seeds, 40 s each.

Processes of one thread (`Nx1`) come with their memory on any machine. A single process of several threads (`1xM`) does where a node has
several caches: there the balancer lets so many tasks more run on one node than on another (`imb_numa_nr`). With one cache a node, on two nodes,
it is two tasks, and Linux 6.12 neither starts the threads together nor lets the last ones come, because the side that they would come to would then
run more tasks: an idle CPU of the preferred node stays idle (quirk `IDLE_BLOCKED`). These cases stand below as what they are, outside.
"""
ALONE = ["clx-2s-6240", "four-node", "epyc-rome-2s-7742-nps1"]
BLOCKED = ("the imbalance that is allowed between the nodes is two tasks: the kernel's rule (quirk IDLE_BLOCKED) keeps the last "
           "threads away")
KNOWN = {("%s, clx-2s-6240" % case, "converged at, s"): BLOCKED for case in ("1x3", "1x4")}
CASES = [(case, machine) for case in ("3x1", "4x1", "8x1", "16x1") for machine in ALONE]
CASES += [(case, "epyc-rome-2s-7742-nps1") for case in ("1x3", "1x4", "1x6", "2x3")]
CASES += [(case, "clx-2s-6240") for case in ("1x3", "1x4")]
MEGABYTES = {"3x1": 3 * 512, "4x1": 4 * 512, "8x1": 8 * 512, "16x1": 16 * 256, "1x3": 512, "1x4": 512, "1x6": 1020, "2x3": 2 * 1020}
PAGE = 4096


class Case:
    def __init__(self, numasim, case, machine, seed):
        with Run(numasim, machine, "perf-bench-numa/%s-convergence" % case, seed=seed, policy="autonuma", until="40s",
                 settings=["mm.report=yes", "report.sample_interval=100ms"]) as run:
            self.series = run.csv("timeseries.csv")
            self.migrated = int(run.csv("summary.csv")[0]["numa_pages_migrated"])
        self.converged = self.when_converged()
        self.first = self.first_move()
        self.elsewhere = self.pages_elsewhere()

    def when_converged(self):
        """The first instant from which on all is together; None: it never is."""
        nodes, local = defaultdict(lambda: defaultdict(set)), {}
        for row in self.series:
            time = int(row["time_ns"])
            if row["scope"] == "task" and row["metric"] == "node" and "/thread" in row["id"]:
                nodes[time][row["id"].split("/")[0]].add(row["value"])
            if row["scope"] == "run" and row["metric"] == "local_access_ratio":
                local[time] = float(row["value"])
        since = None
        for time in sorted(nodes):
            together = all(len(on) == 1 for on in nodes[time].values()) and local.get(time, 0) >= 0.95
            since = None if not together else since or time
        return since / 1e9 if since else None

    def on_other_nodes(self):
        """Bytes outside of the node where all begins, by time."""
        bytes_ = defaultdict(float)
        for row in self.series:
            metric = row["metric"]
            if row["scope"] == "process" and metric.startswith("node") and metric.endswith("_bytes") and metric != "node0_bytes":
                bytes_[int(row["time_ns"])] += float(row["value"])
        return bytes_

    def first_move(self):
        moved = [time for time, size in self.on_other_nodes().items() if size > 0]
        return min(moved) / 1e9 if moved else None

    def pages_elsewhere(self):
        sizes = self.on_other_nodes()
        return sizes[max(sizes)] / PAGE


def build(numasim, shared, only=(), seeds=3):
    table = Table("convergence", "How long until threads and memory have come together", TEXT % seeds, KNOWN)
    for case, machine in CASES:
        name = "%s, %s" % (case, machine)
        if only and not any(name.startswith(o) for o in only):
            continue
        runs = [Case(numasim, case, machine, seed + 1) for seed in range(seeds)]
        moved = any(r.migrated for r in runs)
        table.add(name, "converged at, s", "of the order of 10", [r.converged for r in runs], 1 if moved else 0, 20,
                  "after the scan delay, unless nothing had to move; half of the 40 s")
        table.add(name, "first page on another node, s", "after the scan delay", [r.first for r in runs], 1, float("inf"),
                  "1 s of the first thread", judge="all")
        table.add(name, "pages migrated / ended elsewhere", "1 or more",
                  [r.migrated / r.elsewhere if r.elsewhere else 1 for r in runs], 1, float("inf"), "each moved once", judge="all")
        table.add(name, "pages migrated / pages", "at most 3", [r.migrated * PAGE / (MEGABYTES[case] << 20) for r in runs], 0, 3,
                  "workloads.md 3", judge="all")
    return table
