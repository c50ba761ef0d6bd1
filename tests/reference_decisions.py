"""decisions: the kernel's choices made again from single rows of decisions.csv.

Every row of a run is remade; ten of them, of all kinds, are shown.
"""
import os
import sys

from decision_rules import RULES, remake
from reference_table import Run, Table

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
MACHINE = "hwloc:pack:2 [numa] l3:1 core:4 pu:2"
TEXT = """
A row of `decisions.csv` suffices to make its choice again. One run (two nodes, four cores each, two threads a core; servers,
hogs with nice levels, a pool that is forked again and again), all its decisions recorded; `tests/decision_rules.py`, written from the
rules and not from the simulator, makes the choice from the row alone. Rows that say that there was no choice
(`only_allowed_cpu`) are not counted.
"""
KNOWN = {}
WORKLOAD = """version: 1
name: decisions
doc: something of everything that makes the scheduler decide
distributions: {service: {lognormal: {mean: 400us, cv: 1.5}}, think: {exponential: 3ms}}
processes:
  - name: shop
    sync: {orders: {kind: queue, arrivals: {poisson: {rate: 9000/s, start: 20ms}}}, cache: lock}
    threads:
      - name: worker
        count: 12
        program:
          - loop:
              count: forever
              do:
                - request: {begin: orders}
                - lock: cache
                - compute: 5us
                - unlock: cache
                - compute: service
                - request: end
  - name: batch
    threads:
      - name: hog
        count: 7
        nice: [0, 5, -5]
        program: [{compute: 100s}]
      - name: duty
        count: 9
        program:
          - loop: {count: forever, do: [{compute: think}, {sleep: think}]}
      - name: pool
        count: 6
        start: fork
        program: [{compute: 4ms}]
      - name: master
        program:
          - loop: {count: forever, do: [{fork: pool}, {join: pool}, {sleep: 5ms}]}
"""


def show(row):
    f = "%s of %s at %s ns on CPU %s" % (row["rule"], row["task"] or "-", row["time_ns"], row["cpu"])
    return "row %s: %s" % (row["seq"], f)


def chosen_rows(rows, n):
    """Some of the rows, spread over the run; those with the rarer rules first."""
    by_rule = {}
    for row in rows:
        by_rule.setdefault(row["rule"], []).append(row)
    picked = [by_rule[rule][len(by_rule[rule]) // 2] for rule in sorted(by_rule, key=lambda r: (len(by_rule[r]), r))]
    return picked[:n]


def build(numasim, shared, only=(), until="400ms"):
    del shared
    table = Table("decisions", "Decisions made again", TEXT, KNOWN)
    with Run(numasim, MACHINE, WORKLOAD, until=until, options=["--decisions"]) as run:
        rows = run.csv("decisions.csv")
    for kind in RULES:
        if only and kind not in only:
            continue
        remade = [(row, remake(row)) for row in rows if row["kind"] == kind]
        remade = [(row, choice) for row, choice in remade if choice is not None]
        wrong = [(row, choice) for row, choice in remade if str(choice) != row["chosen"]]
        table.add("every row", kind, "%d rows" % len(remade), len(remade) - len(wrong), max(1, len(remade)), len(remade), "all of them")
        if os.environ.get("SHOW_WRONG"):
            for row, choice in wrong[:int(os.environ["SHOW_WRONG"])]:
                sys.stderr.write("%s\n    ours %s\n" % (row, choice))
        for row, choice in [(r, remake(r)) for r in chosen_rows([r for r, _ in remade], 2)]:
            table.add(show(row), kind, str(choice), int(row["chosen"]), choice, choice, "the same")
    return table
