#!/bin/sh
# The house rules that a machine can check: includes point down, nobody below cli prints, reads the
# clock or the environment, or exits; nothing calls itself unfinished; nothing below cli keeps state
# outside its structs.
#   usage: tidy.sh SOURCE_DIR [BUILD_DIR]
set -u
cd "$1" || exit 2
build=${2:-}
bad=0

complain() {
    echo "tidy: $1"
    bad=1
}

# Rank of the layer that a file belongs to; siblings share one and may not include each other.
rank() {
    case $1 in
    sim/base/* | base/*) echo "0 base" ;;
    sim/engine/* | engine/*) echo "1 engine" ;;
    sim/machine/* | machine/*) echo "1 machine" ;;
    sim/numasim/* | numasim/*) echo "1 numasim" ;;
    sim/kernel/* | kernel/*) echo "2 kernel" ;;
    sim/workload/* | workload/*) echo "3 workload" ;;
    models/*) echo "3 models" ;;
    sim/report/* | report/*) echo "3 report" ;;
    sim/script/* | script/*) echo "3 script" ;;
    sim/run/* | run/*) echo "4 run" ;;
    sim/config/* | config/*) echo "5 config" ;;
    sim/cli/* | cli/*) echo "6 cli" ;;
    *) echo "" ;;
    esac
}

for file in $(git ls-files 'sim/*.[ch]' 'models/*.[ch]' 2>/dev/null || find sim models -name '*.[ch]'); do
    [ -f "$file" ] || continue
    own=$(rank "$file")
    for inc in $(sed -n 's/^#include "\(.*\)"$/\1/p' "$file"); do
        target=$(rank "$inc")
        [ -n "$target" ] || { case $inc in */*) complain "$file includes $inc, which is in no layer" ;; esac; continue; }
        [ "$own" = "$target" ] && continue
        [ "${own%% *}" -gt "${target%% *}" ] || complain "$file (${own#* }) includes $inc (${target#* }): includes point down"
    done
done

# Files below cli, without the one place that may speak: sim_panic in base.c.
below=$(git ls-files 'sim/*.c' 'sim/*.h' 'models/*.c' 'models/*.h' | grep -v -e '^sim/cli/' -e '^sim/base/base\.[ch]$')
for word in 'printf *[(]' 'fprintf *[(]' 'puts *[(]' 'putchar *[(]' 'perror *[(]' 'g_print *[(]' 'g_printerr *[(]' 'g_message *[(]' \
    'g_warning *[(]' 'getenv *[(]' 'g_getenv *[(]' 'exit *[(]' 'clock *[(]' 'time *[(]' 'clock_gettime *[(]' 'gettimeofday *[(]' \
    'g_get_monotonic_time *[(]' 'g_get_real_time *[(]'; do
    # shellcheck disable=SC2086
    grep -nE "(^|[^A-Za-z0-9_>.])$word" $below |
        grep -vE 'SIM_PRINTF|^[^:]*:[0-9]+: *\*|//' > /tmp/tidy.$$ || true
    while read -r line; do
        complain "$line: not below cli"
    done < /tmp/tidy.$$
done
rm -f /tmp/tidy.$$

# GLib begins at report and config.
core=$(git ls-files sim/base sim/engine sim/machine sim/kernel sim/workload sim/run models)
# shellcheck disable=SC2086
for hit in $(grep -lE '#include <(glib|gio|yaml|json-glib|hwloc|gsl|math)' $core); do
    complain "$hit uses more than the C library"
done

git grep -nIiE '\b(TODO|FIXME|XXX|HACK|not implemented|unimplemented|stub)\b' -- '*.c' '*.h' '*.md' '*.sh' '*.yaml' '*.txt' \
    'quickstart' ':!tests/tidy.sh' > /tmp/tidy.$$ || true
while read -r line; do
    complain "$line: calls itself unfinished"
done < /tmp/tidy.$$
rm -f /tmp/tidy.$$

# State outside of structs shows as a symbol in .data or .bss of a library below cli.
if [ -n "$build" ]; then
    for lib in base engine machine kernel workload models script run report config; do
        [ -f "$build/libns_$lib.a" ] || continue
        nm -f sysv "$build/libns_$lib.a" 2>/dev/null |
            awk -F'|' 'NF >= 7 { gsub(/ /, "", $1); gsub(/ /, "", $7);
                if (($7 == ".data" || $7 == ".bss" || $7 ~ /^\.(data|bss)\.[^r]/ || $7 == "*COM*") &&
                    $1 !~ /^(__odr_asan|__asan|__sanitizer|__ubsan|__unnamed_|_GLOBAL__|\.L|\*|__TMC)/ && $4 !~ /NOTYPE|SECTION/) print $1 }' |
            sort -u > /tmp/tidy.$$
        while read -r symbol; do
            complain "libns_$lib: $symbol is a mutable static"
        done < /tmp/tidy.$$
    done
    rm -f /tmp/tidy.$$
fi

# The map of mechanisms names files that exist.
for file in $(grep -o '`[a-z./_]*\.[ch]`' sim/README.md | tr -d '`'); do
    [ -e "sim/$file" ] || complain "sim/README.md names $file, which is not there"
done

[ $bad -eq 0 ] && echo "tidy: includes point down, nobody speaks below cli, no hidden state, nothing unfinished"
exit $bad
