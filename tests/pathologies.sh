#!/bin/sh
# The four pathologies of results/experiments/pathologies.md: with the old rule CPUs idle beside waiting
# tasks for a good part of the run, the detector finds it, and with the fix it is gone.
#   usage: pathologies.sh PROGRAM
set -eu
program=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# Per mille of all CPU time in stretches of wasted_cores.csv, and how many went beyond the rules.
wasted() { # name, topology, workload, settings...
    name=$1 topology=$2 workload=$3
    shift 3
    "$program" run -q -t "$topology" -w "$workload" --until 2s --wasted-cores -o "$dir/$name" "$@" 2>"$dir/err" ||
        { cat "$dir/err" >&2; exit 1; }
    cpus=$(($(wc -l <"$dir/$name/cpus.csv") - 1))
    awk -F, -v all="$cpus" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { ns += $at["duration_ns"]; beyond += $at["beyond"] }
        END { printf "%d %d\n", ns / 2e9 / all * 1000, beyond }' "$dir/$name/wasted_cores.csv"
}

check() { # text, condition in awk's language
    if awk "BEGIN { exit !($2) }"; then
        echo "ok: $1: $2"
    else
        echo "pathologies: $1: not $2" >&2
        failed=1
    fi
}

# Share with the old rule at least so much, and beyond what the rules allow; with the new one at most so much.
case_of() { # name, least per mille, most per mille, switch with the old rule, topology, workload, settings...
    name=$1 least=$2 most=$3 old=$4
    shift 4
    set -- "$@" --seed 1
    before=$(wasted "$name-old" "$@" --set "$old")
    after=$(wasted "$name-new" "$@")
    check "$name with $old" "${before% *} >= $least && ${before#* } > 0"
    check "$name, today" "${after% *} <= $most && ${after#* } == 0"
}

case_of imbalance 250 20 balance.group_compare=average four-node pathology-imbalance --set sched.autogroup=on
case_of groups 120 1 sched.domain_groups=first_cpu opteron-6272-4s8n pathology-groups
case_of domains 600 1 sched.hotplug_rebuild=missing_numa four-node pathology-hotplug

# 6.12 searches the LLC only: less than with the old rule is wasted, and nothing with the paper's fix.
old=$(wasted wakeup-old four-node pathology-wakeup --set select.wake=waker_node)
today=$(wasted wakeup-today four-node pathology-wakeup)
fix=$(wasted wakeup-fix four-node pathology-wakeup --set select.wake=longest_idle)
check "wake-up with the old rule" "${old% *} >= 150"
check "wake-up, today" "${today% *} * 3 <= ${old% *} * 2"
check "wake-up with the fix" "${fix% *} <= 1"
exit $failed
