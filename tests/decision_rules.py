"""The kernel's choices made again from one row of decisions.csv, and nothing else.

Written from sched-core.md, not from the simulator: 2.3 to 2.7 (pick, preempt), 3.2 to 3.4 (wake,
fork), 4.3 to 4.5 (balance). `remake` returns what should have been chosen, or None where the row
belongs to a rule that is not remade here (a forced decision, a historic variant).
"""
import re

SD_SHARE_CPUCAPACITY, SD_SHARE_LLC, SD_PREFER_SIBLING, SD_NUMA = 1 << 7, 1 << 9, 1 << 12, 1 << 14
HAS_SPARE, FULLY_BUSY, MISFIT, SMT_BALANCE, ASYM_PACKING, IMBALANCED, OVERLOADED = range(7)
LOAD, UTIL, TASK, MISFIT_TASK = range(4)
BUSY, IDLE, NEWLY_IDLE = range(3)
END = re.compile(r"^(.*?)(-?\d+)$")


class Fields(dict):
    """`inputs`: name=value ...; the name may end in the id of what it speaks of."""

    def __init__(self, text):
        super().__init__()
        for word in text.split():
            name, value = word.rsplit("=", 1)
            self[name] = int(value)

    def of(self, name, ident):
        return self["%s%d" % (name, ident)]


def candidates(text):
    """[(name without its number, number, score)] in the order of the row."""
    found = []
    for word in text.split():
        name, score = word.rsplit("=", 1)
        stem, number = END.match(name).groups()
        found.append((stem, int(number), int(score)))
    return found


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

def group_type(g, pct):
    """4.3; the types that only balancing knows are left out."""
    nr, capacity = g["nr_running"], g["capacity"]
    if nr > g["weight"] and (capacity * 100 < g["util"] * pct or capacity * pct < g["runnable"] * 100):
        return OVERLOADED
    if g["imbalance"]:
        return IMBALANCED
    if g.get("asym"):
        return ASYM_PACKING
    if g.get("smt"):
        return SMT_BALANCE
    if g["misfit"]:
        return MISFIT
    if nr < g["weight"]:
        return HAS_SPARE
    if capacity * pct < g["runnable"] * 100 or not capacity * 100 > g["util"] * pct:
        return FULLY_BUSY
    return HAS_SPARE


def adjust_numa_imbalance(imbalance, running, allowed):
    return 0 if running <= allowed and imbalance <= 2 else imbalance


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


# ---- balance: 4.3 to 4.5 ----

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


# ---- pick, preempt: 2.4, 2.7 ----

ENTITY = re.compile(r"^L(\d+)\.(?:(\w+)_of_)?((?:task|group)\d+)$")


def levels(row):
    """[{entity: its values}] from the root down; an entity is task7 or group3."""
    found = {}
    for word in row["candidates"].split() + row["inputs"].split():
        name, value = word.rsplit("=", 1)
        m = ENTITY.match(name)
        if m:
            found.setdefault(int(m[1]), {}).setdefault(m[3], {})[m[2] or "deadline"] = int(value)
    return [found[i] for i in sorted(found)]


def eligible(queue, e):
    key = sum((q["vruntime"] - e["vruntime"]) * q["weight"] for q in queue.values())
    return key >= 0


def pick_eevdf(queue, parity, protected=None):
    """The name of the entity that runs next; `protected`: is the running one's slice, if not as the row says."""
    curr = next((name for name, e in queue.items() if e.get("curr")), None)
    if len(queue) == 1:
        return next(iter(queue))
    waiting = [name for name in queue if name != curr and eligible(queue, queue[name])]
    best = min(waiting, key=lambda n: (queue[n]["deadline"], queue[n]["order"]), default=None)
    if curr is not None and not eligible(queue, queue[curr]):
        curr = None
    if curr is not None:
        safe = queue[curr]["protected"] if protected is None else protected
        if parity and safe:
            return curr
        if best is None or queue[curr]["deadline"] < queue[best]["deadline"]:
            return curr
    return best


def behind(queue, curr, name):
    """Classic CFS: how far is `name` behind `curr`: -1 not, 0 within its wake-up granularity, 1 beyond it."""
    diff = queue[curr]["deadline"] - queue[name]["deadline"]  # of these rows the vruntimes
    return -1 if diff <= 0 else int(diff > queue[name]["granularity"])


def pick_cfs(queue):
    curr = next((n for n, e in queue.items() if e.get("curr")), None)
    named = {w: n for n, e in queue.items() for w in ("next", "last", "skip") if e.get(w)}

    def leftmost(but=None):
        best = min((n for n in queue if n not in (curr, but)), key=lambda n: (queue[n]["deadline"], queue[n]["order"]), default=None)
        if curr in (None, but):
            return best
        return curr if best is None or queue[curr]["deadline"] < queue[best]["deadline"] else best

    left = chosen = leftmost()
    if named.get("skip") == left:
        second = leftmost(left)
        if second and behind(queue, second, left) < 1:
            chosen = second
    for buddy in ("next", "last"):
        if buddy in named and behind(queue, named[buddy], left) < 1:
            return named[buddy]
    return chosen


def preempt_cfs(row, f):
    if f["curr_task_idle"] and not f["woken_task_idle"]:
        return 1
    if not f["woken_normal"] or not f["wakeup_preemption"]:
        return 0
    if f["curr_idle"] != f["woken_idle"]:
        return f["curr_idle"]
    queue = levels(row)[-1]
    curr = next(n for n, e in queue.items() if e.get("curr"))
    woken = next(n for n, e in queue.items() if e.get("woken"))
    return int(behind(queue, curr, woken) == 1)


def pick(row):
    f, chosen = Fields(row["inputs"]), None
    if f.get("cfs"):
        for queue in levels(row):
            chosen = pick_cfs(queue)
        return int(chosen[4:])
    if "run_to_parity" not in f:
        return None
    for queue in levels(row):
        buddy = next((n for n, e in queue.items() if e.get("buddy")), None)
        if f["pick_buddy"] and buddy and eligible(queue, queue[buddy]):
            chosen = buddy
        else:
            chosen = pick_eevdf(queue, f["run_to_parity"])
    return int(chosen[4:]) if chosen and chosen.startswith("task") else -2


def preempt(row):
    f = Fields(row["inputs"])
    if f.get("cfs"):
        return preempt_cfs(row, f)
    if "curr_idle" not in f:
        return None
    if f["curr_idle"] != f["woken_idle"]:
        return int(f["curr_idle"])
    if not f["woken_normal"]:
        return 0
    queue = levels(row)[-1]
    curr = next(n for n, e in queue.items() if e.get("curr"))
    woken = next(n for n, e in queue.items() if e.get("woken"))
    c, w = queue[curr], queue[woken]
    short = f["preempt_short"] and w["slice"] < c["slice"] and eligible(queue, w) and (
        w["deadline"] < c["deadline"] or not eligible(queue, c))
    return int(pick_eevdf(queue, f["run_to_parity"], False if short else None) == woken)


RULES = {"pick": pick, "preempt": preempt, "wake": wake, "fork": fork, "balance_group": balance_group, "balance_queue": balance_queue,
         "balance_task": balance_task}


def remake(row):
    if row["rule"] == "only_allowed_cpu" or row["kind"] not in RULES:
        return None
    return RULES[row["kind"]](row)
