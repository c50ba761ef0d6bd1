#!/bin/sh
# Every fuzz target for a while, two at a time, seeded with our own samples and, where it is beside the
# project, with the corpus. A finding ends in a non-zero exit code and the input in a file.
#   usage: fuzz.sh BUILD_DIR SECONDS [TARGET...]      BUILD_DIR: that of the preset `fuzz`
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
build=$1
seconds=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
[ $# -gt 0 ] || set -- $(cd "$build/tests/fuzz" && ls -d fuzz_* | grep -v '\.')
[ $# -gt 0 ] || { echo "fuzz: no target was built" >&2; exit 1; }
seeds="$source/topologies $source/workloads $source/tests/bad $source/results/experiments $source/tests/import $source/tests/scripts $source/tests/traces"
for folder in numactl hwloc-xml hwloc-newer lscpu rt-app; do
    [ -d "$source/../shared/corpus/$folder" ] && seeds="$seeds $source/../shared/corpus/$folder"
done

one() {
    mkdir -p "$dir/$1"
    # the seeds are read, new inputs go to the first folder; 2.5 GiB and 10 s an input are findings too
    # shellcheck disable=SC2086
    if "$build/tests/fuzz/$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2560 -max_len=65536 \
        -artifact_prefix="$dir/$1-" -close_fd_mask=1 "$dir/$1" $seeds > "$dir/$1.log" 2>&1; then
        echo "fuzz: $1: $(grep -o 'Done [0-9]* runs' "$dir/$1.log" || echo 'done'), no finding"
    else
        cp "$dir/$1"-* . 2>/dev/null || true
        tail -n 30 "$dir/$1.log" >&2
        echo "fuzz: $1: a finding, kept here" >&2
        : > "$dir/failed"
    fi
}

while [ $# -gt 0 ]; do
    one "$1" &
    shift
    [ $# -gt 0 ] && { one "$1" & shift; }
    wait
done
[ ! -e "$dir/failed" ]
