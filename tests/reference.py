#!/usr/bin/env python3
"""Makes one of the tables of results/reference/, and fails if a row is not where it should be.

    usage: reference.py TABLE NUMASIM SHARED [--write[=FOLDER]] [--only=PREFIX,...] [--seeds=N]

TABLE is one of those below; SHARED the folder with oracle/ and corpus/, which some need. --write makes
FOLDER/TABLE.md and .csv (results/reference by default). Exit codes: 0, 1 (a row is outside that is
not known to be), 77 (what the table compares with is not there).
"""
import argparse
import importlib
import os
import sys

from reference_table import Skip

TABLES = ["oracle", "numa", "theory", "replay", "decisions", "levels", "convergence", "published", "mlc", "stream", "servers",
          "policies", "ext", "guest"]
HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("numasim")
    parser.add_argument("shared")
    parser.add_argument("--write", nargs="?", const=os.path.join(HERE, "..", "results", "reference"))
    parser.add_argument("--only", default="")
    parser.add_argument("--seeds", type=int)
    args = parser.parse_args()
    options = {"only": [o for o in args.only.split(",") if o]}
    if args.seeds:
        options["seeds"] = args.seeds
    try:
        table = importlib.import_module("reference_" + args.table).build(args.numasim, args.shared, **options)
    except Skip as why:
        print(why)
        return 77
    return table.finish(args.write)


sys.exit(main())
