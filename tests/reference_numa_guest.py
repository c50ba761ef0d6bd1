"""Part of `numa`: perf bench numa on emulated machines with Linux 6.1 (../shared/corpus/numa-guest), for counters and order only.

One recording each, made without instruction counting on a busy host: how fast threads touch memory is read off the benchmark's own
report, a fault costs what it does in reference_touch.py at most, and nothing else is known of times. So counters are compared
within a factor of two, passes within one, and that nobody has a preferred node before a pass is over.
Marked entries kept their right to write until 6.2, so that pages kept their tags when they moved.
"""
import gzip
import os
import re

from reference_table import Run, span
from reference_touch import costs

# recording: processes, threads of each, MiB of each process and of each thread, seconds
RUNS = {
    "ring4/numa-mem-1p4t": (1, 4, 0, 48, 10),
    "ring4/numa-mem-2p2t": (2, 2, 96, 0, 15),
    "hmat3/numa-mem-2p3t": (2, 3, 80, 0, 15),
    "mesh8/numa-mem-4p1t": (4, 1, 32, 0, 10),
}
COUNTERS = ("numa_pte_updates", "numa_hint_faults", "numa_hint_faults_local", "numa_pages_migrated")
SEEDS = 5
FACTOR = "a factor of two: one recording, whose times are an emulator's"


def vmstat(folder, when):
    with open(os.path.join(folder, "vmstat-%s.txt" % when)) as f:
        return {key: int(value) for key, value in (line.split() for line in f)}


def ns_per_byte(folder):
    with open(os.path.join(folder, "stdout.txt")) as f:
        return next(float(m) for m in re.findall(r"([0-9.]+),? nsecs[/,]", f.read()))


def task_samples(folder):
    """(pass, preferred node) of every thread of the benchmark whenever it was looked at."""
    with gzip.open(os.path.join(folder, "task-sched-samples.txt.gz"), "rt") as f:
        for block in f.read().split("### ")[1:]:
            seq = re.search(r"numa_scan_seq\s*:\s*(\d+)", block)
            preferred = re.search(r"numa_preferred_nid\s*:\s*(-?\d+)", block)
            if seq and preferred:
                yield int(seq.group(1)), int(preferred.group(1))


def recorded(folder):
    before, after = vmstat(folder, "before"), vmstat(folder, "after")
    result = {key: after[key] - before[key] for key in COUNTERS}
    samples = list(task_samples(folder))
    result["passes"] = max(seq for seq, _ in samples)
    result["settled"] = min(seq for seq, preferred in samples if preferred >= 0)
    return result


def workload(folder, processes, threads, mib, own, seconds):
    """All memory is touched first by CPU 0; then every thread clears pages of its process or its own at random."""
    page_us = ns_per_byte(folder) * 4096 / 1000
    use = "compute: {time: 1000s, mpki: %.6f, region: %%s, pattern: random, mlp: 1, writes: 100%%%%}" % (1000 / (page_us * 2500))
    # perf clears shared memory without a name: each region is one process's, or one thread's.
    names = ["r%d" % i for i in range(processes if mib else threads)]
    lines = ["version: 1", "name: guest", "doc: perf bench numa mem", "regions:"]
    lines += ["  - {name: %s, size: %dMiB, initial: {mode: bind, nodes: 0}}" % (name, mib or own) for name in names]
    lines += ["processes:"]
    for process in range(processes):
        lines += ["  - name: p%d" % process, "    threads:"]
        for thread in range(threads):
            lines += ["      - name: t%d" % thread, "        program:", "          - " + use % names[process if mib else thread]]
    return "\n".join(lines) + "\n"


def first_settled(run):
    """The pass that was over when the first thread got its preferred node."""
    rows = [r for r in run.csv("decisions.csv") if int(r["chosen"]) >= 0]
    return min((int(re.search(r"scan_seq=(\d+)", r["inputs"]).group(1)) for r in rows), default=None)


def simulate(numasim, folder, run, seed):
    settings = [c for c in costs() if "host_turn" not in c] + ["numa_balancing.quirks=NO_WRITE_FORGETS"] + ["sched.fair=cfs"]
    topology = os.path.join(os.path.dirname(folder), "machine", "sysfs-snapshot.tar.bz2")
    with Run(numasim, topology, workload(folder, *run), seed, settings, until="%ds" % run[-1], policy="autonuma",
             options=["--schedstat", "--decisions=preferred_node"]) as r:
        result = {key: int(r.csv("summary.csv")[0][key]) for key in COUNTERS}
        tasks = r.csv("sched_tasks.csv")
        result["settled"] = first_settled(r)
    result["passes"] = max(int(t["mm->numa_scan_seq"]) for t in tasks)
    return result


def add(table, numasim, shared):
    corpus = os.path.join(shared, "corpus", "numa-guest")
    for name, run in RUNS.items():
        folder = os.path.join(corpus, name)
        if not os.path.isdir(folder):
            continue
        real, sims = recorded(folder), [simulate(numasim, folder, run, s) for s in range(1, SEEDS + 1)]
        for key in COUNTERS:
            table.add(name, key, span([real[key]]), [s[key] for s in sims], real[key] / 2, real[key] * 2, FACTOR)
        table.add(name, "first pass with a preferred node", span([real["settled"]]), [s["settled"] for s in sims], 1, 2,
                  "not before a pass is over; sampled once a second")
        table.add(name, "numa_scan_seq", span([real["passes"]]), [s["passes"] for s in sims], real["passes"] - 1, real["passes"] + 1,
                  "one pass more or less")
