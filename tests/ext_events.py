"""Operations of a recording of oracle/ext and of a simulation, and where their order differs."""
import collections
import re

from ext_scenario import bypass_seen, is_workload, leaving_times, of_kernel_threads, one_cpu, workload_cpus

# What is not compared, and why: README.md of the oracle.
# Who waits when the state is dumped is a matter of the emulator's time.
NOT_COMPARED = {"tick", "step", "action", "dump_cpu", "dump_task"}
ARGS = {  # the arguments that count
    "runnable": ["flags"], "enqueue": ["flags"], "dequeue": ["flags"], "quiescent": ["flags"],
    "select_cpu": ["prev", "ret", "wake_flags", "is_idle", "insert"], "stopping": ["runnable"], "set_weight": ["weight"],
    "set_cpumask": ["mask"], "init_task": ["fork"], "exit_task": ["cancelled"],
    "dispatch": ["prev", "prev_queued", "result"], "update_idle": ["idle"], "cpu_release": ["reason"],
    "reenqueue_local": ["n"], "cgroup_init": ["level", "weight"], "cgroup_exit": ["level"],
    "cgroup_prep_move": ["from_level", "to_level"], "cgroup_move": ["from_level", "to_level"],
    "cgroup_set_weight": ["level", "weight"], "exit": ["kind", "exit_code"], "yield": [],
}
CPU_OPS = {"dispatch", "update_idle", "cpu_acquire", "cpu_release", "running", "stopping", "reenqueue_local"}

Event = collections.namedtuple("Event", "t cpu op task args key")
Run = collections.namedtuple("Run", "events end switches samples overslept")


def event(t, cpu, op, task, args):
    names = ["prev", "result"] if op == "dispatch" and args.get("prev") == "none" else ARGS.get(op, [])
    return Event(t, cpu, op, task, args, op + "".join(f" {n}={args.get(n)}" for n in names))


def golden_events(d):
    out = []
    extra = of_kernel_threads(d["events"])
    for i, e in enumerate(d["events"]):
        op, task = e["op"], e.get("task")
        if op.startswith("tp_") or i in extra:
            continue
        if op == "cpu_release":
            task = None
        if task is None or is_workload(task):
            args = {k: str(v) if v is not None else "none" for k, v in e.items()}
            out.append(event(e["t_us"], e["cpu"], op, task, args))
    return without_uncompared(out)


def without_uncompared(events):
    return [e for e in events if e.op not in NOT_COMPARED]


def golden_switches(d):
    return [(e["t_us"], e["cpu"], e["task"]) for e in d["events"] if e["op"] == "tp_switch"]


def our_run(text):
    run = Run([], [], [], [], collections.defaultdict(list))
    for line in text.splitlines():
        words = line.split()
        if words[0] == "END":
            run.end.extend([int(words[1]), int(words[2]), words[3], line.split(" ", 4)[4] if len(words) > 4 else ""])
        elif words[0] == "SWITCH":
            run.switches.append((int(words[1]), int(words[2]), words[3]))
        elif words[0] == "SAMPLE":
            times = dict(w.split("=") for w in words[2:])
            run.samples.append({t: int(ns) / 1e6 for t, ns in times.items()})
        elif words[0] == "OVERSLEEP":
            run.overslept[words[1]].append(int(words[2]))
        elif words[0] != "TASK" and words[3] != "driver":
            args = dict(w.split("=", 1) for w in words[4:])
            run.events.append(event(int(words[0]), int(words[1]), words[2], None if words[3] == "-" else words[3], args))
    return run


def is_forced(d):
    """The policy leaves before the end, or its unloading was recorded."""
    return bool(d["exit"]) and (d["exit"]["kind"] != 64 or bool(d["options"].get("unl")))


def leaving_at(events, d):
    """The place from where tasks do without the policy: bypass mode if it is known when that began,
    else the error, or the first task that is cycled."""
    unload = [e["t_us"] for e in d["events"] if e["op"] == "action" and e["text"].startswith("unload")]
    end = int((unload or [d["options"].get("end", 100) * 1000])[0])
    by_itself = d["exit"]["kind"] in (65, 66)
    delay = leaving_times(d)[0]
    bypass = None
    for i, e in enumerate(events):
        cycled = e.op in ("quiescent", "dequeue") and e.args.get("flags") == "0xe" and e.t > 0
        if e.op == "dump":
            bypass = e.t + int(delay or 0)
        if (bypass is not None and e.t >= bypass) or (by_itself and cycled) or (d["exit"]["kind"] == 64 and e.t >= end):
            return i
    return len(events)


# Once it leaves, tasks take turns at every tick while the kernel waits for grace periods: how many
# turns, sleeps and wake-ups fall into that time is a matter of its length. Where it is not known when it
# began, who waits by then, and is cycled, is not known either.
TURNS = {"running", "stopping", "dump_task", "select_cpu"}


def of_leaving(seq):
    return [e for e in seq if e.op not in TURNS and not e.key.endswith((" flags=0x9", " flags=0x409", "flags=0x19"))]


def of_error(seq):
    return [e for e in seq if e.op in ("disable", "exit_task")]


# A dead task is reaped sooner or later.
def without_reaping(seq):
    return seq[:-2] if len(seq) > 1 and seq[-2].op == "disable" and seq[-1].op == "exit_task" else seq


def cut(events, d):
    """Up to the end of the scenario; events of loading only where they were recorded. The recording
    holds a policy's exit even if it erred before."""
    end = 1e12 if d["options"].get("unl") else d["options"].get("end", 100) * 1000
    begin = -1e12 if d["options"].get("recload") else 0
    return [e for e in events if begin <= e.t < end or e.op == "exit"]


def plain(msg):
    msg = re.sub(r"\[\d*\]", "[pid]", msg)
    return re.sub(r"for \d+\.\d+s", "for some time", msg)


class Comparison:
    """What was compared: how many events, pairs of the same ones, and where lists differ first."""

    def __init__(self):
        self.nr, self.same, self.bad, self.pairs = 0, 0, [], []

    def lists(self, label, ours, theirs, key=lambda e: e.key):
        self.nr += len(theirs)
        for i in range(max(len(ours), len(theirs))):
            a = key(ours[i]) if i < len(ours) else "(end)"
            b = key(theirs[i]) if i < len(theirs) else "(end)"
            if a != b:
                self.bad.append(f"{label} [{i}] {a!r}, the kernel: {b!r}")
                return
            self.same += 1
            self.pairs.append((ours[i], theirs[i]))


def of_task(events, name):
    return [e for e in events if e.task == name]


def compare_part(c, d, label, reduced, ours, theirs):
    for t in d["tasks"]:
        x, y = reduced(of_task(ours, t["task"])), reduced(of_task(theirs, t["task"]))
        if not is_forced(d):
            x, y = without_reaping(x), without_reaping(y)
        c.lists(label + t["task"], x, y)


def compare_exit(c, d, end):
    want = (d["exit"]["kind"], d["exit"]["exit_code"], plain(d["exit"]["msg"]))
    c.nr += 3
    if (end[0], end[1], plain(end[3])) != want:
        c.bad.append(f"exit {end}, the kernel: {want}")
    else:
        c.same += 3


def compare_order(d, run):
    """Of all operations, by task; where no kernel threads ran also by CPU."""
    c = Comparison()
    ours, theirs = cut(without_uncompared(run.events), d), cut(golden_events(d), d)
    at, bt = (leaving_at(ours, d), leaving_at(theirs, d)) if is_forced(d) else (len(ours), len(theirs))
    compare_part(c, d, "", list, ours[:at], theirs[:bt])
    if is_forced(d):
        known = d["exit"]["kind"] == 64 or bypass_seen(d) is not None
        compare_part(c, d, "leaving: ", of_leaving if known else of_error, ours[at:], theirs[bt:])
        compare_exit(c, d, run.end)
    for cpu in workload_cpus(d) if not d["noise"] else []:
        x, y = ([e for e in events if e.cpu == cpu and e.op in CPU_OPS] for events in (ours[:at], theirs[:bt]))
        c.lists(f"CPU {cpu}", x, y, lambda e: e.key + (" " + e.task if e.task else ""))
    x, y = ([e for e in events if e.task is None and e.op not in CPU_OPS] for events in (ours, theirs))
    timed = list(c.pairs)  # when others act is input, and how long grace periods take
    c.lists("others", x, y)
    c.pairs = timed if not is_forced(d) else [(a, b) for a, b in timed if b in theirs[:bt]]
    return c


def turns(switches):
    """Who ran, one after the other: tasks of the workload on the workload's first CPU."""
    out = []
    for t, cpu, task in switches:
        if cpu == 0 and is_workload(task) and (not out or out[-1].key != task):
            out.append(Event(t, cpu, "runs", task, {}, task))
    return out


def compare_turns(d, run):
    """Of a scheduler that is seen from outside."""
    c = Comparison()
    if one_cpu(d):
        c.lists("CPU 0", turns(run.switches), turns(golden_switches(d)))
    return c
