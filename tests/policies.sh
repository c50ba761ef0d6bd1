#!/bin/sh
# Policies as a user has them: scripts make the same decisions as their C twins, what misbehaves is refused
# or ejected with the reason while the tasks go on, a plugin is built outside of the tree.
#   usage: policies.sh NUMASIM SOURCE_DIR BUILD_DIR twins|bad|plugin|hooks|resolved|planned|replaced|busy|grids
set -u
numasim=$1
source=$2
build=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

fail() {
    echo "policies: $1"
    failed=1
}

run() { # NAME POLICY TOPOLOGY WORKLOAD OPTIONS...
    out=$dir/$1
    policy=$2
    topology=$3
    workload=$4
    shift 4
    "$numasim" run -t "$topology" -w "$workload" -p "$policy" -q --check --no-plot -o "$out" "$@" > "$out.txt" 2>&1
}

column() { # FOLDER COLUMN
    awk -F, -v want="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == want) at = i } NR == 2 { print $at }' "$dir/$1/summary.csv"
}

# With decisions that cost nothing, a script's results are those of the C policy, byte for byte.
twins() {
    free="--set ext.op_cost=0ns --set ext.call_cost=0ns --set ext.contended_cost=0ns"
    for name in fifo vtime mlfq numa_local; do
        for case in "two-node hackbench 30ms" "two-node server 1200ms" "four-node hogs-nice 300ms"; do
            set -- $case
            # shellcheck disable=SC2086
            run "c-$name" "ext:$name" "$1" "$2" --until "$3" $free || fail "$name: $(cat "$dir/c-$name.txt")"
            # shellcheck disable=SC2086
            run "lua-$name" "ext:$source/models/sched/$name.lua" "$1" "$2" --until "$3" $free --set policy.instruction_cost=0ns ||
                fail "$name.lua: $(cat "$dir/lua-$name.txt")"
            for file in tasks.csv cpus.csv latency.csv traffic.csv; do
                cmp -s "$dir/c-$name/$file" "$dir/lua-$name/$file" || fail "$name on $1 with $2: $file differs"
            done
            [ "$(column "c-$name" context_switches)" -gt 100 ] || fail "$name on $1 with $2 has hardly run"
            [ -z "$(column "lua-$name" ext_exit_kind)" ] || fail "$name.lua left: $(column "lua-$name" ext_exit_reason)"
            rm -rf "$dir/c-$name" "$dir/lua-$name"
        done
    done
}

refused() { # FILE TEXT
    "$numasim" policy check "ext:$source/tests/scripts/bad/$1.lua" > "$dir/refused.txt" 2>&1
    [ $? -eq 1 ] || fail "$1.lua was not refused"
    grep -qF "$2" "$dir/refused.txt" || fail "$1.lua: no '$2' in: $(cat "$dir/refused.txt")"
}

ejected() { # FILE KIND TEXT
    run "$1" "ext:$source/tests/scripts/bad/$1.lua" two-node hogs --until 2s
    [ $? -eq 0 ] || fail "$1.lua: $(cat "$dir/$1.txt")"
    [ "$(column "$1" ext_exit_kind)" = "$2" ] || fail "$1.lua: left by $(column "$1" ext_exit_kind), not $2"
    grep -qF "$3" "$dir/$1/summary.csv" || fail "$1.lua: the reason is not '$3'"
    grep -q "went on under the fair class" "$dir/$1.txt" || fail "$1.lua: no warning"
    [ "$(column "$1" complete)" = 1 ] || fail "$1.lua: the results are not complete"
    # eight CPUs, a unit of work is 10 ms: at most 1600 units, and few are lost
    [ "$(column "$1" work_done)" -gt 1500 ] || fail "$1.lua: the tasks did not go on"
}

bad() {
    refused syntax "syntax.lua:3:1: '}' expected"
    refused bytecode "this is bytecode"
    refused endless_load "endless_load.lua:1:1: more instructions"
    refused memory_load "more memory than a script may hold"
    refused string_load "a string is longer than 16 KiB"
    refused deep_load "deep_load.lua:2:1: functions call one another too deeply"
    refused nested "nested.lua:2:1: loops are nested 7 deep; at most 6"
    refused nothing "end it with \`return\`"
    for name in io os debug package load require; do
        refused "reach_$name" "a nil value (global '$name')"
    done
    refused unknown_op "'enque' is no operation"
    refused unknown_op "dispatch is a number; write a function"
    refused unknown_op "there is no 'ENQ_FIRST'"
    refused unknown_op "params.slice.default: '5' is not a time"
    for name in init_error init_code; do
        run "$name" "ext:$source/tests/scripts/bad/$name.lua" two-node hogs --until 1s
        [ $? -eq 1 ] || fail "$name.lua was not refused"
        [ ! -e "$dir/$name" ] || fail "$name.lua left a folder"
    done
    ejected endless_op error "endless_op.lua:4: more instructions than one call may use"
    ejected memory_op error_bpf "memory_op.lua: more memory than a script may hold"
    ejected error_op error_bpf "error_op.lua:5: attempt to index a nil value"
    ejected bad_dsq error "non-existent DSQ 0x4d"
    ejected bad_cpu error "invalid CPU 4711 from ops.select_cpu()"
    ejected double_insert error "already direct-dispatched"
    ejected wrong_context error "scx_dsq_move_to_local() is not allowed in ops.enqueue()"
    ejected own_error error_bpf "I give up"
    ejected lost_task error_stall "failed to run for 0."
}

plugin() {
    cmake --install "$build" --prefix "$dir/installed" > /dev/null || fail "cmake --install"
    cp -r "$source/models/sched/example" "$dir/example"
    PKG_CONFIG_PATH=$dir/installed/lib/pkgconfig make -s -C "$dir/example" CFLAGS="-O1 -Wall -Wextra -Werror" || fail "make"
    "$numasim" policy show "ext:$dir/example/near_first.so" > "$dir/show.txt" 2>&1 || fail "show: $(cat "$dir/show.txt")"
    grep -q "policy.spare" "$dir/show.txt" || fail "the parameters are not shown"
    run near "ext:$dir/example/near_first.so" four-node demo --set policy.spare=0 || fail "run: $(cat "$dir/near.txt")"
    [ "$(column near policy)" = ext:near_first ] && [ -z "$(column near ext_exit_kind)" ] || fail "near_first left"

    sed 's/SCX_OPS_ABI/77/' "$dir/example/near_first.c" > "$dir/example/abi.c"
    sed 's/numasim_policy/other_name/' "$dir/example/near_first.c" > "$dir/example/symbol.c"
    sed 's/scx_task_node/scx_no_such_call/; 1,/^#include.*$/s/^#include.*$/&\nint scx_no_such_call();/' \
        "$dir/example/near_first.c" > "$dir/example/missing.c"
    sed 's/"near_first"/"near first"/; s/"20ms"/"20"/; s/sizeof(struct near_first)/8/' "$dir/example/near_first.c" > "$dir/example/many.c"
    flags=$(PKG_CONFIG_PATH=$dir/installed/lib/pkgconfig pkg-config --cflags numasim)
    for name in abi symbol missing many; do
        # shellcheck disable=SC2086
        ${CC:-cc} -w -fPIC -shared $flags -o "$dir/$name.so" "$dir/example/$name.c" || fail "$name.c"
        "$numasim" policy check "ext:$dir/$name.so" > "$dir/$name.txt" 2>&1
        [ $? -eq 1 ] || fail "$name.so was not refused"
    done
    grep -q "abi: 77; this program has SCX_OPS_ABI" "$dir/abi.txt" || fail "abi: $(cat "$dir/abi.txt")"
    grep -q "has no symbol 'numasim_policy'" "$dir/symbol.txt" || fail "symbol: $(cat "$dir/symbol.txt")"
    grep -q "scx_no_such_call" "$dir/missing.txt" || fail "missing: $(cat "$dir/missing.txt")"
    [ "$(wc -l < "$dir/many.txt")" -ge 3 ] || fail "not all complaints at once: $(cat "$dir/many.txt")"
}

# Five hooks: shortest first in C; newest first in Lua, as the README has it.
hooks() {
    awk '/^local waiting = \{\}$/ { on = 1 } /^```$/ { on = 0 } on' "$source/models/sched/README.md" > "$dir/lifo.lua"
    awk '/^-- Two queues/ { on = 1 } /^```$/ { on = 0 } on' "$source/models/sched/README.md" > "$dir/two.lua"
    for policy in "ext:$dir/lifo.lua" "ext:$dir/two.lua" ext:short_first; do
        run hooks "$policy" two-node hackbench --until 30ms || fail "$policy: $(cat "$dir/hooks.txt")"
        [ -z "$(column hooks ext_exit_kind)" ] || fail "$policy left: $(column hooks ext_exit_reason)"
        [ "$(column hooks context_switches)" -gt 100 ] || fail "$policy has hardly run"
        rm -rf "$dir/hooks"
    done
}

# A run of a script can be repeated from its resolved.yaml, and only with that script.
resolved() {
    cp "$source/models/sched/mlfq.lua" "$dir/my.lua"
    run first "ext:$dir/my.lua" two-node hackbench --until 20ms --set policy.slice=2ms || fail "$(cat "$dir/first.txt")"
    "$numasim" run "$dir/first/resolved.yaml" -q --no-plot --check -o "$dir/again" > "$dir/again.txt" 2>&1 || fail "$(cat "$dir/again.txt")"
    diff -r -x manifest.yaml "$dir/first" "$dir/again" > /dev/null || fail "resolved.yaml gave other results"
    grep -q 'policy.slice: 2ms' "$dir/first/resolved.yaml" || fail "the parameter is not in resolved.yaml"
    echo "-- changed" >> "$dir/my.lua"
    "$numasim" run "$dir/first/resolved.yaml" -q --no-plot -o "$dir/changed" > "$dir/changed.txt" 2>&1
    [ $? -eq 1 ] && [ ! -e "$dir/changed" ] && grep -q "resolved.yaml:.*is not the policy that was run" "$dir/changed.txt" ||
        fail "a changed script: $(cat "$dir/changed.txt")"
}

# A policy comes at 50 ms and leaves at 100 ms, as planned: that is no early exit, and what it had is given back.
planned() {
    for policy in ext:mlfq "ext:$source/models/sched/mlfq.lua"; do
        run planned "$policy" two-node hogs --until 300ms --set ext.load_at=50ms --set ext.unload_at=100ms || fail "$(cat "$dir/planned.txt")"
        [ -z "$(column planned ext_exit_kind)" ] || fail "$policy left by $(column planned ext_exit_kind)"
        # 8 CPUs, ticks of 4 ms: between 50 and 140 ms at most 23 ticks a CPU
        awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
                 NR == 2 { exit !($at["state"] == "disabled" && $at["calls_init"] == 1 &&
                                  $at["calls_enqueue"] > 8 && $at["calls_running"] <= 8 * 23) }' "$dir/planned/ext.csv" ||
            fail "$policy: ext.csv: $(cat "$dir/planned/ext.csv")"
        [ "$(column planned work_done)" -ge 220 ] || fail "$policy: the hogs did not go on"
        rm -rf "$dir/planned"
    done
}

# One policy after the other in a run, and a time without: the results have a row for each, and resolved.yaml repeats it.
replaced() {
    cp "$source/models/sched/fifo.lua" "$dir/own.lua"
    cat > "$dir/turns.yaml" << END
base: ext:rr
set: {policy.slice: 3ms}
then:
  - {at: 100ms, policy: ext:vtime, set: {policy.slice: 5ms}}
  - {at: 200ms, policy: none}
  - {at: 250ms, policy: ext:$dir/own.lua}
END
    run turns "$dir/turns.yaml" two-node hogs --until 400ms || fail "$(cat "$dir/turns.txt")"
    [ -z "$(column turns ext_exit_kind)" ] || fail "one of them left by $(column turns ext_exit_kind)"
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
             NR > 1 { print $at["policy"], $at["state"], $at["loaded_at_ns"], $at["calls_init"] }' "$dir/turns/ext.csv" > "$dir/rows"
    # an unloading takes 40 ms, and the next one is there at once
    printf '%s\n' "rr disabled 0 1" "vtime disabled 140000000 1" "fifo enabled 250000000 1" > "$dir/want"
    sed -i 's/^fifo\.lua/fifo/' "$dir/rows"
    cmp -s "$dir/rows" "$dir/want" || fail "ext.csv: $(cat "$dir/rows")"
    [ "$(column turns work_done)" -ge 300 ] || fail "the hogs did not go on: $(column turns work_done)"
    "$numasim" run "$dir/turns/resolved.yaml" -q --no-plot -o "$dir/again" > "$dir/again.txt" 2>&1 || fail "$(cat "$dir/again.txt")"
    for file in summary.csv ext.csv tasks.csv resolved.yaml; do
        cmp -s "$dir/turns/$file" "$dir/again/$file" || fail "$file is another one when it is run again"
    done
    echo "-- another" >> "$dir/own.lua"
    "$numasim" run "$dir/turns/resolved.yaml" -q --no-plot -o "$dir/third" > "$dir/third.txt" 2>&1 && fail "another script was run"
    grep -q "SHA-256" "$dir/third.txt" || fail "$(cat "$dir/third.txt")"
    cat > "$dir/wrong.yaml" << END
base: ext:rr
then:
  - {at: 100ms, policy: ext:vtime, set: {sched.hz: 100}}
  - {at: 50ms, policy: ext:fif}
  - {at: 70ms, policy: topology}
  - {policy: ext:rr}
  - {at: 90, policy: ext:ny, set: {}}
END
    run wrong "$dir/wrong.yaml" two-node hogs --until 400ms && fail "wrong replacements were run"
    for words in "wrong.yaml:3:.*holds for the whole run" "wrong.yaml:4:.*did you mean 'ext:fifo'" "wrong.yaml:5:.*is not programmable" \
        "wrong.yaml:6:.*at is missing" "wrong.yaml:7:.*'90' is not a time" "wrong.yaml:7:.*no policy 'ext:ny'"; do
        grep -q "$words" "$dir/wrong.txt" || fail "$words is not in $(cat "$dir/wrong.txt")"
    done
}

# What is built in keeps a machine at work. bench-mix has 16 tasks for 8 CPUs that run and sleep for 1 ms: were they dealt out
# once and for all, a CPU with two of them would be busy for two thirds of the time (a closed network of two stations of rate 1
# with two customers: 1 - 1/3 with one server, less what waits for memory counts as running, too).
busy() {
    "$numasim" policy list | awk '$1 ~ /^ext:/ { print $1 }' > "$dir/policies"
    [ "$(wc -l < "$dir/policies")" -ge 10 ] || fail "policy list: $(cat "$dir/policies")"
    while read -r policy; do
        run busy "$policy" two-node bench-mix --until 300ms || fail "$policy: $(cat "$dir/busy.txt")"
        awk -v busy="$(column busy cpu_busy_ratio)" 'BEGIN { exit !(busy > 2 / 3) }' ||
            fail "$policy: CPUs are busy for $(column busy cpu_busy_ratio) of the time"
        # at most 8 units a ms, of which scheduling may take a quarter
        [ "$(column busy work_done)" -gt 1200 ] || fail "$policy: $(column busy work_done) units of work"
        rm -rf "$dir/busy"
    done < "$dir/policies"
}

# The experiments have as many points as their README says, wherever one stands: scripts are seen from the grid.
grids() {
    for grid in "$source"/results/experiments/policies/*.yaml; do
        name=$(basename "$grid" .yaml)
        (cd "$dir" && "$numasim" sweep "$grid" --plan) > "$dir/plan.csv" 2> "$dir/plan.txt" || fail "$name: $(cat "$dir/plan.txt")"
        said=$(awk -F'|' -v name=" \`$name\` " '$2 == name { print $3 + 0 }' "$source/results/experiments/policies/README.md")
        [ "$(wc -l < "$dir/plan.csv")" -eq "$((said + 1))" ] || fail "$name has $(wc -l < "$dir/plan.csv") lines, README says $said points"
    done
}

"$4"
[ $failed -eq 0 ] && echo "policies: $4: as expected"
exit $failed
