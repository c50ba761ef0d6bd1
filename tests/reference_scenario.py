"""A scenario of the oracle as machine and workload of the simulator.

What the guest did is modelled from the scenario's own options. Threads wait for t=0 on their start
CPUs: they begin with 3 ms of work, then sleep a millisecond and look, a hundred times (so their CPU times at t=0). At T0 they widen their own affinity and
begin. With `prespin` they spin first, until a semaphore is raised for them all. Costs that belong to
the emulator (CPU time of a round, of a message) are those that the scenario's own samples show.
"""
T0_MS = 200

# What the kernel's own work costs on CPUs of 31 million instructions a second. Seen in the events: tasks of one pass are
# attached 16 us apart, and a hog is off its CPU for 25 us when something short runs there. Assumed: wake-ups and
# interrupts of 300 instructions, and 1250 instructions for each CPU that a balancing pass looks at. The emulator's CPUs
# take turns, so that a newly idle pass that is cut by a turn is measured as milliseconds; the kernel keeps the largest
# such cost (max_newidle_lb_cost) and makes no more such passes. They are switched off here: with them duty50 has 1500
# migrations where the guest had 184 to 342, and 40 % of them across nodes where it had 9 %.
GUEST = ["sched.newidle_balance=no", "cost.context_switch=8us", "cost.context_switch_same_mm=8us", "cost.wakeup=10us", "cost.ipi=10us",
         "cost.migration=16us", "cost.balance_per_cpu=40us"]


def machine_yaml(machine):
    n = len(machine["nodes"])
    lines = ["title: %s" % machine["name"], "vendor: intel", "frequency: 2.5GHz",
             "shape: {packages: %d, cores_per_llc: %d}" % (machine["sockets"], machine["cores"]), "nodes:"]
    lines += ["  - {node: %d, memory: %dMiB}" % (i, machine["nodes"][i]["mem"]) for i in range(n)]
    lines += ["distances:"] + ["  - " + " ".join(map(str, row)) for row in machine["dist"]]
    lines += ["latency: {local: 80ns, remote: 80ns}"]
    return "\n".join(lines) + "\n"


def node_cpus(scenario):
    return [[2 * n, 2 * n + 1] for n in range(len(scenario["machine"]["nodes"]))]


def nr_threads(scenario):
    return scenario["reps"][0]["params"]["workers"]


def start_cpu(scenario, i):
    o, nodes = scenario["options"], node_cpus(scenario)
    start = str(o.get("start", "default"))
    if start.startswith("cpu"):
        return int(start[3:])
    if start.startswith("node"):
        cpus = nodes[int(start[4:])]
        return cpus[i % len(cpus)]
    cpus = nodes[i % len(nodes)]
    return cpus[i // len(nodes) % len(cpus)]


def affinity(scenario, i):
    aff = str(scenario["options"].get("aff", "free"))
    if aff == "node":
        return '{cpus: "%s"}' % ",".join(map(str, node_cpus(scenario)[i % len(node_cpus(scenario))]))
    return "{cpus: %s}" % aff[3:] if aff.startswith("cpu") else "all"


def per_round(scenario, k):
    """CPU time in us that thread k of the guest spent on one unit of its work, over all repetitions."""
    spent = done = 0
    for rep in scenario["reps"]:
        first, last = rep["samples"][0], rep["samples"][-1]
        spent += (last["exec_ms"][k] - first["exec_ms"][k]) * 1000
        done += last["work"][k] - first["work"][k]
    return spent / done


def mean_round(scenario, threads):
    return round(sum(per_round(scenario, k) for k in threads) / len(threads))


def body(scenario, i):
    """What a thread does from T0 on."""
    o, n = scenario["options"], nr_threads(scenario)
    if o["mode"] == "duty":
        run = mean_round(scenario, range(n))
        return ["loop: {count: forever, do: [{compute: %dus}, {sleep: %dus}]}" % (run, o["sleep"])]
    if o["mode"] == "pipe":
        cost = mean_round(scenario, range(i % 2, n, 2))
        step = "receive: {from" if i % 2 else "send: {to"
        return ["loop: {count: forever, do: [%s: pipe%d, bytes: 100B, cost: %dus}]}" % (step, i // 2, cost)]
    return ["compute: 1000s"]


def sampler_us(scenario):
    """CPU time of one sample: what is missing on the CPUs that should have been busy."""
    missing = samples = 0
    busy = min(scenario["reps"][0]["params"]["ncpu"], nr_threads(scenario))
    if str(scenario["options"].get("aff", "")).startswith("cpu") or "start" in scenario["options"]:
        return 2000 * nr_threads(scenario)
    for rep in scenario["reps"]:
        first, last = rep["samples"][0], rep["samples"][-1]
        missing += busy * (last["t_ms"] - first["t_ms"]) - sum(last["exec_ms"]) + sum(first["exec_ms"])
        samples += len(rep["samples"]) - 1
    return max(1000, round(1000 * missing / samples))


def thread_yaml(scenario, i):
    o = scenario["options"]
    nice = [int(x) for x in str(o.get("nice", "0")).split(",")]
    lines = ["      - name: t%d" % i, "        nice: %d" % nice[i % len(nice)]]
    groups = [int(x) for x in str(o.get("cgn", "")).split(",") if x]
    if groups:
        lines.append("        cgroup: g%d" % next(g for g in range(len(groups)) if i < sum(groups[:g + 1])))
    if o.get("nowait"):
        lines += ["        start: fork"]
        program = ["up: ready"] + body(scenario, i)
    else:
        lines += ["        affinity: {cpus: %d}" % start_cpu(scenario, i)]
        program = ["compute: 3ms", "loop: {count: 100, do: [{sleep: 1ms}, {compute: 20us}]}",
                   "timer: {every: %dms, from: start}" % T0_MS]
        if "prespin" in o:
            program.append("down: {name: go, wait: spin}")
        program += ["set_affinity: " + affinity(scenario, i)] + body(scenario, i)
    return lines + ["        program:"] + ["          - " + step for step in program]


def parent_yaml(scenario):
    """Who creates the threads with `nowait`; its CPU time between two of them is that of the guest."""
    steps = ["sleep: %dms" % T0_MS, "compute: 1600us"]
    for i in range(nr_threads(scenario)):
        steps += ["fork: t%d" % i, "compute: 240us"]
    return ["      - name: parent", "        program:"] + ["          - " + s for s in steps + ["join: t0"]]


def helper_yaml(scenario):
    """The sampler, a FIFO task on the last CPU; who ends the spinning; and the guest's other work.

    With `nowait` the sampler begins behind the last fork, spins until all threads have begun, and takes some 90 ms more until its first sample:
    that came after 87 to 372 ms, and so long the last CPU ran nothing else.
    A hog that had a CPU for itself began 5 to 10 turns a second and waited some 25 us for each: so often
    something else ran there.
    """
    o, cpu = scenario["options"], scenario["reps"][0]["params"]["ncpu"] - 1
    lines = []
    if "prespin" in o:
        ups = ["up: go"] * nr_threads(scenario)
        lines += ["      - name: release", "        affinity: {cpus: %d}" % cpu, "        background: yes",
                  "        program:", "          - timer: {every: %dms, from: start}" % (T0_MS + o["prespin"])]
        lines += ["          - " + u for u in ups]
    for c in range(cpu + 1):
        lines += ["      - name: kworker%d" % c, "        affinity: {cpus: %d}" % c, "        background: yes",
                  "        program:",
                  "          - loop: {count: forever, do: [{sleep: {exponential: 150ms}}, {compute: 10us}]}"]
    program = ["timer: {every: %dms, from: start}" % (T0_MS + (4 if o.get("nowait") else 0))]
    if o.get("nowait"):
        program += ["down: {name: ready, wait: spin}"] * nr_threads(scenario) + ["compute: 90ms"]
    program.append("loop: {count: forever, do: [{compute: %dus}, {timer: {every: %dms, from: start}}]}"
                   % (sampler_us(scenario), o["ivl"]))
    lines += ["      - name: sampler", "        class: fifo", "        priority: 50",
              "        affinity: {cpus: %d}" % cpu, "        background: yes", "        program:"]
    return lines + ["          - " + step for step in program]


def workload_yaml(scenario):
    o = scenario["options"]
    lines = ["version: 1", "name: scenario", "doc: %s" % scenario["name"]]
    if "cgw" in o:
        lines.append("cgroups:")
        lines += ["  g%d: {cpu.weight: %s}" % (i, w) for i, w in enumerate(str(o["cgw"]).split(","))]
    lines += ["processes:", "  - name: p"]
    sync = ["      %s: {kind: semaphore, value: 0}" % ("ready" if o.get("nowait") else "go")]
    if o["mode"] == "pipe":
        sync += ["      pipe%d: {kind: channel, capacity: 64KiB}" % k for k in range(nr_threads(scenario) // 2)]
    lines += ["    sync:"] + sync if sync else []
    lines += ["    threads:"]
    for i in range(nr_threads(scenario)):
        lines += thread_yaml(scenario, i)
    lines += parent_yaml(scenario) if o.get("nowait") else []
    return "\n".join(lines + helper_yaml(scenario)) + "\n"
