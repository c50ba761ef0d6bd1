#!/bin/sh
# A trace that we write is read back to the same schedule: replayed with its placement and written
# again, it is the same file, byte by byte; also packed, under another seed and another policy.
#   usage: trace_roundtrip.sh NUMASIM
set -eu
numasim=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
nr=0

again() { # NAME, then options of the replay
    name=$1
    shift
    "$numasim" run "$@" -w "$dir/$name.txt" --replay-placement --check -o "$dir/again" --force --no-plot -q --trace "$dir/again.txt"
    nr=$((nr + 1))
    if ! cmp "$dir/$name.txt" "$dir/again.txt"; then
        echo "FAIL: $name $*"
        failed=1
    fi
}

for name in pipe hackbench bench-mix hogs-nice numa02; do
    "$numasim" run -w $name --until 30ms -o "$dir/first" --force --no-plot -q --trace "$dir/$name.txt"
    again $name
done
again pipe --seed 7
again bench-mix -p autonuma --check
gzip -k "$dir/pipe.txt"
"$numasim" run -w "$dir/pipe.txt.gz" --replay-placement --check -o "$dir/again" --force --no-plot -q --trace "$dir/again.txt"
cmp "$dir/pipe.txt" "$dir/again.txt" || failed=1
# the folder's own description gives the same run; a trace that has changed is refused
"$numasim" run "$dir/again/resolved.yaml" -o "$dir/third" --force --no-plot -q
cmp "$dir/again/summary.csv" "$dir/third/summary.csv" || failed=1
echo >> "$dir/pipe.txt.gz"
if "$numasim" run "$dir/again/resolved.yaml" -o "$dir/fourth" --no-plot -q 2> "$dir/said"; then
    echo "FAIL: a changed trace was accepted"
    failed=1
fi
grep -q "SHA-256" "$dir/said" || { cat "$dir/said"; failed=1; }
echo "$nr traces came back"
exit $failed
