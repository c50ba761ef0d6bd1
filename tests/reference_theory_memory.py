"""theory, of memory: shares of a full controller, what interleaving gives, nobody gains by company."""
from reference_table import Run, number

TEXT = """
**Memory**: threads on a CPU each read memory at random, from 1 to 80 misses in 1000 instructions, so that their one controller of 5 GB/s
is full. It gives what it has, and each access waits equally long, whosever it is: shares are in proportion to what is asked for. A
thread that is added speeds up none of the others. Pages interleaved over DRAM (208.5 GB/s) and a CXL card (24.4 GB/s) by weights are
read at the rate at which the slower part is through: min(208.5 (d+c)/d, 24.4 (d+c)/c) GB/s for weights d:c (the first, 48.8, was measured: 48.7).
"""
SHARED_NODE = """title: one full controller
shape: {cores_per_llc: 8}
nodes: [{node: 0, memory: 4GiB, bandwidth: 5GB/s}]
latency: [[85ns]]
"""
DRAM_CXL = """title: DRAM and CXL
shape: {cores_per_llc: 64}
nodes:
  - {node: 0, memory: 64GiB, bandwidth: 208.5GB/s}
  - {node: 1, memory: 64GiB, kind: cxl, bandwidth: 24.4GB/s}
distances: [[10, 14], [14, 10]]
latency: [[110ns, 260ns], [none, none]]
links: [{name: cxl, between: [0, 1], bandwidth: 500GB/s}]
"""
MISSES = [1, 10, 20, 40, 40, 80, 80, 80]
WEIGHTS = [(1, 1), (4, 1), (9, 1), (20, 1)]


def readers(misses):
    lines = ["version: 1", "name: readers", "doc: random reads", "processes:", "  - name: p", "    threads:"]
    for i, mpki in enumerate(misses):
        lines += ["      - name: t%d" % i, "        affinity: {cpus: %d}" % i,
                  "        regions: [{name: r, size: 8MiB}]",
                  "        program: [touch: r, compute: {time: 1000s, mpki: %d, region: r, pattern: random, writes: 0}]" % mpki]
    return "\n".join(lines) + "\n"


def streams(threads):
    return "\n".join([
        "version: 1", "name: streams", "doc: sequential reads", "processes:", "  - name: p", "    threads:",
        "      - name: t", "        count: %d" % threads, "        mempolicy: weighted_interleave",
        "        regions: [{name: r, size: 32MiB}]",
        "        program: [touch: r, loop: {count: forever, do: [{stream: {region: r, mlp: 16, line: 1ns}}]}]"]) + "\n"


def run_tasks(numasim, machine, workload, settings=(), policy="topology"):
    """Of each thread: ns that an access waits times the misses in flight; accesses in the second that counts."""
    quiet = ["noise=off", "memory.tolerance=0.01%"] + list(settings)
    with Run(numasim, machine, workload, settings=quiet, until="1500ms", options=["--warmup", "500ms"], policy=policy) as run:
        rows = run.csv("tasks.csv")
    accesses = [int(r["accesses_local"]) + int(r["accesses_remote"]) for r in rows]
    stalls = [int(r["stall_local_ns"]) + int(r["stall_remote_ns"]) for r in rows]
    return [s / a for s, a in zip(stalls, accesses)], accesses


def add_controller(table, numasim):
    waits, accesses = run_tasks(numasim, SHARED_NODE, readers(MISSES))
    case = "8 readers of one controller"
    table.add(case, "GB/s", "5: all of it", sum(accesses) * 64 / 1e9, 4.975, 5.025, "0.5 %")
    table.add(case, "longest / shortest wait of an access", "1", round(max(waits) / min(waits), 5), 1, 1.005, "0.5 %")
    gains, before = [], []
    for n in range(1, len(MISSES) + 1):
        _, accesses = run_tasks(numasim, SHARED_NODE, readers(MISSES[:n]))
        gains += [now / was for now, was in zip(accesses, before)]
        before = accesses
    table.add(case + ", added one by one", "largest gain of another", "none: at most 1", round(max(gains), 5), 0, 1.0002,
              "0.02 %: the tolerance of two solutions")


def add_interleave(table, numasim):
    for d, c in WEIGHTS:
        expected = min(208.5 * (d + c) / d, 24.4 * (d + c) / c)
        _, accesses = run_tasks(numasim, DRAM_CXL, streams(64), ["mm.interleave_weights=%d,%d" % (d, c)])
        table.add("DRAM and CXL, weights %d:%d" % (d, c), "GB/s", number(expected), sum(accesses) * 64 / 1e9,
                  0.99 * expected, 1.01 * expected, "1 %")


def add_memory(table, numasim):
    add_controller(table, numasim)
    add_interleave(table, numasim)
