#!/bin/sh
# End-to-end scenarios of the command line: one function each, named after what must hold.
#   usage: cli.sh NUMASIM SCENARIO
set -u
numasim=$1
scenario=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
bad=0

complain() {
    echo "$scenario: $1"
    bad=1
}

# expect CODE COMMAND...: stdout and stderr are kept in out and err.
expect() {
    want=$1
    shift
    "$@" >out 2>err </dev/null
    got=$?
    [ "$got" -eq "$want" ] || complain "exit code $got instead of $want: $* ($(head -3 err))"
}

# says FILE PATTERN
says() {
    grep -q -e "$2" "$1" || complain "'$2' is missing in $1: $(head -3 "$1")"
}

same() {
    cmp -s "$1" "$2" || complain "$1 and $2 differ"
}

# Every file but manifest.yaml.
same_folders() {
    diff -rq -x manifest.yaml "$1" "$2" >out || complain "$(cat out)"
}

# A run of some milliseconds of simulated time.
short="--no-plot -q --until 50ms"

exit_codes() {
    expect 2 "$numasim"
    expect 2 "$numasim" sim
    says err "there is no command 'sim'"
    expect 2 "$numasim" rum
    says err "did you mean 'run'?"
    expect 2 "$numasim" run --no-such-option
    expect 2 "$numasim" run --set x
    expect 2 "$numasim" compare --seeds 0
    expect 2 "$numasim" compare -j0 # a value attached to its letter
    expect 1 "$numasim" compare -p ''
    says err "there is no policy ''"
    expect 2 "$numasim" topo fly
    expect 1 "$numasim" run $short -t four-nod
    says err "did you mean 'four-node'?"
    expect 1 "$numasim" run $short -w no-such-workload
    expect 1 "$numasim" run $short -p autonum
    says err "there is no policy 'autonum'; did you mean 'autonuma'?"
    expect 1 "$numasim" run $short --until 5
    says err "^--until: '5' is not a time"
    expect 1 "$numasim" run $short --set sched.hz=5
    says err "^--set sched.hz: 5 is too small; the least is 100"
    expect 1 "$numasim" run $short --set sched.h=250
    says err "there is no parameter 'sched.h'; did you mean 'sched.hz'?"
    expect 1 "$numasim" run $short --set sched.energy_aware=1
    says err "^--set sched.energy_aware: energy-aware scheduling .* is not modelled; leave it out"
    expect 1 "$numasim" run $short --set memory.model=flatt
    says err "did you mean 'flat'?"
    expect 1 "$numasim" run $short --decisions=wakes
    says err "did you mean 'wake'?"
    [ -e results ] && complain "wrong inputs left a folder"
    expect 0 "$numasim" run $short
    expect 0 "$numasim" --version
    says out "^numasim [0-9]"
}

errors_have_places_and_come_together() {
    printf 'base: autonuma\nset:\n  sched.hz: 7\n  sched.base_slice: 3\nmemroy: flat\n' >p.yaml
    expect 1 "$numasim" run $short -p p.yaml --until 5
    says err '^p.yaml:3:13: set.sched.hz: .*the least is 100'
    says err '^p.yaml:4:21: set.sched.base_slice: .*not a time'
    says err "^p.yaml:5:1: memroy: .*did you mean 'memory'"
    says err '^--until: '
    printf 'base: ext:fif\nset: {sched.hz: 7, policy: {slice: 1}}\nthen: 3\nmemory: flt\n' >p.yaml
    expect 1 "$numasim" policy check p.yaml
    says err "^p.yaml:1:7: base: there is no policy 'ext:fif'; did you mean 'ext:fifo'?"
    says err '^p.yaml:2:17: set.sched.hz: .*the least is 100'
    says err "^p.yaml:4:9: memory: .*did you mean 'flat'"
    [ "$(wc -l <err)" -eq 3 ] || complain "more than three mistakes: $(cat err)"
    printf 'version: 1\nname: w\nhotplug: [{at: 1s, cpus: 9, online: no}]\nprocesses: [{name: p, threads: [{name: t, program: [{compute: 1ms}]}]}]\n' >w.yaml
    expect 1 "$numasim" run -t uma -w w.yaml
    says err '^w.yaml:3:26: hotplug\[0\].cpus: hotplug: the machine has no CPU 9; it has 0-'
    expect 1 "$numasim" run -w hogs --until 5
    says err "^--until: '5' is not a time"
    [ "$(wc -l <err)" -eq 1 ] || complain "more than one mistake: $(cat err)"
    printf 'Machine (2974MB total)\n  Package L#0\n' >seen.txt
    expect 1 "$numasim" topo check seen.txt
    says err '^seen.txt:1:1: .*lstopo machine.xml'
    printf 'version: 1\nname: w\n' | gzip -c | head -c 20 >cut.gz
    expect 1 "$numasim" run -t two-node -w cut.gz -o cut
    says err '^cut.gz:1:1: the data is damaged or cut off'
    [ ! -e cut ] || complain "a folder for an input that is cut off"
}

policy_files_change_a_preset() {
    printf 'base: topology\nmemory: flat\nset:\n  sched: {hz: 1000}\n' >fast.yaml
    expect 0 "$numasim" policy show fast.yaml
    says out 'sched.hz  *1000 (default 250)'
    says out 'memory model: flat'
    expect 0 "$numasim" policy check fast.yaml
    expect 0 "$numasim" run $short -p fast.yaml -o r
    says r/summary.csv ',fast,1,1,'
    says r/resolved.yaml 'sched.hz: 1000'
}

help_is_for_every_command() {
    expect 0 "$numasim" help
    for command in run compare plot topo workload policy bench; do
        says out "^  $command "
    done
    cp out page
    for command in $(sed -n 's/^  \([a-z]*\) .*/\1/p' page | grep -v help); do
        expect 0 "$numasim" help "$command"
        cp out by_help
        expect 0 "$numasim" "$command" --help
        same out by_help
        says out "Usage:"
    done
}

lists_name_what_is_shipped() {
    expect 0 "$numasim" topo list
    says out '^four-node '
    expect 0 "$numasim" workload list
    expect 0 "$numasim" policy list
    for policy in topology static:workload static:pack static:spread static:interleave static:weighted static:inverse autonuma tiering; do
        says out "^$policy "
    done
    expect 0 "$numasim" topo show four-node
    says out 'distances'
    expect 0 "$numasim" topo domains four-node
    says out 'SD_NUMA'
    expect 0 "$numasim" topo domains four-node --json
    says out '"domains"'
    expect 0 "$numasim" topo import 'hwloc:pack:2 core:2 pu:2'
    cp out two.yaml
    expect 0 "$numasim" topo check two.yaml
    expect 0 "$numasim" topo capture -o here.yaml
    expect 0 "$numasim" topo check here.yaml
    expect 0 "$numasim" topo export four-node --format hwloc -o four.xml
    expect 0 "$numasim" topo show four.xml
    says out '4 packages, 4 LLCs, 16 cores'
    printf 'shape: {nodes_per_package: 2, cores_per_llc: 3}\nnodes: [{node: 0-1, memory: 1GiB}, {node: 2, memory: 4GiB, kind: cxl}]\ncpus: [{cpus: 1-2, capacity: 446}]\noffline_cpus: 5\nisolated_cpus: 4\n' >odd.yaml
    expect 0 "$numasim" topo show odd.yaml
    says out '^  offline: CPUs 5$'
    says out '^  isolated: CPUs 4$'
    says out '^  capacity 446: CPUs 1-2$'
    says out '^  capacity 1024: CPUs 0,3-5$'
    says out '^  node 2: 4GiB cxl, no CPUs, '
    expect 0 "$numasim" topo show four-node --format svg
    says out '</svg>'
    expect 0 "$numasim" topo export four-node --format dot
    says out 'n0 -> n1'
    expect 2 "$numasim" topo export four-node --format png
    expect 4 "$numasim" topo export four-node -o no/such/folder
    expect 0 "$numasim" topo mlc four-node -o mlc.txt
    says mlc.txt '^Inject	Latency	Bandwidth$'
    expect 0 "$numasim" topo mlc cxl-2s --latency_matrix --csv
    says out '^idle_latency,1,2,,,486\.'
    expect 1 "$numasim" topo mlc four-node --from 9 --delays 1,a --set memory.model=flatt
    says err "^--from: there is no node '9' in four-node"
    says err "^--delays: 'a' is not a delay; write cycles from 0 to 1000000, as in 0,100,1000"
    says err "did you mean 'flat'?"
    expect 2 "$numasim" topo mlc
    expect 0 "$numasim" topo calibrate mlc.txt --nodes 4
    says out 'curve: {a: '
    printf 'GB/s,latency_ns\n30,130\n2,80\n20,101\n30,140\n10,90\n25,99\n' >points.csv
    expect 0 "$numasim" topo calibrate points.csv --points --nodes 2
    says out 'curve: {points: \[\[1GB/s, 80ns\], \[5GB/s, 90ns\], \[10GB/s, 101ns\], \[15GB/s, 130ns\]\]}'
    (printf 'shape: {packages: 2, cores_per_llc: 2}\n'; grep -v '^latency' out) >calibrated.yaml
    expect 0 "$numasim" topo check calibrated.yaml
    printf 'bandwidth,latency_ns\n1,2\n' >points.csv
    expect 1 "$numasim" topo calibrate points.csv
    says err '^points.csv:1:1: the column of bandwidth does not say its unit'
    expect 0 "$numasim" help topo mlc
    says out '--peak_injection_bandwidth'
    printf 'CPU(s): 2\nOn-line CPU(s) list: 0,1\n' | gzip >lscpu.gz
    expect 0 "$numasim" topo import lscpu.gz
    says err 'note: assumed: 16 GiB of memory'
}

folders_are_kept_or_replaced_by_rule() {
    expect 0 "$numasim" run $short
    usual=$(echo results/out/*)
    touch "$usual/old"
    expect 0 "$numasim" run $short
    [ -e "$usual/old" ] && complain "the default folder was not replaced"
    rm "$usual/manifest.yaml"
    expect 4 "$numasim" run $short
    says err 'numasim did not make this folder'
    expect 0 "$numasim" run $short -o mine
    expect 4 "$numasim" run $short -o mine
    says err 'use --force'
    touch mine/old
    expect 0 "$numasim" run $short -o mine --force
    [ -e mine/old ] && complain "--force kept a file of an old result"
    mkdir foreign
    touch foreign/letter
    expect 0 "$numasim" run $short -o foreign --force
    expect 0 "$numasim" run $short -o foreign --force
    [ -e foreign/letter ] && [ -e foreign/summary.csv ] || complain "--force in a foreign folder"
    touch file
    expect 4 "$numasim" run $short -o file --force
    expect 4 "$numasim" run $short -o file/below
    ls -d ./*.tmp-* results/out/*.tmp-* 2>/dev/null && complain "a temporary folder was left"
}

resolved_run_repeats_byte_by_byte() {
    # Also what was assumed about the machine, and what it names as sources.
    for machine in four-node altix-64n cxl-2s 'hwloc:pack:2 [numa] core:2 pu:2'; do
        expect 0 "$numasim" run $short -t "$machine" -o once --force
        expect 0 "$numasim" run $short once/resolved.yaml -o twice --force
        same_folders once twice
    done
    expect 0 "$numasim" run --no-plot -q -p autonuma --seed 3 --until 300ms --warmup 20ms \
        --set noise.start_jitter=no --set report.sample_interval=7ms --decisions=wake,fork -o first
    expect 0 "$numasim" run --no-plot -q first/resolved.yaml -o second
    same_folders first second
    expect 2 "$numasim" run first/resolved.yaml -p topology
    printf 'seed: x\n' >broken.yaml
    expect 1 "$numasim" run broken.yaml
    says err '^broken.yaml:1:7: seed: '
}

names_are_the_bytes_that_they_are() {
    mkdir 'Größe ü'
    printf 'title: one\nshape: {packages: 1, cores_per_llc: 2}\n' >'Größe ü/日本.yaml'
    for locale in C C.UTF-8; do
        LC_ALL=$locale expect 0 "$numasim" run $short -t 'Größe ü/日本.yaml' -w pipe -o "aus $locale ü"
        [ -f "aus $locale ü/summary.csv" ] || complain "no summary in aus $locale ü"
        LC_ALL=$locale expect 1 "$numasim" run $short -t 'zwölf.yaml'
        says err "there is no topology 'zwölf.yaml'"
        LC_ALL=$locale expect 1 "$numasim" run $short --set 'wörk=1'
        says err "there is no parameter 'wörk'"
    done
    expect 0 "$numasim" run -q --no-plot 'aus C ü/resolved.yaml' -o again
    same_folders 'aus C ü' again
}

jobs_change_nothing() {
    expect 0 "$numasim" compare $short --seeds 2 -p topology,static:pack -j 1 -o one
    expect 0 "$numasim" compare $short --seeds 2 -p topology,static:pack -j 4 -o four
    same_folders one four
    head -1 one/compare.csv >header
    echo 'topology,workload,policy,scope,id,metric,unit,n,mean,stddev,ci95_low,ci95_high,median,vs_baseline,vs_baseline_ci95_low,vs_baseline_ci95_high' >want
    same header want
    says one/compare.csv ',static:pack,run,,elapsed_ns,ns,2,'
    [ "$(wc -l <one/summary.csv)" -eq 5 ] || complain "summary.csv has not a row a run"
    expect 1 "$numasim" compare $short -p topology,topology -o twice
}

looking_changes_nothing() {
    expect 0 "$numasim" run --no-plot -q -p autonuma --until 400ms -o blind
    expect 0 "$numasim" run --no-plot -p autonuma --until 400ms -v --decisions --check \
        --set report.sample_interval=100us -o watched
    same blind/summary.csv watched/summary.csv
    same blind/tasks.csv watched/tasks.csv
    same blind/latency.csv watched/latency.csv
    [ -s watched/decisions.csv ] || complain "no decisions"
    head -1 watched/decisions.csv >header
    echo 'seq,cause_seq,time_ns,kind,rule,task,cpu,chosen,candidates,inputs' >want
    same header want
}

samples_are_as_many_as_memory_holds() {
    expect 0 "$numasim" run --no-plot -q -t uma --until 300us --set report.sample_interval=1ns -o many
    says err 'report.sample_interval: too many samples; one every 4ns is kept'
    expect 0 "$numasim" run --no-plot -q -t uma --until 300us -o few
    same many/summary.csv few/summary.csv
}

forced_choice_of_the_same_is_the_same_run() {
    expect 0 "$numasim" run $short --decisions=fork -o plain
    line=$(sed -n 2p plain/decisions.csv)
    seq=$(echo "$line" | cut -d, -f1)
    chosen=$(echo "$line" | cut -d, -f8)
    expect 0 "$numasim" run $short --force-decision "$seq=$chosen" -o same
    same plain/summary.csv same/summary.csv
    expect 0 "$numasim" run $short --force-decision "99999999999=0" -o none
    says err 'there was no decision 99999999999'
    expect 1 "$numasim" run $short --force-decision "x" -o wrong
}

forced_choice_that_is_none_is_refused() {
    crowd="--no-plot -q -t two-node -w hackbench --until 10ms"
    expect 0 "$numasim" run $crowd --decisions -o plain
    for kind in wake fork pick preempt balance_group balance_queue balance_task; do
        seq=$(awk -F, -v kind=$kind '$4 == kind && $8 != -1 { print $1; exit }' plain/decisions.csv)
        [ -n "$seq" ] || complain "no decision $kind"
        for choice in 777777 -5; do
            expect 1 "$numasim" run $crowd --check --force-decision "$seq=$choice" -o wrong
            says err '^--force-decision: '
        done
    done
    seq=$(awk -F, '$4 == "pick" && $8 != -1 { print $1; exit }' plain/decisions.csv)
    expect 1 "$numasim" run $crowd --force-decision "$seq=-1" -o wrong
    [ -e wrong ] && complain "a folder was left"
}

disk_that_is_full_is_said() {
    # A limit on the size of files: writes fail with EFBIG as they would with ENOSPC.
    (ulimit -f 4 && exec "$numasim" run $short --set report.sample_interval=10us -o full) >out 2>err
    code=$?
    [ "$code" -eq 4 ] || complain "exit code $code instead of 4"
    says err 'cannot be written'
    ls -d full* 2>/dev/null && complain "a short result was left"
    expect 4 sh -c "\"$numasim\" policy list >/dev/full"
}

# What does not fit the machine is known when both have been read, and the folders are there.
a_refused_run_leaves_nothing() {
    printf '%s\n' 'version: 1' 'name: far' 'doc: d' 'processes:' '  - name: p' '    regions:' \
        '      - {name: r, size: 1MiB, policy: {mode: bind, nodes: 9}}' '    threads:' '      - name: t' \
        '        program:' '          - compute: 1ms' >far.yaml
    expect 1 "$numasim" run --no-plot -q -t four-node -w far.yaml
    says err '^far.yaml:7:39: processes\[0\].regions\[0\].policy: r: the machine has no node 9; it has 0-3$'
    ls -d results 2>/dev/null && complain "a folder was left"
    mkdir -p mine
    expect 1 "$numasim" run --no-plot -q -t four-node -w far.yaml -o mine/deep/er
    [ -d mine ] || complain "a folder of the user's is gone"
    ls -d mine/deep 2>/dev/null && complain "a folder was left in the user's"
    expect 0 "$numasim" run $short -o mine/deep/er
    [ -s mine/deep/er/summary.csv ] || complain "no result"
}

endless_work_needs_an_end() {
    expect 1 "$numasim" run --no-plot -q -t bench-8 -w bench-mix
    says err '\-\-until'
    expect 0 "$numasim" run --no-plot -q -t bench-8 -w bench-mix --until 20ms
}

tasks_that_wait_for_each_other_are_named() {
    printf '%s\n' 'version: 1' 'name: knot' 'processes:' '  - name: p' '    sync: {l: lock, m: lock}' \
        '    threads:' '      - {name: a, program: [{lock: l}, {compute: 1ms}, {lock: m}]}' \
        '      - {name: b, program: [{lock: m}, {compute: 1ms}, {lock: l}]}' >knot.yaml
    expect 3 "$numasim" run --no-plot -q -t two-node -w knot.yaml -o a
    says err 'deadlock: all of the 2 tasks left wait, and nothing will wake them'
    expect 0 "$numasim" run --no-plot -q -t two-node -w knot.yaml -o b --until 1s
    says err '^warning: from .* on nothing happens: all of the 2 tasks left wait'
}

interrupted_run_keeps_what_it_has() {
    "$numasim" run --no-plot -t bench-64 -w bench-mix --until 100000s -o long >out 2>err &
    pid=$!
    sleep 1
    kill -INT "$pid"
    wait "$pid"
    code=$?
    [ "$code" -eq 130 ] || complain "exit code $code instead of 130 ($(cat err))"
    says long/manifest.yaml '^complete: no'
    [ "$(cut -d, -f5 long/summary.csv | tail -1)" = 0 ] || complain "summary.csv says complete"
}

interrupted_comparison_keeps_finished_runs() {
    "$numasim" compare --no-plot -t bench-8 -w bench-mix --until 3s -p topology,autonuma --seeds 400 \
        -j 2 -o long >out 2>err &
    pid=$!
    sleep 2
    kill -INT "$pid"
    wait "$pid"
    code=$?
    [ "$code" -eq 130 ] || complain "exit code $code instead of 130 ($(cat err))"
    says long/manifest.yaml '^complete: no'
    says long/compare.csv ',topology,run,,elapsed_ns,'
    grep crashed err && complain "an interrupted run counts as crashed"
}

a_crash_costs_one_run() {
    "$numasim" compare --no-plot -t bench-64 -w bench-mix --until 4s -p topology,static:pack \
        --seeds 2 -j 1 -o crashed >out 2>err &
    pid=$!
    victim=
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        sleep 0.1
        victim=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
        [ -n "$victim" ] && break
    done
    [ -n "$victim" ] || exit 77
    # shellcheck disable=SC2086
    kill -ABRT $victim
    wait "$pid"
    code=$?
    [ "$code" -eq 5 ] || complain "exit code $code instead of 5 ($(cat err))"
    says err 'the run crashed'
    says crashed/manifest.yaml '^complete: no'
    [ "$(wc -l <crashed/summary.csv)" -eq 4 ] || complain "not one run is missing"
    says crashed/compare.csv ',static:pack,run,,elapsed_ns,ns,2,'
}

pictures_are_drawn_where_gnuplot_is() {
    command -v gnuplot >/dev/null || exit 77
    expect 0 "$numasim" run -q --until 300ms -o drawn
    [ -s drawn/plots/locality.svg ] || complain "no picture of a run"
    expect 0 "$numasim" plot drawn --format text
    says out 'where memory accesses go'
    expect 0 "$numasim" plot drawn --format png
    [ -s drawn/plots/locality.png ] || complain "no png"
    expect 2 "$numasim" plot drawn --format gif
    expect 1 "$numasim" plot no-such-folder
    expect 0 "$numasim" compare -q --until 100ms --seeds 2 -o compared
    [ -s compared/plots/policies.svg ] || complain "no picture of a comparison"
    # three panels of eight names each: one column of names, beside the curves
    expect 0 "$numasim" run -q -t eight-node -w gpu-offload --until 100ms -o busy
    names=$(grep -B1 '<text>\(node\|link\|device\) ' busy/plots/load.svg | grep -o 'translate([0-9]*')
    [ "$(echo "$names" | wc -l)" -eq 24 ] || complain "not 24 names of curves: $names"
    [ "$(echo "$names" | sort -u | wc -l)" -eq 1 ] || complain "names over the curves: $names"
}

"$scenario"
exit $bad
