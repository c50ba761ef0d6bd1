#!/bin/sh
# Sweeps, end to end: one function a scenario, named after what must hold.
#   usage: sweep.sh NUMASIM SCENARIO
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

# Every file but manifest.yaml, hidden ones too.
same_folders() {
    diff -rq -x manifest.yaml "$1" "$2" >differ || complain "$(cat differ)"
}

# rows FILE N: so many besides the header.
rows() {
    got=$(($(wc -l <"$1") - 1))
    [ "$got" -eq "$2" ] || complain "$1 has $got rows instead of $2"
}

# 24 points of some milliseconds.
small_grid() {
    cat >small.yaml <<'END'
doc: two machines, two sizes, two policies
topologies: [two-node, four-node]
workloads: [numa02]
policies: [topology, autonuma]
set:
  workload.loops: [3, 6]
  numa_balancing.scan_delay: 100ms
seeds: 3
END
}

# 200 points: long enough to be killed in the middle.
middle_grid() {
    cat >middle.yaml <<'END'
topologies: [two-node]
workloads: [numa02]
policies: [topology, autonuma]
set: {workload.loops: [20, 40]}
seeds: 50
END
}

# Four points, of which those of the workload `dead` wait for each other for ever.
deadlock_grid() {
    cat >dead.yaml <<'END'
version: 1
name: dead
doc: waits for a barrier that nobody else comes to
processes:
  - name: p
    sync: {gate: {kind: barrier, size: 2}}
    threads:
      - name: t
        program:
          - compute: 1ms
          - barrier: gate
END
    cat >some.yaml <<'END'
topologies: [two-node]
workloads: [{base: hackbench, set: {groups: 1, loops: 2}}, dead.yaml]
policies: [topology]
seeds: 2
END
}

points_are_the_cross_product() {
    small_grid
    expect 0 "$numasim" sweep small.yaml -o a
    rows a/plan.csv 24
    rows a/points.csv 24
    head -1 a/plan.csv >header
    echo 'point,key,topology,workload,workload.loops,policy,seed,baseline' >want
    cmp -s header want || complain "plan.csv begins with $(cat header)"
    says a/points.csv ',four-node,numa02,6,autonuma,3,done,0,,,1,'
    says a/sweep.csv '^four-node,numa02,6,autonuma,run,,elapsed_ns,ns,3,'
    says a/manifest.yaml '^complete: yes'
    says err '24 points: 24 done, 0 failed'
    "$numasim" sweep small.yaml --plan >plan
    cmp plan a/plan.csv || complain "--plan prints another plan"
    expect 0 "$numasim" sweep small.yaml --plan -o other
    [ -e other ] && complain "--plan made a folder"
    # what a point is, on its own, and what compare makes of a cell
    "$numasim" sweep small.yaml --resolve 23 >point.yaml
    expect 0 "$numasim" run -q --no-plot point.yaml -o point
    tail -1 point/summary.csv | cut -d, -f5- >of_run
    tail -1 a/points.csv | cut -d, -f12- >of_sweep
    cmp of_run of_sweep || complain "a point and its resolved.yaml differ"
    expect 0 "$numasim" compare -q --no-plot -t four-node -w numa02 -p topology,autonuma --seeds 3 \
        --set workload.loops=6 --set numa_balancing.scan_delay=100ms -o compared
    grep '^four-node,numa02,6,' a/sweep.csv | cut -d, -f1,2,4- >of_sweep
    grep ',run,,' compared/compare.csv >of_compare
    cmp of_sweep of_compare || complain "sweep and compare differ"
}

jobs_and_shards_change_nothing() {
    small_grid
    expect 0 "$numasim" sweep small.yaml -q -j1 -o one
    expect 0 "$numasim" sweep small.yaml -q -j4 -o four
    same_folders one four
    for i in 3 1 5 2 4; do
        expect 0 "$numasim" sweep small.yaml -q -j2 --shard $i/5 -o shard$i
    done
    rows shard5/points.csv 4
    [ -e shard1/sweep.csv ] && complain "a shard compares what it has not"
    expect 1 "$numasim" plot shard1
    says err 'numasim merge puts the parts together'
    says shard2/manifest.yaml '^shard: 2/5'
    expect 1 "$numasim" merge shard4 shard2 -o whole
    says err '14 missing'
    says whole/manifest.yaml '^complete: no'
    expect 0 "$numasim" merge shard4 shard1 shard5 shard3 shard2 -o whole
    same_folders one whole
    # or all into one folder
    for i in 2 1 3; do
        expect 0 "$numasim" sweep small.yaml -q --shard $i/3 -o together
    done
    same_folders one together
    sed 's/seeds: 3/seeds: 2/' small.yaml >fewer.yaml
    expect 0 "$numasim" sweep fewer.yaml -q -o fewer
    expect 1 "$numasim" merge shard1 fewer -o mixed
    says err 'holds another grid than shard1'
    expect 1 "$numasim" merge . -o mixed
    expect 2 "$numasim" merge shard1
    [ -e mixed ] && complain "a merge that is refused left a folder"
}

a_finished_point_is_never_run_again() {
    small_grid
    expect 0 "$numasim" sweep small.yaml -q -o a
    cp -r a before
    expect 0 "$numasim" sweep small.yaml -q -o a
    same_folders a before
    says a/manifest.yaml '^points_run: 0'
    # another grid is refused, unless asked for, and then keeps what both have
    sed 's/seeds: 3/seeds: 4/' small.yaml >larger.yaml
    expect 1 "$numasim" sweep larger.yaml -q -o a
    says err 'holds another grid than larger'
    same_folders a before
    sed 's/seeds: 3/seeds: 4/' small.yaml >small2.yaml && mv small2.yaml small.yaml
    expect 1 "$numasim" sweep small.yaml -q -o a
    expect 0 "$numasim" sweep small.yaml -q -o a --extend
    says a/manifest.yaml '^points_run: 8'
    expect 0 "$numasim" sweep small.yaml -q -o fresh
    same_folders a fresh
    # what is not a sweep's is left alone
    mkdir mine && echo data >mine/file
    expect 4 "$numasim" sweep small.yaml -q -o mine
    expect 0 "$numasim" run -q --no-plot --until 10ms -o run
    expect 1 "$numasim" sweep small.yaml -q -o run
    says err 'holds no sweep'
    mkdir empty
    expect 0 "$numasim" sweep small.yaml -q -o empty
    # a workload that has changed is another input: the same grid, other points
    printf 'topologies: [two-node]\nworkloads: [own.yaml]\npolicies: [topology]\nseeds: 2\n' >own-grid.yaml
    printf 'version: 1\nbase: numa02\nset: {loops: 7}\n' >own.yaml
    expect 0 "$numasim" sweep own-grid.yaml -q -o own
    printf 'version: 1\nbase: numa02\nset: {loops: 8}\n' >own.yaml
    expect 0 "$numasim" sweep own-grid.yaml -q -o own
    says own/manifest.yaml '^points_run: 2'
    expect 0 "$numasim" sweep own-grid.yaml -q -o own-fresh
    same_folders own own-fresh
}

killed_three_times_and_resumed_it_is_the_same() {
    middle_grid
    expect 0 "$numasim" sweep middle.yaml -q --no-plot -j2 -o whole
    rows whole/points.csv 200
    grep -c ',done,0,' whole/points.csv | grep -qx 200 || complain "not all points are done"
    for _ in 1 2 3; do
        "$numasim" sweep middle.yaml -q --no-plot -j2 -o killed &
        pid=$!
        sleep "0.$(od -An -N1 -tu1 /dev/urandom | awk '{print 1 + $1 % 5}')$(od -An -N1 -tu1 /dev/urandom | awk '{print $1 % 10}')"
        kill -KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    expect 0 "$numasim" sweep middle.yaml -q --no-plot -j2 -o killed
    same_folders whole killed
    # a record that is half there, and rubbish, are cut off
    head -c 3000 whole/points.log >killed/points.log
    expect 0 "$numasim" sweep middle.yaml -q --no-plot -o killed
    same_folders whole killed
    printf 'point x done 0 5 y\nabc' >>killed/points.log
    expect 0 "$numasim" sweep middle.yaml -q --no-plot -o killed
    same_folders whole killed
    says killed/manifest.yaml '^points_run: 0'
    # a byte that has changed is noticed
    sed 's/^two-node,numa02,topology,1,1,/two-node,numa02,topology,1,2,/' whole/points.log >killed/points.log
    ! cmp -s whole/points.log killed/points.log || complain "no byte of points.log was changed"
    expect 0 "$numasim" sweep middle.yaml -q --no-plot -o killed
    same_folders whole killed
}

interrupted_it_keeps_what_is_finished() {
    middle_grid
    sed -i 's/seeds: 50/seeds: 2000/' middle.yaml
    "$numasim" sweep middle.yaml --no-plot -j2 -o some >out 2>err &
    pid=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        sleep 0.2
        [ "$(grep -c '^point ' some/points.log 2>/dev/null)" -gt 4 ] 2>/dev/null && break
    done
    kill -INT "$pid"
    wait "$pid"
    code=$?
    [ "$code" -eq 130 ] || complain "exit code $code instead of 130 ($(cat err))"
    says some/manifest.yaml '^complete: no'
    rows some/points.csv 8000
    says some/points.csv ',topology,1,done,0,'
    says some/points.csv ',autonuma,2000,missing,,'
    says err ' missing; results in some'
}

a_point_that_fails_is_recorded_and_the_rest_go_on() {
    deadlock_grid
    expect 3 "$numasim" sweep some.yaml -o a
    says err 'failed: 2 points, the first is 2: deadlock'
    says err '4 points: 2 done, 2 failed'
    says a/points.csv ',hackbench,topology,2,done,0,,,1,'
    says a/points.csv ',dead,topology,1,failed,3,"deadlock'
    says a/manifest.yaml '^complete: yes'
    says a/sweep.csv '^two-node,hackbench,topology,run,,elapsed_ns,ns,2,'
    grep -q '^two-node,dead' a/sweep.csv && complain "failed points are compared"
    cp -r a before
    expect 3 "$numasim" sweep some.yaml -q -o a
    says a/manifest.yaml '^points_run: 0'
    expect 3 "$numasim" sweep some.yaml -q -o a --retry
    says a/manifest.yaml '^points_run: 2'
    same_folders a before
    expect 3 "$numasim" sweep some.yaml -q --shard 1/2 -o s1
    expect 3 "$numasim" sweep some.yaml -q --shard 2/2 -o s2
    expect 3 "$numasim" merge -q s1 s2 -o merged
    same_folders a merged
}

# A worker that dies of itself costs one point; one that is killed is tried again by the next sweep.
a_crash_costs_one_point() {
    cat >long.yaml <<'END'
topologies: [bench-64]
workloads: [bench-mix]
policies: [topology]
seeds: 3
until: 2s
END
    for signal in ABRT KILL; do
        "$numasim" sweep long.yaml --no-plot -j1 -o $signal >out 2>err &
        pid=$!
        victim=
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            sleep 0.1
            victim=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
            [ -n "$victim" ] && break
        done
        [ -n "$victim" ] || exit 77
        # shellcheck disable=SC2086
        kill -$signal $victim
        wait "$pid"
        code=$?
        [ "$code" -eq 5 ] || complain "exit code $code instead of 5 ($(cat err))"
        says err 'the run crashed'
        says err '3 points: 2 done, 1 failed'
    done
    says ABRT/points.csv ',1,crashed,5,the run crashed (Aborted),'
    expect 5 "$numasim" sweep long.yaml -q --no-plot -o ABRT
    says ABRT/manifest.yaml '^points_run: 0'
    expect 0 "$numasim" sweep long.yaml -q --no-plot -o KILL
    says KILL/manifest.yaml '^points_run: 1'
}

folders_of_runs_are_kept_if_asked_for() {
    small_grid
    sed -i 's/seeds: 3/seeds: 1/' small.yaml
    echo 'keep: folders' >>small.yaml
    expect 0 "$numasim" sweep small.yaml -q --no-plot -j2 -o kept
    [ "$(ls kept/runs | wc -l)" -eq 8 ] || complain "not a folder a point"
    key=$(sed -n 2p kept/points.csv | cut -d, -f2 | cut -c1-16)
    expect 0 "$numasim" run -q --no-plot "kept/runs/$key/resolved.yaml" -o again
    same_folders "kept/runs/$key" again
    expect 0 "$numasim" sweep small.yaml -q --no-plot --shard 1/2 -o s1
    expect 0 "$numasim" sweep small.yaml -q --no-plot --shard 2/2 -o s2
    expect 0 "$numasim" merge -q --no-plot s1 s2 -o merged
    diff -rq -x manifest.yaml kept merged >differ || complain "$(cat differ)"
    # a merge that was killed: a folder is there, and no record says so
    rm merged/points.log
    echo 'of another time' >"merged/runs/$key/stale"
    expect 0 "$numasim" merge -q --no-plot s1 s2 -o merged
    diff -rq -x manifest.yaml kept merged >differ || complain "$(cat differ)"
}

a_folder_that_cannot_be_placed_is_said() {
    small_grid
    echo 'keep: folders' >>small.yaml
    expect 0 "$numasim" sweep small.yaml -q --no-plot --shard 1/24 -o there
    rm -r there/runs
    echo 'in the way' >there/runs
    expect 4 "$numasim" sweep small.yaml -q --no-plot --shard 2/24 -o there
    says there/points.csv ',failed,4,there/runs'
}

without_processes_nothing_is_run_and_nothing_left() {
    command -v setpriv >/dev/null && command -v prlimit >/dev/null || exit 77
    small_grid
    chmod 777 .
    # the leak checker would want a process of its own
    export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
    # the superuser has no such limit
    other=
    [ "$(id -u)" -ne 0 ] || other="setpriv --reuid=65534 --regid=65534 --clear-groups"
    # shellcheck disable=SC2086
    $other "$numasim" --version >out 2>err || exit 77
    # shellcheck disable=SC2086
    expect 4 $other prlimit --nproc=1:1 "$numasim" compare -w numa02 -t two-node --seeds 1 -j2 --no-plot -o none
    says err 'no process can be made'
    [ ! -e none ] || complain "compare left a folder"
    # shellcheck disable=SC2086
    expect 4 $other prlimit --nproc=1:1 "$numasim" sweep small.yaml -j2 --no-plot -o none
    says err 'no process can be made'
}

a_disk_that_is_full_is_said() {
    small_grid
    (ulimit -f 8 && exec "$numasim" sweep small.yaml --no-plot -o full) >out 2>err
    code=$?
    [ "$code" -eq 4 ] || complain "exit code $code instead of 4 ($(cat err))"
    says err 'cannot be written'
    ls full/*.csv 2>/dev/null | grep -v plan && complain "a short table was left"
    expect 0 "$numasim" sweep small.yaml -q --no-plot -o full
    expect 0 "$numasim" sweep small.yaml -q --no-plot -o fresh
    same_folders full fresh
}

two_sweeps_do_not_share_a_folder() {
    middle_grid
    "$numasim" sweep middle.yaml -q --no-plot -j1 -o one &
    pid=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        sleep 0.1
        [ -e one/points.log ] && break
    done
    expect 4 "$numasim" sweep middle.yaml -q -o one
    says err 'another sweep is at work there'
    expect 4 "$numasim" sweep middle.yaml -q -o one --force
    [ -e one/points.log ] || complain "--force took the folder from a sweep at work"
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
}

other_engines_run_shards_and_a_merge() {
    small_grid
    expect 0 "$numasim" sweep small.yaml -q --no-plot -o local
    odd='a "b" 100%a' # what the shell and Slurm would misread
    if parallel --version 2>/dev/null | grep -q '^GNU parallel'; then
        for out in "by GNU" "by GNU, $odd"; do
            expect 0 "$numasim" sweep small.yaml --no-plot -j 3 --engine parallel -o "$out"
            same_folders local "$out"
        done
    fi
    mkdir bin
    # as far as we use them
    cat >bin/parallel <<'END'
#!/bin/sh
while read -r item; do sh -c "$(printf '%s\n' "$3" | sed "s/{}/$item/g")" || exit 1; done
END
    cat >bin/sbatch <<'END'
#!/bin/sh
case $1 in
--parsable) for i in 1 2 3; do SLURM_ARRAY_TASK_ID=$i sh "$2" || exit 1; done; echo '7;cluster' ;;
--dependency=afterany:7) sh "$2" ;;
*) exit 9 ;;
esac
END
    chmod +x bin/*
    for engine in parallel slurm; do
        expect 0 env PATH="$work/bin:$PATH" "$numasim" sweep small.yaml --no-plot -j 3 --engine $engine -o "by $engine"
        same_folders local "by $engine"
    done
    if ! command -v sbatch >/dev/null; then
        expect 0 "$numasim" sweep small.yaml -j 2 --engine slurm -o later
        says err 'sh .*later-shards/submit.sh'
    fi
    sed 's/seeds: 3/seeds: 2/' small.yaml >other.yaml
    PATH="$work/bin:$PATH"
    expect 0 "$numasim" sweep other.yaml --no-plot -j 3 --engine slurm -o "$odd"
    says "$odd-shards/shard.sbatch" 'output=".*/a \\"b\\" 100%%a-shards/shard-%a.out"$'
    # two seeds of three are there; and all of it anew
    expect 1 "$numasim" sweep small.yaml --no-plot -j 3 --engine slurm -o "$odd"
    for how in extend force; do
        expect 0 "$numasim" sweep small.yaml --no-plot -j 3 --engine slurm --$how -o "$odd"
        same_folders local "$odd"
    done
    expect 2 "$numasim" sweep small.yaml --engine slrum
    says err "did you mean 'slurm'"
}

mistakes_come_together_and_leave_nothing() {
    small_grid
    cat >bad.yaml <<'END'
topologies: [two-nod]
policies: [topology, autonum]
seedz: 3
set: {numa_balancing.scan_size: [64MiB, 1]}
END
    expect 1 "$numasim" sweep bad.yaml -o a
    says err "^bad.yaml:1:14: topologies\[0\]: there is no topology 'two-nod', and no such file; did you mean 'two-node'"
    says err "^bad.yaml:2:22: policies\[1\]: there is no policy 'autonum'; did you mean 'autonuma'"
    says err "^bad.yaml:3:1: seedz: unknown key 'seedz'; did you mean 'seeds'"
    says err "^bad.yaml:4:41: set.numa_balancing.scan_size\[1\]: '1' is not a size"
    printf 'workloads: [wrong.yaml]\nseeds: 0\nuntil: 1\n' >bad.yaml
    printf 'version: 1\nname: wrong\nprocesses: [{name: p, threads: [{name: t, program: [{comput: 1ms}]}]}]\n' >wrong.yaml
    expect 1 "$numasim" sweep bad.yaml -o a
    says err "^bad.yaml:2:8: seeds: 0 is out of range"
    says err "^bad.yaml:3:8: until: '1' is not a time"
    says err "^wrong.yaml:3:.*there is no step 'comput'; did you mean 'compute'"
    [ "$(wc -l <err)" -eq 3 ] || complain "other mistakes, too: $(cat err)"
    [ -e a ] && complain "a folder was made"
    expect 1 "$numasim" sweep no-such-grid
    says err "there is no experiment 'no-such-grid'"
    expect 2 "$numasim" sweep
    expect 2 "$numasim" sweep small.yaml --shard 3/2
    expect 2 "$numasim" sweep small.yaml -j0
    expect 1 "$numasim" sweep small.yaml --resolve 24
}

pictures_are_drawn_where_gnuplot_is() {
    command -v gnuplot >/dev/null || exit 77
    small_grid
    expect 0 "$numasim" sweep small.yaml -q -o drawn
    [ -s drawn/plots/sweep.svg ] || complain "no picture"
    says drawn/plots/sweep.gp "set xlabel 'workload.loops'"
    expect 0 "$numasim" plot drawn --format text
    says out 'four-node autonuma'
}

"$scenario"
exit $bad
