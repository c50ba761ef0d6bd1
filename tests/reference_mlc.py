"""mlc: the virtual memory latency checker against measurements of real machines.

Ten machines were measured with Intel MLC in all parts; five more have a curve of latency under load alone.
"""
import csv
import io
import math
import os
import re
import subprocess
import tempfile

from reference_table import Table, need

TEXT = """
`numasim topo mlc` against what Intel MLC printed on the real machines (`../shared/data`), and Mess for the last rows: what pinned tasks get inside
the simulation (shipped machines, policy `topology`, default memory model), not what the machines' files say. All errors are relative, in per cent.

**idle latency**, **bandwidth between nodes** and **peak by mix** (reads, 3:1, 2:1, 1:1 of the whole machine): the worst cell. **loaded latency**: the sweep
over inject delays, whole machine, each core in its own node's memory; at the bandwidth of each measured point below 99.5 % of the measured
peak the simulated sweep is read off (a straight line between two simulated points), root mean square over these points. *fitted* is the machine as shipped, whose `curve` is
the fit of `loaded_latency_fits.csv`; *default* the same machine without any `curve` (A 0.225, d 0.20; links 0.085, 0.06). **saturated
bandwidth**: the points from 99.5 % on, against the simulated bandwidth without delay. **latency without delay** depends on how many lines the cores
have in flight; figures only. That number is 17 on all machines (`cpu.misses_in_flight`): bandwidth x latency / line / cores at the saturated end is 14.5 to 21.3
on the eleven machines whose cores are known, median 17. `skx-2s-breniac` and `clx-2s-3upi-smt` have assumed cores, `hsw-2s-2630v3` assumed threads.
"""
TEN = ["ivb-2s-2680v2", "hsw-2s-2680v3", "bdw-2s-2680v4-cod", "skx-2s-6140", "skx-2s-breniac", "skx-2s-8180", "clx-2s-6240",
       "clx-2s-3upi-smt", "clx-2s-8269cy-snc2", "icx-2s-8360y"]
MATRICES = ["hsw-2s-2630v3", "spr-2s-8468-snc4"]
WHOLE = "whole machine, all local"
CURVES = [("skx-2s-silver4110", WHOLE, []), ("skx-2s-8160-mn4", "one socket, local memory (6x DDR4-2666)", ["--from", "0"]),
          ("skx-2s-8160-mn4", "socket 0 cores -> socket 1 memory", ["--from", "0", "--to", "1"]),
          ("graviton3", "one socket, local memory (8x DDR5-4800)", []), ("a64fx", "all 48 cores, 4x HBM2", [])]
SATURATED = 0.995
# Those of MLC, and more of them where the curve bends.
DELAYS = sorted({0, 2, 8, 15, 50, 100, 200, 300, 400, 500, 700, 1000, 1300, 1700, 2500, 3500, 5000, 9000, 20000, 60000}
                | set(range(20, 400, 10)) | set(range(420, 1000, 40)))
FLIGHT = ("with 17 lines a core in flight the sockets cannot ask for more; %s")
KNOWN = {
    ("spr-2s-8468-snc4", "bandwidth between nodes: largest error %"):
        FLIGHT % "the measured 56 GB/s at 188 ns are 14 lines a core even if nothing waited, and Ice Lake shows 20 at the end of its sweep; "
        "the data has no sweep of this machine. 30 would do (`--in-flight`)",
    ("skx-2s-silver4110", "saturated bandwidth: largest error %"):
        FLIGHT % "eight cores a socket just reach the peak when they have 17.3 as measured, and this curve is so flat that 2 % fewer cost 5 % "
        "of bandwidth",
}


class Data:
    def __init__(self, shared):
        self.folder = os.path.join(shared, "data")
        need(os.path.join(self.folder, "loaded_latency.csv"))

    def rows(self, name, machine):
        with open(os.path.join(self.folder, name + ".csv"), newline="", encoding="utf-8") as f:
            return [r for r in csv.DictReader(f) if r["machine"] == machine]


def mlc(numasim, machine, *options):
    """The rows of `topo mlc --csv`."""
    out = subprocess.run([numasim, "topo", "mlc", machine, "--csv", *options], check=True, capture_output=True, text=True,
                         timeout=300).stdout
    return list(csv.DictReader(io.StringIO(out)))


def error(got, want):
    return abs(got / want - 1) * 100


def worst_pair(rows, part, column, measured, scale):
    got = {(int(r["cpu_node"]), int(r["memory_node"])): float(r[column]) / scale for r in rows if r["part"] == part}
    return max(error(got[pair], want) for pair, want in measured.items())


def pairs(data, name, machine, value):
    return {(int(r["from_node"]), int(r["to_node"])): float(r[value]) for r in data.rows(name, machine)}


def worst_mix(rows, data, machine):
    want = {r["mix"]: float(r["GB_per_s"]) for r in data.rows("peak_bandwidth_gbs", machine) if "triad" not in r["mix"]}
    got = {r["mix"]: float(r["bandwidth_mb_s"]) / 1000 for r in rows if r["part"] == "peak_bandwidth"}
    return max(error(got[mix], value) for mix, value in want.items())


def curve(rows):
    return sorted((float(r["bandwidth_mb_s"]) / 1000, float(r["latency_ns"])) for r in rows if r["part"] == "loaded_latency")


def read_off(points, bandwidth):
    """The latency of a simulated sweep at a bandwidth; beyond its ends that of the end."""
    if bandwidth <= points[0][0]:
        return points[0][1]
    for (b0, l0), (b1, l1) in zip(points, points[1:]):
        if b0 <= bandwidth <= b1 and b1 > b0:
            return l0 + (l1 - l0) * (bandwidth - b0) / (b1 - b0)
    return max(latency for b, latency in points if b >= points[-1][0] * 0.999)


def measured_curve(data, machine, scope):
    return [(float(r["bandwidth_GB_per_s"]), float(r["latency_ns"])) for r in data.rows("loaded_latency", machine)
            if r["scope"] == scope]


def rms(measured, simulated):
    """Below saturation; and how many points that are."""
    peak = max(b for b, _ in measured)
    errors = [read_off(simulated, b) / latency - 1 for b, latency in measured if b < SATURATED * peak]
    return 100 * math.sqrt(sum(e * e for e in errors) / len(errors)), len(errors)


def without_curve(numasim, machine, folder):
    """The machine as a file that gives no curves."""
    path = os.path.join(folder, machine + ".yaml")
    text = subprocess.run([numasim, "topo", "export", machine], check=True, capture_output=True, text=True, timeout=60).stdout
    text = re.sub(r",? ?curve: \{[^}]*\}", "", text)
    assert "curve" not in re.sub(r"(?m)^\s*#.*|^source:[\s\S]*|^notes:[\s\S]*", "", text), machine
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    return path


def add_sweep(table, numasim, data, case, machine, scope, options):
    measured = measured_curve(data, machine, scope)
    delays = ["--loaded_latency", "--delays", ",".join(map(str, DELAYS))] + options
    peak = max(b for b, _ in measured)
    with tempfile.TemporaryDirectory() as folder:
        fitted = curve(mlc(numasim, machine, *delays))
        default = curve(mlc(numasim, without_curve(numasim, machine, folder), *delays))
    value, nr = rms(measured, fitted)
    table.add(case, "loaded latency, fitted: rms %", "%d points" % nr, value, 0, 10, "10 %")
    table.add(case, "loaded latency, default: rms %", "%d points" % nr, rms(measured, default)[0], 0, 1e9, "figure only")
    full = [b for b, _ in measured if b >= SATURATED * peak]
    table.add(case, "saturated bandwidth: largest error %", "%d points" % len(full),
              max(error(max(b for b, _ in fitted), b) for b in full), 0, 5, "5 %")
    table.add(case, "latency without delay, ns", "%.1f" % max(latency for _, latency in measured),
              max(latency for _, latency in fitted), 0, 1e9, "figure only")


def add_matrices(table, numasim, data, machine):
    rows = mlc(numasim, machine, "--latency_matrix", "--bandwidth_matrix", "--peak_injection_bandwidth")
    idle, bandwidth = pairs(data, "latency_ns", machine, "ns"), pairs(data, "bandwidth_gbs", machine, "GB_per_s")
    table.add(machine, "idle latency: largest error %", "%d pairs" % len(idle),
              worst_pair(rows, "idle_latency", "latency_ns", idle, 1), 0, 1, "1 %")
    table.add(machine, "bandwidth between nodes: largest error %", "%d pairs" % len(bandwidth),
              worst_pair(rows, "bandwidth", "bandwidth_mb_s", bandwidth, 1000), 0, 5, "5 %")
    if data.rows("peak_bandwidth_gbs", machine):
        table.add(machine, "peak by mix: largest error %", "4 mixes", worst_mix(rows, data, machine), 0, 5, "5 %")


def build(numasim, shared, only=()):
    data = Data(shared)
    table = Table("mlc", "Virtual MLC against measured machines", TEXT, KNOWN)
    for machine in TEN + MATRICES:
        if only and machine not in only:
            continue
        add_matrices(table, numasim, data, machine)
        if machine in TEN:
            add_sweep(table, numasim, data, machine, machine, WHOLE, [])
    for machine, scope, options in CURVES:
        if not only or machine in only:
            case = machine if scope == WHOLE else "%s, %s" % (machine, scope.split(" (")[0].split(",")[0])
            add_sweep(table, numasim, data, case, machine, scope, options)
    return table
