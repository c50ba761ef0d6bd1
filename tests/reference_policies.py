"""policies: programmable policies against the fair class and against theory: costs, latency, shares, queues, locality.

The experiments are grids of results/experiments/policies, each of which `numasim sweep` runs alone as well.
"""
import csv
import math
import os
import subprocess
import tempfile

from reference_plot import Picture
from reference_policies_text import KNOWN, TEXT
from reference_table import Table, number

GRIDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "results", "experiments", "policies")
T999, T95 = 4.781, 2.262  # Student, 9 degrees of freedom, two-sided 99.9 % and 95 %
FAIR = "topology"
BETTER = {"elapsed_ns": -1, "request_p50_ns": -1, "request_p99_ns": -1, "wakeup_p50_ns": -1, "wakeup_p99_ns": -1,
          "mean_ns": -1, "throughput": 1, "local_access_ratio": 1}


class Sweep:
    """One grid: means over seeds and ratios to the first policy, with their intervals; folders of runs if it keeps them."""

    def __init__(self, numasim, name):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = os.path.join(self.temporary.name, name)
        command = [numasim, "sweep", os.path.join(GRIDS, name + ".yaml"), "-q", "--no-plot", "-o", self.folder]
        result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if result.returncode != 0:
            raise RuntimeError("%s\n%s" % (" ".join(command), result.stderr))
        self.means = self.read("sweep.csv")

    def read(self, name):
        with open(os.path.join(self.folder, name), newline="") as f:
            return list(csv.DictReader(f))

    def get(self, metric, policy, scope="run", part="", **where):
        """The row of sweep.csv: mean, vs_baseline and so on."""
        found = [r for r in self.means if (r["metric"], r["policy"], r["scope"], r["id"]) == (metric, policy, scope, part)
                 and all(r[k] == v for k, v in where.items())]
        assert len(found) == 1, (metric, policy, where, len(found))
        return found[0]

    def runs(self, **where):
        """points.csv, with what requests.csv of each run says of all its requests."""
        for point in self.read("points.csv"):
            if all(point[k] == v for k, v in where.items()):
                rows = self.read(os.path.join("runs", point["key"][:16], "requests.csv"))
                yield next(r for r in rows if r["scope"] == "run" and not r["request"])


def verdict(low, high, better):
    """Who wins, if the 95 % interval of the ratio to the fair class says so, and by a hundredth at least."""
    if low <= 1.01 and high >= 0.99:
        return "no difference"
    return "policy" if (high < 1) == (better < 0) else "fair"


def compared(row):
    low, high = float(row["vs_baseline_ci95_low"]), float(row["vs_baseline_ci95_high"])
    return "%.3g (%.3g to %.3g) | %s" % (float(row["vs_baseline"]), low, high, verdict(low, high, BETTER[row["metric"]]))


def heading(title, *columns):
    return ["", "## " + title, "", "| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]


# ---- micro ----

MICRO = [("ext:fifo", "pipe"), ("fifo.lua", "pipe"), ("ext:vtime", "pipe"), ("ext:mlfq", "pipe"), ("mlfq.lua", "pipe"),
         ("ext:numa_local", "pipe"), ("ext:central", "pipe")]


def per(sweep, what, by, policy, workload):
    return float(sweep.get(what, policy, workload=workload)["mean"]) / float(sweep.get(by, policy, workload=workload)["mean"])


def micro(table, numasim):
    sweep = Sweep(numasim, "micro")
    lines = heading("What it takes to be asked", "policy", "round trip of `pipe`", "time charged for scheduling per unit of `bench-mix`",
                    "`hackbench`, elapsed", "`bench-mix`, throughput", "`bench-mix`, wake-up p99")
    fair = per(sweep, "sched_overhead_ns", "work_done", FAIR, "bench-mix")
    for policy, _ in MICRO:
        cells = [sweep.get("elapsed_ns", policy, workload="pipe"), None, sweep.get("elapsed_ns", policy, workload="hackbench"),
                 sweep.get("throughput", policy, workload="bench-mix"), sweep.get("wakeup_p99_ns", policy, workload="bench-mix")]
        texts = ["%.3g" % (per(sweep, "sched_overhead_ns", "work_done", policy, "bench-mix") / fair) if c is None
                 else compared(c).replace(" | ", ", ") for c in cells]
        lines.append("| %s | %s |" % (policy, " | ".join(texts)))
        for w in ("pipe", "hackbench"):
            done = float(sweep.get("work_done", policy, workload=w)["mean"]) / float(sweep.get("work_done", FAIR, workload=w)["mean"])
            table.add("%s, %s" % (w, policy), "work done / fair", "1: all of it", done, 1, 1, "none is lost, none stalls")
    return lines + ["", "Ratios to the fair class with their 95 % interval over ten seeds, and who is better. Simulated time: an operation of a policy costs "
                    "`ext.op_cost`, a call `ext.call_cost`, an instruction of a script `policy.instruction_cost`."]


# ---- interactive ----

CASES = [("short", "bursts of 2 ms"), ("long", "bursts of 20 ms"), ("naps", "bursts of 2 ms, batch that naps")]
BATCH = ["1", "2", "4", "8"]
POLICIES = [FAIR, "ext:mlfq", "ext:rr"]


def interactive(table, numasim):
    sweep = Sweep(numasim, "interactive")
    where = [{"variant": case, "workload.batch": n} for case, _ in CASES for n in BATCH]
    lines = heading("Interactive latency: mlfq and rr against fair", "case", "batch tasks a CPU", "policy", "median response", "better",
                    "p99 response", "better", "batch work", "better")
    for w in where:
        case = "%s, %s batch tasks a CPU" % (w["variant"], w["workload.batch"])
        for policy in POLICIES[1:]:
            rows = [sweep.get(m, policy, "tag", "interactive", **w) for m in ("request_p50_ns", "request_p99_ns")]
            batch = sweep.get("throughput", policy, "tag", "batch", **w)
            lines.append("| %s | %s | %s | %s | %s | %s |" % (w["variant"], w["workload.batch"], policy, compared(rows[0]), compared(rows[1]), compared(batch)))
        served = sweep.get("throughput", "ext:mlfq", "tag", "interactive", **w)
        table.add(case, "events served, mlfq / fair", "1: nobody starves", float(served["vs_baseline"]), 0.98, 1.02, "what is under way at the end")
    picture = Picture("99th percentile of response, ms", 3, 1, ["fair", "mlfq", "rr"])
    for column, (case, title) in enumerate(CASES):
        series = [[(int(n), float(sweep.get("request_p99_ns", p, "tag", "interactive", **{"variant": case, "workload.batch": n})["mean"]) / 1e6)
                   for n in BATCH] for p in POLICIES]
        most = max(y for points in series for _, y in points)
        picture.lines(column, 0, title, series, 8, "batch tasks a CPU", nice_top(most), " ms")
    table.pictures["policies-interactive.svg"] = picture.svg()
    return lines


def nice_top(most):
    step = 10 ** math.floor(math.log10(most))
    return step * math.ceil(most / step)


# ---- shares ----

WEIGHTS = {"heavy": 305, "normal": 100, "light": 33}  # nice -5, 0, 5: kernel weights 3121, 1024, 335, times 100 / 1024
UNITS, TURN = 6000, 2  # of 10 ms, a CPU in 60 s; a turn of 20 ms


def expected_shares(tasks, cpus):
    """CPU seconds of one task of each kind. Who has been put back cannot be taken at once: of one CPU nobody gets more than half."""
    most = 0.5 if cpus == 1 else 1.0
    capped = {}
    while True:
        left = cpus - sum(capped[k] * tasks[k] for k in capped)
        total = sum(WEIGHTS[k] * n for k, n in tasks.items() if k not in capped)
        shares = {k: capped[k] if k in capped else left * WEIGHTS[k] / total for k in tasks}
        over = [k for k in shares if k not in capped and shares[k] > most]
        if not over:
            return shares
        capped.update((k, most) for k in over)


def shares(table, numasim):
    sweep = Sweep(numasim, "shares")
    lines = heading("Shares by weight: worst task of each kind, difference to its share in %", "case", "kind", "share of a CPU by weight",
                    "expected of vtime", "vtime", "fair")
    for machine, cpus in (("1-cpu", 1), ("2-cpus", 2), ("4-cpus", 4), ("8-cpus", 8)):
        for workload in ("many", "few") if cpus == 1 else ("many",):
            tasks = {"heavy": cpus, "normal": 2 * cpus, "light": 2 * cpus} if workload == "many" else {k: 1 for k in WEIGHTS}
            shares_of(table, sweep, lines, "%s tasks, %s" % (workload, machine), tasks, cpus, machine, workload)
    return lines


def shares_of(table, sweep, lines, case, tasks, cpus, machine, workload):
    ideal = {k: cpus * WEIGHTS[k] / sum(WEIGHTS[i] * n for i, n in tasks.items()) for k in tasks}
    expected = expected_shares(tasks, cpus)
    points = [p for p in sweep.read("points.csv") if p["topology"] == machine and p["workload"] == workload]
    for kind, n in tasks.items():
        got = {}
        for policy in (FAIR, "ext:vtime"):
            row = sweep.get("work_done", policy, "tag", kind, topology=machine, workload=workload)
            got[policy] = [float(row[c]) / n / UNITS for c in ("mean", "ci95_low", "ci95_high")]
        allowed = max(0.01 * expected[kind], 2 * TURN / UNITS)
        off = max(abs(v - expected[kind]) for v in got["ext:vtime"]) / allowed
        table.add("vtime, " + case, "%s: deviation / allowed" % kind, "%s of a CPU" % number(expected[kind]), off, 0, 1,
                  "the larger of 1 % and two turns")
        lines.append("| %s | %s | %.4f | %.4f | %s | %s |" % (case, kind, ideal[kind], expected[kind],
                                                         *("%+.1f %%" % (100 * (got[p][0] / ideal[kind] - 1)) for p in ("ext:vtime", FAIR))))
    assert len(points) == 20


# ---- queues ----

def erlang(c, load):
    """Probability that one has to wait, and the rate at which those who wait are served, in service times."""
    a = c * load
    tail = a ** c / math.factorial(c) / (1 - load)
    return tail / (sum(a ** k / math.factorial(k) for k in range(c)) + tail), c - a


def interval(table, case, quantity, theory, values):
    mean = sum(values) / len(values)
    s = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    half = T999 * s / math.sqrt(len(values)) + 0.0005 * theory  # histograms have three digits
    table.add(case, quantity, number(theory), mean, theory - half, theory + half, "99.9 %% interval of %d runs, +- %.2g" % (len(values), half))
    return mean


def waiting(table, numasim):
    sweep = Sweep(numasim, "waiting")
    picture = Picture("M/M/c under fifo: mean waiting time, ms", 2, 1, ["Erlang C", "simulated"])
    for column, load in enumerate((50, 80)):
        groups = []
        for c in (1, 2, 4, 8, 16):
            runs = list(sweep.runs(topology="1-cpu" if c == 1 else "%d-cpus" % c, **{"workload.load": str(load)}))
            must, rate = erlang(c, load / 100)
            case = "M/M/%d, load %d %%" % (c, load)
            mean = interval(table, case, "mean wait ms", must / rate, [float(r["mean_ns"]) / 1e6 for r in runs])
            p99 = max(0.0, math.log(100 * must) / rate)
            interval(table, case, "p99 wait ms", p99, [float(r["p99_ns"]) / 1e6 for r in runs])
            groups.append(("%d CPUs" % c if c > 1 else "1 CPU", [must / rate, mean]))
        picture.bars(column, 0, "load %d %%" % load, groups, groups[0][1][0], " ms")
    table.pictures["policies-waiting.svg"] = picture.svg()
    return []


SIZES = ["constant", "exponential", "lognormal"]


def response_p99(c, load):
    """99th percentile of waiting and service of M/M/c, in service times: the root of P(T > t) = 1 %."""
    must, rate = erlang(c, load)
    low, high = 0.0, 100.0
    for _ in range(100):
        t = (low + high) / 2
        beyond = math.exp(-t) * (1 + must * (1 - math.exp(-t * (rate - 1))) / (rate - 1))
        low, high = (t, high) if beyond > 0.01 else (low, t)
    return low


def sizes(table, numasim):
    sweep = Sweep(numasim, "sizes")
    lines = heading("First come first served or a share for everybody", "sizes of requests", "response", "fair, ms", "fifo, ms", "fifo / fair", "better")
    values = {}
    for size in SIZES:
        runs = {p: list(sweep.runs(policy=p, **{"workload.sizes": size})) for p in (FAIR, "fifo")}
        for metric, title in (("mean_ns", "mean"), ("p50_ns", "median"), ("p99_ns", "99th percentile")):
            of = {p: [float(r[metric]) / 1e6 for r in runs[p]] for p in runs}
            ratios = [b / a for a, b in zip(of[FAIR], of["fifo"])]
            mean = sum(ratios) / len(ratios)
            half = T95 * math.sqrt(sum((r - mean) ** 2 for r in ratios) / (len(ratios) - 1) / len(ratios))
            values[size, metric] = {p: sum(v) / len(v) for p, v in of.items()}
            lines.append("| %s | %s | %.1f | %.1f | %.3g (%.3g to %.3g) | %s |" % (
                size, title, values[size, metric][FAIR], values[size, metric]["fifo"], mean, mean - half, mean + half,
                verdict(mean - half, mean + half, -1)))
        if size == "exponential":
            must, rate = erlang(4, 0.8)
            interval(table, "M/M/4, load 80 %, response", "mean ms", 10 * (1 + must / rate), [float(r["mean_ns"]) / 1e6 for r in runs["fifo"]])
            interval(table, "M/M/4, load 80 %, response", "p99 ms", 10 * response_p99(4, 0.8), [float(r["p99_ns"]) / 1e6 for r in runs["fifo"]])
    picture = Picture("Response on four CPUs at 80 % load, by sizes of requests", 3, 1, ["fair", "fifo"])
    for column, (metric, title) in enumerate((("mean_ns", "mean"), ("p50_ns", "median"), ("p99_ns", "99th percentile"))):
        groups = [(size, [values[size, metric][p] for p in (FAIR, "fifo")]) for size in SIZES]
        picture.bars(column, 0, title, groups, max(max(v) for _, v in groups), " ms")
    table.pictures["policies-sizes.svg"] = picture.svg()
    return lines


# ---- locality ----

HEAPS = [("private-heaps", "throughput"), ("private-heaps-half", "throughput"), ("numa02", "elapsed_ns")]


def locality(table, numasim):
    sweep = Sweep(numasim, "locality")
    others = ["autonuma", "ext:numa_local", "ext:my_autonuma"]
    lines = heading("Locality: who brings tasks and memory together", "machine, workload", "policy", "speed / fair", "better", "local accesses, %",
                    "wake-up p99 / fair", "better")
    picture = Picture("Local accesses, %", 2, 1, ["fair", "autonuma", "numa_local", "my_autonuma"])
    for column, machine in enumerate(("two-node", "four-node")):
        groups = []
        for workload, metric in HEAPS:
            w = {"topology": machine, "workload": workload}
            local = {p: 100 * float(sweep.get("local_access_ratio", p, **w)["mean"]) for p in [FAIR] + others}
            groups.append((workload, list(local.values())))
            for p in others:
                speed = compared(sweep.get("throughput", p, **w))
                lines.append("| %s, %s | %s | %s | %.0f, fair %.0f | %s |" % (machine, workload, p, speed, local[p], local[FAIR],
                                                                              compared(sweep.get("wakeup_p99_ns", p, **w))))
        judge_locality(table, sweep, machine)
        picture.bars(column, 0, machine, groups, 100, " %")
    table.pictures["policies-locality.svg"] = picture.svg()
    return lines


def judge_locality(table, sweep, machine):
    low = float(sweep.get("local_access_ratio", "ext:numa_local", topology=machine, workload="private-heaps")["vs_baseline_ci95_low"])
    table.add("private-heaps, " + machine, "local accesses, numa_local / fair, low end", "above 1", low, 1, 100, "it looks at memory, fair does not")
    half = float(sweep.get("local_access_ratio", "ext:numa_local", topology=machine, workload="private-heaps-half")["ci95_low"])
    table.add("private-heaps-half, " + machine, "local accesses, numa_local, low end", "all", half, 0.99, 1, "a CPU for each, where its memory is")
    high = float(sweep.get("elapsed_ns", "autonuma", topology=machine, workload="numa02")["vs_baseline_ci95_high"])
    table.add("numa02, " + machine, "elapsed, autonuma / fair, high end", "below 1", high, 0, 1, "memory on one node: only pages can move")


PARTS = [("micro", micro), ("interactive", interactive), ("shares", shares), ("waiting", waiting), ("sizes", sizes), ("locality", locality)]


class Policies(Table):
    """The pictures stand beside the table."""

    def write(self, folder):
        super().write(folder)
        for name, text in self.pictures.items():
            with open(os.path.join(folder, name), "w", newline="\n") as f:
                f.write(text)


def build(numasim, shared, only=()):
    table = Policies("policies", "Programmable policies against the fair class", TEXT, KNOWN)
    table.pictures = {}
    lines = []
    for name, part in PARTS:
        if not only or name in only:
            lines += part(table, numasim)
    table.after = "\n".join(lines)
    return table
