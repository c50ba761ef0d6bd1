#!/usr/bin/env python3
"""The ext class against the oracle of a real kernel (oracle/ext): for each scenario with the logging
policy the order of operations, per task and per CPU, with their flags, weights, masks and results,
and how the policy left. A scenario file is read as it is.

usage: oracle_ext.py TOOL SHARED [-v] [NAME...]
"""
import collections
import json
import os
import re
import subprocess
import sys

# What is not compared, and why: README.md of the oracle.
NOT_COMPARED = {"tick", "step", "action", "dump_cpu"}
ARGS = {  # the arguments that count
    "runnable": ["flags"], "enqueue": ["flags"], "dequeue": ["flags"], "quiescent": ["flags"],
    "select_cpu": ["wake_flags", "is_idle", "insert"], "stopping": ["runnable"], "set_weight": ["weight"],
    "set_cpumask": ["mask"], "init_task": ["fork"], "exit_task": ["cancelled"],
    "dispatch": ["prev", "prev_queued", "result"], "update_idle": ["idle"], "cpu_release": ["reason"],
    "reenqueue_local": ["n"], "cgroup_init": ["level", "weight"], "cgroup_exit": ["level"],
    "cgroup_prep_move": ["from_level", "to_level"], "cgroup_move": ["from_level", "to_level"],
    "cgroup_set_weight": ["level", "weight"], "exit": ["kind", "exit_code"], "yield": [],
}


SEVERAL = "several busy CPUs: the emulator lets one stand still, so who idles at a wake-up differs"
LATER = "the kernel's thread that ends a policy begins some milliseconds after the error"
# Scenarios that are not the same, and why. One that is not named here has to be.
KNOWN = {
    "enq_local.p2": SEVERAL, "fork.p4": SEVERAL, "futex.p2": SEVERAL,
    "idle3.smt": SEVERAL, "idle6.smt": SEVERAL, "user_nodes.p4": SEVERAL, "idle_n4.p4": SEVERAL,
    "cgroup.p1": "its CPU stood still for a millisecond when a slice ended; groups are not deleted here",
    "err_consume_bad.p1": "the error was made before the recording began",
    "err_localon_badcpu.p2": LATER, "err_mix.p1": LATER, "hotplug.p2": LATER,
}


def cpus_of_node(text, nr_cpus):
    if text == "all":
        return 0, nr_cpus - 1
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def first_tick(d):
    """Where in their period the ticks of the workload's CPU are."""
    ticks = [e["t_us"] for e in d["events"] if e["op"] == "tick" and e["t_us"] > 0]
    return ticks[0] % 4000 if ticks else 1000.0


def first_cpus(d):
    """Where tasks were before the first event: select_cpu's prev, or the CPU they are queued on."""
    out = {}
    for e in d["events"]:
        if e.get("task", "").startswith("w") and e["op"] in ("select_cpu", "runnable"):
            out.setdefault(e["task"], e.get("prev", e.get("task_cpu", -1)))
    return out


def scenario_text(d):
    m, p = d["machine"], d["policy"]
    nr_cpus = int(m["smp"].split(",")[0])
    threads = 2 if "threads=2" in m["smp"] else 1
    keeper = m["housekeeping_cpu"] if m["housekeeping_cpu"] is not None else nr_cpus - 1
    late = bool(d["options"].get("load"))
    zero = 200000 - int(first_tick(d))
    out = [f"machine {nr_cpus} {keeper}", f"zero {zero}"]
    for node in m["nodes"]:
        first, last = cpus_of_node(node, nr_cpus)
        out.append(f"node {first} {last} {threads}")
    # the driver reaps its tasks at the end only
    out += [f"policy keeper {-1 if m['name'] in ('n1', 'n4') else keeper}", "param ext.exit_delay 10s"]
    out += ["param ext.op_cost 2us", "param ext.call_cost 0ns", "param ext.contended_cost 0ns"]
    for key, value in p.items():
        if key == "ops_absent":
            out += [f"absent {op}" for op in value]
        elif value is not None:
            out.append(f"policy {key} {value}")
    acts = []
    came_from = first_cpus(d)
    # where the first wake-up is an error, the others come after it
    apart = bool(d["exit"]) and d["exit"]["kind"] >= 1024 and nr_cpus > 2
    acts.append((-15000 if late else -100000, "load", 0, 0))
    for t in d["tasks"]:
        begins = t["start_ms"]
        out.append(f"task {t['task']} {t['nice']} {t['policy']} {t['mask']} "
                   f"{-1 if begins is None else begins} {came_from.get(t['task'], -1)} {t['script']}")
        if begins is not None:
            when = -60000 if late else begins * 1000 + (20 * len(acts) if apart else 0)
            acts.append((when, "start", int(t["task"][1:]), 0))
    done = [e for e in d["events"] if e["op"] == "action"]
    for i, text in enumerate(d["actions"]):
        ms, what, a, b = text.split()
        when = done[i]["t_us"] if i < len(done) else int(ms) * 1000
        acts.append((int(when), what, int(a), int(b)))
    end = d["options"].get("end", 100) * 1000
    if d["options"].get("unl"):
        acts += [(end, "unload", 0, 0), (end + 150000, "end", 0, 0)]
    else:
        acts += [(end, "end", 0, 0)]
    acts.sort(key=lambda a: a[0])
    out += [f"at {t} {what} {a} {b}" for t, what, a, b in acts]
    return "\n".join(out) + "\n"


def key_of(op, args):
    names = ARGS.get(op, [])
    if op == "dispatch" and args.get("prev") == "none":
        names = ["prev", "result"]
    return op + "".join(f" {n}={args.get(n)}" for n in names)


def golden_events(d):
    out = []
    for e in d["events"]:
        op, task = e["op"], e.get("task")
        if op.startswith("tp_") or op in NOT_COMPARED:
            continue
        if op == "cpu_release":
            task = None
        if task is not None and not task.startswith("w"):
            continue
        args = {k: str(v) if v is not None else "none" for k, v in e.items()}
        out.append((e["t_us"], e["cpu"], op, task, args))
    return out


def our_events(text):
    out, end, tasks = [], None, {}
    for line in text.splitlines():
        words = line.split()
        if words[0] == "END":
            end = (int(words[1]), int(words[2]), words[3], line.split(" ", 4)[4] if len(words) > 4 else "")
        elif words[0] == "TASK":
            tasks[words[1]] = int(words[3])
        else:
            args = dict(w.split("=", 1) for w in words[4:])
            task = None if words[3] == "-" else words[3]
            if task == "driver":
                continue
            out.append((int(words[0]), int(words[1]), words[2], task, args))
    return out, end, tasks


def is_forced(d):
    """The policy leaves before the end, or its unloading was recorded."""
    return bool(d["exit"]) and (d["exit"]["kind"] != 64 or bool(d["options"].get("unl")))


def leaving_at(events, d):
    """The place where the policy begins to leave: its error, or the first task that is cycled."""
    unload = [e["t_us"] for e in d["events"] if e["op"] == "action" and e["text"].startswith("unload")]
    end = int((unload or [d["options"].get("end", 100) * 1000])[0])
    by_itself = d["exit"]["kind"] in (65, 66)
    for i, (t, _, op, _, args) in enumerate(events):
        cycled = op in ("quiescent", "dequeue") and args.get("flags") == "0xe" and t > 0
        if op == "dump" or (by_itself and cycled) or (d["exit"]["kind"] == 64 and t >= end):
            return i
    return len(events)


# Once it leaves, tasks take turns at every tick while the kernel waits for grace periods: how many
# turns, sleeps and wake-ups fall into that time is a matter of its length. After an error it is some
# milliseconds before the kernel's thread begins, so who waits by then, and is cycled, differs too.
TURNS = {"running", "stopping", "dump_task", "select_cpu"}


def of_leaving(seq):
    return [k for k in seq if k.split()[0] not in TURNS and not k.endswith((" flags=0x9", " flags=0x409", "flags=0x19"))]


def of_error(seq):
    return [k for k in seq if k.split()[0] in ("disable", "exit_task")]


# With several CPUs, when a slice ends is an artefact of the emulator: ends of slices are left out.
def without_slices(seq):
    out = []
    for k in seq:
        out.append(k)
        if out[-3:] == ["stopping runnable=1", "enqueue flags=0x0", "running"]:
            del out[-3:]
    return out


# A dead task is reaped sooner or later.
def without_reaping(seq):
    return seq[:-2] if len(seq) > 1 and seq[-2] == "disable" and seq[-1].startswith("exit_task") else seq


def per_task(events, names):
    seqs = collections.defaultdict(list)
    for _, _, op, task, args in events:
        if task in names:
            seqs[task].append(key_of(op, args))
    return seqs


CPU_OPS = {"dispatch", "update_idle", "cpu_acquire", "cpu_release", "running", "stopping", "reenqueue_local"}


def per_cpu(events, cpu):
    out = []
    for _, c, op, task, args in events:
        if c == cpu and op in CPU_OPS:
            out.append(key_of(op, args) + (f" {task}" if task else ""))
    return out


def rest(events):
    return [key_of(op, args) for _, _, op, task, args in events
            if task is None and op not in CPU_OPS]


def differ(ours, theirs):
    """Where two lists differ first, or None."""
    for i in range(max(len(ours), len(theirs))):
        a = ours[i] if i < len(ours) else "(end)"
        b = theirs[i] if i < len(theirs) else "(end)"
        if a != b:
            return f"[{i}] {a!r}, the kernel: {b!r}"
    return None


def plain(msg):
    msg = re.sub(r"\[\d*\]", "[pid]", msg)
    return re.sub(r"for \d+\.\d+s", "for some time", msg)


def cut(events, d):
    """Up to the end of the scenario; events of loading only where they were recorded."""
    end = 1e12 if d["options"].get("unl") else d["options"].get("end", 100) * 1000
    begin = -1e12 if d["options"].get("recload") else 0
    return [e for e in events if begin <= e[0] < end]


def compare(d, tool):
    """(events compared, list of differences)"""
    run = subprocess.run([tool], input=scenario_text(d), capture_output=True, text=True, timeout=60)
    if run.returncode != 0:
        return 0, ["the run failed: " + (run.stdout[-300:] + run.stderr[-300:]).strip()]
    ours, end, _ = our_events(run.stdout)
    theirs = golden_events(d)
    ours, theirs = cut(ours, d), cut(theirs, d)
    names = [t["task"] for t in d["tasks"]]
    bad, nr = [], 0
    one_cpu = d["machine"]["name"] in ("p1", "n1")
    reduced = (lambda seq: seq) if one_cpu else without_slices
    parts = [("", reduced, ours, theirs)]
    if is_forced(d):
        at, bt = leaving_at(ours, d), leaving_at(theirs, d)
        parts = [("", reduced, ours[:at], theirs[:bt]),
                 ("leaving: ", of_leaving if d["exit"]["kind"] == 64 else of_error, ours[at:], theirs[bt:])]
    for label, reduced, mine, kernels in parts:
        a, b = per_task(mine, names), per_task(kernels, names)
        for name in names:
            x, y = reduced(a[name]), reduced(b[name])
            if not is_forced(d):
                x, y = without_reaping(x), without_reaping(y)
            nr += len(y)
            where = differ(x, y)
            if where:
                bad.append(f"{label}{name} {where}")
    if one_cpu and not d["noise"]:
        x, y = per_cpu(parts[0][2], 0), per_cpu(parts[0][3], 0)
        nr += len(y)
        where = differ(x, y)
        if where:
            bad.append(f"CPU 0 {where}")
    x, y = rest(ours), rest(theirs)
    nr += len(y)
    if differ(x, y):
        bad.append("others " + differ(x, y))
    if is_forced(d):
        want = (d["exit"]["kind"], d["exit"]["exit_code"], plain(d["exit"]["msg"]))
        nr += 3
        if (end[0], end[1], plain(end[3])) != want:
            bad.append(f"exit {end}, the kernel: {want}")
    return nr, bad


def main():
    tool, shared = sys.argv[1], sys.argv[2]
    verbose = "-v" in sys.argv
    only = [a for a in sys.argv[3:] if not a.startswith("-")]
    folder = os.path.join(shared, "oracle", "ext")
    if not os.path.isdir(folder):
        print("oracle_ext: no oracle")
        return 77
    total = matched = events = broken = 0
    for entry in json.load(open(os.path.join(folder, "index.json")))["files"]:
        if entry["scheduler"] != "logger" or (only and entry["name"] not in only):
            continue
        d = json.load(open(os.path.join(folder, entry["name"] + ".json")))
        if d["policy"]["ops_absent"] == ["ALL"]:
            continue
        nr, bad = compare(d, tool)
        total += 1
        matched += not bad
        known = KNOWN.get(entry["name"])
        broken += bool(bad) and known is None
        events += nr
        print(f"{entry['name']:24} {nr:4} events  {'same' if not bad else 'DIFFERS'}"
              f"{' (clean)' if entry['clean'] else ''}")
        for line in bad if (verbose or only) else bad[:1]:
            print("    " + line)
        if bad and known:
            print("    " + known)
    print(f"{matched} of {total} scenarios the same, {events} events compared")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
