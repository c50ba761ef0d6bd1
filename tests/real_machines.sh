#!/bin/sh
# Every machine of the corpus that has several nodes is compared under the three levels, with no
# conversion step; what is refused must be refused with a message, exit code 1, and no folder.
#   usage: real_machines.sh PROGRAM CORPUS
set -eu
program=$1
corpus=$2
[ -d "$corpus" ] || { echo "real_machines: skipped: the corpus is not beside the project"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
compared=0
refused=0
for file in "$corpus"/hwloc-xml/*.xml "$corpus"/hwloc-xml/*.xml.gz "$corpus"/numactl/*.txt; do
    rm -rf "$dir/out"
    code=0
    # short runs: what is tested is the way from the file to the table
    "$program" compare -q -t "$file" -w numa02 -p topology,static:pack,autonuma --seeds 1 -j 2 \
        --until 40ms -o "$dir/out" > "$dir/log" 2>&1 || code=$?
    case $code in
    0)
        rows=$(grep -c ',run,,elapsed_ns,' "$dir/out/compare.csv")
        [ "$rows" -eq 3 ] || { echo "real_machines: $file: $rows rows instead of 3" >&2; exit 1; }
        compared=$((compared + 1))
        ;;
    1)
        [ -s "$dir/log" ] || { echo "real_machines: $file: refused without a message" >&2; exit 1; }
        [ ! -e "$dir/out" ] || { echo "real_machines: $file: refused, but there is a folder" >&2; exit 1; }
        head -n 1 "$dir/log"
        refused=$((refused + 1))
        ;;
    *)
        cat "$dir/log" >&2
        echo "real_machines: $file: exit code $code" >&2
        exit 1
        ;;
    esac
done
echo "real_machines: $compared compared, $refused refused with a reason"
[ "$compared" -ge 30 ]
