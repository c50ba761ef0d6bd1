#!/bin/sh
# What a large process costs the simulator: each of these fits in 1 GiB of memory, scans, faults and
# results included. 1 TiB in huge pages is exact, as is 64 GiB of small pages; 1 TiB of small pages is
# kept in blocks, and the run says so.
#   usage: host_memory.sh PROGRAM TOPOLOGIES
set -eu
program=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
[ -x /usr/bin/time ] || exit 77
cd "$dir"
sed 's/memory: [0-9]*GiB/memory: 160GiB/' "$2/eight-node.yaml" >machine.yaml

workload() { # size, of a page
    cat <<END
version: 1
name: large
doc: one process with much memory
processes:
  - name: large
    regions:
      - {name: heap, size: $1, page_size: $2, initial: {mode: interleave}}
    threads:
      - name: task
        program:
          - loop: {count: forever, do: [{compute: {time: 10ms, mpki: 2, region: heap, pattern: random, work: 1}}]}
END
}

fits() { # size, of a page, representation
    workload "$1" "$2" >large.yaml
    /usr/bin/time -f %M -o kib "$program" run -t machine.yaml -w large.yaml -p autonuma --until 3s -o run --force \
        -q --no-plot
    model=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { print $at["page_model"], $at["numa_hint_faults"] }' \
        run/summary.csv)
    echo "$1 in pages of $2: $(cat kib) KiB, $model faults"
    [ "$(cat kib)" -lt 1048576 ] || { echo "host_memory: more than 1 GiB" >&2; exit 1; }
    [ "${model% *}" = "$3" ] || { echo "host_memory: $3 was expected" >&2; exit 1; }
    [ "${model#* }" -gt 1000 ] || { echo "host_memory: hardly anything faulted" >&2; exit 1; }
}

fits 1TiB 2MiB exact
fits 64GiB 4KiB exact
fits 1TiB 4KiB block
