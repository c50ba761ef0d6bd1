#!/usr/bin/env python3
"""Makes the machines of topologies/ whose numbers are measurements of ../shared/data.

    usage: machines.py SHARED [--check]

SHARED is the folder with data/. Each of these machines was measured with Intel's Memory Latency Checker: latencies,
bandwidths, mixes and curves are copied from the CSV files, write_derating is fitted to the mixes as `numasim topo calibrate`
does it, and what no source tells stands below with the rule by which it was assumed. --check writes nothing and fails if a
file is not what would be written. The other machines were written by hand.
"""
import csv
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "topologies")
LINK_CURVE = "curve: {a: 0.085, d: 0.06}"
SLIT_21 = "assumed: 10/21 as on every two-socket Intel machine seen (hwloc, codeblueprint)"
LINK_SOURCE = "mess: MareNostrum 4, fit of memory-model.md section 1.1"
WHOLE = "whole machine, all local"
METHODS = {"MLC default (prefetch off)": "MLC, prefetch off", "MLC random": "MLC, random access", "MLC": "MLC"}
MIXES = {"ALL Reads": 0, "3:1 Reads-Writes": 1 / 4, "2:1 Reads-Writes": 1 / 3, "1:1 Reads-Writes": 1 / 2}
SHARED_BUNDLE = ["All nodes of a package share one bundle of UPI links: it ends at the first node of each, and the",
                 "mesh carries the rest of the way. The mesh is wide enough never to be the bottleneck, as measured."]


class Data:
    def __init__(self, shared):
        self.folder = os.path.join(shared, "data")

    def rows(self, name, machine, **other):
        with open(os.path.join(self.folder, name + ".csv"), newline="", encoding="utf-8") as f:
            return [r for r in csv.DictReader(f) if r.get("machine", r.get("id")) == machine
                    and all(r[k] == v for k, v in other.items())]

    def matrix(self, name, machine, value):
        return {(int(r["from_node"]), int(r["to_node"])): r[value] for r in self.rows(name, machine)}

    def derating(self, machine):
        """k of bandwidth = reads (1 - k written), by least squares with the figure of pure reads held."""
        rows = {r["mix"]: float(r["GB_per_s"]) for r in self.rows("peak_bandwidth_gbs", machine) if r["mix"] in MIXES}
        reads = rows["ALL Reads"]
        up = sum(MIXES[m] * (1 - v / reads) for m, v in rows.items())
        return up / sum(MIXES[m] ** 2 for m in rows)


def short(value):
    """A number as people write it: 81.3, 88, 0.36."""
    return f"{float(value):.10g}"


def two_sockets(data, links):
    """Links between two nodes, each way what the cores of the other end got."""
    return ["# Data flows from the memory to the CPU."], [
        f"{{name: {links}.0, from: 0, to: 1, bandwidth: {short(data[(1, 0)])}GB/s, {LINK_CURVE}}}",
        f"{{name: {links}.1, from: 1, to: 0, bandwidth: {short(data[(0, 1)])}GB/s, {LINK_CURVE}}}"]


def snc(nodes, upi, mesh):
    """Nodes of two packages that share one bundle of links; the mesh between them carries `mesh` GB/s."""
    half = nodes // 2
    links = [f"{{name: mesh{a}{b}, between: [{a}, {b}], bandwidth: {mesh}GB/s}}"
             for base in (0, half) for a in range(base, base + half) for b in range(a + 1, base + half)]
    return ["# " + line for line in SHARED_BUNDLE], links + [
        f"{{name: upi, between: [0, {half}], bandwidth: {upi}GB/s, {LINK_CURVE}}}"]


def cluster_on_die(data):
    """Two rings a package, and a QPI link at each: pairs of like rings are joined directly."""
    links = []
    for a, b in ((0, 1), (2, 3)):
        links += [f"{{name: ring.{a}, from: {a}, to: {b}, bandwidth: {short(data[(b, a)])}GB/s, {LINK_CURVE}}}",
                  f"{{name: ring.{b}, from: {b}, to: {a}, bandwidth: {short(data[(a, b)])}GB/s, {LINK_CURVE}}}"]
    for a, b in ((0, 2), (1, 3)):
        links += [f"{{name: qpi.{a}, from: {a}, to: {b}, bandwidth: {short(data[(b, a)])}GB/s, {LINK_CURVE}}}",
                  f"{{name: qpi.{b}, from: {b}, to: {a}, bandwidth: {short(data[(a, b)])}GB/s, {LINK_CURVE}}}"]
    return ["# One QPI link a ring, and a bridge between the rings of a package."], links


# Which way the measured bandwidths of the diagonal pairs went: 15.1 GB/s from 3 to 0, as qpi.3 has, and so on.
COD_ROUTES = ["", "# From the other package: over the link of the memory's own ring, then over the bridge.", "routes:",
              "  - {from: 3, to: 0, via: [qpi.3, ring.1]}", "  - {from: 2, to: 1, via: [qpi.2, ring.0]}",
              "  - {from: 1, to: 2, via: [qpi.1, ring.3]}", "  - {from: 0, to: 3, via: [qpi.0, ring.2]}"]


# Per machine: comment, title, shape, and what the data does not tell. `like`: a machine whose value is taken.
MACHINES = {
    "ivb-2s-2680v2": dict(
        comment="Two sockets of the QPI time: local memory is fast, the other socket costs nearly twice as much.",
        title="2x Xeon E5-2680 v2 (Ivy Bridge)", link="qpi"),
    "hsw-2s-2680v3": dict(
        comment="Two sockets, QPI: latency differs little between local and remote, bandwidth by half.",
        title="2x Xeon E5-2680 v3 (Haswell)", link="qpi"),
    "hsw-2s-2630v3": dict(
        comment="The machine of many public clouds for research (CloudLab c220g1).",
        title="2x Xeon E5-2630 v3 (Haswell)", link="qpi", threads=2,
        shape_note="; assumed: two threads a core, as the product has", caches="l1d: 32KiB, l2: 256KiB, llc: 20MiB",
        caches_source="assumed: 2.5 MiB a core, as hsw-2s-2680v3", memory="64GB",
        memory_source="assumed: four channels with 16 GB each", curve_of="hsw-2s-2680v3"),
    "bdw-2s-2680v4-cod": dict(
        comment="Cluster on die: each ring of a package is a node, and the bridge between the rings is slow.",
        title="2x Xeon E5-2680 v4 (Broadwell), cluster on die", nodes=2, links="cod",
        distances="{local: 10, package: 21, remote: 31}",
        distances_source="cod-log: of a machine of the same layout"),
    "skx-2s-6140": dict(
        comment="Two sockets with two UPI links: remote bandwidth is a third of local.",
        title="2x Xeon Gold 6140 (Skylake)", link="upi"),
    "skx-2s-breniac": dict(
        comment="A node of a cluster (BrENIAC) whose model the source does not tell.",
        title="2x Skylake-SP, two UPI links", link="upi", cores=14, frequency="2.6GHz",
        frequency_source="assumed: the model is not told; the product line's common clock",
        shape_source="assumed: 14 cores a socket; with four lines a delay the sweep's low end fits 28 cores at 3.3 GHz",
        caches="l1d: 32KiB, l2: 1MiB, llc: 19.25MiB",
        caches_source="vsc: L1 and L2; assumed: 1.375 MiB a core, as skx-2s-6140", memory="96GB",
        memory_source="assumed: six channels with 16 GB each, as skx-2s-6140"),
    "skx-2s-8180": dict(
        comment="Two sockets, hardware threads, three UPI links.",
        title="2x Xeon Platinum 8180 (Skylake)", link="upi", memory="96GB",
        memory_source="assumed: six channels with 16 GB each"),
    "clx-2s-6240": dict(
        comment="Two sockets, two UPI links: remote costs twice the latency, and a third of the bandwidth is left.",
        title="2x Xeon Gold 6240 (Cascade Lake)", link="upi"),
    "clx-2s-3upi-smt": dict(
        comment="Hardware threads and three UPI links; the source does not name the model.",
        title="2-socket Xeon, three UPI links (Cascade Lake class)", link="upi", cores=28, frequency="2.5GHz",
        frequency_source="assumed: as skx-2s-8180, the other machine with three links",
        shape_source="mlc-smt: two sockets, threads; assumed: 28 cores a socket, as skx-2s-8180",
        caches="l1d: 32KiB, l2: 1MiB, llc: 38.5MiB", caches_source="assumed: as skx-2s-8180", memory="96GB",
        memory_source="assumed: six channels with 16 GB each"),
    "clx-2s-8269cy-snc2": dict(
        comment="Sub-NUMA clustering: the sibling node is nearly free, the other package is not.",
        title="2x Xeon Platinum 8269CY (Cascade Lake), SNC2", nodes=2, links="snc", upi="50.5", mesh="118",
        distances="{local: 10, package: 11, remote: 21}", distances_source="plantegg-cpu",
        caches="l1d: 32KiB, l2: 1MiB, llc: 17.875MiB"),
    "icx-2s-8360y": dict(
        comment="Two sockets with eight channels each: the link falls behind the memory.",
        title="2x Xeon Platinum 8360Y (Ice Lake)", link="upi"),
    "spr-2s-8468-snc4": dict(
        comment="Sub-NUMA clustering by four: eight nodes, and within a package a grid of two by two.",
        title="2x Xeon Platinum 8468 (Sapphire Rapids), SNC4", nodes=4, links="snc", upi="56.4", mesh="123",
        distances="{local: 10, package: 12, remote: 21}",
        distances_source="assumed: not in the source; 12 in a package, 21 beyond",
        gaps={(7, 7): "61.5"}, gaps_note="; assumed: node 7 as the others, its cell is cut off"),
}


class File:
    """A topology as text, with the sources of its numbers at the end."""

    def __init__(self):
        self.lines, self.sources = [], []

    def add(self, *lines):
        self.lines += lines

    def source(self, key, text):
        quoted = f'"{text}"' if ":" in text or ";" in text else text
        self.sources.append(f"  {key}: {quoted}")

    def text(self):
        return "\n".join(self.lines + ["source:"] + self.sources) + "\n"


def add_head(f, m, row, key):
    nodes, packages = m.get("nodes", 1), int(row["sockets"])
    cores = m.get("cores") or int(row["cores_total"]) // packages // nodes
    threads = m.get("threads") or (int(row["smt"]) if row["smt"].isdigit() else 1)
    frequency = m.get("frequency") or short(row["base_GHz"]) + "GHz"

    f.add("# " + m["comment"], "title: " + m["title"], "vendor: intel", "frequency: " + frequency, "")
    f.add("shape:", f"  packages: {packages}", *([f"  nodes_per_package: {nodes}"] if nodes > 1 else []),
          f"  cores_per_llc: {cores}", *([f"  threads_per_core: {threads}"] if threads > 1 else []), "")
    f.source("frequency", m.get("frequency_source", key))
    f.source("shape", m.get("shape_source", key + m.get("shape_note", "")))


def add_nodes(f, name, m, row, key, data, bandwidth):
    curve_of = m.get("curve_of", name)
    fits = data.rows("loaded_latency_fits", curve_of, scope=WHOLE)
    a, d = (fits[0]["A"], fits[0]["d"]) if fits else ("0.225", "0.2")
    memory = m.get("memory") or row["mem_per_node_GB"] + "GB"
    local = {(i, i): v for (i, j), v in bandwidth.items() if i == j} | m.get("gaps", {})

    f.add("nodes:", "  - node: all", f"    memory: {memory}", f"    write_derating: {data.derating(curve_of):.3g}",
          f"    curve: {{a: {short(a)}, d: {short(d)}}}")
    f.add(*[f"  - {{node: {i}, bandwidth: {short(v)}GB/s}}" for (i, _), v in sorted(local.items())], "")
    f.source("nodes.memory", m.get("memory_source", key))
    f.source("nodes.write_derating", f"{key}: fit to the mixes of peak_bandwidth_gbs.csv" if curve_of == name else
             f"assumed: as {curve_of}")
    f.source("nodes.curve", f"assumed: as {curve_of}" if curve_of != name else
             f"{key}: loaded_latency_fits.csv" if fits else "assumed: default of memory-model.md, fitted to 15 machines")
    f.source("nodes.bandwidth", f"{key}: all cores of the node, reads" + m.get("gaps_note", ""))


def add_matrices(f, m, source, latency, nodes):
    f.add("distances: " + m.get("distances", "{local: 10, remote: 21}"), "", "latency:")
    f.add(*["  - " + " ".join(short(latency[(i, j)]) + "ns" for j in range(nodes)) for i in range(nodes)], "")
    f.source("distances", m.get("distances_source", SLIT_21))
    f.source("latency", source)


def add_links(f, m, key, bandwidth, nodes):
    if m.get("links") == "snc":
        comment, links = snc(nodes, m["upi"], m["mesh"])
        f.source("links.bandwidth", f"{key}: UPI; assumed: mesh of twice a node's bandwidth")
    elif m.get("links") == "cod":
        comment, links = cluster_on_die(bandwidth)
        f.source("links.bandwidth", f"{key}: all cores of the source node, reads")
    else:
        comment, links = two_sockets(bandwidth, m["link"])
        f.source("links.bandwidth", f"{key}: all cores of the source node, reads")
    f.add(*comment, "links:", *["  - " + link for link in links])
    f.add(*(COD_ROUTES if m.get("links") == "cod" else []), "")
    f.source("links.curve", LINK_SOURCE)


def transfers(rows, per_package):
    """A dirty line from the cache of another core: the mean over all pairs and homes of each kind. Across packages, that of
    the nearest nodes of two: the numasim rule for the others is their latency."""
    kinds = {"transfer_llc": [], "transfer_package": [], "transfer_remote": []}
    for r in rows:
        if "HITM" not in r["kind"]:
            continue
        if not r["writer_node"]:
            kinds["transfer_llc"].append(float(r["ns"]))
            continue
        a, b = sorted((int(r["writer_node"]), int(r["reader_node"])))
        if a // per_package == b // per_package:
            kinds["transfer_package"].append(float(r["ns"]))
        elif b - a == per_package:
            kinds["transfer_remote"].append(float(r["ns"]))
    return {k: sum(v) / len(v) for k, v in kinds.items() if v}


def add_caches(f, name, m, row, key, data):
    def size(kib):
        kib = float(kib)
        return f"{short(kib / 1024)}MiB" if kib >= 1024 else f"{short(kib)}KiB"

    caches = m.get("caches") or (f"l1d: {size(row['L1d_KiB'])}, l2: {size(row['L2_KiB'])}, "
                                 f"llc: {size(float(row['L3_MiB_per_group']) * 1024)}")
    across = transfers(data.rows("cache_to_cache_ns", name), m.get("nodes", 1))
    if not across:
        f.add(f"caches: {{{caches}}}", "")
    else:
        f.add("caches:", *["  " + size for size in caches.split(", ")],
              *[f"  {k}: {ns:.1f}ns" for k, ns in across.items()], "")
    for k in across:
        f.source("caches." + k, f"{key}: MLC, dirty lines, mean over nodes and homes of the line")
    f.source("caches", m.get("caches_source", key))


def make(name, data):
    m = MACHINES[name]
    row = data.rows("machines", name)[0]
    key = row["sources"].split(";")[0]
    bandwidth = data.matrix("bandwidth_gbs", name, "GB_per_s")
    latency = data.matrix("latency_ns", name, "ns")
    nodes = int(row["nodes"])
    f = File()

    add_head(f, m, row, key)
    add_nodes(f, name, m, row, key, data, bandwidth)
    method = METHODS[data.rows("latency_ns", name)[0]["method"]]
    add_matrices(f, m, f"{key}: {method}", latency, nodes)
    add_links(f, m, key, bandwidth, nodes)
    add_caches(f, name, m, row, key, data)
    return f.text()


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    data, wrong = Data(sys.argv[1]), 0
    if not os.path.isdir(data.folder):
        print("skipped: the shared data is absent")
        return 77
    for name in MACHINES:
        path, text = os.path.join(OUT, name + ".yaml"), make(name, data)
        if not sys.argv[2:]:
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
        elif not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
            print(f"{name}.yaml is not what tools/machines.py writes")
            wrong = 1
    return wrong


sys.exit(main())
