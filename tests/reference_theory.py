"""theory: answers that are known without a kernel: shares by weight, queues, fairness.

Kernel work costs nothing in these runs, or the answer would be another one.
"""
import math
from decimal import Decimal, getcontext

import reference_theory_memory as memory
from reference_table import Run, Table, number

TEXT = """
What is known without any kernel, against the simulator. All costs of the kernel's own work are zero here.

**Shares**: endless tasks on one CPU for 10 s, nice levels dealt in turn. A task's share is its weight over the sum of the weights,
within the larger of 1 % of it and two turns; a turn is a slice (0.7 ms on one CPU) or a tick (4 ms). The weights are those of
`sched_prio_to_weight`. A row is the worst task of its case: how far its CPU time is off, as a part of what it may be off. Beside it stands the
worst difference to the rules of EEVDF alone: 20 lines (`eevdf` in `tests/reference_theory.py`) that pick the earliest
deadline among the eligible, every tick.

**Groups**: endless tasks in cgroups on one CPU, whose shares are products of the shares of the levels; and groups with a
`cpu.max`, which get quota / period of a CPU.

**Queues**: Poisson arrivals at one queue, workers that take them in order, each on a CPU of its own. The waiting time counts from the arrival
until a worker takes the request. Ten seeds of 10^6 arrivals; the interval is Student's, of 99.9 %, over the ten runs. For M/M/1
the mean of each run must also lie within the 99.9 % interval that theory gives for 10^6 arrivals, where
the variance of the mean of n waiting times is rho (2 + 5 rho - 4 rho^2 + rho^3) / (n mu^2 (1 - rho)^4) (Daley 1968). The p99 of
M/D/1 is from Erlang's series.

**Sharing**: a fair scheduler of one CPU with many tasks is near processor sharing, whose mean response S / (1 - rho) is the same for
every distribution of service times. (In order of arrival it would be 120, 200 and 440 ms here.) Service times are 40 ms, the
tick 1 ms, ten seeds of 10^4 arrivals.

**Deadlines**: periodic threads on one CPU, released together to a few microseconds, that must be done by their next release. With priorities by rate (`fifo`) no
deadline is missed up to a use of n (2^(1/n) - 1) of the CPU (Liu and Layland 1973), and there is a set at that very use in which
20 us more of work are too much: the periods are in the ratio 2^(1/n), and each thread works for the difference to the next period. By
the earliest deadline (`deadline`, no admission test) the same sets may use the whole CPU, and not more.
"""
KNOWN = {
    ("64 tasks, nice -10 .. 19", "worst deviation / allowed"):
        "the rule itself, see the row below: 56 lighter tasks get turns of 4 ms where they asked for 0.7, in phase, and the eight "
        "heaviest wait for them",
}
TURN = 4  # ms: a tick of HZ=250, longer than the slice
COSTS = ["context_switch", "context_switch_same_mm", "wakeup", "ipi", "migration", "balance_per_cpu"]
FREE = ["cost.%s=0ns" % c for c in COSTS]
ONE_CPU = "hwloc:pack:1 core:1 pu:1"
WEIGHTS = {-20: 88761, -10: 9548, -5: 3121, -1: 1277, 0: 1024, 1: 820, 5: 335, 10: 110, 15: 36, 19: 15}
T999 = 4.781  # Student, 9 degrees of freedom, two-sided 99.9 %
N999 = 3.291  # normal, two-sided 99.9 %
RUNS, ARRIVALS = 10, 1000000


def hogs(nices):
    lines = ["version: 1", "name: hogs", "doc: shares by weight", "processes:", "  - name: p", "    threads:"]
    for i, nice in enumerate(nices):
        lines += ["      - name: t%d" % i, "        nice: %d" % nice, "        program:", "          - compute: 1000s"]
    return "\n".join(lines) + "\n"


def eevdf(weights, until):
    """CPU time in ms of endless tasks that start together: the rules of EEVDF and ticks, and nothing else."""
    request, ticks = 0.7, int(until / TURN)
    v, deadline = [0.0] * len(weights), [request * 1024 / w / 2 for w in weights]
    ran = [0.0] * len(weights)

    def pick():
        average = sum(a * w for a, w in zip(v, weights)) / sum(weights)
        return min((i for i in range(len(v)) if v[i] <= average + 1e-9), key=lambda i: (round(deadline[i], 9), i))

    now = pick()
    for _ in range(ticks):
        ran[now] += TURN
        v[now] += TURN * 1024 / weights[now]
        if v[now] >= deadline[now]:
            deadline[now] = v[now] + request * 1024 / weights[now]
            now = pick()
    return ran


def add_shares(table, numasim):
    patterns = [("equal", [0]), ("0 5", [0, 5]), ("-5 0 10", [-5, 0, 10]), ("-10 .. 19", [-10, -5, -1, 0, 1, 5, 10, 19])]
    quiet = FREE + ["noise.start_jitter=no", "noise.tick_phase=no"]
    for n in (2, 3, 4, 8, 16, 32, 64):
        for name, nices in patterns:
            if len(nices) > n:
                continue
            dealt = [nices[i % len(nices)] for i in range(n)]
            with Run(numasim, ONE_CPU, hogs(dealt), settings=quiet, until="10s") as run:
                ran = [int(row["run_ns"]) / 1e6 for row in run.csv("tasks.csv")]
            weights = [WEIGHTS[x] for x in dealt]
            ideal = [10000 * w / sum(weights) for w in weights]
            worst = max(abs(r - i) / max(0.01 * i, 2 * TURN) for r, i in zip(ran, ideal))
            case = "%d tasks, nice %s" % (n, name)
            table.add(case, "worst deviation / allowed", "w / sum of w", round(worst, 4), 0, 1,
                      "the larger of 1 % and two turns")
            off = max(abs(r - e) for r, e in zip(ran, eevdf(weights, 10000)))
            table.add(case, "worst difference to EEVDF, ms", "0", round(off, 4), 0, 0.001, "1 us: the same turns, rounding apart")


def grouped(tree, members):
    """Endless tasks in cgroups: `tree` is the text below cgroups, `members` the group of each task."""
    lines = ["version: 1", "name: groups", "doc: shares of groups", "cgroups:"] + ["  " + t for t in tree]
    lines += ["processes:", "  - name: p", "    threads:"]
    for i, group in enumerate(members):
        lines += ["      - name: t%d" % i, "        cgroup: " + group, "        program: [{compute: 1000s}]"]
    return "\n".join(lines) + "\n"


def run_times(numasim, machine, workload):
    with Run(numasim, machine, workload, settings=FREE + ["noise.start_jitter=no"], until="10s") as run:
        return [int(row["run_ns"]) / 1e6 for row in run.csv("tasks.csv")]


GROUPS = [
    ("weights 100, 300", ["a: {cpu.weight: 100}", "b: {cpu.weight: 300}"], "a b", [1 / 4, 3 / 4]),
    ("equal weights, 1 and 3 tasks", ["a: {}", "b: {}"], "a b b b", [1 / 2, 1 / 6, 1 / 6, 1 / 6]),
    ("weights 1, 100, 10000", ["a: {cpu.weight: 1}", "b: {}", "c: {cpu.weight: 10000}"], "a b c",
     [w / (10 + 1024 + 102400) for w in (10, 1024, 102400)]),
    ("a group beside a task of the root", ["a: {cpu.weight: 50}"], "a a /", [1 / 6, 1 / 6, 2 / 3]),
    ("groups in groups", ["a: {cpu.weight: 100, cgroups: {x: {cpu.weight: 100}, y: {cpu.weight: 400}}}",
                          "b: {cpu.weight: 100}"], "a/x a/y b", [1 / 10, 4 / 10, 1 / 2]),
]
LIMITS = [("20ms of 100ms", "{quota: 20ms, period: 100ms}", 1, 1, 2000), ("50ms of 100ms", "{quota: 50ms, period: 100ms}", 1, 2, 5000),
          ("10ms of 50ms, 3 tasks", "{quota: 10ms, period: 50ms}", 1, 3, 2000),
          ("150ms of 100ms, 2 CPUs", "{quota: 150ms, period: 100ms}", 2, 2, 15000),
          ("150ms of 100ms, 4 CPUs", "{quota: 150ms, period: 100ms}", 4, 4, 15000)]


def add_groups(table, numasim):
    for case, tree, members, shares in GROUPS:
        ran = run_times(numasim, ONE_CPU, grouped(tree, members.split()))
        worst = max(abs(r - 10000 * s) / max(100 * s, 2 * TURN) for r, s in zip(ran, shares))
        table.add("cgroups: " + case, "worst deviation / allowed", "weights, level by level", round(worst, 4), 0, 1,
                  "the larger of 1 % and two turns")
    for case, limit, cpus, tasks, expected in LIMITS:
        ran = run_times(numasim, "hwloc:pack:1 core:%d pu:1" % cpus, grouped(["a: {cpu.max: %s}" % limit], ["a"] * tasks))
        table.add("cpu.max: " + case, "CPU time in 10 s, ms", str(expected), sum(ran), 0.99 * expected, 1.01 * expected,
                  "1 % of quota / period")


def queue(service, interval_us, workers, arrivals):
    lines = ["version: 1", "name: queue", "doc: waiting times", "distributions:", "  service: {%s}" % service,
             "processes:", "  - name: p", "    sync:",
             "      q: {kind: queue, capacity: 1000000, arrivals: {poisson: {interval: %dus, count: %d}}}"
             % (interval_us, arrivals), "    threads:"]
    for i in range(workers):
        lines += ["      - name: w%d" % i, "        affinity: {cpus: %d}" % i, "        program:",
                  "          - loop: {count: forever, do: [{request: {begin: q}}, {request: end}, {compute: service}]}"]
    return "\n".join(lines) + "\n"


def request_slots(numasim, machine, workload, seed, settings):
    with Run(numasim, machine, workload, seed, settings) as run:
        return [(int(r["value_ns"]), int(r["count"])) for r in run.csv("latency.csv")
                if r["scope"] == "run" and r["kind"] == "request"]


def waits(numasim, service, interval_us, workers, seed):
    """Mean and p99 of the waiting times of one run, in ms."""
    machine = "hwloc:pack:1 core:%d pu:1" % workers
    slots = request_slots(numasim, machine, queue(service, interval_us, workers, ARRIVALS), seed, FREE)
    n = sum(c for _, c in slots)
    seen, p99 = 0, None
    for value, count in slots:
        seen += count
        if p99 is None and seen >= 0.99 * n:
            p99 = value / 1e6
    return sum(v * c for v, c in slots) / n / 1e6, p99


def md1_tail(rho, t):
    """P(wait <= t) of M/D/1, service time 1 (Erlang); the series alternates, so many digits are kept."""
    getcontext().prec = 80
    rho, t = Decimal(rho), Decimal(t)
    total = Decimal(0)
    for j in range(int(t) + 1):
        x = rho * (t - j)
        total += (-x) ** j / Decimal(math.factorial(j)) * x.exp() if j else x.exp()
    return float((1 - rho) * total)


def md1_p99(rho):
    low, high = 0.0, 60.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if md1_tail(str(rho), str(middle)) < 0.99 else (low, middle)
    return low


def add_interval(table, case, quantity, formula, theory, values):
    mean = sum(values) / len(values)
    s = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    half = T999 * s / math.sqrt(len(values)) + 0.0005 * theory
    table.add(case, quantity, "%s = %s" % (formula, number(theory)), mean, theory - half, theory + half,
              "99.9 %% interval of ten runs, +- %.2g" % half)


def add_queue(table, numasim, case, service, interval_us, workers, mean, p99):
    runs = [waits(numasim, service, interval_us, workers, seed) for seed in range(1, RUNS + 1)]
    add_interval(table, case, "mean wait ms", mean[0], mean[1], [m for m, _ in runs])
    add_interval(table, case, "p99 wait ms", p99[0], p99[1], [p for _, p in runs])
    return runs


def add_queues(table, numasim):
    for rho, interval in ((0.5, 2000), (0.8, 1250)):
        case = "M/M/1, rho %s" % rho
        wait = rho / (1 - rho)
        runs = add_queue(table, numasim, case, "exponential: 1ms", interval, 1, ("rho/(mu-lambda)", wait),
                         ("ln(100 rho)/(mu-lambda)", math.log(100 * rho) / (1 - rho)))
        variance = rho * (2 + 5 * rho - 4 * rho ** 2 + rho ** 3) / (1 - rho) ** 4
        half = N999 * math.sqrt(variance / ARRIVALS) + 0.0005 * wait
        table.add(case, "mean wait ms of each run", number(wait), [m for m, _ in runs], wait - half, wait + half,
                  "99.9 %% interval of 10^6 arrivals, +- %.2g" % half, judge="all")
    add_queue(table, numasim, "M/D/1, rho 0.8", "constant: 1ms", 1250, 1, ("rho/2(mu-lambda)", 2.0),
              ("Erlang's series", md1_p99(0.8)))
    a, c = 1.6, 2  # offered load, servers: Erlang's C
    tail = a ** c / math.factorial(c) * c / (c - a)
    erlang = tail / (sum(a ** k / math.factorial(k) for k in range(c)) + tail)
    add_queue(table, numasim, "M/M/2, rho 0.8", "exponential: 1ms", 625, c, ("C/(2 mu-lambda)", erlang / (c - a)),
              ("ln(100 C)/(2 mu-lambda)", math.log(100 * erlang) / (c - a)))


def sharing(service):
    """More workers than requests on one CPU: each request is served at once, by a share of it."""
    return "\n".join([
        "version: 1", "name: sharing", "doc: processor sharing", "distributions:", "  service: {%s}" % service,
        "processes:", "  - name: p", "    sync:",
        "      q: {kind: queue, capacity: 10000, arrivals: {poisson: {interval: 50ms, count: 10000}}}",
        "    threads:", "      - name: w", "        count: 300", "        program:",
        "          - loop: {count: forever, do: [{request: {begin: q}}, {compute: service}, {request: end}]}"]) + "\n"


def add_sharing(table, numasim):
    for service in ("constant: 40ms", "exponential: 40ms", "lognormal: {mean: 40ms, cv: 2}"):
        means = []
        for seed in range(1, RUNS + 1):
            slots = request_slots(numasim, ONE_CPU, sharing(service), seed, FREE + ["sched.hz=1000"])
            means.append(sum(v * c for v, c in slots) / sum(c for _, c in slots) / 1e6)
        add_interval(table, "M/G/1 shared, rho 0.8, " + service, "mean response ms", "S/(1-rho)", 200.0, means)


def periodic(threads, edf):
    """Threads of (period, work) in us, the shortest period first, for 10 s of rounds. A round begins when its thread first runs, so
    each is released a microsecond before the next more important one, which would else keep it from its first round. Reservations are two ticks larger than the work: ticks throttle."""
    lines = ["version: 1", "name: periodic", "doc: deadlines that are periods", "processes:", "  - name: p", "    threads:"]
    for i, (period, work) in enumerate(threads):
        kind = ("class: deadline, runtime: %dus, period: %dus" % (min(work + 2000, period), period)) if edf else "class: fifo, priority: %d" % (90 - i)
        rounds = "{period: {every: %dus, count: %d, do: [{compute: %dus}]}}" % (period, 10000000 // period, work)
        first = "{sleep: %dus}, " % (len(threads) - 1 - i) if i + 1 < len(threads) else ""
        lines += ["      - {name: t%d, %s, program: [%s%s]}" % (i, kind, first, rounds)]
    return "\n".join(lines) + "\n"


def misses(numasim, threads, edf):
    settings = FREE + ["noise.start_jitter=no", "sched.rt_runtime=0ns", "sched.fair_server_runtime=0ns", "sched.hz=1000"]
    with Run(numasim, ONE_CPU, periodic(threads, edf), settings=settings, until="11s") as run:
        return sum(int(r["deadline_misses"]) for r in run.csv("processes.csv"))


def worst_set(n):
    """The set at the bound of Liu and Layland: (period, work), in whole us."""
    periods = [round(10000 * 2 ** (i / n)) for i in range(n)]
    ends = periods[1:] + [2 * periods[0]]
    return [(p, end - p) for p, end in zip(periods, ends)]


def add_deadlines(table, numasim):
    for n in (2, 3, 5, 10):
        at_bound = worst_set(n)
        more = [(at_bound[0][0], at_bound[0][1] + 20)] + at_bound[1:]
        bound = "n(2^(1/n)-1) = %.4f" % (n * (2 ** (1 / n) - 1))
        case = "rate-monotonic, %d threads" % n
        table.add(case + ", use at the bound", "misses", bound + ": 0", misses(numasim, at_bound, False), 0, 0, "none")
        table.add(case + ", 20 us more", "misses", "> 0", misses(numasim, more, False), 1, 10 ** 6, "at least one")
        use = sum(work / period for period, work in at_bound)
        full = [(period, int(work / use)) for period, work in at_bound]
        over = [(period, int(1.01 * work / use)) for period, work in at_bound]
        case = "earliest deadline first, %d threads" % n
        table.add(case + ", all of the CPU", "misses", "U <= 1: 0", misses(numasim, full, True), 0, 0, "none")
        table.add(case + ", 1 % more", "misses", "U > 1: > 0", misses(numasim, over, True), 1, 10 ** 6, "at least one")


def build(numasim, shared, only=(), seeds=RUNS):
    del shared, seeds
    table = Table("theory", "Known answers against the simulator", TEXT + memory.TEXT, KNOWN)
    parts = {"shares": add_shares, "groups": add_groups, "queues": add_queues, "sharing": add_sharing,
             "deadlines": add_deadlines, "memory": memory.add_memory}
    for name, part in parts.items():
        if not only or name in only:
            part(table, numasim)
    return table
