"""The kernel's choices made again from one row of decisions.csv, and nothing else.

Written from sched-core.md, not from the simulator: 2.3 to 2.7 (pick, preempt), 3.2 to 3.4 (wake,
fork), 4.3 to 4.5 (balance). `remake` returns what should have been chosen, or None where the row
belongs to a rule that is not remade here (a forced decision, a historic variant).
"""
import re

from decision_balance import balance_group, balance_queue, balance_task
from decision_placement import fork, wake
from decision_row import Fields

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
