"""numa: automatic NUMA balancing of Linux 6.12 in QEMU against the same workload simulated.

Counters at the end of a scenario, how many pages each process has on each node, how many passes were
made, and when the first pages were marked. The median over the seeds must lie in the range of the
recorded repetitions, widened by the tolerance of the oracle's README.
"""
import reference_numa_guest
from reference_oracle import scenarios
from reference_scenario import machine_yaml
from reference_table import Run, Table, median, span
from reference_touch import nr_nodes, pages, per_process, settings, t0_ms, workload_yaml

SEEDS = 15
TEXT = """
Scenarios of `../shared/oracle/scenarios` whose threads touch memory: what Linux 6.12.117 did on emulated machines, in
three repetitions (`two_procs_long`: two), against five seeds of the simulator. `tests/reference_touch.py` makes the
workload from the options of each, and says what a fault costs there. A simulated value is the median, with the
range over the seeds in brackets.

The guest's counters hold a few dozen pages of its processes' stacks, libraries and other tasks, which are not simulated: so much
is allowed on top. Passes may differ by one (README), which is one region's pages marked more or less. Where
threads share a region it is a matter of luck who comes first to a page: local faults and pages moved are
compared with the range seen, widened by a quarter, and by the pages of a pass where the number of passes differs.

Where threads that share a region end up with it was traced. In the recordings they go round at speeds that differ from second
to second, and are anywhere when pages are marked; the seed draws that. One that comes to where another is just moving pages
finds an entry in migration, waits for it, and stays behind: so whoever is ahead comes to all that are left, and the shares
of a pass are those of the distances (3600 to 500 pages in one recording). Here a stretch of 256 KiB is dealt with at
once and others pass over it, take the next, and so share what is left evenly. That is a defect of the model.

The rows at the end are runs of perf bench numa on emulated machines with Linux 6.1, one recording each, for counters and
order only (`tests/reference_numa_guest.py`): within a factor of two, passes within one.
"""
OTHER = 64  # pages of the guest's processes besides the regions
COUNTERS = ("numa_pte_updates", "numa_hint_faults", "numa_hint_faults_local", "numa_pages_migrated")
GUEST = "the guest's threads come to more pages between two passes, or to fewer; how they shared the busy host is not known"
LUCK = "who catches up with a thread that is moving pages waits for each in Linux and follows it, so the first comes to all that are left; here it passes over the stretch that is being dealt with, and both share the rest"
LATER = "the guest's scan was seen a sample later: while others have their turns on the one host CPU it takes that long"
PASSES = "from the fourth pass on the guest scans less often: its processes have more VMAs than are simulated; how many is not known"
HUGE = "a pass over huge pages more; first marks come at once here since the threads have run for long"


def known_of(names, quantities, why):
    return {(name, quantity): why for name in names for quantity in quantities}


LONG = ("two_procs_long.n2x2", "two_procs_long.n2x2.rt")
KNOWN = {
    **known_of(("one_proc_fits.n4x2", "shared_all.n2x2"), ("pages of process 0 on node 0", "pages of process 0 on node 1"), LUCK),
    **known_of(("two_procs_long.n2x2.rt",), ("pages of process 0 on node 0", "pages of process 0 on node 1"), LUCK),
    **known_of(LONG + ("shared_all.n2x2", "shared_slice.n4x2"), ("first pages marked, ms",), LATER),
    **known_of(LONG, ("numa_pte_updates", "numa_hint_faults", "numa_scan_seq"), PASSES),
    ("two_procs_long.n2x2", "numa_pages_migrated"): PASSES,
    **known_of(("shared_slice.n4x2",), ("numa_pte_updates", "numa_hint_faults", "numa_hint_faults_local"), PASSES),
    ("hmat3/numa-mem-2p3t", "numa_pte_updates"): GUEST,
    ("hmat3/numa-mem-2p3t", "numa_hint_faults"): GUEST,
    ("hmat3/numa-mem-2p3t", "numa_hint_faults_local"): GUEST,
    ("mesh8/numa-mem-4p1t", "numa_hint_faults_local"): GUEST,
    **known_of(("priv_thp.n2x2",), ("numa_pte_updates", "first pages marked, ms"), HUGE),
}


def is_one(scenario):
    return scenario["options"]["mode"] == "touch"


def simulate(numasim, scenario, seed):
    duration = scenario["options"]["dur"]
    with Run(numasim, machine_yaml(scenario["machine"]), workload_yaml(scenario, seed), seed, settings(scenario),
             until="%dms" % (t0_ms(scenario) + duration), policy="autonuma", options=["--schedstat", "--decisions=scan"]) as run:
        result = {key: int(run.csv("summary.csv")[0][key]) for key in COUNTERS}
        result["scan_seq"] = {r["task"]: int(r["mm->numa_scan_seq"]) for r in run.csv("sched_tasks.csv")}
        result["scans"] = [int(r["time_ns"]) / 1e6 - t0_ms(scenario) for r in run.csv("decisions.csv")]
        result["bytes"] = {(r["id"], r["metric"]): int(r["value"]) for r in run.csv("timeseries.csv")
                           if r["metric"].startswith("node") and r["metric"].endswith("_bytes")}
    return result


def of_recording(scenario, rep):
    first, last = rep["samples"][0], rep["samples"][-1]
    result = {key: last["vmstat"].get(key, 0) - first["vmstat"].get(key, 0) for key in COUNTERS}
    result["scan_seq"] = last["scan_seq"]
    result["pages"] = last["pages"]
    result["marked_ms"] = next((s["t_ms"] for s in rep["samples"] if s["vmstat"].get("numa_pte_updates", 0) > 1000), None)
    return result


def one_pass(scenario):
    """4 KiB pages that one more pass over one VMA marks."""
    return pages(scenario)


def compare_counters(table, name, scenario, real, sims):
    balanced = any(r["numa_pte_updates"] > 1000 for r in real)
    shared = scenario["options"]["region"] == "shared"
    passes = [x for r in real for x in r["scan_seq"]]
    as_many = min(passes) <= median([max(s["scan_seq"].values()) for s in sims]) <= max(passes)
    for key in COUNTERS:
        seen = [r[key] for r in real]
        more = one_pass(scenario) if balanced and key != "numa_pages_migrated" else 0
        if shared and as_many:
            more = 0
        if scenario["options"].get("thp") and key.startswith("numa_hint"):
            more //= 512
        share = 0.25 if shared and key in COUNTERS[2:] else 0.02
        reason = "%d %%, a pass over one VMA and %d pages more or less" % (100 * share, OTHER) if more else \
            "%d %% and %d pages more or less" % (100 * share, OTHER)
        table.add(name, key, span(seen), [s[key] for s in sims], min(seen) * (1 - share) - more - OTHER,
                  max(seen) * (1 + share) + more + OTHER, reason)


def compare_places(table, name, scenario, real, sims):
    """Pages by node: of each process, or of all private regions together."""
    k, n = per_process(scenario), nr_nodes(scenario)
    private = scenario["options"]["region"] == "priv"
    for process in range(scenario["options"].get("nproc", 1)):
        for node in range(n):
            seen = [sum(row[node] for row in r["pages"][process * k:(process + 1) * k]) if private
                    else r["pages"][process][node] for r in real]
            got = [s["bytes"].get(("p%d" % process, "node%d_bytes" % node), 0) // 4096 for s in sims]
            total = pages(scenario) * (k if private else 1)
            table.add(name, "pages of process %d on node %d" % (process, node), span(seen), got,
                      min(seen) - 0.02 * total, max(seen) + 0.02 * total, "the range seen, and 2 % of all pages (README)")


def compare_passes(table, name, scenario, real, sims):
    seen = [x for r in real for x in r["scan_seq"]]
    if max(seen) == 0:
        return
    table.add(name, "numa_scan_seq", span(seen), [max(s["scan_seq"].values()) for s in sims], min(seen) - 1, max(seen) + 1,
              "one pass more or less (README)")
    marked = [r["marked_ms"] for r in real]
    if None not in marked:
        table.add(name, "first pages marked, ms", span(marked), [s["scans"][0] for s in sims],
                  min(marked) - scenario["options"]["ivl"], max(marked) + 20, "seen by samples: up to an interval later; 5 ticks")


def compare(table, name, scenario, sims):
    real = [of_recording(scenario, rep) for rep in scenario["reps"]]
    compare_counters(table, name, scenario, real, sims)
    compare_passes(table, name, scenario, real, sims)
    compare_places(table, name, scenario, real, sims)


def build(numasim, shared, only=(), seeds=SEEDS):
    table = Table("numa", "NUMA balancing of Linux 6.12 in QEMU against the simulator", TEXT, KNOWN)
    done = {}
    for name, scenario in scenarios(shared):
        if not is_one(scenario) or (only and not any(name.startswith(o) for o in only)):
            continue
        key = name.removesuffix(".rt")
        if key not in done:
            done[key] = [simulate(numasim, scenario, s) for s in range(1, seeds + 1)]
        compare(table, name, scenario, done[key])
    if not only:
        reference_numa_guest.add(table, numasim, shared)
    return table
