"""Tables of what was expected against what is simulated: one form for all of them.

A row is one quantity of one case: what was expected and by whom, what came out, how far the two may
be apart and why, and the verdict. A row that is known to be outside says why; a test fails if a row
is outside that is not known to be. A row that is within although it is listed as outside is named, so that the list
is put right. Tables are written as Markdown and CSV, without anything
that differs between two equal runs.
"""
import csv
import io
import os
import subprocess
import sys
import tempfile

COLUMNS = ["case", "quantity", "expected", "simulated", "tolerance", "verdict"]


def number(value):
    """A short and stable form: four significant digits, integers whole."""
    if value is None:
        return "never"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    return "%.4g" % value


def span(values):
    """The range of a list, `never` being later than anything."""
    low, high = min(values, key=order), max(values, key=order)
    return number(low) if low == high else "%s to %s" % (number(low), number(high))


def order(value):
    return float("inf") if value is None else value


def median(values):
    return sorted(values, key=order)[(len(values) - 1) // 2]


class Row:
    """`simulated` may be one value, or one a seed: the median is judged, or all of them."""

    def __init__(self, case, quantity, expected, simulated, low, high, tolerance, judge="median"):
        values = simulated if isinstance(simulated, list) else [simulated]
        judged = values if judge == "all" else [median(values)]
        self.case, self.quantity, self.expected, self.tolerance = case, quantity, expected, tolerance
        self.simulated = span(values)
        if len(values) > 1 and judge != "all" and self.simulated != number(judged[0]):
            self.simulated = "%s (%s)" % (number(judged[0]), self.simulated)
        self.within = all(order(low) <= order(v) <= order(high) for v in judged)


class Table:
    def __init__(self, name, title, text, known=None):
        self.name, self.title, self.text = name, title, text
        self.known = known or {}  # (case, quantity): why it is outside
        self.rows, self.after = [], ""

    def add(self, *args, **kwargs):
        self.rows.append(Row(*args, **kwargs))

    def verdict(self, row):
        why = self.known.get((row.case, row.quantity))
        if row.within:
            return "within" if why is None else "within, but listed as outside"
        return "OUTSIDE" if why is None else "outside: " + why

    def surprises(self):
        """Rows that are outside, and nobody said that they would be."""
        return [r for r in self.rows if not r.within and (r.case, r.quantity) not in self.known]

    def cells(self, row):
        return [row.case, row.quantity, row.expected, row.simulated, row.tolerance, self.verdict(row)]

    def summary(self):
        within = sum(r.within for r in self.rows)
        return "%d of %d rows are within their tolerance." % (within, len(self.rows))

    def csv(self):
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(self.cells(r) for r in self.rows)
        return out.getvalue()

    def markdown(self):
        lines = ["# " + self.title, "", self.text.strip(), "", self.summary(), "",
                 "| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
        lines += ["| " + " | ".join(self.cells(r)) + " |" for r in self.rows]
        return "\n".join(lines) + "\n" + ("\n" + self.after.strip() + "\n" if self.after else "")

    def write(self, folder):
        for suffix, text in ((".md", self.markdown()), (".csv", self.csv())):
            with open(os.path.join(folder, self.name + suffix), "w", newline="\n") as f:
                f.write(text)

    def finish(self, folder=None):
        """Prints the verdict, writes the files if a folder is named; the exit code of a test."""
        if folder:
            self.write(folder)
        wrong = self.surprises()
        better = [r for r in self.rows if r.within and (r.case, r.quantity) in self.known]
        for row in wrong + better:
            sys.stderr.write("%s: %s\n" % (self.name, " | ".join(self.cells(row))))
        print("%s: %s Not known to be outside: %d. Within, but listed: %d."
              % (self.name, self.summary(), len(wrong), len(better)))
        return 1 if wrong else 0


class Skip(Exception):
    """What the table compares with is not there."""


def need(path):
    if not os.path.exists(path):
        raise Skip("skipped: %s is not there" % path)
    return path


class Run:
    """One run of the binary in a folder of its own: `folder` has the results, `trace` the schedule."""

    def __init__(self, numasim, topology, workload, seed=1, settings=(), until=None, options=(),
                 trace=False, policy="topology"):
        self.temporary = tempfile.TemporaryDirectory()
        base = self.temporary.name
        self.folder, self.trace = os.path.join(base, "run"), os.path.join(base, "trace.txt")
        command = [numasim, "run", "--no-plot", "-q", "--force", "-o", self.folder, "-p", policy,
                   "--seed=%d" % seed, "-t", file_or_name(base, "machine.yaml", topology),
                   "-w", file_or_name(base, "load.yaml", workload)]
        command += ["--until=" + until] if until else []
        command += ["--trace", self.trace, "--trace-ns"] if trace else []
        for s in settings:
            command += ["--set", s]
        result = subprocess.run(command + list(options), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                text=True)
        if result.returncode != 0:
            raise RuntimeError("%s\n%s" % (" ".join(command), result.stderr))

    def csv(self, name):
        with open(os.path.join(self.folder, name), newline="") as f:
            return list(csv.DictReader(f))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()


def file_or_name(folder, name, text):
    """Text of several lines becomes a file; one line is a name that numasim knows."""
    if "\n" not in text:
        return text
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write(text)
    return path
