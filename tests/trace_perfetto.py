#!/usr/bin/env python3
"""Reads a Perfetto trace of numasim with none of its code: trace_perfetto.py TRACE.pftrace TRACE.txt

Every event of the scheduler must stand in the ftrace text of the same run (--trace-ns), and every line
there in the trace, with the same time, CPU and fields. Besides: threads have a name and a process before
they do anything, events of a bundle are in order, counters and marks lie on tracks that are described.
Field numbers are those of Perfetto's perfetto_trace.proto. Any fault is the end."""
import collections
import gzip
import re
import struct
import sys


def need(fact, text, *what):
    if not fact:
        sys.exit(f"trace_perfetto: {text}: {what}")


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            need(value < 1 << 64, "a varint of more than 64 bits", at)
            return value, at


def fields(data):
    """Pairs of field number and value: int or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 1:
            value, at = struct.unpack_from("<Q", data, at)[0], at + 8
        else:
            need(key & 7 == 2, "wire type", key & 7)
            size, at = varint(data, at)
            need(at + size <= len(data), "a field goes beyond its message", key >> 3)
            value, at = data[at:at + size], at + size
        yield key >> 3, value


def message(data):
    """The last value of each field, as readers take it."""
    return dict(fields(data))


def text_of(value):
    return value.decode("utf-8")


KINDS = {4: "sched_switch", 17: "sched_wakeup", 20: "sched_waking", 114: "sched_wakeup_new", 491: "sched_migrate_task",
         239: "sched_process_fork", 238: "sched_process_exit"}
STATES = {0: "R", 1: "S", 2: "D", 16: "X", 32: "Z", 256: "R+"}


def payload(kind, m):
    """As the text of ftrace says it."""
    if kind == "sched_switch":
        return (f"prev_comm={text_of(m[1])} prev_pid={m[2]} prev_prio={m[3]} prev_state={STATES[m[4]]} ==> "
                f"next_comm={text_of(m[5])} next_pid={m[6]} next_prio={m[7]}")
    if kind in ("sched_wakeup", "sched_waking", "sched_wakeup_new"):
        need(m[4] == 1, "success", m)
        return f"comm={text_of(m[1])} pid={m[2]} prio={m[3]} target_cpu={m[5]:03d}"
    if kind == "sched_migrate_task":
        return f"comm={text_of(m[1])} pid={m[2]} prio={m[3]} orig_cpu={m[4]} dest_cpu={m[5]}"
    if kind == "sched_process_fork":
        return f"comm={text_of(m[1])} pid={m[2]} child_comm={text_of(m[3])} child_pid={m[4]}"
    return f"comm={text_of(m[1])} pid={m[2]} prio={m[4]}"


class Perfetto:
    def __init__(self, path):
        data = (gzip.open if path.endswith(".gz") else open)(path, "rb").read()
        self.size, self.events, self.marks = len(data), [], []
        self.threads, self.processes, self.tracks = {}, {}, {}
        self.counters = collections.Counter()
        for number, packet in fields(data):
            need(number == 1, "a trace holds packets", number)
            self.packet(message(packet))
        need(self.release.startswith("6.12"), "kernel", self.release)

    def packet(self, p):
        need(p[10] == 1, "trusted_packet_sequence_id", p)
        what = set(p) - {8, 10, 13}
        need(len(what) == 1, "one thing a packet", what)
        what = what.pop()
        if what == 45:
            utsname = message(message(p[45])[1])
            need(p.get(13) == 1 and utsname[1] == b"Linux", "the first packet", utsname)
            self.release = text_of(utsname[3])
        elif what == 1:
            self.bundle(p[1])
        elif what == 2:
            self.tree(p[2])
        elif what == 60:
            track = message(p[60])
            need(track[1] not in self.tracks, "a track is described twice", track)
            self.tracks[track[1]] = track
        else:
            need(what == 11 and 8 in p, "packet", p)
            self.track_event(p[8], message(p[11]))

    def tree(self, data):
        for number, value in fields(data):
            m = message(value)
            if number == 1:
                need(m[1] not in self.processes, "a process is named twice", m)
                self.processes[m[1]] = text_of(m[3])
            else:
                need(number == 2 and m[1] not in self.threads, "a thread is named twice", m)
                need(m[3] in self.processes, "a thread of no process", m)
                self.threads[m[1]] = text_of(m[2])

    def bundle(self, data):
        last, cpu = 0, None
        for number, value in fields(data):
            if number == 1:
                cpu = value
                continue
            need(number == 2 and cpu is not None, "bundle", number)
            m = message(value)
            kind = (set(m) - {1, 2, 5}).pop()
            need(m[1] >= last, "a bundle out of order", m)
            last = m[1]
            for pid in re.findall(r"pid=(\d+)", payload(KINDS[kind], message(m[kind]))) + [str(m[2])]:
                need(pid == "0" or int(pid) in self.threads, "a thread without a name", pid)
            need(m.get(5, 0) in (0, 8), "flags", m)
            self.events.append((m[1], cpu, m[2], 5 in m, KINDS[kind], payload(KINDS[kind], message(m[kind]))))

    def track_event(self, time, m):
        track = self.tracks[m[11]]
        if m[9] == 4:
            need(8 in track, "a counter on a track of none", m)
            self.counters[text_of(track[2])] += 1
            return
        thread = message(track[4])
        need(m[9] == 3 and thread[2] in self.threads, "a mark", m)
        self.marks.append((time, thread[2], text_of(m[23])))


LINE = re.compile(r"^ *.*-(?P<pid>\d+) +\([ \d-]{7}\) \[(?P<cpu>\d+)\] (?P<flags>\S+) +(?P<s>\d+)\.(?P<f>\d{9}): (?P<event>\w+): (?P<rest>.*)$")
MARKS = {"sched_move_numa": "NUMA move", "sched_swap_numa": "NUMA move", "mm_migrate_pages": "pages migrate"}


def read_text(path):
    events, marks = [], []
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.startswith("#"):
                continue
            m = LINE.match(line.rstrip("\n"))
            need(m, "not a line with nine digits", line)
            time = int(m["s"]) * 10**9 + int(m["f"])
            if m["event"] in MARKS:
                who = re.search(r"\bpid=(\d+)|\bsrc_pid=(\d+)", m["rest"])
                marks.append((time, int(who[1] or who[2]) if who else int(m["pid"]), MARKS[m["event"]]))
            else:
                events.append((time, int(m["cpu"]), int(m["pid"]), "h" in m["flags"], m["event"], m["rest"]))
    return events, marks


def main():
    p = Perfetto(sys.argv[1])
    events, marks = read_text(sys.argv[2])
    need(sorted(p.events) == sorted(events), "events differ", sorted(set(p.events) ^ set(events))[:4])
    by_cpu = collections.defaultdict(list)
    for e in events:
        by_cpu[e[1]].append(e)
    for cpu, want in by_cpu.items():
        need([e for e in p.events if e[1] == cpu] == want, "another order", cpu)
    need(sorted((t, name) for t, _, name in p.marks) == sorted((t, name) for t, _, name in marks), "marks differ",
         len(p.marks), len(marks))
    need(p.counters, "no counters")
    print(f"perfetto: {len(events)} events, {len(marks)} marks, {p.size / max(len(events), 1):.0f} bytes each, "
          f"{len(p.threads)} threads of {len(p.processes)} processes, {sum(p.counters.values())} counts of {len(p.counters)} nodes")


main()
