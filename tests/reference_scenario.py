"""A scenario of the oracle as machine and workload of the simulator.

What the guest did is modelled from the scenario's own options. Threads wait for t=0 on their start
CPUs: they begin with 3 ms of work, then sleep a millisecond and look, a hundred times (so their CPU times at t=0). At T0 they widen their own affinity and
begin. With `prespin` they spin first, until a semaphore is raised for them all. Costs that belong to
the emulator (CPU time of a round, of a message) are those that the scenario's own samples show.
"""
T0_MS = 200

# The emulator runs one CPU at a time: "the CPUs are slow and take turns" (README). Its events show a turn of one tick:
# hogs that share a CPU run for 16 ms between switches where 4 CPUs are busy, for 32 ms where 8 are, and for 4 ms
# where one is; waits of a hog that has its CPU for itself are 0 or multiples of 4 ms; a loop costs 4 times as
# much where 4 CPUs are busy as where one is. So the simulated machine is a guest too (sched.host_turn), and costs are those of
# a CPU that has the turn: 8 ns an instruction with icount_shift 3, 4 ns with 2.
# Seen in the events: tasks of one pass are attached 16 us apart, and a hog is off its CPU for 25 us when something
# short runs there. Assumed: wake-ups and interrupts of 300 instructions, and 1250 instructions for each CPU that a balancing pass
# looks at.
GUEST = ["sched.host_turn=4ms", "cost.context_switch=8us", "cost.context_switch_same_mm=8us", "cost.wakeup=2us", "cost.ipi=2us",
         "cost.migration=16us", "cost.balance_per_cpu=10us",
         "cpu.smt_speed=1", "cache.transfers=no", "cache.cold=no"]  # an emulator has neither cores nor caches
FORK, BEFORE_FORK, FIRST_SAMPLE, KWORKER = 60000, 340000, 3500000, 4000  # instructions: gaps between "new" events; time of the first sample


def instructions_us(scenario, n):
    return n * (1 << (scenario["obtained"]["icount_shift"] or 3)) // 1000


def machine_yaml(machine):
    """Equal packages, dies with a cache each, cores and threads, as the emulator numbers their CPUs."""
    nodes = machine["nodes"]
    n, sockets, dies = len(nodes), machine["sockets"], machine["dies"]
    shape = {"packages": sockets, "nodes_per_package": n // sockets, "llcs_per_node": sockets * dies // n, "cores_per_llc": machine["cores"],
             "threads_per_core": machine["threads"], "cpu_numbering": "threads-first"}
    lines = ["title: %s" % machine["name"], "vendor: intel", "frequency: 2.5GHz",
             "shape: {%s}" % ", ".join("%s: %s" % item for item in shape.items()), "nodes:"]
    lines += ["  - {node: %d, memory: %dMiB}" % (i, node["mem"]) for i, node in enumerate(nodes)]
    if machine["dist"]:
        lines += ["distances:"] + ["  - " + " ".join(map(str, row)) for row in machine["dist"]]
    return "\n".join(lines + ["latency: {local: 80ns, remote: 80ns}"]) + "\n"


def node_cpus(scenario):
    ranges = [node["cpus"].split("-") for node in scenario["machine"]["nodes"]]
    return [list(range(int(r[0]), int(r[-1]) + 1)) for r in ranges]


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


def share_of_turns(scenario):
    """What of a CPU's time by the guest's clock it had the turn, while the threads ran."""
    spans = [(rep["samples"][0], rep["samples"][-1]) for rep in scenario["reps"]]
    elapsed = sum(b["t_ms"] - a["t_ms"] for a, b in spans)
    return elapsed / sum(sum(b["exec_ms"]) - sum(a["exec_ms"]) for a, b in spans)


def mean_round(scenario, threads):
    mean = sum(per_round(scenario, k) for k in threads) / len(threads)
    return round(mean * min(1, share_of_turns(scenario)))


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
    """CPU time of one sample.

    The last two samples of hogs follow each other at once, when only the sampler runs. Where memory is looked
    at: what is missing on the CPUs that should have been busy, of which a part was others' turns.
    """
    reps = scenario["reps"]
    if scenario["options"]["mode"] != "touch":
        return round(1000 * min(rep["samples"][-1]["t_ms"] - rep["samples"][-2]["t_ms"] for rep in reps))
    missing = samples = 0
    busy = min(reps[0]["params"]["ncpu"], nr_threads(scenario))
    for rep in reps:
        first, last = rep["samples"][0], rep["samples"][-1]
        missing += busy * (last["t_ms"] - first["t_ms"]) - sum(last["exec_ms"]) + sum(first["exec_ms"])
        samples += len(rep["samples"]) - 1
    return max(1000, round(1000 * missing / samples / busy))


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
    """Who creates the threads with `nowait`; its CPU time between two of them is that of the guest.

    Somebody made the process ready before: the ticks of that CPU age what tasks left behind on idle ones.
    """
    steps = ["sleep: %dms" % T0_MS, "compute: %dus" % instructions_us(scenario, BEFORE_FORK)]
    for i in range(nr_threads(scenario)):
        steps += ["fork: t%d" % i, "compute: %dus" % instructions_us(scenario, FORK)]
    lines = ["      - name: parent", "        program:"] + ["          - " + s for s in steps + ["up: forked", "join: t0"]]
    return lines + ["      - name: harness", "        program:", "          - compute: %dms" % (T0_MS - 5)]


def helper_yaml(scenario):
    """The sampler, a FIFO task on the last CPU; who ends the spinning; and the guest's other work.

    With `nowait` the sampler waits for the last fork, spins until all threads have begun, and takes FIRST_SAMPLE more until its first sample:
    that came after 87 ms at the earliest, where three CPUs took turns, and so long the last CPU ran nothing else.
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
                  "        deferrable: yes", "        program:",
                  "          - loop: {count: forever, do: [{sleep: {exponential: 140ms}}, {compute: %dus}]}"
                  % instructions_us(scenario, KWORKER)]
    program = ["timer: {every: %dms, from: start}" % T0_MS]
    if o.get("nowait"):
        program = ["down: forked"] + ["down: {name: ready, wait: spin}"] * nr_threads(scenario)
        program.append("compute: %dus" % instructions_us(scenario, FIRST_SAMPLE))
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
    sync = ["      %s: {kind: semaphore, value: 0}" % name for name in (("forked", "ready") if o.get("nowait") else ("go",))]
    if o["mode"] == "pipe":
        sync += ["      pipe%d: {kind: channel, capacity: 64KiB}" % k for k in range(nr_threads(scenario) // 2)]
    lines += ["    sync:"] + sync if sync else []
    lines += ["    threads:"]
    for i in range(nr_threads(scenario)):
        lines += thread_yaml(scenario, i)
    lines += parent_yaml(scenario) if o.get("nowait") else []
    return "\n".join(lines + helper_yaml(scenario)) + "\n"
