#!/usr/bin/env bash
# Looks for known vulnerabilities in the code that we call. The database is on the network (GOVULNDB names another one).
# When it cannot be reached there is no verdict: that is said aloud, and is no failure.
set -euo pipefail
cd "$(dirname "$0")/.."

output=$(mktemp)
trap 'rm -f "$output"' EXIT

status=0
timeout 300 bin/vuln ./... >"$output" 2>&1 || status=$?
cat "$output"

if ((status == 124)) || grep -qE 'govulncheck: fetching vulnerabilities' "$output"; then
  reason=$(grep -m1 'fetching vulnerabilities' "$output" || echo 'no answer within 300 s')
  echo "NOT RUN: vulnerability check: the database is unreachable (${reason#govulncheck: })"
  exit 0
fi
exit "$status"
