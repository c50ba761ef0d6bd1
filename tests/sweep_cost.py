#!/usr/bin/env python3
"""What a sweep costs besides its runs (label sweep-cost, not part of CI: it takes minutes and measures time).

    sweep_cost.py PROGRAM [--points 2000] [--pairs 5]

A sweep of POINTS runs of about 50 ms of CPU each spends at most 5 % of its CPU time outside the runs: all CPU time
of the program and its workers against the sum of what each run took, as the manifest says. Independently of what the
program says of itself, a point may not take more than `numasim run` of the same point does. CPU time per point at -j2 against -j1: the median of
PAIRS pairs, taken in turns, within 15 %. The machine should have nothing else to do.
"""
import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile

GRID = """name: cost
topologies: [two-node]
workloads: [numa02]
policies: [topology, autonuma]
seeds: {seeds}
set:
  workload.loops: {loops}
  numa_balancing.scan_delay: 100ms
"""


def sweep(program, folder, grid, jobs):
    """CPU seconds of all processes, and what the manifest says."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([program, "sweep", grid, "-q", "--no-plot", "--force", "-j", str(jobs), "-o", folder], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = {}
    with open(os.path.join(folder, "manifest.yaml"), encoding="utf-8") as lines:
        for line in lines:
            key, _, value = line.partition(": ")
            said[key] = value.strip()
    if said["complete"] != "yes" or said["failed"] != "0":
        sys.exit(f"sweep_cost: the sweep is not as it should be: {said}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, said


def write_grid(path, points, loops):
    with open(path, "w", encoding="utf-8") as out:
        out.write(GRID.format(seeds=points // 2, loops=loops))


def single_runs(program, work, grid, points, nr=10):
    """CPU seconds of `numasim run` of some points, each."""
    took = []
    for i in range(nr):
        point = os.path.join(work, "point.yaml")
        with open(point, "wb") as out:
            subprocess.run([program, "sweep", grid, "--resolve", str(i * points // nr)], stdout=out, check=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([program, "run", point, "-q", "--no-plot", "--force", "-o", os.path.join(work, "one")], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.mean(took)


def calibrate(program, folder, grid):
    """Loops for runs of about 50 ms."""
    write_grid(grid, 20, 100)
    _, said = sweep(program, folder, grid, 1)
    return max(20, round(100 * 0.050 / (float(said["cpu_in_runs_s"]) / 20)))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    arguments.add_argument("--points", type=int, default=2000)
    arguments.add_argument("--pairs", type=int, default=5)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as work:
        grid, folder = os.path.join(work, "grid.yaml"), os.path.join(work, "out")
        loops = calibrate(given.program, folder, grid)
        write_grid(grid, given.points, loops)
        cpu, said = sweep(given.program, folder, grid, 2)
        inside = float(said["cpu_in_runs_s"])
        outside = (cpu - inside) / cpu
        print(f"{given.points} points of {1e3 * inside / given.points:.1f} ms: {cpu:.2f} s of CPU time, "
              f"{1e3 * (cpu - inside) / given.points:.2f} ms a point outside the runs: {100 * outside:.2f} %")
        single = single_runs(given.program, work, grid, given.points)
        print(f"{1e3 * cpu / given.points:.1f} ms a point in all; numasim run of one: {1e3 * single:.1f} ms")
        few = min(given.points, 100)
        write_grid(grid, few, loops)
        ratios = []
        for pair in range(given.pairs):
            order = (1, 2) if pair % 2 == 0 else (2, 1)
            took = {jobs: sweep(given.program, folder, grid, jobs)[0] / few for jobs in order}
            ratios.append(took[2] / took[1])
            print(f"-j1 {1e3 * took[1]:.2f} ms a point, -j2 {1e3 * took[2]:.2f} ms: {ratios[-1]:.3f}")
        median = statistics.median(ratios)
        print(f"-j2 against -j1: median {median:.3f} of {given.pairs}")
    wrong = []
    if outside > 0.05:
        wrong.append("more than 5 % outside the runs")
    if cpu / given.points > 1.05 * single:
        wrong.append("a point takes more than its run alone")
    if abs(median - 1) > 0.15:
        wrong.append("-j2 and -j1 differ by more than 15 %")
    for text in wrong:
        print(f"sweep_cost: {text}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
