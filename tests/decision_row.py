"""One row of decisions.csv: its fields and candidates, and what fork and balance both say about groups of CPUs."""
import re

HAS_SPARE, FULLY_BUSY, MISFIT, SMT_BALANCE, ASYM_PACKING, IMBALANCED, OVERLOADED = range(7)
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


# ---- groups: 3.4, 4.3 ----

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
