"""Times and shares of a recording of oracle/ext against those of a simulation, with the tolerances of
its README: on one CPU 10 to 20 %, or one tick; over several CPUs shares only, since there the
emulator lets a CPU stand still."""
from ext_scenario import one_cpu, samples

TICK_US = 4000
TIMES, SHARES, SHARES_SEVERAL, LATENCIES = 0.10, 0.10, 0.20, 0.20
BY_VALUE = {"stopping": ["slice", "used"], "enqueue": ["slice"], "running": ["slice"]}


class Times:
    def __init__(self):
        self.nr, self.bad, self.worst, self.values = 0, [], 0.0, []
        self.nr_events, self.worst_event = 0, 0.0  # of what happened when

    def near(self, what, ours, theirs, relative, absolute):
        """Within the larger of both; worst: the largest part of its tolerance that one took."""
        room = max(relative * abs(theirs), absolute)
        part = abs(ours - theirs) / room
        self.nr += 1
        self.worst = max(self.worst, part)
        self.values.append((what, ours, theirs, room))
        if part > 1:
            self.bad.append(f"{what}: {ours:.0f}, the kernel: {theirs:.0f} (within {room:.0f})")


def event_times(t, pairs):
    """When something happened, and what was left of slices."""
    for ours, theirs in pairs:
        name = f"time of {theirs.task or 'CPU'} {theirs.key} in us"
        t.near(name, ours.t, theirs.t, TIMES, TICK_US)
        for arg in BY_VALUE.get(theirs.op, []):
            want = theirs.args.get(arg)
            if want is not None and arg in ours.args and int(want) < 1 << 62:
                t.near(f"{arg} at {theirs.t:.0f} of {theirs.task} {theirs.op}", int(ours.args[arg]) / 1000,
                       int(want) / 1000, TIMES, TICK_US)


def alike(d, task):
    """Tasks that do the same with the same weight: over several CPUs they are taken together."""
    return task["task"] if one_cpu(d) else (task["nice"], task["script"], task["mask"])


def shares(t, d, run):
    golden = samples(d)
    if not golden:
        return
    if not run.samples:
        t.bad.append("no CPU times")
        return
    groups = {}
    for task in d["tasks"]:
        alone = one_cpu(d) and task["task"] in golden[-1]["run_ms"]
        if alone or task["script"] == "h":  # how often who sleeps is served is a latency
            groups.setdefault(alike(d, task), []).append(task["task"])
    want, got = golden[-1]["run_ms"], run.samples[-1]
    all_want, all_got = (sum(of[n] for names in groups.values() for n in names) for of in (want, got))
    if all_want == 0 or all_got == 0:
        return
    tick = 1000.0 * TICK_US / 1000 / golden[-1]["t_ms"]  # in parts of a thousand
    for names in groups.values():
        a, b = (1000.0 * sum(of[n] for n in names) / total for of, total in ((got, all_got), (want, all_want)))
        t.near(f"share of {' '.join(names)} in thousandths", a, b, SHARES if one_cpu(d) else SHARES_SEVERAL, tick)


def latencies(t, d, run):
    """Of each sleep, from when it was over until the task ran: on one CPU, and their number."""
    if not one_cpu(d):
        return
    for task, want in (d.get("oversleep_us") or {}).items():
        got = run.overslept[task]
        if not want or not got:
            t.bad.append(f"sleeps of {task}: {len(got)}, the kernel: {len(want)}")
            continue
        t.near(f"number of sleeps of {task}", len(got), len(want), TIMES, 1)
        t.near(f"mean latency of {task} in us", sum(got) / len(got), sum(want) / len(want), LATENCIES, TICK_US)


def compare_times(d, run, pairs):
    t = Times()
    if one_cpu(d) and not d["options"].get("load"):  # whose turn of the fair class it is at load is not known
        event_times(t, pairs)
    t.nr_events, t.worst_event = t.nr, t.worst
    shares(t, d, run)
    latencies(t, d, run)
    return t
