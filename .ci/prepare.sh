#!/usr/bin/env bash
# Installs what the full checks need and this machine lacks. Go itself is expected: go.mod says which.
set -euo pipefail

missing=()
need() { # package, command that tells whether it is there
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}
any_command() {
  local name
  for name; do
    command -v "$name" && return
  done
  return 1
}
postgres_server() { compgen -G '/usr/lib/postgresql/*/bin/initdb' || command -v initdb; }

need gcc any_command gcc cc                       # the race detector is C
need libc6-dev test -e /usr/include/stdlib.h
need git any_command git
need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
need shellcheck any_command shellcheck
need chromium any_command chromium chromium-browser google-chrome
need fonts-liberation test -d /usr/share/fonts    # Chromium wants one font
need default-jre-headless any_command java        # Keycloak
need maven any_command mvn                        # brings Keycloak
need python3-venv python3 -c 'import ensurepip, venv'
need npm any_command npm                          # brings the conformance suite
need postgresql postgres_server
need pgbouncer any_command pgbouncer

if ((${#missing[@]} == 0)); then
  echo 'nothing is missing'
  exit 0
fi
echo "installing: ${missing[*]}"

as_root=()
if ((EUID != 0)); then
  as_root=(sudo -n)
fi
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)
"${apt[@]}" update
"${apt[@]}" install -y --no-install-recommends "${missing[@]}"
