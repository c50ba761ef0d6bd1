"""published: published results of NUMA scheduling against what is simulated.

Rows, and which runs they compare, stand in results/experiments/published/rows.csv; machines and workloads
that only they need in the folders beside it.
"""
import concurrent.futures
import csv
import io
import os

from reference_table import Run, Table, median, number

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "..", "results", "experiments", "published")
WITHIN = 0.15
COLUMNS = ["source", "row", "published", "simulated", "ratio", "verdict", "machine", "workload", "policy", "against"]
TEXT = """
Each row is a published figure, what the simulator makes of it, and simulated over published. Absolute times of other machines mean little, so
nearly every figure is a ratio of two runs: the one that `workload` and `policy` name over the one under `against` (where that is empty, the figure is
absolute). [README](README.md) says where machines and workloads come from, and `rows.csv` has the runs with all their parameters.

A row is *within* if it is less than 15 %% from what was published. A row from which a number of the machine or workload was taken is a
*calibration*, says which, and does not count. Rows of one group that were published more than 5 %% apart are counted as pairs, and those that come out in the other order are named; the test does not judge them.
Simulated figures are medians over seeds 1 to %d.
"""


class Point:
    """One run, as rows.csv writes it: machine; workload; policy; until=, warmup=, key=value..."""

    def __init__(self, text):
        parts = [p.strip() for p in text.split(";")]
        self.text, (self.machine, self.workload, self.policy) = text, parts[:3]
        settings = parts[3].split() if len(parts) > 3 else []
        self.until = next((s[6:] for s in settings if s.startswith("until=")), None)
        self.warmup = next((s[7:] for s in settings if s.startswith("warmup=")), None)
        self.settings = [s for s in settings if not s.startswith(("until=", "warmup="))]

    @staticmethod
    def file_or_name(name):
        return os.path.join(FOLDER, name) if name.endswith(".yaml") else name

    def run(self, numasim, seed):
        with Run(numasim, self.file_or_name(self.machine), self.file_or_name(self.workload), seed=seed,
                 settings=self.settings, until=self.until, policy=self.policy,
                 options=["--warmup=" + self.warmup] if self.warmup else []) as run:
            return {**run.csv("summary.csv")[0], **counted(run)}

    def label(self):
        text = "%s, %s" % (short(self.workload), self.policy)
        return text + "".join(", " + s for s in self.settings)


def short(name):
    return os.path.basename(name).replace(".yaml", "")


def counted(run):
    """What summary.csv does not have: lines that tasks fetched from memory."""
    tasks = run.csv("tasks.csv")
    lines = sum(int(t["accesses_local"]) + int(t["accesses_remote"]) for t in tasks)
    return {"bytes": 64 * lines}


def metric_of(result, metric):
    elapsed = int(result["elapsed_ns"])
    if metric == "elapsed":
        return elapsed
    if metric == "rate":
        return float(result["work_done"]) / elapsed
    if metric == "bandwidth":  # GB/s
        return result["bytes"] / elapsed
    if metric == "moved":  # GB/s of one GiB a unit of work
        return float(result["work_done"]) * (1 << 30) / elapsed
    if metric == "per_unit":
        return elapsed / float(result["work_done"])
    if metric.startswith("1/"):
        return 1 / float(result[metric[2:]])
    return float(result[metric])


class Row:
    def __init__(self, fields):
        self.source, self.name, self.group = fields["source"], fields["row"], fields["group"]
        self.published = fields["published"]
        self.why, self.metric, self.calibrates = fields["why"], fields["metric"], fields["calibrates"]
        self.point = Point(fields["point"]) if fields["point"] else None
        self.against = Point(fields["against"]) if fields["against"] else None
        self.simulated = None

    @property
    def mapped(self):
        return self.point is not None

    @property
    def ratio(self):
        return self.simulated / float(self.published)

    @property
    def within(self):
        return abs(self.ratio - 1) <= WITHIN

    def judge(self, results, seeds):
        values = []
        for seed in range(1, seeds + 1):
            value = metric_of(results[self.point.text, seed], self.metric)
            if self.against is not None:
                value /= metric_of(results[self.against.text, seed], self.metric)
            values.append(value)
        self.simulated = median(values)

    def cells(self):
        if not self.mapped:
            return [self.source, self.name, self.published, "", "", "not comparable: " + self.why, "", "", "", ""]
        verdict = "within" if self.within else "outside" + (": " + self.why if self.why else "")
        if self.calibrates:
            verdict = "calibration: %s (%s)" % (self.calibrates, verdict)
        return [self.source, self.name, self.published, number(self.simulated), "%.2f" % self.ratio, verdict,
                short(self.point.machine), short(self.point.workload), self.point.policy + extras(self.point),
                against_text(self.point, self.against)]


def extras(point):
    return "".join(" `%s`" % s for s in point.settings)


def against_text(point, against):
    if against is None:
        return ""
    parts = []
    if against.machine != point.machine:
        parts.append(short(against.machine))
    if against.workload != point.workload:
        parts.append(short(against.workload))
    if against.policy != point.policy or (not parts and against.settings == point.settings):
        parts.append(against.policy)
    return ", ".join(parts) + extras(against)


class Published(Table):
    def read(self, only):
        with open(os.path.join(FOLDER, "rows.csv"), newline="") as f:
            self.rows = [Row(r) for r in csv.DictReader(f)]
        if only:
            self.rows = [r for r in self.rows if any(r.source.startswith(o) for o in only)]

    def simulate(self, numasim, seeds):
        points = {p.text: p for r in self.rows for p in (r.point, r.against) if p is not None}
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            runs = {(text, seed): pool.submit(p.run, numasim, seed)
                    for text, p in points.items() for seed in range(1, seeds + 1)}
            results = {key: future.result() for key, future in runs.items()}
        for row in self.rows:
            if row.mapped:
                row.judge(results, seeds)

    def mapped(self):
        return [r for r in self.rows if r.mapped]

    def counted(self):
        """What the simulator foretells: mapped, and no number of the run was taken from it."""
        return [r for r in self.mapped() if not r.calibrates]

    def pairs(self):
        """Rows of one group that were published clearly apart, and whether they come out in that order."""
        mapped = self.mapped()
        for i, a in enumerate(mapped):
            for b in mapped[i + 1:]:
                low, high = sorted((a, b), key=lambda r: float(r.published))
                if a.group and a.group == b.group and float(high.published) > 1.05 * float(low.published):
                    yield low, high, low.simulated <= 1.01 * high.simulated

    def summary(self):
        mapped, counted, pairs = self.mapped(), self.counted(), list(self.pairs())
        within = sum(r.within for r in counted)
        text = ("%d rows, %d of them mapped. %d calibrate, %d of these are within 15 %%; of the %d others %d (%.0f %%). "
                "%d of %d pairs are in the published order.") % (
            len(self.rows), len(mapped), len(mapped) - len(counted), sum(r.within for r in mapped) - within, len(counted),
            within, 100 * within / max(len(counted), 1), sum(ok for _, _, ok in pairs), len(pairs))
        wrong = ["%s: %s below %s" % (high.source, high.name, low.name) for low, high, ok in pairs if not ok]
        return text + (" The others: " + "; ".join(wrong) + "." if wrong else "")

    def csv(self):
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(r.cells() for r in self.rows)
        return out.getvalue()

    def markdown(self):
        lines = ["# " + self.title, "", self.text.strip(), "", self.summary(), "",
                 "| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
        lines += ["| " + " | ".join(r.cells()) + " |" for r in self.rows]
        return "\n".join(lines) + "\n"

    def finish(self, folder=None):
        if folder:
            self.write(FOLDER if folder.endswith(os.path.join("results", "reference")) else folder)
        mapped, counted = self.mapped(), self.counted()
        print("published: " + self.summary())
        for r in mapped:
            if not r.within and not r.why:
                print("published: outside, and nobody says why: " + " | ".join(r.cells()))
        unexplained = [r for r in mapped if not r.within and not r.why]
        good = 3 * sum(r.within for r in counted) >= 2 * len(counted)
        return 0 if good and not unexplained else 1


def build(numasim, shared, only=(), seeds=3):
    table = Published("published", "Published results against simulated ones", TEXT % seeds)
    table.read(only)
    table.simulate(numasim, seeds)
    return table
