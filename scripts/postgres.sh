#!/usr/bin/env bash
# Makes the programs of PostgreSQL be there, in which a test keeps the database of a real Airflow; starts nothing.
# usage: scripts/postgres.sh     as root on Debian it installs what is missing
set -euo pipefail
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && exit
command -v initdb >/dev/null && exit

say() { printf 'penstock: %s\n' "$*" >&2; }

{ [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null; } || {
    say "no PostgreSQL, so the tests with a real Airflow server cannot run; install it, or run make as root on Debian"
    [ "${PENSTOCK_NEEDS_ENGINE:-}" != 1 ] || exit 1
    exit 0
}
say "installing postgresql"
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then # no cluster must be started that nobody asked for
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
log=$(mktemp)
{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends postgresql; } </dev/null >"$log" 2>&1 || {
    say "apt-get could not install postgresql: $(tail -n 1 "$log")"
    exit 1
}
rm -f "$log"
