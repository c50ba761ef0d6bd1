"""guest: our own recordings of Linux 6.12 in QEMU, of the same kind as the oracle's, against the simulator.

Judged as `oracle` and `numa` judge theirs, by the same code: machines, counts and mixes that those do not have.
"""
import os

import reference_numa
import reference_oracle
from reference_table import Table

HERE = os.path.dirname(os.path.abspath(__file__))
TEXT = """
Scenarios of `tests/guest`, which we recorded ourselves as the oracle's were (its README says how): three repetitions (`fork_*`: five)
of Linux 6.12.117 on emulated machines, against nine seeds of the simulator, and fifteen where threads touch memory. Rows and tolerances are those of
[oracle](oracle.md) and [numa](numa.md).
"""
FIRST = ("passes that find only pinned tasks double their domain's interval, as oracle.md says of spread.n2x2: here from t=0, so that the last one before the release "
         "is over after some 180 ms. A trace of spread.n2x2 shows two reasons why the guest is earlier: its threads bunch while they wait, and the doubling begins "
         "60 to 100 ms before t=0; and a CPU that is not the first idle one of its group never looks, keeps its interval of 8 ms, and pulls as soon as the first one is busy "
         "for a moment with work of the kernel")
LUCK = reference_numa.LUCK
SECOND = "the recording ends after 6 s, just before the guest's second pass, which comes 4 to 5 s after the first where eight CPUs take turns; here it comes after 5 s"
NUMA = "one CPU's task is moved to that of another while the sampler runs, and back"
KNOWN = {
    ("pipes_few.n2x2", "t_first_migration_ms"): "the first thread of the guest moves 3 to 5 ms after the release; half of that is the bound: 1.7 ms",
    **{("spread." + machine, "t_first_migration_ms"): FIRST for machine in ("n2x2smt2", "n2x4", "n4x2", "n8x1")},
    ("spread.n2x4", "migrations_cross_node"): "luck of one pass: 8 or 22 here, as the first pull across nodes takes few tasks or half of them; 8 in all three recordings",
    ("priv_free.n4x2", "migrations"): NUMA,
    **{("priv_free.n4x2", q): SECOND for q in ("numa_pte_updates", "numa_hint_faults", "numa_hint_faults_local")},
    ("shared_all.n4x2", "pages of process 0 on node 2"): LUCK,
    ("shared_all.n4x2", "pages of process 0 on node 3"): LUCK,
}


def build(numasim, shared, only=(), **seeds):
    table = Table("guest", "Our own recordings of Linux 6.12 in QEMU against the simulator", TEXT, KNOWN)
    folder = os.environ.get("NUMASIM_GUEST", os.path.join(HERE, "guest", "scenarios"))
    for part in (reference_oracle, reference_numa):
        part.add(table, numasim, folder, only, **seeds)
    return table
