#!/bin/sh
# Traces, end to end: one function each, named after what must hold.
#   usage: trace.sh NUMASIM SCENARIO
set -u
numasim=$1
scenario=$2
tests=$(cd "$(dirname "$0")" && pwd)
check=$tests/trace_check.py
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
bad=0

complain() {
    echo "$scenario: $1"
    bad=1
}

need_python() {
    command -v python3 >/dev/null || {
        echo "no python3: the independent reader cannot run"
        exit 77
    }
}

# simulate TOPOLOGY WORKLOAD POLICY UNTIL OPTION...
simulate() {
    t=$1 w=$2 p=$3 u=$4
    shift 4
    "$numasim" run -t "$t" -w "$w" -p "$p" --until "$u" -o run --force -q --no-plot "$@" 2>err ||
        complain "$t $w $p: $(cat err)"
}

reader() {
    python3 "$check" "$@" >said 2>&1 || complain "$(tail -2 said)"
    cat said
}

json_and_text_show_the_same_legal_schedule() {
    need_python
    while read -r t w p u; do
        simulate "$t" "$w" "$p" "$u" --trace a.json --trace a.txt --trace-ns
        reader a.json a.txt run
    done <<END
two-node demo topology 1s
four-node pipe topology 5ms
four-node hackbench topology 10ms
four-node hogs-nice autonuma 300ms
two-node numa02 autonuma 2s
four-ring bench-mix autonuma 500ms
eight-node numa01 autonuma 1s
two-node server topology 300ms
END
}

perfetto_and_text_show_the_same_events() {
    need_python
    while read -r t w p u; do
        simulate "$t" "$w" "$p" "$u" --trace a.pftrace --trace a.txt --trace-ns
        python3 "$tests/trace_perfetto.py" a.pftrace a.txt >said 2>&1 || complain "$t $w: $(tail -2 said)"
        tee -a all <said
    done <<END
two-node demo topology 1s
four-node hackbench topology 10ms
two-node numa02 autonuma 3s
four-ring bench-mix autonuma 500ms
four-node make topology 1s
END
    grep -q ' [1-9][0-9]* marks' all || complain "no marks were seen"
    # a part of it, and packed
    simulate four-node hackbench topology 10ms --trace a.pftrace.gz --trace a.txt --trace-ns \
        --trace-filter 'task=*sender-1*,cpu=0-9,from=2ms,to=6ms'
    python3 "$tests/trace_perfetto.py" a.pftrace.gz a.txt >said 2>&1 || complain "a part: $(tail -2 said)"
}

trace_cmd_reports_what_the_text_says() {
    need_python
    command -v trace-cmd >/dev/null || {
        echo "no trace-cmd: the independent reader cannot run"
        exit 77
    }
    while read -r t w p u; do
        simulate "$t" "$w" "$p" "$u" --trace a.dat --trace a.txt --trace-ns
        trace-cmd report -i a.dat -t -N >report 2>err || complain "$t $w: $(cat err)"
        python3 "$tests/trace_dat.py" report a.txt >said 2>&1 || complain "$t $w: $(tail -1 said)"
        cat said
    done <<END
two-node demo topology 1s
four-node hackbench topology 10ms
two-node numa02 autonuma 3s
four-ring bench-mix autonuma 500ms
four-node make topology 1s
two-node cyclictest topology 2s
END
    simulate four-node hackbench topology 10ms --trace a.dat --trace a.txt --trace-ns \
        --trace-filter 'task=*sender-1*,cpu=0-9,from=2ms,to=6ms'
    trace-cmd report -i a.dat -t -N >report
    python3 "$tests/trace_dat.py" report a.txt || complain "a part"
}

# Read by libtracecmd, replayed with its placement and written again, as text.
trace_dat_comes_back() {
    for w in pipe hackbench bench-mix; do
        simulate four-node $w topology 20ms --trace a.dat.gz --trace a.txt
        simulate four-node a.dat.gz topology 1s --replay-placement --trace again.txt
        for f in a again; do
            sed '/^#/d; s/^.*: \(sched_[a-z_]*: \)/\1/' $f.txt >$f.events
        done
        cmp a.events again.events || complain "$w did not come back"
    done
}

tracing_changes_no_result() {
    simulate four-node hackbench autonuma 20ms
    mv run plain
    simulate four-node hackbench autonuma 20ms --trace a.json --trace a.txt --trace a.pftrace --trace a.dat --tables
    for f in latency.txt timehist.txt map.txt; do
        [ -s "run/$f" ] || complain "$f is missing"
        rm -f "run/$f"
    done
    diff -rq -x manifest.yaml plain run || complain "results differ"
}

every_filter_leaves_a_whole_trace() {
    need_python
    for f in 'task=*sender-1*' cpu=0-3,8 node=1 from=2ms,to=4ms 'task=*receiver*,node=0,from=3ms'; do
        simulate four-node hackbench topology 20ms --trace a.json --trace a.txt --trace-filter "$f"
        reader a.json
        [ "$(grep -vc '^#' a.txt)" -gt 10 ] || complain "$f: the text is empty"
    done
    simulate four-node hackbench topology 5ms --trace a.txt --trace-filter 'from=2ms,to=4ms'
    awk '!/^#/ { sub(/:.*/, ""); t = $NF; if (t < 0.002 || t >= 0.004) { exit 1 } }' a.txt ||
        complain "an event outside the window"
}

a_limit_is_said() {
    need_python
    simulate four-node hackbench topology 5ms --trace a.json --trace a.txt --trace-filter limit=1000
    grep -q 'a.txt ends at .* after 1000 events' err || complain "nothing said: $(cat err)"
    [ "$(grep -vc '^#' a.txt)" -eq 1000 ] || complain "not 1000 lines"
    reader a.json
    simulate two-node demo topology 10ms --trace a.json --trace-filter 'task=nobody'
    grep -q 'no task has such a name' err || complain "nothing said: $(cat err)"
}

# Sixteen times the run must not need more memory; 6 MiB are the allocator's.
memory_stays_flat() {
    [ -x /usr/bin/time ] || exit 77
    for u in 10ms 160ms; do
        ASAN_OPTIONS=quarantine_size_mb=1:thread_local_quarantine_size_kb=64 \
            /usr/bin/time -f %M -o "$u" "$numasim" run -t four-node -w pipe --until $u -o run --force \
            -q --no-plot --trace a.json.gz --trace a.txt --trace a.pftrace --trace a.dat --tables || complain "failed"
    done
    echo "$(cat 10ms) KiB, then $(cat 160ms) KiB"
    [ "$(cat 160ms)" -lt $(($(cat 10ms) + 6144)) ] || complain "memory grows"
}

interrupted_run_closes_its_trace() {
    need_python
    "$numasim" run -t four-node -w pipe --until 1000s -o run -q --no-plot --trace a.json \
        --trace a.txt --trace a.pftrace --trace a.dat --trace-ns 2>err &
    pid=$!
    sleep 1
    [ -e a.json ] && complain "the trace has its name before it is whole"
    kill -INT $pid
    wait $pid
    [ $? -eq 130 ] || complain "not interrupted: $(cat err)"
    reader a.json a.txt
    python3 "$tests/trace_perfetto.py" a.pftrace a.txt || complain "the Perfetto trace is not whole"
    if command -v trace-cmd >/dev/null; then
        trace-cmd report -i a.dat -t -N >report
        python3 "$tests/trace_dat.py" report a.txt || complain "trace.dat is not whole"
    fi
    [ -z "$(ls | grep part)" ] || complain "something is left behind: $(ls)"
}

packed_is_the_same() {
    simulate four-node hackbench topology 5ms --trace a.json --trace b.json.gz
    gunzip -c b.json.gz | cmp - a.json || complain "packed and plain differ"
}

wrong_requests_make_no_folder() {
    for f in cpu=99 node=7 task who=1 limit=0 from=2s,to=1s from=5; do
        "$numasim" run -w demo -t two-node --until 1ms -o run -q --trace a.json \
            --trace-filter $f 2>err
        [ $? -eq 1 ] || complain "$f was taken"
        grep -q -e '--trace-filter' err || complain "$f: $(cat err)"
        [ -e run ] && complain "$f made a folder"
    done
    "$numasim" run -w demo -t two-node --until 1ms -o run -q --trace a.xyz 2>err
    [ $? -eq 1 ] || complain "a.xyz was taken"
    "$numasim" run -w demo -t two-node --until 1ms -o run -q --trace a.txt --trace a.txt 2>err
    [ $? -eq 1 ] || complain "one file was taken for two traces"
    "$numasim" run -w demo -t two-node --until 1ms -o run -q --trace none/a.json 2>err
    [ $? -eq 4 ] || complain "none/a.json was written"
    [ -e run ] && complain "a folder without its trace"
    [ -z "$(ls | grep part)" ] || complain "something is left behind: $(ls)"
}

case $scenario in
*[!a-z_]*) exit 2 ;;
esac
$scenario
exit $bad
