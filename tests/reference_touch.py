"""A scenario of the oracle in which threads touch memory, as machine and workload of the simulator.

Threads of the guest walk their part of a region for ever: one read-modify-write a page and a short spin.
They have done so for some 100 ms when NUMA balancing is switched on (t=0). Where the regions' pages are
then is what the options say. Costs belong to the emulator, whose CPUs take turns on one: that is simulated (`sched.host_turn`, reference_scenario.py),
and a thread takes as long by the guest's clock as there are CPUs busy. Where nothing faults a page is
touched in 13.9 us with four CPUs busy and 8 ns an instruction, in each of the eleven recordings (13.8 to 14.1 when
divided by both). What the threads did less of where they faulted gives, by least squares over all their samples,
27 us for a fault that moves nothing and 537 us for one that moves its page (README: 0.6 ms); of the latter, 205 us are taken
for the copy of 4 KiB, and the copy of 2 MiB accordingly. Marking a page takes 2.4 us (2048 pages: 5.0 ms at the least, in the passes that
we traced, tests/guest), and flushing a VMA's TLB entries some 50 us, but each flush waits until the CPUs of the other threads have had the
turn in which they answer: 20 ms a VMA in the mean, 200 ms a pass of a process with two threads on four CPUs, 1 to 2 s with eight on eight. The simulator
waits for the same reason (host_turns.h), and whoever comes to pages of a pass that is under way gets no further: in a recording 39 pages were moved
while 2568 were marked, and the other thread of a process had 3 to 19 faults when its first pass was over (twenty processes). That matters: who scans does not scan again for 32 times as long. A page takes as long here as a stretch of 256 KiB on a real machine, so stretches of one page are simulated.

All threads count their rounds in pages that all processes share: in the recordings their NUMA groups span processes.
A process has what every process of Linux has besides, in the order of addresses: data, bss and heap below its mappings, of which later
ones lie lower (an arena of malloc and a stack for each thread, then its regions, then what it has from its parent: the recorder's buffer, which it never
touches, and the counts), and above them the vDSO, whose page is never marked, and the stack of its first thread (order and buffer as traced in our own
recordings; the oracle's program is taken to be alike). Of text, guards and the like a scan only says why it skips them. The vDSO's page is never marked. So many pages are marked besides the regions' in the first pass of the recordings: 17 a process with two threads, 22 to 24
with four, three a thread, as in our own (tests/guest), where the marking of each VMA was traced.
Their number and order matter: when nobody has faulted in a VMA for 8 s a scan takes but one of them.

Threads that share a region go round in it at speeds that differ from second to second: when the first pages are marked their
counts of pages differ by many rounds (`work` in the recordings). How far they are apart then, and so how many of the pages each
comes to first, is a matter of luck: they begin at places that the seed draws.
"""
import random

from reference_scenario import GUEST, affinity, nr_threads, sampler_us, start_cpu

PAGE_NS = 13900
# ns for a page that is marked, and for the flush of a VMA's TLB entries.
MARKING = 2400, 50000
# Small VMAs of a process and their pages that are there, below its mappings; pages of the recorder's buffer, which it inherits and never touches.
BELOW, BUFFER = {"data": 2, "bss": 3, "heap": 2}, 12288


def costs(scale=1, scan_per_page=10000, tlb_shootdown=100000):
    """In ns by the clock of an emulator; scale 1: with four busy CPUs and 8 ns an instruction."""
    times = {"hint_fault": 27000, "hint_fault_huge": 27000, "page_migration": 305000, "page_migration_huge": 305000, "scan_per_page": scan_per_page,
             "scan_per_huge_page": 10000, "tlb_shootdown": tlb_shootdown, "minor_fault": 1000}
    return GUEST + ["mm.lru_batches=all", "mm.touch_chunk=4KiB", "cost.copy_bandwidth=%dMB/s" % (20 / scale)] + \
        ["cost.%s=%dns" % (name, ns * scale) for name, ns in times.items()]


def time_scale(scenario):
    """A CPU that has the turn is four times as fast."""
    return 2 ** (scenario["obtained"]["icount_shift"] or 3) / 32


def before_ms(scenario, i):
    """CPU time of a thread before t=0: what it took to touch its memory first, in the mean."""
    return sum(rep["samples"][0]["exec_ms"][i] for rep in scenario["reps"]) / len(scenario["reps"])


def before_us(scenario, i):
    """The same without the turns of the others who were busy then."""
    spent = [before_ms(scenario, j) for j in range(nr_threads(scenario))]
    return 1000 * spent[i] * max(spent) / sum(spent)


def t0_ms(scenario):
    """When balancing is switched on: all threads have begun, and slept."""
    return 100 * (3 + int(max(before_ms(scenario, i) for i in range(nr_threads(scenario)))) // 100)


def settings(scenario):
    o = scenario["options"]
    return costs(time_scale(scenario), *MARKING) + ["numa_balancing.start=%dms" % t0_ms(scenario)] + (["numa_balancing.mode=off"] if o.get("nb", 1) == 0 else [])


def nr_nodes(scenario):
    return len(scenario["machine"]["nodes"])


def placed(scenario, i):
    """`policy` and `initial` of region i."""
    o, n = scenario["options"], nr_nodes(scenario)
    policy = str(o.get("policy", ""))
    if policy.startswith("bind"):
        mode = "{mode: bind, nodes: %s}" % policy[4:]
        return "policy: %s, initial: %s" % (mode, mode)
    if policy.startswith("pref"):
        mode = "{mode: preferred, nodes: %s}" % policy[4:]
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


def walk(scenario, i, time, page_us=None):
    o = scenario["options"]
    page_us = page_us or PAGE_NS * time_scale(scenario) / 1000
    region = "r%d" % (i if o["region"] == "priv" else i // per_process(scenario))
    own = ", slice: %d" % (i % per_process(scenario)) if o["region"] == "slice" else ""
    # 2.5 GHz and one instruction a cycle: a miss for every page, and one for the count of rounds
    uses = "{region: %s%s, pattern: strided, weight: 1000}, {region: results, pattern: strided, weight: 1000}" % (region, own)
    uses += ", {region: tstack%d, pattern: strided, weight: 1}" % i
    return "compute: {time: %s, mpki: %.6f, uses: [%s], mlp: 1, writes: 100%%}" % (time, 2001 / (page_us * 2500), uses)


def first_steps(scenario, i, seed):
    """Threads that share a region start anywhere: a millisecond brings each to its offset."""
    k, place = per_process(scenario), random.Random("%s %d %d" % (scenario["name"], i, seed))
    offset = place.randrange(pages(scenario)) if scenario["options"]["region"] == "shared" and i % k else 0
    before = max(0, before_us(scenario, i) - 2000 - (1000 if offset else 0))
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
    def small(vma, pages=2, where="initial: {mode: bind, nodes: 0}"):
        return "      - {name: %s, size: %dKiB%s}" % (vma, 4 * pages, where and ", " + where)

    threads = range(process * k, (process + 1) * k)
    stacks = [small("arena%d" % i, 1) for i in reversed(threads)] + [small("tstack%d" % i) for i in reversed(threads)]
    regions = ["      - {name: r%d, size: %dKiB%s, %s}" % (r, o["kb"], extra, placed(scenario, r)) for r in reversed(numbers)]
    return [small(vma + str(process), n) for vma, n in BELOW.items()] + stacks + regions + [small("buffer%d" % process, BUFFER, "")]


def above_yaml(nproc):
    """What lies above the mappings of a process: it is mapped, in this order, by the first thread's first uses."""
    lines = ["  - {name: results, size: 8KiB, initial: {mode: bind, nodes: 0}}"]
    for process in range(nproc):
        lines += ["  - {name: vdso%d, size: 8KiB}" % process, "  - {name: stack%d, size: 8KiB, initial: {mode: bind, nodes: 0}}" % process]
    return lines


def main_steps(process):
    return ["          - compute: {time: 1us, mpki: 0.001, region: %s, pattern: strided, mlp: 1}" % region
            for region in ("results", "vdso%d" % process, "stack%d" % process)]


def workload_yaml(scenario, seed):
    k = per_process(scenario)
    nproc = scenario["options"].get("nproc", 1)
    lines = ["version: 1", "name: scenario", "doc: %s" % scenario["name"], "regions:"] + above_yaml(nproc) + ["processes:"]
    for process in range(nproc):
        lines += ["  - name: p%d" % process, "    regions:"] + regions_yaml(scenario, process) + \
            ["    threads:", "      - name: main", "        background: yes", "        program:", "          - compute: 7us"] + main_steps(process)
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
