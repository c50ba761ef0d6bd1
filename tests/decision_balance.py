"""What is balanced, from where and how much, made again from one row: 4.3 to 4.5 of sched-core.md."""
from decision_row import (HAS_SPARE, FULLY_BUSY, MISFIT, SMT_BALANCE, ASYM_PACKING, IMBALANCED, OVERLOADED, Fields, candidates, group_type,
                          adjust_numa_imbalance)

SD_SHARE_CPUCAPACITY, SD_SHARE_LLC, SD_PREFER_SIBLING, SD_NUMA = 1 << 7, 1 << 9, 1 << 12, 1 << 14
LOAD, UTIL, TASK, MISFIT_TASK = range(4)
BUSY, IDLE, NEWLY_IDLE = range(3)

GROUP = {"nr_running": "nr_running", "h_nr": "h_nr_queued", "idle": "idle_cpus", "weight": "weight", "cores": "cores",
         "flags": "flags", "capacity": "capacity", "load": "load", "util": "util", "runnable": "runnable",
         "misfit": "misfit_load", "imbalance": "imbalance"}


def groups_of(row, f):
    found = []
    for stem, number, kind in candidates(row["candidates"]):
        if stem.endswith("group_of_cpu"):
            g = {ours: f.of(theirs + "_of_cpu", number) for ours, theirs in GROUP.items()}
            g.update(first=number, local=stem.startswith("local"), said=kind)
            found.append(g)
    return found


def classify(g, f):
    dst_idle = f["idle"] != BUSY
    g["smt"] = not g["local"] and dst_idle and g["flags"] & SD_SHARE_CPUCAPACITY and g["h_nr"] > 1
    g["type"] = group_type(g, f["imbalance_pct"])
    g["avg_load"] = g["load"] * 1024 // g["capacity"] if g["type"] == OVERLOADED else 0


def busier(g, best):
    """update_sd_pick_busiest."""
    if g["type"] != best["type"]:
        return g["type"] > best["type"]
    smt, best_smt = bool(g["flags"] & SD_SHARE_CPUCAPACITY), bool(best["flags"] & SD_SHARE_CPUCAPACITY)
    spare = (-g["idle"], g["nr_running"]) > (-best["idle"], best["nr_running"])
    if g["type"] == OVERLOADED:
        return g["avg_load"] > best["avg_load"]
    if g["type"] == MISFIT:
        return g["misfit"] > best["misfit"]
    if g["type"] == SMT_BALANCE and (g["idle"] or best["idle"]):
        return spare
    if g["type"] in (SMT_BALANCE, FULLY_BUSY):
        return not best_smt
    if g["type"] == HAS_SPARE:
        if smt != best_smt:
            return not (smt and g["h_nr"] <= 1)
        return spare
    return False


def sibling_imbalance(f, b, l):
    if f["idle"] == BUSY or b["nr_running"] == 0:
        return 0
    if b["cores"] == l["cores"]:
        return max(0, b["nr_running"] - l["nr_running"])
    i = max(0, l["cores"] * b["nr_running"] - b["cores"] * l["nr_running"])
    i = (2 * i + l["cores"] + b["cores"]) // (l["cores"] + b["cores"])
    return 2 if i <= 1 and l["nr_running"] == 0 and b["nr_running"] > 1 else i


def wants(f, b, l, average):
    if b["type"] in (MISFIT, ASYM_PACKING, IMBALANCED):
        return True
    if l["type"] > b["type"]:
        return False
    if l["type"] == OVERLOADED:
        if l["avg_load"] >= b["avg_load"] or l["avg_load"] >= average:
            return False
        if 100 * b["avg_load"] <= f["imbalance_pct"] * l["avg_load"]:
            return False
    if f["sibling"] and l["type"] == HAS_SPARE and sibling_imbalance(f, b, l) > 1:
        return True
    if b["type"] != OVERLOADED:
        if f["idle"] == BUSY:
            return False
        if b["type"] == SMT_BALANCE and (b["flags"] ^ l["flags"]) & SD_SHARE_CPUCAPACITY:
            return True
        if b["weight"] > 1 and l["idle"] <= b["idle"] + 1:
            return False
        if b["h_nr"] == 1:
            return False
    return True


def imbalance(f, b, l, average):
    """(migration type, imbalance): calculate_imbalance."""
    if b["type"] == MISFIT:
        return LOAD, b["misfit"]
    if b["type"] == ASYM_PACKING:
        return TASK, b["h_nr"]
    if b["type"] in (SMT_BALANCE, IMBALANCED):
        return TASK, 1
    if l["type"] == HAS_SPARE:
        if b["type"] > FULLY_BUSY and not f["sd_flags"] & SD_SHARE_LLC:
            room = max(l["capacity"], l["util"]) - l["util"]
            return (TASK, 1) if room == 0 and f["idle"] != BUSY else (UTIL, room)
        if b["weight"] == 1 or f["sibling"]:
            n = sibling_imbalance(f, b, l)
        else:
            n = max(0, l["idle"] - b["idle"])
        if f["sd_flags"] & SD_NUMA:
            n = adjust_numa_imbalance(n, l["nr_running"] + 1, f["imb_numa_nr"])
        return TASK, n >> 1
    mine = l["avg_load"]
    if l["type"] < OVERLOADED:
        mine = l["load"] * 1024 // l["capacity"]
        if mine >= b["avg_load"] or mine >= average:
            return LOAD, 0
    give = ((b["avg_load"] - average) * b["capacity"]) % (1 << 64)
    take = ((average - mine) * l["capacity"]) % (1 << 64)
    return LOAD, min(give, take) // 1024


def balance_group(row):
    f = Fields(row["inputs"])
    if "sd_flags" not in f:
        return None
    groups = groups_of(row, f)
    best = local = None
    for g in groups:
        classify(g, f)
        if g["local"]:
            local = g
        elif g["h_nr"] and (best is None or busier(g, best)):
            best = g
    if best is None:
        return -1
    f["sibling"] = bool(best["flags"] & SD_PREFER_SIBLING)
    average = sum(g["load"] for g in groups) * 1024 // sum(g["capacity"] for g in groups)
    if not wants(f, best, local, average):
        return -1
    kind, amount = imbalance(f, best, local, average)
    if amount != f["imbalance"] or (amount and kind != f["migration_type"]):
        return "imbalance %d of type %d, the row says %d of %d" % (amount, kind, f["imbalance"], f["migration_type"])
    return best["first"] if amount else -1


def balance_queue(row):
    f = Fields(row["inputs"])
    if "migration_type" not in f:
        return None
    best, kind = None, f["migration_type"]
    for _, cpu, nr in candidates(row["candidates"]):
        load, capacity = f.of("load_of_cpu", cpu), f.of("capacity_of_cpu", cpu)
        reduced = capacity * f["imbalance_pct"] < 1024 * 100
        if kind == LOAD:
            if nr == 1 and load > f["imbalance"] and not reduced:
                continue
            better = best is None and load > 0 or best is not None and load * best[2] > best[1] * capacity
            now = (cpu, load, capacity)
        else:
            if kind == UTIL and nr <= 1:
                continue
            value = {UTIL: f.of("util_of_cpu", cpu), TASK: nr, MISFIT_TASK: f.of("misfit_load_of_cpu", cpu)}[kind]
            better, now = value > (best[1] if best else 0), (cpu, value, 0)
        if better:
            best = now
    return best[0] if best else -1


def degrades_locality(f):
    """1, 0 or -1; None where the row does not say enough (fault statistics decide)."""
    if not f["sd_flags"] & SD_NUMA or f["src_node"] == f["dst_node"] or f["preferred_node"] < 0:
        return -1
    return None


def balance_task(row):
    f = Fields(row["inputs"])
    if "sd_flags" not in f:
        return None
    if not f["allowed_on_dst"] or f["running"]:
        return 0
    if f["active"]:
        return 1
    hot = degrades_locality(f)
    if hot is None:
        return None
    if hot == -1:
        cost = f["migration_cost"]
        hot = not f["sd_flags"] & SD_SHARE_CPUCAPACITY and cost and f["clock_task"] - f["exec_start"] < cost
    if hot and f["nr_balance_failed"] <= f["cache_nice_tries"]:
        return 0
    if f["migration_type"] == TASK:
        return 1
    size = max(1, f["size_load"]) if f["migration_type"] == LOAD else f["size_util"]
    return int(size >> min(63, f["nr_balance_failed"]) <= f["imbalance"])
