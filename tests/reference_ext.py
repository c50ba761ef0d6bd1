"""ext: the calls that a real kernel made to a BPF scheduler, and who got how much under those of the kernel.

The table's second argument is the tool that runs a scenario (tool_ext), not numasim.
"""
import json
import os

from ext_times import Times, latencies, shares
from oracle_ext import KNOWN, compare_all
from ext_scenario import scheduler
from reference_table import Table, need

TEXT = """
The ext class against recordings of Linux 6.12.117 in an emulator (`../shared/oracle/ext`); `tests/reference.py ext
build/release/tests/tool_ext ../shared --write` makes this table, `ctest -R ext_golden` compares the same and fails if anything is not as it was.

**operations**: how many of the kernel's, by task and by CPU, have the same place in the simulated order, with flags, weights, masks, chosen CPUs,
exit kind, code and message; with a scheduler of the kernel seen from outside, which task runs after which. Exact. **times and slices**: on one CPU,
how far the worst one is off, as a part of its tolerance (10 %, or one tick of 4 ms). **shares** of CPU time in thousandths: 10 % on one CPU, 20 % on
several, or a tick; over several CPUs tasks that do the same with the same weight are taken together, and who sleeps is left out. **latencies** on one CPU: 20 %
or a tick. What of a recording is input is in [models/sched](../../models/sched/README.md).
"""


def known_rows():
    """Where a scenario differs, in the words of this table."""
    out = {}
    for name, k in KNOWN.items():
        for where in k["where"]:
            quantity = "operations"
            if where.startswith("share of"):
                quantity = where.partition(" in thousandths")[0] + ", thousandths"
            elif where.startswith(("slice", "used", "time")):
                quantity = "times and slices"
            out[(name, quantity)] = k["why"]
    return out


def add_shares(table, name, d, run):
    t = Times()
    shares(t, d, run)
    latencies(t, d, run)
    for what, ours, theirs, room in t.values:
        quantity = what.replace(" in thousandths", ", thousandths").replace(" in us", ", us")
        table.add(name, quantity, "%.4g" % theirs, float("%.4g" % ours), theirs - room, theirs + room, "+-%.3g" % room)


def build(tool, shared, only=()):
    table = Table("ext", "The ext class against a real kernel", TEXT, known_rows())
    folder = os.path.join(shared, "oracle", "ext")
    need(folder)
    for entry in json.load(open(os.path.join(folder, "index.json")))["files"]:
        name = entry["name"]
        if only and not name.startswith(tuple(only)):
            continue
        d = json.load(open(os.path.join(folder, name + ".json")))
        if scheduler(d) is None:
            continue
        run, order, times = compare_all(d, tool)
        if order.nr > 0:
            table.add(name, "operations", "%d in this order" % order.nr, order.same, order.nr, order.nr, "exact")
        if times.nr_events > 0:
            table.add(name, "times and slices", "%d of them" % times.nr_events, times.worst_event, 0, 1, "worst part of 10 % or a tick")
        add_shares(table, name, d, run)
    return table
