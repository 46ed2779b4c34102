#!/usr/bin/env bash
# Checks go.mod: it is tidy, direct dependencies are releases, and nothing that we link needs cgo.
set -euo pipefail
cd "$(dirname "$0")/.."

# Modules that publish no releases:
#   genproto is generated from the API definitions of the day,
#   buf.build/gen is generated, and its version is the one of the plugin and of the source,
#   golang.org/x/exp never promises anything,
#   cdproto is generated from the protocol of the browser of the day.
unreleased='^(google\.golang\.org/genproto/.*|buf\.build/gen/.*|golang\.org/x/exp|github\.com/chromedp/cdproto) '
pseudo='[-.][0-9]{14}-[0-9a-f]{12}'
status=0

if ! go mod tidy -diff; then
  echo 'go.mod or go.sum is not tidy: run "go mod tidy"' >&2
  status=1
fi

direct=$(go list -m -f '{{if not (or .Main .Indirect)}}{{.Path}} {{.Version}}{{end}}' all)
if surprises=$(grep -E -- "$pseudo" <<<"$direct" | grep -vE "$unreleased"); then
  printf 'not a release:\n%s\n' "$surprises" >&2
  status=1
fi

cgo=$(CGO_ENABLED=1 go list -deps -f '{{if and .CgoFiles (not .Standard)}}{{.ImportPath}}{{end}}' ./cmd/gatehouse)
if [[ -n $cgo ]]; then
  printf 'needs cgo:\n%s\n' "$cgo" >&2
  status=1
fi

exit "$status"
