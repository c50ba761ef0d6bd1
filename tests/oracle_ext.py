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


def cpus_of_node(text, nr_cpus):
    if text == "all":
        return 0, nr_cpus - 1
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def first_tick(d):
    """Where in their period the ticks of the workload's CPU are."""
    ticks = [e["t_us"] for e in d["events"] if e["op"] == "tick" and e["t_us"] > 0]
    return ticks[0] % 4000 if ticks else 1000.0


def start_times(d):
    started = {}
    for e in d["events"]:
        if e["op"] in ("tp_waking", "runnable") and e.get("task", "").startswith("w"):
            started.setdefault(e["task"], e["t_us"])
    return started


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
    waits = any(re.search(r"(^| )w( |$)", t["script"]) for t in d["tasks"])
    out.append(f"param ext.exit_delay {'20ms' if waits else '10s'}")
    out += ["param ext.op_cost 2us", "param ext.call_cost 0ns", "param ext.contended_cost 0ns"]
    for key, value in p.items():
        if key == "ops_absent":
            out += [f"absent {op}" for op in value]
        elif value is not None:
            out.append(f"policy {key} {value}")
    acts = []
    started, came_from = start_times(d), first_cpus(d)
    acts.append((-15000 if late else -100000, "load", 0, 0))
    for t in d["tasks"]:
        begins = t["start_ms"]
        out.append(f"task {t['task']} {t['nice']} {t['policy']} {t['mask']} "
                   f"{-1 if begins is None else begins} {came_from.get(t['task'], -1)} {t['script']}")
        if begins is not None:
            when = -60000 if late else begins * 1000
            if begins > 0 and t["task"] in started:
                when = int(started[t["task"]])
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


def task_label(name):
    return None if name is None or name == "none" else name


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


def masks(d, sequences):
    return sequences


# During an error exit or an unload tasks take turns at every tick: how many turns depends on how
# long the kernel's grace periods last, and is left out.
def without_turns(seq):
    out = []
    for k in seq:
        out.append(k)
        while len(out) >= 4 and out[-4:-2] == out[-2:] and out[-2:] == ["stopping runnable=1", "running"]:
            del out[-2:]
    return out


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
    a, b = per_task(ours, names), per_task(theirs, names)
    for name in names:
        x, y = without_turns(a[name]), without_turns(b[name])
        nr += len(y)
        where = differ(x, y)
        if where:
            bad.append(f"{name} {where}")
    if d["machine"]["name"] in ("p1", "n1"):
        x, y = without_turns(per_cpu(ours, 0)), without_turns(per_cpu(theirs, 0))
        nr += len(y)
        where = differ(x, y)
        if where and not (d["exit"] or {}).get("kind", 64) >= 1024 and not d["options"].get("unl"):
            bad.append(f"CPU 0 {where}")
    x, y = rest(ours), rest(theirs)
    nr += len(y)
    if differ(x, y):
        bad.append("others " + differ(x, y))
    if d["exit"] and (d["exit"]["kind"] != 64 or d["options"].get("unl")):
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
    total = matched = events = 0
    for entry in json.load(open(os.path.join(folder, "index.json")))["files"]:
        if entry["scheduler"] != "logger" or (only and entry["name"] not in only):
            continue
        d = json.load(open(os.path.join(folder, entry["name"] + ".json")))
        if d["policy"]["ops_absent"] == ["ALL"]:
            continue
        nr, bad = compare(d, tool)
        total += 1
        matched += not bad
        events += nr
        print(f"{entry['name']:24} {nr:4} events  {'same' if not bad else 'DIFFERS'}"
              f"{' (clean)' if entry['clean'] else ''}")
        for line in bad if (verbose or only) else bad[:1]:
            print("    " + line)
    print(f"{matched} of {total} scenarios the same, {events} events compared")
    return 0 if matched == total else 1


if __name__ == "__main__":
    sys.exit(main())
