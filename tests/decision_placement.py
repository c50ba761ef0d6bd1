"""Where a woken or new task goes, made again from one row: 3.2 to 3.4 of sched-core.md."""
import re

from decision_row import HAS_SPARE, FULLY_BUSY, MISFIT, OVERLOADED, END, Fields, candidates, group_type, adjust_numa_imbalance

# ---- wake: 3.2, 3.3 ----

def wake_wide(f):
    larger, smaller = max(f["waker_flips"], f["wakee_flips"]), min(f["waker_flips"], f["wakee_flips"])
    return smaller >= f["llc_size"] and larger >= smaller * f["llc_size"]


def wake_affine(f):
    this, prev = f["this_cpu"], f["prev_cpu"]
    if f["wa_idle"]:
        if f["idle_this"] and f["share_cache_this_prev"]:
            return prev if f["idle_prev"] else this
        if f["sync"] and f["nr_running_this"] - f["nr_delayed_this"] == 1:
            return this
        if f["idle_prev"]:
            return prev
    if not f["wa_weight"]:
        return prev
    t = f["load_this"]
    if f["sync"]:
        if f["load_current"] > t:
            return this
        t -= f["load_current"]
    t += f["h_load"]
    q = f["load_prev"] - f["h_load"]
    if f["wa_bias"]:
        t *= 100
        q *= 100 + (f["imbalance_pct"] - 100) // 2
    t *= f["capacity_prev"]
    q = q * f["capacity_this"] + (1 if f["sync"] else 0)
    return this if t < q else prev


def idle_core_scan(f, order, state, core):
    first, seen = None, set()
    for cpu in order:
        if core[cpu] in seen:
            continue
        seen.add(core[cpu])
        if state[cpu] & 4:
            return cpu
        mine = [c for c in order if core[c] == core[cpu] and state[c] & 3]
        if first is None and mine:
            first = min(mine)
    return first


def select_idle_cpu(f, target, has_core, state, core):
    limit = f["nr_idle_scan"] + 1 if f["sis_util"] else None
    if limit == 1:
        return None
    order = sorted(c for c in state if c > target) + sorted(c for c in state if c <= target)
    if has_core:
        return idle_core_scan(f, order, state, core)
    for cpu in order:
        if limit is not None:
            limit -= 1
            if limit <= 0:
                return None
        if state[cpu] & 3:
            return cpu
    return None


def select_idle_sibling(f, cands, target):
    prev, recent = f["prev_cpu"], f["recent_used_cpu"]
    state = {n: s for stem, n, s in cands if stem == "cpu"}
    core = {n: f.get("core_of_cpu%d" % n, n) for n in state}
    if f["state_target"]:
        return target
    if prev != target and f["share_cache_prev_target"] and f["state_prev"]:
        return prev
    if recent not in (prev, target) and f["share_cache_recent_target"] and f["state_recent"] and f["allowed_recent"]:
        return recent
    if f["nr_idle_scan"] < 0:
        return target
    has_core = bool(f["smt_active"] and f["has_idle_cores"])
    if f["smt_active"] and not has_core and f["share_cache_prev_target"] and prev in core:
        for cpu in sorted(state):
            if cpu != prev and core[cpu] == core[prev] and state[cpu] & 3:
                return cpu
    found = select_idle_cpu(f, target, has_core, state, core)
    return target if found is None else found


def wake(row):
    f = Fields(row["inputs"])
    if f.get("cluster_active") or f.get("asym") or "this_cpu" not in f:
        return None
    target = f["prev_cpu"]
    if not wake_wide(f) and f["allowed_this"] and f["this_cpu"] != f["prev_cpu"] and f["affine_domain"]:
        target = wake_affine(f)
    chosen = select_idle_sibling(f, candidates(row["candidates"]), target)
    allowed = {n for stem, n, _ in candidates(row["candidates"]) if stem == "cpu"}
    for name, cpu in (("target", target), ("prev", f["prev_cpu"]), ("recent", f["recent_used_cpu"])):
        if f["allowed_" + name]:
            allowed.add(cpu)
    return chosen if chosen in allowed else f["fallback"]


# ---- fork: 3.4 ----

def emptier(a, b):
    """Is group a to be preferred to the best so far?"""
    if a["type"] != b["type"]:
        return a["type"] < b["type"]
    if a["type"] in (OVERLOADED, FULLY_BUSY):
        return a["avg_load"] < b["avg_load"]
    if a["type"] == HAS_SPARE:
        return (a["idle"], -a["util"]) > (b["idle"], -b["util"])
    if a["type"] == MISFIT:
        return a["max_capacity"] > b["max_capacity"]
    return False


def find_dst_group(d, groups):
    local = next((g for g in groups if g["local"]), None)
    idlest = None
    for g in groups:
        g["type"] = group_type(g, d["imbalance_pct"])
        g["avg_load"] = g["load"] * 1024 // g["capacity"] if g["type"] in (FULLY_BUSY, OVERLOADED) else 0
        if not g["local"] and (idlest is None or emptier(g, idlest)):
            idlest = g
    if idlest is None:
        return None
    if local is None:
        return idlest
    if local["type"] != idlest["type"]:
        return None if local["type"] < idlest["type"] else idlest
    if local["type"] in (OVERLOADED, FULLY_BUSY):
        slack = 1024 * (d["imbalance_pct"] - 100) // 100
        if d["numa"] and idlest["avg_load"] + slack >= local["avg_load"]:
            return None
        if idlest["avg_load"] >= local["avg_load"] + slack:
            return None
        return None if 100 * local["avg_load"] <= d["imbalance_pct"] * idlest["avg_load"] else idlest
    if local["type"] == HAS_SPARE:
        if d["numa"]:
            if d["this_node"] == d["preferred_node"]:
                return None
            if idlest["node"] == d["preferred_node"]:
                return idlest
            limit = min(d["imb_numa_nr"], d["allowed_in_local"])
            if adjust_numa_imbalance(abs(local["idle"] - idlest["idle"]), local["nr_running"] + 1, limit) == 0:
                return None
        return None if local["idle"] >= idlest["idle"] else idlest
    if local["type"] == MISFIT:
        return None if local["max_capacity"] >= idlest["max_capacity"] else idlest
    return None


def find_dst_group_cpu(d, group, this_cpu):
    if "sched_idle_cpu" in d:
        return d["sched_idle_cpu"]
    if d["idle_since"]:  # latest to go idle; the rank only where they did so together
        return max(d["idle_since"], key=lambda c: (d["idle_since"][c], d["idle_rank"].get(c, 0), -c))
    if d["load"]:
        return min(d["load"], key=lambda c: (d["load"][c], c))
    return group["first"] if group["weight"] == 1 else this_cpu


DOMAIN = re.compile(r"^([A-Z]+\d+)\.(.*)$")


def domains(row):
    """What the row says of each domain, in the order in which they were looked at."""
    found = {}
    words = [(w, True) for w in row["candidates"].split()] + [(w, False) for w in row["inputs"].split()]
    for word, _ in words:
        name, value = word.rsplit("=", 1)
        m = DOMAIN.match(name)
        if m is None:
            continue
        d = found.setdefault(m[1], {"groups": {}, "idle_since": {}, "idle_rank": {}, "load": {}})
        what, number = END.match(m[2]).groups() if m[2][-1].isdigit() else (m[2], None)
        if what.endswith("_of_group"):
            d["groups"].setdefault(int(number), {})[what[:-9]] = int(value)
        elif what.endswith("_of_cpu"):
            d[what[:-7]][int(number)] = int(value)
        else:
            d[m[2]] = int(value)
    return found


def fork(row):
    f = Fields(row["inputs"])
    if "this_cpu" not in f:
        return None
    cpu = new = f["this_cpu"]
    steps = domains(row)
    if not steps:
        return None
    for d in steps.values():
        if not d["groups"]:
            return None
        group = find_dst_group(d, [d["groups"][i] for i in sorted(d["groups"])])
        if group is None:
            continue
        found = find_dst_group_cpu(d, group, cpu)
        if found != cpu:
            cpu = new = found
    return new
