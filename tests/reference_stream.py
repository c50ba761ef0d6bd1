"""stream: bandwidth over threads and placements; DRAM and CXL interleaved by weight; a pointer chase over sizes.
"""
import os

from reference_plot import Picture, nice
from reference_table import Run, Table

TEXT = """
**STREAM** on 1 to N threads (`workloads/stream.yaml`, triad, best of 8 rounds): on the CPUs of node 0; local on all nodes (`static:spread`: threads and
their slices dealt over nodes, as OMP_PROC_BIND=spread does); interleaved over all; and everything first touched by the main thread, so that all
traffic goes to one controller. Stores allocate: triad moves four lines, one of them a write-back, for three that count.

![STREAM triad over threads](stream.svg)

Expected is what the machine file says and nothing else: a controller gives B (1 - k w) at a write share w, here 1/4, of which 3/4 count; with two
nodes a quarter of all interleaved traffic goes over the link in each direction, so three times a link's bandwidth is the
most that can count. Latency under load is that of the machine's curve, 1 + A u / (1 + d - u) times idle, at a use u of the controller. Machine files and
their sources are in `topologies/`.

**DRAM and CXL** (Gregory Price, weighted interleave, v5 cover letter; STREAM, 64 threads, one socket and one expander): the machine
`cxl-1s-memverge`, policy `topology`, arrays under a mempolicy (`arrays`) or the task (`task`), weights `mm.interleave_weights`.
The first eight rows are what the machine file was made from: bandwidth of reads and write derating are two numbers a device for four
measured ones, with non-temporal stores. The others are predictions. In *whole task* rows the measured program's stack, code and the
benchmark's own work are interleaved as well, of which the model has nothing: both kinds of rows come out alike.

**Chase**: one thread follows pointers (`workloads/chase.yaml`): time of a load, less the 1 ns of work that each has, against the latency that
the machine file gives for memory; and a staircase that never goes down as the buffer grows.
"""
KNOWN = {}
# Of one node: CPUs, GB/s of reads, derating by writes, A and d of its curve, idle latency; GB/s of a link a direction. All measured
# (`../shared/data`; topologies/ name the source of each), but for the last machine, where half is assumed.
MACHINES = {
    "skx-2s-8180": (2, 28, 108.1, 0.587, (0.37, 0.2), 81.3, 50.8),
    "clx-2s-6240": (2, 18, 110.1, 0.248, (0.7, 0.6), 67, 34.3),
    "icx-2s-8360y": (2, 36, 176.2, 0.388, (0.335, 0.25), 88.9, 55.7),
    "epyc-rome-2s-7742-nps4": (8, 16, 42.0, 0.34, None, 96, None)}
PLACES = [  # label, policy, settings
    ("node 0", "topology", ["workload.run_on=node"]),
    ("local on all nodes", "static:spread", []),
    ("interleaved", "topology", ["workload.arrays=interleave"]),
    ("first touch by main", "topology", ["workload.first_touch=main"])]
ARRAY = 192 << 20
ELEMENTS = {"copy": 2, "scale": 2, "add": 3, "triad": 3}
CXL = [  # row, settings, tolerance, MB/s of copy, scale, add, triad
    ("DRAM only", [], 0.05, (200923.2, 202123.0, 208873.2, 208523.8)),
    ("CXL only", ["workload.arrays=bind", "workload.node=1"], 0.05, (22209.7, 22288.2, 24419.1, 24484.6)),
    ("1:1 interleave", ["workload.arrays=interleave"], 0.1, (44666.2, 44781.6, 48600.7, 48727.5)),
    ("9:1 weighted, whole task", ["workload.task=weighted_interleave", "mm.interleave_weights=9,1"], 0.2,
     (190085.9, 207677.4, 202036.8, 217671.5)),
    ("9:1 weighted, arrays only", ["workload.arrays=weighted_interleave", "mm.interleave_weights=9,1"], 0.1,
     (205827.0, 208171.8, 217352.0, 216884.8))]
CHASE = ["32KiB", "256KiB", "1MiB", "4MiB", "16MiB", "64MiB", "1GiB"]


class Stream:
    """One run: GB/s of each kernel in its best round, and the mean latency of all accesses."""

    def __init__(self, numasim, machine, policy, threads, extra=(), array=ARRAY):
        settings = ["workload.threads=%d" % threads, "workload.array=%dB" % array, "workload.rounds=8"] + list(extra)
        with Run(numasim, machine, "stream", policy=policy, settings=settings) as run:
            best = {r["request"]: int(r["min_ns"]) for r in run.csv("requests.csv") if r["scope"] == "run" and r["request"]}
            self.latency = float(run.csv("summary.csv")[0]["mem_latency_mean_ns"])
        self.gbs = {k: array * ELEMENTS[k] / ns for k, ns in best.items()}


def threads_up_to(most):
    return sorted({n for n in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96) if n < most} | {most})


def sweep(numasim, machine):
    nodes, cores = MACHINES[machine][:2]
    curves = {}
    for label, policy, extra in PLACES:
        most = cores if label == "node 0" else cores * nodes
        curves[label] = [(n, Stream(numasim, machine, policy, n, extra + ["workload.kernel=triad"]))
                         for n in threads_up_to(most)]
    return curves


def nearest(points, x):
    """The point whose x is nearest; points between are not made up, the curve is bent."""
    return min(points, key=lambda p: abs(p[0] - x))


def judge_node(table, machine, curve):
    """One node by its own CPUs: where it saturates, and what its latency does on the way."""
    _, cores, reads, derating, fit, idle, _ = MACHINES[machine]
    full = 0.75 * reads * (1 - derating / 4)
    top = curve[-1][1].gbs["triad"]
    case = machine + ", node 0"
    table.add(case, "GB/s, all cores", "%.4g" % full, top, 0.95 * full, 1.05 * full, "5 %")
    enough = next(n for n, r in curve if r.gbs["triad"] >= 0.95 * top)
    table.add(case, "threads for 95 % of it", "fewer than %d" % cores, enough, 1, cores - 1, "saturates below its cores")
    points = [(r.gbs["triad"] / full, r.latency / idle) for _, r in curve if r.gbs["triad"] < 0.97 * top]
    for near in (0.5, 0.8):
        u, latency = nearest(points, near)
        if fit:
            expected = 1 + fit[0] * u / (1 + fit[1] - u)
            table.add(case, "latency over idle at %.0f %%" % (100 * u), "%.3g" % expected, latency, 0.93 * expected,
                      1.07 * expected, "7 %")
    below, above = nearest(points, 0.5)[1], curve[-1][1].latency / idle
    table.add(case, "latency over idle, saturated / at half", "steep", above / below, 1.3, 1e9, "at least 1.3")


def judge_all(table, machine, curves):
    nodes, cores, reads, derating, _, _, link = MACHINES[machine]
    full = 0.75 * reads * (1 - derating / 4)
    most = {label: max(r.gbs["triad"] for _, r in curve) for label, curve in curves.items()}
    local, spread, wrong = (most[label] for label in ("local on all nodes", "interleaved", "first touch by main"))
    table.add(machine + ", local on all nodes", "GB/s / that of node 0", str(nodes), local / most["node 0"], 0.95 * nodes, 1.05 * nodes,
              "5 %: linear")
    table.add(machine + ", first touch by main", "GB/s", "at most one controller, %.4g" % full, wrong, 0, 1.05 * full, "capped")
    if link:
        cap = min(nodes * full, 3 * link)
        table.add(machine + ", interleaved", "GB/s", "%.4g" % cap, spread, 0.9 * cap, 1.05 * cap, "-10, +5 %: two nodes")
    table.add(machine + ", interleaved", "over first touch by main", "more", spread / wrong, 1.05, 1e9, "the classic mistake")
    table.add(machine + ", interleaved", "over local", "at most as much", spread / local, 0, 1.03, "3 %: as much where links have room")


def judge_cxl(table, numasim):
    for case, extra, tolerance, rows in CXL:
        got = Stream(numasim, "cxl-1s-memverge", "topology", 64, extra + ["workload.stores=nontemporal"], 512 << 20).gbs
        for kernel, expected in zip(("copy", "scale", "add", "triad"), rows):
            table.add("DRAM + CXL, " + case, kernel + ", MB/s", "%.0f" % expected, round(1000 * got[kernel]),
                      expected * (1 - tolerance), expected * (1 + tolerance), "%d %%" % (100 * tolerance))


def judge_chase(table, numasim):
    idle, times = MACHINES["icx-2s-8360y"][5], []
    for size in CHASE:
        with Run(numasim, "icx-2s-8360y", "chase", settings=["workload.size=" + size, "workload.loads=400000"]) as run:
            times.append(next(int(r["p50_ns"]) / 1000 - 1 for r in run.csv("requests.csv") if r["scope"] == "run"))
    table.add("chase, 1GiB, icx-2s-8360y", "ns a load", "%.4g" % idle, times[-1], 0.95 * idle, 1.02 * idle,
              "-5 %: a part stays in caches, +2 %")
    steps = min(b - a for a, b in zip(times, times[1:]))
    table.add("chase, icx-2s-8360y", "least step of the staircase, ns", "up", steps, 0, 1e9, "never down")
    return ["", "Chase on icx-2s-8360y, ns a load:", "", "| " + " | ".join(CHASE) + " |", "|---" * len(CHASE) + "|",
            "| " + " | ".join("%.3g" % t for t in times) + " |"]


def picture(results):
    p = Picture("STREAM triad, GB/s over threads", len(results), 1, [label for label, _, _ in PLACES])
    for column, (machine, curves) in enumerate(results.items()):
        series = [[(n, r.gbs["triad"]) for n, r in curves[label]] for label, _, _ in PLACES]
        most = max(y for points in series for _, y in points)
        p.lines(column, 0, machine, series, max(n for points in series for n, _ in points), "threads", nice(most), "")
    return p.svg()


class WithPicture(Table):
    svg = ""

    def write(self, folder):
        super().write(folder)
        with open(os.path.join(folder, "stream.svg"), "w", newline="\n") as f:
            f.write(self.svg)


def build(numasim, shared, only=()):
    table = WithPicture("stream", "STREAM over threads and placements", TEXT, KNOWN)
    results = {}
    for machine in MACHINES:
        if only and not any(machine.startswith(o) for o in only):
            continue
        results[machine] = sweep(numasim, machine)
        judge_node(table, machine, results[machine]["node 0"])
        judge_all(table, machine, results[machine])
    if not only:
        judge_cxl(table, numasim)
        table.after = "\n".join(judge_chase(table, numasim))
        table.svg = picture(results)
    return table
