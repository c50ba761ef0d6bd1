"""A scenario of oracle/ext in the words of tool_ext: what its file says, and of the recording what is
input to a simulation: where in their period the ticks are, where tasks were before, when the driver
acted, which is up to some milliseconds later than the file says, and how long the kernel's thread
took to begin and to end the leaving of a policy (grace periods)."""
import collections

ASKED = ("enqueue", "dispatch", "select_cpu", "update_idle")
SCHEDULERS = {"logger": "logger", "/bin/scx_simple": "simple", "/bin/scx_qmap": "qmap", "none": "none"}


def scheduler(d):
    """In the tool's words; None: it is not rebuilt."""
    name = d["scheduler"].split(",")[0]
    return "central" if name == "/bin/scx_central" else SCHEDULERS.get(name)


def is_workload(task):
    return task is not None and task.startswith("w") and task[1:].isdigit()


def cpus_of_node(text, nr_cpus):
    if text == "all":
        return 0, nr_cpus - 1
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def of_kernel_threads(events):
    """Which events of a recording are there only because a kernel thread ran: a task stops, the thread runs,
    and the same task goes on. The simulated machine has no such threads."""
    out, stopped = set(), {}  # by CPU: [task, its events since, a thread ran]
    for i, e in enumerate(events):
        cpu, task = e["cpu"], e.get("task")
        if e["op"] == "stopping" and is_workload(task) and e["runnable"] == 1:
            stopped[cpu] = [task, [i], False]
        elif cpu in stopped and e["op"] == "enqueue" and task == stopped[cpu][0] and e["flags"] == "0x0":
            stopped[cpu][1].append(i)
        elif cpu in stopped and e["op"] == "running" and task.startswith("k:"):
            stopped[cpu][2] = True
        elif cpu in stopped and e["op"] == "running":
            of, since, thread = stopped.pop(cpu)
            if of == task and thread:
                out.update(since + [i])
        elif is_workload(task) and e["op"] in ("runnable", "quiescent", "dequeue", "set_cpumask"):
            stopped = {c: s for c, s in stopped.items() if s[0] != task}
    return out


def tick_phase(d):
    """Where in their period the ticks of the workload's CPU are: as op tick says, else where most turns end."""
    ticks = [e["t_us"] for e in d["events"] if e["op"] == "tick" and e["t_us"] > 0]
    if ticks:
        return ticks[0] % 4000
    ends = [int(e["t_us"]) % 4000 for e in d["events"]
            if e["op"] == "tp_switch" and is_workload(e["prev"]) and e["prev_state"] == "R"]
    return collections.Counter(ends).most_common(1)[0][0] - 15 if ends else 1000.0


def first_cpus(d):
    """Where tasks were before the first event: select_cpu's prev, or the CPU they are queued on."""
    out = {}
    for e in d["events"]:
        if is_workload(e.get("task")) and e["op"] in ("select_cpu", "runnable"):
            out.setdefault(e["task"], e.get("prev", e.get("task_cpu", -1)))
    return out


def when(d, found, after=-1e12):
    """The time of the first event after `after` that is so, or None."""
    return next((e["t_us"] for e in d["events"] if e["t_us"] > after and found(e)), None)


def took_effect(d, i, done, what, cpu):
    """When action i did something: the driver's first call after it that the policy sees."""
    t, until = done[i]["t_us"], done[i + 1]["t_us"] if i + 1 < len(done) else 1e12
    if what == "cpu":  # taken offline by a thread of that CPU
        return when(d, lambda e: e["op"] == "running" and e["task"] == f"k:cpuhp/{cpu}", t) or t
    effect = when(d, lambda e: e["op"].startswith("cgroup_"), t) if what in ("cg", "cgw") else None
    return effect if effect is not None and effect < until else t


def stood_still(d, t):
    """The emulator stopped a CPU between a tick that ended a slice and its schedule(), and something
    was done to the task meanwhile, at t: it was done before that tick, then. Returns the time to use."""
    tick = None
    for e in d["events"]:
        if e["op"] == "tick" and e["t_us"] <= t:
            tick = e
        elif tick and e["op"] in ("dispatch", "stopping") and e["cpu"] == tick["cpu"] and e["t_us"] > tick["t_us"]:
            late = 50 < e["t_us"] - tick["t_us"] < 4000 and e.get("prev_slice", e.get("slice")) == 0
            if late and tick["t_us"] < t < e["t_us"]:
                return tick["t_us"] - 1
            if e["t_us"] > t:
                break
    return t


def bypass_seen(d):
    """On one CPU, when bypass mode began, if tasks were cycled for it; None: it is not known."""
    dump = when(d, lambda e: e["op"] == "dump")
    closed = when(d, lambda e: e["op"] == "cgroup_exit", 0)
    cycled = when(d, lambda e: e["op"] in ("quiescent", "dequeue") and e["flags"] == "0xe", dump or 0)
    apart = one_cpu(d) and (dump is None or dump > 1000)  # at once the emulator lets CPUs stand still meanwhile
    return cycled if apart and None not in (cycled, closed) and cycled < closed else None


def leaving_times(d):
    """(from the error to bypass mode, from there until the tasks are given back) in us; None: not known."""
    if not d["exit"] or not d["options"].get("unl"):
        return None, None
    dump = when(d, lambda e: e["op"] == "dump")
    closed = when(d, lambda e: e["op"] == "cgroup_exit", 0)
    if closed is None:
        return None, None
    back = when(d, lambda e: e["op"] == "disable", closed)
    bypass = bypass_seen(d)
    if dump and bypass is None:  # after the last time that the policy was asked, then
        asked = [e["t_us"] for e in d["events"] if e["op"] in ASKED and dump < e["t_us"] < closed]
        bypass = asked[-1] + 1 if asked else None
    delay = bypass - dump if bypass and dump and dump > 1000 and one_cpu(d) else None
    return delay, back - (bypass or dump or closed) if back else None


def policy_lines(d, keeper):
    out = [f"scheduler {scheduler(d)}", f"policy keeper {keeper}"]
    policy = dict(d["policy"] or {})
    if policy.get("first_n_user"):  # the others are not made in the simulation
        extra = of_kernel_threads(d["events"])
        erred = when(d, lambda e: e["op"] == "dump" or e["op"] == "exit") or 1e12
        made = [d["events"][i] for i in extra if d["events"][i]["op"] == "enqueue"]
        policy["first_n_user"] -= sum(1 for e in made if e["t_us"] < erred)
    for key, value in policy.items():
        if key == "ops_absent":
            out += [f"absent {op}" for op in value]
        elif value is not None:
            out.append(f"policy {key} {value}")
    return out


def param_lines(d):
    delay, leaving = leaving_times(d)
    # the driver reaps its tasks at the end only
    op_cost = 0 if acts_in_windows(d) else 2
    out = ["ext.exit_delay 10s", f"ext.op_cost {op_cost}us", "ext.call_cost 0ns", "ext.contended_cost 0ns"]
    if delay is not None:
        out.append(f"ext.disable_delay {int(delay)}us")
    if leaving is not None:
        out.append(f"ext.unload_time {int(leaving)}us")
    return [f"param {p}" for p in out]


def start_of(d, task, nth):
    """Of a task that the driver wakes. Where a wake-up is an error, it counts which come after it."""
    if d["options"].get("load"):
        return -60000
    apart = d["exit"] and d["exit"]["kind"] >= 1024 and d["machine"]["smp"][0] > "2"
    wanted = task["start_ms"] * 1000 + (20 * nth if apart else 0)
    woken = when(d, lambda e: e["op"] == "tp_waking" and e["task"] == task["task"])
    dump = when(d, lambda e: e["op"] == "dump")
    if woken is not None and dump is not None and woken > dump:
        return woken
    late = woken is not None and woken > wanted + 1000  # the driver was
    return stood_still(d, woken) if late else wanted


def actions(d):
    """What the driver does: (time in us, what, task, value)."""
    acts = [(-15000 if d["options"].get("load") else -100000, "load", 0, 0)]
    for nth, t in enumerate(d["tasks"], 1):
        if t["start_ms"] is not None:
            acts.append((start_of(d, t, nth), "start", int(t["task"][1:]), 0))
    done = [e for e in d["events"] if e["op"] == "action"]
    for i, text in enumerate(d["actions"]):
        ms, what, a, b = text.split()
        at = took_effect(d, i, done, what, a) if i < len(done) else int(ms) * 1000
        acts.append((stood_still(d, at) if what in ("cg", "nice", "aff") else at, what, int(a), int(b)))
    for s in samples(d):
        acts.append((s["t_ms"] * 1000, "sample", 0, 0))
    end = d["options"].get("end", 100) * 1000
    if d["options"].get("unl"):
        acts += [(end, "unload", 0, 0), (end + 150000, "end", 0, 0)]
    else:
        acts += [(max([end] + [a[0] for a in acts]), "end", 0, 0)]
    return sorted(acts, key=lambda a: a[0])


def samples(d):
    """CPU times of the tasks as they were read: [{t_ms, run_ms by task}], those of the end last."""
    if d.get("cpu_time"):
        return d["cpu_time"][-1:]
    by_name = {s["when"]: {t["task"]: t["run_ns"] for t in s["tasks"]} for s in d["status"]}
    at = next((s["t_us"] for s in d["status"] if s["when"] == "end"), None)
    if at is None or d["options"].get("unl"):
        return []
    before = by_name.get("loaded", {})  # the other tasks are gone by then
    there = {t: ns - before.get(t, 0) for t, ns in by_name["end"].items() if ns > before.get(t, 0)}
    return [{"t_ms": at / 1000, "run_ms": {t: ns / 1e6 for t, ns in there.items()}}]


def one_cpu(d):
    return d["machine"]["name"] in ("p1", "n1")


def acts_in_windows(d):
    return not one_cpu(d) and d["scheduler"] == "logger" and any(e["op"] == "running" for e in d["events"])


def workload_cpus(d):
    mask = int(d["machine"]["workload_mask"], 16)
    return [cpu for cpu in range(mask.bit_length()) if mask >> cpu & 1]


# What a CPU did: it scheduled, a timer woke somebody (enum window_what of the tool).
DOES = {"dispatch": 1, "running": 1, "stopping": 1, "update_idle": 1, "tp_switch": 1,
        "tp_waking": 2, "select_cpu": 2, "runnable": 2}


def over(d):
    """After the recording."""
    return max(d["options"].get("end", 100) * 1000, d["events"][-1]["t_us"]) + 10


def ends_of_work(d, task):
    """When each piece of work of a task ended, the start of its program first: when it went on."""
    steps = [(e["t_us"], e.get("text", "").partition(":")[2]) for e in d["events"]
             if e.get("task") == task and (e["op"] in ("step", "tp_exit") or e.get("flags") == "0x19")]
    steps = [s for i, s in enumerate(steps) if s[1] or i > 0 and steps[i - 1][1] == "exit"]
    work = [True] + [text[:1] in ("b", "u", "h", "c") or text == "exit" for _, text in steps]
    times = [t - 5 for t, _ in steps] + [over(d)]
    return [t for t, worked in zip(times, work) if worked]


def windows(d, keeper):
    """When the CPUs of the workload did something, where there are several: (CPU, from, to, what). The
    emulator runs one at a time, and lets the others stand still. The driver's CPU is free: when it acts
    is known."""
    if not acts_in_windows(d):
        return []
    out = []
    for e in d["events"]:
        cpu, t, what = e["cpu"], e["t_us"], DOES.get(e["op"], 0)
        if out and out[-1][0] == cpu and t - out[-1][2] < 100:
            out[-1][2] = t + 5
            out[-1][3] |= what
        else:
            out.append([cpu, t - 5, t + 5, what])
    out += [[cpu, over(d), 1e9, 3] for cpu in range(int(d["machine"]["smp"].split(",")[0]))]
    return [w for w in out if w[0] != keeper or d["machine"]["name"] == "n4"]


def scenario_text(d):
    m = d["machine"]
    nr_cpus = int(m["smp"].split(",")[0])
    threads = 2 if "threads=2" in m["smp"] else 1
    keeper = m["housekeeping_cpu"] if m["housekeeping_cpu"] is not None else nr_cpus - 1
    out = [f"machine {nr_cpus} {keeper}", f"zero {200000 - int(tick_phase(d))}"]
    if any(e["op"] == "tp_switch" for e in d["events"]):
        out.append("switches")
    for node in m["nodes"]:
        first, last = cpus_of_node(node, nr_cpus)
        out.append(f"node {first} {last} {threads}")
    out += [f"window {cpu} {int(first)} {int(last)} {what}" for cpu, first, last, what in windows(d, keeper)]
    out += param_lines(d) + policy_lines(d, -1 if m["name"] in ("n1", "n4") else keeper)
    came_from = first_cpus(d)
    for t in d["tasks"]:
        out.append(f"task {t['task']} {t['nice']} {t['policy']} {t['mask']} "
                   f"{-1 if t['start_ms'] is None else t['start_ms']} {came_from.get(t['task'], -1)} {t['script']}")
    for t in d["tasks"]:
        chosen = [e["ret"] for e in d["events"] if e["op"] == "select_cpu" and e["task"] == t["task"]]
        if chosen:
            out.append(f"chosen {t['task']} {' '.join(map(str, chosen))}")
        if acts_in_windows(d):
            out.append(f"ends {t['task']} {' '.join(str(int(e)) for e in ends_of_work(d, t['task']))}")
    out += [f"at {int(t)} {what} {a} {b}" for t, what, a, b in actions(d)]
    return "\n".join(out) + "\n"
