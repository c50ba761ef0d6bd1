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
KNOWN = {
}


def build(numasim, shared, only=(), **seeds):
    table = Table("guest", "Our own recordings of Linux 6.12 in QEMU against the simulator", TEXT, KNOWN)
    folder = os.environ.get("NUMASIM_GUEST", os.path.join(HERE, "guest"))
    for part in (reference_oracle, reference_numa):
        part.add(table, numasim, folder, only, **seeds)
    return table
