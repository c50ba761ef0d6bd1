#!/bin/sh
# autonumabench, the way its tables are read (workloads.md 2, check): in elapsed time
# HARD_BIND <= autonuma <= topology and INVERSE_BIND >= 1.3 x HARD_BIND; with long loops nearly all
# accesses are local under HARD_BIND and remote under INVERSE_BIND.
#   usage: numa0x.sh PROGRAM SEEDS
set -eu
program=$1
seeds=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# The mean over the seeds of one metric of the whole run.
mean() {
    awk -F, -v policy="$2" -v metric="$3" '$3 == policy && $4 == "run" && $6 == metric { print $9 }' "$dir/$1/compare.csv"
}

check() { # text, condition in awk's language
    if awk "BEGIN { exit !($2) }"; then
        echo "ok: $1: $2"
    else
        echo "numa0x: $1: not $2" >&2
        failed=1
    fi
}

case_of() { # workload, topology
    "$program" compare -q -t "$2" -w "$1" -p topology,autonuma --seeds "$seeds" -o "$dir/free-$1-$2"
    for bind in HARD_BIND INVERSE_BIND; do
        "$program" compare -q -t "$2" -w "$1_$bind" -p static:workload --seeds "$seeds" -o "$dir/$bind-$1-$2"
    done
    topology=$(mean "free-$1-$2" topology elapsed_ns)
    autonuma=$(mean "free-$1-$2" autonuma elapsed_ns)
    hard=$(mean "HARD_BIND-$1-$2" static:workload elapsed_ns)
    inverse=$(mean "INVERSE_BIND-$1-$2" static:workload elapsed_ns)
    check "$1 on $2: the unbound run lasts at least 20 simulated seconds" "$topology >= 20e9"
    check "$1 on $2: HARD_BIND <= autonuma" "$hard <= $autonuma"
    check "$1 on $2: autonuma <= topology" "$autonuma <= $topology"
    check "$1 on $2: INVERSE_BIND >= 1.3 HARD_BIND" "$inverse >= 1.3 * $hard"
    check "$1 on $2: HARD_BIND is local" "$(mean "HARD_BIND-$1-$2" static:workload local_access_ratio) > 0.95"
    check "$1 on $2: INVERSE_BIND is remote" "$(mean "INVERSE_BIND-$1-$2" static:workload local_access_ratio) < 0.1"
}

case_of numa02 two-node
case_of numa02 four-node
case_of numa01_THREADLOCAL two-node
exit $failed
