#!/usr/bin/env python3
"""What trace-cmd prints of a trace.dat against the ftrace text of the same run: trace_dat.py REPORT TRACE.txt

REPORT is the output of `trace-cmd report -t -N` (nanoseconds, no plugins), TRACE.txt was written with
--trace-ns. The same events in the same order, by the same CPUs and tasks; times never repeat and are
late by no more than the events of an instant."""
import re
import sys

REPORT = re.compile(r"^ *(?P<comm>.*)-(?P<pid>\d+) +\[(?P<cpu>\d+)\] +(?P<s>\d+)\.(?P<f>\d{9}): (?P<event>\w+): +(?P<rest>.*)$")
TEXT = re.compile(r"^ *(?P<comm>.*)-(?P<pid>\d+) +\([ \d-]{7}\) \[(?P<cpu>\d+)\] \S+ +(?P<s>\d+)\.(?P<f>\d{9}): (?P<event>\w+): (?P<rest>.*)$")
LATE = 2000


def events(path, pattern, skip):
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.startswith(skip):
                continue
            m = pattern.match(line.rstrip("\n"))
            if not m:
                sys.exit(f"trace_dat: {path}: not an event: {line}")
            yield int(m["s"]) * 10**9 + int(m["f"]), (m["comm"], m["pid"], int(m["cpu"]), m["event"], m["rest"].rstrip())


def main():
    report = list(events(sys.argv[1], REPORT, ("cpus=", "version")))
    text = list(events(sys.argv[2], TEXT, "#"))
    if len(report) != len(text) or not text:
        sys.exit(f"trace_dat: {len(report)} events, the text has {len(text)}")
    last = late = -1
    for (t, got), (want_t, want) in zip(report, text):
        if got != want:
            sys.exit(f"trace_dat: {t}: {got}, not {want}")
        if t <= last or not 0 <= t - want_t <= LATE:
            sys.exit(f"trace_dat: {got} at {t}, not {want_t}, after {last}")
        last, late = t, max(late, t - want_t)
    print(f"trace.dat: {len(report)} events, at most {late} ns late")


main()
