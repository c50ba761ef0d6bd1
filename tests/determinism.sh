#!/bin/sh
# The same input gives the same bytes: every program that is named runs the same simulations, twice the
# first, with one job and with four, with and without observers; every file but manifest.yaml must agree.
#   usage: determinism.sh PROGRAM...
set -eu
[ $# -ge 1 ] || { echo "usage: determinism.sh PROGRAM..." >&2; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
compared=0

# The files of a folder with their sums, without what holds times, pictures or the sampled series.
sums() {
    (cd "$1" && find . -type f ! -name manifest.yaml ! -path '*/plots/*' ! -name '*.svg' ! -name '*.png' | LC_ALL=C sort | xargs sha256sum)
}

same() {
    sums "$1" > "$dir/a"
    sums "$2" > "$dir/b"
    compared=$((compared + $(wc -l < "$dir/a")))
    if ! cmp -s "$dir/a" "$dir/b"; then
        echo "determinism: $3 differ:" >&2
        diff "$dir/a" "$dir/b" >&2 || true
        exit 1
    fi
}

first=$1
source=$(cd "$(dirname "$0")/.." && pwd)
n=0
for program in "$@"; do
    n=$((n + 1))
    "$program" compare -q -t four-node -w numa02 --set workload.loops=60 -p topology,static:pack,autonuma --seeds 2 -j 2 \
        --set numa_balancing.scan_delay=100ms -o "$dir/compare$n"
    "$program" run -q -t two-node -w hackbench --set workload.groups=1 --set workload.loops=3 -p topology -o "$dir/hackbench$n"
    "$program" run -q -t bench-8 -w bench-mix -p autonuma --until 300ms --decisions -o "$dir/mix$n"
    "$program" sweep -q --no-plot "$source/results/experiments/first-steps.yaml" --shard 1/9 -o "$dir/sweep$n"
    if [ $n -gt 1 ]; then
        same "$dir/sweep1" "$dir/sweep$n" "$first and $program"
        same "$dir/compare1" "$dir/compare$n" "$first and $program"
        same "$dir/hackbench1" "$dir/hackbench$n" "$first and $program"
        same "$dir/mix1" "$dir/mix$n" "$first and $program"
    fi
done

"$first" compare -q -t four-node -w numa02 --set workload.loops=60 -p topology,static:pack,autonuma --seeds 2 -j 1 \
    --set numa_balancing.scan_delay=100ms -o "$dir/again"
same "$dir/compare1" "$dir/again" "two runs, -j1 and -j2"
"$first" compare -q -t four-node -w numa02 --set workload.loops=60 -p topology,static:pack,autonuma --seeds 2 -j 4 \
    --set numa_balancing.scan_delay=100ms -o "$dir/jobs"
same "$dir/again" "$dir/jobs" "-j1 and -j4"

# Looking changes nothing: summary and tasks with everything on are those with everything off.
"$first" run -q -t two-node -w numa02 --set workload.loops=40 -p autonuma --set numa_balancing.scan_delay=100ms -o "$dir/blind"
"$first" run -q -t two-node -w numa02 --set workload.loops=40 -p autonuma --set numa_balancing.scan_delay=100ms \
    --decisions --check --set report.sample_interval=1ms -o "$dir/seen"
for file in summary.csv tasks.csv; do
    cmp "$dir/blind/$file" "$dir/seen/$file" || { echo "determinism: observers changed $file" >&2; exit 1; }
    compared=$((compared + 1))
done

# resolved.yaml fed back gives the same bytes.
"$first" run -q "$dir/blind/resolved.yaml" -o "$dir/back"
same "$dir/blind" "$dir/back" "a run and its resolved.yaml"
echo "determinism: $# programs, $compared files compared, all the same"
