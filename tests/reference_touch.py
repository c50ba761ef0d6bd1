"""A scenario of the oracle in which threads touch memory, as machine and workload of the simulator.

Threads of the guest walk their part of a region for ever: one read-modify-write a page and a short spin.
They have done so for some 100 ms when NUMA balancing is switched on (t=0). Where the regions' pages are
then is what the options say. Costs belong to the emulator: time for one page is what a thread of the
recording took where nothing faulted, a hinting fault with its migration takes 0.6 ms there (README): a
quarter is taken for the fault itself, a third for the copy of 4 KiB, and the copy of 2 MiB accordingly.
Marking takes 10 us a page, by how long the second pass waits for the scan overhead limit. All threads count their rounds in pages that all processes share: in the recordings their NUMA groups span processes. A process has small VMAs besides: when nobody has faulted in its VMAs for 8 s a scan takes but one
of them, so that their number matters. That the emulator's CPUs take turns is in these times, so turns are not simulated here.

Threads that share a region go round in it at speeds that differ from second to second: when the first pages are marked their
counts of pages differ by many rounds (`work` in the recordings). How far they are apart then, and so how many of the pages each
comes to first, is a matter of luck: they begin at places that the seed draws.
"""
import random

from reference_scenario import GUEST, affinity, nr_threads, sampler_us, start_cpu

PAGE_US = 12
# VMAs that every process has besides, of two pages each, and a stack for each thread.
SMALL = ["heap", "data", "bss"]
COSTS = [g for g in GUEST if "host_turn" not in g] + ["cost.hint_fault=150us", "cost.hint_fault_huge=150us", "cost.page_migration=245us",
                 "cost.page_migration_huge=245us", "cost.copy_bandwidth=20MB/s", "cost.scan_per_page=10us",
                 "cost.scan_per_huge_page=10us", "cost.tlb_shootdown=100us", "cost.minor_fault=1us",
                 "mm.lru_batches=all"]


def before_ms(scenario, i):
    """CPU time of a thread before t=0: what it took to touch its memory first, in the mean."""
    return sum(rep["samples"][0]["exec_ms"][i] for rep in scenario["reps"]) / len(scenario["reps"])


def t0_ms(scenario):
    """When balancing is switched on: all threads have begun, and slept."""
    return 100 * (3 + int(max(before_ms(scenario, i) for i in range(nr_threads(scenario)))) // 100)


def settings(scenario):
    o = scenario["options"]
    return COSTS + ["numa_balancing.start=%dms" % t0_ms(scenario)] + (["numa_balancing.mode=off"] if o.get("nb", 1) == 0 else [])


def nr_nodes(scenario):
    return len(scenario["machine"]["nodes"])


def placed(scenario, i):
    """`policy` and `initial` of region i."""
    o, n = scenario["options"], nr_nodes(scenario)
    policy = str(o.get("policy", ""))
    if policy.startswith("bind"):
        mode = "{mode: bind, nodes: %s}" % policy[4:]
        return "policy: %s, initial: %s" % (mode, mode)
    if policy == "interleave":
        return "policy: {mode: interleave}, initial: {mode: interleave}"
    if o["init"] == "spread":
        return "initial: {mode: interleave}"
    return "initial: {mode: bind, nodes: %d}" % ((i + 1) % n if o["init"] == "wrong" else 0)


def per_process(scenario):
    return nr_threads(scenario) // scenario["options"].get("nproc", 1)


def pages(scenario):
    """4 KiB pages of one region."""
    return scenario["options"]["kb"] // 4


def walk(scenario, i, time, page_us=PAGE_US):
    o = scenario["options"]
    region = "r%d" % (i if o["region"] == "priv" else i // per_process(scenario))
    own = ", slice: %d" % (i % per_process(scenario)) if o["region"] == "slice" else ""
    # 2.5 GHz and one instruction a cycle: a miss for every page, and one for the count of rounds
    uses = "{region: %s%s, pattern: strided, weight: 1000}, {region: results, pattern: strided, weight: 1000}" % (region, own)
    uses += ", {region: heap%d, pattern: strided, weight: 1}, {region: stack%d, pattern: strided, weight: 1}" % (
        i // per_process(scenario), i)
    return "compute: {time: %s, mpki: %.6f, uses: [%s], mlp: 1, writes: 100%%}" % (time, 2002 / (page_us * 2500), uses)


def first_steps(scenario, i, seed):
    """Threads that share a region start anywhere: a millisecond brings each to its offset."""
    k, place = per_process(scenario), random.Random("%s %d %d" % (scenario["name"], i, seed))
    offset = place.randrange(pages(scenario)) if scenario["options"]["region"] == "shared" and i % k else 0
    before = max(0, 1000 * before_ms(scenario, i) - 2000 - (1000 if offset else 0))
    return (["compute: %dus" % before] if before else []) + \
        ([walk(scenario, i, "1ms", 1000 / offset)] if offset else [])


def thread_yaml(scenario, i, seed):
    program = first_steps(scenario, i, seed)
    program += ["loop: {count: 100, do: [{sleep: 1ms}, {compute: 20us}]}", "timer: {every: %dms, from: start}" % t0_ms(scenario),
                "set_affinity: " + affinity(scenario, i), walk(scenario, i, "1000s")]
    return ["      - name: t%d" % i, "        start: fork", "        affinity: {cpus: %d}" % start_cpu(scenario, i), "        program:"] + \
        ["          - " + step for step in program]


def regions_yaml(scenario, process):
    o, k = scenario["options"], per_process(scenario)
    numbers = range(process * k, (process + 1) * k) if o["region"] == "priv" else [process]
    extra = ", slices: %d" % k if o["region"] == "slice" else ""
    extra += ", page_size: 2MiB" if o.get("thp") else ""
    names = [vma + str(process) for vma in SMALL] + ["stack%d" % i for i in range(process * k, (process + 1) * k)]
    small = ["      - {name: %s, size: 8KiB, initial: {mode: bind, nodes: 0}}" % vma for vma in names]
    return ["      - {name: r%d, size: %dKiB%s, %s}" % (r, o["kb"], extra, placed(scenario, r)) for r in numbers] + small


def workload_yaml(scenario, seed):
    k = per_process(scenario)
    lines = ["version: 1", "name: scenario", "doc: %s" % scenario["name"], "regions:",
             "  - {name: results, size: 8KiB, initial: {mode: bind, nodes: 0}}", "processes:"]
    for process in range(scenario["options"].get("nproc", 1)):
        lines += ["  - name: p%d" % process, "    regions:"] + regions_yaml(scenario, process) + ["    threads:", "      - name: main",
                                                                       "        background: yes", "        program:",
                                                                       "          - compute: 10us"]
        lines += ["          - fork: t%d" % i for i in range(process * k, (process + 1) * k)] + ["          - sleep: 1000s"]
        for i in range(process * k, (process + 1) * k):
            lines += thread_yaml(scenario, i, seed)
    cpu = scenario["reps"][0]["params"]["ncpu"] - 1
    lines += ["  - name: sampler", "    threads:", "      - name: sampler", "        class: fifo", "        priority: 50",
              "        affinity: {cpus: %d}" % cpu, "        background: yes", "        program:",
              "          - timer: {every: %dms, from: start}" % t0_ms(scenario),
              "          - loop: {count: forever, do: [{compute: %dus}, {timer: {every: %dms, from: start}}]}"
              % (sampler_us(scenario), scenario["options"]["ivl"])]
    return "\n".join(lines) + "\n"
