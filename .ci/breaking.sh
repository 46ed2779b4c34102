#!/usr/bin/env bash
# Compares the contract with the last one that others could rely on: the newest release, before the first release the
# point where this branch left main, and on main the commit before. A break needs a line with "breaking" in CHANGELOG.md.
set -euo pipefail
cd "$(dirname "$0")/.."

baseline() {
  git describe --tags --match 'v*' --abbrev=0 2>/dev/null && return
  local fork
  fork=$(git merge-base HEAD origin/main 2>/dev/null || true)
  if [[ -n $fork && $fork != $(git rev-parse HEAD) ]]; then
    echo "$fork"
  else
    git rev-parse --verify --quiet 'HEAD~1'
  fi
}

if ! base=$(baseline) || ! git cat-file -e "$base:buf.yaml" 2>/dev/null; then
  echo 'no earlier contract in this history: nothing can be broken'
  exit 0
fi

earlier=$(mktemp -d)
trap 'rm -rf "$earlier"' EXIT
git archive "$base" buf.yaml proto | tar -x -C "$earlier"

if bin/buf breaking --against "$earlier"; then
  echo "the contract is compatible with ${base:0:12}"
elif git diff --unified=0 "$base" -- CHANGELOG.md | grep -qi '^+.*breaking'; then
  echo "the contract breaks ${base:0:12}, and CHANGELOG.md says so"
else
  echo "the contract breaks ${base:0:12}: keep it, or say \"breaking\" in CHANGELOG.md" >&2
  exit 1
fi
