#!/usr/bin/env python3
"""Reads a trace of numasim with none of its code: trace_check.py TRACE.json [TRACE.txt [RUN_FOLDER]]

JSON: the schema of each event, order by ts, pairs of B and E, arrows that begin once, end once and
lie inside slices. Text: the columns of ftrace, and a schedule that is possible. Both: the same
runs. Folder: the same run times as tasks.csv. Prints what it counted; any fault is the end."""
import collections
import csv
import gzip
import json
import os
import re
import sys
from decimal import Decimal


def fail(text):
    sys.exit(f"trace_check: {text}")


def need(fact, text, *what):
    if not fact:
        fail(f"{text}: {what}")


def read(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
        return f.read()


REQUIRED = {
    "M": {"name", "args"}, "B": {"ts", "name", "cat"}, "E": {"ts"}, "C": {"ts", "name", "args"},
    "i": {"ts", "name", "s"}, "s": {"ts", "id", "name", "cat"},
    "f": {"ts", "id", "name", "cat", "bp"},
}


class Json:
    def __init__(self, path):
        text = read(path)
        doc = json.loads(text, parse_float=Decimal)
        need(doc["displayTimeUnit"] == "ns", "displayTimeUnit", doc["displayTimeUnit"])
        self.events = doc["traceEvents"]
        self.size = len(text)
        self.names = {}
        self.counts = collections.Counter()
        self.runs = []  # (cpu, task pid, from, to)
        self.miscounted = 0
        self.walk()

    def walk(self):
        stacks, flows, last = collections.defaultdict(list), {}, Decimal(0)
        closed = {}  # row -> the time its last slice ended
        counted, fresh = {}, False  # node -> its tasks
        for e in self.events:
            ph = e.get("ph")
            need(ph in REQUIRED, "unknown phase", e)
            need(REQUIRED[ph] | {"pid", "tid"} <= e.keys(), "fields are missing", e)
            self.counts[ph] += 1
            if ph == "M":
                if e["name"] in ("process_name", "thread_name"):
                    self.names[e["name"], e["pid"], e["tid"]] = e["args"]["name"]
                continue
            need(isinstance(e["ts"], Decimal) and -e["ts"].as_tuple().exponent == 3, "ts", e)
            need(e["ts"] >= last, "not in order", e)
            last = e["ts"]
            if fresh and ph != "C":  # counters show the state at the end of an instant
                fresh = False
                open_now = collections.Counter(
                    b[0]["cat"] if b[0]["cat"] == "run" else b[0]["name"] for b in stacks.values() if b)
                sums = tuple(map(sum, zip(*counted.values())))
                self.miscounted += sums != (open_now["run"], open_now["runnable"])
            row = e["pid"], e["tid"]
            if ph == "B":
                need(("thread_name", *row) in self.names, "a row without a name", e)
                need(not stacks[row], "a row has one state at a time", e)
                stacks[row].append(e)
            elif ph == "E":
                need(stacks[row], "E without B", e)
                b = stacks[row].pop()
                closed[row] = e["ts"]
                if b["cat"] == "run":
                    self.runs.append((e["tid"], b["args"]["pid"], b["ts"], e["ts"]))
            elif ph in "sf":
                need(stacks[row], "an arrow outside a slice", e)
                need(stacks[row][-1]["ts"] <= e["ts"], "an arrow before its slice", e)
                if ph == "s":
                    need(e["id"] not in flows, "an arrow begins twice", e)
                    flows[e["id"]] = e["cat"]
                else:
                    need(e["bp"] == "e", "bp", e)
                    need(flows.get(e["id"]) == e["cat"], "an arrow ends that did not begin", e)
                    flows[e["id"]] = None
            elif ph == "C" and e["name"] == "tasks":
                counted[e["pid"]] = e["args"]["running"], e["args"]["waiting"]
                fresh = True
            elif ph == "i":
                need(e["s"] == "t" and stacks[row], "a mark outside a slice", e)
        need(not any(stacks.values()), "slices without an end", stacks)
        need(not [f for f in flows.values() if f], "arrows without an end", flows)
        self.last = last


LINE = re.compile(r"^ *(?P<comm>.*)-(?P<pid>\d+) +\((?P<tgid>[ \d]{7}|-------)\) \[(?P<cpu>\d{3,})\] "
                  r"(?P<flags>[a-zA-Z.]{3}\d[\d.]) +(?P<s>\d+)\.(?P<f>\d{6}|\d{9}): (?P<event>\w+): (?P<rest>.*)$")
TASK = r"comm=(?P<comm>.*) pid=(?P<pid>\d+) prio=(?P<prio>-?\d+)"
PAYLOAD = {
    "sched_switch": r"prev_comm=(?P<pc>.*) prev_pid=(?P<pp>\d+) prev_prio=\d+ prev_state=(?P<ps>R\+?|[SDXZ]) ==> "
                    r"next_comm=(?P<nc>.*) next_pid=(?P<np>\d+) next_prio=\d+",
    "sched_waking": TASK + r" target_cpu=\d{3,}", "sched_wakeup": TASK + r" target_cpu=(?P<cpu>\d{3,})",
    "sched_wakeup_new": TASK + r" target_cpu=(?P<cpu>\d{3,})",
    "sched_migrate_task": TASK + r" orig_cpu=(?P<a>\d+) dest_cpu=(?P<b>\d+)",
    "sched_process_fork": r"comm=.* pid=\d+ child_comm=.* child_pid=(?P<pid>\d+)",
    "sched_process_exit": TASK,
    "sched_move_numa": r"pid=\d+ tgid=\d+ ngid=\d+ src_cpu=\d+ src_nid=\d+ dst_cpu=\d+ dst_nid=\d+",
    "sched_swap_numa": r"src_pid=\d+ src_tgid=\d+ src_ngid=\d+ src_cpu=\d+ src_nid=\d+ "
                       r"dst_pid=\d+ dst_tgid=\d+ dst_ngid=\d+ dst_cpu=\d+ dst_nid=\d+",
    "mm_migrate_pages": r"nr_succeeded=\d+ nr_failed=\d+ .* mode=\w+ reason=\w+",
}
PAYLOAD = {k: re.compile("^" + v + "$") for k, v in PAYLOAD.items()}


class Text:
    def __init__(self, path):
        text = read(path)
        need(text.startswith("# tracer: nop\n"), "header", text[:20])
        self.size, self.counts, self.runs = len(text), collections.Counter(), []
        self.last = 0
        curr, since, state, queue = collections.defaultdict(int), {}, {}, {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            m = LINE.match(line)
            need(m, "not a line of ftrace", line)
            p = PAYLOAD.get(m["event"], re.compile("$^")).match(m["rest"])
            need(p, "not this event's payload", line)
            self.counts[m["event"]] += 1
            now = Decimal(int(m["s"] + m["f"].ljust(9, "0"))) / 1000
            need(now >= self.last, "not in order", line)
            self.last, cpu = now, int(m["cpu"])
            need(curr[cpu] == int(m["pid"]), "another task runs here", line, curr[cpu])
            if m["event"] == "sched_switch":
                prev, nxt = int(p["pp"]), int(p["np"])
                need(prev == curr[cpu], "switched out, but did not run", line)
                if prev:
                    self.runs.append((cpu, prev, since[cpu], now))
                    state[prev] = "waits" if p["ps"][0] == "R" else "sleeps"
                    queue[prev] = cpu
                if nxt:
                    need(state.get(nxt) == "waits", "switched in, but does not wait", line)
                    need(queue[nxt] == cpu, "waits on another CPU", line, queue[nxt])
                    state[nxt] = "runs"
                curr[cpu], since[cpu] = nxt, now
            elif m["event"] in ("sched_wakeup", "sched_wakeup_new"):
                pid = int(p["pid"])
                need(state.get(pid) == ("sleeps" if m["event"] == "sched_wakeup" else None),
                     "woken, but does not sleep", line)
                need(queue.get(pid, int(p["cpu"])) == int(p["cpu"]), "woken on a CPU it is not on", line)
                state[pid], queue[pid] = "waits", int(p["cpu"])
            elif m["event"] == "sched_migrate_task":
                pid = int(p["pid"])
                need(state.get(pid) != "runs", "moved while it runs", line)
                need(queue.get(pid) == int(p["a"]), "moved from a CPU it is not on", line)
                queue[pid] = int(p["b"])
        self.open = [(cpu, p, since[cpu]) for cpu, p in curr.items() if p]


def main():
    j = Json(sys.argv[1])
    visible = sum(v for k, v in j.counts.items() if k != "M")
    print(f"json: {visible} events, {j.size / max(visible, 1):.0f} bytes each, {dict(j.counts)}")
    if len(sys.argv) < 3:
        return
    need(j.miscounted == 0, "counters differ from what the rows show", j.miscounted)
    t = Text(sys.argv[2])
    n = sum(t.counts.values())
    print(f"text: {n} events, {t.size / max(n, 1):.0f} bytes each, {dict(t.counts)}")
    runs = t.runs + [(cpu, p, since, j.last) for cpu, p, since in t.open]
    need(sorted(runs) == sorted(j.runs), "JSON and text show different runs",
         sorted(set(runs) ^ set(j.runs))[:4])
    if len(sys.argv) < 4:
        return
    total = collections.Counter()
    for _, pid, a, b in runs:
        total[pid] += b - a
    with open(os.path.join(sys.argv[3], "tasks.csv"), newline="") as f:
        for row, task in enumerate(csv.DictReader(f)):
            run = int(task["run_ns"]) / 1000
            spent = float(total[1000 + row])
            need(spent >= run - 0.01, "ran longer than its slices", task["task"], run, spent)
    print(f"folder: {len(total)} tasks")


main()
