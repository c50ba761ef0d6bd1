#!/bin/sh
# Every command that the README shows is run as a user would type it.
#   usage: readme.sh PROGRAM SOURCE_DIR
set -eu
program=$1
source=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp "$source/tests/import/readme-machine.txt" "$dir/my-machine.txt"
cd "$dir"
numasim() {
    "$program" "$@"
}
n=0
sed -n 's/^    \(numasim .*\)$/\1/p' "$source/README.md" | sed 's/   .*$//' > commands
while read -r line; do
    echo "readme: $line"
    eval "$line" > log 2>&1 || { cat log >&2; echo "readme: '$line' failed" >&2; exit 1; }
    n=$((n + 1))
done < commands
grep -q '^    ./quickstart$' "$source/README.md"
[ -x "$source/quickstart" ]
echo "readme: $n commands ran"
[ "$n" -ge 8 ]
