#!/usr/bin/env python3
"""What a policy costs the simulator, as ratios to the fair class: CPU time of a context switch, of a decision, memory.

    usage: policies_cost.py NUMASIM [--rounds=N]

Each round runs bench-mix under each policy for a short and a long time; the difference is what simulating takes, without start and
end. The least of all rounds counts: whatever else the machine does only adds.
"""
import argparse
import csv
import os
import re
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
POLICIES = [("fair", "topology"), ("fifo", "ext:fifo"), ("fifo.lua", "ext:" + os.path.join(HERE, "..", "models", "sched", "fifo.lua"))]
MACHINES = [("bench-8", 400, 4000), ("bench-64", 100, 600)]  # times in ms


def high_water(pid):
    """KiB that the process has held at most; 0: it is gone, or begins."""
    try:
        with open("/proc/%d/status" % pid) as f:
            found = re.search(r"VmHWM:\s*(\d+) kB.*?", f.read())
    except OSError:
        return 0
    return int(found.group(1)) if found else 0


def run(program, folder, machine, policy, until):
    """CPU seconds, KiB, context switches, calls of operations (1 for each switch of the fair class)."""
    command = [program, "run", "-t", machine, "-w", "bench-mix", "-p", policy, "--until", "%dms" % until, "-q", "--no-plot", "--force", "-o", folder]
    child = subprocess.Popen(command)
    memory = 0
    while True:  # the resource usage of a child has the memory of whoever started it, too
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        memory = max(memory, high_water(child.pid))
        time.sleep(0.005)
    if status != 0:
        raise RuntimeError(" ".join(command))
    with open(os.path.join(folder, "summary.csv"), newline="") as f:
        switches = int(next(csv.DictReader(f))["context_switches"])
    calls = switches
    if policy.startswith("ext:"):
        with open(os.path.join(folder, "ext.csv"), newline="") as f:
            calls = sum(int(v or 0) for k, v in next(csv.DictReader(f)).items() if k.startswith("calls_"))
    return usage.ru_utime + usage.ru_stime, memory, switches, calls


def measure(program, folder, machine, short, long, rounds):
    best = {}
    for _ in range(rounds):
        for name, policy in POLICIES:
            a, b = (run(program, folder, machine, policy, until) for until in (short, long))
            best.setdefault(name, []).append((max(b[0] - a[0], 1e-6), b[1], b[2] - a[2], b[3] - a[3]))
    return {name: min(all) for name, all in best.items()}


def main():
    arguments = argparse.ArgumentParser(usage=__doc__)
    arguments.add_argument("program")
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    print("machine   policy     switch  decisions a switch  decision  memory   (ratios to fair; ns, ns, MiB)")
    with tempfile.TemporaryDirectory() as folder:
        for machine, short, long in MACHINES:
            got = measure(given.program, os.path.join(folder, "run"), machine, short, long, given.rounds)
            base = got["fair"]
            for name, (cpu, memory, switches, calls) in got.items():
                switch, decision = cpu / switches * 1e9, cpu / calls * 1e9
                print("%-9s %-9s %6.2fx  %18.2f  %7.2fx  %5.2fx   (%.0f, %.0f, %.1f)"
                      % (machine, name, switch / (base[0] / base[2] * 1e9), calls / switches, decision / (base[0] / base[3] * 1e9),
                         memory / base[1], switch, decision, memory / 1024))


if __name__ == "__main__":
    main()
