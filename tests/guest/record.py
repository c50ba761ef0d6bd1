#!/usr/bin/env python3
"""record.py OUT NAME MACHINE key=value ...: boots the guest, writes OUT/NAME.MACHINE.json in the form of the oracle."""
import json, os, re, subprocess, sys, time
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
from machines import MACHINES
KERNEL = os.environ.get("KERNEL", os.path.join(HERE, "../deb/boot/vmlinuz-6.12.117+deb12-amd64"))
AMD = "EPYC-Rome,x-force-features=on,topoext=on,-rdseed,-sha-ni,-rdpid,-fxsr-opt,-misalignsse,-3dnowprefetch,-osvw,-perfctr-core,-clzero,-xsaveerptr,-wbnoinvd,-ibpb,-amd-stibp,-nrip-save,-xsavec,-xsaves,-svm"

def machine_args(m):
    total = sum(n["mem"] for n in m["nodes"])
    cpus = m["sockets"] * m["dies"] * m["cores"] * m["threads"]
    a = ["-machine", "q35", "-cpu", AMD if m.get("vendor") == "amd" else "Skylake-Server", "-smp",
         "%d,sockets=%d,dies=%d,cores=%d,threads=%d" % (cpus, m["sockets"], m["dies"], m["cores"], m["threads"]), "-m", "%dM" % total]
    for i, n in enumerate(m["nodes"]):
        a += ["-object", "memory-backend-ram,id=m%d,size=%dM" % (i, n["mem"])] if n["mem"] else []
        a += ["-numa", "node,nodeid=%d%s%s" % (i, "".join(",cpus=" + c for c in n["cpus"].split(",") if c), ",memdev=m%d" % i if n["mem"] else "")]
    if m["dist"]:
        for i in range(len(m["dist"])):
            for j in range(len(m["dist"])):
                if i != j: a += ["-numa", "dist,src=%d,dst=%d,val=%d" % (i, j, m["dist"][i][j])]
    return a

def boot(m, append, out, shift=None, limit=1500):
    args = ["qemu-system-x86_64"] + machine_args(m) + ["-accel", "tcg,thread=single" if shift is not None else "tcg", "-display", "none", "-no-reboot", "-nodefaults",
        "-kernel", KERNEL, "-initrd", os.path.join(HERE, os.environ.get("INITRD", "initrd.gz")), "-append", append, "-serial", "file:" + out + ".serial",
        "-chardev", "file,id=dbg,path=" + out + ".raw", "-device", "isa-debugcon,iobase=0x402,chardev=dbg"]
    if shift is not None: args += ["-icount", "shift=%d,sleep=off" % shift]
    t = time.time()
    subprocess.run(["nice", "-n", os.environ.get("NICE", "5"), "timeout", str(limit)] + args, check=True, stdin=subprocess.DEVNULL)
    return round(time.time() - t, 1)

def val(s):
    return int(s) if re.fullmatch(r"-?\d+", s) else s

def pages_of(line, n):
    p = [0] * n
    for k, v in re.findall(r"\bN(\d+)=(\d+)", line): p[int(k)] += int(v)
    if "kernelpagesize_kB=2048" in line: p = [512 * x for x in p]
    return p

def parse_samples(rep, n_nodes, priv, touch):
    samples = []; s = None; base = None
    threads = len(rep["threads"])
    def close():
        if s is not None: samples.append(s)
    thr = rep["threads"]
    where = {(thr[i][3] if priv else i, a): i for i, a in rep["regions"].items()}
    for tag, idx, lines in rep["blocks"]:
        if tag == "T":
            close()
            s = {"t_ms": round(idx / 1e6, 3), "cpu": [0] * threads, "exec_ms": [0] * threads, "wait_ms": [0] * threads, "slices": [0] * threads, "work": []}
            if touch: s.update({k: [0] * threads for k in ("nr_migrations", "preferred_nid", "scan_seq", "total_faults", "pages_migrated", "group", "node")}); s["faults"] = {}; s["pages"] = [[0] * n_nodes for _ in where]
        elif tag == "vmstat":
            v = {l.split()[0]: int(l.split()[1]) for l in lines}
            if base is None: base = v
            s["vmstat"] = {k: v[k] - base[k] for k in v}
        elif tag == "maps":
            for l in lines: 
                w = where.get((idx, int(l.split()[0], 16)))
                if w is not None: s["pages"][w] = pages_of(l, n_nodes)
        elif tag == "ss" and lines:
            a, b, c = lines[0].split(); s["exec_ms"][idx] = round(int(a) / 1e6, 2); s["wait_ms"][idx] = round(int(b) / 1e6, 2); s["slices"][idx] = int(c)
        elif tag == "stat" and lines:
            s["cpu"][idx] = int(lines[0].rsplit(")", 1)[1].split()[36])
        elif tag == "sched":
            f = {}
            for l in lines:
                m = re.match(r"numa_faults node=(\d+) task_private=(\d+) task_shared=(\d+) group_private=(\d+) group_shared=(\d+)", l)
                if m: f[m.group(1)] = [int(x) for x in m.groups()[1:]]; continue
                m = re.match(r"current_node=(-?\d+), numa_group_id=(\d+)", l)
                if m: s["node"][idx], s["group"][idx] = int(m.group(1)), int(m.group(2)); continue
                k, _, v = l.partition(":"); k, v = k.strip(), v.strip()
                key = {"nr_migrations": "nr_migrations", "mm->numa_scan_seq": "scan_seq", "numa_pages_migrated": "pages_migrated", "numa_preferred_nid": "preferred_nid", "total_numa_faults": "total_faults"}.get(k)
                if key: s[key][idx] = int(v)
            s["faults"][str(idx)] = f
        elif tag == "work":
            s["work"] = [int(x) for x in lines[0].split()]
    close()
    return samples

def parse_events(rep, t0, tids):
    ev, other = [], []
    def who(t): return tids.get(int(t), -1)
    for l in rep["trace"]:
        m = re.match(r".*?\s(\d+\.\d+): (\w+): (.*)$", l)
        if not m: continue
        t = round(float(m.group(1)) * 1000 - t0 / 1e6, 3); kind = m.group(2); w = dict(x.split("=", 1) for x in m.group(3).split() if "=" in x)
        if kind == "sched_migrate_task" and who(w["pid"]) >= 0: ev.append([t, "migrate", who(w["pid"]), int(w["orig_cpu"]), int(w["dest_cpu"])])
        elif kind == "sched_wakeup_new" and who(w["pid"]) >= 0: ev.append([t, "new", who(w["pid"]), int(w["target_cpu"])])
        elif kind == "sched_move_numa" and who(w["pid"]) >= 0: ev.append([t, "move_numa", who(w["pid"]), int(w["src_cpu"]), int(w["dst_cpu"])])
        elif kind in ("sched_swap_numa", "sched_stick_numa") and who(w["src_pid"]) >= 0:
            ev.append([t, kind[6:], who(w["src_pid"]), int(w["src_cpu"]), int(w["dst_cpu"]), who(w["dst_pid"])])
        elif kind not in ("sched_migrate_task", "sched_wakeup_new"): other.append([t, kind, m.group(3)])
    return [e for e in ev if e[0] >= 0], other

def begun_at(rep):
    """The first sample takes a while, in which threads move: where they were at t=0 is where they moved from first."""
    seen = set()
    for e in rep["events"]:
        if e[1] == "migrate" and e[2] not in seen: rep["samples"][0]["cpu"][e[2]] = e[3]
        seen.add(e[2])

def parse(path, nonuma):
    reps, blocks, facts = [], [], {"params": {}, "nodes": [], "warnings": [], "end": False}
    cur = None; rep = None
    for l in open(path, errors="replace"):
        l = l.rstrip("\n")
        if l.startswith("W "): facts["warnings"].append(l); continue
        if l.startswith("@"):
            w = l[1:].split(None, 2); tag = w[0]
            if tag == "rep": 
                a = l.split(); rep = {"rep": int(a[1]), "seed": int(a[2]), "t0": int(a[3]), "threads": [], "regions": {}, "blocks": [], "trace": []}; reps.append(rep); cur = None
            elif tag == "thread": a = l.split(); rep["threads"].append([int(x) for x in a[1:]])
            elif tag == "region": a = l.split(); rep["regions"][int(a[1])] = int(a[2], 16)
            elif tag == "param": facts["params"][w[1]] = w[2]
            elif tag == "node": facts["nodes"].append(l)
            elif tag == "trace": cur = rep["trace"]
            elif tag == "dmesg": cur = facts.setdefault("dmesg", [])
            elif tag == "end": facts["end"] = True
            elif tag in ("T", "vmstat", "maps", "ss", "stat", "sched", "work") and rep is not None:
                lines = []; rep["blocks"].append((tag, int(w[1]), lines)); cur = lines
            continue
        if cur is not None and l: cur.append(l)
    return reps, facts

def main():
    out, name, mname = sys.argv[1:4]
    o = {}
    for a in sys.argv[4:]:
        k, _, v = a.partition("="); o[k] = val(v)
    extra = {k: o.pop(k) for k in ("probes", "switches", "limit", "early", "skips") if k in o}
    m, shift = MACHINES[mname]
    shift = o.pop("shift", shift)
    full = "%s.%s" % (name, mname)
    touch = o["mode"] == "touch"
    if not touch: o.setdefault("region", "none"); o.setdefault("numa", 0)
    append = "console=ttyS0 quiet loglevel=4 sched_verbose log_buf_len=16M nokaslr mitigations=off panic=-1 cryptomgr.notests no_timer_check tsc=reliable oracle=scen o.name=%s o.reps=%d o.seed=1" % (full, o.get("reps", 3))
    append += "".join(" o.%s=%s" % (k, v) for k, v in o.items() if k != "reps") + "".join(" o.%s=%s" % (k, v) for k, v in extra.items() if k != "limit")
    os.makedirs(out, exist_ok=True)
    base = os.path.join(out, full)
    wall = 0
    if "--parse" not in os.environ.get("RECORD", ""):
        wall = boot(m, append, base, shift, extra.get("limit", 1500))
    reps, facts = parse(base + ".raw", not touch)
    if not facts["end"]: print("INCOMPLETE", full, file=sys.stderr)
    ncpu = m["sockets"] * m["dies"] * m["cores"] * m["threads"]
    nices = [int(x) for x in str(o.get("nice", "0")).split(",")]
    d = {"name": full, "desc": os.environ.get("DESC", ""), "kernel": "6.12.117+deb12-amd64", "machine": m, "options": o,
         "obtained": {"qemu": "QEMU emulator version 7.2 (Debian 1:7.2+dfsg-7+deb12u18+b3)", "icount_shift": shift, "accel": "tcg,thread=single", "append": append, "wall_s": wall},
         "kernel_warnings": facts.get("dmesg", []) + facts["warnings"], "sched": {"base_slice_ns": facts["params"].get("base_slice_ns"),
         "numa_balancing": {k[15:]: v for k, v in facts["params"].items() if k.startswith("numa_")}}, "reps": []}
    for r in reps:
        tids = {t[1]: t[0] for t in r["threads"]}
        ev, other = parse_events(r, r["t0"], tids)
        x = {"params": {"scenario": full, "rep": r["rep"], "ncpu": ncpu, "nnode": len(m["nodes"]), "workers": len(r["threads"]), "seed": r["seed"], "events_total": len(ev)},
             "threads": [{"idx": t[0], "tid": t[1], "pid": t[2], "proc": t[3], "nice": nices[t[0] % len(nices)]} for t in r["threads"]],
             "samples": parse_samples(r, len(m["nodes"]), o.get("region") == "priv", touch), "events": ev, "derived": {}}
        begun_at(x)
        if other: json.dump(other, open(base + ".rep%d.other.json" % r["rep"], "w"))
        d["reps"].append(x)
    json.dump(d, open(base + ".json", "w"))
    print("%s: %d reps, %d warnings, %.0f s" % (full, len(reps), len(d["kernel_warnings"]), wall), flush=True)
if __name__ == "__main__": main()
