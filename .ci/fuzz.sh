#!/usr/bin/env bash
# Fuzzes every target of the module for FUZZTIME, one after the other, and goes on after a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

fuzztime=${FUZZTIME:-10s}
output=$(mktemp)
trap 'rm -f "$output"' EXIT

fuzz() { # directory, target
  go test -run '^$' -fuzz "^$2\$" -fuzztime "$fuzztime" "$1" >"$output" 2>&1
}

# On a loaded machine the end of the time can hit a worker in the middle of an input. Go then reports a failure with a
# deadline and without an input: that says nothing about the code, so it gets one more chance.
out_of_time() {
  grep -q 'context deadline exceeded' "$output" && ! grep -q 'Failing input written' "$output"
}

count=0
failed=()
while read -r directory; do
  # Only the compiler knows which of them are in this build.
  targets=$(go test -list '^Fuzz' "$directory" | grep '^Fuzz' || true)
  for target in $targets; do
    count=$((count + 1))
    echo "$directory $target"
    if fuzz "$directory" "$target" || { out_of_time && fuzz "$directory" "$target"; }; then
      continue
    fi
    failed+=("$directory $target")
    tail -n 40 "$output"
  done
done < <(git grep -l --untracked '^func Fuzz' -- '*_test.go' | xargs -rn1 dirname | sort -u | sed 's|^|./|')

if ((${#failed[@]})); then
  printf 'failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
echo "$count fuzz targets held for $fuzztime each"
