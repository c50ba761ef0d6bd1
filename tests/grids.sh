#!/bin/sh
# usage: grids.sh NUMASIM SOURCE
#
# Every shipped grid runs: three of its points, spread over it, come to their end. A grid is a file
# under results/experiments that names policies; others there are machines and workloads.
set -u
numasim=$1 folder=$2/results/experiments
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0
nr=0

for grid in $(find "$folder" -name '*.yaml' | sort); do
    grep -q '^policies:' "$grid" || continue
    points=$(($("$numasim" sweep "$grid" --plan 2>/dev/null | wc -l) - 1))
    every=$(((points + 2) / 3))
    if "$numasim" sweep "$grid" --shard "1/$every" --no-plot -q -j2 -o "$work/out" --force 2>"$work/said" &&
        [ "$(grep -c ',done,' "$work/out/points.csv")" -ge 2 ]; then
        nr=$((nr + 1))
        continue
    fi
    echo "grids: $grid: $(head -3 "$work/said")"
    failed=1
done
echo "$nr grids"
[ "$nr" -ge 15 ] || failed=1
exit $failed
