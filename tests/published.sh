#!/bin/sh
# usage: published.sh NUMASIM SOURCE
#
# What stands in results/experiments/published can be run: machines and workloads are right, every
# number of a machine has a source, sweeps name what exists, and rows name files that are there.
set -u
numasim=$1 folder=$2/results/experiments/published
failed=0

fail() {
    echo "published: $*"
    failed=1
}

for machine in "$folder"/machines/*.yaml; do
    "$numasim" topo check "$machine" >/dev/null 2>&1 || fail "$machine"
    for key in bandwidth latency distances memory caches; do
        grep -q "^ *{* *-* *$key:\|[{ ]$key:" "$machine" || continue
        sed -n '/^source:/,$p' "$machine" | grep -q "$key\|nodes:\|links:" || fail "$machine: no source of $key"
    done
done
for workload in "$folder"/workloads/*.yaml; do
    "$numasim" workload check "$workload" >/dev/null 2>&1 || fail "$workload"
    name=workloads/$(basename "$workload")
    grep -q "$name" "$folder/rows.csv" "$folder"/*.yaml || fail "$name: nothing uses it"
done
for grid in "$folder"/*.yaml; do
    "$numasim" sweep "$grid" --plan >/dev/null || fail "$grid"
done
grep -o '\(machines\|workloads\)/[a-z0-9-]*\.yaml' "$folder/rows.csv" | sort -u | while read -r file; do
    [ -f "$folder/$file" ] || echo "$file"
done | grep . && fail "rows.csv names what is not there"
exit $failed
